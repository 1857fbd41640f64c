//! What must hold, at every moment and once all is quiet.

use super::{Holds, Pending, Session, Violation, seconds, violated};
use crate::world::{ClientId, Network};
use graceline::phone::{Event, Fault, Status};
use graceline::registrar::Telling;
use graceline::registration::{ConflictScope, RegistrationType};
use graceline::time::{Duration, Instant};

/// A registerPhone settles within its timeout of 30 s.
const SETTLES_WITHIN: Duration = Duration::from_secs(31);
/// How long two clients of a device may believe to be registered while the
/// network is quiet: until the next look, and the answer to it.
const TWO_AT_ONCE: Duration = Duration::from_secs(65);
/// As above, where the registrar forgot those who had subscribed, and kept their
/// connections: until the subscription is refreshed and the next look is due.
const TWO_AFTER_FORGETTING: Duration = Duration::from_secs(300 + 65);
/// After this, what the dead have left behind has lapsed: the longest time that
/// a script's registrars grant, and the slowest way back.
const QUIET: Duration = Duration::from_secs(180 + 80);
/// How long the quiet is watched.
const WATCHED: Duration = Duration::from_secs(240);
/// Claims count seconds: of two logins this close, of which the later one could not
/// see the earlier one, the tags decide (docs/registration.md, known limits).
const SAME_SECOND: Duration = Duration::from_secs(2);

impl Session<'_> {
    pub(super) fn check(&mut self) -> Holds {
        if std::mem::take(&mut self.world.bindings_changed) {
            self.look_for_rivals();
        }
        for (id, registers, event) in std::mem::take(&mut self.world.log) {
            self.check_event(id, registers, event)?;
        }
        self.check_registers()?;
        for id in 0..self.models.len() {
            self.world.clients[id].events.clear();
            self.check_client(id)?;
        }
        (0..self.groups.len()).try_for_each(|group| self.check_double(group))
    }

    /// What the registrar has at this moment.
    fn look_for_rivals(&mut self) {
        let now = self.world.now;
        for (group, is_taken) in self.taken().into_iter().enumerate() {
            let place = &mut self.places[group];
            if !std::mem::replace(&mut place.is_taken, is_taken) {
                place.taken_at = now;
            }
        }
        for id in 0..self.models.len() {
            self.look_for_naive(id);
            let rival = self.has_rival(id, 0);
            let model = &mut self.models[id];
            if rival {
                model.rival_since.get_or_insert(now);
            } else if model.rival_since.take().is_some() {
                model.rival_seen = Some(now);
            }
        }
    }

    /// Whether some client of each group is bound.
    fn taken(&self) -> Vec<bool> {
        let mut taken = vec![false; self.groups.len()];
        for binding in self.world.registrar.bindings("2001") {
            if let Some(owner) = self.world.owner(&binding) {
                taken[self.group(owner)] = true;
            }
        }
        taken
    }

    pub(super) fn look_for_naive(&mut self, id: ClientId) {
        let is_naive = |owner: ClientId| {
            owner != id && self.script.clients[owner].kind == RegistrationType::Normal
        };
        let bindings = self.world.registrar.bindings("2001").into_iter();
        let naive = bindings.filter(|binding| self.world.owner(binding).is_some_and(is_naive));
        let bound = naive.map(|binding| binding.contact).collect();
        let pending = self.models[id].pending.as_ref();
        let forcing = pending.is_some_and(|pending| pending.forced);
        self.models[id].naive.look(bound, forcing);
    }

    /// Whether somebody else has a binding on the client's device, with more than
    /// so many seconds left.
    fn has_rival(&self, id: ClientId, seconds: u64) -> bool {
        let client = &self.script.clients[id];
        let bindings = self.world.registrar.bindings("2001");
        bindings.iter().any(|binding| {
            let concerned = client.scope == ConflictScope::User || binding.device == client.device;
            concerned && binding.expires > seconds && self.world.owner(binding) != Some(id)
        })
    }

    /// Whether somebody else had a binding on the client's device since `since`.
    fn rival_since(&self, id: ClientId, since: Instant) -> bool {
        let model = &self.models[id];
        model.rival_since.is_some() || model.rival_seen.is_some_and(|seen| seen >= since)
    }

    fn check_registers(&mut self) -> Holds {
        let sent: usize = self.world.clients.iter().map(|c| c.registers).sum();
        self.allowance -= (sent - self.counted) as f64;
        self.counted = sent;
        if self.allowance < 0.0 {
            return violated(4, "REGISTERs without end", format!("{sent} until now"));
        }
        Ok(())
    }

    fn check_client(&mut self, id: ClientId) -> Holds {
        let client = &self.world.clients[id];
        let model = &self.models[id];
        let name = client.name.as_str();
        if model.ousted.is_some_and(|then| then != client.registers) {
            return violated(2, "a REGISTER after eConnectionTerminated", name);
        }
        let late = |waited: u64| waited > SETTLES_WITHIN.as_millis();
        if model.pending.as_ref().is_some_and(|p| late(p.waited)) {
            return violated(3, "a registerPhone that does not settle", name);
        }
        if model.leaving.is_some_and(late) {
            return violated(3, "an unregisterPhone that does not settle", name);
        }
        Ok(())
    }

    fn check_double(&mut self, group: usize) -> Holds {
        if !self.is_graceful(group) {
            return Ok(());
        }
        let registered = |id: &&ClientId| {
            let client = &self.world.clients[**id];
            let reachable = client.network == Network::Up && !client.asleep;
            reachable && self.world.status(**id) == Status::Ready
        };
        let many = self.groups[group].iter().filter(registered).count() > 1;
        let quiet = self.world.nodes == [Network::Up; 8];
        if !many || !quiet {
            self.doubles[group] = None;
            return Ok(());
        }
        let since = *self.doubles[group].get_or_insert(self.world.now);
        // Whoever was replaced in silence looks at its time. If the other one has gone by
        // then it takes the empty place, rightly, and hears at its next look alone who
        // else was replaced so, and came after it.
        let since = since.max(self.disturbed).max(self.places[group].taken_at);
        let bound = match self.forgot {
            true => TWO_AFTER_FORGETTING,
            false => self.two_at_once(group),
        };
        if self.world.now - since > bound {
            return violated(1, "two clients that go on as registered", "");
        }
        Ok(())
    }

    /// A registrar that tells by refusing the next refresh tells when that comes. One that
    /// makes room by itself may have pushed the other one out, for another device, a moment
    /// before the look: then the next one tells. Who is too slow for the grant never rests:
    /// half of the ways back cross with its own.
    fn two_at_once(&self, group: usize) -> Duration {
        let kind = &self.script.registrar;
        let half = kind.max_expires.unwrap_or_default() / 2;
        match kind.tell {
            _ if kind.remove_existing && self.groups.len() > 1 => TWO_AT_ONCE * 2,
            _ if self.groups[group].iter().any(|id| self.is_too_slow(*id)) => TWO_AT_ONCE * 2,
            Some(Telling::Refresh) => TWO_AT_ONCE.max(Duration::from_secs((half + 15).into())),
            _ => TWO_AT_ONCE,
        }
    }

    fn check_event(&mut self, id: ClientId, registers: usize, event: Event) -> Holds {
        let name = self.world.clients[id].name.clone();
        match event {
            Event::Status(status, _) => {
                let before = std::mem::replace(&mut self.models[id].status, status);
                let change = format!("{}→{}", before.as_str(), status.as_str());
                self.tally.count("changes of status", change);
                if status == Status::Ready {
                    let group = self.group(id);
                    let since = self.models[id].since;
                    self.expected.is_back(group, id, since, self.world.now);
                }
            }
            Event::Registered(attempt, registered) => {
                self.tally.count(
                    "events",
                    match registered.forced {
                        true => "registered (forced)",
                        false => "registered",
                    },
                );
                let pending = self.settled(id, attempt)?;
                self.check_registered(id, &pending)?;
            }
            Event::Failed(attempt, fault, _) => {
                self.tally
                    .count("events", format!("failed {}", fault.code().as_str()));
                let pending = self.settled(id, attempt)?;
                self.check_failed(id, &pending, &fault)?;
            }
            Event::Terminated { reason, .. } => {
                self.tally.count("events", format!("terminated {reason}"));
                if self.models[id].ousted.replace(registers).is_some() {
                    return violated(2, "ousted twice", name);
                }
                if !self.rival_since(id, self.models[id].since) {
                    return violated(6, "ousted by its own ghost", name);
                }
                if reason == "rivalReturned" && !self.models[id].naive.back {
                    return violated(8, "nobody returned whom it had removed", name);
                }
                let group = self.group(id);
                let pending = self.groups[group]
                    .iter()
                    .any(|&other| self.models[other].pending.is_some());
                self.expected.ousted(group, id, pending);
                // Full: whom it took over had not looked yet.
                if reason == "refused" && self.script.registrar.max_contacts.is_some() {
                    self.expected.contest(group);
                }
            }
            Event::Unregistered => {
                self.tally.count("events", "unregistered");
                if self.models[id].leaving.take().is_none() && !self.models[id].away {
                    return violated(3, "an unregisterPhone that settles twice", name);
                }
            }
            Event::Closed => self.tally.count("events", "closed"),
            Event::Error(fault) => {
                self.tally
                    .count("events", format!("error {}", fault.code().as_str()));
                let group = self.group(id);
                self.expected.gives_up(group, id, false);
                let limited = self.script.registrar.max_contacts.is_some();
                let excused =
                    self.models[id].faulted && fault.code().as_str() != "eCredentialsRejected";
                if !excused && !limited {
                    return violated(6, "a registration lost without a cause", fault.to_string());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn settled(&mut self, id: ClientId, attempt: u32) -> Result<Pending, Violation> {
        let pending = self.models[id].pending.take();
        pending
            .filter(|pending| pending.attempt == attempt)
            .ok_or_else(|| Violation {
                invariant: 3,
                rule: "a registerPhone that settles twice, or out of turn",
                detail: self.world.clients[id].name.clone(),
            })
    }

    fn check_registered(&mut self, id: ClientId, pending: &Pending) -> Holds {
        // One that was registered already says so at once: no takeover.
        if pending.since == self.world.now {
            return Ok(());
        }
        let group = self.group(id);
        let rival_since = self.models[id].rival_since;
        // Asterisk lists a second less than it grants: the last one counts as none.
        let beside =
            rival_since.is_some_and(|since| since <= pending.since) && self.has_rival(id, 1);
        if !pending.takes_over && beside && self.is_graceful(group) {
            let name = self.world.clients[id].name.as_str();
            return violated(5, "an unforced login beside another client", name);
        }
        let now = self.world.now;
        if pending.takes_over {
            let stale = self
                .rivals(group, id)
                .any(|rival| self.models[rival].faulted);
            self.expected
                .took_over(group, id, pending.since, now, stale);
            let close = |rival: ClientId| {
                let rival = &self.models[rival];
                rival.faulted && now - rival.since <= SAME_SECOND
            };
            if self.rivals(group, id).any(close) {
                self.expected.contest(group);
            }
            if self.models[id].faulted {
                self.expected.heard_late(group, id, pending.since);
            }
        } else {
            self.expected.logged_in(group, id, pending.since, now);
        }
        Ok(())
    }

    fn check_failed(&mut self, id: ClientId, pending: &Pending, fault: &Fault) -> Holds {
        let group = self.group(id);
        match pending.takes_over {
            true => self.expected.contest(group),
            false => self.expected.gives_up(group, id, false),
        }
        let registrar = &self.script.registrar;
        let told = format!("{}: {fault}", self.world.clients[id].name);
        let refused = fault.code().as_str() == "eDeviceAlreadyRegistered";
        if refused && !self.rival_since(id, pending.since) {
            return violated(6, "locked out by its own ghost", told);
        }
        // A registrar that restarts between challenge and answer refuses both.
        let rejected = fault.code().as_str() == "eCredentialsRejected" && !pending.disturbed;
        if rejected || fault.code().as_str() == "eInternal" {
            return violated(6, "a login that failed without a cause", told);
        }
        // What could not be removed is named by the user part of its Contact.
        let bindings = self.world.registrar.bindings("2001");
        let left = fault.left.as_deref().unwrap_or_default();
        let behind = bindings.iter().find(|binding| {
            let user = binding.contact.trim_start_matches("sip:");
            let user = user.split('@').next().unwrap_or_default();
            let made = binding.since >= pending.since.millis();
            made && self.world.owner(binding) == Some(id) && !left.contains(user)
        });
        if let Some(binding) = behind {
            let detail = format!("{told} {binding:?}");
            return violated(7, "a login that failed and is bound", detail);
        }
        let limited = registrar.max_contacts.is_some() || registrar.force_limit.is_some();
        // Policy duplicate lets everybody in but whom it ousted.
        let rivals = refused && !pending.forced;
        if !pending.disturbed && !limited && !rivals && self.is_graceful(group) {
            return violated(
                6,
                "a login that failed though nothing stood against it",
                told,
            );
        }
        Ok(())
    }

    // What holds once all is quiet.

    pub(super) fn end(&mut self) -> Holds {
        self.world.note(|_| "— all is quiet".into());
        self.world.nodes.fill(Network::Up);
        self.disturb();
        for id in 0..self.models.len() {
            let client = &mut self.world.clients[id];
            client.network = Network::Up;
            client.slow_open = 0;
            if client.asleep {
                self.world.wake(id);
            }
        }
        self.pass(match self.forgot {
            true => QUIET.max(TWO_AFTER_FORGETTING),
            false => QUIET,
        })?;
        let before = self.counted;
        self.pass(WATCHED)?;
        let sent = self.counted - before;
        self.check_quiet(sent)
    }

    /// A look and a refresh, each challenged, take longer than the registrar grants: it is
    /// registered by turns.
    fn is_too_slow(&self, id: ClientId) -> bool {
        let kind = &self.script.registrar;
        let asked = self.script.clients[id].expires;
        let granted = asked.into_iter().chain(kind.max_expires).min();
        let round_trip = 2 * self.world.clients[id].latency;
        granted.is_some_and(|granted| 4 * round_trip > u64::from(granted) * 1000)
    }

    fn check_quiet(&mut self, sent: usize) -> Holds {
        let with = |wanted: &[Status]| -> Vec<ClientId> {
            let everybody = 0..self.models.len();
            everybody
                .filter(|&id| wanted.contains(&self.world.status(id)))
                .collect()
        };
        let ready = with(&[Status::Ready]);
        let under_way = with(&[Status::Registering, Status::RecoveryPending]);
        let refreshes = seconds(WATCHED) * self.refreshes * 1.1;
        let active = ready.len() + under_way.len();
        if sent as f64 > active as f64 * refreshes {
            let detail = format!("{sent} in {WATCHED:?} of quiet");
            return violated(4, "REGISTERs without end", detail);
        }
        let bindings = self.world.registrar.bindings("2001");
        let owners: Vec<Option<ClientId>> = bindings
            .iter()
            .map(|binding| self.world.owner(binding))
            .collect();
        if owners.contains(&None) {
            return violated(1, "a binding that is nobody's", format!("{bindings:?}"));
        }
        for (number, group) in self.groups.iter().enumerate() {
            if !self.is_graceful(number) {
                continue;
            }
            let in_group = |id: &ClientId| group.contains(id);
            let holders: Vec<ClientId> =
                owners.iter().flatten().copied().filter(in_group).collect();
            if holders.len() > 1 {
                let detail = format!("clients {holders:?}");
                return violated(1, "two registrations of a device", detail);
            }
            if group.iter().any(|id| self.is_too_slow(*id)) {
                continue;
            }
            if let Some(id) = group.iter().find(|id| under_way.contains(id)) {
                return violated(6, "a client that does not come back", format!("{id}"));
            }
            let ready: Vec<ClientId> = ready.iter().copied().filter(in_group).collect();
            if ready != holders {
                let detail = format!("{ready:?} are ready, {holders:?} are registered");
                return violated(1, "who believes to be registered is not", detail);
            }
            let expected = self.expected.of(number);
            if !expected.is_empty() && !holders.iter().any(|id| expected.contains(id)) {
                let detail = format!("clients {holders:?} instead of {expected:?}");
                return violated(5, "the last force does not hold the device", detail);
            }
            let outcome = match holders.first() {
                None => "free at the end",
                Some(_) if !expected.is_empty() => "held by the last force",
                Some(_) => "held",
            };
            self.tally.count("devices", outcome);
        }
        Ok(())
    }
}
