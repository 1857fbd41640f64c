//! The machine of a page at the gateway, while hands and far ends do at random what they
//! can: after each step the page's calls are the switch's calls.

use crate::rig::{Rig, at, content, incoming, view};
use graceline::csta::client::{
    CallState as Shown, CallView as Seen, Client, DeskState, Output, Verb,
};
use graceline::csta::{Content, Party};
use graceline::gateway::{CallState, CallView, Remote};
use graceline::rand::Random;
use graceline_kit::message::Peer;
use std::collections::BTreeMap;

const RUNS: u8 = 60;
const STEPS: usize = 60;

struct Desk {
    rig: Rig,
    client: Client,
    peer: Peer,
    /// Numbers of the client's requests, by those of its INFOs.
    asked: BTreeMap<u32, u32>,
    /// What the page knows.
    calls: BTreeMap<u32, Seen>,
    settled: BTreeMap<u32, bool>,
    state: DeskState,
    /// What the switch knows, as it tells it.
    switch: Vec<CallView>,
    random: Random,
    count: u32,
    story: Vec<String>,
    reopens: usize,
}

impl Desk {
    fn new(seed: u8) -> Self {
        let mut rig = Rig::new();
        let (answer, peer) = rig.invite("2001", "tel:2001", "");
        let mut client = Client::new("tel:2001");
        client.handle_session(rig.now, answer.body());
        let mut desk = Self {
            rig,
            client,
            peer,
            asked: BTreeMap::new(),
            calls: BTreeMap::new(),
            settled: BTreeMap::new(),
            state: DeskState::default(),
            switch: Vec::new(),
            random: Random::from_seed([seed; 32]),
            count: 0,
            story: Vec::new(),
            reopens: 0,
        };
        desk.run();
        desk
    }

    /// Lets all that was said be heard, both ways.
    fn run(&mut self) {
        loop {
            let mut idle = true;
            while let Some(output) = self.client.poll_output() {
                idle = false;
                self.hear(output);
            }
            while let Some(message) = self.rig.take_sent() {
                idle = false;
                let now = self.rig.now;
                match message.method() {
                    "INFO" => {
                        self.client.handle_document(now, message.body());
                        self.rig.reply(&message, 200);
                    }
                    "BYE" => {
                        self.rig.reply(&message, 200);
                        self.client.handle_lost(now);
                    }
                    _ => {
                        let number = message.cseq().expect("a CSeq").number;
                        let request = self.asked.remove(&number).expect("a request");
                        let status = message.status();
                        self.client
                            .handle_answer(now, request, status, message.body());
                    }
                }
            }
            if idle {
                return;
            }
        }
    }

    fn hear(&mut self, output: Output) {
        match output {
            Output::Send { number, document } => {
                let text = self.peer.request("INFO", "", &document);
                self.asked.insert(self.peer.cseq, number);
                self.rig.put(&text);
            }
            Output::Call(seen) => {
                self.calls.insert(seen.id, seen);
            }
            Output::Ended { call, .. } => {
                assert!(self.calls.remove(&call).is_some(), "{call} ends twice");
            }
            Output::Settled { op, result } => {
                assert!(self.settled.insert(op, result.is_ok()).is_none());
            }
            Output::Desk(desk) => self.state = desk.state,
            Output::Reopen => self.reopens += 1,
            Output::Refused(fault) => panic!("{fault:?}"),
        }
    }

    /// The switch tells how a call is now.
    fn tell(&mut self, view: CallView) {
        self.story
            .push(format!("{} {:?} {:?}", view.id, view.state, view.cause));
        self.switch
            .retain(|call| call.id != view.id && !view.from.contains(&call.id));
        if view.state != CallState::Ended {
            let mut known = view.clone();
            (known.from, known.cause) = (Vec::new(), None);
            self.switch.push(known);
        }
        self.rig.shows(0, &at("2001", "SEP01"), view);
        self.run();
        self.check();
    }

    /// The page's calls are the switch's calls.
    fn check(&self) {
        let mut seen: Vec<_> = self.calls.values().map(seen).collect();
        let mut real: Vec<_> = self.switch.iter().map(real).collect();
        seen.sort();
        real.sort();
        assert_eq!(seen, real, "after {:#?}", self.story);
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("c{}", self.count)
    }

    fn number(&mut self) -> String {
        self.count += 1;
        format!("3{:03}", self.count)
    }

    fn one(&mut self, states: &[CallState]) -> Option<CallView> {
        let fits = |call: &&CallView| states.contains(&call.state) && call.parties.is_empty();
        let list: Vec<_> = self.switch.iter().filter(fits).cloned().collect();
        let at = self.random.below(list.len() as u64) as usize;
        list.get(at).cloned()
    }

    /// Something happens.
    fn step(&mut self) {
        use CallState::{Alerting, Connected, Dialling, Ended, Held, Initiated, Ringing};
        let talks = &[Connected, Held];
        let becomes = |call: CallView, state| CallView { state, ..call };
        let ended = |call: CallView, by_local| CallView {
            state: Ended,
            by_local,
            ..call
        };
        match self.random.below(12) {
            0 if self.switch.len() < 5 => {
                let id = self.name();
                let remote = Remote::Number(self.number());
                let call = [incoming(&id, Ringing), view(&id, Dialling)];
                let call = call[self.random.below(2) as usize].clone();
                self.tell(CallView { remote, ..call });
            }
            1 if self.switch.len() < 5 => {
                let id = self.name();
                let remote = Remote::NotKnown;
                let call = view(&id, Initiated);
                self.tell(CallView { remote, ..call });
                let remote = Remote::Number(self.number());
                let call = view(&id, Dialling);
                self.tell(CallView { remote, ..call });
            }
            2 | 3 => {
                if let Some(call) = self.one(&[Dialling, Alerting, Ringing]) {
                    let state = match call.state {
                        Dialling => Alerting,
                        _ => Connected,
                    };
                    self.tell(becomes(call, state));
                }
            }
            4 => {
                if let Some(call) = self.one(talks) {
                    let state = match call.state {
                        Held => Connected,
                        _ => Held,
                    };
                    self.tell(becomes(call, state));
                }
            }
            5 => {
                if let Some(call) = self.one(&[Dialling, Alerting, Ringing, Connected, Held]) {
                    let local = self.random.below(2) == 0;
                    self.tell(ended(call, local));
                }
            }
            6 => {
                let held = self.one(&[Held]);
                if let Some((held, active)) = held.zip(self.one(&[Connected, Alerting])) {
                    let active = ended(active, true);
                    self.tell(CallView {
                        cause: Some("transfer".to_owned()),
                        from: vec![held.id],
                        to: Some("3999".to_owned()),
                        ..active
                    });
                }
            }
            7 => {
                // The far end is transferred; half of the switches name the call anew.
                if let Some(call) = self.one(talks) {
                    let old = call.id.clone();
                    let renames = self.random.below(2) == 0;
                    let remote = Remote::Number(self.number());
                    let (id, from) = match renames {
                        true => (self.name(), vec![old]),
                        false => (old, Vec::new()),
                    };
                    self.tell(CallView {
                        cause: Some("transfer".to_owned()),
                        ..CallView {
                            id,
                            from,
                            remote,
                            ..call
                        }
                    });
                }
            }
            8 => {
                let held = self.one(&[Held]);
                if let Some((held, active)) = held.zip(self.one(&[Connected])) {
                    let far = [&held.remote, &active.remote];
                    let parties = far.map(|far| match far {
                        Remote::Number(number) => number.clone(),
                        other => panic!("{other:?}"),
                    });
                    self.tell(CallView {
                        cause: Some("conference".to_owned()),
                        from: vec![held.id],
                        parties: parties.to_vec(),
                        ..active
                    });
                }
            }
            9 => {
                let mut list = self.switch.iter();
                let conference = list.find(|call| call.parties.len() > 1).cloned();
                if let Some(conference) = conference {
                    self.tell(ended(conference, true));
                }
            }
            _ => {
                // The page asks; the switch agrees, and tells what comes of it.
                if let Some(call) = self.one(&[Connected]) {
                    let number = self.numbered(&call);
                    self.count += 1;
                    let op = self.count;
                    self.client
                        .handle_command(self.rig.now, op, Verb::Hold(number));
                    self.run();
                    self.tell(becomes(call, Held));
                    assert_eq!(self.settled.get(&op), Some(&true), "{:#?}", self.story);
                }
            }
        }
    }

    /// The page's number of a call of the switch's.
    fn numbered(&self, call: &CallView) -> u32 {
        let wanted = real(call);
        let mut calls = self.calls.values();
        calls.find(|one| seen(one) == wanted).expect("a call").id
    }
}

fn seen(call: &Seen) -> (String, &'static str) {
    let device = |party: &Party| party.device().unwrap_or("?").to_owned();
    let mut far: Vec<_> = call.parties.iter().map(device).collect();
    if far.is_empty() {
        far.push(device(&call.remote));
    }
    far.sort();
    (far.join("+"), call.state.as_str())
}

fn real(call: &CallView) -> (String, &'static str) {
    let mut far = call.parties.clone();
    if let (true, Remote::Number(number)) = (far.is_empty(), &call.remote) {
        far.push(number.clone());
    }
    far.sort();
    let far: Vec<_> = far.iter().map(|number| format!("tel:{number}")).collect();
    let state = match call.state {
        CallState::Held => Shown::Held,
        CallState::Ringing => Shown::Incoming,
        CallState::Alerting => Shown::Ringing,
        CallState::Connected => Shown::Connected,
        _ => Shown::Calling,
    };
    let far = match far.is_empty() {
        true => "?".to_owned(),
        false => far.join("+"),
    };
    (far, state.as_str())
}

#[test]
fn the_calls_of_a_page_are_those_of_the_switch_whatever_happens() {
    let mut most = 0;
    for seed in 0..RUNS {
        let mut desk = Desk::new(seed);
        assert_eq!(desk.state, DeskState::InService);
        for _ in 0..STEPS {
            desk.step();
            most = most.max(desk.calls.len());
        }
    }
    assert_eq!(most, 5);
}

#[test]
fn a_page_hears_of_a_node_that_is_lost_and_back_and_finds_its_calls_again() {
    let mut desk = Desk::new(1);
    desk.tell(view("c", CallState::Connected));
    desk.rig.lose(0);
    desk.run();
    assert_eq!(desk.state, DeskState::OutOfService);
    // The call has been put on hold by hand meanwhile.
    let held = view("c", CallState::Held);
    desk.switch = vec![held.clone()];
    for node in &mut desk.rig.nodes {
        node.calls = vec![held.clone()];
    }
    desk.rig.restore(0);
    desk.run();
    assert_eq!(desk.state, DeskState::RecoveryPending);
    let (answer, peer) = desk.rig.invite("2001", "tel:2001", "");
    assert!(matches!(content(&answer), Content::Response(_)));
    desk.peer = peer;
    desk.client.handle_session(desk.rig.now, answer.body());
    desk.run();
    assert_eq!(desk.state, DeskState::InService);
    desk.check();
    assert_eq!(desk.rig.serving(), 1);
}
