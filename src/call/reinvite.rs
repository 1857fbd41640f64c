//! Our re-INVITE and what comes of it (RFC 3261 §14.1). One that fails changes
//! nothing (RFC 6141); an answer that cannot be taken changes nothing here, but the
//! far end has agreed to our offer: it gets another one.

use super::exchange::{Offered, Renewal, Signalling};
use super::{Call, Cause, FLOW_FAILED, Line, dialog_headers, flows, refusal, sdp};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::Message;
use crate::time::Duration;

impl Call {
    pub(super) fn reinvite(&mut self, line: &mut Line, offer: String) {
        let mut request = self.dialog.request("INVITE");
        request.headers.extend(dialog_headers(&self.contact));
        self.session.offer(&mut request);
        #[cfg(feature = "third-party")]
        if offer.is_empty() && !self.is_session() {
            return self.ask_for_offer(line, super::Job::Reinvite, request);
        }
        self.put_content(&mut request, &offer);
        let number = line.send(self.id, self.renewal(), request);
        self.exchange.state = Signalling::Offered(Offered::new(number, line.now, &offer));
    }

    pub(super) fn reinvite_answered(&mut self, line: &mut Line, number: u32, answer: &Message) {
        let status = answer.status();
        let waits = matches!(&self.exchange.state, Signalling::Offered(offered) if offered.reinvite == number);
        #[cfg(feature = "third-party")]
        let waits = waits || self.asks_for_offer(number);
        if (200..300).contains(&status) {
            // Its ACK goes there already (RFC 3261 §12.2.1.2).
            if waits {
                self.dialog.refresh_target(answer);
            }
            self.acknowledge(line, self.renewal(), number, answer);
        }
        if self.is_over() || !waits || status < 200 {
            return;
        }
        if self.is_session() {
            self.exchange.state = Signalling::Stable;
            return self.update_answered(line, answer);
        }
        #[cfg(feature = "third-party")]
        if (200..300).contains(&status) && self.answer_in_ack(line, answer) {
            self.learn(line, answer);
            return self.session.answered(line.now, answer);
        }
        match (status, sdp(answer)) {
            (200..300, Some(description)) => {
                self.learn(line, answer);
                self.session.answered(line.now, answer);
                self.apply(line, description, None);
            }
            // Glare (RFC 3261 §14.1): whoever made the Call-ID waits longer.
            (491, _) => {
                let wait = match self.ours {
                    true => 2100 + 10 * line.random.below(191),
                    false => 10 * line.random.below(201),
                };
                self.offer_again(line, Duration::from_millis(wait));
            }
            _ if flows::is_out_of_reach(answer) && self.try_again(line) => {}
            (FLOW_FAILED, _) if self.flow_failed(line) => {}
            (408 | 481, _) => self.broken(line, status),
            (422, _) if self.session.raise(answer) => {
                self.exchange.again();
                self.roll_back(line);
            }
            (200..300, None) => {
                self.not_taken(line, Situation::NoDescription);
            }
            _ => {
                self.give_up(line, &refusal(answer));
                self.session.put_off(line.now);
                self.roll_back(line);
            }
        }
    }

    /// Their answer is of no use, and they think us agreed: both go back to what
    /// was agreed before, by an offer that says so. One that is answered no better
    /// is the last: the sound may flow all the same.
    pub(super) fn not_taken(&mut self, line: &mut Line, at: Situation) {
        self.give_up(line, &Fault::new(at));
        let recovers = self.is_recovering();
        let exchange = &mut self.exchange;
        if let Some(agreed) = &mut exchange.agreed {
            agreed.disputed = !agreed.disputed;
            exchange.wanted = match agreed.disputed {
                false => Renewal::None,
                // Who answered a restart has moved on.
                true if exchange.restarting || recovers => Renewal::Restart,
                true => Renewal::Offer,
            };
        }
        self.roll_back(line);
    }

    /// Makes the offer that was refused once more, after a while.
    pub(super) fn offer_again(&mut self, line: &mut Line, wait: Duration) {
        let exchange = &mut self.exchange;
        exchange.retry_at = Some(line.now + wait);
        if exchange.restarting || exchange.holding == exchange.held() {
            exchange.again();
        }
        self.roll_back(line);
    }

    /// The far end has no such call any more (RFC 5057).
    pub(super) fn broken(&mut self, line: &mut Line, status: u16) {
        self.leave(line, 408, None);
        self.end_as(line, Cause::Failed, Situation::Forgotten, Some(status));
    }
}
