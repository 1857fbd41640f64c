//! Further flows of one phone (RFC 5626): calls and messages come by any of them.

use crate::calls::{incoming, settled};
use crate::conflict::plain;
use crate::world::{ClientId, World};
use graceline::call::Event;
use graceline::phone::Status;
use graceline::registrar::{Config, Dialect};

/// Alice, bound by two connections of which the second gets what comes, and Bob.
fn two_flows() -> (World, ClientId, ClientId) {
    let mut world = World::new(
        1,
        Config {
            outbound: true,
            ..plain(Dialect::Kamailio)
        },
    );
    let alice = world.client_with("alice", |config| {
        config.connections = vec!["ws://127.0.0.1/".into(), "ws://127.0.0.2/".into()];
    });
    assert_eq!(world.login(alice, false), None);
    let bob = world.phone("2002");
    world.seconds(1);
    assert_eq!(world.registrar.bindings("2001").len(), 2, "both are bound");
    let registered = world.clients[alice].phone.registered();
    let home = registered.map(|registered| registered.connection);
    assert_eq!(home.as_deref(), Some("ws://127.0.0.1/"));
    world.take_events(alice);
    (world, alice, bob)
}

#[test]
fn a_call_by_a_further_flow_is_taken_and_stays_there() {
    let (mut world, alice, bob) = two_flows();
    let there = world.connect(bob, 1, alice, "2001");
    world.calls(alice, |calls, now| calls.hangup(now, 7, there));
    world.seconds(1);
    assert_eq!(settled(&world.heard(alice)), [(7, None)]);
    let byes = world
        .sent
        .iter()
        .filter(|(_, _, line)| line.starts_with("BYE"));
    let slots: Vec<u32> = byes.map(|(_, slot, _)| *slot).collect();
    assert_eq!(slots, [1], "what follows goes where the INVITE came from");
}

#[test]
fn a_message_by_a_further_flow_is_taken() {
    let (mut world, alice, bob) = two_flows();
    let content = ("text/plain".to_owned(), "hi".to_owned());
    world.calls(bob, |calls, now| calls.message(now, 5, "2001", content));
    world.seconds(1);
    let heard = world.heard(alice);
    assert!(matches!(&heard[..], [Event::Message { .. }]), "{heard:?}");
    assert_eq!(settled(&world.heard(bob)), [(5, None)]);
}

/// The first flow goes, and a call is there before the REGISTER that moves the
/// registration has its answer.
#[test]
fn a_call_that_comes_while_the_registration_moves_is_taken() {
    let (mut world, alice, bob) = two_flows();
    world.act(alice, |phone, now| phone.handle_close(now, 0, 1));
    assert_eq!(world.status(alice), Status::RecoveryPending);
    world.call(bob, 1, "2001");
    let rings = |event: &graceline::phone::Event| {
        matches!(event, graceline::phone::Event::Call(Event::Incoming { .. }))
    };
    world.until("a call", |world| {
        world.clients[alice].events.iter().any(rings)
    });
    assert_eq!(world.status(alice), Status::RecoveryPending);
    let there = incoming(&world.heard(alice));
    world.seconds(1);
    assert_eq!(world.status(alice), Status::Ready);
    world.calls(alice, |calls, now| calls.answer(now, 90, there, Vec::new()));
    world.seconds(1);
    assert_eq!(settled(&world.heard(alice)), [(90, None)]);
}

#[test]
fn whoever_logs_out_is_bound_by_no_flow() {
    let (mut world, alice, _) = two_flows();
    world.act(alice, graceline::phone::Phone::unregister);
    world.seconds(1);
    assert_eq!(world.registrar.bindings("2001"), []);
    assert_eq!(world.status(alice), Status::Idle);
}

/// Its socket is another one, which the registrar has to learn of.
#[test]
fn a_further_flow_that_comes_back_is_bound_anew() {
    let (mut world, alice, _) = two_flows();
    let registers = |world: &World| {
        let by_second = |sent: &&(ClientId, u32, String)| {
            (sent.0, sent.1) == (alice, 1) && sent.2.starts_with("REGISTER")
        };
        world.sent.iter().filter(by_second).count()
    };
    let before = registers(&world);
    world.act(alice, |phone, now| phone.handle_close(now, 1, 1));
    world.seconds(10);
    assert_eq!(world.status(alice), Status::Ready);
    let again = registers(&world) - before;
    assert!((1..=2).contains(&again), "{again}");
}

/// RFC 5626 §4.5: a 430 says that the flow is gone, whatever its socket says.
#[test]
fn a_further_flow_that_failed_is_made_anew() {
    let (mut world, alice, _) = two_flows();
    let opens = world.clients[alice].opens;
    world.lose_flow(alice, 1);
    world.until("made anew", |world| world.clients[alice].opens > opens);
    world.seconds(5);
    assert_eq!(world.clients[alice].opens, opens + 1);
    assert_eq!(world.registrar.bindings("2001").len(), 2);
    assert_eq!(world.status(alice), Status::Ready);
}
