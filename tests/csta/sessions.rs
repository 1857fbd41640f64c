//! Random sessions: commands, hands, far ends, losses, with answers and events
//! that pass each other as they can on one flow. After quiet the client's calls
//! are the switch's calls, and every command has settled once.

use crate::rig::Rig;
use graceline::csta::client::Verb;
use graceline::csta::{ConnectionState as State, SystemStatus};
use graceline::rand::Random;
use std::collections::VecDeque;

/// What is on its way to the client. The group counts what the switch did.
struct Wire {
    events: VecDeque<(u32, String)>,
    answers: Vec<(u32, u32, String)>,
    group: u32,
}

struct Session {
    rig: Rig,
    random: Random,
    wire: Wire,
    number: u32,
    ops: u32,
}

impl Session {
    fn new(seed: u8) -> Self {
        let mut rig = Rig::connected();
        rig.story.clear();
        Self {
            rig,
            random: Random::from_seed([seed; 32]),
            wire: Wire {
                events: VecDeque::new(),
                answers: Vec::new(),
                group: 0,
            },
            number: 6000,
            ops: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u64) as usize
    }

    /// A number that nobody has had.
    fn somebody(&mut self) -> String {
        self.number += 1;
        match self.below(8) {
            0 => format!("tel:486{}", self.number),
            1 => format!("tel:404{}", self.number),
            _ => format!("tel:{}", self.number),
        }
    }

    fn collect(&mut self) {
        self.wire.group += 1;
        let group = self.wire.group;
        let events = std::mem::take(&mut self.rig.switch.events);
        self.wire
            .events
            .extend(events.into_iter().map(|event| (group, event)));
    }

    /// Requests reach the switch at once, what comes of them later.
    fn send(&mut self) {
        for (number, document) in self.rig.drain() {
            let body = self.rig.switch.answers(&document);
            self.collect();
            self.wire.answers.push((self.wire.group, number, body));
        }
    }

    /// Delivers one thing. An answer does not pass what was sent before the
    /// request was served.
    fn deliver(&mut self) -> bool {
        let first = self.wire.events.front().map(|(group, _)| *group);
        let may: Vec<_> = (0..self.wire.answers.len())
            .filter(|at| first.is_none_or(|first| first >= self.wire.answers[*at].0))
            .collect();
        let pick = self.below(may.len() + usize::from(first.is_some()).max(1));
        if let Some(at) = may.get(pick) {
            let (_, number, body) = self.wire.answers.remove(*at);
            if self.below(4) == 0 {
                self.rig.answer(number, 200, "");
                self.rig.tell(&body);
            } else {
                self.rig.answer(number, 200, &body);
            }
        } else if let Some((_, event)) = self.wire.events.pop_front() {
            self.rig.tell(&event);
        } else {
            return !may.is_empty();
        }
        self.send();
        true
    }

    fn command(&mut self) {
        let calls: Vec<u32> = self.rig.calls.keys().copied().collect();
        let mut any = || match calls.len() {
            0 => 99,
            count => calls[self.random.below(count as u64) as usize],
        };
        let (one, other) = (any(), any());
        let to = self.somebody();
        let verb = match self.below(14) {
            0 | 1 => Verb::Make { to },
            2 => Verb::Answer(one),
            3 => Verb::Clear(one),
            4 => Verb::Hold(one),
            5 => Verb::Retrieve(one),
            6 => Verb::Consult { call: one, to },
            7 => Verb::Alternate(one, other),
            8 => Verb::Reconnect(one, other),
            9 => Verb::Transfer(one, other),
            10 => Verb::Conference(one, other),
            11 => Verb::SingleStepTransfer { call: one, to },
            12 => Verb::Deflect { call: one, to },
            _ => Verb::Digits {
                call: one,
                digits: "1".to_owned(),
            },
        };
        self.rig.ask(verb);
        self.ops += 1;
        self.send();
    }

    /// Something at the phone or at a far end.
    fn happen(&mut self) {
        let to = self.somebody();
        let count = self.rig.switch.calls.len();
        let at = self.below(count);
        let line = self.rig.switch.calls.get(at).cloned();
        let choice = self.below(8);
        let switch = &mut self.rig.switch;
        match (choice, line) {
            (0 | 1, _) if count < 6 => drop(switch.rings(&to)),
            (2, _) if count < 6 => drop(switch.lifts_and_dials(&to)),
            (3, Some(line)) if line.there == State::Alerting => switch.far_answers(&line.id),
            (3, Some(line)) if line.own == State::Alerting => switch.hands_answer(&line.id),
            (4, Some(line)) => switch.far_clears(&line.id, "normalClearing"),
            (5, Some(line)) => switch.hands_clear(&line.id),
            (6, Some(line)) if line.own == State::Connected => switch.hands_hold(&line.id),
            (6, Some(line)) if line.own == State::Hold => switch.hands_retrieve(&line.id),
            (7, Some(line)) if line.there == State::Connected && line.own != State::Alerting => {
                drop(switch.far_transfers(&line.id, &to));
            }
            _ => {}
        }
        self.collect();
    }

    /// The session is lost with all that was on its way, and comes back.
    fn lose(&mut self) {
        self.wire.events.clear();
        self.wire.answers.clear();
        self.rig.switch.cross_ref.clear();
        self.rig.client.handle_lost(self.rig.now);
        self.send();
        for _ in 0..self.below(4) {
            self.happen();
        }
        if self.below(3) == 0 {
            self.rig.switch.renames();
        }
        let greeting = self.rig.switch.greeting();
        self.rig
            .client
            .handle_session(self.rig.now, greeting.as_bytes());
        self.send();
    }

    fn quiet(&mut self) {
        while !self.wire.events.is_empty() || !self.wire.answers.is_empty() {
            self.deliver();
        }
        self.rig.check_calls();
        assert_eq!(self.rig.settled.len(), self.ops as usize);
        assert_eq!(self.rig.client.poll_timeout(), None);
        assert!(self.rig.desk.monitored);
    }
}

#[test]
fn random_sessions_end_in_agreement() {
    for seed in 0..60 {
        let mut session = Session::new(seed);
        for step in 0..600 {
            match session.below(40) {
                0..10 => session.command(),
                10..20 => session.happen(),
                20 if step % 3 == 0 => session.lose(),
                21 => session.quiet(),
                22 => {
                    let lost = crate::switch::system_is(SystemStatus::MessagesLost);
                    session.rig.tell(&lost);
                    session.send();
                }
                _ => drop(session.deliver()),
            }
        }
        session.quiet();
        assert_eq!(session.rig.reopened, 0);
    }
}
