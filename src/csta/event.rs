//! Events of a monitor. Those of calls have one shape, and a table says what
//! its parts are called in each of them.

use super::device::{ConnectionId, Party};
use super::document::DocumentError;
use super::field::{Field, Value, Xml, documents, record};
use super::note::Note;
use super::word::ConnectionState;
use crate::prelude::*;
use crate::sip::Element;

record! {
    /// What became of one connection in a transfer or a conference. All of it may
    /// be missing.
    pub struct ConnectionListItem {
        /// What it is from now on.
        new: Option<ConnectionId> = "newConnection",
        /// What it was.
        old: Option<ConnectionId> = "oldConnection",
        /// Whose it is.
        endpoint: Option<Party> = "endpoint",
    }
}

record! {
    /// What became of all connections.
    pub struct ConnectionList {
        /// One each.
        items: Vec<ConnectionListItem> = "connectionListItem",
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEventKind {
    /// The handset is off, or asked to be.
    ServiceInitiated,
    /// A number was dialled.
    Originated,
    /// It rings.
    Delivered,
    /// Somebody answered.
    Established,
    /// Put on hold.
    Held,
    /// Taken off hold.
    Retrieved,
    /// A device left the call.
    ConnectionCleared,
    /// The call is over.
    CallCleared,
    /// The far ends were joined.
    Transfered,
    /// Two calls are one.
    Conferenced,
    /// The call went elsewhere.
    Diverted,
    /// It could not go on.
    Failed,
    /// It left for a network that may tell no more.
    NetworkReached,
}

/// Names of an event's parts; empty where it has no such part.
struct Layout {
    kind: CallEventKind,
    root: &'static str,
    connection: &'static str,
    by: &'static str,
    to: &'static str,
    connections: &'static str,
}

const fn layout(
    kind: CallEventKind,
    root: &'static str,
    connection: &'static str,
    by: &'static str,
) -> Layout {
    Layout {
        kind,
        root,
        connection,
        by,
        to: "",
        connections: "",
    }
}

const LAYOUTS: [Layout; 13] = {
    use CallEventKind as Kind;
    [
        layout(
            Kind::ServiceInitiated,
            "ServiceInitiatedEvent",
            "initiatedConnection",
            "initiatingDevice",
        ),
        layout(
            Kind::Originated,
            "OriginatedEvent",
            "originatedConnection",
            "",
        ),
        layout(
            Kind::Delivered,
            "DeliveredEvent",
            "connection",
            "alertingDevice",
        ),
        layout(
            Kind::Established,
            "EstablishedEvent",
            "establishedConnection",
            "answeringDevice",
        ),
        layout(Kind::Held, "HeldEvent", "heldConnection", "holdingDevice"),
        layout(
            Kind::Retrieved,
            "RetrievedEvent",
            "retrievedConnection",
            "retrievingDevice",
        ),
        layout(
            Kind::ConnectionCleared,
            "ConnectionClearedEvent",
            "droppedConnection",
            "releasingDevice",
        ),
        layout(Kind::CallCleared, "CallClearedEvent", "clearedCall", ""),
        Layout {
            to: "transferredToDevice",
            connections: "transferredConnections",
            // One r on the wire, though the standard's type has two.
            ..layout(
                Kind::Transfered,
                "TransferedEvent|TransferredEvent",
                "primaryOldCall",
                "transferringDevice",
            )
        },
        Layout {
            to: "addedParty",
            connections: "conferenceConnections",
            ..layout(
                Kind::Conferenced,
                "ConferencedEvent",
                "primaryOldCall",
                "conferencingDevice",
            )
        },
        Layout {
            to: "newDestination",
            ..layout(
                Kind::Diverted,
                "DivertedEvent",
                "connection",
                "divertingDevice",
            )
        },
        layout(
            Kind::Failed,
            "FailedEvent",
            "failedConnection",
            "failingDevice",
        ),
        layout(
            Kind::NetworkReached,
            "NetworkReachedEvent",
            "outboundConnection",
            "networkInterfaceUsed",
        ),
    ]
};

/// An event of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// What happens.
    pub kind: CallEventKind,
    /// The connection that it happens to; of a transfer or conference, the first
    /// of the old calls.
    pub connection: Option<ConnectionId>,
    /// The second of the old calls.
    pub secondary: Option<ConnectionId>,
    /// Whose doing it is, or whom it happens to.
    pub by: Option<Party>,
    /// Where it goes, or who joins.
    pub to: Option<Party>,
    /// Who called.
    pub calling: Option<Party>,
    /// Who was called.
    pub called: Option<Party>,
    /// From whom it was forwarded.
    pub last_redirection: Option<Party>,
    /// What became of all connections.
    pub connections: Option<ConnectionList>,
    /// How the monitored device's connection stands after it.
    pub local: Option<ConnectionState>,
    /// Why; the standard has some seventy words, switches have more.
    pub cause: String,
    /// What else is told of the call.
    pub note: Option<Box<Note>>,
}

/// An event of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Of a call there.
    Call(CallEvent),
    /// Of the device itself.
    Device(DeviceEvent),
}

documents! {
    /// An event of the device itself, or a small one of a call.
    pub enum DeviceEvent, "Event" {
        /// Tones were sent.
        DigitsGenerated {
            connection: Option<ConnectionId> = "connection",
            digits: Option<String> = "digitGeneratedList",
        },
        /// Calls are forwarded, or no longer.
        Forwarding {
            device: Option<Party> = "device",
            kind: Option<String> = "forwardingType",
            active: bool = "forwardStatus",
            to: Option<String> = "forwardTo|forwardDN",
            default: Option<bool> = "forwardDefault",
            rings: Option<u32> = "ringCount",
            seconds: Option<u32> = "ringDuration",
        },
        /// It rings no more, or again.
        DoNotDisturb {
            device: Option<Party> = "device",
            on: bool = "doNotDisturbOn",
        },
        /// Messages wait, or no longer.
        MessageWaiting {
            device: Option<Party> = "targetDevice",
            on: bool = "messageWaitingOn",
        },
        /// It is gone.
        OutOfService {
            device: Option<Party> = "device",
            cause: Option<String> = "cause",
        },
        /// It is back.
        BackInService {
            device: Option<Party> = "device",
            cause: Option<String> = "cause",
        },
    }
}

impl CallEvent {
    /// With nothing told but what happens.
    pub fn new(kind: CallEventKind) -> Self {
        Self {
            kind,
            connection: None,
            secondary: None,
            by: None,
            to: None,
            calling: None,
            called: None,
            last_redirection: None,
            connections: None,
            local: None,
            cause: "normal".to_owned(),
            note: None,
        }
    }

    fn layout(&self) -> &'static Layout {
        let [first, ..] = &LAYOUTS;
        let mut layouts = LAYOUTS.iter();
        layouts
            .find(|layout| layout.kind == self.kind)
            .unwrap_or(first)
    }
}

impl Event {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Event::Call(event) => event.layout().root.split('|').next().unwrap_or_default(),
            Event::Device(event) => event.name(),
        }
    }

    pub(super) fn read(root: &Element) -> Result<Option<Self>, DocumentError> {
        let mut layouts = LAYOUTS.iter();
        let layout = layouts.find(|layout| {
            let mut names = layout.root.split('|');
            names.any(|name| name.eq_ignore_ascii_case(&root.name))
        });
        let Some(layout) = layout else {
            return Ok(DeviceEvent::read(root)?.map(Event::Device));
        };
        fn part<T: Value>(root: &Element, name: &str) -> Option<T> {
            (!name.is_empty()).then(|| Field::read_at(root, name))?
        }
        Ok(Some(Event::Call(CallEvent {
            kind: layout.kind,
            connection: part(root, layout.connection),
            secondary: part(root, "secondaryOldCall"),
            by: part(root, layout.by),
            to: part(root, layout.to),
            calling: part(root, "callingDevice"),
            called: part(root, "calledDevice"),
            last_redirection: part(root, "lastRedirectionDevice"),
            connections: part(root, layout.connections),
            local: part(root, "localConnectionInfo"),
            cause: part(root, "cause").unwrap_or_else(|| "normal".to_owned()),
            note: part(root, Note::PATH),
        })))
    }

    pub(super) fn write(&self, xml: &mut Xml) {
        let event = match self {
            Event::Call(event) => event,
            Event::Device(event) => return event.write(xml),
        };
        let layout = event.layout();
        Field::write_at(&event.connection, xml, layout.connection);
        Field::write_at(&event.secondary, xml, "secondaryOldCall");
        Field::write_at(&event.by, xml, layout.by);
        Field::write_at(&event.to, xml, layout.to);
        Field::write_at(&event.calling, xml, "callingDevice");
        Field::write_at(&event.called, xml, "calledDevice");
        Field::write_at(&event.last_redirection, xml, "lastRedirectionDevice");
        Field::write_at(&event.connections, xml, layout.connections);
        Field::write_at(&event.local, xml, "localConnectionInfo");
        xml.element("cause", |xml| xml.text(&event.cause));
        Field::write_at(&event.note, xml, Note::PATH);
    }
}
