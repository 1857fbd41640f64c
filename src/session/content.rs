//! What requests of a session bear.

use crate::prelude::*;
use crate::sip::{Message, lenient_text};

/// Content-Type and body.
pub type Content = (String, String);

/// The body, if there is one.
pub(super) fn content(message: &Message) -> Option<Content> {
    let media_type = message.media_type().to_owned();
    let body = lenient_text(message.body());
    (!body.is_empty()).then_some((media_type, body))
}
