//! MD5 (RFC 1321), SHA-256 and SHA-512/256 (FIPS 180-4) of messages that are
//! there as a whole. The rounds of SHA-2 are RustCrypto's. What makes hashes
//! large is feeding them piece by piece, and MD5 with its rounds unrolled: 3 KiB
//! of the shipped client, brotli; a line of text needs neither.

use crate::prelude::*;
use sha2::digest::generic_array::GenericArray;
use sha2::{compress256, compress512};

/// SHA-256.
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    let mut state = [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
        0x5be0cd19,
    ];
    let length = message.len() as u64 * 8;
    for block in padded(message, 64, length.to_be_bytes()).chunks_exact(64) {
        compress256(&mut state, &[*GenericArray::from_slice(block)]);
    }
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// SHA-512/256.
pub(crate) fn sha512_256(message: &[u8]) -> [u8; 32] {
    let mut state = [
        0x22312194fc2bf72c,
        0x9f555fa3c84c64c2,
        0x2393b86b6f53b151,
        0x963877195940eabd,
        0x96283ee2a88effe3,
        0xbe5e1e2553863992,
        0x2b0199fc2c85b8aa,
        0x0eb72ddc81c52ca2,
    ];
    let length = message.len() as u64 * 8;
    for block in padded(message, 128, length.to_be_bytes()).chunks_exact(128) {
        compress512(&mut state, &[*GenericArray::from_slice(block)]);
    }
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// MD5.
pub(crate) fn md5(message: &[u8]) -> [u8; 16] {
    let mut state = [0x67452301_u32, 0xefcdab89, 0x98badcfe, 0x10325476];
    let length = message.len() as u64 * 8;
    for block in padded(message, 64, length.to_le_bytes()).chunks_exact(64) {
        let words = block.as_chunks::<4>().0;
        let [mut a, mut b, mut c, mut d] = state;
        for (step, sine) in SINES.iter().enumerate() {
            let (mixed, word, shifts) = match step / 16 {
                0 => ((b & c) | (!b & d), step, [7, 12, 17, 22]),
                1 => ((d & b) | (!d & c), 5 * step + 1, [5, 9, 14, 20]),
                2 => (b ^ c ^ d, 3 * step + 5, [4, 11, 16, 23]),
                _ => (c ^ (b | !d), 7 * step, [6, 10, 15, 21]),
            };
            let word = words.get(word % 16).copied().unwrap_or_default();
            let shift = shifts.get(step % 4).copied().unwrap_or_default();
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(*sine)
                .wrapping_add(u32::from_le_bytes(word));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(shift));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
    let mut hash = [0; 16];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    hash
}

/// The message, a one bit, zeros, and at the end of the last block its length.
/// There is room for a length of an eighth of a block, of which we fill less.
fn padded(message: &[u8], block: usize, length: [u8; 8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    bytes.push(0x80);
    let end = (bytes.len() + block / 8).next_multiple_of(block);
    bytes.resize(end - length.len(), 0);
    bytes.extend_from_slice(&length);
    bytes
}

/// `|sin(1)|`, `|sin(2)|`, … times 2³² (RFC 1321 §3.4).
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;
    use md5::Md5;
    use sha2::{Digest, Sha256, Sha512_256};

    /// RFC 1321 §A.5.
    #[test]
    fn md5_is_that_of_the_rfc() {
        for (text, hash) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(hex(&md5(text.as_bytes())), hash, "{text}");
        }
    }

    #[test]
    fn hashes_are_right_for_every_length_of_the_last_block() {
        let text: Vec<u8> = (0..=255).collect();
        for end in 0..text.len() {
            let message = &text[..end];
            assert_eq!(md5(message)[..], Md5::digest(message)[..]);
            assert_eq!(sha256(message)[..], Sha256::digest(message)[..]);
            assert_eq!(sha512_256(message)[..], Sha512_256::digest(message)[..]);
        }
    }
}
