//! Calls that outlive their page: what is kept of a call while it lasts, so that
//! the reloaded page can take its place with an INVITE that names it (Replaces,
//! RFC 3891), if the far end can do that.

use super::{Call, Calls, Cause, Party, party};
use crate::fault::Situation;
use crate::prelude::*;
use crate::sip::quote;
use crate::text::concat;
use crate::time::Instant;

/// A call of an earlier page load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Who is at the other end.
    pub remote: Party,
    /// Value of the Replaces header that takes its place.
    pub replaces: String,
}

impl Abandoned {
    /// Address, display name and Replaces: lines without tabs.
    pub fn write(&self) -> [&str; 3] {
        [&self.remote.uri, &self.remote.display_name, &self.replaces]
    }

    /// Reads what [`Abandoned::write`] wrote.
    pub fn read(fields: &[&str]) -> Option<Self> {
        let [uri, name, replaces] = fields else {
            return None;
        };
        // Cleaned once more: a store can be edited.
        let remote = party(&concat(&[&quote(name), " <", uri, ">"]));
        let replaces = (*replaces).to_owned();
        Some(Self { remote, replaces })
    }
}

impl Calls {
    /// The calls that a reloaded page could pick up.
    #[inline(never)]
    pub(crate) fn to_pick_up(&self) -> Vec<Abandoned> {
        let there = self.list.iter().filter(|call| call.waits());
        let taken_up = there.filter_map(|call| {
            let dialog = &call.dialog;
            // Tags as the far end sees them (RFC 3891 §3).
            let replaces = concat(&[
                &dialog.call_id,
                ";to-tag=",
                &dialog.remote_tag,
                ";from-tag=",
                &dialog.local_tag,
            ]);
            let remote = party(&dialog.remote);
            let fits = !replaces.bytes().any(|byte| byte == b'\t');
            fits.then_some(Abandoned { remote, replaces })
        });
        taken_up.collect()
    }

    /// The page goes away, perhaps to come back: calls that it could pick up then
    /// end here without a word to the far end.
    #[inline(never)]
    pub(crate) fn abandon_all(&mut self, now: Instant, at: Situation) {
        self.line.now = now;
        for call in &mut self.list {
            match call.waits() {
                true => call.unacknowledged = None,
                false => call.leave(&mut self.line, 480, None),
            }
            call.end_as(&mut self.line, Cause::Local, at, None);
        }
    }
}

impl Call {
    /// Whether the far end could go on with another page load: it is connected,
    /// and has said that it knows Replaces.
    fn waits(&self) -> bool {
        self.is_established() && self.peer.replaces && !self.is_session()
    }
}
