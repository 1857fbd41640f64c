//! How soon a phone notices that its server is out of reach, and how soon it is
//! back: the tables of `docs/connections.md`. Each row is played from many seeds,
//! at many moments, idle and in a call, and the worst is kept.
//! `cargo test --test scenarios away -- --nocapture` prints them.

use crate::calls::ends;
use crate::conflict::plain;
use crate::world::{ClientId, Network, World, registrar_config};
use graceline::phone::{Phone, Status};
use graceline::registrar::{Config, Dialect};
use graceline::time::Duration;

const SEEDS: u8 = 40;

/// A phone whose registration stands for a while, at a moment that depends on the
/// seed.
fn registered(seed: u8, config: Config, in_call: bool) -> (World, ClientId) {
    let mut world = World::new(seed, config);
    let alice = world.phone("2001");
    let bob = world.phone("2002");
    // Two heartbeats: the phone knows how its server answers them.
    world.seconds(70);
    if in_call {
        world.connect(alice, 1, bob, "2002");
        world.seconds(5);
    }
    world.run(Duration::from_millis(u64::from(seed) * 397));
    world.take_events(alice);
    (world, alice)
}

/// Milliseconds until the phone has noticed, and from when its server is in reach
/// again until it is registered.
struct Times {
    noticed: u64,
    back: u64,
}

/// What happens; it returns when the phone could first notice.
type Happening = fn(&mut World, ClientId);

fn play(seed: u8, in_call: bool, happens: Happening) -> Times {
    let (mut world, alice) = registered(seed, registrar_config(), in_call);
    happens(&mut world, alice);
    let since = world.now;
    world.until("noticed", |world| {
        world.status(alice) == Status::RecoveryPending
    });
    let noticed = (world.now - since).as_millis();
    world.clients[alice].network = Network::Up;
    let since = world.now;
    world.until("back", |world| world.status(alice) == Status::Ready);
    let back = (world.now - since).as_millis();
    world.seconds(20);
    assert_eq!(ends(&world.heard(alice)), [], "the call, seed {seed}");
    Times { noticed, back }
}

fn silent(world: &mut World, id: ClientId) {
    world.clients[id].network = Network::Silent;
}

/// A row of the table: what happens, and the most that it may take to notice, in
/// milliseconds, idle and in a call.
const ROWS: [(&str, Happening, [Option<u64>; 2]); 5] = [
    ("the socket is closed", World::cut, [Some(20), Some(20)]),
    // The test registrar forgets the way to the far ends of calls.
    (
        "the server restarts",
        |world, _| world.restart_registrar(),
        [Some(20), None],
    ),
    ("silence", silent, [Some(38_000), Some(7_000)]),
    (
        "online, another network",
        |world, id| {
            silent(world, id);
            world.act(id, Phone::look);
        },
        [Some(4_000), Some(1_000)],
    ),
    (
        "sleep",
        |world, id| {
            silent(world, id);
            world.clients[id].asleep = true;
            world.seconds(5);
            world.wake(id);
            world.act(id, Phone::look);
        },
        [Some(4_000), Some(1_000)],
    ),
];

/// The first attempt to connect is made within 250 ms; then come at most three
/// round trips and one for the WebSocket, of 20 ms each.
const BACK: u64 = 250 + 4 * 20;

#[test]
fn whoever_is_gone_is_noticed_and_back_within_what_the_documentation_says() {
    println!("worst of {SEEDS}, ms         noticed, back: idle      in a call");
    for (name, happens, limits) in ROWS {
        let mut cells = Vec::new();
        for (in_call, limit) in [false, true].into_iter().zip(limits) {
            let Some(limit) = limit else { continue };
            let times: Vec<Times> = (1..=SEEDS)
                .map(|seed| play(seed, in_call, happens))
                .collect();
            let worst = |of: fn(&Times) -> u64| times.iter().map(of).max().unwrap_or_default();
            let (noticed, back) = (worst(|times| times.noticed), worst(|times| times.back));
            assert!(noticed <= limit, "{name} {in_call}: {noticed}");
            assert!(back <= BACK, "{name} {in_call}: {back}");
            cells.push(format!("{noticed:>6} {back:>4}"));
        }
        println!("{name:28} {}", cells.join("    "));
    }
}

#[test]
fn a_request_that_waits_shows_a_silent_server_within_eight_seconds() {
    for seed in 1..=SEEDS {
        let (mut world, alice) = registered(seed, registrar_config(), false);
        silent(&mut world, alice);
        let before = world.clients[alice].registers;
        world.until("a refresh, or noticed without", |world| {
            world.clients[alice].registers > before || world.status(alice) != Status::Ready
        });
        let since = world.now;
        world.until("noticed", |world| world.status(alice) != Status::Ready);
        let noticed = world.now - since;
        assert!(noticed <= Duration::from_secs(8), "{seed} {noticed:?}");
    }
}

/// Out of reach for a while: how soon after that, with the browser's word for it
/// (`online`) and without.
#[test]
fn a_server_that_is_back_is_found_within_what_the_documentation_says() {
    println!("worst of {SEEDS}, ms: back after the server is");
    for (name, in_call, told, limit) in [
        ("idle", false, false, 39_000 + BACK),
        ("idle, online", false, true, 100),
        ("in a call", true, false, 1_300 + BACK),
        ("in a call, online", true, true, 100),
    ] {
        let mut worst = 0;
        for seed in 1..=SEEDS {
            let (mut world, alice) = registered(seed, registrar_config(), in_call);
            world.clients[alice].network = Network::Refusing;
            world.cut(alice);
            // Of the 12 s that a call has.
            let away = if in_call { 9_000 } else { 200_000 };
            world.run(Duration::from_millis(away + u64::from(seed) * 13));
            world.clients[alice].network = Network::Up;
            let since = world.now;
            if told {
                world.act(alice, Phone::look);
            }
            world.until("back", |world| world.status(alice) == Status::Ready);
            worst = worst.max((world.now - since).as_millis());
        }
        println!("{name:20} {worst:>6}");
        assert!(worst <= limit, "{name}: {worst}");
    }
}

/// From the new socket to `eReady`: REGISTERs, which all wait for their answers.
#[test]
fn round_trips_from_a_new_socket_to_ready_are_what_the_documentation_says() {
    println!("round trips from the new socket to eReady");
    for (name, config, expected) in [
        ("cisco form", registrar_config(), 1),
        ("generic, Kamailio", plain(Dialect::Kamailio), 2),
    ] {
        for (in_call, restarts) in [(false, false), (true, false), (false, true)] {
            let (mut world, alice) = registered(1, config.clone(), in_call);
            let before = world.clients[alice].registers;
            match restarts {
                true => world.restart_registrar(),
                false => world.cut(alice),
            }
            world.until("lost", |world| world.status(alice) != Status::Ready);
            world.until("back", |world| world.status(alice) == Status::Ready);
            let counted = world.clients[alice].registers - before;
            let when = match (in_call, restarts) {
                (true, _) => "in a call",
                (_, true) => "after a restart, which loses the nonces",
                _ => "idle",
            };
            println!("{name:20} {when:40} {counted}");
            let expected = expected + usize::from(restarts);
            assert_eq!(counted, expected, "{name} {when}");
        }
    }
}
