//! What std's prelude has over core's. The shipped client is built without std
//! (see `bridge/bare.rs`); modules that own text or lists take it from here.

pub(crate) use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
