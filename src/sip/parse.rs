//! Bytes to [`Message`]: what is taken, framing, and the body (RFC 3261 §7, §18.3;
//! RFC 7118 §5).

use super::head::{index, unfold};
use super::header::Name;
use super::message::Message;
use super::text::number;
use crate::prelude::*;

/// Largest message taken, in bytes. A registration is about one KiB, a call's
/// SDP about ten; a WebSocket peer may send gigabytes in one frame.
pub const MAX_MESSAGE: usize = 1024 * 1024;
/// Largest head (start line and headers) taken, in bytes: the limit that
/// common servers set, too.
pub const MAX_HEAD: usize = 64 * 1024;
/// Most header lines taken. A registrar lists each contact in a line of its
/// own, seldom more than ten.
pub const MAX_LINES: usize = 256;

/// How the bytes were cut into messages, which decides what Content-Length
/// means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A WebSocket message: the body is the rest of the frame. A smaller
    /// Content-Length is noted in [`Message::length_mismatch`].
    Frame,
    /// A datagram: bytes behind Content-Length are dropped (RFC 3261 §18.3).
    Datagram,
}

/// A frame of line breaks only (RFC 5626 §4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keepalive {
    /// Two line breaks or more: to be answered with a single one.
    Ping,
    /// A single line break: the answer.
    Pong,
}

/// Why bytes are not a SIP message. All of them are the sender's fault: count,
/// and drop the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum ParseError {
    /// Nothing wrong: a keepalive, not a message.
    Keepalive(Keepalive),
    /// No bytes at all.
    Empty,
    /// See [`MAX_MESSAGE`].
    MessageTooLarge,
    /// See [`MAX_HEAD`].
    HeadTooLarge,
    /// See [`MAX_LINES`].
    TooManyLines,
    /// RFC 3261 §7: SIP is UTF-8.
    NotUtf8,
    /// Neither a request line nor a status line, or a status outside 100–699.
    StartLine,
    /// A carriage return or line feed alone: different readers would see
    /// different header lines.
    LineBreak,
    /// No empty line behind the headers.
    Unterminated,
    /// A response whose Content-Length is not a number, or larger than what there
    /// is. A request of this kind is parsed, with an empty body, so that
    /// [`Message::validate`] can name the answer to it (RFC 4475 §3.1.2.2).
    ContentLength,
}

impl ParseError {
    /// What `Display` shows.
    pub fn as_str(self) -> &'static str {
        match self {
            ParseError::Keepalive(_) => "a keepalive, not a message",
            ParseError::Empty => "the message is empty",
            ParseError::MessageTooLarge => "the message is larger than 1 MiB",
            ParseError::HeadTooLarge => "the head is larger than 64 KiB",
            ParseError::TooManyLines => "the message has more than 256 header lines",
            ParseError::NotUtf8 => "the head is not UTF-8",
            ParseError::StartLine => {
                "the first line is neither a SIP request line nor a status line"
            }
            ParseError::LineBreak => "a line of the head does not end with CR LF",
            ParseError::Unterminated => "the head has no end",
            ParseError::ContentLength => "Content-Length is garbled or larger than the body",
        }
    }
}

/// Is `bytes` a keepalive?
pub fn keepalive(bytes: &[u8]) -> Option<Keepalive> {
    let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n');
    if bytes.is_empty() || !bytes.iter().all(breaks) {
        return None;
    }
    Some(if bytes.len() < 4 {
        Keepalive::Pong
    } else {
        Keepalive::Ping
    })
}

impl Message {
    /// Reads one message. Line breaks before it are skipped (RFC 3261 §7.5).
    /// Only the frame of the message is checked here: lines without a colon
    /// are ignored (§8.2), what the headers say is left to
    /// [`Message::validate`] and the accessors.
    pub fn parse(bytes: &[u8], framing: Framing) -> Result<Message, ParseError> {
        if bytes.is_empty() {
            return Err(ParseError::Empty);
        }
        if bytes.len() > MAX_MESSAGE {
            return Err(ParseError::MessageTooLarge);
        }
        if let Some(keepalive) = keepalive(bytes) {
            return Err(ParseError::Keepalive(keepalive));
        }
        let mut bytes = bytes;
        while let Some(rest) = bytes.strip_prefix(b"\r\n") {
            bytes = rest;
        }
        let index = index(bytes)?;
        let mut head = index.head.to_owned();
        let body = bytes.get(head.len()..).unwrap_or_default();
        if index.folded {
            // As long as before, so that the index stays right.
            head = unfold(head);
        }
        let mut message = Message {
            head,
            start: index.start,
            lines: index.lines,
            body: Vec::new(),
            length_mismatch: false,
            bad_length: false,
        };
        let Some(length) = message.content_length(body.len()) else {
            message.bad_length = true;
            let request = message.is_request();
            return request.then_some(message).ok_or(ParseError::ContentLength);
        };
        let body = match framing {
            Framing::Frame => body,
            Framing::Datagram => body.get(..length).unwrap_or(body),
        };
        message.length_mismatch = body.len() > length;
        message.body = body.to_vec();
        Ok(message)
    }

    /// What Content-Length says, or else all that there is; `None` if that is
    /// not enough, or it says nothing.
    fn content_length(&self, available: usize) -> Option<usize> {
        let mut length = None;
        for line in self.lines(Name::ContentLength) {
            let value = number(line)? as usize;
            if value > available {
                return None;
            }
            length = length.or(Some(value));
        }
        Some(length.unwrap_or(available))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Message, ParseError> {
        Message::parse(text.as_bytes(), Framing::Frame)
    }

    fn error(text: &str) -> ParseError {
        parse(text).expect_err(text)
    }

    #[test]
    fn requests_and_responses_are_told_apart() {
        let request = parse("REGISTER sip:example.com SIP/2.0\r\nL:0\r\n\r\n").unwrap();
        assert!(request.is_request());
        assert_eq!(
            (request.method(), request.request_uri()),
            ("REGISTER", "sip:example.com")
        );
        assert_eq!(
            (request.status(), request.reason(), request.version()),
            (0, "", "SIP/2.0")
        );
        let response = parse("SIP/2.0 200 всё хорошо\r\nL:0\r\n\r\n").unwrap();
        assert!(!response.is_request());
        assert_eq!((response.method(), response.request_uri()), ("", ""));
        assert_eq!((response.status(), response.reason()), (200, "всё хорошо"));
        for empty_reason in ["SIP/2.0 100 \r\n\r\n", "SIP/2.0 100\r\n\r\n"] {
            assert_eq!(parse(empty_reason).unwrap().reason(), "");
        }
    }

    #[test]
    fn folded_lines_become_one_and_keep_their_neighbours_right() {
        let text = "\r\n\r\nA b SIP/2.0\r\nSubject:\r\n one\r\n\ttwo ü\r\nTo : x\r\nnot a header\r\n of ours\r\nFrom:y\r\n\r\n";
        let message = parse(text).unwrap();
        assert_eq!(message.header(Name::Subject), Some("one   two ü"));
        assert_eq!(message.header(Name::To), Some("x"));
        assert_eq!(message.header(Name::From), Some("y"));
        assert_eq!(message.all_headers().count(), 3);
    }

    #[test]
    fn a_frame_is_trusted_more_than_its_content_length() {
        let frame = |length: &str| parse(&format!("A b SIP/2.0\r\nl: {length}\r\n\r\nbody"));
        assert_eq!(frame("4").unwrap().body(), b"body");
        assert!(!frame("4").unwrap().length_mismatch());
        assert_eq!(frame("2").unwrap().body(), b"body");
        assert!(frame("2").unwrap().length_mismatch());
        for bad in ["5", "-1", "+4", "", "4 4", "0x4", "99999999999999999999999"] {
            let request = frame(bad).unwrap();
            assert_eq!(request.validate().unwrap_err().status, 400, "{bad}");
            assert_eq!(request.body(), b"", "{bad}");
            let response = format!("SIP/2.0 200 OK\r\nl: {bad}\r\n\r\nbody");
            assert_eq!(error(&response), ParseError::ContentLength, "{bad}");
        }
        let message = parse("A b SIP/2.0\r\n\r\nbody").unwrap();
        assert_eq!(
            (message.body(), message.length_mismatch()),
            (&b"body"[..], false)
        );
    }

    #[test]
    fn a_datagram_ends_where_content_length_says() {
        let text = b"A b SIP/2.0\r\nl: 2\r\n\r\nbody";
        let message = Message::parse(text, Framing::Datagram).unwrap();
        assert_eq!(
            (message.body(), message.length_mismatch()),
            (&b"bo"[..], false)
        );
        let text = b"A b SIP/2.0\r\nl: 9\r\n\r\nbody";
        let message = Message::parse(text, Framing::Datagram).unwrap();
        assert_eq!(message.validate().unwrap_err().status, 400);
    }

    #[test]
    fn bodies_are_bytes_and_heads_are_utf8() {
        let message = Message::parse(b"A b SIP/2.0\r\n\r\n\xff\x00\n", Framing::Frame).unwrap();
        assert_eq!(message.body(), b"\xff\x00\n");
        let bad = Message::parse(b"A b SIP/2.0\r\nTo: \xff\r\n\r\n", Framing::Frame);
        assert_eq!(bad.unwrap_err(), ParseError::NotUtf8);
    }

    #[test]
    fn keepalives_are_told_from_messages() {
        assert_eq!(keepalive(b"\r\n\r\n"), Some(Keepalive::Ping));
        assert_eq!(keepalive(b"\r\n"), Some(Keepalive::Pong));
        assert_eq!(keepalive(b""), None);
        assert_eq!(keepalive(b"\r\nA"), None);
        assert_eq!(error("\r\n\r\n"), ParseError::Keepalive(Keepalive::Ping));
    }

    #[test]
    fn what_is_not_sip_is_refused_with_its_reason() {
        use ParseError::{Empty, LineBreak, StartLine, Unterminated};
        assert_eq!(error(""), Empty);
        for text in [
            "{\"json\":1}",
            "<html>\r\n</html>\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "A b\r\n\r\n",
            "A  SIP/2.0\r\n\r\n",
            "A: b SIP/2.0\r\n\r\n",
            "SIP/2.0 4294967301 x\r\n\r\n",
            "SIP/2.0 99 x\r\n\r\n",
            "SIP/2.0 700 x\r\n\r\n",
            "SIP/2.0 +20 x\r\n\r\n",
            "SIP/2.0\r\n\r\n",
            "SIP/2.0 2ü0\r\n\r\n",
            " A b SIP/2.0\r\n\r\n",
        ] {
            assert_eq!(error(text), StartLine, "{text}");
        }
        for text in [
            "A b SIP/2.0\n\n",
            "A b SIP/2.0\r\nTo: a\nFrom: b\r\n\r\n",
            "A b SIP/2.0\r\nTo: a\rb\r\n\r\n",
        ] {
            assert_eq!(error(text), LineBreak, "{text}");
        }
        for text in [
            "A b SIP/2.0\r\n",
            "A b SIP/2.0\r\nTo: a\r\n",
            "A b SIP/2.0\r\nTo: a",
        ] {
            assert_eq!(error(text), Unterminated, "{text}");
        }
    }

    #[test]
    fn limits_hold() {
        let lines = |count| format!("A b SIP/2.0\r\n{}\r\n", "a:b\r\n".repeat(count));
        assert!(parse(&lines(MAX_LINES)).is_ok());
        assert_eq!(error(&lines(MAX_LINES + 1)), ParseError::TooManyLines);
        let long = |count| format!("A b SIP/2.0\r\na:{}\r\n\r\n", "b".repeat(count));
        assert!(parse(&long(MAX_HEAD - 100)).is_ok());
        assert_eq!(error(&long(MAX_HEAD)), ParseError::HeadTooLarge);
        let large = |count| format!("A b SIP/2.0\r\n\r\n{}", "b".repeat(count));
        assert!(parse(&large(MAX_MESSAGE - 15)).is_ok());
        assert_eq!(error(&large(MAX_MESSAGE)), ParseError::MessageTooLarge);
    }

    /// Every prefix, and every byte replaced by some nasty ones: no panic, and
    /// whatever comes out can be asked everything.
    #[test]
    fn mutilated_messages_never_panic() {
        let text = "REGISTER sip:é@b:1;c?d SIP/2.0\r\nVia: SIP/2.0/WS [::1]:1;branch=z\r\nFrom: \"\\\"é\" <sip:a@b>;tag=1\r\n\
                    To: c <sip:a@b>\r\nm: <sip:a@b>;expires=1,\r\n *\r\nCSeq: 1 REGISTER\r\nRetry-After: 1 (é)\r\nl: 2\r\n\r\nhi";
        let bytes = text.as_bytes();
        let ask = |bytes: &[u8]| {
            for framing in [Framing::Frame, Framing::Datagram] {
                if let Ok(message) = Message::parse(bytes, framing) {
                    let _ = message.validate();
                    let _ = (
                        message.cseq(),
                        message.from_tag(),
                        message.to_tag(),
                        message.top_via(),
                    );
                    let _ = (
                        message.contacts(),
                        message.retry_after(),
                        message.expires(),
                        message.date(),
                    );
                    let _ = super::super::challenges(&message);
                }
            }
        };
        for at in 0..bytes.len() {
            ask(&bytes[..at]);
            for byte in [
                0, b'\r', b'\n', b' ', b'"', b'<', b'>', b';', b',', b':', b'%', 0xc3, 0xff,
            ] {
                let mut changed = bytes.to_vec();
                changed[at] = byte;
                ask(&changed);
            }
        }
    }
}
