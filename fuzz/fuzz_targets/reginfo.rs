#![no_main]

use graceline_fuzz::{targets, write_seeds};

libfuzzer_sys::fuzz_target!(init: write_seeds("reginfo"), |data: &[u8]| targets::reginfo::run(data));
