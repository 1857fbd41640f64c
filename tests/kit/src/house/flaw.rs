//! Pages and gateways with a flaw, to see whether the checker of the sessions bites.

use super::House;
use super::link::Line;
use graceline::csta::control::Output;
use graceline::gateway;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Commands do not settle.
    NeverSettles,
    /// Commands settle twice.
    SettlesTwice,
    /// Misses one document in three.
    MissesEvents,
    /// Shows what it finds again as a new call.
    ShowsTwice,
    /// Goes on with calls that have ended.
    ShowsTheDead,
    /// A lost session is the end of it.
    GivesUp,
    /// Opens no second session.
    StaysAway,
    /// The gateway asks another node than the session's.
    MovesSessions,
    /// The gateway does not end monitors.
    KeepsMonitors,
}

/// A call that no machine has told of.
const DOUBLE: u32 = 1_000;

impl House {
    /// What the flaw makes of what a page hears.
    pub(super) fn distort(&self, told: Output) -> Vec<Output> {
        match (&self.flaw, told) {
            (Some(Flaw::NeverSettles), Output::Settled { .. }) => Vec::new(),
            (Some(Flaw::SettlesTwice), told @ Output::Settled { .. }) => vec![told.clone(), told],
            (Some(Flaw::ShowsTwice), Output::Call(view)) => {
                let mut double = view.clone();
                double.id += DOUBLE;
                vec![Output::Call(view), Output::Call(double)]
            }
            (Some(Flaw::ShowsTheDead), told @ Output::Ended { call, .. }) => {
                let page = self.pages.iter().find_map(|page| page.shown.get(&call));
                let again = page.cloned().map(Output::Call);
                [Some(told), again].into_iter().flatten().collect()
            }
            (_, told) => vec![told],
        }
    }

    /// What it makes of what a gateway asks the switch.
    pub(super) fn misdirect(&self, (id, node): Line, output: gateway::Output) -> gateway::Output {
        let gateway::Output::Link(_, request) = &output else {
            return output;
        };
        let is_service = !["heartbeat", "monitor", "unmonitor"].contains(&request.service);
        let mut others = self.links.keys();
        let other = others.find(|line| line.0 == id && line.1 != node);
        match (self.flaw, other) {
            (Some(Flaw::MovesSessions), Some(other)) if is_service => {
                gateway::Output::Link(other.1, request.clone())
            }
            _ => output,
        }
    }
}
