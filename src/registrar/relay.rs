//! Relayed requests that wait for answers: a small transaction-stateful proxy
//! (RFC 3261 §16.7, §16.10).
//!
//! ```text
//!            2xx (first, or any to INVITE), 1xx
//!          ┌───────────────────────────────────► passed on
//!  waiting ┤ last branch failed
//!          ├───────────────────────────────────► the best failure is passed on
//!          └ nobody answered in time: 408 to an INVITE, silence to others
//! ```
//!
//! It is simple where a test can do without more: failures of several branches
//! are not merged (challenges of one branch only come through), and redirects are
//! passed on, not followed.

use super::forward;
use super::waking::{CALL_WAITS, MESSAGE_WAITS, Woken};
use super::{ConnectionId, Registrar};
use crate::sip::{Message, Name, Writer};
use crate::time::{Duration, Instant};

/// How long an INVITE may ring: RFC 3261's timer C, "larger than 3 minutes".
pub(super) const RINGING: Duration = Duration::from_secs(190);

/// How long other requests wait, and how long an answered INVITE is remembered
/// for its ACK and for further 2xx: 64·T1.
pub(super) const PATIENCE: Duration = Duration::from_secs(32);

/// One side of a relayed dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub connection: ConnectionId,
    /// Its binding; while that exists, it tells the connection, so that a client
    /// may come back on another one.
    pub binding: Option<u64>,
}

/// A request that was sent on.
pub(super) struct Relay {
    pub from: End,
    pub request: Message,
    pub branches: Vec<Branch>,
    pub until: Instant,
    /// The final status that was passed back.
    pub answered: Option<u16>,
    /// Whether it was cancelled, or declined for all devices.
    pub over: bool,
    /// Who was woken for it, until they are told that it rings no more.
    pub woken: Option<Woken>,
}

/// One copy of it.
pub(super) struct Branch {
    /// The Via branch, which its answers bring back.
    pub id: String,
    pub to: End,
    pub uri: String,
    /// Route values that it was sent with.
    pub routes: Vec<String>,
    pub outcome: Option<Outcome>,
}

/// How a copy was answered in the end.
#[derive(Clone)]
pub(super) enum Outcome {
    Accepted,
    Failed {
        status: u16,
        answer: Vec<u8>,
    },
    /// Its connection closed.
    Lost,
}

impl Relay {
    pub fn new(
        from: End,
        request: Message,
        branches: Vec<Branch>,
        woken: Option<Woken>,
        now: Instant,
    ) -> Self {
        let patience = match (request.method() == "INVITE", branches.is_empty()) {
            (true, false) => RINGING,
            (true, true) => CALL_WAITS,
            (false, false) => PATIENCE,
            (false, true) => MESSAGE_WAITS,
        };
        Self {
            from,
            request,
            branches,
            until: now + patience,
            answered: None,
            over: false,
            woken,
        }
    }

    /// Whether it may still be answered by a device that it was not sent to yet.
    pub fn is_open(&self) -> bool {
        self.answered.is_none() && !self.over
    }

    pub fn is_invite(&self) -> bool {
        self.request.method() == "INVITE"
    }

    /// Whether it was answered, and nothing is to come any more.
    fn is_over(&self) -> bool {
        self.answered.is_some() && self.branches.iter().all(|branch| branch.outcome.is_some())
    }

    /// Whether `request` (an ACK or CANCEL) belongs to this one: RFC 3261 §17.2.3.
    fn is_asked_by(&self, connection: ConnectionId, request: &Message) -> bool {
        let branch = |message: &Message| Some(message.top_via()?.branch()?.to_owned());
        self.is_invite()
            && self.from.connection == connection
            && self.request.call_id() == request.call_id()
            && branch(&self.request) == branch(request)
    }

    /// The failure to pass on (RFC 3261 §16.7 step 6).
    fn best_failure(&self) -> Option<(u16, &Vec<u8>)> {
        let failures = self
            .branches
            .iter()
            .filter_map(|branch| match &branch.outcome {
                Some(Outcome::Failed { status, answer }) => Some((*status, answer)),
                _ => None,
            });
        failures.min_by_key(|(status, _)| precedence(*status))
    }
}

/// Which of several failures says most, the lowest first: one that speaks for all
/// devices, then the lowest class; in that, what the caller can do something about,
/// and that somebody is there before that nobody is.
fn precedence(status: u16) -> (bool, u16, u8, u16) {
    let rank = match status {
        401 | 407 | 415 | 420 | 484 => 0,
        486 => 1,
        _ => 2,
    };
    (status < 600, status / 100, rank, status)
}

impl Registrar {
    /// Whether one more request may wait for its answer. An INVITE that was answered on
    /// all branches waits for nothing but to be repeated, which no client has reason to
    /// do over a WebSocket: at the limit the oldest of those is forgotten.
    pub(super) fn makes_room(&mut self) -> bool {
        if self.relays.len() < self.config.limits.relays {
            return true;
        }
        let over = self.relays.iter().position(Relay::is_over);
        over.map(|index| self.relays.remove(index)).is_some()
    }

    /// An answer to a request that was relayed.
    pub(super) fn handle_relayed_answer(&mut self, connection: ConnectionId, answer: &Message) {
        let id = answer
            .top_via()
            .and_then(|via| via.branch())
            .unwrap_or_default();
        if answer.cseq().is_some_and(|cseq| cseq.method == "CANCEL") {
            // It ends here, as the CANCEL began here.
            return;
        }
        let now = self.now;
        let position = self.relays.iter().position(|relay| {
            let mut branches = relay.branches.iter();
            branches.any(|branch| branch.id == id && branch.to.connection == connection)
        });
        let ends = position.and_then(|index| self.relays.get(index));
        let end = ends.and_then(|relay| {
            let mut branches = relay.branches.iter();
            branches.find(|branch| branch.id == id)
        });
        let asked = ends.map(|relay| &relay.request);
        let sender = end
            .zip(asked)
            .and_then(|(branch, asked)| self.shown_in_answer(branch.to, asked, answer));
        let passed = forward::response(answer, self.identity(sender.as_deref()));
        let Some(relay) = position.and_then(|index| self.relays.get_mut(index)) else {
            self.counters.strays += 1;
            return;
        };
        let origin = relay.from;
        let invite = relay.is_invite();
        let Some(branch) = relay.branches.iter_mut().find(|branch| branch.id == id) else {
            return;
        };
        match answer.status() {
            // Ours went back at once.
            ..=100 => {}
            101..=199 => {
                relay.until = now + RINGING;
                if relay.answered.is_none() && branch.outcome.is_none() {
                    self.send(origin.connection, passed);
                }
            }
            200..=299 => {
                branch.outcome = Some(Outcome::Accepted);
                let callee = branch.to;
                let first = relay.answered.is_none();
                relay.answered = Some(answer.status());
                if invite {
                    relay.until = now + PATIENCE;
                    let limit = self.config.limits.relays;
                    let ends = [origin, callee];
                    self.calls.begin(&relay.request, answer, ends, limit);
                }
                // Every 2xx to an INVITE makes a dialog of its own (§13.2.2.4).
                if first || invite {
                    self.send(origin.connection, passed);
                }
                if first && invite {
                    let reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
                    self.cancel_branches(position, Some(reason));
                }
            }
            status => {
                let ack =
                    invite.then(|| branch_request("ACK", &relay.request, branch, Some(answer)));
                if branch.outcome.is_none() {
                    branch.outcome = Some(Outcome::Failed {
                        status,
                        answer: passed,
                    });
                }
                if let Some(mut ack) = ack {
                    self.send_written(connection, ack.finish());
                }
                if invite && status >= 600 {
                    let reason = format!("SIP;cause={status};text=\"Declined for all devices\"");
                    self.cancel_branches(position, Some(&reason));
                }
            }
        }
        self.settle();
    }

    /// CANCEL is answered here and sent to every branch that still rings
    /// (RFC 3261 §16.10).
    pub(super) fn handle_cancel(&mut self, connection: ConnectionId, request: &Message) {
        let position = self
            .relays
            .iter()
            .position(|relay| relay.is_asked_by(connection, request));
        if position.is_none() {
            self.answer(
                connection,
                request,
                481,
                "Call/Transaction Does Not Exist",
                &[],
            );
            return;
        }
        self.answer(connection, request, 200, "OK", &[]);
        self.cancel_branches(position, request.header(Name::Reason));
        // Nobody may have it yet.
        self.settle();
    }

    /// Whether `ack` is for a failure that was passed back: it ends here.
    pub(super) fn absorbs_ack(&self, connection: ConnectionId, ack: &Message) -> bool {
        self.relays.iter().any(|relay| {
            relay.answered.is_some_and(|status| status >= 300) && relay.is_asked_by(connection, ack)
        })
    }

    /// What a closed connection means for requests that came from it or went to it.
    pub(super) fn lose_relays(&mut self, connection: ConnectionId) {
        let mut orphans = Vec::new();
        for (index, relay) in self.relays.iter_mut().enumerate() {
            for branch in &mut relay.branches {
                if branch.to.connection == connection && branch.outcome.is_none() {
                    branch.outcome = Some(Outcome::Lost);
                }
            }
            if relay.from.connection == connection && relay.is_invite() {
                orphans.push(index);
            }
        }
        for index in orphans {
            self.cancel_branches(Some(index), None);
        }
        self.relays
            .retain(|relay| relay.from.connection != connection);
        self.settle();
    }

    /// Gives up on requests that nobody answered in time.
    pub(super) fn expire_relays(&mut self) {
        let now = self.now;
        let is_due = |relay: &Relay| relay.until <= now;
        let due: Vec<usize> = (0..self.relays.len())
            .filter(|&index| self.relays.get(index).is_some_and(is_due))
            .collect();
        for index in due {
            self.cancel_branches(Some(index), None);
        }
        for relay in self
            .relays
            .extract_if(.., |relay| is_due(relay))
            .collect::<Vec<_>>()
        {
            // Those it waited for did not come.
            if relay.branches.is_empty() && relay.answered.is_none() {
                let origin = relay.from.connection;
                let reason = "Temporarily Unavailable";
                self.answer(origin, &relay.request, 480, reason, &[]);
                continue;
            }
            // Nobody is told of a non-INVITE that timed out (RFC 4320 §4.2).
            if relay.answered.is_none() && relay.is_invite() {
                let origin = relay.from.connection;
                self.answer(origin, &relay.request, 408, "Request Timeout", &[]);
            }
        }
    }

    fn cancel_branches(&mut self, relay: Option<usize>, reason: Option<&str>) {
        let Some(relay) = relay.and_then(|index| self.relays.get_mut(index)) else {
            return;
        };
        if !relay.is_invite() {
            return;
        }
        relay.over = true;
        let cancels: Vec<_> = relay
            .branches
            .iter()
            .filter(|branch| branch.outcome.is_none())
            .map(|branch| {
                let mut cancel = branch_request("CANCEL", &relay.request, branch, None);
                if let Some(reason) = reason {
                    cancel.header(Name::Reason, reason);
                }
                (branch.to.connection, cancel.finish())
            })
            .collect();
        for (connection, cancel) in cancels {
            self.send_written(connection, cancel);
        }
        self.withdraw_pushes();
    }

    /// Passes the best failure back where all branches have failed, and forgets
    /// what is over.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        let mut lost = Vec::new();
        let mut passed = Vec::new();
        for relay in &mut self.relays {
            let open = relay.branches.iter().any(|branch| branch.outcome.is_none());
            if open || relay.answered.is_some() || relay.is_waiting() {
                continue;
            }
            let origin = relay.from.connection;
            let status = match relay.best_failure() {
                Some((status, answer)) => {
                    passed.push((origin, answer.clone()));
                    status
                }
                None => {
                    let answer = match relay.over {
                        true => (487, "Request Terminated"),
                        false => (480, "Temporarily Unavailable"),
                    };
                    lost.push((origin, relay.request.clone(), answer));
                    answer.0
                }
            };
            relay.answered = Some(status);
            relay.until = now + PATIENCE;
        }
        self.relays.retain(|relay| {
            let open = relay.branches.iter().any(|branch| branch.outcome.is_none());
            open || relay.is_invite() || relay.is_waiting()
        });
        for (origin, answer) in passed {
            self.send(origin, answer);
        }
        for (origin, request, (status, reason)) in lost {
            self.answer(origin, &request, status, reason, &[]);
        }
        self.withdraw_pushes();
    }
}

/// An ACK or CANCEL for one branch: same Via branch, Request-URI and Route as the
/// INVITE (RFC 3261 §9.1, §17.1.1.3); an ACK takes the To of what it acknowledges.
fn branch_request(
    method: &str,
    invite: &Message,
    branch: &Branch,
    acknowledged: Option<&Message>,
) -> Writer {
    let mut writer = Writer::request(method, &branch.uri);
    writer.header(Name::Via, &forward::via(&branch.id));
    writer.header(Name::MaxForwards, "70");
    for route in &branch.routes {
        writer.header(Name::Route, route);
    }
    let to = acknowledged.unwrap_or(invite).header(Name::To);
    for (name, value) in [
        (Name::From, invite.header(Name::From)),
        (Name::To, to),
        (Name::CallId, Some(invite.call_id())),
    ] {
        writer.header(name, value.unwrap_or_default());
    }
    let number = invite.cseq().map_or(0, |cseq| cseq.number);
    writer.header(Name::CSeq, &format!("{number} {method}"));
    writer
}
