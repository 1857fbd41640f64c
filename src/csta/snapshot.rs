//! What calls there are at a device, and who is in a call.

use super::device::{ConnectionId, Party};
use super::field::{Field, Value, Xml, child, record, word_of};
use super::note::Note;
use super::word::ConnectionState;
use crate::prelude::*;
use crate::sip::Element;

record! {
    /// One call at the device.
    pub struct SnapshotCall {
        /// The device's part in it.
        connection: ConnectionId = "connectionIdentifier",
        /// The far end; few switches tell it.
        endpoint: Option<Party> = "endpointDevice",
        /// How its connections stand.
        states: CallStates = "localCallState",
        /// What else is told of it.
        note: Option<Box<Note>> = "extensions/privateData/private",
    }
}

record! {
    /// One device in a call.
    pub struct CallParty {
        /// Which.
        device: Party = "deviceOnCall",
        /// Its part in it.
        connection: Option<ConnectionId> = "callIdentifier|connectionIdentifier",
        /// How that stands.
        state: Option<ConnectionState> = "localConnectionState",
    }
}

/// States of a call's connections, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStates {
    /// Of the device that the snapshot is of.
    pub own: Option<ConnectionState>,
    /// Of the other one.
    pub other: Option<ConnectionState>,
}

/// States that stand for a pair (ECMA-285, SimpleCallState): word, own, other.
const SIMPLE: [(&str, ConnectionState, ConnectionState); 15] = {
    use ConnectionState::{Alerting, Connected, Fail, Hold, Initiated, Null, Queued};
    [
        ("callNull", Null, Null),
        ("callPending", Initiated, Null),
        ("callOriginated", Connected, Null),
        ("callDelivered", Connected, Alerting),
        ("callDeliveredHeld", Hold, Alerting),
        ("callReceived", Alerting, Connected),
        ("callEstablished", Connected, Connected),
        ("callEstablishedHeld", Hold, Connected),
        ("callReceivedOnHold", Alerting, Hold),
        ("callEstablishedOnHold", Connected, Hold),
        ("callQueued", Connected, Queued),
        ("callQueuedHeld", Hold, Queued),
        ("callFailed", Connected, Fail),
        ("callFailedHeld", Hold, Fail),
        ("callBlocked", Null, Fail),
    ]
};

impl Value for CallStates {
    fn read(element: &Element) -> Option<Self> {
        if let Some(compound) = child(element, "compoundCallState") {
            let state = |at| compound.children.get(at).and_then(ConnectionState::read);
            return Some(CallStates {
                own: state(0),
                other: state(1),
            });
        }
        let word = child(element, "simpleCallState").map_or("", word_of);
        let mut known = SIMPLE.iter();
        let known = known.find(|(known, ..)| word.eq_ignore_ascii_case(known));
        Some(
            known.map_or_else(CallStates::default, |(_, own, other)| CallStates {
                own: Some(*own),
                other: Some(*other),
            }),
        )
    }

    fn write(&self, xml: &mut Xml) {
        let Some(own) = self.own else {
            return xml.element("unknown", |_| {});
        };
        xml.element("compoundCallState", |xml| {
            for state in [Some(own), self.other].into_iter().flatten() {
                xml.element("localConnectionState", |xml| state.write(xml));
            }
        });
    }
}

/// What a snapshot is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snapshot<T> {
    /// At once.
    Here(Vec<T>),
    /// In messages of its own, which carry this reference.
    Later(String),
}

/// The name of an item in a snapshot of these.
trait Item: Value {
    const PATH: &str;
}

impl Item for SnapshotCall {
    const PATH: &str = "snapshotData/snapshotDeviceResponseInfo";
}

impl Item for CallParty {
    const PATH: &str = "snapshotData/snapshotCallResponseInfo";
}

impl<T: Item> Value for Snapshot<T> {
    fn read(element: &Element) -> Option<Self> {
        let reference = child(element, "serviceCrossRefID").map(word_of);
        match reference.filter(|reference| !reference.is_empty()) {
            Some(reference) => Some(Snapshot::Later(reference.to_owned())),
            None => Field::read_at(element, T::PATH).map(Snapshot::Here),
        }
    }

    fn write(&self, xml: &mut Xml) {
        match self {
            Snapshot::Here(items) => Field::write_at(items, xml, T::PATH),
            Snapshot::Later(reference) => xml.element("serviceCrossRefID", |xml| {
                xml.text(reference);
            }),
        }
    }
}
