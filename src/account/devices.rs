//! The devices of a user: who is authorised, who is revoked, how many there may be.

use super::Kind;
use super::device::{Class, Device, DeviceId, Pns, Push, State, WokenBy};
use super::facts::Facts;
use super::refusal::Refusal;
use super::text::{InstanceId, Label, Word};
use super::verb::Answer;
use crate::time::Instant;
use serde::Deserialize;

/// Browsers and programs on computers that are kept: they share one slot, so no limit
/// counts them, and a browser that loses its storage comes as a new one.
const MAX_SHARED: usize = 16;

/// Devices of one user, revoked ones among them: each is read with every question.
const MAX_DEVICES: usize = 64;

/// How many devices a user may have.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    mobile: usize,
    deskphone: usize,
}

impl Limits {
    fn of(self, class: Class) -> usize {
        match class {
            Class::Mobile => self.mobile,
            Class::Deskphone => self.deskphone,
            Class::Desktop | Class::Web => MAX_DEVICES,
        }
    }
}

/// What `authorise` is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorise {
    id: DeviceId,
    instance: InstanceId,
    class: Class,
    name: Label,
    key: Option<Word<512>>,
    replaces: Option<DeviceId>,
    limits: Limits,
}

impl Facts {
    /// The device with this id, if it may register.
    pub fn authorised(&self, id: &DeviceId) -> Result<&Device, Refusal> {
        match self.devices.iter().find(|device| device.id == *id) {
            Some(device) if device.is_authorised() => Ok(device),
            Some(_) => Err(Refusal::Revoked),
            None => Err(Refusal::Unknown),
        }
    }

    /// Lets a device in. Who is in already keeps id, name and time, so that asking twice
    /// does no harm.
    pub fn authorise(&mut self, now: Instant, asked: Authorise) -> Result<Answer, Refusal> {
        let same = |device: &&Device| device.instance == asked.instance;
        match self.devices.iter().find(same).cloned() {
            Some(known) if !known.is_authorised() => Err(Refusal::Revoked),
            Some(known) => self.authorise_again(now, known, asked),
            None => self.add(now, asked),
        }
    }

    fn add(&mut self, now: Instant, asked: Authorise) -> Result<Answer, Refusal> {
        if self.devices.iter().any(|device| device.id == asked.id) {
            return Err(Refusal::Invalid {
                complaint: "another device has this id".to_owned(),
            });
        }
        let replaced = self.replaced_by(&asked);
        if asked.replaces.is_some() && replaced.is_none() {
            return Err(Refusal::Unknown);
        }
        self.check_limit(asked.class, asked.limits, replaced.as_ref())?;
        let device = Device {
            id: asked.id,
            instance: asked.instance,
            class: asked.class,
            name: asked.name,
            state: State::Authorised,
            key: asked.key,
            since: now.millis(),
            seen: now.millis(),
            push: None,
            registered: false,
        };
        if let Some(replaced) = &replaced {
            self.remove(replaced, Some(&device.id));
        }
        self.make_room(&device)?;
        self.devices.push(device.clone());
        self.changed(Kind::Devices);
        let added = true;
        Ok(Answer::Authorised { device, added })
    }

    fn authorise_again(
        &mut self,
        now: Instant,
        known: Device,
        asked: Authorise,
    ) -> Result<Answer, Refusal> {
        let replaced = self.replaced_by(&asked).filter(|id| *id != known.id);
        let device = Device {
            class: asked.class,
            key: asked.key.or(known.key),
            seen: now.millis(),
            ..known
        };
        if !device.class.counts_as(known.class) {
            self.check_limit(device.class, asked.limits, replaced.as_ref())?;
        }
        if let Some(replaced) = &replaced {
            self.remove(replaced, Some(&device.id));
        }
        if !device.class.counts_as(known.class) {
            self.make_room(&device)?;
        }
        *self.named(&device.id)? = device.clone();
        self.changed(Kind::Devices);
        let added = false;
        Ok(Answer::Authorised { device, added })
    }

    /// The device in whose stead another one comes.
    fn replaced_by(&self, asked: &Authorise) -> Option<DeviceId> {
        let id = asked.replaces.as_ref()?;
        let mut devices = self.devices.iter();
        let device = devices.find(|device| device.id == *id)?;
        device.class.counts_as(asked.class).then(|| id.clone())
    }

    /// Whether there may be one more of `class` once `replaced` is gone.
    fn check_limit(
        &self,
        class: Class,
        limits: Limits,
        replaced: Option<&DeviceId>,
    ) -> Result<(), Refusal> {
        let counts = |device: &&Device| {
            device.is_authorised() && device.class == class && Some(&device.id) != replaced
        };
        let counted: Vec<Device> = self.devices.iter().filter(counts).cloned().collect();
        let limit = limits.of(class);
        if counted.len() < limit {
            return Ok(());
        }
        Err(Refusal::Limit {
            limit,
            devices: Some(counted),
        })
    }

    /// Where there is no room for `device`, the one goes that is missed least: of those
    /// that share the slot the one idle longest, else the one revoked longest ago.
    fn make_room(&mut self, device: &Device) -> Result<(), Refusal> {
        let others = || self.devices.iter().filter(|other| other.id != device.id);
        let shared = |other: &&Device| other.is_authorised() && other.class.shares_slot();
        if device.class.shares_slot() && others().filter(shared).count() >= MAX_SHARED {
            let idle = others()
                .filter(shared)
                .min_by_key(|other| (other.registered, other.seen));
            if let Some(id) = idle.map(|other| other.id.clone()) {
                self.remove(&id, None);
            }
            return Ok(());
        }
        if others().count() < MAX_DEVICES {
            return Ok(());
        }
        let revoked = others().filter(|other| !other.is_authorised());
        let Some(id) = revoked
            .min_by_key(|other| other.seen)
            .map(|other| other.id.clone())
        else {
            return Err(Refusal::Limit {
                limit: MAX_DEVICES,
                devices: Some(others().cloned().collect()),
            });
        };
        self.remove(&id, None);
        Ok(())
    }

    pub fn rename(&mut self, id: &DeviceId, name: Label) -> Result<Answer, Refusal> {
        let device = self.named(id)?;
        device.name = name;
        let device = device.clone();
        self.changed(Kind::Devices);
        Ok(Answer::Device(device))
    }

    /// Cuts a device off: its binding ends, nothing wakes it any more.
    pub fn revoke(&mut self, now: Instant, id: &DeviceId) -> Result<Answer, Refusal> {
        let device = self.named(id)?;
        if device.is_authorised() {
            device.state = State::Revoked;
            device.push = None;
            device.registered = false;
            device.seen = now.millis();
            self.barred();
            self.rings_without(id, None);
            self.changed(Kind::Devices);
        }
        Ok(Answer::Device(self.named(id)?.clone()))
    }

    /// Lets a revoked device in again, if there is room.
    pub fn restore(
        &mut self,
        now: Instant,
        id: &DeviceId,
        limits: Limits,
    ) -> Result<Answer, Refusal> {
        let device = self.named(id)?.clone();
        if !device.is_authorised() {
            self.check_limit(device.class, limits, None)?;
            self.make_room(&device)?;
            let device = self.named(id)?;
            device.state = State::Authorised;
            device.seen = now.millis();
            self.changed(Kind::Devices);
        }
        Ok(Answer::Device(self.named(id)?.clone()))
    }

    /// Takes a device off the list.
    pub fn forget(&mut self, id: &DeviceId) -> Result<Answer, Refusal> {
        let device = self.named(id)?.clone();
        self.remove(id, None);
        Ok(Answer::Device(device))
    }

    pub fn set_push(&mut self, id: &DeviceId, push: Option<Push>) -> Result<Answer, Refusal> {
        self.authorised(id)?;
        let device = self.named(id)?;
        device.push = push.map(WokenBy::Subscription);
        let device = device.clone();
        self.changed(Kind::Push);
        Ok(Answer::Device(device))
    }

    /// A device has said at REGISTER how it is woken, or that it is not, where it had said
    /// so there.
    pub fn set_pns(&mut self, instance: &str, pns: Option<Pns>) {
        let mut devices = self.devices.iter_mut();
        let Some(device) = devices.find(|device| device.instance.is(instance)) else {
            return;
        };
        let subscribed = matches!(device.push, Some(WokenBy::Subscription(_)));
        let push = pns.map(WokenBy::Registration);
        if push != device.push && (push.is_some() || !subscribed) {
            device.push = push;
            self.changed(Kind::Push);
        }
    }

    /// The push service says that `endpoint` is no more (RFC 8030 §7.3).
    pub fn drop_push(&mut self, endpoint: &str) -> Answer {
        let mut devices = self.devices.iter_mut();
        let goes = |push: &mut WokenBy| push.is_at(endpoint);
        let gone = devices.find_map(|device| device.push.take_if(goes));
        if gone.is_some() {
            self.changed(Kind::Push);
        }
        Answer::Nothing
    }

    /// Forgets whom nobody has seen for long.
    pub fn drop_idle(&mut self, now: Instant) {
        let idle = self.devices.iter().filter(|device| device.is_idle(now));
        let idle: Vec<DeviceId> = idle.map(|device| device.id.clone()).collect();
        for id in idle {
            self.remove(&id, None);
        }
    }

    /// These instances are registered, and no others. Whether that is news.
    pub fn are_registered(&mut self, now: Instant, instances: &[&str]) -> bool {
        let mut news = false;
        for device in &mut self.devices {
            let registered = instances
                .iter()
                .any(|instance| device.instance.is(instance));
            news |= registered != device.registered;
            if registered || device.registered {
                device.seen = now.millis();
            }
            device.registered = registered;
        }
        news
    }

    fn named(&mut self, id: &DeviceId) -> Result<&mut Device, Refusal> {
        let mut devices = self.devices.iter_mut();
        devices
            .find(|device| device.id == *id)
            .ok_or(Refusal::Unknown)
    }

    /// Takes a device off the list; `heir` comes in its stead.
    fn remove(&mut self, id: &DeviceId, heir: Option<&DeviceId>) {
        let Some(at) = self.devices.iter().position(|device| device.id == *id) else {
            return;
        };
        let device = self.devices.remove(at);
        self.rings_without(id, heir);
        self.removed(device.id);
        self.changed(Kind::Devices);
    }
}
