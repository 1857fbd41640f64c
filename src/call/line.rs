//! What the calls of a phone share, and what they say to their owner by it.

use super::{Action, Event, Job, Key};
use crate::dialog::Dialog;
use crate::fault::{Fault, Situation};
use crate::flow::{FlowId, Flows};
use crate::prelude::*;
use crate::rand::Random;
use crate::time::Instant;
use crate::transaction::Request;
use crate::usage::{Account, Reply};

/// What all calls share: the account, randomness, and what is to be done.
pub(super) struct Line {
    pub now: Instant,
    pub flows: Flows,
    pub account: Account,
    pub random: Random,
    pub actions: Vec<Action>,
    pub last_incoming: u32,
    pub last_number: u32,
    /// INVITEs of the last seconds, to see when one comes by two ways.
    pub seen: Vec<(Instant, String)>,
    /// The app keeps what another host needs.
    pub hands_over: bool,
}

impl Line {
    pub fn event(&mut self, event: Event) {
        self.actions.push(Action::Event(event));
    }

    pub fn reply(&mut self, reply: Reply) {
        self.actions.push(Action::Reply(reply));
    }

    /// A number that no request or media event had before.
    pub fn number(&mut self) -> u32 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }

    pub fn send(&mut self, call: u32, job: Job, request: Request) -> u32 {
        let number = self.number();
        self.send_numbered(call, job, number, request);
        number
    }

    pub fn send_numbered(&mut self, of: u32, job: Job, number: u32, request: Request) {
        self.actions
            .push(Action::Send(Key { of, job, number }, request));
    }

    pub fn acknowledge(&mut self, of: u32, job: Job, number: u32, ack: Request, cseq: u32) {
        self.actions
            .push(Action::Ack(Key { of, job, number }, ack, cseq));
    }

    /// The INVITE that makes this call.
    pub fn cancel(&mut self, of: u32) {
        self.actions.push(Action::Cancel(Key {
            of,
            job: Job::Invite,
            number: 0,
        }));
    }

    pub fn done(&mut self, op: u32) {
        self.settled(op, None);
    }

    pub fn fail(&mut self, op: u32, at: Situation) {
        self.refused(op, Fault::new(at));
    }

    pub fn refused(&mut self, op: u32, fault: Fault) {
        self.settled(op, Some(fault));
    }

    fn settled(&mut self, op: u32, error: Option<Fault>) {
        self.event(Event::Done {
            op,
            error,
            etag: None,
            expires: None,
        });
    }

    /// The Contact of a dialog on `flow`. A GRUU tells the login: it is for those who know
    /// us by that, in whichever domain.
    pub fn contact(&mut self, flow: FlowId, dialog: &Dialog) -> String {
        let Account { aor, domain, .. } = &self.account;
        let login = aor.strip_suffix(&**domain).unwrap_or(aor);
        let home = dialog.own_uri().starts_with(login) && self.flows.home == Some(flow);
        self.account.contact(home, &mut self.random)
    }
}
