//! What a phone tells, and to whom.

use super::call::Call;
use super::error::Error;

use super::sentences::tell;
use crate::call::Party;
use crate::phone::{Config, Level, Registered, Status};
use crate::prelude::*;
use crate::registration::{Holder, Profile};
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_core::Stream;

/// A registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// User part of the address-of-record.
    pub user: String,
    /// Host part of it.
    pub domain: String,
    /// Device name.
    pub device: String,
    /// `urn:uuid:…`.
    pub instance_id: String,
    /// URL in use.
    pub connection: String,
    /// Seconds granted.
    pub expires: u32,
    /// Whether the login was forced.
    pub forced: bool,
    /// How conflict and force are spoken to this registrar.
    pub profile: Option<Profile>,
    /// `false`: this registrar shows nobody's binding but our own, and refuses nobody; a
    /// rival cannot be seen.
    pub detects_conflicts: bool,
}

impl Registration {
    pub(super) fn new(registered: Registered, config: &Config) -> Self {
        Self {
            user: config.user.clone(),
            domain: config.domain.clone(),
            device: config.device.clone(),
            instance_id: config.instance_id.clone(),
            connection: registered.connection,
            expires: registered.expires,
            forced: registered.forced,
            profile: registered.profile,
            detects_conflicts: registered.detects_conflicts,
        }
    }
}

/// Something that the app hears of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The status changed.
    Status {
        /// It is this now.
        status: Status,
        /// What is registered, if anything is.
        registration: Option<Registration>,
    },
    /// Another client took the device over: the phone stays out of it until the app
    /// registers again.
    ConnectionTerminated {
        /// How that was seen.
        reason: &'static str,
        /// A sentence for people.
        message: String,
        /// Who did it, as far as the network tells.
        by: Holder,
    },
    /// Somebody calls: it rings here.
    Incoming(Call),
    /// The far end of a call had us call somebody else (RFC 3515).
    Transferred {
        /// Whose far end that was.
        from: Call,
        /// The new one.
        call: Call,
    },
    /// A text came in, outside of calls.
    Message {
        /// Who sent it.
        from: Party,
        /// Content-Type.
        content_type: String,
        /// Text.
        body: String,
    },
    /// Something went wrong that nobody waits for.
    Error(Error),
    /// For the log: one sentence without secrets.
    Log {
        /// Severity.
        level: Level,
        /// What there is to say.
        message: String,
    },
    /// A SIP message, without secrets: where `trace` is set.
    Sip {
        /// `true`: sent.
        sent: bool,
        /// The message.
        message: String,
    },
}

/// Ways of being logged out that have a sentence of their own.
const OUSTED: [&str; 2] = ["sameBrowser", "rivalReturned"];

impl Event {
    pub(super) fn terminated(reason: &'static str, by: Holder) -> Self {
        let own = OUSTED.contains(&reason);
        let name = if own { reason } else { "loggedInElsewhere" };
        let agent = by.user_agent.as_deref().unwrap_or_default();
        Event::ConnectionTerminated {
            reason,
            message: tell(name, &[("agent", agent)]),
            by,
        }
    }
}

/// The events of a phone, or a call, from the moment it was asked for them; it ends with
/// the phone, and the call.
#[derive(Debug)]
pub struct Events<T = Event>(UnboundedReceiver<T>);

impl<T> Events<T> {
    /// The next one; `None`: nothing follows. [`Events`] is a `Stream`, too.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|context| Pin::new(&mut self.0).poll_next(context)).await
    }
}

impl<T> Stream for Events<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// Those who listen.
pub(super) struct Listeners<T = Event>(RefCell<Vec<UnboundedSender<T>>>);

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Listeners<T> {
    pub fn join(&self) -> Events<T> {
        let (listener, events) = unbounded();
        self.0.borrow_mut().push(listener);
        Events(events)
    }

    /// Nobody is called back: each has a queue. Who does not listen any more is forgotten.
    pub fn tell(&self, event: &T) {
        let mut listeners = self.0.borrow_mut();
        listeners.retain(|listener| listener.unbounded_send(event.clone()).is_ok());
    }

    /// Nothing follows.
    pub fn leave(&self) {
        self.0.borrow_mut().clear();
    }
}
