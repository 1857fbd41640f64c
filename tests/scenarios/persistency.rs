//! Calls that outlive their connection, their node, and their page.

use crate::calls::{LOCAL, REMOTE, ends, incoming, settled, states, two};
use crate::world::{ClientId, Network, World, registrar_config};
use graceline::call::{CallOptions, Cause, Event, Shown, Want};
use graceline::phone::{self, Phone, Situation, Status};
use graceline::pool::{Distribution, Watch};
use graceline::rand::Random;
use graceline::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// What the app and the media handler heard since they were asked last.
fn all_heard(world: &mut World, id: ClientId) -> Vec<Event> {
    let events = world.take_events(id).into_iter();
    let calls = events.filter_map(|event| match event {
        phone::Event::Call(event) => Some(event),
        _ => None,
    });
    calls.collect()
}

/// Whether media were asked to look for a new path.
fn restarted(events: &[Event]) -> bool {
    events.iter().any(|event| {
        let want = Want::Offer { restart: true };
        matches!(event, Event::Media { want: wanted, .. } if *wanted == want)
    })
}

/// Both sides say goodbye, which shows that each can reach the other.
fn both_are_there(world: &mut World, by: ClientId, call: u32, other: ClientId, there: u32) {
    world.heard(by);
    world.heard(other);
    world.calls(other, |calls, now| calls.hold(now, 71, there, true));
    world.seconds(2);
    assert_eq!(settled(&world.heard(other)), [(71, None)]);
    world.calls(by, |calls, now| calls.hangup(now, 72, call));
    world.seconds(1);
    assert_eq!(ends(&world.heard(by)), [(call, Cause::Local)]);
    assert_eq!(ends(&world.heard(other)), [(there, Cause::Remote)]);
}

#[test]
fn a_call_goes_on_over_a_new_connection_whoever_lost_it() {
    for lost in [[true, false], [false, true], [true, true]] {
        let (mut world, alice, bob) = two();
        let there = world.connect(alice, 1, bob, "2002");
        for (id, lost) in [(alice, lost[0]), (bob, lost[1])] {
            if lost {
                world.cut(id);
            }
        }
        world.seconds(10);
        let (a, b) = (all_heard(&mut world, alice), all_heard(&mut world, bob));
        assert!(ends(&a).is_empty() && ends(&b).is_empty(), "{lost:?}");
        assert!(states(&a).is_empty() && states(&b).is_empty(), "{lost:?}");
        assert!(restarted(&a) || restarted(&b), "{lost:?}");
        both_are_there(&mut world, alice, 1, bob, there);
    }
}

#[test]
fn a_silent_death_is_noticed_in_time_to_save_the_call() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    // Long enough to learn that the server pongs.
    world.seconds(10);
    world.clients[alice].network = Network::Silent;
    let since = world.now;
    world.until("noticed", |world| {
        world.status(alice) == Status::RecoveryPending
    });
    assert!(world.now - since <= 8 * SECOND);
    world.clients[alice].network = Network::Up;
    world.seconds(20);
    assert_eq!(ends(&all_heard(&mut world, alice)), []);
    both_are_there(&mut world, alice, 1, bob, there);
}

#[test]
fn a_call_is_saved_in_time_also_where_nobody_knows_yet_what_the_server_answers() {
    // Another network, or its media stopped: `look`. Else the heartbeat has to find out.
    for (look, most) in [(true, 1), (false, 7)] {
        let (mut world, alice, bob) = two();
        let there = world.connect(alice, 1, bob, "2002");
        world.clients[alice].network = Network::Silent;
        let since = world.now;
        if look {
            world.act(alice, Phone::look);
            // As by `offline` and `online`, one after the other.
            world.act(alice, Phone::look);
        }
        world.until("noticed", |world| {
            world.status(alice) == Status::RecoveryPending
        });
        let noticed = world.now - since;
        assert!(noticed <= most * SECOND, "{look} {noticed:?}");
        world.clients[alice].network = Network::Up;
        world.until("back", |world| world.status(alice) == Status::Ready);
        assert!(world.now - since <= (most + 2) * SECOND);
        world.seconds(10);
        assert_eq!(ends(&all_heard(&mut world, alice)), []);
        both_are_there(&mut world, alice, 1, bob, there);
    }
}

#[test]
fn after_twelve_seconds_the_call_ends_and_says_why() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    world.clients[alice].network = Network::Refusing;
    let since = world.now;
    world.cut(alice);
    world.until("ended", |world| world.ended(alice));
    let after = world.now - since;
    assert!((12 * SECOND..13 * SECOND).contains(&after), "{after:?}");
    let heard = all_heard(&mut world, alice);
    assert_eq!(ends(&heard), [(1, Cause::Failed)]);
    let told = heard.iter().any(|event| {
        matches!(event, Event::Ended { fault: Some(fault), .. }
            if fault.at == Situation::FlowStayedAway)
    });
    assert!(told);
    // The other side is told as soon as there is a way.
    world.clients[alice].network = Network::Up;
    world.calls(bob, |calls, now| calls.media_lost(now, there));
    world.seconds(40);
    assert_eq!(ends(&world.heard(bob)).len(), 1);
}

#[test]
fn whoever_held_still_holds() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    world.calls(alice, |calls, now| calls.hold(now, 5, 1, true));
    world.seconds(1);
    world.heard(alice);
    assert_eq!(states(&world.heard(bob)), [REMOTE]);
    world.cut(alice);
    world.seconds(5);
    assert!(states(&world.heard(alice)).is_empty());
    assert_eq!(world.clients[alice].media.directions(1).0, "sendonly");
    world.calls(alice, |calls, now| calls.hold(now, 6, 1, false));
    world.seconds(1);
    assert_eq!(states(&world.heard(alice)), [Shown::Connected]);
    assert_ne!(states(&world.heard(bob)), [LOCAL]);
    both_are_there(&mut world, alice, 1, bob, there);
}

#[test]
fn what_the_user_wants_meanwhile_is_done_afterwards() {
    let (mut world, alice, bob) = two();
    world.connect(alice, 1, bob, "2002");
    world.clients[alice].network = Network::Refusing;
    world.cut(alice);
    world.seconds(2);
    world.calls(alice, |calls, now| calls.hold(now, 5, 1, true));
    world.seconds(1);
    assert_eq!(settled(&world.heard(alice)), []);
    world.clients[alice].network = Network::Up;
    world.seconds(6);
    let heard = world.heard(alice);
    assert_eq!(settled(&heard), [(5, None)]);
    assert_eq!(states(&heard), [LOCAL]);
    assert_eq!(states(&world.heard(bob)), [REMOTE]);
}

#[test]
fn hanging_up_while_away_reaches_the_far_end_afterwards() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    world.clients[alice].network = Network::Refusing;
    world.cut(alice);
    world.seconds(2);
    world.calls(alice, |calls, now| calls.hangup(now, 5, 1));
    assert_eq!(ends(&world.heard(alice)), [(1, Cause::Local)]);
    world.clients[alice].network = Network::Up;
    world.seconds(6);
    assert_eq!(ends(&world.heard(bob)), [(there, Cause::Remote)]);
}

#[test]
fn a_far_end_that_hung_up_meanwhile_is_found_gone() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    world.clients[alice].network = Network::Refusing;
    world.cut(alice);
    world.seconds(1);
    world.calls(bob, |calls, now| calls.hangup(now, 5, there));
    world.seconds(1);
    world.clients[alice].network = Network::Up;
    world.seconds(11);
    assert_eq!(ends(&world.heard(alice)).len(), 1);
}

#[test]
fn taken_over_while_away_is_taken_over() {
    let (mut world, alice, bob) = two();
    world.connect(alice, 1, bob, "2002");
    world.clients[alice].network = Network::Refusing;
    world.cut(alice);
    let rival = world.client_with("rival", |config| {
        config.device = "CSF2001".into();
    });
    assert_eq!(world.login(rival, true), None);
    world.clients[alice].network = Network::Up;
    world.seconds(11);
    assert_eq!(world.status(alice), Status::ConnectionTerminated);
    let heard = world.take_events(alice);
    let ended = heard.iter().position(|event| {
        matches!(event, phone::Event::Call(Event::Ended { cause, .. })
            if *cause == Cause::ConnectionTerminated)
    });
    let terminated = heard
        .iter()
        .position(|event| matches!(event, phone::Event::Terminated { .. }));
    assert!(ended.is_some() && ended < terminated, "{heard:?}");
    assert_eq!(world.status(rival), Status::Ready);
}

#[test]
fn of_a_hundred_random_outages_within_the_window_every_call_survives() {
    let mut random = Random::from_seed([9; 32]);
    for round in 0..100 {
        let (mut world, alice, bob) = two();
        let there = world.connect(alice, 1, bob, "2002");
        world.run(Duration::from_millis(random.below(30_000)));
        let fault = [Network::Up, Network::Silent, Network::Refusing][random.below(3) as usize];
        let lost = [vec![alice], vec![bob], vec![alice, bob]][random.below(3) as usize].clone();
        // A silent connection is given up after 7 s; the window is 12 s from then.
        let outage = Duration::from_millis(random.below(10_000));
        for id in &lost {
            world.clients[*id].network = fault;
            if fault != Network::Silent {
                world.cut(*id);
            }
        }
        world.run(outage);
        for id in &lost {
            world.clients[*id].network = Network::Up;
        }
        world.seconds(40);
        for id in [alice, bob] {
            let heard = world.heard(id);
            assert_eq!(
                ends(&heard),
                [],
                "{round}: {fault:?} {lost:?} {outage:?}\n{}",
                world.transcript.join("\n")
            );
        }
        both_are_there(&mut world, alice, 1, bob, there);
    }
}

/// Phones of both users at two nodes.
fn at_two_nodes(watch: Watch, distribution: Distribution) -> (World, ClientId, ClientId) {
    let mut world = World::new(1, registrar_config());
    let mut phone = |user: &str| {
        let id = world.client_with(user, |config| {
            config.user = user.into();
            config.device = format!("CSF{user}");
            config.connections = vec!["ws://127.0.0.1/".into(), "ws://127.0.0.2/".into()];
            config.watch = watch;
            config.distribution = distribution;
        });
        assert_eq!(world.login(id, false), None);
        world.seconds(1);
        id
    };
    let (alice, bob) = (phone("2001"), phone("2002"));
    world.take_events(alice);
    world.take_events(bob);
    (world, alice, bob)
}

#[test]
fn a_call_moves_to_another_node_when_its_own_dies() {
    for watch in [Watch::All, Watch::InUse] {
        let (mut world, alice, bob) = at_two_nodes(watch, Distribution::Priority);
        let there = world.connect(alice, 1, bob, "2002");
        world.kill_node(0);
        world.seconds(11);
        assert_eq!(ends(&world.heard(alice)), [], "{watch:?}");
        assert_eq!(ends(&world.heard(bob)), [], "{watch:?}");
        assert_eq!(world.sockets(alice), [1]);
        both_are_there(&mut world, alice, 1, bob, there);
    }
}

#[test]
fn new_calls_go_round_and_stay_where_they_are() {
    for (distribution, expected) in [
        (Distribution::RoundRobin, [0, 1, 0]),
        (Distribution::Priority, [0, 0, 0]),
    ] {
        let (mut world, alice, bob) = at_two_nodes(Watch::All, distribution);
        for (call, slot) in [1, 3, 5].into_iter().zip(expected) {
            let before = world.sent.len();
            world.connect(alice, call, bob, "2002");
            world.calls(alice, |calls, now| calls.hold(now, 7, call, true));
            world.seconds(1);
            let sent = world.sent.get(before..).unwrap_or_default().iter();
            let slots: Vec<u32> = sent
                .filter(|(id, _, line)| *id == alice && line.starts_with("INVITE"))
                .map(|(_, slot, _)| *slot)
                .collect();
            // The challenged INVITE, the one with credentials, the hold.
            assert!(slots.len() >= 2, "{slots:?}");
            assert!(slots.iter().all(|used| *used == slot), "{slots:?}");
        }
    }
}

#[test]
fn without_a_connection_a_call_fails_at_once_and_works_again_without_signing_in() {
    let (mut world, alice, bob) = at_two_nodes(Watch::All, Distribution::RoundRobin);
    world.kill_node(0);
    world.kill_node(1);
    world.seconds(1);
    let now = world.now;
    world.call(alice, 1, "2002");
    let heard = world.heard(alice);
    assert_eq!((ends(&heard), world.now), (vec![(1, Cause::Failed)], now));
    world.nodes[1] = Network::Up;
    world.until("back", |world| {
        [alice, bob]
            .iter()
            .all(|id| world.status(*id) == Status::Ready)
    });
    world.take_events(bob);
    world.connect(alice, 3, bob, "2002");
}

#[test]
fn a_reloaded_page_picks_its_call_up_again() {
    for leave in [true, false] {
        let (mut world, alice, bob) = two();
        let there = world.connect(alice, 1, bob, "2002");
        world.reload(alice, leave);
        world.seconds(1);
        assert_eq!(ends(&world.heard(bob)), [], "the far end waits");
        assert_eq!(world.login(alice, false), None);
        let abandoned = world.take_events(alice).into_iter().find_map(|event| {
            let phone::Event::Abandoned(call) = event else {
                return None;
            };
            Some(call)
        });
        let abandoned = abandoned.expect("the app is told");
        assert_eq!(abandoned.remote.uri, "sip:2002@example.com");
        world.act(alice, |phone, now| {
            let options = CallOptions {
                replaces: Some(abandoned.replaces.clone()),
                ..CallOptions::default()
            };
            phone.call(now, 1, &abandoned.remote.uri, options);
        });
        world.seconds(1);
        let heard = world.heard(bob);
        let again = incoming(&heard);
        let replaces = heard.iter().any(
            |event| matches!(event, Event::Incoming { replaces, .. } if *replaces == Some(there)),
        );
        assert!(replaces, "{heard:?}");
        world.calls(bob, |calls, now| calls.answer(now, 9, again, Vec::new()));
        world.seconds(1);
        assert_eq!(states(&world.heard(alice)).last(), Some(&Shown::Connected));
        assert_eq!(ends(&world.heard(bob)), [(there, Cause::Remote)]);
        both_are_there(&mut world, alice, 1, bob, again);
        // Told once.
        world.reload(alice, true);
        world.login(alice, false);
        let told = world.take_events(alice);
        assert!(
            !told
                .iter()
                .any(|event| matches!(event, phone::Event::Abandoned(_)))
        );
    }
}

#[test]
fn a_page_that_comes_back_much_later_is_offered_nothing() {
    let (mut world, alice, bob) = two();
    world.connect(alice, 1, bob, "2002");
    world.act(alice, Phone::leave);
    world.reload(alice, false);
    world.run(4000 * SECOND);
    assert_eq!(world.login(alice, false), None);
    let told = world.take_events(alice);
    assert!(
        !told
            .iter()
            .any(|event| matches!(event, phone::Event::Abandoned(_)))
    );
}
