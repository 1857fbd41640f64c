//! Far ends that pass for somebody else: what they write into their messages, what
//! they ask of a caller, and what no phone may send them.

use super::World;
use graceline::sip::{DigestResponse, Framing, Message, Name};

/// Whom a liar claims to be.
pub const LIAR: &str = "liar";
/// How the nonces begin that a far end made up; behind it stands the Call-ID.
const BAIT: &str = "bait-";

impl World {
    /// What leaves a client, with an identity that is not its own.
    pub(super) fn forged(&self, data: Vec<u8>) -> Vec<u8> {
        let text = String::from_utf8_lossy(&data);
        match text.split_once("\r\n") {
            Some((line, rest)) if self.lying && !line.starts_with("REGISTER") => {
                let name = format!("\"{LIAR}\" <sip:{LIAR}@example.com>");
                format!(
                    "{line}\r\nP-Asserted-Identity: {name}\r\nRemote-Party-ID: {name}\r\n{rest}"
                )
                .into_bytes()
            }
            _ => data,
        }
    }

    /// A refusal of a call, made a challenge by whoever refuses it.
    pub(super) fn baited(&self, data: Vec<u8>) -> Vec<u8> {
        let text = String::from_utf8_lossy(&data);
        let message = Message::parse(&data, Framing::Frame);
        let (Ok(message), Some((_, rest))) = (message, text.split_once("\r\n")) else {
            return data;
        };
        let invite = message.cseq().is_some_and(|cseq| cseq.method == "INVITE");
        if !self.lying || !invite || !matches!(message.status(), 486 | 603) {
            return data;
        }
        let call_id = message.call_id();
        let (realm, strength) = match call_id.len() + usize::from(call_id.as_bytes()[0]) {
            kind if kind % 4 == 0 => ("example.com", ""),
            kind if kind % 4 == 1 => ("example.com", ", qop=\"auth\""),
            kind if kind % 4 == 2 => ("evil", ", algorithm=SHA-256, qop=\"auth\""),
            _ => ("example.com", ", algorithm=SHA-256, qop=\"auth\""),
        };
        format!(
            "SIP/2.0 407 Proxy Authentication Required\r\nProxy-Authenticate: Digest \
             realm=\"{realm}\", nonce=\"{BAIT}{call_id}\"{strength}\r\n{rest}"
        )
        .into_bytes()
    }

    /// No digest leaves for anybody but in the registrar's realm, with its strength;
    /// and what a far end asked is answered in its own call alone.
    pub(super) fn check_credentials(&self, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        let message = Message::parse(data, Framing::Frame);
        let Some(message) = message.ok().filter(|_| text.contains("uthorization: ")) else {
            return;
        };
        let strong = self.registrar_config.algorithms.first();
        let strong = strong.is_some_and(|algorithm| !algorithm.is_md5());
        let to_server = matches!(message.method(), "REGISTER" | "SUBSCRIBE" | "OPTIONS");
        for name in [Name::Authorization, Name::ProxyAuthorization] {
            for digest in message.lines(name).filter_map(DigestResponse::parse) {
                let told = format!("{} {digest:?}", message.method());
                let bait = digest.nonce.strip_prefix(BAIT);
                if to_server {
                    assert_eq!(bait, None, "{told}");
                    continue;
                }
                assert_eq!(digest.realm, "example.com", "{told}");
                assert!(!strong || !digest.algorithm.is_md5(), "{told}");
                assert_eq!(digest.qop.as_deref(), Some("auth"), "{told}");
                assert!(bait.is_none_or(|own| own == message.call_id()), "{told}");
                let its_own = matches!(message.method(), "INVITE" | "ACK");
                assert!(bait.is_none() || its_own, "{told}");
            }
        }
    }
}
