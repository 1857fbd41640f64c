//! SIP on the wire: bytes to values and back. Nothing in here knows time,
//! sockets or state.
//!
//! To read first: RFC 3261 §7 (messages), §19.1 (URIs), §20 (header fields),
//! §25 (grammar); RFC 4475 and RFC 5118 for what strangers send; RFC 7118 §5
//! for the WebSocket framing.
//!
//! [`Message`] is a received message: one string and an index into it; values
//! are parsed when they are asked for and borrow from it. [`Writer`] makes the
//! bytes of a message to send.

mod auth;
mod body;
mod credentials;
mod date;
mod digest;
mod head;
mod header;
mod message;
mod name_addr;
mod params;
mod parse;
mod phrase;
mod reginfo;
#[cfg(test)]
mod tests;
mod text;
mod typed;
mod uri;
mod validate;
mod via;
mod write;
mod xml;

pub use auth::{BearerChallenge, Challenge, DigestChallenge, Qop, challenges};
pub use credentials::{AuthenticationInfo, DigestResponse};
pub use date::{format_date, parse_date};
pub use digest::{Algorithm, Secret, digest_authorization, digest_rspauth};
pub use header::Name;
pub use message::Message;
pub use name_addr::NameAddr;
pub use params::Params;
pub use parse::{Framing, Keepalive, MAX_HEAD, MAX_LINES, MAX_MESSAGE, ParseError, keepalive};
pub use phrase::reason_phrase;
pub use reginfo::{ContactState, RegContact, RegInfo, RegInfoError, RegState, Registration};
pub use text::{is_token, lenient_text, quote, sanitize_text, split_values, unquote};
pub use typed::{CSeq, Contacts};
pub use uri::Uri;
pub use validate::Invalid;
pub use via::Via;
pub use write::{WriteError, Writer, is_line};
pub use xml::{Element, XmlError, escape_xml};
