//! Time as the machines see it: an integer of milliseconds handed in by the host.

use core::ops::{Add, Div, Mul, Sub};

/// A point in time, in milliseconds. Hosts count from the Unix epoch, so that
/// [`Instant::seconds`] can be compared with a `Date` header; tests may start
/// anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The instant `millis` milliseconds after the host's zero.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the host's zero.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the host's zero.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// A span of time in whole milliseconds: what hosts can wait. The standard
/// library's counts seconds and nanoseconds apart, which is a few instructions
/// more wherever a deadline is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// The earliest of several deadlines.
pub(crate) fn earliest(deadlines: &[Option<Instant>]) -> Option<Instant> {
    let mut earliest = None;
    for deadline in deadlines.iter().flatten() {
        if earliest.is_none_or(|earliest| *deadline < earliest) {
            earliest = Some(*deadline);
        }
    }
    earliest
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates: a deadline too far away to count is one that never comes.
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(duration.0))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time since `earlier`; zero if `earlier` is in fact later.
    fn sub(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Mul<u32> for Duration {
    type Output = Duration;

    fn mul(self, factor: u32) -> Duration {
        Duration(self.0.saturating_mul(factor.into()))
    }
}

impl Mul<Duration> for u32 {
    type Output = Duration;

    fn mul(self, duration: Duration) -> Duration {
        duration * self
    }
}

impl Div<u32> for Duration {
    type Output = Duration;

    /// Nothing can be divided by zero: the whole.
    fn div(self, divisor: u32) -> Duration {
        Duration(self.0.checked_div(divisor.into()).unwrap_or(self.0))
    }
}
