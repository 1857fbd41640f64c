//! Transfers and conferences: calls change their names, two become one, and the
//! app's calls go on under their own numbers.

use super::Client;
use super::call::EndCause;
use super::pending::Job;
use super::verbs::Wanted;
use crate::csta::{CallEvent, ConnectionId, ConnectionList, ConnectionState as State, Party};
use crate::prelude::*;

impl Client {
    /// The calls that an event names, the first first.
    fn old_calls(&self, event: &CallEvent) -> Vec<u32> {
        let named = [&event.connection, &event.secondary];
        let named = named.into_iter().flatten();
        named.filter_map(|named| self.named(&named.call)).collect()
    }

    /// The far ends of two calls were joined, or somebody sent our far end
    /// elsewhere.
    pub(super) fn transferred(&mut self, event: CallEvent) {
        let by_own = self.says_own(event.by.as_ref());
        let new = self.new_connection(event.connections.as_ref());
        let mut calls = self.old_calls(&event).into_iter();
        let left = if by_own {
            State::Null
        } else {
            State::Connected
        };
        if event.local.unwrap_or(left) == State::Null {
            if calls.len() == 0 {
                return self.defer(event);
            }
            for id in calls {
                let leaving = self.call(id).and_then(|call| call.leaving);
                let cause = if by_own || leaving.is_some() {
                    EndCause::Local
                } else {
                    EndCause::Remote
                };
                self.end(id, cause, leaving.unwrap_or("transferred"));
            }
            return;
        }
        let known = calls.next();
        let renamed = new.as_ref().and_then(|new| self.named(&new.call));
        let id = match (known, renamed) {
            // A snapshot has told of it under its new name already.
            (Some(known), Some(renamed)) if known != renamed => self.one_of_both(known, renamed),
            _ => known.or(renamed),
        };
        let Some(id) = id else {
            return self.defer(event);
        };
        let far = self.far_party(event.connections.as_ref(), event.to.as_ref());
        for other in calls {
            self.end(other, EndCause::Local, "transferred");
        }
        if let Some(call) = self.call_mut(id) {
            call.seen = true;
            call.cause.clone_from(&event.cause);
            call.local = event.local.or(call.local);
            if let Some(far) = far {
                call.remote = far;
                call.note.name = None;
            }
            call.notes(event.note.as_deref());
            call.parties.clear();
            call.moved = true;
        }
        self.rename(id, new);
    }

    /// Of two that are the same call, the one that the app knows goes on.
    fn one_of_both(&mut self, one: u32, other: u32) -> Option<u32> {
        let is_told = |id| self.call(id).is_some_and(|call| call.told.is_some());
        let (id, double) = if is_told(one) {
            (one, other)
        } else {
            (other, one)
        };
        let at = self.calls.iter().position(|call| call.id == double)?;
        let double = self.calls.remove(at);
        if double.told.is_some() {
            self.outputs
                .push(double.ended(EndCause::Local, "told twice"));
        }
        Some(id)
    }

    /// Two calls are one.
    pub(super) fn conferenced(&mut self, event: CallEvent) {
        let new = self.new_connection(event.connections.as_ref());
        let mut calls = self.old_calls(&event);
        calls.extend(new.as_ref().and_then(|new| self.named(&new.call)));
        let mut pending = self.pending.iter();
        // Of other calls it is what a hand did meanwhile, not what the app asked for.
        let wanted = pending.find_map(|pending| match pending.job {
            Job::Command(_, Wanted::Conferenced { keep, joins })
                if calls.contains(&keep)
                    && calls.iter().all(|call| [keep, joins].contains(call)) =>
            {
                Some((keep, joins))
            }
            _ => None,
        });
        let first = calls.first().copied();
        let Some(keep) = wanted.map(|(keep, _)| keep).or(first) else {
            return self.defer(event);
        };
        let mut others = calls.into_iter();
        let joins = wanted.map(|(_, joins)| joins);
        let joins = joins.filter(|joins| self.call(*joins).is_some());
        let joins = joins.or_else(|| others.find(|other| *other != keep));
        self.join(keep, joins, new, event.connections.as_ref());
        let added = event.to.clone();
        if let Some(call) = self.call_mut(keep) {
            call.cause.clone_from(&event.cause);
            call.local = event.local.or(Some(State::Connected));
            call.joined(added.as_ref());
        }
    }

    /// One call goes on for both. Where the answer says so after the event did, it
    /// changes nothing.
    pub(super) fn join(
        &mut self,
        keep: u32,
        joins: Option<u32>,
        new: Option<ConnectionId>,
        connections: Option<&ConnectionList>,
    ) {
        let listed: Vec<Party> = connections
            .iter()
            .flat_map(|list| &list.items)
            .filter_map(|item| item.endpoint.clone())
            .filter(|endpoint| endpoint.device().is_some() && !self.says_own(Some(endpoint)))
            .collect();
        let joining = joins.and_then(|joins| self.call(joins));
        let joining = joining.map(|call| call.remote.clone());
        if let Some(joins) = joins {
            if joining.is_none() {
                return;
            }
            self.end(joins, EndCause::Local, "joined the conference");
        }
        let Some(call) = self.call_mut(keep) else {
            return;
        };
        call.seen = true;
        call.local = Some(State::Connected);
        call.established = true;
        call.moved = true;
        if call.parties.is_empty() {
            call.parties.push(call.remote.clone());
        }
        if !listed.is_empty() {
            call.parties = listed;
        } else if let Some(joining) = joining {
            call.parties.push(joining);
        }
        self.rename(keep, new);
    }

    /// The switch calls it otherwise from now on. A snapshot that is being taken
    /// may still have the old name.
    fn rename(&mut self, id: u32, new: Option<ConnectionId>) {
        let Some(call) = self.call_mut(id) else {
            return;
        };
        let Some(new) = new.or(call.connection.clone()) else {
            return;
        };
        let old = call.connection.replace(new.clone());
        if let (Some(taking), Some(old)) = (&mut self.taking, old)
            && old.call != new.call
        {
            taking.is_gone(&old.call);
        }
    }

    /// Our connection from now on, if the list tells it.
    pub(super) fn new_connection(&self, list: Option<&ConnectionList>) -> Option<ConnectionId> {
        let items = || list.iter().flat_map(|list| &list.items);
        let is_named = |item: &&crate::csta::ConnectionListItem| {
            let new = item.new.as_ref();
            new.is_some_and(|new| !new.call.is_empty())
        };
        let ours = items().filter(is_named).find(|item| {
            let device = item.new.as_ref().map_or("", |new| &new.device);
            self.is_own(device) || self.says_own(item.endpoint.as_ref())
        });
        if let Some(ours) = ours {
            return ours.new.clone();
        }
        let any = items().find(is_named)?.new.as_ref()?;
        Some(ConnectionId::new(&any.call, &self.line))
    }

    fn far_party(&self, list: Option<&ConnectionList>, to: Option<&Party>) -> Option<Party> {
        let is_told = |party: &&Party| party.device().is_some();
        let to = to.filter(is_told).filter(|to| !self.says_own(Some(to)));
        if to.is_some() {
            return to.cloned();
        }
        let mut endpoints = list
            .iter()
            .flat_map(|list| &list.items)
            .filter_map(|item| item.endpoint.as_ref());
        let far = endpoints.find(|far| is_told(far) && !self.says_own(Some(far)));
        far.cloned()
    }
}
