//! A device as it is told.

use super::text::{InstanceId, Label, Word};
use crate::time::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// A device that nobody has seen for so long is gone.
const IDLE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The id of a device within its user, as who authorised it made it up.
pub type DeviceId = Word<64>;

/// What kind of device it says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A phone or tablet.
    Mobile,
    /// A program on a computer.
    Desktop,
    /// A page in a browser.
    Web,
    /// A desk phone.
    Deskphone,
}

impl Class {
    /// Whether it is one of those that have one slot together: one of them is registered.
    pub fn shares_slot(self) -> bool {
        matches!(self, Class::Desktop | Class::Web)
    }

    /// Whether a device of this class can stand in for one of the other.
    pub(super) fn counts_as(self, other: Class) -> bool {
        self == other || self.shares_slot() && other.shares_slot()
    }
}

/// Whether it may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It may.
    Authorised,
    /// It was cut off.
    Revoked,
}

/// A push subscription (RFC 8030, RFC 8291).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Where to push to.
    pub endpoint: Word<2048>,
    /// The receiver's public key, base64url.
    pub p256dh: Word<128>,
    /// The receiver's secret, base64url.
    pub auth: Word<64>,
}

/// Where a device has said at REGISTER that it is woken (RFC 8599 §4.1): parameters of its
/// Contact, without escapes. What they mean is between it and its push service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pns {
    /// The push notification service (`pn-provider`).
    pub provider: Word<32>,
    /// Whom that reaches (`pn-prid`).
    pub prid: Word<448>,
    /// What else it wants to know (`pn-param`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<Word<128>>,
}

/// How a device is woken: what it has said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum WokenBy {
    /// It has subscribed with the account service.
    Subscription(Push),
    /// It has said so at REGISTER.
    Registration(Pns),
}

impl WokenBy {
    /// Whether this is what its push service knows no more.
    pub(super) fn is_at(&self, endpoint: &str) -> bool {
        match self {
            Self::Subscription(push) => *push.endpoint == *endpoint,
            Self::Registration(pns) => *pns.prid == *endpoint,
        }
    }
}

/// A device of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Within its user.
    pub id: DeviceId,
    /// What it shows to the registrar.
    pub instance: InstanceId,
    /// Its kind.
    pub class: Class,
    /// For people.
    pub name: Label,
    /// Whether it may register.
    pub state: State,
    /// The public half of its own key.
    pub key: Option<Word<512>>,
    /// When it was authorised, in milliseconds since the epoch.
    pub since: u64,
    /// When it was last there.
    pub seen: u64,
    /// How it is woken.
    pub push: Option<WokenBy>,
    /// Whether it is registered now.
    pub registered: bool,
}

impl Device {
    /// Whether it may register.
    pub fn is_authorised(&self) -> bool {
        self.state == State::Authorised
    }

    /// Whether it is forgotten for being away. Revoked ones stay: else they would be
    /// strangers some day, whom a password lets in.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.is_authorised() && !self.registered && now - Instant::from_millis(self.seen) > IDLE
    }
}
