//! What the home of facts is told of calls, so that each has one record.

use super::Registrar;
use super::config::SERVERS;
use super::forward::is_private;
use super::register::Target;
use super::relay::{End, Relay};
use super::reply::Refusal;
use super::rules::NOT_DISTURBED;
use crate::account::{self, Address, Begun, CallKey, Outcome, Party};
use crate::sip::{Framing, Message, Name};

impl Registrar {
    /// A call was let in. One to a server is none that people look back on, one to the
    /// mailbox aside.
    pub(super) fn record_began(&mut self, from: End, invite: &Message) {
        let callee = self.callee(invite.request_uri());
        let is_server = |user: &str| SERVERS.contains(&user);
        let mailbox = account::Target::VOICEMAIL;
        let is_call = |user: &str| user == mailbox || !is_server(user);
        let Some(sender) = invite.from() else { return };
        if !callee.as_deref().is_none_or(is_call) {
            return;
        }
        let shown = self.shown_in_request(from, invite);
        let shown = shown.filter(|_| !is_private(invite));
        let name = sender.display_name.unwrap_or_default();
        let begun = Begun {
            key: key_of(invite),
            caller: self.caller(from, sender.uri),
            from: Address::new(shown.as_deref().unwrap_or(sender.uri), &name),
            to: Address::new(invite.request_uri(), ""),
            callee: callee.filter(|user| !is_server(user)),
            replaces: replaced(invite),
        };
        self.accounts.call_began(self.now, begun);
    }

    /// The rules of `user` send it on.
    pub(super) fn record_forwarded(
        &mut self,
        invite: &Message,
        user: &str,
        target: &account::Target,
        heir: Option<String>,
    ) {
        let heir = heir.filter(|user| !SERVERS.contains(&user.as_str()));
        let key = key_of(invite);
        self.accounts
            .call_forwarded(self.now, &key, user, target, heir);
        self.tell_account_news();
    }

    /// It rings at a device.
    pub(super) fn record_rings(&mut self, relay: Option<usize>, at: End) {
        let Some(relay) = relay.and_then(|index| self.relays.get(index)) else {
            return;
        };
        let party = self.party(at).filter(|_| relay.is_call());
        if let Some((user, device)) = party.and_then(|party| Some((party.user, party.device?))) {
            let key = key_of(&relay.request);
            self.accounts.call_rings(self.now, &key, &user, &device);
        }
    }

    /// Somebody has answered, between those ends.
    pub(super) fn record_answered(
        &mut self,
        relay: Option<usize>,
        answer: &Message,
        ends: [End; 2],
    ) {
        let Some(relay) = relay.and_then(|index| self.relays.get(index)) else {
            return;
        };
        let limit = self.config.limits.relays;
        self.calls.begin(&relay.request, answer, ends, limit);
        if relay.is_call() {
            let key = key_of(&relay.request);
            let tag = answer.to_tag().unwrap_or_default();
            let by = self.party(ends[1]);
            self.accounts.call_answered(self.now, &key, tag, by);
            if !self.calls.is_known(answer) {
                self.accounts.call_hung_up(self.now, &key, tag);
            }
        }
        self.record_ended();
    }

    /// It was refused by the registrar itself.
    pub(super) fn record_refused(&mut self, invite: &Message, refusal: &Refusal) {
        let outcome = match refusal.reason {
            NOT_DISTURBED => Outcome::NotDisturbed,
            _ => Outcome::of(refusal.status),
        };
        self.record_failed(invite, outcome);
    }

    /// It came to nothing.
    pub(super) fn record_failed(&mut self, invite: &Message, outcome: Outcome) {
        if is_call(invite) {
            self.accounts
                .call_failed(self.now, &key_of(invite), outcome);
            self.tell_account_news();
        }
    }

    /// Its caller is gone.
    pub(super) fn record_given_up(&mut self, relay: usize) {
        let relay = self.relays.get(relay);
        let waits = relay.filter(|relay| relay.answered.is_none());
        if let Some(invite) = waits.map(|relay| relay.request.clone()) {
            self.record_failed(&invite, Outcome::Cancelled);
        }
    }

    /// Calls have ended.
    pub(super) fn record_ended(&mut self) {
        for (key, tag) in self.calls.take_ended() {
            self.accounts.call_hung_up(self.now, &key, &tag);
        }
        self.tell_account_news();
    }

    /// The user whom an address reaches: by name, or as a device.
    pub(super) fn callee(&self, uri: &str) -> Option<String> {
        match self.of_contact(uri).first() {
            Some(entry) => Some(entry.user.clone()),
            None => self.meant_by(uri).map(|(login, _)| login),
        }
    }

    /// Who calls: the device that is bound there, or who From says, who was let in.
    fn caller(&self, from: End, named: &str) -> Option<Party> {
        let named = || {
            let user = self.login(&Target::parse(named)?.user)?.to_owned();
            Some(Party { user, device: None })
        };
        let caller = self.party(from).or_else(named)?;
        (!SERVERS.contains(&caller.user.as_str())).then_some(caller)
    }

    /// Whose the binding at `end` is.
    pub(super) fn party(&self, end: End) -> Option<Party> {
        let entry = self.store.get(end.binding?)?;
        let device = self.device_of(entry).map(|device| device.id.clone());
        Some(Party {
            user: entry.user.clone(),
            device,
        })
    }
}

impl Relay {
    /// Whether it makes a call, rather than changes one.
    pub fn is_call(&self) -> bool {
        is_call(&self.request)
    }
}

fn is_call(request: &Message) -> bool {
    request.method() == "INVITE" && request.to_tag().is_none()
}

/// How the call of an INVITE is known.
fn key_of(invite: &Message) -> CallKey {
    CallKey {
        call_id: invite.call_id().to_owned(),
        tag: invite.from_tag().unwrap_or_default().to_owned(),
    }
}

/// What a failure says that a device has answered.
pub(super) fn outcome_of(status: u16, answer: &[u8]) -> Outcome {
    if !(300..400).contains(&status) {
        return Outcome::of(status);
    }
    let answer = Message::parse(answer, Framing::Frame).ok();
    let contacts = answer.as_ref().map(Message::contacts);
    let target = contacts.and_then(|contacts| Some(contacts.list.first()?.uri.to_owned()));
    target.map_or(Outcome::Failed, Outcome::Redirected)
}

/// The dialog that an INVITE takes over (RFC 3891 §6.1): Call-ID, and the tags of its
/// sides.
fn replaced(invite: &Message) -> Option<(String, [String; 2])> {
    let mut parts = invite.header(Name::Replaces)?.split(';').map(str::trim);
    let call_id = parts.next()?.to_owned();
    let mut tags = ["to-tag=", "from-tag="].map(|name| {
        let mut parts = parts.clone();
        parts.find_map(|part| part.strip_prefix(name).map(str::to_owned))
    });
    let [to, from] = tags.each_mut().map(Option::take);
    Some((call_id, [to?, from?]))
}
