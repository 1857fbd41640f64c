//! Who asks for a session, and for what.

use super::config::Config;
use crate::csta::{Content, Document, Request, number_of, parameter_of, same_number};
use crate::prelude::*;
use crate::sip::{NameAddr, Uri, unquote};
use crate::text::unescaped;

/// An INVITE, as far as it matters.
pub struct Asker {
    /// User part of who asks.
    pub user: String,
    /// Which client of that user it is (`+sip.instance`), if it says so.
    pub instance: Option<String>,
    /// Another client may be told to go.
    pub forces: bool,
    /// In which it speaks, and is answered.
    pub namespace: String,
    /// The line as it was told.
    pub text: String,
    /// The line of the configuration.
    pub line: String,
    /// The device that was named.
    pub device: Option<String>,
    /// The partition that was named.
    pub partition: Option<String>,
}

/// Why there is no session: a status.
pub type Refused = u16;

impl Asker {
    /// Reads an INVITE with these headers and this body.
    pub fn read(
        config: &Config,
        headers: &[(String, String)],
        content: Option<&(String, String)>,
    ) -> Result<Self, Refused> {
        let value = |name: &str| {
            let mut headers = headers.iter();
            let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let (media_type, body) = content.ok_or(415u16)?;
        if !media_type.eq_ignore_ascii_case("application/csta+xml") {
            return Err(415);
        }
        let document = Document::parse(body.as_bytes()).map_err(|_| 400u16)?;
        let Content::Request(Request::RequestSystemStatus { line }) = document.content else {
            return Err(400);
        };
        // What the server asserts; what anybody can write only where that is wanted.
        let asserted = value("P-Asserted-Identity");
        let identity = asserted.or_else(|| value("From").filter(|_| config.trust_from));
        let user = user(config, identity.ok_or(403u16)?).ok_or(403u16)?;
        let may = config.lines_of(&user);
        // Who names no line means the own.
        let text = line.or_else(|| may.first().map(|line| (*line).to_owned()));
        let text = text.ok_or(403u16)?;
        let is_this = |line: &&&str| same_number(line, &text) || **line == number_of(&text);
        let line = may.iter().find(is_this).ok_or(403u16)?;
        let instance = value("Contact").and_then(|contact| {
            let instance = NameAddr::parse(contact)?.params.get("+sip.instance")?;
            Some(unquote(instance).to_ascii_lowercase())
        });
        let parameter = |name| parameter_of(&text, name).map(str::to_owned);
        Ok(Self {
            user,
            instance,
            forces: value("X-Graceline").is_some_and(|word| word.eq_ignore_ascii_case("force")),
            namespace: document.namespace,
            line: (*line).to_owned(),
            device: parameter("device"),
            partition: parameter("partition"),
            text,
        })
    }
}

impl Asker {
    /// Whether it is the same client. Which one it is anybody can claim; the user is what
    /// the server vouches for.
    pub fn is_client(&self, other: &Self) -> bool {
        self.user == other.user && self.instance.is_some() && self.instance == other.instance
    }
}

/// The user of an address of our domain.
fn user(config: &Config, identity: &str) -> Option<String> {
    let uri = Uri::parse(NameAddr::parse(identity)?.uri)?;
    let ours = uri.is_sip() && uri.host.eq_ignore_ascii_case(&config.login.domain);
    uri.user.filter(|_| ours).map(unescaped)
}
