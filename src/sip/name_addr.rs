//! `name-addr` and `addr-spec` with their parameters: From, To, Contact, Route
//! and their like (RFC 3261 §20.10).

use alloc::borrow::Cow;

use super::params::{Params, is_header_param_value};
use super::text::{behind, cut, number, split_quoted, split_while, unquote};
use super::uri::Uri;
use super::write::is_line;
use crate::text::concat;

/// One address in a header value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name without quotes and escapes, if there is one. Text of a
    /// stranger: see [`sanitize_text`](super::sanitize_text).
    pub display_name: Option<Cow<'a, str>>,
    /// The URI exactly as written, without brackets: fit for echoing.
    pub uri: &'a str,
    /// The parameters of the header, not those of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// `"Name" <uri>;params`, `Name <uri>;params` or `uri;params`. `None` if it
    /// is none of these; whether the URI is well formed stays to be seen.
    pub fn parse(text: &'a str) -> Option<NameAddr<'a>> {
        let text = text.trim_ascii();
        let (display_name, rest) = if behind(text, b'"').is_some() {
            let (quoted, rest) = split_quoted(text)?;
            (Some(unquote(quoted)), rest.trim_ascii_start())
        } else {
            // The first delimiter decides: a colon ends the scheme of a bare
            // URI, anything else than a bracket has no place in a plain name.
            let (name, rest) = split_while(text, |byte| !b"<:\",;>".contains(&byte));
            if behind(rest, b':').is_some() {
                return Self::parse_bare(text);
            }
            let name = name.trim_ascii();
            ((!name.is_empty()).then_some(Cow::Borrowed(name)), rest)
        };
        let (uri, params) = cut(behind(rest, b'<')?, b'>')?;
        Self::with(display_name, uri, params)
    }

    /// Without brackets every parameter belongs to the header, and a URI with
    /// a comma or a question mark may not stand like this (RFC 3261 §20).
    fn parse_bare(text: &'a str) -> Option<NameAddr<'a>> {
        let (uri, params) = split_while(text, |byte| !b"; \t?,".contains(&byte));
        if matches!(params.as_bytes().first(), Some(b'?' | b',')) {
            return None;
        }
        Self::with(None, uri, params)
    }

    fn with(
        display_name: Option<Cow<'a, str>>,
        uri: &'a str,
        params: &'a str,
    ) -> Option<NameAddr<'a>> {
        if uri.is_empty()
            || uri
                .bytes()
                .any(|byte| byte <= b' ' || matches!(byte, b'<' | b'>' | b'"'))
        {
            return None;
        }
        let params = Params::parse(params)?;
        Some(NameAddr {
            display_name,
            uri,
            params,
        })
    }

    /// The same, read as far as it goes: names without the quotes that they need,
    /// blanks within the brackets, and parameters that are empty or none. `None` if
    /// no URI can be told apart. A quote that is never closed stays an error: what
    /// follows may belong to the name, a tag too.
    pub fn read(text: &'a str) -> Option<NameAddr<'a>> {
        Self::parse(text).or_else(|| Self::read_loosely(text.trim_ascii()))
    }

    fn read_loosely(text: &'a str) -> Option<NameAddr<'a>> {
        // The first bracket outside quotes, and what follows it.
        let mut rest = text;
        let bracket = loop {
            rest = split_while(rest, |byte| !matches!(byte, b'"' | b'<')).1;
            match rest.as_bytes().first() {
                Some(b'"') => rest = split_quoted(rest)?.1,
                first => break first.map(|_| rest),
            }
        };
        let (display_name, uri, params) = match bracket {
            Some(bracket) => {
                let (uri, params) = cut(bracket.get(1..)?, b'>')?;
                let name = text.strip_suffix(bracket)?.trim_ascii();
                ((!name.is_empty()).then(|| unquote(name)), uri, params)
            }
            None => {
                let (uri, params) = split_while(text, |byte| byte != b';');
                (None, uri, params)
            }
        };
        let uri = uri.trim_ascii();
        cut(uri, b':')?;
        Some(NameAddr {
            display_name,
            uri,
            params: Params::read(params),
        })
    }

    /// A From or To of somebody else as our own requests show it: as it is, or, where
    /// it is malformed, the URI and the tag in it.
    pub fn echo(value: &'a str) -> Cow<'a, str> {
        let good = Self::parse(value).is_some_and(|good| Uri::parse(good.uri).is_some());
        if good && is_line(value) {
            return Cow::Borrowed(value);
        }
        let tag = Self::read(value).and_then(|read| read.tag());
        let mark = if tag.is_some() { ">;tag=" } else { ">" };
        Cow::Owned(concat(&[
            "<",
            Self::uri_in(value),
            mark,
            tag.unwrap_or_default(),
        ]))
    }

    /// The URI in a From or To; one that leads nowhere if none can be read: requests
    /// then find their way by the flow and the route set.
    pub fn uri_in(value: &'a str) -> &'a str {
        let uri = Self::read(value).and_then(|read| Uri::request_part(read.uri));
        uri.unwrap_or("sip:anonymous.invalid")
    }

    /// The `tag` parameter, if it can be written again.
    pub fn tag(&self) -> Option<&'a str> {
        let tag = self.params.get("tag");
        tag.filter(|tag| is_header_param_value(tag))
    }

    /// The `expires` parameter of a Contact in seconds; `None` if it is absent
    /// or not a number, for which the Expires header or the default stands in
    /// (RFC 3261 §10.2.1.1).
    pub fn expires(&self) -> Option<u32> {
        self.params.get("expires").and_then(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, &str, usize) {
        let addr = NameAddr::parse(text).expect(text);
        let name = addr.display_name.unwrap_or_default().into_owned();
        (name, addr.uri, addr.params.iter().count())
    }

    #[test]
    fn all_three_forms_are_read() {
        let bob = "sip:bob@b";
        assert_eq!(parsed("sip:bob@b"), (String::new(), bob, 0));
        assert_eq!(parsed("sip:bob@b;tag=1 ;x"), (String::new(), bob, 2));
        assert_eq!(parsed("sip:bob@b ;   tag    = 1"), (String::new(), bob, 1));
        assert_eq!(parsed("<sip:bob@b>"), (String::new(), bob, 0));
        assert_eq!(parsed("Bob<sip:bob@b>;tag=1"), ("Bob".into(), bob, 1));
        assert_eq!(parsed("Bob B. \t <sip:bob@b>"), ("Bob B.".into(), bob, 0));
        assert_eq!(parsed("José <sip:bob@b>"), ("José".into(), bob, 0));
        assert_eq!(parsed(r#""" <sip:bob@b>"#), (String::new(), bob, 0));
        assert_eq!(
            parsed(r#" "B \"o\" <sip:x>;b" <sip:bob@b> ; q = 0.3"#),
            (r#"B "o" <sip:x>;b"#.into(), bob, 1)
        );
    }

    #[test]
    fn parameters_belong_to_the_uri_within_brackets_only() {
        let inside = NameAddr::parse("<sip:b@c;unknown;lr>").unwrap();
        assert_eq!(
            (inside.uri, inside.params.has("unknown")),
            ("sip:b@c;unknown;lr", false)
        );
        let outside = NameAddr::parse("sip:b@c;unknown").unwrap();
        assert_eq!(
            (outside.uri, outside.params.has("unknown")),
            ("sip:b@c", true)
        );
    }

    #[test]
    fn quoted_gruus_are_read_whole() {
        let contact = r#"<sip:a@b>;pub-gruu="sip:x@y;gr=urn:uuid:1";+sip.instance="<urn:uuid:1>";expires=7200"#;
        let contact = NameAddr::parse(contact).unwrap();
        let gruu = contact.params.get("pub-gruu").unwrap();
        assert_eq!(unquote(gruu), "sip:x@y;gr=urn:uuid:1");
        assert_eq!(
            contact.params.get("+SIP.instance"),
            Some("\"<urn:uuid:1>\"")
        );
        assert_eq!(contact.expires(), Some(7200));
    }

    #[test]
    fn what_can_be_told_apart_is_read() {
        for (text, name, uri, tag) in [
            ("Bell, A <sip:b@c>;tag=1", "Bell, A", "sip:b@c", Some("1")),
            (
                "\"Bell\", A <sip:b@c>;tag=1",
                "\"Bell\", A",
                "sip:b@c",
                Some("1"),
            ),
            ("\"A <x>\" B <sip:b@c>", "\"A <x>\" B", "sip:b@c", None),
            ("Ada;x <sip:b@c>;tag=1", "Ada;x", "sip:b@c", Some("1")),
            ("\"Ada\" < sip:b@c > ;tag=1", "Ada", "sip:b@c", Some("1")),
            ("<sip:b@c>;;tag=1;", "", "sip:b@c", Some("1")),
            ("<sip:b@c>x;y z;tag=1", "", "sip:b@c", Some("1")),
            (
                "<sip:b@c;info=\"x\">;tag=1",
                "",
                "sip:b@c;info=\"x\"",
                Some("1"),
            ),
            ("sip:b@c?x=y;tag=1", "", "sip:b@c?x=y", Some("1")),
            ("sip:b@c;", "", "sip:b@c", None),
        ] {
            assert_eq!(NameAddr::parse(text), None, "{text}");
            let read = NameAddr::read(text).expect(text);
            let shown = read.display_name.as_deref().unwrap_or_default();
            assert_eq!((shown, read.uri, read.tag()), (name, uri, tag), "{text}");
        }
        for bad in [
            "",
            "*",
            "bob",
            "<>",
            "<sip:b@c",
            ";tag=1",
            "\"Bob <sip:b@c>;tag=1",
            "\"B\" o\"b <sip:b@c>;tag=1",
        ] {
            assert_eq!(NameAddr::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for bad in [
            "",
            "*",
            "bob",
            "<>",
            "<sip:b@c",
            "sip:b@c>",
            r#""Bob <sip:b@c>"#,
            r#""Bob" sip:b@c"#,
            "Bell, A <sip:b@c>",
            "< sip:b@c >",
            "<sip:b@c>x",
            "<sip:b@c>;;",
            "sip:b@c?x=y",
            "sip:b@c,d",
            "sip:b@c d",
            "<<sip:b@c>>",
            "Bob \"x\" <sip:b@c>",
        ] {
            assert_eq!(NameAddr::parse(bad), None, "{bad}");
        }
    }
}
