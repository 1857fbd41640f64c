//! The server's addresses, up to eight: when to try one again, whether its
//! connection is alive, and which one to use. Pure decisions on what the owner
//! of the connections tells; sockets are elsewhere.

mod backoff;
mod choice;
mod heartbeat;

pub use backoff::{Pacer, reconnect_delay};
pub use choice::{Candidate, Distribution, Health, Watch, home, next_session};
pub use heartbeat::{Beat, Habit, Heartbeat, Pace};

/// Names one socket: the position of its address, and how many sockets that
/// address had. Late callbacks of a replaced socket are ignored by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowId {
    /// Position in `connections`.
    pub slot: u32,
    /// Counts the sockets of the slot.
    pub generation: u32,
}
