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
//! passed on, not followed, but where a user deflects a call (see [`rules`](super::rules)).

use super::course::{Course, Why};
use super::forward;
use super::messages::{Kept, OTHERS_WAIT};
use super::proxy::Passed;
use super::records::outcome_of;
use super::ringing::Choice;
use super::unheard::Hearing;
use super::waking::{CALL_WAITS, Woken};
use super::{ConnectionId, Registrar};
use crate::account;
use crate::sip::{Message, Name, Writer};
use crate::time::{Duration, Instant};

/// How long an INVITE may ring: RFC 3261's timer C, "larger than 3 minutes".
pub(super) const RINGING: Duration = Duration::from_secs(190);

/// How long other requests wait, and how long an answered INVITE is remembered
/// for its ACK and for further 2xx: 64·T1.
pub(super) const PATIENCE: Duration = Duration::from_secs(32);

/// What the sender of a message hears that nobody has taken yet (RFC 3428 §7).
pub(super) const ACCEPTED: (u16, &str) = (202, "Accepted");

/// Why those ring no more who have not answered (RFC 3326).
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

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
    /// Of a call, what decides where it rings.
    pub choice: Option<Choice>,
    /// Who was woken for it, until they are told that it rings no more.
    pub woken: Option<Woken>,
    /// Of a message, that it is kept, and so accepted if nobody takes it.
    pub kept: Option<Kept>,
    /// Who has sent it on.
    pub course: Course,
    /// The first branch that rings since it was sent on.
    pub stage: usize,
    /// Since when it rings there.
    pub rings_since: Option<Instant>,
}

/// One copy of it.
pub(super) struct Branch {
    /// The Via branch, which its answers bring back.
    pub id: String,
    pub to: End,
    pub uri: String,
    /// Route values that it was sent with.
    pub routes: Vec<String>,
    /// Whether it has answered anything at all.
    pub hearing: Hearing,
    /// Whether it has said that it rings.
    pub rang: bool,
    /// Whether it was told to ring no more.
    pub cancelled: bool,
    /// The tag of the device that rings.
    pub tag: Option<String>,
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
    pub fn new(request: Message, passed: Passed, branches: Vec<Branch>, now: Instant) -> Self {
        let patience = match request.method() {
            "INVITE" if branches.is_empty() => CALL_WAITS,
            "INVITE" => RINGING,
            _ if passed.kept.is_some() => OTHERS_WAIT,
            _ => PATIENCE,
        };
        let rings = request.method() == "INVITE" && !branches.is_empty();
        Self {
            from: passed.from,
            request,
            branches,
            until: now + patience,
            answered: None,
            over: false,
            choice: passed.choice,
            woken: passed.woken,
            kept: passed.kept,
            course: passed.course,
            stage: 0,
            rings_since: rings.then_some(now),
        }
    }

    /// Whether it may still be answered by a device that it was not sent to yet.
    pub fn is_open(&self) -> bool {
        self.answered.is_none() && !self.over
    }

    /// The branches that ring since it was sent on, or did.
    pub fn ringing(&self) -> &[Branch] {
        self.branches.get(self.stage..).unwrap_or_default()
    }

    /// It was answered so.
    pub fn end(&mut self, status: u16, now: Instant) {
        self.answered = Some(status);
        self.until = now + PATIENCE;
    }

    /// Whether it is a message that somebody is yet to get.
    fn is_due(&self) -> bool {
        let kept = self.kept.as_ref();
        kept.is_some_and(|kept| kept.is_due(&self.branches))
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
    pub fn best_failure(&self) -> Option<(u16, &Vec<u8>)> {
        let failures = self
            .ringing()
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
        if let Some(index) = position.filter(|_| answer.status() >= 200) {
            self.copy_answered(index, connection, answer.status());
        }
        let Some(relay) = position.and_then(|index| self.relays.get_mut(index)) else {
            self.counters.strays += 1;
            return;
        };
        let origin = relay.from;
        let invite = relay.is_invite();
        let stage = relay.stage;
        let found = relay.branches.iter_mut().enumerate();
        let Some((index, branch)) = found.into_iter().find(|(_, branch)| branch.id == id) else {
            return;
        };
        branch.hearing = Hearing::Heard;
        let rings = index >= stage;
        match answer.status() {
            // Ours went back at once.
            ..=100 => {}
            101..=199 => {
                branch.tag = answer.to_tag().map(str::to_owned);
                relay.until = now + RINGING;
                if relay.answered.is_none() && branch.outcome.is_none() && rings {
                    branch.rang = true;
                    let callee = branch.to;
                    self.record_rings(position, callee);
                    self.send(origin.connection, passed);
                }
            }
            200..=299 => {
                branch.outcome = Some(Outcome::Accepted);
                let callee = branch.to;
                let first = relay.answered.is_none();
                relay.end(answer.status(), now);
                if invite {
                    self.record_answered(position, answer, [origin, callee]);
                }
                // Every 2xx to an INVITE makes a dialog of its own (§13.2.2.4).
                if first || invite {
                    self.send(origin.connection, passed);
                }
                if first && invite {
                    self.cancel_branches(position, Some(ELSEWHERE));
                }
            }
            status => {
                let ack =
                    invite.then(|| branch_request("ACK", &relay.request, branch, Some(answer)));
                let deflects = rings && matches!(status, 301 | 302);
                let deflects = deflects && branch.outcome.is_none() && !branch.cancelled;
                if branch.outcome.is_none() {
                    branch.outcome = Some(Outcome::Failed {
                        status,
                        answer: passed,
                    });
                }
                if let Some(mut ack) = ack {
                    self.send_written(connection, ack.finish());
                }
                if let Some(relay) = position.filter(|_| deflects) {
                    self.deflect(relay, answer);
                }
                if invite && status >= 600 && rings {
                    let reason = format!("SIP;cause={status};text=\"Declined for all devices\"");
                    match position {
                        // No refusal: there may be a rule for it.
                        Some(index) if status == 600 => self.cancel_open(index, Some(&reason)),
                        _ => self.cancel_branches(position, Some(&reason)),
                    }
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
        let reason = request.header(Name::Reason);
        let taken = reason.is_none() && self.is_taken_over(request.call_id());
        let reason = reason.or(taken.then_some(ELSEWHERE));
        self.cancel_branches(position, reason);
        // Nobody may have it yet.
        self.settle();
    }

    /// Whether somebody else has a call that rings: by an INVITE that names it (RFC 3891).
    /// The caller then cancels it, and those who ring shall not take it for missed.
    fn is_taken_over(&self, call_id: &str) -> bool {
        let names = |relay: &Relay| {
            let replaces = relay.request.header(Name::Replaces).unwrap_or_default();
            replaces.split(';').next().map(str::trim) == Some(call_id)
        };
        let mut accepted = self.relays.iter().filter(|relay| {
            let status = relay.answered.unwrap_or_default();
            relay.is_invite() && (200..300).contains(&status)
        });
        accepted.any(names)
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
            self.record_given_up(index);
        }
        // Of a message that is kept, whoever has it has yet to say so.
        self.relays
            .retain(|relay| relay.from.connection != connection || relay.kept.is_some());
        self.settle();
    }

    /// Gives up on requests that nobody answered in time.
    pub(super) fn expire_relays(&mut self) {
        let now = self.now;
        self.wake_unheard();
        self.divert_unanswered();
        let is_due = |relay: &Relay| relay.until <= now;
        let due = |registrar: &Self, index: usize| registrar.relays.get(index).is_some_and(is_due);
        for index in 0..self.relays.len() {
            let waits = self.relays.get(index).is_some_and(Relay::is_waiting);
            // Those that a call waited for did not come.
            if due(self, index) && !(waits && self.divert(index, Why::Offline)) {
                self.cancel_branches(Some(index), None);
                self.accept_kept(index);
            }
        }
        for relay in self
            .relays
            .extract_if(.., |relay| is_due(relay))
            .collect::<Vec<_>>()
        {
            let origin = relay.from.connection;
            let (status, reason) = match relay.ringing().is_empty() {
                true => (480, "Temporarily Unavailable"),
                // Nobody is told of a non-INVITE that timed out (RFC 4320 §4.2).
                false if !relay.is_invite() => continue,
                false => (408, "Request Timeout"),
            };
            if relay.answered.is_none() {
                self.record_failed(&relay.request, account::Outcome::of(status));
                self.answer(origin, &relay.request, status, reason, &[]);
            }
        }
    }

    /// Tells the sender of a message that it is kept for those that have not answered in
    /// time, and goes on to wait for them.
    fn accept_kept(&mut self, relay: usize) {
        let relay = self.relays.get_mut(relay);
        let is_open = |relay: &&mut Relay| relay.is_open() && relay.is_due();
        if let Some(relay) = relay.filter(is_open) {
            let (status, reason) = ACCEPTED;
            relay.end(status, self.now);
            let (origin, request) = (relay.from.connection, relay.request.clone());
            self.answer(origin, &request, status, reason, &[]);
        }
    }

    pub(super) fn cancel_branches(&mut self, relay: Option<usize>, reason: Option<&str>) {
        let Some(index) = relay else { return };
        let Some(relay) = self.relays.get_mut(index).filter(|relay| relay.is_invite()) else {
            return;
        };
        relay.over = true;
        self.cancel_open(index, reason);
        self.withdraw_pushes();
    }

    /// Tells those who ring to ring no more.
    pub(super) fn cancel_open(&mut self, relay: usize, reason: Option<&str>) {
        let Some(relay) = self.relays.get_mut(relay) else {
            return;
        };
        let mut cancels = Vec::new();
        for branch in &mut relay.branches {
            if branch.outcome.is_some() || branch.cancelled {
                continue;
            }
            branch.cancelled = true;
            let mut cancel = branch_request("CANCEL", &relay.request, branch, None);
            if let Some(reason) = reason {
                cancel.header(Name::Reason, reason);
            }
            cancels.push((branch.to.connection, cancel.finish()));
        }
        for (connection, cancel) in cancels {
            self.send_written(connection, cancel);
        }
    }

    /// Where all branches have failed, does what rules say, or passes the best failure
    /// back; and forgets what is over.
    pub(super) fn settle(&mut self) {
        self.stale = true;
        for index in 0..self.relays.len() {
            let has_failed = |relay: &Relay| {
                let open = relay
                    .ringing()
                    .iter()
                    .any(|branch| branch.outcome.is_none());
                !open && relay.answered.is_none() && !relay.is_waiting()
            };
            // Who gets it then may have failed already.
            while self.relays.get(index).is_some_and(has_failed) {
                if !self.divert_failed(index) {
                    self.pass_failure(index);
                }
            }
        }
        self.relays.retain(|relay| {
            let open = relay.branches.iter().any(|branch| branch.outcome.is_none());
            open || relay.is_invite() || relay.is_waiting()
        });
        self.withdraw_pushes();
    }

    fn pass_failure(&mut self, relay: usize) {
        let now = self.now;
        let Some(relay) = self.relays.get_mut(relay) else {
            return;
        };
        let origin = relay.from.connection;
        let due = relay.is_due();
        let best = relay.best_failure().filter(|_| !due);
        let best = best.map(|(status, answer)| (status, answer.clone()));
        let (status, reason) = match (&best, relay.over) {
            _ if due => ACCEPTED,
            (Some((status, _)), _) => (*status, ""),
            (None, true) => (487, "Request Terminated"),
            (None, false) => (480, "Temporarily Unavailable"),
        };
        relay.end(status, now);
        let request = relay.request.clone();
        match best {
            Some((_, answer)) => {
                self.record_failed(&request, outcome_of(status, &answer));
                self.send(origin, answer);
            }
            None => {
                self.record_failed(&request, account::Outcome::of(status));
                self.answer(origin, &request, status, reason, &[]);
            }
        }
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
