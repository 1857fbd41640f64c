//! Who is at the other end, and who says so: what a trusted server asserts
//! (RFC 3325, and Remote-Party-ID, which came before it), else what the far end says
//! of itself, at the start of a call and with every target refresh (RFC 4916).

use super::target::without_password;
use super::{Call, Event, Line, Party};
use crate::prelude::*;
use crate::sip::{Message, Name, NameAddr, Uri, sanitize_text};
use crate::text::{cut, pieces};

/// What a message tells of its sender.
pub(super) struct Told {
    /// Whom to show.
    pub party: Party,
    /// What the sender says itself.
    own: Party,
    /// The server names somebody, or would if it might be shown.
    asserted: bool,
    hidden: bool,
}

impl Told {
    /// By a request, in its From, or by an answer, in its To. `trusted`: whether the
    /// server vouches for the identities in its messages.
    pub fn by(message: &Message, trusted: bool) -> Self {
        let name = match message.is_request() {
            true => Name::From,
            false => Name::To,
        };
        let own = party(message.header(name).unwrap_or_default());
        let (asserted, hidden) = match trusted {
            true => asserted(message),
            false => (None, false),
        };
        let mut party = asserted.clone().unwrap_or_else(|| own.clone());
        // Servers that know a number assert it without a name: it is the one that
        // its owner gives it.
        if party.display_name.is_empty() && same_address(&party.uri, &own.uri) {
            party.display_name.clone_from(&own.display_name);
        }
        let asserted = asserted.is_some();
        Self {
            party,
            own,
            asserted,
            hidden,
        }
    }
}

impl Call {
    /// The first message of a call that comes in.
    pub(super) fn meet(&mut self, told: &Told) {
        self.remote = told.party.clone();
        self.remote_own = told.own.clone();
        self.remote_hidden = told.hidden;
    }

    /// Tells the app when somebody else is at the other end, or is known better.
    pub(super) fn identify(&mut self, line: &mut Line, message: &Message) {
        let mut told = Told::by(message, line.account.trusts_identity);
        // A refresh that names nobody says nothing; the To of its answer is ours.
        let answer = !message.is_request();
        let echo = answer && self.is_confirmed() || told.own == self.remote_own;
        // Somebody else is there who does not want to be known.
        let vanished = told.hidden && !self.remote_hidden && self.is_confirmed();
        if told.hidden || told.asserted {
            self.remote_hidden = told.hidden;
        }
        if echo && vanished {
            told.party = Party::default();
        } else if echo && !told.asserted {
            return;
        }
        if !echo {
            self.remote_own = told.own;
        }
        if told.party != self.remote {
            self.remote = told.party.clone();
            line.event(Event::Remote {
                call: self.id,
                remote: told.party,
            });
        }
    }
}

/// Whom the server asserts: the first address that can be read. `true`: there is one
/// that is not to be shown.
fn asserted(message: &Message) -> (Option<Party>, bool) {
    let private = |value: &str| {
        let mut kinds = pieces(value, b';');
        kinds.any(|kind| ["id", "user"].iter().any(|private| is(kind, private)))
    };
    let restricted = |value: &str| {
        let params = NameAddr::read(value).map(|address| address.params);
        let privacy = params.and_then(|params| params.get("privacy"));
        privacy.is_some_and(|privacy| !is(privacy, "off"))
    };
    // RFC 3325 §9.3.
    let hidden = message.values(Name::Privacy).any(private)
        || message.values(Name::RemotePartyId).any(restricted);
    let values = message.values(Name::PAssertedIdentity);
    let mut parties = values.chain(message.values(Name::RemotePartyId)).map(party);
    match parties.find(|party| !party.uri.is_empty()) {
        Some(party) if !hidden => (Some(party), false),
        found => (None, found.is_some()),
    }
}

/// Somebody's address, cleaned for people.
pub(super) fn party(value: &str) -> Party {
    let address = NameAddr::read(value);
    address.map_or_else(Party::default, |address| Party {
        uri: shown_uri(address.uri),
        display_name: sanitize_text(address.display_name.as_deref().unwrap_or_default()),
    })
}

/// An address as the app sees it: one that can be called, for a page that makes a
/// link of it, and without the password that it may carry (RFC 3261 §19.1.1). Empty
/// if it is of another kind.
pub(super) fn shown_uri(uri: &str) -> String {
    match cut(uri, b':') {
        Some((scheme, _)) if is(scheme, "tel") => sanitize_text(uri),
        Some((scheme, _)) if is(scheme, "sip") || is(scheme, "sips") => {
            sanitize_text(&without_password(uri))
        }
        _ => String::new(),
    }
}

/// Whether both are the same user of the same host.
fn same_address(a: &str, b: &str) -> bool {
    match (Uri::parse(a), Uri::parse(b)) {
        (Some(a), Some(b)) => {
            a.user.is_some() && a.user == b.user && a.host.eq_ignore_ascii_case(b.host)
        }
        _ => false,
    }
}

fn is(text: &str, word: &str) -> bool {
    text.trim_ascii().eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn told(headers: &str, trusted: bool) -> (String, String) {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{headers}\r\n\r\n");
        let message = Message::parse(text.as_bytes(), Framing::Frame).unwrap();
        let Party { uri, display_name } = Told::by(&message, trusted).party;
        (uri, display_name)
    }

    const BOB: &str = "From: \"Bob\" <sip:bob@b>;tag=1\r\n";

    #[test]
    fn only_a_trusted_server_is_believed() {
        for header in [
            "P-Asserted-Identity: \"The CEO\" <sip:ceo@b>",
            "P-ASSERTED-IDENTITY : \"The CEO\" <sip:ceo@b>, <tel:+12015550123>",
            "Remote-Party-ID: \"The CEO\" <sip:ceo@b>;party=calling;privacy=off",
        ] {
            let headers = format!("{BOB}{header}");
            assert_eq!(told(&headers, false), ("sip:bob@b".into(), "Bob".into()));
            assert_eq!(told(&headers, true), ("sip:ceo@b".into(), "The CEO".into()));
        }
    }

    #[test]
    fn the_first_source_that_can_be_read_counts() {
        for (headers, uri, name) in [
            ("P-Asserted-Identity: 3001", "sip:bob@b", "Bob"),
            (
                "P-Asserted-Identity: <javascript:alert(1)>",
                "sip:bob@b",
                "Bob",
            ),
            (
                "P-Asserted-Identity: 3001\r\nRemote-Party-ID: Ada <sip:ada@b>",
                "sip:ada@b",
                "Ada",
            ),
            (
                "P-Asserted-Identity: 3001, Ada <sip:ada@b>\r\nRemote-Party-ID: <sip:x@b>",
                "sip:ada@b",
                "Ada",
            ),
            (
                "P-Asserted-Identity: <tel:+12015550123>",
                "tel:+12015550123",
                "",
            ),
            // The number is vouched for, and its owner's name belongs to it.
            ("P-Asserted-Identity: <sip:bob@B>", "sip:bob@B", "Bob"),
            ("P-Asserted-Identity: <sip:eve@b>", "sip:eve@b", ""),
        ] {
            let expected = (uri.to_owned(), name.to_owned());
            assert_eq!(
                told(&format!("{BOB}{headers}"), true),
                expected,
                "{headers}"
            );
        }
    }

    #[test]
    fn who_wants_to_be_unknown_stays_unknown() {
        const NOBODY: &str = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\n";
        for headers in [
            "P-Asserted-Identity: \"Ada\" <sip:ada@b>\r\nPrivacy: id",
            "P-Asserted-Identity: \"Ada\" <sip:ada@b>\r\nPrivacy: header; ID ;critical",
            "P-Asserted-Identity: \"Ada\" <sip:ada@b>\r\nPrivacy: user",
            "Remote-Party-ID: \"Ada\" <sip:ada@b>;privacy=full",
            "Remote-Party-ID: \"Ada\" <sip:ada@b>;privacy=uri;screen=yes",
        ] {
            let (uri, name) = told(&format!("{NOBODY}{headers}"), true);
            assert_eq!(uri, "sip:anonymous@anonymous.invalid", "{headers}");
            assert_eq!(name, "Anonymous");
        }
        let told = told(
            &format!("{NOBODY}P-Asserted-Identity: <sip:ada@b>\r\nPrivacy: none"),
            true,
        );
        assert_eq!(told.0, "sip:ada@b");
    }

    #[test]
    fn only_what_can_be_called_is_shown_and_without_its_password() {
        for (uri, shown) in [
            ("sip:u:pw@host", "sip:u@host"),
            ("SIPS:u:p:w@host:5061;x=y", "SIPS:u@host:5061;x=y"),
            ("sip:host:5060", "sip:host:5060"),
            ("tel:+1-201-555-0123;ext=5", "tel:+1-201-555-0123;ext=5"),
            ("javascript:alert(1)", ""),
            ("JavaScript:sip:a@b", ""),
            ("data:text/html,x", ""),
            ("https://example.com/", ""),
            ("2002", ""),
            ("", ""),
        ] {
            assert_eq!(shown_uri(uri), shown, "{uri}");
        }
    }
}
