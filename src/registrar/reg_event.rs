//! The documents of the registration event package (RFC 3680). Changes are told at once,
//! not every 5 seconds at most as §4.10 recommends for crowds of watchers: to be told at
//! once is what this is for.

use super::Registrar;
use super::bindings::{Cause, Change, Entry};
use super::policy::DEVICE_PARAM;
use crate::sip::{ContactState, RegContact, RegInfo, RegState, Registration, unquote};
use crate::time::Instant;

impl Registrar {
    /// What has changed in the bindings of `user`, or all of them.
    pub(super) fn reg_document(
        &self,
        user: &str,
        aor: &str,
        version: u32,
        changes: Option<&[Change]>,
    ) -> String {
        let bound = self.store.of(user);
        let contact = |entry: &Entry, cause| {
            let id = self.auth.mac(&format!("{}\n{}", entry.id, entry.shown));
            contact(entry, cause, id, self.now)
        };
        let contacts: Vec<RegContact> = match changes {
            Some(changes) => changes
                .iter()
                .map(|change| contact(&change.entry, change.cause))
                .collect(),
            None => bound
                .iter()
                .map(|entry| contact(entry, Cause::Registered))
                .collect(),
        };
        let state = match (bound.is_empty(), changes) {
            (false, _) => RegState::Active,
            (true, None) => RegState::Init,
            (true, Some(_)) => RegState::Terminated,
        };
        let document = RegInfo {
            version,
            full: changes.is_none(),
            registrations: vec![Registration {
                aor: aor.to_owned(),
                id: self.auth.mac(aor),
                state,
                contacts,
            }],
        };
        document.to_xml()
    }
}

fn contact(entry: &Entry, cause: Cause, id: String, now: Instant) -> RegContact {
    let gone = cause.is_gone();
    let unknown = ["+sip.instance", DEVICE_PARAM]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), unquote(entry.param(name)?).into_owned())))
        .collect();
    RegContact {
        id,
        state: if gone {
            ContactState::Terminated
        } else {
            ContactState::Active
        },
        event: cause.event().to_owned(),
        uri: entry.shown.clone(),
        expires: (!gone)
            .then(|| u32::try_from(entry.seconds_left(now)).ok())
            .flatten(),
        retry_after: None,
        call_id: Some(entry.call_id.clone()),
        cseq: Some(entry.cseq),
        unknown,
    }
}
