//! The figures that the documentation quotes, counted on the virtual wire:
//! `cargo test --test scenarios figures -- --nocapture` prints them.

use crate::conflict::plain;
use crate::world::{World, registrar_config};
use graceline::csta::control::Output;
use graceline::gateway::WhenDown;
use graceline::pool::Watch;
use graceline::registrar::{Config, Dialect};
use graceline::time::Duration;
use graceline_kit::house::{APPEARANCES, House, Plan};

/// REGISTERs of one login, from the open socket to its end.
fn round_trips(config: &Config, force: bool, rival: bool, warm: bool) -> usize {
    let mut world = World::new(60, config.clone());
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    if warm {
        world.login(bob, false);
        world.act(bob, graceline::phone::Phone::unregister);
        world.run(Duration::from_secs(1));
        world.reload(bob, false);
    }
    if rival {
        world.login(alice, false);
    }
    let before = world.clients[bob].registers;
    world.login(bob, force);
    world.clients[bob].registers - before
}

/// Messages on the wire between the answer to the force and the moment at which
/// the other client says that it is ousted.
fn messages_until_ousted(config: &Config) -> usize {
    let mut world = World::new(61, config.clone());
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    world.login(alice, false);
    world.run(Duration::from_secs(5));
    world.login(bob, true);
    world.until("ousted", |world| world.terminations(alice) == 1);
    let at = |text: &str| world.transcript.iter().position(|line| line.contains(text));
    let (forced, ousted) = (at("bob: registered"), at("alice: terminated"));
    let (forced, ousted) = (forced.expect("forced"), ousted.expect("ousted"));
    let between = world.transcript.get(forced..ousted).unwrap_or_default();
    between
        .iter()
        .filter(|line| line.contains("alice →") || line.contains("alice ←"))
        .count()
}

#[test]
fn figures_are_what_the_documentation_says() {
    println!("round trips            registered  refused  forced    (warm)");
    let table = [
        ("cisco form", registrar_config(), [2, 2, 2], [1, 1, 1]),
        (
            "generic, Kamailio",
            plain(Dialect::Kamailio),
            [3, 2, 3],
            [2, 1, 2],
        ),
    ];
    for (name, config, cold, warm) in &table {
        for (warmth, expected) in [(false, cold), (true, warm)] {
            let counted = [
                round_trips(config, false, false, warmth),
                round_trips(config, false, true, warmth),
                round_trips(config, true, true, warmth),
            ];
            println!(
                "{name:22} {counted:?} {}",
                if warmth { "warm" } else { "cold" }
            );
            assert_eq!(&counted, expected, "{name} {warmth}");
        }
        let messages = messages_until_ousted(config);
        println!("{name:22} {messages} messages from the force's answer to eConnectionTerminated");
        assert!(messages <= 6, "{name}: {messages}");
    }
}

/// WebSocket messages that an idle hour of a registered phone costs, both ways.
fn messages_per_idle_hour(config: &Config, addresses: usize, watch: Watch) -> usize {
    let mut world = World::new(62, config.clone());
    let alice = world.client_with("alice", |config| {
        config.connections = (0..addresses)
            .map(|n| format!("ws://127.0.0.{n}/"))
            .collect();
        config.watch = watch;
    });
    world.login(alice, false);
    world.run(Duration::from_secs(600));
    let before = world.messages;
    world.run(Duration::from_secs(3600));
    world.messages - before
}

#[test]
fn an_idle_hour_costs_what_the_documentation_says() {
    println!("messages in an idle hour      1 address  8, inUse  8, all");
    for (name, config, expected) in [
        ("cisco form", registrar_config(), [580, 580, 2476]),
        (
            "generic, Kamailio",
            plain(Dialect::Kamailio),
            [556, 556, 2452],
        ),
        // Nonces serve once, and one that was not shown is kept for the un-REGISTER.
        (
            "generic, OpenSIPS",
            plain(Dialect::Opensips),
            [980, 980, 2876],
        ),
    ] {
        let counted = [(1, Watch::All), (8, Watch::InUse), (8, Watch::All)]
            .map(|(addresses, watch)| messages_per_idle_hour(&config, addresses, watch));
        println!("{name:28} {counted:>8?}");
        for (counted, expected) in counted.iter().zip(expected) {
            // Heartbeats are drawn from 80 to 100 % of the interval.
            assert!(
                counted.abs_diff(expected) <= expected / 8,
                "{name}: {counted}"
            );
        }
    }
}

/// Round trips between a page and its gateway, from the INVITE until the app hears that
/// its desk phone is monitored: the page's way is so long that others do not count.
fn round_trips_until_monitored(bound: bool) -> u64 {
    const ONE_WAY: u64 = 1_000;
    let mut house = House::new(&Plan {
        seed: 63,
        gateways: 1,
        nodes: 1,
        when_down: WhenDown::Wait,
        overtaking: false,
        answers_first: false,
        exclusive: false,
    });
    house.run(Duration::from_secs(2));
    let (line, device) = APPEARANCES[0];
    let page = house.page((line, device), 0, bound, true);
    house.run(Duration::from_secs(2));
    let client = house.pages[page].client;
    house.world.clients[client].latency = ONE_WAY;
    house.reload(page, true);
    let end = house.world.now + Duration::from_secs(30);
    let mut begun = house.world.now;
    let monitored = |told: &Output| matches!(told, Output::Desk(desk) if desk.monitored);
    while !house.pages[page].heard.iter().any(monitored) {
        let invites = house.pages[page].invites;
        assert!(house.step(end), "no monitor");
        // The last one counts: before the phone is registered none gets out.
        if house.pages[page].invites > invites {
            begun = house.world.now;
        }
    }
    (house.world.now - begun).as_millis() / (2 * ONE_WAY)
}

#[test]
fn a_desk_phone_is_monitored_after_as_many_round_trips_as_the_documentation_says() {
    // The INVITE, features, monitor, calls.
    println!("round trips from the INVITE to a monitored desk phone");
    for (name, bound, expected) in [("registered", true, 4), ("not registered", false, 4)] {
        let counted = round_trips_until_monitored(bound);
        println!("{name:20} {counted}");
        assert_eq!(counted, expected, "{name}");
    }
}
