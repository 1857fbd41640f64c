//! Sending requests, and what their answers lead to.

use super::registering::{Job, REGISTER};
use super::usage::Purpose;
use super::{Asked, Config, Event, Level, Phone};
use crate::fault::{Fault, Situation};
use crate::flow::FlowId;
use crate::prelude::*;
use crate::sip::{Message, WriteError, quote};
use crate::text::concat;
use crate::time::Instant;
use crate::transaction::{Context, Learned, Matched, Once, Reach, Request};

/// The display name as it stands before an address.
pub(super) fn shown_name(config: &Config) -> String {
    let name = config.display_name.as_ref();
    name.map_or_else(String::new, |name| concat(&[&quote(name), " "]))
}

impl Phone {
    /// Our address as From and To show it.
    pub(super) fn address(&self) -> String {
        self.account.address()
    }

    /// Asks the server at the other end of `flow` whether it is there. Any answer
    /// will do.
    pub(super) fn send_heartbeat(&mut self, now: Instant, flow: FlowId) {
        let purpose = Purpose::Heartbeat(flow.slot);
        let server = concat(&["sip:", &self.config.domain]);
        let request = Request {
            method: "OPTIONS",
            from: concat(&[&self.address(), ";tag=", &self.random.hex::<8>()]),
            to: concat(&["<", &server, ">"]),
            call_id: self.random.hex::<16>(),
            headers: Vec::new(),
            uri: server,
            content: None,
        };
        self.transactions.end(&purpose);
        self.send_on(now, flow, purpose, request);
    }

    /// Sends on the flow of the registration, if it is open.
    pub(super) fn send(&mut self, now: Instant, purpose: Purpose, request: Request) {
        if let Some(home) = self.flows.home() {
            self.send_on(now, home, purpose, request);
        }
    }

    pub(super) fn send_on(
        &mut self,
        now: Instant,
        flow: FlowId,
        purpose: Purpose,
        request: Request,
    ) {
        let (transactions, mut context) = self.context(flow);
        let written = transactions.send(now, flow, purpose, request, &mut context);
        self.write_request(now, flow, purpose, written);
    }

    pub(super) fn resend(&mut self, now: Instant, purpose: Purpose, once: Option<&Once>) {
        let Some(flow) = self.transactions.flow(&purpose) else {
            return;
        };
        if purpose == REGISTER {
            self.pacer.sent(now);
        }
        let (transactions, mut context) = self.context(flow);
        match transactions.resend(now, &purpose, once, &mut context) {
            Some(written) => self.write_request(now, flow, purpose, written),
            None if purpose == REGISTER => {
                self.credentials_rejected(now, Situation::ChallengedForEver);
            }
            None => self.unanswered(now, purpose, None),
        }
    }

    pub(super) fn context(
        &mut self,
        flow: FlowId,
    ) -> (&mut crate::transaction::Transactions<Purpose>, Context<'_>) {
        let secure = self.url(flow.slot).starts_with("wss:");
        let context = Context {
            authenticator: &mut self.authenticator,
            random: &mut self.random,
            common: &self.common,
            instance: self
                .registration
                .shows_instance
                .then_some(&self.config.instance_id),
            secure,
        };
        (&mut self.transactions, context)
    }

    fn write_request(
        &mut self,
        now: Instant,
        flow: FlowId,
        purpose: Purpose,
        written: Result<Vec<u8>, WriteError>,
    ) {
        self.remember();
        // Options are checked when the phone is made; what is left are values from the
        // network, such as a contact to be removed.
        match self.put(flow, written) {
            None => {}
            Some(problem) if purpose == REGISTER => {
                let said = Some(problem.header);
                let fault = Fault::new(Situation::Unwritable);
                self.registration_failed(now, Fault { said, ..fault });
            }
            Some(_) => self.unanswered(now, purpose, None),
        }
    }

    /// Writes a message, or says why that is impossible.
    pub(super) fn put(
        &mut self,
        flow: FlowId,
        written: Result<Vec<u8>, WriteError>,
    ) -> Option<WriteError> {
        match written {
            Ok(bytes) => {
                self.trace(true, flow, &bytes);
                self.write(flow, bytes);
                None
            }
            Err(problem) => {
                let text = concat(&["a message could not be written: ", &problem.header]);
                self.log(Level::Warn, &text);
                Some(problem)
            }
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: &Message) {
        if let Err(invalid) = answer.check_use() {
            return self.drop_message(invalid.reason);
        }
        let purpose = match self.transactions.match_answer(now, answer) {
            Matched::Final(purpose) => purpose,
            Matched::Provisional(purpose) if purpose.is_usage() => {
                return self.answered(now, purpose, answer, true);
            }
            Matched::Provisional(_) => return,
            // What becomes of the INVITE is its own answer's to say.
            Matched::Nothing if answer.cseq().is_some_and(|cseq| cseq.method == "CANCEL") => {
                return;
            }
            Matched::Nothing if self.transactions.misses(answer) => {
                return self.drop_message("An answer has another Via branch than its request");
            }
            Matched::Nothing => {
                self.ignored += 1;
                return self.log(Level::Debug, "ignored an answer to nothing");
            }
        };
        if let Some(flow) = self.transactions.flow(&purpose) {
            let (transactions, context) = self.context(flow);
            if let Some(ack) = transactions.acknowledge(answer, &context) {
                self.put(flow, Ok(ack));
            }
        }
        if purpose == REGISTER && self.observed(now, answer) {
            return;
        }
        let challenge = matches!(answer.status(), 401 | 407);
        let reach = self.reach(purpose, answer);
        if let Some(reach) = reach.filter(|_| challenge && self.answers_challenge(purpose)) {
            return self.challenged(now, purpose, reach, answer);
        }
        self.transactions.finish(&purpose);
        // What others answer says nothing of our server's nonces.
        // A 403 may be what is said of a wrong password.
        let ours = reach.is_some_and(|reach| reach != Reach::Others);
        let told = !challenge && ours && answer.status() != 403;
        let proven = !told || self.authenticator.accepted(answer);
        if self.opens_session(purpose) && (200..300).contains(&answer.status()) {
            self.authenticator.set_proven();
        }
        self.answered(now, purpose, answer, proven);
        self.perform_usages(now);
    }

    fn challenged(&mut self, now: Instant, purpose: Purpose, reach: Reach, answer: &Message) {
        let again = purpose == REGISTER || self.transactions.was_challenged(&purpose);
        let learned = self.authenticator.learn(answer, reach, again);
        match learned {
            Learned::Retry(once) => self.resend(now, purpose, once.as_ref()),
            // Nobody is asked any more.
            Learned::Ask(_) if matches!(purpose, Purpose::Registration(Job::Deregistration(_))) => {
                self.transactions.end(&purpose);
            }
            Learned::Ask(ask) => {
                self.transactions.park(&purpose);
                if let Some(asked) = &mut self.asked {
                    return asked.purposes.push(purpose);
                }
                self.questions += 1;
                let id = self.questions;
                self.emit(Event::Credentials {
                    id,
                    scheme: ask.scheme,
                    realm: ask.realm.clone(),
                    authz_server: ask.authz_server.clone(),
                    scope: ask.scope.clone(),
                });
                self.asked = Some(Asked {
                    id,
                    purposes: vec![purpose],
                    ask,
                    since: now,
                });
            }
            Learned::Rejected | Learned::Unsupported => {
                self.transactions.end(&purpose);
                if self.opens_session(purpose) && self.asked.is_none() {
                    self.authenticator.reset();
                }
                if purpose == REGISTER {
                    let refused = matches!(learned, Learned::Rejected);
                    self.login_unauthorised(now, answer, refused);
                } else {
                    self.answered(now, purpose, answer, true);
                }
            }
        }
    }
}
