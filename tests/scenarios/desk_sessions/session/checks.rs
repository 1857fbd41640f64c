//! What must hold, at every moment and once all is quiet.

use super::{Model, Served, Session, appearance};
use graceline::csta::Party;
use graceline::csta::client::{CallState, CallView, DeskState};
use graceline::csta::control::Output;
use graceline::gateway::{self, CallState as At, Event, Remote};
use graceline::phone::Status;
use graceline_kit::house::PageId;
use graceline_kit::sessions::{Holds, violated};
use std::collections::BTreeSet;

/// A command takes two requests at most, of which the first was answered in 10 s by the
/// gateway, and the second times out (RFC 3261, timer F).
const SETTLES_WITHIN: u64 = 60_000;

impl Session<'_> {
    pub(super) fn check(&mut self) -> Holds {
        self.follow_gateways()?;
        for page in 0..self.models.len() {
            let heard = std::mem::take(&mut self.house.pages[page].heard);
            for told in heard {
                self.hear(page, told)?;
            }
            self.check_page(page)?;
        }
        Ok(())
    }

    fn hear(&mut self, page: PageId, told: Output) -> Holds {
        let model = &mut self.models[page];
        match told {
            Output::Open { .. } | Output::Close | Output::Request { .. } => {}
            Output::Desk(desk) => {
                self.tally.count("desk", desk.state.as_str());
                model.desk = desk;
            }
            Output::Call(view) => {
                if model.ended.contains(&view.id) {
                    return violated(4, "a call after its end", format!("page{page} {view:?}"));
                }
                self.tally.count("states", view.state.as_str());
                model.calls.insert(view.id, view);
            }
            Output::Ended {
                call,
                cause,
                reason,
            } => {
                let known = model.calls.remove(&call).is_some();
                if !known || !model.ended.insert(call) {
                    return violated(4, "an end without a call", format!("page{page} {call}"));
                }
                self.tally.count("ends", cause.as_str());
                if reason.starts_with("lost while") {
                    self.tally.count("ends", "lost while away");
                }
            }
            Output::Settled { op, result } => {
                let Some((name, _)) = model.pending.remove(&op) else {
                    return violated(1, "a command settles twice", format!("page{page} {op}"));
                };
                match result {
                    Ok(()) => self.tally.count("commands", name),
                    Err(fault) => self.tally.count("refusals", fault.code.as_str()),
                }
            }
            Output::Controlled => {
                model.controlled = true;
                self.tally.count("pages", "controlled");
            }
            Output::Failed(fault) if !model.controlled => {
                self.tally
                    .count("pages", format!("failed {}", fault.code.as_str()));
                model.given_up = true;
            }
            Output::Ousted { .. } if self.script.plan.exclusive => {
                self.tally.count("pages", "ousted");
                model.controlled = false;
                model.given_up = true;
            }
            told @ (Output::Failed(_) | Output::Ousted { .. }) => {
                return violated(5, "given up", format!("page{page} {told:?}"));
            }
        }
        Ok(())
    }

    fn check_page(&mut self, page: PageId) -> Holds {
        let model = &self.models[page];
        let mut pending = model.pending.values();
        if let Some((name, waited)) = pending.find(|(_, waited)| *waited > SETTLES_WITHIN) {
            let detail = format!("page{page} {name} for {waited} ms");
            return violated(1, "a command that does not settle", detail);
        }
        let mut outside = BTreeSet::new();
        for view in model.calls.values() {
            let far = far_of(view).pop().unwrap_or_default();
            let is_unique = view.parties.is_empty() && far.starts_with(['7', '8']);
            if is_unique && !outside.insert(far.clone()) {
                let detail = format!("page{page} {:?}", model.calls);
                return violated(4, "a call is shown twice", detail);
            }
        }
        if let Some(event) = self.house.pages[page].disturbances.pop() {
            if model.controlled {
                return violated(5, "the user is disturbed", format!("page{page} {event:?}"));
            }
            self.models[page].given_up = true;
        }
        Ok(())
    }

    /// What the gateways told, and what they asked the switch for whom.
    fn follow_gateways(&mut self) -> Holds {
        for (gateway, output) in std::mem::take(&mut self.house.told) {
            let served = self.served.entry(gateway).or_default();
            match output {
                gateway::Output::Connect(id) => {
                    self.epochs.insert((gateway, id.node), id.epoch);
                }
                gateway::Output::Event(Event::SessionOpened {
                    session,
                    line,
                    device,
                    node,
                    ..
                }) => {
                    let epoch = self.epochs.get(&(gateway, node)).copied();
                    let node = gateway::NodeId {
                        node,
                        epoch: epoch.unwrap_or_default(),
                    };
                    let at = gateway::Appearance { line, device };
                    served.insert(session, Served { at, node });
                    self.tally.count("nodes", node.node.to_string());
                }
                gateway::Output::Event(Event::SessionClosed { session, reason }) => {
                    served.remove(&session);
                    self.tally.count("sessions closed", reason);
                }
                gateway::Output::Event(Event::SessionRefused { status, .. }) => {
                    self.tally.count("sessions refused", status.to_string());
                }
                gateway::Output::Link(node, request) => {
                    let is_own = ["heartbeat", "monitor", "unmonitor"].contains(&request.service);
                    let here =
                        |one: &Served| one.node == node && Some(&one.at) == request.at.as_ref();
                    if !is_own && !served.values().any(here) {
                        let detail = format!("{request:?} at {node:?}");
                        return violated(3, "a session moves", detail);
                    }
                    self.tally.count("asked", request.service);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Before a gateway is replaced.
    pub(super) fn follow_gateways_blindly(&mut self) {
        let _ = self.follow_gateways();
    }

    pub(super) fn check_quiet(&mut self) -> Holds {
        for page in 0..self.models.len() {
            if self.is_kept_out(page) {
                self.tally.count("quiet", "kept out");
                continue;
            }
            let at = self.script.pages[page].appearance;
            let phone = &self.house.switch.phones[&appearance(at)];
            let model = &self.models[page];
            let client = self.house.pages[page].client;
            if self.house.world.status(client) != Status::Ready {
                return violated(6, "not registered", format!("page{page}"));
            }
            if !model.pending.is_empty() {
                let detail = format!("page{page} {:?}", model.pending);
                return violated(1, "a command that does not settle", detail);
            }
            let there = phone.device.in_service;
            let usable = model.desk.monitored && model.desk.state == DeskState::InService;
            if usable != there {
                let detail = format!("page{page} there: {there}, {:?}", model.desk);
                return violated(6, "wrong state of the phone", detail);
            }
            if !there {
                self.tally.count("quiet", "out of service");
                continue;
            }
            let known: Vec<_> = sorted(model.calls.values().map(known).collect());
            let real: Vec<_> = sorted(phone.calls.iter().map(real).collect());
            if known != real {
                let detail = format!("page{page} has {known:?}, the phone {real:?}");
                return violated(2, "other calls than the phone's", detail);
            }
            self.tally.count("quiet", "in service");
            self.tally.add("quiet", "calls", known.len() as u64);
            self.check_device(page, model)?;
        }
        Ok(())
    }

    /// Whether another page has its phone, of which there is one at a time.
    fn is_kept_out(&self, page: PageId) -> bool {
        let kind = &self.script.pages[page];
        let has_it = |other: &PageId| {
            let one = &self.script.pages[*other];
            (one.appearance, one.gateway) == (kind.appearance, kind.gateway)
                && self.models[*other].controlled
        };
        let others = (0..self.models.len()).filter(|other| *other != page);
        self.script.plan.exclusive
            && self.models[page].given_up
            && others.filter(has_it).count() == 1
    }

    fn check_device(&self, page: PageId, model: &Model) -> Holds {
        let at = self.script.pages[page].appearance;
        let device = &self.house.switch.phones[&appearance(at)].device;
        let known = (model.desk.do_not_disturb, model.desk.message_waiting);
        let real = (device.do_not_disturb, device.message_waiting);
        let rules = |list: Vec<(&'static str, bool, Option<String>)>| sorted(list);
        let forwards = model.desk.forwarding.iter().flatten();
        let forwards = rules(
            forwards
                .map(|rule| {
                    (
                        rule.kind.as_str(),
                        rule.active,
                        rule.to.as_deref().map(bare),
                    )
                })
                .collect(),
        );
        let set = device.forwarding.iter().flatten();
        let set = rules(
            set.map(|rule| (rule.kind.as_str(), rule.active, rule.to.clone()))
                .collect(),
        );
        if known != real || forwards != set {
            let detail = format!("page{page} {known:?} {forwards:?}, the phone {real:?} {set:?}");
            return violated(2, "other settings than the phone's", detail);
        }
        Ok(())
    }

    pub(super) fn check_nothing_is_left(&mut self) -> Holds {
        for gateway in self.house.gateways.clone() {
            let connections = self.house.world.gateway_of(gateway).connections();
            let left: usize = connections.iter().map(|one| one.sessions).sum();
            if left > 0 {
                return violated(7, "a session is left", format!("{left}"));
            }
        }
        let monitored = self.house.switch.monitored();
        if !monitored.is_empty() {
            return violated(7, "a monitor is left", format!("{monitored:?}"));
        }
        Ok(())
    }
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

fn bare(device: &str) -> String {
    let number = device.strip_prefix("tel:").unwrap_or(device);
    number.split(';').next().unwrap_or_default().to_owned()
}

fn far_of(view: &CallView) -> Vec<String> {
    let all = match view.parties.as_slice() {
        [] => std::slice::from_ref(&view.remote),
        parties => parties,
    };
    let name = |party: &Party| party.device().map_or_else(|| "?".to_owned(), bare);
    sorted(all.iter().map(name).collect())
}

/// A call as the page knows it: far ends, state, whether it came in.
fn known(view: &CallView) -> (Vec<String>, &'static str) {
    (far_of(view), view.state.as_str())
}

/// The same as the phone has it.
fn real(view: &gateway::CallView) -> (Vec<String>, &'static str) {
    let far = match &view.remote {
        _ if view.parties.len() > 1 => view.parties.clone(),
        Remote::Number(number) => vec![number.clone()],
        _ => vec!["?".to_owned()],
    };
    let state = match view.state {
        At::Ringing => CallState::Incoming,
        At::Initiated | At::Dialling | At::Failed | At::Ended => CallState::Calling,
        At::Alerting => CallState::Ringing,
        At::Connected => CallState::Connected,
        At::Held => CallState::Held,
    };
    (sorted(far), state.as_str())
}
