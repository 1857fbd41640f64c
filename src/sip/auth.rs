//! Challenges: WWW-Authenticate and Proxy-Authenticate (RFC 3261 §22, RFC 8760,
//! RFC 8898), and the syntax that all authentication headers share.

use crate::prelude::*;
use alloc::borrow::Cow;

use super::digest::Algorithm;
use super::header::Name;
use super::message::Message;
use super::text::{Split, behind, is_token_byte, split_quoted, split_while, unquote};
use super::write::is_line;

/// What a server wants to see before it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A digest (RFC 7616).
    Digest(DigestChallenge),
    /// A token (RFC 8898).
    Bearer(BearerChallenge),
}

/// A Digest challenge whose algorithm we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestChallenge {
    /// Names the accounts that are asked for; shown to people.
    pub realm: String,
    /// To be hashed; opaque to us.
    pub nonce: String,
    /// To be sent back, if present.
    pub opaque: Option<String>,
    /// MD5 if the challenge does not say.
    pub algorithm: Algorithm,
    /// Offered kinds of protection.
    pub qop: Qop,
    /// The answered nonce was too old: the secret need not be wrong.
    pub stale: bool,
}

/// The `qop` values that a challenge offers; none: the form of RFC 2069.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Qop {
    /// `auth`: protects method and URI.
    pub auth: bool,
    /// `auth-int`: protects the body, too.
    pub auth_int: bool,
}

/// A Bearer challenge (RFC 8898 §4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    /// May be empty.
    pub realm: String,
    /// Where to obtain a token. To be checked against an allow-list.
    pub authz_server: Option<String>,
    /// What the token must be good for.
    pub scope: Option<String>,
    /// Why a token that was sent is not accepted, e.g. `invalid_token`.
    pub error: Option<String>,
}

/// The challenges of a response in order of appearance, which is the server's
/// order of preference (RFC 8760 §2.4); `true` marks those of a proxy. Several
/// may stand in one line or in several. Schemes and algorithms that we do not
/// know are skipped, and so is a `qop` of which we know nothing.
pub fn challenges(message: &Message) -> Vec<(bool, Challenge)> {
    let mut found = Vec::new();
    for line in &message.lines {
        let proxy = line.name == Name::ProxyAuthenticate;
        let value = message.value(line);
        // What holds a NUL cannot be sent back.
        if (proxy || line.name == Name::WwwAuthenticate) && is_line(value) {
            let all = credentials(value);
            let known = all.iter().filter_map(Credentials::challenge);
            found.extend(known.map(|challenge| (proxy, challenge)));
        }
    }
    found
}

/// A scheme and its parameters: a challenge or an answer to one.
pub(super) struct Credentials<'a> {
    pub(super) scheme: &'a str,
    params: Vec<(&'a str, Cow<'a, str>)>,
}

impl Credentials<'_> {
    /// The value of a parameter, without quotes.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        match self.get("algorithm") {
            None | Some("") => Some(Algorithm::Md5),
            Some(name) => Algorithm::from_name(name),
        }
    }

    pub(super) fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    fn challenge(&self) -> Option<Challenge> {
        if self.is_digest() {
            self.digest().map(Challenge::Digest)
        } else if self.scheme.eq_ignore_ascii_case("Bearer") {
            Some(Challenge::Bearer(BearerChallenge {
                realm: self.owned("realm").unwrap_or_default(),
                authz_server: self.owned("authz_server"),
                scope: self.owned("scope"),
                error: self.owned("error"),
            }))
        } else {
            None
        }
    }

    fn digest(&self) -> Option<DigestChallenge> {
        let offers = |qop: &str| {
            let mut offered = Split::new(self.get("qop").unwrap_or(""), b',');
            offered.any(|offer| offer.eq_ignore_ascii_case(qop))
        };
        let qop = Qop {
            auth: offers("auth"),
            auth_int: offers("auth-int"),
        };
        let understood = qop != Qop::default() || self.get("qop").unwrap_or("").is_empty();
        Some(DigestChallenge {
            realm: self.owned("realm")?,
            nonce: self.owned("nonce").filter(|_| understood)?,
            opaque: self.owned("opaque"),
            algorithm: self.algorithm()?,
            qop,
            stale: self
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

/// Reads `Scheme name=value, name="value", Scheme …`. A word with an `=` behind it
/// is a parameter, any other begins a challenge; commas separate both and are met
/// missing. Where `qop` lost its quotes, the words of its list belong to it. Text
/// without a scheme (Authentication-Info) is one with an empty name.
pub(super) fn credentials(text: &str) -> Vec<Credentials<'_>> {
    let mut all: Vec<Credentials<'_>> = Vec::new();
    let mut rest = text;
    loop {
        rest = split_while(rest, |byte| byte == b',' || byte.is_ascii_whitespace()).1;
        let (word, behind_word) = split_while(rest, is_token_byte);
        if word.is_empty() {
            return all;
        }
        let Some(value) = behind(behind_word.trim_ascii_start(), b'=') else {
            rest = behind_word;
            let last = all.last_mut().and_then(|all| all.params.last_mut());
            match last.filter(|(name, _)| name.eq_ignore_ascii_case("qop")) {
                Some((_, offers)) if word.starts_with("auth") => {
                    offers.to_mut().push(',');
                    offers.to_mut().push_str(word);
                }
                _ => all.push(Credentials {
                    scheme: word,
                    params: Vec::new(),
                }),
            }
            continue;
        };
        let value = value.trim_ascii_start();
        let quoted = behind(value, b'"').and_then(|_| split_quoted(value));
        let plain = |byte: u8| byte != b',' && !byte.is_ascii_whitespace();
        let (value, behind_value) = quoted.unwrap_or_else(|| split_while(value, plain));
        rest = behind_value;
        if all.is_empty() {
            all.push(Credentials {
                scheme: "",
                params: Vec::new(),
            });
        }
        if let Some(last) = all.last_mut() {
            last.params.push((word, unquote(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Framing;

    fn found(headers: &str) -> Vec<(bool, Challenge)> {
        let text = format!("SIP/2.0 401 Unauthorized\r\n{headers}\r\n\r\n");
        challenges(&Message::parse(text.as_bytes(), Framing::Frame).unwrap())
    }

    fn digest(headers: &str) -> DigestChallenge {
        match found(headers).remove(0) {
            (_, Challenge::Digest(digest)) => digest,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_digest_challenge_is_read_whole() {
        let challenge = digest(
            "WWW-Authenticate: digest Realm = \"a \\\"b\\\", c\" ,nonce=\"n,=\",opaque=\"\",\r\n \
             algorithm=sha-256, qop=\"auth-int , AUTH\", stale=TRUE, domain=\"<sip:a>\"",
        );
        assert_eq!(
            (challenge.realm.as_str(), challenge.nonce.as_str()),
            ("a \"b\", c", "n,=")
        );
        assert_eq!(
            (challenge.opaque.as_deref(), challenge.algorithm),
            (Some(""), Algorithm::Sha256)
        );
        assert_eq!(
            (challenge.qop, challenge.stale),
            (
                Qop {
                    auth: true,
                    auth_int: true
                },
                true
            )
        );
        let challenge = digest("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"");
        assert_eq!(
            (challenge.algorithm, challenge.qop),
            (Algorithm::Md5, Qop::default())
        );
        assert!(!challenge.stale && challenge.opaque.is_none());
    }

    #[test]
    fn challenges_keep_their_order_in_one_line_and_in_several() {
        let headers = "WWW-Authenticate: Negotiate abc==, Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256, \
                       Digest realm=\"a\", nonce=\"2\", algorithm=MD5\r\nX: y\r\n\
                       Proxy-Authenticate: Bearer realm=\"b\", authz_server=\"https://b/\", scope=\"sip\", error=\"invalid_token\"\r\n\
                       WWW-Authenticate: Digest realm=\"c\", nonce=\"3\", algorithm=SHA-256-sess";
        let found = found(headers);
        let kinds: Vec<_> = found
            .iter()
            .map(|(proxy, challenge)| match challenge {
                Challenge::Digest(digest) => {
                    (*proxy, digest.nonce.as_str(), digest.algorithm.name())
                }
                Challenge::Bearer(bearer) => (*proxy, bearer.realm.as_str(), "Bearer"),
            })
            .collect();
        assert_eq!(
            kinds,
            [
                (false, "1", "SHA-512-256"),
                (false, "2", "MD5"),
                (true, "b", "Bearer"),
                (false, "3", "SHA-256-sess"),
            ]
        );
        let Challenge::Bearer(bearer) = &found[2].1 else {
            panic!()
        };
        assert_eq!(bearer.authz_server.as_deref(), Some("https://b/"));
        assert_eq!(
            (bearer.scope.as_deref(), bearer.error.as_deref()),
            (Some("sip"), Some("invalid_token"))
        );
    }

    #[test]
    fn challenges_are_read_as_servers_write_them() {
        let auth = |auth, auth_int| Qop { auth, auth_int };
        for (value, qop) in [
            (
                "qop=auth,auth-int,realm=\"r\",nonce=\"n\"",
                auth(true, true),
            ),
            (
                "realm=\"r\", qop=auth-int, auth, nonce=\"n\"",
                auth(true, true),
            ),
            (
                "realm=\"r\", nonce=\"n\", qop=auth , auth-int",
                auth(true, true),
            ),
            ("realm=\"r\" nonce=\"n\" qop=\"auth\"", auth(true, false)),
            ("realm=\"r\"nonce=\"n\",algorithm=\"\"", auth(false, false)),
            (
                "realm=\"r\",nonce=n algorithm= , stale=false",
                auth(false, false),
            ),
            (
                "realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
                auth(false, true),
            ),
            (",, realm = r ,nonce= \"n\" , qop=\"\",", auth(false, false)),
        ] {
            let challenge = digest(&format!("WWW-Authenticate: Digest {value}"));
            assert_eq!(
                (&*challenge.realm, &*challenge.nonce),
                ("r", "n"),
                "{value}"
            );
            assert_eq!((challenge.qop, challenge.algorithm), (qop, Algorithm::Md5));
        }
        let both =
            "Digest realm=a nonce=1 algorithm=SHA-256, Negotiate Digest realm=\"b\" nonce=\"2\"";
        assert_eq!(found(&format!("WWW-Authenticate: {both}")).len(), 2);
    }

    #[test]
    fn what_cannot_be_answered_is_skipped() {
        for value in [
            "",
            "Basic realm=\"a\"",
            "Digest",
            "Digest realm=\"a\"",
            "Digest nonce=\"a\"",
            "realm=\"a\", nonce=\"b\"",
            "Digest realm=\"a\", nonce=\"b\", algorithm=AKAv1-MD5",
            "Digest realm=\"a\", nonce=\"b\", qop=\"foo\"",
            "Digest realm=\"a\0\", nonce=\"b\"",
            ",,=,\"",
            "Digest realm=\"a, nonce=\"b\"",
        ] {
            assert_eq!(found(&format!("WWW-Authenticate: {value}")), [], "{value}");
        }
    }
}
