//! Calls between two phones, through the registrar.

use crate::world::{ClientId, World, registrar_config};
use graceline::call::{CallOptions, Cause, Event, Shown};
use graceline::phone;

pub use graceline_kit::heard::{ends, incoming, settled, states};

pub const LOCAL: Shown = Shown::Held {
    local: true,
    remote: false,
};
pub const REMOTE: Shown = Shown::Held {
    local: false,
    remote: true,
};

pub fn two() -> (World, ClientId, ClientId) {
    let mut world = World::new(1, registrar_config());
    let alice = world.phone("2001");
    let bob = world.phone("2002");
    (world, alice, bob)
}

#[test]
fn a_call_rings_is_answered_and_ends() {
    let (mut world, alice, bob) = two();
    world.call(alice, 1, "2002");
    world.seconds(1);
    let heard = world.heard(bob);
    let there = incoming(&heard);
    let Event::Incoming {
        from,
        has_offer,
        replaces,
        ..
    } = &heard[0]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(from.uri, "sip:2001@example.com");
    assert_eq!(from.display_name, "User 2001");
    assert_eq!((*has_offer, *replaces), (true, None));
    assert_eq!(
        states(&world.heard(alice)),
        [Shown::Calling, Shown::Ringing]
    );

    world.calls(bob, |calls, now| calls.answer(now, 7, there, Vec::new()));
    world.seconds(1);
    let heard = world.heard(bob);
    assert_eq!(settled(&heard), [(7, None)]);
    assert_eq!(states(&heard), [Shown::Connected]);
    assert_eq!(states(&world.heard(alice)), [Shown::Connected]);
    let both = ("sendrecv", "sendrecv");
    assert_eq!(world.clients[alice].media.directions(1), both);
    assert_eq!(world.clients[bob].media.directions(there), both);

    world.calls(alice, |calls, now| calls.hangup(now, 8, 1));
    world.seconds(1);
    let heard = world.heard(alice);
    assert_eq!(ends(&heard), [(1, Cause::Local)]);
    assert_eq!(settled(&heard), [(8, None)]);
    assert_eq!(ends(&world.heard(bob)), [(there, Cause::Remote)]);
    world.seconds(40);
    world.is_quiet();
}

#[test]
fn either_side_holds_and_both_see_it() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    world.calls(alice, |calls, now| calls.hold(now, 3, 1, true));
    world.seconds(1);
    let heard = world.heard(alice);
    assert_eq!(
        (states(&heard), settled(&heard)),
        (vec![LOCAL], vec![(3, None)])
    );
    assert_eq!(states(&world.heard(bob)), [REMOTE]);
    assert_eq!(
        world.clients[bob].media.directions(there),
        ("recvonly", "sendonly")
    );

    world.calls(bob, |calls, now| calls.hold(now, 4, there, true));
    world.seconds(1);
    let both = Shown::Held {
        local: true,
        remote: true,
    };
    assert_eq!(states(&world.heard(bob)), [both]);
    assert_eq!(states(&world.heard(alice)), [both]);

    world.calls(alice, |calls, now| calls.hold(now, 5, 1, false));
    world.seconds(1);
    assert_eq!(states(&world.heard(alice)), [REMOTE]);
    assert_eq!(states(&world.heard(bob)), [LOCAL]);
    world.calls(bob, |calls, now| calls.hold(now, 6, there, false));
    world.seconds(1);
    assert_eq!(states(&world.heard(alice)), [Shown::Connected]);
    assert_eq!(states(&world.heard(bob)), [Shown::Connected]);
    world.calls(bob, |calls, now| calls.hangup(now, 8, there));
    world.seconds(40);
    assert_eq!(ends(&world.heard(alice)), [(1, Cause::Remote)]);
    world.is_quiet();
}

#[test]
fn holds_that_cross_are_seen_by_both() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    world.calls(alice, |calls, now| calls.hold(now, 3, 1, true));
    world.calls(bob, |calls, now| calls.hold(now, 4, there, true));
    world.seconds(10);
    let both = Shown::Held {
        local: true,
        remote: true,
    };
    let (here, there) = (world.heard(alice), world.heard(bob));
    assert_eq!(states(&here).last(), Some(&both), "{here:?}");
    assert_eq!(states(&there).last(), Some(&both), "{there:?}");
    assert_eq!(settled(&here), [(3, None)]);
    assert_eq!(settled(&there), [(4, None)]);
}

#[test]
fn a_caller_gives_up_and_a_callee_refuses() {
    let (mut world, alice, bob) = two();
    world.call(alice, 1, "2002");
    world.seconds(200);
    assert_eq!(
        ends(&world.heard(alice)),
        [(1, Cause::Rejected)],
        "after minutes"
    );
    let heard = world.heard(bob);
    assert_eq!(ends(&heard), [(incoming(&heard), Cause::Cancelled)]);

    world.call(alice, 3, "2002");
    world.seconds(60);
    assert_eq!(
        ends(&world.heard(alice)),
        [],
        "it rings for longer than 32 s"
    );
    world.calls(alice, |calls, now| calls.hangup(now, 8, 3));
    world.seconds(1);
    assert_eq!(ends(&world.heard(alice)), [(3, Cause::Local)]);
    let heard = world.heard(bob);
    assert_eq!(ends(&heard), [(incoming(&heard), Cause::Cancelled)]);

    world.call(alice, 5, "2002");
    world.seconds(1);
    let there = incoming(&world.heard(bob));
    world.calls(bob, |calls, now| calls.reject(now, 9, there, 603, None));
    world.seconds(1);
    assert_eq!(ends(&world.heard(bob)), [(there, Cause::Local)]);
    assert_eq!(ends(&world.heard(alice)), [(5, Cause::Rejected)]);

    world.call(alice, 7, "2009");
    world.seconds(1);
    assert_eq!(ends(&world.heard(alice)), [(7, Cause::Failed)]);
    world.seconds(40);
    world.is_quiet();
}

#[test]
fn a_phone_that_is_taken_over_ends_its_call_first() {
    let (mut world, alice, bob) = two();
    let there = world.connect(alice, 1, bob, "2002");
    let other = world.client_with("other", |config| config.device = "CSF2001".into());
    world.take_events(alice);
    assert_eq!(world.login(other, true), None);
    world.seconds(5);
    let events = world.take_events(alice);
    let ended = events.iter().position(|event| {
        matches!(event, phone::Event::Call(Event::Ended { cause, .. })
            if *cause == Cause::ConnectionTerminated)
    });
    let terminated = events
        .iter()
        .position(|event| matches!(event, phone::Event::Terminated { .. }));
    assert!(ended.is_some() && ended < terminated, "{events:?}");
    assert_eq!(ends(&world.heard(bob)), [(there, Cause::Remote)], "by BYE");
    world.seconds(40);
    world.is_quiet();
}

#[test]
fn two_devices_ring_and_one_answers() {
    let (mut world, alice, bob) = two();
    let desk = world.client_with("desk", |config| {
        config.user = "2002".into();
        config.device = "DESK".into();
    });
    assert_eq!(world.login(desk, false), None);
    world.call(alice, 1, "2002");
    world.seconds(1);
    let (here, there) = (incoming(&world.heard(bob)), incoming(&world.heard(desk)));
    world.calls(desk, |calls, now| calls.answer(now, 7, there, Vec::new()));
    world.seconds(1);
    assert_eq!(ends(&world.heard(bob)), [(here, Cause::AnsweredElsewhere)]);
    assert_eq!(states(&world.heard(alice)).last(), Some(&Shown::Connected));

    // A second call: declined here it goes on ringing there, declined everywhere
    // it ends for all.
    for (status, ended) in [(486, Vec::new()), (603, vec![(3, Cause::Rejected)])] {
        let call = if status == 486 { 3 } else { 0 };
        if call == 3 {
            world.call(alice, call, "2002");
            world.seconds(1);
        }
        let phone = if status == 486 { bob } else { desk };
        let ringing = incoming(&world.clients[phone].ringing());
        world.calls(phone, |calls, now| {
            calls.reject(now, 8, ringing, status, None);
        });
        world.seconds(1);
        assert_eq!(ends(&world.heard(alice)), ended);
    }
    world.calls(alice, |calls, now| calls.hangup(now, 9, 1));
    world.seconds(40);
    world.is_quiet();
}

/// Three phones, of which the first talks with the second.
fn three() -> (World, [ClientId; 3], u32) {
    let mut world = World::new(1, registrar_config().with_user("2003", "secret"));
    let phones = ["2001", "2002", "2003"].map(|user| world.phone(user));
    let there = world.connect(phones[0], 1, phones[1], "2002");
    (world, phones, there)
}

/// The transferee follows.
fn follow(world: &mut World, id: ClientId) {
    let heard = world.heard(id);
    let refer = heard.iter().find_map(|event| match event {
        Event::Refer { refer, .. } => Some(*refer),
        _ => None,
    });
    let options = CallOptions {
        refer: Some(refer.unwrap_or_else(|| panic!("no REFER: {heard:?}"))),
        ..CallOptions::default()
    };
    world.act(id, |phone, now| phone.call(now, 5, "", options));
    world.seconds(1);
}

#[test]
fn a_blind_transfer_among_three() {
    for accepts in [true, false] {
        let (mut world, [alice, bob, carol], there) = three();
        world.calls(alice, |calls, now| calls.transfer(now, 20, 1, "2003"));
        world.seconds(1);
        follow(&mut world, bob);
        let ringing = incoming(&world.heard(carol));
        assert!(settled(&world.heard(alice)).is_empty());
        if accepts {
            world.calls(carol, |calls, now| {
                calls.answer(now, 7, ringing, Vec::new());
            });
            world.seconds(1);
            let heard = world.heard(alice);
            assert_eq!(settled(&heard), [(20, None)]);
            assert_eq!(ends(&heard), [(1, Cause::Local)]);
            let heard = world.heard(bob);
            assert_eq!(ends(&heard), [(there, Cause::Remote)]);
            assert_eq!(states(&heard).last(), Some(&Shown::Connected));
            world.calls(carol, |calls, now| calls.hangup(now, 8, ringing));
        } else {
            world.calls(carol, |calls, now| {
                calls.reject(now, 7, ringing, 486, None);
            });
            world.seconds(1);
            let heard = world.heard(alice);
            assert_eq!(settled(&heard), [(20, Some("eCallFailed"))]);
            assert_eq!(ends(&heard), [], "the call is still there");
            world.calls(alice, |calls, now| calls.hangup(now, 8, 1));
        }
        world.seconds(40);
        world.is_quiet();
    }
}

#[test]
fn an_attended_transfer_among_three() {
    let (mut world, [alice, bob, carol], there) = three();
    let at_carol = world.connect(alice, 3, carol, "2003");
    world.calls(alice, |calls, now| calls.transfer_to(now, 20, 1, 3));
    world.seconds(1);
    follow(&mut world, bob);
    let heard = world.heard(carol);
    let pickup = heard.iter().find_map(|event| match event {
        Event::Incoming { call, replaces, .. } => Some((*call, *replaces)),
        _ => None,
    });
    let (pickup, replaced) = pickup.unwrap_or_else(|| panic!("{heard:?}"));
    assert_eq!(replaced, Some(at_carol));
    world.calls(carol, |calls, now| calls.answer(now, 7, pickup, Vec::new()));
    world.seconds(2);
    let heard = world.heard(alice);
    assert_eq!(settled(&heard), [(20, None)]);
    let mut ended = ends(&heard);
    ended.sort_by_key(|(call, _)| *call);
    assert_eq!(ended, [(1, Cause::Local), (3, Cause::Remote)]);
    assert_eq!(ends(&world.heard(carol)), [(at_carol, Cause::Remote)]);
    let heard = world.heard(bob);
    assert_eq!(ends(&heard), [(there, Cause::Remote)]);
    assert_eq!(states(&heard).last(), Some(&Shown::Connected));
    world.calls(bob, |calls, now| calls.hangup(now, 8, 5));
    world.seconds(40);
    world.is_quiet();
}
