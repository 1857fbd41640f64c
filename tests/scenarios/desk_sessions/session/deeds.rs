//! What users do, and what befalls them.

use super::super::script::{Deed, Gateway, Node, Page, Registrar, User};
use super::{Model, Session, appearance, one_of};
use graceline::csta::ForwardingType;
use graceline::csta::client::{CallState, Forwarding, Verb};
use graceline_kit::house::{APPEARANCES, Node as Address, PageId};
use graceline_kit::world::Network;

use CallState::{Connected, Held, Incoming};

/// Latencies of slow ways, in milliseconds.
const SLOW: [u64; 4] = [50, 300, 900, 2_000];

impl Session<'_> {
    /// `false`: it could not be done.
    pub(super) fn perform(&mut self, deed: Deed, who: usize, pick: u64) -> bool {
        match deed {
            Deed::Wait => {}
            Deed::User(user) => return self.user(who, user, pick),
            Deed::By(hand) => {
                let done = self.house.switch.hand(&appearance(who), hand, pick);
                self.house.carry();
                return done;
            }
            Deed::Page(page) => return self.befalls(who, page, pick),
            Deed::Gateway(fate) => self.gateway(who, fate),
            Deed::Node(fate) => self.node(who, fate, pick),
            Deed::Switch => {
                self.house.switch.restart();
                (0..self.house.nodes.len()).for_each(|node| self.house.cut_node(node));
            }
            Deed::Registrar(Registrar::Restarts) => self.house.world.restart_registrar(),
            Deed::Registrar(Registrar::Forgets) => self.house.world.forget(),
        }
        true
    }

    fn user(&mut self, page: PageId, user: User, pick: u64) -> bool {
        self.numbers += 1;
        let number = format!("8{:0>3}", self.numbers);
        let inside = || APPEARANCES[pick as usize].0.to_owned();
        let model = &self.models[page];
        let Some((name, verb)) = wish(model, user, pick, number, inside()) else {
            return false;
        };
        if model.given_up {
            return false;
        }
        let op = self.house.command(page, verb);
        self.models[page].pending.insert(op, (name, 0));
        true
    }

    fn befalls(&mut self, page: PageId, fate: Page, pick: u64) -> bool {
        let client = self.house.pages[page].client;
        let awake = self.house.is_awake(page);
        match fate {
            // Who has the phone needs no force.
            Page::Forces if !self.models[page].given_up => return false,
            Page::Wakes | Page::WakesTimersFirst if awake => return false,
            Page::Wakes | Page::WakesTimersFirst | Page::Heals => {}
            _ if !awake => return false,
            _ => {}
        }
        let world = &mut self.house.world;
        match fate {
            Page::Cut => world.cut(client),
            Page::CutUnseenByServer => world.cut_unseen_by_server(client),
            Page::CutUnseenByClient => world.cut_unseen_by_client(client),
            Page::Silent => world.clients[client].network = Network::Silent,
            Page::Heals => world.clients[client].network = Network::Up,
            Page::Sleeps => world.clients[client].asleep = true,
            Page::Wakes => world.wake(client),
            Page::WakesTimersFirst => world.wake_timers_first(client),
            Page::Slow => {
                world.clients[client].latency = SLOW[pick as usize];
                world.cut(client);
            }
            Page::Forces => {
                self.models[page] = Model::default();
                self.house.force(page);
            }
            Page::Reloads | Page::Crashes => {
                self.models[page] = Model::default();
                self.house.reload(page, fate == Page::Reloads);
            }
        }
        true
    }

    fn gateway(&mut self, number: usize, fate: Gateway) {
        let id = self.house.gateways[number];
        match fate {
            Gateway::Restarts => {
                self.follow_gateways_blindly();
                self.served.remove(&id);
                self.epochs.retain(|(gateway, _), _| *gateway != id);
                self.house.restart_gateway(number);
            }
            Gateway::Cut => self.house.world.cut(id),
            Gateway::Silent => self.house.world.clients[id].network = Network::Silent,
            Gateway::Heals => self.house.world.clients[id].network = Network::Up,
        }
    }

    fn node(&mut self, node: usize, fate: Node, pick: u64) {
        let address: &mut Address = &mut self.house.nodes[node];
        match fate {
            Node::Cut => self.house.cut_node(node),
            Node::Dies => {
                address.network = Network::Refusing;
                self.house.cut_node(node);
            }
            Node::Silent => address.network = Network::Silent,
            Node::ComesBack => address.network = Network::Up,
            Node::Slow => {
                address.latency = SLOW[pick as usize];
                self.house.cut_node(node);
            }
        }
    }

    /// Whatever was wrong is so no longer.
    pub(super) fn heal(&mut self) {
        self.house.nodes.fill(Address::default());
        for client in 0..self.house.world.clients.len() {
            self.house.world.clients[client].network = Network::Up;
            if self.house.world.clients[client].asleep {
                self.house.world.wake(client);
            }
        }
    }

    /// Users whose first attempt came to nothing try once more.
    pub(super) fn try_again(&mut self) {
        for page in 0..self.models.len() {
            if self.models[page].given_up {
                self.models[page] = Model::default();
                self.house.try_again(page);
            }
        }
    }
}

/// What a user would have, if there is a call for it.
fn wish(
    model: &Model,
    user: User,
    pick: u64,
    number: String,
    inside: String,
) -> Option<(&'static str, Verb)> {
    let any = || {
        let calls: Vec<u32> = model.calls.keys().copied().collect();
        calls.get(pick as usize % calls.len().max(1)).copied()
    };
    // Now and then of a call that is in no state for it.
    let one = |state| one_of(model, state, pick).or_else(|| any().filter(|_| pick == 3));
    let pair = || one_of(model, Held, pick).zip(one_of(model, Connected, pick));
    Some(match user {
        User::Calls => ("make", Verb::Make { to: number }),
        User::CallsInside => ("make", Verb::Make { to: inside }),
        User::CallsBusy => (
            "make busy",
            Verb::Make {
                to: format!("486{number}"),
            },
        ),
        User::CallsNobody => (
            "make wrong",
            Verb::Make {
                to: format!("404{number}"),
            },
        ),
        User::Answers => ("answer", Verb::Answer(one(Incoming)?)),
        User::Clears => ("clear", Verb::Clear(any()?)),
        User::Holds => ("hold", Verb::Hold(one(Connected)?)),
        User::Retrieves => ("retrieve", Verb::Retrieve(one(Held)?)),
        User::Consults => {
            let call = one(Connected)?;
            ("consult", Verb::Consult { call, to: number })
        }
        User::ConsultsInside => {
            let call = one(Connected)?;
            ("consult", Verb::Consult { call, to: inside })
        }
        User::Alternates => {
            pair().map(|(one, other)| ("alternate", Verb::Alternate(one, other)))?
        }
        User::Reconnects => {
            pair().map(|(one, other)| ("reconnect", Verb::Reconnect(one, other)))?
        }
        User::Transfers => pair().map(|(one, other)| ("transfer", Verb::Transfer(one, other)))?,
        User::Confers => pair().map(|(one, other)| match pick {
            0 | 1 => ("conference", Verb::Conference(one, other)),
            _ => ("conference", Verb::Conference(other, one)),
        })?,
        User::SendsOn => {
            let call = one(Connected)?;
            ("send on", Verb::SingleStepTransfer { call, to: number })
        }
        User::SendsOnInside => {
            let call = one(Connected)?;
            let verb = Verb::SingleStepTransfer { call, to: inside };
            ("send on inside", verb)
        }
        User::Deflects => {
            let call = one(Incoming)?;
            ("deflect", Verb::Deflect { call, to: number })
        }
        User::SendsDigits => {
            let call = one(Connected)?;
            let digits = "12#".to_owned();
            ("digits", Verb::Digits { call, digits })
        }
        User::Forwards => (
            "forward",
            Verb::Forward(Forwarding {
                kind: ForwardingType::Immediate,
                active: pick > 0,
                to: Some(number),
                seconds: None,
            }),
        ),
        User::ToggleDoNotDisturb => {
            let on = model.desk.do_not_disturb != Some(true);
            ("do not disturb", Verb::DoNotDisturb(on))
        }
    })
}
