//! SIP and SIPS URIs (RFC 3261 §19.1); other schemes are carried unread.

use super::params::Params;
use super::text::{Split, behind, cut, number, position, split_while};

/// A URI, borrowed from the text it was parsed from. Escapes are kept, so that
/// it can be handed on unaltered (RFC 4475 §3.1.1.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct Uri<'a> {
    /// As written; compare without regard to case.
    pub scheme: &'a str,
    /// The part before the `@`, without the password.
    pub user: Option<&'a str>,
    /// Behind the user and a colon: a thing of the past (RFC 3261 §19.1.1).
    pub password: Option<&'a str>,
    /// Name or address; an IPv6 address keeps its brackets. Empty for schemes
    /// other than sip and sips.
    pub host: &'a str,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// The URI's own parameters.
    pub params: Params<'a>,
    /// What follows the question mark, raw; empty if nothing does.
    pub headers: &'a str,
    /// What follows the scheme's colon, if the scheme is not sip or sips.
    pub opaque: &'a str,
}

impl<'a> Uri<'a> {
    /// A URI without brackets around it. `None` if it is not one.
    pub fn parse(text: &'a str) -> Option<Uri<'a>> {
        let (scheme, rest) = cut(text, b':')?;
        if !is_scheme(scheme) || rest.is_empty() || !has_uri_octets(rest) {
            return None;
        }
        let uri = Uri {
            scheme,
            ..Uri::default()
        };
        if !uri.is_sip() {
            return Some(Uri {
                opaque: rest,
                ..uri
            });
        }
        // "@", ";" and "?" in this order: a user may contain the latter two,
        // but nothing may contain a bare "@" (RFC 4475 §3.1.1.9).
        let (user, password, rest) = match cut(rest, b'@') {
            Some((userinfo, rest)) => match cut(userinfo, b':') {
                Some((user, password)) => (Some(user), Some(password), rest),
                None => (Some(userinfo), None, rest),
            },
            None => (None, None, rest),
        };
        if user == Some("") {
            return None;
        }
        let (rest, headers) = cut(rest, b'?').unwrap_or((rest, ""));
        let (host, port, params) = host_port(rest)?;
        let params = Params::parse_in_uri(params)?;
        Some(Uri {
            user,
            password,
            host,
            port,
            params,
            headers,
            ..uri
        })
    }

    /// As much of `text` as may stand in a request line: without headers (RFC 3261
    /// §19.1.1), and without parameters where those are malformed.
    pub fn request_part(text: &str) -> Option<&str> {
        // A user part may hold what ends a host.
        let begin = position(text, b'@').unwrap_or(0);
        let up_to = |byte| {
            let length = position(text.get(begin..)?, byte);
            length.map_or(Some(text), |length| text.get(..begin + length))
        };
        let bare = up_to(b'?')?;
        let whole = bare.strip_suffix(';').unwrap_or(bare);
        let readable = |text: &&str| Uri::parse(text).is_some_and(|uri| uri.headers.is_empty());
        Some(whole)
            .filter(readable)
            .or_else(|| up_to(b';').filter(readable))
    }

    /// Is it a sip or sips URI?
    pub fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sip") || self.scheme.eq_ignore_ascii_case("sips")
    }

    /// Do both name the same thing by the rules of RFC 3261 §19.1.4? Those
    /// rules are not transitive: a parameter that only one of them has is
    /// ignored, unless it is one of five.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && same(self.opaque, other.opaque, Case::Matters)
            && same_option(self.user, other.user)
            && same_option(self.password, other.password)
            && same(self.host, other.host, Case::Ignored)
            && self.port == other.port
            && (self.params == other.params
                || params_match(self.params, other.params)
                    && params_match(other.params, self.params))
            && (self.headers == other.headers
                || headers_within(self.headers, other.headers)
                    && headers_within(other.headers, self.headers))
    }
}

fn first_value<'a>(params: Params<'a>, name: &str) -> Option<&'a str> {
    let mut all = params.iter();
    let (_, value) = all.find(|(known, _)| same(name, known, Case::Ignored))?;
    Some(value.unwrap_or(""))
}

/// Parameters of a URI, and headers, that are compared each with each: URIs with
/// more, which nobody has, are different unless they are the same.
const MAX_COMPARED: usize = 32;

/// Nothing in `a` speaks against `b`. Of parameters that are repeated, which may
/// not be, the first one counts.
fn params_match(a: Params<'_>, b: Params<'_>) -> bool {
    const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
    a.iter().nth(MAX_COMPARED).is_none()
        && a.iter().all(
            |(name, _)| match (first_value(a, name), first_value(b, name)) {
                (Some(mine), Some(theirs)) => same(mine, theirs, Case::Ignored),
                _ => !DECISIVE
                    .iter()
                    .any(|decisive| same(name, decisive, Case::Ignored)),
            },
        )
}

/// `host[:port]` and the rest, white space allowed as in a Via.
pub(super) fn host_port(text: &str) -> Option<(&str, Option<u16>, &str)> {
    let (host, rest) = if let Some(inner) = behind(text, b'[') {
        // Digits, colons and dots in any number: RFC 5118 §4.10 asks us to
        // tolerate three colons, and nobody here connects to the address.
        let is_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let (address, rest) = split_while(inner, is_address);
        cut(address, b':')?;
        behind(rest, b']')?;
        text.split_at_checked(address.len() + 2)?
    } else {
        split_while(text, |byte| {
            byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
        })
    };
    if host.is_empty() {
        return None;
    }
    let Some(rest) = behind(rest.trim_ascii_start(), b':') else {
        return Some((host, None, rest));
    };
    let (port, rest) = split_while(rest.trim_ascii_start(), |byte| byte.is_ascii_digit());
    let port = u16::try_from(number(port)?).ok()?;
    Some((host, Some(port), rest))
}

fn is_scheme(text: &str) -> bool {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    split_while(text, is_scheme).1.is_empty()
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
}

/// Printable ASCII that cannot be mistaken for the end of a URI, and escapes
/// that are whole. Wider than the grammar (`#` in feature codes, say).
fn has_uri_octets(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'"' | b'<' | b'>' | b'\\' => false,
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_graphic(),
        };
        if !valid {
            return false;
        }
    }
    true
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Matters,
    Ignored,
}

fn same_option(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b, Case::Matters),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn same(a: &str, b: &str, case: Case) -> bool {
    let (mut a, mut b) = (a.bytes(), b.bytes());
    loop {
        match (unescaped(&mut a, case), unescaped(&mut b, case)) {
            (None, None) => return true,
            (a, b) if a != b => return false,
            _ => {}
        }
    }
}

/// Every `name=value` of `a` is in `b`, too.
fn headers_within(a: &str, b: &str) -> bool {
    Split::new(a, b'&').nth(MAX_COMPARED).is_none()
        && Split::new(a, b'&').all(|mine| {
            let (name, value) = cut(mine, b'=').unwrap_or((mine, ""));
            Split::new(b, b'&').any(|theirs| {
                let (their_name, their) = cut(theirs, b'=').unwrap_or((theirs, ""));
                same(name, their_name, Case::Ignored) && same(value, their, Case::Matters)
            })
        })
}

/// The next octet that a text stands for. An escape equals the character
/// itself, unless that is reserved (RFC 3261 §19.1.4): those come back marked.
fn unescaped(bytes: &mut core::str::Bytes<'_>, case: Case) -> Option<(u8, bool)> {
    let mut byte = bytes.next()?;
    let mut marked = false;
    if byte == b'%' {
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        byte = (digit()? << 4 | digit()?) as u8;
        marked = b";/?:@&=+$,".contains(&byte);
    }
    if case == Case::Ignored {
        byte.make_ascii_lowercase();
    }
    Some((byte, marked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a).expect(a), Uri::parse(b).expect(b));
        assert_eq!(a.equivalent(&b), b.equivalent(&a));
        a.equivalent(&b)
    }

    #[test]
    fn every_part_is_found() {
        let uri = Uri::parse("sips:al:pw@[2001:db8::10]:5070;transport=ws;lr?a=b&c=d").unwrap();
        assert_eq!(
            (uri.scheme, uri.user, uri.password),
            ("sips", Some("al"), Some("pw"))
        );
        assert_eq!((uri.host, uri.port), ("[2001:db8::10]", Some(5070)));
        assert_eq!(uri.params.get("TRANSPORT"), Some("ws"));
        assert!(uri.params.has("lr"));
        assert_eq!(uri.headers, "a=b&c=d");
        let uri = Uri::parse("sip:user;par=u%40example.net@example.com").unwrap();
        assert_eq!(
            (uri.user, uri.host),
            (Some("user;par=u%40example.net"), "example.com")
        );
        assert_eq!(Uri::parse("sip:[2001:db8::10:5070]").unwrap().port, None);
        let odd = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com";
        let odd = Uri::parse(odd).unwrap();
        assert_eq!(
            odd.user,
            Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
        );
        assert_eq!(odd.host, "example.com");
    }

    #[test]
    fn other_schemes_are_carried_unread() {
        let uri = Uri::parse("tel:+1-201-555-0123;ext=5").unwrap();
        assert_eq!(
            (uri.scheme, uri.opaque, uri.host),
            ("tel", "+1-201-555-0123;ext=5", "")
        );
        assert!(equal("urn:uuid:1", "URN:uuid:1"));
        assert!(!equal("urn:uuid:1", "urn:uuid:2"));
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for bad in [
            "",
            "alice",
            "sip:",
            "sip:@a",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@c",
            "sip:a@b;",
            "sip:a@b;;c",
            "sip:a@b:",
            "sip:a@b:70000",
            "sip:a@b:x",
            "sip:2001:db8::10",
            "sip:[::1",
            "sip:[x]",
            "sip:[1]",
            "sip:[[::1]",
            "sip:[::1]x",
            "sip:a%4@b",
            "sip:a%zz@b",
            "sip:a\"@b",
            "<sip:a@b>",
            "sip:a@b; lr",
            "1sip:a",
            "sip:ä@b",
            "sip:a\0@b",
        ] {
            assert!(Uri::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_uri_with_repeated_or_very_many_parts_still_equals_itself() {
        for odd in ["sip:a@b;n=1;n%3d=2;n=2", "sip:a@b?h=1&h=2"] {
            assert!(equal(odd, odd), "{odd}");
        }
        let many = |separator: &str| (0..10_000).map(|n| format!("{separator}{n}")).collect();
        let params: String = many(";");
        let headers: String = many("&");
        for (many, more) in [
            (format!("sip:a@b{params}"), ";x"),
            (format!("sip:a@b?{headers}"), "&x"),
        ] {
            assert!(equal(&many, &many));
            assert!(!equal(&many, &format!("{many}{more}")));
        }
    }

    #[test]
    fn the_examples_of_the_rfc_compare_as_it_says() {
        for (a, b) in [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtlanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
        for (a, b) in [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:bob@biloxi.com",
                "sip:bob@biloxi.com:6000;transport=tcp",
            ),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;security=off",
            ),
            ("sip:a@b", "sips:a@b"),
            ("sip:a@b", "sip:b"),
            ("sip:a%3Bb@c", "sip:a;b@c"),
            ("sip:%00@host5.example.com", "sip:%00%00@host5.example.com"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
        }
    }
}
