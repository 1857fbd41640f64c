//! What is known of a call.

use super::Client;
use super::output::Output;
use super::verbs::{NEEDS, Need};
use crate::csta::{ConnectionId, ConnectionState, Note, Party};
use crate::prelude::*;

/// A call, as the app sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Ours: it stays, whatever the switch calls the call.
    pub id: u32,
    /// The command that made it. None: made by hand, or an incoming one.
    pub op: Option<u32>,
    /// Whether somebody called us.
    pub incoming: bool,
    /// How it stands.
    pub state: CallState,
    /// Who is at the far end.
    pub remote: Party,
    /// Its name; empty where the switch does not tell it.
    pub name: String,
    /// Of a conference, all that are known at the far end.
    pub parties: Vec<Party>,
    /// CSTA's word for why it is as it is.
    pub cause: String,
    /// Services that can be asked for now.
    pub can: Vec<&'static str>,
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// It rings here.
    Incoming,
    /// It is being made.
    Calling,
    /// It rings at the far end.
    Ringing,
    /// Connected.
    Connected,
    /// Connected, and on hold here.
    Held,
}

impl CallState {
    /// The state's name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            CallState::Incoming => "incoming",
            CallState::Calling => "calling",
            CallState::Ringing => "ringing",
            CallState::Connected => "connected",
            CallState::Held => "held",
        }
    }
}

/// Whose doing the end of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// Ours, or done by hand at the desk phone.
    Local,
    /// The far end's.
    Remote,
    /// The far end did not want it, or was busy.
    Rejected,
    /// It could not be.
    Failed,
    /// The caller gave up.
    Cancelled,
    /// Somebody else answered it.
    AnsweredElsewhere,
}

impl EndCause {
    /// The cause's name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            EndCause::Local => "local",
            EndCause::Remote => "remote",
            EndCause::Rejected => "rejected",
            EndCause::Failed => "failed",
            EndCause::Cancelled => "cancelled",
            EndCause::AnsweredElsewhere => "answeredElsewhere",
        }
    }
}

/// A call.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) id: u32,
    pub(super) op: Option<u32>,
    /// The line's part in it, as the gateway writes it. None: we have asked for
    /// the call, and do not know its name yet.
    pub(super) connection: Option<ConnectionId>,
    pub(super) incoming: bool,
    pub(super) remote: Party,
    /// What else is told of it: of this far end.
    pub(super) note: Note,
    /// The far end changed: what was called, or called, is not it any more.
    pub(super) moved: bool,
    pub(super) parties: Vec<Party>,
    /// Of our connection. None: the switch does not know.
    pub(super) local: Option<ConnectionState>,
    pub(super) rings_there: bool,
    pub(super) established: bool,
    pub(super) cause: String,
    /// It could not go on, for this cause; the switch will clear it.
    pub(super) failed: Option<String>,
    /// A command of ours is to end it, in these words.
    pub(super) leaving: Option<&'static str>,
    /// A command that is to clear it once its name is known.
    pub(super) clear: Option<u32>,
    /// Told of since the snapshot was asked for, or found in it.
    pub(super) seen: bool,
    /// What the app knows.
    pub(super) told: Option<CallView>,
}

impl Call {
    pub(super) fn is_named(&self, call: &str) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| connection.call == call)
    }

    /// Somebody more is in the conference.
    pub(super) fn joined(&mut self, party: Option<&Party>) {
        let party = party.filter(|party| party.device().is_some());
        if let Some(party) = party.filter(|party| !self.parties.contains(party)) {
            self.parties.push(party.clone());
        }
    }

    /// Somebody has left the conference. Who stays alone is the far end; others may join.
    pub(super) fn left(&mut self, party: Option<&Party>) {
        self.parties.retain(|known| Some(known) != party);
        if let [last] = self.parties.as_slice() {
            self.remote = last.clone();
            self.note.name = None;
        }
    }

    pub(super) fn is(&self, local: ConnectionState) -> bool {
        self.local == Some(local)
    }

    /// Takes over what is told of its far end.
    pub(super) fn meets(&mut self, party: Option<&Party>) {
        let is_told = matches!(party, Some(Party::Device(_) | Party::Restricted));
        if let Some(party) = party.filter(|_| is_told && !self.moved) {
            if self.remote != *party {
                self.note.name = None;
            }
            self.remote = party.clone();
        }
    }

    /// Takes over what else is told of it.
    pub(super) fn notes(&mut self, note: Option<&Note>) {
        if let Some(note) = note {
            self.note = note.clone();
        }
    }

    pub(super) fn state(&self) -> CallState {
        match self.local {
            Some(ConnectionState::Hold) => CallState::Held,
            Some(ConnectionState::Alerting) if self.incoming => CallState::Incoming,
            Some(ConnectionState::Connected) if self.incoming => CallState::Connected,
            _ if self.established => CallState::Connected,
            _ if self.rings_there => CallState::Ringing,
            _ if self.incoming => CallState::Incoming,
            _ => CallState::Calling,
        }
    }

    pub(super) fn ended(&self, cause: EndCause, reason: &str) -> Output {
        Output::Ended {
            call: self.id,
            cause,
            reason: reason.to_owned(),
        }
    }
}

impl Client {
    /// A new call; none if there are too many.
    pub(super) fn appear(&mut self, call: Call) -> Option<u32> {
        if self.calls.len() >= super::MAX_CALLS {
            return None;
        }
        self.call_count = self.call_count.wrapping_add(1);
        let id = self.call_count;
        self.calls.push(Call { id, ..call });
        Some(id)
    }

    pub(super) fn call(&self, id: u32) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    pub(super) fn call_mut(&mut self, id: u32) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    /// By the switch's name for it.
    pub(super) fn named(&self, call: &str) -> Option<u32> {
        let mut calls = self.calls.iter();
        calls.find(|known| known.is_named(call)).map(|call| call.id)
    }

    /// Ends a call. The app is told of it before, if it was not.
    pub(super) fn end(&mut self, id: u32, cause: EndCause, reason: &str) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        let call = self.calls.remove(at);
        if call.told.is_none() {
            self.outputs.push(Output::Call(self.view(&call)));
        }
        if let Some(op) = call.clear {
            self.settle(op, Ok(()));
        }
        if let (Some(taking), Some(connection)) = (&mut self.taking, &call.connection) {
            taking.is_gone(&connection.call);
        }
        self.outputs.push(call.ended(cause, reason));
    }

    pub(super) fn view(&self, call: &Call) -> CallView {
        CallView {
            id: call.id,
            op: call.op,
            incoming: call.incoming,
            state: call.state(),
            remote: call.remote.clone(),
            name: call.note.name.clone().unwrap_or_default(),
            parties: call.parties.clone(),
            cause: call.cause.clone(),
            can: self.abilities(call),
        }
    }

    fn abilities(&self, call: &Call) -> Vec<&'static str> {
        if !self.is_usable() {
            return Vec::new();
        }
        let can = |(service, need): &&(&'static str, Need)| {
            self.features().offers(service)
                && call.note.permits(service)
                && self.meets_need(call, *need)
        };
        NEEDS
            .iter()
            .filter(can)
            .map(|(service, _)| *service)
            .collect()
    }

    /// Whether the connection's state allows for it. Where the switch does not
    /// know the state, it is for the switch to say no.
    pub(super) fn meets_need(&self, call: &Call, need: Need) -> bool {
        use ConnectionState::{Alerting, Connected, Hold};
        if call.connection.is_none() {
            return need == Need::Any;
        }
        let is = |state| call.local.is_none_or(|local| local == state);
        let another = |state| {
            let mut calls = self.calls.iter();
            calls.any(|other| other.id != call.id && other.is(state))
        };
        match need {
            Need::Any => true,
            Need::Alerting => is(Alerting),
            Need::Connected => is(Connected),
            Need::Hold => is(Hold),
            Need::Pair => {
                call.is(Hold) && another(Connected) || call.is(Connected) && another(Hold)
            }
        }
    }
}
