//! Who we say that we are: From, and whom the server is to assert (RFC 3325 §9.2).

use super::target::escaped;
use crate::prelude::*;
use crate::text::concat;
use crate::usage::Account;

/// From of what begins outside of a dialog, without a tag; what else says who it is goes
/// to `headers`. By a `public_id` others see the user instead of by the login, which is
/// what none stands for; `anonymous` they do not see him at all (RFC 3323).
pub(super) fn origin(
    account: &Account,
    public_id: &str,
    anonymous: bool,
    headers: &mut Vec<(String, String)>,
) -> String {
    let uri = match public_id {
        "" => account.aor.clone(),
        id => concat(&["sip:", &escaped(id), "@", &account.domain]),
    };
    let mut header = |name: &str, value| headers.push((name.to_owned(), value));
    if anonymous {
        header("Privacy", "id".to_owned());
    }
    if anonymous || !public_id.is_empty() {
        header("P-Preferred-Identity", concat(&["<", &uri, ">"]));
    }
    match anonymous {
        true => "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned(),
        false => account.shown_as(&uri),
    }
}
