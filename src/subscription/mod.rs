//! Subscriptions (RFC 6665) to any package: one dialog each, refreshed before it
//! ends, made anew when its flow is lost. What the documents say is read elsewhere.

#[cfg(test)]
mod tests;

use crate::dialog::Dialog;
use crate::fault::Situation;
use crate::flow::FlowId;
use crate::prelude::*;
use crate::queue::take_first;
use crate::rand::Random;
use crate::sip::{Message, Name, NameAddr};
use crate::text::{concat, decimal, number};
use crate::time::{Duration, Instant, earliest};
use crate::transaction::Reach;
use crate::usage::{self, Account, Arrival, Cause, Key, Reply, Usage};

/// A shorter time than this many seconds is not heeded: it would be a storm.
const LEAST: u32 = 10;
/// Before another try where the server had a passing fault.
const RETRY: Duration = Duration::from_secs(60);

/// What is subscribed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Event package.
    pub package: String,
    /// Media types of its documents.
    pub accept: String,
    /// Whose state it is.
    pub target: String,
    /// Seconds asked for, refreshed at half of them: a notifier that lost its state
    /// while the connection to a proxy before it lives on is found out by that.
    pub expires: u32,
}

/// Why a subscription does not stand any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// It comes back by itself.
    ForAWhile,
    /// There is no such state, or none for us: it is over.
    Refused,
    /// The phone is logged out: it is over.
    LoggedOut,
}

/// What the owner hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The notifier has it, or has it still.
    Confirmed {
        /// Subscription.
        of: u32,
    },
    /// A document came.
    Notified {
        /// Subscription.
        of: u32,
        /// Content-Type.
        content_type: String,
        /// Document. With `third-party` empty where a NOTIFY has none.
        body: Vec<u8>,
    },
    /// It does not stand any more.
    Lapsed {
        /// Subscription.
        of: u32,
        /// Why.
        why: Lapse,
    },
}

impl Event {
    /// Of the document in `notify`.
    pub(crate) fn notified(of: u32, notify: &Message) -> Self {
        Self::Notified {
            of,
            content_type: notify.media_type().to_owned(),
            body: notify.body().to_vec(),
        }
    }
}

/// Whose state a SUBSCRIBE asks for, and so who answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Our own: the server.
    Own,
    /// Somebody else's, who may be anybody.
    Others,
}

type Action = usage::Action<Job, Event>;

/// ```text
///       start           2xx, NOTIFY              refresh
///  Off ───────► Asking ─────────────► Active ◄───────────┐
///   ▲             │ error               │ └──────────────┘
///   └─────────────┴─────────────────────┘ terminated, flow lost
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be started at this time, or with the next flow.
    Off { retry_at: Option<Instant> },
    /// The first SUBSCRIBE, on this flow, waits for its answer.
    Asking { flow: FlowId },
    /// It stands, on this flow.
    Active { flow: FlowId, refresh_at: Instant },
}

struct Subscription {
    of: u32,
    topic: Topic,
    state: State,
    dialog: Dialog,
    /// The 2xx has told the dialog's route and target.
    confirmed: bool,
    /// Refused for good.
    over: bool,
    /// Of the dialog: an answer in an earlier one says nothing of this.
    number: u32,
}

/// The subscriber.
pub struct Subscriptions {
    list: Vec<Subscription>,
    aor: String,
    /// A random user part: dialogs never show the claim.
    contact: String,
    routes: Vec<String>,
    /// Dialogs so far.
    dialogs: u32,
    home: Option<FlowId>,
    random: Random,
    actions: Vec<Action>,
}

impl Subscriptions {
    /// Subscribes as soon as there is a flow, and again whenever that is of use;
    /// `of` names it from then on.
    pub fn subscribe(&mut self, of: u32, topic: Topic) {
        let stands = |one: &Subscription| one.of == of && one.flow().is_some();
        if self.list.iter().any(stands) {
            return;
        }
        self.list.retain(|one| one.of != of);
        self.list.push(Subscription {
            of,
            topic,
            state: State::Off { retry_at: None },
            dialog: Dialog::default(),
            confirmed: false,
            over: false,
            number: 0,
        });
        self.start();
    }

    /// Ends it, with a word to the notifier.
    pub fn unsubscribe(&mut self, of: u32) {
        for mut one in self.list.extract_if(.., |one| one.of == of) {
            if one.flow().is_some() {
                one.topic.expires = 0;
                self.actions.push(one.subscribe(&self.aor, &self.contact));
            }
        }
    }

    /// Refreshes it by that time: the notifier answers with all of its state (RFC 6665
    /// §4.2.1.2).
    pub fn refresh_by(&mut self, of: u32, at: Instant) {
        for one in self.list.iter_mut().filter(|one| one.of == of) {
            if let State::Active { refresh_at, .. } = &mut one.state {
                *refresh_at = (*refresh_at).min(at);
            }
        }
    }

    /// Forgets what is over, and starts what waits for a flow, if there is one.
    fn start(&mut self) {
        self.list.retain(|one| !one.over);
        let Some(flow) = self.home else {
            return;
        };
        for one in &mut self.list {
            if one.state == (State::Off { retry_at: None }) {
                let from = concat(&["<", &self.aor, ">"]);
                let target = one.topic.target.clone();
                one.dialog = Dialog::half(&mut self.random, &from, target, &self.routes);
                one.state = State::Asking { flow };
                one.confirmed = false;
                self.dialogs += 1;
                one.number = self.dialogs;
                self.actions.push(one.subscribe(&self.aor, &self.contact));
            }
        }
    }
}

impl Subscription {
    /// Its flow, while there is a dialog.
    fn flow(&self) -> Option<FlowId> {
        match self.state {
            State::Off { .. } => None,
            State::Asking { flow } | State::Active { flow, .. } => Some(flow),
        }
    }

    /// The SUBSCRIBE that makes it, refreshes it or, without time, ends it.
    fn subscribe(&self, aor: &str, contact: &str) -> Action {
        let mut request = self.dialog.request("SUBSCRIBE");
        request.header("Event", &self.topic.package);
        request.header("Accept", &self.topic.accept);
        request.header("Contact", contact);
        request.header("Expires", &decimal(self.topic.expires.into()));
        let key = Key {
            of: self.of,
            job: match self.topic.target == aor {
                true => Job::Own,
                false => Job::Others,
            },
            number: self.number,
        };
        Action::Send(key, request)
    }

    fn extend(&mut self, now: Instant, seconds: u32) {
        if let Some(flow) = self.flow() {
            let half = Duration::from_millis(u64::from(seconds.max(LEAST)) * 500);
            let refresh_at = now + half;
            self.state = State::Active { flow, refresh_at };
        }
    }

    /// It does not stand any more: it is tried again at `retry_at`, or with the next
    /// flow.
    fn lapse(&mut self, retry_at: Option<Instant>, why: Lapse) -> Action {
        self.state = State::Off { retry_at };
        self.over = why == Lapse::Refused;
        let of = self.of;
        Action::Event(Event::Lapsed { of, why })
    }

    /// What a NOTIFY says of the subscription itself.
    fn read_state(&mut self, now: Instant, notify: &Message) -> Option<Action> {
        // Subscription-State has the form of a name-addr's parameters.
        let value = notify.header(Name::SubscriptionState).unwrap_or("active");
        let state = concat(&["<sip:state.invalid>;state=", value]);
        let state = NameAddr::parse(&state)?;
        let number = |name| state.params.get(name).and_then(seconds);
        let is = |name, value| {
            let known = state.params.get(name).unwrap_or_default();
            known.eq_ignore_ascii_case(value)
        };
        if !is("state", "terminated") {
            if let Some(seconds) = number("expires") {
                self.extend(now, seconds);
            }
            return None;
        }
        let mut reasons = ["rejected", "noresource", "invariant"].into_iter();
        if reasons.any(|reason| is("reason", reason)) {
            return Some(self.lapse(None, Lapse::Refused));
        }
        let wait = number("retry-after").map_or(RETRY, |seconds| {
            Duration::from_secs(u64::from(seconds.clamp(LEAST, 3600)))
        });
        Some(self.lapse(Some(now + wait), Lapse::ForAWhile))
    }

    /// Whether `notify`, which came by `flow`, belongs here.
    fn has(&self, notify: &Message, flow: FlowId) -> bool {
        let Dialog {
            call_id,
            local_tag,
            remote_tag,
            ..
        } = &self.dialog;
        let from = notify.from_tag().unwrap_or_default();
        self.flow() == Some(flow)
            && notify.call_id() == call_id
            && notify.to_tag() == Some(local_tag)
            && !from.is_empty()
            // The first NOTIFY may overtake the 200, which has the same tag.
            && (remote_tag.is_empty() || from == remote_tag)
            && notify.event_package().eq_ignore_ascii_case(&self.topic.package)
    }
}

impl Usage for Subscriptions {
    type Job = Job;
    type Event = Event;

    fn new(account: &Account, mut random: Random) -> Self {
        Self {
            list: Vec::new(),
            aor: account.aor.clone(),
            contact: account.contact(false, &mut random),
            routes: Vec::new(),
            dialogs: 0,
            home: None,
            random,
            actions: Vec::new(),
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        take_first(&mut self.actions)
    }

    fn handle_answer(&mut self, now: Instant, key: Key<Job>, answer: &Message) {
        let Key { of, number, .. } = key;
        let this = |one: &&mut Subscription| one.of == of && one.number == number;
        let Some(one) = self.list.iter_mut().find(this) else {
            return;
        };
        match answer.status() {
            ..200 => {}
            200..300 => {
                if !core::mem::replace(&mut one.confirmed, true) {
                    one.dialog = Dialog::of_answer(&one.dialog, answer);
                }
                one.extend(now, answer.expires().unwrap_or(one.topic.expires));
                self.actions.push(Action::Event(Event::Confirmed { of }));
            }
            // The dialog is gone, or the fault passes; a new one may be made.
            481 | 500..600 => {
                let lapse = one.lapse(Some(now + RETRY), Lapse::ForAWhile);
                self.actions.push(lapse);
            }
            _ => self.actions.push(one.lapse(None, Lapse::Refused)),
        }
    }

    fn unanswered(&mut self, now: Instant, key: Key<Job>, _: Option<&'static str>) {
        let this = |one: &&mut Subscription| one.of == key.of && one.number == key.number;
        if let Some(one) = self.list.iter_mut().find(this) {
            let lapse = one.lapse(Some(now + RETRY), Lapse::ForAWhile);
            self.actions.push(lapse);
        }
    }

    fn handle_request(&mut self, now: Instant, request: &Message, at: Arrival) -> bool {
        let this = |one: &&mut Subscription| one.has(request, at.flow);
        let notify = request.method() == "NOTIFY";
        let Some(one) = self.list.iter_mut().find(this).filter(|_| notify) else {
            return false;
        };
        let of = one.of;
        let reply = Reply::new(request, 200);
        self.actions.push(Action::Reply(Reply {
            of: Some(of),
            ..reply
        }));
        // One that was overtaken is of no interest any more.
        if one.dialog.in_order(request) {
            one.dialog.answered_by(request);
            // Who watches others is told of one without a document, too.
            if cfg!(feature = "third-party") || !request.body().is_empty() {
                self.actions
                    .push(Action::Event(Event::notified(of, request)));
            }
            self.actions.extend(one.read_state(now, request));
        }
        true
    }

    fn flows_changed(&mut self, _: Instant, open: &[FlowId], home: Option<FlowId>) {
        self.home = home;
        let stays = |flow| open.contains(&flow) && home.is_none_or(|home| home == flow);
        for one in &mut self.list {
            if one.flow().is_some_and(|flow| !stays(flow)) {
                self.actions.push(one.lapse(None, Lapse::ForAWhile));
            }
        }
        self.start();
    }

    fn account_changed(&mut self, account: &Account) {
        self.routes = account.routes.clone();
    }

    fn flow(&self, of: u32) -> Option<FlowId> {
        let one = self.list.iter().find(|one| one.of == of);
        one.map_or(self.home, Subscription::flow)
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.home.is_none() {
            return;
        }
        for one in &mut self.list {
            match one.state {
                State::Off { retry_at: Some(at) } if at <= now => {
                    one.state = State::Off { retry_at: None };
                }
                State::Active { flow, refresh_at } if refresh_at <= now => {
                    let refresh_at = now + RETRY;
                    one.state = State::Active { flow, refresh_at };
                    self.actions.push(one.subscribe(&self.aor, &self.contact));
                }
                _ => {}
            }
        }
        self.start();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let mut due = None;
        for one in self.list.iter().filter(|_| self.home.is_some()) {
            due = earliest(&[
                due,
                match one.state {
                    State::Off { retry_at } => retry_at,
                    State::Asking { .. } => None,
                    State::Active { refresh_at, .. } => Some(refresh_at),
                },
            ]);
        }
        due
    }

    /// Nobody says good-bye: notifiers of what is registered here learn it from the
    /// end of the registration, others from that of the flow.
    fn end_all(&mut self, _: Instant, _: Cause, _: Situation) {
        for mut one in core::mem::take(&mut self.list) {
            if one.flow().is_some() {
                self.actions.push(one.lapse(None, Lapse::LoggedOut));
            }
        }
    }

    fn reach(job: Job) -> Reach {
        match job {
            Job::Own => Reach::Server,
            Job::Others => Reach::Others,
        }
    }

    fn lingers(_: Job) -> bool {
        false
    }
}

fn seconds(text: &str) -> Option<u32> {
    number(text).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}
