//! Sessions that others open with us: INVITE with a body that the owner reads, INFO
//! both ways, BYE. What a gateway does; a phone in a page only opens some.
//!
//! A session stays on the flow that it was made on. When that is lost the far end is
//! told as soon as there is another one, so that it opens the session anew.

use super::terms::{Content, content};
use crate::dialog::{Dialog, SessionTimer, record_routes, timer};
use crate::fault::Situation;
use crate::flow::{ALLOW, FlowId, Flows};
use crate::prelude::*;
use crate::queue::take_first;
use crate::rand::Random;
use crate::sip::{Message, Name};
use crate::text::decimal;
use crate::time::{Instant, earliest};
use crate::transaction::{Due, Resend};
use crate::usage::{self, Account, Arrival, Cause, Key, Reply, Usage, shown_headers};
use alloc::collections::BTreeMap;

type Action = usage::Action<Job, Event>;

/// Requests of one far end that the owner has not answered yet; more get a 500. A client
/// has no reason to ask for so much at once.
const MOST_ASKED: usize = 32;
/// Longest interval of session timers, in seconds. A gateway that is started anew knows
/// its sessions no more, and their clients notice when they refresh them, at half of it;
/// ten thousand idle sessions are then 67 refreshes a second.
const INTERVAL: u32 = 300;
/// Bodies are read by somebody who has to know what they are.
const DISPOSITION: (&str, &str) = ("Content-Disposition", "signal;handling=required");

/// What a request of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// INFO. Its number is the owner's.
    Info,
    /// BYE. Its answer changes nothing.
    Bye,
}

/// What the owner hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants a session: to be accepted or refused.
    Offered {
        /// Session.
        of: u32,
        /// All headers but credentials.
        headers: Vec<(String, String)>,
        /// What it says.
        content: Option<Content>,
    },
    /// An INFO, or the INVITE that refreshes the session: to be answered.
    Asked {
        /// Session.
        of: u32,
        /// Names the request.
        number: u32,
        /// What it says.
        content: Option<Content>,
    },
    /// An INFO of ours is answered, or never will be.
    Done {
        /// Session.
        of: u32,
        /// Status; 0: nobody answered.
        status: u16,
    },
    /// It is over, and was not ended by us.
    Ended {
        /// Session.
        of: u32,
    },
}

/// ```text
///           accept              BYE, either way; not refreshed
///  Offered ────────► Open ─────────────────────────────────────► Over
///     │                │ flow lost           another flow (BYE)   ▲
///     │                └──────────────► Lost ─────────────────────┤
///     └───────────────────────────────────────────────────────────┘
///       refused, cancelled, flow lost
/// ```
enum State {
    Offered(Message),
    Open,
    Lost,
    Over,
}

struct Session {
    state: State,
    dialog: Dialog,
    flow: Option<FlowId>,
    contact: String,
    timer: SessionTimer,
    /// Requests that the owner has not answered yet.
    asked: Vec<(u32, Message)>,
    /// Our 2xx to an INVITE, sent until it is acknowledged.
    unacknowledged: Option<(Resend, Reply)>,
}

/// The sessions that a phone has accepted.
pub struct Accepted {
    listens: bool,
    list: BTreeMap<u32, Session>,
    /// Sessions by Call-ID: there may be ten thousand.
    by_call_id: BTreeMap<String, u32>,
    /// Those that are over, and not forgotten yet.
    over: Vec<u32>,
    /// Nothing is due before.
    due: Option<Instant>,
    /// Sessions so far.
    count: u32,
    flows: Flows,
    account: Account,
    random: Random,
    actions: Vec<Action>,
}

impl Accepted {
    /// From now on sessions are offered to the owner.
    pub fn listen(&mut self) {
        self.listens = true;
    }

    /// Whether they are.
    pub fn listens(&self) -> bool {
        self.listens
    }

    /// Accepts what was offered.
    pub fn accept(&mut self, now: Instant, of: u32, content: Content) {
        let Some(session) = self.list.get_mut(&of) else {
            return;
        };
        if let State::Offered(invite) = core::mem::replace(&mut session.state, State::Open) {
            let reply = session.agree(now, of, &invite, Some(content));
            self.due = earliest(&[self.due, session.due()]);
            self.actions.push(Action::Reply(reply));
        }
    }

    /// Refuses what was offered.
    pub fn refuse(&mut self, of: u32, status: u16, headers: Vec<(String, String)>) {
        let Some(session) = self.list.get_mut(&of) else {
            return;
        };
        if let State::Offered(invite) = core::mem::replace(&mut session.state, State::Over) {
            let mut reply = session.reply(of, &invite, status);
            reply.headers = headers;
            self.over.push(of);
            self.actions.push(Action::Reply(reply));
        }
    }

    /// Answers an [`Event::Asked`].
    pub fn answer(&mut self, now: Instant, of: u32, number: u32, content: Content) {
        let Some(session) = self.list.get_mut(&of) else {
            return;
        };
        let mut asked = session.asked.extract_if(.., |(asked, _)| *asked == number);
        let Some((_, request)) = asked.next() else {
            return;
        };
        drop(asked);
        let reply = if request.method() == "INVITE" {
            session.agree(now, of, &request, Some(content))
        } else {
            let mut reply = session.reply(of, &request, 200);
            reply.content = Some(content);
            reply.with(DISPOSITION.0, DISPOSITION.1)
        };
        self.due = earliest(&[self.due, session.due()]);
        self.actions.push(Action::Reply(reply));
    }

    /// Sends INFO; answered by [`Event::Done`].
    pub fn info(&mut self, of: u32, number: u32, content: Content) {
        if let Some(session) = self.list.get_mut(&of)
            && let State::Open = session.state
        {
            let mut info = session.dialog.request("INFO");
            info.header(DISPOSITION.0, DISPOSITION.1);
            info.content = Some(content);
            let job = Job::Info;
            self.actions
                .push(Action::Send(Key { of, job, number }, info));
        }
    }

    /// Ends a session; `reason`: a Reason header (RFC 3326).
    pub fn dismiss(&mut self, of: u32, reason: Option<&str>) {
        let Some(session) = self.list.get_mut(&of) else {
            return;
        };
        if let State::Offered(_) = session.state {
            return self.refuse(of, 480, Vec::new());
        }
        if let State::Open = core::mem::replace(&mut session.state, State::Over) {
            let mut bye = session.dialog.request("BYE");
            if let Some(reason) = reason {
                bye.header("Reason", reason);
            }
            self.actions.extend(session.give_up(of));
            self.over.push(of);
            self.actions.push(Action::Send(bye_of(of), bye));
        }
    }

    fn offered(&mut self, invite: &Message, at: Arrival) {
        self.count += 1;
        let of = self.count;
        let session = Session {
            state: State::Offered(invite.clone()),
            dialog: Dialog::of_request(invite, self.random.hex::<8>()),
            flow: Some(at.flow),
            contact: self.account.contact(at.home, &mut self.random),
            timer: SessionTimer::granting(INTERVAL),
            asked: Vec::new(),
            unacknowledged: None,
        };
        self.by_call_id.insert(invite.call_id().to_owned(), of);
        self.list.insert(of, session);
        self.actions.push(Action::Event(Event::Offered {
            of,
            headers: shown_headers(invite),
            content: content(invite),
        }));
    }

    /// CANCEL (RFC 3261 §9.2).
    fn cancelled(&mut self, cancel: &Message) -> bool {
        let number = |message: &Message| message.cseq().map(|cseq| cseq.number);
        let is_this = |one: &&mut Session| match &one.state {
            State::Offered(invite) => {
                invite.branch() == cancel.branch() && number(invite) == number(cancel)
            }
            _ => false,
        };
        let Some(of) = self.by_call_id.get(cancel.call_id()).copied() else {
            return false;
        };
        let Some(session) = self.list.get_mut(&of).filter(is_this) else {
            return false;
        };
        let reply = session.reply(of, cancel, 200);
        self.actions.push(Action::Reply(reply));
        self.refuse(of, 487, Vec::new());
        self.actions.push(Action::Event(Event::Ended { of }));
        true
    }

    /// It is over, and the owner did not end it.
    fn end(&mut self, of: u32, bye: bool) {
        let Some(session) = self.list.get_mut(&of) else {
            return;
        };
        match core::mem::replace(&mut session.state, State::Over) {
            State::Over => return,
            // The owner was told when its flow was lost.
            State::Lost => {}
            State::Offered(_) | State::Open => {
                self.actions.push(Action::Event(Event::Ended { of }));
            }
        }
        self.actions.extend(session.give_up(of));
        self.over.push(of);
        if bye {
            let request = session.dialog.request("BYE");
            self.actions.push(Action::Send(bye_of(of), request));
        }
    }
}

fn bye_of(of: u32) -> Key<Job> {
    let job = Job::Bye;
    Key { of, job, number: 0 }
}

impl Session {
    /// When there is something to be done.
    fn due(&self) -> Option<Instant> {
        if !matches!(self.state, State::Open | State::Lost) {
            return None;
        }
        let resend = self.unacknowledged.as_ref();
        let resend = resend.map(|(resend, _)| resend.poll_timeout());
        earliest(&[self.timer.poll_timeout(), resend])
    }

    fn reply(&self, of: u32, request: &Message, status: u16) -> Reply {
        let mut reply = Reply::new(request, status);
        reply.of = Some(of);
        reply.tag = Some(self.dialog.local_tag.clone());
        reply
    }

    /// The 2xx to an INVITE or UPDATE.
    fn agree(
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
    fn give_up(&mut self, of: u32) -> Vec<Action> {
        self.unacknowledged = None;
        let asked = core::mem::take(&mut self.asked);
        let refusal = |(_, request): &(u32, Message)| Action::Reply(self.reply(of, request, 481));
        asked.iter().map(refusal).collect()
    }

    /// Takes a request of the far end: the answer, if it is ours to give.
    fn handle(
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

impl Usage for Accepted {
    type Job = Job;
    type Event = Event;

    fn new(account: &Account, random: Random) -> Self {
        Self {
            listens: false,
            list: BTreeMap::new(),
            by_call_id: BTreeMap::new(),
            over: Vec::new(),
            due: None,
            count: 0,
            flows: Flows::default(),
            account: account.clone(),
            random,
            actions: Vec::new(),
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        take_first(&mut self.actions)
    }

    fn handle_answer(&mut self, _: Instant, key: Key<Job>, answer: &Message) {
        let status = answer.status();
        if key.job == Job::Info && status >= 200 {
            let of = key.of;
            self.actions.push(Action::Event(Event::Done { of, status }));
            // RFC 5057 §5.1: the far end knows nothing of this dialog any more.
            if matches!(status, 408 | 481) {
                self.end(of, true);
            }
        }
    }

    fn unanswered(&mut self, _: Instant, key: Key<Job>, _: Option<&'static str>) {
        if key.job == Job::Info {
            let (of, status) = (key.of, 0);
            self.actions.push(Action::Event(Event::Done { of, status }));
            self.end(of, true);
        }
    }

    fn handle_request(&mut self, now: Instant, request: &Message, at: Arrival) -> bool {
        if !self.listens {
            return false;
        }
        let known = self.by_call_id.get(request.call_id()).copied();
        let session = known.and_then(|of| self.list.get_mut(&of));
        let session = session.filter(|session| session.dialog.has(request));
        if let Some((of, session)) = known.zip(session) {
            let (reply, event) = session.handle(now, of, request);
            self.due = earliest(&[self.due, session.due()]);
            let ended =
                request.method() == "BYE" && reply.as_ref().is_some_and(|it| it.status == 200);
            self.actions.extend(reply.map(Action::Reply));
            self.actions.extend(event.map(Action::Event));
            if ended {
                self.end(of, false);
            }
            return true;
        }
        match request.method() {
            "CANCEL" => self.cancelled(request),
            // There is nobody to read it.
            "MESSAGE" => {
                let refusal = Reply::new(request, 405);
                self.actions.push(Action::Reply(refusal));
                true
            }
            "INVITE" if request.to_tag().is_none() && at.bound => {
                let refusal = if known.is_some() {
                    // It came by another way (RFC 3261 §8.2.2.2), or comes again.
                    Some(Reply::new(request, 482))
                } else if timer::is_too_brief(request) {
                    let min = decimal(timer::MIN.into());
                    Some(Reply::new(request, 422).with("Min-SE", &min))
                } else {
                    None
                };
                match refusal {
                    Some(refusal) => self.actions.push(Action::Reply(refusal)),
                    None => self.offered(request, at),
                }
                true
            }
            _ => false,
        }
    }

    fn flows_changed(&mut self, _: Instant, open: &[FlowId], home: Option<FlowId>) {
        self.flows.set(open, home);
        let lost = |one: &Session| one.flow.is_some_and(|flow| !open.contains(&flow));
        for (of, session) in &mut self.list {
            if lost(session) {
                session.flow = None;
                let tells = matches!(session.state, State::Open | State::Offered(_));
                session.state = match session.state {
                    State::Open => State::Lost,
                    _ => {
                        self.over.push(*of);
                        State::Over
                    }
                };
                session.asked.clear();
                session.unacknowledged = None;
                if tells {
                    self.actions.push(Action::Event(Event::Ended { of: *of }));
                }
            }
            if let (State::Lost, Some(home)) = (&session.state, home) {
                session.state = State::Over;
                self.over.push(*of);
                session.flow = Some(home);
                let bye = session.dialog.request("BYE");
                self.actions.push(Action::Send(bye_of(*of), bye));
            }
        }
    }

    fn account_changed(&mut self, account: &Account) {
        self.account = account.clone();
    }

    fn flow(&self, of: u32) -> Option<FlowId> {
        self.list.get(&of).and_then(|session| session.flow)
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let mut expired = Vec::new();
        for (of, session) in &mut self.list {
            if !matches!(session.state, State::Open | State::Lost) {
                continue;
            }
            if session.timer.due(now) == timer::Due::Expired {
                expired.push(*of);
            }
            if let Some((resend, reply)) = &mut session.unacknowledged {
                match resend.due(now) {
                    Due::Nothing => {}
                    Due::Again => self.actions.push(Action::Reply(reply.clone())),
                    Due::GiveUp => expired.push(*of),
                }
            }
        }
        for of in expired {
            let here = self.flow(of).is_some();
            self.end(of, here);
        }
        let due = self.list.values().filter_map(Session::due);
        self.due = due.min();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    fn end_all(&mut self, _: Instant, _: Cause, _: Situation) {
        let live = |one: &Session| !matches!(one.state, State::Over);
        let list = self.list.iter().filter(|(_, one)| live(one));
        let list: Vec<u32> = list.map(|(of, _)| *of).collect();
        for of in list {
            self.dismiss(of, None);
            if let Some(session) = self.list.get_mut(&of) {
                session.state = State::Over;
                self.over.push(of);
            }
        }
    }

    fn tidy(&mut self, pending: impl Fn(u32) -> bool) {
        for of in core::mem::take(&mut self.over) {
            if pending(of) {
                self.over.push(of);
            } else if let Some(session) = self.list.remove(&of) {
                self.by_call_id.remove(&session.dialog.call_id);
            }
        }
    }
}
