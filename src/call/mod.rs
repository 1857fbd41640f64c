//! Calls: one INVITE usage each, with its dialogs, its offers and answers, its
//! timers and its transfers (RFC 3261 §13 to §15, and what came after).
//!
//! Like the registration, the machine knows nothing of sockets, transactions and
//! credentials. It asks its owner to send and to answer ([`Action`]), is given
//! answers and requests, and tells the app ([`Event`]). Media are made elsewhere:
//! it asks for descriptions ([`Want`]) and is given them.
//!
//! What there is of a call only while it is made, rings or lasts stands in its
//! [`Phase`] and goes with it. The app hears of the end when that gets `Over`; the
//! call then stays until its last transaction is over: a 2xx may cross a CANCEL, a
//! BYE waits for an ACK.

mod call_info;
#[cfg(feature = "third-party")]
mod delayed;
mod documents;
mod exchange;
mod flows;
mod handover;
mod hold;
mod identity;
mod incoming;
mod info;
mod inside;
mod line;
mod media;
mod message;
mod origin;
mod outgoing;
mod phase;
mod pickup;
mod redirection;
mod reinvite;
mod session;
mod target;
mod terms;
mod transfer;
mod usage;

use crate::prelude::*;
#[cfg(feature = "third-party")]
use alloc::collections::VecDeque;
pub use call_info::CallInfo;
pub use documents::{Answer, Asked, Document};
pub use pickup::Abandoned;
#[cfg(feature = "events")]
pub(crate) use target::request_uri;
pub use terms::{Action, CallOptions, Event, FollowRedirects, Job, Key, Party, Shown, Want};

use crate::dialog::{Dialog, SessionTimer};
use crate::fault::{Fault, Situation};
use crate::flow::{FLOW_FAILED, FlowId};
use crate::pool::Turn;
use crate::sip::{Message, Name};
use crate::time::{Instant, earliest};
use crate::transaction::{Due, Resend};
pub use crate::usage::Cause;
use crate::usage::{Reply, shown_headers};
use documents::Documents;
use exchange::{Exchange, Signalling};
use identity::{Told, party, shown_uri};
use line::Line;
use message::{dialog_headers, refusal, sdp};
use outgoing::Fork;
use phase::Phase;
use transfer::Referral;

/// Calls at the same time; more than anybody can handle.
pub const MAX_CALLS: usize = 10;

/// What the far end can do.
#[derive(Clone, Copy, Default)]
struct Peer {
    update: bool,
    trickle: bool,
    replaces: bool,
}

/// One call.
struct Call {
    id: u32,
    phase: Phase,
    /// We made it: the Call-ID is ours, which counts in a glare.
    ours: bool,
    shown: (Shown, bool),
    dialog: Dialog,
    /// Who is at the other end, as the app knows it.
    remote: Party,
    /// What it said of itself last.
    remote_own: Party,
    /// The server knows more of it than may be shown.
    remote_hidden: bool,
    peer: Peer,
    /// Early dialogs of our INVITE, and those that were not chosen.
    forks: Vec<Fork>,
    follow_redirects: FollowRedirects,
    /// Our Contact in its dialogs.
    contact: String,
    /// A response of ours that is sent until the far end confirms it: a reliable 180
    /// (RFC 3262 §3), or a 2xx (RFC 3261 §13.3.1.4), whose ACK our BYE waits for.
    unacknowledged: Option<Box<(Resend, Reply)>>,
    /// RSeq of our reliable 180, or 0. Its PRACK may come after our 2xx.
    rseq: u32,
    exchange: Exchange,
    session: SessionTimer,
    /// Where its requests go and its answers; `None` while there is none.
    flow: Option<FlowId>,
    /// A REFER of theirs that the app has not answered yet, be it after their BYE.
    referral: Option<Referral>,
    /// The REFER that this call was made for.
    reports_to: Option<Referral>,
    /// What the server told of it last.
    call_info: CallInfo,
    /// Of a session: it has no media.
    documents: Option<Box<Documents>>,
    /// How many hosts it has outlived,
    host: u32,
    /// and what the app was told last, for the next one.
    handed_over: String,
}

/// The calls of a phone.
pub struct Calls {
    list: Vec<Call>,
    line: Line,
    #[cfg(feature = "third-party")]
    most: usize,
    /// Call-IDs of calls that were made, those that are over included, oldest first.
    #[cfg(feature = "third-party")]
    made: VecDeque<String>,
}

impl Calls {
    /// How new ones are spread over the flows.
    pub(crate) fn spread(&mut self, turn: Turn) {
        self.line.flows.turn = turn;
    }

    /// Whether a call is known by this id, be it over for the app.
    fn knows(&self, id: u32) -> bool {
        self.list.iter().any(|call| call.id == id)
    }

    /// How many there are, those that are over for the app included.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are as many as may be.
    fn are_full(&self) -> bool {
        #[cfg(feature = "third-party")]
        let most = self.most;
        #[cfg(not(feature = "third-party"))]
        let most = MAX_CALLS;
        self.list.iter().filter(|call| !call.is_over()).count() >= most
    }

    /// Allows for so many instead of [`MAX_CALLS`]: they are those of other people.
    #[cfg(feature = "third-party")]
    pub fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// Whether we made the call of this Call-ID, be it over: others may be told of it
    /// later than we are of its end.
    #[cfg(feature = "third-party")]
    pub(crate) fn has_made(&self, call_id: &str) -> bool {
        let mut there = self.list.iter().filter(|call| call.ours);
        there.any(|call| call.dialog.call_id == call_id)
            || self.made.iter().any(|made| made == call_id)
    }

    /// Of the last ones: as many as there may be at once.
    #[cfg(feature = "third-party")]
    fn remember(&mut self, call_id: &str) {
        if self.made.len() >= self.most {
            self.made.pop_front();
        }
        self.made.push_back(call_id.to_owned());
    }

    /// Whether the app has a call: a session is none.
    pub(crate) fn are_any(&self) -> bool {
        let live = |call: &Call| !call.is_over() && !call.is_session();
        self.list.iter().any(live)
    }

    /// The call, if it is not over, with what it needs.
    fn live(&mut self, id: u32) -> Option<(&mut Call, &mut Line)> {
        let Self { list, line, .. } = self;
        let mut calls = list.iter_mut();
        let call = calls.find(|call| call.id == id && !call.is_over() && !call.is_session())?;
        Some((call, line))
    }

    /// The same for an operation, which is answered at once if there is none.
    fn operate(&mut self, now: Instant, op: u32, id: u32) -> Option<(&mut Call, &mut Line)> {
        self.line.now = now;
        if self.live(id).is_none() {
            self.line.fail(op, Situation::CallOver);
        }
        self.live(id)
    }

    /// `hangup`: CANCEL, BYE or a refusal, whatever the state asks for.
    pub fn hangup(&mut self, now: Instant, op: u32, id: u32) {
        if let Some((call, line)) = self.operate(now, op, id) {
            call.leave(line, 486, None);
            call.end(line, Cause::Local, None);
            line.done(op);
        }
    }
}

impl Call {
    // Two callers, and many fields: once is enough.
    #[inline(never)]
    fn new(id: u32, phase: Phase, dialog: Dialog, contact: String, flow: FlowId) -> Self {
        Self {
            flow: Some(flow),
            contact,
            id,
            ours: matches!(phase, Phase::Calling(_)),
            phase,
            shown: (Shown::Calling, false),
            dialog,
            remote: Party::default(),
            remote_own: Party::default(),
            remote_hidden: false,
            peer: Peer::default(),
            forks: Vec::new(),
            follow_redirects: FollowRedirects::default(),
            unacknowledged: None,
            rseq: 0,
            exchange: Exchange::default(),
            session: SessionTimer::default(),
            referral: None,
            reports_to: None,
            call_info: CallInfo::new(),
            documents: None,
            host: 0,
            handed_over: String::new(),
        }
    }

    /// Tells the far end that it is over: CANCEL, a refusal with `status`, or BYE.
    fn leave(&mut self, line: &mut Line, status: u16, reason: Option<&str>) {
        #[cfg(feature = "third-party")]
        self.acknowledge_unanswered(line);
        if let Some(asked) = self.asked() {
            let status = if self.is_established() { 487 } else { status };
            let mut reply = self.reply(asked, status);
            reply.reason = reason.map(str::to_owned);
            line.reply(reply);
        }
        match &self.phase {
            Phase::Calling(_) => line.cancel(self.id),
            // RFC 3261 §15: a callee's BYE waits for the ACK.
            Phase::Established(_) if self.unacknowledged.is_none() => self.bye(line),
            _ => {}
        }
    }

    fn bye(&mut self, line: &mut Line) {
        let bye = self.dialog.request("BYE");
        line.send(self.id, Job::Bye, bye);
    }

    /// The end in a sentence of ours. Once for all, as it is asked for in many places.
    #[inline(never)]
    fn end_as(&mut self, line: &mut Line, cause: Cause, at: Situation, status: Option<u16>) {
        let fault = Fault::new(at);
        self.end(line, cause, Some(Fault { status, ..fault }));
    }

    /// The app hears of the end: once, and last of all.
    fn end(&mut self, line: &mut Line, cause: Cause, fault: Option<Fault>) {
        if self.is_over() {
            return;
        }
        if let Phase::Answering(_, Some(op)) = self.phase {
            line.fail(op, Situation::EndedUnanswered);
        }
        let ended = Fault::new(Situation::EndedMeanwhile);
        self.give_up(line, &ended);
        self.transfer_failed(line, ended);
        #[cfg(feature = "third-party")]
        self.acknowledge_unanswered(line);
        if !self.is_established() {
            self.unacknowledged = None;
        }
        self.phase = Phase::Over;
        self.exchange.state = Signalling::Stable;
        if let Some(documents) = &mut self.documents {
            return line.event(Event::SessionEnded {
                session: self.id,
                cause,
                fault,
                answer: core::mem::take(&mut documents.last),
            });
        }
        self.report_end(line, fault.as_ref());
        self.media_event(line, Want::End);
        line.event(Event::Ended {
            call: self.id,
            cause,
            fault,
        });
    }

    /// Shows a state that differs from the last one.
    fn show(&mut self, line: &mut Line, state: Shown, early: bool) {
        if self.shown != (state, early) && !self.is_session() {
            self.shown = (state, early);
            line.event(Event::State {
                call: self.id,
                state,
                early,
            });
        }
    }

    /// Answers with nothing but the status. Once for all, as it is done in many places.
    #[inline(never)]
    fn respond(&self, line: &mut Line, request: &Message, status: u16) {
        line.reply(self.reply(request, status));
    }

    /// The same with a header.
    #[inline(never)]
    fn respond_with(
        &self,
        line: &mut Line,
        request: &Message,
        status: u16,
        name: &str,
        value: &str,
    ) {
        line.reply(self.reply(request, status).with(name, value));
    }

    /// An answer in this call's dialog.
    fn reply(&self, request: &Message, status: u16) -> Reply {
        Reply {
            tag: Some(self.dialog.local_tag.clone()),
            of: Some(self.id).filter(|_| !self.is_session()),
            ..Reply::new(request, status)
        }
    }

    /// The ACK for `answer`, a 2xx to the INVITE of this job and number (RFC 3261
    /// §13.2.2.4).
    fn acknowledge(&mut self, line: &mut Line, job: Job, number: u32, answer: &Message) {
        #[cfg(feature = "third-party")]
        if self.delays_ack(line, job, number, answer) {
            return;
        }
        let ack = self.dialog.request("ACK");
        let cseq = answer.cseq().map_or(0, |cseq| cseq.number);
        line.acknowledge(self.id, job, number, ack, cseq);
    }

    /// What a message of the far end tells of it and of the call.
    fn learn(&mut self, line: &mut Line, message: &Message) {
        if message.header(Name::Allow).is_some() {
            self.peer.update = message.has_option(Name::Allow, "UPDATE");
        }
        if message.header(Name::Supported).is_some() {
            self.peer.trickle = message.has_option(Name::Supported, "trickle-ice");
            // Said once is enough: JsSIP does not repeat it in each request.
            self.peer.replaces |= message.has_option(Name::Supported, "replaces");
        }
        if !self.is_session() {
            self.identify(line, message);
            self.learn_call_info(line, message);
        }
    }

    /// Whether its dialog is no early one.
    fn is_confirmed(&self) -> bool {
        !matches!(self.phase, Phase::Calling(_) | Phase::Ringing(..))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let resend = self.unacknowledged.as_ref();
        let resend = resend.map(|sent| sent.0.poll_timeout());
        let (until, transfer) = match &self.phase {
            Phase::Calling(_) => return None,
            Phase::Ringing(incoming, _) | Phase::Answering(incoming, _) => {
                (Some(incoming.until), None)
            }
            Phase::Established(established) => {
                (established.lost_until, established.transfer.as_ref())
            }
            Phase::Over => return resend,
        };
        earliest(&[
            resend,
            until,
            transfer.map(|transfer| transfer.until),
            self.referral.as_ref().map(|referral| referral.until),
            self.exchange.retry_at,
            self.session.poll_timeout(),
        ])
    }

    fn handle_timeout(&mut self, line: &mut Line) {
        let now = line.now;
        if let Some(sent) = &mut self.unacknowledged {
            match sent.0.due(now) {
                Due::Nothing => {}
                Due::Again => line.reply(sent.1.clone()),
                Due::GiveUp => self.unacknowledged_for_long(line),
            }
        }
        match &self.phase {
            Phase::Ringing(incoming, _) | Phase::Answering(incoming, _)
                if incoming.until <= now =>
            {
                self.leave(line, 480, None);
                self.end_as(line, Cause::Cancelled, Situation::NobodyAnswered, Some(480));
            }
            Phase::Established(established) => {
                if established.lost_until.is_some_and(|until| until <= now) {
                    return self.lost_for_long(line);
                }
                self.session_timeout(line);
                self.transfer_timeout(line);
                self.advance(line);
            }
            _ => {}
        }
    }

    /// Nobody acknowledged our answer (RFC 3261 §13.3.1.4, RFC 3262 §3).
    fn unacknowledged_for_long(&mut self, line: &mut Line) {
        self.unacknowledged = None;
        if self.is_over() {
            return self.bye(line);
        }
        self.leave(line, 504, None);
        self.end_as(line, Cause::Failed, Situation::Unacknowledged, Some(408));
    }
}
