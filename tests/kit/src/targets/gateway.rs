//! The CTI gateway: clients on one side that send anything, a switch on the other that
//! tells anything.

use super::script::{answer, fill, line, number, pause, steps};
use graceline::gateway::{
    Answer, Appearance, CallState, CallView, Config, Counters, Device, DeviceView, Gateway,
    LinkMessage, LinkRequest, NodeId, Output, Remote,
};
use graceline::sip::{Framing, Message};
use graceline::time::Instant;
use std::collections::VecDeque;

pub const SEEDS: &[&str] = &[
    // Registered, a session, its monitor, a call, a service.
    "w\x1er200 OK\x1er200 OK\r\nContact: <{contact}>;expires=60\x1ek0\x1emINVITE sip:cti@example.com SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bKa\r\nFrom: <sip:2001@example.com>;tag=a\r\nTo: <sip:cti@example.com>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b.invalid>\r\nP-Asserted-Identity: <sip:2001@example.com>\r\nContent-Type: application/csta+xml\r\n\r\n<RequestSystemStatus/>\x1ei\x1emINFO sip:cti@example.com SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bKb\r\nFrom: <sip:2001@example.com>;tag=a\r\nTo: <sip:cti@example.com>;tag={tag}\r\nCall-ID: a\r\nCSeq: 2 INFO\r\nContent-Type: application/csta+xml\r\n\r\n<MonitorStart><monitorObject><deviceObject>tel:2001</deviceObject></monitorObject></MonitorStart>\x1ec3 k1 5551\x1ec4 k1 5551\x1er200 OK\r\n\r\n\x1ev0\x1ex\x1et40000",
    "k0\x1eb\x1en\x1et100000\x1eq\x1ek0\x1et200000",
];

/// More of anything than this is growth without bound.
const MOST: usize = 2_000;

struct Run {
    gateway: Gateway,
    now: Instant,
    generation: u32,
    /// Our last tag in a dialog.
    tag: String,
    /// As it registers.
    contact: String,
    asked: VecDeque<Message>,
    connecting: VecDeque<NodeId>,
    up: VecDeque<NodeId>,
    requests: VecDeque<(NodeId, LinkRequest)>,
}

pub fn run(data: &[u8]) {
    play(data);
}

/// What it has counted.
pub fn play(data: &[u8]) -> Counters {
    let mut login = crate::account(crate::UUID);
    login.user = "cti".into();
    let mut config = Config::new(login, 2);
    let device = |name: &str| Device {
        device: name.into(),
        ..Device::default()
    };
    config.lines.insert("2001".into(), vec![device("A")]);
    let two = vec![device("B\"> ;x"), device("C")];
    config.lines.insert("2002".into(), two);
    config.max_sessions = 40;
    let mut run = Run {
        gateway: Gateway::new(config, [3; 32]).expect("good options"),
        now: crate::START,
        generation: 0,
        tag: String::new(),
        contact: String::new(),
        asked: VecDeque::new(),
        connecting: VecDeque::new(),
        up: VecDeque::new(),
        requests: VecDeque::new(),
    };
    run.gateway.start(run.now);
    run.drain();
    for step in steps(data) {
        run.step(step);
        run.drain();
    }
    // Time goes on, whatever was said.
    for _ in 0..200 {
        let Some(due) = run.gateway.poll_timeout() else {
            break;
        };
        run.now = run.now.max(due);
        run.gateway.handle_timeout(run.now);
        run.drain();
    }
    run.gateway.counters()
}

impl Run {
    fn step(&mut self, step: &[u8]) {
        let Some((kind, rest)) = step.split_at_checked(1) else {
            return;
        };
        let now = self.now;
        match kind {
            b"w" => self.gateway.handle_open(now, 0, self.generation, "sip"),
            b"q" => self.gateway.handle_close(now, 0, self.generation),
            b"m" => {
                let message = fill(rest, &[("{tag}", &self.tag)]);
                self.gateway
                    .handle_message(now, 0, self.generation, &message);
            }
            // Answers the last request of the gateway.
            b"r" => {
                if let Some(asked) = self.asked.pop_back() {
                    let answer = answer(&asked, &fill(rest, &[("{contact}", &self.contact)]));
                    self.gateway
                        .handle_message(now, 0, self.generation, &answer);
                }
            }
            b"t" => {
                self.now = self.now + pause(rest);
                self.gateway.handle_timeout(self.now);
            }
            // The switch: connects, answers, tells.
            b"k" => {
                if let Some(id) = self.connecting.pop_front() {
                    self.up.push_back(id);
                    let features = ["MakeCall", "HoldCall", "ClearConnection"];
                    let hello = LinkMessage::Hello {
                        version: 1 + number(rest).0.min(1) as u32,
                        name: String::new(),
                        features: features.map(str::to_owned).to_vec(),
                    };
                    self.gateway.handle_link(now, id, hello);
                }
            }
            b"x" => {
                if let Some(id) = self.up.pop_front() {
                    self.gateway.handle_link_closed(now, id, "closed");
                }
            }
            b"n" => {
                if let Some(id) = self.up.front() {
                    self.gateway.handle_nonsense(now, *id);
                }
            }
            b"i" | b"v" | b"b" => self.switch_answers(kind),
            b"c" | b"d" => self.switch_tells(kind == b"c", rest),
            _ => {}
        }
    }

    fn switch_answers(&mut self, kind: &[u8]) {
        let Some((id, request)) = self.requests.pop_front() else {
            return;
        };
        let device = DeviceView {
            in_service: kind == b"i",
            ..DeviceView::default()
        };
        let result = match kind {
            b"b" => Err("\r\n<bad>".to_owned()),
            _ => Ok(Answer {
                call: Some("k1".into()),
                device: Some(device),
                calls: Vec::new(),
            }),
        };
        let id_of = request.id;
        let message = LinkMessage::Answer { id: id_of, result };
        self.gateway.handle_link(self.now, id, message);
    }

    /// `3 k1 5551 more`: the state by its number, id, far end, and calls it came of.
    fn switch_tells(&mut self, call: bool, text: &[u8]) {
        let Some(id) = self.up.front().copied() else {
            return;
        };
        let text = String::from_utf8_lossy(text);
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let word = |at: usize| words.get(at).cloned().unwrap_or_default();
        let state = number(word(0).as_bytes()).0 as usize % CallState::NAMES.len();
        let at = Appearance {
            line: "2001".into(),
            device: "A".into(),
        };
        let message = match call {
            true => LinkMessage::Call(
                at,
                CallView {
                    id: word(1),
                    state: CallState::NAMES[state].1,
                    incoming: word(1).len().is_multiple_of(2),
                    remote: Remote::Number(word(2)),
                    parties: words.iter().skip(4).cloned().collect(),
                    cause: words.get(3).cloned(),
                    from: words.iter().skip(3).cloned().collect(),
                    by_local: state.is_multiple_of(2),
                    to: words.get(5).cloned(),
                    elsewhere: words.get(6).cloned(),
                    name: words.get(7).cloned(),
                    can: words.get(8).map(|word| vec![word.clone()]),
                },
            ),
            false => LinkMessage::Device(
                at,
                DeviceView {
                    in_service: state > 1,
                    do_not_disturb: Some(state > 2),
                    ..DeviceView::default()
                },
            ),
        };
        self.gateway.handle_link(self.now, id, message);
    }

    fn drain(&mut self) {
        for count in 0.. {
            assert!(count < MOST, "an input leads to no end of outputs");
            let Some(output) = self.gateway.poll_output() else {
                return;
            };
            match output {
                Output::Open { generation, .. } => self.generation = generation,
                Output::Send { data, .. } => self.said(&data),
                Output::Connect(id) => self.connecting.push_back(id),
                Output::Disconnect(id) => self.up.retain(|up| *up != id),
                Output::Link(id, request) => {
                    self.requests.push_back((id, request));
                    assert!(self.requests.len() < MOST, "requests without end");
                }
                Output::Log { message, .. } | Output::Trace { message, .. } => {
                    assert!(!message.contains("secret"), "{message}");
                }
                _ => {}
            }
        }
    }

    /// What it says is SIP, and nothing of what was told breaks out of its place.
    fn said(&mut self, data: &[u8]) {
        if graceline::sip::keepalive(data).is_some() {
            return;
        }
        let Ok(message) = Message::parse(data, Framing::Frame) else {
            return assert!(line(data).0.len() > 1_000, "{}", data.escape_ascii());
        };
        if let Some(tag) = message.to_tag().filter(|_| !message.is_request()) {
            self.tag = tag.to_owned();
        }
        if message.method() == "REGISTER"
            && let Some(contact) = message.contacts().list.last()
        {
            self.contact = contact.uri.to_owned();
        }
        if message.is_request() && message.method() != "ACK" {
            self.asked.push_back(message);
        }
    }
}
