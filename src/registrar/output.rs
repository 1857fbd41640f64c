//! What the registrar hands out.

use super::ConnectionId;
use crate::account::Kind;

/// What the host is to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send one WebSocket message: text, if it is UTF-8.
    Send {
        /// To whom.
        connection: ConnectionId,
        /// The SIP message or keepalive.
        data: Vec<u8>,
    },
    /// Close a connection, after what was sent on it. To the machine it is closed
    /// already; telling it so again does no harm.
    Close {
        /// Which.
        connection: ConnectionId,
        /// WebSocket close code: 4001 for an ousted client, 4003 for a device that is
        /// not authorised any more, 1013 when full.
        code: u16,
        /// WebSocket close reason.
        reason: &'static str,
    },
    /// Something happened that the owner of the registrar may show.
    Event(Event),
    /// A line for the log; holds no secrets.
    Log {
        /// How grave.
        level: Level,
        /// A sentence.
        message: String,
    },
    /// A SIP message passed by; secrets and bodies are left out.
    Trace {
        /// Which way.
        direction: Direction,
        /// From or to whom.
        connection: ConnectionId,
        /// The redacted message.
        message: String,
    },
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bindings of a user came, were refreshed or went.
    BindingsChanged {
        /// User part of the address-of-record.
        user: String,
    },
    /// Facts about a user are other ones now.
    AccountChanged {
        /// User part of the address-of-record.
        user: String,
        /// Which facts.
        kind: Kind,
        /// Of the history: which record is new, or another one now.
        id: Option<String>,
    },
    /// Devices that sleep are to be told something by push.
    Wake(Wake),
}

/// Who is to be told something by push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// User part of the address-of-record.
    pub user: String,
    /// Ids of devices: those of them that still sleep.
    pub devices: Vec<String>,
    /// Those of them that are registered, and have answered nothing.
    pub unheard: Vec<String>,
    /// What.
    pub news: News,
}

/// What a push tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// `call`, `message`, or `withdraw`: the call rings no more.
    pub kind: &'static str,
    /// The same for all pushes about one call.
    pub key: String,
    /// Who calls.
    pub uri: String,
    /// What they are called; empty if they do not say.
    pub display_name: String,
    /// When they called: milliseconds since the epoch.
    pub at: u64,
    /// Of a call that rings no more: whether somebody has it.
    pub answered: Option<bool>,
}

/// Gravity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Of interest when looking for a fault.
    Debug,
    /// The normal course of things.
    Info,
    /// A peer did something wrong.
    Warn,
}

/// Way of a traced message, seen from the registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The registrar sent it.
    Sent,
    /// The registrar received it.
    Received,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// SIP messages received, bad ones included.
    pub received: u64,
    /// Of those, what was no SIP, or too large, or a request or response that
    /// could not be worked with.
    pub malformed: u64,
    /// Responses that answered nothing, messages on connections not open.
    pub strays: u64,
    /// SIP messages sent.
    pub sent: u64,
}
