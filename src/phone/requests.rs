//! Sending requests, and what their answers lead to.

use super::{Asked, Config, Event, Level, Phone, Purpose};
use crate::call::{ALLOW, FLOW_FAILED, Job};
use crate::pool::FlowId;
use crate::prelude::*;
use crate::registration::Register;
use crate::sip::{Message, Name, WriteError, challenges, quote};
use crate::text::{concat, decimal, number};
use crate::time::Instant;
use crate::transaction::{Context, Learned, Matched, Once, Reach, Request};

/// Our address as From and To show it.
pub(super) fn address(config: &Config) -> String {
    let Config { user, domain, .. } = config;
    let uri = concat(&["<sip:", user, "@", domain, ">"]);
    match &config.display_name {
        Some(name) => concat(&[&quote(name), " ", &uri]),
        None => uri,
    }
}

impl Phone {
    fn address(&self) -> String {
        address(&self.config)
    }

    pub(super) fn send_register(&mut self, now: Instant, purpose: Purpose, register: Register) {
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
        self.transactions.end(&purpose);
        match purpose {
            Purpose::Spare(slot) => {
                if let Some(flow) = self.flows.open().iter().find(|flow| flow.slot == slot) {
                    self.send_on(now, *flow, purpose, request);
                }
            }
            _ => self.send(now, purpose, request),
        }
    }

    /// Takes back what may be bound, without waiting for the answer.
    pub(super) fn send_farewell(&mut self, now: Instant, register: Register) {
        self.farewells += 1;
        self.send_register(now, Purpose::Farewell(self.farewells), register);
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
        self.transactions.end(&Purpose::Hint);
        self.send(now, Purpose::Hint, request);
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
        if purpose == Purpose::Register {
            self.pacer.sent(now);
        }
        let (transactions, mut context) = self.context(flow);
        match transactions.resend(now, &purpose, once, &mut context) {
            Some(written) => self.write_request(now, flow, purpose, written),
            None if purpose == Purpose::Register => {
                self.credentials_rejected(now, "the server asked for credentials again and again");
            }
            None if purpose.call().is_some() => self.unanswered(now, purpose, None),
            None => {}
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
        match written {
            Ok(bytes) => {
                self.remember();
                self.trace(true, flow, &bytes);
                self.write(flow, bytes);
            }
            // Options are checked when the phone is made; what is left are
            // values from the network, such as a contact to be removed.
            Err(problem) => {
                let problem = problem.message();
                let text = concat(&["a request could not be written: ", &problem]);
                self.log(Level::Warn, &text);
                match purpose {
                    Purpose::Register => {
                        self.registration_failed(now, "eInternal", 0, &problem);
                    }
                    Purpose::Call(..) => self.unanswered(now, purpose, None),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn handle_answer(&mut self, now: Instant, answer: &Message) {
        if let Err(invalid) = answer.check_use() {
            return self.drop_message(invalid.reason);
        }
        let purpose = match self.transactions.match_answer(now, answer) {
            Matched::Final(purpose) => purpose,
            Matched::Provisional(Purpose::Call(call, job, number)) => {
                return self.calls.handle_answer(now, call, job, number, answer);
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
        if let Purpose::Heartbeat(slot) = purpose {
            self.transactions.end(&purpose);
            return self.flows.heartbeat_answered(now, slot);
        }
        let flow = self.transactions.flow(&purpose);
        if let Some(flow) = flow {
            let (transactions, context) = self.context(flow);
            if let Some(ack) = transactions.acknowledge(answer, &context) {
                self.trace(true, flow, &ack);
                self.write(flow, ack);
            }
        }
        let challenge = matches!(answer.status(), 401 | 407);
        let register = purpose == Purpose::Register;
        if register && self.registration.observe(now, answer) {
            self.transactions.end(&purpose);
            if challenge {
                self.authenticator.learn(answer, Reach::Registrar, true);
            } else {
                self.authenticator.accepted(answer);
            }
            return;
        }
        let wanted = match purpose {
            Purpose::Farewell(_) => !self.transactions.was_challenged(&purpose),
            Purpose::Call(call, job, _) => self.calls.wants(call, job),
            _ => true,
        };
        if challenge && wanted {
            return self.challenged(now, purpose, answer);
        }
        // An accepted INVITE stays, for what its other forks may still answer.
        let invite = matches!(purpose, Purpose::Call(_, Job::Invite | Job::Reinvite, _));
        if !invite || answer.status() >= 300 {
            self.transactions.end(&purpose);
        }
        // What others answer says nothing of our server's nonces.
        // A 403 may be what is said of a wrong password.
        let told = !challenge && purpose.reach() != Reach::Others && answer.status() != 403;
        let proven = !told || self.authenticator.accepted(answer);
        // RFC 5626 §4.5: a flow that failed is made anew, here or at another address.
        // A login that has nowhere else to go hears of it as of any refusal.
        let anew = match purpose {
            Purpose::Spare(_) => true,
            Purpose::Register => self.login.is_none() || self.flows.open().len() > 1,
            _ => false,
        };
        if anew && answer.status() == FLOW_FAILED {
            return flow.map_or((), |flow| self.lose_flow(now, flow));
        }
        match purpose {
            Purpose::Register if !proven => {
                let text = "the server did not prove that it knows the password (rspauth)";
                self.registration_failed(now, "eServerRejected", answer.status(), text);
            }
            Purpose::Register => {
                if let Some(seconds) = answer.header(Name::FlowTimer).and_then(number) {
                    self.flows.set_flow_timer(now, seconds);
                }
                self.note_account(answer);
                let doubtful = self.authenticator.is_doubtful();
                self.registration.set_doubtful(doubtful);
                self.registration.handle_answer(now, answer);
            }
            Purpose::Subscribe => {
                self.subscription.handle_answer(now, answer);
                self.registration.set_watched(self.subscription.is_live());
            }
            Purpose::Call(call, job, number) => {
                self.calls.handle_answer(now, call, job, number, answer);
            }
            Purpose::Spare(slot) => self.registration.handle_spare_answer(now, slot, answer),
            Purpose::Farewell(_) | Purpose::Hint | Purpose::Heartbeat(_) => {}
        }
    }

    fn challenged(&mut self, now: Instant, purpose: Purpose, answer: &Message) {
        let register = purpose == Purpose::Register;
        let farewell = matches!(purpose, Purpose::Farewell(_));
        let again = register || self.transactions.was_challenged(&purpose);
        match self.authenticator.learn(answer, purpose.reach(), again) {
            Learned::Retry(once) => self.resend(now, purpose, once.as_ref()),
            // Nobody is asked any more.
            Learned::Ask(_) if farewell => self.transactions.end(&purpose),
            Learned::Ask(ask) => {
                self.transactions.park(&purpose);
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
                    purpose,
                    ask,
                    since: now,
                });
            }
            Learned::Rejected if purpose == Purpose::Register => {
                self.authenticator.reset();
                self.transactions.end(&purpose);
                self.credentials_rejected(now, "the registrar refused user name or password");
            }
            Learned::Unsupported if purpose == Purpose::Register => {
                self.transactions.end(&purpose);
                let (code, text) = match challenges(answer).is_empty() {
                    true => (
                        "eServerRejected",
                        "the server asks for an authentication that this phone does not know",
                    ),
                    false => (
                        "eCredentialsRejected",
                        "the server asks for an authentication that cannot be answered: \
                         check password, credentials and refuseMd5",
                    ),
                };
                self.registration_failed(now, code, answer.status(), text);
            }
            Learned::Rejected | Learned::Unsupported => {
                self.transactions.end(&purpose);
                match purpose {
                    Purpose::Subscribe => self.subscription.handle_answer(now, answer),
                    Purpose::Call(call, job, number) => {
                        self.calls.handle_answer(now, call, job, number, answer);
                    }
                    Purpose::Spare(slot) => {
                        self.registration.handle_spare_answer(now, slot, answer);
                    }
                    _ => {}
                }
            }
        }
    }
}
