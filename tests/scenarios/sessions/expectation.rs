//! Invariant 5: who is to hold a device once all is quiet. The last force does,
//! unless it gave up, or was away when somebody else came in.

use crate::world::ClientId;
use graceline::time::Instant;

#[derive(Default)]
struct Expected {
    /// One of these. Two forces that crossed may have got in either order.
    clients: Vec<(ClientId, Instant)>,
    /// Something happened to it: it may be away from the registrar.
    exposed: bool,
    /// When it was registered again after that.
    back: Option<Instant>,
    /// When somebody logged in politely.
    came_in: Option<(ClientId, Instant)>,
    /// When a takeover was given up that had perhaps been sent already, or one came in
    /// that may have come before that.
    abandoned: Option<Instant>,
}

pub struct Expectations {
    groups: Vec<Expected>,
    /// The registrar lets every login take over: that of a client which slept
    /// until its binding lapsed, too.
    last_wins: bool,
    /// A registrar that refuses by itself knows who is there, not who forced.
    refuses_by_itself: bool,
}

impl Expectations {
    pub fn new(groups: usize, last_wins: bool, refuses_by_itself: bool) -> Self {
        Self {
            groups: (0..groups).map(|_| Expected::default()).collect(),
            last_wins,
            refuses_by_itself,
        }
    }

    /// Who is to hold the device; nobody: nothing can be told.
    pub fn of(&self, group: usize) -> Vec<ClientId> {
        let clients = &self.groups[group].clients;
        clients.iter().map(|(id, _)| *id).collect()
    }

    /// Until a force settles, nobody can tell who comes last; never, if it fails.
    pub fn contest(&mut self, group: usize) {
        let expected = &mut self.groups[group];
        expected.clients.clear();
        expected.exposed = false;
        expected.back = None;
    }

    /// A takeover was given up while it was pending: it may still get in, after one
    /// that has been going on meanwhile.
    pub fn abandoned(&mut self, group: usize, now: Instant) {
        self.contest(group);
        self.groups[group].abandoned = Some(now);
    }

    /// A forced login succeeded. One that succeeded since this one began may be
    /// the later one at the registrar. `stale`: a rival does not know that the
    /// registrar may have lost it.
    pub fn took_over(
        &mut self,
        group: usize,
        id: ClientId,
        since: Instant,
        now: Instant,
        stale: bool,
    ) {
        if stale && self.last_wins {
            return self.contest(group);
        }
        let expected = &mut self.groups[group];
        if expected.abandoned.is_some_and(|then| then >= since) {
            // Nor can it be told of one that crosses this one.
            expected.abandoned = Some(now);
            return self.contest(group);
        }
        expected.clients.retain(|(_, settled)| *settled >= since);
        expected.clients.push((id, now));
        expected.exposed = false;
        expected.back = None;
    }

    /// An unforced login succeeded. One that crossed a force may not have seen it, on a
    /// registrar that leaves that to the clients; nor one that crossed the winner's way
    /// back to a registrar that had lost it.
    pub fn logged_in(&mut self, group: usize, id: ClientId, since: Instant, now: Instant) {
        let expected = &mut self.groups[group];
        expected.came_in = Some((id, now));
        let expected = &self.groups[group];
        let crossed = expected
            .clients
            .iter()
            .any(|(_, settled)| *settled >= since && !self.refuses_by_itself);
        let away = expected.exposed || expected.back.is_some_and(|back| back >= since);
        if (away || crossed) && !self.of(group).contains(&id) {
            self.contest(group);
        }
    }

    /// Logs out, closes, reloads. `removes`: it takes its binding back before it has seen
    /// that it was replaced, at a registrar where a user has one, which any removal takes.
    pub fn gives_up(&mut self, group: usize, id: ClientId, removes: bool) {
        if removes || self.of(group).contains(&id) {
            self.contest(group);
        }
    }

    /// It heard late that it was in: its binding may have lapsed before, and somebody have
    /// come in politely.
    pub fn heard_late(&mut self, group: usize, id: ClientId, since: Instant) {
        self.expose(group, id, false);
        let crossed = |(other, then): (ClientId, Instant)| other != id && then >= since;
        if self.groups[group].came_in.is_some_and(crossed) {
            self.contest(group);
        }
    }

    /// A fault. `rivals`: others on the device may come in before it is back.
    pub fn expose(&mut self, group: usize, id: ClientId, rivals: bool) {
        let concerned = self.of(group).contains(&id);
        self.groups[group].exposed |= concerned;
        let comes_in = concerned && self.refuses_by_itself || self.last_wins;
        if rivals && comes_in {
            self.contest(group);
        }
    }

    /// A client is registered, or again, that wants to be since then. Another one,
    /// which is not, may have come in while the winner was away.
    pub fn is_back(&mut self, group: usize, id: ClientId, since: Instant, now: Instant) {
        let expected = &self.groups[group];
        let newer = expected.clients.iter().all(|(_, won)| since > *won);
        if self.of(group) == [id] {
            let expected = &mut self.groups[group];
            if std::mem::take(&mut expected.exposed) {
                expected.back = Some(now);
            }
        } else if expected.exposed && newer {
            self.contest(group);
        }
    }

    /// It was told that it lost the device. `pending`: to a login that is going on.
    pub fn ousted(&mut self, group: usize, id: ClientId, pending: bool) {
        let expected = &mut self.groups[group];
        if expected.exposed && expected.clients.iter().any(|(client, _)| *client == id) {
            self.contest(group);
        } else if pending {
            expected.clients.retain(|(client, _)| *client != id);
        }
    }
}
