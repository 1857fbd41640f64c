//! Reason phrases of the answers that a phone gives (RFC 3261 §21).

use crate::text::{cut, number, pieces};

/// One text, not a `match`: that becomes a table of as many places as there are
/// numbers between the first and the last. At the end those of the classes but
/// 2xx, which most answers are, and which need not be looked up.
const PHRASES: &str = "100 Trying
180 Ringing
400 Bad Request
404 Not Found
405 Method Not Allowed
406 Not Acceptable
408 Request Timeout
415 Unsupported Media Type
420 Bad Extension
422 Session Interval Too Small
469 Bad Info Package
480 Temporarily Unavailable
481 Call/Transaction Does Not Exist
482 Loop Detected
486 Busy Here
487 Request Terminated
488 Not Acceptable Here
489 Bad Event
491 Request Pending
501 Not Implemented
504 Server Time-out
600 Busy Everywhere
3 Request Failure
4 Request Failure
5 Server Internal Error";

/// The usual phrase for `status`; of one that has none here, that of its class.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        202 => "Accepted",
        200..300 => "OK",
        _ => phrase(status)
            .or_else(|| phrase(status / 100))
            .unwrap_or("Decline"),
    }
}

fn phrase(wanted: u16) -> Option<&'static str> {
    pieces(PHRASES, b'\n')
        .filter_map(|line| cut(line, b' '))
        .find(|(status, _)| number(status) == Some(wanted.into()))
        .map(|(_, phrase)| phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_phrase() {
        for (status, phrase) in [
            (180, "Ringing"),
            (200, "OK"),
            (202, "Accepted"),
            (299, "OK"),
            (302, "Request Failure"),
            (481, "Call/Transaction Does Not Exist"),
            (499, "Request Failure"),
            (500, "Server Internal Error"),
            (600, "Busy Everywhere"),
            (199, "Decline"),
            (603, "Decline"),
        ] {
            assert_eq!(reason_phrase(status), phrase);
        }
    }
}
