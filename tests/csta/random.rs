//! Random documents: none makes the reader panic, and what is written is read
//! back as it was.

use graceline::csta::{Content, DeviceEvent, Document, Notice, Request, Response};
use graceline::rand::Random;

/// Names that documents are made of, and some that are not.
const NAMES: &[&str] = &[
    "callID",
    "deviceID",
    "deviceIdentifier",
    "connection",
    "heldCall",
    "activeCall",
    "monitorCrossRefID",
    "localConnectionInfo",
    "cause",
    "callingDevice",
    "calledDevice",
    "alertingDevice",
    "crossRefIDorSnapshotData",
    "serviceCrossRefID",
    "snapshotData",
    "snapshotDeviceResponseInfo",
    "connectionIdentifier",
    "localCallState",
    "compoundCallState",
    "simpleCallState",
    "localConnectionState",
    "forwardingList",
    "forwardListItem",
    "forwardStatus",
    "device",
    "doNotDisturbOn",
    "messageWaitingOn",
    "systemStatus",
    "extensions",
    "privateData",
    "private",
    "x:line",
    "newConnection",
    "connectionListItem",
    "transferredConnections",
    "endpoint",
    "primaryOldCall",
    "lastSegment",
    "snapshotObject",
    "operation",
    "droppedConnection",
    "restricted",
    "odd",
    "_",
];

const TEXTS: &[&str] = &[
    "",
    "k9",
    "tel:5101",
    "true",
    "false",
    "1",
    "connected",
    "null",
    "hold",
    "alerting",
    "normal",
    "disabled",
    "99999999999999999999",
    "-1",
    "&lt;&amp;",
    "é😀",
    "a|b",
    " \t\n",
    "&#x41;",
];

const ROOTS: &[&str] = &[
    "CSTAErrorCode",
    "HeldEvent",
    "DeliveredEvent",
    "EstablishedEvent",
    "ConnectionClearedEvent",
    "TransferedEvent",
    "ConferencedEvent",
    "DivertedEvent",
    "FailedEvent",
    "OriginatedEvent",
    "Odd",
];

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

fn element(random: &mut Random, name: &str, depth: u32, out: &mut String) {
    out.push_str(&format!("<{name}>"));
    for _ in 0..random.below(5) {
        if depth < 6 && random.below(3) > 0 {
            let name = pick(random, NAMES);
            element(random, name, depth + 1, out);
        } else {
            out.push_str(pick(random, TEXTS));
        }
    }
    out.push_str(&format!("</{name}>"));
}

/// A well-formed document of known names in any order.
fn document(random: &mut Random) -> String {
    let families = [
        ROOTS,
        Request::NAMES,
        Response::NAMES,
        DeviceEvent::NAMES,
        Notice::NAMES,
    ];
    let family = families[random.below(families.len() as u64) as usize];
    let mut out = String::new();
    let root = pick(random, family);
    element(random, root, 0, &mut out);
    out
}

#[test]
fn random_documents_are_read_or_refused() {
    let mut random = Random::from_seed([14; 32]);
    let mut read = 0;
    for _ in 0..20_000 {
        let written = document(&mut random);
        let Ok(document) = Document::parse(written.as_bytes()) else {
            continue;
        };
        read += 1;
        if matches!(document.content, Content::Unknown(_)) {
            continue;
        }
        // What was understood survives the way out and back.
        let again = Document::parse(document.to_xml().as_bytes());
        assert_eq!(again, Ok(document), "{written}");
    }
    // The generator must not go blind.
    assert!(read > 5_000, "{read}");
}

#[test]
fn damaged_documents_never_panic() {
    let mut random = Random::from_seed([15; 32]);
    for _ in 0..20_000 {
        let mut bytes = document(&mut random).into_bytes();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => bytes[at] = random.bytes::<1>()[0],
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"<>&;/'\"!? "[random.below(10) as usize]),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let _ = Document::parse(&bytes);
    }
}
