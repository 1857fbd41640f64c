//! The boundary of `parseMessage`: a message is read where the host put it, and
//! what comes back is numbers, positions in the text that the host has anyway.
//! No text crosses twice. The bridge is not API.

use crate::sip::{Framing, Message, Name, NameAddr, ParseError, Uri, Via};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

/// Where a number is absent.
const NONE: u32 = u32::MAX;

/// Reads messages, one after the other.
#[wasm_bindgen]
#[derive(Default)]
pub struct MessageReader {
    text: RefCell<Vec<u8>>,
    numbers: RefCell<Vec<u32>>,
}

#[wasm_bindgen]
impl MessageReader {
    /// A reader.
    #[wasm_bindgen(constructor)]
    pub fn new() -> MessageReader {
        Self::default()
    }

    /// Where to put the next message, of at most `size` bytes. Memory may have
    /// moved.
    pub fn room(&self, size: usize) -> *mut u8 {
        let mut text = self.text.borrow_mut();
        if text.len() < size {
            text.resize(size, 0);
        }
        text.as_mut_ptr()
    }

    /// Reads the `size` bytes that were put there. Gives the place of an index,
    /// which is valid until the next call, or null if they are no message:
    ///
    /// - bytes before the start line; whether lines were folded; length of the
    ///   head
    /// - status, or 0 for a request; method or reason phrase; the Request-URI
    /// - addresses of From and To; Call-ID; number and method of CSeq; the first
    ///   Via; Expires; Content-Type; Content-Length
    /// - how many contacts, and their addresses
    ///
    /// A text is its begin and end, both 0 if absent; an absent number is NONE.
    /// A URI is a text, user, host and port. An address is display name as
    /// written, URI, tag and expires. A Via is transport, host, port, branch and
    /// received.
    pub fn read(&self, size: usize) -> *const u32 {
        self.index(size, |index, message| index.message(message))
    }

    /// The same for the header lines: behind the first three numbers how many
    /// there are, and of each the number of its name (see [`name`](Self::name)),
    /// name and value.
    pub fn lines(&self, size: usize) -> *const u32 {
        self.index(size, |index, message| {
            index.numbers.push(message.all_headers().count() as u32);
            for (name, value) in message.all_headers() {
                index.numbers.push(number_of(name));
                index.text(name);
                index.text(value);
            }
        })
    }

    /// The number of a name in full or compact form; NONE if it has none.
    pub fn name(&self, name: &str) -> u32 {
        number_of(name)
    }

    /// What is wrong with the `size` bytes that were put there.
    pub fn problem(&self, size: usize) -> Option<String> {
        let text = self.text.borrow();
        let problem = parse(&text, size).err()?;
        Some(problem.as_str().to_owned())
    }

    fn index(&self, size: usize, write: fn(&mut Index<'_>, &Message)) -> *const u32 {
        let text = self.text.borrow();
        let Ok(message) = parse(&text, size) else {
            return core::ptr::null();
        };
        let head = message.head();
        let skipped = size - head.len() - message.body().len();
        let written = text.get(skipped..skipped + head.len());
        let folded = written != Some(head.as_bytes());
        let mut numbers = self.numbers.borrow_mut();
        numbers.clear();
        numbers.extend([skipped as u32, folded.into(), head.len() as u32]);
        write(
            &mut Index {
                head,
                numbers: &mut numbers,
            },
            &message,
        );
        numbers.as_ptr()
    }
}

fn parse(text: &[u8], size: usize) -> Result<Message, ParseError> {
    Message::parse(text.get(..size).unwrap_or_default(), Framing::Frame)
}

fn number_of(name: &str) -> u32 {
    match Name::from_text(name) {
        Name::Other => NONE,
        known => known as u32,
    }
}

/// Writes an index.
struct Index<'a> {
    head: &'a str,
    numbers: &'a mut Vec<u32>,
}

impl Index<'_> {
    fn message(&mut self, message: &Message) {
        self.numbers.push(message.status().into());
        self.text(if message.is_request() {
            message.method()
        } else {
            message.reason()
        });
        self.uri(message.request_uri());
        for name in [Name::From, Name::To] {
            if !self.address(message.header(name).unwrap_or_default()) {
                self.text("");
                self.uri("");
                self.text("");
                self.numbers.push(NONE);
            }
        }
        self.text(message.call_id());
        let cseq = message.cseq();
        self.numbers.push(cseq.map_or(NONE, |cseq| cseq.number));
        self.text(cseq.map_or("", |cseq| cseq.method));
        self.via(message.top_via());
        self.numbers.push(message.expires().unwrap_or(NONE));
        self.text(message.header(Name::ContentType).unwrap_or_default());
        let length = message.header(Name::ContentLength);
        self.numbers.push(
            length
                .and_then(|length| length.parse().ok())
                .unwrap_or(NONE),
        );
        let count = self.numbers.len();
        self.numbers.push(0);
        let mut contacts = 0;
        for contact in message.values(Name::Contact) {
            contacts += u32::from(self.address(contact));
        }
        if let Some(count) = self.numbers.get_mut(count) {
            *count = contacts;
        }
    }

    /// Whether it is one. What is none leaves no trace.
    fn address(&mut self, value: &str) -> bool {
        let Some(address) = NameAddr::parse(value) else {
            return false;
        };
        // The quoted form: its escapes are undone by whoever asks for it.
        let before = address.uri.as_ptr() as usize - value.as_ptr() as usize;
        let name = value.get(..before).unwrap_or_default();
        self.text(name.strip_suffix('<').unwrap_or_default().trim_ascii());
        self.uri(address.uri);
        self.text(address.tag().unwrap_or_default());
        self.numbers.push(address.expires().unwrap_or(NONE));
        true
    }

    fn uri(&mut self, text: &str) {
        let uri = Uri::parse(text).unwrap_or_default();
        self.text(text);
        self.text(uri.user.unwrap_or_default());
        self.text(uri.host);
        self.numbers.push(uri.port.map_or(NONE, u32::from));
    }

    fn via(&mut self, via: Option<Via<'_>>) {
        self.text(via.map_or("", |via| via.transport));
        self.text(via.map_or("", |via| via.host));
        self.numbers
            .push(via.and_then(|via| via.port).map_or(NONE, u32::from));
        self.text(via.and_then(|via| via.branch()).unwrap_or_default());
        self.text(via.and_then(|via| via.received()).unwrap_or_default());
    }

    fn text(&mut self, part: &str) {
        let begin = match part {
            "" => 0, // which may be anywhere
            part => part.as_ptr() as usize - self.head.as_ptr() as usize,
        };
        let end = begin + part.len();
        self.numbers.extend([begin as u32, end as u32]);
    }
}
