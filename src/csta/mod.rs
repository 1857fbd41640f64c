//! Remote control of a desk phone: CSTA phase III in XML (ECMA-323) as uaCSTA
//! (ECMA TR/87) has it. There is no SIP in here: documents come in and go out,
//! and whoever holds the session carries them.
//!
//! [`Document`] is what is read and written, by the client and by a gateway
//! alike. What is read is taken tolerantly: names without regard to case or
//! namespace, unknown elements ignored, and nothing missed that need not be
//! there. What is written is what the standard says. [`client`] is the machine
//! of a phone that controls a desk phone, and [`control`] what keeps its session up.

pub mod client;
pub mod control;
mod device;
mod document;
mod event;
mod failure;
mod features;
mod field;
mod forwarding;
mod note;
mod request;
mod response;
mod snapshot;
mod word;

pub use crate::fault::Code;
pub use device::{ConnectionId, Party, other_appearance, same_number};
#[cfg(feature = "gateway")]
pub(crate) use device::{number_of, parameter_of};
pub use document::{Content, Document, DocumentError, ED3};
pub use event::{CallEvent, CallEventKind, ConnectionList, ConnectionListItem, DeviceEvent, Event};
pub use failure::Failure;
pub use features::Features;
pub use forwarding::{ForwardListItem, ForwardingType};
pub use note::Note;
pub use request::{Notice, Request};
pub use response::Response;
pub use snapshot::{CallParty, CallStates, Snapshot, SnapshotCall};
pub use word::{ConnectionState, SystemStatus};
