//! A switch with desk phones, as `docs/cti-link.md` has it: connections that it serves,
//! hands at its phones, and far ends outside of it.
//!
//! | file | what is there |
//! |---|---|
//! | `mod.rs` | connections, monitors, requests |
//! | `calls.rs` | what becomes of calls, whoever does it |
//! | `joining.rs` | transfers and conferences |
//! | `hands.rs` | what happens at the phones and at the far ends by itself |

mod calls;
mod hands;
mod joining;

pub use hands::Hand;

use graceline::gateway::{
    Answer, Appearance, CallState, CallView, DeviceView, LinkMessage, LinkRequest, Member, NodeId,
    RULES, Rule,
};
use graceline::rand::Random;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a switch can do.
pub const FEATURES: [&str; 15] = [
    "MakeCall",
    "AnswerCall",
    "ClearConnection",
    "HoldCall",
    "RetrieveCall",
    "ConsultationCall",
    "AlternateCall",
    "ReconnectCall",
    "TransferCall",
    "ConferenceCall",
    "SingleStepTransferCall",
    "DeflectCall",
    "GenerateDigits",
    "SetForwarding",
    "SetDoNotDisturb",
];

/// Why a service is not done: a name of CSTA's.
type Refused = &'static str;
type Done = Result<Option<String>, Refused>;

/// A connection of a gateway, which is named by a number.
pub type Peer = (usize, NodeId);

/// A desk phone at one of its lines.
#[derive(Clone, Debug, Default)]
pub struct Telephone {
    pub device: DeviceView,
    pub calls: Vec<CallView>,
}

pub struct Switch {
    pub phones: BTreeMap<Appearance, Telephone>,
    monitors: BTreeMap<Peer, BTreeSet<Appearance>>,
    /// What is to be sent.
    said: Vec<(Peer, LinkMessage)>,
    /// Views come after the answer to the request that caused them, or before it.
    pub answers_first: bool,
    /// Calls so far, and numbers outside: none is used again.
    count: u32,
    random: Random,
}

impl Switch {
    pub fn new(appearances: &[(&str, &str)], seed: [u8; 32]) -> Self {
        let phone = |(line, device): &(&str, &str)| {
            let at = Appearance {
                line: (*line).to_owned(),
                device: (*device).to_owned(),
            };
            let device = DeviceView {
                in_service: true,
                do_not_disturb: Some(false),
                message_waiting: Some(false),
                forwarding: Some(Vec::new()),
            };
            let calls = Vec::new();
            (at, Telephone { device, calls })
        };
        Self {
            phones: appearances.iter().map(phone).collect(),
            monitors: BTreeMap::new(),
            said: Vec::new(),
            answers_first: true,
            count: 0,
            random: Random::from_seed(seed),
        }
    }

    /// What it has to say since this was last asked.
    pub fn take_said(&mut self) -> Vec<(Peer, LinkMessage)> {
        std::mem::take(&mut self.said)
    }

    /// A gateway is there: it has said hello.
    pub fn connected(&mut self, peer: Peer) {
        self.monitors.insert(peer, BTreeSet::new());
        let hello = LinkMessage::Hello {
            version: 1,
            name: "Example PBX".to_owned(),
            features: FEATURES.map(str::to_owned).to_vec(),
        };
        self.said.push((peer, hello));
    }

    /// A connection has ended, and its monitors with it.
    pub fn closed(&mut self, peer: Peer) {
        self.monitors.remove(&peer);
    }

    /// Appearances that somebody monitors.
    pub fn monitored(&self) -> BTreeSet<&Appearance> {
        self.monitors.values().flatten().collect()
    }

    /// A gateway asks.
    pub fn asked(&mut self, peer: Peer, request: &LinkRequest) {
        if !self.monitors.contains_key(&peer) {
            return;
        }
        let before = self.said.len();
        let result = self.serve(peer, request).map_err(str::to_owned);
        let id = request.id;
        let answer = (peer, LinkMessage::Answer { id, result });
        match self.answers_first {
            true => self.said.insert(before, answer),
            false => self.said.push(answer),
        }
    }

    fn serve(&mut self, peer: Peer, request: &LinkRequest) -> Result<Answer, Refused> {
        if request.service == "heartbeat" {
            return Ok(Answer::default());
        }
        let at = request.at.as_ref().ok_or("valueOutOfRange")?;
        let phone = self.phones.get(at).ok_or("invalidDeviceID")?;
        let in_service = phone.device.in_service;
        match request.service {
            "monitor" => {
                let known = Answer {
                    call: None,
                    device: Some(phone.device.clone()),
                    calls: phone.calls.clone(),
                };
                let monitors = self.monitors.get_mut(&peer);
                monitors.ok_or("generic")?.insert(at.clone());
                Ok(known)
            }
            "unmonitor" => {
                let monitors = self.monitors.get_mut(&peer);
                monitors.ok_or("generic")?.remove(at);
                Ok(Answer::default())
            }
            _ if !in_service => Err("deviceOutOfService"),
            service => {
                let call = self.perform(at, service, &Members(request))?;
                Ok(Answer {
                    call,
                    ..Answer::default()
                })
            }
        }
    }

    fn perform(&mut self, at: &Appearance, service: &str, members: &Members<'_>) -> Done {
        let call = || members.text("call");
        let pair = || Ok::<_, Refused>((members.text("held")?, members.text("active")?));
        match service {
            "makeCall" => self.make(at, members.text("to")?),
            "answerCall" => self.answer(at, call()?),
            "clearConnection" => self.clear(at, call()?),
            "holdCall" => self.hold(at, call()?),
            "retrieveCall" => self.retrieve(at, call()?),
            "consultationCall" => self.consult(at, call()?, members.text("to")?),
            "alternateCall" => self.alternate(at, pair()?),
            "reconnectCall" => self.reconnect(at, pair()?),
            "transferCall" => self.transfer(at, pair()?),
            "conferenceCall" => self.confer(at, pair()?),
            "singleStepTransferCall" => self.send_on(at, call()?, members.text("to")?),
            "deflectCall" => self.deflect(at, call()?, members.text("to")?),
            "generateDigits" => {
                members.text("digits")?;
                self.view(at, call()?, &[CallState::Connected])?;
                Ok(None)
            }
            "setDoNotDisturb" => {
                let on = members.flag("on")?;
                self.change(at, |device| device.do_not_disturb = Some(on))
            }
            "setForwarding" => {
                let rule = members.rule()?;
                self.change(at, |device| {
                    let rules = device.forwarding.get_or_insert_default();
                    rules.retain(|known| known.kind != rule.kind);
                    rules.push(rule);
                })
            }
            _ => Err("serviceNotSupported"),
        }
    }

    /// A change of a phone itself.
    fn change(&mut self, at: &Appearance, how: impl FnOnce(&mut DeviceView)) -> Done {
        let phone = self.phones.get_mut(at).ok_or("invalidDeviceID")?;
        how(&mut phone.device);
        let view = phone.device.clone();
        self.tell(at, &LinkMessage::Device(at.clone(), view));
        Ok(None)
    }

    /// Tells all that monitor the appearance.
    fn tell(&mut self, at: &Appearance, message: &LinkMessage) {
        for (peer, monitors) in &self.monitors {
            if monitors.contains(at) {
                self.said.push((*peer, message.clone()));
            }
        }
    }
}

/// What a request says beyond its appearance.
struct Members<'a>(&'a LinkRequest);

impl Members<'_> {
    fn get(&self, name: &str) -> Result<&Member, Refused> {
        let mut members = self.0.members.iter();
        let found = members.find(|(known, _)| *known == name);
        found.map(|(_, value)| value).ok_or("valueOutOfRange")
    }

    fn text(&self, name: &str) -> Result<&str, Refused> {
        match self.get(name)? {
            Member::Text(text) => Ok(text),
            _ => Err("valueOutOfRange"),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.get(name)? {
            Member::Flag(flag) => Ok(*flag),
            _ => Err("valueOutOfRange"),
        }
    }

    fn rule(&self) -> Result<Rule, Refused> {
        let kind = self.text("type")?;
        let mut kinds = RULES.iter();
        let (_, kind) = kinds
            .find(|(name, _)| *name == kind)
            .ok_or("valueOutOfRange")?;
        Ok(Rule {
            kind: *kind,
            active: self.flag("active")?,
            to: self.text("to").ok().map(str::to_owned),
            seconds: None,
        })
    }
}
