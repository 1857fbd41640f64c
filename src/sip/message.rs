//! A received message and its header lines. What the lines mean is in
//! `typed.rs`, how they are found in `parse.rs`.

use super::header::Name;
use super::text::Split;
use crate::prelude::*;

/// A received SIP message: the head as one string, an index of its header
/// lines, and the body. Values are parsed when asked for, and borrow.
#[derive(Clone, Debug)]
pub struct Message {
    /// Start line and header lines; folds are spaces (RFC 3261 §7.3.1).
    pub(super) head: String,
    pub(super) start: Start,
    pub(super) lines: Vec<Line>,
    pub(super) body: Vec<u8>,
    pub(super) length_mismatch: bool,
    /// Content-Length is garbled or larger than the body: refused by `validate`.
    pub(super) bad_length: bool,
}

/// A range of the head, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    Request {
        method: Span,
        uri: Span,
        version: Span,
    },
    Response {
        version: Span,
        status: u16,
        reason: Span,
    },
}

/// One header line: `start` to `colon` is the name, behind it until `end` the
/// value, both with the white space around them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) name: Name,
    pub(super) start: u32,
    pub(super) colon: u32,
    pub(super) end: u32,
}

impl Message {
    /// Is it a request?
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request, as written (methods are case-sensitive, RFC
    /// 3261 §7.1); empty for a response.
    pub fn method(&self) -> &str {
        match self.start {
            Start::Request { method, .. } => self.text(method),
            Start::Response { .. } => "",
        }
    }

    /// The Request-URI as written; empty for a response.
    pub fn request_uri(&self) -> &str {
        match self.start {
            Start::Request { uri, .. } => self.text(uri),
            Start::Response { .. } => "",
        }
    }

    /// The status code of a response, 100 to 699; 0 for a request.
    pub fn status(&self) -> u16 {
        match self.start {
            Start::Request { .. } => 0,
            Start::Response { status, .. } => status,
        }
    }

    /// The reason phrase of a response, which may be empty.
    pub fn reason(&self) -> &str {
        match self.start {
            Start::Request { .. } => "",
            Start::Response { reason, .. } => self.text(reason),
        }
    }

    /// `SIP/2.0`, as written.
    pub fn version(&self) -> &str {
        let (Start::Request { version, .. } | Start::Response { version, .. }) = self.start;
        self.text(version)
    }

    /// The value of the first line of this name, trimmed.
    pub fn header(&self, name: Name) -> Option<&str> {
        self.lines(name).next()
    }

    /// The value of the first line whose name is `name`, in full or compact
    /// form and any case. For names that [`Name`] does not know.
    pub fn header_named(&self, name: &str) -> Option<&str> {
        match Name::from_text(name) {
            Name::Other => {
                let mut all = self.all_headers();
                all.find(|(known, _)| known.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            }
            known => self.header(known),
        }
    }

    /// The trimmed value of every line of this name, in order.
    pub fn lines(&self, name: Name) -> impl Iterator<Item = &str> {
        Lines {
            message: self,
            lines: self.lines.iter(),
            name,
        }
    }

    /// Every value of a comma-separated header in order, whether in one line
    /// or in several (RFC 3261 §7.3.1). Commas within quotes or `<>` do not
    /// separate; empty elements are left out.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &str> {
        let lines = Lines {
            message: self,
            lines: self.lines.iter(),
            name,
        };
        Values {
            lines,
            split: Split::empty(),
        }
    }

    /// Every line as name and trimmed value, in order.
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|line| {
            let name = Span {
                start: line.start,
                end: line.colon,
            };
            (self.text(name).trim_ascii_end(), self.value(line))
        })
    }

    /// Is the option tag or token `tag` among the values of `name` (Supported,
    /// Require, Allow, …)? Case is ignored.
    pub fn has_option(&self, name: Name, tag: &str) -> bool {
        self.values(name)
            .any(|value| value.eq_ignore_ascii_case(tag))
    }

    /// Start line and header lines, to the empty line. The texts that accessors
    /// return are parts of it. Folds are spaces.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Did a frame hold more than its Content-Length said? The body then is the
    /// whole rest of the frame (RFC 7118 §5.2: trust the frame).
    pub fn length_mismatch(&self) -> bool {
        self.length_mismatch
    }

    pub(super) fn value(&self, line: &Line) -> &str {
        self.text(Span {
            start: line.colon + 1,
            end: line.end,
        })
        .trim_ascii()
    }

    pub(super) fn text(&self, span: Span) -> &str {
        self.head
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}

// Named iterators, so that the loops exist once and not in every caller.

struct Lines<'a> {
    message: &'a Message,
    lines: core::slice::Iter<'a, Line>,
    name: Name,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let line = self.lines.find(|line| line.name == self.name)?;
        Some(self.message.value(line))
    }
}

struct Values<'a> {
    lines: Lines<'a>,
    split: Split<'a>,
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            match self.split.next() {
                Some("") => {}
                Some(value) => return Some(value),
                None => self.split = Split::new(self.lines.next()?, b','),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn message() -> Message {
        let text = "OPTIONS sip:a@b SIP/2.0\r\nk: path, Gruu\r\nSupported:\r\nSUPPORTED : x\r\nX-Foo:1\r\n\
                    Route: \"a,b\" <sip:c,d@e>, <sip:f>\r\n ,<sip:g>\r\n\r\n";
        Message::parse(text.as_bytes(), Framing::Frame).unwrap()
    }

    #[test]
    fn lines_of_one_name_are_found_in_every_spelling() {
        let message = message();
        assert_eq!(
            message.lines(Name::Supported).collect::<Vec<_>>(),
            ["path, Gruu", "", "x"]
        );
        assert_eq!(
            message.values(Name::Supported).collect::<Vec<_>>(),
            ["path", "Gruu", "x"]
        );
        assert!(message.has_option(Name::Supported, "gruu"));
        assert!(!message.has_option(Name::Supported, "outbound"));
        assert_eq!(message.header(Name::Via), None);
    }

    #[test]
    fn headers_are_found_by_text_too() {
        let message = message();
        assert_eq!(message.header_named("x-foo"), Some("1"));
        assert_eq!(message.header_named("supported"), Some("path, Gruu"));
        assert_eq!(message.header_named("x-bar"), None);
        let names: Vec<_> = message.all_headers().map(|(name, _)| name).collect();
        assert_eq!(names, ["k", "Supported", "SUPPORTED", "X-Foo", "Route"]);
    }

    #[test]
    fn folded_lists_are_one_list() {
        let message = message();
        let routes: Vec<_> = message.values(Name::Route).collect();
        assert_eq!(routes, ["\"a,b\" <sip:c,d@e>", "<sip:f>", "<sip:g>"]);
    }
}
