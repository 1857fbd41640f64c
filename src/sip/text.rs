//! The lexical ground of SIP header values (RFC 3261 §25.1): tokens, quoted
//! strings, lists, numbers.

use crate::prelude::*;
pub(super) use crate::text::{behind, cut, position};
use alloc::borrow::Cow;

/// `text` as a quoted-string, quotes and backslashes escaped (RFC 3261 §25.1).
/// Line breaks cannot be expressed in one: the writer refuses them.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// The contents of a quoted-string with its escapes undone; text that is not
/// quoted comes back as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let text = text.trim_ascii();
    let Some(inner) = behind(text, b'"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.bytes().any(|byte| byte == b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// The text of a document that may be in ISO-8859-1, as switches write their names:
/// whatever is no UTF-8 is taken for that.
pub fn lenient_text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Text from the network, made fit to be shown to people: at most 128
/// characters. Control characters, line separators and the characters that change
/// the writing direction (which can make a text read as another) are left out.
pub fn sanitize_text(text: &str) -> String {
    let shown = |character: &char| {
        !matches!(character,
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.trim_ascii().chars().filter(shown).take(128).collect()
}

/// The values of a comma-separated header value, trimmed. Commas within quotes
/// or `<>` do not separate. Empty elements are returned, too.
pub fn split_values(text: &str) -> impl Iterator<Item = &str> {
    Split::new(text, b',')
}

/// Is `text` a token (RFC 3261 §25.1), such as a method or a header name?
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

/// A non-negative number made of digits alone. One too large to hold is as good
/// as the largest: "expires in ten thousand years" need not be an error.
pub(super) fn number(text: &str) -> Option<u32> {
    let number = crate::text::number(text)?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Splits before the first byte that is not `wanted`.
pub(super) fn split_while(text: &str, wanted: fn(u8) -> bool) -> (&str, &str) {
    let mut end = 0;
    while text.as_bytes().get(end).is_some_and(|byte| wanted(*byte)) {
        end += 1;
    }
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Takes the next word off a text; empty at its end.
pub(super) fn next_word<'a>(text: &mut &'a str) -> &'a str {
    let (word, rest) = split_while(text.trim_ascii_start(), |byte| !byte.is_ascii_whitespace());
    *text = rest;
    word
}

/// Splits `text`, which begins with a quote, behind the closing quote.
pub(super) fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let mut at = 1;
    loop {
        match text.as_bytes().get(at)? {
            b'\\' => at += 1, // and what it escapes
            b'"' => return text.split_at_checked(at + 1),
            _ => {}
        }
        at += 1;
    }
}

/// The trimmed pieces of a text between separators that stand outside quotes
/// and `<>`. A text without separators, the empty one too, is one piece.
#[derive(Clone)]
pub(super) struct Split<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Split<'a> {
    /// Of nothing.
    pub(super) const fn empty() -> Self {
        Self {
            rest: None,
            separator: 0,
        }
    }

    pub(super) fn new(text: &'a str, separator: u8) -> Self {
        Self {
            rest: Some(text),
            separator,
        }
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.take()?;
        let (mut quoted, mut bracketed) = (false, false);
        let mut at = 0;
        while let Some(byte) = text.as_bytes().get(at).copied() {
            // Most are letters.
            if byte > b'>' && byte != b'\\' {
                at += 1;
                continue;
            }
            match byte {
                b'"' => quoted = !quoted,
                b'\\' if quoted => at += 1, // and what it escapes
                _ if quoted => {}
                b'<' => bracketed = true,
                b'>' => bracketed = false,
                _ if byte == self.separator && !bracketed => {
                    self.rest = text.get(at + 1..);
                    return text.get(..at).map(str::trim_ascii);
                }
                _ => {}
            }
            at += 1;
        }
        Some(text.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        for text in ["", "plain", r#"a "b" \c"#, "Ünï, <x>;"] {
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(quote(r#"a"b\"#), r#""a\"b\\""#);
        assert_eq!(unquote("token"), "token");
        assert_eq!(unquote("\""), "\"");
    }

    #[test]
    fn lists_are_split_outside_quotes_and_brackets_only() {
        let text = r#""a, \", b" <sip:a,b@c>;x=1 , <sip:d>,,e"#;
        let values: Vec<_> = split_values(text).collect();
        assert_eq!(
            values,
            [r#""a, \", b" <sip:a,b@c>;x=1"#, "<sip:d>", "", "e"]
        );
        assert_eq!(split_values("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn text_shown_to_people_is_short_and_keeps_its_direction() {
        assert_eq!(
            sanitize_text(" Al\u{202e}i\r\nce\0\u{2066}\u{feff} "),
            "Alice"
        );
        assert_eq!(sanitize_text(&"ü".repeat(500)).chars().count(), 128);
    }

    #[test]
    fn numbers_are_digits_and_saturate() {
        assert_eq!(number("0068"), Some(68));
        assert_eq!(number("99999999999999999999"), Some(u32::MAX));
        for bad in ["", "-1", "+1", "1 ", "1.5", "x"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn tokens_are_what_the_grammar_says() {
        assert!(is_token("!interesting-Method0123456789_*+`.%indeed'~"));
        for bad in ["", "a b", "a:b", "ä", "a\0"] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }
}
