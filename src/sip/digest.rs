//! Digest computation (RFC 7616 §3.4, RFC 8760), and the client's side of it:
//! the Authorization value.

use crate::prelude::*;

use super::auth::DigestChallenge;
use super::text::quote;
use crate::hash::{md5, sha256, sha512_256};
use crate::text::hex;

/// A digest algorithm. The `-sess` forms bind the password hash to the nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // named after the tokens of RFC 7616 §6.1
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha256,
    Sha256Sess,
    Sha512_256,
    Sha512_256Sess,
}

const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Md5,
    Algorithm::Md5Sess,
    Algorithm::Sha256,
    Algorithm::Sha256Sess,
    Algorithm::Sha512_256,
    Algorithm::Sha512_256Sess,
];

impl Algorithm {
    /// The algorithm of this name, in any case; `None` if we do not know it.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        ALGORITHMS
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The token of RFC 7616 §6.1, such as `SHA-256-sess`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The hash of `data` in lower-case hexadecimal: 32 or 64 digits.
    pub fn hash_hex(self, data: &[u8]) -> String {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => hex(&md5(data)),
            Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&sha256(data)),
            Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => hex(&sha512_256(data)),
        }
    }

    /// The hash of `parts` with colons between them.
    fn hash_parts(self, parts: &[&str]) -> String {
        let mut text = String::new();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                text.push(':');
            }
            text.push_str(part);
        }
        self.hash_hex(text.as_bytes())
    }

    /// Is it MD5, which a careful user may want to refuse?
    pub fn is_md5(self) -> bool {
        matches!(self, Algorithm::Md5 | Algorithm::Md5Sess)
    }

    fn is_session(self) -> bool {
        matches!(
            self,
            Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess
        )
    }
}

/// What a user proves to know.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// The password itself.
    Password(&'a str),
    /// `H(username:realm:password)` in hexadecimal; good for one realm and one
    /// algorithm (or its `-sess` form).
    Ha1(&'a str),
}

/// Everything that goes into a digest but user and secret.
pub(super) struct Calculation<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) realm: &'a str,
    pub(super) nonce: &'a str,
    /// `auth`, `auth-int`, or empty for the form of RFC 2069.
    pub(super) qop: &'a str,
    pub(super) nc: u32,
    pub(super) cnonce: &'a str,
    /// Empty for `rspauth` (RFC 7616 §3.5).
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
}

impl Calculation<'_> {
    /// The digest in lower-case hexadecimal.
    pub(super) fn digest(&self, username: &str, secret: Secret<'_>) -> String {
        let hash = |parts: &[&str]| self.algorithm.hash_parts(parts);
        let mut ha1 = match secret {
            Secret::Password(password) => hash(&[username, self.realm, password]),
            Secret::Ha1(ha1) => ha1.to_ascii_lowercase(),
        };
        if self.algorithm.is_session() {
            ha1 = hash(&[&ha1, self.nonce, self.cnonce]);
        }
        let ha2 = if self.qop == "auth-int" {
            hash(&[self.method, self.uri, &self.algorithm.hash_hex(self.body)])
        } else {
            hash(&[self.method, self.uri])
        };
        if self.qop.is_empty() {
            return hash(&[&ha1, self.nonce, &ha2]);
        }
        hash(&[
            &ha1,
            self.nonce,
            &count(self.nc),
            self.cnonce,
            self.qop,
            &ha2,
        ])
    }
}

/// The value of an Authorization or Proxy-Authorization header that answers
/// `challenge`. `nc` counts the uses of the nonce, from 1; `cnonce` is random.
/// With qop `auth` if offered, else `auth-int`, else in the form of RFC 2069.
#[allow(clippy::too_many_arguments)] // as many as the RFC puts into the hash
pub fn digest_authorization(
    challenge: &DigestChallenge,
    username: &str,
    secret: Secret<'_>,
    method: &str,
    uri: &str,
    nc: u32,
    cnonce: &str,
    body: &[u8],
) -> String {
    let calculation = calculation(challenge, method, uri, nc, cnonce, body);
    let response = calculation.digest(username, secret);
    let mut value = String::from("Digest username=");
    let mut add = |name: &str, text: &str| {
        value.push_str(name);
        value.push_str(text);
    };
    add("", &quote(username));
    add(", realm=", &quote(&challenge.realm));
    add(", nonce=", &quote(&challenge.nonce));
    add(", uri=", &quote(uri));
    add(", response=", &quote(&response));
    add(", algorithm=", challenge.algorithm.name());
    if !calculation.qop.is_empty() {
        add(", qop=", calculation.qop);
        add(", nc=", &count(nc));
    }
    // The session algorithms need it even without qop.
    if !calculation.qop.is_empty() || challenge.algorithm.is_session() {
        add(", cnonce=", &quote(cnonce));
    }
    if let Some(opaque) = &challenge.opaque {
        add(", opaque=", &quote(opaque));
    }
    value
}

/// What `rspauth` in the answer to [`digest_authorization`] with the same
/// arguments must be, if the server knows the secret, too (RFC 7616 §3.5).
/// `body` is the body of the answer.
pub fn digest_rspauth(
    challenge: &DigestChallenge,
    username: &str,
    secret: Secret<'_>,
    uri: &str,
    nc: u32,
    cnonce: &str,
    body: &[u8],
) -> String {
    calculation(challenge, "", uri, nc, cnonce, body).digest(username, secret)
}

fn calculation<'a>(
    challenge: &'a DigestChallenge,
    method: &'a str,
    uri: &'a str,
    nc: u32,
    cnonce: &'a str,
    body: &'a [u8],
) -> Calculation<'a> {
    let qop = match (challenge.qop.auth, challenge.qop.auth_int) {
        (true, _) => "auth",
        (false, true) => "auth-int",
        (false, false) => "",
    };
    let (realm, nonce) = (&challenge.realm, &challenge.nonce);
    Calculation {
        algorithm: challenge.algorithm,
        realm,
        nonce,
        qop,
        nc,
        cnonce,
        method,
        uri,
        body,
    }
}

/// A nonce count as it is written and hashed: 8 hexadecimal digits.
fn count(nc: u32) -> String {
    hex(&nc.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{DigestResponse, Qop};

    fn challenge(realm: &str, nonce: &str, algorithm: Algorithm, auth: bool) -> DigestChallenge {
        let qop = Qop {
            auth,
            auth_int: false,
        };
        let (realm, nonce) = (realm.to_owned(), nonce.to_owned());
        DigestChallenge {
            realm,
            nonce,
            opaque: None,
            algorithm,
            qop,
            stale: false,
        }
    }

    fn response(value: &str) -> String {
        DigestResponse::parse(value).unwrap().response
    }

    #[test]
    fn hashes_are_right() {
        assert_eq!(
            Algorithm::Md5.hash_hex(b""),
            "d41d8cd98f00b204e9800998ecf8427e"
        );
        assert_eq!(
            Algorithm::Sha256.hash_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        // FIPS 180-4 example: SHA-512/256 has its own initial value.
        assert_eq!(
            Algorithm::Sha512_256.hash_hex(b"abc"),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        );
    }

    #[test]
    fn the_examples_of_rfc_7616_come_out() {
        for (algorithm, expected) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let challenge = challenge(
                "http-auth@example.org",
                "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                algorithm,
                true,
            );
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let secret = Secret::Password("Circle of Life");
            let value = digest_authorization(
                &challenge,
                "Mufasa",
                secret,
                "GET",
                "/dir/index.html",
                1,
                cnonce,
                b"",
            );
            assert_eq!(response(&value), expected);
        }
        // §3.9.2, as corrected by RFC erratum 4897.
        let challenge = challenge(
            "api@example.org",
            "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            Algorithm::Sha512_256,
            true,
        );
        let secret = Secret::Password("Secret, or not?");
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
        let value = digest_authorization(
            &challenge,
            "Jäsøn Doe",
            secret,
            "GET",
            "/doe.json",
            1,
            cnonce,
            b"",
        );
        assert_eq!(
            response(&value),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
        );
    }

    #[test]
    fn the_examples_of_rfc_2617_and_2069_come_out() {
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let with_qop = challenge("testrealm@host.com", nonce, Algorithm::Md5, true);
        let secret = Secret::Password("Circle Of Life");
        let uri = "/dir/index.html";
        let value =
            digest_authorization(&with_qop, "Mufasa", secret, "GET", uri, 1, "0a4f113b", b"");
        assert_eq!(
            value,
            "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
             response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, qop=auth, nc=00000001, \
             cnonce=\"0a4f113b\""
        );
        let ha1 = Secret::Ha1("939E7578ED9E3C518A452ACEE763BCE9");
        assert_eq!(
            digest_authorization(&with_qop, "Mufasa", ha1, "GET", uri, 1, "0a4f113b", b""),
            value
        );
        let without = DigestChallenge {
            opaque: Some("x".into()),
            qop: Qop::default(),
            ..with_qop
        };
        let value =
            digest_authorization(&without, "Mufasa", secret, "GET", uri, 1, "0a4f113b", b"");
        assert_eq!(response(&value), "670fd8c2df070c60b045671b8b24ff02");
        assert!(value.ends_with(", algorithm=MD5, opaque=\"x\""), "{value}");
    }

    /// Expected values computed with an independent implementation.
    #[test]
    fn session_algorithms_and_auth_int_come_out() {
        let mut challenge = challenge("r", "n", Algorithm::Sha256Sess, true);
        let value = digest_authorization(
            &challenge,
            "u",
            Secret::Password("p"),
            "REGISTER",
            "sip:r",
            2,
            "c",
            b"",
        );
        assert_eq!(
            response(&value),
            "d34a64965020792f3e819562d79fb3a4cdcf7a61613ddc4fd4527065d252b936"
        );
        challenge.algorithm = Algorithm::Md5;
        challenge.qop = Qop {
            auth: false,
            auth_int: true,
        };
        let value = digest_authorization(
            &challenge,
            "u",
            Secret::Password("p"),
            "MESSAGE",
            "sip:r",
            16,
            "c",
            b"hi",
        );
        assert_eq!(response(&value), "fb95f090518ea7a7325db330af3188c7");
        assert!(value.contains("qop=auth-int, nc=00000010"));
    }
}
