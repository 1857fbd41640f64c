#![no_main]

use graceline_fuzz::{targets, write_seeds};

libfuzzer_sys::fuzz_target!(init: write_seeds("registrar"), |data: &[u8]| targets::registrar::run(data));
