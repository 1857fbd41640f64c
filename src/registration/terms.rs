//! The words in which a registration is spoken to, and speaks.

use super::{ConflictScope, Holder, Register};
use crate::fault::{Fault, Situation};
use crate::prelude::*;

/// How conflict and force are spoken to the registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "browser",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum Profile {
    /// The registrar refuses by itself (Cisco's wire form).
    Cisco,
    /// Any RFC 3261 registrar: look before you leap.
    Generic,
}

/// How a second login of the device is treated (Cisco's three types).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "browser",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum RegistrationType {
    /// Refused unless forced.
    #[default]
    Graceful,
    /// Always takes over; honours being ousted.
    Duplicate,
    /// Registers and refreshes blindly; never ousted. It fights.
    Normal,
}

/// What stays the same for the life of the machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// User part of the address-of-record.
    pub user: String,
    /// Host part of the address-of-record.
    pub domain: String,
    /// Device name.
    pub device: String,
    /// `urn:uuid:…` of this client.
    pub instance_id: String,
    /// The profile, or `None` to find out.
    pub profile: Option<Profile>,
    /// Which bindings are rivals.
    pub scope: ConflictScope,
    /// Registration type.
    pub kind: RegistrationType,
    /// Seconds asked for; `None` leaves it to the profile.
    pub expires: Option<u32>,
    /// A force may remove bindings of other devices where nothing else helps.
    pub may_remove_others: bool,
}

/// What the owner has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this REGISTER and report its final answer.
    Send(Register),
    /// Send this REGISTER by the connection to the address of this number; its
    /// answer goes to `handle_further_answer`.
    SendOn(u32, Register),
    /// Tell the client behind this URI to look at its binding.
    Hint(String),
    /// Close the connection and open a new one.
    Reconnect,
    /// Our binding is listed: how it is reached, and what calls go by.
    Account {
        /// Public GRUU (RFC 5627).
        gruu: Option<String>,
        /// Service-Route (RFC 3608).
        routes: Vec<String>,
    },
    /// Write this to the log.
    Warn(&'static str),
    /// Something the app hears of.
    Outcome(Outcome),
}

/// How a login, or its keeping, went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Logged in, or logged in again after a gap.
    Registered,
    /// The login was refused: another client holds the device.
    Refused(Refusal),
    /// The login, or the refreshing of it, failed for good.
    Failed(Fault),
    /// Another client took the device over. No REGISTER follows.
    Ousted(Ousting),
    /// The binding is being kept, but is not confirmed at the moment.
    Recovering,
    /// The registrar agreed to the removal, or did not answer it.
    Unregistered,
}

/// Why a login was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who holds the device.
    pub holder: Holder,
    /// What the registrar said, if it refused by itself.
    pub fault: Fault,
}

impl Refusal {
    /// Seen in a list of bindings.
    pub fn by(holder: Holder) -> Self {
        let fault = Fault::new(Situation::DeviceHeld);
        Self { holder, fault }
    }
}

/// Who took the device over, and how that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ousting {
    /// `takenOver`, `rivalReturned`, `refused`, `sameBrowser`.
    pub reason: &'static str,
    /// Who did it.
    pub by: Holder,
}
