//! The network goes and comes; pages are reloaded, sleep, and wake up.

use crate::conflict::{DIALECTS, plain};
use crate::world::{Network, World, registrar_config};
use graceline::phone::{Event, Phone, Status};
use graceline::registrar::{Config, Dialect};
use graceline::time::Duration;

fn every_registrar() -> Vec<Config> {
    DIALECTS
        .iter()
        .map(|dialect| plain(*dialect))
        .chain([registrar_config()])
        .collect()
}

#[test]
fn a_cut_is_no_takeover() {
    for config in every_registrar() {
        let mut world = World::new(40, config);
        let alice = world.client("alice");
        world.login(alice, false);
        world.cut(alice);
        world.until("recovering", |world| {
            world.status(alice) == Status::RecoveryPending
        });
        let lost = world.now;
        world.until("back", |world| world.status(alice) == Status::Ready);
        assert!(world.now - lost < Duration::from_secs(2));
        world.run(Duration::from_secs(300));
        assert_eq!(world.holders(), ["alice"]);
        assert_eq!(world.terminations(alice), 0);
    }
}

#[test]
fn a_half_open_socket_is_noticed_at_the_next_refresh() {
    for config in every_registrar() {
        let mut world = World::new(41, config);
        let alice = world.client("alice");
        world.login(alice, false);
        world.clients[alice].network = Network::Silent;
        world.until("noticed", |world| {
            world.status(alice) == Status::RecoveryPending
        });
        world.clients[alice].network = Network::Up;
        world.until("back", |world| world.status(alice) == Status::Ready);
        world.run(Duration::from_secs(400));
        assert_eq!(world.holders(), ["alice"]);
    }
}

/// The pauses that grew in the outage are not waited for by whoever logs out.
#[test]
fn a_logout_whose_flow_is_lost_after_an_outage_ends_soon() {
    let mut world = World::new(43, registrar_config());
    let alice = world.client("alice");
    world.login(alice, false);
    world.clients[alice].network = Network::Silent;
    world.run(Duration::from_secs(300));
    world.clients[alice].network = Network::Up;
    let opens = world.clients[alice].opens;
    world.until("a connection that succeeds is begun", |world| {
        world.clients[alice].opens > opens
    });
    let sent = world.sent.len();
    world.act(alice, Phone::unregister);
    world.until("the removal is sent", |world| {
        world.sent[sent..]
            .iter()
            .any(|(_, _, text)| text.starts_with("REGISTER"))
    });
    world.cut(alice);
    let lost = world.now;
    world.until("logged out", |world| world.status(alice) == Status::Idle);
    assert!(world.now - lost < Duration::from_secs(2));
    assert_eq!(world.registrar.bindings("2001"), []);
}

#[test]
fn a_registrar_that_lost_its_state_gets_it_back() {
    for config in every_registrar() {
        let mut world = World::new(42, config);
        let alice = world.client("alice");
        world.login(alice, false);
        world.restart_registrar();
        world.until("noticed", |world| {
            world.status(alice) == Status::RecoveryPending
        });
        world.until("back", |world| world.status(alice) == Status::Ready);
        assert_eq!(world.holders(), ["alice"]);
    }
}

#[test]
fn a_reload_is_never_refused_by_its_own_ghost() {
    for (number, config) in every_registrar().into_iter().enumerate() {
        for leave in [false, true] {
            let mut world = World::new(43, config.clone());
            let alice = world.client("alice");
            world.login(alice, false);
            world.run(Duration::from_secs(3));
            world.reload(alice, leave);
            assert_eq!(world.login(alice, false), None, "{number} {leave}");
            world.run(Duration::from_secs(200));
            assert_eq!(world.status(alice), Status::Ready);
            assert_eq!(
                world.registrar.bindings("2001").len(),
                1,
                "{number} {leave}\n{}",
                world.transcript.join("\n")
            );
        }
    }
}

#[test]
fn leaving_the_page_frees_the_line_with_one_register() {
    // Where a nonce serves once that one is challenged, and the page is gone.
    let once = |config: &Config| config.dialect == Some(Dialect::Opensips);
    for config in every_registrar().into_iter().filter(|one| !once(one)) {
        let mut world = World::new(44, config);
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        world.login(alice, false);
        let before = world.clients[alice].registers;
        world.act(alice, Phone::leave);
        assert_eq!(world.clients[alice].registers, before + 1);
        world.run(Duration::from_secs(1));
        assert!(world.registrar.bindings("2001").is_empty());
        assert_eq!(world.login(bob, false), None);
        // And back from the back-forward cache: politely, and told so.
        world.act(alice, Phone::resume);
        world.until("ousted", |world| world.terminations(alice) == 1);
        assert_eq!(world.holders(), ["bob"]);
    }
}

/// Where a nonce serves once, and for 30 s, one is kept that was never shown: nobody is
/// there to answer a challenge to the un-REGISTER.
#[test]
fn leaving_the_page_frees_the_line_where_nonces_serve_once() {
    for millis in (300..150_000).step_by(3_700) {
        let mut world = World::new(44, plain(Dialect::Opensips));
        let alice = world.client("alice");
        world.login(alice, false);
        world.run(Duration::from_millis(millis));
        let before = world.clients[alice].registers;
        world.act(alice, Phone::leave);
        world.run(Duration::from_secs(2));
        let told = world.transcript.join("\n");
        assert_eq!(world.holders(), Vec::<String>::new(), "{millis}\n{told}");
        assert_eq!(world.clients[alice].registers, before + 1, "{millis}");
    }
}

#[test]
fn a_page_that_comes_back_to_a_free_line_registers_again() {
    let mut world = World::new(45, registrar_config());
    let alice = world.client("alice");
    world.login(alice, false);
    world.act(alice, Phone::leave);
    world.run(Duration::from_secs(60));
    world.act(alice, Phone::resume);
    world.until("back", |world| world.status(alice) == Status::Ready);
    assert_eq!(world.holders(), ["alice"]);
}

#[test]
fn a_nap_keeps_the_line_and_a_long_sleep_does_not_steal_it_back() {
    for config in every_registrar() {
        let mut world = World::new(46, config.clone());
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        world.login(alice, false);
        world.clients[alice].asleep = true;
        world.run(Duration::from_secs(60));
        world.wake(alice);
        world.run(Duration::from_secs(60));
        assert_eq!(world.status(alice), Status::Ready);

        world.clients[alice].asleep = true;
        world.run(Duration::from_secs(7200));
        assert_eq!(world.holders(), Vec::<String>::new(), "lapsed");
        assert_eq!(world.login(bob, false), None);
        world.wake(alice);
        world.until("ousted", |world| world.terminations(alice) == 1);
        world.run(Duration::from_secs(120));
        assert_eq!(world.holders(), ["bob"]);
        assert_eq!(world.status(bob), Status::Ready);
    }
}

#[test]
fn waking_up_alone_registers_again() {
    for config in every_registrar() {
        let mut world = World::new(47, config);
        let alice = world.client("alice");
        world.login(alice, false);
        world.clients[alice].asleep = true;
        world.run(Duration::from_secs(7200));
        world.wake(alice);
        world.until("held", |world| !world.holders().is_empty());
        world.run(Duration::from_secs(30));
        assert_eq!(world.status(alice), Status::Ready);
        assert_eq!(world.terminations(alice), 0);
    }
}

#[test]
fn a_connection_lost_during_the_login_does_not_wait_for_timers() {
    for config in every_registrar() {
        for steps in 1..8 {
            let mut world = World::new(48, config.clone());
            let alice = world.client("alice");
            let begun = world.now;
            world.register(alice, false);
            world.run(Duration::from_millis(steps * 10));
            world.cut(alice);
            world.until("settled", |world| world.settled(alice));
            assert!(world.now - begun < Duration::from_secs(3));
            world.until("ready", |world| world.status(alice) == Status::Ready);
        }
    }
}

#[test]
fn another_tab_silences_this_one() {
    let mut world = World::new(49, registrar_config());
    let alice = world.client("alice");
    world.login(alice, false);
    let before = world.clients[alice].registers;
    world.act(alice, Phone::silence);
    world.run(Duration::from_secs(600));
    assert_eq!(world.clients[alice].registers, before);
    let last = world.take_events(alice).pop();
    assert!(
        matches!(
            last,
            Some(Event::Terminated {
                reason: "sameBrowser",
                ..
            })
        ),
        "{last:?}"
    );
}

#[test]
fn a_cloned_browser_profile_does_not_fight_with_itself() {
    // A registrar that refuses by itself takes both for one client and hides
    // the other from each: nothing to be seen there.
    for dialect in DIALECTS {
        let mut world = World::new(50, plain(dialect));
        let same = |config: &mut graceline::phone::Config| {
            config.instance_id = "urn:uuid:00000000-0000-4000-8000-00000000cafe".into();
        };
        let alice = world.client_with("alice", same);
        let clone = world.client_with("clone", same);
        world.login(alice, false);
        world.run(Duration::from_secs(20));
        assert_eq!(world.login(clone, false), None, "{dialect:?}");
        world.run(Duration::from_secs(900));
        assert_eq!(
            world.status(alice),
            Status::ConnectionTerminated,
            "{dialect:?}"
        );
        assert_eq!(world.status(clone), Status::Ready, "{dialect:?}");
        assert_eq!(world.terminations(clone), 0, "{dialect:?}");
    }
}

#[test]
fn unregistering_while_the_connection_is_replaced_frees_the_line() {
    for after in [0, 5, 15, 100] {
        let mut world = World::new(51, plain(Dialect::Kamailio));
        let alice = world.client("alice");
        world.login(alice, false);
        world.cut(alice);
        world.run(Duration::from_millis(after));
        world.act(alice, Phone::unregister);
        let begun = world.now;
        world.until("unregistered", |world| {
            world.clients[alice].events.contains(&Event::Unregistered)
        });
        assert!(world.now - begun < Duration::from_secs(2), "{after}");
        assert!(
            world.registrar.bindings("2001").is_empty(),
            "{after}\n{}",
            world.transcript.join("\n")
        );
        assert_eq!(world.status(alice), Status::Idle);
    }
}

#[test]
fn unregistering_from_a_server_that_is_gone_gives_up_soon() {
    for server in [Network::Refusing, Network::Silent] {
        let mut world = World::new(52, registrar_config());
        let alice = world.client("alice");
        world.login(alice, false);
        world.nodes[0] = server;
        world.cut(alice);
        world.until("noticed", |world| {
            world.status(alice) == Status::RecoveryPending
        });
        let begun = world.now;
        world.act(alice, Phone::unregister);
        world.until("given up", |world| {
            world.clients[alice].events.contains(&Event::Unregistered)
        });
        assert!(world.now - begun <= Duration::from_secs(16), "{server:?}");
        world.run(Duration::from_secs(120));
        assert_eq!(world.status(alice), Status::Idle);
    }
}

#[test]
fn whoever_is_refused_leaves_no_ghost_behind() {
    let mut world = World::new(53, plain(Dialect::Kamailio));
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    world.login(alice, false);
    world.act(alice, Phone::unregister);
    world.run(Duration::from_secs(1));
    world.login(bob, false);
    // A naive page of Alice's instance registers beside Bob and dies: her next
    // page finds Bob, and a ghost of her own.
    let stale = world.client_with("stale", |config| {
        config.instance_id = "urn:uuid:00000000-0000-4000-8000-000000000001".into();
        config.registration_type = graceline::registration::RegistrationType::Normal;
    });
    assert_eq!(world.login(stale, false), None);
    assert_eq!(world.holders().len(), 2);
    world.reload(stale, false);
    let refused = world.login(alice, false).map(|fault| fault.code().as_str());
    assert_eq!(refused, Some("eDeviceAlreadyRegistered"));
    assert_eq!(world.holders(), ["bob"]);
}
