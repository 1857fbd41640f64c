//! One client's session, from its INVITE on.

use super::asker::Asker;
use super::link::Appearance;
use super::nodes::NodeId;
use crate::prelude::*;
use alloc::collections::VecDeque;

/// Events that wait for their turn; a client that is so far behind starts anew.
const MOST_EVENTS: usize = 256;

/// One session.
pub struct Session {
    /// What it was asked for with.
    pub asker: Asker,
    /// The connection that serves it, as long as it lives.
    pub node: NodeId,
    /// How far it is.
    pub stage: Stage,
    /// Names the monitor in its events, once there is one.
    pub cross_ref: Option<String>,
    /// Services asked of the switch that are not answered yet.
    pub asked: usize,
    events: VecDeque<String>,
    /// One is on its way. The next waits for its answer: what is overtaken on the way is
    /// refused (RFC 3261 §12.2.2), and an event that is lost would be missed for good.
    under_way: bool,
}

/// ```text
///  Looking ──devices known──► Open
///     └──► refused, 300
/// ```
pub enum Stage {
    /// Until the switch has told how these devices are; `true`: they are to be listed.
    Looking(Vec<Appearance>, bool),
    /// Of this appearance.
    Open(Appearance),
}

impl Session {
    /// One that looks.
    pub fn new(asker: Asker, node: NodeId, devices: Vec<Appearance>, lists: bool) -> Self {
        Self {
            asker,
            node,
            stage: Stage::Looking(devices, lists),
            cross_ref: None,
            asked: 0,
            events: VecDeque::new(),
            under_way: false,
        }
    }

    /// The appearance that it controls.
    pub fn at(&self) -> Option<&Appearance> {
        match &self.stage {
            Stage::Open(at) => Some(at),
            Stage::Looking(..) => None,
        }
    }

    /// Appearances that it wants to know of.
    pub fn wants(&self) -> &[Appearance] {
        match &self.stage {
            Stage::Open(at) => core::slice::from_ref(at),
            Stage::Looking(devices, _) => devices,
        }
    }

    /// The own device as documents name it: as the client did, with what was chosen.
    pub fn own(&self) -> String {
        self.asker.text.clone()
    }

    /// A document for the client. `false`: there are too many.
    pub fn queue(&mut self, document: String) -> bool {
        self.events.push_back(document);
        self.events.len() <= MOST_EVENTS
    }

    /// The next that may be sent now.
    pub fn next_event(&mut self) -> Option<String> {
        if self.under_way {
            return None;
        }
        let event = self.events.pop_front()?;
        self.under_way = true;
        Some(event)
    }

    /// The client has taken it.
    pub fn event_done(&mut self) {
        self.under_way = false;
    }
}
