//! Several addresses of the server: connected, watched, left and returned to.

use crate::world::{ClientId, Network, World, registrar_config};
use graceline::phone::{Event, Phone, Status};
use graceline::pool::Watch;
use graceline::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("ws://127.0.0.{n}/")).collect()
}

/// A client of `count` addresses that is logged in.
fn logged_in(count: usize, watch: Watch) -> (World, ClientId) {
    let mut world = World::new(1, registrar_config());
    let id = world.client_with("alice", |config| {
        config.connections = urls(count);
        config.watch = watch;
    });
    assert_eq!(
        world.login(id, false).map(|fault| fault.code().as_str()),
        None
    );
    (world, id)
}

fn home(world: &World, id: ClientId) -> Option<String> {
    let registered = world.clients[id].phone.registered();
    registered.map(|registered| registered.connection)
}

#[test]
fn all_addresses_are_connected_and_the_first_gets_the_registration() {
    let (mut world, id) = logged_in(8, Watch::All);
    world.run(SECOND);
    assert_eq!(world.sockets(id), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(home(&world, id).as_deref(), Some("ws://127.0.0.0/"));
}

#[test]
fn in_use_connects_one() {
    let (mut world, id) = logged_in(8, Watch::InUse);
    world.run(120 * SECOND);
    assert_eq!(world.sockets(id), [0]);
}

#[test]
fn a_dead_node_costs_no_login_whichever_it_is() {
    for watch in [Watch::All, Watch::InUse] {
        for network in [Network::Refusing, Network::Silent] {
            for dead in 0..2 {
                let mut world = World::new(1, registrar_config());
                world.nodes[dead] = network;
                let id = world.client_with("alice", |config| {
                    config.connections = urls(2);
                    config.watch = watch;
                });
                let fault = world.login(id, false).map(|fault| fault.code().as_str());
                assert_eq!(fault, None, "{watch:?} {network:?} {dead}");
            }
        }
    }
}

#[test]
fn the_registration_fails_over_at_once_and_comes_back_gently() {
    for watch in [Watch::All, Watch::InUse] {
        let (mut world, id) = logged_in(2, watch);
        world.run(SECOND);
        world.take_events(id);
        world.kill_node(0);
        world.until("moved", |world| world.status(id) == Status::RecoveryPending);
        let lost = world.now;
        world.until("back", |world| world.status(id) == Status::Ready);
        assert!(world.now - lost < SECOND, "{watch:?}");
        assert_eq!(home(&world, id).as_deref(), Some("ws://127.0.0.1/"));
        assert_eq!(world.holders(), ["alice"]);

        // The node is back: not trusted at once, and the status does not flicker.
        world.run(60 * SECOND);
        world.take_events(id);
        world.nodes[0] = Network::Up;
        let up = world.now;
        world.until("home", |world| {
            home(world, id).as_deref() == Some("ws://127.0.0.0/")
        });
        assert!(world.now - up >= 30 * SECOND, "{watch:?}");
        world.run(5 * SECOND);
        let flickers = world.take_events(id);
        assert!(
            !flickers
                .iter()
                .any(|event| matches!(event, Event::Status(Status::RecoveryPending, _))),
            "{watch:?}: {flickers:?}"
        );
        assert_eq!(world.status(id), Status::Ready);
        assert_eq!(world.holders(), ["alice"]);
        let expected: &[u32] = if watch == Watch::All { &[0, 1] } else { &[0] };
        assert_eq!(world.sockets(id), expected, "{watch:?}");
    }
}

#[test]
fn a_half_open_address_is_noticed_by_its_heartbeat_while_idle() {
    for watch in [Watch::All, Watch::InUse] {
        let (mut world, id) = logged_in(2, watch);
        // Long enough to learn that the server pongs.
        world.run(40 * SECOND);
        world.nodes[0] = Network::Silent;
        let since = world.now;
        world.until("moved", |world| {
            home(world, id).as_deref() == Some("ws://127.0.0.1/")
        });
        // Interval, patience, and the login on the other.
        assert!(world.now - since <= 40 * SECOND, "{watch:?}");
    }
}

#[test]
fn waking_up_asks_every_peer_at_once() {
    let (mut world, id) = logged_in(2, Watch::All);
    world.run(40 * SECOND);
    world.nodes[0] = Network::Silent;
    world.nodes[1] = Network::Silent;
    let since = world.now;
    world.act(id, Phone::look);
    world.until("noticed", |world| world.sockets(id).is_empty());
    assert!(world.now - since <= 5 * SECOND);
}

#[test]
fn a_sleeping_machine_is_no_dead_peer() {
    let (mut world, id) = logged_in(8, Watch::All);
    world.run(40 * SECOND);
    let before = world.clients[id].opens;
    world.clients[id].asleep = true;
    world.run(50 * SECOND);
    world.wake(id);
    world.run(60 * SECOND);
    assert_eq!(world.clients[id].opens, before, "a socket was replaced");
    assert_eq!(world.status(id), Status::Ready);
}

#[test]
fn failing_addresses_rest_longer_and_longer() {
    let (mut world, id) = logged_in(2, Watch::All);
    world.kill_node(1);
    world.run(3600 * SECOND);
    let attempts = world.clients[id].opens;
    // Half a minute each in the end, ±30 %.
    assert!((80..180).contains(&attempts), "{attempts}");
    assert_eq!(world.status(id), Status::Ready);
}

#[test]
fn unregistering_closes_them_all() {
    for watch in [Watch::All, Watch::InUse] {
        let (mut world, id) = logged_in(3, watch);
        world.run(SECOND);
        world.act(id, Phone::unregister);
        world.run(5 * SECOND);
        assert_eq!(world.sockets(id), [0; 0]);
        assert_eq!(world.holders(), [""; 0]);
    }
}

#[test]
fn a_forced_login_in_the_cisco_form_still_takes_a_new_connection_and_stays_home() {
    let (mut world, alice) = logged_in(2, Watch::All);
    let bob = world.client_with("bob", |config| config.connections = urls(2));
    assert_eq!(
        world.login(bob, false).map(|fault| fault.code().as_str()),
        Some("eDeviceAlreadyRegistered")
    );
    assert_eq!(
        world.login(bob, true).map(|fault| fault.code().as_str()),
        None
    );
    world.run(5 * SECOND);
    assert_eq!(home(&world, bob).as_deref(), Some("ws://127.0.0.0/"));
    assert_eq!(world.status(alice), Status::ConnectionTerminated);
    assert_eq!(world.sockets(alice), [0; 0], "it keeps no socket");
}

#[test]
fn the_registration_stays_where_a_call_is_until_it_ends() {
    let mut world = World::new(1, registrar_config());
    let alice = world.client_with("alice", |config| {
        config.connections = urls(2);
        config.watch = Watch::All;
    });
    world.nodes[0] = Network::Refusing;
    assert_eq!(
        world.login(alice, false).map(|fault| fault.code().as_str()),
        None
    );
    let bob = world.client_with("bob", |config| {
        config.user = "2002".into();
        config.connections = urls(2);
    });
    assert_eq!(
        world.login(bob, false).map(|fault| fault.code().as_str()),
        None
    );
    let there = world.connect(alice, 1, bob, "2002");
    world.nodes[0] = Network::Up;
    world.run(300 * SECOND);
    assert_eq!(home(&world, alice).as_deref(), Some("ws://127.0.0.1/"));
    world.calls(bob, |calls, now| calls.hangup(now, 7, there));
    world.until("home", |world| {
        home(world, alice).as_deref() == Some("ws://127.0.0.0/")
    });
}

#[test]
fn who_was_ousted_does_not_remember_to_hold_the_line() {
    let (mut world, alice) = logged_in(1, Watch::All);
    let holds = |world: &World| {
        let memory = world.clients[alice].stored.as_deref();
        memory.is_some_and(|memory| memory.contains("\nheld\t"))
    };
    assert!(holds(&world));
    let bob = world.client("bob");
    assert_eq!(
        world.login(bob, true).map(|fault| fault.code().as_str()),
        None
    );
    world.until("ousted", |world| world.terminations(alice) == 1);
    assert!(!holds(&world), "{:?}", world.clients[alice].stored);
}
