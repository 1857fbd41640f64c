//! Transactions over a reliable transport (RFC 3261 §17, RFC 6026): nothing is
//! retransmitted, so a client transaction is a branch to match answers by and a
//! time after which nobody will answer, and a server transaction is the request
//! that its owner still has to answer.

mod answers;
mod authenticator;
mod request;
mod resend;
mod sequences;

use crate::prelude::*;
pub use answers::Matched;
pub use authenticator::{Ask, Authenticator, Credentials, Learned, Once, Reach, Secrets, Subject};
pub use request::{Context, Request};
pub use resend::{Due, Resend};

use crate::flow::FlowId;
use crate::sip::WriteError;
use crate::text::cut;
use crate::time::{Duration, Instant};
use request::Sent;
use sequences::Sequences;

/// Time for the registrar's first answer. Timer F's 32 s is what a user would
/// stare at; on a reliable transport a server that is silent for this long is gone.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// 64·T1: timers B, F, L and M. Requests to another phone wait this long.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(32);
/// A timer that comes later than this was late because we slept, not the peer.
pub(crate) const OVERSLEPT: Duration = Duration::from_secs(2);

/// The client transaction's state; what is over is gone, because a reliable
/// transport brings nothing twice.
///
/// ```text
///                          2xx to INVITE
///             1xx        ┌───────────────► Accepted (32 s for other forks' 2xx)
///  Waiting ──────► Proceeding (INVITE: no clock runs; others: 32 s in all)
///    ▲ flow back         └───────────────► over (ACK, if it is an INVITE)
///    │                     3xx–6xx
///  Suspended (flow lost, or the app is asked for credentials)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Proceeding,
    Accepted,
    Suspended,
}

/// A transaction that waits for its final answer.
struct Transaction<P> {
    purpose: P,
    flow: FlowId,
    state: State,
    sent: Sent,
    deadline: Option<Instant>,
    /// Had its extra time after a late timer.
    overslept: bool,
    /// Times it was sent again with credentials.
    challenged: u8,
    cancelled: bool,
    /// Why a message was dropped that may have been its answer.
    dropped: Option<&'static str>,
    sent_at: Instant,
}

/// The pending client transactions, each with a `purpose` that tells its owner
/// what the answer is for.
pub struct Transactions<P> {
    pending: Vec<Transaction<P>>,
    sequences: Sequences,
    /// Host of our Via: nobody can resolve it, nobody needs to (RFC 7118 §5).
    host: String,
}

impl<P: Clone + PartialEq> Transactions<P> {
    /// No transactions yet; `host` goes into Via.
    pub fn new(host: String) -> Self {
        Self {
            pending: Vec::new(),
            sequences: Sequences::default(),
            host,
        }
    }

    /// Remembers the numbers of so many Call-IDs more.
    #[cfg(feature = "third-party")]
    pub fn remember_more(&mut self, more: usize) {
        self.sequences.remember_more(more);
    }

    /// Requests with this Call-ID have numbers above `last`.
    pub fn count(&mut self, call_id: &str, last: u32) {
        self.sequences.set(call_id, last);
    }

    /// Sends `request` on `flow`: the bytes to write to it.
    pub fn send(
        &mut self,
        now: Instant,
        flow: FlowId,
        purpose: P,
        request: Request,
        context: &mut Context<'_>,
    ) -> Result<Vec<u8>, WriteError> {
        self.hold(purpose, request, None);
        if let Some(last) = self.pending.last_mut() {
            last.flow = flow;
        }
        self.write_last(now, None, context)
    }

    /// Keeps `request` until there is a flow for it, at most until `deadline`:
    /// see [`Transactions::suspended`].
    pub fn hold(&mut self, purpose: P, request: Request, deadline: Option<Instant>) {
        self.pending.push(Transaction {
            purpose,
            flow: FlowId::default(),
            state: State::Suspended,
            sent: Sent {
                request,
                branch: String::new(),
                number: 0,
                credentials: Vec::new(),
            },
            deadline,
            overslept: false,
            challenged: 0,
            cancelled: false,
            dropped: None,
            sent_at: Instant::default(),
        });
    }

    /// Sends the transaction for `purpose` again, with the credentials known
    /// by now, and what answers the challenge that came `once`, for it alone.
    /// `None` if there is none, or it was challenged too often.
    pub fn resend(
        &mut self,
        now: Instant,
        purpose: &P,
        once: Option<&Once>,
        context: &mut Context<'_>,
    ) -> Option<Result<Vec<u8>, WriteError>> {
        let index = self.position(purpose)?;
        let mut transaction = self.pending.remove(index);
        transaction.challenged += 1;
        // A server that challenges for ever must not keep us busy.
        if transaction.challenged > 4 {
            return None;
        }
        self.pending.push(transaction);
        Some(self.write_last(now, once, context))
    }

    fn write_last(
        &mut self,
        now: Instant,
        once: Option<&Once>,
        context: &mut Context<'_>,
    ) -> Result<Vec<u8>, WriteError> {
        let Some(mut transaction) = self.pending.pop() else {
            return Ok(Vec::new());
        };
        let sent = &mut transaction.sent;
        let number = match sent.request.stands_alone() {
            true => sent.number + 1,
            false => self.sequences.next(&sent.request.call_id),
        };
        let method = sent.request.method;
        sent.branch = context.branch();
        sent.number = number;
        let registrar = match method {
            "REGISTER" | "OPTIONS" => true,
            // Our own state is the server's to keep; others' is told by others.
            "SUBSCRIBE" | "PUBLISH" => {
                let Request { from, to, .. } = &sent.request;
                cut(from, b'>').map(|(aor, _)| aor) == cut(to, b'>').map(|(aor, _)| aor)
            }
            _ => false,
        };
        let body = sent.request.content.as_ref();
        let subject = Subject {
            method,
            uri: &sent.request.uri,
            body: body.map_or(b"", |(_, body)| body.as_bytes()),
            to_server: registrar,
        };
        sent.credentials = context
            .authenticator
            .authorize(&subject, once, context.random);
        transaction.state = State::Waiting;
        transaction.sent_at = now;
        transaction.deadline = Some(
            now + if registrar {
                ANSWER_TIMEOUT
            } else {
                LONG_TIMEOUT
            },
        );
        let to = &sent.request.to;
        let bytes = sent.write(method, to, None, &self.host, context)?;
        self.pending.push(transaction);
        Ok(bytes)
    }

    /// The ACK for a 2xx: a transaction of its own, which is over at once
    /// (RFC 3261 §13.2.2.4). `request` is the ACK, `number` the INVITE's.
    pub fn write_ack(
        &self,
        invite: &P,
        request: Request,
        number: u32,
        context: &mut Context<'_>,
    ) -> Result<Vec<u8>, WriteError> {
        let invite = self.position(invite).and_then(|at| self.pending.get(at));
        let ack = Sent {
            branch: context.branch(),
            number,
            credentials: invite.map_or_else(Vec::new, |invite| invite.sent.credentials.clone()),
            request,
        };
        ack.write("ACK", &ack.request.to, None, &self.host, context)
    }

    /// The CANCEL of the INVITE for `purpose`: once, and not before a
    /// provisional answer (RFC 3261 §9.1). From then on its final answer has
    /// 64·T1 to come.
    pub fn cancel(
        &mut self,
        now: Instant,
        purpose: &P,
        reason: Option<&str>,
        context: &Context<'_>,
    ) -> Option<Vec<u8>> {
        let index = self.position(purpose)?;
        let transaction = self.pending.get_mut(index)?;
        if transaction.state != State::Proceeding || transaction.cancelled {
            return None;
        }
        transaction.cancelled = true;
        transaction.deadline = Some(now + LONG_TIMEOUT);
        let sent = &transaction.sent;
        let reason = reason.map(|reason| ("Reason", reason));
        let to = &sent.request.to;
        sent.write("CANCEL", to, reason, &self.host, context).ok()
    }

    fn position(&self, purpose: &P) -> Option<usize> {
        self.pending
            .iter()
            .position(|pending| pending.purpose == *purpose)
    }

    /// Stops the clock of the transaction for `purpose`: the app is being asked.
    pub fn park(&mut self, purpose: &P) {
        for transaction in &mut self.pending {
            if transaction.purpose == *purpose {
                transaction.suspend();
            }
        }
    }

    /// Whether a transaction for `purpose` waits for its answer.
    pub fn is_pending(&self, purpose: &P) -> bool {
        self.position(purpose).is_some()
    }

    /// Whether there is one of those that `belongs` names; an INVITE counts for
    /// 32 s after its 2xx.
    pub fn any(&self, belongs: impl Fn(&P) -> bool) -> bool {
        self.pending.iter().any(|pending| belongs(&pending.purpose))
    }

    /// The same, without accepted INVITEs: an answer is waited for.
    pub fn any_waits(&self, belongs: impl Fn(&P) -> bool) -> bool {
        let waits = |pending: &Transaction<P>| pending.state != State::Accepted;
        self.pending
            .iter()
            .any(|pending| waits(pending) && belongs(&pending.purpose))
    }

    /// Whether the request for `purpose` has answered a challenge.
    pub fn was_challenged(&self, purpose: &P) -> bool {
        let pending = self.position(purpose).and_then(|at| self.pending.get(at));
        pending.is_some_and(|pending| pending.challenged > 0)
    }

    /// Ends the transactions for `purpose`.
    pub fn end(&mut self, purpose: &P) {
        self.pending.retain(|pending| pending.purpose != *purpose);
        // An idle phone keeps no room for them.
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
    }

    /// The transaction for `purpose` has its final answer. An accepted INVITE stays, for
    /// what its other forks may still answer.
    pub fn finish(&mut self, purpose: &P) {
        let pending = self.position(purpose).and_then(|at| self.pending.get(at));
        if pending.is_none_or(|pending| pending.state != State::Accepted) {
            self.end(purpose);
        }
    }

    /// Ends one of them.
    pub fn take(&mut self) -> Option<P> {
        self.pending.pop().map(|pending| pending.purpose)
    }

    /// `flow` is gone, and the answers with it: ends its transactions, but keeps
    /// those that `stays` names until there is another, at most until `deadline`.
    pub fn lose(&mut self, flow: FlowId, deadline: Instant, stays: impl Fn(&P) -> bool) {
        self.pending.retain(|pending| {
            let waits = pending.state != State::Accepted && stays(&pending.purpose);
            pending.flow != flow || waits
        });
        for transaction in &mut self.pending {
            if transaction.flow == flow && transaction.state != State::Suspended {
                transaction.suspend();
                transaction.deadline = Some(deadline);
                transaction.challenged = 0;
            }
        }
    }

    /// The flow that the transaction for `purpose` runs on.
    pub fn flow(&self, purpose: &P) -> Option<FlowId> {
        let pending = self.position(purpose).and_then(|at| self.pending.get(at));
        pending.map(|pending| pending.flow)
    }

    /// One that waits for a flow: it gets `flow`, to be sent with
    /// [`Transactions::resend`].
    pub fn suspended(&mut self, flow: FlowId) -> Option<P> {
        let mut pending = self.pending.iter_mut();
        let found = pending
            .find(|pending| pending.state == State::Suspended && pending.deadline.is_some())?;
        found.flow = flow;
        Some(found.purpose.clone())
    }

    /// The transaction for `purpose` runs on `flow` from now on.
    pub fn move_to(&mut self, purpose: &P, flow: FlowId) {
        let at = self.position(purpose);
        if let Some(transaction) = at.and_then(|at| self.pending.get_mut(at)) {
            transaction.flow = flow;
        }
    }

    /// Ends and returns the first transaction whose time is up, with the reason if
    /// a message was dropped meanwhile. One whose timer is late gets its time again:
    /// its answer may be waiting to be read.
    pub fn expire(&mut self, now: Instant) -> Option<(P, Option<&'static str>)> {
        let due = |pending: &Transaction<P>| pending.deadline.is_some_and(|at| at <= now);
        while let Some(index) = self.pending.iter().position(due) {
            let transaction = self.pending.get_mut(index)?;
            let late = transaction.deadline.is_some_and(|at| now - at > OVERSLEPT);
            if late && !transaction.overslept {
                transaction.overslept = true;
                transaction.deadline = Some(now + ANSWER_TIMEOUT);
                continue;
            }
            let ended = self.pending.remove(index);
            if ended.state != State::Accepted {
                return Some((ended.purpose, ended.dropped));
            }
        }
        None
    }

    /// When [`Transactions::expire`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.pending
            .iter()
            .filter_map(|pending| pending.deadline)
            .min()
    }
}

impl<P> Transaction<P> {
    fn suspend(&mut self) {
        self.state = State::Suspended;
        self.deadline = None;
        // No answer to what was sent is expected any more.
        self.sent.branch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::sequences::MOST;
    use super::{Authenticator, Context, Request, Secrets, Transactions};
    use crate::flow::FlowId;
    use crate::prelude::*;
    use crate::rand::Random;
    use crate::time::{Duration, Instant};

    /// Asleep again: its answer was not there the first time either.
    #[test]
    fn a_request_whose_timer_is_late_gets_its_time_once_more_and_no_further() {
        let at = |seconds| Instant::default() + Duration::from_secs(seconds);
        let mut transactions = Transactions::new("host".into());
        let request = Request {
            method: "MESSAGE",
            uri: String::new(),
            from: String::new(),
            to: String::new(),
            call_id: String::new(),
            headers: Vec::new(),
            content: None,
        };
        transactions.hold("message", request, Some(at(8)));
        assert_eq!(transactions.expire(at(7)), None);
        assert_eq!(transactions.expire(at(20)), None);
        assert_eq!(transactions.poll_timeout(), Some(at(28)));
        assert_eq!(transactions.expire(at(60)), Some(("message", None)));
    }

    #[test]
    fn requests_that_nothing_follows_push_no_number_out() {
        let number = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            let line = text.lines().find(|line| line.starts_with("CSeq: "));
            line.unwrap().to_owned()
        };
        let mut authenticator = Authenticator::new(Secrets::default());
        let mut random = Random::from_seed([1; 32]);
        let mut context = Context {
            authenticator: &mut authenticator,
            random: &mut random,
            common: &[],
            instance: None,
            secure: true,
        };
        let mut transactions = Transactions::new("host".into());
        let request = |method, call_id: &str, to: &str| Request {
            method,
            uri: "sip:b".into(),
            from: "<sip:a>;tag=1".into(),
            to: to.into(),
            call_id: call_id.into(),
            ..Request::default()
        };
        let now = Instant::default();
        let mut send = |purpose: usize, request| {
            let flow = FlowId::default();
            let sent = transactions.send(now, flow, purpose, request, &mut context);
            transactions.end(&purpose);
            number(sent.unwrap())
        };
        let inside = || request("INVITE", "call", "<sip:b>;tag=2");
        assert_eq!(send(0, inside()), "CSeq: 1 INVITE");
        for other in 0..2 * MOST {
            let alone = request("OPTIONS", &other.to_string(), "<sip:b>");
            assert_eq!(send(1, alone), "CSeq: 1 OPTIONS");
        }
        assert_eq!(send(0, inside()), "CSeq: 2 INVITE");
    }
}
