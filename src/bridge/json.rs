//! Writing JSON: what the phone hands out crosses the boundary as one text.

use crate::prelude::*;
use crate::text::{decimal, hex};

/// JSON in the making. Objects and lists are opened and closed; the elements of
/// a list, and the outermost value, have an empty name. Names are escaped like
/// texts: those of Call-Info come from the network.
pub(super) struct Json(String);

impl Json {
    /// Nothing yet. A text that grows is copied again and again.
    pub(super) fn new() -> Self {
        Self(String::with_capacity(512))
    }

    pub(super) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name);
        self.quote(text);
        self
    }

    pub(super) fn option(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// `[text, …]`.
    pub(super) fn texts<'a>(&mut self, name: &str, texts: impl Iterator<Item = &'a str>) {
        self.raw(name, "[");
        for text in texts {
            self.text("", text);
        }
        self.close(']');
    }

    pub(super) fn amount(&mut self, name: &str, number: Option<u32>) -> &mut Self {
        match number {
            Some(number) => self.number(name, number),
            None => self,
        }
    }

    pub(super) fn number(&mut self, name: &str, number: u32) -> &mut Self {
        self.raw(name, &decimal(number.into()))
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) -> &mut Self {
        self.raw(name, if flag { "true" } else { "false" })
    }

    /// The name of an event, and the number of what it is about.
    pub(super) fn about(&mut self, name: &str, subject: &str, number: u32) {
        self.text("name", name).number(subject, number);
    }

    /// A `{`, a `[`, or a value that is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    /// A `}` or a `]`.
    pub(super) fn close(&mut self, bracket: char) -> &mut Self {
        self.0.push(bracket);
        self
    }

    pub(super) fn done(self) -> String {
        self.0
    }

    fn name(&mut self, name: &str) {
        let begins = matches!(self.0.as_bytes().last(), None | Some(b'{' | b'['));
        if !begins {
            self.0.push(',');
        }
        if !name.is_empty() {
            self.quote(name);
            self.0.push(':');
        }
    }

    fn quote(&mut self, text: &str) {
        self.0.push('"');
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte < b' ' || matches!(byte, b'"' | b'\\') {
                self.0.push_str(text.get(plain..at).unwrap_or_default());
                self.0.push_str("\\u00");
                self.0.push_str(&hex(&[byte]));
                plain = at + 1;
            }
        }
        self.0.push_str(text.get(plain..).unwrap_or_default());
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_text_ends_before_its_quote() {
        let mut json = Json::new();
        json.raw("", "{")
            .text("a\",\"b\\", "c\"}\r\n\0")
            .option("none", None)
            .option("d", Some("ü"))
            .number("e", 7)
            .flag("\n", true)
            .close('}');
        let expected =
            r#"{"a\u0022,\u0022b\u005c":"c\u0022}\u000d\u000a\u0000","d":"ü","e":7,"\u000a":true}"#;
        assert_eq!(json.done(), expected);
    }
}
