//! Session timers (RFC 4028): a session whose far end has vanished ends by itself.

use crate::prelude::*;
use crate::sip::{Message, Name, Params, unquote};
use crate::text::{concat, cut, decimal, number};
use crate::time::{Duration, Instant, earliest};
use crate::transaction::Request;

/// Interval asked for, in seconds (RFC 4028 §4).
const INTERVAL: u32 = 1800;
/// Shortest interval accepted (RFC 4028 §4).
pub const MIN: u32 = 90;
/// Before a refresh that failed for a passing reason is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// The timer of one session.
pub struct SessionTimer {
    interval: u32,
    min: u32,
    /// Longest interval that is granted.
    most: u32,
    /// The timer runs.
    runs: bool,
    /// We refresh.
    ours: bool,
    refresh_at: Option<Instant>,
    expires_at: Option<Instant>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// To refresh the session.
    Refresh,
    /// The far end did not refresh it: it is over.
    Expired,
}

impl Default for SessionTimer {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            min: MIN,
            most: u32::MAX,
            runs: false,
            ours: false,
            refresh_at: None,
            expires_at: None,
        }
    }
}

impl SessionTimer {
    /// One that grants at most so many seconds, to know sooner who has vanished.
    #[cfg(feature = "gateway")]
    pub fn granting(most: u32) -> Self {
        let timer = Self::default();
        Self { most, ..timer }
    }

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
            Some((interval, callee)) if theirs => {
                // Not below what proxies on the way want (RFC 4028 §9).
                let min = request.header(Name::MinSe).and_then(seconds);
                let most = self.most.max(min.unwrap_or(MIN));
                (interval.min(most), callee == Some(true))
            }
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

    /// What is due at `now`; told once.
    pub fn due(&mut self, now: Instant) -> Due {
        if self.expires_at.take_if(|at| *at <= now).is_some() {
            Due::Expired
        } else if self.refresh_at.take_if(|at| *at <= now).is_some() {
            Due::Refresh
        } else {
            Due::Nothing
        }
    }

    /// To be refreshed once more, at once.
    pub fn refresh_at_once(&mut self, now: Instant) {
        self.refresh_at = Some(now);
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

    /// When [`SessionTimer::due`] is to be asked.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(&[self.refresh_at, self.expires_at])
    }
}

/// Whether the far end wants us, whom it calls, to refresh the session.
#[cfg(feature = "gateway")]
pub fn is_ours(request: &Message) -> bool {
    matches!(read(request), Some((_, Some(true))))
}

/// Session-Expires: the interval, and whether the callee refreshes.
fn read(message: &Message) -> Option<(u32, Option<bool>)> {
    let value = message.header(Name::SessionExpires)?;
    let uas = |refresher: &str| refresher.eq_ignore_ascii_case("uas");
    let refresher = Params::read(value).get("refresher").map(unquote);
    Some((seconds(value)?, refresher.map(|refresher| uas(&refresher))))
}

/// Whether `request` asks for an interval that is too short (RFC 4028 §9).
pub fn is_too_brief(request: &Message) -> bool {
    request.has_option(Name::Supported, "timer")
        && read(request).is_some_and(|(interval, _)| interval < MIN)
}

/// The interval that an answer grants, in seconds.
pub fn interval(answer: &Message) -> Option<u32> {
    read(answer).map(|(interval, _)| interval)
}

fn seconds(text: &str) -> Option<u32> {
    let value = cut(text, b';').map_or(text, |(value, _)| value.trim_ascii());
    number(value).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}
