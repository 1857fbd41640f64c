//! Requests: what is asked of the switching function, and what it says unasked.

use super::device::ConnectionId;
use super::document::DocumentError;
use super::field::{Field, Xml, documents};
use super::snapshot::SnapshotCall;
use super::word::SystemStatus;
use crate::prelude::*;
use crate::sip::Element;

documents! {
    /// A service of the switching function. Each is answered by a
    /// [`Response`](super::Response) of the same name, or by a
    /// [`Failure`](super::Failure).
    pub enum Request, "" {
        /// How are you? Opens a session, and names the line that it is for.
        RequestSystemStatus { line: Option<String> = "extensions/privateData/private/lcs:line" },
        /// What do you offer?
        GetCSTAFeatures { line: Option<String> = "extensions/privateData/private/lcs:line" },
        /// Tell what happens at this device.
        MonitorStart { device: String = "monitorObject/deviceObject" },
        /// Tell no more.
        MonitorStop { cross_ref: String = "monitorCrossRefID" },
        /// Which calls are there at this device?
        SnapshotDevice { device: String = "snapshotObject" },
        /// Who is in this call?
        SnapshotCall { call: ConnectionId = "snapshotObject" },
        /// Call from a device.
        MakeCall {
            from: String = "callingDevice",
            to: String = "calledDirectoryNumber",
            originate: Option<String> = "autoOriginate",
        },
        /// Take a call that rings.
        AnswerCall { call: ConnectionId = "callToBeAnswered" },
        /// Take a device out of a call.
        ClearConnection { call: ConnectionId = "connectionToBeCleared" },
        /// Put a call on hold.
        HoldCall { call: ConnectionId = "callToBeHeld" },
        /// Go on with a call on hold.
        RetrieveCall { call: ConnectionId = "callToBeRetrieved" },
        /// Put a call on hold and call somebody else.
        ConsultationCall {
            call: ConnectionId = "existingCall",
            to: String = "consultedDevice",
        },
        /// Put the active call on hold and go on with the other.
        AlternateCall {
            held: ConnectionId = "heldCall",
            active: ConnectionId = "activeCall",
        },
        /// End the active call and go on with the other.
        ReconnectCall {
            active: ConnectionId = "activeCall",
            held: ConnectionId = "heldCall",
        },
        /// Join the far ends of two calls and leave.
        TransferCall {
            held: ConnectionId = "heldCall",
            active: ConnectionId = "activeCall",
        },
        /// Send the far end of a call elsewhere.
        SingleStepTransferCall {
            active: ConnectionId = "activeCall",
            to: String = "transferredTo",
        },
        /// Make one call of two.
        ConferenceCall {
            held: ConnectionId = "heldCall",
            active: ConnectionId = "activeCall",
        },
        /// Send a call that rings elsewhere.
        DeflectCall {
            call: ConnectionId = "callToBeDiverted",
            to: String = "newDestination",
        },
        /// Send tones.
        GenerateDigits {
            call: ConnectionId = "connectionToSendDigits",
            mode: Option<String> = "digitMode",
            digits: String = "charactersToSend",
        },
        /// Forward calls, or no longer.
        SetForwarding {
            device: String = "device",
            kind: Option<String> = "forwardingType",
            active: bool = "activateForward",
            to: Option<String> = "forwardDN",
            rings: Option<u32> = "ringCount",
            seconds: Option<u32> = "ringDuration",
        },
        /// How are calls forwarded?
        GetForwarding { device: String = "device" },
        /// Ring no more, or again.
        SetDoNotDisturb {
            device: String = "device",
            on: bool = "doNotDisturbOn",
        },
        /// Does the device ring?
        GetDoNotDisturb { device: String = "device" },
        /// Do messages wait?
        GetMessageWaitingIndicator { device: String = "device" },
    }
}

documents! {
    /// What the switching function says outside of any monitor. Nothing answers
    /// it.
    pub enum Notice, "" {
        /// How it is from now on.
        SystemStatus {
            register: Option<String> = "sysStatRegisterID",
            status: SystemStatus = "systemStatus",
        },
        /// A part of a snapshot that was to come later.
        SnapshotDeviceData {
            reference: String = "serviceCrossRefID",
            last: bool = "lastSegment",
            calls: Vec<SnapshotCall> = "snapshotData/snapshotDeviceResponseInfo",
        },
    }
}
