//! What people dial, as a Request-URI.

use crate::prelude::*;
use crate::sip::Uri;
use crate::text::{concat, cut, hex};
use crate::usage::Account;

/// `sip:…`, `sips:…`, `tel:…`, `user@host` or a plain number or name of our
/// domain. `None`: it cannot be called.
pub(crate) fn request_uri(target: &str, account: &Account) -> Option<String> {
    let target = target.trim_ascii();
    if target.is_empty() {
        return None;
    }
    let is = |scheme: &str, name| scheme.eq_ignore_ascii_case(name);
    let uri = match cut(target, b':') {
        Some((scheme, number)) if is(scheme, "tel") => telephone(number, &account.domain),
        Some((scheme, _)) if is(scheme, "sip") || is(scheme, "sips") => without_password(target),
        // Another scheme, not the port behind a host.
        Some((scheme, _)) if cut(scheme, b'@').is_none() => return None,
        _ => match cut(target, b'@') {
            Some((user, host)) => concat(&["sip:", &escaped(user), "@", host]),
            None => {
                let number = dialled(target).unwrap_or_else(|| escaped(target));
                concat(&["sip:", &number, "@", &account.domain])
            }
        },
    };
    // Headers in a URI would let a link write our requests (RFC 3261 §19.1.5).
    let valid = Uri::parse(&uri).is_some_and(|uri| uri.is_sip() && uri.headers.is_empty());
    valid.then_some(uri)
}

/// A SIP URI without the password that its user part may carry: a thing of the past,
/// and nobody else's business (RFC 3261 §19.1.1).
pub(super) fn without_password(uri: &str) -> String {
    if let Some((user, host)) = cut(uri, b'@')
        && let Some((scheme, user)) = cut(user, b':')
        && let Some((user, _)) = cut(user, b':')
    {
        return concat(&[scheme, ":", user, "@", host]);
    }
    uri.to_owned()
}

/// RFC 3966 to RFC 3261 §19.1.6: visual separators are left out, parameters
/// belong to the user part.
fn telephone(number: &str, domain: &str) -> String {
    let (number, parameters) = cut(number, b';').unwrap_or((number, ""));
    let number = dialled(number).unwrap_or_default();
    let mark = if parameters.is_empty() { "" } else { ";" };
    concat(&[
        "sip:",
        &number,
        mark,
        parameters,
        "@",
        domain,
        ";user=phone",
    ])
}

/// A number as people write it, without the separators.
fn dialled(text: &str) -> Option<String> {
    let number = |byte: &u8| byte.is_ascii_digit() || b"+*#".contains(byte);
    let separator = |byte: &u8| b" -.()/".contains(byte);
    if !text.bytes().all(|byte| number(&byte) || separator(&byte)) {
        return None;
    }
    let mut digits = String::new();
    for byte in text.bytes().filter(number) {
        match byte {
            // Not allowed bare in a user part.
            b'#' => digits.push_str("%23"),
            byte => digits.push(char::from(byte)),
        }
    }
    (!digits.is_empty()).then_some(digits)
}

/// `text` as the user part of a URI (RFC 3261 §25.1).
pub(super) fn escaped(text: &str) -> String {
    let mut user = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%".contains(&byte) {
            user.push(char::from(byte));
        } else {
            user.push('%');
            user.push_str(&hex(&[byte]));
        }
    }
    user
}

/// `text` as a value in the headers part of a URI.
pub(super) fn escaped_value(text: &str) -> String {
    let mut value = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.push('%');
            value.push_str(&hex(&[byte]));
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::unescaped;

    #[test]
    fn what_people_dial_becomes_a_uri() {
        let account = Account {
            domain: "example.com".into(),
            ..Account::default()
        };
        for (target, uri) in [
            ("2002", "sip:2002@example.com"),
            (" +49 (30) 123-45 ", "sip:+493012345@example.com"),
            ("*21#", "sip:*21%23@example.com"),
            (
                "tel:+1-201-555-0123",
                "sip:+12015550123@example.com;user=phone",
            ),
            (
                "tel:0123;phone-context=x.org",
                "sip:0123;phone-context=x.org@example.com;user=phone",
            ),
            ("bob@example.org", "sip:bob@example.org"),
            ("bob smith", "sip:bob%20smith@example.com"),
            (
                "sip:bob@example.org;transport=ws",
                "sip:bob@example.org;transport=ws",
            ),
            ("SIPS:bob@example.org", "SIPS:bob@example.org"),
            (
                "sip:bob:secret@example.org:5062",
                "sip:bob@example.org:5062",
            ),
        ] {
            assert_eq!(
                request_uri(target, &account).as_deref(),
                Some(uri),
                "{target}"
            );
        }
        for bad in [
            "",
            " ",
            "sip:",
            "sip:a b@c",
            "sip:a@b?Route=x",
            "tel:abc",
            "a@b c",
            "mailto:a@b\r\n",
        ] {
            assert_eq!(request_uri(bad, &account), None, "{bad}");
        }
    }

    #[test]
    fn escapes_are_undone() {
        let text = "a;b=c@d %ü";
        assert_eq!(unescaped(&escaped_value(text)), text);
        assert_eq!(unescaped("%4"), "");
    }
}
