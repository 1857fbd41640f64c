//! The client machine: one phone, one account, one registration.
//!
//! It joins the flow to the server, the transactions, the registration and the
//! subscription, which do not know each other.

mod commands;
mod config;
mod control;
mod flow;
mod flows;
mod incoming;
mod inspect;
mod memory;
mod outcome;
mod output;
mod registering;
mod requests;
mod usage;

use crate::call::Calls;
pub use crate::fault::{Code, Fault, Situation};
use crate::flow::FlowId;
use crate::pool::Pacer;
use crate::prelude::*;
pub use config::{Config, ConfigError};
pub use output::{Event, Level, Output, Registered, Status};

use crate::queue::take_first;
use crate::rand::Random;
use crate::registration::{Register, Registration, Settings};
use crate::text::concat;
use crate::time::{Duration, Instant, earliest};
use crate::transaction::{Ask, Authenticator, OVERSLEPT, Secrets, Transactions};
use crate::usage::{Account, Cause};
use control::Control;
use flows::Flows;
use memory::Memory;
use registering::Job;
use usage::{Purpose, Usages};

/// How long an un-REGISTER may keep the socket open.
const LINGER: Duration = Duration::from_secs(2);

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
    /// Why a message was dropped while a REGISTER waited for its answer.
    dropped: Option<&'static str>,
}

/// A question that the app has not answered yet.
struct Asked {
    id: u32,
    /// Whose requests wait for the answer: it holds for all of them.
    purposes: Vec<Purpose>,
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
    account: Account,
    usages: Usages,
    /// The flow that the message at hand came by.
    arrival: FlowId,
    status: Status,
    login: Option<Login>,
    asked: Option<Asked>,
    questions: u32,
    deregistrations: u32,
    /// When a nonce was asked for last.
    nonce_at: Instant,
    /// How often the registrar may make us speak, and what waits for its turn.
    pacer: Pacer,
    held: Option<Register>,
    /// The page went away while the phone was connected, or was about to be: whether it
    /// was registered.
    away: Option<bool>,
    /// The app drives a desk phone: flows are kept, with or without a binding.
    control: Option<Control>,
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
        let mut phone = Self::without_calls(config, seed);
        phone.make_calls(Instant::default());
        Ok(phone)
    }

    /// The same without calls, until [`Phone::make_calls`], of a configuration that was
    /// checked before. Whatever it holds, the writer refuses what would break a message.
    pub fn without_calls(mut config: Config, seed: [u8; 32]) -> Self {
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
        let stored = config.memory.take().unwrap_or_default();
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
        let mut registration =
            Registration::new(settings, memory.profile, memory.held_until, own_random);
        registration.replaces = memory.replaces;
        registration.watch.unsupported = memory.no_reg_event;
        let host = concat(&[&random.hex::<6>(), ".invalid"]);
        let aor = concat(&["sip:", &config.user, "@", &config.domain]);
        let account = Account {
            name: requests::shown_name(&config),
            aor,
            domain: config.domain.clone(),
            host: host.clone(),
            instance: config.instance_id.clone(),
            gruu: None,
            routes: Vec::new(),
            trusts_identity: config.trust_asserted_identity == Some(true),
        };
        let usages = Usages::new(&account, &mut random);
        Self {
            flows: Flows::new(&config),
            authenticator,
            transactions: Transactions::new(host),
            registration,
            account,
            usages,
            arrival: FlowId::default(),
            status: Status::Idle,
            login: None,
            asked: None,
            questions: 0,
            deregistrations: 0,
            nonce_at: Instant::default(),
            pacer: Pacer::default(),
            held: None,
            away: None,
            control: None,
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

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let in_call = self.is_in_call();
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
        if self.awaits_control() && self.control.as_ref().is_some_and(|it| it.until <= now) {
            self.control_failed();
        }
        self.handle_flow_timeouts(now);
        while let Some((purpose, dropped)) = self.transactions.expire(now) {
            self.unanswered(now, purpose, dropped);
        }
        if self.pacer.next() <= now
            && let Some(register) = self.held.take()
        {
            self.pacer.sent(now);
            self.send_register(now, Job::Home, register);
        }
        self.registration.handle_timeout(now);
        self.usage_timeouts(now);
        // What is sent was remembered when it was written: of time alone nothing
        // comes that is to be, but the end of calls.
        if in_call {
            self.settle(now);
        } else {
            self.go_on(now);
        }
    }

    /// When [`Phone::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let login = self
            .login
            .as_ref()
            .filter(|_| self.asked.is_none())
            .map(|login| login.deadline);
        let control = self.control.as_ref().filter(|_| self.awaits_control());
        earliest(&[
            login,
            control.map(|control| control.until),
            self.linger,
            self.held.as_ref().map(|_| self.pacer.next()),
            self.flows.poll_timeout(),
            self.transactions.poll_timeout(),
            self.registration.poll_timeout(),
            self.poll_usage_timeout(),
            self.nonce_due(),
        ])
    }

    /// The next thing for the host to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        take_first(&mut self.outputs)
    }

    /// All of them at once: a gateway that stops has one for each of its sessions.
    #[cfg(feature = "gateway")]
    pub(crate) fn take_outputs(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.outputs)
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
        let transaction = self
            .transactions
            .any(|purpose| matches!(purpose, Purpose::Calls(_)));
        let calls = self.usages.calls.get().map_or(0, Calls::len);
        calls + usize::from(transaction)
    }

    /// Messages that were no SIP, or no answer to anything of ours.
    pub fn ignored_messages(&self) -> u64 {
        self.ignored
    }

    /// The last step of every mutation but those that bring nothing to remember.
    fn settle(&mut self, now: Instant) {
        self.go_on(now);
        self.remember();
    }

    /// Does what the registration wants, and opens or closes the flow for it.
    fn go_on(&mut self, now: Instant) {
        self.perform_actions(now);
        if self.registration.is_active() || self.controls() {
            self.linger = None;
            self.keep_flows(now);
            self.show_control();
            self.place_usages(now);
            self.perform_usages(now);
            self.renew_nonce(now);
        } else {
            self.end_usages(now, Cause::Failed, Situation::Unregistered);
            self.release_flows(now);
            self.place_usages(now);
        }
        self.tidy_usages();
    }

    /// Flows that nobody needs are closed, once the un-REGISTER is answered.
    fn release_flows(&mut self, now: Instant) {
        let waits = self.transactions.any_waits(|purpose| purpose.lingers());
        let linger = *self.linger.get_or_insert(now + LINGER);
        if !waits || linger <= now || self.flows.home().is_none() {
            self.linger = None;
            self.drop_transactions(now);
            self.close_flows(now);
        } else {
            self.flows.rest();
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
        self.memory.no_reg_event = self.registration.watch.unsupported;
        self.memory.replaces = self.registration.replaces;
        if let Some(lapses_at) = self.registration.lapses_at() {
            self.memory.held_until = Some(lapses_at);
        }
        let calls = self.usages.calls.get();
        let text = self.memory.write(calls, &self.authenticator);
        if text != self.stored {
            self.outputs.push(Output::Store(text.clone()));
            self.stored = text;
        }
    }
}
