//! The usages of the phone, in one table, and how it deals with them: what it does
//! for each, whatever its kind. A new usage is a line of that table.
//!
//! Two things are the phone's own, and first in every list: the registration (see
//! `registering`), and whether the servers are there (see `flow`).

use super::registering::Job;
use super::{Event, Phone, Status};
#[cfg(feature = "events")]
use crate::call::request_uri;
use crate::call::{CallOptions, Calls, Document};
use crate::fault::Situation;
use crate::flow::{FLOW_GRACE, FlowId};
use crate::late::Late;
use crate::pool::Turn;
use crate::prelude::*;
#[cfg(feature = "publications")]
use crate::publication::Publications;
use crate::rand::Random;
#[cfg(feature = "gateway")]
use crate::session::Accepted;
use crate::sip::Message;
use crate::subscription::{self, Lapse, Subscriptions, Topic};
use crate::time::{Instant, earliest};
use crate::transaction::{Reach, Request};
use crate::usage::{Account, Action, Arrival, Cause, Key, Reply, Usage};

/// The subscription to our own registrations.
const WATCH: u32 = 0;
/// Time of subscriptions in seconds. The defaults of the packages, an hour (RFC 3680 §4.4,
/// RFC 3856 §6.4), would leave us trusting for long a notifier that has lost its state.
const SUBSCRIBED: u32 = 600;

/// A line of the table: name, where it is kept, its type, and what is done with what it
/// tells.
macro_rules! usages {
    ($($(#[$meta:meta])* $name:ident, $field:ident: $usage:ty, $tell:expr;)*) => {
        /// All of them.
        pub(super) struct Usages {
            $($(#[$meta])* pub(super) $field: $usage,)*
        }

        impl Usages {
            pub(super) fn new(
                account: &Account,
                random: &mut Random,
            ) -> Self {
                let mut own = || Random::from_seed(random.bytes());
                Self {
                    $($(#[$meta])* $field: Usage::new(account, own()),)*
                }
            }
        }

        /// What a client transaction of the phone is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Purpose {
            /// Of the registration.
            Registration(Job),
            /// The OPTIONS that asks the server of this slot whether it is there.
            Heartbeat(u32),
            $(
                $(#[$meta])*
                #[allow(missing_docs)] // the table says it
                $name(Key<<$usage as Usage>::Job>),
            )*
        }

        impl Purpose {
            /// Who answers it, and so who may challenge it; `None`: nobody, any answer
            /// will do.
            pub(super) fn reach(self) -> Option<Reach> {
                Some(match self {
                    Purpose::Registration(job) => job.reach(),
                    Purpose::Heartbeat(_) => return None,
                    $($(#[$meta])* Purpose::$name(key) => <$usage>::reach(key.job),)*
                })
            }

            /// Whether it is of a usage, not of the phone's own.
            pub(super) fn is_usage(self) -> bool {
                !matches!(self, Purpose::Registration(_) | Purpose::Heartbeat(_))
            }

            /// Whether it waits for another flow when its own is lost.
            fn outlives_flow(self) -> bool {
                match self {
                    Purpose::Registration(_) | Purpose::Heartbeat(_) => false,
                    $($(#[$meta])* Purpose::$name(key) => <$usage>::outlives_flow(key.job),)*
                }
            }

            /// Whether the socket of a phone that logs out stays for its answer.
            pub(super) fn lingers(self) -> bool {
                match self {
                    Purpose::Registration(job) => matches!(job, Job::Deregistration(_)),
                    Purpose::Heartbeat(_) => false,
                    $($(#[$meta])* Purpose::$name(key) => <$usage>::lingers(key.job),)*
                }
            }
        }

        impl Phone {
            /// Whether a challenge to it is answered.
            pub(super) fn answers_challenge(&self, purpose: Purpose) -> bool {
                match purpose {
                    Purpose::Registration(Job::Deregistration(_)) => {
                        !self.transactions.was_challenged(&purpose)
                    }
                    // That is what it was sent for.
                    Purpose::Registration(Job::Nonce) => false,
                    Purpose::Registration(_) => true,
                    Purpose::Heartbeat(_) => false,
                    $($(#[$meta])* Purpose::$name(key) => {
                        self.usages.$field.answers_challenge(key)
                    })*
                }
            }

            /// Takes an answer; `proven`: nothing says that another server gave it.
            pub(super) fn answered(
                &mut self,
                now: Instant,
                purpose: Purpose,
                answer: &Message,
                proven: bool,
            ) {
                match purpose {
                    Purpose::Registration(job) => {
                        self.registration_answered(now, job, answer, proven);
                    }
                    Purpose::Heartbeat(slot) => self.flows.heartbeat_answered(now, slot),
                    $($(#[$meta])* Purpose::$name(key) => {
                        self.usages.$field.handle_answer(now, key, answer);
                    })*
                }
            }

            /// Nobody answered in time, or it could not be sent; `dropped`: what came
            /// meanwhile was of no use, for this reason.
            pub(super) fn unanswered(
                &mut self,
                now: Instant,
                purpose: Purpose,
                dropped: Option<&'static str>,
            ) {
                match purpose {
                    Purpose::Registration(job) => self.registration_unanswered(now, job),
                    // The heartbeat has a patience of its own.
                    Purpose::Heartbeat(_) => {}
                    $($(#[$meta])* Purpose::$name(key) => {
                        self.usages.$field.unanswered(now, key, dropped);
                    })*
                }
            }

            /// Offers a request to the usages. `false`: it is for none of them.
            pub(super) fn taken(&mut self, now: Instant, request: &Message, at: Arrival) -> bool {
                $($(#[$meta])* if self.usages.$field.handle_request(now, request, at) {
                    return true;
                })*
                false
            }

            /// Tells all of them what the account is.
            pub(super) fn tell_account(&mut self) {
                $($(#[$meta])* self.usages.$field.account_changed(&self.account);)*
            }

            fn tell_flows(&mut self, now: Instant, home: Option<FlowId>) {
                let open = &self.flows.open;
                $($(#[$meta])* self.usages.$field.flows_changed(now, open, home);)*
            }

            /// The flow that it goes by; `None`: there is none at the moment.
            fn flow_of(&self, purpose: Purpose) -> Option<FlowId> {
                match purpose {
                    Purpose::Registration(_) | Purpose::Heartbeat(_) => {
                        self.flows.home()
                    }
                    $($(#[$meta])* Purpose::$name(key) => self.usages.$field.flow(key.of),)*
                }
            }

            /// Fires what is due.
            pub(super) fn usage_timeouts(&mut self, now: Instant) {
                $($(#[$meta])* self.usages.$field.handle_timeout(now);)*
            }

            /// When that is.
            pub(super) fn poll_usage_timeout(&self) -> Option<Instant> {
                earliest(&[$($(#[$meta])* self.usages.$field.poll_timeout(),)*])
            }

            /// Ends everything, and tells the far ends while that is possible.
            pub(super) fn end_usages(&mut self, now: Instant, cause: Cause, at: Situation) {
                $($(#[$meta])* self.usages.$field.end_all(now, cause, at);)*
                self.perform_usages(now);
            }

            /// Forgets what is over.
            pub(super) fn tidy_usages(&mut self) {
                let Self { usages, transactions, .. } = self;
                $($(#[$meta])* usages.$field.tidy(|of| {
                    transactions.any(|purpose| {
                        matches!(purpose, Purpose::$name(key) if key.of == of)
                    })
                });)*
            }

            /// Does what the usages want.
            pub(super) fn perform_usages(&mut self, now: Instant) {
                $($(#[$meta])* while let Some(action) = self.usages.$field.poll_action() {
                    match action {
                        Action::Send(key, request) => {
                            self.send_for(now, Purpose::$name(key), request);
                        }
                        Action::Ack(..) | Action::Cancel(_) | Action::Count(..)
                            if !<$usage>::INVITES => {}
                        Action::Ack(key, request, cseq) => {
                            self.acknowledge(Purpose::$name(key), request, cseq);
                        }
                        Action::Cancel(key) => self.cancel(now, Purpose::$name(key)),
                        Action::Reply(reply) => {
                            let flow = match reply.of {
                                Some(of) => self.usages.$field.flow(of),
                                None => Some(self.arrival),
                            };
                            self.reply_by(flow, &reply);
                        }
                        Action::Count(call_id, last) => self.transactions.count(&call_id, last),
                        Action::Look => self.look_at_registration(now),
                        Action::Event(event) => {
                            let tell: fn(&mut Phone, Instant, <$usage as Usage>::Event) = $tell;
                            tell(self, now, event);
                        }
                    }
                })*
            }
        }
    };
}

usages! {
    #[cfg(feature = "gateway")]
    Accepted, accepted: Accepted, |phone, _, event| phone.emit(Event::Accepted(event));
    Calls, calls: Late<Calls>, |phone, _, event| phone.emit(Event::Call(event));
    Subscriptions, subscriptions: Subscriptions, Phone::subscription_told;
    #[cfg(feature = "publications")]
    Publications, publications: Publications, |phone, _, event| {
        phone.emit(Event::Publication(event));
    };
}

impl Phone {
    /// Calls `target`; `id` is odd and new.
    pub fn call(&mut self, now: Instant, id: u32, target: &str, options: CallOptions) {
        self.with_calls(now, |calls| calls.call(now, id, target, options));
    }

    /// Starts session `id`, a new number as that of a call, to `target` with its first
    /// document and further `headers`.
    pub fn start_session(
        &mut self,
        now: Instant,
        id: u32,
        target: &str,
        first: Document,
        headers: Vec<(String, String)>,
    ) {
        self.with_calls(now, |calls| {
            calls.start_session(now, id, target, first, headers);
        });
    }

    /// Does something with the calls there are: what the app asks for, or what the
    /// media handler has done. See [`Calls`].
    pub fn with_calls(&mut self, now: Instant, action: impl FnOnce(&mut Calls)) {
        if let Some(calls) = self.usages.calls.want() {
            action(calls);
            self.settle(now);
        }
    }

    /// Makes it a phone with calls, if it was made without ([`Phone::without_calls`]).
    pub fn make_calls(&mut self, now: Instant) {
        let home = self.home_if_ready();
        if let Some(calls) = self.usages.calls.make(&self.account) {
            calls.spread(Turn::new(self.config.distribution));
            calls.flows_changed(now, &self.flows.open, home);
        }
    }

    /// Whether something could not be done since this was asked last because there are no
    /// calls yet.
    pub fn wanted_calls(&mut self) -> bool {
        self.usages.calls.was_wanted()
    }

    /// Whether it takes calls: see [`Phone::make_calls`].
    pub fn has_calls(&self) -> bool {
        self.usages.calls.get().is_some()
    }

    /// Whether the app has a call.
    pub(super) fn is_in_call(&self) -> bool {
        self.usages.calls.get().is_some_and(Calls::are_any)
    }

    /// The flow that the phone is registered on, if it may use it.
    fn home_if_ready(&self) -> Option<FlowId> {
        let home = self.flows.home();
        home.filter(|_| self.status == Status::Ready)
    }

    /// Allows for so many calls at once: they are those of other people.
    #[cfg(feature = "third-party")]
    pub fn allow_calls(&mut self, most: usize) {
        if let Some(calls) = self.usages.calls.want() {
            calls.allow(most);
        }
        self.transactions.remember_more(most);
    }

    /// Watches our own registrations.
    pub(super) fn watch_registrations(&mut self) {
        if !self.registration.watch.unsupported {
            let topic = Topic {
                package: "reg".to_owned(),
                accept: "application/reginfo+xml".to_owned(),
                target: self.account.aor.clone(),
                expires: SUBSCRIBED,
            };
            self.usages.subscriptions.subscribe(WATCH, topic);
        }
    }

    fn subscription_told(&mut self, now: Instant, event: subscription::Event) {
        match event {
            subscription::Event::Confirmed { of: WATCH } => self.registration.watch_confirmed(),
            subscription::Event::Notified {
                of: WATCH, body, ..
            } => {
                self.registration.notified(now, &body);
            }
            subscription::Event::Lapsed { of: WATCH, why } => {
                self.registration.watch_lapsed(why == Lapse::Refused);
            }
            #[cfg(feature = "events")]
            event => self.emit(Event::Subscription(event)),
            #[cfg(not(feature = "events"))]
            _ => {}
        }
    }

    /// Does something with the sessions that others have opened.
    #[cfg(feature = "gateway")]
    pub fn with_accepted(&mut self, now: Instant, action: impl FnOnce(&mut Accepted)) {
        action(&mut self.usages.accepted);
        self.settle(now);
    }

    /// Does something with the publications.
    #[cfg(feature = "publications")]
    pub fn with_publications(&mut self, now: Instant, action: impl FnOnce(&mut Publications)) {
        action(&mut self.usages.publications);
        self.settle(now);
    }

    /// Subscribes to the state of `package` that `target` has, as it is dialled; `of` is
    /// not 0, which is the phone's own.
    #[cfg(feature = "events")]
    pub fn subscribe(
        &mut self,
        now: Instant,
        of: u32,
        package: String,
        accept: String,
        target: &str,
    ) {
        // What cannot be called has no state.
        if let Some(target) = request_uri(target, &self.account) {
            let topic = Topic {
                package,
                accept,
                target,
                expires: SUBSCRIBED,
            };
            self.with_subscriptions(now, |subscriptions| subscriptions.subscribe(of, topic));
        }
    }

    /// Does something with the subscriptions: 0 is the phone's own.
    #[cfg(feature = "events")]
    pub fn with_subscriptions(&mut self, now: Instant, action: impl FnOnce(&mut Subscriptions)) {
        action(&mut self.usages.subscriptions);
        self.settle(now);
    }

    #[inline(never)]
    fn look_at_registration(&mut self, now: Instant) {
        if self.flows.home().is_some() {
            self.registration.look(now);
            self.perform_actions(now);
        }
    }

    // Once, not for each usage: the page downloads it.
    #[inline(never)]
    fn send_for(&mut self, now: Instant, purpose: Purpose, request: Request) {
        match self.flow_of(purpose) {
            Some(flow) => self.send_on(now, flow, purpose, request),
            None => {
                let until = now + FLOW_GRACE;
                self.transactions.hold(purpose, request, Some(until));
            }
        }
    }

    #[inline(never)]
    fn acknowledge(&mut self, invite: Purpose, request: Request, cseq: u32) {
        if let Some(flow) = self.flow_of(invite) {
            let (transactions, mut context) = self.context(flow);
            let ack = transactions.write_ack(&invite, request, cseq, &mut context);
            self.put(flow, ack);
        }
    }

    #[inline(never)]
    fn cancel(&mut self, now: Instant, invite: Purpose) {
        if let Some(flow) = self.flow_of(invite) {
            let (transactions, context) = self.context(flow);
            if let Some(cancel) = transactions.cancel(now, &invite, None, &context) {
                self.put(flow, Ok(cancel));
            }
        }
    }

    #[inline(never)]
    fn reply_by(&mut self, flow: Option<FlowId>, reply: &Reply) {
        if let Some(flow) = flow {
            self.reply(flow, reply);
        }
    }

    /// Nothing is waited for any more; what the app waits for has failed.
    pub(super) fn drop_transactions(&mut self, now: Instant) {
        while let Some(purpose) = self.transactions.take() {
            if purpose.is_usage() {
                self.unanswered(now, purpose, None);
            }
        }
        self.perform_usages(now);
    }

    /// The flow is gone: what may wait for another one does.
    pub(super) fn suspend_usages(&mut self, now: Instant, flow: FlowId) {
        let stays = |purpose: &Purpose| purpose.outlives_flow();
        self.transactions.lose(flow, now + FLOW_GRACE, stays);
    }

    /// Tells the usages which flows there are. What lost its own goes on over the one
    /// that the phone is registered on.
    pub(super) fn place_usages(&mut self, now: Instant) {
        let home = self.home_if_ready();
        self.tell_flows(now, home);
        let in_call = self.is_in_call();
        self.flows.set_in_call(now, in_call);
        let Some(home) = home else {
            return;
        };
        while let Some(purpose) = self.transactions.suspended(home) {
            if let Some(flow) = self.flow_of(purpose) {
                self.transactions.move_to(&purpose, flow);
            }
            self.resend(now, purpose, None);
        }
    }
}
