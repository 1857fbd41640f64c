//! The calls and what is around them: transactions, the flow, the registration.

use super::{Event, Level, Phone, Purpose, Status};
use crate::call::{Action, Calls, Cause, FLOW_GRACE, Job};
use crate::dialog::values;
use crate::pool::FlowId;
use crate::prelude::*;
use crate::registration::Profile;
use crate::sip::{Message, Name, WriteError, unquote};
use crate::text::concat;
use crate::time::Instant;

/// Option tag of a registrar of ours whose messages name nobody but whom it knows.
const ASSERTS_IDENTITY: &str = "X-graceline-asserted-id";

impl Phone {
    /// Does something with the calls: what the app asks for, or what the media
    /// handler has done. See [`Calls`].
    pub fn with_calls(&mut self, now: Instant, action: impl FnOnce(&mut Calls)) {
        action(&mut self.calls);
        self.settle(now);
    }

    /// Does what the calls want.
    pub(super) fn perform_calls(&mut self, now: Instant) {
        while let Some(action) = self.calls.poll_action() {
            match action {
                Action::Send(call, job, number, request) => {
                    let purpose = Purpose::Call(call, job, number);
                    match self.calls.flow(call) {
                        Some(flow) => self.send_on(now, flow, purpose, request),
                        None => {
                            let until = now + FLOW_GRACE;
                            self.transactions.hold(purpose, request, Some(until));
                        }
                    }
                }
                Action::Ack(call, job, number, request, cseq) => {
                    let invite = Purpose::Call(call, job, number);
                    if let Some(flow) = self.calls.flow(call) {
                        let (transactions, mut context) = self.context(flow);
                        let ack = transactions.write_ack(&invite, request, cseq, &mut context);
                        self.write_side_request(flow, ack);
                    }
                }
                Action::Cancel(call) => {
                    let invite = Purpose::Call(call, Job::Invite, 0);
                    if let Some(flow) = self.calls.flow(call) {
                        let (transactions, context) = self.context(flow);
                        if let Some(cancel) = transactions.cancel(now, &invite, None, &context) {
                            self.write_side_request(flow, Ok(cancel));
                        }
                    }
                }
                Action::Reply(reply) => {
                    let flow = match reply.call {
                        Some(call) => self.calls.flow(call),
                        None => Some(self.arrival),
                    };
                    if let Some(flow) = flow {
                        self.reply(flow, &reply);
                    }
                }
                Action::Look => {
                    if self.flows.home().is_some() {
                        self.registration.look(now);
                        self.perform_actions(now);
                    }
                }
                Action::Event(event) => self.emit(Event::Call(event)),
            }
        }
    }

    /// Forgets calls that nothing is left of.
    pub(super) fn tidy_calls(&mut self) {
        let Self {
            calls,
            transactions,
            ..
        } = self;
        calls.tidy(|call| transactions.any(|purpose| purpose.call() == Some(call)));
    }

    /// Nothing is waited for any more; what the app waits for has failed.
    pub(super) fn drop_transactions(&mut self, now: Instant) {
        while let Some(purpose) = self.transactions.take() {
            if let Purpose::Call(call, job, number) = purpose {
                self.calls.unanswered(now, call, job, number, None);
            }
        }
        self.perform_calls(now);
    }

    /// Writes a request that is no transaction of its own.
    fn write_side_request(&mut self, flow: FlowId, written: Result<Vec<u8>, WriteError>) {
        match written {
            Ok(bytes) => {
                self.trace(true, flow, &bytes);
                self.write(flow, bytes);
            }
            Err(problem) => {
                let text = concat(&["a request could not be written: ", &problem.message()]);
                self.log(Level::Warn, &text);
            }
        }
    }

    /// What the registrar's 200 says of how to make calls, and of its own word: a
    /// server that takes out what clients assert says so; Cisco's always does.
    pub(super) fn note_account(&mut self, answer: &Message) {
        if answer.status() < 300 {
            let cisco = self.registration.profile() == Some(Profile::Cisco);
            let told = cisco || answer.has_option(Name::Supported, ASSERTS_IDENTITY);
            let trusted = self.config.trust_asserted_identity.unwrap_or(told);
            self.calls.account_mut().trusts_identity = trusted;
        }
        let own = self.registration.contact_user();
        let contacts = answer.contacts().list;
        let mine = contacts.iter().find(|contact| {
            let uri = crate::sip::Uri::parse(contact.uri);
            own.is_some() && uri.and_then(|uri| uri.user) == own.as_deref()
        });
        let Some(mine) = mine.filter(|_| answer.status() < 300) else {
            return;
        };
        let gruu = mine.params.get("pub-gruu").map(unquote);
        let gruu = gruu.filter(|gruu| crate::sip::Uri::parse(gruu).is_some());
        let account = self.calls.account_mut();
        account.gruu = gruu.map(alloc::borrow::Cow::into_owned);
        account.routes = values(answer, Name::ServiceRoute);
    }

    /// Ends every call, and tells the far ends while that is possible.
    pub(super) fn end_calls(&mut self, now: Instant, cause: Cause, reason: &str) {
        self.calls.end_all(now, cause, reason);
        self.perform_calls(now);
    }

    /// The flow is gone: what belongs to calls waits for another one.
    pub(super) fn suspend_calls(&mut self, now: Instant, flow: FlowId) {
        let stays =
            |purpose: &Purpose| matches!(purpose, Purpose::Call(_, job, _) if *job != Job::Invite);
        self.transactions.lose(flow, now + FLOW_GRACE, stays);
    }

    /// Tells the calls which flows there are. Those that lost theirs go on over
    /// the one that the phone is registered on.
    pub(super) fn place_calls(&mut self, now: Instant) {
        let home = self.flows.home();
        let home = home.filter(|_| self.status == Status::Ready);
        self.calls.set_flows(now, self.flows.open(), home);
        let in_call = self.calls.are_any();
        self.flows.set_in_call(now, in_call);
        let Some(home) = home else {
            return;
        };
        while let Some(purpose) = self.transactions.suspended(home) {
            if let Some(flow) = purpose.call().and_then(|call| self.calls.flow(call)) {
                self.transactions.move_to(&purpose, flow);
            }
            self.resend(now, purpose, None);
        }
    }
}
