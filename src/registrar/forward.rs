//! Messages on their way through: copied line by line, with the few changes that
//! RFC 3261 §16.6 and §16.7 ask of a proxy.

use super::HOST;
use crate::sip::{Framing, Message, Name};

/// What changes in a request that is passed on.
pub(super) struct Passage<'a> {
    /// The Request-URI of the copy.
    pub uri: &'a str,
    /// Branch of our Via.
    pub branch: &'a str,
    /// Our Record-Route value, if requests of the dialog are to come back here.
    pub record_route: Option<&'a str>,
    pub max_forwards: u32,
    /// Whether the topmost Route is ours.
    pub pop_route: bool,
    /// What becomes of the identities in it.
    pub identity: Identity<'a>,
}

/// Who speaks for whom in a message that is passed on (RFC 3325 §5).
#[derive(Clone, Copy)]
pub(super) enum Identity<'a> {
    /// Clients speak for themselves, as with most servers that people run.
    AsSent,
    /// The registrar does: this is the sender's address, if it is known.
    Asserted(Option<&'a str>),
}

impl<'a> Identity<'a> {
    /// Whether a header is the registrar's to write, not a client's.
    fn takes_out(self, name: &str) -> bool {
        const OURS: [&str; 3] = [
            "P-Asserted-Identity",
            "P-Preferred-Identity",
            "Remote-Party-ID",
        ];
        let ours = || OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name));
        matches!(self, Identity::Asserted(_)) && ours()
    }

    /// The sender's address as receivers of `message` are to see it; none, if the sender
    /// does not want that (RFC 3325 §7).
    pub fn shown_in(self, message: &Message) -> Option<&'a str> {
        match self {
            Identity::Asserted(aor) if !is_private(message) => aor,
            _ => None,
        }
    }

    fn write(self, message: &Message, copy: &mut Outgoing) {
        if let Some(aor) = self.shown_in(message) {
            copy.line(Name::PAssertedIdentity.as_str(), &format!("<{aor}>"));
        }
    }
}

/// Whether the sender of `message` does not want to be known (RFC 3325 §7).
pub(super) fn is_private(message: &Message) -> bool {
    let private = |value: &str| {
        let mut kinds = value.split(';');
        kinds.any(|kind| kind.trim().eq_ignore_ascii_case("id"))
    };
    message.values(Name::Privacy).any(private)
}

/// The Via value of a request that we send.
pub(super) fn via(branch: &str) -> String {
    format!("SIP/2.0/WS {HOST};branch={branch}")
}

/// The copy of `request` to be sent on.
pub(super) fn request(request: &Message, passage: &Passage<'_>) -> Vec<u8> {
    let mut copy = Outgoing::start(&format!("{} {} SIP/2.0", request.method(), passage.uri));
    copy.line("Via", &via(passage.branch));
    if let Some(record_route) = passage.record_route {
        copy.line("Record-Route", record_route);
    }
    copy.line("Max-Forwards", &passage.max_forwards.to_string());
    for route in request.values(Name::Route).skip(passage.pop_route.into()) {
        copy.line("Route", route);
    }
    for (name, value) in request.all_headers() {
        match Name::from_text(name) {
            Name::Route | Name::MaxForwards | Name::ContentLength => {}
            // Meant for us alone (RFC 3261 §22.3).
            Name::ProxyAuthorization => {}
            _ if passage.identity.takes_out(name) => {}
            _ => copy.line(name, value),
        }
    }
    passage.identity.write(request, &mut copy);
    copy.finish(request.body())
}

/// `request` with another Request-URI, and these headers alone of their names.
pub(super) fn rewritten(request: &Message, uri: &str, headers: &[(&str, String)]) -> Message {
    let mut copy = Outgoing::start(&format!("{} {uri} SIP/2.0", request.method()));
    for (name, value) in request.all_headers() {
        let ours = headers
            .iter()
            .any(|(ours, _)| ours.eq_ignore_ascii_case(name));
        if !ours && Name::from_text(name) != Name::ContentLength {
            copy.line(name, value);
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        copy.line(name, value);
    }
    let written = Message::parse(&copy.finish(request.body()), Framing::Frame);
    // Of a request that was read, and addresses that rules may have.
    written.unwrap_or_else(|_| request.clone())
}

/// The copy of `response` for the one who sent the request: without our Via.
pub(super) fn response(response: &Message, identity: Identity<'_>) -> Vec<u8> {
    let (status, reason) = (response.status(), response.reason());
    let mut copy = Outgoing::start(&format!("SIP/2.0 {status} {reason}"));
    for via in response.values(Name::Via).skip(1) {
        copy.line("Via", via);
    }
    for (name, value) in response.all_headers() {
        let written = matches!(Name::from_text(name), Name::Via | Name::ContentLength);
        if !written && !identity.takes_out(name) {
            copy.line(name, value);
        }
    }
    identity.write(response, &mut copy);
    copy.finish(response.body())
}

/// A message under way. Its values come from a parsed message, so they hold no
/// line breaks.
struct Outgoing(String);

impl Outgoing {
    fn start(line: &str) -> Self {
        Self(format!("{line}\r\n"))
    }

    fn line(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.0.push_str(part);
        }
    }

    fn finish(mut self, body: &[u8]) -> Vec<u8> {
        self.line("Content-Length", &body.len().to_string());
        self.0.push_str("\r\n");
        let mut bytes = self.0.into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }
}
