//! Facts about users, in one home: their devices, where it rings, the rules for their
//! calls, their public ids, the credentials that devices have of their own, and the
//! messages that wait for them.
//!
//! Here the home is this process: the test registrar carries it, and the account service
//! asks it. In production it is Redis (`deploy/kamailio/policy`), which has the same verbs
//! and the same shapes in JSON; one table, `tests/rules/devices.txt`, is played by both.
//!
//! Like every machine here it reads no clock and makes up nothing: ids and codes come from
//! who asks. Each call is done or refused as a whole, so that of many at once no more get
//! in than the limit lets. What follows from it for others is drained by
//! [`Accounts::poll_output`].

mod calls;
mod credentials;
mod device;
mod devices;
mod facts;
mod history;
mod messages;
mod public_ids;
mod records;
mod refusal;
mod rings;
mod rules;
mod status;
mod target;
mod text;
mod verb;

pub use credentials::Credential;
pub use device::{Class, Device, DeviceId, Pns, Push, State, WokenBy};
pub use history::{Address, CallRecord, CallResult, Direction};
pub use messages::Letter;
pub use public_ids::{IdKind, PublicId};
pub use records::{Begun, CallKey, Outcome, Party};
pub use refusal::Refusal;
pub use rings::{Auto, Rings};
pub use rules::{NoAnswer, Rules, Seconds};
pub use status::{Mailbox, Manual, Presence};
pub use target::Target;
pub use text::{Hash, InstanceId, Label, Line, PublicIdText, Word};
pub use verb::refused;

use crate::time::Instant;
use facts::Facts;
use std::collections::{BTreeMap, VecDeque};
use verb::{Answer, Verb};

/// What users can change, as the events of the account service name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The list of devices, or whether one of them is registered.
    Devices,
    /// Where it rings.
    RingsOn,
    /// The ids under which others reach the user.
    PublicIds,
    /// Where a device is woken.
    Push,
    /// What becomes of calls.
    Rules,
    /// How available the user is.
    Presence,
    /// What waits in the mailbox.
    Voicemail,
    /// Which calls there were.
    History,
}

impl Kind {
    /// The name in JavaScript.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Devices => "devices",
            Kind::RingsOn => "ringsOn",
            Kind::PublicIds => "publicIds",
            Kind::Push => "push",
            Kind::Rules => "rules",
            Kind::Presence => "presence",
            Kind::Voicemail => "voicemail",
            Kind::History => "history",
        }
    }
}

/// What follows from a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Facts of this kind are other ones now.
    Changed {
        /// Whose.
        user: String,
        /// Which.
        kind: Kind,
        /// Of the history: which record is new, or another one now.
        id: Option<String>,
    },
    /// A device of this user may not be registered any more: revoked, replaced or
    /// forgotten.
    Barred {
        /// Whose.
        user: String,
    },
}

/// The facts of all users of one domain.
#[derive(Default)]
pub struct Accounts {
    users: BTreeMap<String, Facts>,
    credentials: credentials::Store,
    messages: messages::Store,
    calls: calls::Calls,
    outputs: VecDeque<Output>,
}

impl Accounts {
    /// Asks, or changes, a fact about `user`. `args` is a JSON object; the reply is JSON,
    /// too: `{"ok":VALUE}`, or `{"refused":CODE,…}`, see [`Refusal`].
    pub fn call(&mut self, now: Instant, user: &str, verb: &str, args: &str) -> String {
        let reply = Verb::read(verb, args).and_then(|verb| self.answer(now, user, verb));
        verb::written(&reply)
    }

    /// What follows from what was done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// These are the instances of `user` that are registered now. A registered device is
    /// seen, and was until it went.
    pub fn handle_bindings(&mut self, now: Instant, user: &str, instances: &[&str]) {
        let Some(facts) = self.users.get_mut(user) else {
            return;
        };
        if facts.are_registered(now, instances) {
            self.changed(user, Kind::Devices);
        }
    }

    /// Forgets the devices of `user` that nobody has seen for long.
    pub fn forget_idle(&mut self, now: Instant, user: &str) {
        self.touch(now, user, |_| ());
    }

    /// The device of `user` with this instance, revoked or not.
    pub fn device(&self, user: &str, instance: &str) -> Option<&Device> {
        let same = |device: &&Device| device.instance.is(instance);
        self.devices(user).iter().find(same)
    }

    /// The device of `user` with this id, revoked or not.
    pub fn device_by_id(&self, user: &str, id: &str) -> Option<&Device> {
        self.devices(user).iter().find(|device| *device.id == *id)
    }

    /// A device of `user` has said at REGISTER how it is woken, or that it is not.
    pub fn set_pns(&mut self, now: Instant, user: &str, instance: &str, pns: Option<Pns>) {
        self.touch(now, user, |facts| facts.set_pns(instance, pns));
    }

    /// The rules for calls to `user`.
    pub fn rules(&self, user: &str) -> Rules {
        let facts = self.users.get(user);
        facts.map_or_else(Rules::default, |facts| facts.rules.clone())
    }

    /// What `user` says by hand.
    pub fn manual(&self, user: &str) -> Manual {
        let facts = self.users.get(user);
        facts.map_or_else(Manual::default, |facts| facts.manual.clone())
    }

    /// What waits in the mailbox of `user`.
    pub fn mailbox(&self, user: &str) -> Mailbox {
        let facts = self.users.get(user);
        facts.map_or_else(Mailbox::default, |facts| facts.mailbox)
    }

    /// Where it rings for `user`.
    pub fn rings(&self, user: &str) -> Rings {
        let facts = self.users.get(user);
        facts.map_or_else(Rings::default, |facts| facts.rings.clone())
    }

    /// Takes a device of `user` into the set of those that ring, or out of it.
    pub fn toggle_rings(&mut self, now: Instant, user: &str, device: &DeviceId) -> Rings {
        self.touch(now, user, |facts| facts.toggle_rings(device))
    }

    /// The credentials that a device has of its own, by their digest username.
    pub fn credential(&self, now: Instant, name: &str) -> Option<&Credential> {
        self.credentials.find(now, name)
    }

    /// The user who has confirmed a public id, in whatever form it is written, and the form
    /// that it is kept in.
    pub fn named(&self, id: &str) -> Option<(&str, PublicIdText)> {
        let id = PublicIdText::try_from(id.to_owned()).ok()?;
        Some((self.owner(&id)?, id))
    }

    /// Forgets those who are users no more.
    pub fn retain(&mut self, is_user: impl Fn(&str) -> bool) {
        self.users.retain(|user, _| is_user(user));
        self.credentials
            .retain(|credential| is_user(&credential.user));
        self.messages.retain(|user, _| is_user(user));
        self.calls.retain(is_user);
    }

    /// Keeps a message for a device of `user`, for seven days: one that is away, or that
    /// is sent it over this connection and has to answer. One that is full loses the oldest.
    pub fn keep_message(
        &mut self,
        now: Instant,
        user: &str,
        device: &DeviceId,
        letter: Letter,
        sent: Option<u32>,
    ) {
        self.messages.keep(now, user, device, letter, sent);
    }

    /// The messages that wait for a device, which is there on this connection: each goes
    /// over each connection once, until it is answered.
    pub fn due_messages(
        &mut self,
        now: Instant,
        user: &str,
        device: &DeviceId,
        connection: u32,
    ) -> Vec<Letter> {
        self.messages.due(now, user, device, connection)
    }

    /// A device of `user` has a message that was kept for it, or does not want it.
    pub fn message_answered(&mut self, user: &str, device: &DeviceId, id: &str) {
        self.messages.answered(user, device, id);
    }

    /// The same of the device that was sent it over this connection.
    pub fn message_answered_on(&mut self, user: &str, connection: u32, id: &str) {
        self.messages.answered_on(user, connection, id);
    }

    /// The devices of `user`, revoked or not.
    pub fn devices(&self, user: &str) -> &[Device] {
        let facts = self.users.get(user);
        facts.map_or(&[], |facts| facts.devices.as_slice())
    }

    fn answer(&mut self, now: Instant, user: &str, verb: Verb) -> Result<Answer, Refusal> {
        let taken = |id: &str| self.owner(id).is_some_and(|owner| owner != user);
        match &verb {
            Verb::PublicIdOwner { id } => {
                return Ok(Answer::Owner(self.owner(id).map(str::to_owned)));
            }
            Verb::PublicIdAdd(asked) if taken(&asked.id) => return Err(Refusal::Taken),
            Verb::PublicIdConfirm { id, .. } if taken(id) => return Err(Refusal::Taken),
            _ => {}
        }
        match verb {
            Verb::History(asked) => {
                let page = self.calls.page(now, user, &asked);
                page.map(Answer::History)
            }
            Verb::HistoryRecord { id } => {
                let record = self.calls.one(user, &id);
                record.map(Answer::Call)
            }
            Verb::CredentialSet(asked) => {
                self.touch(now, user, |facts| {
                    facts.authorised(&asked.device).map(|_| ())
                })?;
                self.credentials.set(now, user, asked)
            }
            Verb::CredentialsDrop { device } => {
                self.credentials.drop_device(user, &device);
                Ok(Answer::Nothing)
            }
            verb => self.touch(now, user, |facts| facts.answer(now, verb)),
        }
    }

    /// Does something with the facts of `user`, once those who were idle are gone.
    fn touch<T>(&mut self, now: Instant, user: &str, deed: impl FnOnce(&mut Facts) -> T) -> T {
        let mut facts = self.users.remove(user).unwrap_or_default();
        facts.drop_idle(now);
        let done = deed(&mut facts);
        let news = facts.take_news();
        if !facts.is_empty() {
            self.users.insert(user.to_owned(), facts);
        }
        for id in news.removed {
            // Its own credentials still name it for a while, so that it is refused as a
            // device that is not authorised, not as somebody with a wrong password.
            self.credentials.outlive(now, user, &id);
        }
        if news.barred {
            let Self {
                users, messages, ..
            } = self;
            let devices = users.get(user).map_or(&[][..], |facts| &facts.devices);
            let is_member = |id: &DeviceId| {
                let mut members = devices.iter().filter(|device| device.is_authorised());
                members.any(|device| device.id == *id)
            };
            messages.retain(|other, device| other != user || is_member(device));
            let user = user.to_owned();
            self.outputs.push_back(Output::Barred { user });
        }
        for kind in news.changed {
            self.changed(user, kind);
        }
        done
    }

    /// Who has confirmed this public id.
    fn owner(&self, id: &str) -> Option<&str> {
        let mut users = self.users.iter();
        let owner = users.find(|(_, facts)| facts.owns(id));
        owner.map(|(user, _)| user.as_str())
    }

    fn changed(&mut self, user: &str, kind: Kind) {
        let user = user.to_owned();
        let id = None;
        self.outputs.push_back(Output::Changed { user, kind, id });
    }
}
