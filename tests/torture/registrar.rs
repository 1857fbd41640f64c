//! The REGISTERs among the messages, at a registrar: a phone takes none.

use crate::corpus;
use crate::table::REGISTERS;
use graceline::registrar::{Config, Output, Registrar, User};
use graceline::sip::{Framing, Message, Name, NameAddr, Uri};
use graceline::time::Instant;

/// The status that the registrar answers, and the contacts bound. Whoever
/// registers is logged in by a token, if the message says nothing else.
fn register(bytes: &[u8]) -> (u16, Vec<String>) {
    let message = Message::parse(bytes, Framing::Datagram).expect("a message");
    let user = message.to().and_then(|to| Uri::parse(to.uri)?.user);
    let user = user.unwrap_or("nobody").replace("%00", "\0");
    let mut config = Config {
        authz_server: Some("https://example.com/".into()),
        ..Config::default()
    };
    let token = User {
        token: Some("token".into()),
        ..User::default()
    };
    config.users.insert(user.clone(), token);
    let mut registrar = Registrar::new(config, [3; 32]);
    let now = Instant::from_millis(0);
    registrar.handle_opened(now, 1);
    let mut bytes = bytes.to_vec();
    if message.header(Name::Authorization).is_none() {
        let line_end = bytes.windows(2).position(|pair| pair == b"\r\n");
        let at = line_end.expect("a line") + 2;
        bytes.splice(at..at, *b"Authorization: Bearer token\r\n");
    }
    registrar.handle_message(now, 1, &bytes);
    let outputs = std::iter::from_fn(|| registrar.poll_output());
    let sent = outputs.filter_map(|output| match output {
        Output::Send { data, .. } => Some(data),
        _ => None,
    });
    let answers: Vec<_> = sent.collect();
    let answer = answers.first().expect("an answer");
    let answer = Message::parse(answer, Framing::Frame).expect("an answer");
    let bound = answer.values(Name::Contact).filter_map(NameAddr::parse);
    let mut bound: Vec<_> = bound.map(|contact| contact.uri.to_owned()).collect();
    bound.sort_unstable_by_key(String::len);
    (answer.status(), bound)
}

#[test]
fn the_registers_are_answered_as_the_rfcs_say() {
    let corpus = [corpus::rfc4475(), corpus::rfc5118()].concat();
    let registers = corpus
        .iter()
        .filter(|message| message.bytes.starts_with(b"REGISTER "));
    let names: Vec<_> = registers.map(|message| message.name.as_str()).collect();
    let rows: Vec<_> = REGISTERS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, rows);
    for (name, status, contacts) in REGISTERS {
        let message = corpus.iter().find(|message| message.name == *name);
        let (found, bound) = register(&message.expect(name).bytes);
        assert_eq!(found, *status, "{name}");
        assert_eq!(bound, *contacts, "{name}");
    }
}
