//! Calls that we make: INVITE, its answers and forks (RFC 3261 §9.1, §13.2;
//! RFC 3262; RFC 6026).

use super::exchange::{Offered, Renewal, Signalling};
use super::origin::origin;
use super::target::request_uri;
use super::{
    Answer, Asked, Call, CallOptions, Calls, Cause, Event, FLOW_FAILED, Job, Line, Phase, Shown,
    Want, dialog_headers, refusal, sdp,
};
use crate::dialog::Dialog;
use crate::fault::{Fault, Situation};
use crate::flow::FlowId;
use crate::prelude::*;
use crate::sip::{Message, Name};
use crate::text::{concat, decimal, number};
use crate::time::Instant;

/// Early dialogs that are kept; more than any proxy rings at once.
pub(super) const MAX_FORKS: usize = 8;
/// Redirections and renewed attempts of one call.
pub(super) const MAX_TRIES: u8 = 5;

/// What there is of a call only while it is made.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Further headers of its INVITE.
    pub headers: Vec<(String, String)>,
    /// Its offer, once it is made.
    pub offer: String,
    /// Where else to try, best first, after a redirection.
    pub redirects: Vec<String>,
    /// INVITEs that were sent again.
    pub tried: u8,
}

/// One dialog that our INVITE made.
pub(super) struct Fork {
    pub dialog: Dialog,
    /// RSeq of the last reliable answer.
    rseq: u32,
    /// Their answer, if it came with a provisional one.
    pub answer: Option<String>,
    /// It came reliably: the final answer need not repeat it.
    pub reliable: bool,
    /// Media follow this dialog already, because it made a further offer.
    pub followed: bool,
    /// Answered although another one was chosen, and ended again.
    closed: bool,
}

impl Calls {
    /// Starts an outgoing call; `id` is odd and new.
    pub fn call(&mut self, now: Instant, id: u32, target: &str, options: CallOptions) {
        if self.knows(id) {
            return;
        }
        self.line.now = now;
        let mut referral = options.refer.and_then(|refer| self.take_referral(refer));
        let target = referral
            .as_ref()
            .map_or(target, |referral| &referral.target);
        let place = self.place(target);
        let line = &mut self.line;
        let (uri, flow) = match place {
            Ok(place) => place,
            Err(at) => {
                return line.event(Event::Ended {
                    call: id,
                    cause: Cause::Failed,
                    fault: Some(Fault::new(at)),
                });
            }
        };
        let public_id = options.public_id.unwrap_or_default();
        let mut headers = options.headers;
        let from = origin(&line.account, &public_id, options.anonymous, &mut headers);
        let mut header = |name: &str, value| headers.push((name.to_owned(), value));
        if let Some(replaces) = options.replaces {
            header("Replaces", replaces);
            header("Require", "replaces".to_owned());
        }
        if let Some(referral) = &mut referral {
            headers.append(&mut referral.headers);
        }
        let half = line.half(&from, uri);
        let contact = line.contact(flow, &half);
        let mut call = Call::new(id, Phase::calling(headers), half, contact, flow);
        call.follow_redirects = options.follow_redirects;
        call.reports_to = referral;
        line.event(Event::State {
            call: id,
            state: Shown::Calling,
            early: false,
        });
        call.ask_offer(line, false);
        #[cfg(feature = "third-party")]
        self.remember(&call.dialog.call_id);
        self.list.push(call);
    }

    /// Where a call to `target` goes, and by which flow.
    pub(super) fn place(&mut self, target: &str) -> Result<(String, FlowId), Situation> {
        if self.are_full() {
            return Err(Situation::TooManyCalls);
        }
        let uri = request_uri(target, &self.line.account).ok_or(Situation::BadTarget)?;
        let flow = self.line.flows.for_session();
        Ok((uri, flow.ok_or(Situation::NotRegistered)?))
    }
}

impl Line {
    /// Our half of a dialog, or of a request outside of any.
    pub(super) fn half(&mut self, from: &str, uri: String) -> Dialog {
        Dialog::half(&mut self.random, from, uri, &self.account.routes)
    }
}

impl Call {
    fn is_calling(&self) -> bool {
        matches!(self.phase, Phase::Calling(_))
    }

    /// Sends the INVITE with our offer.
    pub(super) fn invite(&mut self, line: &mut Line) {
        let Phase::Calling(outgoing) = &self.phase else {
            return;
        };
        let mut request = self.dialog.request("INVITE");
        request.headers.extend(dialog_headers(&self.contact));
        self.session.offer(&mut request);
        request.headers.extend(outgoing.headers.iter().cloned());
        #[cfg(feature = "third-party")]
        if outgoing.offer.is_empty() && !self.is_session() {
            return self.ask_for_offer(line, Job::Invite, request);
        }
        self.put_content(&mut request, &outgoing.offer);
        self.exchange.state = Signalling::Offered(Offered::new(0, line.now, ""));
        line.send_numbered(self.id, Job::Invite, 0, request);
    }

    pub(super) fn invite_answered(&mut self, line: &mut Line, job_number: u32, answer: &Message) {
        match answer.status() {
            // Whoever hung up before the first of these still has to cancel.
            ..200 if self.is_over() => line.cancel(self.id),
            ..200 => self.progress(line, answer),
            200..300 => self.accepted(line, job_number, answer),
            _ if !self.is_calling() => {}
            300..400 if !self.is_session() => self.redirected(line, answer),
            422 => self.too_brief(line, answer),
            FLOW_FAILED if self.invite_elsewhere(line) => {}
            _ => self.failed(line, answer),
        }
    }

    /// The early dialog of `answer`, made if need be.
    fn fork(&mut self, answer: &Message) -> Option<&mut Fork> {
        let tag = answer.to_tag()?;
        let known = |fork: &Fork| fork.dialog.remote_tag == tag;
        let index = match self.forks.iter().position(known) {
            Some(index) => index,
            None if self.forks.len() < MAX_FORKS => {
                self.forks.push(Fork {
                    dialog: Dialog::of_answer(&self.dialog, answer),
                    rseq: 0,
                    answer: None,
                    reliable: false,
                    followed: false,
                    closed: false,
                });
                self.forks.len() - 1
            }
            None => return None,
        };
        self.forks.get_mut(index)
    }

    /// A provisional answer.
    fn progress(&mut self, line: &mut Line, answer: &Message) {
        if answer.status() == 100 {
            return;
        }
        self.learn(line, answer);
        self.report(line, answer.status(), "Ringing");
        let first_early = self.forks.iter().all(|fork| fork.answer.is_none());
        let reliable = answer.has_option(Name::Require, "100rel");
        let rseq = answer.header(Name::RSeq).and_then(number).unwrap_or(0) as u32;
        let description = sdp(answer).map(str::to_owned);
        // A foretaste of their offer (RFC 3261 §13.2.1).
        #[cfg(feature = "third-party")]
        let description = description.filter(|_| !self.asks_for_offer(0));
        let id = self.id;
        let Some(fork) = self.fork(answer) else {
            return;
        };
        if reliable {
            // RFC 3262 §4: in order, and each but once.
            if rseq == 0 || fork.rseq != 0 && rseq != fork.rseq.wrapping_add(1) {
                return;
            }
            fork.rseq = rseq;
            fork.dialog.refresh_target(answer);
            let cseq = answer.cseq().map_or(0, |cseq| cseq.number);
            let mut prack = fork.dialog.request("PRACK");
            let (rseq, cseq) = (decimal(rseq.into()), decimal(cseq.into()));
            prack.header("RAck", &concat(&[&rseq, " ", &cseq, " INVITE"]));
            line.send(id, Job::Prack, prack);
        }
        // One early answer at a time: the first fork's (all others ring).
        let own_early = fork.answer.is_some();
        let mut early = None;
        if let Some(description) = description {
            fork.reliable |= reliable;
            if first_early || own_early && fork.answer.as_ref() != Some(&description) {
                early = Some(description.clone());
            }
            fork.answer = Some(description);
        }
        if let Some(early) = early {
            self.media_event(line, Want::ApplyEarly(early));
        }
        let early = self.forks.iter().any(|fork| fork.answer.is_some());
        let rings = self.shown.0 == Shown::Ringing || answer.status() == 180;
        let state = if rings {
            Shown::Ringing
        } else {
            Shown::Calling
        };
        self.show(line, state, early);
    }

    /// A 2xx: the first one makes the call, further ones are acknowledged and
    /// ended (RFC 3261 §13.2.2.4).
    fn accepted(&mut self, line: &mut Line, job_number: u32, answer: &Message) {
        let tag = answer.to_tag().unwrap_or_default();
        let number = answer.cseq().map_or(0, |cseq| cseq.number);
        let first = self.is_calling();
        if first || self.dialog.remote_tag == tag {
            let early = if first { self.choose(answer) } else { None };
            self.acknowledge(line, Job::Invite, job_number, answer);
            if first {
                self.connected(line, answer, early);
            }
            return;
        }
        // Of a fork that was not chosen, or too late for a call that is over.
        let id = self.id;
        let dialog = Dialog::of_answer(&self.dialog, answer);
        let again = self
            .fork(answer)
            .is_some_and(|fork| core::mem::replace(&mut fork.closed, true));
        let ack = dialog.request("ACK");
        line.acknowledge(id, Job::Invite, job_number, ack, number);
        if !again {
            line.send(id, Job::Bye, dialog.request("BYE"));
        }
    }

    /// Makes the dialog of `answer` the call's own. What it answered to our offer
    /// before, and whether reliably.
    fn choose(&mut self, answer: &Message) -> Option<(String, bool)> {
        let tag = answer.to_tag().unwrap_or_default();
        let known = |fork: &Fork| fork.dialog.remote_tag == tag;
        let (mut early, mut followed) = (None, false);
        match self.forks.iter().position(known) {
            Some(index) => {
                let mut fork = self.forks.remove(index);
                fork.dialog.confirm(answer);
                self.dialog = fork.dialog;
                followed = fork.followed;
                let reliable = fork.reliable;
                early = fork.answer.map(|answer| (answer, reliable));
            }
            None => self.dialog = Dialog::of_answer(&self.dialog, answer),
        }
        if !self.exchange.is_offered() && !followed {
            self.exchange.want(Renewal::Offer);
        }
        early
    }

    fn connected(&mut self, line: &mut Line, answer: &Message, early: Option<(String, bool)>) {
        self.learn(line, answer);
        self.phase = Phase::established();
        self.session.answered(line.now, answer);
        self.report(line, 200, "OK");
        if self.is_session() {
            return self.session_accepted(line, Asked::Open, answer);
        }
        // What a reliable answer said is settled, and the 2xx may repeat it. What an
        // unreliable one said is the answer if the 2xx says nothing (RFC 3261
        // §13.2.1): it need not repeat it either.
        let description = match early {
            Some((settled, true)) => Some(settled),
            early => {
                let own = sdp(answer).map(str::to_owned);
                own.or(early.map(|(said, _)| said))
            }
        };
        self.show(line, Shown::Connected, false);
        #[cfg(feature = "third-party")]
        if self.answer_in_ack(line, answer) {
            return;
        }
        match description {
            Some(description) if self.exchange.is_offered() => {
                self.apply(line, &description, None);
            }
            // An UPDATE has taken the early dialog further.
            _ if !self.exchange.is_offered() => self.advance(line),
            _ => {
                self.leave(line, 488, None);
                self.end_as(
                    line,
                    Cause::Failed,
                    Situation::NoDescription,
                    Some(answer.status()),
                );
            }
        }
    }

    fn failed(&mut self, line: &mut Line, answer: &Message) {
        // A 6xx speaks for all places.
        if answer.status() < 600
            && let Phase::Calling(outgoing) = &self.phase
            && !outgoing.redirects.is_empty()
        {
            return self.try_next(line, answer);
        }
        let cause = match answer.status() {
            480 | 486 | 600 | 603 | 606..=608 => Cause::Rejected,
            487 => Cause::Cancelled,
            _ => Cause::Failed,
        };
        let mut fault = refusal(answer);
        if let Some(documents) = &mut self.documents {
            documents.last = Answer::of(answer);
            // A gateway says there what the status does not.
            fault.said = answer.warning().or(fault.said);
        }
        self.end(line, cause, Some(fault));
    }

    /// 422: the session interval was too small (RFC 4028 §7.3).
    fn too_brief(&mut self, line: &mut Line, answer: &Message) {
        let Phase::Calling(outgoing) = &mut self.phase else {
            return;
        };
        outgoing.tried += 1;
        if outgoing.tried > MAX_TRIES || !self.session.raise(answer) {
            return self.failed(line, answer);
        }
        self.again(line);
    }

    /// Sends the INVITE again, with the same offer: Call-ID, From and To stay.
    pub(super) fn again(&mut self, line: &mut Line) {
        self.forks.clear();
        self.invite(line);
    }

    pub(super) fn prack_refused(&mut self, line: &mut Line, answer: &Message) {
        // The far end knows the early dialog no more; the INVITE's own answer
        // tells what becomes of the call.
        if self.is_calling() && answer.status() == 481 {
            self.forks.retain(|fork| fork.rseq == 0);
            let state = self.shown.0;
            let early = self.forks.iter().any(|fork| fork.answer.is_some());
            self.show(line, state, early);
        }
    }

    /// The early dialog that a request of the far end belongs to.
    pub(super) fn fork_of(&mut self, request: &Message) -> Option<&mut Fork> {
        self.forks
            .iter_mut()
            .find(|fork| fork.dialog.has(request) && !fork.closed)
    }
}
