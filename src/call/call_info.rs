//! Cisco's Call-Info (`urn:x-cisco-remotecc:callinfo`): what the server knows of
//! a call, such as whether all of it is encrypted. It comes in the INVITE, in
//! answers, in re-INVITE and UPDATE, and may change. It speaks for the server, so it
//! counts where clients cannot write it.

use super::{Call, Event, Line};
use crate::prelude::*;
use crate::sip::{Message, Name, NameAddr, sanitize_text, unquote};

const URN: &str = "urn:x-cisco-remotecc:callinfo";
/// More than ten are known; a server that sends dozens wants something else.
const MAX_PARAMS: usize = 32;

/// Names and values, as written; a name alone has no value.
pub type CallInfo = Vec<(String, Option<String>)>;

/// What `message` says; `None`: nothing.
fn read(message: &Message) -> Option<CallInfo> {
    let values = message.values(Name::CallInfo);
    let mut addresses = values.filter_map(NameAddr::parse);
    let ours = addresses.find(|address| address.uri.eq_ignore_ascii_case(URN))?;
    let text = |value: &str| sanitize_text(&unquote(value));
    let params = ours.params.iter().take(MAX_PARAMS);
    let params = params.map(|(name, value)| (text(name), value.map(text)));
    Some(params.collect())
}

impl Call {
    /// Tells the app what is new.
    pub(super) fn learn_call_info(&mut self, line: &mut Line, message: &Message) {
        let told = read(message).filter(|told| *told != self.call_info);
        let told = told.filter(|_| line.account.trusts_identity);
        if let Some(info) = told {
            self.call_info.clone_from(&info);
            let call = self.id;
            line.event(Event::CallInfo { call, info });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn read_from(lines: &str) -> Option<CallInfo> {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{lines}\r\n\r\n");
        read(&Message::parse(text.as_bytes(), Framing::Frame).unwrap())
    }

    #[test]
    fn every_parameter_is_kept_and_blanks_are_tolerated() {
        let info = read_from(
            "Call-Info: <sip:x@y>;purpose=icon, <URN:X-cisco-remotecc:callinfo>; security= Encrypted; \
             orientation=to;ui-state=\"ringout\";gci=1-8002;isVoip;future=x",
        );
        let expected = [
            ("security", Some("Encrypted")),
            ("orientation", Some("to")),
            ("ui-state", Some("ringout")),
            ("gci", Some("1-8002")),
            ("isVoip", None),
            ("future", Some("x")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(info, Some(expected.to_vec()));
    }

    #[test]
    fn others_are_none_of_ours_and_too_many_are_cut() {
        assert_eq!(read_from("Call-Info: <http://x/y.png>;purpose=icon"), None);
        assert_eq!(read_from("Subject: x"), None);
        let many = ";a=1".repeat(1000);
        let info = read_from(&format!("Call-Info: <{URN}>{many}"));
        assert_eq!(info.map(|info| info.len()), Some(MAX_PARAMS));
    }
}
