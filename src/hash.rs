//! The hashes of digest authentication, of whole messages (RFC 8760 §2.3), by
//! the crates of RustCrypto.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// MD5.
pub(crate) fn md5(message: &[u8]) -> [u8; 16] {
    Md5::digest(message).into()
}

/// SHA-256.
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// SHA-512/256.
pub(crate) fn sha512_256(message: &[u8]) -> [u8; 32] {
    Sha512_256::digest(message).into()
}
