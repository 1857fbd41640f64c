//! Time as the machines see it: an integer of milliseconds handed in by the host.

use core::num::NonZeroU64;
use core::ops::{Add, Div, Mul, Sub};

/// A point in time, in milliseconds. Hosts count from the Unix epoch, so that
/// [`Instant::seconds`] can be compared with a `Date` header; tests may start
/// anywhere.
///
/// Counted from one, not from zero: the machines are full of deadlines that may not
/// be set, and an `Option` of a number that is never zero is as small as the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(NonZeroU64);

impl Instant {
    /// The instant `millis` milliseconds after the host's zero.
    pub const fn from_millis(millis: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(millis))
    }

    /// Milliseconds since the host's zero.
    pub const fn millis(self) -> u64 {
        self.0.get() - 1
    }

    /// Whole seconds since the host's zero.
    pub const fn seconds(self) -> u64 {
        self.millis() / 1000
    }
}

impl Default for Instant {
    fn default() -> Self {
        Self(NonZeroU64::MIN)
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
        Duration(self.0.get().saturating_sub(earlier.0.get()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_that_may_be_missing_is_as_small_as_one_and_none_is_lost() {
        assert_eq!(size_of::<Option<Instant>>(), size_of::<u64>());
        for millis in [0, 1, u64::MAX - 1] {
            assert_eq!(Instant::from_millis(millis).millis(), millis);
        }
        let never = Instant::from_millis(u64::MAX);
        assert_eq!(never + Duration::from_millis(1), never);
        assert_eq!(Instant::default(), Instant::from_millis(0));
        let (early, late) = (Instant::default(), Instant::from_millis(7));
        assert_eq!((late - early, early - late), (Duration(7), Duration(0)));
    }
}
