//! Sessions with any body: an INVITE to any address, INFO both ways (RFC 6086 calls
//! that legacy usage), a session timer, BYE. What the bodies say is the owner's
//! business, as is what follows when a session ends.
//!
//! A session stays on the flow that it was made on: it ends with it.

#[cfg(feature = "gateway")]
pub mod accepted;
mod terms;

pub use terms::{Answer, Content, Event, Job};

use crate::dialog::{Dialog, SessionTimer, timer};
use crate::fault::Situation;
use crate::flow::{ALLOW, FlowId, Flows};
use crate::pool::Turn;
use crate::prelude::*;
use crate::queue::take_first;
use crate::rand::Random;
use crate::sip::Message;
use crate::text::decimal;
use crate::time::{Instant, earliest};
use crate::transaction::{Due, Request, Resend};
use crate::usage::{self, Account, Arrival, Cause, Key, Reply, Usage};
use terms::content;

type Action = usage::Action<Job, Event>;

/// ```text
///           2xx (ACK)
///  Calling ───────────► Open ──────────────► Over
///     │                       BYE, either way, ▲
///     │                       or its flow lost │
///     └────────────────────────────────────────┘
///       refused, cancelled, flow lost
/// ```
///
/// It then stays until its last transaction is over: a 2xx may cross a CANCEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Open,
    Over,
}

struct Session {
    of: u32,
    state: State,
    dialog: Dialog,
    flow: Option<FlowId>,
    contact: String,
    headers: Vec<(String, String)>,
    content: Content,
    timer: SessionTimer,
    /// Counts the refreshes.
    refreshes: u32,
    /// One is under way.
    refreshing: bool,
    /// CSeq number of the last INVITE of ours whose 2xx was acknowledged.
    acknowledged: u32,
    /// INFOs of ours that are not answered yet.
    asked: Vec<u32>,
    /// Our 2xx to a re-INVITE, sent until it is acknowledged.
    unacknowledged: Option<(Resend, Reply)>,
}

/// The sessions of a phone.
pub struct Sessions {
    list: Vec<Session>,
    flows: Flows,
    account: Account,
    random: Random,
    actions: Vec<Action>,
}

impl Sessions {
    /// Opens session `of` to `target`, a SIP URI, with `content` and further `headers`.
    pub(crate) fn open(
        &mut self,
        turn: &mut Turn,
        of: u32,
        target: &str,
        content: Content,
        headers: Vec<(String, String)>,
    ) {
        let Some(flow) = self.flows.for_session(turn) else {
            return self.tell_end(of, Cause::Failed, None, Some(Situation::NotRegistered));
        };
        let from = self.account.address();
        let target = target.to_owned();
        let dialog = Dialog::half(&mut self.random, &from, target, &self.account.routes);
        let home = self.flows.home == Some(flow);
        let contact = self.account.contact(home, &mut self.random);
        let session = Session {
            of,
            state: State::Calling,
            dialog,
            flow: Some(flow),
            contact: self.account.named_contact(&contact),
            headers,
            content,
            timer: SessionTimer::default(),
            refreshes: 0,
            refreshing: false,
            acknowledged: 0,
            asked: Vec::new(),
            unacknowledged: None,
        };
        let key = session.key(Job::Invite, 0);
        self.actions.push(Action::Send(key, session.invite()));
        self.list.push(session);
    }

    /// Sends INFO; answered by [`Event::Done`].
    pub fn info(&mut self, op: u32, of: u32, content: Content) {
        match self.list.iter_mut().find(|one| one.of == of) {
            Some(session) if session.state == State::Open => {
                session.asked.push(op);
                let mut info = session.dialog.request("INFO");
                info.content = Some(content);
                let key = session.key(Job::Info, op);
                self.actions.push(Action::Send(key, info));
            }
            _ => self.done(of, op, None),
        }
    }

    fn done(&mut self, of: u32, op: u32, answer: Option<Answer>) {
        for session in self.list.iter_mut().filter(|one| one.of == of) {
            session.asked.retain(|asked| *asked != op);
        }
        self.actions.push(Action::Event(Event::Done { op, answer }));
    }

    /// Ends it.
    pub fn close(&mut self, of: u32) {
        self.end(of, Cause::Local, None, None);
    }

    /// Ends one that is not over, with a word to the far end.
    fn end(&mut self, of: u32, cause: Cause, answer: Option<Answer>, at: Option<Situation>) {
        let live = |one: &&mut Session| one.of == of && one.state != State::Over;
        let Some(session) = self.list.iter_mut().find(live) else {
            return;
        };
        let before = core::mem::replace(&mut session.state, State::Over);
        session.unacknowledged = None;
        match before {
            State::Calling if answer.is_none() => {
                let key = session.key(Job::Invite, 0);
                self.actions.push(Action::Cancel(key));
            }
            State::Open if cause != Cause::Remote => {
                let key = session.key(Job::Bye, 0);
                let bye = session.dialog.request("BYE");
                self.actions.push(Action::Send(key, bye));
            }
            _ => {}
        }
        self.tell_end(of, cause, answer, at);
    }

    fn tell_end(&mut self, of: u32, cause: Cause, answer: Option<Answer>, at: Option<Situation>) {
        self.actions.push(Action::Event(Event::Ended {
            of,
            cause,
            answer,
            at,
        }));
    }

    fn invite_answered(&mut self, now: Instant, key: Key<Job>, answer: &Message) {
        let Some(session) = self.list.iter_mut().find(|one| one.of == key.of) else {
            return;
        };
        match answer.status() {
            // Whoever gave up before the first of these still has to cancel.
            ..200 if session.state == State::Over => self.actions.push(Action::Cancel(key)),
            ..200 => {}
            200..300 => {
                let dialog = Dialog::of_answer(&session.dialog, answer);
                let number = answer.cseq().map_or(0, |cseq| cseq.number);
                let ack = dialog.request("ACK");
                self.actions.push(Action::Ack(key, ack, number));
                let known = session.dialog.remote_tag == dialog.remote_tag;
                if session.state == State::Open && known {
                    // Sent again, because our ACK was late.
                    return;
                }
                if session.state != State::Calling {
                    // It crossed our CANCEL, or comes of another fork.
                    let bye = dialog.request("BYE");
                    let key = session.key(Job::Bye, number);
                    return self.actions.push(Action::Send(key, bye));
                }
                session.dialog = dialog;
                session.state = State::Open;
                session.acknowledged = number;
                session.timer.answered(now, answer);
                let (of, answer) = (key.of, Answer::of(answer));
                self.actions
                    .push(Action::Event(Event::Opened { of, answer }));
            }
            422 if session.state == State::Calling && session.timer.raise(answer) => {
                let invite = session.invite();
                self.actions.push(Action::Send(key, invite));
            }
            _ => self.end(key.of, Cause::Rejected, Some(Answer::of(answer)), None),
        }
    }

    fn refresh_answered(&mut self, now: Instant, key: Key<Job>, answer: &Message) {
        let open = |one: &&mut Session| one.of == key.of && one.state == State::Open;
        let Some(session) = self.list.iter_mut().find(open) else {
            return;
        };
        session.refreshing &= answer.status() < 200;
        match answer.status() {
            ..200 => {}
            200..300 => {
                session.dialog.refresh_target(answer);
                let number = answer.cseq().map_or(0, |cseq| cseq.number);
                let ack = session.dialog.request("ACK");
                self.actions.push(Action::Ack(key, ack, number));
                if number <= core::mem::replace(&mut session.acknowledged, number) {
                    return;
                }
                session.timer.answered(now, answer);
                let (of, answer) = (key.of, Answer::of(answer));
                self.actions
                    .push(Action::Event(Event::Refreshed { of, answer }));
            }
            408 | 481 => self.end(key.of, Cause::Failed, Some(Answer::of(answer)), None),
            422 if session.timer.raise(answer) => session.timer.refresh_at_once(now),
            _ => session.timer.put_off(now),
        }
    }
}

impl Session {
    fn key(&self, job: Job, number: u32) -> Key<Job> {
        let of = self.of;
        Key { of, job, number }
    }

    /// The INVITE that makes it, or refreshes it.
    fn invite(&self) -> Request {
        let mut invite = self.dialog.request("INVITE");
        invite.header("Contact", &self.contact);
        invite.header("Allow", ALLOW);
        invite.header("Supported", "timer");
        self.timer.offer(&mut invite);
        invite.headers.extend(self.headers.iter().cloned());
        invite.content = Some(self.content.clone());
        invite
    }

    /// Takes a request of the far end: the answer, and what the owner hears.
    fn handle(&mut self, now: Instant, request: &Message) -> (Option<Reply>, Option<Event>) {
        let of = self.of;
        let plain = |status| Some(Reply::new(request, status));
        if request.method() == "ACK" {
            self.unacknowledged = None;
            return (None, None);
        }
        if !self.dialog.in_order(request) {
            return (plain(500), None);
        }
        match request.method() {
            "BYE" => (plain(200), None),
            _ if self.state == State::Over => (plain(481), None),
            "INFO" => {
                let content = content(request).unwrap_or_default();
                (plain(200), Some(Event::Info { of, content }))
            }
            "INVITE" | "UPDATE" if timer::is_too_brief(request) => {
                let min = decimal(timer::MIN.into());
                let reply = Reply::new(request, 422).with("Min-SE", &min);
                (Some(reply), None)
            }
            "INVITE" if self.refreshing => (plain(491), None),
            method @ ("INVITE" | "UPDATE") => {
                self.dialog.refresh_target(request);
                let mut reply = Reply::new(request, 200).with("Contact", &self.contact);
                reply
                    .headers
                    .push(("Supported".to_owned(), "timer".to_owned()));
                self.timer.answer(now, request, &mut reply.headers);
                if method == "INVITE" {
                    self.unacknowledged = Some((Resend::new(now), reply.clone()));
                }
                (Some(reply), None)
            }
            "OPTIONS" => (plain(200), None),
            _ => (plain(405), None),
        }
    }
}

impl Usage for Sessions {
    type Job = Job;
    type Event = Event;
    const INVITES: bool = true;

    fn new(account: &Account, random: Random) -> Self {
        Self {
            list: Vec::new(),
            flows: Flows::default(),
            account: account.clone(),
            random,
            actions: Vec::new(),
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        take_first(&mut self.actions)
    }

    fn handle_answer(&mut self, now: Instant, key: Key<Job>, answer: &Message) {
        match key.job {
            Job::Invite => self.invite_answered(now, key, answer),
            Job::Refresh => self.refresh_answered(now, key, answer),
            Job::Info if answer.status() >= 200 => {
                let status = answer.status();
                let answer = Answer::of(answer);
                self.done(key.of, key.number, Some(answer.clone()));
                // RFC 5057 §5.1: the far end knows nothing of this dialog any more.
                if matches!(status, 408 | 481) {
                    self.end(key.of, Cause::Failed, Some(answer), None);
                }
            }
            Job::Info | Job::Bye => {}
        }
    }

    fn unanswered(&mut self, _: Instant, key: Key<Job>, _: Option<&'static str>) {
        if key.job == Job::Info {
            self.done(key.of, key.number, None);
        }
        if key.job != Job::Bye {
            let at = Some(Situation::Unanswered);
            self.end(key.of, Cause::Failed, None, at);
        }
    }

    fn handle_request(&mut self, now: Instant, request: &Message, _: Arrival) -> bool {
        let this = |one: &&mut Session| one.state != State::Calling && one.dialog.has(request);
        let Some(session) = self.list.iter_mut().find(this) else {
            return false;
        };
        let (reply, event) = session.handle(now, request);
        let of = session.of;
        let ended = request.method() == "BYE" && reply.as_ref().is_some_and(|it| it.status == 200);
        self.actions.extend(reply.map(Action::Reply));
        self.actions.extend(event.map(Action::Event));
        if ended {
            self.end(of, Cause::Remote, None, None);
        }
        true
    }

    fn flows_changed(&mut self, _: Instant, open: &[FlowId], home: Option<FlowId>) {
        self.flows.set(open, home);
        let lost = |one: &Session| one.flow.is_some_and(|flow| !open.contains(&flow));
        for session in self.list.extract_if(.., |one| lost(one)) {
            for op in session.asked {
                let answer = None;
                self.actions.push(Action::Event(Event::Done { op, answer }));
            }
            if session.state != State::Over {
                self.actions.push(Action::Event(Event::Ended {
                    of: session.of,
                    cause: Cause::Failed,
                    answer: None,
                    at: Some(Situation::FlowLost),
                }));
            }
        }
    }

    fn account_changed(&mut self, account: &Account) {
        self.account = account.clone();
    }

    fn flow(&self, of: u32) -> Option<FlowId> {
        let session = self.list.iter().find(|one| one.of == of);
        session.and_then(|session| session.flow)
    }

    fn handle_timeout(&mut self, now: Instant) {
        let mut expired = Vec::new();
        for session in self.list.iter_mut().filter(|one| one.state == State::Open) {
            match session.timer.due(now) {
                timer::Due::Nothing => {}
                timer::Due::Expired => expired.push((session.of, Situation::NotRefreshed)),
                timer::Due::Refresh => {
                    session.refreshes += 1;
                    session.refreshing = true;
                    let key = session.key(Job::Refresh, session.refreshes);
                    self.actions.push(Action::Send(key, session.invite()));
                }
            }
            if let Some((resend, reply)) = &mut session.unacknowledged {
                match resend.due(now) {
                    Due::Nothing => {}
                    Due::Again => self.actions.push(Action::Reply(reply.clone())),
                    Due::GiveUp => expired.push((session.of, Situation::Unacknowledged)),
                }
            }
        }
        for (of, at) in expired {
            self.end(of, Cause::Failed, None, Some(at));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let mut due = None;
        for session in self.list.iter().filter(|one| one.state == State::Open) {
            let resend = session.unacknowledged.as_ref();
            let resend = resend.map(|(resend, _)| resend.poll_timeout());
            due = earliest(&[due, session.timer.poll_timeout(), resend]);
        }
        due
    }

    fn end_all(&mut self, _: Instant, cause: Cause, at: Situation) {
        let live = |one: &Session| one.state != State::Over;
        while let Some(session) = self.list.iter().find(|one| live(one)) {
            self.end(session.of, cause, None, Some(at));
        }
    }

    fn tidy(&mut self, pending: impl Fn(u32) -> bool) {
        self.list
            .retain(|one| one.state != State::Over || pending(one.of));
    }

    /// A re-INVITE means something outside of its dialog, too, and goes where the far
    /// end's Contact says: no digest over that.
    fn answers_challenge(&self, key: Key<Job>) -> bool {
        let over = |one: &Session| one.of == key.of && one.state == State::Over;
        match key.job {
            Job::Refresh => false,
            Job::Invite => !self.list.iter().any(over),
            Job::Info | Job::Bye => true,
        }
    }
}
