//! INVITEs without an offer: the far end makes it in its 2xx, and our answer is in the
//! ACK (RFC 3261 §13.2.1, §14.1). Who controls calls of others has no media to offer
//! (RFC 3725). The media handler has the far end asked by an offer without text.

use super::exchange::Signalling;
use super::hold::is_hold;
use super::{Call, Job, Line, Want, sdp};
use crate::prelude::*;
use crate::sip::Message;
use crate::transaction::Request;

/// A 2xx with an offer, to the INVITE of this job and number.
pub(super) struct Delayed {
    job: Job,
    number: u32,
    cseq: u32,
    /// What its ACK bears, once that has been sent; the 2xx may come again.
    answer: Option<String>,
}

impl Call {
    /// Sends an INVITE that asks for an offer.
    pub(super) fn ask_for_offer(&mut self, line: &mut Line, job: Job, mut invite: Request) {
        // The offer would be in the first reliable answer, and ours in its PRACK.
        for (name, value) in &mut invite.headers {
            if name == "Supported" {
                *value = value.replace(" 100rel,", "");
            }
        }
        let number = match job {
            Job::Reinvite => line.number(),
            _ => 0,
        };
        line.send_numbered(self.id, job, number, invite);
        self.exchange.state = Signalling::Asked(number);
    }

    /// Whether the INVITE of this number asks for an offer.
    pub(super) fn asks_for_offer(&self, number: u32) -> bool {
        matches!(self.exchange.state, Signalling::Asked(asked) if asked == number)
    }

    /// Whether the ACK for `answer`, a 2xx, waits for the handler, or repeats what the
    /// handler said.
    pub(super) fn delays_ack(
        &mut self,
        line: &mut Line,
        job: Job,
        number: u32,
        answer: &Message,
    ) -> bool {
        if self.asks_for_offer(number) && sdp(answer).is_some() {
            self.exchange.delayed = Some(Delayed {
                job,
                number,
                cseq: answer.cseq().map_or(0, |cseq| cseq.number),
                answer: None,
            });
            return true;
        }
        let delayed = self.exchange.delayed.as_ref();
        let this = delayed.filter(|one| one.job == job && one.number == number);
        if this.is_some_and(|one| one.answer.is_some()) {
            self.send_ack(line);
        }
        this.is_some()
    }

    /// Has the offer in `answer`, a 2xx, answered. `false`: we did not ask for one, or
    /// it has none.
    pub(super) fn answer_in_ack(&mut self, line: &mut Line, answer: &Message) -> bool {
        let (Signalling::Asked(_), Some(offer)) = (&self.exchange.state, sdp(answer)) else {
            return false;
        };
        self.exchange.holding = self.exchange.want_hold;
        let state = Signalling::Delayed(is_hold(offer));
        self.ask(line, Want::Answer(offer.to_owned()), state);
        true
    }

    /// Sends the ACK with our answer: both sides agree.
    pub(super) fn acknowledge_with(&mut self, line: &mut Line, answer: String, holds: bool) {
        if let Some(delayed) = &mut self.exchange.delayed {
            delayed.answer = Some(answer);
        }
        self.send_ack(line);
        self.agree(line, holds, None);
    }

    /// There will be no answer, but their 2xx must not come again and again.
    pub(super) fn acknowledge_unanswered(&mut self, line: &mut Line) {
        let waits = |delayed: &Delayed| delayed.answer.is_none();
        if self.exchange.delayed.as_ref().is_some_and(waits) {
            self.send_ack(line);
            self.exchange.delayed = None;
        }
    }

    fn send_ack(&self, line: &mut Line) {
        if let Some(delayed) = &self.exchange.delayed {
            let mut ack = self.dialog.request("ACK");
            let answer = delayed.answer.clone();
            ack.content = answer.map(|answer| ("application/sdp".to_owned(), answer));
            line.acknowledge(self.id, delayed.job, delayed.number, ack, delayed.cseq);
        }
    }
}
