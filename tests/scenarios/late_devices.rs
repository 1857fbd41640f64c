//! A second device of a user logs in at the very moment at which a call that rings at the
//! first one is answered, declined, or given up: whichever comes first, in steps of a
//! millisecond.

use crate::world::{ClientId, World, registrar_config};
use graceline::call::{Cause, Event, Shown};
use graceline::phone;
use std::collections::BTreeMap;

/// Milliseconds from the REGISTER of the late device to what happens to the call: what is
/// under way takes 20 each way.
const FROM: u64 = 0;
const TO: u64 = 260;

const CALLER: ClientId = 0;
const FIRST: ClientId = 1;
const LATE: ClientId = 2;

/// What a device heard of its calls.
#[derive(Default)]
struct Heard {
    rang: usize,
    connected: Vec<u32>,
    ended: BTreeMap<u32, Cause>,
}

impl Heard {
    fn of(events: &[phone::Event]) -> Self {
        let mut heard = Heard::default();
        for event in events {
            let phone::Event::Call(event) = event else {
                continue;
            };
            match event {
                Event::Incoming { .. } => heard.rang += 1,
                Event::State {
                    call,
                    state: Shown::Connected,
                    ..
                } => heard.connected.push(*call),
                Event::Ended { call, cause, .. } => {
                    assert_eq!(heard.ended.insert(*call, *cause), None);
                }
                _ => {}
            }
        }
        heard
    }

    /// Whether it is in a call.
    fn talks(&self) -> bool {
        let mut calls = self.connected.iter();
        calls.any(|call| !self.ended.contains_key(call))
    }
}

/// Plays it: at `at` milliseconds after the REGISTER of the late device, `deed` is done.
fn play(at: u64, deed: impl FnOnce(&mut World, u32)) -> (World, [Heard; 3]) {
    let mut world = World::new(3, registrar_config());
    world.telling = false;
    for (user, device) in [("2001", "A"), ("2002", "B"), ("2002", "C")] {
        world.client_with(device, |config| {
            config.user = user.into();
            config.device = device.into();
        });
    }
    world.login(CALLER, false);
    world.login(FIRST, false);
    world.call(CALLER, 1, "2002");
    world.seconds(1);
    let call = world.heard(FIRST);
    let call = call.iter().find_map(|event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    });
    world.register(LATE, false);
    world.run(graceline::time::Duration::from_millis(at));
    deed(&mut world, call.expect("it rings"));
    world.seconds(40);
    let heard = [CALLER, FIRST, LATE].map(|id| Heard::of(&world.clients[id].events));
    assert!(heard[LATE].rang <= 1, "{at}: it rings once");
    (world, heard)
}

#[test]
fn as_it_is_answered() {
    let mut rang = 0;
    for at in FROM..TO {
        let (mut world, heard) = play(at, |world, call| {
            world.calls(FIRST, |calls, now| calls.answer(now, 1, call, Vec::new()));
        });
        rang += heard[LATE].rang;
        assert!(heard[CALLER].talks() && heard[FIRST].talks(), "{at}");
        assert!(!heard[LATE].talks(), "{at}");
        let causes: Vec<_> = heard[LATE].ended.values().collect();
        let told = vec![&Cause::AnsweredElsewhere; heard[LATE].rang];
        assert_eq!(causes, told, "{at}");
        world.calls(CALLER, |calls, now| calls.hangup(now, 2, 1));
        world.seconds(40);
        world.is_quiet();
    }
    assert!(0 < rang && rang < (TO - FROM) as usize, "{rang}");
}

/// The late one answers at once, whatever the first does.
#[test]
fn as_both_answer() {
    let mut both = 0;
    for at in FROM..TO {
        let (mut world, heard) = play(at, |world, call| {
            let late = world.heard(LATE);
            for event in late {
                if let Event::Incoming { call, .. } = event {
                    both += 1;
                    world.calls(LATE, |calls, now| calls.answer(now, 1, call, Vec::new()));
                }
            }
            world.calls(FIRST, |calls, now| calls.answer(now, 1, call, Vec::new()));
        });
        assert!(heard[CALLER].talks(), "{at}");
        assert_ne!(
            heard[FIRST].talks(),
            heard[LATE].talks(),
            "{at}: one has it"
        );
        world.calls(CALLER, |calls, now| calls.hangup(now, 2, 1));
        world.seconds(40);
        world.is_quiet();
    }
    assert!(both > 0);
}

#[test]
fn as_it_is_declined_for_all() {
    for at in FROM..TO {
        let (world, heard) = play(at, |world, call| {
            world.calls(FIRST, |calls, now| calls.reject(now, 1, call, 603, None));
        });
        assert_eq!(heard[CALLER].ended.len(), 1, "{at}");
        assert_eq!(heard[LATE].ended.len(), heard[LATE].rang, "{at}");
        let rejected = |cause: &Cause| *cause == Cause::Rejected;
        assert!(heard[LATE].ended.values().all(rejected), "{at}");
        world.is_quiet();
    }
}

#[test]
fn as_it_is_given_up() {
    for at in FROM..TO {
        let (world, heard) = play(at, |world, _| {
            world.calls(CALLER, |calls, now| calls.hangup(now, 1, 1));
        });
        for id in [FIRST, LATE] {
            let causes: Vec<_> = heard[id].ended.values().collect();
            let told = vec![&Cause::Cancelled; if id == FIRST { 1 } else { heard[id].rang }];
            assert_eq!(causes, told, "{at}: {id}");
        }
        assert!(!heard[LATE].talks(), "{at}");
        world.is_quiet();
    }
}
