//! What the client hands out.

use super::call::{CallView, EndCause};
use super::desk::Desk;
use crate::csta::{Code, Failure};
use crate::prelude::*;

/// Something for the host to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this inside of the session, and hand in its answer with the number.
    Send {
        /// Rises by one with each.
        number: u32,
        /// The body.
        document: String,
    },
    /// The desk phone is as this says from now on.
    Desk(Desk),
    /// There is a new call, or it has changed.
    Call(CallView),
    /// The call is over. It was told of before.
    Ended {
        /// Which.
        call: u32,
        /// Whose doing it is.
        cause: EndCause,
        /// CSTA's word for it, or a phrase of ours.
        reason: String,
    },
    /// What became of a command. Once for each.
    Settled {
        /// Which.
        op: u32,
        /// Whether it was done.
        result: Result<(), Fault>,
    },
    /// The session is of no use any more: end it and open another, with a pause
    /// that grows. The client takes it for lost from here on.
    Reopen,
    /// The line cannot be controlled. The client takes the session for lost.
    Refused(Fault),
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the app is told.
    pub code: Code,
    /// What the switch said, or what is wrong.
    pub said: String,
    /// The status, where that was all that was said.
    pub status: Option<u16>,
}

impl Fault {
    pub(in crate::csta) fn new(code: Code, said: &str) -> Self {
        Self {
            code,
            said: said.to_owned(),
            status: None,
        }
    }

    pub(super) fn of(failure: &Failure) -> Self {
        Self::new(failure.code(), &failure.value)
    }

    /// Of a status that says nothing of the session.
    pub(super) fn of_status(status: u16) -> Self {
        let code = match status {
            503 => Code::OutOfService,
            405 | 415 | 488 | 501 => Code::NotSupported,
            504 => Code::Timeout,
            _ => Code::ServerRejected,
        };
        Self {
            status: Some(status),
            ..Self::new(code, "")
        }
    }
}
