//! What the authenticator is told, and what it says.

use crate::prelude::*;
use crate::sip::DigestChallenge;

/// What the app configured.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Digest username.
    pub username: String,
    /// Password, or:
    pub password: Option<String>,
    /// HA1, which is bound to one realm and algorithm.
    pub ha1: Option<String>,
    /// Whether the app can be asked.
    pub ask: bool,
    /// Whether MD5 challenges are passed over.
    pub refuse_md5: bool,
    /// Whether a bearer token may be sent: TLS, or loopback.
    pub token_allowed: bool,
}

/// What the app answered when asked.
#[derive(Clone)]
pub enum Credentials {
    /// For digest.
    Password {
        /// Digest username, if another than configured.
        username: Option<String>,
        /// Password.
        password: String,
    },
    /// For bearer.
    Token(String),
}

/// A question for the app's `credentials` callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// `digest` or `bearer`.
    pub scheme: &'static str,
    /// Realm of the challenge.
    pub realm: String,
    /// Authorization server (RFC 8898 §4).
    pub authz_server: Option<String>,
    /// Scope wanted.
    pub scope: Option<String>,
}

/// Where a request ends, and so who may challenge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the registrar, as REGISTER: it names the realms that count.
    Registrar,
    /// At our own server, but for its realms we know.
    Server,
    /// At somebody else's phone, which may answer as if it were the server.
    Others,
}

/// A challenge that is answered in one request, and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    pub(super) proxy: bool,
    pub(super) challenge: DigestChallenge,
}

/// What a challenge leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Send the request again; it will carry credentials, and what answers this
    /// challenge to it alone.
    Retry(Option<Once>),
    /// Ask the app, then send the request again.
    Ask(Ask),
    /// The credentials were refused.
    Rejected,
    /// No challenge that can or may be answered.
    Unsupported,
}

/// What credentials are computed for.
pub struct Subject<'a> {
    /// Method.
    pub method: &'a str,
    /// Request-URI.
    pub uri: &'a str,
    /// Body.
    pub body: &'a [u8],
    /// Whether it ends at our own server.
    pub to_server: bool,
}
