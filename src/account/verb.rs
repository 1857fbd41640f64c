//! The calls as they come and go: verbs with their arguments, and their values.

use super::credentials;
use super::device::{Device, DeviceId, Push};
use super::devices::{Authorise, Limits};
use super::history::{self, CallRecord};
use super::public_ids::{Add, PublicId};
use super::refusal::Refusal;
use super::rings::Rings;
use super::rules::{self, Rules};
use super::status::{Mailbox, Manual};
use super::text::{Label, PublicIdText, Word};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A verb and its arguments. What is not named here is refused, and so is what is missing.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Verb {
    Devices {},
    Authorise(Authorise),
    Rename {
        id: DeviceId,
        name: Label,
    },
    Revoke {
        id: DeviceId,
    },
    Restore {
        id: DeviceId,
        limits: Limits,
    },
    Forget {
        id: DeviceId,
    },
    PushSet {
        id: DeviceId,
        push: Option<Push>,
    },
    PushGone {
        endpoint: Word<2048>,
    },
    Rings {},
    RingsSet {
        ids: Rings,
    },
    Rules {},
    RulesSet(rules::Set),
    PresenceManual {},
    PresenceManualSet(Manual),
    Mailbox {},
    MailboxSet(Mailbox),
    History(history::Asked),
    HistoryRecord {
        id: Word<64>,
    },
    PublicIds {},
    PublicIdAdd(Add),
    PublicIdConfirm {
        id: PublicIdText,
        code_hash: Word<128>,
    },
    PublicIdRemove {
        id: PublicIdText,
    },
    PublicIdOwner {
        id: PublicIdText,
    },
    CredentialSet(credentials::Set),
    CredentialsDrop {
        device: DeviceId,
    },
}

impl Verb {
    /// The call that `verb` and the JSON object `args` make.
    pub fn read(verb: &str, args: &str) -> Result<Self, Refusal> {
        let read = || {
            let args = serde_json::from_str::<Value>(args)?;
            let call = Map::from_iter([(verb.to_owned(), args)]);
            serde_json::from_value(Value::Object(call))
        };
        read().map_err(|error: serde_json::Error| Refusal::Invalid {
            complaint: error.to_string(),
        })
    }
}

/// The value of a call.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Devices(Vec<Device>),
    Device(Device),
    Authorised {
        device: Device,
        /// Whether it was not there before.
        added: bool,
    },
    Rings(Rings),
    Rules(Rules),
    Manual(Manual),
    Mailbox(Mailbox),
    History(Vec<CallRecord>),
    Call(CallRecord),
    PublicIds(Vec<PublicId>),
    PublicId(PublicId),
    /// The user who has an id.
    Owner(Option<String>),
    /// `null`
    Nothing,
}

/// The reply as JSON.
pub(super) fn written(reply: &Result<Answer, Refusal>) -> String {
    #[derive(Serialize)]
    struct Accepted<'a> {
        ok: &'a Answer,
    }
    match reply {
        Ok(ok) => json(&Accepted { ok }),
        Err(refusal) => refused(refusal),
    }
}

/// The reply that refuses a call, as JSON.
pub fn refused(refusal: &Refusal) -> String {
    json(refusal)
}

fn json(value: &impl Serialize) -> String {
    // None of these shapes can fail to be written.
    serde_json::to_string(value).unwrap_or_default()
}
