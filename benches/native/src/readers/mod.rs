//! One reader a parser. All hand the same fields to [`Fields`], in this order:
//! method, user and host of the Request-URI (or the status); user, host and tag
//! of From and of To; Call-ID; number and method of CSeq; transport, host and
//! branch of the top Via; user, host and expires of each Contact;
//! Content-Length; length of the body. What is absent is an empty text or 0.

use crate::BlackBox;
use std::fmt::Display;

mod ezk;
mod graceline;
mod rsip;
mod rsipstack;
mod sipx;

/// Where the fields go.
pub trait Fields {
    fn text(&mut self, text: &[u8]);
    fn number(&mut self, number: u64);
    /// A value of a type of the parser's own, such as a host that may be an
    /// address: reading it does not make it text, comparing it does.
    fn value<T: ?Sized>(&mut self, value: &T, text: impl FnOnce(&T) -> String);

    fn shown<T: Display + ?Sized>(&mut self, value: &T) {
        self.value(value, T::to_string);
    }
}

/// A parser. `None`: it refused the message, or could not read a field.
pub struct Reader {
    pub name: &'static str,
    pub timed: fn(&'static [u8], &mut BlackBox) -> Option<()>,
    checked: fn(&'static [u8], &mut Texts) -> Option<()>,
}

/// Ours first: the others are compared with what it reads.
pub const READERS: [Reader; 5] = [
    Reader {
        name: "graceline",
        timed: graceline::read,
        checked: graceline::read,
    },
    Reader {
        name: "rsip",
        timed: rsip::read,
        checked: rsip::read,
    },
    Reader {
        name: "rsipstack",
        timed: rsipstack::read,
        checked: rsipstack::read,
    },
    Reader {
        name: "ezk-sip-types",
        timed: ezk::read,
        checked: ezk::read,
    },
    Reader {
        name: "sipx-sip",
        timed: sipx::read,
        checked: sipx::read,
    },
];

/// The fields as texts.
pub struct Texts(Vec<String>);

impl Fields for Texts {
    fn text(&mut self, text: &[u8]) {
        self.0.push(String::from_utf8_lossy(text).into_owned());
    }
    fn number(&mut self, number: u64) {
        self.0.push(number.to_string());
    }
    fn value<T: ?Sized>(&mut self, value: &T, text: impl FnOnce(&T) -> String) {
        self.0.push(text(value));
    }
}

/// What a reader sees in a message; empty if it cannot read it.
pub fn collect(reader: &Reader, bytes: &'static [u8]) -> Vec<String> {
    let mut texts = Texts(Vec::new());
    match (reader.checked)(bytes, &mut texts) {
        Some(()) => texts.0,
        None => Vec::new(),
    }
}
