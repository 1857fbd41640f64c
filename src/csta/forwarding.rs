//! Where calls are forwarded to, and when.

use super::field::{Field, Value, Xml, record};
use crate::prelude::*;
use crate::sip::Element;
use crate::text::mentions;

record! {
    /// One rule of a device, as GetForwarding answers it.
    pub struct ForwardListItem {
        /// When it applies; without one it is the switch's default rule.
        kind: Option<String> = "forwardingType",
        /// Whether it is in force.
        active: bool = "forwardStatus",
        /// Where to.
        to: Option<String> = "forwardDN",
        /// Whether the switch set it.
        default: Option<bool> = "forwardDefault",
        /// After so many seconds.
        seconds: Option<u32> = "ringDuration",
        /// After so many rings.
        rings: Option<u32> = "ringCount",
    }
}

/// When calls are forwarded. A switch may tell calls from inside (`…Int`) and
/// outside (`…Ext`) apart; we do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardingType {
    /// Always.
    #[default]
    Immediate,
    /// While the device is busy.
    Busy,
    /// When nobody answers.
    NoAnswer,
}

impl ForwardingType {
    /// As documents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            ForwardingType::Immediate => "forwardImmediate",
            ForwardingType::Busy => "forwardBusy",
            ForwardingType::NoAnswer => "forwardNoAns",
        }
    }

    /// Of a document's word; none of those that are not about one of these (such
    /// as `forwardDND`). A rule without a word is the switch's default, which
    /// applies to all calls.
    pub fn of(word: Option<&str>) -> Option<Self> {
        let Some(word) = word else {
            return Some(ForwardingType::Immediate);
        };
        let known = [
            ("forwardImm", ForwardingType::Immediate),
            ("forwardBusy", ForwardingType::Busy),
            ("forwardNoAns", ForwardingType::NoAnswer),
        ];
        let mut known = known.iter().filter(|(begin, _)| mentions(word, begin));
        known.next().map(|(_, kind)| *kind)
    }
}
