//! What the Rust tests and the fuzzer share. All of it is in virtual time: the test
//! owns the clock, and a run is decided by its seed and by what is done to it.
//!
//! | harness | who plays what |
//! |---|---|
//! | [`rig`] | one phone; its server is a function of the test |
//! | [`calls`] | one registered phone; the test plays the far end, message by message |
//! | [`registrar`] | the test registrar; the test plays its clients in raw SIP |
//! | [`world`] | the test registrar, any number of phones, and a network between them |
//! | [`house`] | the same world with CTI gateways, a switch, and pages that control desk phones |
//! | [`sessions`] | nobody: it plays many sessions that seeds decide |
//! | [`targets`] | the functions of the fuzzer: bytes in, no panic |

pub mod calls;
pub mod handler;
pub mod heard;
pub mod house;
pub mod message;
mod queue;
pub mod registrar;
pub mod rig;
pub mod sessions;
pub mod switch;
pub mod tally;
pub mod targets;
pub mod torture;
pub mod world;

use graceline::phone::Config;
use graceline::time::Instant;

/// 2026-01-01, so that claims look like real ones.
pub const START: Instant = Instant::from_millis(1_767_225_600_000);

/// An instance that a phone may have.
pub const UUID: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";

/// User 2001 as the tests know it.
pub fn account(instance_id: &str) -> Config {
    let mut config = Config::new("ws://127.0.0.1/", "2001", "example.com", instance_id);
    config.password = Some("secret".into());
    config
}
