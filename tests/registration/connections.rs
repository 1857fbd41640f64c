//! How often a phone connects to a server that does not keep its connections.

use crate::rig::{Act, Asked, Heard, Rig, accept, answer};
use graceline::phone::Status;

const OPTIONS: &str = "OPTIONS sip:2001@example.com SIP/2.0\nVia: SIP/2.0/WS s.invalid;branch=z9hG4bK1\n\
     From: <sip:example.com>;tag=1\nTo: <sip:2001@example.com>\nCall-ID: c\nCSeq: 1 OPTIONS\n\n";

/// A registrar that lists whoever asks, and nobody else.
fn welcoming(asked: &Asked) -> Vec<Act> {
    match asked.message.method() {
        "REGISTER" if asked.binds() => accept(&["<{own}>;expires=120"]),
        "REGISTER" => answer("200 OK"),
        _ => answer("405 Method Not Allowed"),
    }
}

/// Connections that were opened in the first ten seconds and in the first minute.
fn opened(server: impl FnMut(&Heard<'_>) -> Vec<Act> + 'static) -> (usize, usize) {
    let mut rig = Rig::new(server);
    rig.register(false);
    rig.seconds(10);
    let soon = rig.opens.len();
    rig.seconds(50);
    (soon, rig.opens.len())
}

/// Health is time lived: whatever a server says before it closes the connection, it
/// is connected to again after 0 to 0.25, 1, 2, 4 … 30 s.
#[test]
fn a_server_that_closes_whatever_it_says_is_connected_to_after_growing_pauses() {
    type Server = fn(&Heard<'_>) -> Vec<Act>;
    let servers: [(&str, Server); 5] = [
        ("200 to each request", |heard| match heard {
            Heard::Request(asked) if asked.binds() => {
                [welcoming(asked), vec![Act::Close(20)]].concat()
            }
            Heard::Request(asked) => welcoming(asked),
            Heard::Opened => Vec::new(),
        }),
        ("100 alone", |heard| match heard {
            Heard::Request(_) => vec![Act::Answer(0, "100 Trying".into()), Act::Close(20)],
            Heard::Opened => Vec::new(),
        }),
        ("a request of its own", |heard| match heard {
            Heard::Opened => vec![Act::Send(1, OPTIONS.into()), Act::Close(20)],
            Heard::Request(_) => Vec::new(),
        }),
        ("keepalives", |heard| match heard {
            Heard::Opened => vec![
                Act::Send(1, "\n\n".into()),
                Act::Send(1, "\n".into()),
                Act::Close(20),
            ],
            Heard::Request(_) => Vec::new(),
        }),
        (
            "a registration that stands for ten seconds",
            |heard| match heard {
                Heard::Request(asked) if asked.binds() => {
                    [welcoming(asked), vec![Act::Close(10_000)]].concat()
                }
                Heard::Request(asked) => welcoming(asked),
                Heard::Opened => Vec::new(),
            },
        ),
    ];
    for (name, server) in servers {
        let (soon, minute) = opened(server);
        assert!(soon <= 5, "{name}: {soon} connections in ten seconds");
        assert!(minute <= 8, "{name}: {minute} connections in a minute");
    }
}

#[test]
fn a_connection_that_lived_is_replaced_at_once() {
    let mut rig = Rig::new(|heard| match heard {
        Heard::Opened => vec![Act::Close(60_000)],
        Heard::Request(asked) => welcoming(asked),
    });
    assert_eq!(rig.login(false), None);
    for _ in 0..10 {
        let before = rig.opens.len();
        while rig.status() == Status::Ready {
            rig.wait(10);
        }
        rig.wait(300);
        assert_eq!(rig.opens.len(), before + 1, "{}", rig.told());
        assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    }
}
