#![no_main]
visaged_fuzz::target!(HTTP);
