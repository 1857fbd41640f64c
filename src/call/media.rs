//! Offers and answers (RFC 3264, RFC 6337): one exchange at a time, made of what
//! the media handler describes and what the far end says.

use super::hold::is_hold;
use super::{Call, Calls, Cause, Event, Line, Phase, Shown, Want, dialog_headers, sdp};
use crate::prelude::*;
use crate::sip::{Message, clean_text};
use crate::text::{decimal, mentions};
use crate::time::Instant;
use crate::transaction::Resend;

/// ```text
///            offer made          answer            taken
///  Offering ───────────► Offered ──────► Applying ──────┐
///     ▲ hold, resume, …     │ refused                   ▼
///    Idle ◄─────────────────┼──── RollingBack ◄───────  Idle
///     │ their offer         └──────────▲
///     └──────────────────► Answering ──┴ (failed)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// The handler makes our offer.
    Offering,
    /// It is with the far end.
    Offered,
    /// The handler takes the far end's answer.
    Applying,
    /// The handler makes the answer to the far end's offer.
    Answering,
    /// The handler goes back to what was agreed.
    RollingBack,
}

/// The state of offer and answer, and what the app wants of it.
#[derive(Default)]
pub(super) struct Exchange {
    step: Step,
    /// The media event that is being worked on.
    request: u32,
    /// The number of our re-INVITE, and when it went out.
    pub reinvite: u32,
    pub offered_at: Instant,
    /// What the description in hand says of hold.
    pub holding: bool,
    /// Our offer was inactive.
    pub offered_nothing: bool,
    /// The far end's description in hand holds.
    holding_there: bool,
    /// What was agreed.
    pub held: bool,
    held_there: bool,
    agreed: bool,
    /// An answer could not be taken: what was agreed before is offered again, once.
    pub mending: bool,
    /// What the app wants.
    want_hold: bool,
    pub want_offer: bool,
    pub restart: bool,
    /// The app's wish, in the offer that is under way.
    pub restarting: bool,
    operations: Vec<u32>,
    pub retry_at: Option<Instant>,
    /// Until when a way that failed is tried again.
    pub reachable_by: Option<Instant>,
    /// Our offer, for an INVITE that is sent again.
    pub offer: Option<String>,
    /// The answer that came before the call was answered, and whether it did so
    /// reliably.
    pub early_answer: Option<(String, bool)>,
}

impl Exchange {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn is_offered(&self) -> bool {
        self.step == Step::Offered
    }

    pub(super) fn offered(&mut self, now: Instant, number: u32) {
        self.step = Step::Offered;
        self.reinvite = number;
        self.offered_at = now;
    }

    pub(super) fn want_offer(&mut self) {
        self.want_offer = true;
    }

    /// Media are to look for a new path.
    pub(super) fn want_restart(&mut self) {
        self.want_offer = true;
        self.restart = true;
    }

    /// What the far end's description says of hold, once it is agreed on. The
    /// answer to an offer that lets no media through says nothing: it can but
    /// give way.
    pub(super) fn note_remote(&mut self, description: &str) {
        self.holding_there = match self.step == Step::Answering || !self.offered_nothing {
            true => is_hold(description),
            false => self.held_there,
        };
    }
}

impl Calls {
    /// `hold` and `resume`.
    pub fn hold(&mut self, now: Instant, op: u32, id: u32, hold: bool) {
        if let Some((call, line)) = self.operate(now, op, id) {
            call.want(line, op, |exchange| exchange.want_hold = hold);
        }
    }

    /// `renegotiate`: the handler wants to make a new offer.
    pub fn renegotiate(&mut self, now: Instant, op: u32, id: u32, restart: bool) {
        if let Some((call, line)) = self.operate(now, op, id) {
            call.want(line, op, |exchange| {
                exchange.want_offer = true;
                exchange.restart |= restart;
            });
        }
    }

    /// The handler made the description that `request` asked for.
    pub fn media_ready(&mut self, now: Instant, id: u32, request: u32, description: String) {
        self.line.now = now;
        let mut replaced = None;
        if let Some((call, line)) = self.live(id) {
            let offers = call.exchange.step == Step::Offering;
            if call.exchange.request != request || !offers && call.exchange.step != Step::Answering
            {
                return;
            }
            match call.phase {
                Phase::Calling if offers => {
                    call.exchange.offer = Some(description.clone());
                    call.invite(line, description);
                }
                Phase::Connected if offers && call.asked.is_none() => {
                    call.reinvite(line, description);
                }
                _ => {
                    replaced = call.replaces.filter(|_| call.phase == Phase::Answering);
                    call.describe(line, description);
                }
            }
        }
        if let Some(replaced) = replaced {
            self.replace(replaced);
        }
    }

    /// The handler has done what `request` asked for.
    pub fn media_done(&mut self, now: Instant, id: u32, request: u32) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id)
            && call.exchange.request == request
        {
            match call.exchange.step {
                Step::Applying => call.agree(line),
                Step::RollingBack => {
                    call.exchange.step = Step::Idle;
                    call.advance(line);
                }
                _ => {}
            }
        }
    }

    /// The handler could not do what `request` asked for.
    pub fn media_failed(&mut self, now: Instant, id: u32, request: u32, message: &str) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id)
            && call.exchange.request == request
        {
            call.media_failed(line, &clean_text(message));
        }
    }

    /// The media say that there is nobody any more.
    pub fn fail(&mut self, now: Instant, id: u32, reason: &str) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id) {
            call.leave(line, 480, None);
            call.end(line, Cause::Failed, None, &clean_text(reason));
        }
    }
}

impl Call {
    /// Asks the handler, and waits for it.
    pub(super) fn ask(&mut self, line: &mut Line, want: Want) {
        self.exchange.step = match &want {
            Want::Offer { .. } => Step::Offering,
            Want::Answer(_) => Step::Answering,
            Want::Rollback => Step::RollingBack,
            _ => Step::Applying,
        };
        self.exchange.request = self.media_event(line, want);
    }

    /// Tells the handler.
    pub(super) fn media_event(&mut self, line: &mut Line, want: Want) -> u32 {
        let request = line.number();
        line.event(Event::Media {
            call: self.id,
            request,
            want,
            hold: self.exchange.holding,
            initial: !self.exchange.agreed,
            trickle: self.peer.trickle,
        });
        request
    }

    pub(super) fn roll_back(&mut self, line: &mut Line) {
        self.ask(line, Want::Rollback);
    }

    fn want(&mut self, line: &mut Line, op: u32, change: impl FnOnce(&mut Exchange)) {
        if self.phase != Phase::Connected {
            return line.fail(op, "eInvalidState", "The call is not connected yet.");
        }
        change(&mut self.exchange);
        self.exchange.operations.push(op);
        self.advance(line);
    }

    /// Does the next thing that is due, when nothing is under way.
    pub(super) fn advance(&mut self, line: &mut Line) {
        let now = line.now;
        self.exchange.retry_at.take_if(|at| *at <= now);
        if self.exchange.step != Step::Idle || self.flow.is_none() {
            return;
        }
        if let Some(request) = self.queued.take() {
            return self.offered(line, request);
        }
        if self.phase != Phase::Connected || self.unacknowledged.is_some() {
            return;
        }
        let exchange = &mut self.exchange;
        if exchange.want_hold == exchange.held && !exchange.want_offer {
            for op in core::mem::take(&mut exchange.operations) {
                line.done(op);
            }
        } else if exchange.retry_at.is_none() {
            exchange.holding = exchange.want_hold;
            exchange.want_offer = false;
            let restart = core::mem::take(&mut exchange.restart);
            // Who recovers decides anew.
            exchange.restarting = restart && self.lost_until.is_none();
            self.ask(line, Want::Offer { restart });
        }
    }

    /// Both sides agree on what the descriptions say.
    pub(super) fn agree(&mut self, line: &mut Line) {
        let exchange = &mut self.exchange;
        exchange.step = Step::Idle;
        exchange.held = exchange.holding;
        exchange.held_there = exchange.holding_there;
        exchange.agreed = true;
        exchange.mending = false;
        exchange.reachable_by = None;
        self.lost_until = None;
        let (local, remote) = (exchange.held, exchange.held_there);
        if self.phase == Phase::Connected {
            let state = match local || remote {
                true => Shown::Held { local, remote },
                false => Shown::Connected,
            };
            self.show(line, state, false);
        }
        self.advance(line);
    }

    /// A session refresh where UPDATE is not known there.
    pub(super) fn want_refresh(&mut self, line: &mut Line) {
        self.exchange.want_offer();
        self.advance(line);
    }

    /// What the app wanted did not come about, and is not tried again.
    pub(super) fn fail_operations(&mut self, line: &mut Line, text: &str, status: Option<u16>) {
        self.give_up(line, "eCallFailed", text, status);
    }

    pub(super) fn give_up(
        &mut self,
        line: &mut Line,
        code: &'static str,
        text: &str,
        status: Option<u16>,
    ) {
        let exchange = &mut self.exchange;
        exchange.reachable_by = None;
        exchange.want_hold = exchange.held;
        exchange.want_offer = false;
        exchange.restart = false;
        for op in core::mem::take(&mut exchange.operations) {
            line.refused(op, code, text, status);
        }
        if self.phase == Phase::Over {
            self.transfer_failed(line, code, text, None);
        }
    }

    /// Their re-INVITE, or an UPDATE with an offer.
    pub(super) fn offered(&mut self, line: &mut Line, request: Message) {
        match self.exchange.step {
            Step::Idle => {}
            Step::Applying | Step::RollingBack if self.queued.is_none() => {
                self.queued = Some(request);
                return;
            }
            Step::Offered if self.yields(line) => {
                self.exchange.reinvite = 0;
                self.queued = Some(request);
                return self.roll_back(line);
            }
            Step::Offering | Step::Offered => return line.reply(self.reply(&request, 491)),
            _ => {
                let wait = decimal(line.random.below(10));
                return line.reply(self.reply(&request, 500).with("Retry-After", &wait));
            }
        }
        if request.method() == "INVITE" {
            line.reply(self.reply(&request, 100));
        }
        self.exchange.holding = self.exchange.want_hold;
        let want = match sdp(&request) {
            Some(offer) => Want::Answer(offer.to_owned()),
            None => Want::Offer { restart: false },
        };
        self.asked = Some(request);
        self.ask(line, want);
    }

    /// Answers their INVITE or UPDATE with our description.
    fn describe(&mut self, line: &mut Line, description: String) {
        let Some(request) = self.asked.take() else {
            return;
        };
        let mut reply = self.reply(&request, 200);
        reply.headers = dialog_headers(&self.contact);
        reply.headers.append(&mut self.answer_headers);
        self.session.answer(line.now, &request, &mut reply.headers);
        self.exchange.offered_nothing = mentions(&description, "a=inactive");
        reply.content = Some(("application/sdp".to_owned(), description));
        if request.method() == "INVITE" {
            self.unacknowledged = Some((Resend::new(line.now), reply.clone()));
        }
        line.reply(reply);
        self.dialog.refresh_target(&request);
        if self.phase == Phase::Answering {
            self.phase = Phase::Connected;
            self.ring_until = None;
            self.show(line, Shown::Connected, false);
        }
        if let Some(op) = self.answer_op.take() {
            line.done(op);
        }
        match sdp(&request) {
            Some(offer) => {
                self.exchange.note_remote(offer);
                self.agree(line);
            }
            None => self.exchange.offered(line.now, 0),
        }
    }

    /// The ACK with the answer to our offer in a 2xx.
    pub(super) fn answered_in_ack(&mut self, line: &mut Line, ack: &Message) {
        match sdp(ack) {
            Some(answer) => {
                self.exchange.note_remote(answer);
                self.ask(line, Want::Apply(answer.to_owned()));
            }
            None if self.exchange.agreed => self.roll_back(line),
            None => {
                self.leave(line, 488, None);
                let text = "The far end confirmed without a session description.";
                self.end(line, Cause::Failed, None, text);
            }
        }
    }

    fn media_failed(&mut self, line: &mut Line, message: &str) {
        let step = self.exchange.step;
        match (self.phase, step) {
            (Phase::Over, _) | (_, Step::Idle | Step::Offered) => {}
            (Phase::Connected, Step::Offering | Step::Answering) => {
                match self.asked.take() {
                    Some(asked) => line.reply(self.reply(&asked, 488)),
                    None => self.give_up(line, "eMediaFailed", message, None),
                }
                self.roll_back(line);
            }
            (Phase::Calling, Step::Answering) => {
                if let Some(asked) = self.asked.take() {
                    line.reply(self.reply(&asked, 488));
                }
                self.exchange.step = Step::Idle;
            }
            (Phase::Connected, Step::Applying) if self.exchange.agreed => {
                self.not_taken(line, "eMediaFailed", message);
            }
            _ => {
                if let Some(op) = self.answer_op.take() {
                    line.fail(op, "eMediaFailed", message);
                }
                self.leave(line, 488, None);
                self.end(line, Cause::Failed, None, message);
            }
        }
    }
}
