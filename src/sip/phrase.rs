//! Reason phrases of the answers that a phone gives (RFC 3261 §21).

/// The usual phrase for `status`; of one that has none here, that of its class.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        202 => "Accepted",
        200..300 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        300..500 => "Request Failure",
        501 => "Not Implemented",
        504 => "Server Time-out",
        500..600 => "Server Internal Error",
        600 => "Busy Everywhere",
        _ => "Decline",
    }
}
