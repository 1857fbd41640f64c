//! What every user agent checks before it looks into a request (RFC 3261 §8.2):
//! extensions that must be understood, and what the body is. Form and URI were
//! checked by [`Message::validate`](crate::sip::Message::validate).

use crate::flow::{ALLOW, SUPPORTED};
use crate::prelude::*;
use crate::sip::{Message, Name, Params, unquote};
use crate::text::{concat, pieces};

/// Bodies that the phone reads; INFO and MESSAGE hand any text to the app.
const ACCEPT: &str =
    "application/sdp, multipart/mixed, application/reginfo+xml, message/sipfrag, text/plain";

/// Bodies that one reads which accepts sessions.
#[cfg(feature = "gateway")]
const ACCEPT_IN_SESSIONS: &str = "application/csta+xml, application/reginfo+xml";

/// Event packages of which a NOTIFY is taken.
pub(super) const EVENTS: &str = "refer, reg, message-summary";

/// The answer to a request that is not looked into.
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The header that says what would have been right.
    pub(super) header: Name,
    pub(super) value: String,
}

impl super::Phone {
    /// Bodies that are read.
    pub(super) fn accept(&self) -> &'static str {
        #[cfg(feature = "gateway")]
        if self.usages.accepted.listens() {
            return ACCEPT_IN_SESSIONS;
        }
        ACCEPT
    }
}

/// Why a request of a method that the phone takes is refused; `accept`: bodies that are
/// read. Other methods are
/// refused as such, and neither ACK nor CANCEL may be (§8.2.2.3).
pub(super) fn inspect(request: &Message, accept: &str) -> Option<Refusal> {
    if !listed(ALLOW, request.method()) || matches!(request.method(), "ACK" | "CANCEL") {
        return None;
    }
    let mut unsupported = String::new();
    for tag in request.values(Name::Require) {
        if !listed(SUPPORTED, tag) {
            let comma = if unsupported.is_empty() { "" } else { ", " };
            unsupported = concat(&[&unsupported, comma, tag]);
        }
    }
    if !unsupported.is_empty() {
        return Some(Refusal {
            status: 420,
            header: Name::Unsupported,
            value: unsupported,
        });
    }
    let wrong = |header, value: &str| {
        Some(Refusal {
            status: 415,
            header,
            value: value.to_owned(),
        })
    };
    if request.body().is_empty() || is_optional(request) {
        return None;
    }
    let encoding = request.header(Name::ContentEncoding).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return wrong(Name::AcceptEncoding, "identity");
    }
    // Of a NOTIFY the event is judged before the body (RFC 6665 §4.1.3): only
    // those of subscriptions are read.
    let unread = match request.method() {
        "INFO" | "MESSAGE" => true,
        "NOTIFY" => !listed("reg, refer", request.event_package()),
        _ => false,
    };
    if unread {
        return None;
    }
    let media_type = request.media_type();
    let known = media_type.is_empty() || listed(accept, media_type);
    // RFC 5621 §4 wants every part understood unless it is said to be optional, and
    // nobody says so: what the phone can use is enough.
    if !known && request.part("application/sdp").is_none() {
        return wrong(Name::Accept, accept);
    }
    None
}

/// Whether the sender does not mind that the body is not understood (§20.11).
fn is_optional(request: &Message) -> bool {
    let disposition = request.header(Name::ContentDisposition).unwrap_or_default();
    let handling = Params::read(disposition).get("handling");
    handling.is_some_and(|handling| unquote(handling).eq_ignore_ascii_case("optional"))
}

fn listed(list: &str, wanted: &str) -> bool {
    pieces(list, b',').any(|known| known.trim_ascii().eq_ignore_ascii_case(wanted))
}
