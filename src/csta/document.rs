//! Whole documents: from bytes and back.

use super::event::Event;
use super::failure::{Failure, ROOT};
use super::field::{Value as _, Xml, child, word_of};
use super::request::{Notice, Request};
use super::response::Response;
use crate::prelude::*;
use crate::sip::{Element, XmlError};
use crate::text::{cut, find, mentions};
use alloc::borrow::Cow;

/// The namespace of ECMA-323's third edition, which Microsoft's clients and most
/// phones speak.
pub const ED3: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// Largest document read, in bytes. A snapshot of a hundred calls has 40 KiB.
const MAX_DOCUMENT: usize = 64 * 1024;
/// Longest namespace that is answered in.
const MAX_NAMESPACE: usize = 128;

/// A document in its namespace. An answer is in that of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// One of ECMA-323's.
    pub namespace: String,
    /// What it says.
    pub content: Content,
}

/// What a document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Do this.
    Request(Request),
    /// Done.
    Response(Response),
    /// Not done.
    Failure(Failure),
    /// This happened.
    Event {
        /// Which monitor tells it.
        cross_ref: String,
        /// What.
        event: Event,
    },
    /// For your information.
    Notice(Notice),
    /// Something else, with a root of this name.
    Unknown(String),
}

/// Why a document is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// No XML that we read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// Neither UTF-8 nor ISO-8859-1, or not what it says that it is.
    #[error("the CSTA document is in an encoding that is not read")]
    Encoding,
    /// A part is not there, or makes no sense.
    #[error("the CSTA document has no valid {0}")]
    Missing(&'static str),
}

impl Document {
    /// In the namespace that requests are written in.
    pub fn new(content: Content) -> Self {
        Self {
            namespace: ED3.to_owned(),
            content,
        }
    }

    /// Reads the body of a message.
    pub fn parse(bytes: &[u8]) -> Result<Document, DocumentError> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(XmlError::TooLarge.into());
        }
        let root = Element::parse(decode(bytes)?.as_bytes())?;
        Ok(Document {
            namespace: namespace(&root).to_owned(),
            content: content(&root)?,
        })
    }

    /// Writes it.
    pub fn to_xml(&self) -> String {
        let (root, cross_ref) = match &self.content {
            Content::Request(request) => (request.name(), None),
            Content::Response(response) => (response.name(), None),
            Content::Failure(_) => (ROOT, None),
            Content::Event { cross_ref, event } => (event.name(), Some(cross_ref)),
            Content::Notice(notice) => (notice.name(), None),
            Content::Unknown(name) => (name.as_str(), None),
        };
        Xml::document(root, &self.namespace, |xml| {
            if let Some(cross_ref) = cross_ref {
                xml.element("monitorCrossRefID", |xml| xml.text(cross_ref));
            }
            match &self.content {
                Content::Request(request) => request.write(xml),
                Content::Response(response) => response.write(xml),
                Content::Failure(failure) => failure.write(xml),
                Content::Event { event, .. } => event.write(xml),
                Content::Notice(notice) => notice.write(xml),
                Content::Unknown(_) => {}
            }
        })
    }
}

fn content(root: &Element) -> Result<Content, DocumentError> {
    if root.name.eq_ignore_ascii_case(ROOT) {
        let failure = Failure::read(root).ok_or(DocumentError::Missing("error category"))?;
        return Ok(Content::Failure(failure));
    }
    if let Some(response) = Response::read(root)? {
        return Ok(Content::Response(response));
    }
    if let Some(event) = Event::read(root)? {
        let cross_ref = child(root, "monitorCrossRefID").map_or("", word_of);
        return Ok(Content::Event {
            cross_ref: cross_ref.to_owned(),
            event,
        });
    }
    if let Some(request) = Request::read(root)? {
        return Ok(Content::Request(request));
    }
    if let Some(notice) = Notice::read(root)? {
        return Ok(Content::Notice(notice));
    }
    Ok(Content::Unknown(root.name.clone()))
}

/// The namespace that an answer is to have: that of the request if it is one of
/// ECMA-323's, with whatever prefix and however its host is spelled.
fn namespace(root: &Element) -> &str {
    let mut attributes = root.attributes.iter();
    let declared = attributes.find(|(name, value)| {
        name.starts_with("xmlns") && value.len() <= MAX_NAMESPACE && mentions(value, "/ecma-323/")
    });
    declared.map_or(ED3, |(_, value)| value)
}

/// The text of a document. UTF-8 where it can be: there are switches that say
/// ISO-8859-1 in each document and write names as they have them.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DocumentError> {
    let declared = declared_encoding(bytes).unwrap_or("utf-8");
    let is = |known: &[&str]| {
        known
            .iter()
            .any(|known| declared.eq_ignore_ascii_case(known))
    };
    let latin = is(&["iso-8859-1", "latin1"]);
    match str::from_utf8(bytes) {
        Ok(text) if latin || is(&["utf-8", "us-ascii"]) => Ok(Cow::Borrowed(text)),
        Err(_) if latin => Ok(Cow::Owned(bytes.iter().copied().map(char::from).collect())),
        _ => Err(DocumentError::Encoding),
    }
}

/// What the XML declaration says.
fn declared_encoding(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let inside = bytes.strip_prefix(b"<?xml")?;
    let inside = inside.get(..find(inside, b"?>")?)?;
    let behind = inside.get(find(inside, b"encoding")?..)?;
    let (_, value) = cut(str::from_utf8(behind).ok()?, b'=')?;
    let value = value.trim_ascii();
    let quote = value.bytes().next()?;
    Some(cut(value.get(1..)?, quote)?.0)
}
