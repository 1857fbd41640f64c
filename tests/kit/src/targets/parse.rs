//! Anything a peer may send, parsed and asked everything.

use graceline::redact::redact;
use graceline::sip::{
    Framing, Message, Name, NameAddr, Params, Uri, Via, challenges, keepalive, sanitize_text,
    split_values, unquote,
};

/// Parses `data` as a frame and as a datagram, and reads whatever comes out.
pub fn run(data: &[u8]) {
    let _ = keepalive(data);
    let _ = redact(data);
    for framing in [Framing::Frame, Framing::Datagram] {
        if let Ok(message) = Message::parse(data, framing) {
            read(&message);
        }
    }
}

fn read(message: &Message) {
    let valid = message.validate().is_ok();
    let cseq = message.cseq();
    // What `validate` lets through, the code behind it relies on.
    if valid {
        assert!(!message.call_id().is_empty() && cseq.is_some());
        assert!(message.from().is_some() && message.to().is_some());
        assert!(message.top_via().is_some());
    }
    let _ = message.check_use();
    let _ = (message.from_tag(), message.to_tag(), message.branch());
    let _ = message.part("application/sdp");
    let _ = (message.expires(), message.min_expires());
    let _ = (message.retry_after(), message.date());
    let _ = challenges(message);
    for contact in message.contacts().list {
        let _ = contact.expires();
        compare(contact.uri, message.request_uri());
    }
    for (name, value) in message.all_headers() {
        assert!(!value.contains(['\r', '\n']), "{name} has a line break");
        assert!(message.header_named(name).is_some());
        let _ = (unquote(value), sanitize_text(value));
        for value in split_values(value) {
            let _ = (Via::parse(value), Uri::parse(value));
            address(value);
            if let Some(params) = Params::parse(value) {
                for (name, _) in params.iter() {
                    assert!(params.has(name));
                }
            }
        }
    }
    let _ = message.has_option(Name::Supported, "gruu");
    let _ = message.body();
}

/// What is read loosely is what is read strictly, where that can be done; what is
/// written of it again is in order.
fn address(value: &str) {
    if let Some(strict) = NameAddr::parse(value) {
        assert_eq!(NameAddr::read(value), Some(strict));
    }
    let echo = NameAddr::echo(value);
    let good = NameAddr::parse(&echo).expect("an address");
    assert!(Uri::parse(good.uri).is_some(), "{echo}");
    let tag = NameAddr::read(value).and_then(|read| read.tag());
    assert_eq!(good.tag(), tag, "{echo}");
    if let Some(part) = Uri::request_part(value) {
        assert!(Uri::parse(part).is_some_and(|uri| uri.headers.is_empty()));
    }
}

fn compare(a: &str, b: &str) {
    if let (Some(a), Some(b)) = (Uri::parse(a), Uri::parse(b)) {
        assert!(a.equivalent(&a) && b.equivalent(&b));
        assert_eq!(a.equivalent(&b), b.equivalent(&a));
    }
}
