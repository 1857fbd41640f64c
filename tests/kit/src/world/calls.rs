//! Calls of the clients.

use super::{Client, ClientId, World};
use crate::heard::{incoming, of_calls, states};
use graceline::call::{CallOptions, Calls, Event, Shown};
use graceline::time::{Duration, Instant};

impl World {
    /// A registered phone of `user`.
    pub fn phone(&mut self, user: &str) -> ClientId {
        let id = self.client_with(user, |config| {
            config.user = user.into();
            config.device = format!("CSF{user}");
            config.display_name = Some(format!("User {user}"));
        });
        assert_eq!(self.login(id, false), None);
        self.take_events(id);
        id
    }

    pub fn call(&mut self, id: ClientId, call: u32, target: &str) {
        let options = CallOptions::default();
        self.act(id, |phone, now| phone.call(now, call, target, options));
    }

    pub fn calls(&mut self, id: ClientId, action: impl FnOnce(&mut Calls, Instant)) {
        self.act(id, |phone, now| {
            phone.with_calls(now, |calls| action(calls, now));
        });
    }

    /// What the app heard of calls since it was asked last, media aside.
    pub fn heard(&mut self, id: ClientId) -> Vec<Event> {
        of_calls(self.take_events(id))
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    /// A call of `caller` that `callee` has answered; its id at the callee.
    pub fn connect(&mut self, caller: ClientId, call: u32, callee: ClientId, user: &str) -> u32 {
        self.call(caller, call, user);
        self.seconds(1);
        let there = incoming(&self.heard(callee));
        self.calls(callee, |calls, now| {
            calls.answer(now, 90, there, Vec::new());
        });
        self.seconds(1);
        let states = states(&self.heard(caller));
        assert_eq!(states.last(), Some(&Shown::Connected), "{states:?}");
        self.heard(callee);
        there
    }

    /// No call, transaction or media is left anywhere.
    pub fn is_quiet(&self) {
        for client in &self.clients {
            let transcript = self.transcript.join("\n");
            assert_eq!(
                client.media.unreleased(),
                0,
                "{}\n{transcript}",
                client.name
            );
            assert_eq!(client.phone.calls_left(), 0, "{}", client.name);
        }
    }
}

impl Client {
    /// What it heard of calls, without taking it.
    pub fn ringing(&self) -> Vec<Event> {
        of_calls(self.events.clone())
    }
}
