#![no_main]
visaged_fuzz::target!(Y4M);
