//! Where offer and answer stand (RFC 3264, RFC 6337), and what the app wants of them.

use super::hold::is_hold;
use crate::prelude::*;
use crate::sip::Message;
use crate::text::mentions;
use crate::time::Instant;

/// W3C's RTCSignalingState, and who is waited for.
///
/// ```text
///        hold, resume, …       offer made        their answer
///  Stable ────────────► Offering ───────► Offered ──────────► Applying
///  ▲ ▲ │ their offer       │ failed          │ refused   failed │  │ taken
///  │ │ └───────► Answering │                 │                  │  │
///  │ │    2xx sent │   │ failed              │                  │  │
///  │ └─────────────┘   └───┴──► RollingBack ◄┴──────────────────┘  │
///  │                                │ done                         │
///  └────────────────────────────────┴──────────────────────────────┘
/// ```
#[derive(Default)]
pub(super) enum Signalling {
    /// Nothing is under way.
    #[default]
    Stable,
    /// The handler makes our offer, for the 2xx to this request of theirs if there is
    /// one.
    Offering(Option<Box<Message>>),
    /// It is with the far end.
    Offered(Offered),
    /// The handler takes the far end's answer.
    Applying {
        /// It holds.
        holds: bool,
        /// Their next offer.
        queued: Option<Box<Message>>,
    },
    /// The handler makes the answer to the offer in this INVITE or UPDATE.
    Answering(Box<Message>),
    /// The far end is asked for its offer, by the INVITE of this number.
    #[cfg(feature = "third-party")]
    Asked(u32),
    /// The handler makes the answer to the offer in their 2xx, for its ACK; whether they
    /// hold.
    #[cfg(feature = "third-party")]
    Delayed(bool),
    /// The handler goes back to what was agreed; their next offer.
    RollingBack(Option<Box<Message>>),
}

/// Our offer, at the far end.
pub(super) struct Offered {
    /// Number of the re-INVITE that bears it, or 0.
    pub reinvite: u32,
    pub since: Instant,
    /// It lets nothing through.
    inactive: bool,
}

impl Offered {
    pub fn new(reinvite: u32, since: Instant, offer: &str) -> Self {
        Self {
            reinvite,
            since,
            inactive: mentions(offer, "a=inactive"),
        }
    }
}

/// What both sides agreed on last.
#[derive(Clone, Copy)]
pub(super) struct Agreed {
    /// We hold.
    pub here: bool,
    /// They do.
    pub there: bool,
    /// Their answer to a later offer could not be taken, so that they believe
    /// otherwise: this is offered again, once.
    pub disputed: bool,
}

/// A further offer.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Renewal {
    #[default]
    None,
    Offer,
    /// With new ICE credentials (RFC 8445 §2.4).
    Restart,
}

/// Offer and answer of one call.
#[derive(Default)]
pub(super) struct Exchange {
    pub state: Signalling,
    /// The media event that the handler works on, or did last.
    pub request: u32,
    /// What our description says that was made last: whether we hold,
    pub holding: bool,
    /// and the restart in it that the app wished for.
    pub restarting: bool,
    pub agreed: Option<Agreed>,
    /// Their last 2xx with an offer.
    #[cfg(feature = "third-party")]
    pub delayed: Option<super::delayed::Delayed>,
    /// What the app wants,
    pub want_hold: bool,
    pub wanted: Renewal,
    /// and by which operations.
    pub operations: Vec<u32>,
    /// No offer before.
    pub retry_at: Option<Instant>,
    /// Until when a way that failed is tried again.
    pub reachable_by: Option<Instant>,
}

impl Exchange {
    /// Whether the far end has our offer, or is asked for its own.
    pub fn is_offered(&self) -> bool {
        #[cfg(feature = "third-party")]
        if matches!(self.state, Signalling::Asked(_)) {
            return true;
        }
        matches!(self.state, Signalling::Offered(_))
    }

    /// Whether we hold, as agreed.
    pub fn held(&self) -> bool {
        self.agreed.is_some_and(|agreed| agreed.here)
    }

    /// The INVITE or UPDATE of theirs that the handler works for.
    pub fn asked(&self) -> Option<&Message> {
        match &self.state {
            Signalling::Offering(asked) => asked.as_deref(),
            Signalling::Answering(asked) => Some(asked),
            _ => None,
        }
    }

    /// Where their next offer waits, if one may.
    pub fn queued(&mut self) -> Option<&mut Option<Box<Message>>> {
        match &mut self.state {
            Signalling::Applying { queued, .. } | Signalling::RollingBack(queued) => Some(queued),
            _ => None,
        }
    }

    /// Asks for a further offer.
    pub fn want(&mut self, wanted: Renewal) {
        self.wanted = self.wanted.max(wanted);
    }

    /// Asks for the offer that was made last once more.
    pub fn again(&mut self) {
        self.want(match self.restarting {
            true => Renewal::Restart,
            false => Renewal::Offer,
        });
    }

    /// Whether the answer to our offer says that they hold. To one that lets no media
    /// through it says nothing: it can but give way.
    pub fn holds(&self, answer: &str) -> bool {
        match &self.state {
            Signalling::Offered(offered) if offered.inactive => {
                self.agreed.is_some_and(|agreed| agreed.there)
            }
            _ => is_hold(answer),
        }
    }
}
