//! Whether a message can be worked with at all: the checks of a user agent
//! (RFC 3261 §8.1.1, §8.1.3, §8.2, §10.3; RFC 4475 lists the offenders).
//!
//! A server keeps to the letter ([`Message::validate`]): what it lets through
//! reaches others. A phone is the last to read a message, and a person waits for
//! it: of a header that it does not need it takes any form
//! ([`Message::check_use`]).

use super::header::Name;
use super::message::Message;
use super::name_addr::NameAddr;
use super::text::{Split, cut, number};
use super::uri::Uri;
use super::via::Via;

/// Why a message cannot be worked with. A request is answered with this status
/// and reason, a response is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}")]
pub struct Invalid {
    /// 400, 416 or 505.
    pub status: u16,
    /// Reason phrase: names the header that is wrong.
    pub reason: &'static str,
}

impl Message {
    /// Checks what every user agent must: version, mandatory headers and their
    /// form, headers that may stand only once, the method of CSeq, and, of a
    /// request, its URI and contacts. What a particular method needs is left to
    /// its handler, and so are Require and bodies.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.check_version()?;
        self.check_single_values(|_| true)?;
        check(!self.bad_length, "Malformed Content-Length")?;
        self.check_mandatory()?;
        if self.is_request() {
            // Whose number it is a proxy may know (RFC 3966): its handler is to say.
            let (scheme, _) = cut(self.request_uri(), b':').unwrap_or_default();
            if !scheme.eq_ignore_ascii_case("tel") || self.method() == "REGISTER" {
                self.check_request_uri()?;
            }
            self.check_request_headers()?;
        }
        Ok(())
    }

    /// Checks what the last reader of a message needs of it, and no more: that it
    /// is one message of a known length, what it belongs to, and, of a request,
    /// what stands in its first line.
    ///
    /// An answer belongs to the request that has its branch and its CSeq (RFC 3261
    /// §17.1.3): From, To and Call-ID were ours. A request belongs to the dialog that
    /// Call-ID and tags name, so these must be there once, and the tag of a malformed
    /// From be found; the rest of From and To is echoed unread, as are the Vias.
    pub fn check_use(&self) -> Result<(), Invalid> {
        self.check_version()?;
        check(!self.bad_length, "Malformed Content-Length")?;
        let cseq = self.cseq().ok_or(bad("Missing or Malformed CSeq"))?;
        if !self.is_request() {
            self.check_single_values(|name| name == Name::CSeq)?;
            let mut vias = self.values(Name::Via);
            check(vias.next().is_some(), "Missing Via")?;
            // It was for somebody behind us (RFC 3261 §8.1.3.3).
            return check(vias.next().is_none(), "Two Vias in Response");
        }
        self.check_single_values(|name| !matches!(name, Name::Expires | Name::MaxForwards))?;
        check(!self.call_id().is_empty(), "Missing Call-ID")?;
        check(self.header(Name::Via).is_some(), "Missing Via")?;
        let tagged = self.from_tag().is_some() || self.from().is_some();
        check(tagged, "Missing or Malformed From")?;
        let to = self.header(Name::To).and_then(NameAddr::read);
        check(to.is_some(), "Missing or Malformed To")?;
        check(cseq.method == self.method(), "CSeq Method Mismatch")?;
        self.check_request_uri()
    }

    fn check_version(&self) -> Result<(), Invalid> {
        if self.version().eq_ignore_ascii_case("SIP/2.0") {
            return Ok(());
        }
        Err(Invalid {
            status: 505,
            reason: "Version Not Supported",
        })
    }

    /// Of these headers there is one at most.
    fn check_single_values(&self, counts: fn(Name) -> bool) -> Result<(), Invalid> {
        const SINGLE: [(Name, &str); 10] = [
            (Name::CallId, "Repeated Call-ID"),
            (Name::ContentLength, "Repeated Content-Length"),
            (Name::ContentType, "Repeated Content-Type"),
            (Name::CSeq, "Repeated CSeq"),
            (Name::Event, "Repeated Event"),
            (Name::Expires, "Repeated Expires"),
            (Name::From, "Repeated From"),
            (Name::MaxForwards, "Repeated Max-Forwards"),
            (Name::MinExpires, "Repeated Min-Expires"),
            (Name::To, "Repeated To"),
        ];
        let (mut seen, mut repeated) = (0_u64, 0_u64);
        for line in &self.lines {
            let name = 1 << line.name as u32;
            repeated |= seen & name;
            seen |= name;
        }
        let is_repeated = |name: Name| repeated & 1 << name as u32 != 0;
        let mut single = SINGLE.iter().filter(|(name, _)| counts(*name));
        match single.find(|(name, _)| is_repeated(*name)) {
            Some((_, reason)) => Err(bad(reason)),
            None => Ok(()),
        }
    }

    fn check_mandatory(&self) -> Result<(), Invalid> {
        check(!self.call_id().is_empty(), "Missing Call-ID")?;
        let cseq = self.cseq().ok_or(bad("Missing or Malformed CSeq"))?;
        check(
            self.from().is_some_and(is_address),
            "Missing or Malformed From",
        )?;
        check(self.to().is_some_and(is_address), "Missing or Malformed To")?;
        let mut vias = 0;
        for line in self.lines(Name::Via) {
            for via in Split::new(line, b',') {
                Via::parse(via).ok_or(bad("Malformed Via"))?;
                vias += 1;
            }
        }
        check(vias > 0, "Missing Via")?;
        // RFC 3261 §8.1.3.3: a response with a second Via is not for us.
        check(self.is_request() || vias == 1, "Two Vias in Response")?;
        let matches = !self.is_request() || cseq.method == self.method();
        check(matches, "CSeq Method Mismatch")
    }

    fn check_request_uri(&self) -> Result<(), Invalid> {
        let uri = Uri::parse(self.request_uri()).ok_or(bad("Malformed Request-URI"))?;
        if !uri.is_sip() {
            return Err(Invalid {
                status: 416,
                reason: "Unsupported URI Scheme",
            });
        }
        // RFC 3261 §19.1.1, table 1: headers never stand in a Request-URI.
        check(uri.headers.is_empty(), "Headers in Request-URI")
    }

    fn check_request_headers(&self) -> Result<(), Invalid> {
        // Missing is tolerated: RFC 2543 did not demand it.
        let hops = self.header(Name::MaxForwards).map_or(Some(70), number);
        check(
            hops.is_some_and(|hops| hops <= 255),
            "Malformed Max-Forwards",
        )?;
        let contacts = self.contacts();
        let addresses = contacts.list.into_iter().all(is_address);
        check(contacts.malformed == 0 && addresses, "Malformed Contact")?;
        if contacts.star {
            // RFC 3261 §10.2.2: alone, and only to remove.
            let alone = self.values(Name::Contact).nth(1).is_none();
            let removes = self.method() == "REGISTER" && self.expires() == Some(0);
            check(alone && removes, "Misplaced * in Contact")?;
        }
        Ok(())
    }
}

/// Addresses of other schemes are for the application to judge.
fn is_address(address: NameAddr<'_>) -> bool {
    Uri::parse(address.uri).is_some()
}

fn check(right: bool, reason: &'static str) -> Result<(), Invalid> {
    if right { Ok(()) } else { Err(bad(reason)) }
}

const fn bad(reason: &'static str) -> Invalid {
    Invalid {
        status: 400,
        reason,
    }
}
