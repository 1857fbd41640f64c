//! Devices that sleep: a call or a message for their user wakes them by push. A call waits
//! for the first of them if nobody else is there, and joins those that come (see
//! [`late`](super::late)); who was woken for it hears when it rings no more. A message is
//! kept for them (see [`messages`](super::messages)).

use super::bindings::Entry;
use super::course::Course;
use super::output::{News, Wake};
use super::proxy::Passed;
use super::public_ids::target;
use super::register::unescape;
use super::relay::{End, Relay};
use super::reply::Refusal;
use super::{Event, Output, Registrar};
use crate::account::{Device, DeviceId, Rings};
use crate::rand::hex;
use crate::sip::{Message, Uri, sanitize_text, unquote};
use crate::time::Duration;
use sha2::{Digest, Sha256};

/// How long an INVITE waits for the first device, as in `deploy/kamailio`: pushes that
/// take longer come too late for a caller.
pub(super) const CALL_WAITS: Duration = Duration::from_secs(45);

/// The devices for which a request would be if they were there.
pub(super) struct Absent {
    pub user: String,
    pub devices: Vec<DeviceId>,
}

/// Who was woken for a request, and by what.
pub(super) struct Woken {
    user: String,
    devices: Vec<DeviceId>,
    /// Those that are registered, and have answered nothing (see [`unheard`](super::unheard)).
    pub(super) unheard: Vec<DeviceId>,
    news: News,
}

impl Registrar {
    /// Where `request` goes: to nobody, if all sleep, or it is kept for them.
    pub(super) fn destinations(&mut self, from: End, request: &Message) -> Result<Passed, Refusal> {
        let absent = self.absent(request);
        let hops = self.hops(request);
        let is_message = request.method() == "MESSAGE";
        let kept = absent.as_ref().filter(|_| is_message).and_then(|absent| {
            let there = hops.as_deref().unwrap_or_default();
            self.keep(from, request, absent, there)
        });
        let absent = absent.filter(|_| kept.is_some() || request.method() == "INVITE");
        let sleepers = |absent| self.sleepers(request, absent);
        let woken = absent.as_ref().and_then(sleepers);
        let hops = match hops {
            Err(nobody) if nobody.status == 480 && (kept.is_some() || woken.is_some()) => {
                Vec::new()
            }
            hops => hops?,
        };
        let user = absent.as_ref().map(|absent| absent.user.as_str());
        Ok(Passed {
            from,
            hops,
            choice: user.and_then(|user| self.choice(user)),
            woken,
            kept,
            course: Course::default(),
        })
    }

    fn absent(&self, request: &Message) -> Option<Absent> {
        let invite = request.method() == "INVITE";
        let uri = target(request);
        let uri = Uri::parse(&uri).filter(Uri::is_sip)?;
        let user = self.login(&unescape(uri.user?))?.to_owned();
        if !self.config.serves(uri.host) {
            return None;
        }
        let instance = uri.params.get("gr").map(unescape);
        let instance = instance.as_deref().map(unquote);
        let chosen = |device: &Device| match (&instance, self.accounts.rings(&user)) {
            (Some(instance), _) => device.instance.is(instance),
            (None, Rings::At(ids)) if invite && self.config.is_unique(&user) => {
                ids.contains(&device.id)
            }
            _ => true,
        };
        let is_there = |device: &Device| {
            let own = |entry: &Entry| {
                let identity = entry.identity.as_deref();
                identity.is_some_and(|identity| device.instance.is(identity))
            };
            let mut bound = self.store.of(&user).iter();
            bound.any(|entry| entry.flow.is_some() && own(entry))
        };
        let known = self.accounts.devices(&user).iter();
        let devices = known
            .filter(|_| self.config.knows_devices_of(&user))
            .filter(|device| device.is_authorised() && !is_there(device) && chosen(device))
            .map(|device| device.id.clone())
            .collect();
        Some(Absent { user, devices })
    }

    /// Those that can be woken.
    fn sleepers(&self, request: &Message, absent: &Absent) -> Option<Woken> {
        let user = absent.user.clone();
        let wakes = |id: &&DeviceId| {
            let device = self.accounts.device_by_id(&user, id);
            device.is_some_and(|device| device.push.is_some())
        };
        let devices: Vec<DeviceId> = absent.devices.iter().filter(wakes).cloned().collect();
        let woken = (!devices.is_empty()).then(|| self.woken(request, user))??;
        Some(Woken { devices, ..woken })
    }

    /// What devices of `user` are told of `request`: none yet.
    pub(super) fn woken(&self, request: &Message, user: String) -> Option<Woken> {
        let from = request.from()?;
        let name = from.display_name.unwrap_or_default();
        let key = Sha256::digest(request.call_id());
        Some(Woken {
            user,
            devices: Vec::new(),
            unheard: Vec::new(),
            news: News {
                kind: match request.method() {
                    "INVITE" => "call",
                    _ => "message",
                },
                key: hex(key.get(..20).unwrap_or_default()),
                uri: from.uri.to_owned(),
                display_name: sanitize_text(&name),
                at: self.now.millis(),
                answered: None,
            },
        })
    }

    pub(super) fn wake(&mut self, woken: &Woken) {
        let ids = |id: &DeviceId| id.to_string();
        let all = woken.devices.iter().chain(&woken.unheard);
        let wake = Wake {
            user: woken.user.clone(),
            devices: all.map(ids).collect(),
            unheard: woken.unheard.iter().map(ids).collect(),
            news: woken.news.clone(),
        };
        self.outputs.push_back(Output::Event(Event::Wake(wake)));
    }

    /// Tells those who were woken for calls that ring no more.
    pub(super) fn withdraw_pushes(&mut self) {
        for index in 0..self.relays.len() {
            let over = |relay: &Relay| relay.is_invite() && !relay.is_open();
            if self.relays.get(index).is_some_and(over) {
                self.withdraw_push(index);
            }
        }
    }

    /// Tells those who were woken for a call that it rings no more, for them at least.
    pub(super) fn withdraw_push(&mut self, relay: usize) {
        let Some(relay) = self.relays.get_mut(relay) else {
            return;
        };
        let failure = relay.best_failure().map(|(status, _)| status);
        if let Some(mut woken) = relay.woken.take() {
            // Declined for all devices (6xx) the user has dealt with it, too.
            let settled = |status| !(300..600).contains(&status);
            woken.news.kind = "withdraw";
            woken.news.answered = Some(relay.answered.or(failure).is_some_and(settled));
            self.wake(&woken);
        }
    }
}

impl Relay {
    /// Whether nobody has it yet, and somebody was woken for it.
    pub fn is_waiting(&self) -> bool {
        self.is_unheard() && self.woken.is_some() && self.is_open()
    }

    /// Whether it may still be taken by a device of its user that was not there.
    pub fn may_be_joined(&self) -> bool {
        self.is_invite() && self.is_open() && self.request.to_tag().is_none()
    }
}
