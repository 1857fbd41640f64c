//! When to try an address again, and how many requests a server may make us send.

use crate::rand::Random;
use crate::time::{Duration, Instant};

/// Longest pause between two attempts. RFC 5626 §4.5 would allow half an hour;
/// a person is looking at the page.
const LONGEST: u64 = 30_000;

/// The pause before attempt number `failures` (1 = the first after a loss):
/// almost at once, then 1, 2, 4 … 30 s, each ±30 % so that the clients of a
/// restarted server do not come back in step.
pub fn reconnect_delay(failures: u32, random: &mut Random) -> Duration {
    let Some(doublings) = failures.checked_sub(2) else {
        return Duration::from_millis(random.below(250));
    };
    let base = 1000u64
        .checked_shl(doublings)
        .filter(|base| *base < LONGEST)
        .unwrap_or(LONGEST);
    Duration::from_millis(base * 7 / 10 + random.below(base * 6 / 10))
}

/// One request in this many milliseconds, in the long run.
const EVERY: u64 = 2_000;
/// So many at once: two forced logins that meet every obstacle.
const BURST: u64 = 30;

/// Whatever a server answers, it makes us send no more than 30 requests at once and
/// one every 2 s: a loop that nobody thought of is no storm.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pacer {
    /// When all that was sent is paid for, in milliseconds.
    paid_at: u64,
}

impl Pacer {
    /// When the next one may be sent.
    pub fn next(&self) -> Instant {
        Instant::from_millis(self.paid_at.saturating_sub(BURST * EVERY))
    }

    /// One was sent.
    pub fn sent(&mut self, now: Instant) {
        self.paid_at = self.paid_at.max(now.millis()) + EVERY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_spread() {
        let mut random = Random::from_seed([1; 32]);
        let mut pause = |failures| reconnect_delay(failures, &mut random).as_millis();
        assert!(pause(1) < 250);
        assert!((700..1300).contains(&pause(2)));
        assert!((2800..5200).contains(&pause(4)));
        for failures in [7, 60, 100, u32::MAX] {
            assert!((21_000..39_000).contains(&pause(failures)));
        }
        let different = (0..20)
            .map(|_| pause(7))
            .collect::<std::collections::BTreeSet<_>>();
        assert!(different.len() > 10);
    }

    #[test]
    fn requests_are_few_whatever_makes_them() {
        let mut pacer = Pacer::default();
        let mut sent = 0;
        for millis in 0..60_000 {
            let now = Instant::from_millis(1_000_000 + millis);
            if pacer.next() <= now {
                pacer.sent(now);
                sent += 1;
            }
        }
        assert_eq!(sent, 60);
    }
}
