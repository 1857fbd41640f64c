//! The test registrar, spoken to in raw SIP, in virtual time.

#[path = "support.rs"]
mod support;

mod auth;
mod dialects;
mod events;
mod faults;
mod policies;
mod proxy;
mod register;
