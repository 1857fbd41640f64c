//! What must hold, as things are heard and in the end.

use super::model::{Leg, QUIET, RUNG_OUT, Session, State, Trial, UNDER_WAY, id};
use super::script::Deed;
use crate::world::{ClientId, Network};
use graceline::call::{Cause, Event, Shown};
use graceline::phone::{self, Phone, Status};
use graceline::registrar::Wake;
use graceline::time::Duration;
use graceline_kit::sessions::{Holds, violated};

impl Session {
    pub(super) fn check(&mut self) -> Holds {
        while let Some((id, _, event)) = self.world.log.get(self.read).cloned() {
            self.read += 1;
            match event {
                phone::Event::Call(event) => self.hear(id, &event)?,
                phone::Event::Status(Status::Ready, _)
                    if self.world.clients[id].network == Network::Up =>
                {
                    self.devices[id].shaky = false;
                }
                // Another one took its slot, with whatever rang here, and its answers.
                phone::Event::Terminated { .. } => {
                    self.devices[id].troubled_at = self.world.now;
                    let last = self.trials.len().wrapping_sub(1);
                    let rang =
                        |(of, ..): &(ClientId, u32, u32), leg: &Leg| *of == id && leg.trial == last;
                    let legs = self.legs.iter_mut();
                    for (_, leg) in legs.filter(|(key, leg)| rang(key, leg)) {
                        leg.troubled = true;
                    }
                }
                _ => {}
            }
        }
        for wake in std::mem::take(&mut self.world.wakes) {
            self.push(&wake)?;
        }
        Ok(())
    }

    fn push(&mut self, wake: &Wake) -> Holds {
        let Wake {
            devices,
            unheard,
            news,
            ..
        } = wake;
        self.tally.count("woken", news.kind);
        match news.kind {
            // Those who turn out not to be there, after those who sleep.
            "call" if !unheard.is_empty() && self.woken.contains(&news.key) => {}
            "call" => self.woken.push(news.key.clone()),
            "withdraw" => {
                let known = self.woken.iter().position(|key| *key == news.key);
                let Some(known) = known else {
                    return violated(5, "a call is withdrawn once", format!("{news:?}"));
                };
                self.woken.remove(known);
                return Ok(());
            }
            _ => {}
        }
        for at in (0..self.caller()).filter(|at| devices.contains(&id(*at))) {
            if self.is_surely_there(at) || self.devices[at].cut_off_at.is_some() {
                return violated(5, "nobody is woken who is there", format!("{at} {news:?}"));
            }
            if self.world.status(at) == Status::Idle {
                let arrives = self.world.now + Duration::from_millis(self.script.push);
                self.pushes.push((arrives, at));
            }
        }
        Ok(())
    }

    fn hear(&mut self, id: ClientId, event: &Event) -> Holds {
        let load = self.devices[id].load;
        match event {
            Event::Incoming { call, .. } => return self.ring(id, load, *call),
            Event::State {
                call,
                state: Shown::Connected,
                ..
            } if id == self.caller() => {
                let trial = self.trials.iter_mut().find(|trial| trial.call == *call);
                if let Some(trial) = trial {
                    self.tally.count("calls", "connected");
                    trial.state = State::Connected;
                    trial.answered = true;
                }
            }
            Event::State {
                call,
                state: Shown::Connected,
                ..
            } => {
                if let Some(leg) = self.legs.get_mut(&(id, load, *call)) {
                    leg.state = State::Connected;
                }
            }
            Event::Ended { call, cause, .. } => return self.ended(id, *call, *cause),
            Event::Done { op, error, .. } => {
                *self.devices[id].ops.entry(*op).or_default() += 1;
                let sent = self.letters.iter_mut().find(|letter| letter.op == *op);
                if let Some(letter) = sent.filter(|_| id == self.script.devices.len()) {
                    letter.accepted = error.is_none();
                    let how = match (error, letter.kept) {
                        (Some(_), _) => "refused",
                        (None, true) => "kept",
                        (None, false) => "there",
                    };
                    self.tally.count("messages", how);
                }
            }
            Event::Message { body, .. } => {
                let number: usize = body.parse().unwrap_or_default();
                let writer = self.devices[self.caller()].troubled_at;
                let device = &mut self.devices[id];
                let times = device.got.entry(number).or_default();
                *times += 1;
                // An answer that is lost with its flow does not count: who has none asks again.
                if *times > 1 && device.troubled_at.max(writer) < self.letters[number].at {
                    return violated(3, "a message comes once", format!("{id}: {number}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn ring(&mut self, id: ClientId, load: u32, call: u32) -> Holds {
        let now = self.world.now;
        let last = self.trials.len() - 1;
        let Some(trial) = self.trials.get_mut(last) else {
            return violated(1, "somebody calls", format!("{id}"));
        };
        let cut_off = self.devices[id].cut_off_at;
        if cut_off.is_some_and(|at| now - at > UNDER_WAY) {
            return violated(1, "who is cut off does not ring", format!("{id}"));
        }
        if now - trial.at > UNDER_WAY {
            self.tally.count("legs", "joined");
        } else if self.world.bindings_changed && trial.rings.as_ref().is_some_and(Result::is_err) {
            trial.rings = None;
        }
        let desk = self.script.devices[id] == "deskphone";
        let rings = match &trial.rings {
            Some(Ok(chosen)) => chosen.contains(&id),
            Some(Err(desks)) => *desks || !desk,
            None => true,
        };
        if !rings {
            return violated(1, "who is not chosen does not ring", format!("{id}"));
        }
        let leg = Leg {
            trial: last,
            state: State::Open,
            acted: false,
            troubled: self.devices[id].shaky || trial.troubled,
            cause: None,
        };
        match self.legs.insert((id, load, call), leg) {
            Some(_) => violated(4, "a call comes once", format!("{id}")),
            None => Ok(()),
        }
    }

    fn ended(&mut self, id: ClientId, call: u32, cause: Cause) -> Holds {
        if id == self.caller() {
            let trial = self.trials.iter_mut().find(|trial| trial.call == call);
            let ended = trial.map(|trial| std::mem::replace(&mut trial.state, State::Ended));
            self.tally.count("calls", cause.as_str());
            return match ended {
                Some(State::Ended) => violated(4, "a call ends once", format!("{id}: {call}")),
                _ => Ok(()),
            };
        }
        let load = self.devices[id].load;
        let Some(leg) = self.legs.get_mut(&(id, load, call)) else {
            return violated(4, "who ends has begun", format!("{id}: {call}"));
        };
        self.tally.count("legs", cause.as_str());
        leg.cause = Some(cause);
        match std::mem::replace(&mut leg.state, State::Ended) {
            State::Ended => violated(4, "a call ends once", format!("{id}: {call}")),
            _ => Ok(()),
        }
    }

    /// The network is there again, and nobody does anything; then all hang up, and each
    /// device has been there.
    pub(super) fn end(&mut self) -> Holds {
        self.world.note(|_| "-- quiet".to_owned());
        for client in &mut self.world.clients {
            client.network = Network::Up;
        }
        self.wait(RUNG_OUT)?;
        let talks = |trial: &Trial| trial.state == State::Connected;
        let talk = |leg: &Leg| leg.state == State::Connected;
        if self.trials.iter().any(talks) || self.legs.values().any(talk) {
            self.wait(QUIET)?;
        }
        self.check_calls()?;
        for at in 0..=self.caller() {
            let mine = self.legs.iter().filter(|((id, ..), _)| *id == at);
            let open = mine.filter(|(_, leg)| leg.state == State::Connected);
            for call in open.map(|((.., call), _)| *call).collect::<Vec<_>>() {
                self.operate(at, |calls, now, op| calls.hangup(now, op, call));
            }
        }
        self.perform(Deed::GiveUp)?;
        self.wait(100_000)?;
        if let Some(key) = self.woken.first() {
            return violated(5, "a call is withdrawn", key.clone());
        }
        for at in 0..=self.caller() {
            let ops = &self.devices[at].ops;
            if let Some((op, times)) = ops.iter().find(|(_, times)| **times != 1) {
                return violated(
                    4,
                    "what is asked is answered once",
                    format!("{at}: {op} {times}"),
                );
            }
        }
        for at in 0..self.caller() {
            self.open(at);
            self.wait(60_000)?;
        }
        self.check_letters()?;
        for at in 0..=self.caller() {
            self.world.act(at, Phone::unregister);
        }
        self.wait(60_000)?;
        self.world.is_quiet();
        Ok(())
    }

    fn check_calls(&self) -> Holds {
        for (at, trial) in self.trials.iter().enumerate() {
            let legs = || self.legs.iter().filter(move |(_, leg)| leg.trial == at);
            if trial.state == State::Open || legs().any(|(_, leg)| leg.state == State::Open) {
                return violated(4, "a call is answered or ends", format!("call {at}"));
            }
            let talk = legs()
                .filter(|(_, leg)| leg.state == State::Connected)
                .count();
            if talk != usize::from(trial.state == State::Connected) {
                return violated(2, "a call has two ends", format!("call {at}: {talk}"));
            }
            if !trial.answered || trial.refused || trial.troubled {
                continue;
            }
            let beside = legs().filter(|(_, leg)| !leg.acted && !leg.troubled);
            for ((id, ..), Leg { cause, .. }) in beside {
                let told = [Cause::AnsweredElsewhere, Cause::ConnectionTerminated];
                if cause.is_none_or(|cause| !told.contains(&cause)) {
                    return violated(2, "who rang beside is told", format!("{id}: {cause:?}"));
                }
            }
        }
        Ok(())
    }

    fn check_letters(&self) -> Holds {
        for (number, letter) in self
            .letters
            .iter()
            .enumerate()
            .filter(|(_, one)| one.accepted)
        {
            for id in &letter.due {
                if !self.devices[*id].got.contains_key(&number) {
                    let what = format!("{number} to {id}, written at {:?}", letter.at);
                    return violated(3, "what is taken comes", what);
                }
            }
        }
        Ok(())
    }
}
