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
        let millis = duration.as_secs().saturating_mul(1000);
        let millis = millis.saturating_add(duration.subsec_millis().into());
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
