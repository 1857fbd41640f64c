//! Which address to use.

use crate::flow::FlowId;

/// How an address does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Failed, and rests before it is tried again.
    #[default]
    Resting,
    /// Not connected, but may be tried.
    Idle,
    /// Being connected.
    Opening,
    /// Connected.
    Open,
}

/// One address as its owner sees it. The order of a list of candidates is the
/// order of priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// How it does.
    pub health: Health,
    /// Has been open, and answered, for long enough to be trusted.
    pub steady: bool,
}

/// Which addresses are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "browser",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum Watch {
    /// All of them, so that the next one is at hand when one fails.
    #[default]
    All,
    /// The one in use; those of higher priority are tried now and then.
    InUse,
}

/// How new sessions are spread over the open connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "browser",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum Distribution {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The first that is open.
    Priority,
}

/// Where the registration belongs. `current`: where it is. It stays there as long
/// as that connection is open, unless it may `move_back` and a steady one of
/// higher priority exists. Without an open one it is the first that can be hoped
/// for; `None`: all of them rest.
pub fn home(candidates: &[Candidate], current: Option<usize>, move_back: bool) -> Option<usize> {
    let is = |slot: usize, health| candidates.get(slot).is_some_and(|it| it.health == health);
    if let Some(current) = current.filter(|slot| is(*slot, Health::Open)) {
        let mut higher = candidates.iter().take(current);
        let steady = higher.position(|it| it.health == Health::Open && it.steady);
        return steady.filter(|_| move_back).or(Some(current));
    }
    let first = |health| candidates.iter().position(|it| it.health == health);
    first(Health::Open)
        .or_else(|| first(Health::Opening))
        .or_else(|| first(Health::Idle))
}

/// Whose turn it is to carry a new session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    distribution: Distribution,
    /// The first slot that may be next.
    slot: u32,
}

impl Turn {
    /// The first connection begins.
    pub fn new(distribution: Distribution) -> Self {
        Self {
            distribution,
            slot: 0,
        }
    }

    /// The connection for a new session, of those that are `open`, in order of
    /// priority; whatever belongs to the session stays on it. `None`: nothing is
    /// connected.
    pub fn next(&mut self, open: &[FlowId]) -> Option<FlowId> {
        let turn = match self.distribution {
            Distribution::RoundRobin => self.slot,
            Distribution::Priority => 0,
        };
        let next = open.iter().find(|flow| flow.slot >= turn);
        let next = next.or_else(|| open.first())?;
        self.slot = next.slot + 1;
        Some(*next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Health::{Idle, Open, Opening, Resting};

    fn all(health: &[Health]) -> Vec<Candidate> {
        let candidate = |health: &Health| Candidate {
            health: *health,
            steady: false,
        };
        health.iter().map(candidate).collect()
    }

    #[test]
    fn the_registration_stays_where_it_is_and_falls_over_by_priority() {
        assert_eq!(home(&all(&[Open, Open]), Some(1), false), Some(1));
        assert_eq!(home(&all(&[Open, Resting, Open]), Some(1), false), Some(0));
        assert_eq!(home(&all(&[Resting, Opening, Open]), None, false), Some(2));
        assert_eq!(home(&all(&[Resting, Idle, Opening]), None, false), Some(2));
        assert_eq!(home(&all(&[Resting, Idle, Idle]), Some(0), false), Some(1));
        assert_eq!(home(&all(&[Resting, Resting]), Some(0), false), None);
        assert_eq!(home(&[], None, false), None);
    }

    #[test]
    fn it_goes_back_gently_to_a_steady_one_alone() {
        let mut candidates = all(&[Open, Open, Open]);
        assert_eq!(home(&candidates, Some(2), true), Some(2));
        if let Some(second) = candidates.get_mut(1) {
            second.steady = true;
        }
        assert_eq!(home(&candidates, Some(2), true), Some(1));
        assert_eq!(home(&candidates, Some(2), false), Some(2));
        assert_eq!(home(&candidates, Some(0), true), Some(0));
    }

    #[test]
    fn sessions_go_round_or_by_priority_over_what_is_open() {
        let open = [0, 2, 4].map(|slot| FlowId {
            slot,
            generation: 1,
        });
        let turns = |distribution| {
            let mut turn = Turn::new(distribution);
            let next = |_| turn.next(&open);
            (0..4)
                .filter_map(next)
                .map(|flow| flow.slot)
                .collect::<Vec<_>>()
        };
        assert_eq!(turns(Distribution::RoundRobin), [0, 2, 4, 0]);
        assert_eq!(turns(Distribution::Priority), [0, 0, 0, 0]);
        assert_eq!(Turn::new(Distribution::RoundRobin).next(&[]), None);
    }
}
