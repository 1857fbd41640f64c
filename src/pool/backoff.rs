//! When to try an address again.

use crate::rand::Random;
use crate::time::Duration;

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
}
