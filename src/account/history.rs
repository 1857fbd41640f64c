//! The calls of a user, as the user sees them.

use super::device::DeviceId;
use crate::sip::sanitize_text;
use serde::{Deserialize, Serialize};

/// Calls that a user can look back on.
pub(super) const MAX_CALLS: usize = 500;

/// Calls that are told at once.
const MAX_PAGE: usize = 100;

/// What `history` is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The id of a call: those before it.
    pub before: Option<String>,
    #[serde(default)]
    pub limit: Page,
}

/// How many calls are told at once.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "usize")]
pub(super) struct Page(pub usize);

impl Default for Page {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<usize> for Page {
    type Error = String;

    fn try_from(calls: usize) -> Result<Self, String> {
        let fits = (1..=MAX_PAGE).contains(&calls);
        fits.then_some(Self(calls))
            .ok_or_else(|| format!("1 to {MAX_PAGE} are told at once"))
    }
}

/// Somebody as a request names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    uri: String,
    display_name: String,
}

impl Address {
    /// Of what others wrote as much as is shown.
    pub fn new(uri: &str, display_name: &str) -> Self {
        Self {
            uri: uri
                .chars()
                .filter(|char| !char.is_control())
                .take(256)
                .collect(),
            display_name: sanitize_text(display_name),
        }
    }
}

/// Which way a call went, seen from its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the reader.
    Incoming,
    /// From the reader.
    Outgoing,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallResult {
    /// Somebody took it; of one to the reader: a device of the reader.
    Answered,
    /// The reader did not take it.
    Missed,
    /// Who was called did not want it.
    Declined,
    /// Who was called was in another call, or not to be disturbed.
    Busy,
    /// The rules of the reader sent it elsewhere.
    Forwarded,
    /// The mailbox of the reader took it.
    Voicemail,
    /// The reader gave up.
    Cancelled,
    /// It reached nobody.
    Failed,
}

/// A call as its reader sees it. Times are milliseconds since the epoch; devices are the
/// reader's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// The same for all who have part in the call.
    pub id: String,
    /// Seen from the reader.
    pub direction: Direction,
    /// Who called.
    pub from: Address,
    /// What was dialled.
    pub to: Address,
    /// When it began.
    pub start: u64,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
    /// When it was over for the reader.
    pub end: u64,
    /// What became of it.
    pub result: CallResult,
    /// Devices where it rang.
    pub rang: Vec<DeviceId>,
    /// The one that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<DeviceId>,
    /// The one that called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Where the rules of the reader sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_to: Option<String>,
}
