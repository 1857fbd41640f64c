//! Events of calls.

use super::Client;
use super::call::{Call, EndCause};
use crate::csta::device::is_number;
use crate::csta::{
    CallEvent, CallEventKind as Kind, ConnectionId, ConnectionState as State, Party,
    other_appearance, same_number,
};
use crate::prelude::*;

/// Causes that are the far end's will, or its being busy.
const REJECTIONS: [&str; 6] = [
    "busy",
    "callRejected",
    "callNotAnswered",
    "doNotDisturb",
    "blocked",
    "normalClearing",
];

impl Client {
    pub(super) fn call_event(&mut self, event: CallEvent) {
        if self.overtakes(&event) {
            return self.overtaking.push(event);
        }
        // A phone at which calls begin is there.
        let begins = matches!(
            event.kind,
            Kind::ServiceInitiated | Kind::Originated | Kind::Delivered
        );
        if begins && self.system_up && self.desk.state == super::DeskState::OutOfService {
            self.in_service();
        }
        match event.kind {
            Kind::Transfered => self.transferred(event),
            Kind::Conferenced => self.conferenced(event),
            _ => match self.meant(&event) {
                Some(id) => self.update(id, &event),
                None if begins || self.taking.is_none() => self.discover(&event),
                None => self.defer(event),
            },
        }
    }

    /// An event of a call that is not known, while a snapshot is taken: that may
    /// know it, and may list a call which is over by now.
    pub(super) fn defer(&mut self, event: CallEvent) {
        let is_renamed = matches!(event.kind, Kind::Transfered | Kind::Conferenced);
        let is_over = self.local_after(&Call::default(), &event) == Some(State::Null);
        let Some(taking) = &mut self.taking else {
            return;
        };
        if let Some(named) = event.connection.as_ref().filter(|_| is_over && !is_renamed) {
            taking.is_gone(&named.call);
            taking.later.retain(|earlier| !earlier.is_of(&named.call));
        }
        if taking.later.len() < super::MAX_EARLY {
            taking.later.push(event);
        }
    }

    /// Is it of a call that we may be making, whose name its answer will tell?
    fn overtakes(&self, event: &CallEvent) -> bool {
        let Some(connection) = &event.connection else {
            return false;
        };
        let is_from_here = matches!(event.kind, Kind::ServiceInitiated | Kind::Originated)
            || self.says_own(event.calling.as_ref()) && event.local != Some(State::Alerting);
        self.is_making()
            && self.overtaking.len() < super::MAX_EARLY
            && self.named(&connection.call).is_none()
            // What follows may be of the call that waits, under this name or another.
            && (is_from_here || !self.overtaking.is_empty() && event.kind != Kind::Delivered)
    }

    /// Which call an event is about: by the switch's name for it; where that is
    /// not told, the only one.
    fn meant(&self, event: &CallEvent) -> Option<u32> {
        let connection = event.connection.as_ref()?;
        if !connection.call.is_empty() {
            return self.named(&connection.call);
        }
        match self.calls.as_slice() {
            [only] => Some(only.id),
            _ => None,
        }
    }

    pub(super) fn says_own(&self, party: Option<&Party>) -> bool {
        let device = party.and_then(Party::device);
        device.is_some_and(|device| self.is_own(device))
    }

    fn update(&mut self, id: u32, event: &CallEvent) {
        let Some(call) = self.call(id) else { return };
        let local = self.local_after(call, event);
        let own = self.own_connection(event);
        let by_own = self.says_own(event.by.as_ref());
        let ending = (local == Some(State::Null)).then(|| self.ending(call, event));
        let Some(call) = self.call_mut(id) else {
            return;
        };
        call.seen = true;
        call.cause.clone_from(&event.cause);
        call.local = local;
        call.connection = own.or(call.connection.take());
        match event.kind {
            Kind::Delivered if local == Some(State::Alerting) => {
                // A transfer that failed comes back.
                call.incoming = true;
                call.established = false;
            }
            Kind::Delivered | Kind::NetworkReached => call.rings_there = true,
            Kind::Established => {
                call.established = true;
                call.rings_there = false;
                if !call.parties.is_empty() && !by_own {
                    call.joined(event.by.as_ref());
                }
            }
            Kind::Failed => call.failed = Some(event.cause.clone()),
            // Somebody left a conference.
            Kind::ConnectionCleared => call.left(event.by.as_ref()),
            _ => {}
        }
        call.meets(far_end(event, call.incoming));
        call.notes(event.note.as_deref());
        if let Some((cause, reason)) = ending {
            self.end(id, cause, &reason);
        }
    }

    /// A call that nobody has told of: made by hand, incoming, or back.
    fn discover(&mut self, event: &CallEvent) {
        use Kind::{
            Delivered, Established, Held, NetworkReached, Originated, Retrieved, ServiceInitiated,
        };
        let begins = matches!(
            event.kind,
            ServiceInitiated
                | Originated
                | Delivered
                | Established
                | Held
                | Retrieved
                | NetworkReached
        );
        let Some(named) = event
            .connection
            .as_ref()
            .filter(|named| !named.call.is_empty())
        else {
            return;
        };
        let local = self.local_after(&Call::default(), event);
        let is_here = !matches!(local, None | Some(State::Null | State::Fail));
        if !begins || !is_here || self.is_foreign(event) {
            return;
        }
        let incoming = match event.calling.as_ref().and_then(Party::device) {
            _ if matches!(event.kind, ServiceInitiated | Originated) => false,
            Some(calling) => !same_number(&self.own, calling),
            None => local == Some(State::Alerting),
        };
        let connection = if is_number(&named.device) && self.own_connection(event).is_none() {
            ConnectionId::new(&named.call, &self.line)
        } else {
            named.clone()
        };
        if let Some(taking) = &mut self.taking {
            taking.is_back(&connection.call);
        }
        let mut call = Call {
            connection: Some(connection),
            incoming,
            local,
            rings_there: matches!(event.kind, Delivered | NetworkReached) && !incoming,
            established: matches!(event.kind, Established | Held | Retrieved),
            cause: event.cause.clone(),
            seen: true,
            ..Call::default()
        };
        call.meets(far_end(event, incoming));
        call.notes(event.note.as_deref());
        self.appear(call);
    }

    /// Our connection, if it is what the event names. Of an outgoing call that
    /// rings the standard has the far device's there, and some phones their own.
    fn own_connection(&self, event: &CallEvent) -> Option<ConnectionId> {
        let named = event.connection.as_ref();
        let named = named.filter(|named| !named.call.is_empty())?;
        let begins = matches!(event.kind, Kind::ServiceInitiated | Kind::Originated);
        (begins || self.is_own(&named.device)).then(|| named.clone())
    }

    /// Does it name numbers, and none of them ours?
    fn is_foreign(&self, event: &CallEvent) -> bool {
        let device =
            |party: &Option<Party>| party.as_ref().and_then(Party::device).map(str::to_owned);
        let connection = event.connection.as_ref().map(|named| named.device.clone());
        let told = [
            connection.filter(|device| !device.is_empty()),
            device(&event.by),
            device(&event.calling),
            device(&event.called),
        ];
        let mut told = told.iter().flatten().peekable();
        told.peek().is_some()
            && told.all(|device| is_number(device) && !same_number(&self.own, device))
    }

    /// How our connection stands after an event: as it says, else as follows from
    /// what happened to whom.
    fn local_after(&self, call: &Call, event: &CallEvent) -> Option<State> {
        let by = event.by.as_ref().and_then(Party::device);
        if event.kind == Kind::Established
            && by.is_some_and(|by| same_number(&self.own, by) && other_appearance(&self.own, by))
        {
            // Another device of our line has it.
            return Some(State::Null);
        }
        if event.local.is_some() {
            return event.local;
        }
        let device = event.connection.as_ref().map_or("", |named| &named.device);
        let names_own = device.is_empty() || self.is_own(device) || call.names(device);
        let from_here = self.says_own(event.calling.as_ref());
        let by_own = by.map_or(names_own, |by| self.is_own(by));
        match event.kind {
            Kind::ServiceInitiated => Some(State::Initiated),
            Kind::Originated | Kind::NetworkReached | Kind::Established => Some(State::Connected),
            Kind::Delivered if from_here => Some(State::Connected),
            Kind::Delivered if by_own => Some(State::Alerting),
            Kind::Held if by_own => Some(State::Hold),
            Kind::Retrieved if by_own => Some(State::Connected),
            Kind::CallCleared => Some(State::Null),
            Kind::ConnectionCleared | Kind::Diverted if names_own => Some(State::Null),
            Kind::Failed if names_own => Some(State::Fail),
            _ => call.local,
        }
    }

    /// Whose doing it is that a call ends, and the word for it.
    fn ending(&self, call: &Call, event: &CallEvent) -> (EndCause, String) {
        if let Some(leaving) = call.leaving {
            return (EndCause::Local, leaving.to_owned());
        }
        let cause = call.failed.as_ref().unwrap_or(&event.cause);
        let is = |word: &str| cause.eq_ignore_ascii_case(word);
        let rang = call.is(State::Alerting) && call.incoming;
        let by_own = self.says_own(event.by.as_ref());
        let whose = match event.kind {
            _ if rang && (is("callPickup") || event.kind == Kind::Established) => {
                EndCause::AnsweredElsewhere
            }
            Kind::Diverted if by_own && is("redirected") => EndCause::Local,
            Kind::ConnectionCleared if by_own && call.failed.is_none() => EndCause::Local,
            _ if call.established => EndCause::Remote,
            _ if call.incoming => EndCause::Cancelled,
            _ if REJECTIONS.iter().any(|word| is(word)) => EndCause::Rejected,
            _ => EndCause::Failed,
        };
        (whose, cause.clone())
    }
}

impl CallEvent {
    /// Of a call of this name, and no other.
    fn is_of(&self, call: &str) -> bool {
        let named = self.connection.as_ref();
        self.secondary.is_none() && named.is_some_and(|named| named.call == call)
    }
}

impl Call {
    fn names(&self, device: &str) -> bool {
        let mut connection = self.connection.iter();
        connection.any(|own| own.device == device)
    }
}

/// Who is at the far end, by what an event tells.
fn far_end(event: &CallEvent, incoming: bool) -> Option<&Party> {
    if incoming {
        return event.calling.as_ref();
    }
    match event.kind {
        Kind::Diverted => event.to.as_ref(),
        Kind::Delivered | Kind::Established => event.called.as_ref().or(event.by.as_ref()),
        _ => event.called.as_ref(),
    }
}
