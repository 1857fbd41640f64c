//! The answers to challenges as others send them: Authorization, for a
//! registrar, and Authentication-Info (RFC 7616 §3.4, §3.5).

use super::auth::credentials;
use super::digest::{Algorithm, Calculation, Secret};
use crate::prelude::*;
use crate::text::hex_number;

/// A received Authorization or Proxy-Authorization of the scheme Digest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the parameters of RFC 7616 §3.4
pub struct DigestResponse {
    pub username: String,
    pub realm: String,
    pub nonce: String,
    /// Should name the same resource as the Request-URI.
    pub uri: String,
    pub response: String,
    /// MD5 if not given.
    pub algorithm: Algorithm,
    pub qop: Option<String>,
    pub nc: Option<u32>,
    pub cnonce: Option<String>,
    pub opaque: Option<String>,
}

impl DigestResponse {
    /// Reads the header's value. `None` if the scheme is not Digest, something
    /// is missing, or the algorithm is not known.
    pub fn parse(value: &str) -> Option<DigestResponse> {
        let all = credentials(value);
        let digest = all.first().filter(|first| first.is_digest())?;
        Some(DigestResponse {
            username: digest.owned("username")?,
            realm: digest.owned("realm")?,
            nonce: digest.owned("nonce")?,
            uri: digest.owned("uri")?,
            response: digest.owned("response")?,
            algorithm: digest.algorithm()?,
            qop: digest.owned("qop"),
            nc: digest.get("nc").and_then(nonce_count),
            cnonce: digest.owned("cnonce"),
            opaque: digest.owned("opaque"),
        })
    }

    /// Does the response prove knowledge of `secret`? Nonce, nonce count and
    /// URI are for the caller to judge.
    pub fn verify(&self, secret: Secret<'_>, method: &str, body: &[u8]) -> bool {
        let complete = self.qop.is_none() || (self.nc.is_some() && self.cnonce.is_some());
        let expected = self
            .calculation(method, body)
            .digest(&self.username, secret);
        complete
            && same(
                expected.as_bytes(),
                self.response.to_ascii_lowercase().as_bytes(),
            )
    }

    /// The `rspauth` for the Authentication-Info of an answer with this body.
    pub fn rspauth(&self, secret: Secret<'_>, body: &[u8]) -> String {
        self.calculation("", body).digest(&self.username, secret)
    }

    fn calculation<'a>(&'a self, method: &'a str, body: &'a [u8]) -> Calculation<'a> {
        Calculation {
            algorithm: self.algorithm,
            realm: &self.realm,
            nonce: &self.nonce,
            qop: self.qop.as_deref().unwrap_or(""),
            nc: self.nc.unwrap_or(0),
            cnonce: self.cnonce.as_deref().unwrap_or(""),
            method,
            uri: &self.uri,
            body,
        }
    }
}

/// A received Authentication-Info (RFC 7616 §3.5); what is missing is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// The nonce for the next request, which counts from 1 again.
    pub nextnonce: Option<String>,
    /// The server's proof: see [`digest_rspauth`](super::digest_rspauth).
    pub rspauth: Option<String>,
    /// As in the request.
    pub qop: Option<String>,
    /// As in the request.
    pub nc: Option<u32>,
    /// As in the request.
    pub cnonce: Option<String>,
}

impl AuthenticationInfo {
    /// Reads the header's value.
    pub fn parse(value: &str) -> AuthenticationInfo {
        let all = credentials(value);
        let Some(info) = all.first() else {
            return AuthenticationInfo::default();
        };
        AuthenticationInfo {
            nextnonce: info.owned("nextnonce"),
            rspauth: info.owned("rspauth"),
            qop: info.owned("qop"),
            nc: info.get("nc").and_then(nonce_count),
            cnonce: info.owned("cnonce"),
        }
    }
}

fn nonce_count(text: &str) -> Option<u32> {
    let number = hex_number(text).filter(|_| text.len() == 8)?;
    u32::try_from(number).ok()
}

/// Compares in a time that does not tell how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{DigestChallenge, Qop, digest_authorization, digest_rspauth};

    #[test]
    fn what_the_client_computes_the_server_verifies() {
        for algorithm in [
            "MD5",
            "MD5-sess",
            "SHA-256",
            "SHA-256-sess",
            "SHA-512-256",
            "sha-512-256-SESS",
        ] {
            for (auth, auth_int) in [(true, true), (true, false), (false, true), (false, false)] {
                let challenge = DigestChallenge {
                    realm: "a \"realm\", b\\".into(),
                    nonce: "n=,".into(),
                    opaque: Some("o".into()),
                    algorithm: Algorithm::from_name(algorithm).unwrap(),
                    qop: Qop { auth, auth_int },
                    stale: false,
                };
                let (secret, uri) = (Secret::Password("pässword"), "sip:example.com");
                let value = digest_authorization(
                    &challenge, "ann", secret, "REGISTER", uri, 10, "cc", b"hi",
                );
                let response = DigestResponse::parse(&value).unwrap();
                assert_eq!(
                    (response.username.as_str(), response.uri.as_str()),
                    ("ann", uri)
                );
                assert_eq!(
                    (&response.realm, &response.nonce),
                    (&challenge.realm, &challenge.nonce)
                );
                assert_eq!(response.opaque, challenge.opaque);
                assert!(response.verify(secret, "REGISTER", b"hi"), "{value}");
                let hash = format!("ann:{}:pässword", challenge.realm);
                let ha1 = challenge.algorithm.hash_hex(hash.as_bytes());
                assert!(response.verify(Secret::Ha1(&ha1), "REGISTER", b"hi"));
                assert!(!response.verify(Secret::Password("password"), "REGISTER", b"hi"));
                assert!(!response.verify(secret, "INVITE", b"hi"));
                assert_eq!(
                    response.verify(secret, "REGISTER", b"ho"),
                    auth || !auth_int
                );
                let proof = digest_rspauth(&challenge, "ann", secret, uri, 10, "cc", b"");
                assert_eq!(response.rspauth(secret, b""), proof);
                assert_ne!(proof, response.response);
            }
        }
    }

    #[test]
    fn incomplete_answers_are_refused() {
        let full = "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:r\", response=\"x\"";
        assert!(DigestResponse::parse(full).is_some());
        for part in ["username", "realm", "nonce", "uri", "response", "Digest"] {
            assert_eq!(
                DigestResponse::parse(&full.replace(part, "other")),
                None,
                "{part}"
            );
        }
        assert_eq!(
            DigestResponse::parse(&format!("{full}, algorithm=foo")),
            None
        );
        assert_eq!(
            DigestResponse::parse("NoOneKnowsThisScheme opaque-data=here"),
            None
        );
        let without_count =
            DigestResponse::parse(&format!("{full}, qop=auth, cnonce=\"c\", nc=1")).unwrap();
        assert_eq!(without_count.nc, None);
        assert!(!without_count.verify(Secret::Password(""), "REGISTER", b""));
    }

    #[test]
    fn authentication_info_has_no_scheme() {
        let info = AuthenticationInfo::parse(
            "nextnonce=\"n2\", qop=auth, rspauth=\"ab\", cnonce=\"c\", nc=0000000a",
        );
        assert_eq!(
            (info.nextnonce.as_deref(), info.rspauth.as_deref()),
            (Some("n2"), Some("ab"))
        );
        assert_eq!(
            (info.qop.as_deref(), info.nc, info.cnonce.as_deref()),
            (Some("auth"), Some(10), Some("c"))
        );
        assert_eq!(AuthenticationInfo::parse(""), AuthenticationInfo::default());
    }
}
