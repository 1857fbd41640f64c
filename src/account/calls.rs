//! The calls of all users: those under way, and those that are listed.

use super::device::DeviceId;
use super::history::{Asked, CallRecord, MAX_CALLS};
use super::records::{Begun, CallKey, Outcome, Party, Record};
use super::refusal::Refusal;
use super::{Accounts, Kind, Output};
use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Calls are listed for so long.
const LISTED: Duration = Duration::from_secs(90 * 24 * 3600);

/// When a call began, and its id.
type Entry = (Instant, String);

/// Records by id, and who reads which.
#[derive(Default)]
pub(super) struct Calls {
    records: BTreeMap<String, Record>,
    lists: BTreeMap<String, BTreeSet<Entry>>,
}

impl Calls {
    /// Lists `record` for `user`.
    fn list(&mut self, now: Instant, user: &str, start: Instant, id: &str) {
        let list = self.lists.entry(user.to_owned()).or_default();
        list.insert((start, id.to_owned()));
        let is_old = |(start, _): &Entry| now - *start > LISTED;
        let mut gone = Vec::new();
        while list.len() > MAX_CALLS || list.first().is_some_and(is_old) {
            gone.extend(list.pop_first());
        }
        for (_, id) in gone {
            self.drop_unread(&id);
        }
    }

    fn drop_unread(&mut self, id: &str) {
        let lists = &self.lists;
        let reads = |user: &str| {
            let list = lists.get(user).into_iter().flatten();
            list.rev().any(|(_, read)| read == id)
        };
        let record = self.records.get(id);
        if record.is_some_and(|record| record.is_over() && !record.readers().any(reads)) {
            self.records.remove(id);
        }
    }

    pub fn page(
        &self,
        now: Instant,
        user: &str,
        asked: &Asked,
    ) -> Result<Vec<CallRecord>, Refusal> {
        let none = BTreeSet::new();
        let list = self.lists.get(user).unwrap_or(&none);
        let end = match &asked.before {
            None => Bound::Unbounded,
            Some(before) => {
                let entry = list.iter().find(|(_, id)| id == before);
                Bound::Excluded(entry.ok_or(Refusal::Unknown)?)
            }
        };
        let asked_for = list.range((Bound::Unbounded, end)).rev();
        let recent = asked_for.filter(|(start, _)| now - *start <= LISTED);
        let seen = recent.filter_map(|(_, id)| self.records.get(id)?.seen_by(user));
        Ok(seen.take(asked.limit.0).collect())
    }

    pub fn one(&self, user: &str, id: &str) -> Result<CallRecord, Refusal> {
        let seen = self.records.get(id).and_then(|record| record.seen_by(user));
        seen.ok_or(Refusal::Unknown)
    }

    pub fn retain(&mut self, is_user: impl Fn(&str) -> bool) {
        self.lists.retain(|user, _| is_user(user));
        let ids: Vec<String> = self.records.keys().cloned().collect();
        for id in ids {
            self.drop_unread(&id);
        }
    }
}

/// What is told of a call while it goes on.
impl Accounts {
    /// An INVITE was let in.
    pub fn call_began(&mut self, now: Instant, begun: Begun) {
        let mut records = self.calls.records.values_mut();
        match records.find(|record| record.goes_on_by(now, &begun)) {
            Some(record) => record.go_on(begun),
            None => {
                let record = Record::new(now, begun);
                self.calls.records.insert(record.id.clone(), record);
            }
        }
    }

    /// A device of `user` rings by this INVITE.
    pub fn call_rings(&mut self, now: Instant, key: &CallKey, user: &str, device: &DeviceId) {
        self.with_invite(now, key, |record| record.rings_at(user, device));
    }

    /// The rules of `user` send it elsewhere, to `heir` if that is a user.
    pub fn call_forwarded(
        &mut self,
        now: Instant,
        key: &CallKey,
        user: &str,
        to: &str,
        heir: Option<String>,
    ) {
        self.with_invite(now, key, |record| {
            record.forwarded(now, user, to);
            record.is_for(heir);
        });
    }

    /// Who has the tag `tag` has answered, a device of a user if `by` says so.
    pub fn call_answered(&mut self, now: Instant, key: &CallKey, tag: &str, by: Option<Party>) {
        self.with_invite(now, key, |record| record.answered(now, key, tag, by));
    }

    /// An INVITE came to nothing.
    pub fn call_failed(&mut self, now: Instant, key: &CallKey, outcome: Outcome) {
        self.with_invite(now, key, |record| record.failed(now, key, outcome));
    }

    /// The dialog with `tag` is over.
    pub fn call_hung_up(&mut self, now: Instant, key: &CallKey, tag: &str) {
        let of_dialog = |record: &Record| record.has_dialog(key, tag);
        self.with_record(now, of_dialog, |record| record.hung_up(now, key, tag));
    }

    /// What was heard of calls so far is all, unless it is heard soon that they go on.
    pub fn doubt_calls(&mut self, now: Instant) {
        for record in self.calls.records.values_mut() {
            record.doubt(now);
        }
    }

    /// When [`Accounts::sweep_calls`] has something to do.
    pub fn calls_until(&self) -> Option<Instant> {
        let records = self.calls.records.values();
        let open = records.filter(|record| !record.is_over());
        open.map(|record| record.until).min()
    }

    /// Ends the records of calls whose end nobody told.
    pub fn sweep_calls(&mut self, now: Instant) {
        while self.calls_until().is_some_and(|until| until <= now) {
            let is_due = |record: &Record| !record.is_over() && record.until <= now;
            self.with_record(now, is_due, |record| record.give_up(now));
        }
    }

    fn with_invite(&mut self, now: Instant, key: &CallKey, deed: impl FnOnce(&mut Record)) {
        self.with_record(now, |record| record.has_invite(key), deed);
    }

    fn with_record(
        &mut self,
        now: Instant,
        is_it: impl Fn(&Record) -> bool,
        deed: impl FnOnce(&mut Record),
    ) {
        let mut records = self.calls.records.values_mut();
        let Some(record) = records.find(|record| is_it(record)) else {
            return;
        };
        deed(record);
        let (id, start, news) = (record.id.clone(), record.start, record.take_news());
        for user in news {
            self.calls.list(now, &user, start, &id);
            self.outputs.push_back(Output::Changed {
                user,
                kind: Kind::History,
                id: Some(id.clone()),
            });
        }
        // Of a call among strangers nothing is kept.
        self.calls.drop_unread(&id);
    }
}
