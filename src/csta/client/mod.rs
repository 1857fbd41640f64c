//! The client: what a phone in DeskPhone mode runs. It knows the line's calls as
//! the gateway tells them, and asks for what the app wants.
//!
//! The host carries a session to the gateway. It sends [`Client::system_status`]
//! with the request that opens or refreshes the session, and each
//! [`Output::Send`] inside of it; it hands in every document that comes, and
//! says when the session is lost. After each `handle_…` it drains
//! [`Client::poll_output`].
//!
//! | file | what it does |
//! |---|---|
//! | `session.rs` | session up, lost and up again; how the switch is |
//! | `opening.rs` | features, monitor, and what the desk phone is set to |
//! | `snapshot.rs` | which calls there are, compared with those that are known |
//! | `verbs.rs` | what the app asks for |
//! | `answers.rs` | what became of it |
//! | `happenings.rs` | events of calls |
//! | `merging.rs` | transfers and conferences, in which calls change their names |
//! | `call.rs`, `desk.rs` | what is known of a call, and of the phone |

mod answers;
mod call;
mod desk;
mod happenings;
mod merging;
mod opening;
mod output;
mod pending;
mod session;
mod snapshot;
mod verbs;

pub use call::{CallState, CallView, EndCause};
pub use desk::{Desk, DeskState, Forwarding};
pub use output::{Fault, Output};
pub use verbs::Verb;

use super::device::{other_appearance, same_number};
use super::{Content, Document, Event, Features, Notice, Request};
use crate::prelude::*;
use crate::queue::take_first;
use crate::text::concat;
use crate::time::{Instant, earliest};
use call::Call;
use pending::{Job, Pending};
use session::Stage;
use snapshot::Taking;

/// Most calls of one line that are kept in mind.
const MAX_CALLS: usize = 64;
/// What becomes of the calls of a phone that is no longer controlled.
const LEFT: &str = "left to the desk phone";
/// Most events that wait for an answer which they overtook.
const MAX_EARLY: usize = 64;

/// Remote control of one line.
pub struct Client {
    /// As the gateway is told: `tel:5101;phone-context=dialstring;device=SEP01`.
    line: String,
    /// The same with the device that the gateway chose.
    own: String,
    stage: Stage,
    /// Whether the switching function takes requests.
    system_up: bool,
    /// Names the monitor in its events.
    monitor: Option<String>,
    /// Monitors that could not be started, one after the other.
    refusals: u32,
    /// The gateway itself says that ConsultationCall is on offer.
    consults: bool,
    desk: Desk,
    /// What the app knows of the desk phone.
    told: Desk,
    calls: Vec<Call>,
    /// Calls so far.
    call_count: u32,
    pending: Vec<Pending>,
    /// Requests so far.
    request_count: u32,
    /// Events of a monitor that we do not know yet.
    early: Vec<(String, Event)>,
    /// Events of calls from this line, which may be those that we are making.
    overtaking: Vec<super::CallEvent>,
    taking: Option<Taking>,
    outputs: Vec<Output>,
}

impl Client {
    /// Of this line; it is named to the gateway as it stands here.
    pub fn new(line: &str) -> Self {
        Self {
            line: line.to_owned(),
            own: line.to_owned(),
            stage: Stage::Away,
            system_up: true,
            monitor: None,
            refusals: 0,
            consults: false,
            desk: Desk::default(),
            told: Desk::default(),
            calls: Vec::new(),
            call_count: 0,
            pending: Vec::new(),
            request_count: 0,
            early: Vec::new(),
            overtaking: Vec::new(),
            taking: None,
            outputs: Vec::new(),
        }
    }

    /// What opens a session, and what refreshes it.
    pub fn system_status(&self) -> String {
        let request = Request::RequestSystemStatus {
            line: Some(self.own.clone()),
        };
        Document::new(Content::Request(request)).to_xml()
    }

    /// Whether the desk phone can be used.
    pub fn state(&self) -> DeskState {
        self.desk.state
    }

    /// What there is to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        take_first(&mut self.outputs)
    }

    /// Takes a document that the gateway sent of its own accord.
    pub fn handle_document(&mut self, now: Instant, body: &[u8]) {
        if matches!(self.stage, Stage::Away) {
            return;
        }
        let Ok(document) = Document::parse(body) else {
            return;
        };
        match document.content {
            Content::Event { cross_ref, event } => self.heard(now, cross_ref, event),
            Content::Notice(Notice::SystemStatus { status, .. }) => self.system_is(now, status),
            Content::Notice(Notice::SnapshotDeviceData {
                reference,
                last,
                calls,
            }) => self.segment(now, &reference, last, calls),
            // Some answer a request in a message of its own.
            Content::Response(response) => {
                let answered = |pending: &Pending| pending.is_answered_by(&response);
                let waits = |pending: &Pending| pending.acknowledged && answered(pending);
                let mut pending = self.pending.iter();
                let asked = pending.position(waits);
                if let Some(at) = asked.or_else(|| self.pending.iter().position(answered)) {
                    let job = self.pending.remove(at).job;
                    self.done(now, job, Some(response));
                }
            }
            Content::Failure(failure) => {
                let mut pending = self.pending.iter();
                if let Some(at) = pending.position(|pending| pending.acknowledged) {
                    let pending = self.pending.remove(at);
                    self.refused(now, pending, &failure);
                }
            }
            // The switch has ended the monitor.
            Content::Request(Request::MonitorStop { cross_ref })
                if self.monitor.as_ref() == Some(&cross_ref) =>
            {
                self.monitor_is_gone(now);
            }
            Content::Request(_) | Content::Unknown(_) => {}
        }
        self.publish();
    }

    fn heard(&mut self, now: Instant, cross_ref: String, event: Event) {
        match &self.monitor {
            None if self.early.len() < MAX_EARLY => self.early.push((cross_ref, event)),
            Some(monitor) if *monitor == cross_ref => self.happened(now, event),
            _ => {}
        }
    }

    fn happened(&mut self, now: Instant, event: Event) {
        match event {
            Event::Call(event) => self.call_event(event),
            Event::Device(event) => self.device_event(now, event),
        }
    }

    /// When [`Client::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let answers = self.pending.iter().map(|pending| pending.due).min();
        let segments = self.taking.as_ref().and_then(|taking| taking.due);
        earliest(&[answers, segments, self.stage.due()])
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.stage_is_due(now);
        self.segments_are_due(now);
        self.answers_are_due(now);
        self.publish();
    }

    /// Leaves the desk phone to itself. The session may end as soon as what is
    /// put out now is sent.
    pub fn close(&mut self, now: Instant) {
        if let Some(cross_ref) = self.monitor.take() {
            self.ask(now, Request::MonitorStop { cross_ref }, Job::Leave);
        }
        self.settle_all(&Fault::new(super::Code::Aborted, LEFT));
        let calls: Vec<_> = self.calls.iter().map(|call| call.id).collect();
        for call in calls {
            self.end(call, EndCause::Local, LEFT);
        }
        self.leave();
        self.recovering();
        self.publish();
    }

    /// Tells the app what has changed since it was last told.
    fn publish(&mut self) {
        for at in 0..self.calls.len() {
            let view = self.calls.get(at).map(|call| self.view(call));
            if let (Some(view), Some(call)) = (view, self.calls.get_mut(at))
                && call.told.as_ref() != Some(&view)
            {
                call.told = Some(view.clone());
                self.outputs.push(Output::Call(view));
            }
        }
        // Whoever hears that the phone can be used knows its calls.
        self.desk.monitored = matches!(self.stage, Stage::Open) && self.system_up;
        if self.desk != self.told {
            self.told = self.desk.clone();
            self.outputs.push(Output::Desk(self.desk.clone()));
        }
    }

    fn features(&self) -> &Features {
        &self.desk.features
    }

    /// Is this the controlled line, at the controlled device?
    fn is_own(&self, device: &str) -> bool {
        same_number(&self.own, device) && !other_appearance(&self.own, device)
    }

    fn choose(&mut self, device: Option<String>) {
        self.own.clone_from(&self.line);
        if let Some(device) = &device
            && !crate::text::mentions(&self.line, ";device=")
        {
            self.own = concat(&[&self.line, ";device=", device]);
        }
        self.desk.device = device;
    }
}
