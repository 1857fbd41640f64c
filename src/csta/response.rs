//! Positive answers to requests.

use super::device::{ConnectionId, Party};
use super::document::DocumentError;
use super::event::ConnectionList;
use super::features::Features;
use super::field::{Field, Xml, documents};
use super::forwarding::ForwardListItem;
use super::snapshot::{CallParty, Snapshot, SnapshotCall};
use super::word::SystemStatus;
use crate::prelude::*;
use crate::sip::Element;

documents! {
    /// The answer of a service that was done, or is being done.
    pub enum Response, "Response" {
        /// How the switching function is, and which device of the line it chose.
        RequestSystemStatus {
            status: SystemStatus = "systemStatus",
            device: Option<String> = "extensions/privateData/private/cti:device",
        },
        /// What is on offer.
        GetCSTAFeatures { features: Features = "" },
        /// What the events will carry.
        MonitorStart { cross_ref: String = "monitorCrossRefID|crossRefIdentifier" },
        /// Nothing is told any more.
        MonitorStop {},
        /// The calls at the device.
        SnapshotDevice { calls: Snapshot<SnapshotCall> = "crossRefIDorSnapshotData" },
        /// The devices in the call.
        SnapshotCall {
            parties: Snapshot<CallParty> = "crossRefIDorSnapshotData",
            calling: Option<Party> = "callingDevice",
            called: Option<Party> = "calledDevice",
        },
        /// It is being made: this is the calling device's part.
        MakeCall { call: Option<ConnectionId> = "callingDevice" },
        /// Done.
        AnswerCall {},
        /// Done.
        ClearConnection {},
        /// Done.
        HoldCall {},
        /// Done.
        RetrieveCall {},
        /// The other call is being made.
        ConsultationCall { call: Option<ConnectionId> = "initiatedCall" },
        /// Done.
        AlternateCall {},
        /// Done.
        ReconnectCall {},
        /// What became of the two calls.
        TransferCall {
            call: Option<ConnectionId> = "transferredCall",
            connections: Option<ConnectionList> = "connections",
        },
        /// What became of the call.
        SingleStepTransferCall {
            call: Option<ConnectionId> = "transferredCall",
            connections: Option<ConnectionList> = "connections",
        },
        /// What became of the two calls.
        ConferenceCall {
            call: Option<ConnectionId> = "conferenceCall|conferencedCall",
            connections: Option<ConnectionList> = "connections",
        },
        /// Done.
        DeflectCall {},
        /// Done.
        GenerateDigits {},
        /// Done.
        SetForwarding {},
        /// The rules in force, and those that are not.
        GetForwarding { rules: Vec<ForwardListItem> = "forwardingList/forwardListItem" },
        /// Done.
        SetDoNotDisturb {},
        /// Whether it is on.
        GetDoNotDisturb { on: bool = "doNotDisturbOn" },
        /// Whether messages wait.
        GetMessageWaitingIndicator { on: bool = "messageWaitingOn" },
    }
}
