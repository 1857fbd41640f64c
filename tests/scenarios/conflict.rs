//! Two clients want one device: refused, forced, ousted; on every kind of
//! registrar.

use crate::world::{World, registrar_config};
use graceline::phone::{Event, Status};
use graceline::registrar::{Config, Dialect, Policy, Telling};
use graceline::registration::{ConflictScope, Profile, RegistrationType};
use graceline::time::Duration;

pub fn plain(dialect: Dialect) -> Config {
    Config {
        policy: Policy::Normal,
        dialect: Some(dialect),
        ..registrar_config()
    }
}

pub const DIALECTS: [Dialect; 6] = [
    Dialect::Rfc3261,
    Dialect::Kamailio,
    Dialect::Asterisk,
    Dialect::Opensips,
    Dialect::Freeswitch,
    Dialect::FreeswitchMulti,
];

/// Those that have room for two devices of a user.
fn every_roomy_registrar() -> Vec<(String, Config)> {
    let mut all = every_registrar();
    all.retain(|(_, config)| config.dialect != Some(Dialect::Freeswitch));
    all
}

fn every_registrar() -> Vec<(String, Config)> {
    let mut all: Vec<(String, Config)> = DIALECTS
        .iter()
        .map(|dialect| (format!("{dialect:?}"), plain(*dialect)))
        .collect();
    all.push(("graceful".into(), registrar_config()));
    all
}

#[test]
fn the_second_client_is_refused_and_nothing_is_taken_over() {
    for (name, config) in every_registrar() {
        let mut world = World::new(1, config);
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        assert_eq!(world.login(alice, false), None, "{name}");
        let fault = world.login(bob, false).expect("refused");
        assert_eq!(fault.code().as_str(), "eDeviceAlreadyRegistered", "{name}");
        let named = |event: &Event| matches!(event, Event::Failed(_, _, Some(_)));
        assert!(
            world.clients[bob].events.iter().any(named),
            "{name}: who holds the device is told"
        );
        assert_eq!(world.status(bob), Status::Idle);
        assert_eq!(world.holders(), ["alice"], "{name}");
        world.run(Duration::from_secs(300));
        assert_eq!(world.holders(), ["alice"], "{name}");
        assert_eq!(world.status(alice), Status::Ready);
        assert_eq!(world.terminations(alice), 0);
    }
}

#[test]
fn a_force_takes_over_and_the_other_client_is_silent_afterwards() {
    for (name, config) in every_registrar() {
        let mut world = World::new(2, config);
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        assert_eq!(world.login(alice, false), None);
        assert_eq!(world.login(bob, true), None, "{name}");
        world.until("ousted", |world| world.terminations(alice) == 1);
        let registers = world.clients[alice].registers;
        world.run(Duration::from_secs(3600));
        assert_eq!(
            world.clients[alice].registers, registers,
            "{name}: no REGISTER after the end"
        );
        assert_eq!(world.terminations(alice), 1, "{name}");
        assert_eq!(world.status(alice), Status::ConnectionTerminated);
        assert_eq!(world.status(bob), Status::Ready);
        assert_eq!(world.holders(), ["bob"], "{name}");
        // And back: the app asks its user, who wants the line here.
        assert_eq!(
            world.login(alice, false).map(|fault| fault.code().as_str()),
            Some("eDeviceAlreadyRegistered")
        );
        assert_eq!(world.login(alice, true), None, "{name}");
        world.until("ousted", |world| world.terminations(bob) == 1);
        world.run(Duration::from_secs(5));
        assert_eq!(world.holders(), ["alice"], "{name}");
    }
}

#[test]
fn where_a_route_exists_the_ousted_client_hears_at_once() {
    // Asterisk routes nothing to a bare contact: the next look tells.
    for (dialect, bound) in [
        (Dialect::Rfc3261, Duration::from_secs(5)),
        (Dialect::Kamailio, Duration::from_secs(5)),
        (Dialect::Asterisk, Duration::from_secs(60)),
        (Dialect::Opensips, Duration::from_secs(60)),
    ] {
        let mut world = World::new(3, plain(dialect));
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        world.login(alice, false);
        world.run(Duration::from_secs(7));
        world.login(bob, true);
        let forced = world.now;
        world.until("ousted", |world| world.terminations(alice) == 1);
        assert!(
            world.now - forced <= bound,
            "{dialect:?}: {:?}\n{}",
            world.now - forced,
            world.transcript.join("\n")
        );
    }
}

#[test]
fn each_way_of_telling_is_enough() {
    for telling in [
        Telling::ServiceControl,
        Telling::RegEvent,
        Telling::Close,
        Telling::Refresh,
    ] {
        let config = Config {
            tell_ousted: Some(vec![telling]),
            ..registrar_config()
        };
        let mut world = World::new(4, config);
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        world.login(alice, false);
        world.run(Duration::from_secs(1));
        world.login(bob, true);
        world.until("ousted", |world| world.terminations(alice) == 1);
        world.run(Duration::from_secs(300));
        assert_eq!(world.holders(), ["bob"], "{telling:?}");
        assert_eq!(world.terminations(alice), 1, "{telling:?}");
    }
}

#[test]
fn two_devices_of_one_user_live_side_by_side() {
    for (name, config) in every_roomy_registrar() {
        let mut world = World::new(5, config);
        let alice = world.client("alice");
        let other = world.client_with("other", |config| config.device = "OTHER".into());
        assert_eq!(world.login(alice, false), None);
        assert_eq!(world.login(other, false), None, "{name}");
        world.run(Duration::from_secs(600));
        assert_eq!(world.status(alice), Status::Ready, "{name}");
        assert_eq!(world.status(other), Status::Ready, "{name}");
        assert_eq!(world.registrar.bindings("2001").len(), 2, "{name}");
    }
}

#[test]
fn another_device_survives_a_force_on_every_registrar() {
    for (name, config) in every_roomy_registrar() {
        let mut world = World::new(6, config);
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        let other = world.client_with("other", |config| config.device = "OTHER".into());
        world.login(alice, false);
        world.login(other, false);
        assert_eq!(world.login(bob, true), None, "{name}");
        world.run(Duration::from_secs(130));
        assert_eq!(world.holders(), ["bob"], "{name}");
        assert_eq!(world.status(other), Status::Ready, "{name}");
        assert_eq!(world.terminations(alice), 1, "{name}");
        assert_eq!(world.registrar.bindings("2001").len(), 2, "{name}");
    }
}

#[test]
fn with_scope_user_another_device_is_a_rival() {
    let mut world = World::new(7, plain(Dialect::Rfc3261));
    let desk = world.client_with("desk", |config| config.device = "SEP".into());
    let alice = world.client_with("alice", |config| {
        config.conflict_scope = ConflictScope::User
    });
    world.login(desk, false);
    let refused = world.login(alice, false).map(|fault| fault.code().as_str());
    assert_eq!(refused, Some("eDeviceAlreadyRegistered"));
}

#[test]
fn simultaneous_logins_leave_exactly_one() {
    for (name, config) in every_registrar() {
        for seed in 0..20 {
            let mut world = World::new(seed, config.clone());
            let clients: Vec<_> = (0..4).map(|n| world.client(&format!("c{n}"))).collect();
            for &client in &clients {
                world.register(client, false);
            }
            world.until("settled", |world| clients.iter().all(|&c| world.settled(c)));
            world.run(Duration::from_secs(300));
            assert!(
                world.holders().len() <= 1,
                "{name} {seed}: {:?}\n{}",
                world.holders(),
                world.transcript.join("\n")
            );
            let ready = clients
                .iter()
                .filter(|&&c| world.status(c) == Status::Ready)
                .count();
            assert_eq!(ready, world.holders().len(), "{name} {seed}");
            let winners = clients
                .iter()
                .flat_map(|&c| &world.clients[c].events)
                .filter(|event| matches!(event, Event::Registered(..)))
                .count();
            // Where each replaces the one before in silence, the next looks settle it.
            let silent = config.dialect == Some(Dialect::Freeswitch);
            assert!(winners <= 1 || silent, "{name} {seed}: {winners} winners");
        }
    }
}

#[test]
fn simultaneous_forces_leave_exactly_one() {
    for (name, config) in every_registrar() {
        for seed in 0..20 {
            let mut world = World::new(seed, config.clone());
            let clients: Vec<_> = (0..3).map(|n| world.client(&format!("c{n}"))).collect();
            world.login(clients[0], false);
            world.register(clients[1], true);
            world.register(clients[2], true);
            world.run(Duration::from_secs(300));
            assert_eq!(
                world.holders().len(),
                1,
                "{name} {seed}:\n{}",
                world.transcript.join("\n")
            );
            let ready = clients
                .iter()
                .filter(|&&c| world.status(c) == Status::Ready)
                .count();
            assert_eq!(ready, 1, "{name} {seed}:\n{}", world.transcript.join("\n"));
        }
    }
}

#[test]
fn on_a_full_asterisk_the_force_clears_what_it_cannot_name() {
    let config = Config {
        max_contacts: Some(1),
        ..plain(Dialect::Asterisk)
    };
    let mut world = World::new(8, config);
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    world.login(alice, false);
    assert_eq!(world.login(bob, true), None);
    world.until("ousted", |world| world.terminations(alice) == 1);
    assert_eq!(world.holders(), ["bob"]);
}

#[test]
fn a_single_contact_kamailio_lets_the_force_through() {
    let config = Config {
        max_contacts: Some(1),
        ..plain(Dialect::Kamailio)
    };
    let mut world = World::new(9, config);
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    world.login(alice, false);
    assert_eq!(world.login(bob, true), None);
    world.until("ousted", |world| world.terminations(alice) == 1);
    assert_eq!(world.holders(), ["bob"]);
}

#[test]
fn naive_clients_fight_over_the_line_without_end() {
    let config = Config {
        policy: Policy::Normal,
        ..registrar_config()
    };
    let mut world = World::new(10, config);
    let naive = |config: &mut graceline::phone::Config| {
        config.registration_type = RegistrationType::Normal;
        config.expires = Some(60);
    };
    let (alice, bob) = (
        world.client_with("alice", naive),
        world.client_with("bob", naive),
    );
    world.login(alice, false);
    world.run(Duration::from_secs(10));
    assert_eq!(world.login(bob, false), None);
    let mut hands = Vec::new();
    for _ in 0..200 {
        world.run(Duration::from_secs(1));
        let holders = world.holders();
        assert_eq!(holders.len(), 1);
        if hands.last() != holders.first() {
            hands.extend(holders);
        }
    }
    // Each refreshes every 20 s and takes the line back.
    assert!(
        hands.len() >= 8,
        "the line changed hands {} times",
        hands.len()
    );
}

#[test]
fn type_duplicate_takes_over_and_is_ousted_in_turn() {
    for policy in [Policy::Duplicate, Policy::Graceful, Policy::Normal] {
        let mut world = World::new(
            11,
            Config {
                policy,
                ..registrar_config()
            },
        );
        let duplicate = |config: &mut graceline::phone::Config| {
            config.registration_type = RegistrationType::Duplicate;
        };
        let (alice, bob) = (
            world.client_with("alice", duplicate),
            world.client_with("bob", duplicate),
        );
        assert_eq!(world.login(alice, false), None);
        assert_eq!(world.login(bob, false), None, "{policy:?}");
        world.until("ousted", |world| world.terminations(alice) == 1);
        world.run(Duration::from_secs(120));
        assert_eq!(world.holders(), ["bob"], "{policy:?}");
    }
}

#[test]
fn the_profile_is_found_out() {
    for (name, config) in every_registrar() {
        let mut world = World::new(12, config);
        let alice = world.client("alice");
        world.login(alice, false);
        let profile = world.clients[alice]
            .phone
            .registered()
            .and_then(|known| known.profile);
        let expected = if name == "graceful" {
            Profile::Cisco
        } else {
            Profile::Generic
        };
        assert_eq!(profile, Some(expected), "{name}");
    }
}

#[test]
fn forced_back_and_forth_within_seconds_leaves_nobody_in_the_dark() {
    for dialect in [Dialect::Rfc3261, Dialect::Kamailio] {
        let mut world = World::new(13, plain(dialect));
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        world.login(alice, false);
        for client in [bob, alice, bob] {
            world.run(Duration::from_secs(1));
            assert_eq!(world.login(client, true), None, "{dialect:?}");
        }
        world.run(Duration::from_secs(5));
        assert_eq!(
            world.status(alice),
            Status::ConnectionTerminated,
            "{dialect:?}"
        );
        assert_eq!(world.status(bob), Status::Ready, "{dialect:?}");
    }
}

#[test]
fn an_explicit_generic_profile_can_force_a_registrar_that_refuses_by_itself() {
    let mut world = World::new(14, registrar_config());
    let generic = |config: &mut graceline::phone::Config| config.profile = Some(Profile::Generic);
    let (alice, bob) = (
        world.client_with("alice", generic),
        world.client_with("bob", generic),
    );
    assert_eq!(world.login(alice, false), None);
    let refused = world.login(bob, false).map(|fault| fault.code().as_str());
    assert_eq!(refused, Some("eDeviceAlreadyRegistered"));
    assert_eq!(world.login(bob, true), None);
    world.until("ousted", |world| world.terminations(alice) == 1);
    world.run(Duration::from_secs(300));
    assert_eq!(world.holders(), ["bob"]);
}

#[test]
fn a_binding_that_the_app_ignores_is_no_rival() {
    for by_user in [false, true] {
        let mut world = World::new(15, plain(Dialect::Rfc3261));
        let desk = world.client_with("desk", |config| config.device = "SEP".into());
        let alice = world.client_with("alice", |config| {
            config.conflict_scope = ConflictScope::User
        });
        world.login(desk, false);
        let contact = world.registrar.bindings("2001")[0].contact.clone();
        let user = contact
            .trim_start_matches("sip:")
            .split('@')
            .next()
            .expect("a user")
            .to_owned();
        let ignored = if by_user { user } else { contact };
        world.act(alice, |phone, _| phone.ignore_binding(ignored));
        assert_eq!(world.login(alice, false), None);
    }
}

#[test]
fn two_forces_that_cross_under_a_contact_limit_both_get_in() {
    for seed in 0..20 {
        let config = Config {
            max_contacts: Some(2),
            ..plain(Dialect::Kamailio)
        };
        let mut world = World::new(seed, config);
        let desk = world.client_with("desk", |config| config.device = "SEP".into());
        let clients: Vec<_> = (0..3).map(|n| world.client(&format!("c{n}"))).collect();
        world.login(desk, false);
        world.login(clients[0], false);
        for &client in &clients[1..] {
            world.register(client, true);
        }
        world.until("settled", |world| {
            clients[1..].iter().all(|&c| world.settled(c))
        });
        for &client in &clients[1..] {
            let failed = world.clients[client]
                .events
                .iter()
                .any(|e| matches!(e, Event::Failed(..)));
            assert!(!failed, "{seed}\n{}", world.transcript.join("\n"));
        }
        world.run(Duration::from_secs(120));
        assert_eq!(world.holders().len(), 1);
        assert_eq!(world.status(desk), Status::Ready);
    }
}

#[test]
fn whoever_is_never_ousted_follows_no_hints() {
    let mut world = World::new(16, plain(Dialect::Kamailio));
    let alice = world.client("alice");
    let naive = world.client_with("naive", |config| {
        config.registration_type = RegistrationType::Normal;
    });
    world.login(alice, true);
    world.login(naive, false);
    // Alice sees it, stays, and tells it at each of her looks.
    let before = world.clients[naive].registers;
    world.run(Duration::from_secs(70));
    assert_eq!(world.clients[naive].registers, before + 1, "its refresh");
}
