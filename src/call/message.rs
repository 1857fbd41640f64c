//! What calls read from messages, for themselves and for people, and what their
//! own have in common.

use crate::flow::{ALLOW, SUPPORTED};
use crate::prelude::*;
use crate::sip::Message;
use crate::text::concat;

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

/// `text`, and that what came while an answer was waited for was dropped.
pub fn dropped_meanwhile(text: &str, why: &str) -> String {
    concat(&[
        text,
        " A message that came meanwhile was dropped: ",
        why,
        ".",
    ])
}
