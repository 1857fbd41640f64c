//! Requests that wait for an answer.

use super::output::{Fault, Output};
use super::{Client, verbs::Wanted};
use crate::csta::{Code, ConnectionId, Content, Document, Request, Response};
use crate::time::{Duration, Instant};

/// The session's own transactions end after 32 s (RFC 3261 §17.1.2.2), with an
/// answer of 408: this is for a host that forgets one.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long an answer may take that is to come in a message of its own.
const SEPARATELY: Duration = Duration::from_secs(5);
/// Most requests that wait at a time.
const MAX_PENDING: usize = 64;

/// How often something is asked for again.
pub(super) const MOST_ASKED: u32 = 3;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Features,
    Monitor,
    Snapshot,
    /// Who is in this call? Asked for so many times before.
    Parties(ConnectionId, u32),
    /// How is the phone set? The same.
    Setting(Setting, u32),
    /// A command of the app.
    Command(u32, Wanted),
    /// Nobody waits for it.
    Leave,
}

/// Something that a phone can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Forwarding,
    DoNotDisturb,
    MessageWaiting,
}

/// A request that was sent.
pub(super) struct Pending {
    pub(super) number: u32,
    /// Name of the service.
    pub(super) service: &'static str,
    pub(super) job: Job,
    pub(super) due: Instant,
    /// The message was taken, without a word.
    pub(super) acknowledged: bool,
}

impl Pending {
    pub(super) fn is_answered_by(&self, response: &Response) -> bool {
        response.name().strip_suffix("Response") == Some(self.service)
    }

    pub(super) fn acknowledge(&mut self, now: Instant) {
        self.acknowledged = true;
        self.due = now + SEPARATELY;
    }
}

impl Client {
    /// Sends a request.
    pub(super) fn ask(&mut self, now: Instant, request: Request, job: Job) {
        if self.pending.len() >= MAX_PENDING {
            let fault = Fault::new(Code::ServerRejected, "outstandingReqLimitExceeded");
            return self.undone(now, job, fault);
        }
        self.request_count = self.request_count.wrapping_add(1);
        self.pending.push(Pending {
            number: self.request_count,
            service: request.name(),
            job,
            due: now + PATIENCE,
            acknowledged: false,
        });
        self.outputs.push(Output::Send {
            number: self.request_count,
            document: Document::new(Content::Request(request)).to_xml(),
        });
    }

    pub(super) fn settle(&mut self, op: u32, result: Result<(), Fault>) {
        self.outputs.push(Output::Settled { op, result });
    }

    /// No command waits any longer.
    pub(super) fn settle_all(&mut self, fault: &Fault) {
        for at in 0..self.calls.len() {
            let waiting = self.calls.get_mut(at).and_then(|call| call.clear.take());
            if let Some(op) = waiting {
                self.settle(op, Err(fault.clone()));
            }
        }
        for pending in core::mem::take(&mut self.pending) {
            if let Job::Command(op, wanted) = pending.job {
                self.settle(op, Err(fault.clone()));
                self.not_wanted(&wanted, fault);
            }
        }
    }

    /// Is a call being made whose name we do not know yet?
    pub(super) fn is_making(&self) -> bool {
        self.pending.iter().any(|pending| {
            matches!(
                pending.job,
                Job::Command(_, Wanted::Made(_) | Wanted::Consulted(_))
            )
        })
    }
}
