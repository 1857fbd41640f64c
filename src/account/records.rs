//! One record a call: for who calls, and for each user that it was for.
//!
//! A call is known by its INVITE: Call-ID and the caller's tag. It has a record from the
//! INVITE on, and is over when neither the INVITE nor a dialog of it is left: several may
//! answer, and another device may take the call over by an INVITE of its own (RFC 3891).
//! Each user has a *part* in it, which is listed when it is over: of who forwards, before
//! the call is.

use super::DeviceId;
use super::history::{Address, CallRecord, CallResult, Direction};
use super::target::Target;
use crate::rand::hex;
use crate::time::{Duration, Instant};
use sha2::{Digest, Sha256};

/// No call takes longer than this: one whose end nobody told is over then.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// So long its parties may come back whose server was away.
const GRACE: Duration = Duration::from_secs(12);

/// Who is refused because of how it asked asks again at once, under the same Call-ID.
const AGAIN: Duration = Duration::from_secs(32);

/// A call as its INVITE names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallKey {
    /// Call-ID.
    pub call_id: String,
    /// The caller's tag.
    pub tag: String,
}

/// Who has a part in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The user.
    pub user: String,
    /// The device, if it is known as one.
    pub device: Option<DeviceId>,
}

/// A call that begins.
#[derive(Clone, Debug)]
pub struct Begun {
    /// How it is known.
    pub key: CallKey,
    /// Who calls, if a user.
    pub caller: Option<Party>,
    /// Who calls, as others see it.
    pub from: Address,
    /// What was dialled.
    pub to: Address,
    /// Whom it is for, if a user.
    pub callee: Option<String>,
    /// The dialog that it takes over (RFC 3891): Call-ID, and the tags of its two sides.
    pub replaces: Option<(String, [String; 2])>,
}

/// How an INVITE ends that nobody takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Who was called is in another call.
    Busy,
    /// Who was called does not want it.
    Declined,
    /// Who was called wants none at all.
    NotDisturbed,
    /// The caller gave up.
    Cancelled,
    /// The caller is to ask elsewhere.
    Redirected(String),
    /// The caller is to ask otherwise.
    AskedOtherwise,
    /// Nobody is there, or nobody answers, or something is wrong.
    Failed,
}

impl Outcome {
    /// What a final answer says that is no success.
    pub fn of(status: u16) -> Self {
        match status {
            401 | 407 | 415 | 420..=422 => Outcome::AskedOtherwise,
            486 | 600 => Outcome::Busy,
            487 => Outcome::Cancelled,
            603 | 607 => Outcome::Declined,
            _ => Outcome::Failed,
        }
    }

    /// Whether its INVITE may go on by another one.
    fn goes_on(&self) -> bool {
        matches!(self, Outcome::Redirected(_) | Outcome::AskedOtherwise)
    }
}

/// An INVITE, or a dialog that it has made.
struct Use {
    key: CallKey,
    /// Of who answered; of an INVITE none.
    tag: Option<String>,
    /// The device that takes the call over by it.
    taker: Option<Party>,
}

/// The part of who is called.
struct Leg {
    user: String,
    rang: Vec<DeviceId>,
    answered: Option<Instant>,
    answered_by: Option<DeviceId>,
    forwarded: Option<String>,
    /// When it was over before the call was, if it was.
    end: Option<Instant>,
}

/// A call.
pub(super) struct Record {
    pub id: String,
    pub start: Instant,
    /// When it is over, whatever is heard of it.
    pub until: Instant,
    key: CallKey,
    caller: Option<Party>,
    from: Address,
    to: Address,
    legs: Vec<Leg>,
    open: Vec<Use>,
    answered: Option<Instant>,
    outcome: Outcome,
    end: Option<Instant>,
    /// Users who were told that their part is over.
    told: Vec<String>,
}

impl Record {
    pub fn new(now: Instant, begun: Begun) -> Self {
        let name = format!("{}\n{}\n{}", begun.key.call_id, begun.key.tag, now.millis());
        let digest = Sha256::digest(name);
        let mut record = Self {
            id: hex(digest.get(..16).unwrap_or_default()),
            start: now,
            until: now + LONGEST,
            key: begun.key.clone(),
            caller: begun.caller,
            from: begun.from,
            to: begun.to,
            legs: Vec::new(),
            open: Vec::new(),
            answered: None,
            outcome: Outcome::Failed,
            end: None,
            told: Vec::new(),
        };
        record.open_invite(begun.key, None);
        record.is_for(begun.callee);
        record
    }

    /// Whether `begun` goes on with this call: by another INVITE of its caller, or by one
    /// of a device of somebody who has part in it.
    pub fn goes_on_by(&self, now: Instant, begun: &Begun) -> bool {
        if self.key == begun.key {
            let asked_to = self.outcome.goes_on() && self.end.is_some_and(|end| now - end < AGAIN);
            return self.has_invite(&begun.key) || asked_to;
        }
        let has_part = |party: &Party| self.readers().any(|reader| reader == party.user);
        let replaced = |call_id: &str, tags: &[String; 2]| {
            self.open.iter().any(|one| {
                let callee = one.tag.as_ref();
                one.key.call_id == call_id
                    && tags.contains(&one.key.tag)
                    && callee.is_none_or(|tag| tags.contains(tag))
            })
        };
        let dialog = begun.replaces.as_ref();
        begun.caller.as_ref().is_some_and(has_part)
            && dialog.is_some_and(|(call_id, tags)| replaced(call_id, tags))
    }

    /// It does.
    pub fn go_on(&mut self, begun: Begun) {
        self.end = None;
        if self.key != begun.key {
            return self.open_invite(begun.key, begun.caller);
        }
        if !self.has_invite(&begun.key) {
            self.open_invite(begun.key, None);
        }
        self.is_for(begun.callee);
        let told = std::mem::take(&mut self.told).into_iter();
        self.told = told.filter(|user| self.ended(user).is_some()).collect();
    }

    /// The call is for this user now.
    pub fn is_for(&mut self, user: Option<String>) {
        let Some(user) = user else { return };
        match self.leg(&user) {
            Some(leg) => leg.end = None,
            None => self.legs.push(Leg {
                user,
                rang: Vec::new(),
                answered: None,
                answered_by: None,
                forwarded: None,
                end: None,
            }),
        }
    }

    /// A device of `user` rings.
    pub fn rings_at(&mut self, user: &str, device: &DeviceId) {
        if let Some(leg) = self.leg(user)
            && !leg.rang.contains(device)
        {
            leg.rang.push(device.clone());
        }
    }

    /// The rules of `user` send the call elsewhere. Whether the mailbox takes it is seen
    /// when it answers.
    pub fn forwarded(&mut self, now: Instant, user: &str, to: &str) {
        if let Some(leg) = self.leg(user) {
            leg.forwarded = Some(to.to_owned());
            leg.end = (to != Target::VOICEMAIL).then_some(now);
        }
    }

    /// Somebody has answered an INVITE: at a device of a user, or elsewhere.
    pub fn answered(&mut self, now: Instant, key: &CallKey, tag: &str, by: Option<Party>) {
        let invite = self.open.iter().position(|one| one.is_invite(key));
        let invite = invite.map(|at| self.open.remove(at));
        let taker = invite.and_then(|invite| invite.taker);
        self.open.push(Use {
            key: key.clone(),
            tag: Some(tag.to_owned()),
            taker: None,
        });
        if self.answered.is_some() {
            return;
        }
        self.answered = Some(now);
        for party in [by, taker].into_iter().flatten() {
            if let Some(leg) = self.leg(&party.user) {
                leg.answered = Some(now);
                leg.answered_by = party.device;
            }
        }
        for leg in &mut self.legs {
            let in_mailbox = leg.forwarded.as_deref() == Some(Target::VOICEMAIL);
            if in_mailbox && leg.answered.is_none() {
                leg.end = Some(now);
            }
        }
    }

    /// An INVITE came to nothing.
    pub fn failed(&mut self, now: Instant, key: &CallKey, outcome: Outcome) {
        if let Outcome::Redirected(to) = &outcome {
            let leg = self.legs.last_mut().filter(|leg| leg.end.is_none());
            if let Some(leg) = leg {
                leg.forwarded = Some(to.clone());
                leg.end = Some(now);
            }
        }
        let own = *key == self.key;
        self.close(now, |one| one.is_invite(key));
        if own {
            self.outcome = outcome;
        }
    }

    /// A dialog is over.
    pub fn hung_up(&mut self, now: Instant, key: &CallKey, tag: &str) {
        self.close(now, |one| one.is_dialog(key, tag));
    }

    /// Its server was away: it is over if nobody comes back to it.
    pub fn doubt(&mut self, now: Instant) {
        self.until = self.until.min(now + GRACE);
    }

    /// It is over, whatever is heard of it.
    pub fn give_up(&mut self, now: Instant) {
        self.close(now, |_| true);
    }

    /// Whether this INVITE of it is under way.
    pub fn has_invite(&self, key: &CallKey) -> bool {
        self.open.iter().any(|one| one.is_invite(key))
    }

    /// Whether it has this dialog.
    pub fn has_dialog(&self, key: &CallKey, tag: &str) -> bool {
        self.open.iter().any(|one| one.is_dialog(key, tag))
    }

    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Those whose part is over, and who were not told so yet.
    pub fn take_news(&mut self) -> Vec<String> {
        let is_news = |user: &&str| self.ended(user).is_some() && !self.is_told(user);
        let news: Vec<String> = self.readers().filter(is_news).map(str::to_owned).collect();
        self.told.extend(news.iter().cloned());
        news
    }

    /// Users who have part in it, each once.
    pub fn readers(&self) -> impl Iterator<Item = &str> {
        let caller = self.caller.iter().map(|party| party.user.as_str());
        let called = self.legs.iter().map(|leg| leg.user.as_str());
        caller.chain(called.filter(|user| !self.is_caller(user)))
    }

    /// As `user` sees it, whose part in it is over.
    pub fn seen_by(&self, user: &str) -> Option<CallRecord> {
        let end = self.ended(user)?;
        let leg = self.legs.iter().find(|leg| leg.user == user);
        let calls = self.is_caller(user);
        let answered = match calls {
            true => self.answered,
            false => leg?.answered,
        };
        let device = self.caller.as_ref().and_then(|party| party.device.clone());
        Some(CallRecord {
            id: self.id.clone(),
            direction: match calls {
                true => Direction::Outgoing,
                false => Direction::Incoming,
            },
            from: self.from.clone(),
            to: self.to.clone(),
            start: self.start.millis(),
            answered: answered.map(Instant::millis),
            end: end.millis(),
            result: match leg {
                Some(leg) if !calls => self.result_of(leg),
                _ => self.result(),
            },
            rang: leg.map(|leg| leg.rang.clone()).unwrap_or_default(),
            answered_by: leg.and_then(|leg| leg.answered_by.clone()),
            device: device.filter(|_| calls),
            forwarded_to: leg.and_then(|leg| leg.forwarded.clone()),
        })
    }

    /// What became of it for the caller.
    fn result(&self) -> CallResult {
        match self.outcome {
            _ if self.answered.is_some() => CallResult::Answered,
            Outcome::Busy | Outcome::NotDisturbed => CallResult::Busy,
            Outcome::Declined => CallResult::Declined,
            Outcome::Cancelled => CallResult::Cancelled,
            _ => CallResult::Failed,
        }
    }

    /// What became of it for who was called.
    fn result_of(&self, leg: &Leg) -> CallResult {
        match (&leg.forwarded, &self.outcome) {
            _ if leg.answered.is_some() => CallResult::Answered,
            (Some(to), _) if to != Target::VOICEMAIL => CallResult::Forwarded,
            (Some(_), _) if leg.end.is_some() => CallResult::Voicemail,
            (None, Outcome::Busy) if self.answered.is_none() => CallResult::Busy,
            (None, Outcome::Declined) if self.answered.is_none() => CallResult::Declined,
            _ => CallResult::Missed,
        }
    }

    fn open_invite(&mut self, key: CallKey, taker: Option<Party>) {
        let tag = None;
        self.open.push(Use { key, tag, taker });
    }

    fn close(&mut self, now: Instant, is_closed: impl Fn(&Use) -> bool) {
        self.open.retain(|one| !is_closed(one));
        if self.open.is_empty() && self.end.is_none() {
            self.end = Some(now);
        }
    }

    /// When the part of `user` was over, if it is.
    fn ended(&self, user: &str) -> Option<Instant> {
        let leg = self.legs.iter().find(|leg| leg.user == user);
        let leg = leg.filter(|_| !self.is_caller(user));
        leg.and_then(|leg| leg.end).or(self.end)
    }

    fn is_told(&self, user: &str) -> bool {
        self.told.iter().any(|told| told == user)
    }

    fn is_caller(&self, user: &str) -> bool {
        let caller = self.caller.as_ref();
        caller.is_some_and(|caller| caller.user == user)
    }

    fn leg(&mut self, user: &str) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.user == user)
    }
}

impl Use {
    fn is_invite(&self, key: &CallKey) -> bool {
        self.key == *key && self.tag.is_none()
    }

    fn is_dialog(&self, key: &CallKey, tag: &str) -> bool {
        self.key == *key && self.tag.as_deref() == Some(tag)
    }
}
