//! Answers that a phone gives, and answers that it gets.

use crate::corpus;
use crate::line::{Line, NOW};
use graceline::phone::{Event, Output, Status};
use graceline::sip::{Framing, Message, Name};
use graceline::time::Duration;

/// Checks that `answer` is one to `request`, in the form that RFC 3261 §8.2.6
/// asks for; its status.
pub fn check(request: &Message, answer: &[u8]) -> u16 {
    let answer = Message::parse(answer, Framing::Frame).expect("an answer");
    assert!(!answer.is_request());
    for name in [Name::Via, Name::From, Name::CallId, Name::CSeq] {
        // Of what is repeated, one is enough, but for the Vias.
        let count = if name == Name::Via { usize::MAX } else { 1 };
        let copied: Vec<_> = answer.lines(name).collect();
        let asked: Vec<_> = request.lines(name).take(count).collect();
        assert_eq!(copied, asked, "{name:?}");
    }
    if request.to().is_some() {
        assert!(answer.status() == 100 || answer.to_tag().is_some());
    }
    let told = |name| answer.header(name).is_some_and(|value| !value.is_empty());
    match answer.status() {
        405 => assert!(told(Name::Allow)),
        415 => assert!(told(Name::Accept) || told(Name::AcceptEncoding)),
        420 => {
            let unsupported: Vec<_> = answer.values(Name::Unsupported).collect();
            let required: Vec<_> = request.values(Name::Require).collect();
            assert_eq!(unsupported, required);
        }
        _ => {}
    }
    answer.status()
}

fn request(method: &str, headers: &str, body: &str) -> Vec<u8> {
    let text = format!(
        "{method} sip:2001@example.com SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n\
         From: <sip:a@example.com>;tag=1\r\nTo: <sip:2001@example.com>\r\nCall-ID: 1\r\n\
         CSeq: 1 {method}\r\n{headers}\r\n{body}"
    );
    text.into_bytes()
}

#[test]
fn what_must_be_understood_and_is_not_is_named() {
    let mut line = Line::registered();
    let mut status = |method, headers, body| {
        let request = request(method, headers, body);
        let sent = line.receive(&request);
        let answer = sent.first()?;
        let request = Message::parse(&request, Framing::Frame).expect("a request");
        Some(check(&request, answer))
    };
    for (method, headers, body, expected) in [
        ("OPTIONS", "Require: gruu, Path\r\n", "", Some(200)),
        ("OPTIONS", "Require: foo\r\nRequire: bar\r\n", "", Some(420)),
        ("NOTIFY", "Require: eventlist\r\n", "", Some(420)),
        ("OPTIONS", "Proxy-Require: foo\r\n", "", Some(200)),
        // Other methods are refused as such; these two can never be with a 420.
        ("FOO", "Require: foo\r\n", "", Some(405)),
        ("CANCEL", "Require: foo\r\n", "", Some(481)),
        ("ACK", "Require: foo\r\n", "", None),
        (
            "OPTIONS",
            "Content-Type: Text/Plain;a=b\r\n",
            "x",
            Some(200),
        ),
        ("OPTIONS", "Content-Type: a/b\r\n", "", Some(200)),
        ("OPTIONS", "Content-Type: a/b\r\n", "x", Some(415)),
        (
            "OPTIONS",
            "Content-Type: a/b\r\nContent-Disposition: x; Handling=optional\r\n",
            "x",
            Some(200),
        ),
        (
            "OPTIONS",
            "Content-Type: a/b\r\nContent-Disposition: x;handling=required\r\n",
            "x",
            Some(415),
        ),
        (
            "OPTIONS",
            "Content-Type: text/plain\r\ne: gzip\r\n",
            "x",
            Some(415),
        ),
        (
            "OPTIONS",
            "Content-Type: text/plain\r\nContent-Encoding: identity\r\n",
            "x",
            Some(200),
        ),
    ] {
        assert_eq!(
            status(method, headers, body),
            expected,
            "{method} {headers}"
        );
    }
}

#[test]
fn a_login_that_nobody_answered_names_what_was_dropped() {
    for (answer, why) in [
        ("SIP/2.0 200 OK\r\n\r\n", "CSeq"),
        ("SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n", "Missing Via"),
        (
            "SIP/2.0 200 OK\r\nContent-Length: 1\r\n\r\n",
            "Content-Length",
        ),
        ("<html>\r\n\r\n", "status line"),
    ] {
        let mut line = Line::asking();
        assert!(line.receive(answer.as_bytes()).is_empty());
        line.phone.handle_timeout(NOW + Duration::from_secs(30));
        let outputs: Vec<_> = std::iter::from_fn(|| line.phone.poll_output()).collect();
        let fault = outputs.into_iter().find_map(|output| match output {
            Output::Event(Event::Failed(1, fault, _)) => Some(fault),
            _ => None,
        });
        let fault = fault.expect("the login fails");
        assert_eq!(fault.code().as_str(), "eTimeout");
        let told = fault.dropped.expect("why");
        assert!(told.contains(why), "{told}");
    }
}

/// The malformed answers of the RFC, made answers to a request that the phone
/// waits for: it goes on waiting.
#[test]
fn a_malformed_answer_is_none_even_to_our_own_request() {
    let corpus = corpus::rfc4475();
    for name in ["scalarlg", "bigcode", "bcast"] {
        let mut line = Line::asking();
        let torture = corpus.iter().find(|message| message.name == name);
        let text = String::from_utf8(torture.expect(name).bytes.clone()).expect("UTF-8");
        let own_via = line.question.lines().nth(1).expect("a Via");
        let (status, headers) = text.split_once("\r\n").expect("a status line");
        let (foreign_via, headers) = headers.split_once("\r\n").expect("a Via");
        assert!(own_via.starts_with("Via: ") && foreign_via.starts_with("Via: "));
        let headers = headers
            .replace(" INVITE\r\n", " REGISTER\r\n")
            .replace(" OPTIONS\r\n", " REGISTER\r\n");
        let answer = format!("{status}\r\n{own_via}\r\n{headers}");

        let ignored = line.phone.ignored_messages();
        assert!(line.receive(answer.as_bytes()).is_empty(), "{name}");
        assert_eq!(line.phone.ignored_messages(), ignored + 1, "{name}");
        assert_eq!(line.phone.status(), Status::Registering, "{name}");
        line.go_on();
        assert_eq!(line.phone.status(), Status::Ready, "{name}");
    }
}
