//! What a program that has a phone needs: `use graceline::prelude::*;`

pub use crate::call::{
    Abandoned, Answer, Asked, CallInfo, CallOptions, Calls, Document, Event as CallEvent,
    FollowRedirects, Party, Shown, Want,
};
pub use crate::phone::{
    Code, Config, ConfigError, Event, Fault, Level, Output, Phone, Registered, Situation, Status,
};
pub use crate::pool::{Distribution, Watch};
pub use crate::registration::{ConflictScope, Holder, Profile, RegistrationType};
pub use crate::time::{Duration, Instant};
pub use crate::transaction::Credentials;
pub use crate::usage::Cause;

// What std's prelude has over core's: the crate is built without std. Modules that own
// text or lists take it from here.
pub(crate) use alloc::{
    borrow::ToOwned,
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
