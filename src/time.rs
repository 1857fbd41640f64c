//! Time as the machines see it: an integer of milliseconds handed in by the host.

use core::ops::{Add, Sub};
pub use core::time::Duration;

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

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates: a deadline too far away to count is one that never comes.
    fn add(self, duration: Duration) -> Instant {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(millis))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time since `earlier`; zero if `earlier` is in fact later.
    fn sub(self, earlier: Instant) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
