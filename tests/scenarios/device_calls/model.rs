//! What should come of it, step by step.

use super::script::{Deed, Script};
use crate::tally::Tally;
use crate::world::{ClientId, Network, World, registrar_config};
use graceline::call::{Calls, Cause};
use graceline::phone::{Phone, Status};
use graceline::time::{Duration, Instant};
use graceline_kit::sessions::Holds;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is under way arrives within this, at the registrar and on from there.
pub(super) const UNDER_WAY: Duration = Duration::from_millis(100);

/// A writer whose flow is lost so soon after a message may not have heard what became of it.
const ANSWERED: Duration = Duration::from_secs(13);

/// No call rings for longer, in milliseconds.
pub(super) const RUNG_OUT: u64 = 400_000;

/// Longer than the longest session timer: by then who lost the other end knows it.
pub(super) const QUIET: u64 = 2_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    Open,
    Connected,
    Ended,
}

/// A call of the caller.
pub(super) struct Trial {
    pub(super) call: u32,
    pub(super) at: Instant,
    pub(super) state: State,
    /// Where it rings, if that is certain: of no choice, whether desk phones do.
    pub(super) rings: Option<Result<Vec<ClientId>, bool>>,
    pub(super) answered: bool,
    /// Somebody declined it for all devices.
    pub(super) refused: bool,
    pub(super) troubled: bool,
}

/// What a device knows of it.
pub(super) struct Leg {
    pub(super) trial: usize,
    pub(super) state: State,
    /// Its user has answered or declined it.
    pub(super) acted: bool,
    pub(super) troubled: bool,
    pub(super) cause: Option<Cause>,
}

/// A message, and for whom it must come.
pub(super) struct Letter {
    pub(super) op: u32,
    pub(super) at: Instant,
    pub(super) accepted: bool,
    pub(super) due: BTreeSet<ClientId>,
    /// One of them was away.
    pub(super) kept: bool,
}

pub(super) struct Device {
    pub(super) load: u32,
    pub(super) ops: BTreeMap<u32, u32>,
    /// Whether its flow may be dead without a sign.
    pub(super) shaky: bool,
    pub(super) troubled_at: Instant,
    pub(super) cut_off_at: Option<Instant>,
    pub(super) got: BTreeMap<usize, usize>,
}

pub struct Session {
    pub(super) script: Script,
    pub world: World,
    pub tally: Tally,
    pub(super) devices: Vec<Device>,
    pub(super) trials: Vec<Trial>,
    /// By device, page load and call.
    pub(super) legs: BTreeMap<(ClientId, u32, u32), Leg>,
    pub(super) letters: Vec<Letter>,
    /// Whom a push reaches, and when.
    pub(super) pushes: Vec<(Instant, ClientId)>,
    /// Pushes about calls that still ring.
    pub(super) woken: Vec<String>,
    pub(super) read: usize,
}

impl Session {
    pub fn new(script: &Script) -> Self {
        let mut config = registrar_config();
        for (name, user) in &mut config.users {
            user.devices = Some(name == "2001");
        }
        let mut world = World::new(5, config);
        let number = script.devices.len();
        for (at, class) in script.devices.iter().enumerate() {
            world.client_with(&format!("{class} {at}"), |_| {});
        }
        world.client_with("caller", |config| config.user = "2002".into());
        let mut session = Self {
            script: script.clone(),
            devices: (0..=number).map(|_| Device::new(world.now)).collect(),
            world,
            tally: Tally::default(),
            trials: Vec::new(),
            legs: BTreeMap::new(),
            letters: Vec::new(),
            pushes: Vec::new(),
            woken: Vec::new(),
            read: 0,
        };
        for (at, class) in script.devices.iter().enumerate() {
            let limits = json!({ "mobile": 9, "deskphone": 9 });
            session.ask(
                "authorise",
                &json!({
                    "id": id(at), "instance": session.world.instance(at), "class": class,
                    "name": id(at), "limits": limits,
                }),
            );
            session.subscribe(at);
        }
        let caller = session.caller();
        session.world.register(caller, false);
        session
    }

    pub(super) fn caller(&self) -> ClientId {
        self.script.devices.len()
    }

    fn ask(&mut self, verb: &str, args: &Value) -> Value {
        let reply = self.world.account(verb, &args.to_string());
        serde_json::from_str(&reply).unwrap_or_default()
    }

    /// Desk phones cannot be woken.
    fn subscribe(&mut self, at: ClientId) {
        let push = json!({ "endpoint": "https://push.test/", "p256dh": "k", "auth": "s" });
        if self.script.devices[at] != "deskphone" {
            self.ask("push_set", &json!({ "id": id(at), "push": push }));
        }
    }

    pub fn play(&mut self) -> Holds {
        for deed in self.script.deeds.clone() {
            self.world.note(|_| format!("-- {deed:?}"));
            self.perform(deed)?;
            self.check()?;
        }
        self.end()
    }

    pub(super) fn perform(&mut self, deed: Deed) -> Holds {
        let caller = self.caller();
        match deed {
            Deed::Call => self.call(),
            Deed::GiveUp => {
                if let Some(trial) = self.trials.last().filter(|one| one.state != State::Ended) {
                    let call = trial.call;
                    self.operate(caller, |calls, now, op| calls.hangup(now, op, call));
                }
            }
            Deed::Write => self.write(),
            Deed::Answer(at) => self.act(at, State::Open, |calls, now, op, call| {
                calls.answer(now, op, call, Vec::new());
            }),
            Deed::Decline(at, status) => {
                if let Some(trial) = self.leg_of(at, State::Open).map(|leg| leg.trial) {
                    self.trials[trial].refused |= status == 603;
                }
                self.act(at, State::Open, |calls, now, op, call| {
                    calls.reject(now, op, call, status, None);
                });
            }
            Deed::HangUp(at) => self.act(at, State::Connected, |calls, now, op, call| {
                calls.hangup(now, op, call);
            }),
            Deed::Wait(millis) => return self.wait(millis),
            _ => return self.upset(deed),
        }
        Ok(())
    }

    /// What makes it hard.
    fn upset(&mut self, deed: Deed) -> Holds {
        match deed {
            Deed::Open(at) => self.open(at),
            Deed::Close(at) => {
                for (_, leg) in self.legs.iter_mut().filter(|((id, ..), _)| *id == at) {
                    leg.acted = true;
                }
                self.world.act(at, Phone::leave);
                self.check()?;
                self.load_again(at);
            }
            Deed::Reload(at) => {
                self.load_again(at);
                self.open(at);
            }
            Deed::Cut(at) => {
                self.trouble(at);
                self.world.cut(at);
            }
            Deed::CutUnseen(at) => {
                self.trouble(at);
                self.world.cut_unseen_by_server(at);
            }
            Deed::Silence(at) => {
                self.trouble(at);
                self.world.clients[at].network = Network::Silent;
            }
            Deed::Heal(at) => self.world.clients[at].network = Network::Up,
            Deed::Rings(bits) => {
                self.doubt_choice();
                let chosen = (0..self.caller()).filter(|at| bits & 1 << at != 0);
                let chosen: Vec<String> = chosen.map(id).collect();
                let ids = match chosen.is_empty() {
                    true => json!("auto"),
                    false => json!(chosen),
                };
                self.ask("rings_set", &json!({ "ids": ids }));
            }
            Deed::Revoke(at) => {
                self.doubt_choice();
                self.trouble(at);
                self.devices[at].cut_off_at.get_or_insert(self.world.now);
                for letter in &mut self.letters {
                    letter.due.remove(&at);
                }
                self.ask("revoke", &json!({ "id": id(at) }));
            }
            Deed::Restore(at) => {
                self.devices[at].cut_off_at = None;
                let limits = json!({ "mobile": 9, "deskphone": 9 });
                self.ask("restore", &json!({ "id": id(at), "limits": limits }));
                self.subscribe(at);
            }
            Deed::Restart => {
                for at in 0..=self.caller() {
                    self.trouble(at);
                }
                self.woken.clear();
                self.world.restart_with_facts();
            }
            _ => {}
        }
        Ok(())
    }

    /// The flow of a client is lost, or may be.
    fn trouble(&mut self, at: ClientId) {
        let now = self.world.now;
        let caller = self.caller();
        self.devices[at].shaky = true;
        self.devices[at].troubled_at = now;
        for trial in &mut self.trials {
            trial.troubled |= trial.state != State::Ended && at == caller;
        }
        for ((id, ..), leg) in &mut self.legs {
            let open = leg.state != State::Ended;
            leg.troubled |= open && (*id == at || at == caller);
        }
        let fresh = |letter: &&mut Letter| now - letter.at < ANSWERED;
        for letter in self.letters.iter_mut().filter(fresh) {
            if at == caller {
                letter.due.clear();
            }
        }
    }

    /// Where a call rings that is under way to the registrar is not certain.
    fn doubt_choice(&mut self) {
        let now = self.world.now;
        if let Some(trial) = self.trials.last_mut()
            && now - trial.at < UNDER_WAY
        {
            trial.rings = None;
        }
    }

    pub(super) fn open(&mut self, at: ClientId) {
        self.world.register(at, true);
    }

    /// The page is gone, and with it all that it knew.
    fn load_again(&mut self, at: ClientId) {
        self.trouble(at);
        self.world.reload(at, false);
        let device = &mut self.devices[at];
        device.load += 1;
        device.ops.clear();
        self.legs
            .retain(|(id, ..), leg| *id != at || leg.state == State::Ended);
    }

    fn call(&mut self) {
        let now = self.world.now;
        let busy = |trial: &Trial| trial.state != State::Ended || now - trial.at < UNDER_WAY;
        if self.trials.last().is_some_and(busy) {
            return;
        }
        let chosen = self.ask("rings", &json!({}));
        let rings = match chosen["ok"].as_array() {
            Some(ids) => Ok((0..self.caller())
                .filter(|at| ids.contains(&json!(id(*at))))
                .collect()),
            None => {
                Err(!(0..self.caller()).any(|at| self.is_surely_there(at) && !self.is_desk(at)))
            }
        };
        // Whoever loses his flow cannot cancel: that call rings on, and joins who comes.
        let rings_on = self.trials.iter().any(|trial| {
            trial.troubled && !trial.answered && (now - trial.at).as_millis() < RUNG_OUT
        });
        let call = 1 + 2 * self.trials.len() as u32;
        self.trials.push(Trial {
            call,
            at: now,
            state: State::Open,
            rings: Some(rings).filter(|_| !rings_on),
            answered: false,
            refused: false,
            troubled: self.devices[self.caller()].shaky || rings_on,
        });
        self.world.bindings_changed = false;
        self.world.call(self.caller(), call, "2001");
    }

    fn write(&mut self) {
        let (now, caller) = (self.world.now, self.caller());
        let number = self.letters.len();
        let shaky = self.devices[caller].shaky;
        let is_due = |at: &ClientId| self.devices[*at].cut_off_at.is_none() && !shaky;
        let due: BTreeSet<ClientId> = (0..caller).filter(is_due).collect();
        let kept = due.iter().any(|at| !self.is_registered(*at));
        let op = 1 + self.devices[caller].ops.len() as u32;
        self.letters.push(Letter {
            op,
            at: now,
            accepted: false,
            due,
            kept,
        });
        let text = ("text/plain".to_owned(), format!("{number}"));
        self.operate(caller, |calls, now, op| {
            calls.message(now, op, "2001", text)
        });
    }

    pub(super) fn operate(&mut self, at: ClientId, action: impl FnOnce(&mut Calls, Instant, u32)) {
        let op = 1 + self.devices[at].ops.len() as u32;
        self.devices[at].ops.insert(op, 0);
        self.world.calls(at, |calls, now| action(calls, now, op));
    }

    fn leg_of(&mut self, at: ClientId, state: State) -> Option<&mut Leg> {
        let load = self.devices[at].load;
        let mut legs = self.legs.iter_mut();
        let leg =
            legs.find(|((id, page, _), leg)| (*id, *page) == (at, load) && leg.state == state);
        leg.map(|(_, leg)| leg)
    }

    fn act(
        &mut self,
        at: ClientId,
        state: State,
        action: impl FnOnce(&mut Calls, Instant, u32, u32),
    ) {
        let load = self.devices[at].load;
        let own = |((id, page, _), leg): &(&(ClientId, u32, u32), &mut Leg)| {
            (*id, *page) == (at, load) && leg.state == state
        };
        let Some(((.., call), leg)) = self.legs.iter_mut().find(own) else {
            return;
        };
        leg.acted = true;
        let call = *call;
        self.operate(at, |calls, now, op| action(calls, now, op, call));
    }

    pub(super) fn wait(&mut self, millis: u64) -> Holds {
        let end = self.world.now + Duration::from_millis(millis);
        loop {
            let next = self.pushes.iter().map(|(at, _)| *at).min();
            let until = next.map_or(end, |at| at.min(end));
            while self.world.step(until) {
                self.check()?;
            }
            let now = self.world.now;
            let due = self.pushes.extract_if(.., |(at, _)| *at <= now);
            for id in due.map(|(_, id)| id).collect::<Vec<_>>() {
                self.open(id);
            }
            self.check()?;
            if until == end && !self.pushes.iter().any(|(at, _)| *at <= end) {
                return Ok(());
            }
        }
    }

    pub(super) fn is_desk(&self, at: ClientId) -> bool {
        self.script.devices[at] == "deskphone"
    }

    /// Whether the registrar takes it to be there.
    pub(super) fn is_registered(&self, at: ClientId) -> bool {
        let bound = self.world.registrar.bindings("2001");
        bound
            .iter()
            .any(|binding| self.world.owner(binding) == Some(at))
    }

    pub(super) fn is_surely_there(&self, at: ClientId) -> bool {
        let client = &self.world.clients[at];
        self.is_registered(at)
            && client.network == Network::Up
            && client.phone.status() == Status::Ready
            && !self.devices[at].shaky
    }
}

impl Device {
    fn new(now: Instant) -> Self {
        Self {
            load: 0,
            ops: BTreeMap::new(),
            shaky: false,
            troubled_at: now,
            cut_off_at: None,
            got: BTreeMap::new(),
        }
    }
}

/// The id of a device.
pub(super) fn id(at: ClientId) -> String {
    format!("d{at}")
}
