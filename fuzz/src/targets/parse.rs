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
    let _ = (message.from_tag(), message.to_tag());
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
            let _ = (NameAddr::parse(value), Via::parse(value), Uri::parse(value));
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

fn compare(a: &str, b: &str) {
    if let (Some(a), Some(b)) = (Uri::parse(a), Uri::parse(b)) {
        assert!(a.equivalent(&a) && b.equivalent(&b));
        assert_eq!(a.equivalent(&b), b.equivalent(&a));
    }
}
