//! What goes wrong, as Rust programs hear of it.

use super::media::MediaError;
use super::sentences::{of, tell};
use crate::fault::{Code, Fault};
use crate::phone::ConfigError;
use crate::prelude::*;
use crate::registration::Holder;

/// What every operation of a phone fails with. [`Error::code`] is for programs; shown,
/// it is a sentence for people, which tells what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option cannot be used.
    #[error("{}", tell("option", &[("option", .0.option), ("complaint", .0.problem)]))]
    Option(#[from] ConfigError),
    /// Another client holds the device. Nothing was taken over.
    #[error("{}", of(fault))]
    DeviceAlreadyRegistered {
        /// What the registrar said.
        fault: Fault,
        /// Who holds it, as far as the network tells.
        elsewhere: Holder,
    },
    /// Another tab of this browser holds the device.
    #[error("{}", tell("deviceHeldHere", &[]))]
    DeviceHeldHere,
    /// What the core, or somebody in the network, says.
    #[error("{}", of(.0))]
    Fault(#[from] Fault),
    /// The browser forbids this page to connect there.
    #[error("{}", tell("connectionForbidden", &[("origin", origin), ("why", why)]))]
    ConnectionForbidden {
        /// Where to.
        origin: String,
        /// What the browser says, if it does.
        why: String,
    },
    /// A forced registration took the place of this one.
    #[error("{}", tell("superseded", &[]))]
    Superseded,
    /// The phone was logged out meanwhile.
    #[error("{}", tell("unregistering", &[]))]
    Unregistering,
    /// The phone was closed meanwhile.
    #[error("{}", tell("closing", &[]))]
    Closing,
    /// Not possible in this state of the call.
    #[error("{}", tell("callState", &[("state", .0)]))]
    CallState(&'static str),
    /// The phone was never registered.
    #[error("{}", tell("neverRegistered", &[]))]
    NeverRegistered,
    /// Microphone, camera or what they are connected by.
    #[error("{}", tell(.0.name, &[("device", .0.device), ("why", &.0.why)]))]
    Media(MediaError),
    /// The phone is closed.
    #[error("{}", tell("closed", &[]))]
    Closed,
}

impl From<MediaError> for Error {
    fn from(error: MediaError) -> Self {
        Error::Media(error)
    }
}

impl Error {
    /// What kind of error it is: stable, and meant for programs.
    pub fn code(&self) -> Code {
        match self {
            Error::Option(_) => Code::InvalidArgument,
            Error::DeviceAlreadyRegistered { .. } | Error::DeviceHeldHere => {
                Code::DeviceAlreadyRegistered
            }
            Error::Fault(fault) => fault.code(),
            Error::ConnectionForbidden { .. } => Code::CouldNotConnect,
            Error::Superseded | Error::Unregistering | Error::Closing => Code::Aborted,
            Error::NeverRegistered => Code::CallFailed,
            Error::Media(_) => Code::MediaFailed,
            Error::CallState(_) | Error::Closed => Code::InvalidState,
        }
    }

    /// SIP status of the answer that was the reason.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Fault(fault) | Error::DeviceAlreadyRegistered { fault, .. } => fault.status,
            _ => None,
        }
    }

    /// Who holds the device, where that is the error and somebody tells.
    pub fn elsewhere(&self) -> Option<&Holder> {
        match self {
            Error::DeviceAlreadyRegistered { elsewhere, .. } => Some(elsewhere),
            _ => None,
        }
    }
}
