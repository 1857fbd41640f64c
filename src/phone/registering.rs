//! The registration's requests, and what their answers lead to.

use super::usage::Purpose;
use super::{Level, Phone};
use crate::fault::{Fault, Situation};
use crate::flow::{ALLOW, FLOW_FAILED, FlowId};
use crate::prelude::*;
use crate::registration::{Action, Profile, Register};
use crate::sip::{Message, Name, challenges};
use crate::text::{concat, decimal, number};
use crate::time::{Duration, Instant};
use crate::transaction::{Reach, Request};

/// Option tag of a registrar of ours whose messages name nobody but whom it knows.
const ASSERTS_IDENTITY: &str = "X-graceline-asserted-id";

/// What a request of the registration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The REGISTER that its machine asks for: one at a time.
    Home,
    /// The REGISTER of a further flow, that of this slot.
    Further(u32),
    /// An un-REGISTER whose answer changes nothing; numbered.
    Deregistration(u32),
    /// The OPTIONS that makes a rival look.
    Hint,
    /// The REGISTER that asks for nothing but a nonce.
    Nonce,
}

/// The REGISTER at hand.
pub(super) const REGISTER: Purpose = Purpose::Registration(Job::Home);

/// A nonce that was not shown is replaced before it is as old as OpenSIPS lets one get.
const NONCE_AGE: Duration = Duration::from_secs(25);
/// No nonce is asked for sooner than this after another one.
const NONCE_PAUSE: Duration = Duration::from_secs(10);

impl Job {
    pub(super) fn reach(self) -> Reach {
        match self {
            Job::Home | Job::Nonce => Reach::Registrar,
            Job::Further(_) | Job::Deregistration(_) => Reach::Server,
            Job::Hint => Reach::Others,
        }
    }
}

impl Phone {
    pub(super) fn perform_actions(&mut self, now: Instant) {
        while let Some(action) = self.registration.poll_action() {
            match action {
                Action::Send(register) if self.pacer.next() > now => self.held = Some(register),
                Action::Send(register) => {
                    self.pacer.sent(now);
                    self.send_register(now, Job::Home, register);
                }
                Action::SendOn(slot, register) => {
                    self.send_register(now, Job::Further(slot), register);
                }
                Action::Hint(uri) => self.send_hint(now, uri),
                Action::Reconnect => self.reconnect_home(now),
                Action::Warn(text) => self.log(Level::Warn, text),
                Action::Account { gruu, routes } => self.set_account(gruu, routes),
                Action::Outcome(outcome) => self.handle_outcome(now, outcome),
            }
        }
    }

    pub(super) fn send_register(&mut self, now: Instant, job: Job, register: Register) {
        if register.new_call_id {
            self.call_id = self.random.hex::<16>();
            self.from_tag = self.random.hex::<8>();
        }
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers: Vec<(String, String)> = Vec::new();
        headers.extend(
            register
                .contacts
                .into_iter()
                .map(|contact| header("Contact", contact)),
        );
        headers.extend(
            register
                .expires
                .map(|seconds| header("Expires", decimal(seconds.into()))),
        );
        headers.push(header("Supported", register.supported));
        headers.push(header("Allow", ALLOW.to_owned()));
        headers.extend(register.reason.map(|reason| header("Reason", reason)));
        headers.extend(self.config.extra_headers.iter().cloned());
        let registrar = concat(&["sip:", &self.config.domain]);
        let request = Request {
            method: "REGISTER",
            uri: register.target.unwrap_or(registrar),
            from: concat(&[&self.address(), ";tag=", &self.from_tag]),
            to: self.address(),
            call_id: self.call_id.clone(),
            headers,
            content: None,
        };
        let purpose = Purpose::Registration(job);
        self.transactions.end(&purpose);
        if let Some(flow) = self.registration_flow(job) {
            self.send_on(now, flow, purpose, request);
        }
    }

    /// The flow that it goes by, if that is open.
    fn registration_flow(&self, job: Job) -> Option<FlowId> {
        match job {
            Job::Further(slot) => {
                let mut open = self.flows.open.iter();
                open.find(|flow| flow.slot == slot).copied()
            }
            _ => self.flows.home(),
        }
    }

    /// Takes back what may be bound, without waiting for the answer.
    pub(super) fn send_deregistration(&mut self, now: Instant, register: Register) {
        self.deregistrations += 1;
        self.send_register(now, Job::Deregistration(self.deregistrations), register);
    }

    /// When a nonce is asked for, where nonces serve once: there the un-REGISTER of a page
    /// that is left needs one that was never shown, because nobody is there any more to
    /// answer a challenge. With a call there is none.
    pub(super) fn nonce_due(&self) -> Option<Instant> {
        let wanted = self.authenticator.nonces_serve_once()
            && self.registration.is_settled()
            && self.flows.home().is_some()
            && !self.is_in_call();
        let after = match self.authenticator.has_fresh_nonce() {
            true => NONCE_AGE,
            false => NONCE_PAUSE,
        };
        wanted.then(|| (self.nonce_at + after).max(self.pacer.next()))
    }

    pub(super) fn renew_nonce(&mut self, now: Instant) {
        if self.nonce_due().is_some_and(|due| due <= now) {
            self.nonce_at = now;
            self.pacer.sent(now);
            self.authenticator.give_up_nonces();
            let register = self.registration.plain();
            self.send_register(now, Job::Nonce, register);
        }
    }

    /// Tells the client behind `uri` to look. Nobody waits for the answer. Sent to
    /// the address-of-record, it comes back to us as well.
    pub(super) fn send_hint(&mut self, now: Instant, uri: String) {
        // The rival looks by itself, too.
        if self.pacer.next() > now {
            return;
        }
        self.pacer.sent(now);
        self.last_hint = self.random.hex::<16>();
        let request = Request {
            method: "OPTIONS",
            from: concat(&[&self.address(), ";tag=", &self.random.hex::<8>()]),
            to: concat(&["<", &uri, ">"]),
            call_id: self.last_hint.clone(),
            headers: vec![("X-Graceline".to_owned(), "look".to_owned())],
            uri,
            content: None,
        };
        let purpose = Purpose::Registration(Job::Hint);
        self.transactions.end(&purpose);
        self.send(now, purpose, request);
    }

    /// What the registrar's 200 says of its own word: a server that takes out what
    /// clients assert says so; Cisco's always does.
    fn note_trust(&mut self, answer: &Message) {
        let cisco = self.registration.profile() == Some(Profile::Cisco);
        let told = cisco || answer.has_option(Name::Supported, ASSERTS_IDENTITY);
        let trusted = self.config.trust_asserted_identity.unwrap_or(told);
        if self.account.trusts_identity != trusted {
            self.account.trusts_identity = trusted;
            self.tell_account();
        }
    }

    /// How to make calls. A refresh seldom says anything new.
    fn set_account(&mut self, gruu: Option<String>, routes: Vec<String>) {
        if self.account.gruu != gruu || self.account.routes != routes {
            self.account.gruu = gruu;
            self.account.routes = routes;
            self.tell_account();
        }
    }

    /// The answer may be what tells the machine how this registrar is spoken to: then it
    /// goes on by itself, and whatever else the answer says is of no interest.
    pub(super) fn observed(&mut self, now: Instant, answer: &Message) -> bool {
        let observed = self.registration.observe(now, answer);
        if observed {
            self.transactions.end(&REGISTER);
            if matches!(answer.status(), 401 | 407) {
                self.authenticator.learn(answer, Reach::Registrar, true);
            } else {
                self.authenticator.accepted(answer);
            }
        }
        observed
    }

    pub(super) fn registration_answered(
        &mut self,
        now: Instant,
        job: Job,
        answer: &Message,
        proven: bool,
    ) {
        // RFC 5626 §4.5: a flow that failed is made anew, here or at another address.
        // A login that has nowhere else to go hears of it as of any refusal.
        let anew = match job {
            Job::Home => self.login.is_none() || self.flows.open.len() > 1,
            job => matches!(job, Job::Further(_)),
        };
        if anew && answer.status() == FLOW_FAILED {
            let flow = self.registration_flow(job);
            return flow.map_or((), |flow| self.lose_flow(now, flow));
        }
        match job {
            Job::Home if !proven => {
                let at = Situation::ServerUnproven;
                self.registration_failed(now, Fault::with_status(at, answer.status()));
            }
            Job::Home => {
                if let Some(seconds) = answer.header(Name::FlowTimer).and_then(number) {
                    self.flows.set_flow_timer(now, seconds);
                }
                if answer.status() < 300 {
                    self.note_trust(answer);
                }
                let doubtful = self.authenticator.is_doubtful();
                self.registration.set_doubtful(doubtful);
                self.registration.handle_answer(now, answer);
            }
            Job::Further(slot) => self.registration.handle_further_answer(now, slot, answer),
            Job::Nonce => self.authenticator.learn_ahead(answer),
            Job::Deregistration(_) | Job::Hint => {}
        }
    }

    pub(super) fn registration_unanswered(&mut self, now: Instant, job: Job) {
        match job {
            Job::Home => {
                self.log(Level::Warn, "the server did not answer; connecting anew");
                let another_way = self.registration.unanswered();
                if let Some(login) = &mut self.login {
                    if another_way {
                        // The loss of this flow is no failure to connect.
                        login.failures = login.failures.saturating_sub(1);
                    } else {
                        login.silences += 1;
                    }
                    if login.silences >= 2 {
                        self.login_timed_out(now);
                    }
                }
                if let Some(home) = self.flows.home() {
                    self.lose_flow(now, home);
                }
            }
            Job::Further(slot) => self.registration.further_unanswered(now, slot),
            Job::Deregistration(_) | Job::Hint | Job::Nonce => {}
        }
    }

    /// The registrar's challenge cannot be answered, or was in vain (`refused`).
    pub(super) fn login_unauthorised(&mut self, now: Instant, answer: &Message, refused: bool) {
        if refused {
            self.authenticator.reset();
            return self.credentials_rejected(now, Situation::CredentialsRefused);
        }
        let at = match challenges(answer).is_empty() {
            true => Situation::ChallengeUnknown,
            false => Situation::ChallengeUnanswerable,
        };
        self.registration_failed(now, Fault::with_status(at, answer.status()));
    }
}
