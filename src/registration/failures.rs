//! What it means when the registrar does not say 200: conflicts, limits, waits,
//! redirects, refusals.

use super::answers::{KEEP_RETRY, MAX_ROUNDS};
use super::goal::Login;
use super::judge::{Removal, first_removal, rivals};
use super::listing::{Binding, Holder, Kind};
use super::{Goal, Profile, Refusal, Registration, RegistrationType, Step};
use crate::fault::{Fault, Situation};
use crate::prelude::*;
use crate::sip::{Message, Name, NameAddr, Uri, sanitize_text, unquote};
use crate::text::{concat, cut, mentions, number};
use crate::time::{Duration, Instant};

/// How often a server error without `Retry-After` is tried again in a login.
const MAX_SERVER_ERRORS: u8 = 2;
/// Between two attempts of a client that is kept out by its own ghost.
const GHOST_RETRY: Duration = Duration::from_secs(2);
/// A shorter `Retry-After` is not waited for again and again.
const RETRY_LEAST: Duration = Duration::from_secs(1);
/// Who is registered looks again after this long, whatever `Retry-After` says.
const KEEP_RETRY_MOST: Duration = Duration::from_secs(3600);
/// Largest `Min-Expires` that is followed: one day.
const MAX_EXPIRES: u32 = 86_400;

impl Registration {
    pub(super) fn query_failed(&mut self, now: Instant, answer: &Message) {
        if let Some(limit) = self.progress.pending_limit.take() {
            let listed = core::mem::take(&mut self.progress.listed);
            return self.limit_reached(now, limit, listed);
        }
        match answer.status() {
            _ if is_conflict(answer) => self.conflict(now, answer),
            _ if is_unauthorised(answer) => self.unauthorised(now, answer),
            300..400 => self.redirected(now, answer),
            501 => self.without_list(now),
            500..600 => self.server_error(now, answer, true),
            _ if self.may_pass(answer) => self.server_error(now, answer, true),
            400 | 405 | 416 | 420..423 | 480..500 => self.without_list(now),
            // Who was let in before is not to come back past somebody whom he cannot see.
            _ if self.kept().is_some() => self.rejected_by_server(answer),
            _ => self.without_list(now),
        }
    }

    /// Lists nothing: register, and judge by the list in the 200.
    fn without_list(&mut self, now: Instant) {
        self.stay.query_refused = true;
        self.register(now, Vec::new());
    }

    /// Nobody answered. `true`: the login has another way to go.
    pub fn unanswered(&mut self) -> bool {
        match (&self.goal, &self.step) {
            (Goal::Leave(_), _) => self.left(),
            (Goal::Login(_), Step::Query) => {
                self.stay.silent_queries += 1;
                return true;
            }
            (Goal::Keep(_), Step::Query) if self.stay.silent_queries > 0 => {
                self.stay.silent_queries += 1
            }
            _ => {}
        }
        false
    }

    /// Whether a refusal is one for now alone. A login waits where RFC 3261 §20.33 has
    /// a Retry-After; who is registered, for whatever is not said to be for good.
    fn may_pass(&self, answer: &Message) -> bool {
        let told = answer.retry_after().is_some();
        match answer.status() {
            404 | 413 | 480 | 486 | 500 | 503 | 600 | 603 if told => true,
            408 | 480 | 500..600 => self.kept().is_some(),
            _ => told && self.kept().is_some(),
        }
    }

    pub(super) fn register_failed(&mut self, now: Instant, answer: &Message) {
        let status = answer.status();
        let limit_text = limit_text(answer);
        match status {
            _ if is_conflict(answer) => self.conflict(now, answer),
            _ if is_unauthorised(answer) => self.unauthorised(now, answer),
            300..400 => self.redirected(now, answer),
            423 => self.interval_too_brief(now, answer),
            _ if limit_text.is_none() && self.may_pass(answer) => {
                self.server_error(now, answer, false)
            }
            // First Hop Lacks Outbound Support (RFC 5626 §11.6).
            439 if self.outbound.refused() => self.register(now, Vec::new()),
            403 | 503 | 603 if self.profile == Some(Profile::Cisco) && limit_text.is_none() => {
                match status {
                    503 => self.server_error(now, answer, false),
                    _ => self.rejected_by_server(answer),
                }
            }
            403 | 503 | 600..700 => self.check_limit(answer, limit_text),
            500..600 => self.server_error(now, answer, false),
            _ => self.rejected_by_server(answer),
        }
    }

    /// 403 with Cisco's Warning: the registrar says by itself that another
    /// client holds the device.
    fn conflict(&mut self, now: Instant, answer: &Message) {
        let holder = holder(answer);
        let ourselves = holder.as_ref().is_some_and(|holder| {
            let same = |a: &Option<String>, b: &str| a.as_deref() == Some(b);
            same(&holder.contact, &self.user_part())
                || same(&holder.instance_id, &self.settings.instance_id)
        });
        let named = holder.is_some();
        let by = holder.unwrap_or_default();
        match &self.goal {
            Goal::Login(login) => {
                // Hidden contacts: it may be our own ghost, if we remember
                // having held the line.
                let may_be_ghost = ourselves || !named;
                if may_be_ghost && login.ghost_until.is_some_and(|until| until > now) {
                    return self.pause(now + GHOST_RETRY);
                }
                let mut refusal = Refusal::by(by);
                refusal.fault.status = Some(answer.status());
                refusal.fault.said = answer.warning();
                self.refuse(refusal);
            }
            Goal::Keep(kept) => {
                let lapsed = kept.bound.lapses_at <= now;
                let ghost = ourselves || (!named && kept.unconfirmed && !lapsed);
                if self.settings.kind == RegistrationType::Normal || ghost {
                    self.pause(now + KEEP_RETRY);
                } else {
                    self.oust(now, "refused", by, false);
                }
            }
            Goal::Idle | Goal::Leave(_) => {}
        }
    }

    /// The registrar does not accept the device, unless the REGISTER did not show which
    /// one it is.
    fn unauthorised(&mut self, now: Instant, answer: &Message) {
        if self.unshown {
            return self.first_step(now);
        }
        self.refused_for_good(Situation::NotAuthorised, answer);
    }

    /// 423 (RFC 3261 §10.2.8).
    fn interval_too_brief(&mut self, now: Instant, answer: &Message) {
        match answer.min_expires() {
            Some(least) if least > self.expires() && least <= MAX_EXPIRES => {
                self.asked_expires = Some(least);
                let kinds = [Kind::Ghost, Kind::Rival];
                let removals = match self.progress.removal {
                    Some(Removal::ByName) => Self::removals(&self.progress.listed, &kinds),
                    _ => Self::removals(&self.progress.listed, &[Kind::Ghost]),
                };
                self.register(now, removals);
            }
            _ => self.rejected_by_server(answer),
        }
    }

    /// An answer that may mean "too many contacts": the list tells.
    fn check_limit(&mut self, answer: &Message, limit_text: Option<String>) {
        let text = limit_text.clone().or_else(|| answer.warning());
        let reason = text.unwrap_or_else(|| sanitize_text(answer.reason()));
        let at = if limit_text.is_some() {
            Situation::DeviceLimit
        } else if answer.status() == 403 && self.doubtful && answer.warning().is_none() {
            // Seen on FreeSWITCH: that is what it says to a wrong password.
            Situation::LoginForbidden
        } else {
            Situation::LoginRefused
        };
        let fault = Fault::answered(at, answer.status(), reason);
        if !self.lists() {
            return self.fail(fault);
        }
        self.progress.pending_limit = Some(fault);
        self.query();
    }

    pub(super) fn limit_reached(&mut self, now: Instant, limit: Fault, list: Vec<Binding>) {
        let login = matches!(self.goal, Goal::Login(_));
        let forced = matches!(self.goal, Goal::Login(Login { forced: true, .. }));
        let others = list.iter().any(|binding| binding.kind == Kind::Other);
        let ghosts = list
            .iter()
            .any(|binding| matches!(binding.kind, Kind::Ghost | Kind::Own));
        let rival = rivals(&list).next().map(Binding::holder);
        let clearable = login && !others && !list.is_empty() && !self.progress.cleared;
        let nameable = first_removal(&list, false) == Removal::ByName;
        // Seen on OpenSIPS: what a REGISTER removes makes no room within it, and is
        // removed all the same.
        let shrunk = list.len() < self.progress.listed.len();
        match rival {
            Some(by) if !forced => {
                if self.kept().is_some() {
                    return self.oust(now, "refused", by, false);
                }
                let at = Situation::DeviceHeld;
                let fault = Fault { at, ..limit };
                self.refuse(Refusal { holder: by, fault });
            }
            // Another force came in between and took the place that ours had made:
            // its contact can be named, too.
            Some(_) if forced && self.progress.rounds < MAX_ROUNDS && nameable => {
                self.progress.rounds += 1;
                self.progress.listed = self.disown(list);
                self.remove_rivals(now, Removal::ByName);
            }
            _ if login && shrunk && self.progress.rounds < MAX_ROUNDS => {
                self.progress.rounds += 1;
                self.progress.listed = list;
                self.register(now, Vec::new());
            }
            _ if clearable && (forced || ghosts) => {
                self.progress.listed = list;
                self.remove_rivals(now, Removal::All);
            }
            _ if others => {
                let at = Situation::DeviceLimit;
                self.fail(Fault { at, ..limit });
            }
            _ => self.fail(limit),
        }
    }

    /// 3xx (RFC 3261 §8.1.3.4): asks the named registrar over the same flow.
    fn redirected(&mut self, now: Instant, answer: &Message) {
        let target = answer.contacts().list.iter().find_map(|contact| {
            // Scheme, host, port and parameters (RFC 3261 §10.2).
            let uri = Uri::request_part(contact.uri)?;
            let (scheme, rest) = cut(uri, b':')?;
            let host = cut(rest, b'@').map_or(rest, |(_, host)| host);
            let sip = Uri::parse(uri)?.is_sip();
            sip.then(|| concat(&[scheme, ":", host]))
        });
        match target {
            Some(target) if self.progress.redirects < 2 => {
                self.progress.redirects += 1;
                self.progress.target = Some(target);
                self.first_step(now);
            }
            _ => self.rejected_by_server(answer),
        }
    }

    /// 5xx: wait as told, within the login's bound; a kept binding goes on until
    /// it lapses.
    fn server_error(&mut self, now: Instant, answer: &Message, query: bool) {
        let told = answer
            .retry_after()
            .map(|seconds| Duration::from_secs(seconds.into()));
        let wait = told.unwrap_or_else(|| Duration::from_millis(2000 + self.random.below(2000)));
        match &self.goal {
            Goal::Keep(_) => self.pause(now + wait.clamp(KEEP_RETRY, KEEP_RETRY_MOST)),
            Goal::Login(login) => {
                self.progress.server_errors += 1;
                let in_time = login.deadline.is_none_or(|deadline| now + wait < deadline);
                let soon = self.progress.server_errors <= MAX_SERVER_ERRORS;
                if in_time && (soon || told.is_some_and(|told| told >= RETRY_LEAST)) {
                    self.pause(now + wait);
                } else if query && told.is_none() {
                    self.without_list(now);
                } else {
                    self.rejected_by_server(answer);
                }
            }
            Goal::Idle | Goal::Leave(_) => {}
        }
    }

    fn rejected_by_server(&mut self, answer: &Message) {
        let at = match limit_text(answer) {
            Some(_) => Situation::DeviceLimit,
            None => Situation::LoginRefused,
        };
        self.refused_for_good(at, answer);
    }

    fn refused_for_good(&mut self, at: Situation, answer: &Message) {
        let said = answer
            .warning()
            .unwrap_or_else(|| sanitize_text(answer.reason()));
        self.fail(Fault::answered(at, answer.status(), said));
    }
}

/// 403 with a Warning 399 that tells of another client. Other 403s are not
/// conflicts.
fn is_conflict(answer: &Message) -> bool {
    forbids(answer, "active for another client")
}

/// 403 with a Warning 399 that the device is none of the user's, or none any more.
fn is_unauthorised(answer: &Message) -> bool {
    // However it spells it.
    forbids(answer, "device not authori")
}

/// 403 with such a Warning 399.
fn forbids(answer: &Message, why: &str) -> bool {
    let says = |warning: &str| warning.starts_with("399") && mentions(warning, why);
    answer.status() == 403 && answer.values(Name::Warning).any(says)
}

/// What a registrar says when it has too many contacts for the user.
fn limit_text(answer: &Message) -> Option<String> {
    if let Some(error) = answer.header_named("P-Registrar-Error") {
        return mentions(error, "too many").then(|| sanitize_text(error));
    }
    let texts = [Some(answer.reason().to_owned()), answer.warning()];
    texts.into_iter().flatten().find(|text| {
        [
            "too many contacts",
            "too many registered",
            "instance id is intercepted",
        ]
        .iter()
        .any(|known| mentions(text, known))
    })
}

/// Who our own registrars name in a refusal.
fn holder(answer: &Message) -> Option<Holder> {
    let value = answer.header_named("X-Graceline-Holder")?;
    // The header is an instance in quotes with parameters: read it as the
    // parameters of a name-addr, whose grammar is the same.
    let holder = concat(&["<sip:holder.invalid>;instance=", value]);
    let holder = NameAddr::parse(&holder)?;
    let text = |name| {
        let value = holder
            .params
            .get(name)
            .map(|value| sanitize_text(&unquote(value)));
        value.filter(|value| !value.is_empty())
    };
    Some(Holder {
        instance_id: text("instance"),
        contact: text("contact"),
        user_agent: text("agent"),
        since: holder.params.get("since").and_then(number),
    })
}
