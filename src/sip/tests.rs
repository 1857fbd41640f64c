//! What strangers send, judged. The messages of RFC 4475 and RFC 5118 stand in
//! `tests/torture`.

use super::*;

#[derive(Debug, PartialEq)]
enum Verdict {
    /// Parsed and valid.
    Taken,
    /// Parsed; to be answered with this status (or dropped, if a response).
    Refused(u16),
    /// Not parsed.
    Dropped,
}

fn judge(bytes: &[u8]) -> Verdict {
    match Message::parse(bytes, Framing::Datagram).map(|message| message.validate()) {
        Ok(Ok(())) => Verdict::Taken,
        Ok(Err(invalid)) => Verdict::Refused(invalid.status),
        Err(_) => Verdict::Dropped,
    }
}

/// A valid request with one piece replaced.
fn request(old: &str, new: &str) -> String {
    let text = "REGISTER sip:example.com SIP/2.0\r\n\
                Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\
                From: <sip:ann@example.com>;tag=1\r\n\
                To: <sip:ann@example.com>\r\n\
                Call-ID: abc\r\n\
                CSeq: 1 REGISTER\r\n\
                Max-Forwards: 70\r\n\
                Contact: <sip:ann@x.invalid;transport=ws>\r\n\
                Content-Length: 0\r\n\r\n";
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

#[test]
fn odd_but_legal_requests_are_taken() {
    for (old, new) in [
        ("", ""),
        ("", "\r\n\r\n"),
        ("SIP/2.0\r\n", "sip/2.0\r\n"),
        ("SIP/2.0\r\n", "SIP/2.0 \r\n"),
        (
            "Via: SIP/2.0/WS x.invalid",
            "v  :\r\n SIP / 2.0\r\n\t/ WS  x.invalid : 80 ",
        ),
        (
            "Via: ",
            "Via: SIP/2.0/UNKNOWN [::1]:80;received=::2;rport, ",
        ),
        (
            "<sip:ann@example.com>;tag=1",
            "\"\\\"\\\0é,;<\"<sip:ann@example.com> ; tag = 1",
        ),
        ("<sip:ann@example.com>;tag=1", "sip:ann@example.com"),
        ("To: <sip:ann@example.com>", "t: isbn:2983792873"),
        ("Max-Forwards: 70", "MaX-fOrWaRdS: 0068"),
        ("Max-Forwards: 70", "Max-Forwards: 0"),
        ("Max-Forwards: 70", "X: ;;,,;;,;"),
        ("Max-Forwards: 70", "no header at all"),
        ("Max-Forwards: 70", "Date: Fri, 01 Jan 2010 16:00:00 EST"),
        (
            "Max-Forwards: 70",
            "Authorization: NoOneKnowsThisScheme opaque-data=here",
        ),
        ("CSeq: 1 ", "CSeq: 0001\r\n   "),
        ("Contact: ", "m: \"a, b\" <sip:x?Route=%3Csip:y%3E>;q=0.3, "),
        (
            "Contact: <sip:ann@x.invalid;transport=ws>",
            "Expires: 0\r\nContact: *",
        ),
        ("Contact: <sip:ann@x.invalid;transport=ws>", "Contact:"),
        ("Content-Length: 0", "X: y"),
        ("sip:example.com", "sip:[2001:db8::10]:5070;x"),
        ("sip:example.com", "sips:%61;b=c:d@example.com"),
    ] {
        assert_eq!(
            judge(request(old, new).as_bytes()),
            Verdict::Taken,
            "{new:?}"
        );
    }
}

#[test]
fn malformed_requests_are_refused_with_the_right_status() {
    for (old, new, status) in [
        ("SIP/2.0\r\n", "SIP/7.0\r\n", 505),
        ("sip:example.com", "unknown:opaque", 416),
        ("sip:example.com", "tel:+12015550123", 416),
        ("sip:example.com", "<sip:example.com>", 400),
        ("sip:example.com", "sip:example.com; lr", 400),
        ("sip:example.com", " sip:example.com", 400),
        ("sip:example.com", "sip:example.com?Route=%3Csip:a%3E", 400),
        ("sip:example.com", "sip:2001:db8::10", 400),
        ("sip:example.com", "nothing", 400),
        ("Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1", "X: y", 400),
        ("Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1", "Via:", 400),
        ("branch=z9hG4bK1", "branch=z9hG4bK1;;,;,,", 400),
        ("From: ", "X: ", 400),
        ("From: ", "To: <sip:b>\r\nFrom: ", 400),
        ("From: ", "f: <sip:b>\r\nFrom: ", 400),
        (
            "To: <sip:ann@example.com>",
            "To: \"Ann <sip:ann@example.com>",
            400,
        ),
        (
            "To: <sip:ann@example.com>",
            "To: Ann, B <sip:ann@example.com>",
            400,
        ),
        (
            "To: <sip:ann@example.com>",
            "To: < sip:ann@example.com >",
            400,
        ),
        ("To: <sip:ann@example.com>", "To: ann@example.com", 400),
        ("Call-ID: abc", "Call-ID:", 400),
        ("Call-ID: abc", "Call-ID: abc\r\ni: abc", 400),
        ("CSeq: 1 REGISTER", "CSeq: 1 INVITE", 400),
        ("CSeq: 1 REGISTER", "CSeq: 1 register", 400),
        (
            "CSeq: 1 REGISTER",
            "CSeq: 36893488147419103232 REGISTER",
            400,
        ),
        ("CSeq: 1 REGISTER", "CSeq: -1 REGISTER", 400),
        ("CSeq: 1 REGISTER", "CSeq: REGISTER", 400),
        ("Max-Forwards: 70", "Max-Forwards: 300", 400),
        ("Max-Forwards: 70", "Max-Forwards: x", 400),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nMax-Forwards: 5",
            400,
        ),
        ("Max-Forwards: 70", "Expires: 1\r\nExpires: 1", 400),
        (
            "Contact: ",
            "Contact: \"Joe\" <sip:joe@example.org>;;;;, ",
            400,
        ),
        ("Contact: ", "Contact: sip:a@b?Route=x, ", 400),
        ("Contact: ", "Contact: <joe>, ", 400),
        ("Contact: ", "Expires: 0\r\nContact: *, ", 400),
        (
            "Contact: <sip:ann@x.invalid;transport=ws>",
            "Contact: *",
            400,
        ),
        ("Content-Length: 0", "Content-Length: 0\r\nl: 0", 400),
        ("Content-Length: 0", "Content-Length: 1", 400),
        ("Content-Length: 0", "Content-Length: -1", 400),
    ] {
        assert_eq!(
            judge(request(old, new).as_bytes()),
            Verdict::Refused(status),
            "{new:?}"
        );
    }
}

#[test]
fn requests_that_cannot_be_framed_are_dropped() {
    for (old, new) in [
        (" SIP/2.0\r\n", "\r\n"),
        ("Content-Length: 0\r\n\r\n", "Content-Length: 0\r\n"),
        ("REGISTER ", "REG:ISTER "),
    ] {
        assert_eq!(
            judge(request(old, new).as_bytes()),
            Verdict::Dropped,
            "{new:?}"
        );
    }
}

#[test]
fn a_response_is_judged_as_one() {
    let response = |extra: &str| {
        request(
            "REGISTER sip:example.com SIP/2.0",
            &format!("SIP/2.0 200 OK\r\n{extra}"),
        )
    };
    assert_eq!(judge(response("Foo: bar").as_bytes()), Verdict::Taken);
    // A registrar that lists a broken binding still lists the others.
    assert_eq!(
        judge(response("Contact: <broken").as_bytes()),
        Verdict::Taken
    );
    assert_eq!(
        judge(response("Via: SIP/2.0/WS other").as_bytes()),
        Verdict::Refused(400)
    );
    assert_eq!(
        judge(response("CSeq: 1 A").as_bytes()),
        Verdict::Refused(400)
    );
}
