//! Values to bytes: the only place where messages are made.

use super::header::Name;
use super::message::Message;
use super::text::is_token;
use crate::prelude::*;
use crate::text::decimal;

/// A value that must not go out, because it would change the structure of the
/// message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{header} cannot be sent: it contains a line break, NUL or another character that has no \
     place there"
)]
pub struct WriteError {
    /// The header's name, `Method`, `Request-URI` or `Reason-Phrase`.
    pub header: String,
}

/// Builds a message. Errors are kept until [`Writer::finish`].
#[derive(Clone, Debug)]
pub struct Writer {
    head: String,
    body: Vec<u8>,
    error: Option<WriteError>,
}

impl Writer {
    /// Begins a request.
    pub fn request(method: &str, uri: &str) -> Writer {
        let mut writer = Writer::empty();
        if !is_token(method) {
            writer.refuse("Method");
        } else if uri.is_empty() || uri.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            writer.refuse("Request-URI");
        }
        writer.append(&[method, " ", uri, " SIP/2.0\r\n"]);
        writer
    }

    /// Begins the response to `request`: Via, From, To, Call-ID and CSeq are
    /// copied (RFC 3261 §8.2.6.2), and `to_tag` is added to a To that has none.
    pub fn response(request: &Message, status: u16, reason: &str, to_tag: Option<&str>) -> Writer {
        let mut writer = Writer::empty();
        if !is_line(reason) {
            writer.refuse("Reason-Phrase");
        }
        writer.append(&["SIP/2.0 ", &decimal(status.into()), " ", reason, "\r\n"]);
        // A parsed value is one line, whatever else is in it: a NUL in a quoted
        // name (RFC 4475 §3.1.1.2) must not keep its request unanswered.
        for via in request.lines(Name::Via) {
            writer.push("Via", via, &[]);
        }
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            let Some(value) = request.header(name) else {
                continue;
            };
            match to_tag {
                Some(tag) if name == Name::To && request.to_tag().is_none() => {
                    if !is_token(tag) {
                        writer.refuse("To");
                    }
                    writer.push("To", value, &[";tag=", tag]);
                }
                _ => writer.push(name.as_str(), value, &[]),
            }
        }
        writer
    }

    /// Adds a header line. `name` is a [`Name`] or text. Content-Length is left
    /// out here: [`Writer::finish`] knows it.
    pub fn header(&mut self, name: impl AsRef<str>, value: &str) -> &mut Self {
        self.checked_header(name.as_ref(), value);
        self
    }

    /// Sets the body and adds its Content-Type.
    pub fn body(&mut self, content_type: &str, body: &[u8]) -> &mut Self {
        self.checked_header("Content-Type", content_type);
        self.body = body.to_vec();
        self
    }

    /// The message with its Content-Length (RFC 7118 does not need it, some
    /// servers do); the first error, if a value was refused. Leaves the writer
    /// empty.
    pub fn finish(&mut self) -> Result<Vec<u8>, WriteError> {
        let mut writer = core::mem::replace(self, Writer::empty());
        if let Some(error) = writer.error {
            return Err(error);
        }
        let length = decimal(writer.body.len() as u64);
        writer.push("Content-Length", &length, &[]);
        writer.head.push_str("\r\n");
        let mut bytes = writer.head.into_bytes();
        bytes.append(&mut writer.body);
        Ok(bytes)
    }

    fn empty() -> Writer {
        Writer {
            head: String::with_capacity(1024),
            body: Vec::new(),
            error: None,
        }
    }

    fn checked_header(&mut self, name: &str, value: &str) {
        if !is_token(name) || !is_line(value) {
            self.refuse(name);
        } else if Name::from_text(name) != Name::ContentLength {
            self.push(name, value, &[]);
        }
    }

    fn push(&mut self, name: &str, value: &str, more: &[&str]) {
        self.append(&[name, ": ", value]);
        self.append(more);
        self.append(&["\r\n"]);
    }

    fn append(&mut self, parts: &[&str]) {
        for part in parts {
            self.head.push_str(part);
        }
    }

    fn refuse(&mut self, header: &str) {
        // The name itself may be what is wrong: keep the error one line.
        let header = if is_token(header) {
            header
        } else {
            "A header name"
        };
        self.error.get_or_insert_with(|| WriteError {
            header: header.to_owned(),
        });
    }
}

/// Can `value` stand in one line of a message?
pub fn is_line(value: &str) -> bool {
    !value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    #[test]
    fn what_is_written_can_be_read() {
        let bytes = Writer::request("MESSAGE", "sip:bob@example.com")
            .header(Name::Via, "SIP/2.0/WS a.invalid;branch=z9hG4bK1")
            .header("X-Foo", "bär")
            .header("l", "99")
            .body("text/plain", b"\xffhi")
            .finish()
            .unwrap();
        let message = Message::parse(&bytes, Framing::Frame).unwrap();
        assert_eq!(
            (message.method(), message.request_uri()),
            ("MESSAGE", "sip:bob@example.com")
        );
        assert_eq!(message.header_named("x-foo"), Some("bär"));
        assert_eq!(
            message.lines(Name::ContentLength).collect::<Vec<_>>(),
            ["3"]
        );
        assert_eq!(
            (message.body(), message.length_mismatch()),
            (&b"\xffhi"[..], false)
        );
        let empty = Writer::request("OPTIONS", "sip:a").finish().unwrap();
        assert_eq!(empty, b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn line_breaks_and_nul_are_refused_by_name() {
        for value in ["a\rb", "a\nb", "a\r\nVia: x", "a\0"] {
            let error = Writer::request("A", "sip:b")
                .header("X-Foo", value)
                .finish()
                .unwrap_err();
            assert_eq!(error.header, "X-Foo");
            let error = Writer::request("A", "sip:b")
                .header(Name::Reason, value)
                .finish()
                .unwrap_err();
            assert_eq!(error.header, "Reason");
            let error = Writer::request("A", "sip:b")
                .body(value, b"")
                .finish()
                .unwrap_err();
            assert_eq!(error.header, "Content-Type");
            let error = Writer::request("A", value).finish().unwrap_err();
            assert_eq!(error.header, "Request-URI");
            let error = Writer::request(value, "sip:b").finish().unwrap_err();
            assert_eq!(error.header, "Method");
        }
        // A space would end the Request-URI (RFC 3261 §7.1).
        let error = Writer::request("A", "sip:b c").finish().unwrap_err();
        assert_eq!(error.header, "Request-URI");
        let error = Writer::request("A", "sip:b")
            .header("X\r\nFoo", "1")
            .finish()
            .unwrap_err();
        assert_eq!(error.header, "A header name");
        assert!(
            error
                .to_string()
                .starts_with("A header name cannot be sent")
        );
    }

    #[test]
    fn responses_copy_what_the_rfc_says_and_tag_the_to_once() {
        let request = |to: &str| {
            let text = format!(
                "OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/WS a;branch=1\r\nVia: SIP/2.0/WS b\r\nf: <sip:f>;tag=1\r\nt: {to}\r\n\
                 i: c\r\nCSeq: 7\r\n OPTIONS\r\nSubject: not copied\r\n\r\n"
            );
            Message::parse(text.as_bytes(), Framing::Frame).unwrap()
        };
        let answer = |to: &str, tag| {
            let bytes = Writer::response(&request(to), 200, "OK", tag)
                .finish()
                .unwrap();
            Message::parse(&bytes, Framing::Frame).unwrap()
        };
        let response = answer("\"a\\\0\" <sip:t>", Some("9"));
        assert_eq!((response.status(), response.reason()), (200, "OK"));
        let names: Vec<_> = response.all_headers().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "Via",
                "Via",
                "From",
                "To",
                "Call-ID",
                "CSeq",
                "Content-Length"
            ]
        );
        assert_eq!(response.top_via().unwrap().branch(), Some("1"));
        assert_eq!(response.header(Name::To), Some("\"a\\\0\" <sip:t>;tag=9"));
        assert_eq!(answer("sip:t;tag=2", Some("9")).to_tag(), Some("2"));
        assert_eq!(answer("sip:t", None).to_tag(), None);
        let bad = Writer::response(&request("sip:t"), 200, "O\nK", None).finish();
        assert_eq!(bad.unwrap_err().header, "Reason-Phrase");
        let bad = Writer::response(&request("sip:t"), 200, "OK", Some("a\r\n")).finish();
        assert_eq!(bad.unwrap_err().header, "To");
    }
}
