#![no_main]
visaged_fuzz::target!(FER_CSV);
