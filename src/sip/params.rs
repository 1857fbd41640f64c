//! Parameters: the `;name=value` tail of header values and URIs.

use super::text::{Split, behind, cut, is_token, split_quoted};

/// The parameters of a header value or of a URI, in their order. Names are
/// compared without regard to case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    /// Without the first semicolon; empty if there are none.
    text: &'a str,
}

impl<'a> Params<'a> {
    /// The parameters of a header value (`generic-param`, RFC 3261 §25.1):
    /// empty, or beginning with a semicolon. `None` if malformed.
    pub fn parse(text: &'a str) -> Option<Params<'a>> {
        Self::checked(text, |name, value| {
            is_token(name) && value.is_none_or(is_header_param_value)
        })
    }

    /// Whatever follows the first semicolon, unchecked: what is no parameter is
    /// passed over by those who look for one.
    pub fn read(text: &'a str) -> Params<'a> {
        let text = cut(text, b';').map_or("", |(_, text)| text);
        Params { text }
    }

    /// The parameters of a SIP URI (RFC 3261 §19.1.1), whose octets were
    /// checked before.
    pub(super) fn parse_in_uri(text: &'a str) -> Option<Params<'a>> {
        Self::checked(text, |name, _| !name.is_empty())
    }

    /// The raw value of `name`. A quoted-string keeps its quotes: see
    /// [`unquote`](super::unquote). `None` if it is absent or has no value.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.find(name).flatten()
    }

    /// Is `name` there, with or without a value?
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Every name with its raw value.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        Split::new(self.text, b';')
            .filter(|item| !item.is_empty())
            .map(pair)
    }

    fn find(&self, name: &str) -> Option<Option<&'a str>> {
        for item in Split::new(self.text, b';') {
            let (known, value) = pair(item);
            if known.eq_ignore_ascii_case(name) {
                return Some(value);
            }
        }
        None
    }

    fn checked(text: &'a str, valid: fn(&str, Option<&str>) -> bool) -> Option<Params<'a>> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Some(Params::default());
        }
        let text = behind(text, b';')?;
        for item in Split::new(text, b';') {
            let (name, value) = pair(item);
            if !valid(name, value) {
                return None;
            }
        }
        Some(Params { text })
    }
}

fn pair(item: &str) -> (&str, Option<&str>) {
    match cut(item, b'=') {
        Some((name, value)) => (name.trim_ascii_end(), Some(value.trim_ascii_start())),
        None => (item, None),
    }
}

/// Wider than the grammar, which would refuse the unbracketed IPv6 addresses
/// and empty values that are met in practice (RFC 5118 §4.5); but nothing that
/// could end the value early.
pub(super) fn is_header_param_value(value: &str) -> bool {
    if behind(value, b'"').is_some() {
        return split_quoted(value).is_some_and(|(_, rest)| rest.is_empty());
    }
    !value
        .bytes()
        .any(|byte| byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | b',' | 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_white_space_may_surround_everything() {
        let params = Params::parse("  ; Tag  =  98asjd8 ;lr; q = \"a;\\\"=b\" ").unwrap();
        assert_eq!(params.get("tag"), Some("98asjd8"));
        assert_eq!(params.get("q"), Some(r#""a;\"=b""#));
        assert!(params.has("LR"));
        assert_eq!(params.get("lr"), None);
        assert!(!params.has("a"));
        assert_eq!(params.iter().count(), 3);
        assert_eq!(Params::parse("").unwrap().iter().count(), 0);
    }

    #[test]
    fn malformed_parameters_are_refused() {
        for bad in [
            "x",
            ";",
            ";;a",
            ";a;",
            ";a=\"b",
            ";a=\"b\"c",
            ";=1",
            ";a b",
            ";a=b c",
            ";ä=1",
        ] {
            assert_eq!(Params::parse(bad), None, "{bad}");
        }
    }
}
