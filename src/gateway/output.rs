//! What a gateway hands out.

use super::link::LinkRequest;
use super::nodes::NodeId;
use crate::phone::{Fault, Level};
use crate::prelude::*;

/// Something for the host to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a WebSocket with subprotocol `sip`.
    Open {
        /// Position among the server's addresses.
        slot: u32,
        /// Counts the sockets; callbacks of an older one are ignored.
        generation: u32,
        /// Where to.
        url: String,
    },
    /// Send this as one WebSocket message.
    Send {
        /// Socket.
        slot: u32,
        /// Socket.
        generation: u32,
        /// One SIP message, or a keepalive.
        data: Vec<u8>,
    },
    /// Close the socket.
    CloseSocket {
        /// Socket.
        slot: u32,
        /// Socket.
        generation: u32,
    },
    /// Connect to an address of the switch.
    Connect(NodeId),
    /// Drop that connection.
    Disconnect(NodeId),
    /// Ask the switch.
    Link(NodeId, LinkRequest),
    /// Tell whoever runs the gateway.
    Event(Event),
    /// Write to the log.
    Log {
        /// Severity.
        level: Level,
        /// One sentence without secrets.
        message: String,
    },
    /// A SIP message that was sent or received, redacted.
    Trace {
        /// `true`: sent.
        sent: bool,
        /// Socket.
        slot: u32,
        /// Redacted text.
        message: String,
    },
}

/// What whoever runs it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is registered at the SIP server, and takes sessions.
    Registered {
        /// URL in use.
        connection: String,
    },
    /// It is not, for this reason, and tries again.
    NotRegistered(Fault),
    /// A connection to the switch is there, or, with a reason, no longer.
    Node {
        /// Which.
        node: usize,
        /// Why it is down.
        down: Option<String>,
    },
    /// A session is there.
    SessionOpened {
        /// Its number.
        session: u32,
        /// Whose.
        user: String,
        /// Of which line.
        line: String,
        /// Of which device.
        device: String,
        /// On which connection.
        node: usize,
    },
    /// An INVITE was refused.
    SessionRefused {
        /// With this status.
        status: u16,
        /// Whose it was, if that is known.
        user: String,
    },
    /// A session is over.
    SessionClosed {
        /// Its number.
        session: u32,
        /// Why.
        reason: &'static str,
    },
    /// A `stop` is done; nothing follows.
    Stopped,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sessions opened.
    pub opened: u64,
    /// INVITEs refused.
    pub refused: u64,
    /// Services asked for by clients.
    pub requests: u64,
    /// Of those, returned because the connection to the switch was down.
    pub returned: u64,
    /// Of those, answered with an error.
    pub failed: u64,
    /// Events sent to clients.
    pub events: u64,
    /// Messages of the switch that made no sense.
    pub nonsense: u64,
}
