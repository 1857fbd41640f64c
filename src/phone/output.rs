//! What a phone hands out.

use crate::call::Abandoned;
use crate::fault::Fault;
use crate::prelude::*;
use crate::registration::{Holder, Profile};

/// Something for the host to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a WebSocket with subprotocol `sip`.
    Open {
        /// Position in `connections`.
        slot: u32,
        /// Counts the sockets; callbacks of an older one are ignored.
        generation: u32,
        /// Where to.
        url: String,
    },
    /// Send this as one WebSocket message.
    Send {
        /// Socket.
        slot: u32,
        /// Socket.
        generation: u32,
        /// One SIP message, or a keepalive.
        data: Vec<u8>,
    },
    /// Close the socket.
    CloseSocket {
        /// Socket.
        slot: u32,
        /// Socket.
        generation: u32,
    },
    /// Keep this text for the next page load, before any later output is acted
    /// on: a nonce count must be stored before it is used. Holds no password.
    Store(String),
    /// Tell the app.
    Event(Event),
    /// Write to the log.
    Log {
        /// Severity.
        level: Level,
        /// One sentence without secrets.
        message: String,
    },
    /// A SIP message that was sent or received, redacted.
    Trace {
        /// `true`: sent.
        sent: bool,
        /// Socket.
        slot: u32,
        /// Redacted text.
        message: String,
    },
}

/// Severity of a log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Everything else.
    Debug,
    /// Once per change of state.
    Info,
    /// Recovered from.
    Warn,
}

impl Level {
    /// The level's name in the JavaScript API.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
        }
    }
}

/// Status of the phone, in CWIC's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not registered, and nobody asked for it.
    #[default]
    Idle,
    /// A login is going on.
    Registering,
    /// Registered.
    Ready,
    /// The network or the registrar is away; the phone comes back by itself.
    RecoveryPending,
    /// Another client took the device over.
    ConnectionTerminated,
    /// The registrar does not accept the device any more.
    DeviceNotAuthorised,
}

impl Status {
    /// CWIC's name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Idle => "eIdle",
            Status::Registering => "eRegistering",
            Status::Ready => "eReady",
            Status::RecoveryPending => "eRecoveryPending",
            Status::ConnectionTerminated => "eConnectionTerminated",
            Status::DeviceNotAuthorised => "eDeviceNotAuthorised",
        }
    }
}

/// The current registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// URL in use.
    pub connection: String,
    /// Seconds granted.
    pub expires: u32,
    /// Whether the login was forced.
    pub forced: bool,
    /// Profile in use.
    pub profile: Option<Profile>,
    /// `false`: this registrar shows nobody's binding but our own, and refuses
    /// nobody; a rival cannot be seen.
    pub detects_conflicts: bool,
}

/// Something that the app hears of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The status changed.
    Status(Status, Option<Registered>),
    /// The login of this attempt succeeded.
    Registered(u32, Registered),
    /// The login of this attempt failed; the third: another client holds the device.
    Failed(u32, Fault, Option<Holder>),
    /// The phone is connected, as this attempt to control a desk phone asked for.
    Controlled(u32),
    /// Another client took the device over.
    Terminated {
        /// How that was seen.
        reason: &'static str,
        /// Who did it.
        by: Holder,
    },
    /// A call of an earlier page load may be picked up.
    Abandoned(Abandoned),
    /// An `unregister` is done.
    Unregistered,
    /// A `close` is done; nothing follows.
    Closed,
    /// The app's `credentials` callback is to be asked.
    Credentials {
        /// To be given back with the answer.
        id: u32,
        /// `digest` or `bearer`.
        scheme: &'static str,
        /// Realm.
        realm: String,
        /// Authorization server (RFC 8898).
        authz_server: Option<String>,
        /// Scope (RFC 8898).
        scope: Option<String>,
    },
    /// Something went wrong outside a promise.
    Error(Fault),
    /// Something of a call.
    Call(crate::call::Event),
    /// Something of a subscription of the app's, or, of number 0, a NOTIFY that nobody
    /// asked for.
    #[cfg(feature = "events")]
    Subscription(crate::subscription::Event),
    /// Something of a session that somebody else has opened.
    #[cfg(feature = "gateway")]
    Accepted(crate::session::Event),
    /// Something of a publication.
    #[cfg(feature = "publications")]
    Publication(crate::publication::Event),
}
