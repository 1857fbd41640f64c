//! Calls between two phones, through the registrar.

use crate::world::{ClientId, World, registrar_config};
use graceline::call::{CallOptions, Cause, Event, Shown};
use graceline::phone;
use graceline::time::Duration;

pub const LOCAL: Shown = Shown::Held {
    local: true,
    remote: false,
};
pub const REMOTE: Shown = Shown::Held {
    local: false,
    remote: true,
};

impl World {
    /// A registered phone of `user`.
    pub fn phone(&mut self, user: &str) -> ClientId {
        let id = self.client_with(user, |config| {
            config.user = user.into();
            config.device = format!("CSF{user}");
            config.display_name = Some(format!("User {user}"));
        });
        assert_eq!(self.login(id, false), None);
        self.take_events(id);
        id
    }

    pub fn call(&mut self, id: ClientId, call: u32, target: &str) {
        let options = CallOptions::default();
        self.calls(id, |calls, now| calls.call(now, call, target, options));
    }

    pub fn calls(
        &mut self,
        id: ClientId,
        action: impl FnOnce(&mut graceline::call::Calls, graceline::time::Instant),
    ) {
        self.act(id, |phone, now| {
            phone.with_calls(now, |calls| action(calls, now));
        });
    }

    /// What the app heard of calls since it was asked last, media aside.
    pub fn heard(&mut self, id: ClientId) -> Vec<Event> {
        let events = self.take_events(id).into_iter();
        events
            .filter_map(|event| match event {
                phone::Event::Call(Event::Media { .. }) => None,
                phone::Event::Call(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    /// A call of `caller` that `callee` has answered; its id at the callee.
    pub fn connect(&mut self, caller: ClientId, call: u32, callee: ClientId, user: &str) -> u32 {
        self.call(caller, call, user);
        self.seconds(1);
        let there = incoming(&self.heard(callee));
        self.calls(callee, |calls, now| {
            calls.answer(now, 90, there, Vec::new());
        });
        self.seconds(1);
        let states = states(&self.heard(caller));
        assert_eq!(states.last(), Some(&Shown::Connected), "{states:?}");
        self.heard(callee);
        there
    }
}

/// The call that came in.
pub fn incoming(events: &[Event]) -> u32 {
    let call = events.iter().find_map(|event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    });
    call.unwrap_or_else(|| panic!("no call: {events:?}"))
}

pub fn states(events: &[Event]) -> Vec<Shown> {
    let state = |event: &Event| match event {
        Event::State { state, .. } => Some(*state),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

/// How calls ended, and that nothing followed.
pub fn ends(events: &[Event]) -> Vec<(u32, Cause)> {
    let end = |event: &Event| match event {
        Event::Ended { call, cause, .. } => Some((*call, *cause)),
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

/// Operations that are done, with the code of what went wrong.
pub fn settled(events: &[Event]) -> Vec<(u32, Option<&'static str>)> {
    let done = |event: &Event| match event {
        Event::Done { op, error } => Some((*op, error.as_ref().map(|error| error.code))),
        _ => None,
    };
    events.iter().filter_map(done).collect()
}

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

impl World {
    /// No call, transaction or media is left anywhere.
    pub fn is_quiet(&self) {
        for client in &self.clients {
            let transcript = self.transcript.join("\n");
            assert_eq!(
                client.media.unreleased(),
                0,
                "{}\n{transcript}",
                client.name
            );
            assert_eq!(client.phone.calls_left(), 0, "{}", client.name);
        }
    }
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
