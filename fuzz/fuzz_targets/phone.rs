#![no_main]

use graceline_fuzz::{targets, write_seeds};

libfuzzer_sys::fuzz_target!(init: write_seeds("phone"), |data: &[u8]| targets::phone::run(data));
