//! What is read from, and changed in, session descriptions (RFC 8866), as
//! `js/media/sdp.js` and `js/media/fragment.js` do.

use crate::prelude::*;

/// The part in DTLS of the one that plays the other part.
pub(super) fn other(role: &str) -> &'static str {
    match role {
        "active" => "passive",
        _ => "active",
    }
}

/// The part in DTLS that a description chooses; "actpass" chooses none.
pub(super) fn role_in(sdp: &str) -> Option<&str> {
    let mut roles = sdp.lines().filter_map(|line| line.strip_prefix("a=setup:"));
    roles.find(|role| matches!(*role, "active" | "passive"))
}

/// The certificate that a description names (RFC 8122 §5).
pub(super) fn fingerprint(sdp: &str) -> Option<String> {
    let mut lines = sdp.lines();
    let line = lines.find_map(|line| line.strip_prefix("a=fingerprint:"))?;
    Some(line.trim().to_lowercase())
}

pub(super) fn in_role(sdp: &str, role: &str) -> String {
    each_line(sdp, |line| match line.starts_with("a=setup:") {
        true => format!("a=setup:{role}"),
        false => line.to_owned(),
    })
}

/// The offer that holds: RFC 3264 §8.4.
pub(super) fn holding(sdp: &str) -> String {
    each_line(sdp, |line| match line {
        "a=sendrecv" => "a=sendonly".to_owned(),
        "a=recvonly" => "a=inactive".to_owned(),
        _ => line.to_owned(),
    })
}

/// Whether a description has a stream of a kind that is not refused (RFC 3264 §6).
pub(super) fn is_open(sdp: &str, kind: &str) -> bool {
    let media = sdp.lines().filter_map(|line| line.strip_prefix("m="));
    let mut ports = media.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    ports.any(|port| !port.starts_with("0 ") && !port.starts_with("0/"))
}

fn each_line(sdp: &str, change: impl Fn(&str) -> String) -> String {
    sdp.lines().map(|line| change(line) + "\r\n").collect()
}

/// The session's lines, and those of each medium.
fn parts(sdp: &str) -> Vec<Vec<&str>> {
    let mut parts = vec![Vec::new()];
    for line in sdp.lines() {
        if line.starts_with("m=") {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(line);
        }
    }
    parts
}

/// All candidates gathered so far (RFC 8840 §9): the lists of a fragment are cumulative
/// (§4.4). `end`: there will be no more.
pub(super) fn fragment_of(sdp: &str, end: bool) -> Option<String> {
    let parts = parts(sdp);
    let (_, media) = parts.split_first()?;
    let is_credential =
        |line: &&str| line.starts_with("a=ice-ufrag:") || line.starts_with("a=ice-pwd:");
    // Bundled: the first section's transport is that of all.
    let first = parts.iter().take(2).flatten().copied();
    let mut lines: Vec<&str> = first.filter(is_credential).collect();
    let before = lines.len();
    for section in media {
        let of = |line: &&str| line.starts_with("a=candidate:");
        if section.iter().any(of) {
            let names = |line: &&str| line.starts_with("m=") || line.starts_with("a=mid:");
            lines.extend(section.iter().copied().filter(names));
            lines.extend(section.iter().copied().filter(of));
            lines.extend(end.then_some("a=end-of-candidates"));
        }
    }
    (lines.len() > before).then(|| lines.join("\r\n") + "\r\n")
}

/// One candidate of a fragment.
pub(super) struct Candidate<'a> {
    pub candidate: &'a str,
    pub mid: Option<&'a str>,
    /// Which medium, where that has no name.
    pub index: u16,
    pub ufrag: Option<&'a str>,
}

/// Those of a fragment from the network.
pub(super) fn candidates_in(fragment: &str) -> Vec<Candidate<'_>> {
    let ufrag = fragment
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    let parts = parts(fragment);
    let media = parts.into_iter().skip(1).zip(0..);
    let candidates = media.flat_map(|(section, index)| {
        let mid = section.iter().find_map(|line| line.strip_prefix("a=mid:"));
        section.into_iter().filter_map(move |line| {
            let candidate = line.strip_prefix("a=")?;
            candidate.starts_with("candidate:").then_some(Candidate {
                candidate,
                mid,
                index,
                ufrag,
            })
        })
    });
    candidates.collect()
}
