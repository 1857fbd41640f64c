//! What the switch tells, and what clients hear of it.

use super::config::WhenDown;
use super::events;
use super::failure::{failure, returned};
use super::link::{Appearance, DeviceView, LinkMessage, VERSION, fits};
use super::nodes::{NodeId, Purpose};
use super::output::Event;
use super::serving::Service;
use super::session::Stage;
use super::watch::Change;
use super::{Answer, Gateway};
use crate::csta::{self, Notice, SystemStatus};
use crate::phone::Level;
use crate::prelude::*;
use crate::time::Instant;

/// Most services that a switch may list.
const MOST_FEATURES: usize = 128;

impl Gateway {
    pub(super) fn link_says(&mut self, now: Instant, id: NodeId, message: LinkMessage) {
        match message {
            LinkMessage::Hello {
                version,
                mut features,
                ..
            } => {
                if version != VERSION {
                    let reason = "the switch speaks another version of the link";
                    return self.nodes.drop(now, id, reason);
                }
                features.retain(|name| fits(name));
                features.truncate(MOST_FEATURES);
                self.nodes.greeted(now, id, features);
            }
            LinkMessage::Answer {
                id: request,
                result,
            } => match self.nodes.answered(id, request) {
                Some(purpose) => self.link_answers(now, id, purpose, result),
                None => self.nonsense(id, "an answer to nothing"),
            },
            LinkMessage::Call(at, view) => {
                if !view.is_sound() {
                    return self.nonsense(id, "a call that makes no sense");
                }
                let watches = self.nodes.watches(id);
                let change = watches.and_then(|watches| watches.call(&at, view));
                self.tell_all(now, id, &at, change.as_slice());
            }
            LinkMessage::Device(at, view) => {
                if !view.is_sound() {
                    return self.nonsense(id, "a device that makes no sense");
                }
                let watches = self.nodes.watches(id);
                let changes = watches.map(|watches| watches.device(&at, view));
                self.tell_all(now, id, &at, &changes.unwrap_or_default());
            }
        }
    }

    pub(super) fn nonsense(&mut self, id: NodeId, what: &str) {
        self.counters.nonsense += 1;
        let node = id.node + 1;
        let message = format!("connection {node}: the switch has sent {what}");
        self.log(Level::Warn, message);
    }

    fn link_answers(
        &mut self,
        now: Instant,
        id: NodeId,
        purpose: Purpose<Service>,
        result: Result<Answer, String>,
    ) {
        match purpose {
            Purpose::Heartbeat | Purpose::Unmonitor => {}
            Purpose::Monitor(at) => self.monitored(now, id, &at, result),
            Purpose::Service(service) => {
                let result = result.map_err(|error| match fits(&error) {
                    true => failure(&error),
                    false => failure("generic"),
                });
                self.served(now, service, result);
            }
        }
    }

    fn monitored(
        &mut self,
        now: Instant,
        id: NodeId,
        at: &Appearance,
        result: Result<Answer, String>,
    ) {
        let Some(watches) = self.nodes.watches(id) else {
            return;
        };
        watches.monitored(at, result);
        for of in watches.sessions(at).to_vec() {
            self.decide(now, of);
        }
    }

    /// The switch has not answered in time, or is gone.
    pub(super) fn unanswered(&mut self, now: Instant, id: NodeId, purpose: Purpose<Service>) {
        match purpose {
            // That counts as missed already.
            Purpose::Heartbeat | Purpose::Unmonitor => {}
            Purpose::Monitor(at) => {
                let late = "resourceOutOfService".to_owned();
                self.monitored(now, id, &at, Err(late));
            }
            Purpose::Service(service) => {
                let refused = match self.nodes.is_up(id) {
                    true => failure("resourceOutOfService"),
                    false => returned(),
                };
                self.served(now, service, Err(refused));
            }
        }
    }

    /// Tells what has changed to all that monitor it.
    fn tell_all(&mut self, now: Instant, id: NodeId, at: &Appearance, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let watches = self.nodes.watches(id);
        let sessions = watches.map(|watches| watches.sessions(at).to_vec());
        for of in sessions.unwrap_or_default() {
            let Some(session) = self.sessions.get(&of) else {
                continue;
            };
            let Some(cross_ref) = session.cross_ref.clone() else {
                continue;
            };
            let own = session.own();
            for change in changes {
                let events: Vec<csta::Event> = match change {
                    Change::Call(change) => {
                        let (before, view) = &**change;
                        let events = events::of_call(&own, before.as_ref(), view);
                        events.into_iter().map(csta::Event::Call).collect()
                    }
                    Change::Device(before, view) => events::of_device(&own, before, view),
                };
                for event in events {
                    let cross_ref = cross_ref.clone();
                    self.queue(now, of, csta::Content::Event { cross_ref, event });
                }
            }
            self.send_events(now, of);
        }
    }

    /// A phone may have gone since the session was opened, when nobody was told yet.
    pub(super) fn tell_absence(&mut self, now: Instant, of: u32) {
        let Some(session) = self.sessions.get(&of) else {
            return;
        };
        let watches = self.nodes.watches(session.node);
        let known = session.at().zip(watches);
        let known = known.and_then(|(at, watches)| watches.known(at));
        let (Some(known), Some(cross_ref)) = (known, session.cross_ref.clone()) else {
            return;
        };
        if !known.device.in_service {
            let there = DeviceView {
                in_service: true,
                ..known.device.clone()
            };
            for event in events::of_device(&session.own(), &there, &known.device) {
                let cross_ref = cross_ref.clone();
                self.queue(now, of, csta::Content::Event { cross_ref, event });
            }
            self.send_events(now, of);
        }
    }

    /// A document for a client.
    fn queue(&mut self, now: Instant, of: u32, content: csta::Content) {
        let Some(session) = self.sessions.get_mut(&of) else {
            return;
        };
        let (_, document) = Self::content(&session.asker.namespace, content);
        if session.queue(document) {
            self.counters.events += 1;
        } else {
            self.dismiss(now, of, "the client does not take its events", None);
        }
    }

    /// Sends what may be sent now.
    pub(super) fn send_events(&mut self, now: Instant, of: u32) {
        if let Some(session) = self.sessions.get_mut(&of)
            && let Some(document) = session.next_event()
        {
            let content = (super::CSTA.to_owned(), document);
            self.phone
                .with_accepted(now, |accepted| accepted.info(of, 0, content));
        }
    }

    /// A connection to the switch is there: in a new epoch, so that sessions of the one
    /// before do not go on.
    pub(super) fn node_is_up(&mut self, now: Instant, id: NodeId) {
        let (node, down) = (id.node, None);
        self.event(Event::Node { node, down });
        for of in self.sessions_of(node) {
            self.dismiss(now, of, "the connection to the switch is a new one", None);
        }
    }

    /// It is no longer there.
    pub(super) fn node_is_down(&mut self, now: Instant, id: NodeId, reason: String) {
        let (node, down) = (id.node, Some(reason));
        self.event(Event::Node { node, down });
        for of in self.sessions_of(node) {
            let stage = self.sessions.get(&of).map(|session| &session.stage);
            match stage {
                Some(Stage::Looking(..)) => self.look_elsewhere(now, of),
                Some(Stage::Open(_)) if self.config.when_node_is_down == WhenDown::Move => {
                    self.dismiss(now, of, "the connection to the switch is down", None);
                }
                Some(Stage::Open(_)) => {
                    let notice = Notice::SystemStatus {
                        register: None,
                        status: SystemStatus::Disabled,
                    };
                    self.queue(now, of, csta::Content::Notice(notice));
                    self.send_events(now, of);
                }
                None => {}
            }
        }
    }

    fn sessions_of(&self, node: usize) -> Vec<u32> {
        let own = |of: &u32, session: &super::Session| (session.node.node == node).then_some(*of);
        let list = self.sessions.iter();
        list.filter_map(|(of, session)| own(of, session)).collect()
    }
}
