//! A phone for front ends in Rust (Leptos, Yew, Dioxus, or none): the machine of
//! [`crate::phone`], hosted by the page. For wasm alone.
#![doc = include_str!("../../docs/rust.md")]

mod call;
mod calls;
mod clock;
mod devices;
mod error;
mod event;
mod host;
mod lifecycle;
mod login;
mod media;
mod options;
mod peer;
mod phone;
mod platform;
mod sdp;
mod sentences;
mod socket;
mod stats;
mod store;
mod tab;
mod terms;
mod turn;

pub use crate::call::{FollowRedirects, Party};
pub use crate::fault::{Code, Fault, Situation};
pub use crate::phone::{ConfigError, Level, Status};
pub use crate::pool::{Distribution, Watch};
pub use crate::registration::{ConflictScope, Holder, Profile, RegistrationType};
pub use crate::usage::Cause;
pub use call::Call;
pub use error::Error;
pub use event::{Event, Events, Registration};
pub use media::{
    DescriptionWanted, IceServer, Media, MediaContext, MediaError, MediaFactory, MediaTask,
    MediaTeller, Muted,
};
pub use options::Options;
pub use phone::Phone;
pub use stats::Stat;
pub use terms::{CallEvent, CallOptions, CallState};
