//! Requests, and how they are written.

use super::Authenticator;
use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{WriteError, Writer};
use crate::text::{concat, decimal, mentions};

/// A request without its transaction: what stays the same when it is sent again
/// with credentials.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Method.
    pub method: &'static str,
    /// Request-URI.
    pub uri: String,
    /// `From` value with its tag.
    pub from: String,
    /// `To` value, with a tag inside a dialog.
    pub to: String,
    /// `Call-ID`.
    pub call_id: String,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
    /// Content-Type and body.
    pub content: Option<(String, String)>,
}

impl Request {
    /// Adds a header.
    pub fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Whether no other request has its Call-ID: its number is its own.
    pub fn stands_alone(&self) -> bool {
        matches!(self.method, "OPTIONS" | "MESSAGE") && !mentions(&self.to, ";tag=")
    }
}

/// What writing a request needs besides the request.
pub struct Context<'a> {
    /// Supplies the credentials.
    pub authenticator: &'a mut Authenticator,
    /// Branches and cnonces.
    pub random: &'a mut Random,
    /// Headers that every request carries.
    pub common: &'a [(String, String)],
    /// Which device this is, where the registrar asks for it.
    pub instance: Option<&'a str>,
    /// Whether the flow is TLS.
    pub secure: bool,
}

impl Context<'_> {
    /// A new Via branch.
    pub(super) fn branch(&mut self) -> String {
        concat(&["z9hG4bK", &self.random.hex::<8>()])
    }
}

/// A request with what makes it unique.
pub(super) struct Sent {
    pub request: Request,
    pub branch: String,
    pub number: u32,
    /// What it was authorised with: its ACK repeats that (RFC 3261 §22.1).
    pub credentials: Vec<(&'static str, String)>,
}

impl Sent {
    /// Writes the request itself, or, by another `method`, what goes with it on
    /// the same branch: its CANCEL, or the ACK for its failure.
    pub fn write(
        &self,
        method: &str,
        to: &str,
        more: Option<(&str, &str)>,
        host: &str,
        context: &Context<'_>,
    ) -> Result<Vec<u8>, WriteError> {
        let request = &self.request;
        let own = method == request.method;
        let transport = if context.secure { "WSS" } else { "WS" };
        let via = ["SIP/2.0/", transport, " ", host, ";branch=", &self.branch];
        let number = decimal(self.number.into());
        let mut writer = Writer::request(method, &request.uri);
        writer
            .header("Via", &concat(&via))
            .header("Max-Forwards", "70")
            .header("From", &request.from)
            .header("To", to)
            .header("Call-ID", &request.call_id)
            .header("CSeq", &concat(&[&number, " ", method]));
        for (name, value) in &request.headers {
            if own || name == "Route" {
                writer.header(name, value);
            }
        }
        for (name, value) in context.common {
            writer.header(name, value);
        }
        if let Some(instance) = context.instance.filter(|_| method == "REGISTER") {
            writer.header("X-Graceline-Instance", &concat(&["<", instance, ">"]));
        }
        // CANCEL is hop by hop and never challenged (RFC 3261 §22.1).
        if method != "CANCEL" {
            for (name, value) in &self.credentials {
                writer.header(name, value);
            }
        }
        if let Some((name, value)) = more {
            writer.header(name, value);
        }
        if let Some((kind, body)) = request.content.as_ref().filter(|_| own) {
            writer.body(kind, body.as_bytes());
        }
        writer.finish()
    }
}
