//! The server's addresses, up to eight: when to try one again, whether its
//! connection is alive, and which one to use. Pure decisions on what the owner
//! of the connections tells; sockets are elsewhere.

mod backoff;
mod choice;
mod heartbeat;

pub use backoff::{Pacer, reconnect_delay};
pub use choice::{Candidate, Distribution, Health, Turn, Watch, home};
pub use heartbeat::{Beat, Habit, Heartbeat, Pace};
