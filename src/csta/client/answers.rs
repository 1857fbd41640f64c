//! What became of a request.

use super::Client;
use super::call::EndCause;
use super::desk::Forwarding;
use super::output::Fault;
use super::pending::{Job, MOST_ASKED, Pending, Setting};
use super::verbs::Wanted;
use crate::csta::{Code, ConnectionId, Content, Document, Failure, Response, Snapshot};
use crate::dialog::ends_usage;
use crate::prelude::*;
use crate::time::Instant;

impl Client {
    /// Takes the answer to a request that was sent: its status, and its body.
    /// One that did not come is 408.
    pub fn handle_answer(&mut self, now: Instant, number: u32, status: u16, body: &[u8]) {
        let mut pending = self.pending.iter();
        let Some(at) = pending.position(|pending| pending.number == number) else {
            return;
        };
        let document = Document::parse(body).map(|document| document.content);
        let is_success = (200..300).contains(&status);
        match document {
            Ok(Content::Failure(failure)) => {
                let pending = self.pending.remove(at);
                self.refused(now, pending, &failure);
            }
            _ if !is_success && ends_usage(status) => self.reopen(),
            _ if !is_success => {
                let job = self.pending.remove(at).job;
                self.undone(now, job, Fault::of_status(status));
            }
            // The answer comes in a message of its own, or there is none.
            Err(_) if body.trim_ascii().is_empty() => {
                if let Some(pending) = self.pending.get_mut(at) {
                    pending.acknowledge(now);
                }
            }
            Err(error) => {
                let job = self.pending.remove(at).job;
                let fault = Fault::new(Code::ServerRejected, &error.to_string());
                self.undone(now, job, fault);
            }
            Ok(Content::Response(response)) if self.is_answer(at, &response) => {
                let job = self.pending.remove(at).job;
                self.done(now, job, Some(response));
            }
            Ok(_) => {
                let job = self.pending.remove(at).job;
                let fault = Fault::new(Code::ServerRejected, "answered with something else");
                self.undone(now, job, fault);
            }
        }
        self.publish();
    }

    fn is_answer(&self, at: usize, response: &Response) -> bool {
        let pending = self.pending.get(at);
        pending.is_some_and(|pending| pending.is_answered_by(response))
    }

    pub(super) fn answers_are_due(&mut self, now: Instant) {
        let due = |pending: &Pending| pending.due <= now;
        while let Some(at) = self.pending.iter().position(due) {
            if self.pending.get(at).is_some_and(|late| !late.acknowledged) {
                return self.reopen();
            }
            // It was taken, and nothing was said against it.
            let job = self.pending.remove(at).job;
            self.done(now, job, None);
        }
    }

    /// A request was done. Without a response: it was taken, and that is all.
    pub(super) fn done(&mut self, now: Instant, job: Job, response: Option<Response>) {
        match (job, response) {
            (Job::Features, Some(Response::GetCSTAFeatures { features })) => {
                self.features_are(now, Some(features));
            }
            (Job::Features, _) => self.features_are(now, None),
            (Job::Monitor, Some(Response::MonitorStart { cross_ref })) => {
                self.monitored(now, cross_ref);
            }
            (Job::Monitor, _) => {
                let fault = Fault::new(Code::Timeout, "the monitor is not named");
                self.not_monitored(now, fault, None);
            }
            (Job::Snapshot, Some(Response::SnapshotDevice { calls })) => self.snapshot(now, calls),
            (Job::Snapshot, _) => self.snapshot_is_missing(now),
            (Job::Parties(call, _), response) => {
                let (parties, calling, called) = match response {
                    Some(Response::SnapshotCall {
                        parties,
                        calling,
                        called,
                    }) => (parties, calling, called),
                    _ => (Snapshot::Here(Vec::new()), None, None),
                };
                let parties = match parties {
                    Snapshot::Here(parties) => parties,
                    Snapshot::Later(_) => Vec::new(),
                };
                self.parties(now, &call.call, parties, calling, called);
            }
            (Job::Setting(Setting::Forwarding, _), Some(Response::GetForwarding { rules })) => {
                self.desk.forwarding = Some(Vec::new());
                for rule in rules.into_iter().filter_map(Forwarding::of) {
                    self.forwarding_is(rule);
                }
            }
            (Job::Setting(Setting::DoNotDisturb, _), Some(Response::GetDoNotDisturb { on })) => {
                self.desk.do_not_disturb = Some(on);
            }
            (
                Job::Setting(Setting::MessageWaiting, _),
                Some(Response::GetMessageWaitingIndicator { on }),
            ) => {
                self.desk.message_waiting = Some(on);
            }
            (Job::Command(op, wanted), response) => {
                self.command_done(now, op, wanted, response);
                self.reconcile_when_told(now);
            }
            (Job::Setting(..) | Job::Leave, _) => {}
        }
    }

    fn command_done(&mut self, now: Instant, op: u32, wanted: Wanted, response: Option<Response>) {
        if let Wanted::Room { call, to } = wanted {
            return self.room_is_made(now, op, call, to);
        }
        self.settle(op, Ok(()));
        match (wanted, response) {
            (
                Wanted::Made(id) | Wanted::Consulted(id),
                Some(Response::MakeCall { call } | Response::ConsultationCall { call }),
            ) => self.is_called(now, id, call),
            (Wanted::Made(id) | Wanted::Consulted(id), _) => self.is_called(now, id, None),
            (
                Wanted::Conferenced { keep, joins },
                Some(Response::ConferenceCall { call, connections }),
            ) => {
                let new = call.or_else(|| self.new_connection(connections.as_ref()));
                self.join(keep, Some(joins), new, connections.as_ref());
            }
            // The events tell as well; these are for switches that send none.
            (Wanted::DoNotDisturb(on), _) => self.desk.do_not_disturb = Some(on),
            (Wanted::Forwarding(rule), _) => self.forwarding_is(rule),
            (Wanted::MessageWaiting, Some(Response::GetMessageWaitingIndicator { on })) => {
                self.desk.message_waiting = Some(on);
            }
            _ => {}
        }
    }

    /// The call that was in the way is on hold.
    fn room_is_made(&mut self, now: Instant, op: u32, id: u32, to: String) {
        match self.call(id) {
            Some(call) if call.clear.is_none() => self.make_now(now, op, id, to),
            _ => {
                let fault = Fault::new(Code::Aborted, "the call was given up");
                self.settle(op, Err(fault));
                self.end(id, EndCause::Local, "hung up");
            }
        }
    }

    /// The switch has a name for a call that we asked for. Without one it is the
    /// first that was told of meanwhile.
    fn is_called(&mut self, now: Instant, id: u32, name: Option<ConnectionId>) {
        let mut overtaking = self.overtaking.iter();
        let name = name.or_else(|| overtaking.find_map(|event| event.connection.clone()));
        let Some(name) = name else {
            return self.end(id, EndCause::Failed, "the switch tells nothing of the call");
        };
        // It may be known already, where events were too many to wait.
        let twin = self.named(&name.call).filter(|twin| *twin != id);
        let mut calls = self.calls.iter();
        let twin = calls.position(|call| Some(call.id) == twin);
        let twin = twin.map(|at| self.calls.remove(at));
        if let Some(call) = self.call_mut(id) {
            call.connection = Some(name);
            if let Some(twin) = &twin {
                call.local = twin.local;
                call.rings_there = twin.rings_there;
                call.established = twin.established;
            }
            call.seen = true;
        }
        if let Some(twin) = twin.filter(|twin| twin.told.is_some()) {
            self.outputs.push(twin.ended(EndCause::Local, "told twice"));
        }
        for event in core::mem::take(&mut self.overtaking) {
            self.call_event(event);
        }
        let call = self.call_mut(id);
        let clear = call.and_then(|call| Some((call.clear.take()?, call.connection.clone()?)));
        if let Some((op, connection)) = clear {
            self.clear_now(now, op, id, connection);
        }
    }

    /// A request was refused with a reason of CSTA's.
    pub(super) fn refused(&mut self, now: Instant, pending: Pending, failure: &Failure) {
        if failure.is("serviceNotSupported") {
            self.desk.features.remove(pending.service);
        }
        let any = |values: &[&str]| values.iter().any(|value| failure.is(value));
        match pending.job {
            Job::Monitor => return self.not_monitored(now, Fault::of(failure), Some(failure)),
            Job::Command(op, Wanted::Cleared { call, name })
                if any(&[
                    "noConnectionToClear",
                    "invalidConnectionID",
                    "invalidCallID",
                ]) =>
            {
                self.is_gone(now, op, call, &name);
            }
            Job::Command(op, wanted @ (Wanted::DoNotDisturb(_) | Wanted::Forwarding(_)))
                if failure.is("featureAlreadySet") =>
            {
                self.command_done(now, op, wanted, None);
            }
            job => self.undone(now, job, Fault::of(failure)),
        }
        let is_open = matches!(self.stage, super::session::Stage::Open);
        if is_open && failure.is("deviceOutOfService") {
            self.out_of_service(Some(failure.value.clone()));
        } else if is_open && failure.is("invalidMonitorCrossRefID") {
            self.monitor_is_gone(now);
        }
    }

    /// There is no call of the name that was to be ended: it is gone already,
    /// which is what was wanted, or goes on under another.
    fn is_gone(&mut self, now: Instant, op: u32, id: u32, name: &str) {
        let call = self.call(id);
        let connection = call.and_then(|call| call.connection.clone());
        match connection.filter(|connection| connection.call != name) {
            Some(connection) => self.clear_now(now, op, id, connection),
            None => {
                self.settle(op, Ok(()));
                self.end(id, EndCause::Local, "hung up");
            }
        }
    }

    /// A request was not done.
    pub(super) fn undone(&mut self, now: Instant, job: Job, fault: Fault) {
        match job {
            Job::Features if matches!(fault.status, Some(405 | 501)) => self.refuse(fault),
            Job::Features => self.features_are(now, None),
            Job::Monitor => self.not_monitored(now, fault, None),
            Job::Snapshot => self.snapshot_is_missing(now),
            // Another request has overtaken it (RFC 3261 §12.2.2).
            Job::Parties(call, before) if fault.status == Some(500) && before < MOST_ASKED => {
                self.ask_for_party(now, call, before + 1);
            }
            Job::Setting(setting, before) if fault.status == Some(500) && before < MOST_ASKED => {
                self.ask_for_setting(now, setting, before + 1);
            }
            Job::Parties(call, _) => self.parties(now, &call.call, Vec::new(), None, None),
            Job::Command(op, wanted) => {
                self.settle(op, Err(fault.clone()));
                self.not_wanted(&wanted, &fault);
                self.reconcile_when_told(now);
            }
            Job::Setting(..) | Job::Leave => {}
        }
    }

    /// What a command has prepared is undone.
    pub(super) fn not_wanted(&mut self, wanted: &Wanted, fault: &Fault) {
        match wanted {
            Wanted::Room { call, .. } => self.never_was(*call, fault),
            Wanted::Made(call) | Wanted::Consulted(call) => {
                self.never_was(*call, fault);
                // Those that were told of meanwhile are not it.
                for event in core::mem::take(&mut self.overtaking) {
                    self.call_event(event);
                }
            }
            Wanted::Cleared { call, .. } => self.stays(*call),
            Wanted::Left(one, other) => {
                self.stays(*one);
                if let Some(other) = other {
                    self.stays(*other);
                }
            }
            _ => {}
        }
    }

    /// A call that we asked for is not made.
    fn never_was(&mut self, id: u32, fault: &Fault) {
        let cause = if fault.code == Code::Aborted {
            EndCause::Local
        } else {
            EndCause::Failed
        };
        self.end(id, cause, &fault.said);
    }

    fn stays(&mut self, id: u32) {
        if let Some(call) = self.call_mut(id) {
            call.leaving = None;
        }
    }
}
