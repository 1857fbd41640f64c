//! What a log, a trace or the demo may show of a message.
//!
//! An allow-list: a header that is not named here shows its name only, so that
//! a new credential header cannot leak by being forgotten.

/// Headers whose values hold nothing secret.
const SHOWN: &[&str] = &[
    "via",
    "from",
    "to",
    "call-id",
    "cseq",
    "contact",
    "expires",
    "min-expires",
    "max-forwards",
    "supported",
    "require",
    "unsupported",
    "allow",
    "allow-events",
    "accept",
    "event",
    "subscription-state",
    "user-agent",
    "server",
    "date",
    "warning",
    "reason",
    "retry-after",
    "p-registrar-error",
    "content-type",
    "content-length",
    "route",
    "record-route",
    "path",
    "service-route",
    "x-graceline",
    "x-graceline-holder",
];

/// Headers of which the scheme and the realm may be shown.
const CREDENTIALS: &[&str] = &[
    "www-authenticate",
    "proxy-authenticate",
    "authorization",
    "proxy-authorization",
];

/// The text of a SIP message with every secret left out: credentials, unknown
/// headers and the body. Input that is no SIP is only counted.
pub fn redact(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default();
    if !start.contains("SIP/2.0") {
        return format!("[{} bytes, not SIP]", message.len());
    }
    let mut out = start.to_owned();
    for line in lines {
        out.push_str("\r\n");
        match line.split_once(':') {
            Some((name, value)) => {
                out.push_str(name);
                out.push_str(": ");
                out.push_str(&shown_value(name.trim(), value.trim()));
            }
            // A folded line: its header is not known here, so nothing is shown.
            None => out.push_str(" [redacted]"),
        }
    }
    out.push_str("\r\n");
    if !body.is_empty() {
        out.push_str(&format!("\r\n[body of {} bytes]", body.len()));
    }
    out
}

fn shown_value(name: &str, value: &str) -> String {
    let listed = |list: &[&str]| list.iter().any(|known| name.eq_ignore_ascii_case(known));
    if listed(SHOWN) {
        return value.to_owned();
    }
    if listed(CREDENTIALS) {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let realm = rest
            .split_once("realm=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or("", |(realm, _)| realm);
        return format!("{scheme} realm=\"{realm}\" [redacted]");
    }
    "[redacted]".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_unknown_headers_and_bodies_are_left_out() {
        let shown = redact(
            b"REGISTER sip:example.com SIP/2.0\r\nCall-ID: abc\r\n\
              Authorization: Digest username=\"u\", realm=\"r\", response=\"s3cret\"\r\n\
              X-Token: s3cret\r\n folded: s3cret\r\nContent-Length: 6\r\n\r\ns3cret",
        );
        assert!(shown.contains("Call-ID: abc"));
        assert!(shown.contains("Authorization: Digest realm=\"r\" [redacted]"));
        assert!(shown.contains("[body of 6 bytes]"));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(redact(b"s3cret"), "[6 bytes, not SIP]");
    }
}
