//! Client transactions for requests other than INVITE, over a reliable
//! transport (RFC 3261 §17.1.2): nothing is retransmitted, so a transaction is
//! a branch to match answers by and a time after which the flow counts as dead.

mod authenticator;

use crate::prelude::*;
use crate::text::{concat, decimal};
pub use authenticator::{Ask, Authenticator, Credentials, Learned, Secrets};

use crate::pool::FlowId;
use crate::rand::Random;
use crate::sip::{Message, WriteError, Writer};
use crate::time::{Duration, Instant};

/// Time for a final answer. Timer F's 32 s is what a user would stare at; on a
/// reliable transport a server that is silent for this long is gone.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// A timer that comes later than this was late because we slept, not the peer.
const OVERSLEPT: Duration = Duration::from_secs(2);

/// A request without its transaction: what stays the same when it is sent again
/// with credentials.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Method.
    pub method: &'static str,
    /// Request-URI.
    pub uri: String,
    /// `From` value with its tag.
    pub from: String,
    /// `To` value, with a tag inside a dialog.
    pub to: String,
    /// `Call-ID`.
    pub call_id: String,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
}

/// A transaction that waits for its final answer.
struct Transaction<P> {
    purpose: P,
    flow: FlowId,
    branch: String,
    request: Request,
    /// `None` while the app is asked for credentials: its time is its own.
    deadline: Option<Instant>,
    /// Had its extra time after a late timer.
    overslept: bool,
    /// Times it was sent again with credentials.
    challenged: u8,
}

/// The pending client transactions, each with a `purpose` that tells its owner
/// what the answer is for.
pub struct Transactions<P> {
    pending: Vec<Transaction<P>>,
    /// Last CSeq number of each Call-ID. RFC 3261 §10.2 wants steps of one.
    sequences: Vec<(String, u32)>,
    /// Host of our Via: nobody can resolve it, nobody needs to (RFC 7118 §5).
    host: String,
}

/// What an answer is.
pub enum Matched<P> {
    /// Matches nothing of ours.
    Nothing,
    /// Provisional: the final one is still to come.
    Provisional,
    /// Final.
    Final(P),
}

impl<P: Clone + PartialEq> Transactions<P> {
    /// No transactions yet; `host` goes into Via.
    pub fn new(host: String) -> Self {
        Self {
            pending: Vec::new(),
            sequences: Vec::new(),
            host,
        }
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
        let transaction = Transaction {
            purpose,
            flow,
            branch: String::new(),
            request,
            deadline: None,
            overslept: false,
            challenged: 0,
        };
        self.pending.push(transaction);
        self.write_last(now, context)
    }

    /// Sends the transaction for `purpose` again, with the credentials known
    /// by now. `None` if there is none, or it was challenged too often.
    pub fn resend(
        &mut self,
        now: Instant,
        purpose: &P,
        context: &mut Context<'_>,
    ) -> Option<Result<Vec<u8>, WriteError>> {
        let index = self
            .pending
            .iter()
            .position(|pending| pending.purpose == *purpose)?;
        let mut transaction = self.pending.remove(index);
        transaction.challenged += 1;
        // A server that challenges for ever must not keep us busy.
        if transaction.challenged > 4 {
            return None;
        }
        self.pending.push(transaction);
        Some(self.write_last(now, context))
    }

    fn write_last(
        &mut self,
        now: Instant,
        context: &mut Context<'_>,
    ) -> Result<Vec<u8>, WriteError> {
        let Some(mut transaction) = self.pending.pop() else {
            return Ok(Vec::new());
        };
        transaction.branch = concat(&["z9hG4bK", &context.random.hex::<8>()]);
        transaction.deadline = Some(now + ANSWER_TIMEOUT);
        let request = &transaction.request;
        let number = self.next_sequence(&request.call_id);
        let transport = if context.secure { "WSS" } else { "WS" };
        let mut writer = Writer::request(request.method, &request.uri);
        writer
            .header(
                "Via",
                &concat(&[
                    "SIP/2.0/",
                    transport,
                    " ",
                    &self.host,
                    ";branch=",
                    &transaction.branch,
                ]),
            )
            .header("Max-Forwards", "70")
            .header("From", &request.from)
            .header("To", &request.to)
            .header("Call-ID", &request.call_id)
            .header(
                "CSeq",
                &concat(&[&decimal(number.into()), " ", request.method]),
            );
        for (name, value) in request.headers.iter().chain(context.common) {
            writer.header(name, value);
        }
        let credentials =
            context
                .authenticator
                .authorize(request.method, &request.uri, context.random);
        for (name, value) in credentials {
            writer.header(name, &value);
        }
        let bytes = writer.finish()?;
        self.pending.push(transaction);
        Ok(bytes)
    }

    fn next_sequence(&mut self, call_id: &str) -> u32 {
        match self
            .sequences
            .iter_mut()
            .find(|(known, _)| known == call_id)
        {
            Some((_, number)) => {
                *number += 1;
                *number
            }
            None => {
                // A registration and a subscription, and a few of their past:
                // older Call-IDs are not used again.
                if self.sequences.len() >= 8 {
                    self.sequences.remove(0);
                }
                self.sequences.push((call_id.to_owned(), 1));
                1
            }
        }
    }

    /// Finds the transaction that `answer` belongs to (RFC 3261 §17.1.3).
    pub fn match_answer(&mut self, answer: &Message) -> Matched<P> {
        let branch = answer
            .top_via()
            .and_then(|via| via.branch())
            .unwrap_or_default();
        let method = answer.cseq().map(|cseq| cseq.method).unwrap_or_default();
        let found = self
            .pending
            .iter_mut()
            .find(|pending| pending.branch == branch && pending.request.method == method);
        match found {
            None => Matched::Nothing,
            Some(_) if answer.status() < 200 => Matched::Provisional,
            Some(transaction) => Matched::Final(transaction.purpose.clone()),
        }
    }

    /// Stops the clock of the transaction for `purpose`: the app is being asked.
    pub fn park(&mut self, purpose: &P) {
        for transaction in &mut self.pending {
            if transaction.purpose == *purpose {
                transaction.deadline = None;
                // No answer to the challenged request is expected any more.
                transaction.branch.clear();
            }
        }
    }

    /// Whether a transaction for `purpose` waits for its answer.
    pub fn is_pending(&self, purpose: &P) -> bool {
        self.pending
            .iter()
            .any(|pending| pending.purpose == *purpose)
    }

    /// Ends the transactions for `purpose`.
    pub fn end(&mut self, purpose: &P) {
        self.pending.retain(|pending| pending.purpose != *purpose);
    }

    /// Ends those of `flow`: it is gone, and the answers with it.
    pub fn lose(&mut self, flow: FlowId) {
        self.pending.retain(|pending| pending.flow != flow);
    }

    /// The flow that the transaction for `purpose` runs on.
    pub fn flow(&self, purpose: &P) -> Option<FlowId> {
        let pending = self
            .pending
            .iter()
            .find(|pending| pending.purpose == *purpose);
        pending.map(|pending| pending.flow)
    }

    /// Ends them all.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// Ends and returns the first transaction whose time is up. One whose timer
    /// is late gets its time again: its answer may be waiting to be read.
    pub fn expire(&mut self, now: Instant) -> Option<P> {
        let due = |pending: &Transaction<P>| pending.deadline.is_some_and(|at| at <= now);
        while let Some(index) = self.pending.iter().position(due) {
            let transaction = self.pending.get_mut(index)?;
            let late = transaction.deadline.is_some_and(|at| now - at > OVERSLEPT);
            if late && !transaction.overslept {
                transaction.overslept = true;
                transaction.deadline = Some(now + ANSWER_TIMEOUT);
                continue;
            }
            return Some(self.pending.remove(index).purpose);
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

/// What writing a request needs besides the request.
pub struct Context<'a> {
    /// Supplies the credentials.
    pub authenticator: &'a mut Authenticator,
    /// Branches and cnonces.
    pub random: &'a mut Random,
    /// Headers that every request carries.
    pub common: &'a [(String, String)],
    /// Whether the flow is TLS.
    pub secure: bool,
}
