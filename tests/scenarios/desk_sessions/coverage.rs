//! What the sessions must have come across, or they prove nothing.

use super::script::{DEEDS, Script};
use crate::tally::Tally;

pub fn note_setting(script: &Script, tally: &mut Tally) {
    tally.count("played", "sessions");
    tally.add("played", "pages", script.pages.len() as u64);
    tally.count("gateways", script.plan.gateways.to_string());
    tally.count("addresses", script.plan.nodes.to_string());
}

const MUST_BE_SEEN: &[(&str, &[&str])] = &[
    ("gateways", &["1", "2"]),
    ("addresses", &["1", "2", "3", "4"]),
    ("nodes", &["0", "1", "2", "3"]),
    (
        "pages",
        &[
            "controlled",
            "failed eTimeout",
            "failed eOutOfService",
            "failed eDeviceAlreadyRegistered",
            "ousted",
        ],
    ),
    (
        "states",
        &["incoming", "calling", "ringing", "connected", "held"],
    ),
    (
        "ends",
        &[
            "local",
            "remote",
            "rejected",
            "failed",
            "cancelled",
            "answeredElsewhere",
            "lost while away",
        ],
    ),
    (
        "commands",
        &[
            "make",
            "make busy",
            "answer",
            "clear",
            "hold",
            "retrieve",
            "consult",
            "alternate",
            "reconnect",
            "transfer",
            "conference",
            "send on",
            "send on inside",
            "deflect",
            "digits",
            "forward",
            "do not disturb",
        ],
    ),
    (
        "refusals",
        &["eInvalidArgument", "eInvalidState", "eOutOfService"],
    ),
    ("desk", &["eInService", "eOutOfService", "eRecoveryPending"]),
    (
        "sessions closed",
        &[
            "ended by the client",
            "the connection to the switch is a new one",
            "the connection to the switch is down",
            "taken over by another client",
        ],
    ),
    (
        "quiet",
        &["in service", "out of service", "calls", "kept out"],
    ),
    ("sessions refused", &["300", "403"]),
];

pub fn assert_nothing_is_missing(tally: &Tally) {
    let mut missing = Vec::new();
    let mut look = |category: &'static str, name: &str| {
        if tally.get(category, name) == 0 {
            missing.push(format!("{category}: {name}"));
        }
    };
    for (category, names) in MUST_BE_SEEN {
        names.iter().for_each(|name| look(category, name));
    }
    DEEDS.iter().for_each(|(name, _)| look("deeds", name));
    assert!(missing.is_empty(), "never seen: {missing:#?}");
}
