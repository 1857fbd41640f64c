//! Where a call is sent by a rule.

use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// Bytes of an address.
const MAX_ADDRESS: usize = 256;

/// Digits of a number.
const MAX_DIGITS: usize = 40;

/// Where a call is sent by a rule: `voicemail`, a number without visual separators, as a
/// person would dial it, or a `sip:`, `sips:` or `tel:` URI. ASCII, at most 256 bytes.
/// `tests/rules/targets.txt` has the cases.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct Target(String);

impl Target {
    /// The word for the mailbox of who forwards.
    pub const VOICEMAIL: &str = "voicemail";
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number: String = text.split(['-', '.', '(', ')', ' ']).collect();
        if is_number(&number) {
            return Ok(Self(number));
        }
        if text == Self::VOICEMAIL || text.len() <= MAX_ADDRESS && is_address(&text) {
            return Ok(Self(text));
        }
        Err("a number, a sip:, sips: or tel: URI, or \"voicemail\" is wanted".to_owned())
    }
}

impl Deref for Target {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// What people dial, star codes among it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=MAX_DIGITS).contains(&digits.len()) && has_only(digits, is_dialled)
}

fn is_dialled(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'*' | b'#')
}

/// An address that a request can be sent to, and nothing more: no password, no header
/// fields (RFC 3261 §19.1.1).
fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let (user, rest) = match rest.split_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let mut parts = rest.split(';');
    let place = parts.next().unwrap_or_default();
    let is_place = match scheme {
        "sip" | "sips" => user.is_none_or(is_user) && is_host_port(place),
        "tel" => user.is_none() && is_number(&place.replace(['-', '.', '(', ')'], "")),
        _ => false,
    };
    is_place && parts.all(is_param)
}

fn is_user(text: &str) -> bool {
    let fits = |byte| is_unreserved(byte) || b"&=+$,;/%".contains(&byte);
    !text.is_empty() && has_only(text, fits) && has_sound_escapes(text)
}

/// Each escape is of a character that can be seen (RFC 3986 §2.1).
fn has_sound_escapes(text: &str) -> bool {
    let byte = |digits: &str| u8::from_str_radix(digits.get(..2)?, 16).ok();
    let sound = |digits| byte(digits).is_some_and(|byte| byte.is_ascii_graphic());
    text.split('%').skip(1).all(sound)
}

fn is_host_port(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_host, port) = match bracketed {
        Some((host, port)) => {
            let fits = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
            (!host.is_empty() && has_only(host, fits), port)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at_checked(end).unwrap_or_default();
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            (!host.is_empty() && has_only(host, fits), port)
        }
    };
    let digits = port
        .strip_prefix(':')
        .filter(|port| has_only(port, |byte| byte.is_ascii_digit()));
    is_host && (port.is_empty() || digits.is_some_and(|digits| digits.parse::<u16>().is_ok()))
}

fn is_param(text: &str) -> bool {
    let (name, value) = text.split_once('=').unwrap_or((text, "-"));
    let fits = |byte| is_unreserved(byte) || b"[]/:&+$".contains(&byte);
    let is_word = |word: &str| !word.is_empty() && has_only(word, fits);
    is_word(name) && is_word(value)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

fn has_only(text: &str, fits: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(fits)
}
