//! A phone for front ends in Rust (Leptos, Yew, Dioxus, or none): the machine of
//! [`crate::phone`], hosted by the page. For wasm alone.
#![doc = include_str!("../../docs/rust.md")]

mod clock;
mod error;
mod event;
mod host;
mod lifecycle;
mod login;
mod options;
mod phone;
mod platform;
mod sentences;
mod socket;
mod store;
mod tab;

pub use crate::fault::{Code, Fault, Situation};
pub use crate::phone::{ConfigError, Level, Status};
pub use crate::pool::{Distribution, Watch};
pub use crate::registration::{ConflictScope, Holder, Profile, RegistrationType};
pub use error::Error;
pub use event::{Event, Events, Registration};
pub use options::Options;
pub use phone::Phone;
