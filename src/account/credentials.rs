//! Credentials that devices have of their own: a digest username and the hashes that a
//! password makes with it (RFC 3261 §22.4, RFC 7616 §3.4.2). No password is kept.

use super::device::DeviceId;
use super::refusal::Refusal;
use super::text::{Hash, Word};
use super::verb::Answer;
use crate::time::{Duration, Instant};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Credentials of one device that are good at once: new ones are given before the old
/// ones end.
const MAX_OF_DEVICE: usize = 4;

/// How long the credentials of a device that is gone still name it.
const AFTERLIFE: Duration = Duration::from_secs(3600);

/// What a device may sign in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whose.
    pub user: String,
    /// Which device signs in.
    pub device: DeviceId,
    /// H(A1) by MD5.
    pub ha1: Hash<32>,
    /// H(A1) by SHA-256.
    pub ha1_sha256: Hash<64>,
    until: Instant,
}

/// What `credential_set` is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    name: Word<64>,
    pub device: DeviceId,
    ha1: Hash<32>,
    ha1_sha256: Hash<64>,
    /// In milliseconds since the epoch.
    until: u64,
}

/// The credentials of all devices of all users, by digest username.
#[derive(Default)]
pub(super) struct Store {
    names: BTreeMap<Word<64>, Credential>,
}

impl Store {
    pub fn find(&self, now: Instant, name: &str) -> Option<&Credential> {
        let name = Word::try_from(name.to_owned()).ok()?;
        self.names.get(&name).filter(|found| now < found.until)
    }

    /// Adds credentials; a name of another device stays what it is.
    pub fn set(&mut self, now: Instant, user: &str, asked: Set) -> Result<Answer, Refusal> {
        self.retain(|credential| now < credential.until);
        let of_device = |one: &Credential| one.user == user && one.device == asked.device;
        if self
            .names
            .get(&asked.name)
            .is_some_and(|one| !of_device(one))
        {
            return Err(Refusal::Taken);
        }
        let own = self.names.iter().filter(|(_, one)| of_device(one));
        let mut own: Vec<(Instant, Word<64>)> =
            own.map(|(name, one)| (one.until, name.clone())).collect();
        own.sort();
        let surplus = (own.len() + 1).saturating_sub(MAX_OF_DEVICE);
        for (_, name) in own.into_iter().take(surplus) {
            self.names.remove(&name);
        }
        let credential = Credential {
            user: user.to_owned(),
            device: asked.device,
            ha1: asked.ha1,
            ha1_sha256: asked.ha1_sha256,
            until: Instant::from_millis(asked.until),
        };
        self.names.insert(asked.name, credential);
        Ok(Answer::Nothing)
    }

    pub fn drop_device(&mut self, user: &str, device: &DeviceId) {
        self.retain(|one| one.user != user || one.device != *device);
    }

    /// A device is gone: its credentials last no longer than an hour.
    pub fn outlive(&mut self, now: Instant, user: &str, device: &DeviceId) {
        for one in self.names.values_mut() {
            if one.user == user && one.device == *device {
                one.until = one.until.min(now + AFTERLIFE);
            }
        }
    }

    pub fn retain(&mut self, stays: impl Fn(&Credential) -> bool) {
        self.names.retain(|_, credential| stays(credential));
    }
}
