//! The head of a message: its start line, and where its header lines are (RFC 3261
//! §7.1–§7.3).

use super::header::Name;
use super::message::{Line, Span, Start};
use super::parse::{MAX_HEAD, MAX_LINES, ParseError};
use super::text::{behind, cut, is_token, number, position};
use crate::prelude::*;

/// A head, and where things stand in it.
pub(super) struct Index<'a> {
    /// Everything before the body.
    pub head: &'a str,
    pub start: Start,
    pub lines: Vec<Line>,
    /// Some of its lines are continued on the next one.
    pub folded: bool,
}

/// Finds the end of the head, its start line and its headers.
pub(super) fn index(bytes: &[u8]) -> Result<Index<'_>, ParseError> {
    // A body may be anything; the head is looked for where the text is UTF-8.
    let (text, truncated) = match str::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (str::from_utf8(valid).unwrap_or_default(), true)
        }
    };
    let mut cursor = Cursor {
        text,
        at: 0,
        truncated,
    };
    let start = start_line(cursor.line()?).ok_or(ParseError::StartLine)?;
    let mut lines = Vec::with_capacity(20);
    let mut breaks = 1;
    let mut folded = false;
    let mut ignored = true; // a fold of the start line, too, belongs to nothing
    loop {
        let begin = cursor.at;
        let line = cursor.line()?;
        breaks += 1;
        if line.is_empty() {
            let head = text.get(..cursor.at).unwrap_or_default();
            return Ok(Index {
                head,
                start,
                lines,
                folded,
            });
        }
        if breaks > MAX_LINES + 1 {
            return Err(ParseError::TooManyLines);
        }
        let end = (begin + line.len()) as u32;
        if matches!(line.as_bytes().first(), Some(b' ' | b'\t')) {
            folded = true;
            if let Some(last) = lines.last_mut().filter(|_| !ignored) {
                let last: &mut Line = last;
                last.end = end;
            }
            continue;
        }
        let header = header_line(line);
        ignored = header.is_none();
        if let Some((name, colon)) = header {
            let start = begin as u32;
            lines.push(Line {
                name,
                start,
                colon: start + colon as u32,
                end,
            });
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// The text ends where octets that are not UTF-8 begin.
    truncated: bool,
}

impl<'a> Cursor<'a> {
    fn line(&mut self) -> Result<&'a str, ParseError> {
        let bytes = self.text.as_bytes();
        let mut end = self.at;
        while bytes
            .get(end)
            .is_some_and(|byte| !matches!(byte, b'\r' | b'\n'))
        {
            end += 1;
        }
        if end > MAX_HEAD {
            return Err(ParseError::HeadTooLarge);
        }
        match (bytes.get(end), bytes.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => {
                let line = self.text.get(self.at..end);
                self.at = end + 2;
                line.ok_or(ParseError::LineBreak)
            }
            (Some(b'\n'), _) | (_, Some(_)) => Err(ParseError::LineBreak),
            // Anything that is not SIP ends here: say that, rather.
            _ if self.at == 0 => Err(ParseError::StartLine),
            _ if self.truncated => Err(ParseError::NotUtf8),
            _ => Err(ParseError::Unterminated),
        }
    }
}

/// Name and position of the colon; `None` for a line to ignore.
fn header_line(line: &str) -> Option<(Name, usize)> {
    let colon = position(line, b':')?;
    let text = line.get(..colon)?.trim_ascii_end();
    let name = Name::from_text(text);
    (name != Name::Other || is_token(text)).then_some((name, colon))
}

fn start_line(line: &str) -> Option<Start> {
    // White space before the line's end is ignored (RFC 4475 §3.1.2.10).
    let line = line.trim_ascii_end();
    let (word, rest) = cut(line, b' ')?;
    let first = word.len();
    if is_sip_version(word) {
        let (code, reason) = rest.split_at_checked(3)?;
        let status = number(code).filter(|status| (100..700).contains(status))?;
        let separated = reason.is_empty() || behind(reason, b' ').is_some();
        let begin = (first + 5).min(line.len());
        return separated.then_some(Start::Response {
            version: span(0, first),
            status: status as u16,
            reason: span(begin, line.len()),
        });
    }
    let last = line.bytes().rposition(|byte| byte == b' ')?;
    // White space within the URI is for `validate` to refuse: with an answer.
    let is_request = is_token(word) && is_sip_version(line.get(last + 1..)?) && first + 1 < last;
    is_request.then_some(Start::Request {
        method: span(0, first),
        uri: span(first + 1, last),
        version: span(last + 1, line.len()),
    })
}

fn span(start: usize, end: usize) -> Span {
    Span {
        start: start as u32,
        end: end as u32,
    }
}

fn is_sip_version(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|name| name.eq_ignore_ascii_case("SIP/"))
}

/// Turns the line breaks of folds into spaces.
pub(super) fn unfold(head: String) -> String {
    let mut bytes = head.into_bytes();
    for at in 2..bytes.len() {
        if let Some([cr @ b'\r', lf @ b'\n', fold @ (b' ' | b'\t')]) = bytes.get_mut(at - 2..=at) {
            (*cr, *lf, *fold) = (b' ', b' ', b' ');
        }
    }
    String::from_utf8(bytes).unwrap_or_default() // ASCII for ASCII: still UTF-8
}
