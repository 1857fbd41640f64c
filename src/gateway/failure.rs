//! Why a service is not done: the link tells the value, a document the category, too
//! (E285, UniversalFailure).

use crate::csta::Failure;

const OPERATION: &str = "operation";
const STATE: &str = "stateIncompatibility";
const SYSTEM: &str = "systemResourceAvailability";
const SUBSCRIBED: &str = "subscribedResourceAvailability";

/// Values that are not of the category `operation`.
const CATEGORIES: [(&str, &str); 22] = [
    ("invalidConnectionState", STATE),
    ("invalidDeviceState", STATE),
    ("connectedCallExists", STATE),
    ("invalidActiveCall", STATE),
    ("noActiveCall", STATE),
    ("noHeldCall", STATE),
    ("noCallToAnswer", STATE),
    ("noCallToClear", STATE),
    ("noConnectionToClear", STATE),
    ("invalidObjectState", STATE),
    ("resourceBusy", SYSTEM),
    ("networkBusy", SYSTEM),
    ("resourceOutOfService", SYSTEM),
    ("deviceOutOfService", SYSTEM),
    ("networkOutOfService", SYSTEM),
    ("overallMonitorLimitExceeded", SYSTEM),
    ("conferenceMemberLimitExceeded", SYSTEM),
    ("resourceLimitExceeded", SYSTEM),
    ("objectMonitorLimitExceeded", SUBSCRIBED),
    ("outstandingReqLimitExceeded", SUBSCRIBED),
    ("performanceLimitExceeded", "performanceManagement"),
    ("sequenceNumberViolated", "security"),
];

/// With its category.
pub fn failure(value: &str) -> Failure {
    let mut known = CATEGORIES.iter();
    let known = known.find(|(known, _)| known.eq_ignore_ascii_case(value));
    known.map_or_else(
        || Failure::new(OPERATION, value),
        |(value, category)| Failure::new(category, value),
    )
}

/// The connection to the switch is down: the request is returned.
pub fn returned() -> Failure {
    failure("networkOutOfService")
}
