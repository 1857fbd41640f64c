//! A client at a scripted switch, in virtual time. The story is what the app
//! hears, a line each.

use crate::notation::LINE;
use crate::switch::Switch;
use graceline::csta::client::{CallView, Client, Desk, Fault, Output, Verb};
use graceline::csta::{ED3, Party};
use graceline::time::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};

/// How answers and events pass each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    AnswerFirst,
    EventsFirst,
    /// An empty answer, and the response in a message of its own, last.
    Separately,
}

pub struct Rig {
    pub client: Client,
    pub switch: Switch,
    pub now: Instant,
    pub order: Order,
    pub story: Vec<String>,
    /// Documents that the client sent.
    pub sent: Vec<String>,
    pub calls: BTreeMap<u32, CallView>,
    pub desk: Desk,
    pub settled: BTreeMap<u32, Result<(), Fault>>,
    pub reopened: u32,
    /// The last documents, for whoever reads a failure.
    log: VecDeque<String>,
    ops: u32,
}

impl Rig {
    pub fn new() -> Self {
        Self {
            client: Client::new(LINE),
            switch: Switch::new(),
            now: Instant::from_millis(1_000_000),
            order: Order::AnswerFirst,
            story: Vec::new(),
            sent: Vec::new(),
            calls: BTreeMap::new(),
            desk: Desk::default(),
            settled: BTreeMap::new(),
            reopened: 0,
            log: VecDeque::new(),
            ops: 0,
        }
    }

    /// With a session that is up, and the story forgotten.
    pub fn connected() -> Self {
        let mut rig = Self::new();
        rig.connect();
        assert!(rig.desk.monitored, "{:?}", rig.desk);
        rig.story.clear();
        rig
    }

    pub fn connect(&mut self) {
        let greeting = self.switch.greeting();
        self.client.handle_session(self.now, greeting.as_bytes());
        self.run();
    }

    pub fn lose(&mut self) {
        self.switch.cross_ref.clear();
        self.switch.events.clear();
        self.client.handle_lost(self.now);
        self.run();
    }

    /// A command; its number.
    pub fn ask(&mut self, verb: Verb) -> u32 {
        self.ops += 1;
        self.client.handle_command(self.now, self.ops, verb);
        self.ops
    }

    /// A command, with all that comes of it.
    pub fn does(&mut self, verb: Verb) -> Result<(), Fault> {
        let op = self.ask(verb);
        self.run();
        self.settled.get(&op).expect("it settles").clone()
    }

    /// All that is to be delivered now.
    pub fn run(&mut self) {
        loop {
            let sent = self.drain();
            if sent.is_empty() && self.switch.events.is_empty() {
                return;
            }
            self.deliver_events();
            for (number, document) in sent {
                let body = self.switch.answers(&document);
                match self.order {
                    Order::AnswerFirst => {
                        self.answer(number, 200, &body);
                        self.deliver_events();
                    }
                    Order::EventsFirst => {
                        self.deliver_events();
                        self.answer(number, 200, &body);
                    }
                    Order::Separately => {
                        self.answer(number, 200, "");
                        self.deliver_events();
                        self.tell(&body);
                    }
                }
            }
        }
    }

    pub fn deliver_events(&mut self) {
        for event in std::mem::take(&mut self.switch.events) {
            self.tell(&event);
        }
    }

    fn note(&mut self, way: &str, document: &str) {
        let (_, inner) = document.split_once("?>\n").unwrap_or(("", document));
        self.log
            .push_back(format!("{way} {}", inner.replace(ED3, "")));
        if self.log.len() > 40 {
            self.log.pop_front();
        }
    }

    pub fn answer(&mut self, number: u32, status: u16, body: &str) {
        self.note("answer", body);
        self.client
            .handle_answer(self.now, number, status, body.as_bytes());
    }

    pub fn tell(&mut self, body: &str) {
        self.note("event", body);
        self.client.handle_document(self.now, body.as_bytes());
    }

    /// Lets time pass to the next deadline; how long that took.
    pub fn wait(&mut self) -> Duration {
        let due = self.client.poll_timeout().expect("a deadline");
        let waited = due - self.now;
        self.now = due.max(self.now);
        self.client.handle_timeout(self.now);
        waited
    }

    /// What the client has put out; requests are returned.
    pub fn drain(&mut self) -> Vec<(u32, String)> {
        let mut sent = Vec::new();
        while let Some(output) = self.client.poll_output() {
            self.hear(output, &mut sent);
        }
        sent
    }

    fn hear(&mut self, output: Output, sent: &mut Vec<(u32, String)>) {
        let line = match output {
            Output::Send { number, document } => {
                self.note("sent", &document);
                self.sent.push(document.clone());
                return sent.push((number, document));
            }
            Output::Call(view) => {
                let line = told(&view);
                let old = self.calls.insert(view.id, view);
                if old.as_ref().map(told).as_ref() == Some(&line) {
                    return;
                }
                line
            }
            Output::Ended {
                call,
                cause,
                reason,
            } => {
                assert!(self.calls.remove(&call).is_some(), "{call} was not told of");
                format!("{call} ended {} {reason}", cause.as_str())
            }
            Output::Settled { op, result } => {
                let line = match &result {
                    Ok(()) => format!("op {op} ok"),
                    Err(fault) => format!("op {op} {} {}", fault.code.as_str(), fault.said),
                };
                assert!(
                    self.settled.insert(op, result).is_none(),
                    "{op} settles again"
                );
                line
            }
            Output::Desk(desk) => {
                let line = format!(
                    "desk {}{}",
                    desk.state.as_str(),
                    desk.reason
                        .as_ref()
                        .map_or(String::new(), |reason| format!(" {reason}"))
                );
                let same = self.desk.state == desk.state && self.desk.reason == desk.reason;
                self.desk = desk;
                if same {
                    return;
                }
                line
            }
            Output::Reopen => {
                self.reopened += 1;
                "reopen".to_owned()
            }
            Output::Refused(fault) => {
                format!("refused {} {}", fault.code.as_str(), fault.said)
            }
        };
        self.story.push(line.trim_end().to_owned());
    }

    pub fn take_story(&mut self) -> Vec<String> {
        std::mem::take(&mut self.story)
    }

    /// The client's calls are the switch's calls.
    pub fn check_calls(&self) {
        let mut known: Vec<_> = self
            .calls
            .values()
            .map(|view| (far(view), view.state.as_str()))
            .collect();
        let mut real: Vec<_> = self.switch.calls.iter().map(state).collect();
        known.sort();
        real.sort();
        assert_eq!(known, real, "after {:#?}", self.log);
    }
}

fn far(view: &CallView) -> String {
    let mut far: Vec<_> = if view.parties.is_empty() {
        vec![&view.remote]
    } else {
        view.parties.iter().collect()
    }
    .into_iter()
    .map(|party| party.device().unwrap_or("?").to_owned())
    .collect();
    far.sort();
    far.join("+")
}

fn state(line: &crate::switch::Line) -> (String, &'static str) {
    use graceline::csta::ConnectionState::{Alerting, Hold};
    let mut far = line.far.clone();
    far.sort();
    let state = match (line.own, line.there) {
        (Hold, _) => "held",
        (Alerting, _) => "incoming",
        (_, Alerting) => "ringing",
        _ => "connected",
    };
    (far.join("+"), state)
}

/// A call in a line.
fn told(view: &CallView) -> String {
    let remote = match &view.remote {
        Party::Device(device) => device.as_str(),
        Party::Restricted => "restricted",
        _ => "unknown",
    };
    let mut line = format!("{} {} {remote}", view.id, view.state.as_str());
    if !view.parties.is_empty() {
        line.push_str(&format!(" with {}", far(view)));
    }
    line
}
