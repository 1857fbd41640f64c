//! The facts about users, which live in this process: who asks them, and what follows
//! for bindings.

use super::{Event, Output, Registrar};
use crate::account::{self, Refusal};
use crate::time::Instant;

impl Registrar {
    /// Asks, or changes, a fact about a user: see [`account::Accounts::call`].
    pub fn account(&mut self, now: Instant, user: &str, verb: &str, args: &str) -> String {
        self.advance(now);
        if !self.config.users.contains_key(user) {
            return account::refused(&Refusal::UnknownUser);
        }
        let reply = self.accounts.call(self.now, user, verb, args);
        self.tell_account_news();
        reply
    }

    /// Bindings of `user` came, were refreshed or went.
    pub(super) fn note_bindings(&mut self, user: &str) {
        self.outputs
            .push_back(Output::Event(Event::BindingsChanged {
                user: user.to_owned(),
            }));
        self.stale = true;
        let bound = self.store.of(user).iter();
        let instances: Vec<&str> = bound
            .filter_map(|entry| entry.identity.as_deref())
            .collect();
        self.accounts.handle_bindings(self.now, user, &instances);
        self.tell_account_news();
    }

    pub(super) fn tell_account_news(&mut self) {
        while let Some(output) = self.accounts.poll_output() {
            self.stale = true;
            match output {
                account::Output::Changed { user, kind, id } => {
                    let event = Event::AccountChanged { user, kind, id };
                    self.outputs.push_back(Output::Event(event));
                }
                account::Output::Barred { .. } => self.bar_strangers(),
            }
        }
    }
}
