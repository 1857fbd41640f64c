//! Bad input, and the knobs that make the registrar misbehave.

use crate::support::{Client, World, users};
use graceline::registrar::{CannedAnswer, Config, Direction, Policy};
use graceline::sip::{Framing, Message, Name};

const A: &str = "<sip:a@a.invalid;transport=ws>";

#[test]
fn pings_are_answered_and_pongs_are_not() {
    let mut world = World::new(users());
    let connection = world.connect();
    world.send(connection, "\r\n\r\n");
    assert_eq!(world.raw(connection).as_deref(), Some(&b"\r\n"[..]));
    world.send(connection, "\r\n");
    assert!(world.is_silent(connection));
    assert_eq!(
        world.registrar.counters().received,
        0,
        "they are no messages"
    );
}

#[test]
fn what_is_not_sip_is_counted_and_nothing_else() {
    let mut world = World::new(users());
    let connection = world.connect();
    let frames: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{\"error\":\"gateway\"}".to_vec(),
        b"<html>502</html>\r\n\r\n".to_vec(),
        vec![0xff; 100],
        vec![b'x'; 1 << 20],
        vec![b'\n'; 3 << 20],
        b"REGISTER".to_vec(),
        b"REGISTER sip:example.com SIP/2.0\r\n".to_vec(),
        b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS".to_vec(),
        b"SIP/2.0 200 OK\r\n\r\n".to_vec(),
        b"SIP/2.0 999 OK\r\n\r\n".to_vec(),
        "REGISTER sip:ä SIP/2.0\r\nX: \u{0}\r\n\r\n".into(),
    ];
    for frame in frames {
        world.send(connection, &frame);
        assert!(
            world.is_silent(connection),
            "{:?}",
            String::from_utf8_lossy(&frame)
        );
    }
    let counters = world.registrar.counters();
    assert!(counters.malformed >= 9, "{counters:?}");
    Client::registered(&mut world, "2001", A);
}

#[test]
fn a_bad_request_that_can_be_answered_is_answered() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    let good = client.request("REGISTER", "sip:example.com", "");
    for (from, to, status) in [
        ("CSeq: 1 REGISTER", "CSeq: 1 INVITE", 400),
        ("CSeq: 1 REGISTER", "CSeq: x", 400),
        ("Via: SIP/2.0/WS ", "Via: SIP/2.0/WS;;", 400),
        ("Call-ID: call-1\r\n", "", 400),
        (
            "To: <sip:2001@example.com>",
            "To: <sip:2001@example.com",
            400,
        ),
        ("To: <sip:2001@example.com>", "To: <tel:2001>", 400),
        ("Max-Forwards: 70", "Max-Forwards: x", 400),
        ("Max-Forwards: 70", "Contact: <>", 400),
        ("REGISTER sip:example.com", "REGISTER tel:1", 416),
        ("SIP/2.0\r\n", "SIP/7.0\r\n", 505),
    ] {
        assert!(good.contains(from), "{from}");
        world.send(client.connection, good.replacen(from, to, 1));
        assert_eq!(
            world.next(client.connection).status(),
            status,
            "{from} → {to}"
        );
        assert!(world.is_silent(client.connection));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_of_a_byte_is_survived() {
    let mut world = World::new(users());
    let mut client = Client::registered(&mut world, "2001", A);
    let headers = format!(
        "Contact: {A};q=0.5\r\nExpires: 60\r\nEvent: reg\r\nSupported: gruu\r\n\
         Route: <sip:1-1-2-2-00ff@registrar.invalid;lr>\r\n"
    );
    for method in [
        "REGISTER",
        "SUBSCRIBE",
        "MESSAGE",
        "INVITE",
        "CANCEL",
        "ACK",
        "BYE",
    ] {
        let uri = if method == "REGISTER" {
            "sip:example.com"
        } else {
            "sip:2001@example.com;gr=x"
        };
        let good = client.request(method, uri, &headers);
        let good = good.as_bytes();
        for at in 0..good.len() {
            world.send(client.connection, &good[..at]);
            for flip in [0x01, 0x20, 0x80] {
                let mut bad = good.to_vec();
                bad[at] ^= flip;
                world.send(client.connection, &bad);
            }
        }
    }
    while let Some(data) = world.raw(client.connection) {
        // Whatever was made of it is SIP again.
        Message::parse(&data, Framing::Frame).expect("the registrar speaks SIP");
    }
    assert_eq!(
        client.register(&mut world, &[]).status(),
        200,
        "still at work"
    );
}

#[test]
fn a_message_that_is_too_large_is_told_so() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    let body = "x".repeat(70_000);
    let text = client
        .request(
            "MESSAGE",
            "sip:2002@example.com",
            "Content-Type: text/plain\r\n",
        )
        .replace(
            "Content-Length: 0\r\n\r\n",
            &format!("Content-Length: 70000\r\n\r\n{body}"),
        );
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 513);
}

#[test]
fn connections_are_limited_and_closed_ones_are_not_listened_to() {
    let mut config = users();
    config.limits.connections = 1;
    let mut world = World::new(config);
    let first = world.connect();
    let second = world.connect();
    assert_eq!(world.closed, [(second, 1013)]);
    world.send(second, "\r\n\r\n");
    assert!(world.is_silent(second));
    assert_eq!(world.registrar.counters().strays, 1);
    world.disconnect(first);
    let third = world.connect();
    world.send(third, "\r\n\r\n");
    assert!(!world.is_silent(third));
}

#[test]
fn answers_to_nothing_are_counted() {
    let mut world = World::new(users());
    let connection = world.connect();
    world.send(
        connection,
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS registrar.invalid;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\n\r\n",
    );
    assert!(world.is_silent(connection));
    assert_eq!(world.registrar.counters().strays, 1);
}

#[test]
fn lost_requests_change_nothing_and_lost_answers_do() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    client.register(&mut world, &[]);
    world.registrar.faults_mut().drop_requests = 1;
    let text = client.request("REGISTER", "sip:example.com", &format!("Contact: {A}\r\n"));
    world.send(client.connection, text);
    assert!(world.is_silent(client.connection) && world.contacts("2001").is_empty());
    world.registrar.faults_mut().drop_answers = 1;
    let text = client.request("REGISTER", "sip:example.com", &format!("Contact: {A}\r\n"));
    world.send(client.connection, text);
    assert!(world.is_silent(client.connection) && world.contacts("2001").len() == 1);
    assert_eq!(
        client.register(&mut world, &[]).status(),
        200,
        "only one was lost"
    );
}

#[test]
fn an_answer_can_be_laid_down() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    let canned = CannedAnswer {
        status: 503,
        reason: "Out To Lunch".into(),
        headers: vec![("Retry-After".into(), "7".into())],
    };
    world
        .registrar
        .faults_mut()
        .answer_register
        .push_back(canned);
    let answer = client.register(&mut world, &[A]);
    assert_eq!(
        (answer.status(), answer.reason(), answer.retry_after()),
        (503, "Out To Lunch", Some(7))
    );
    assert!(world.contacts("2001").is_empty());
    assert_eq!(client.register(&mut world, &[A]).status(), 200);
}

#[test]
fn a_silent_registrar_says_nothing_at_all() {
    let mut world = World::new(users());
    let client = Client::registered(&mut world, "2001", A);
    world.registrar.faults_mut().silent = true;
    world.send(client.connection, "\r\n\r\n");
    assert!(world.is_silent(client.connection));
    world.pass(200);
    assert!(world.contacts("2001").is_empty(), "time goes on");
    world.registrar.faults_mut().silent = false;
    world.send(client.connection, "\r\n\r\n");
    assert!(!world.is_silent(client.connection));
}

#[test]
fn a_restart_forgets_bindings_and_nonces() {
    let mut world = World::new(Config {
        policy: Policy::Normal,
        ..users()
    });
    let mut client = Client::registered(&mut world, "2001", A);
    world.changed.clear();
    world.registrar.forget();
    world.drain();
    assert_eq!(
        (world.contacts("2001").len(), world.changed.as_slice()),
        (0, &["2001".to_owned()][..])
    );
    assert_eq!(world.registrar.poll_timeout(), None);
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    let answer = world.next(client.connection);
    assert_eq!(answer.status(), 401);
    assert!(
        answer
            .header(Name::WwwAuthenticate)
            .unwrap()
            .contains("stale=true"),
        "no wrong password"
    );
}

#[test]
fn traces_and_logs_show_every_message_but_no_secret() {
    let mut world = World::new(users());
    let mut client = Client::registered(&mut world, "2001", A);
    let mut stranger = Client::new(&mut world, "9999");
    stranger.register(&mut world, &[A]);
    let text = client
        .request(
            "MESSAGE",
            "sip:2001@example.com",
            "Content-Type: text/plain\r\n",
        )
        .replace(
            "Content-Length: 0\r\n\r\n",
            "Content-Length: 7\r\n\r\nprivate",
        );
    world.send(client.connection, text);
    let shown: Vec<&str> = world
        .traces
        .iter()
        .map(|(.., text)| text.as_str())
        .collect();
    let starts: Vec<&str> = shown
        .iter()
        .filter_map(|text| text.lines().next())
        .collect();
    assert_eq!(
        starts[..4],
        [
            "REGISTER sip:example.com SIP/2.0",
            "SIP/2.0 401 Unauthorized",
            "REGISTER sip:example.com SIP/2.0",
            "SIP/2.0 200 OK",
        ]
    );
    assert_eq!(world.traces[0].0, Direction::Received);
    assert_eq!(world.traces[1].0, Direction::Sent);
    assert!(!world.logs.is_empty());
    for text in shown
        .into_iter()
        .chain(world.logs.iter().map(String::as_str))
    {
        for secret in ["secret", "response=", "nonce=", "private"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
