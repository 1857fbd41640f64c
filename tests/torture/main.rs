//! What strangers send: the torture messages of RFC 4475 and RFC 5118, each with
//! what the parser makes of it and what a phone does with it.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod answers;
mod fuzzing;
mod line;
mod memory;
mod registrar;
mod table;

use graceline::sip::{Framing, Message, Name, Uri};
use graceline_kit::torture::Torture;
use graceline_kit::{targets, torture as corpus};
use line::Line;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use table::{Kind, RFC4475, RFC5118, Reaction, Row, Syntax};

fn syntax(bytes: &[u8]) -> Syntax {
    match Message::parse(bytes, Framing::Datagram).map(|message| message.validate()) {
        Ok(Ok(())) => Syntax::Taken,
        Ok(Err(invalid)) => Syntax::Refused(invalid.status, invalid.reason),
        Err(error) => Syntax::NotParsed(error),
    }
}

/// What the phone does first.
fn reaction(line: &mut Line, bytes: &[u8]) -> Reaction {
    let sent = line.receive(bytes);
    let Some(answer) = sent.first() else {
        return Reaction::Ignores;
    };
    let request = Message::parse(bytes, Framing::Frame).expect("only messages are answered");
    Reaction::Answers(answers::check(&request, answer))
}

/// Judges `messages` by the rows of the same names; how many there were of each
/// kind.
fn judge(messages: &[Torture], table: &[Row]) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    let mut line = Line::registered();
    for message in messages {
        let name = &message.name;
        let row = table.iter().find(|row| row.name == name);
        let row = row.unwrap_or_else(|| panic!("no row says what {name} is"));
        let found = (syntax(&message.bytes), reaction(&mut line, &message.bytes));
        let section = &message.section;
        assert_eq!(found, (row.syntax, row.reaction), "{name} (§{section})");
        line.check_alive();
        *counts.entry(row.kind).or_default() += 1;
    }
    counts
}

fn names(messages: &[Torture]) -> Vec<&str> {
    messages.iter().map(|message| &*message.name).collect()
}

#[test]
fn the_messages_of_rfc_4475_are_handled_as_it_says() {
    let messages = corpus::rfc4475();
    let rows: Vec<_> = RFC4475.iter().map(|row| row.name).collect();
    assert_eq!(names(&messages), rows);
    let counts = judge(&messages, RFC4475);
    let expected = [
        (Kind::Valid, 13),
        (Kind::Invalid, 10),
        (Kind::Lenient, 10), // baddn twice
        (Kind::Transaction, 1),
        (Kind::Application, 15),
        (Kind::Old, 1),
        (Kind::Unmentioned, 1),
    ];
    assert_eq!(counts, expected.into());
}

#[test]
fn the_messages_of_rfc_5118_are_handled_as_it_says() {
    let messages = corpus::rfc5118();
    let rows: Vec<_> = RFC5118.iter().map(|row| row.name).collect();
    assert_eq!(names(&messages), rows);
    let counts = judge(&messages, RFC5118);
    assert_eq!(counts, [(Kind::Valid, 11), (Kind::Invalid, 2)].into());
}

/// The kinds of the table are those of the RFC, so that a row cannot be made to
/// pass by calling it something else.
#[test]
fn valid_is_taken_and_invalid_is_not() {
    for row in RFC4475.iter().chain(RFC5118) {
        let taken = row.syntax == Syntax::Taken;
        match row.kind {
            Kind::Valid | Kind::Old => assert!(taken, "{}", row.name),
            Kind::Invalid => assert!(!taken, "{}", row.name),
            _ => {}
        }
    }
    for message in corpus::rfc4475() {
        let row = RFC4475.iter().find(|row| row.name == message.name);
        let kind = row.expect("a row").kind;
        let right = match message.section.get(..5).unwrap_or(&message.section) {
            "3.1.1" => kind == Kind::Valid,
            "3.1.2" => matches!(kind, Kind::Invalid | Kind::Lenient),
            "3.2.1" => kind == Kind::Transaction,
            "3.4.1" => kind == Kind::Old,
            "A" => kind == Kind::Unmentioned,
            _ => kind == Kind::Application,
        };
        assert!(right, "{} is {kind:?}", message.name);
    }
}

/// The sums are those of copies that others made of the RFCs. One message is ours:
/// baddn with what it lacks at its end.
#[test]
fn the_corpus_is_the_messages_of_the_rfcs_byte_for_byte() {
    for (messages, sums) in [
        (corpus::rfc4475(), include_str!("rfc4475.sha256")),
        (corpus::rfc5118(), include_str!("rfc5118.sha256")),
    ] {
        let theirs = messages.iter().filter(|one| one.name != "baddn-ended");
        let found: Vec<_> = theirs
            .map(|one| format!("{:x}  {}", Sha256::digest(&one.bytes), one.name))
            .collect();
        assert_eq!(found, sums.lines().collect::<Vec<_>>());
    }
}

/// What the RFC says that the odd ones among the valid messages mean.
#[test]
fn valid_messages_mean_what_the_rfc_says() {
    let corpus = corpus::rfc4475();
    let message = |name: &str| {
        let torture = corpus.iter().find(|message| message.name == name);
        let bytes = &torture.expect(name).bytes;
        Message::parse(bytes, Framing::Datagram).expect(name)
    };
    let wsinv = message("wsinv");
    assert_eq!(wsinv.header(Name::Subject), Some(""));
    assert_eq!(wsinv.header(Name::MaxForwards), Some("0068"));
    assert_eq!(wsinv.to_tag(), Some("1918181833n"));
    let from = wsinv.from().expect("a From");
    assert_eq!(from.display_name.as_deref(), Some("J Rosenberg \\\""));
    let vias: Vec<_> = wsinv.values(Name::Via).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(wsinv.cseq().map(|cseq| cseq.number), Some(9));

    let intmeth = message("intmeth");
    assert_eq!(
        intmeth.method(),
        "!interesting-Method0123456789_*+`.%indeed'~"
    );
    let to = intmeth.to().expect("a To");
    let name = to.display_name.as_deref();
    assert_eq!(name, Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));

    let esc01 = message("esc01");
    let uri = Uri::parse(esc01.request_uri()).expect("a URI");
    assert_eq!(uri.user, Some("sips%3Auser%40example.com"));
    assert_eq!(uri.host, "example.net");

    // An escape in a method stands for itself: this is no REGISTER.
    assert_eq!(message("esc02").method(), "RE%47IST%45R");

    let longreq = message("longreq");
    assert_eq!(longreq.lines(Name::Via).count(), 34);

    // What follows the body in the datagram is no part of it.
    assert_eq!(message("dblreq").body(), b"");

    let semiuri = message("semiuri");
    let uri = Uri::parse(semiuri.request_uri()).expect("a URI");
    assert_eq!(uri.user, Some("user;par=u%40example.net"));
    assert_eq!(uri.params.iter().count(), 0);

    let transports = message("transports");
    let transport = |via| graceline::sip::Via::parse(via).map(|via| via.transport);
    let found: Vec<_> = transports.values(Name::Via).filter_map(transport).collect();
    assert_eq!(found, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);

    assert_eq!(message("mpart01").body().len(), 553);
    let reason = "= 2**3 * 5**2 но сто девяносто девять - простое";
    assert_eq!(message("unreason").reason(), reason);
    assert_eq!(message("noreason").reason(), "");
}

#[test]
fn ipv6_is_read_as_rfc_5118_says() {
    let corpus = corpus::rfc5118();
    let port = |name: &str| {
        let torture = corpus.iter().find(|message| message.name == name);
        let message = Message::parse(&torture.expect(name).bytes, Framing::Datagram);
        let message = message.expect(name);
        Uri::parse(message.request_uri()).expect(name).port
    };
    assert_eq!(port("port-ambiguous"), None);
    assert_eq!(port("port-unambiguous"), Some(5070));
}
