//! Texts of others: each is bounded and of its form before anything is done with it.

use serde::{Deserialize, Serialize};
use std::ops::{Deref, RangeInclusive};

/// A line for people: 1 to `MAX` characters, none of which steers a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct Line<const MAX: usize>(String);

/// A name that people give a device.
pub type Label = Line<64>;

/// A token of 1 to `MAX` bytes without spaces: an id, a key, an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct Word<const MAX: usize>(String);

/// A hash: so many hexadecimal digits, kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct Hash<const DIGITS: usize>(String);

/// An instance id, `urn:uuid:…` (RFC 5626 §4.1), kept in lower case. Zeros are none:
/// Cisco's clients send them to say that they claim nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct InstanceId(String);

/// A public id in the one form that it is kept and looked up in: a number without visual
/// separators (RFC 3966 §5), or a name, `network:` before it or not, in lower case. ASCII
/// alone, so that none looks like another's. `tests/rules/public-ids.txt` has the cases.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct PublicIdText(String);

impl InstanceId {
    /// Whether `text` is the same one, in whatever case.
    pub fn is(&self, text: &str) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }
}

impl<const MAX: usize> TryFrom<String> for Line<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let length = text.chars().count();
        if (1..=MAX).contains(&length) && !text.chars().any(char::is_control) {
            return Ok(Self(text));
        }
        Err(format!(
            "a text of 1 to {MAX} characters without line breaks is wanted"
        ))
    }
}

impl<const MAX: usize> TryFrom<String> for Word<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let odd = |char: char| char.is_control() || char.is_whitespace();
        if (1..=MAX).contains(&text.len()) && !text.chars().any(odd) {
            return Ok(Self(text));
        }
        Err(format!(
            "a text of 1 to {MAX} bytes without spaces is wanted"
        ))
    }
}

impl<const DIGITS: usize> TryFrom<String> for Hash<DIGITS> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(format!("a hash of {DIGITS} hexadecimal digits is wanted"))
    }
}

impl TryFrom<String> for InstanceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        let groups = text
            .strip_prefix("urn:uuid:")
            .unwrap_or_default()
            .split('-');
        let hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
        let right = groups.clone().map(str::len).eq([8, 4, 4, 4, 12]);
        let mut digits = groups.clone().flat_map(str::bytes);
        if right && groups.clone().all(hex) && digits.any(|digit| digit != b'0') {
            return Ok(Self(text));
        }
        Err("an instance is urn:uuid: and a UUID that is not all zeros".to_owned())
    }
}

impl TryFrom<String> for PublicIdText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        let number: String = text.split(['-', '.', '(', ')']).collect();
        if is_number(&number) {
            return Ok(Self(number));
        }
        let (network, name) = match text.split_once(':') {
            Some((network, name)) => (Some(network), name),
            None => (None, text.as_str()),
        };
        let known = network.is_none_or(|network| is_name(network, 2..=16, b"-"));
        if known && is_name(name, 2..=47, b"-._") {
            return Ok(Self(text));
        }
        Err(
            "an id is a number of 2 to 20 digits, or a name of 2 to 47 letters, digits and -._"
                .to_owned(),
        )
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (2..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str, length: RangeInclusive<usize>, marks: &[u8]) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    length.contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(fits)
}

impl<const MAX: usize> Deref for Line<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Deref for Word<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const DIGITS: usize> Deref for Hash<DIGITS> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for PublicIdText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Deref for InstanceId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
