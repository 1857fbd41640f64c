//! What a log, a trace or the demo may show of a message.
//!
//! An allow-list: a header that is not named here shows its name only, so that
//! a new credential header cannot leak by being forgotten.

use crate::prelude::*;
use crate::sip::Name;
use crate::text::{concat, cut, decimal, find, mentions, pieces};

/// Headers whose values hold nothing secret.
const SHOWN: &[Name] = &[
    Name::Via,
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::Contact,
    Name::Expires,
    Name::MinExpires,
    Name::MaxForwards,
    Name::Supported,
    Name::Require,
    Name::Unsupported,
    Name::Allow,
    Name::AllowEvents,
    Name::Accept,
    Name::Event,
    Name::SubscriptionState,
    Name::UserAgent,
    Name::Server,
    Name::Date,
    Name::Warning,
    Name::Reason,
    Name::RetryAfter,
    Name::PRegistrarError,
    Name::ContentType,
    Name::ContentLength,
    Name::Route,
    Name::RecordRoute,
    Name::Path,
    Name::ServiceRoute,
    Name::XGraceline,
    Name::XGracelineHolder,
];

/// Headers of which the scheme and the realm may be shown.
const CREDENTIALS: &[Name] = &[
    Name::WwwAuthenticate,
    Name::ProxyAuthenticate,
    Name::Authorization,
    Name::ProxyAuthorization,
];

/// The text of a SIP message with every secret left out: credentials, unknown
/// headers and the body. Input that is no SIP is only counted.
pub fn redact(message: &[u8]) -> String {
    let end = find(message, b"\r\n\r\n").unwrap_or(message.len());
    let head = message
        .get(..end)
        .and_then(|head| str::from_utf8(head).ok());
    let mut lines = pieces(head.unwrap_or_default(), b'\n').map(str::trim_ascii_end);
    let start = lines.next().unwrap_or_default();
    if !mentions(start, "SIP/2.0") {
        return concat(&["[", &decimal(message.len() as u64), " bytes, not SIP]"]);
    }
    let mut out = start.to_owned();
    let mut add = |parts: &[&str]| out.push_str(&concat(parts));
    for line in lines {
        // A folded line: its header is not known here, so nothing is shown.
        let header = cut(line, b':').filter(|_| !line.starts_with([' ', '\t']));
        match header {
            Some((name, value)) => {
                add(&["\r\n", name, ": "]);
                add(&shown_value(name.trim_ascii(), value.trim_ascii()));
            }
            None => add(&["\r\n [redacted]"]),
        }
    }
    add(&["\r\n"]);
    let body = message.len().saturating_sub(end + 4);
    if body > 0 {
        add(&["\r\n[body of ", &decimal(body as u64), " bytes]"]);
    }
    out
}

fn shown_value<'a>(name: &str, value: &'a str) -> [&'a str; 4] {
    let name = Name::from_text(name);
    if SHOWN.contains(&name) {
        return [value, "", "", ""];
    }
    if CREDENTIALS.contains(&name) {
        let (scheme, rest) = cut(value, b' ').unwrap_or((value, ""));
        let realm = find(rest.as_bytes(), b"realm=\"")
            .and_then(|at| cut(rest.get(at + 7..)?, b'"'))
            .map_or("", |(realm, _)| realm);
        return [scheme, " realm=\"", realm, "\" [redacted]"];
    }
    ["[redacted]", "", "", ""]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_unknown_headers_and_bodies_are_left_out() {
        let shown = redact(
            b"REGISTER sip:example.com SIP/2.0\r\nCall-ID: abc\r\n\
              Authorization: Digest username=\"u\", realm=\"r\", response=\"s3cret\"\r\n\
              Authentication-Info: rspauth=\"s3cret\", cnonce=\"s3cret\"\r\n\
              X-Token: s3cret\r\n s3cret, uri=\"sip:a\"\r\n\tVia: s3cret\r\nContent-Length: 6\r\n\r\ns3cret",
        );
        assert!(shown.contains("Call-ID: abc"));
        assert!(shown.contains("Authorization: Digest realm=\"r\" [redacted]"));
        assert!(shown.contains("[body of 6 bytes]"));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(redact(b"s3cret"), "[6 bytes, not SIP]");
    }
}
