//! What calls read from messages, for themselves and for people, and what their
//! own have in common.

use crate::fault::{Fault, Situation};
use crate::flow::{ALLOW, SUPPORTED};
use crate::prelude::*;
use crate::sip::{Message, sanitize_text};

/// The headers of a target refresh or of what makes a dialog.
pub(super) fn dialog_headers(contact: &str) -> Vec<(String, String)> {
    let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    [
        ("Contact", contact),
        ("Allow", ALLOW),
        ("Supported", SUPPORTED),
        ("Recv-Info", "trickle-ice"),
    ]
    .map(header)
    .into()
}

/// The session description in `message`, be it one part of several.
pub(super) fn sdp(message: &Message) -> Option<&str> {
    let body = str::from_utf8(message.part("application/sdp")?).ok()?;
    (!body.is_empty()).then_some(body)
}

/// An answer that is a refusal.
pub(super) fn refusal(answer: &Message) -> Fault {
    let said = sanitize_text(answer.reason());
    Fault::answered(Situation::Refused, answer.status(), said)
}
