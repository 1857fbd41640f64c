//! Who takes part in a call: devices, their connections, and whether two texts
//! name the same device.

use super::field::{Value, Xml, child, word_of};
use crate::prelude::*;
use crate::sip::Element;
use crate::text::cut;

/// One device's part in one call. Both texts are the gateway's own: they are
/// compared and echoed, never read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionId {
    /// The call; empty where only the device is told.
    pub call: String,
    /// The device; empty where only the call is told.
    pub device: String,
}

impl ConnectionId {
    /// Of both.
    pub fn new(call: &str, device: &str) -> Self {
        Self {
            call: call.to_owned(),
            device: device.to_owned(),
        }
    }
}

impl Value for ConnectionId {
    fn read(element: &Element) -> Option<Self> {
        let text = |name| child(element, name).map_or("", word_of);
        let id = ConnectionId::new(text("callID"), text("deviceID"));
        (id != ConnectionId::default()).then_some(id)
    }

    fn write(&self, xml: &mut Xml) {
        for (name, text) in [("callID", &self.call), ("deviceID", &self.device)] {
            if !text.is_empty() {
                xml.element(name, |xml| xml.text(text));
            }
        }
    }
}

/// A device in an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Party {
    /// With this identifier: `tel:`, `sip:` or bare digits.
    Device(String),
    /// The switch does not know.
    #[default]
    NotKnown,
    /// The switch may not say.
    Restricted,
    /// There is none to be told (of a last redirection).
    NotRequired,
    /// The switch does not say (of a last redirection).
    NotSpecified,
}

impl Party {
    /// The identifier, if it is told.
    pub fn device(&self) -> Option<&str> {
        match self {
            Party::Device(device) => Some(device),
            _ => None,
        }
    }
}

impl Value for Party {
    fn read(element: &Element) -> Option<Self> {
        const NAMES: [&str; 4] = ["deviceIdentifier", "numberDialed", "deviceID", "device"];
        let told = NAMES.iter().find_map(|name| child(element, name));
        let says = |name| child(element, name).is_some();
        Some(match told.unwrap_or(element).text.trim_ascii() {
            "" if says("restricted") => Party::Restricted,
            "" if says("notRequired") => Party::NotRequired,
            "" if says("notSpecified") => Party::NotSpecified,
            "" => Party::NotKnown,
            text => Party::Device(text.to_owned()),
        })
    }

    fn write(&self, xml: &mut Xml) {
        let (name, text) = match self {
            Party::Device(device) => ("deviceIdentifier", device.as_str()),
            Party::NotKnown => ("notKnown", ""),
            Party::Restricted => ("restricted", ""),
            Party::NotRequired => ("notRequired", ""),
            Party::NotSpecified => ("notSpecified", ""),
        };
        xml.element(name, |xml| xml.text(text));
    }
}

/// Do both texts name the same number? Schemes, hosts, parameters and visual
/// separators do not count: a gateway may leave out parameters of the line that
/// it was given.
pub fn same_number(one: &str, other: &str) -> bool {
    let number = number_of(one);
    !number.is_empty() && number == number_of(other)
}

/// Do the texts name different devices of one line, as far as they tell
/// (`tel:5101;device=SEP01`)?
pub fn other_appearance(one: &str, other: &str) -> bool {
    match (device_of(one), device_of(other)) {
        (Some(one), Some(other)) => !one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

fn device_of(text: &str) -> Option<&str> {
    parameter_of(text, "device")
}

/// A parameter of a line (`tel:5101;device=SEP01;partition=a`).
pub(crate) fn parameter_of<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let mut parameters = crate::text::pieces(text, b';').skip(1);
    parameters.find_map(|parameter| {
        let (name, value) = cut(parameter, b'=')?;
        name.trim_ascii()
            .eq_ignore_ascii_case(wanted)
            .then(|| value.trim_ascii())
    })
}

/// The number of a device or a line, bare.
pub(crate) fn number_of(text: &str) -> String {
    let mut rest = text.trim_ascii();
    for scheme in ["tel:", "sip:", "sips:"] {
        if let Some((begin, behind)) = rest.split_at_checked(scheme.len())
            && begin.eq_ignore_ascii_case(scheme)
        {
            rest = behind;
            break;
        }
    }
    for end in [b';', b'@'] {
        rest = cut(rest, end).map_or(rest, |(before, _)| before);
    }
    let is_separator = |letter: &char| matches!(letter, '-' | '.' | '(' | ')' | ' ');
    // The separators of RFC 3966 are those of numbers; names keep theirs.
    if rest.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return rest.to_owned();
    }
    rest.chars()
        .filter(|letter| !is_separator(letter))
        .collect()
}

/// Is it a number that can be compared, not some name of the switch's own?
pub(super) fn is_number(device: &str) -> bool {
    let device = device.trim_ascii();
    let digits = device.split([';', '@']).next().unwrap_or_default();
    let digits = digits.rsplit(':').next().unwrap_or_default();
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+*#-.() ".contains(&byte);
    !digits.is_empty() && digits.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_what_dresses_them() {
        for text in [
            "5101",
            "tel:5101",
            "TEL:51-01;phone-context=dialstring",
            "sip:5101@pbx.example",
            "sip:5101@pbx.example;tel=1",
            "sip:5101;tel=5101@pbx.example",
            " tel:(51)0 1 ",
        ] {
            assert!(same_number(text, "tel:5101"), "{text}");
        }
        assert!(same_number("sip:ana.b@x", "ana.b"));
        for (one, other) in [
            ("5101", "5102"),
            ("+5101", "5101"),
            ("", ""),
            ("tel:", "sip:"),
            ("ana.b", "anab"),
        ] {
            assert!(!same_number(one, other), "{one} {other}");
        }
    }

    #[test]
    fn appearances_are_told_apart_where_both_name_a_device() {
        let line = "tel:5101;device=SEP01;partition=a";
        assert!(other_appearance(line, "tel:5101;partition=a;Device=SEP02"));
        assert!(!other_appearance(line, "tel:5101;device=sep01"));
        assert!(!other_appearance(line, "tel:5101"));
    }
}
