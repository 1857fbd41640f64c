//! Publications (RFC 3903): a state that the phone tells its server, kept fresh, changed
//! and taken back. What the document says is the owner's business.

use crate::dialog::Dialog;
use crate::fault::Situation;
use crate::flow::FlowId;
use crate::prelude::*;
use crate::queue::take_first;
use crate::rand::Random;
use crate::sip::{Message, Name};
use crate::text::{concat, decimal, number};
use crate::time::{Duration, Instant, earliest};
use crate::transaction::{Reach, Request};
use crate::usage::{self, Account, Cause, Key, Usage, failure};

/// Before another try where the server had a passing fault.
const RETRY: Duration = Duration::from_secs(60);
/// A shorter time than this many seconds is not heeded: it would be a storm.
const LEAST: u32 = 10;
/// Longest time that a server may insist on, in seconds.
const MOST: u64 = 86_400;

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Event package.
    pub package: &'static str,
    /// Content-Type.
    pub content_type: String,
    /// The document.
    pub body: String,
    /// Seconds that it is to be kept.
    pub expires: u32,
}

/// What the owner hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server shows this state.
    Published {
        /// Publication.
        of: u32,
    },
    /// It does not want it.
    Refused {
        /// Publication.
        of: u32,
        /// Status.
        status: u16,
        /// Reason phrase, cleaned.
        reason: String,
    },
}

type Action = usage::Action<(), Event>;

/// ```text
///        flow        200         refresh, another document
///  Due ───────► Asked ───► Kept ──────────────────────────► Asked
///   ▲            │ fault, 412
///   └────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent at this time, when there is a flow.
    Due(Instant),
    /// One PUBLISH at a time (§4.1).
    Asked,
    /// To be refreshed at this time.
    Kept(Instant),
}

struct Publication {
    of: u32,
    document: Document,
    state: State,
    /// The document is not the one that the server has.
    changed: bool,
    /// To be taken back.
    withdrawn: bool,
    /// The PUBLISH under way takes it back.
    removing: bool,
    /// What the server calls its state.
    etag: Option<String>,
    /// Shortest time that the server takes.
    least: u32,
    half: Dialog,
}

/// The publications of a phone.
pub struct Publications {
    list: Vec<Publication>,
    account: Account,
    home: Option<FlowId>,
    random: Random,
    actions: Vec<Action>,
}

impl Publications {
    /// Publishes `document` as the account's state, in the place of an earlier one.
    pub fn publish(&mut self, now: Instant, of: u32, document: Document) {
        match self.list.iter_mut().find(|one| one.of == of) {
            Some(one) => {
                one.changed = true;
                one.withdrawn = false;
                one.document = document;
                if let State::Kept(_) = one.state {
                    one.state = State::Due(now);
                }
            }
            None => {
                let Account { aor, routes, .. } = &self.account;
                let from = concat(&["<", aor, ">"]);
                self.list.push(Publication {
                    of,
                    document,
                    state: State::Due(now),
                    changed: true,
                    withdrawn: false,
                    removing: false,
                    etag: None,
                    least: 0,
                    half: Dialog::half(&mut self.random, &from, aor.clone(), routes),
                });
            }
        }
        self.handle_timeout(now);
    }

    /// Takes it back.
    pub fn withdraw(&mut self, now: Instant, of: u32) {
        if let Some(one) = self.list.iter_mut().find(|one| one.of == of) {
            one.withdrawn = true;
            if one.state != State::Asked {
                one.state = State::Due(now);
            }
        }
        // What the server has not got is not taken back.
        let nothing = |one: &Publication| one.state != State::Asked && one.etag.is_none();
        self.list.retain(|one| one.of != of || !nothing(one));
        self.handle_timeout(now);
    }
}

impl Publication {
    /// The first one, a change, a refresh without a document (§4.3), or the removal.
    fn request(&self) -> Request {
        let mut publish = self.half.request("PUBLISH");
        publish.header("Event", self.document.package);
        let expires = match self.withdrawn {
            true => 0,
            false => self.document.expires.max(self.least),
        };
        publish.header("Expires", &decimal(expires.into()));
        if let Some(etag) = &self.etag {
            publish.header("SIP-If-Match", etag);
        }
        if self.changed && !self.withdrawn {
            let Document {
                content_type, body, ..
            } = &self.document;
            publish.content = Some((content_type.clone(), body.clone()));
        }
        publish
    }

    /// What the final answer makes of it; `false`: the server does not want it.
    fn answered(&mut self, now: Instant, answer: &Message) -> bool {
        let min = answer.header(Name::MinExpires).and_then(number);
        match answer.status() {
            200..300 => {
                self.etag = answer.header(Name::SipEtag).map(str::to_owned);
                let granted = answer.expires().unwrap_or(self.document.expires);
                let half = Duration::from_millis(u64::from(granted.max(LEAST)) * 500);
                self.state = match self.changed || self.withdrawn {
                    true => State::Due(now),
                    false => State::Kept(now + half),
                };
            }
            // Its state is gone: everything anew.
            412 if self.etag.take().is_some() => {
                self.changed = true;
                self.state = State::Due(now);
            }
            423 if self.least == 0 && min.is_some_and(|min| min <= MOST) => {
                self.least = min.and_then(|min| u32::try_from(min).ok()).unwrap_or(0);
                self.changed = true;
                self.state = State::Due(now);
            }
            408 | 500..600 => {
                self.changed = true;
                self.state = State::Due(now + RETRY);
            }
            _ => return false,
        }
        true
    }

    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Due(at) | State::Kept(at) => Some(at),
            State::Asked => None,
        }
    }
}

impl Usage for Publications {
    type Job = ();
    type Event = Event;

    fn new(account: &Account, random: Random) -> Self {
        Self {
            list: Vec::new(),
            account: account.clone(),
            home: None,
            random,
            actions: Vec::new(),
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        take_first(&mut self.actions)
    }

    fn handle_answer(&mut self, now: Instant, key: Key<()>, answer: &Message) {
        let (of, status) = (key.of, answer.status());
        let Some(one) = self.list.iter_mut().find(|one| one.of == of) else {
            return;
        };
        if status < 200 {
            return;
        }
        if core::mem::take(&mut one.removing) {
            // Gone, or never to be removed; unless it was published again meanwhile.
            one.etag = None;
            one.changed = true;
            one.state = State::Due(now);
            self.list.retain(|one| one.of != of || !one.withdrawn);
        } else if one.answered(now, answer) {
            if let 200..300 = status {
                self.actions.push(Action::Event(Event::Published { of }));
            }
        } else {
            self.list.retain(|one| one.of != of);
            let reason = failure(answer);
            self.actions
                .push(Action::Event(Event::Refused { of, status, reason }));
        }
        self.handle_timeout(now);
    }

    fn unanswered(&mut self, now: Instant, key: Key<()>, _: Option<&'static str>) {
        if let Some(one) = self.list.iter_mut().find(|one| one.of == key.of) {
            one.changed = true;
            one.state = State::Due(now + RETRY);
        }
    }

    fn flows_changed(&mut self, now: Instant, _: &[FlowId], home: Option<FlowId>) {
        self.home = home;
        self.handle_timeout(now);
    }

    fn account_changed(&mut self, account: &Account) {
        self.account = account.clone();
    }

    fn flow(&self, _: u32) -> Option<FlowId> {
        self.home
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.home.is_none() {
            return;
        }
        for one in &mut self.list {
            if one.due().is_some_and(|due| due <= now) {
                let (of, job, number) = (one.of, (), 0);
                self.actions
                    .push(Action::Send(Key { of, job, number }, one.request()));
                one.state = State::Asked;
                one.changed = false;
                one.removing = one.withdrawn;
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let mut next = None;
        for one in self.list.iter().filter(|_| self.home.is_some()) {
            next = earliest(&[next, one.due()]);
        }
        next
    }

    /// Whoever logs out is not there any more: what stands is taken back.
    fn end_all(&mut self, now: Instant, _: Cause, _: Situation) {
        self.list.retain(|one| one.etag.is_some());
        for one in &mut self.list {
            one.withdrawn = true;
            one.state = State::Due(now);
        }
        self.handle_timeout(now);
        self.list.clear();
    }

    fn reach((): ()) -> Reach {
        Reach::Server
    }

    fn outlives_flow((): ()) -> bool {
        true
    }
}
