//! Requests that come in within a call (RFC 3261 §12.2.2).

use super::incoming::{BODIES, cancel_reason};
use super::{Call, Calls, Cause, Line, Reply, sdp};
use crate::dialog::timer;
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::Message;
use crate::text::decimal;

impl Calls {
    /// A request other than CANCEL that bears a To tag. `false`: it belongs to
    /// no call.
    pub(super) fn handle_inside(&mut self, request: &Message) -> bool {
        let Self { list, line, .. } = self;
        for call in list.iter_mut() {
            if call.dialog.has(request) {
                call.handle(line, request);
                return true;
            }
            if call.fork_of(request).is_some() {
                call.handle_early(line, request);
                return true;
            }
        }
        false
    }
}

impl Call {
    fn handle(&mut self, line: &mut Line, request: &Message) {
        // Answers go back where the request came from, and what follows, too.
        if !self.is_session() {
            self.flow = Some(line.flows.arrival);
        }
        let method = request.method();
        if method == "ACK" {
            return self.acknowledged(line, request);
        }
        if !self.dialog.in_order(request) {
            return self.respond_with(line, request, 500, "Retry-After", "1");
        }
        if self.is_over() {
            // A BYE that crosses ours is as good as its answer.
            let status = if method == "BYE" { 200 } else { 481 };
            return self.respond(line, request, status);
        }
        match method {
            "BYE" => self.hung_up(line, request),
            "PRACK" => self.pracked(line, request),
            "INVITE" | "UPDATE" if self.is_established() => {
                self.session_request(line, request);
            }
            "UPDATE" if sdp(request).is_none() => self.session_request(line, request),
            // Their offer of the INVITE waits for our answer.
            "INVITE" | "UPDATE" => {
                let wait = decimal(line.random.below(10));
                self.respond_with(line, request, 500, "Retry-After", &wait);
            }
            "INFO" => self.informed(line, request),
            "REFER" if !self.is_session() => self.referred(line, request),
            "NOTIFY" => self.notified(line, request),
            "MESSAGE" => {
                let reply = line.read_message(request);
                line.reply(reply);
            }
            "OPTIONS" => self.respond(line, request, 200),
            _ => self.respond(line, request, 405),
        }
    }

    /// A request in an early dialog of our own INVITE.
    fn handle_early(&mut self, line: &mut Line, request: &Message) {
        let over = self.is_over();
        let Some(fork) = self.fork_of(request) else {
            return;
        };
        let method = request.method();
        if method == "ACK" {
            return;
        }
        if !fork.dialog.in_order(request) {
            return self.respond_with(line, request, 500, "Retry-After", "1");
        }
        match (method, sdp(request)) {
            ("UPDATE", None) => {
                fork.dialog.refresh_target(request);
                self.learn(line, request);
                self.refreshed(line, request);
            }
            // Their answer has settled our offer, so they may make one (RFC 3311
            // §5.2); media follow this dialog from now on.
            ("UPDATE", Some(_)) if fork.reliable && !over => {
                let first = !core::mem::replace(&mut fork.followed, true);
                fork.dialog.refresh_target(request);
                let answer = fork.answer.clone();
                self.learn(line, request);
                match answer {
                    Some(answer) if first && self.exchange.is_offered() => {
                        self.apply(line, &answer, Some(Box::new(request.clone())));
                    }
                    _ => self.offered(line, Box::new(request.clone())),
                }
            }
            ("UPDATE", Some(_)) => self.respond(line, request, 491),
            ("INFO", _) if !over => self.informed(line, request),
            // One branch leaves; the INVITE's own answer tells the rest.
            ("BYE", _) => {
                self.respond(line, request, 200);
                self.forks.retain(|fork| !fork.dialog.has(request));
            }
            ("OPTIONS", _) => self.respond(line, request, 200),
            _ => self.respond(line, request, 481),
        }
    }

    fn hung_up(&mut self, line: &mut Line, bye: &Message) {
        self.leave_asked(line);
        self.respond(line, bye, 200);
        // Their BYE says that they know of our 2xx.
        self.unacknowledged = None;
        self.left(line);
        let (mut cause, text) = cancel_reason(bye);
        if self.is_established() {
            cause = Cause::Remote;
        }
        let fault = Fault {
            said: Some(text),
            ..Fault::new(Situation::Refused)
        };
        self.end(line, cause, Some(fault));
    }

    fn acknowledged(&mut self, line: &mut Line, ack: &Message) {
        let number = |message: &Message| message.cseq().map(|cseq| cseq.number);
        let ours = |sent: &mut Box<(_, Reply)>| {
            sent.1.status >= 200 && number(&sent.1.request) == number(ack)
        };
        let Some(sent) = self.unacknowledged.take_if(ours) else {
            return;
        };
        if self.is_over() {
            return self.bye(line);
        }
        // Without an offer in the INVITE ours went out in the 2xx.
        if sdp(&sent.1.request).is_none() && self.exchange.is_offered() {
            return self.answered_in_ack(line, ack);
        }
        self.advance(line);
    }

    /// A re-INVITE or an UPDATE.
    fn session_request(&mut self, line: &mut Line, request: &Message) {
        let session = self.is_session();
        if !session && !request.body().is_empty() && sdp(request).is_none() {
            return self.respond_with(line, request, 415, "Accept", BODIES);
        }
        if timer::is_too_brief(request) {
            let min = decimal(timer::MIN.into());
            return self.respond_with(line, request, 422, "Min-SE", &min);
        }
        self.learn(line, request);
        if session && self.exchange.is_offered() {
            return self.respond(line, request, 491);
        }
        if session || request.method() == "UPDATE" && sdp(request).is_none() {
            self.dialog.refresh_target(request);
            return self.refreshed(line, request);
        }
        self.offered(line, Box::new(request.clone()));
    }

    /// A target or session refresh without a description.
    fn refreshed(&mut self, line: &mut Line, request: &Message) {
        let mut reply = self.reply(request, 200);
        reply.headers = super::dialog_headers(&self.contact);
        if self.is_established() {
            self.session.answer(line.now, request, &mut reply.headers);
        }
        if request.method() == "INVITE" {
            self.resend(line, &reply);
        }
        line.reply(reply);
    }
}
