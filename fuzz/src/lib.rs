//! The fuzzer: what it runs, and what it starts from.

pub use graceline_kit::targets;

use graceline_kit::torture;
use std::fs;
use std::path::Path;

/// Writes what the target starts from to its corpus.
pub fn write_seeds(target: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder).expect("a folder");
    let torture = [torture::rfc4475(), torture::rfc5118()].concat();
    let target = targets::TARGETS.iter().find(|known| known.name == target);
    let inputs = target
        .expect("a target")
        .inputs(torture.iter().map(|message| &*message.bytes));
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), input).expect("a file");
    }
}
