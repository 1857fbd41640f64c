//! Randomised sessions of several devices of one user, at a registrar that knows them:
//! they are authorised, revoked, restored, forgotten and replaced while they log in, force,
//! lose the network and come back, and it restarts. `device_calls` has their calls.
//!
//! 1. Never more is bound than allowed: only authorised devices, each once, and of
//!    browsers and programs one.
//! 2. Who was told that it is not authorised sends no REGISTER until its app calls
//!    `registerPhone`.
//! 3. Every `registerPhone` settles once, in bounded time.
//! 4. Once all is quiet, nobody believes to be registered who is not, and whoever is
//!    authorised gets in.
//!
//! `GRACELINE_SESSIONS=20000 cargo test --test scenarios device_sessions` is the long run,
//! `GRACELINE_SEED=n` plays one session and prints it.

use crate::tally::Tally;
use crate::world::{ClientId, Network, World, registrar_config};
use graceline::phone::{Event, Status};
use graceline::rand::Random;
use graceline::registrar::{Config, Policy, SharedSlot};
use graceline::registration::Profile;
use graceline::time::{Duration, Instant};
use graceline_kit::sessions::{self, Holds, play_scripts, quietly, violated};
use serde_json::{Value, json};

const DEFAULT_SESSIONS: u64 = 600;

/// A login takes no longer than this, whatever becomes of the network.
const LONGEST_LOGIN: Duration = Duration::from_secs(150);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Authorise(ClientId, Option<ClientId>),
    Revoke(ClientId),
    Restore(ClientId),
    Forget(ClientId),
    Limit(u32),
    Register(ClientId, bool),
    Unregister(ClientId),
    Reload(ClientId),
    Cut(ClientId),
    Silence(ClientId),
    Heal(ClientId),
    /// Of the registrar.
    Restart,
    Wait(u64),
}

#[derive(Clone, Debug)]
struct Script {
    slot: SharedSlot,
    policy: Policy,
    /// Class and profile of each client.
    clients: Vec<(&'static str, Option<Profile>)>,
    deeds: Vec<Deed>,
}

impl sessions::Script for Script {
    type Deed = Deed;

    fn draw(seed: u64) -> Self {
        let mut bytes = [0x3c; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let mut below = |bound: usize| random.below(bound as u64) as usize;
        let slot = [SharedSlot::Ask, SharedSlot::Override][below(2)];
        let policy = [Policy::Graceful, Policy::Duplicate, Policy::Normal][below(3)];
        let profiles = [None, Some(Profile::Cisco), Some(Profile::Generic)];
        let classes = ["web", "web", "desktop", "mobile", "mobile", "deskphone"];
        let number = 2 + below(4);
        let clients: Vec<_> = (0..number)
            .map(|_| (classes[below(classes.len())], profiles[below(3)]))
            .collect();
        let mut deeds: Vec<Deed> = (0..number).map(|id| Deed::Authorise(id, None)).collect();
        for _ in 0..10 + below(30) {
            let id = below(number);
            deeds.push(match below(21) {
                0 | 1 => Deed::Authorise(id, Some(below(number)).filter(|_| below(2) == 0)),
                2..=4 => Deed::Revoke(id),
                5 | 6 => Deed::Restore(id),
                7 => Deed::Forget(id),
                8 => Deed::Limit(below(3) as u32),
                9..=12 => Deed::Register(id, below(2) == 0),
                13 => Deed::Unregister(id),
                14 => Deed::Reload(id),
                15 => Deed::Cut(id),
                16 => Deed::Silence(id),
                17 => Deed::Restart,
                _ => Deed::Heal(id),
            });
            let pauses = [0, 0, 20, 500, 5_000, 60_000, 200_000];
            deeds.push(Deed::Wait(pauses[below(pauses.len())]));
        }
        Self {
            slot,
            policy,
            clients,
            deeds,
        }
    }

    fn deeds(&mut self) -> &mut Vec<Deed> {
        &mut self.deeds
    }

    fn play(&self, tally: &mut Tally) -> Holds {
        let mut session = Session::new(self);
        session.world.telling = false;
        let outcome = quietly(|| session.play());
        tally.merge(session.tally);
        outcome
    }

    fn story(&self) -> Vec<String> {
        let mut session = Session::new(self);
        let _ = quietly(|| session.play());
        session.world.transcript
    }
}

#[derive(Clone, Default)]
struct Model {
    /// The login that its user waits for, and since when.
    pending: Option<(u32, Instant)>,
    /// REGISTERs that it had sent when it was told that it is not authorised.
    barred: Option<usize>,
}

struct Session {
    script: Script,
    world: World,
    models: Vec<Model>,
    limit: u32,
    tally: Tally,
}

impl Session {
    fn new(script: &Script) -> Self {
        let mut world = World::new(
            7,
            Config {
                devices: true,
                shared_slot: script.slot,
                policy: script.policy,
                ..registrar_config()
            },
        );
        for (at, (class, profile)) in script.clients.iter().enumerate() {
            world.client_with(&format!("{class} {at}"), |config| config.profile = *profile);
        }
        Self {
            script: script.clone(),
            models: vec![Model::default(); world.clients.len()],
            world,
            limit: 2,
            tally: Tally::default(),
        }
    }

    fn play(&mut self) -> Holds {
        for deed in self.script.deeds.clone() {
            self.world.note(|_| format!("-- {deed:?}"));
            self.perform(deed)?;
            self.check()?;
        }
        self.end()
    }

    fn ask(&mut self, verb: &str, args: &Value) -> Value {
        let reply = self.world.account(verb, &args.to_string());
        serde_json::from_str(&reply).unwrap_or_default()
    }

    fn perform(&mut self, deed: Deed) -> Holds {
        let name = |id: ClientId| format!("d{id}");
        let limits = json!({ "mobile": self.limit, "deskphone": self.limit });
        let (verb, args) = match deed {
            Deed::Authorise(id, replaces) => {
                let mut args = json!({
                    "id": name(id), "instance": self.world.instance(id), "name": name(id),
                    "class": self.script.clients[id].0, "limits": limits,
                });
                if let Some(replaced) = replaces {
                    args["replaces"] = json!(name(replaced));
                }
                ("authorise", args)
            }
            Deed::Revoke(id) => ("revoke", json!({ "id": name(id) })),
            Deed::Restore(id) => ("restore", json!({ "id": name(id), "limits": limits })),
            Deed::Forget(id) => ("forget", json!({ "id": name(id) })),
            _ => return self.perform_there(deed),
        };
        let reply = self.ask(verb, &args);
        self.tally
            .count(verb, reply["refused"].as_str().unwrap_or("done"));
        Ok(())
    }

    /// What users and networks do.
    fn perform_there(&mut self, deed: Deed) -> Holds {
        let world = &mut self.world;
        match deed {
            Deed::Limit(limit) => self.limit = limit,
            Deed::Register(id, force) if self.models[id].pending.is_none() => {
                self.models[id].barred = None;
                let attempt = world.register(id, force);
                self.models[id].pending = Some((attempt, world.now));
            }
            Deed::Unregister(id) => {
                // Who waits for a login hears nothing of it then.
                self.models[id] = Model::default();
                world.act(id, graceline::phone::Phone::unregister);
            }
            Deed::Reload(id) => {
                self.models[id] = Model::default();
                world.reload(id, false);
                world.log.retain(|(other, ..)| *other != id);
            }
            Deed::Cut(id) => world.cut(id),
            Deed::Silence(id) => world.clients[id].network = Network::Silent,
            Deed::Heal(id) => world.clients[id].network = Network::Up,
            Deed::Restart => world.restart_with_facts(),
            Deed::Wait(millis) => {
                let end = world.now + Duration::from_millis(millis);
                while self.world.step(end) {
                    self.check()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&mut self) -> Holds {
        for (id, registers, event) in std::mem::take(&mut self.world.log) {
            let model = &mut self.models[id];
            let settled = match &event {
                Event::Registered(attempt, _) | Event::Failed(attempt, ..) => Some(*attempt),
                _ => None,
            };
            if let Some(attempt) = settled {
                let waited = model.pending.take();
                if waited.is_none_or(|(waited, _)| waited != attempt) {
                    return violated(3, "a login settles once", format!("{id}: {event:?}"));
                }
            }
            let refused = match &event {
                Event::Failed(_, fault, _) | Event::Error(fault) => {
                    self.tally.count("faults", fault.code().as_str());
                    fault.code().as_str() == "eDeviceNotAuthorised"
                }
                _ => false,
            };
            if refused {
                model.barred = Some(registers);
            }
        }
        for (id, model) in self.models.iter().enumerate() {
            let sent = self.world.clients[id].registers;
            if model.barred.is_some_and(|told| told != sent) {
                return violated(2, "who is barred is silent", format!("{id}"));
            }
            let late = |since: Instant| self.world.now - since > LONGEST_LOGIN;
            if model.pending.is_some_and(|(_, since)| late(since)) {
                return violated(3, "a login settles in time", format!("{id}"));
            }
        }
        self.check_bindings()
    }

    fn check_bindings(&mut self) -> Holds {
        let devices = self.devices();
        let registered: Vec<&Value> = devices
            .iter()
            .filter(|device| device["registered"] == true)
            .collect();
        let bound = self.world.registrar.bindings("2001");
        let shared = |device: &&&Value| device["class"] == "web" || device["class"] == "desktop";
        let told = format!("{registered:?} {bound:?}");
        if bound.len() != registered.len() {
            return violated(1, "every binding is a device's own", told);
        }
        if registered
            .iter()
            .any(|device| device["state"] != "authorised")
        {
            return violated(1, "no revoked device is bound", told);
        }
        if registered.iter().filter(shared).count() > 1 {
            return violated(1, "one has the slot", told);
        }
        Ok(())
    }

    fn devices(&mut self) -> Vec<Value> {
        let mut reply = self.ask("devices", &json!({}));
        match reply["ok"].take() {
            Value::Array(devices) => devices,
            _ => Vec::new(),
        }
    }

    /// The network is there again, and nobody does anything.
    fn end(&mut self) -> Holds {
        for id in 0..self.models.len() {
            self.world.clients[id].network = Network::Up;
        }
        self.world.note(|_| "-- quiet".to_owned());
        self.perform_there(Deed::Wait(900_000))?;
        for id in 0..self.models.len() {
            let status = self.world.status(id);
            self.tally.count("in the end", status.as_str());
            if (status == Status::Ready) != self.is_registered(id) {
                return violated(
                    4,
                    "who believes to be registered is",
                    format!("{id} {status:?}"),
                );
            }
        }
        for id in 0..self.models.len() {
            let devices = self.devices();
            let instance = self.world.instance(id);
            let own = devices.iter().find(|device| device["instance"] == instance);
            let authorised = own.is_some_and(|device| device["state"] == "authorised");
            self.perform_there(Deed::Register(id, true))?;
            self.perform_there(Deed::Wait(60_000))?;
            self.check()?;
            if self.is_registered(id) != authorised {
                return violated(
                    4,
                    "who is authorised gets in, and nobody else",
                    format!("{id}"),
                );
            }
        }
        Ok(())
    }

    fn is_registered(&mut self, id: ClientId) -> bool {
        let instance = self.world.instance(id).to_owned();
        let registered = |device: &Value| device["registered"] == true;
        let own = |device: &&Value| device["instance"] == instance;
        self.devices().iter().find(own).is_some_and(registered)
    }
}

#[test]
fn devices_that_come_and_go() {
    let expected = [
        ("authorise", "limit"),
        ("authorise", "revoked"),
        ("authorise", "done"),
        ("restore", "limit"),
        ("restore", "done"),
        ("revoke", "done"),
        ("forget", "done"),
        ("faults", "eDeviceNotAuthorised"),
        ("faults", "eDeviceAlreadyRegistered"),
        ("in the end", "eReady"),
        ("in the end", "eDeviceNotAuthorised"),
        ("in the end", "eConnectionTerminated"),
    ];
    play_scripts::<Script>(DEFAULT_SESSIONS, &expected);
}
