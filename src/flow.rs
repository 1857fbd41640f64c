//! What every usage has to know of the flows to the server (RFC 5626) and of what the
//! phone takes by them.

use crate::pool::Turn;
use crate::prelude::*;
use crate::time::Duration;

/// How long a usage outlives its flow: the window that Cisco's servers give, too.
pub const FLOW_GRACE: Duration = Duration::from_secs(12);

/// Flow Failed (RFC 5626 §11.5): a node on the way has lost the connection that a
/// request was to take. Proxies should keep it to themselves; the phone can tell
/// neither whose connection it was nor whether there is another way, and tries.
pub const FLOW_FAILED: u16 = 430;

/// Methods that a phone takes.
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, INFO, UPDATE, PRACK, REFER, MESSAGE";
/// Option tags that it understands.
pub const SUPPORTED: &str = "path, gruu, replaces, 100rel, timer, norefersub, trickle-ice";

/// Names one socket: the position of its address, and how many sockets that
/// address had. Late callbacks of a replaced socket are ignored by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowId {
    /// Position in `connections`.
    pub slot: u32,
    /// Counts the sockets of the slot.
    pub generation: u32,
}

/// What a usage knows of the flows: the phone tells it.
#[derive(Default)]
pub struct Flows {
    /// Those that are open, in order of priority.
    pub open: Vec<FlowId>,
    /// The one that the phone is registered on.
    pub home: Option<FlowId>,
    /// The one that the request at hand came by.
    pub arrival: FlowId,
    /// Whose turn it is to carry a new session.
    pub turn: Turn,
}

impl Flows {
    /// They have changed, perhaps.
    pub fn set(&mut self, open: &[FlowId], home: Option<FlowId>) {
        if self.open != open {
            self.open = open.to_vec();
        }
        self.home = home;
    }

    /// The flow for a new session; `None`: the phone is not registered.
    pub fn for_session(&mut self) -> Option<FlowId> {
        self.home?;
        self.turn.next(&self.open)
    }
}
