#![no_main]

use graceline_fuzz::{targets, write_seeds};

libfuzzer_sys::fuzz_target!(init: write_seeds("round_trip"), |data: &[u8]| targets::round_trip::run(data));
