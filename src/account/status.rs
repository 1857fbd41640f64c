//! What others see of a user beside the devices: what the user says of it by hand. And
//! what waits in the mailbox, which the voicemail service says.

use super::Kind;
use super::facts::Facts;
use super::refusal::Refusal;
use super::text::Line;
use super::verb::Answer;
use serde::{Deserialize, Serialize};

/// What a user says by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// `None`: nothing; others see what the facts say.
    pub state: Option<Presence>,
    /// A remark.
    pub note: Option<Line<128>>,
}

/// How available somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Calls are welcome.
    Available,
    /// Not to be disturbed.
    Busy,
    /// Not at the phone.
    Away,
    /// Not to be reached.
    Offline,
}

/// Messages in a mailbox (RFC 3842).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Not heard yet.
    pub new: u16,
    /// Heard.
    pub old: u16,
}

impl Facts {
    pub fn set_manual(&mut self, manual: Manual) -> Result<Answer, Refusal> {
        if manual != self.manual {
            self.manual = manual.clone();
            self.changed(Kind::Presence);
        }
        Ok(Answer::Manual(manual))
    }

    pub fn set_mailbox(&mut self, mailbox: Mailbox) -> Result<Answer, Refusal> {
        if mailbox != self.mailbox {
            self.mailbox = mailbox;
            self.changed(Kind::Voicemail);
        }
        Ok(Answer::Mailbox(mailbox))
    }
}
