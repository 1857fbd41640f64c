//! 430 (Flow Failed, RFC 5626 §11.5): the socket is there, but a node behind it has
//! lost the flow. Whatever the phone sent goes another way, or says what happened.

use crate::calls::{LOCAL, ends, settled, states};
use crate::world::{ClientId, World, registrar_config};
use graceline::call::{Cause, Event, Shown};
use graceline::phone::{Fault, Phone, Status};
use graceline::pool::Distribution;
use graceline::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A logged-in phone of `user` that knows so many addresses.
fn phone(world: &mut World, user: &str, addresses: usize) -> ClientId {
    let id = client(world, user, addresses);
    assert_eq!(world.login(id, false), None);
    world.seconds(1);
    world.take_events(id);
    id
}

fn client(world: &mut World, user: &str, addresses: usize) -> ClientId {
    world.client_with(user, |config| {
        config.user = user.into();
        config.device = format!("CSF{user}");
        config.connections = (1..=addresses)
            .map(|n| format!("ws://127.0.0.{n}/"))
            .collect();
        config.distribution = Distribution::Priority;
    })
}

/// Alice with so many addresses, and Bob.
fn two(addresses: usize) -> (World, ClientId, ClientId) {
    let mut world = World::new(1, registrar_config());
    let alice = phone(&mut world, "2001", addresses);
    let bob = phone(&mut world, "2002", 1);
    (world, alice, bob)
}

fn home(world: &World, id: ClientId) -> Option<String> {
    let registered = world.clients[id].phone.registered();
    registered.map(|registered| registered.connection)
}

#[test]
fn a_refresh_goes_by_another_address_at_once_or_by_a_new_flow() {
    for (addresses, there) in [(2, "ws://127.0.0.2/"), (1, "ws://127.0.0.1/")] {
        let (mut world, alice, _) = two(addresses);
        world.lose_flow(alice, 0);
        world.act(alice, Phone::look);
        world.until("noticed", |world| {
            world.status(alice) == Status::RecoveryPending
        });
        let noticed = world.now;
        world.until("back", |world| world.status(alice) == Status::Ready);
        assert!(world.now - noticed < SECOND, "{addresses}");
        assert_eq!(home(&world, alice).as_deref(), Some(there));
        assert_eq!(world.terminations(alice), 0);
    }
}

#[test]
fn an_edge_that_never_recovers_is_asked_less_and_less() {
    let (mut world, alice, _) = two(1);
    world.lose_every_flow(alice, 0);
    world.act(alice, Phone::look);
    let before = world.clients[alice].opens;
    world.run(600 * SECOND);
    let opens = world.clients[alice].opens - before;
    // Half a minute each in the end, ±30 %.
    assert!((15..45).contains(&opens), "{opens}");
    assert_eq!(world.status(alice), Status::RecoveryPending);

    world.mend_edge();
    world.run(60 * SECOND);
    assert_eq!(world.status(alice), Status::Ready);
}

#[test]
fn a_login_takes_the_next_address_or_is_told() {
    let login = |addresses| -> Option<Fault> {
        let mut world = World::new(1, registrar_config());
        let alice = client(&mut world, "2001", addresses);
        world.lose_every_flow(alice, 0);
        let fault = world.login(alice, false);
        world.run(60 * SECOND);
        let ready = world.status(alice) == Status::Ready;
        assert_eq!(ready, fault.is_none());
        fault
    };
    assert_eq!(login(2), None);
    let told = login(1).map(|fault| (fault.code().as_str(), fault.status));
    assert_eq!(told, Some(("eServerRejected", Some(430))));
}

#[test]
fn logging_out_ends_in_any_case() {
    for addresses in [1, 2] {
        let (mut world, alice, _) = two(addresses);
        world.lose_every_flow(alice, 0);
        world.act(alice, Phone::unregister);
        world.run(40 * SECOND);
        assert_eq!(world.status(alice), Status::Idle, "{addresses}");
    }
}

#[test]
fn a_new_call_takes_another_flow_or_fails_at_once() {
    let (mut world, alice, bob) = two(2);
    world.lose_every_flow(alice, 0);
    world.connect(alice, 1, bob, "2002");
    assert_eq!(ends(&world.heard(alice)), []);

    let (mut world, alice, _) = two(1);
    world.lose_every_flow(alice, 0);
    world.call(alice, 1, "2002");
    world.seconds(1);
    let heard = world.heard(alice);
    assert_eq!(ends(&heard), [(1, Cause::Failed)]);
    let told = |event: &Event| matches!(event, Event::Ended { fault: Some(fault), .. } if fault.status == Some(430));
    assert!(heard.iter().any(told), "{heard:?}");
}

#[test]
fn a_call_goes_on_by_another_flow_with_what_its_user_wanted() {
    let (mut world, alice, bob) = two(2);
    let there = world.connect(alice, 1, bob, "2002");
    world.lose_every_flow(alice, 0);
    world.calls(alice, |calls, now| calls.hold(now, 5, 1, true));
    world.seconds(8);
    let heard = world.heard(alice);
    assert_eq!(settled(&heard), [(5, None)]);
    assert_eq!(states(&heard), [LOCAL]);
    world.calls(alice, |calls, now| calls.hangup(now, 6, 1));
    world.seconds(1);
    assert_eq!(ends(&world.heard(bob)), [(there, Cause::Remote)]);
}

#[test]
fn a_call_waits_for_a_flow_of_the_far_end_as_long_as_for_its_own() {
    for (mended_after, survives) in [(4, true), (60, false)] {
        let (mut world, alice, bob) = two(1);
        world.connect(alice, 1, bob, "2002");
        world.lose_every_flow(alice, 0);
        world.calls(alice, |calls, now| calls.hold(now, 5, 1, true));
        let since = world.now;
        world.seconds(mended_after.min(14));
        world.mend_edge();
        world.seconds(10);
        let heard = world.heard(alice);
        if survives {
            assert_eq!((settled(&heard), ends(&heard)), (vec![(5, None)], vec![]));
        } else {
            assert_eq!(settled(&heard), [(5, Some("eCallFailed"))]);
            assert_eq!(ends(&heard), [(1, Cause::Failed)]);
        }
        assert_ne!(states(&heard).last(), Some(&Shown::Connected));
        assert!(world.now - since < 30 * SECOND);
    }
}

#[test]
fn a_new_call_that_fails_on_two_flows_is_given_up() {
    let (mut world, alice, _) = two(2);
    world.lose_every_flow(alice, 0);
    world.lose_every_flow(alice, 1);
    let before = world.sent.len();
    world.call(alice, 1, "2002");
    world.seconds(1);
    assert_eq!(ends(&world.heard(alice)), [(1, Cause::Failed)]);
    let sent = world.sent.get(before..).unwrap_or_default().iter();
    let invites = sent.filter(|(_, _, line)| line.starts_with("INVITE"));
    let slots: Vec<u32> = invites.map(|(_, slot, _)| *slot).collect();
    assert_eq!(slots, [0, 1]);
}
