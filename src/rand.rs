//! The one source of randomness of a machine: a generator seeded by the host.

use crate::hash::sha256;
use crate::prelude::*;
pub use crate::text::hex;

/// SHA-256 in counter mode over a secret seed. Call-IDs, tags and cnonces must
/// not be guessable (RFC 3261 §19.3), and SHA-256 is shipped anyway for digest
/// authentication, so this costs no further bytes. A block serves several values;
/// no byte of it is used twice, so that none tells anything of another.
#[derive(Clone)]
pub struct Random {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    /// How many bytes of the block are used up.
    used: usize,
}

impl Random {
    /// A generator whose whole output is decided by `seed`. Hosts take the seed
    /// from the platform's cryptographic generator.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self {
            seed,
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    /// The next `N` random bytes, at most 32.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= 32) }
        let mut out = [0; N];
        for (to, from) in out.iter_mut().zip(self.take(N)) {
            *to = *from;
        }
        out
    }

    /// Bytes of one block, so many.
    fn take(&mut self, count: usize) -> &[u8] {
        if self.used + count > self.block.len() {
            self.block = sha256(&[&self.seed[..], &self.counter.to_be_bytes()].concat());
            self.counter += 1;
            self.used = 0;
        }
        let begin = self.used;
        self.used += count;
        self.block.get(begin..self.used).unwrap_or_default()
    }

    /// `2 × N` random lower-case hexadecimal digits.
    pub fn hex<const N: usize>(&mut self) -> String {
        const { assert!(N <= 32) }
        hex(self.take(N))
    }

    /// A number in `0..bound`; 0 if `bound` is 0. The bias for the small bounds
    /// used here (delays in milliseconds) is below 2⁻⁴⁰.
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::from_be_bytes(self.bytes())
            .checked_rem(bound)
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_everything_and_values_differ() {
        let mut a = Random::from_seed([7; 32]);
        let mut b = Random::from_seed([7; 32]);
        let first = a.hex::<16>();
        assert_eq!(first, b.hex::<16>());
        assert_ne!(first, a.hex::<16>());
        assert_eq!(first.len(), 32);
        assert!((0..100).all(|_| a.below(10) < 10));
    }
}
