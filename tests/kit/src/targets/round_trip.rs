//! What is read can be written, and reads the same again.

use graceline::sip::{Framing, Message, Name, Writer};

/// Writes the request in `data` anew, and an answer to it.
pub fn run(data: &[u8]) {
    let Ok(message) = Message::parse(data, Framing::Frame) else {
        return;
    };
    if !message.is_request() {
        return;
    }
    if let Some(copy) = rewritten(&message) {
        assert_eq!(message.method(), copy.method());
        assert_eq!(message.request_uri(), copy.request_uri());
        assert_eq!(headers(&message), headers(&copy));
        assert_eq!(message.body(), copy.body());
        assert!(!copy.length_mismatch());
    }
    answer(&message);
}

/// `None`: a value may not be written, a NUL for one.
fn rewritten(message: &Message) -> Option<Message> {
    let mut writer = Writer::request(message.method(), message.request_uri());
    let mut body_type = None;
    for (name, value) in message.all_headers() {
        // The body brings its type with it.
        if body_type.is_none() && Name::from_text(name) == Name::ContentType {
            body_type = Some(value);
        } else {
            writer.header(name, value);
        }
    }
    if let Some(body_type) = body_type {
        writer.body(body_type, message.body());
    } else if !message.body().is_empty() {
        return None;
    }
    let bytes = writer.finish().ok()?;
    Some(Message::parse(&bytes, Framing::Frame).expect("what is written can be read"))
}

/// The headers in a fixed order, without the one that is counted anew.
fn headers(message: &Message) -> Vec<(String, &str)> {
    let all = message.all_headers();
    let mut all: Vec<_> = all
        .filter(|(name, _)| Name::from_text(name) != Name::ContentLength)
        .map(|(name, value)| match Name::from_text(name) {
            Name::ContentType => ("content-type".to_owned(), value),
            _ => (name.to_ascii_lowercase(), value),
        })
        .collect();
    all.sort();
    all
}

fn answer(request: &Message) {
    let bytes = Writer::response(request, 200, "OK", Some("tag")).finish();
    let answer = Message::parse(&bytes.expect("an answer"), Framing::Frame);
    let answer = answer.expect("an answer can be read");
    if request.validate().is_err() {
        return;
    }
    for name in [Name::Via, Name::From, Name::CallId, Name::CSeq] {
        assert!(request.lines(name).eq(answer.lines(name)), "{name:?}");
    }
    let tag = request.to_tag().unwrap_or("tag");
    assert_eq!(answer.to_tag(), Some(tag));
}
