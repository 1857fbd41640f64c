//! Publications and subscriptions of an app: made-up packages and bodies, and
//! a far end whose every message is written down.

// The panics of a test are its verdict.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic
)]

mod publications;
mod subscriptions;

use graceline::sip::Message;

/// The value of a header that has no name of its own.
fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let mut headers = message.all_headers();
    let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn body(message: &Message) -> &str {
    std::str::from_utf8(message.body()).expect("text")
}
