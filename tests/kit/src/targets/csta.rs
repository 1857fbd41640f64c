//! Documents of CSTA, whoever sent them: what was understood survives the way out and
//! back.

use graceline::csta::{Content, Document};

pub const SEEDS: &[&str] = &[
    "<?xml version=\"1.0\"?><DeliveredEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><monitorCrossRefID>m1</monitorCrossRefID><connection><callID>k</callID><deviceID>tel:1</deviceID></connection><callingDevice><deviceIdentifier>tel:2</deviceIdentifier></callingDevice><localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause></DeliveredEvent>",
    "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo><connectionIdentifier><callID>k</callID><deviceID>1</deviceID></connectionIdentifier><localCallState><compoundCallState><localConnectionState>hold</localConnectionState></compoundCallState></localCallState></snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>",
    "<RequestSystemStatus><extensions><privateData><private><lcs:line xmlns:lcs=\"x\">tel:1;device=&quot;&amp;</lcs:line></private></privateData></extensions></RequestSystemStatus>",
    "<CSTAErrorCode><operation>invalidDeviceID</operation></CSTAErrorCode>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]><HeldEvent>&b;</HeldEvent>",
];

pub fn run(data: &[u8]) {
    let Ok(document) = Document::parse(data) else {
        return;
    };
    if !matches!(document.content, Content::Unknown(_)) {
        let again = Document::parse(document.to_xml().as_bytes());
        assert_eq!(again, Ok(document));
    }
}
