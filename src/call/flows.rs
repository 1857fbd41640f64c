//! Calls and the flows that they run on. A new call takes one of the open flows,
//! and whatever belongs to it stays there; when that flow is lost, the call goes
//! on over the one that the phone registers on next: it tells the far end its
//! Contact anew, and media look for a new path (an ICE restart, RFC 8445 §2.4).
//!
//! ```text
//!            flow lost             registered again           agreed
//!  On a flow ─────────► Lost ──────────────────► Recovering ─────────► On a flow
//!                        │ 12 s                    │ 12 s, or 481
//!                        └──────────► Over ◄───────┘
//! ```

use super::exchange::Renewal;
use super::{Action, Call, Calls, Cause, Line, Phase};
use crate::fault::Situation;
use crate::flow::{FLOW_FAILED, FLOW_GRACE, FlowId};
use crate::sip::Message;
use crate::time::{Duration, Instant};

/// A far end that is there answers a re-INVITE sooner.
const STUCK: Duration = Duration::from_secs(2);
/// Between two attempts to reach a far end that may have lost its flow as well.
const AGAIN: Duration = Duration::from_secs(1);

impl Calls {
    pub(super) fn set_flows(&mut self, open: &[FlowId], home: Option<FlowId>) {
        let Self { list, line, .. } = self;
        line.flows.set(open, home);
        for call in list.iter_mut() {
            if call.flow.take_if(|flow| !open.contains(flow)).is_some() {
                call.flow_down(line);
            }
            if call.flow.is_none() && home.is_some() {
                call.flow = home;
                call.flow_up(line);
            }
        }
    }

    /// Media arrive no more: the call looks for a new path, as when its flow is
    /// lost, and as long.
    pub fn media_lost(&mut self, now: Instant, id: u32) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id)
            && let Some(established) = call.established()
        {
            established.lost_until.get_or_insert(now + FLOW_GRACE);
            call.flow_up(line);
        }
    }
}

impl Call {
    /// Calls that are not answered yet go with the flow, because their answers
    /// would come, or go, by it; one that rings may come anew by the next. Others wait.
    fn flow_down(&mut self, line: &mut Line) {
        self.session_lost(line);
        match &mut self.phase {
            Phase::Established(established) => {
                established.lost_until.get_or_insert(line.now + FLOW_GRACE);
                // Their request cannot be answered any more.
                if self.exchange.asked().is_some() {
                    self.roll_back(line);
                } else if let Some(queued) = self.exchange.queued() {
                    *queued = None;
                }
            }
            Phase::Over => {}
            _ => {
                if let Some(invite) = self.asked() {
                    line.forget(invite);
                }
                self.end_as(line, Cause::Failed, Situation::FlowLost, None);
            }
        }
    }

    /// Its flow was lost, or its media, and nothing was agreed over another one yet.
    pub(super) fn is_recovering(&self) -> bool {
        matches!(&self.phase, Phase::Established(established) if established.lost_until.is_some())
    }

    pub(super) fn flow_up(&mut self, line: &mut Line) {
        if self.is_recovering() {
            self.exchange.want(Renewal::Restart);
            self.advance(line);
        }
    }

    /// 430 to our INVITE: it takes another flow, once. `false`: there is none.
    pub(super) fn invite_elsewhere(&mut self, line: &mut Line) -> bool {
        let Phase::Calling(outgoing) = &mut self.phase else {
            return false;
        };
        let mut open = line.flows.open.iter();
        let other = open.find(|flow| Some(**flow) != self.flow).copied();
        let again = outgoing.tried == 0 && other.is_some();
        outgoing.tried += 1;
        if again {
            self.flow = other;
            self.again(line);
        }
        again
    }

    /// A re-INVITE could not reach the far end, which may be about to come back
    /// itself. `false`: this call is not recovering.
    pub(super) fn try_again(&mut self, line: &mut Line) -> bool {
        let recovering = self.is_recovering();
        if recovering {
            self.exchange.want(Renewal::Restart);
            self.exchange.retry_at = Some(line.now + AGAIN);
            self.roll_back(line);
        }
        recovering
    }

    /// 430 to a re-INVITE (RFC 5626 §5.3.1): a flow on its way is lost, ours or the
    /// far end's, which may be about to come back. The registration is looked at,
    /// and the offer made again, for as long as a call outlives a flow. `false`:
    /// that was in vain, and 430 is a refusal like any other (§11.5).
    pub(super) fn flow_failed(&mut self, line: &mut Line) -> bool {
        let until = &mut self.exchange.reachable_by;
        if until.is_none() {
            line.actions.push(Action::Look);
        }
        let patient = line.now < *until.get_or_insert(line.now + FLOW_GRACE);
        if patient {
            self.offer_again(line, AGAIN);
        }
        patient
    }

    /// Whether their re-INVITE goes before ours that is pending, against RFC 3261
    /// §14.2: both sides lost their connection, and ours went to the one that the
    /// far end had before, where nobody will ever answer. It is certain of the
    /// side that would back off first anyway, and of the other after a while.
    pub(super) fn yields(&self, line: &Line, since: Instant) -> bool {
        let stuck = line.now - since >= STUCK;
        self.is_recovering() && (!self.ours || stuck)
    }

    pub(super) fn lost_for_long(&mut self, line: &mut Line) {
        self.leave(line, 480, None);
        let at = match self.flow {
            Some(_) => Situation::FarEndLost,
            None => Situation::FlowStayedAway,
        };
        self.end_as(line, Cause::Failed, at, None);
    }
}

/// Whether a failure tells of the way to the far end, not of the far end: it, or
/// a node between, may have lost its connection a moment ago. 430 is RFC 5626's
/// word for it, the others are those of servers that do not know it.
pub(super) fn is_out_of_reach(answer: &Message) -> bool {
    matches!(
        answer.status(),
        404 | 408 | 410 | FLOW_FAILED | 477 | 480 | 500 | 502 | 503 | 504
    )
}
