//! What the sessions must have come across, or they prove nothing.

use super::script::{DEEDS, FATES, MANNERS, OUTAGES, Script, Step};
use crate::tally::Tally;
use graceline::registrar::Policy;
use graceline::registration::ConflictScope;

pub fn note_setting(script: &Script, tally: &mut Tally) {
    let kind = &script.registrar;
    tally.count("sessions", "played");
    tally.count("policies", kind.policy_name());
    if kind.policy == Policy::Normal {
        tally.count("dialects", kind.manner_name());
    }
    let waits = script.steps.iter().filter_map(|step| match step {
        Step::Wait(millis) => Some(millis / 1000),
        _ => None,
    });
    tally.add("sessions", "seconds waited", waits.sum());
    tally.count("clients", script.clients.len().to_string());
    for client in &script.clients {
        tally.count("profiles", client.profile_name());
        tally.count("types", client.kind_name());
        tally.count("addresses", client.addresses.to_string());
        if client.scope == ConflictScope::User {
            tally.count("types", "scope user");
        }
    }
}

const MUST_BE_SEEN: &[(&str, &[&str])] = &[
    ("policies", &["graceful", "duplicate", "normal"]),
    ("profiles", &["auto", "cisco", "generic"]),
    ("types", &["graceful", "duplicate", "normal", "scope user"]),
    ("clients", &["1", "2", "3", "4", "5"]),
    ("addresses", &["1", "2", "3"]),
    (
        "forces by removal",
        &[
            "asked of the registrar",
            "removed by name",
            "all cleared",
            "beside",
            "nobody there",
        ],
    ),
    (
        "changes of status",
        &[
            "eIdle→eRegistering",
            "eRegistering→eReady",
            "eRegistering→eIdle",
            "eReady→eRecoveryPending",
            "eReady→eIdle",
            "eReady→eConnectionTerminated",
            "eRecoveryPending→eReady",
            "eRecoveryPending→eIdle",
            "eRecoveryPending→eRegistering",
            "eRecoveryPending→eConnectionTerminated",
            "eConnectionTerminated→eRegistering",
            "eConnectionTerminated→eIdle",
            "eIdle→eRecoveryPending",
        ],
    ),
    (
        "events",
        &[
            "registered",
            "registered (forced)",
            "failed eDeviceAlreadyRegistered",
            "failed eDeviceLimitReached",
            "failed eCouldNotConnect",
            "failed eTimeout",
            "terminated takenOver",
            "terminated refused",
            "terminated rivalReturned",
            "terminated sameBrowser",
            "unregistered",
            "closed",
        ],
    ),
    (
        "devices",
        &["held", "held by the last force", "free at the end"],
    ),
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
    FATES.iter().for_each(|(name, _)| look("nodes", name));
    OUTAGES.iter().for_each(|(name, _)| look("outages", name));
    MANNERS.iter().for_each(|(name, _)| look("dialects", name));
    assert!(missing.is_empty(), "never seen: {missing:#?}");
}
