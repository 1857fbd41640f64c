#![no_main]

use graceline_fuzz::{targets, write_seeds};

libfuzzer_sys::fuzz_target!(init: write_seeds("parse"), |data: &[u8]| targets::parse::run(data));
