//! Plays a script, and checks after every step of the world what must hold.

mod checks;
mod deeds;

use super::script::{Deed, Script, Step, word};
use crate::tally::Tally;
use graceline::csta::client::{CallState, CallView, Desk};
use graceline::gateway::{Appearance, NodeId};
use graceline::time::Duration;
use graceline_kit::house::{APPEARANCES, Flaw, House};
use graceline_kit::sessions::Holds;
use std::collections::{BTreeMap, BTreeSet};

/// Until a first attempt that is hopeless has come to nothing.
const GIVES_UP: Duration = Duration::from_secs(31);
/// How often a user tries: until a gateway is back that has to notice first that its
/// connection is dead.
const ATTEMPTS: usize = 4;
/// Until all is as it should be after the last fault: the longest way back is that of
/// a page whose gateway is another process now, which it learns when its session is
/// refreshed, every 150 s.
const QUIET: Duration = Duration::from_secs(400);
/// Until nothing is left once everybody has left: until a session that was not heard of
/// again is over (RFC 4028).
const LEAVING: Duration = Duration::from_secs(400);

/// What one page's user knows.
#[derive(Default)]
struct Model {
    calls: BTreeMap<u32, CallView>,
    ended: BTreeSet<u32>,
    desk: Desk,
    /// Commands, and for how long each has not settled, in milliseconds awake.
    pending: BTreeMap<u32, (&'static str, u64)>,
    /// It is, or was, controlled.
    controlled: bool,
    /// It could not be, at first.
    given_up: bool,
}

/// A session as the gateway told of it: where it is served.
struct Served {
    at: Appearance,
    node: NodeId,
}

pub struct Session<'a> {
    script: &'a Script,
    pub house: House,
    models: Vec<Model>,
    /// For each gateway its sessions, and the epochs of its nodes.
    served: BTreeMap<usize, BTreeMap<u32, Served>>,
    epochs: BTreeMap<(usize, usize), u32>,
    /// Numbers that users have called.
    numbers: u32,
    pub tally: Tally,
}

fn appearance(at: usize) -> Appearance {
    let (line, device) = APPEARANCES[at];
    Appearance {
        line: line.into(),
        device: device.into(),
    }
}

impl<'a> Session<'a> {
    pub fn new(script: &'a Script, flaw: Option<Flaw>) -> Self {
        let mut house = House::new(&script.plan);
        house.flaw = flaw;
        house.run(Duration::from_secs(2));
        for page in &script.pages {
            let at = APPEARANCES[page.appearance];
            house.page(at, page.gateway, page.bound, page.chosen);
        }
        Self {
            script,
            models: script.pages.iter().map(|_| Model::default()).collect(),
            house,
            served: BTreeMap::new(),
            epochs: BTreeMap::new(),
            numbers: 0,
            tally: Tally::default(),
        }
    }

    pub fn play(&mut self) -> Holds {
        for step in &self.script.steps {
            let Step { deed, who, pick } = *step;
            self.house
                .world
                .note(|_| format!("— {} {who} {pick}", word(deed)));
            let done = match deed {
                Deed::Wait => {
                    self.pass(Duration::from_millis(pick))?;
                    true
                }
                deed => self.perform(deed, who, pick),
            };
            if done {
                self.tally.count("deeds", word(deed));
            }
            self.check()?;
        }
        self.heal();
        for _ in 0..ATTEMPTS {
            self.pass(GIVES_UP)?;
            self.try_again();
        }
        self.pass(QUIET)?;
        self.check_quiet()?;
        (0..self.models.len()).for_each(|page| self.house.leave(page));
        self.pass(LEAVING)?;
        self.check_nothing_is_left()
    }

    fn pass(&mut self, duration: Duration) -> Holds {
        let end = self.house.world.now + duration;
        loop {
            let before = self.house.world.now;
            let more = self.house.step(end);
            self.age((self.house.world.now - before).as_millis());
            self.check()?;
            if !more {
                return Ok(());
            }
        }
    }

    fn age(&mut self, millis: u64) {
        for (page, model) in self.models.iter_mut().enumerate() {
            if self.house.is_awake(page) {
                model
                    .pending
                    .values_mut()
                    .for_each(|(_, waited)| *waited += millis);
            }
        }
    }
}

/// One of the page's calls in this state; `pick` says which.
fn one_of(model: &Model, wanted: CallState, pick: u64) -> Option<u32> {
    let fit = model.calls.values().filter(|call| call.state == wanted);
    let fit: Vec<u32> = fit.map(|call| call.id).collect();
    fit.get(pick as usize % fit.len().max(1)).copied()
}
