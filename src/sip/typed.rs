//! What the headers of a [`Message`] say, parsed on demand.

use super::date::parse_date;
use super::header::Name;
use super::message::Message;
use super::name_addr::NameAddr;
use super::params::Params;
use super::text::{Split, is_token, next_word, number, sanitize_text, split_while, unquote};
use super::via::Via;
use crate::prelude::*;

/// The sequence number and method of a transaction (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2³¹ (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// Case-sensitive.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    fn parse(text: &'a str) -> Option<CSeq<'a>> {
        let mut rest = text;
        let (number, method) = (number(next_word(&mut rest))?, next_word(&mut rest));
        let valid = number < 1 << 31 && is_token(method) && rest.is_empty();
        valid.then_some(CSeq { number, method })
    }
}

/// The Contact headers of a message.
#[derive(Clone, Debug, Default)]
pub struct Contacts<'a> {
    /// There is a `*`: all bindings, in a REGISTER (RFC 3261 §10.2.2).
    pub star: bool,
    /// The contacts in order, each read as far as it goes.
    pub list: Vec<NameAddr<'a>>,
    /// How many values are malformed, whether they could be read or not.
    pub malformed: usize,
}

impl Message {
    /// The Call-ID; empty if missing.
    pub fn call_id(&self) -> &str {
        self.header(Name::CallId).unwrap_or("")
    }

    /// The CSeq; `None` if missing or malformed.
    pub fn cseq(&self) -> Option<CSeq<'_>> {
        self.header(Name::CSeq).and_then(CSeq::parse)
    }

    /// The From; `None` if missing or malformed.
    pub fn from(&self) -> Option<NameAddr<'_>> {
        self.header(Name::From).and_then(NameAddr::parse)
    }

    /// The To; `None` if missing or malformed.
    pub fn to(&self) -> Option<NameAddr<'_>> {
        self.header(Name::To).and_then(NameAddr::parse)
    }

    /// The tag of the From, be the rest of it malformed.
    #[allow(clippy::wrong_self_convention)] // it is From's
    pub fn from_tag(&self) -> Option<&str> {
        NameAddr::read(self.header(Name::From)?)?.tag()
    }

    /// The tag of the To, be the rest of it malformed.
    pub fn to_tag(&self) -> Option<&str> {
        NameAddr::read(self.header(Name::To)?)?.tag()
    }

    /// The branch of the first Via, which names the transaction (RFC 3261 §17.1.3),
    /// be the rest of it malformed.
    pub fn branch(&self) -> Option<&str> {
        Params::read(Split::new(self.header(Name::Via)?, b',').next()?).get("branch")
    }

    /// The first Via: the last hop of a request, ourselves in a response.
    pub fn top_via(&self) -> Option<Via<'_>> {
        Via::parse(Split::new(self.header(Name::Via)?, b',').next()?)
    }

    /// All contacts.
    pub fn contacts(&self) -> Contacts<'_> {
        let mut contacts = Contacts::default();
        for value in self.values(Name::Contact) {
            match NameAddr::parse(value) {
                Some(contact) => contacts.list.push(contact),
                None if value == "*" => contacts.star = true,
                None => {
                    contacts.malformed += 1;
                    contacts.list.extend(NameAddr::read(value));
                }
            }
        }
        contacts
    }

    /// Expires in seconds. A number too large is the largest; `None` if missing
    /// or not a number (RFC 3261 §20.19).
    pub fn expires(&self) -> Option<u32> {
        self.header(Name::Expires).and_then(number)
    }

    /// Min-Expires in seconds, the answer of a 423 (RFC 3261 §20.23).
    pub fn min_expires(&self) -> Option<u32> {
        self.header(Name::MinExpires).and_then(number)
    }

    /// Retry-After in seconds; comment and parameters are ignored (RFC 3261
    /// §20.33).
    pub fn retry_after(&self) -> Option<u32> {
        let value = self.header(Name::RetryAfter)?;
        number(split_while(value, |byte| byte.is_ascii_digit()).0)
    }

    /// The text of the first Warning (RFC 3261 §20.43), cleaned.
    pub fn warning(&self) -> Option<String> {
        let warning = self.values(Name::Warning).next()?;
        let start = warning.bytes().position(|byte| byte == b'"')?;
        Some(sanitize_text(&unquote(warning.get(start..)?)))
    }

    /// Date as Unix seconds; `None` if missing, malformed or not GMT.
    pub fn date(&self) -> Option<u64> {
        self.header(Name::Date).and_then(parse_date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn with(headers: &str) -> Message {
        let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n\r\n");
        Message::parse(text.as_bytes(), Framing::Frame).unwrap()
    }

    #[test]
    fn typed_values_are_read() {
        let message = with(
            "v: SIP/2.0/WS a.invalid;branch=z1, SIP/2.0/WS b\r\nf: <sip:a@b>;tag=1\r\nt: <sip:a@b>;TAG=2\r\n\
             i: c@d\r\nCSeq: 0009\r\n  REGISTER\r\nExpires: 120\r\nMin-Expires: 60\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT",
        );
        assert_eq!(
            message.cseq(),
            Some(CSeq {
                number: 9,
                method: "REGISTER"
            })
        );
        assert_eq!(
            (message.from_tag(), message.to_tag()),
            (Some("1"), Some("2"))
        );
        assert_eq!(message.top_via().unwrap().branch(), Some("z1"));
        assert_eq!(
            (message.call_id(), message.expires(), message.min_expires()),
            ("c@d", Some(120), Some(60))
        );
        assert_eq!(message.date(), Some(1_289_690_940));
    }

    #[test]
    fn missing_and_malformed_values_are_none() {
        let message = with("CSeq: 2147483648 A\r\nExpires: soon\r\nTo: <sip:a");
        assert_eq!(
            (message.cseq(), message.expires(), message.call_id()),
            (None, None, "")
        );
        assert!(message.to().is_none() && message.from().is_none() && message.top_via().is_none());
        for bad in ["1", "x INVITE", "1 INVITE x", "-1 INVITE", "1 IN,VITE", ""] {
            assert_eq!(CSeq::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn retry_after_may_have_comment_and_parameters() {
        for text in [
            "120",
            "120 (I'm in a meeting)",
            "120;duration=3600",
            "120(x)",
        ] {
            assert_eq!(
                with(&format!("Retry-After: {text}")).retry_after(),
                Some(120),
                "{text}"
            );
        }
        assert_eq!(with("Retry-After: (soon)").retry_after(), None);
        assert_eq!(
            with("Retry-After: 949302838503028349304023988").retry_after(),
            Some(u32::MAX)
        );
    }

    #[test]
    fn tags_and_branch_are_found_where_the_rest_is_malformed() {
        let message = with(
            "Via: SIP/2.0/WS ;branch=z1;;rport, x\r\nFrom: Bell, Ada <sip:a@b>;tag=1\r\nTo: <sip:@h>;;tag=2\r\n\
             Contact: <sip:a@b>;, <sip:c@d>;=1;expires=60",
        );
        let found = (message.branch(), message.from_tag(), message.to_tag());
        assert_eq!(found, (Some("z1"), Some("1"), Some("2")));
        assert!(message.top_via().is_none() && message.from().is_none());
        let contacts = message.contacts();
        assert_eq!((contacts.list.len(), contacts.malformed), (2, 2));
        assert_eq!(contacts.list[1].expires(), Some(60));
        let open = with("Via: SIP/2.0/WS a\r\nFrom: \"Ada <sip:a@b>;tag=1");
        assert_eq!(
            (open.branch(), open.from_tag(), open.to_tag()),
            (None, None, None)
        );
    }

    #[test]
    fn contacts_may_be_many_and_a_bad_one_hides_no_other() {
        let message =
            with("Contact: <sip:a@b>;expires=60, \"x, y\" <sip:c@d>\r\nm: sip:e@f;q=1, <sip:g");
        let contacts = message.contacts();
        let uris: Vec<_> = contacts.list.iter().map(|contact| contact.uri).collect();
        assert_eq!(uris, ["sip:a@b", "sip:c@d", "sip:e@f"]);
        assert_eq!((contacts.star, contacts.malformed), (false, 1));
        assert!(with("Contact: *").contacts().star);
    }
}
