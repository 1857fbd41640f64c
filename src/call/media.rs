//! Offers and answers (RFC 3264, RFC 6337): one exchange at a time, made of what
//! the media handler describes and what the far end says.

use super::exchange::{Agreed, Exchange, Offered, Renewal, Signalling};
use super::hold::is_hold;
use super::{Call, Calls, Cause, Event, Line, Phase, Shown, Want, dialog_headers, sdp};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::Message;
use crate::text::decimal;
use crate::time::Instant;

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
                exchange.want(match restart {
                    true => Renewal::Restart,
                    false => Renewal::Offer,
                });
            });
        }
    }

    /// The handler made the description that `request` asked for.
    pub fn media_ready(&mut self, now: Instant, id: u32, request: u32, description: String) {
        self.line.now = now;
        let mut replaced = None;
        if let Some((call, line)) = self.live(id) {
            if call.exchange.request != request {
                return;
            }
            match core::mem::take(&mut call.exchange.state) {
                Signalling::Offering(None) => match &mut call.phase {
                    Phase::Calling(outgoing) => {
                        outgoing.offer = description;
                        call.invite(line);
                    }
                    _ => call.reinvite(line, description),
                },
                Signalling::Offering(Some(asked)) | Signalling::Answering(asked) => {
                    replaced = call.describe(line, &asked, description);
                }
                #[cfg(feature = "third-party")]
                Signalling::Delayed(holds) => call.acknowledge_with(line, description, holds),
                other => call.exchange.state = other,
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
            match core::mem::take(&mut call.exchange.state) {
                Signalling::Applying { holds, queued } => call.agree(line, holds, queued),
                Signalling::RollingBack(queued) => call.settled(line, queued),
                other => call.exchange.state = other,
            }
        }
    }

    /// The handler could not do what `request` asked for.
    pub fn media_failed(&mut self, now: Instant, id: u32, request: u32) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id)
            && call.exchange.request == request
        {
            call.media_failed(line);
        }
    }

    /// Nothing has come from the far end for so many `seconds`: there is nobody any
    /// more.
    pub fn fail(&mut self, now: Instant, id: u32, seconds: &str) {
        self.line.now = now;
        if let Some((call, line)) = self.live(id) {
            call.leave(line, 480, None);
            let fault = Fault {
                said: Some(seconds.to_owned()),
                ..Fault::new(Situation::NothingHeard)
            };
            call.end(line, Cause::Failed, Some(fault));
        }
    }
}

impl Call {
    /// Asks the handler, and waits for it.
    pub(super) fn ask(&mut self, line: &mut Line, want: Want, state: Signalling) {
        self.exchange.state = state;
        self.exchange.request = self.media_event(line, want);
    }

    /// Asks for an offer of ours.
    pub(super) fn ask_offer(&mut self, line: &mut Line, restart: bool) {
        self.ask(line, Want::Offer { restart }, Signalling::Offering(None));
    }

    /// Asks for the answer to the offer in `request`; if it bears none, for ours.
    pub(super) fn ask_answer(&mut self, line: &mut Line, request: Box<Message>) {
        self.exchange.holding = self.exchange.want_hold;
        match sdp(&request).map(str::to_owned) {
            Some(offer) => self.ask(line, Want::Answer(offer), Signalling::Answering(request)),
            None => {
                let state = Signalling::Offering(Some(request));
                self.ask(line, Want::Offer { restart: false }, state);
            }
        }
    }

    /// Has the answer to our offer taken; `queued`: what comes after it.
    pub(super) fn apply(&mut self, line: &mut Line, answer: &str, queued: Option<Box<Message>>) {
        let holds = self.exchange.holds(answer);
        let state = Signalling::Applying { holds, queued };
        self.ask(line, Want::Apply(answer.to_owned()), state);
    }

    /// Goes back to what was agreed. An offer of theirs that waits goes on waiting.
    pub(super) fn roll_back(&mut self, line: &mut Line) {
        let queued = self.exchange.queued().and_then(Option::take);
        self.ask(line, Want::Rollback, Signalling::RollingBack(queued));
    }

    /// Tells the handler.
    pub(super) fn media_event(&mut self, line: &mut Line, want: Want) -> u32 {
        let request = line.number();
        line.event(Event::Media {
            call: self.id,
            request,
            want,
            hold: self.exchange.holding,
            initial: self.exchange.agreed.is_none(),
            trickle: self.peer.trickle,
        });
        request
    }

    fn want(&mut self, line: &mut Line, op: u32, change: impl FnOnce(&mut Exchange)) {
        if !self.is_established() {
            return line.fail(op, Situation::NotConnected);
        }
        change(&mut self.exchange);
        self.exchange.operations.push(op);
        self.advance(line);
    }

    /// Nothing is under way any more: what waited comes next.
    fn settled(&mut self, line: &mut Line, queued: Option<Box<Message>>) {
        match queued {
            Some(request) => self.offered(line, request),
            None => self.advance(line),
        }
    }

    /// Does what the app wants, when nothing is under way.
    pub(super) fn advance(&mut self, line: &mut Line) {
        let now = line.now;
        self.exchange.retry_at.take_if(|at| *at <= now);
        let exchange = &mut self.exchange;
        let (Signalling::Stable, Some(_), Phase::Established(established)) =
            (&exchange.state, self.flow, &self.phase)
        else {
            return;
        };
        if self.unacknowledged.is_some() {
            return;
        }
        if exchange.want_hold == exchange.held() && exchange.wanted == Renewal::None {
            for op in core::mem::take(&mut exchange.operations) {
                line.done(op);
            }
        } else if exchange.retry_at.is_none() {
            exchange.holding = exchange.want_hold;
            let restart = core::mem::take(&mut exchange.wanted) == Renewal::Restart;
            // Who recovers decides anew.
            exchange.restarting = restart && established.lost_until.is_none();
            self.ask_offer(line, restart);
        }
    }

    /// Both sides agree on what the descriptions say.
    pub(super) fn agree(&mut self, line: &mut Line, remote: bool, queued: Option<Box<Message>>) {
        let exchange = &mut self.exchange;
        let local = exchange.holding;
        exchange.agreed = Some(Agreed {
            here: local,
            there: remote,
            disputed: false,
        });
        exchange.reachable_by = None;
        if let Phase::Established(established) = &mut self.phase {
            established.lost_until = None;
            let state = match local || remote {
                true => Shown::Held { local, remote },
                false => Shown::Connected,
            };
            self.show(line, state, false);
        }
        self.settled(line, queued);
    }

    /// A session refresh where UPDATE is not known there.
    pub(super) fn want_refresh(&mut self, line: &mut Line) {
        self.exchange.want(Renewal::Offer);
        self.advance(line);
    }

    /// What the app wanted did not come about, and is not tried again.
    pub(super) fn give_up(&mut self, line: &mut Line, fault: &Fault) {
        let exchange = &mut self.exchange;
        exchange.reachable_by = None;
        exchange.want_hold = exchange.held();
        exchange.wanted = Renewal::None;
        for op in core::mem::take(&mut exchange.operations) {
            line.refused(op, fault.clone());
        }
    }

    /// Their re-INVITE, or an UPDATE with an offer.
    pub(super) fn offered(&mut self, line: &mut Line, request: Box<Message>) {
        if let Some(queued) = self.exchange.queued()
            && queued.is_none()
        {
            *queued = Some(request);
            return;
        }
        match &self.exchange.state {
            Signalling::Stable => {}
            Signalling::Offered(offered) if self.yields(line, offered.since) => {
                let state = Signalling::RollingBack(Some(request));
                return self.ask(line, Want::Rollback, state);
            }
            Signalling::Offering(_) | Signalling::Offered(_) => {
                return self.respond(line, &request, 491);
            }
            #[cfg(feature = "third-party")]
            Signalling::Asked(_) => return self.respond(line, &request, 491),
            _ => {
                let wait = decimal(line.random.below(10));
                return self.respond_with(line, &request, 500, "Retry-After", &wait);
            }
        }
        if request.method() == "INVITE" {
            self.respond(line, &request, 100);
        }
        self.ask_answer(line, request);
    }

    /// Answers their INVITE or UPDATE with our description. The call that this one
    /// takes the place of now.
    fn describe(&mut self, line: &mut Line, request: &Message, description: String) -> Option<u32> {
        let mut answered = None;
        match core::mem::take(&mut self.phase) {
            Phase::Answering(incoming, op) => {
                answered = Some((incoming, op));
                self.phase = Phase::established();
            }
            other => self.phase = other,
        }
        let mut reply = self.reply(request, 200);
        reply.headers = dialog_headers(&self.contact);
        if let Some((incoming, _)) = &mut answered {
            reply.headers.append(&mut incoming.headers);
        }
        self.session.answer(line.now, request, &mut reply.headers);
        let offered = Offered::new(0, line.now, &description);
        reply.content = Some(("application/sdp".to_owned(), description));
        if request.method() == "INVITE" {
            self.resend(line, &reply);
        }
        line.reply(reply);
        self.dialog.refresh_target(request);
        let mut replaced = None;
        if let Some((incoming, op)) = answered {
            self.show(line, Shown::Connected, false);
            if let Some(op) = op {
                line.done(op);
            }
            replaced = incoming.replaces;
        }
        match sdp(request) {
            Some(offer) => self.agree(line, is_hold(offer), None),
            None => self.exchange.state = Signalling::Offered(offered),
        }
        replaced
    }

    /// The ACK with the answer to our offer in a 2xx.
    pub(super) fn answered_in_ack(&mut self, line: &mut Line, ack: &Message) {
        match sdp(ack) {
            Some(answer) => self.apply(line, answer, None),
            None if self.exchange.agreed.is_some() => self.roll_back(line),
            None => {
                self.leave(line, 488, None);
                self.end_as(line, Cause::Failed, Situation::NoDescription, None);
            }
        }
    }

    fn media_failed(&mut self, line: &mut Line) {
        let fault = Fault::new(Situation::Media);
        match (&mut self.phase, &self.exchange.state) {
            (_, Signalling::Stable | Signalling::Offered(_)) => {}
            #[cfg(feature = "third-party")]
            (_, Signalling::Asked(_)) => {}
            (Phase::Established(_), Signalling::Offering(None)) => {
                self.give_up(line, &fault);
                self.roll_back(line);
            }
            (
                Phase::Established(_),
                Signalling::Offering(Some(asked)) | Signalling::Answering(asked),
            ) => {
                self.respond(line, asked, 488);
                self.roll_back(line);
            }
            (Phase::Calling(_), Signalling::Answering(asked)) => {
                self.respond(line, asked, 488);
                self.exchange.state = Signalling::Stable;
            }
            (Phase::Established(_), Signalling::Applying { .. })
                if self.exchange.agreed.is_some() =>
            {
                self.not_taken(line, fault.at);
            }
            (phase, _) => {
                if let Phase::Answering(_, op) = phase
                    && let Some(op) = op.take()
                {
                    line.fail(op, fault.at);
                }
                self.leave(line, 488, None);
                self.end(line, Cause::Failed, Some(fault));
            }
        }
    }
}
