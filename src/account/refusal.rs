//! Why a call is refused.

use super::device::Device;
use serde::Serialize;

/// A refusal, in JSON `{"refused":CODE,…}` with the codes in snake case. Nothing was
/// changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum Refusal {
    /// There are as many as there may be.
    Limit {
        /// How many.
        limit: usize,
        /// Of devices: those that count.
        #[serde(skip_serializing_if = "Option::is_none")]
        devices: Option<Vec<Device>>,
    },
    /// The device is revoked: `restore` lets it in again, nothing else.
    Revoked,
    /// There is no such device, or public id.
    Unknown,
    /// There is no such user.
    UnknownUser,
    /// Somebody else has it.
    Taken,
    /// The code is another one.
    Wrong,
    /// The code was tried too often: a new one is needed.
    TooMany,
    /// The code came too late: a new one is needed.
    Expired,
    /// The call cannot be understood: a mistake of who calls.
    Invalid {
        /// What is wrong with it.
        complaint: String,
    },
}
