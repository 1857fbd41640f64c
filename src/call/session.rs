//! Session timers (RFC 4028): a call whose far end has vanished ends by itself.

use super::{Action, Call, Cause, FLOW_FAILED, Job, Line, dialog_headers};
use crate::prelude::*;
use crate::sip::{Message, Name, Params, unquote};
use crate::text::{concat, cut, decimal, number};
use crate::time::{Duration, Instant, earliest};
use crate::transaction::Request;

/// Interval asked for, in seconds (RFC 4028 §4).
const INTERVAL: u32 = 1800;
/// Shortest interval accepted (RFC 4028 §4).
pub(super) const MIN: u32 = 90;
/// Before a refresh that failed for a passing reason is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// The timer of one session.
pub(super) struct Session {
    interval: u32,
    min: u32,
    /// The timer runs.
    runs: bool,
    /// We refresh.
    ours: bool,
    refresh_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            min: MIN,
            runs: false,
            ours: false,
            refresh_at: None,
            expires_at: None,
        }
    }
}

impl Session {
    /// Adds what our INVITE or UPDATE says of the timer.
    pub fn offer(&self, request: &mut Request) {
        let interval = decimal(self.interval.into());
        let refresher = match (self.runs, self.ours) {
            (false, _) => "",
            (_, true) => ";refresher=uac",
            (_, false) => ";refresher=uas",
        };
        request.header("Session-Expires", &concat(&[&interval, refresher]));
        request.header("Min-SE", &decimal(self.min.into()));
    }

    /// Takes a 2xx to our INVITE or UPDATE.
    pub fn answered(&mut self, now: Instant, answer: &Message) {
        match read(answer) {
            Some((interval, callee)) => {
                let ours = callee != Some(true);
                self.start(now, interval, ours);
            }
            None => self.stop(),
        }
    }

    /// Adds to the headers of our 2xx what it says of the timer.
    pub fn answer(&mut self, now: Instant, request: &Message, headers: &mut Vec<(String, String)>) {
        let mut header =
            |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        let theirs = request.has_option(Name::Supported, "timer");
        let (interval, ours) = match read(request) {
            Some((interval, callee)) if theirs => (interval, callee == Some(true)),
            Some((interval, _)) => (interval, true),
            None => (self.interval, true),
        };
        let refresher = if ours {
            ";refresher=uas"
        } else {
            ";refresher=uac"
        };
        if !ours {
            header("Require", "timer");
        }
        self.start(now, interval, ours);
        header(
            "Session-Expires",
            &concat(&[&decimal(self.interval.into()), refresher]),
        );
    }

    /// Takes a 422: asks for as much as the far end wants. `false`: it wants
    /// nothing that makes sense.
    pub fn raise(&mut self, answer: &Message) -> bool {
        let wanted = answer.header(Name::MinSe).and_then(seconds);
        let Some(wanted) = wanted.filter(|wanted| *wanted > self.min) else {
            return false;
        };
        self.min = wanted;
        self.interval = self.interval.max(wanted);
        true
    }

    /// A refresh failed, but the session may live.
    pub fn put_off(&mut self, now: Instant) {
        self.refresh_at = self.expires_at.map(|expires| expires.min(now + RETRY));
    }

    fn start(&mut self, now: Instant, interval: u32, ours: bool) {
        // A far end that wants less would keep us busy with refreshing.
        let interval = interval.max(MIN);
        self.interval = interval;
        self.runs = true;
        self.ours = ours;
        // RFC 4028 §10: the end comes a little early, so that a BYE arrives.
        let early = (interval / 3).min(32);
        let after = |seconds: u32| Some(now + Duration::from_secs(seconds.into()));
        self.expires_at = after(interval.saturating_sub(early));
        self.refresh_at = after(interval / 2).filter(|_| ours);
    }

    fn stop(&mut self) {
        self.runs = false;
        self.refresh_at = None;
        self.expires_at = None;
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(&[self.refresh_at, self.expires_at])
    }
}

impl Call {
    pub(super) fn session_timeout(&mut self, line: &mut Line) {
        let now = line.now;
        let session = &mut self.session;
        if session.expires_at.take_if(|at| *at <= now).is_some() {
            self.leave(line, 408, None);
            let text = "The far end did not refresh the call.";
            return self.end(line, Cause::Failed, Some(408), text);
        }
        if session.refresh_at.take_if(|at| *at <= now).is_none() {
            return;
        }
        if self.flow.is_none() {
            return session.put_off(now);
        }
        if self.peer.update {
            let mut update = self.dialog.request("UPDATE");
            update.headers.extend(dialog_headers(&self.contact));
            self.session.offer(&mut update);
            line.send(self.id, Job::Update, update);
        } else {
            self.want_refresh(line);
        }
    }

    pub(super) fn update_answered(&mut self, line: &mut Line, answer: &Message) {
        if !self.is_established() {
            return;
        }
        match answer.status() {
            200..300 => {
                self.dialog.refresh_target(answer);
                self.learn(line, answer);
                self.session.answered(line.now, answer);
            }
            422 if self.session.raise(answer) => self.session.refresh_at = Some(line.now),
            status @ (408 | 481) => self.broken(line, status),
            405 | 501 => {
                self.peer.update = false;
                self.session.refresh_at = Some(line.now);
            }
            status => {
                if status == FLOW_FAILED {
                    line.actions.push(Action::Look);
                }
                self.session.put_off(line.now);
            }
        }
    }
}

/// Session-Expires: the interval, and whether the callee refreshes.
fn read(message: &Message) -> Option<(u32, Option<bool>)> {
    let value = message.header(Name::SessionExpires)?;
    let uas = |refresher: &str| refresher.eq_ignore_ascii_case("uas");
    let refresher = Params::read(value).get("refresher").map(unquote);
    Some((seconds(value)?, refresher.map(|refresher| uas(&refresher))))
}

/// Whether `request` asks for an interval that is too short (RFC 4028 §9).
pub(super) fn is_too_brief(request: &Message) -> bool {
    request.has_option(Name::Supported, "timer")
        && read(request).is_some_and(|(interval, _)| interval < MIN)
}

fn seconds(text: &str) -> Option<u32> {
    let value = cut(text, b';').map_or(text, |(value, _)| value.trim_ascii());
    number(value).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}
