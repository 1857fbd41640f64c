//! Parse and typed access, native: Graceline's parser and those of four crates
//! over `benches/messages`. Every parser reads the same fields of each message;
//! what one of them cannot read is counted and named, not left out of its time.
//!
//! Prints JSON: nanoseconds of CPU a message, one entry for each round, and
//! what is missing.

mod readers;

use cpu_time::ThreadTime;
use readers::{Fields, READERS};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

/// How long one parser is measured in one round.
const SLICE: Duration = Duration::from_millis(15);

struct Message {
    name: String,
    bytes: &'static [u8],
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(rounds)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: graceline-bench FOLDER ROUNDS");
        std::process::exit(2);
    };
    let rounds: usize = rounds.parse().expect("ROUNDS is a number");
    let messages = load(Path::new(&folder));

    let mut samples = vec![Vec::new(); READERS.len()];
    // One round more than is kept: the first warms up.
    for round in 0..=rounds {
        // Each round begins with another parser, so that none has a fixed place.
        for turn in 0..READERS.len() {
            let index = (round + turn) % READERS.len();
            let nanos = measure(READERS[index].timed, &messages);
            if round > 0 {
                samples[index].push(nanos);
            }
        }
    }

    let wanted: Vec<Vec<String>> = messages
        .iter()
        .map(|message| readers::collect(&READERS[0], message.bytes))
        .collect();
    let entries: Vec<String> = READERS
        .iter()
        .zip(&samples)
        .map(|(reader, samples)| {
            let missing: Vec<String> = messages
                .iter()
                .zip(&wanted)
                .filter(|(message, wanted)| readers::collect(reader, message.bytes) != **wanted)
                .map(|(message, _)| format!("{:?}", message.name))
                .collect();
            format!(
                "{{\"name\":{:?},\"nanos\":{samples:?},\"differs\":[{}]}}",
                reader.name,
                missing.join(",")
            )
        })
        .collect();
    println!("[{}]", entries.join(","));
}

fn measure(read: fn(&'static [u8], &mut BlackBox) -> Option<()>, messages: &[Message]) -> f64 {
    let start = ThreadTime::now();
    let mut count = 0_u32;
    loop {
        for message in messages {
            black_box(read(black_box(message.bytes), &mut BlackBox));
            count += 1;
        }
        let elapsed = start.elapsed();
        if elapsed >= SLICE {
            return elapsed.as_nanos() as f64 / f64::from(count);
        }
    }
}

/// Takes the fields, so that the compiler cannot leave their reading out.
pub struct BlackBox;

impl Fields for BlackBox {
    fn text(&mut self, text: &[u8]) {
        black_box(text);
    }
    fn number(&mut self, number: u64) {
        black_box(number);
    }
    fn value<T: ?Sized>(&mut self, value: &T, _: impl FnOnce(&T) -> String) {
        black_box(value);
    }
}

fn load(folder: &Path) -> Vec<Message> {
    let mut messages: Vec<Message> = std::fs::read_dir(folder)
        .expect("FOLDER can be read")
        .map(|entry| entry.expect("FOLDER can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sip"))
        .map(|path| Message {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            // Lives as long as the process: two of the crates want `Bytes`, which
            // then costs them nothing.
            bytes: std::fs::read(path).expect("a message can be read").leak(),
        })
        .collect();
    messages.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!messages.is_empty(), "FOLDER holds no .sip file");
    messages
}
