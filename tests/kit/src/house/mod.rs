//! A house with desk phones, in virtual time: the [`World`] of the phones in pages, CTI
//! gateways in it, a switch that these reach over links, and pages that control desk
//! phones.

mod flaw;
mod link;
mod page;

pub use flaw::Flaw;
pub use link::{Line, Node};
pub use page::{Page, PageId};

use crate::queue::Queue;
use crate::switch::Switch;
use crate::world::{ClientId, World, gateway_config, registrar_config};
use graceline::gateway::{self, Device, Output, WhenDown};
use graceline::phone;
use graceline::time::{Duration, Instant};
use link::Way;
use std::collections::BTreeMap;

/// Lines, and the devices that they are on.
pub const APPEARANCES: [(&str, &str); 4] = [
    ("2001", "SEP01"),
    ("2002", "SEP02"),
    ("2003", "SEP03"),
    ("2003", "SEP04"),
];

/// What a house is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u8,
    pub gateways: usize,
    pub nodes: usize,
    pub when_down: WhenDown,
    /// Messages of sessions overtake each other on the way to the server.
    pub overtaking: bool,
    /// The switch answers before it tells what came of it.
    pub answers_first: bool,
    /// One page at a time controls a phone.
    pub exclusive: bool,
}

pub struct House {
    pub world: World,
    pub switch: Switch,
    pub nodes: Vec<Node>,
    pub pages: Vec<Page>,
    pub gateways: Vec<ClientId>,
    config: Vec<gateway::Config>,
    links: BTreeMap<Line, u64>,
    way: Queue<Way>,
    /// What gateways put out, in order: what they told, and what they asked the switch.
    pub told: Vec<(ClientId, Output)>,
    pub flaw: Option<Flaw>,
}

impl House {
    pub fn new(plan: &Plan) -> Self {
        let mut config = registrar_config().with_user("2003", "secret");
        for number in 0..plan.gateways {
            config = config.with_user(format!("cti{number}"), "secret");
        }
        let mut world = World::new(plan.seed, config);
        world.overtaking = plan.overtaking;
        let mut switch = Switch::new(&APPEARANCES, [plan.seed ^ 0x33; 32]);
        switch.answers_first = plan.answers_first;
        let mut house = Self {
            world,
            switch,
            nodes: vec![Node::default(); plan.nodes],
            pages: Vec::new(),
            gateways: Vec::new(),
            config: Vec::new(),
            links: BTreeMap::new(),
            way: Queue::new(),
            told: Vec::new(),
            flaw: None,
        };
        for number in 0..plan.gateways {
            let mut config = gateway_config(number, plan.nodes);
            for (line, device) in APPEARANCES {
                let device = Device {
                    device: device.into(),
                    exclusive: plan.exclusive,
                    ..Device::default()
                };
                config.lines.entry(line.into()).or_default().push(device);
            }
            config.when_node_is_down = plan.when_down;
            let id = house.world.gateway(config.clone());
            house.gateways.push(id);
            house.config.push(config);
        }
        house.carry();
        house
    }

    /// A gateway's process ends without a word, and another one begins.
    pub fn restart_gateway(&mut self, number: usize) {
        let id = self.gateways[number];
        self.drop_links_of(id);
        self.world.restart_gateway(id, self.config[number].clone());
        self.carry();
    }

    // Time.

    pub fn run(&mut self, duration: Duration) {
        let end = self.world.now + duration;
        while self.step(end) {}
    }

    /// Does the next thing that is due until `end`; `false`: there is nothing, and it is
    /// `end` now.
    pub fn step(&mut self, end: Instant) -> bool {
        let own = self.next_time();
        let until = own.map_or(end, |at| at.min(end));
        if self.world.step(until) {
            self.carry();
            return true;
        }
        if own.is_none_or(|at| at > end) {
            return false;
        }
        if let Some(way) = self.way.pop(self.world.now) {
            self.deliver(way);
        } else {
            (0..self.pages.len()).for_each(|page| self.fire(page));
        }
        self.carry();
        true
    }

    fn next_time(&self) -> Option<Instant> {
        let awake = |page: &&Page| !self.world.clients[page.client].asleep;
        let pages = self.pages.iter().filter(awake);
        let timers = pages.filter_map(|page| page.control.poll_timeout());
        timers.chain(self.way.next_time()).min()
    }

    /// Brings on what has come out of the machines.
    pub fn carry(&mut self) {
        loop {
            let of_gateways = std::mem::take(&mut self.world.of_gateways);
            let heard = std::mem::take(&mut self.world.log);
            if of_gateways.is_empty() && heard.is_empty() {
                break;
            }
            for (id, output) in of_gateways {
                let output = match &output {
                    Output::Link(node, _) => self.misdirect((id, *node), output),
                    _ => output,
                };
                self.told.push((id, output.clone()));
                match output {
                    Output::Connect(node) => self.connect((id, node)),
                    Output::Disconnect(node) => self.disconnect((id, node)),
                    Output::Link(node, request) => self.ask((id, node), request),
                    Output::Event(_) => {}
                    other => panic!("{other:?} is the world's business"),
                }
            }
            for (id, _, event) in heard {
                self.page_hears(id, event);
            }
        }
        self.send_said();
    }

    fn page_hears(&mut self, id: ClientId, event: phone::Event) {
        if let Some(page) = self.pages.iter().position(|page| page.client == id) {
            self.hear(page, event);
        }
    }
}
