//! What has happened, out of how things were and are: the switch tells views, clients
//! hear events (ECMA-269, ECMA-323).

use super::link::{CallState, CallView, DeviceView, Remote, Rule};
use crate::csta::{
    CallEvent, CallEventKind as Kind, ConnectionId, ConnectionList, ConnectionListItem,
    ConnectionState, DeviceEvent, Event, Note, Party,
};
use crate::prelude::*;
use crate::text::concat;

/// The identifier of a number that may have been dialled: a `tel:` URI where it is one.
pub fn device_of(number: &str) -> String {
    let is_digit = |byte: u8| byte.is_ascii_digit() || b"+*#".contains(&byte);
    if number.bytes().all(is_digit) {
        concat(&["tel:", number])
    } else {
        number.to_owned()
    }
}

fn party(number: &str) -> Party {
    Party::Device(device_of(number))
}

/// The far end, as events show it.
pub fn far_end(remote: &Remote) -> Party {
    match remote {
        Remote::NotKnown => Party::NotKnown,
        Remote::Restricted => Party::Restricted,
        Remote::Number(number) => party(number),
    }
}

/// What the standard has no place for.
pub fn note(view: &CallView) -> Option<Box<Note>> {
    let services = view.can.as_ref().map(|can| {
        // What the gateway does by itself it does with all of them.
        let mut services = String::from("SnapshotCall");
        for service in can {
            services.push(' ');
            services.push_str(service);
        }
        services
    });
    let note = Note {
        name: view.name.clone(),
        services,
    };
    (note != Note::default()).then(|| Box::new(note))
}

/// Events of a call at the device `own`.
pub fn of_call(own: &str, before: Option<&CallView>, view: &CallView) -> Vec<CallEvent> {
    Story {
        own,
        view,
        events: Vec::new(),
    }
    .told(before)
}

struct Story<'a> {
    own: &'a str,
    view: &'a CallView,
    events: Vec<CallEvent>,
}

impl Story<'_> {
    fn told(mut self, before: Option<&CallView>) -> Vec<CallEvent> {
        use CallState::{Alerting, Connected, Dialling, Ended, Failed, Held, Initiated, Ringing};
        let view = self.view;
        if self.changes_calls(before) {
            // A transfer may lead to a phone that still rings.
            if view.state == Alerting {
                self.add(Kind::Delivered);
            }
            return self.events;
        }
        self.parties_come_and_go(before);
        let state = before.map(|before| before.state);
        let same = state == Some(view.state);
        let elsewhere = before.is_some_and(|before| before.remote != view.remote);
        match view.state {
            _ if same && !elsewhere => {}
            Initiated => self.add(Kind::ServiceInitiated),
            Dialling => self.dials(state),
            Ringing => self.add(Kind::Delivered),
            Alerting => {
                if matches!(state, None | Some(Initiated)) {
                    self.dials(state);
                }
                self.add(Kind::Delivered);
            }
            Connected if state == Some(Held) => self.add(Kind::Retrieved),
            Connected | Held => {
                if !matches!(state, Some(Connected | Held)) {
                    self.begins(state);
                    self.add(Kind::Established);
                }
                if view.state == Held && !same {
                    self.add(Kind::Held);
                }
            }
            Failed => {
                self.begins(state);
                self.add(Kind::Failed);
            }
            Ended => self.ends(),
        }
        self.events
    }

    /// What must have been before it was established.
    fn begins(&mut self, state: Option<CallState>) {
        match state {
            None if self.view.incoming => {
                let mut rang = self.event(Kind::Delivered);
                rang.local = Some(ConnectionState::Alerting);
                self.events.push(rang);
            }
            None | Some(CallState::Initiated) if !self.view.incoming => self.dials(state),
            _ => {}
        }
    }

    fn dials(&mut self, state: Option<CallState>) {
        if state.is_none() {
            let mut lifted = self.event(Kind::ServiceInitiated);
            lifted.local = Some(ConnectionState::Initiated);
            self.events.push(lifted);
        }
        let mut dialled = self.event(Kind::Originated);
        dialled.local = Some(ConnectionState::Connected);
        self.events.push(dialled);
    }

    fn ends(&mut self) {
        let view = self.view;
        let mut event = match (&view.to, &view.elsewhere) {
            (Some(to), _) => {
                let mut event = self.event(Kind::Diverted);
                event.to = Some(party(to));
                event.by = self.own_party();
                // A phone that nobody touched did not send the call away.
                if !view.by_local && event.cause == "redirected" {
                    event.by = Some(Party::NotKnown);
                }
                event
            }
            (None, Some(device)) => {
                let mut event = self.event(Kind::Established);
                let number = cut_device(self.own);
                let answering = concat(&[number, ";device=", device]);
                event.connection = Some(ConnectionId::new(&view.id, &answering));
                event.by = Some(Party::Device(answering));
                event
            }
            (None, None) => {
                let mut event = self.event(Kind::ConnectionCleared);
                event.by = if view.by_local {
                    self.own_party()
                } else {
                    Some(far_end(&view.remote))
                };
                event
            }
        };
        event.local = Some(ConnectionState::Null);
        self.events.push(event);
    }

    /// Transfers and conferences, in which calls change names or far ends.
    fn changes_calls(&mut self, before: Option<&CallView>) -> bool {
        let view = self.view;
        let cause = view.cause.as_deref().unwrap_or_default();
        let is_transfer = cause.eq_ignore_ascii_case("transfer")
            || cause.eq_ignore_ascii_case("singleStepTransfer");
        let first = view.from.first().unwrap_or(&view.id);
        let old = |id: &str| Some(ConnectionId::new(id, self.own));
        // Under a new name the second old call stands in the list; else it is this one.
        let second = view.from.get(1).or((first != &view.id).then_some(&view.id));
        if view.state == CallState::Ended {
            if !is_transfer {
                return false;
            }
            let mut event = self.event(Kind::Transfered);
            event.connection = old(first);
            event.secondary = second.and_then(|second| old(second));
            event.by = self.own_party();
            event.to = view.to.as_deref().map(party);
            self.events.push(event);
            return true;
        }
        let parties_before = before.map_or(0, |before| before.parties.len());
        let is_conference = view.parties.len() > 1 && parties_before < 2;
        let far_changed = before.is_some_and(|before| before.remote != view.remote);
        if is_conference && (before.is_some() || !view.from.is_empty()) {
            let mut event = self.event(Kind::Conferenced);
            event.connection = old(first);
            event.secondary = second.and_then(|second| old(second));
            event.to = self.added(before);
            event.connections = Some(self.list());
            self.events.push(event);
            return true;
        }
        let talks = matches!(view.state, CallState::Connected | CallState::Held);
        if view.parties.len() < 2
            && parties_before < 2
            && (!view.from.is_empty() || far_changed && (is_transfer || talks))
        {
            let mut event = self.event(Kind::Transfered);
            event.connection = old(first);
            event.by = before.map(|before| far_end(&before.remote));
            event.to = Some(far_end(&view.remote));
            event.connections = Some(self.list());
            self.events.push(event);
            return true;
        }
        false
    }

    fn added(&self, before: Option<&CallView>) -> Option<Party> {
        let known = |number: &&String| {
            before.is_some_and(|before| {
                before.parties.contains(number)
                    || before.remote == Remote::Number((*number).clone())
            })
        };
        let mut new = self.view.parties.iter().filter(|number| !known(number));
        new.next().map(|number| party(number))
    }

    /// Of a conference that goes on.
    fn parties_come_and_go(&mut self, before: Option<&CallView>) {
        let Some(before) = before.filter(|before| before.parties.len() > 1) else {
            return;
        };
        let view = self.view;
        if view.state == CallState::Ended {
            return;
        }
        let only = match &view.remote {
            Remote::Number(number) => core::slice::from_ref(number),
            _ => &[],
        };
        let now = if view.parties.len() > 1 {
            &view.parties
        } else {
            only
        };
        for left in before.parties.iter().filter(|one| !now.contains(one)) {
            let mut event = self.event(Kind::ConnectionCleared);
            event.connection = Some(ConnectionId::new(&view.id, &device_of(left)));
            event.by = Some(party(left));
            self.events.push(event);
        }
        for come in now.iter().filter(|one| !before.parties.contains(one)) {
            let mut event = self.event(Kind::Established);
            event.connection = Some(ConnectionId::new(&view.id, &device_of(come)));
            event.by = Some(party(come));
            self.events.push(event);
        }
    }

    /// All connections of the call as it is now.
    fn list(&self) -> ConnectionList {
        let item = |device: &str, endpoint| ConnectionListItem {
            new: Some(ConnectionId::new(&self.view.id, device)),
            old: None,
            endpoint: Some(endpoint),
        };
        let mut items = vec![item(self.own, Party::Device(self.own.to_owned()))];
        let view = self.view;
        match &view.remote {
            _ if view.parties.len() > 1 => {
                for number in &view.parties {
                    items.push(item(&device_of(number), party(number)));
                }
            }
            Remote::Number(number) => items.push(item(&device_of(number), party(number))),
            remote => items.push(item("", far_end(remote))),
        }
        ConnectionList { items }
    }

    fn own_party(&self) -> Option<Party> {
        Some(Party::Device(self.own.to_owned()))
    }

    fn add(&mut self, kind: Kind) {
        let event = self.event(kind);
        self.events.push(event);
    }

    /// With who, whom and why.
    fn event(&self, kind: Kind) -> CallEvent {
        let view = self.view;
        let own = self.own_party();
        let far = Some(far_end(&view.remote));
        let mut event = CallEvent::new(kind);
        let mut connected = self.own;
        let far_device = match &view.remote {
            Remote::Number(number) => Some(device_of(number)),
            _ => None,
        };
        let (calling, called) = if view.incoming {
            (far.clone(), own.clone())
        } else {
            (own.clone(), far.clone())
        };
        match kind {
            Kind::ServiceInitiated => event.by = own,
            Kind::Originated => (event.calling, event.called) = (calling, called),
            Kind::Delivered | Kind::Established => {
                (event.calling, event.called) = (calling, called);
                // It is the called device's connection that rings or is established.
                event.by = if view.incoming { own } else { far };
                if let Some(device) = far_device.as_ref().filter(|_| !view.incoming) {
                    connected = device;
                }
                event.last_redirection = Some(Party::NotRequired);
            }
            Kind::Failed => {
                event.by = far;
                (event.calling, event.called) = (calling, called);
            }
            Kind::Held | Kind::Retrieved => event.by = own,
            _ => {}
        }
        event.note = note(view);
        event.connection = Some(ConnectionId::new(&view.id, connected));
        event.local = Some(view.state.own());
        if let Some(cause) = &view.cause {
            event.cause.clone_from(cause);
        }
        event
    }
}

fn cut_device(own: &str) -> &str {
    crate::text::cut(own, b';').map_or(own, |(number, _)| number)
}

/// Events of the device `own` itself.
pub fn of_device(own: &str, before: &DeviceView, view: &DeviceView) -> Vec<Event> {
    let device = || Some(Party::Device(own.to_owned()));
    let mut events = Vec::new();
    if before.in_service != view.in_service {
        events.push(match view.in_service {
            true => DeviceEvent::BackInService {
                device: device(),
                cause: None,
            },
            false => DeviceEvent::OutOfService {
                device: device(),
                cause: None,
            },
        });
    }
    if let Some(on) = view
        .do_not_disturb
        .filter(|_| before.do_not_disturb != view.do_not_disturb)
    {
        events.push(DeviceEvent::DoNotDisturb {
            device: device(),
            on,
        });
    }
    if let Some(on) = view
        .message_waiting
        .filter(|_| before.message_waiting != view.message_waiting)
    {
        events.push(DeviceEvent::MessageWaiting {
            device: device(),
            on,
        });
    }
    let (old, new) = (rules(before), rules(view));
    let forwarding = |rule: &Rule, active: bool| DeviceEvent::Forwarding {
        device: device(),
        kind: Some(rule.kind.as_str().to_owned()),
        active,
        to: rule.to.as_deref().map(device_of),
        default: None,
        rings: None,
        seconds: rule.seconds,
    };
    for rule in new.iter().filter(|rule| !old.contains(rule)) {
        events.push(forwarding(rule, rule.active));
    }
    for rule in old.iter().filter(|rule| rule.active) {
        if !new.iter().any(|other| other.kind == rule.kind) {
            events.push(forwarding(rule, false));
        }
    }
    events.into_iter().map(Event::Device).collect()
}

fn rules(view: &DeviceView) -> &[Rule] {
    view.forwarding.as_deref().unwrap_or_default()
}
