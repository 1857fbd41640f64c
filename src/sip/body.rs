//! Bodies with several parts (RFC 2046 §5.1, RFC 5621).

use super::header::Name;
use super::message::Message;
use super::params::Params;
use super::text::{cut, unquote};
use crate::text::find;

/// Multiparts within multiparts that are looked into.
const MAX_DEPTH: u32 = 3;

impl Message {
    /// The media type of the body, without its parameters; empty if none is named.
    pub fn media_type(&self) -> &str {
        before_params(self.header(Name::ContentType).unwrap_or_default())
    }

    /// The event package of a NOTIFY or SUBSCRIBE; empty if none is named.
    pub fn event_package(&self) -> &str {
        before_params(self.header(Name::Event).unwrap_or_default())
    }

    /// The body if it is of the media type `wanted`, else the first part of it that
    /// is.
    pub fn part(&self, wanted: &str) -> Option<&[u8]> {
        let media_type = self.header(Name::ContentType)?;
        part(media_type, self.body(), wanted, MAX_DEPTH)
    }
}

fn part<'a>(media_type: &str, body: &'a [u8], wanted: &str, depth: u32) -> Option<&'a [u8]> {
    let plain = before_params(media_type);
    if plain.eq_ignore_ascii_case(wanted) {
        return Some(body);
    }
    let (kind, _) = cut(plain, b'/')?;
    if !kind.eq_ignore_ascii_case("multipart") || depth == 0 {
        return None;
    }
    let boundary = unquote(Params::read(media_type).get("boundary")?);
    let mut parts = Parts {
        rest: Some(body),
        boundary: boundary.as_bytes(),
    };
    // What stands before the first boundary is no part.
    parts.next()?;
    parts.find_map(|text| {
        let (media_type, body) = headers(text)?;
        part(media_type, body, wanted, depth - 1)
    })
}

/// The pieces between the lines that begin with two hyphens and the boundary. The
/// end of the body is as good as the last of them.
struct Parts<'a, 'b> {
    rest: Option<&'a [u8]>,
    boundary: &'b [u8],
}

impl<'a> Iterator for Parts<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let mut at = 0;
        loop {
            let line = text.get(at..)?;
            let delimiter = line.strip_prefix(b"--");
            if let Some(behind) = delimiter.and_then(|line| line.strip_prefix(self.boundary)) {
                let end = find(behind, b"\n").map_or(behind.len(), |end| end + 1);
                let last = behind.starts_with(b"--");
                self.rest = behind.get(end..).filter(|_| !last);
                // The line break before it belongs to the boundary.
                let piece = text.get(..at)?;
                let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
                return Some(piece.strip_suffix(b"\r").unwrap_or(piece));
            }
            match find(line, b"\n") {
                Some(end) => at += end + 1,
                None => return Some(text),
            }
        }
    }
}

/// The Content-Type and the body of a part. `None`: it is encoded.
fn headers(part: &[u8]) -> Option<(&str, &[u8])> {
    let mut media_type = "text/plain";
    let mut rest = part;
    loop {
        let end = find(rest, b"\n")?;
        let line = str::from_utf8(rest.get(..end)?).ok()?.trim_ascii_end();
        rest = rest.get(end + 1..)?;
        if line.is_empty() {
            return Some((media_type, rest));
        }
        let Some((name, value)) = cut(line, b':') else {
            continue;
        };
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if Name::from_text(name) == Name::ContentType {
            media_type = value;
        } else if name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
            // SIP is free of eight-bit worries: others are as good as unknown here.
            let mut plain = ["binary", "8bit", "7bit"].iter();
            plain.find(|known| value.eq_ignore_ascii_case(known))?;
        }
    }
}

fn before_params(value: &str) -> &str {
    cut(value, b';').map_or(value, |(value, _)| value.trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn found(content_type: &str, body: &str) -> Option<String> {
        let text = format!("ACK sip:a SIP/2.0\r\nc: {content_type}\r\n\r\n{body}");
        let message = Message::parse(text.as_bytes(), Framing::Frame).unwrap();
        let part = message.part("application/sdp")?;
        Some(String::from_utf8(part.to_vec()).unwrap())
    }

    #[test]
    fn a_part_is_found_wherever_it_stands() {
        let sdp = "v=0\r\ns=-\r\n";
        let part =
            |kind: &str, text: &str| format!("--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n");
        let isup = part("application/ISUP;version=x", "\u{1}--b--");
        let own = part("Application/SDP; charset=utf-8", sdp);
        let inner = format!("--in ner\r\nc : application/sdp\r\n\r\n{sdp}\r\n--in ner--\r\n");
        let nested = part("multipart/alternative;boundary=\"in ner\"", &inner);
        for body in [
            format!("{own}{isup}--b--\r\n"),
            format!("{isup}{own}--b--"),
            format!("Read this.\r\n{isup}{own}--b \r\n\r\nx\r\n--b--\r\nThe end."),
            format!("{isup}{nested}--b--\r\n"),
            format!("{isup}{}", own.trim_end_matches("\r\n").to_owned() + "\r\n"),
            format!("{isup}{own}--b--\r\n").replace("\r\n--b", "\n--b"),
            format!(
                "{isup}--b\r\nContent-Transfer-Encoding: 8BIT\r\n{}--b--",
                own.replacen("--b\r\n", "", 1)
            ),
        ] {
            for content_type in [
                "multipart/mixed;boundary=b",
                "Multipart/X; a=\"\"; Boundary=\"b\"",
            ] {
                assert_eq!(found(content_type, &body).as_deref(), Some(sdp), "{body}");
            }
        }
        assert_eq!(found("application/sdp", sdp).as_deref(), Some(sdp));
    }

    #[test]
    fn what_is_no_part_is_not_found() {
        let sdp = "\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n";
        let base64 = sdp.replacen("\r\n", "\r\nContent-Transfer-Encoding: base64\r\n", 1);
        for (content_type, body) in [
            ("multipart/mixed", format!("--b{sdp}--b--")),
            ("multipart/mixed;boundary=c", format!("--b{sdp}--b--")),
            ("multipart/mixed;boundary=b", format!(" --b{sdp}--b--")),
            ("multipart/mixed;boundary=b", format!("--b{base64}--b--")),
            ("multipart/mixed;boundary=b", format!("--b--{sdp}--b--")),
            ("multipart/mixed;boundary=b", String::new()),
            ("multipart", format!("--b{sdp}--b--")),
            ("text/plain;boundary=b", format!("--b{sdp}--b--")),
        ] {
            assert_eq!(found(content_type, &body), None, "{content_type} {body}");
        }
        // Parts within parts without end.
        let mut body = format!("--b{sdp}--b--");
        let mut boundary = "b".to_owned();
        for depth in 0..9 {
            let head = format!("c: multipart/mixed;boundary={boundary}");
            boundary = format!("c{depth}");
            body = format!("--{boundary}\r\n{head}\r\n\r\n{body}");
        }
        let outer = format!("multipart/mixed;boundary={boundary}");
        assert_eq!(found(&outer, &body), None);
    }
}
