//! Randomised calls: phones, users, media handlers and faults drawn from a seed.
//! At the end, when all is quiet: every call ended once and its end was the last
//! that was heard of it; every operation was answered once; of every call that
//! is connected both ends are; and nothing is left once all have hung up. In some
//! sessions everybody lies about who he is and asks for credentials: nobody is shown
//! whom nobody vouched for, and no digest leaves but in the registrar's realm with its
//! strength, in whatever session.
//!
//! `GRACELINE_CALL_SESSIONS=100000 cargo test --release --test scenarios
//! call_sessions` is the long run; `GRACELINE_SEED=n` runs one session and prints
//! it.

use crate::world::attacker::LIAR;
use crate::world::{ClientId, Network, World, registrar_config};
use graceline::call::{CallOptions, Event, Shown};
use graceline::phone::{self, Phone, Status};
use graceline::rand::Random;
use graceline::registrar::{Dialect, Policy};
use graceline::time::Duration;
use std::collections::BTreeMap;

const DEFAULT_SESSIONS: u64 = 30;
/// Longer than the longest session timer.
const QUIET: u64 = 2_000;

/// A call as its app knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Rings,
    Tries,
    Connected,
    Ended,
}

/// What one app saw.
#[derive(Default)]
struct App {
    calls: BTreeMap<u32, State>,
    /// Operations, and how often each was answered.
    ops: BTreeMap<u32, u32>,
    next_call: u32,
}

struct Session {
    world: World,
    apps: Vec<App>,
    read: usize,
    random: Random,
}

impl Session {
    fn new(seed: u64) -> Self {
        let mut bytes = [0xca; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let mut config = registrar_config().with_user("2003", "secret");
        let lying = random.below(2) == 0;
        if lying && random.below(2) == 0 {
            config.policy = Policy::Normal;
            config.dialect = Some(Dialect::Kamailio);
        }
        let mut world = World::new(random.below(256) as u8, config);
        world.lying = lying;
        let mut apps = Vec::new();
        // Two devices of one user ring together.
        for (user, device) in [("2001", "A"), ("2002", "B"), ("2002", "C"), ("2003", "D")] {
            let id = world.client_with(device, |config| {
                config.user = user.into();
                config.device = device.into();
            });
            world.login(id, false);
            apps.push(App {
                next_call: 1,
                ..App::default()
            });
        }
        Session {
            world,
            apps,
            read: 0,
            random,
        }
    }

    /// Takes what the apps heard, and does what an app does by itself.
    fn hear(&mut self) {
        while let Some((id, _, event)) = self.world.log.get(self.read).cloned() {
            self.read += 1;
            if let phone::Event::Call(event) = event {
                self.heard(id, event);
            }
        }
    }

    fn heard(&mut self, id: ClientId, event: Event) {
        let app = &mut self.apps[id];
        let told = format!("{id}: {event:?}");
        if let Event::Incoming { call, .. } = &event {
            let before = app.calls.insert(*call, State::Rings);
            assert_eq!(before, None, "{told}");
        }
        if let Event::Incoming { from: who, .. }
        | Event::Remote { remote: who, .. }
        | Event::Message { from: who, .. } = &event
        {
            let lie = who.uri.contains(LIAR) || who.display_name.contains(LIAR);
            assert!(!lie, "{told}");
        }
        let call = match &event {
            Event::Incoming { call, .. }
            | Event::State { call, .. }
            | Event::Media { call, .. }
            | Event::Remote { call, .. }
            | Event::Redirect { call, .. }
            | Event::CallInfo { call, .. }
            | Event::Candidates { call, .. }
            | Event::Info { call, .. }
            | Event::Refer { call, .. }
            | Event::Transferred { call, .. }
            | Event::Ended { call, .. } => Some(*call),
            Event::Done { .. } | Event::Message { .. } => None,
            _ => panic!("of a session: {told}"),
        };
        if let Some(call) = call {
            let state = app.calls.get(&call).copied();
            assert!(
                state.is_some_and(|state| state != State::Ended),
                "of a call that is over: {told}"
            );
        }
        match event {
            Event::State {
                call,
                state: Shown::Connected | Shown::Held { .. },
                ..
            } => {
                app.calls.insert(call, State::Connected);
            }
            Event::Ended { call, .. } => {
                app.calls.insert(call, State::Ended);
            }
            Event::Done { op, .. } => *app.ops.entry(op).or_default() += 1,
            Event::Incoming {
                call,
                replaces: Some(_),
                ..
            } => self.operate(id, |calls, now, op| {
                calls.answer(now, op, call, Vec::new());
            }),
            Event::Refer { refer, .. } => {
                let accepts = self.random.below(4) > 0;
                match accepts {
                    true => self.call(id, "", Some(refer)),
                    false => self
                        .world
                        .calls(id, |calls, now| calls.refuse_refer(now, refer)),
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, id: ClientId, target: &str, refer: Option<u32>) {
        let app = &mut self.apps[id];
        let call = app.next_call;
        app.next_call += 2;
        app.calls.insert(call, State::Tries);
        let options = CallOptions {
            refer,
            ..CallOptions::default()
        };
        self.world
            .act(id, |phone, now| phone.call(now, call, target, options));
    }

    fn operate(
        &mut self,
        id: ClientId,
        action: impl FnOnce(&mut graceline::call::Calls, graceline::time::Instant, u32),
    ) {
        let op = 1 + self.apps[id].ops.len() as u32;
        self.apps[id].ops.insert(op, 0);
        self.world.calls(id, |calls, now| action(calls, now, op));
    }

    /// One of the calls that are `wanted`; now and then any, be it over.
    fn some_call(&mut self, id: ClientId, wanted: State) -> Option<u32> {
        let any = self.random.below(12) == 0;
        let calls = self.apps[id].calls.iter();
        let fit = calls.filter(|(_, state)| any || **state == wanted);
        let fit: Vec<u32> = fit.map(|(call, _)| *call).collect();
        let at = self.random.below(fit.len() as u64) as usize;
        fit.get(at).copied()
    }

    fn action(&mut self) {
        let id = self.random.below(self.apps.len() as u64) as usize;
        let number = ["2001", "2002", "2003", "2009"][self.random.below(4) as usize];
        let action = self.random.below(26);
        let ops = self.apps[id].ops.len();
        self.world.note(|world| {
            let name = &world.clients[id].name;
            format!("{name}: action {action} after {ops} operations")
        });
        let text = || ("text/plain".to_owned(), "hello".to_owned());
        match action {
            0..=4 => self.call(id, number, None),
            5..=9 => {
                if let Some(call) = self.some_call(id, State::Rings) {
                    self.operate(id, |calls, now, op| {
                        calls.answer(now, op, call, Vec::new());
                    });
                }
            }
            10 => {
                if let Some(call) = self.some_call(id, State::Rings) {
                    self.operate(id, |calls, now, op| calls.reject(now, op, call, 603, None));
                }
            }
            11 => {
                let state = match self.random.below(3) {
                    0 => State::Tries,
                    _ => State::Connected,
                };
                if let Some(call) = self.some_call(id, state) {
                    self.operate(id, |calls, now, op| calls.hangup(now, op, call));
                }
            }
            12..=15 => {
                let hold = self.random.below(2) == 0;
                if let Some(call) = self.some_call(id, State::Connected) {
                    self.operate(id, |calls, now, op| calls.hold(now, op, call, hold));
                }
            }
            16 => {
                let restart = self.random.below(2) == 0;
                if let Some(call) = self.some_call(id, State::Connected) {
                    self.operate(id, |calls, now, op| {
                        calls.renegotiate(now, op, call, restart);
                    });
                }
            }
            17 => {
                if let Some(call) = self.some_call(id, State::Connected) {
                    self.operate(id, |calls, now, op| calls.info(now, op, call, text()));
                }
            }
            18 => {
                if let Some(call) = self.some_call(id, State::Connected) {
                    self.operate(id, |calls, now, op| calls.transfer(now, op, call, number));
                }
            }
            19 => {
                let call = self.some_call(id, State::Connected);
                let other = self.some_call(id, State::Connected);
                if let Some((call, other)) = call.zip(other) {
                    self.operate(id, |calls, now, op| {
                        calls.transfer_to(now, op, call, other);
                    });
                }
            }
            20 => self.operate(id, |calls, now, op| calls.message(now, op, number, text())),
            21 => {
                let patience = self.random.below(3) as u32;
                self.world.clients[id].media.patience = Some(patience);
            }
            22 => self.world.clients[id].media.patience = None,
            23 => self.world.cut(id),
            24 => match self.random.below(4) {
                0 => self.world.clients[id].network = Network::Silent,
                1 => {
                    self.world.clients[id].network = Network::Refusing;
                    self.world.cut(id);
                }
                2 => self.world.restart_registrar(),
                _ => self.network_up(),
            },
            _ => match self.random.below(4) {
                // Somebody else takes the line, and gives it back.
                0 => self.world.act(id, Phone::silence),
                1 => self.world.act(id, Phone::unregister),
                _ => {
                    self.world.register(id, true);
                }
            },
        }
        self.hear();
    }

    fn network_up(&mut self) {
        for client in &mut self.world.clients {
            client.network = Network::Up;
        }
    }

    fn wait(&mut self, millis: u64) {
        self.world.run(Duration::from_millis(millis));
        self.hear();
    }

    fn connected(&self) -> usize {
        let calls = self.apps.iter().flat_map(|app| app.calls.values());
        calls.filter(|state| **state == State::Connected).count()
    }

    fn run(&mut self) {
        for _ in 0..60 {
            self.action();
            let pause = match self.random.below(6) {
                0 | 1 => 0,
                2 => self.random.below(30),
                3 | 4 => self.random.below(3_000),
                _ => self.random.below(60_000),
            };
            self.wait(pause);
        }
        self.network_up();
        for id in 0..self.apps.len() {
            self.world.clients[id].media.patience = None;
        }
        self.wait(QUIET * 1000);
        let open = self.apps.iter().flat_map(|app| app.calls.values());
        for state in open {
            assert!(
                matches!(state, State::Connected | State::Ended),
                "a call neither ended nor connected: {state:?}"
            );
        }
        assert_eq!(self.connected() % 2, 0, "a call with one end");
        for id in 0..self.apps.len() {
            let calls: Vec<u32> = self.apps[id].calls.keys().copied().collect();
            for call in calls {
                if self.apps[id].calls[&call] != State::Ended {
                    self.operate(id, |calls, now, op| calls.hangup(now, op, call));
                }
            }
        }
        self.wait(100_000);
        assert_eq!(self.connected(), 0);
        for (id, app) in self.apps.iter().enumerate() {
            for (op, answers) in &app.ops {
                assert_eq!(*answers, 1, "operation {op} of {id}");
            }
            for (call, state) in &app.calls {
                assert_eq!(*state, State::Ended, "call {call} of {id}");
            }
        }
        self.world.is_quiet();
    }
}

fn run(seed: u64) -> Result<(u64, u64), String> {
    let mut session = Session::new(seed);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.run()));
    let transcript = &session.world.transcript;
    let calls = session.apps.iter().map(|app| app.calls.len() as u64).sum();
    let ready = |client: &crate::world::Client| client.phone.status() == Status::Ready;
    let ready = session.world.clients.iter().filter(|client| ready(client));
    match result {
        Ok(()) => Ok((calls, ready.count() as u64)),
        Err(_) => {
            let dull = ["REGISTER", "SUBSCRIBE", "reginfo", "→  ", "← "];
            let tells = |line: &&String| {
                !dull
                    .iter()
                    .any(|dull| line.ends_with(dull) || line.contains("REGISTER"))
            };
            let story: Vec<&str> = transcript
                .iter()
                .filter(tells)
                .map(|line| &**line)
                .collect();
            let from = story.len().saturating_sub(4000);
            Err(format!("seed {seed}\n{}", story[from..].join("\n")))
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn calls_end_once_and_leave_nothing() {
    if let Some(seed) = number("GRACELINE_SEED") {
        return run(seed)
            .map(drop)
            .unwrap_or_else(|story| panic!("{story}"));
    }
    let sessions = number("GRACELINE_CALL_SESSIONS").unwrap_or(DEFAULT_SESSIONS);
    let mut calls = 0;
    for seed in 0..sessions {
        match run(seed) {
            Ok((made, _)) => calls += made,
            Err(story) => panic!("{story}"),
        }
    }
    assert!(calls > 5 * sessions, "hardly a call was made: {calls}");
    println!("{sessions} sessions, {calls} ends of calls");
}
