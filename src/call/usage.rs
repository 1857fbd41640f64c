//! The calls as a usage of the phone: see [`Usage`].

use super::{Action, Answer, Calls, Cause, Event, Job, Key, Line, refusal};
use crate::fault::{Fault, Situation};
use crate::flow::{FlowId, Flows};
use crate::prelude::*;
use crate::queue::take_first;
use crate::rand::Random;
use crate::sip::{Message, Name};
use crate::time::{Instant, earliest};
use crate::usage::{Account, Arrival, Usage};

// What is never part of its caller may be in a module of its own (scripts/lib/split.mjs).
impl Usage for Calls {
    type Job = Job;
    type Event = Event;
    const INVITES: bool = true;

    fn new(account: &Account, random: Random) -> Self {
        Self {
            list: Vec::new(),
            line: Line {
                now: Instant::default(),
                flows: Flows::default(),
                account: account.clone(),
                random,
                actions: Vec::new(),
                last_incoming: 0,
                last_number: 0,
                seen: Vec::new(),
                hands_over: false,
            },
            #[cfg(feature = "third-party")]
            most: super::MAX_CALLS,
            #[cfg(feature = "third-party")]
            made: Default::default(),
        }
    }

    #[inline(never)]
    fn poll_action(&mut self) -> Option<Action> {
        if self.line.actions.is_empty() {
            self.tell_dialogs();
        }
        take_first(&mut self.line.actions)
    }

    #[inline(never)]
    fn handle_answer(&mut self, now: Instant, key: Key, answer: &Message) {
        self.line.now = now;
        let Self { list, line, .. } = self;
        let Key { of, job, number } = key;
        let ok = (200..300).contains(&answer.status());
        if let Some(call) = list.iter_mut().find(|call| call.id == of) {
            match job {
                Job::Invite => call.invite_answered(line, number, answer),
                Job::Reinvite | Job::Refresh => call.reinvite_answered(line, number, answer),
                _ if answer.status() < 200 => {}
                Job::Update => call.update_answered(line, answer),
                Job::Prack if !ok => call.prack_refused(line, answer),
                Job::Refer => call.refer_answered(line, number, answer),
                Job::Candidates => call.trickled(line),
                Job::Prack | Job::Bye | Job::Notify => {}
                Job::Info | Job::Message | Job::Document => {}
            }
        }
        if matches!(job, Job::Info | Job::Message) && answer.status() >= 200 {
            match ok {
                true => line.event(Event::Done {
                    op: number,
                    error: None,
                    etag: answer.header(Name::SipEtag).map(str::to_owned),
                    expires: answer.expires(),
                }),
                false => line.refused(number, refusal(answer)),
            }
        } else if job == Job::Document && answer.status() >= 200 {
            self.session_answered(of, number, Answer::of(answer));
        }
    }

    #[inline(never)]
    fn unanswered(&mut self, now: Instant, key: Key, dropped: Option<&'static str>) {
        self.line.now = now;
        let fault = Fault {
            dropped,
            ..Fault::new(Situation::Unanswered)
        };
        if matches!(key.job, Job::Info | Job::Message) {
            return self.line.refused(key.number, fault);
        }
        if key.job == Job::Document {
            return self.session_answered(key.of, key.number, Answer::default());
        }
        let Self { list, line, .. } = self;
        let mut calls = list.iter_mut();
        let Some(call) = calls.find(|call| call.id == key.of && !call.is_over()) else {
            return;
        };
        let status = Some(408);
        match key.job {
            Job::Refer => call.transfer_failed(line, fault),
            Job::Candidates => call.trickled(line),
            Job::Invite => call.end(line, Cause::Failed, Some(Fault { status, ..fault })),
            // RFC 5057 §5.2: as good as a 408; the dialog is of no use.
            Job::Reinvite | Job::Refresh | Job::Update | Job::Prack => {
                call.leave(line, 408, None);
                call.end(line, Cause::Failed, Some(Fault { status, ..fault }));
            }
            _ => {}
        }
    }

    /// Calls come by every flow that is bound (RFC 5626 §5.3), and a phone that was
    /// ousted a moment ago takes none.
    #[inline(never)]
    fn handle_request(&mut self, now: Instant, request: &Message, at: Arrival) -> bool {
        self.line.now = now;
        self.line.flows.arrival = at.flow;
        match request.method() {
            "CANCEL" => self.handle_cancel(request),
            _ if request.to_tag().is_some() => return self.handle_inside(request),
            "MESSAGE" if at.home || at.bound => self.handle_message(request),
            "INVITE" if at.bound => self.handle_invite(request),
            _ => return false,
        }
        true
    }

    #[inline(never)]
    fn flows_changed(&mut self, now: Instant, open: &[FlowId], home: Option<FlowId>) {
        self.line.now = now;
        self.set_flows(open, home);
    }

    #[inline(never)]
    fn account_changed(&mut self, account: &Account) {
        self.line.account = account.clone();
    }

    /// MESSAGE is of no call.
    #[inline(never)]
    fn flow(&self, of: u32) -> Option<FlowId> {
        let call = self.list.iter().find(|call| call.id == of);
        call.map_or(self.line.flows.home, |call| call.flow)
    }

    #[inline(never)]
    fn handle_timeout(&mut self, now: Instant) {
        self.line.now = now;
        let Self { list, line, .. } = self;
        for call in list.iter_mut() {
            call.handle_timeout(line);
        }
        line.seen.retain(|(until, _)| *until > now);
    }

    #[inline(never)]
    fn poll_timeout(&self) -> Option<Instant> {
        let mut due = None;
        for call in &self.list {
            due = earliest(&[due, call.poll_timeout()]);
        }
        due
    }

    #[inline(never)]
    fn end_all(&mut self, now: Instant, cause: Cause, at: Situation) {
        self.line.now = now;
        for call in &mut self.list {
            if !call.is_over() {
                call.leave(&mut self.line, 480, None);
                call.end_as(&mut self.line, cause, at, None);
            }
        }
    }

    fn tidy(&mut self, pending: impl Fn(u32) -> bool) {
        self.list.retain(|call| {
            let left = call.unacknowledged.is_some() || pending(call.id);
            !call.is_over() || left
        });
    }

    /// What has a meaning outside of dialogs, too, is not challenged: its Request-URI is
    /// the Contact that the far end chose, and with a digest over that anybody could
    /// call, or notify, whom it names.
    #[inline(never)]
    fn answers_challenge(&self, key: Key) -> bool {
        let over = |call: &super::Call| call.id == key.of && call.is_over();
        match key.job {
            Job::Reinvite | Job::Refresh | Job::Refer | Job::Notify => false,
            Job::Invite => !self.list.iter().any(over),
            _ => true,
        }
    }

    fn outlives_flow(job: Job) -> bool {
        !matches!(job, Job::Invite | Job::Refresh | Job::Document)
    }
}
