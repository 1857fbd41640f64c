//! What a phone keeps over a page load: a text that the host stores unread.
//! Profile, nonces with their counts, and until when the line may be held.
//! Never a password, an HA1, a token or a ready-made Authorization.

use crate::call::{Abandoned, Calls};
use crate::prelude::*;
use crate::registration::Profile;
use crate::text::{decimal, number, pieces};
use crate::time::Instant;
use crate::transaction::Authenticator;

/// First line; another version is not read.
const VERSION: &str = "graceline 1";

/// The parts of the memory that are no nonces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Profile that the registrar was found to speak.
    pub profile: Option<Profile>,
    /// Until when a binding of this instance may live.
    pub held_until: Option<Instant>,
    /// The registrar does not offer the reg event package.
    pub no_reg_event: bool,
    /// A login there replaces another one in silence.
    pub replaces: bool,
    /// Calls of an earlier page load that the app was not told of yet.
    pub abandoned: Vec<Abandoned>,
}

impl Memory {
    /// The text to store.
    pub fn write(&self, calls: Option<&Calls>, authenticator: &Authenticator) -> String {
        let mut text = String::with_capacity(256);
        text.push_str(VERSION);
        let mut line = |fields: &[&str]| {
            for (index, field) in fields.iter().enumerate() {
                text.push(if index == 0 { '\n' } else { '\t' });
                text.push_str(field);
            }
        };
        if let Some(profile) = self.profile {
            line(&[
                "profile",
                if profile == Profile::Cisco {
                    "cisco"
                } else {
                    "generic"
                },
            ]);
        }
        if let Some(until) = self.held_until {
            line(&["held", &decimal(until.millis())]);
        }
        if self.replaces {
            line(&["replaces"]);
        }
        if self.no_reg_event {
            line(&["noRegEvent"]);
        }
        let there = calls.map(Calls::to_pick_up).unwrap_or_default();
        for call in self.abandoned.iter().chain(&there) {
            let [uri, name, replaces] = call.write();
            line(&["call", uri, name, replaces]);
        }
        authenticator.remember(|nonce| {
            let [proxy, realm, nonce, opaque, algorithm, nc] = nonce;
            line(&["nonce", proxy, realm, nonce, opaque, algorithm, nc]);
        });
        text
    }

    /// Reads what [`Memory::write`] wrote; anything else is forgotten, because a
    /// store can be edited.
    pub fn read(text: &str, authenticator: &mut Authenticator) -> Self {
        let mut memory = Memory::default();
        let mut lines = pieces(text, b'\n');
        if lines.next() != Some(VERSION) {
            return memory;
        }
        for line in lines {
            let fields: Vec<&str> = pieces(line, b'\t').collect();
            match fields.as_slice() {
                ["profile", "cisco"] => memory.profile = Some(Profile::Cisco),
                ["profile", "generic"] => memory.profile = Some(Profile::Generic),
                ["held", until] => memory.held_until = number(until).map(Instant::from_millis),
                ["noRegEvent"] => memory.no_reg_event = true,
                ["replaces"] => memory.replaces = true,
                ["call", call @ ..] => memory.abandoned.extend(Abandoned::read(call)),
                ["nonce", nonce @ ..] => authenticator.recall(nonce),
                _ => {}
            }
        }
        memory
    }
}
