//! Sessions that others open with us: INVITE with a body that the owner reads, INFO
//! both ways, BYE. What a gateway does; a phone in a page only opens some.
//!
//! A session stays on the flow that it was made on. When that is lost the far end is
//! told as soon as there is another one, so that it opens the session anew.

mod accepted;
mod content;

pub use content::Content;

use crate::dialog::timer;
use crate::fault::Situation;
use crate::flow::{FlowId, Flows};
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::Message;
use crate::text::decimal;
use crate::time::{Instant, earliest};
use crate::transaction::Due;
use crate::usage::{self, Account, Arrival, Cause, Key, Reply, Usage, shown_headers};
use accepted::{Session, State};
use alloc::collections::{BTreeMap, VecDeque};
use content::content;

type Action = usage::Action<Job, Event>;

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

/// The sessions that a phone has accepted.
pub struct Accepted {
    listens: bool,
    list: BTreeMap<u32, Session>,
    /// Sessions by Call-ID: there may be ten thousand.
    by_call_id: BTreeMap<String, u32>,
    /// Those that are over, and have had an answer since: to be forgotten unless they
    /// wait for another one. Who is still waiting is not looked at again and again: a
    /// gateway that stops ends ten thousand at once.
    over: Vec<u32>,
    /// Nothing is due before.
    due: Option<Instant>,
    /// Sessions so far.
    count: u32,
    flows: Flows,
    account: Account,
    random: Random,
    actions: VecDeque<Action>,
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
            self.actions.push_back(Action::Reply(reply));
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
            self.actions.push_back(Action::Reply(reply));
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
        let reply = session.answer(now, of, &request, content);
        self.due = earliest(&[self.due, session.due()]);
        self.actions.push_back(Action::Reply(reply));
    }

    /// Sends INFO; answered by [`Event::Done`].
    pub fn info(&mut self, of: u32, number: u32, content: Content) {
        if let Some(session) = self.list.get_mut(&of)
            && let State::Open = session.state
        {
            self.actions.push_back(session.info(of, number, content));
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
        match core::mem::replace(&mut session.state, State::Over) {
            State::Open => {
                self.actions.extend(session.give_up(of));
                self.actions.push_back(session.bye(of, reason));
            }
            State::Lost => self.over.push(of),
            State::Offered(_) | State::Over => {}
        }
    }

    fn offered(&mut self, invite: &Message, at: Arrival) {
        self.count += 1;
        let of = self.count;
        let tag = self.random.hex::<8>();
        let contact = self.account.contact(at.home, &mut self.random);
        let session = Session::offered(invite, tag, at.flow, contact);
        self.by_call_id.insert(invite.call_id().to_owned(), of);
        self.list.insert(of, session);
        self.actions.push_back(Action::Event(Event::Offered {
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
        self.actions.push_back(Action::Reply(reply));
        self.refuse(of, 487, Vec::new());
        self.actions.push_back(Action::Event(Event::Ended { of }));
        true
    }

    /// Nothing more comes of one of its requests.
    fn answered(&mut self, of: u32) {
        if self.list.get(&of).is_some_and(Session::is_over) {
            self.over.push(of);
        }
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
                self.actions.push_back(Action::Event(Event::Ended { of }));
            }
        }
        self.actions.extend(session.give_up(of));
        match bye {
            true => self.actions.push_back(session.bye(of, None)),
            false => self.over.push(of),
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
            actions: VecDeque::new(),
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        let next = self.actions.pop_front();
        if next.is_none() {
            // What ten thousand ends have taken.
            self.actions = VecDeque::new();
        }
        next
    }

    fn handle_answer(&mut self, _: Instant, key: Key<Job>, answer: &Message) {
        let (of, status) = (key.of, answer.status());
        if status < 200 {
            return;
        }
        self.answered(of);
        if key.job == Job::Info {
            self.actions
                .push_back(Action::Event(Event::Done { of, status }));
            // RFC 5057 §5.1: the far end knows nothing of this dialog any more.
            if matches!(status, 408 | 481) {
                self.end(of, true);
            }
        }
    }

    fn unanswered(&mut self, _: Instant, key: Key<Job>, _: Option<&'static str>) {
        self.answered(key.of);
        if key.job == Job::Info {
            let (of, status) = (key.of, 0);
            self.actions
                .push_back(Action::Event(Event::Done { of, status }));
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
                self.actions.push_back(Action::Reply(refusal));
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
                    Some(refusal) => self.actions.push_back(Action::Reply(refusal)),
                    None => self.offered(request, at),
                }
                true
            }
            _ => false,
        }
    }

    fn flows_changed(&mut self, _: Instant, open: &[FlowId], home: Option<FlowId>) {
        if self.flows.open == open && self.flows.home == home {
            return;
        }
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
                    self.actions
                        .push_back(Action::Event(Event::Ended { of: *of }));
                }
            }
            if let (State::Lost, Some(home)) = (&session.state, home) {
                session.state = State::Over;
                session.flow = Some(home);
                self.actions.push_back(session.bye(*of, None));
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
                    Due::Again => self.actions.push_back(Action::Reply(reply.clone())),
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
        let live = self.list.iter().filter(|(_, one)| !one.is_over());
        let live: Vec<u32> = live.map(|(of, _)| *of).collect();
        for of in live {
            self.dismiss(of, None);
        }
    }

    fn tidy(&mut self, pending: impl Fn(u32) -> bool) {
        for of in core::mem::take(&mut self.over) {
            if !pending(of)
                && let Some(session) = self.list.remove(&of)
            {
                self.by_call_id.remove(&session.dialog.call_id);
            }
        }
    }
}
