//! Negative answers, and the codes that an app meets.

use crate::notation::{check_both_ways, read, whole};
use graceline::csta::{Code, Content, Failure};

/// Every value of the sheet, by category, with the app's code.
const VALUES: &[(&str, Code, &str)] = &[
    (
        "operation",
        Code::NotSupported,
        "serviceNotSupported parameterNotSupported",
    ),
    (
        "operation",
        Code::InvalidArgument,
        "invalidCalledDeviceID invalidDestination invalidForwardingDestination valueOutOfRange",
    ),
    (
        "operation",
        Code::InvalidState,
        "invalidCallID invalidConnectionID",
    ),
    (
        "operation",
        Code::ServerRejected,
        "generic objectNotKnown invalidDeviceID invalidCallingDeviceID invalidMonitorCrossRefID \
         featureAlreadySet privilegeViolationSpecifiedDevice privilegeViolationCallingDevice \
         privilegeViolationCalledDevice requestIncompatibleWithObject",
    ),
    (
        "stateIncompatibility",
        Code::InvalidState,
        "invalidConnectionState invalidDeviceState connectedCallExists noActiveCall noHeldCall \
         noCallToAnswer noCallToClear noConnectionToClear invalidObjectState",
    ),
    (
        "systemResourceAvailability",
        Code::OutOfService,
        "resourceOutOfService deviceOutOfService networkOutOfService",
    ),
    (
        "systemResourceAvailability",
        Code::ServerRejected,
        "resourceBusy networkBusy overallMonitorLimitExceeded conferenceMemberLimitExceeded \
         resourceLimitExceeded",
    ),
    (
        "subscribedResourceAvailability",
        Code::ServerRejected,
        "objectMonitorLimitExceeded outstandingReqLimitExceeded",
    ),
    (
        "performanceManagement",
        Code::ServerRejected,
        "performanceLimitExceeded",
    ),
    ("security", Code::ServerRejected, "sequenceNumberViolated"),
    ("unspecified", Code::ServerRejected, "unspecified"),
    ("vendorError", Code::ServerRejected, "anything at all"),
];

#[test]
fn every_error_has_its_code() {
    for (category, code, values) in VALUES {
        for value in values.split(' ') {
            let failure = Failure::new(category, value);
            assert_eq!(failure.code(), *code, "{category} {value}");
            let written =
                format!("<CSTAErrorCode><{category}>{value}</{category}></CSTAErrorCode>");
            check_both_ways(&[(&written, Content::Failure(failure))]);
        }
    }
    let names: Vec<_> = VALUES.iter().map(|(_, code, _)| code.as_str()).collect();
    for name in [
        "eNotSupported",
        "eInvalidArgument",
        "eInvalidState",
        "eOutOfService",
        "eServerRejected",
    ] {
        assert!(names.contains(&name));
    }
}

#[test]
fn the_category_is_the_first_element_with_a_text() {
    let failure = |inner: &str| {
        let document = whole(&format!("<CSTAErrorCode>{inner}</CSTAErrorCode>"));
        match read(&document) {
            Content::Failure(failure) => (failure.category, failure.value),
            other => panic!("{other:?}"),
        }
    };
    let expected = ("operation".to_owned(), "generic".to_owned());
    for inner in [
        " <operation> generic </operation> ",
        "<universalFailure><operation>generic</operation></universalFailure>",
        "<operation>generic</operation><extensions/>",
    ] {
        assert_eq!(failure(inner), expected, "{inner}");
    }
    // A value of its own kind says something even where it is not known.
    assert_eq!(failure("<privateData/>").0, "privateData");
    let empty = whole("<CSTAErrorCode></CSTAErrorCode>");
    assert!(graceline::csta::Document::parse(empty.as_bytes()).is_err());
}
