//! Dialogs (RFC 3261 §12): who talks to whom, by which route, in which order.

pub mod timer;

use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{Message, Name, NameAddr, Uri};
use crate::text::concat;
use crate::transaction::Request;
pub use timer::SessionTimer;

/// One dialog, early or confirmed, or the local half of one before its first
/// answer (then `remote_tag` is empty).
#[derive(Clone, Debug, Default)]
pub struct Dialog {
    /// `Call-ID`.
    pub call_id: String,
    /// Our address with our tag, as From or To shows it.
    pub local: String,
    /// Their address with their tag.
    pub remote: String,
    /// Our tag.
    pub local_tag: String,
    /// Their tag; empty if they are of the time before tags (RFC 2543).
    pub remote_tag: String,
    /// Where requests go: their Contact.
    pub target: String,
    /// The route set, fixed when the dialog is made.
    pub route: Vec<String>,
    /// The highest CSeq number that came from there, if any did: 0 is one.
    pub remote_cseq: Option<u32>,
}

impl Dialog {
    /// Our half of a dialog, or of requests outside of any: `from` is our address, and
    /// `routes` those that the registrar named (RFC 3608).
    pub fn half(random: &mut Random, from: &str, uri: String, routes: &[String]) -> Self {
        let tag = random.hex::<8>();
        Self {
            call_id: random.hex::<16>(),
            local: concat(&[from, ";tag=", &tag]),
            local_tag: tag,
            remote: concat(&["<", &uri, ">"]),
            target: uri,
            route: routes.to_vec(),
            ..Self::default()
        }
    }

    /// Our address, as the other side knows it.
    pub fn own_uri(&self) -> &str {
        NameAddr::uri_in(&self.local)
    }

    /// The dialog that `answer` makes of `half`, which the request was sent
    /// with (RFC 3261 §12.1.2).
    pub fn of_answer(half: &Dialog, answer: &Message) -> Self {
        let mut dialog = Self {
            remote: NameAddr::echo(answer.header(Name::To).unwrap_or_default()).into_owned(),
            remote_tag: answer.to_tag().unwrap_or_default().to_owned(),
            ..half.clone()
        };
        dialog.confirm(answer);
        dialog
    }

    /// The 2xx of an early dialog has the last word on its route set (RFC 3261
    /// §13.2.2.4).
    pub fn confirm(&mut self, answer: &Message) {
        self.route = values(answer, Name::RecordRoute);
        self.route.reverse();
        self.refresh_target(answer);
    }

    /// The dialog that `request` makes, answered with `tag` (RFC 3261 §12.1.1).
    pub fn of_request(request: &Message, tag: String) -> Self {
        let to = request.header(Name::To).unwrap_or_default();
        let from = request.header(Name::From).unwrap_or_default();
        let mut dialog = Self {
            call_id: request.call_id().to_owned(),
            local: concat(&[&NameAddr::echo(to), ";tag=", &tag]),
            remote: NameAddr::echo(from).into_owned(),
            local_tag: tag,
            remote_tag: request.from_tag().unwrap_or_default().to_owned(),
            target: NameAddr::uri_in(from).to_owned(),
            route: values(request, Name::RecordRoute),
            remote_cseq: number(request),
        };
        dialog.refresh_target(request);
        dialog
    }

    /// A request of theirs came before the answer that makes the dialog (RFC 6665
    /// §4.4.1): it has the same tag.
    pub fn answered_by(&mut self, request: &Message) {
        let from = request.header(Name::From).unwrap_or_default();
        self.remote = NameAddr::echo(from).into_owned();
        self.remote_tag = request.from_tag().unwrap_or_default().to_owned();
    }

    /// A target refresh (RFC 3261 §12.2.1.2, §12.2.2).
    pub fn refresh_target(&mut self, message: &Message) {
        if let Some(target) = remote_target(message) {
            self.target = target;
        }
    }

    /// Does `request` belong here?
    pub fn has(&self, request: &Message) -> bool {
        self.call_id == request.call_id()
            && Some(&*self.local_tag) == request.to_tag()
            && self.remote_tag == request.from_tag().unwrap_or_default()
    }

    /// Takes the CSeq number of a request other than ACK and CANCEL. `false`:
    /// it comes too late and is to be answered with 500 (RFC 3261 §12.2.2).
    pub fn in_order(&mut self, request: &Message) -> bool {
        let number = number(request);
        let in_order = number > self.remote_cseq;
        if in_order {
            self.remote_cseq = number;
        }
        in_order
    }

    /// A request in this dialog. All its routers are loose (RFC 3261 §12.2.1.1):
    /// strict ones are older than WebSockets.
    pub fn request(&self, method: &'static str) -> Request {
        let route = |route: &String| ("Route".to_owned(), route.clone());
        Request {
            method,
            uri: self.target.clone(),
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            headers: self.route.iter().map(route).collect(),
            content: None,
        }
    }
}

/// The address that the requests of a dialog go to: what of the Contact may stand
/// in a request line (RFC 3261 §12.1, §19.1.1).
pub fn remote_target(message: &Message) -> Option<String> {
    let contact = message.contacts().list.into_iter().next()?;
    Uri::request_part(contact.uri).map(str::to_owned)
}

/// Every value of `name`, in order.
pub fn values(message: &Message, name: Name) -> Vec<String> {
    message.values(name).map(str::to_owned).collect()
}

/// Does a refusal of this status end what lives in the dialog, or the dialog itself
/// (RFC 5057 §5.1)? So does one that never came: it counts as 408.
pub fn ends_usage(status: u16) -> bool {
    matches!(
        status,
        404 | 408 | 410 | 416 | 430 | 480..=485 | 489 | 502 | 604
    )
}

/// Record-Route is copied into what makes a dialog (RFC 3261 §12.1.1).
pub fn record_routes(request: &Message) -> Vec<(String, String)> {
    let route = |value| ("Record-Route".to_owned(), value);
    let routes = values(request, Name::RecordRoute);
    routes.into_iter().map(route).collect()
}

fn number(message: &Message) -> Option<u32> {
    message.cseq().map(|cseq| cseq.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn message(text: &str) -> Message {
        let text = text.replace('\n', "\r\n") + "\r\n\r\n";
        Message::parse(text.as_bytes(), Framing::Frame).unwrap()
    }

    #[test]
    fn a_caller_reverses_the_route_and_a_callee_does_not() {
        let half = Dialog {
            local: "<sip:a@x>;tag=1".into(),
            local_tag: "1".into(),
            call_id: "c".into(),
            ..Dialog::default()
        };
        let answer = message(
            "SIP/2.0 200 OK\nFrom: \"forged\" <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\nCall-ID: c\n\
             CSeq: 1 INVITE\nContact: <sip:b@b.invalid>\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>",
        );
        let dialog = Dialog::of_answer(&half, &answer);
        assert_eq!(dialog.route, ["<sip:p2;lr>", "<sip:p1;lr>"]);
        let bye = dialog.request("BYE");
        assert_eq!(
            (&*bye.uri, &*bye.to),
            ("sip:b@b.invalid", "<sip:b@x>;tag=2")
        );
        assert_eq!(
            bye.from, "<sip:a@x>;tag=1",
            "our own name, not an echo of it"
        );

        let invite = message(
            "INVITE sip:b@x SIP/2.0\nFrom: <sip:a@x>;tag=1\nTo: <sip:b@x>\nCall-ID: c\n\
             CSeq: 7 INVITE\nContact: <sip:a@a.invalid>\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>",
        );
        let mut dialog = Dialog::of_request(&invite, "2".into());
        assert_eq!(dialog.route, ["<sip:p1;lr>", "<sip:p2;lr>"]);
        assert_eq!(
            (&*dialog.target, &*dialog.local),
            ("sip:a@a.invalid", "<sip:b@x>;tag=2")
        );
        let bye = |number: u32| {
            message(&format!(
                "BYE sip:b@b.invalid SIP/2.0\nFrom: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\n\
                 Call-ID: c\nCSeq: {number} BYE"
            ))
        };
        assert!(dialog.has(&bye(8)));
        assert!(!dialog.in_order(&bye(7)));
        assert!(dialog.in_order(&bye(9)), "numbers may be left out");
        assert!(!dialog.in_order(&bye(8)));
    }
}
