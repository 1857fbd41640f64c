//! Where a call stands, and what there is of it only there.

use super::Call;
use super::incoming::Incoming;
use super::info::Trickle;
use super::outgoing::Outgoing;
use super::transfer::Transfer;
use crate::prelude::*;
use crate::sip::Message;
use crate::time::Instant;

/// ```text
///  Calling ───────────────────────────────── refused, CANCEL ───┐
///     └──────────────────────────┐ 2xx (ACK)                    │
///                                ▼           BYE, either way    ▼
///                           Established ─────────────────────► Over
///            answer              ▲ 2xx                          ▲
///  Ringing ───────► Answering ───┘                              │
///     └─────────────────┴───────── refused, cancelled, failed ──┘
/// ```
// Boxed: leaving a phase moves a pointer.
#[derive(Default)]
pub(super) enum Phase {
    /// Our INVITE is made, and has no final answer.
    Calling(Box<Outgoing>),
    /// Their INVITE waits for the app.
    Ringing(Box<Incoming>, Box<Message>),
    /// The app answers it, by this operation until it has failed.
    Answering(Box<Incoming>, Option<u32>),
    /// A confirmed dialog (RFC 3261 §12).
    Established(Box<Established>),
    /// Over for the app.
    #[default]
    Over,
}

/// What there is of a call only while two parties talk.
#[derive(Default)]
pub(super) struct Established {
    /// Its flow was lost, and nothing was agreed over another one yet.
    pub lost_until: Option<Instant>,
    pub transfer: Option<Transfer>,
    /// REFERs that came.
    pub refers: u32,
    pub trickle: Trickle,
}

impl Phase {
    pub fn calling(headers: Vec<(String, String)>) -> Self {
        Phase::Calling(Box::new(Outgoing {
            headers,
            ..Outgoing::default()
        }))
    }

    pub fn established() -> Self {
        Phase::Established(Box::default())
    }
}

impl Call {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) fn is_established(&self) -> bool {
        matches!(self.phase, Phase::Established(_))
    }

    /// Their INVITE or UPDATE that we have not answered in the end.
    pub(super) fn asked(&self) -> Option<&Message> {
        match &self.phase {
            Phase::Ringing(_, invite) => Some(invite),
            _ => self.exchange.asked(),
        }
    }

    pub(super) fn established(&mut self) -> Option<&mut Established> {
        match &mut self.phase {
            Phase::Established(established) => Some(established),
            _ => None,
        }
    }
}
