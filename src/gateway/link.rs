//! The link to a switch (`docs/cti-link.md`): what goes over it, whoever carries it.

use crate::csta::{ConnectionState, ForwardingType};
use crate::prelude::*;

/// Version of the protocol.
pub const VERSION: u32 = 1;

/// Longest number, id or name that is taken: nobody dials more, and they are kept for
/// each call.
const LONGEST: usize = 128;
/// Most parties of a conference, and most rules of a device.
const MOST: usize = 64;
/// Most calls of one appearance.
pub const MOST_CALLS: usize = 100;

/// Something that the switch is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    /// Its answer has the same; not used again on a connection.
    pub id: u32,
    /// Name of the service.
    pub service: &'static str,
    /// The appearance; nothing of a heartbeat.
    pub at: Option<Appearance>,
    /// What else the service needs.
    pub members: Members,
}

/// Named parts of a request.
pub type Members = Vec<(&'static str, Member)>;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// A text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(u32),
}

/// A line on a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Appearance {
    /// The line.
    pub line: String,
    /// The device.
    pub device: String,
}

/// What the switch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkMessage {
    /// It is there.
    Hello {
        /// Of the protocol.
        version: u32,
        /// Its name.
        name: String,
        /// The services that it performs, as CSTA spells them.
        features: Vec<String>,
    },
    /// It answers.
    Answer {
        /// The request.
        id: u32,
        /// What it answers, or the name of a CSTA error.
        result: Result<Answer, String>,
    },
    /// A call has changed.
    Call(Appearance, CallView),
    /// A device has changed.
    Device(Appearance, DeviceView),
}

/// A positive answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Of a service that makes a call: its id.
    pub call: Option<String>,
    /// Of a monitor: the device.
    pub device: Option<DeviceView>,
    /// Of a monitor: its calls.
    pub calls: Vec<CallView>,
}

/// How a call stands at an appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// Off the hook; nothing was dialled.
    Initiated,
    /// Dialled; it does not ring yet.
    Dialling,
    /// The far end rings.
    Alerting,
    /// Rings here.
    Ringing,
    /// In the call.
    Connected,
    /// On hold.
    Held,
    /// It cannot go on.
    Failed,
    /// Out of the call.
    Ended,
}

impl CallState {
    /// Names, as the link has them.
    pub const NAMES: [(&str, CallState); 8] = [
        ("initiated", CallState::Initiated),
        ("dialling", CallState::Dialling),
        ("alerting", CallState::Alerting),
        ("ringing", CallState::Ringing),
        ("connected", CallState::Connected),
        ("held", CallState::Held),
        ("failed", CallState::Failed),
        ("ended", CallState::Ended),
    ];

    /// Of the appearance's own connection.
    pub(super) fn own(self) -> ConnectionState {
        match self {
            CallState::Initiated => ConnectionState::Initiated,
            CallState::Dialling | CallState::Alerting | CallState::Connected => {
                ConnectionState::Connected
            }
            CallState::Ringing => ConnectionState::Alerting,
            CallState::Held => ConnectionState::Hold,
            CallState::Failed => ConnectionState::Fail,
            CallState::Ended => ConnectionState::Null,
        }
    }

    /// Of the other one, as far as it follows.
    pub(super) fn other(self) -> ConnectionState {
        match self {
            CallState::Alerting => ConnectionState::Alerting,
            CallState::Ringing | CallState::Connected | CallState::Held => {
                ConnectionState::Connected
            }
            _ => ConnectionState::Null,
        }
    }
}

/// Who is at the far end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Remote {
    /// The switch does not know.
    #[default]
    NotKnown,
    /// It may not say.
    Restricted,
    /// This number.
    Number(String),
}

/// A call as the switch sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// The switch's name for it.
    pub id: String,
    /// How it stands.
    pub state: CallState,
    /// Whether it came in.
    pub incoming: bool,
    /// The far end.
    pub remote: Remote,
    /// The others of a conference.
    pub parties: Vec<String>,
    /// Why it is in this state: a word of CSTA's.
    pub cause: Option<String>,
    /// Calls that it takes the place of.
    pub from: Vec<String>,
    /// It was ended here.
    pub by_local: bool,
    /// Where it went.
    pub to: Option<String>,
    /// Which device of the line answered.
    pub elsewhere: Option<String>,
    /// The far end's name.
    pub name: Option<String>,
    /// The services that it can be asked for. None: those of the features.
    pub can: Option<Vec<String>>,
}

/// A rule of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// When it applies.
    pub kind: ForwardingType,
    /// Whether it is in force.
    pub active: bool,
    /// Where to.
    pub to: Option<String>,
    /// After so many seconds.
    pub seconds: Option<u32>,
}

/// A device as the switch sees it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceView {
    /// Whether it is there.
    pub in_service: bool,
    /// Whether it does not ring, if that is known.
    pub do_not_disturb: Option<bool>,
    /// Whether messages wait, if that is known.
    pub message_waiting: Option<bool>,
    /// Where its calls are forwarded, if that is known.
    pub forwarding: Option<Vec<Rule>>,
}

/// How rules are named on the link.
pub const RULES: [(&str, ForwardingType); 3] = [
    ("immediate", ForwardingType::Immediate),
    ("busy", ForwardingType::Busy),
    ("noAnswer", ForwardingType::NoAnswer),
];

impl CallView {
    /// Whether it can be kept: what is not is no call of a switch in its right mind.
    pub fn is_sound(&self) -> bool {
        let mut texts = [&self.id]
            .into_iter()
            .chain(&self.parties)
            .chain(&self.from)
            .chain(&self.cause)
            .chain(&self.to)
            .chain(&self.elsewhere)
            .chain(&self.name)
            .chain(self.can.iter().flatten());
        let number_fits = match &self.remote {
            Remote::Number(number) => fits(number),
            _ => true,
        };
        let few = [&self.parties, &self.from]
            .into_iter()
            .chain(&self.can)
            .all(|list| list.len() <= MOST);
        number_fits && few && texts.all(|text| fits(text))
    }
}

impl DeviceView {
    /// Whether it can be kept.
    pub fn is_sound(&self) -> bool {
        let rules = self.forwarding.as_deref().unwrap_or_default();
        rules.len() <= MOST && rules.iter().all(|rule| rule.to.iter().all(|to| fits(to)))
    }
}

/// Is it a text that may be kept, and written into a document?
pub fn fits(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
}
