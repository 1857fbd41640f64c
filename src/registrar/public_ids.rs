//! The names of a user beside the login: ids that others reach the user by, and that the
//! user may be seen by. Accounts keep their names, whoever has confirmed the same as an id.

use super::Registrar;
use super::config::CONTROLLER;
use super::register::{Target, unescape};
use super::relay::End;
use crate::account::PublicIdText;
use crate::sip::{Message, NameAddr, Uri};
use std::borrow::Cow;

/// The user that gateways have by default. It acts for whom the registrar asserts, and by
/// the login: an id is no line of a desk phone.
const GATEWAY: &str = "cti";

/// Whom a client asks the registrar to name (RFC 3325 §9.2).
const PREFERRED: &str = "P-Preferred-Identity";

/// The number in a `tel:` URI (RFC 3966 §3), without its parameters.
fn telephone<'a>(uri: &Uri<'a>) -> Option<&'a str> {
    let tel = uri.scheme.eq_ignore_ascii_case("tel");
    tel.then(|| uri.opaque.split(';').next()).flatten()
}

/// Whom a request outside a dialog is for: its Request-URI, but a number that stands
/// without a domain (RFC 3966) is one of the sender's, as a SIP URI (RFC 3261 §19.1.6).
pub(super) fn target(request: &Message) -> Cow<'_, str> {
    let uri = request.request_uri();
    let parsed = Uri::parse(uri);
    let dialled = |number: &&str| {
        let mut bytes = number.bytes();
        bytes.all(|byte| byte.is_ascii_digit() || b"+-.()".contains(&byte))
    };
    let number = parsed.as_ref().and_then(telephone).filter(dialled);
    let sender = request.from().and_then(|from| Target::parse(from.uri));
    match number.zip(sender) {
        Some((number, sender)) => format!("sip:{number}@{};user=phone", sender.domain).into(),
        None => uri.into(),
    }
}

impl Registrar {
    /// Who logs in as the one that is reached as `name`.
    pub(super) fn login<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self.config.users.contains_key(name) {
            true => Some(name),
            false => self.accounts.named(name).map(|(login, _)| login),
        }
    }

    /// Who logs in as the one that `uri` names, and by which id, if not by the login.
    pub(super) fn meant_by(&self, uri: &str) -> Option<(String, Option<PublicIdText>)> {
        let parsed = Uri::parse(uri)?;
        let name = match telephone(&parsed) {
            Some(number) => unescape(number).into_owned(),
            None => {
                let target = Target::parse(uri)?;
                self.config.serves(&target.domain).then_some(target.user)?
            }
        };
        if self.config.users.contains_key(&name) {
            return Some((name, None));
        }
        let (login, id) = self.accounts.named(&name)?;
        Some((login.to_owned(), Some(id)))
    }

    /// As whom the sender of `request` is shown: by the id of theirs that
    /// P-Preferred-Identity names (RFC 3325 §9.2), or else From.
    pub(super) fn shown_in_request(&self, from: End, request: &Message) -> Option<String> {
        let named = request.from()?.uri;
        let outside = request.to_tag().is_none();
        let own = self.address_of(from);
        // Outside of dialogs From was checked.
        let own = own.or_else(|| self.address_of_login(named).filter(|_| outside))?;
        if outside && Target::parse(&own).is_some_and(|own| own.user == CONTROLLER) {
            return self.address_of_login(named).or(Some(own));
        }
        let callee = Target::parse(request.request_uri());
        if callee.is_some_and(|callee| callee.user == GATEWAY) {
            return Some(own);
        }
        self.shown(own, request, named, outside)
    }

    /// The same of an answer to `asked`, whose Request-URI is what its sender was called by.
    pub(super) fn shown_in_answer(
        &self,
        from: End,
        asked: &Message,
        answer: &Message,
    ) -> Option<String> {
        let own = self.address_of(from)?;
        let outside = asked.to_tag().is_none();
        let called = asked.request_uri();
        match outside {
            // Neither a Contact nor a temporary GRUU tells whose it is (RFC 5627 §3.1).
            true => self.shown(own, answer, called, self.meant_by(called).is_some()),
            false => self.shown(own, answer, answer.to()?.uri, outside),
        }
    }

    /// Within a dialog an id that was not asked for stands for nobody: it may be what the
    /// other side put there to learn whose it is.
    fn shown(&self, own: String, message: &Message, named: &str, outside: bool) -> Option<String> {
        let Target { user, domain, .. } = Target::parse(&own)?;
        let address = |uri: &str| match self.meant_by(uri)? {
            (login, _) if login != user => None,
            (_, None) => Some(own.clone()),
            (_, Some(id)) => Some(format!("sip:{}@{domain}", id.replace(':', "%3A"))),
        };
        let mut headers = message.all_headers();
        let preferred = headers.find(|(name, _)| name.eq_ignore_ascii_case(PREFERRED));
        let preferred = preferred.and_then(|(_, value)| NameAddr::parse(value));
        if let Some(preferred) = preferred.and_then(|preferred| address(preferred.uri)) {
            return Some(preferred);
        }
        match Target::parse(named) {
            Some(name) if !outside && name.user != user => None,
            _ => Some(address(named).unwrap_or(own)),
        }
    }

    fn address_of_login(&self, from: &str) -> Option<String> {
        let Target { user, domain, aor } = Target::parse(from)?;
        let login = self.login(&user)?;
        Some(match login == user {
            true => aor,
            false => format!("sip:{login}@{domain}"),
        })
    }
}
