//! One function for each target of the fuzzer (`fuzz`). `tests/torture` runs them,
//! too, with inputs that a fixed seed makes.
//!
//! A target fails by a panic: of the code under test, or of an assertion here.

mod calls;
pub mod challenge;
pub mod control;
pub mod csta;
pub mod dialog_info;
pub mod gateway;
pub mod parse;
pub mod phone;
pub mod reginfo;
pub mod registrar;
pub mod round_trip;
mod script;

/// A function for the fuzzer.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Inputs of its own to start from.
    seeds: &'static [&'static str],
    /// What must stand before a torture message for it to be listened to.
    before: &'static str,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("parse", parse::run, &[]),
    target("round_trip", round_trip::run, &[]),
    target("challenge", challenge::run, challenge::SEEDS),
    target("reginfo", reginfo::run, reginfo::SEEDS),
    target("dialog_info", dialog_info::run, dialog_info::SEEDS),
    Target {
        before: phone::LOG_IN,
        ..target("phone", phone::run, phone::SEEDS)
    },
    target("registrar", registrar::run, registrar::SEEDS),
    target("csta", csta::run, csta::SEEDS),
    target("control", control::run, control::SEEDS),
    target("gateway", gateway::run, gateway::SEEDS),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: &'static [&'static str]) -> Target {
    Target {
        name,
        run,
        seeds,
        before: "",
    }
}

impl Target {
    /// The inputs to start from, with those made of the torture messages.
    pub fn inputs<'a>(&self, torture: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let torture = torture.map(|message| [self.before.as_bytes(), message].concat());
        let own = self.seeds.iter().map(|seed| seed.as_bytes().to_vec());
        own.chain(torture).collect()
    }
}
