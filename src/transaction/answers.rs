//! Which request an answer belongs to, and what it does to its transaction.

use super::{Context, LONG_TIMEOUT, State, Transactions};
use crate::flow::FlowId;
use crate::prelude::*;
use crate::sip::{Message, Name, NameAddr};
use crate::time::Instant;

/// What an answer is.
pub enum Matched<P> {
    /// Matches nothing of ours.
    Nothing,
    /// Provisional: the final one is still to come.
    Provisional(P),
    /// Final.
    Final(P),
}

impl<P: Clone + PartialEq> Transactions<P> {
    /// RFC 3261 §17.1.3.
    fn find(&self, answer: &Message) -> Option<usize> {
        let branch = answer.branch()?;
        let method = answer.cseq()?.method;
        self.pending.iter().position(|pending| {
            pending.sent.branch == branch && pending.sent.request.method == method
        })
    }

    /// Finds the transaction that `answer` belongs to, and takes it further.
    pub fn match_answer(&mut self, now: Instant, answer: &Message) -> Matched<P> {
        let found = self.find(answer).and_then(|at| self.pending.get_mut(at));
        let Some(transaction) = found else {
            return Matched::Nothing;
        };
        let purpose = transaction.purpose.clone();
        let invite = transaction.sent.request.method == "INVITE";
        let accepted = transaction.state == State::Accepted;
        match answer.status() {
            // After a 2xx only further ones count (RFC 6026 §7.2).
            status if accepted && !(200..300).contains(&status) => Matched::Nothing,
            ..200 => {
                if transaction.state == State::Waiting {
                    transaction.state = State::Proceeding;
                    // The server lives: the request has the rest of timer F.
                    let deadline = transaction.sent_at + LONG_TIMEOUT;
                    transaction.deadline = (!invite).then_some(deadline);
                }
                Matched::Provisional(purpose)
            }
            200..300 if invite => {
                if !accepted {
                    transaction.state = State::Accepted;
                    transaction.deadline = Some(now + LONG_TIMEOUT);
                }
                Matched::Final(purpose)
            }
            _ => Matched::Final(purpose),
        }
    }

    /// Whether `answer`, which matches nothing, has Call-ID and CSeq of a request
    /// that waits: somebody has written over its branch.
    pub fn misses(&self, answer: &Message) -> bool {
        let Some(cseq) = answer.cseq() else {
            return false;
        };
        self.pending.iter().any(|pending| {
            let sent = &pending.sent;
            pending.state == State::Waiting
                && sent.number == cseq.number
                && sent.request.method == cseq.method
                && sent.request.call_id == answer.call_id()
        })
    }

    /// A message that came by `flow` was dropped, for this reason: it may be the
    /// answer that somebody waits for. The method of the first such request that
    /// did not hear of one before.
    pub fn note_dropped(&mut self, flow: FlowId, why: &'static str) -> Option<&'static str> {
        let mut method = None;
        for transaction in &mut self.pending {
            let waits = matches!(transaction.state, State::Waiting | State::Proceeding);
            if waits && transaction.flow == flow && transaction.dropped.is_none() {
                transaction.dropped = Some(why);
                method = method.or(Some(transaction.sent.request.method));
            }
        }
        method
    }

    /// The ACK for a failure of an INVITE, part of its transaction (RFC 3261
    /// §17.1.1.3).
    pub fn acknowledge(&self, answer: &Message, context: &Context<'_>) -> Option<Vec<u8>> {
        let sent = &self.pending.get(self.find(answer)?)?.sent;
        let to = answer.header(Name::To).unwrap_or(&sent.request.to);
        let to = NameAddr::echo(to);
        let failure = sent.request.method == "INVITE" && answer.status() >= 300;
        failure.then(|| sent.write("ACK", &to, None, &self.host, context).ok())?
    }
}
