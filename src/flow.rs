//! What every usage has to know of the flows to the server (RFC 5626) and of what the
//! phone takes by them.

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
