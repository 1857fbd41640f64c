//! One session: what it agrees to, and what it makes of the far end's requests.

use super::content::{Content, content};
use super::{Action, Event, Job};
use crate::dialog::{Dialog, SessionTimer, record_routes, timer};
use crate::flow::{ALLOW, FlowId};
use crate::prelude::*;
use crate::sip::{Message, Name};
use crate::text::decimal;
use crate::time::{Instant, earliest};
use crate::transaction::Resend;
use crate::usage::{Key, Reply};

/// Requests of one far end that the owner has not answered yet; more get a 500. A client
/// has no reason to ask for so much at once.
const MOST_ASKED: usize = 32;
/// Longest interval of session timers, in seconds. A gateway that is started anew knows
/// its sessions no more, and their clients notice when they refresh them, at half of it;
/// ten thousand idle sessions are then 67 refreshes a second.
const INTERVAL: u32 = 300;
/// Bodies are read by somebody who has to know what they are.
const DISPOSITION: (&str, &str) = ("Content-Disposition", "signal;handling=required");

/// ```text
///           accept              BYE, either way; not refreshed
///  Offered ────────► Open ─────────────────────────────────────► Over
///     │                │ flow lost           another flow (BYE)   ▲
///     │                └──────────────► Lost ─────────────────────┤
///     └───────────────────────────────────────────────────────────┘
///       refused, cancelled, flow lost
/// ```
pub(super) enum State {
    Offered(Message),
    Open,
    Lost,
    Over,
}

pub(super) struct Session {
    pub state: State,
    pub dialog: Dialog,
    pub flow: Option<FlowId>,
    contact: String,
    pub timer: SessionTimer,
    /// Requests that the owner has not answered yet.
    pub asked: Vec<(u32, Message)>,
    /// Our 2xx to an INVITE, sent until it is acknowledged.
    pub unacknowledged: Option<(Resend, Reply)>,
}

impl Session {
    /// What an INVITE offers; we are at `contact`.
    pub fn offered(invite: &Message, tag: String, flow: FlowId, contact: String) -> Self {
        Self {
            state: State::Offered(invite.clone()),
            dialog: Dialog::of_request(invite, tag),
            flow: Some(flow),
            contact,
            timer: SessionTimer::granting(INTERVAL),
            asked: Vec::new(),
            unacknowledged: None,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// When there is something to be done.
    pub fn due(&self) -> Option<Instant> {
        if !matches!(self.state, State::Open | State::Lost) {
            return None;
        }
        let resend = self.unacknowledged.as_ref();
        let resend = resend.map(|(resend, _)| resend.poll_timeout());
        earliest(&[self.timer.poll_timeout(), resend])
    }

    pub fn reply(&self, of: u32, request: &Message, status: u16) -> Reply {
        let mut reply = Reply::new(request, status);
        reply.of = Some(of);
        reply.tag = Some(self.dialog.local_tag.clone());
        reply
    }

    /// The answer to a request that the owner was asked.
    pub fn answer(&mut self, now: Instant, of: u32, request: &Message, content: Content) -> Reply {
        if request.method() == "INVITE" {
            return self.agree(now, of, request, Some(content));
        }
        let mut reply = self.reply(of, request, 200);
        reply.content = Some(content);
        reply.with(DISPOSITION.0, DISPOSITION.1)
    }

    pub fn info(&mut self, of: u32, number: u32, content: Content) -> Action {
        let mut info = self.dialog.request("INFO");
        info.header(DISPOSITION.0, DISPOSITION.1);
        info.content = Some(content);
        let job = Job::Info;
        Action::Send(Key { of, job, number }, info)
    }

    /// `reason`: a Reason header (RFC 3326).
    pub fn bye(&mut self, of: u32, reason: Option<&str>) -> Action {
        let mut bye = self.dialog.request("BYE");
        if let Some(reason) = reason {
            bye.header("Reason", reason);
        }
        let (job, number) = (Job::Bye, 0);
        Action::Send(Key { of, job, number }, bye)
    }

    /// The 2xx to an INVITE or UPDATE.
    pub fn agree(
        &mut self,
        now: Instant,
        of: u32,
        request: &Message,
        content: Option<Content>,
    ) -> Reply {
        let mut reply = self
            .reply(of, request, 200)
            .with("Contact", &self.contact)
            .with("Allow", ALLOW)
            .with("Supported", "timer");
        if request.to_tag().is_none() {
            reply.headers.extend(record_routes(request));
        }
        // Who knows session timers refreshes the session itself. Of others an event shows
        // whether they are there: a request of ours would have no body to ask with.
        if request.has_option(Name::Supported, "timer") && !timer::is_ours(request) {
            self.timer.answer(now, request, &mut reply.headers);
        }
        if content.is_some() {
            reply = reply.with(DISPOSITION.0, DISPOSITION.1);
        }
        reply.content = content;
        if request.method() == "INVITE" {
            self.unacknowledged = Some((Resend::new(now), reply.clone()));
        }
        reply
    }

    /// What is not answered will not be.
    pub fn give_up(&mut self, of: u32) -> Vec<Action> {
        self.unacknowledged = None;
        let asked = core::mem::take(&mut self.asked);
        let refusal = |(_, request): &(u32, Message)| Action::Reply(self.reply(of, request, 481));
        asked.iter().map(refusal).collect()
    }

    /// Takes a request of the far end: the answer, if it is ours to give.
    pub fn handle(
        &mut self,
        now: Instant,
        of: u32,
        request: &Message,
    ) -> (Option<Reply>, Option<Event>) {
        let plain = |status| (Some(Reply::new(request, status)), None);
        if request.method() == "ACK" {
            self.unacknowledged = None;
            return (None, None);
        }
        if !self.dialog.in_order(request) {
            return plain(500);
        }
        if !matches!(self.state, State::Open) {
            return plain(481);
        }
        match request.method() {
            "BYE" | "OPTIONS" => plain(200),
            "INVITE" | "UPDATE" if timer::is_too_brief(request) => {
                let min = decimal(timer::MIN.into());
                let reply = Reply::new(request, 422).with("Min-SE", &min);
                (Some(reply), None)
            }
            "UPDATE" => {
                self.dialog.refresh_target(request);
                (Some(self.agree(now, of, request, None)), None)
            }
            "INVITE" | "INFO" if self.asked.len() >= MOST_ASKED => plain(500),
            method @ ("INVITE" | "INFO") => {
                if method == "INVITE" {
                    self.dialog.refresh_target(request);
                }
                let number = request.cseq().map_or(0, |cseq| cseq.number);
                self.asked.push((number, request.clone()));
                let content = content(request);
                let asked = Event::Asked {
                    of,
                    number,
                    content,
                };
                (None, Some(asked))
            }
            _ => plain(405),
        }
    }
}
