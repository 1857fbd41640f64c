//! The client machine: one phone, one account, one registration.
//!
//! It joins the flow to the server, the transactions, the registration and the
//! subscription, which do not know each other.

mod calls;
mod config;
mod flow;
mod flows;
mod incoming;
mod inspect;
mod memory;
mod outcome;
mod output;
mod requests;

use crate::pool::FlowId;
use crate::prelude::*;
pub use config::{Config, ConfigError};
pub use memory::Memory;
pub use output::{Event, Fault, Level, Output, Registered, Status};

use crate::call::{Account, Calls, Cause, Job};
use crate::rand::Random;
use crate::registration::{Action, Outcome, Registration, Settings};
use crate::subscription::Subscription;
use crate::text::concat;
use crate::time::{Duration, Instant, earliest};
use crate::transaction::{Ask, Authenticator, Credentials, OVERSLEPT, Secrets, Transactions};
use flows::Flows;

/// How long a farewell may keep the socket open.
const LINGER: Duration = Duration::from_secs(2);

/// Why calls ended that another client put an end to.
const TAKEN_OVER: &str = "Another client took the device over.";

/// What a client transaction of the phone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The registration's REGISTER.
    Register,
    /// The REGISTER of a further flow, that of this slot.
    Spare(u32),
    /// An un-REGISTER whose answer changes nothing.
    Farewell,
    /// The SUBSCRIBE to our own registrations.
    Subscribe,
    /// The OPTIONS that makes a rival look.
    Hint,
    /// The OPTIONS that asks the server of this slot whether it is there.
    Heartbeat(u32),
    /// A request of this call; 0: of none.
    Call(u32, Job, u32),
}

impl Purpose {
    fn call(self) -> Option<u32> {
        match self {
            Purpose::Call(call, ..) => Some(call),
            _ => None,
        }
    }
}

/// A `registerPhone` that is pending.
struct Login {
    attempt: u32,
    deadline: Instant,
    /// Sockets that were opened in vain, or lost.
    failures: u32,
    /// REGISTERs that nobody answered.
    silences: u32,
    /// A socket was open at some time.
    connected: bool,
}

/// A question that the app has not answered yet.
struct Asked {
    id: u32,
    purpose: Purpose,
    ask: Ask,
    since: Instant,
}

/// The phone. Make one mutation, drain [`Phone::poll_output`], wait until
/// [`Phone::poll_timeout`].
pub struct Phone {
    config: Config,
    random: Random,
    flows: Flows,
    authenticator: Authenticator,
    transactions: Transactions<Purpose>,
    registration: Registration,
    subscription: Subscription,
    calls: Calls,
    /// The flow that the message at hand came by.
    arrival: FlowId,
    status: Status,
    login: Option<Login>,
    asked: Option<Asked>,
    questions: u32,
    /// The page went away while it was registered, or was about to be.
    away: bool,
    closing: bool,
    /// The socket is closed at this time at the latest: nothing needs it.
    linger: Option<Instant>,
    /// Call-ID of the hint sent last.
    last_hint: String,
    call_id: String,
    from_tag: String,
    common: Vec<(String, String)>,
    memory: Memory,
    stored: String,
    outputs: Vec<Output>,
    /// Messages that were no SIP, or no answer to anything.
    ignored: u64,
}

impl Phone {
    /// A phone that is logged out and opens nothing. `seed` comes from the
    /// platform's cryptographic generator.
    pub fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with_checked(config, seed))
    }

    /// The same for a configuration that was checked before. Whatever it holds,
    /// the writer refuses what would break a message.
    pub fn with_checked(config: Config, seed: [u8; 32]) -> Self {
        let mut random = Random::from_seed(seed);
        let mut authenticator = Authenticator::new(Secrets {
            username: config
                .auth_user
                .clone()
                .unwrap_or_else(|| config.user.clone()),
            password: config.password.clone(),
            ha1: config.ha1.clone(),
            ask: config.has_credentials,
            refuse_md5: config.refuse_md5,
            token_allowed: config.loopback
                || config
                    .connections
                    .iter()
                    .all(|url| url.starts_with("wss://")),
        });
        let stored = config.memory.clone().unwrap_or_default();
        let memory = Memory::read(&stored, &mut authenticator);
        let settings = Settings {
            user: config.user.clone(),
            domain: config.domain.clone(),
            device: config.device.clone(),
            instance_id: config.instance_id.clone(),
            profile: config.profile,
            scope: config.conflict_scope,
            kind: config.registration_type,
            expires: config.expires,
            may_remove_others: config.force_may_remove_others,
        };
        let own_random = Random::from_seed(random.bytes());
        let registration =
            Registration::new(settings, memory.profile, memory.held_until, own_random);
        let host = concat(&[&random.hex::<6>(), ".invalid"]);
        let aor = concat(&["sip:", &config.user, "@", &config.domain]);
        let account = Account {
            address: requests::address(&config),
            aor: aor.clone(),
            domain: config.domain.clone(),
            host: host.clone(),
            gruu: None,
            routes: Vec::new(),
        };
        let calls = Calls::new(
            account,
            config.distribution,
            Random::from_seed(random.bytes()),
        );
        let subscription = Subscription::new(aor, &host, memory.no_reg_event, &mut random);
        Self {
            flows: Flows::new(config.connections.len(), config.watch, config.heartbeat),
            authenticator,
            transactions: Transactions::new(host),
            registration,
            subscription,
            calls,
            arrival: FlowId::default(),
            status: Status::Idle,
            login: None,
            asked: None,
            questions: 0,
            away: false,
            closing: false,
            linger: None,
            last_hint: String::new(),
            call_id: random.hex::<16>(),
            from_tag: random.hex::<8>(),
            common: vec![("User-Agent".to_owned(), config.user_agent.clone())],
            memory,
            stored,
            outputs: Vec::new(),
            ignored: 0,
            config,
            random,
        }
    }

    /// `registerPhone`. Answered by [`Event::Registered`] or [`Event::Failed`]
    /// with the same `attempt`. A pending login is superseded silently.
    pub fn register(&mut self, now: Instant, attempt: u32, force: bool) {
        if self.closing {
            return;
        }
        if let Some(registered) = self.registered().filter(|_| self.status == Status::Ready) {
            return self.emit(Event::Registered(attempt, registered));
        }
        self.give_up_requests();
        self.away = false;
        if self.memory.held_until.is_none_or(|until| until <= now) {
            self.memory.abandoned.clear();
        }
        let deadline = now + self.config.timeout;
        self.login = Some(Login {
            attempt,
            deadline,
            failures: 0,
            silences: 0,
            connected: false,
        });
        self.set_status(Status::Registering);
        self.registration.login(now, force, deadline);
        self.settle(now);
    }

    /// `unregisterPhone`. Answered by [`Event::Unregistered`].
    pub fn unregister(&mut self, now: Instant) {
        self.login = None;
        self.away = false;
        self.give_up_requests();
        self.end_calls(now, Cause::Local, "The phone was logged out.");
        self.registration.unregister();
        self.flows.retry_now(now);
        self.settle(now);
    }

    /// The app gave the pending login up: what may be bound is removed.
    pub fn abort(&mut self, now: Instant) {
        if self.login.take().is_some() {
            self.give_up_login(now);
            self.set_status(Status::Idle);
            self.settle(now);
        }
    }

    /// `close`. Answered by [`Event::Closed`], after which nothing happens.
    pub fn close(&mut self, now: Instant) {
        self.closing = true;
        self.unregister(now);
    }

    /// The page goes away (`pagehide`): one un-REGISTER from the kept nonce, and
    /// the socket is closed. There is no time for more.
    pub fn leave(&mut self, now: Instant) {
        let leaving = self.registration.is_leaving();
        self.away = self.registration.is_active() && !leaving;
        self.login = None;
        self.give_up_requests();
        // With a call the binding stays, for the page that comes back.
        let in_call = self.calls.are_any();
        self.memory.abandoned = self.calls.to_pick_up().collect();
        self.calls.abandon_all(now, "The page was left.");
        self.perform_calls(now);
        self.remember();
        let farewell = self.registration.farewell();
        if let Some(register) = farewell.filter(|_| self.flows.home().is_some() && !in_call) {
            self.memory.held_until = None;
            self.send_register(now, Purpose::Farewell, register);
        }
        self.drop_transactions(now);
        self.close_flows(now);
        if leaving {
            return self.handle_outcome(now, Outcome::Unregistered);
        }
        self.set_status(Status::Idle);
    }

    /// The page came back from the back-forward cache (`pageshow`, persisted).
    pub fn resume(&mut self, now: Instant) {
        if core::mem::take(&mut self.away) {
            self.set_status(Status::RecoveryPending);
            self.registration.resume(now);
            self.settle(now);
        }
    }

    /// The device woke up, came online or into view: look now rather than when
    /// the timer comes.
    pub fn look(&mut self, now: Instant) {
        self.flows.ask_now(now);
        self.flows.retry_now(now);
        if self.flows.home().is_some() {
            self.registration.look(now);
        }
        self.handle_timeout(now);
    }

    /// Another tab of this browser speaks for this client now: ousted without a
    /// word to the network.
    pub fn silence(&mut self, now: Instant) {
        self.give_up_requests();
        self.login = None;
        self.away = false;
        self.end_calls(now, Cause::ConnectionTerminated, TAKEN_OVER);
        self.close_flows(now);
        if self.end_leaving(now) {
            return;
        }
        self.registration.forget();
        self.terminated("sameBrowser", crate::registration::Holder::default());
        self.settle(now);
    }

    /// A contact that is no rival although `conflictScope` is `user`.
    pub fn ignore_binding(&mut self, contact: String) {
        self.registration.ignore(contact);
    }

    /// The app's answer to [`Event::Credentials`]; `None`: it has none.
    pub fn credentials(&mut self, now: Instant, id: u32, answer: Option<Credentials>) {
        let Some(asked) = self.asked.take_if(|asked| asked.id == id) else {
            return;
        };
        if let Some(login) = &mut self.login {
            login.deadline = login.deadline + (now - asked.since);
        }
        let supplied = answer.is_some_and(|answer| self.authenticator.supply(&asked.ask, answer));
        if supplied {
            self.resend(now, asked.purpose);
        } else if asked.purpose.call().is_some() {
            self.transactions.end(&asked.purpose);
            self.unanswered(now, asked.purpose);
        } else {
            self.transactions.end(&asked.purpose);
            self.credentials_rejected(now, "the app had no credentials for this server");
        }
        self.settle(now);
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        // A notifier gives a subscriber up that slept through its NOTIFY (RFC 6665
        // §4.2.2): to be believed again when it is heard again.
        if self.poll_timeout().is_some_and(|due| now - due > OVERSLEPT) {
            self.registration.set_watched(false);
        }
        if self
            .login
            .as_ref()
            .is_some_and(|login| login.deadline <= now)
            && self.asked.is_none()
        {
            self.login_timed_out(now);
        }
        self.handle_flow_timeouts(now);
        while let Some(purpose) = self.transactions.expire(now) {
            self.unanswered(now, purpose);
        }
        self.registration.handle_timeout(now);
        self.calls.handle_timeout(now);
        let watching = self.registration.is_bound() && self.flows.home().is_some();
        let request = watching.then(|| self.subscription.handle_timeout(now, &mut self.random));
        if let Some(request) = request.flatten() {
            self.send(now, Purpose::Subscribe, request);
        }
        self.settle(now);
    }

    /// When [`Phone::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let login = self
            .login
            .as_ref()
            .filter(|_| self.asked.is_none())
            .map(|login| login.deadline);
        let subscribed = self.registration.is_bound() && self.flows.home().is_some();
        earliest(&[
            login,
            self.linger,
            self.flows.poll_timeout(),
            self.transactions.poll_timeout(),
            self.registration.poll_timeout(),
            self.calls.poll_timeout(),
            self.subscription.poll_timeout().filter(|_| subscribed),
        ])
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        (!self.outputs.is_empty()).then(|| self.outputs.remove(0))
    }

    /// What the phone was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The current registration.
    pub fn registered(&self) -> Option<Registered> {
        self.registration.is_bound().then(|| Registered {
            connection: self.url(self.flows.home_slot()).to_owned(),
            expires: self.registration.granted(),
            forced: self.registration.forced(),
            profile: self.registration.profile(),
            detects_conflicts: self.registration.detects_conflicts(),
        })
    }

    /// User part of the Contact in use, if there is a login.
    pub fn contact_user(&self) -> Option<String> {
        self.registration.contact_user()
    }

    /// Calls, and transactions of calls, that are not over yet.
    pub fn calls_left(&self) -> usize {
        let transaction = self.transactions.any(|purpose| purpose.call().is_some());
        self.calls.len() + usize::from(transaction)
    }

    /// Messages that were no SIP, or no answer to anything of ours.
    pub fn ignored_messages(&self) -> u64 {
        self.ignored
    }

    /// Does what the registration wants, and opens or closes the flow for it.
    /// The last step of every mutation.
    fn settle(&mut self, now: Instant) {
        self.perform_actions(now);
        if self.registration.is_active() {
            self.linger = None;
            self.keep_flows(now);
            self.place_calls(now);
            self.perform_calls(now);
        } else {
            self.end_calls(now, Cause::Failed, "The phone is not registered any more.");
            self.release_flows(now);
            self.place_calls(now);
        }
        self.tidy_calls();
        self.remember();
    }

    fn perform_actions(&mut self, now: Instant) {
        while let Some(action) = self.registration.poll_action() {
            match action {
                Action::Send(register) => self.send_register(now, Purpose::Register, register),
                Action::Farewell(register) => self.send_register(now, Purpose::Farewell, register),
                Action::SendOn(slot, register) => {
                    self.send_register(now, Purpose::Spare(slot), register);
                }
                Action::Hint(uri) => self.send_hint(now, uri),
                Action::Reconnect => self.reconnect_home(now),
                Action::Outcome(outcome) => self.handle_outcome(now, outcome),
            }
        }
    }

    /// Flows that nobody needs are closed, once the farewell is answered.
    fn release_flows(&mut self, now: Instant) {
        self.subscription.stop();
        let last_words =
            |purpose: &Purpose| *purpose == Purpose::Farewell || purpose.call().is_some();
        let waits = self.transactions.any_waits(last_words);
        let linger = *self.linger.get_or_insert(now + LINGER);
        if !waits || linger <= now || self.flows.home().is_none() {
            self.linger = None;
            self.drop_transactions(now);
            self.close_flows(now);
        } else {
            self.flows.rest();
        }
    }

    /// Requests of a login that was given up or superseded are not waited for.
    fn give_up_requests(&mut self) {
        self.asked = None;
        if self.transactions.is_pending(&Purpose::Register) {
            self.authenticator.interrupted();
        }
        self.transactions.end(&Purpose::Register);
    }

    /// What may be bound of a login that is given up is removed, without
    /// waiting for the answer.
    fn give_up_login(&mut self, now: Instant) {
        self.give_up_requests();
        if let Some(register) = self
            .registration
            .farewell()
            .filter(|_| self.flows.home().is_some())
        {
            self.send_register(now, Purpose::Farewell, register);
        }
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push(Output::Event(event));
    }

    fn log(&mut self, level: Level, message: &str) {
        let message = message.to_owned();
        self.outputs.push(Output::Log { level, message });
    }

    /// Stores what changed, before the outputs that follow.
    fn remember(&mut self) {
        self.memory.profile = self.registration.profile();
        self.memory.no_reg_event = self.subscription.is_unsupported();
        if let Some(lapses_at) = self.registration.lapses_at() {
            self.memory.held_until = Some(lapses_at);
        }
        let text = self.memory.write(&self.calls, &self.authenticator);
        if text != self.stored {
            self.outputs.push(Output::Store(text.clone()));
            self.stored = text;
        }
    }
}
