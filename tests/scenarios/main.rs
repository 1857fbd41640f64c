//! The client machine against the registrar machine, in virtual time.

mod conflict;
mod login;
mod recovery;
mod sessions;
mod world;
