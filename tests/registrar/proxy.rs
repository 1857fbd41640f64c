//! Requests between clients.

use crate::support::{Client, World, body, instance, users};
use graceline::registrar::{Config, Policy};
use graceline::sip::{Framing, Message, Name};

pub const ALICE: &str = "<sip:alice@alice.invalid;transport=ws>";
pub const BOB: &str = "<sip:bob@bob.invalid;transport=ws>";
pub const TO_BOB: &str = "sip:2002@example.com";

pub fn world() -> World {
    World::new(Config {
        policy: Policy::Normal,
        ..users()
    })
}

pub fn pair(world: &mut World) -> (Client, Client) {
    let alice = Client::registered(world, "2001", ALICE);
    let bob = Client::registered(world, "2002", BOB);
    (alice, bob)
}

/// Sends a request and returns its copy at the other side.
pub fn relayed(
    world: &mut World,
    from: &mut Client,
    to: &Client,
    method: &str,
    headers: &str,
) -> Message {
    let text = from.request(method, TO_BOB, headers);
    world.send(from.connection, text);
    world.next(to.connection)
}

const LIES: &str = "P-Asserted-Identity: \"The CEO\" <sip:ceo@example.com>\r\n\
                    p-preferred-identity: <sip:ceo@example.com>\r\n\
                    REMOTE-PARTY-ID: <sip:ceo@example.com>\r\n";

/// What `message` says of who sent it, From and To aside.
fn identities(message: &Message) -> Vec<(String, String)> {
    let speaks = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.ends_with("-identity") || name == "remote-party-id"
    };
    let all = message.all_headers().filter(|(name, _)| speaks(name));
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_registrar_says_who_calls_and_who_answers() {
    for policy in [Policy::Normal, Policy::Graceful, Policy::Duplicate] {
        let mut world = World::new(Config { policy, ..users() });
        let (mut alice, bob) = pair(&mut world);
        let asserted = |aor: &str| vec![("P-Asserted-Identity".to_owned(), format!("<{aor}>"))];
        for method in ["INVITE", "MESSAGE"] {
            let request = relayed(&mut world, &mut alice, &bob, method, LIES);
            assert_eq!(identities(&request), asserted("sip:2001@example.com"));
            world.reply(bob.connection, &request, "180 Ringing", LIES);
            world.reply(bob.connection, &request, "486 Busy", LIES);
            let mut statuses = Vec::new();
            while let Some(data) = world.raw(alice.connection) {
                let answer = Message::parse(&data, Framing::Frame).expect("an answer");
                if answer.status() > 100 {
                    assert_eq!(identities(&answer), asserted("sip:2002@example.com"));
                    statuses.push(answer.status());
                }
            }
            assert_eq!(statuses, [180, 486]);
            while world.raw(bob.connection).is_some() {}
        }
        let private = format!("{LIES}Privacy: id\r\n");
        let request = relayed(&mut world, &mut alice, &bob, "MESSAGE", &private);
        assert_eq!(identities(&request), []);
    }
}

/// Servers that people run pass on what clients say.
#[test]
fn a_dialect_leaves_identities_as_they_are() {
    let mut world = World::new(Config {
        policy: Policy::Normal,
        dialect: Some(graceline::registrar::Dialect::Kamailio),
        ..users()
    });
    let (mut alice, bob) = pair(&mut world);
    let request = relayed(&mut world, &mut alice, &bob, "MESSAGE", LIES);
    assert_eq!(identities(&request).len(), 3);
}

#[test]
fn a_message_goes_through_and_its_answer_comes_back() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let text = alice
        .request(
            "MESSAGE",
            TO_BOB,
            "X-Own: kept,  as is\r\nContent-Type: text/plain\r\n",
        )
        .replace(
            "Content-Length: 0\r\n\r\n",
            "Content-Length: 5\r\n\r\nhällo",
        )
        .replace("Content-Length: 5", "Content-Length: 6");
    world.send(alice.connection, text);
    let message = world.next(bob.connection);
    assert_eq!(
        (message.method(), message.request_uri()),
        ("MESSAGE", "sip:bob@bob.invalid;transport=ws")
    );
    assert_eq!(message.header(Name::MaxForwards), Some("69"));
    assert_eq!(message.header_named("X-Own"), Some("kept,  as is"));
    assert_eq!(body(&message), "hällo");
    assert_eq!(message.values(Name::Via).count(), 2);
    assert_eq!(
        message.header(Name::RecordRoute),
        None,
        "no dialog, no route"
    );
    world.reply(bob.connection, &message, "202 Accepted", "X-Back: yes\r\n");
    let answer = world.next(alice.connection);
    assert_eq!(
        (answer.status(), answer.header_named("X-Back")),
        (202, Some("yes"))
    );
    assert_eq!(answer.values(Name::Via).count(), 1);
    answer.validate().expect("one Via, ours is gone");
    world.reply(bob.connection, &message, "200 OK", "");
    assert!(world.is_silent(alice.connection), "one answer is enough");
    assert_eq!(world.registrar.counters().strays, 1);
}

#[test]
fn only_the_registered_or_authenticated_send() {
    let mut world = world();
    let (_, bob) = pair(&mut world);
    let mut stranger = Client::new(&mut world, "2001");
    let text = stranger.request("MESSAGE", TO_BOB, "");
    world.send(stranger.connection, text);
    let challenge = world.next(stranger.connection);
    assert_eq!(
        (
            challenge.status(),
            challenge.lines(Name::ProxyAuthenticate).count()
        ),
        (407, 2)
    );
    assert!(world.is_silent(bob.connection));
    // With credentials it goes through, and they stay here.
    stranger.uses(crate::support::digest(
        &challenge,
        graceline::sip::Algorithm::Md5,
    ));
    let message = relayed(&mut world, &mut stranger, &bob, "MESSAGE", "");
    assert_eq!(message.header(Name::ProxyAuthorization), None);
    // A registered connection does not speak for others.
    let mut bob_as_alice = Client::new(&mut world, "2001");
    bob_as_alice.connection = bob.connection;
    let text = bob_as_alice.request("MESSAGE", TO_BOB, "");
    world.send(bob.connection, text);
    assert_eq!(world.next(bob.connection).status(), 407);
}

#[test]
fn who_is_not_there_is_answered_for() {
    let mut world = world();
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    for (uri, status) in [
        ("sip:2002@example.com", 480),
        ("sip:9999@example.com", 404),
        ("sip:2001@elsewhere.test", 404),
        ("sip:2001@example.com;gr=urn:uuid:none", 480),
        ("sip:9999@example.com;gr=urn:uuid:none", 404),
    ] {
        assert_eq!(
            alice.ask(&mut world, "MESSAGE", uri, "").status(),
            status,
            "{uri}"
        );
    }
    let text = alice.request("MESSAGE", "sip:2001@example.com", "");
    world.send(
        alice.connection,
        text.replace("Max-Forwards: 70", "Max-Forwards: 0"),
    );
    assert_eq!(world.next(alice.connection).status(), 483);
    let text = alice.request("MESSAGE", "sip:2001@example.com", "Proxy-Require: foo\r\n");
    world.send(alice.connection, text);
    let answer = world.next(alice.connection);
    assert_eq!(
        (answer.status(), answer.header(Name::Unsupported)),
        (420, Some("foo"))
    );
}

#[test]
fn options_to_the_registrar_itself() {
    let mut world = world();
    let mut anybody = Client::new(&mut world, "2001");
    let answer = anybody.ask(&mut world, "OPTIONS", "sip:example.com", "");
    assert_eq!(
        (answer.status(), answer.header(Name::AllowEvents)),
        (200, Some("reg, presence, dialog, message-summary"))
    );
    assert!(answer.header(Name::Allow).unwrap().contains("REGISTER"));
    let answer = anybody.ask(&mut world, "MESSAGE", "sip:example.com", "");
    assert_eq!(answer.status(), 405);
}

#[test]
fn a_gruu_reaches_one_instance_and_a_contact_reaches_itself() {
    let mut world = world();
    let mut alice = Client::registered(&mut world, "2001", ALICE);
    let on = |device: &str| format!("+u.sip!devicename.ccm.cisco.com=\"{device}\"");
    let one = format!("{BOB};{};{}", instance('a'), on("ONE"));
    let one = Client::registered(&mut world, "2002", &one);
    let two = format!("<sip:two@two.invalid>;{};{}", instance('b'), on("TWO"));
    let two = Client::registered(&mut world, "2002", &two);
    let gruu = "sip:2002@example.com;gr=urn:uuid:bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
    let text = alice.request("OPTIONS", gruu, "X-Graceline: look\r\n");
    world.send(alice.connection, text);
    let hint = world.next(two.connection);
    assert_eq!(hint.header_named("X-Graceline"), Some("look"));
    assert_eq!(hint.request_uri(), "sip:two@two.invalid");
    assert!(world.is_silent(one.connection));
    let text = alice.request("OPTIONS", "sip:bob@bob.invalid;transport=ws", "");
    world.send(alice.connection, text);
    assert_eq!(world.next(one.connection).method(), "OPTIONS");
    assert!(world.is_silent(two.connection));
}

#[test]
fn a_refused_call_is_acknowledged_on_both_hops() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let invite = relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.next(alice.connection);
    let branch = invite.top_via().unwrap().branch().unwrap().to_owned();
    world.reply(bob.connection, &invite, "486 Busy Here", "");
    let ack = world.next(bob.connection);
    assert_eq!(
        (ack.method(), ack.request_uri()),
        ("ACK", invite.request_uri())
    );
    assert_eq!(ack.top_via().unwrap().branch(), Some(branch.as_str()));
    assert_eq!(ack.to_tag(), Some(format!("t{}", bob.connection).as_str()));
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    assert_eq!(world.next(alice.connection).status(), 486);
    let to = format!("<{TO_BOB}>;tag=t{}", bob.connection);
    let text = alice.text("ACK", TO_BOB, &to, "");
    world.send(alice.connection, text);
    assert!(world.is_silent(bob.connection), "that ACK was for us");
}

#[test]
fn a_cancelled_call_stops_ringing() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    let invite = relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.next(alice.connection);
    let to = format!("<{TO_BOB}>");
    let text = alice.text("CANCEL", TO_BOB, &to, "Reason: SIP;cause=600\r\n");
    world.send(alice.connection, text);
    assert_eq!(world.next(alice.connection).status(), 200);
    let cancel = world.next(bob.connection);
    assert_eq!(
        (cancel.method(), cancel.header(Name::Reason)),
        ("CANCEL", Some("SIP;cause=600"))
    );
    assert_eq!(
        cancel.top_via().unwrap().branch(),
        invite.top_via().unwrap().branch()
    );
    world.reply(bob.connection, &cancel, "200 OK", "");
    world.reply(bob.connection, &invite, "487 Request Terminated", "");
    assert_eq!(world.next(bob.connection).method(), "ACK");
    assert_eq!(world.next(alice.connection).status(), 487);
    assert!(world.is_silent(alice.connection));
    alice.cseq += 1;
    let text = alice.text("CANCEL", TO_BOB, &to, "");
    world.send(alice.connection, text);
    assert_eq!(
        world.next(alice.connection).status(),
        481,
        "nothing to cancel"
    );
}

#[test]
fn nobody_waits_for_a_connection_that_closed() {
    let mut world = world();
    let (mut alice, bob) = pair(&mut world);
    relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.next(alice.connection);
    world.disconnect(bob.connection);
    assert_eq!(world.next(alice.connection).status(), 480);

    let bob = Client::registered(&mut world, "2002", BOB);
    relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.disconnect(alice.connection);
    assert_eq!(world.next(bob.connection).method(), "CANCEL");
}

#[test]
fn nobody_waits_for_ever() {
    let mut world = World::new(Config {
        max_expires: Some(3600),
        ..users()
    });
    let (mut alice, bob) = pair(&mut world);
    relayed(&mut world, &mut alice, &bob, "MESSAGE", "");
    world.pass(40);
    assert!(world.is_silent(alice.connection), "no 408 to a MESSAGE");
    relayed(&mut world, &mut alice, &bob, "INVITE", "");
    world.next(alice.connection);
    world.pass(189);
    assert!(
        world.is_silent(alice.connection),
        "it may ring for three minutes"
    );
    world.pass(1);
    assert_eq!(world.next(bob.connection).method(), "CANCEL");
    assert_eq!(world.next(alice.connection).status(), 408);
}

#[test]
fn what_was_answered_makes_room_for_what_waits() {
    let mut config = users();
    config.policy = Policy::Normal;
    config.limits.relays = 2;
    let mut world = World::new(config);
    let (mut alice, bob) = pair(&mut world);
    let mut call = |world: &mut World, answered: bool| {
        let invite = relayed(world, &mut alice, &bob, "INVITE", "");
        assert_eq!(world.next(alice.connection).status(), 100);
        if answered {
            world.reply(bob.connection, &invite, "200 OK", "");
            assert_eq!(world.next(alice.connection).status(), 200);
        }
    };
    for answered in [true, true, true, false, false] {
        call(&mut world, answered);
    }
    let text = alice.request("INVITE", TO_BOB, "");
    world.send(alice.connection, text);
    let refused = world.next(alice.connection);
    assert_eq!(
        (refused.status(), refused.reason()),
        (503, "Too Many Requests Under Way")
    );
}
