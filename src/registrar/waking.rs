//! Devices that sleep: a call or a message for their user wakes them by push, waits for
//! the first of them if nobody else is there, and joins those that come (see
//! [`late`](super::late)). Who was woken for a call hears when it rings no more.

use super::output::{News, Wake};
use super::proxy::Hop;
use super::register::unescape;
use super::relay::Relay;
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

/// How long another request does: its sender gives up after 64·T1, and is told before.
pub(super) const MESSAGE_WAITS: Duration = Duration::from_secs(20);

/// Who was woken for a request, and by what.
pub(super) struct Woken {
    user: String,
    devices: Vec<DeviceId>,
    news: News,
}

impl Registrar {
    /// Where `request` goes, and who is to be woken for it. To nobody, if all sleep.
    pub(super) fn destinations(
        &self,
        request: &Message,
    ) -> Result<(Vec<Hop>, Option<Woken>), Refusal> {
        let woken = self.sleepers(request);
        match self.hops(request) {
            Err(nobody) if nobody.status == 480 && woken.is_some() => Ok((Vec::new(), woken)),
            hops => Ok((hops?, woken)),
        }
    }

    /// The devices for which a call or a message would be if they were registered, and
    /// that can be woken.
    fn sleepers(&self, request: &Message) -> Option<Woken> {
        let kind = match request.method() {
            "INVITE" => "call",
            "MESSAGE" => "message",
            _ => return None,
        };
        let uri = Uri::parse(request.request_uri()).filter(Uri::is_sip)?;
        let called = unescape(uri.user?);
        let user = self.login(&called)?.to_owned();
        if !self.config.serves(uri.host) {
            return None;
        }
        let instance = uri.params.get("gr").map(unescape);
        let instance = instance.as_deref().map(unquote);
        let chosen = |device: &Device| match (&instance, self.accounts.rings(&user)) {
            (Some(instance), _) => device.instance.is(instance),
            (None, Rings::At(ids)) if kind == "call" && self.config.is_unique(&user) => {
                ids.contains(&device.id)
            }
            _ => true,
        };
        let asleep = |device: &&Device| {
            device.is_authorised() && device.push.is_some() && !device.registered && chosen(device)
        };
        let known = self.accounts.devices(&user).iter();
        let devices: Vec<DeviceId> = known
            .filter(asleep)
            .map(|device| device.id.clone())
            .collect();
        let from = request.from()?;
        let name = from.display_name.unwrap_or_default();
        let key = Sha256::digest(request.call_id());
        (!devices.is_empty()).then(|| Woken {
            user,
            devices,
            news: News {
                kind,
                key: hex(key.get(..20).unwrap_or_default()),
                uri: from.uri.to_owned(),
                display_name: sanitize_text(&name),
                at: self.now.millis(),
                answered: None,
            },
        })
    }

    pub(super) fn wake(&mut self, woken: &Woken) {
        let wake = Wake {
            user: woken.user.clone(),
            devices: woken.devices.iter().map(|id| id.to_string()).collect(),
            news: woken.news.clone(),
        };
        self.outputs.push_back(Output::Event(Event::Wake(wake)));
    }

    /// Tells those who were woken for calls that ring no more.
    pub(super) fn withdraw_pushes(&mut self) {
        let over = |relay: &&mut Relay| relay.is_invite() && !relay.is_open();
        let withdraw = |relay: &mut Relay| {
            let mut woken = relay.woken.take()?;
            let taken = relay.answered.is_some_and(|status| status < 300);
            woken.news.kind = "withdraw";
            woken.news.answered = Some(taken);
            Some(woken)
        };
        let relays = self.relays.iter_mut().filter(over);
        for woken in relays.filter_map(withdraw).collect::<Vec<_>>() {
            self.wake(&woken);
        }
    }
}

impl Relay {
    /// Whether nobody has it yet, and somebody was woken for it.
    pub fn is_waiting(&self) -> bool {
        self.branches.is_empty() && self.woken.is_some() && self.is_open()
    }

    /// Whether it may still be taken by a device of its user that was not there.
    pub fn may_be_joined(&self) -> bool {
        (self.is_invite() || self.is_waiting()) && self.is_open() && self.request.to_tag().is_none()
    }
}
