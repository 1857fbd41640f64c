#![no_main]

use graceline_fuzz::{targets, write_seeds};

libfuzzer_sys::fuzz_target!(init: write_seeds("dialog_info"), |data: &[u8]| targets::dialog_info::run(data));
