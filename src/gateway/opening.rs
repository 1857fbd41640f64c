//! How a session is opened: who may, which device, which connection.

use super::asker::Asker;
use super::link::{Appearance, Members};
use super::nodes::{NodeId, Purpose};
use super::output::Event;
use super::session::{Session, Stage};
use super::{Device, Gateway};
use crate::csta::{self, Response, SystemStatus};
use crate::prelude::*;
use crate::sip::quote;
use crate::text::{concat, decimal};
use crate::time::Instant;

/// Seconds after which a client may come again, while a connection is being tried.
const SOON: u64 = 2;
/// Longest that a client is told to wait, in seconds.
const LATE: u64 = 60;
/// Most sessions of one user: as many tabs as somebody opens, and not the whole gateway.
const MOST_OF_USER: usize = 32;
/// The wording of registrars: a client that reads theirs knows what this means.
const CONFLICT: &str = "399 graceline \"Registration is active for another client\"";
/// The same for the client that has to go (RFC 3326).
const TAKEN_OVER: &str = "SIP;cause=410;text=\"Registration is active for another client\"";

type Headers = Vec<(String, String)>;

impl Gateway {
    pub(super) fn offered(
        &mut self,
        now: Instant,
        of: u32,
        headers: &[(String, String)],
        content: Option<&(String, String)>,
    ) {
        let asker = match Asker::read(&self.config, headers, content) {
            Ok(asker) => asker,
            Err(status) => return self.refuse(now, of, status, ""),
        };
        let Some(devices) = self.devices(&asker) else {
            return self.refuse(now, of, 404, &asker.user);
        };
        // What it is going to replace makes room for it.
        let ghost = |one: &Session| {
            let here = one.at().is_some_and(|at| devices.contains(at));
            here && one.asker.is_client(&asker)
        };
        let same = |one: &&Session| one.asker.user == asker.user && !ghost(one);
        let full = self.sessions.len() >= self.config.max_sessions;
        if full || self.sessions.values().filter(same).count() >= MOST_OF_USER {
            return self.unavailable(now, of, &asker.user, LATE);
        }
        let lists = asker.device.as_deref() == Some("*") || devices.len() > 1;
        self.look(now, of, asker, devices, lists);
    }

    /// The devices that are meant; `None`: there are none.
    fn devices(&self, asker: &Asker) -> Option<Vec<Appearance>> {
        let is_meant = |device: &&Device| {
            let named = asker.device.as_deref().filter(|named| *named != "*");
            named.is_none_or(|named| named.eq_ignore_ascii_case(&device.device))
                && (asker.partition.is_none() || asker.partition == device.partition)
        };
        let meant = self.config.lines.get(&asker.line)?.iter().filter(is_meant);
        let appearance = |device: &Device| Appearance {
            line: asker.line.clone(),
            device: device.device.clone(),
        };
        let devices: Vec<Appearance> = meant.map(appearance).collect();
        (!devices.is_empty()).then_some(devices)
    }

    /// Asks the switch how the devices are.
    fn look(&mut self, now: Instant, of: u32, asker: Asker, devices: Vec<Appearance>, lists: bool) {
        let Some(node) = self.nodes.choose() else {
            let next = self.nodes.next_try();
            let wait = next.map_or(SOON, |at| ((at - now).as_secs() + 1).min(LATE));
            return self.unavailable(now, of, &asker.user, wait);
        };
        for at in &devices {
            self.watch(now, of, node, at);
        }
        let session = Session::new(asker, node, devices, lists);
        self.sessions.insert(of, session);
        self.decide(now, of);
    }

    fn watch(&mut self, now: Instant, of: u32, node: NodeId, at: &Appearance) {
        let watches = self.nodes.watches(node);
        if watches.is_some_and(|watches| watches.want(at, of)) {
            let purpose = Purpose::Monitor(at.clone());
            let what = ("monitor", Members::new());
            self.nodes.ask(now, node, purpose, Some(at.clone()), what);
        }
    }

    /// What a session that is over wanted to know.
    pub(super) fn forget(&mut self, now: Instant, of: u32, session: &Session) {
        for at in session.wants() {
            let watches = self.nodes.watches(session.node);
            if watches.is_some_and(|watches| watches.leave(at, of)) {
                let what = ("unmonitor", Members::new());
                let at = Some(at.clone());
                let purpose = Purpose::Unmonitor;
                self.nodes.ask(now, session.node, purpose, at, what);
            }
        }
    }

    /// The connection that was chosen is down: another one is.
    pub(super) fn look_elsewhere(&mut self, now: Instant, of: u32) {
        if let Some(session) = self.sessions.remove(&of)
            && let Stage::Looking(devices, lists) = session.stage
        {
            self.look(now, of, session.asker, devices, lists);
        }
    }

    /// Answers an INVITE once it is known how all the devices are.
    pub(super) fn decide(&mut self, now: Instant, of: u32) {
        let Some(session) = self.sessions.get(&of) else {
            return;
        };
        let Stage::Looking(devices, lists) = &session.stage else {
            return;
        };
        let Some(watches) = self.nodes.watches(session.node) else {
            return;
        };
        let known: Vec<_> = devices.iter().filter_map(|at| watches.known(at)).collect();
        if known.len() < devices.len() {
            return;
        }
        if *lists {
            let there: Vec<bool> = known.iter().map(|known| known.device.in_service).collect();
            let headers = self.contacts(&session.asker.line, &devices.clone(), &there);
            return self.refuse_with(now, of, 300, headers);
        }
        let Some((at, known)) = devices.first().zip(known.first()) else {
            return;
        };
        match known.refused.as_deref() {
            Some("invalidDeviceID") => self.refuse_with(now, of, 404, Headers::new()),
            _ if !known.device.in_service => self.refuse_with(now, of, 480, Headers::new()),
            _ => {
                let at = at.clone();
                self.admit(now, of, at);
            }
        }
    }

    /// The devices of a line, to choose from.
    fn contacts(&self, line: &str, devices: &[Appearance], there: &[bool]) -> Headers {
        let login = &self.config.login;
        let own = concat(&["<sip:", &login.user, "@", &login.domain, ">"]);
        let all = self.config.lines.get(line).map_or(&[][..], Vec::as_slice);
        let mut headers = Headers::new();
        for (at, there) in devices.iter().zip(there) {
            let device = all.iter().find(|one| one.device == at.device);
            let mut contact = own.clone();
            let mut add = |name: &str, value: &str| {
                contact.push_str(&concat(&[";", name, "=", &quote(value)]));
            };
            add("line", line);
            add("device", &at.device);
            let told = device.and_then(|device| device.description.as_deref());
            add("description", told.unwrap_or_default());
            let told = device.and_then(|device| device.partition.as_deref());
            add("partition", told.unwrap_or_default());
            contact.push_str(match there {
                true => ";inservice=true",
                false => ";inservice=false",
            });
            headers.push(("Contact".to_owned(), contact));
        }
        headers
    }

    fn admit(&mut self, now: Instant, of: u32, at: Appearance) {
        let Some(session) = self.sessions.get(&of) else {
            return;
        };
        let asker = &session.asker;
        let devices = self.config.lines.get(&at.line);
        let mut devices = devices.into_iter().flatten();
        let exclusive = devices.any(|one| one.device == at.device && one.exclusive);
        let others = self.sessions.iter();
        let others = others.filter(|(_, other)| other.at() == Some(&at));
        // What a client left behind, by a crash or on a lost connection, is no other client.
        let (ghosts, rivals): (Vec<_>, Vec<_>) = others
            .map(|(other, session)| (*other, session.asker.is_client(asker)))
            .partition(|(_, is_ours)| *is_ours);
        if exclusive && !rivals.is_empty() && !asker.forces {
            let warning = ("Warning".to_owned(), CONFLICT.to_owned());
            return self.refuse_with(now, of, 403, vec![warning]);
        }
        let rivals = rivals.into_iter().filter(|_| exclusive);
        // A ghost that can hear it is a copy of the browser's profile: it stays away.
        for (other, _) in ghosts.into_iter().chain(rivals) {
            self.dismiss(now, other, "taken over by another client", Some(TAKEN_OVER));
        }
        let Some(session) = self.sessions.get_mut(&of) else {
            return;
        };
        session.stage = Stage::Open(at.clone());
        let opened = Event::SessionOpened {
            session: of,
            user: session.asker.user.clone(),
            line: at.line,
            device: at.device,
            node: session.node.node,
        };
        let content = self.status_of(of);
        self.phone
            .with_accepted(now, |accepted| accepted.accept(now, of, content));
        self.counters.opened += 1;
        self.event(opened);
    }

    /// The answer to RequestSystemStatus.
    pub(super) fn status_of(&self, of: u32) -> (String, String) {
        let Some(session) = self.sessions.get(&of) else {
            return Default::default();
        };
        let status = if self.nodes.is_up(session.node) {
            SystemStatus::Normal
        } else {
            SystemStatus::Disabled
        };
        let device = session.at().map(|at| at.device.clone());
        let response = Response::RequestSystemStatus { status, device };
        Self::content(&session.asker.namespace, csta::Content::Response(response))
    }

    fn unavailable(&mut self, now: Instant, of: u32, user: &str, seconds: u64) {
        let retry = ("Retry-After".to_owned(), decimal(seconds));
        self.refused(now, of, 503, user, vec![retry]);
    }

    fn refuse(&mut self, now: Instant, of: u32, status: u16, user: &str) {
        let headers = match status {
            415 => vec![("Accept".to_owned(), super::CSTA.to_owned())],
            _ => Headers::new(),
        };
        self.refused(now, of, status, user, headers);
    }

    /// Refuses one that looked.
    fn refuse_with(&mut self, now: Instant, of: u32, status: u16, headers: Headers) {
        let user = self.sessions.get(&of).map(|one| one.asker.user.clone());
        self.closed(now, of, "refused");
        self.refused(now, of, status, &user.unwrap_or_default(), headers);
    }

    fn refused(&mut self, now: Instant, of: u32, status: u16, user: &str, headers: Headers) {
        self.phone
            .with_accepted(now, |accepted| accepted.refuse(of, status, headers));
        self.counters.refused += 1;
        let user = user.to_owned();
        self.event(Event::SessionRefused { status, user });
    }
}
