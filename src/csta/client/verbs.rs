//! What the app asks for.

use super::Client;
use super::call::Call;
use super::desk::Forwarding;
use super::output::Fault;
use super::pending::{Job, Setting};
use crate::csta::{Code, ConnectionId, ConnectionState, Party, Request};
use crate::prelude::*;
use crate::text::{concat, cut};
use crate::time::Instant;

/// A command. Calls go by the numbers that they were told with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Has the desk phone call; a connected call is put on hold first, by
    /// ConsultationCall where that is on offer: some switches transfer to no other.
    Make {
        /// Number or URI.
        to: String,
    },
    /// Takes a call that rings.
    Answer(u32),
    /// Hangs up, refuses, or gives up.
    Clear(u32),
    /// Puts on hold.
    Hold(u32),
    /// Takes off hold.
    Retrieve(u32),
    /// Puts on hold and calls somebody else, who may be transferred to.
    Consult {
        /// The connected call.
        call: u32,
        /// Number or URI.
        to: String,
    },
    /// The one on hold goes on, the other is put on hold.
    Alternate(u32, u32),
    /// The one on hold goes on, the other ends.
    Reconnect(u32, u32),
    /// Joins the far ends and leaves.
    Transfer(u32, u32),
    /// Sends the far end elsewhere.
    SingleStepTransfer {
        /// The connected call.
        call: u32,
        /// Number or URI.
        to: String,
    },
    /// Makes one call of two; the first goes on, the second ends.
    Conference(u32, u32),
    /// Sends a call that rings elsewhere.
    Deflect {
        /// The call.
        call: u32,
        /// Number or URI.
        to: String,
    },
    /// Sends tones.
    Digits {
        /// The connected call.
        call: u32,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digits: String,
    },
    /// Sets a rule of forwarding.
    Forward(Forwarding),
    /// Rings for nobody, or again.
    DoNotDisturb(bool),
    /// Asks whether messages wait.
    MessageWaiting,
}

/// What a command is to change beyond its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// Puts a call on hold, so that this one may be made.
    Room {
        call: u32,
        to: String,
    },
    Made(u32),
    Consulted(u32),
    /// A call is to be ended that went by this name.
    Cleared {
        call: u32,
        name: String,
    },
    /// One or twocalls are to leave us.
    Left(u32, Option<u32>),
    Conferenced {
        keep: u32,
        joins: u32,
    },
    Forwarding(Forwarding),
    DoNotDisturb(bool),
    MessageWaiting,
}

impl Wanted {
    /// What it sets at the phone, or finds out.
    pub(super) fn sets(&self) -> Option<Setting> {
        match self {
            Wanted::Forwarding(_) => Some(Setting::Forwarding),
            Wanted::DoNotDisturb(_) => Some(Setting::DoNotDisturb),
            Wanted::MessageWaiting => Some(Setting::MessageWaiting),
            _ => None,
        }
    }
}

/// What the state of our connection must be for a service (ECMA-269 §17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Any,
    Alerting,
    Connected,
    Hold,
    /// One call on hold, another connected.
    Pair,
}

/// Services for a call, and what they need.
pub(super) const NEEDS: [(&str, Need); 12] = [
    ("AnswerCall", Need::Alerting),
    ("DeflectCall", Need::Alerting),
    ("ClearConnection", Need::Any),
    ("HoldCall", Need::Connected),
    ("RetrieveCall", Need::Hold),
    ("ConsultationCall", Need::Connected),
    ("SingleStepTransferCall", Need::Connected),
    ("GenerateDigits", Need::Connected),
    ("AlternateCall", Need::Pair),
    ("ReconnectCall", Need::Pair),
    ("TransferCall", Need::Pair),
    ("ConferenceCall", Need::Pair),
];

impl Client {
    /// Does a command, of which `op` is the host's number; its outcome is told
    /// once.
    pub fn handle_command(&mut self, now: Instant, op: u32, verb: Verb) {
        if let Err(fault) = self.command(now, op, verb) {
            self.settle(op, Err(fault));
        }
        self.publish();
    }

    fn command(&mut self, now: Instant, op: u32, verb: Verb) -> Result<(), Fault> {
        if !self.is_usable() {
            let why = "the desk phone is out of service, or the way to it";
            return Err(Fault::new(Code::OutOfService, why));
        }
        match verb {
            Verb::Make { to } => self.make(now, op, &to),
            Verb::Consult { call, to } => self.consult(now, op, call, &to),
            Verb::Clear(call) => self.clear(now, op, call),
            Verb::Answer(id) => {
                let call = self.connection(id)?;
                self.do_one(now, op, id, Request::AnswerCall { call }, Wanted::Nothing)
            }
            Verb::Hold(id) => {
                let call = self.connection(id)?;
                self.do_one(now, op, id, Request::HoldCall { call }, Wanted::Nothing)
            }
            Verb::Retrieve(id) => {
                let call = self.connection(id)?;
                self.do_one(now, op, id, Request::RetrieveCall { call }, Wanted::Nothing)
            }
            Verb::Digits { call: id, digits } => {
                let request = Request::GenerateDigits {
                    call: self.connection(id)?,
                    mode: Some("dTMF".to_owned()),
                    digits: told(&digits)?,
                };
                self.do_one(now, op, id, request, Wanted::Nothing)
            }
            Verb::SingleStepTransfer { call: id, to } => {
                let request = Request::SingleStepTransferCall {
                    active: self.connection(id)?,
                    to: dialled(&to)?,
                };
                self.do_one(now, op, id, request, Wanted::Left(id, None))?;
                self.leaves(id, "transferred");
                Ok(())
            }
            Verb::Deflect { call: id, to } => {
                let request = Request::DeflectCall {
                    call: self.connection(id)?,
                    to: dialled(&to)?,
                };
                self.do_one(now, op, id, request, Wanted::Left(id, None))?;
                self.leaves(id, "deflected");
                Ok(())
            }
            Verb::Alternate(one, other) => {
                let (held, active) = self.pair(one, other)?;
                let request = Request::AlternateCall { held, active };
                self.do_one(now, op, one, request, Wanted::Nothing)
            }
            Verb::Reconnect(one, other) => {
                let (held, active) = self.pair(one, other)?;
                let request = Request::ReconnectCall { active, held };
                self.do_one(now, op, one, request, Wanted::Nothing)
            }
            Verb::Transfer(one, other) => {
                let (held, active) = self.pair(one, other)?;
                let request = Request::TransferCall { held, active };
                self.do_one(now, op, one, request, Wanted::Left(one, Some(other)))?;
                self.leaves(one, "transferred");
                self.leaves(other, "transferred");
                Ok(())
            }
            Verb::Conference(keep, joins) => {
                let (held, active) = self.pair(keep, joins)?;
                let request = Request::ConferenceCall { held, active };
                self.do_one(now, op, keep, request, Wanted::Conferenced { keep, joins })
            }
            Verb::Forward(rule) => {
                let to = rule.to.as_deref().map(dialled).transpose()?;
                let request = Request::SetForwarding {
                    device: self.line.clone(),
                    kind: Some(rule.kind.as_str().to_owned()),
                    active: rule.active,
                    to,
                    rings: None,
                    seconds: rule.seconds,
                };
                self.do_for_device(now, op, request, Wanted::Forwarding(rule))
            }
            Verb::DoNotDisturb(on) => {
                let device = self.line.clone();
                let request = Request::SetDoNotDisturb { device, on };
                self.do_for_device(now, op, request, Wanted::DoNotDisturb(on))
            }
            Verb::MessageWaiting => {
                let device = self.line.clone();
                let request = Request::GetMessageWaitingIndicator { device };
                self.do_for_device(now, op, request, Wanted::MessageWaiting)
            }
        }
    }

    fn known(&self, id: u32) -> Result<&Call, Fault> {
        self.call(id)
            .ok_or_else(|| Fault::new(Code::InvalidState, "there is no such call"))
    }

    fn connection(&self, id: u32) -> Result<ConnectionId, Fault> {
        let connection = self.known(id)?.connection.clone();
        connection.ok_or_else(|| Fault::new(Code::InvalidState, "the call is being made yet"))
    }

    /// Of two calls, the one on hold and the other one.
    fn pair(&self, one: u32, other: u32) -> Result<(ConnectionId, ConnectionId), Fault> {
        let (first, second) = (self.known(one)?, self.known(other)?);
        let pair = (self.connection(one)?, self.connection(other)?);
        if first.is(ConnectionState::Hold) && second.is(ConnectionState::Connected) {
            Ok(pair)
        } else if first.is(ConnectionState::Connected) && second.is(ConnectionState::Hold) {
            Ok((pair.1, pair.0))
        } else {
            let why = "one of the calls must be on hold and the other connected";
            Err(Fault::new(Code::InvalidState, why))
        }
    }

    fn offered(&self, service: &str) -> Result<(), Fault> {
        if self.features().offers(service) {
            Ok(())
        } else {
            Err(Fault::new(Code::NotSupported, service))
        }
    }

    /// The call, if the service can be asked for in it.
    fn permitted(&self, id: u32, service: &str) -> Result<&Call, Fault> {
        let call = self.known(id)?;
        match call.note.permits(service) {
            true => Ok(call),
            false => Err(Fault::new(Code::NotSupported, service)),
        }
    }

    /// Asks for a service for a call, if that is offered and can be now.
    fn do_one(
        &mut self,
        now: Instant,
        op: u32,
        id: u32,
        request: Request,
        wanted: Wanted,
    ) -> Result<(), Fault> {
        self.offered(request.name())?;
        let mut needs = NEEDS.iter();
        let need = needs.find(|(service, _)| *service == request.name());
        let call = self.permitted(id, request.name())?;
        if !need.is_none_or(|(_, need)| self.meets_need(call, *need)) {
            let why = concat(&["not in this state of the call: ", request.name()]);
            return Err(Fault::new(Code::InvalidState, &why));
        }
        self.ask(now, request, Job::Command(op, wanted));
        Ok(())
    }

    fn do_for_device(
        &mut self,
        now: Instant,
        op: u32,
        request: Request,
        wanted: Wanted,
    ) -> Result<(), Fault> {
        self.offered(request.name())?;
        self.ask(now, request, Job::Command(op, wanted));
        Ok(())
    }

    fn leaves(&mut self, id: u32, how: &'static str) {
        if let Some(call) = self.call_mut(id) {
            call.leaving = Some(how);
        }
    }

    fn make(&mut self, now: Instant, op: u32, to: &str) -> Result<(), Fault> {
        self.offered("MakeCall")?;
        let to = dialled(to)?;
        let mut calls = self.calls.iter();
        let active = calls.find(|call| call.is(ConnectionState::Connected));
        let active = active.and_then(|call| call.connection.clone());
        let id = self.begins(op, &to)?;
        let consults = self.consults && self.offered("ConsultationCall").is_ok();
        match active.filter(|_| consults || self.features().offers("HoldCall")) {
            Some(call) if consults => {
                let job = Job::Command(op, Wanted::Consulted(id));
                self.ask(now, Request::ConsultationCall { call, to }, job);
            }
            Some(call) => {
                let job = Job::Command(op, Wanted::Room { call: id, to });
                self.ask(now, Request::HoldCall { call }, job);
            }
            None => self.make_now(now, op, id, to),
        }
        Ok(())
    }

    pub(super) fn make_now(&mut self, now: Instant, op: u32, id: u32, to: String) {
        let request = Request::MakeCall {
            from: self.line.clone(),
            to,
            originate: Some("doNotPrompt".to_owned()),
        };
        self.ask(now, request, Job::Command(op, Wanted::Made(id)));
    }

    fn consult(&mut self, now: Instant, op: u32, id: u32, to: &str) -> Result<(), Fault> {
        let to = dialled(to)?;
        let call = self.connection(id)?;
        // So that nothing appears where it is refused at once.
        self.offered("ConsultationCall")?;
        if !self.meets_need(self.known(id)?, Need::Connected) {
            let why = "the call must be connected";
            return Err(Fault::new(Code::InvalidState, why));
        }
        let new = self.begins(op, &to)?;
        let request = Request::ConsultationCall { call, to };
        self.do_one(now, op, id, request, Wanted::Consulted(new))
    }

    /// A call of ours, before the switch has a name for it.
    fn begins(&mut self, op: u32, to: &str) -> Result<u32, Fault> {
        let call = Call {
            op: Some(op),
            remote: Party::Device(to.to_owned()),
            local: Some(ConnectionState::Initiated),
            cause: "makeCall".to_owned(),
            ..Call::default()
        };
        let id = self.appear(call);
        let id = id.ok_or_else(|| Fault::new(Code::InvalidState, "there are too many calls"))?;
        // Told before anything that comes of it.
        self.publish();
        Ok(id)
    }

    fn clear(&mut self, now: Instant, op: u32, id: u32) -> Result<(), Fault> {
        self.offered("ClearConnection")?;
        let call = self.permitted(id, "ClearConnection")?;
        if call.clear.is_some() {
            return Err(Fault::new(Code::InvalidState, "the call is being ended"));
        }
        match call.connection.clone() {
            Some(connection) => self.clear_now(now, op, id, connection),
            None => {
                if let Some(call) = self.call_mut(id) {
                    call.clear = Some(op);
                }
            }
        }
        self.leaves(id, "hung up");
        Ok(())
    }

    pub(super) fn clear_now(&mut self, now: Instant, op: u32, id: u32, call: ConnectionId) {
        let name = call.call.clone();
        let job = Job::Command(op, Wanted::Cleared { call: id, name });
        self.ask(now, Request::ClearConnection { call }, job);
    }
}

/// What is said must be something.
fn told(text: &str) -> Result<String, Fault> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Fault::new(Code::InvalidArgument, "nothing to dial"));
    }
    Ok(text.to_owned())
}

/// A number or URI as devices are written: `tel:` for bare numbers, without
/// what dresses them.
fn dialled(to: &str) -> Result<String, Fault> {
    let to = told(to)?;
    if cut(&to, b':').is_some() {
        return Ok(to);
    }
    if cut(&to, b'@').is_some() {
        return Ok(concat(&["sip:", &to]));
    }
    let is_dress = |letter: &char| matches!(letter, ' ' | '(' | ')' | '-' | '.' | '/');
    let number: String = to.chars().filter(|letter| !is_dress(letter)).collect();
    Ok(concat(&["tel:", &told(&number)?]))
}
