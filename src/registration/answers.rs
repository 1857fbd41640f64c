//! What the registrar's final answers mean. Those that are no 200 are in
//! `failures`.

use super::goal::{Bound, Kept, Login};
use super::judge::{Removal, Verdict, first_removal, judge, rivals};
use super::listing::{Binding, Kind, Viewpoint, bindings};
use super::looks::{LOOK_INTERVAL, refresh_after};
use super::request::removal_of;
use super::{Goal, Outcome, Profile, Refusal, Registration, RegistrationType, Step, Then};
use crate::dialog::values;
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::registration::{Action, Register};
use crate::sip::{Message, Name, Uri};
use crate::text::concat;
use crate::time::{Duration, Instant};

/// How often a race (two logins, two forces) is run again before giving up.
pub(super) const MAX_ROUNDS: u8 = 3;
/// An unforced rival with a later claim withdraws within this time if it is a
/// newcomer.
const DOUBT: Duration = Duration::from_secs(4);
/// Rivals that are told at once; a user has one or two.
const MAX_HINTS: usize = 4;
/// Option tag of a registrar of ours that lets in the devices alone that it knows.
const KNOWS_DEVICES: &str = "X-graceline-devices";
/// Between two attempts to refresh after a server error.
pub(super) const KEEP_RETRY: Duration = Duration::from_secs(10);

impl Registration {
    /// Learns from any answer, a challenge too. `true`: the request under way is
    /// of no use any more (the registrar refuses by itself), and the login goes
    /// on with another REGISTER; the owner drops the old one.
    pub fn observe(&mut self, now: Instant, answer: &Message) -> bool {
        if let Some(date) = answer.date() {
            let ours = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
            let theirs = i64::try_from(date).unwrap_or(ours);
            // An answer that we read late tells too little, never too much.
            let offset = theirs.saturating_sub(ours);
            self.clock_offset = Some(self.clock_offset.map_or(offset, |known| known.max(offset)));
        }
        let asks = answer.has_option(Name::Supported, KNOWS_DEVICES);
        self.unshown = asks && !self.shows_instance;
        self.shows_instance |= asks;
        let known = self.settings.profile.is_some() || self.profile == Some(Profile::Cisco);
        // A binding keeps the Contact that it was made with: the form changes with
        // the next login.
        let login = matches!(self.goal, Goal::Login(_));
        if known || !login || self.stay.contradicted || !speaks_cisco(answer) {
            return false;
        }
        // What asks for credentials or lists bindings has been answered by this;
        // an error or a redirect has still to be heeded.
        let useless = match (&self.step, answer.status()) {
            (Step::Register, 200..300) => return false,
            (Step::Query, 200..300) | (Step::Query | Step::Register, 401 | 407) => true,
            _ => false,
        };
        self.profile = Some(Profile::Cisco);
        if useless {
            self.not_bound();
            self.restart_login();
            self.stay.claim = None;
            if self.forced() {
                self.flow = false;
                self.actions.push(Action::Reconnect);
            } else {
                self.register(now, Vec::new());
            }
        }
        useless
    }

    /// Sends `register`; its answer comes back to [`Registration::handle_answer`].
    pub(super) fn send(&mut self, register: Register) {
        self.sent.clone_from(&register.contacts);
        self.actions.push(Action::Send(register));
    }

    /// Takes the final answer to the REGISTER that was asked for last.
    pub fn handle_answer(&mut self, now: Instant, answer: &Message) {
        let step = core::mem::replace(&mut self.step, Step::Rest);
        let ok = (200..300).contains(&answer.status());
        match answer.status() {
            200..300 => {
                // Seen on FreeSWITCH with several registrations a user: a removal is
                // accepted, and the binding stays.
                let listed = match step.removes() {
                    true => answer.contacts().list,
                    false => Vec::new(),
                };
                let stays = |uri: &str| listed.iter().any(|contact| contact.uri == uri);
                let sent = &self.sent;
                let removed = |uri: &String| sent.contains(&removal_of(uri)) && !stays(uri);
                self.exposed.retain(|uri| !removed(uri));
            }
            // Somebody on the way gave up, or the registrar did halfway.
            408 | 500..600 => {}
            _ => self.not_bound(),
        }
        self.fresh = false;
        match step {
            Step::Query if ok => self.queried(now, answer),
            Step::Query => self.query_failed(now, answer),
            Step::Register if ok => self.registered(now, answer),
            Step::Register => self.register_failed(now, answer),
            Step::Clear if ok => self.register(now, Vec::new()),
            Step::Clear => self.remove_rivals(now, Removal::Beside),
            Step::Withdraw { then } => self.withdrawn(now, then),
            Step::Sweep => {
                let list = self.list(answer);
                self.sweep(&list);
            }
            Step::Unregister if ok && !self.exposed.is_empty() => self.send_removal(),
            Step::Unregister => self.left(),
            // The answer to a request of a goal that was given up meanwhile.
            Step::Rest | Step::Pause { .. } => self.step = step,
        }
    }

    fn list(&mut self, answer: &Message) -> Vec<Binding> {
        let own_user = self.contact_user();
        let viewpoint = Viewpoint {
            identity: &self.identity,
            own_user: own_user.as_deref(),
            instance_id: &self.settings.instance_id,
            device: &self.settings.device,
            scope: self.settings.scope,
            ignored: &self.ignored,
        };
        let (list, skipped) = bindings(answer, &viewpoint);
        if skipped > 0 && skipped != self.skipped {
            let text = "the registrar lists contacts that cannot be read: passed over";
            self.actions.push(Action::Warn(text));
        }
        self.skipped = skipped;
        if let Some(own) = list.iter().find(|binding| binding.kind == Kind::Own) {
            let gruu = own.pub_gruu.clone();
            self.actions.push(Action::Account {
                gruu: gruu.filter(|gruu| Uri::parse(gruu).is_some()),
                routes: values(answer, Name::ServiceRoute),
            });
        }
        self.only_own_seen &= list.iter().all(|binding| binding.kind == Kind::Own);
        list
    }

    fn queried(&mut self, now: Instant, answer: &Message) {
        self.stay.silent_queries = 0;
        let list = self.list(answer);
        if let Some(limit) = self.progress.pending_limit.take() {
            return self.limit_reached(now, limit, list);
        }
        if self.profile.is_none() {
            self.profile = Some(Profile::Generic);
        }
        let holder = rivals(&list).next().map(Binding::holder);
        let login = matches!(self.goal, Goal::Login(_));
        let list = if login { self.disown(list) } else { list };
        match self.goal {
            Goal::Login(Login { forced: true, .. }) => {
                self.progress.listed = list;
                let way = first_removal(&self.progress.listed, self.settings.may_remove_others);
                self.remove_rivals(now, way);
            }
            Goal::Login(Login { forced: false, .. }) => match holder {
                Some(holder) => {
                    let refusal = Refusal::by(holder);
                    // What is not listed is not bound, and to remove it would take the
                    // holder off a registrar that keeps one binding a user.
                    if !list.iter().any(|binding| binding.kind == Kind::Ghost) {
                        self.exposed.clear();
                    }
                    let ghosts = Self::removals(&list, &[Kind::Ghost]);
                    if ghosts.is_empty() {
                        return self.refuse(refusal);
                    }
                    // Whoever is refused leaves nothing behind that would ring.
                    let removals = Register {
                        contacts: ghosts,
                        ..self.removal()
                    };
                    self.step = Step::Withdraw {
                        then: Then::Refuse(refusal),
                    };
                    self.send(removals);
                }
                None => {
                    let ghosts = Self::removals(&list, &[Kind::Ghost]);
                    self.progress.listed = list;
                    self.register(now, ghosts);
                }
            },
            Goal::Keep(_) => self.keep(now, list, true),
            Goal::Idle | Goal::Leave(_) => {}
        }
    }

    /// Makes ready for a new claim: what an earlier try of this login may have
    /// bound is a ghost now, and goes with the others.
    pub(super) fn disown(&mut self, mut list: Vec<Binding>) -> Vec<Binding> {
        self.stay.claim = None;
        for binding in list.iter_mut().filter(|binding| binding.kind == Kind::Own) {
            binding.kind = Kind::Ghost;
        }
        list
    }

    /// Takes the next way of the force.
    pub(super) fn remove_rivals(&mut self, now: Instant, way: Removal) {
        self.progress.removal = Some(way);
        // The hint must be sent before the removal: afterwards Kamailio routes
        // nothing to the rival's GRUU any more.
        let list = core::mem::take(&mut self.progress.listed);
        self.hint_rivals(&list);
        self.progress.listed = list;
        let untagged = rivals(&self.progress.listed).filter(|rival| rival.claim.is_none());
        let untagged: Vec<String> = untagged.map(|rival| rival.uri.clone()).collect();
        self.stay.removed.extend(untagged);
        match way {
            Removal::ByName => {
                let kinds = [Kind::Rival, Kind::Ghost];
                self.register(now, Self::removals(&self.progress.listed, &kinds));
            }
            Removal::All if !self.progress.cleared => self.clear(),
            Removal::All | Removal::Beside => self.register(now, Vec::new()),
        }
    }

    /// Tells the rivals in `list` that understand it to look. Where no GRUU is
    /// listed, the address-of-record is forked to all its contacts, theirs too.
    fn hint_rivals(&mut self, list: &[Binding]) {
        let understand = rivals(list).filter(|rival| rival.claim.is_some());
        for rival in understand.take(MAX_HINTS) {
            let aor = || concat(&["sip:", &self.settings.user, "@", &self.settings.domain]);
            let hint = Action::Hint(rival.pub_gruu.clone().unwrap_or_else(aor));
            if !self.actions.contains(&hint) {
                self.actions.push(hint);
            }
        }
    }

    /// Judges the list that a logged-in client got.
    fn keep(&mut self, now: Instant, list: Vec<Binding>, query: bool) {
        let Some(own) = &self.stay.claim else { return };
        let own_listed = list.iter().any(|binding| binding.kind == Kind::Own);
        let doubted = self.kept().and_then(|kept| kept.doubted);
        match judge(&list, own, &self.stay.removed) {
            Verdict::Ousted(rival, reason) => self.oust(now, reason, rival.holder(), own_listed),
            Verdict::Doubt if doubted.is_some_and(|since| since + DOUBT <= now) => {
                let rival = rivals(&list).find(|rival| rival.claim.is_some());
                let by = rival.map(Binding::holder).unwrap_or_default();
                self.oust(now, "takenOver", by, own_listed);
            }
            Verdict::Doubt => {
                if doubted.is_none() {
                    self.look_at(now + DOUBT);
                }
                self.doubt(doubted.or(Some(now)));
                self.confirm_or_refresh(now, query);
            }
            Verdict::Stay => {
                self.doubt(None);
                // A rival that is listed beside us has to leave, and learns of it
                // by looking.
                self.hint_rivals(&list);
                self.confirm_or_refresh(now, query);
            }
            Verdict::LogInAgain if query => {
                // Where there is room for one contact only, ours pushes theirs out,
                // and the way to them with it; and theirs ours, if it was under way.
                let rival = rivals(&list).next().is_some();
                if rival {
                    self.hint_rivals(&list);
                }
                // Not in step with each other again and again, be it another device that
                // pushes us out.
                let others = || list.iter().any(|binding| binding.kind == Kind::Other);
                let pushed_out = rival || self.is_confirmed() && others();
                let again = |kept: &mut Kept| pushed_out && kept.takes_back_again();
                if self.kept_mut().is_some_and(again) {
                    let wait = Duration::from_millis(1000 + self.random.below(3000));
                    return self.pause(now + wait);
                }
                if rival {
                    self.look_at(now + DOUBT);
                }
                let ghosts = Self::removals(&list, &[Kind::Ghost]);
                self.progress.listed = list;
                self.register(now, ghosts);
            }
            // Our own REGISTER was accepted and yet is not listed.
            Verdict::LogInAgain => self.not_listed(now),
        }
    }

    fn doubt(&mut self, since: Option<Instant>) {
        if let Some(kept) = self.kept_mut() {
            kept.doubted = since;
        }
    }

    /// After a look that found all in order: refresh if that is due, too.
    fn confirm_or_refresh(&mut self, now: Instant, query: bool) {
        let due = |kept: &Kept| kept.unconfirmed || kept.bound.refresh_at <= now;
        if query && self.kept().is_none_or(due) {
            self.register(now, Vec::new());
        } else if query {
            self.plan_look(now + LOOK_INTERVAL);
        }
    }

    fn registered(&mut self, now: Instant, answer: &Message) {
        self.outbound.observe(answer);
        let list = self.list(answer);
        let cisco = self.profile == Some(Profile::Cisco);
        if cisco && self.settings.profile.is_none() && !speaks_cisco(answer) {
            // The remembered profile is out of date: start again, looking first.
            self.profile = Some(Profile::Generic);
            self.stay.contradicted = true;
            return self.withdraw(Then::Again);
        }
        // What nobody removed, and had time left, is gone.
        let gone = |known: &Binding| {
            known.expires.is_none_or(|left| left > 5)
                && !self.sent.contains(&removal_of(&known.uri))
                && !list.iter().any(|binding| binding.uri == known.uri)
        };
        self.replaces |= !self.progress.cleared && self.progress.listed.iter().any(gone);
        // Who refuses by himself lists our own alone, or nobody.
        let trusting = cisco && rivals(&list).next().is_none();
        let own_listed = list.iter().any(|binding| binding.kind == Kind::Own);
        match self.goal {
            Goal::Idle | Goal::Leave(_) => {}
            _ if trusting || self.settings.kind == RegistrationType::Normal => {
                self.confirmed(now, answer, &list);
            }
            Goal::Login(Login { forced: false, .. })
                if !own_listed && rivals(&list).next().is_none() =>
            {
                self.not_listed(now);
            }
            Goal::Login(Login { forced: false, .. }) => match rivals(&list).next() {
                Some(rival) => {
                    // Whoever sees a rival in its first 200 withdraws, always.
                    let last = self.progress.rounds >= MAX_ROUNDS;
                    let refusal = Refusal::by(rival.holder());
                    self.progress.rounds += 1;
                    self.withdraw(match last {
                        true => Then::Refuse(refusal),
                        false => Then::Again,
                    });
                }
                None => {
                    self.confirmed(now, answer, &list);
                    if self.replaces {
                        // Of two that log in at once each sees itself alone.
                        self.look_again_soon(now);
                    }
                }
            },
            Goal::Login(Login { forced: true, .. }) => self.forced_in(now, answer, list),
            Goal::Keep(_) => {
                let confirmed = own_listed;
                if confirmed {
                    self.confirmed(now, answer, &list);
                }
                if self.kept().is_some() {
                    self.keep(now, list, false);
                }
            }
        }
    }

    /// A forced login succeeds when its Contact is listed and nobody has a
    /// higher claim; otherwise another force came in between.
    fn forced_in(&mut self, now: Instant, answer: &Message, list: Vec<Binding>) {
        let Some(own) = &self.stay.claim else { return };
        match judge(&list, own, &[]) {
            Verdict::LogInAgain if self.progress.rounds < MAX_ROUNDS => {
                self.progress.rounds += 1;
                self.query();
            }
            Verdict::LogInAgain => {
                self.fail(Fault::with_status(Situation::NotListed, answer.status()));
            }
            Verdict::Doubt | Verdict::Ousted(..) if self.progress.rounds < MAX_ROUNDS => {
                // The later one at the registrar is ours, and it is a force: top
                // the claim.
                self.progress.rounds += 1;
                self.progress.listed = self.disown(list);
                let way = first_removal(&self.progress.listed, self.settings.may_remove_others);
                self.remove_rivals(now, way);
            }
            Verdict::Stay | Verdict::Doubt => {
                // Of a naive rival that does not go nothing can be said when it is
                // seen again.
                let stays = |uri: &String| list.iter().any(|binding| binding.uri == *uri);
                self.stay.removed.retain(|uri| !stays(uri));
                self.stay.beside = rivals(&list).any(|rival| rival.claim.is_none());
                // A rival that looked between two rounds saw nobody and came back;
                // where there is room for one, we are out.
                let gap = self.progress.cleared || self.progress.rounds > 0;
                self.confirmed(now, answer, &list);
                self.hint_rivals(&list);
                if gap {
                    self.look_again_soon(now);
                }
            }
            Verdict::Ousted(rival, _) => {
                self.refuse(Refusal::by(rival.holder()));
            }
        }
    }

    /// A 200 that does not list what it accepted: ask, a few times.
    fn not_listed(&mut self, now: Instant) {
        if self.progress.rounds < MAX_ROUNDS {
            self.progress.rounds += 1;
            match self.lists() {
                true => self.query(),
                false => self.pause(now + KEEP_RETRY.min(Duration::from_secs(2))),
            }
        } else {
            self.fail(Fault::with_status(Situation::NotListed, 200));
        }
    }

    fn confirmed(&mut self, now: Instant, answer: &Message, list: &[Binding]) {
        let uri = self.own_uri(self.outbound.home_number().unwrap_or(1));
        let own = list.iter().find(|binding| binding.uri == uri);
        let own = own.or_else(|| list.iter().find(|binding| binding.kind == Kind::Own));
        let granted = own
            .and_then(|binding| binding.expires)
            .or_else(|| answer.expires())
            .unwrap_or_else(|| self.expires());
        if granted == 0 {
            return self.fail(Fault::with_status(
                Situation::NothingGranted,
                answer.status(),
            ));
        }
        // An answer may be read long after it was given: the machine slept.
        let since = self.asked_at;
        let bound = Bound {
            granted,
            refresh_at: since + refresh_after(granted),
            lapses_at: since + Duration::from_secs(granted.into()),
            look_at: None,
        };
        let (news, login) = match &mut self.goal {
            Goal::Keep(kept) => {
                kept.bound = bound;
                (core::mem::take(&mut kept.unconfirmed), false)
            }
            goal => {
                *goal = Goal::Keep(Kept::new(bound));
                (true, true)
            }
        };
        // Of two that log in at once each sees itself alone where the later one replaces
        // the other. Those that do so list contacts bare: there the one with the better
        // claim finds out at once, or the other one would hear of it at its second look.
        let may_replace = own.is_some_and(|own| !own.nameable);
        self.plan_look(match login && may_replace && !self.stay.query_refused {
            true => now + DOUBT,
            false => now + LOOK_INTERVAL,
        });
        self.held_until = None;
        self.progress.succeed();
        if news {
            self.actions.push(Action::Outcome(Outcome::Registered));
        }
        if self.profile != Some(Profile::Cisco) {
            self.sweep(list);
        }
    }
}

/// Whether an answer comes from a registrar that refuses by itself, as Cisco's do. A
/// vendor's name, or another feature of his, proves nothing.
fn speaks_cisco(answer: &Message) -> bool {
    ["X-cisco-graceful-reg", "X-cisco-duplicate-reg"]
        .iter()
        .any(|tag| answer.has_option(Name::Supported, tag))
}
