//! Where a call goes by the rules of who is called: on to somebody else, nowhere, or to
//! the devices that ring; and what follows when none of those takes it.
//!
//! ```text
//!   always ──► on                          busy, no answer, offline ──► on, or the answer
//!   do not disturb ──► 486                       ▲
//!   nobody there: offline ──► on, or 480         │ all devices have failed, or time is up
//!   else ──► rings ──────────────────────────────┘
//! ```

use super::Registrar;
use super::config::VOICEMAIL;
use super::course::{Course, Why, undiverted};
use super::proxy::Passed;
use super::public_ids::target;
use super::register;
use super::relay::{Branch, End, Outcome, RINGING, Relay};
use super::reply::Refusal;
use super::waking::CALL_WAITS;
use crate::account::Target;
use crate::sip::{Message, Uri};
use crate::time::{Duration, Instant};

impl Registrar {
    /// An INVITE outside of dialogs was let in.
    pub(super) fn handle_call(&mut self, from: End, mut invite: Message) {
        if self.config.asserts_identity() {
            invite = undiverted(invite);
        }
        self.record_began(from, &invite);
        match self.place(from, Course::default(), invite.clone()) {
            Ok((invite, passed)) => self.relay(invite, passed),
            Err(refusal) => {
                self.record_refused(&invite, &refusal);
                self.refuse(from.connection, &invite, &refusal);
            }
        }
    }

    /// Where `invite` rings, wherever rules send it before that; and how it goes there.
    fn place(
        &mut self,
        from: End,
        mut course: Course,
        mut invite: Message,
    ) -> Result<(Message, Passed), Refusal> {
        loop {
            let callee = self.ruled(&invite);
            let rules = callee.as_deref().map(|user| self.accounts.rules(user));
            let rules = rules.unwrap_or_default();
            let (why, to) = match (rules.always, rules.do_not_disturb) {
                (Some(to), _) => (Why::Always, to),
                (None, true) => return Err(Refusal::new(486, NOT_DISTURBED)),
                (None, false) => match (self.destinations(from, &invite), rules.offline) {
                    (Err(nobody), Some(to)) if nobody.status == 480 => (Why::Offline, to),
                    (passed, _) => {
                        let passed = passed?;
                        return Ok((invite, Passed { course, ..passed }));
                    }
                },
            };
            let user = callee.unwrap_or_default();
            invite = self.diverted(&mut course, &invite, &user, why, &to)?;
        }
    }

    /// `invite` as the rules of `user` send it on.
    fn diverted(
        &mut self,
        course: &mut Course,
        invite: &Message,
        user: &str,
        why: Why,
        to: &Target,
    ) -> Result<Message, Refusal> {
        let uri = address(invite, to);
        let heir = self.callee(&uri);
        let sent = course.divert(invite, user, why, &uri, heir.as_deref())?;
        self.record_forwarded(invite, user, to, heir);
        Ok(sent)
    }

    /// The user by whose rules a call goes: one that is called by a name of theirs, not
    /// by the address of a device.
    fn ruled(&self, invite: &Message) -> Option<String> {
        let uri = invite.request_uri();
        let is_device = Uri::parse(uri)?.params.has("gr") || !self.of_contact(uri).is_empty();
        self.callee(uri).filter(|_| !is_device)
    }

    /// Does what the rules say of calls that nobody has taken: of that one, whose devices
    /// have all failed. Whether they say anything.
    pub(super) fn divert_failed(&mut self, relay: usize) -> bool {
        let why = self.relays.get(relay).and_then(Relay::why);
        why.is_some_and(|why| self.divert(relay, why))
    }

    /// Sends calls on that have rung long enough.
    pub(super) fn divert_unanswered(&mut self) {
        for relay in 0..self.relays.len() {
            let until = self
                .relays
                .get(relay)
                .and_then(|relay| self.rings_until(relay));
            if until.is_some_and(|until| until <= self.now) {
                self.divert(relay, Why::NoAnswer);
            }
        }
    }

    /// When a call has rung long enough, by the rules as they are now.
    pub(super) fn rings_until(&self, relay: &Relay) -> Option<Instant> {
        let since = relay.rings_since.filter(|_| relay.is_open())?;
        let rule = self
            .accounts
            .rules(&self.ruled(&relay.request)?)
            .no_answer?;
        Some(since + Duration::from_secs(rule.seconds.get().into()))
    }

    /// Sends a call on that rings, or did. Whether there is a rule for it.
    pub(super) fn divert(&mut self, relay: usize, why: Why) -> bool {
        let Some(user) = self.rung(relay) else {
            return false;
        };
        let rules = self.accounts.rules(&user);
        let to = match why {
            Why::Always | Why::Deflection => None,
            Why::Busy => rules.busy,
            Why::NoAnswer => rules.no_answer.map(|rule| rule.to),
            Why::Offline => rules.offline,
        };
        let Some(to) = to else { return false };
        self.send_on(relay, &user, why, &to);
        true
    }

    /// A device that rings has answered with a redirection (RFC 3261 §21.3): the call goes
    /// to its first Contact, as if a rule of the device's user said so. One that no rule
    /// may have is a failure, and so is each one of a user whose devices go their own ways.
    pub(super) fn deflect(&mut self, relay: usize, redirection: &Message) {
        let unites =
            |user: &String| self.config.is_unique(user) && self.config.imitated().is_none();
        let is_open = self.relays.get(relay).is_some_and(Relay::is_open);
        let user = self.rung(relay).filter(unites).filter(|_| is_open);
        let Some((user, to)) = user.zip(self.deflected_to(redirection)) else {
            return;
        };
        self.cancel_open(relay, Some(DEALT_WITH));
        self.send_on(relay, &user, Why::Deflection, &to);
    }

    fn deflected_to(&self, redirection: &Message) -> Option<Target> {
        let contacts = redirection.contacts();
        let uri = contacts.list.first()?.uri;
        let is_mailbox =
            |named: register::Target| named.user == VOICEMAIL && self.config.serves(&named.domain);
        let to = match register::Target::parse(uri).is_some_and(is_mailbox) {
            true => Target::VOICEMAIL,
            false => uri,
        };
        Target::try_from(to.to_owned()).ok()
    }

    /// By whose rules a call rings, or did.
    fn rung(&self, relay: usize) -> Option<String> {
        let rung = self.relays.get(relay).filter(|relay| relay.is_call())?;
        self.ruled(&rung.request)
    }

    /// Sends a call on that rings at devices of `user`, or did.
    fn send_on(&mut self, relay: usize, user: &str, why: Why, to: &Target) {
        let Some(rung) = self.relays.get(relay) else {
            return;
        };
        let (from, invite, mut course) = (rung.from, rung.request.clone(), rung.course.clone());
        self.cancel_open(relay, None);
        self.withdraw_push(relay);
        let sent = self.diverted(&mut course, &invite, user, why, to);
        match sent.and_then(|invite| self.place(from, course, invite)) {
            Ok((invite, passed)) => self.ring_on(relay, invite, passed),
            Err(refusal) => {
                if let Some(relay) = self.relays.get_mut(relay) {
                    relay.end(refusal.status, self.now);
                }
                self.record_refused(&invite, &refusal);
                self.refuse(from.connection, &invite, &refusal);
            }
        }
    }

    /// Tells the caller that the call goes elsewhere (RFC 3261 §21.1.3).
    pub(super) fn say_diverted(&mut self, from: End, invite: &Message) {
        let reason = "Call Is Being Forwarded";
        self.answer(from.connection, invite, 181, reason, &[]);
    }

    /// The call rings elsewhere now.
    fn ring_on(&mut self, relay: usize, invite: Message, passed: Passed) {
        let Passed {
            from,
            hops,
            choice,
            woken,
            course,
            ..
        } = passed;
        self.say_diverted(from, &invite);
        if let Some(woken) = &woken {
            self.wake(woken);
        }
        let branches = hops.into_iter().map(|hop| self.branch(from, &invite, hop));
        let branches: Vec<Branch> = branches.collect();
        let now = self.now;
        if let Some(relay) = self.relays.get_mut(relay) {
            let rings = !branches.is_empty();
            relay.until = now + if rings { RINGING } else { CALL_WAITS };
            relay.rings_since = rings.then_some(now);
            relay.stage = relay.branches.len();
            relay.branches.extend(branches);
            (relay.request, relay.choice, relay.woken) = (invite, choice, woken);
            relay.course = course;
        }
    }
}

/// Says why in a 486 that comes of a rule.
pub(super) const NOT_DISTURBED: &str = "Do Not Disturb";

/// Why those ring no more whose user has sent the call elsewhere at another device: they
/// have missed nothing, which of all causes phones take 200 to say (RFC 3326).
const DEALT_WITH: &str = "SIP;cause=200;text=\"Deflected at another device\"";

/// The address that a rule means, in the domain where it is called.
fn address(invite: &Message, to: &Target) -> String {
    let own = target(invite);
    let domain = Uri::parse(&own).map_or("", |uri| uri.host);
    let number = match to.split_once(':') {
        Some(("tel", number)) => number.split(';').next().unwrap_or_default(),
        Some(_) => return to.to_string(),
        None => to,
    };
    let number = number.replace(['-', '.', '(', ')'], "");
    format!("sip:{}@{domain}", number.replace('#', "%23"))
}

impl Relay {
    /// Why the devices that rang have failed, where rules are for that.
    fn why(&self) -> Option<Why> {
        let failed = |is_so: fn(&Branch) -> bool| self.ringing().iter().any(is_so);
        if self.over || !self.is_call() || failed(|branch| branch.is_refused()) {
            return None;
        }
        Some(match () {
            () if failed(Branch::is_unanswered) => Why::NoAnswer,
            () if failed(Branch::is_busy) => Why::Busy,
            () => Why::Offline,
        })
    }
}

impl Branch {
    fn status(&self) -> Option<u16> {
        match self.outcome {
            Some(Outcome::Failed { status, .. }) => Some(status),
            _ => None,
        }
    }

    /// Who is there is in another call.
    fn is_busy(&self) -> bool {
        matches!(self.status(), Some(486 | 600))
    }

    /// It rang, and nobody came.
    fn is_unanswered(&self) -> bool {
        self.rang && matches!(self.status(), Some(408 | 480))
    }

    /// Who is there does not want the call, or cannot take it: no rule is for that.
    fn is_refused(&self) -> bool {
        let lost = |status| matches!(status, 408 | 430 | 480 | 486 | 487 | 500..=600);
        self.status().is_some_and(|status| !lost(status))
    }
}
