//! Which calls there are at the desk phone: at the start, after an absence, and
//! whenever events may have been lost. Calls are known again by their names; by
//! their far end and state where a restarted switch has given them new ones.

use super::Client;
use super::call::{Call, EndCause};
use super::pending::Job;
use super::session::Stage;
use crate::csta::{
    CallEvent, CallParty, ConnectionId, ConnectionState, Party, Request, Snapshot, SnapshotCall,
    same_number,
};
use crate::prelude::*;
use crate::time::{Duration, Instant};

/// How long the parts of a snapshot may take that are to come later.
const SEGMENTS: Duration = Duration::from_secs(10);
/// Most calls whose parties are asked for.
const MAX_ASKED: usize = 16;

/// A call that is there.
struct Listed {
    item: SnapshotCall,
    /// If that was told.
    incoming: Option<bool>,
    /// At the far end: several, or none where it is one.
    parties: Option<Vec<Party>>,
}

/// A snapshot while it is taken.
#[derive(Default)]
pub(super) struct Taking {
    /// The calls, as far as they are told.
    calls: Vec<Listed>,
    /// These are all.
    listed: bool,
    /// Names the parts that are to come later.
    reference: Option<String>,
    /// Parts that came before the answer that names them.
    ahead: Vec<(String, bool, Vec<SnapshotCall>)>,
    pub(super) due: Option<Instant>,
    /// Calls that ended meanwhile: an older answer may still list them.
    gone: Vec<String>,
    /// Another one is to follow.
    again: bool,
    /// Events of calls that are not known yet: it may know them.
    pub(super) later: Vec<CallEvent>,
}

impl Taking {
    pub(super) fn is_gone(&mut self, call: &str) {
        if self.gone.len() < super::MAX_CALLS {
            self.gone.push(call.to_owned());
        }
    }

    /// A name may be used again.
    pub(super) fn is_back(&mut self, call: &str) {
        self.gone.retain(|gone| gone != call);
    }

    fn add(&mut self, items: Vec<SnapshotCall>) {
        for item in items {
            let call = &item.connection.call;
            let is_known = |known: &Listed| known.item.connection.call == *call;
            let is_over = item.states.own == Some(ConnectionState::Null);
            if self.calls.len() < super::MAX_CALLS
                && !call.is_empty()
                && !is_over
                && !self.calls.iter().any(is_known)
            {
                self.calls.push(Listed {
                    item,
                    incoming: None,
                    parties: None,
                });
            }
        }
    }
}

impl Client {
    pub(super) fn take_snapshot(&mut self, now: Instant) {
        if let Some(taking) = &mut self.taking {
            // What is on its way may be too old.
            taking.again = true;
            return;
        }
        for call in &mut self.calls {
            call.seen = false;
        }
        self.taking = Some(Taking::default());
        if !self.features().offers("SnapshotDevice") {
            return self.snapshot_is_missing(now);
        }
        let device = self.line.clone();
        self.ask(now, Request::SnapshotDevice { device }, Job::Snapshot);
    }

    pub(super) fn snapshot(&mut self, now: Instant, snapshot: Snapshot<SnapshotCall>) {
        let Some(taking) = &mut self.taking else {
            return;
        };
        match snapshot {
            Snapshot::Here(items) => {
                taking.add(items);
                taking.listed = true;
                self.ask_for_parties(now);
            }
            Snapshot::Later(reference) => {
                taking.reference = Some(reference);
                taking.due = Some(now + SEGMENTS);
                for (reference, last, items) in core::mem::take(&mut taking.ahead) {
                    self.segment(now, &reference, last, items);
                }
            }
        }
    }

    /// A part of a snapshot that was to come later.
    pub(super) fn segment(
        &mut self,
        now: Instant,
        reference: &str,
        last: bool,
        items: Vec<SnapshotCall>,
    ) {
        let Some(taking) = &mut self.taking else {
            return;
        };
        if taking.reference.is_none() && taking.ahead.len() < MAX_ASKED {
            taking.ahead.push((reference.to_owned(), last, items));
        } else if taking.reference.as_deref() == Some(reference) {
            taking.add(items);
            if last {
                taking.reference = None;
                taking.due = None;
                taking.listed = true;
                self.ask_for_parties(now);
            }
        }
    }

    pub(super) fn segments_are_due(&mut self, now: Instant) {
        let due = self.taking.as_ref().and_then(|taking| taking.due);
        if due.is_some_and(|due| due <= now) {
            self.snapshot_is_missing(now);
        }
    }

    /// The list tells one far end at most, and not who has called whom.
    fn ask_for_parties(&mut self, now: Instant) {
        let listed = self.taking.iter().flat_map(|taking| &taking.calls);
        let calls = listed.map(|listed| listed.item.connection.clone());
        let calls: Vec<_> = calls.take(MAX_ASKED).collect();
        if self.features().offers("SnapshotCall") {
            for call in calls {
                self.ask_for_party(now, call, 0);
            }
        }
        self.reconcile_when_told(now);
    }

    pub(super) fn ask_for_party(&mut self, now: Instant, call: ConnectionId, before: u32) {
        let job = Job::Parties(call.clone(), before);
        self.ask(now, Request::SnapshotCall { call }, job);
    }

    /// Who is in a call, as far as that is told.
    pub(super) fn parties(
        &mut self,
        now: Instant,
        call: &str,
        parties: Vec<CallParty>,
        calling: Option<Party>,
        called: Option<Party>,
    ) {
        let device = calling.as_ref().and_then(Party::device);
        let incoming = device.map(|device| !self.is_own(device));
        let mut far = parties;
        far.retain(|party| !self.says_own(Some(&party.device)));
        let state = far.first().and_then(|far| far.state);
        let other_one = if incoming == Some(true) {
            calling
        } else {
            called
        };
        let parties: Vec<_> = far.into_iter().map(|party| party.device).collect();
        let endpoint = parties.first().cloned().or(other_one);
        let listed = self.taking.iter_mut().flat_map(|taking| &mut taking.calls);
        for listed in listed.filter(|listed| listed.item.connection.call == call) {
            if endpoint.is_some() {
                listed.item.endpoint.clone_from(&endpoint);
            }
            listed.item.states.other = listed.item.states.other.or(state);
            listed.incoming = incoming;
            listed.parties = match parties.len() {
                0 => None,
                1 => Some(Vec::new()),
                _ => Some(parties.clone()),
            };
        }
        self.reconcile_when_told(now);
    }

    /// Compares, once all is told: also the names of the calls that we are
    /// making, which are among those that are listed.
    pub(super) fn reconcile_when_told(&mut self, now: Instant) {
        let mut pending = self.pending.iter();
        let is_asking = pending.any(|pending| matches!(pending.job, Job::Parties(..)));
        let is_listed = self.taking.as_ref().is_some_and(|taking| taking.listed);
        if is_asking || !is_listed || self.is_making() {
            return;
        }
        let Some(mut taking) = self.taking.take() else {
            return;
        };
        let gone = |listed: &Listed| taking.gone.contains(&listed.item.connection.call);
        taking.calls.retain(|listed| !gone(listed));
        // First those that are known by their names.
        let (known, new): (Vec<_>, Vec<_>) = core::mem::take(&mut taking.calls)
            .into_iter()
            .partition(|listed| self.named(&listed.item.connection.call).is_some());
        for listed in known.iter().chain(&new) {
            self.found(listed);
        }
        self.snapshot_is_taken(now);
        self.replay(now, taking);
    }

    fn found(&mut self, listed: &Listed) {
        let item = &listed.item;
        let id = self.named(&item.connection.call);
        let rings_there = item.states.other == Some(ConnectionState::Alerting);
        let Some(id) = id.or_else(|| self.known_by_party(listed)) else {
            let rings_here = item.states.own == Some(ConnectionState::Alerting);
            self.appear(Call {
                connection: Some(item.connection.clone()),
                incoming: listed.incoming.unwrap_or(rings_here),
                remote: item.endpoint.clone().unwrap_or_default(),
                note: item.note.as_deref().cloned().unwrap_or_default(),
                parties: listed.parties.clone().unwrap_or_default(),
                local: item.states.own,
                rings_there,
                established: is_established(item),
                cause: "normal".to_owned(),
                seen: true,
                ..Call::default()
            });
            return;
        };
        if let Some(call) = self.call_mut(id) {
            if call.remote == Party::NotKnown {
                call.meets(item.endpoint.as_ref());
                call.incoming = listed.incoming.unwrap_or(call.incoming);
            }
            // Who has answered once has answered.
            call.established |= item.states.other.is_some() && is_established(item);
            // What was told meanwhile is newer; of a call that we have just made
            // nothing was.
            let is_new = call.is(ConnectionState::Initiated);
            if !core::mem::replace(&mut call.seen, true) || is_new {
                call.connection = Some(item.connection.clone());
                call.local = item.states.own.or(call.local);
                call.rings_there = rings_there;
                call.established |= is_established(item);
                if let Some(far @ (Party::Device(_) | Party::Restricted)) = &item.endpoint {
                    call.remote = far.clone();
                }
                call.notes(item.note.as_deref());
                if let Some(parties) = &listed.parties {
                    call.parties.clone_from(parties);
                }
            }
        }
    }

    /// A call that we know under another name: the same far end in the same
    /// state, or at least the same far end, called by the same side.
    fn known_by_party(&self, listed: &Listed) -> Option<u32> {
        let item = &listed.item;
        let far = item.endpoint.as_ref()?.device()?;
        let is_same = |call: &&Call| {
            let parties = call.parties.iter().chain([&call.remote]);
            let mut devices = parties.filter_map(Party::device);
            !call.seen
                && listed.incoming != Some(!call.incoming)
                && devices.any(|device| same_number(device, far))
        };
        let mut best = None;
        for call in self.calls.iter().filter(is_same) {
            if call.local == item.states.own {
                return Some(call.id);
            }
            best = best.or(Some(call.id));
        }
        best
    }

    /// There is no telling which calls there are.
    pub(super) fn snapshot_is_missing(&mut self, now: Instant) {
        let taking = self.taking.take();
        // Within a session the events tell.
        if !matches!(self.stage, Stage::Open) {
            self.snapshot_is_taken(now);
        }
        if let Some(taking) = taking {
            self.replay(now, taking);
        }
    }

    /// What had to wait for the snapshot.
    fn replay(&mut self, now: Instant, taking: Taking) {
        for event in taking.later {
            self.call_event(event);
        }
        if taking.again {
            self.take_snapshot(now);
        }
    }

    fn snapshot_is_taken(&mut self, now: Instant) {
        self.taking = None;
        let lost: Vec<_> = self
            .calls
            .iter()
            .filter(|call| !call.seen && call.connection.is_some())
            .map(|call| call.id)
            .collect();
        for id in lost {
            self.end(id, EndCause::Failed, "lost while the connection was away");
        }
        if matches!(self.stage, Stage::Snapshot) {
            self.opened(now);
        }
    }
}

fn is_established(item: &SnapshotCall) -> bool {
    use ConnectionState::{Alerting, Connected, Hold, Initiated};
    let here = !matches!(item.states.own, Some(Alerting | Initiated));
    // Where only one state is told there is no ringing at the far end.
    here && item
        .states
        .other
        .is_none_or(|other| matches!(other, Connected | Hold))
}
