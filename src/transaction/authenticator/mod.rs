//! Answering challenges: digest (RFC 3261 §22, RFC 7616, RFC 8760) with a nonce
//! kept for the next request, and bearer tokens (RFC 8898).

mod kept;
mod learn;
mod terms;

pub use terms::{Ask, Credentials, Learned, Once, Reach, Secrets, Subject};

use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{
    AuthenticationInfo, BearerChallenge, DigestChallenge, Message, Name, Secret,
    digest_authorization, digest_rspauth,
};
use crate::text::concat;

/// One protection space that was challenged.
struct Space {
    /// Challenged by a proxy (407) rather than the registrar (401).
    proxy: bool,
    scheme: Scheme,
    /// Sent since the challenge came.
    used: bool,
    /// Accepted once. Only what was never accepted can be a wrong password: a
    /// proven nonce that is refused has expired (Kamailio does not say `stale`).
    proven: bool,
    /// Refusals that are doubted, because the secrets were accepted before: a
    /// registrar that restarts refuses the answer to its own last challenge, and
    /// the next one may be read too late, after a sleep.
    doubts: u8,
}

enum Scheme {
    Digest {
        challenge: DigestChallenge,
        nc: u32,
        /// Username and password that the app gave when asked.
        given: Option<(String, String)>,
        /// URI and cnonce of the request sent last, to check `rspauth` against.
        sent: Option<(String, String)>,
    },
    Bearer {
        challenge: BearerChallenge,
        token: Option<String>,
    },
}

impl Scheme {
    fn realm(&self) -> &str {
        match self {
            Scheme::Digest { challenge, .. } => &challenge.realm,
            Scheme::Bearer { challenge, .. } => &challenge.realm,
        }
    }
}

/// Keeps what the servers asked for, and answers it.
pub struct Authenticator {
    secrets: Secrets,
    spaces: Vec<Space>,
    /// A nonce was refused when it was shown for the second time.
    nonces_serve_once: bool,
}

/// How many refusals of secrets that were accepted before are doubted.
const DOUBTS: u8 = 2;
/// A phone meets its registrar and perhaps a proxy; more realms than this are a
/// server that wants to be remembered too much.
const MAX_SPACES: usize = 4;

impl Authenticator {
    /// Knows no challenge yet.
    pub fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            spaces: Vec::new(),
            nonces_serve_once: false,
        }
    }

    /// Credential headers for a request: the answer to the challenge that came for
    /// it, and one for each space that is known. What does not end at our server
    /// shows the registrar's challenge answered to nobody: a far end must not
    /// collect digest responses.
    pub fn authorize(
        &mut self,
        subject: &Subject<'_>,
        once: Option<&Once>,
        random: &mut Random,
    ) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        let mut answered: Vec<(bool, String)> = Vec::new();
        if let Some(Once { proxy, challenge }) = once {
            let given = self.given(&challenge.realm);
            if let Some((username, secret)) = self.secrets.for_digest(given) {
                let cnonce = random.hex::<8>();
                let value = subject.digest(challenge, username, secret, 1, &cnonce);
                answered.push((*proxy, challenge.realm.clone()));
                headers.push((header_name(*proxy), value));
            }
        }
        let Self {
            secrets, spaces, ..
        } = self;
        // The challenge learnt last stands first: it is the one that counts where
        // registrar and proxy asked for the same realm.
        for space in spaces.iter_mut().rev() {
            // A registrar that relays for its users asks them as a proxy, with
            // the realm and the nonces of REGISTER. A hint has no time for that
            // round trip: Kamailio would challenge it, and the force behind it
            // would have removed the route by then.
            let to_proxy = space.proxy || subject.method == "OPTIONS";
            if !to_proxy && !subject.to_server {
                continue;
            }
            let question = (to_proxy, space.scheme.realm().to_owned());
            if answered.contains(&question) {
                continue;
            }
            let value = match &mut space.scheme {
                Scheme::Digest {
                    challenge,
                    nc,
                    given,
                    sent,
                } => {
                    let known = secrets.for_digest(given.as_ref());
                    let Some((username, secret)) = known.filter(|_| !challenge.nonce.is_empty())
                    else {
                        continue;
                    };
                    // Used up only if a store was edited.
                    *nc = nc.saturating_add(1);
                    let cnonce = random.hex::<8>();
                    let value = subject.digest(challenge, username, secret, *nc, &cnonce);
                    *sent = Some((subject.uri.to_owned(), cnonce));
                    value
                }
                Scheme::Bearer {
                    token: Some(token), ..
                } => concat(&["Bearer ", token]),
                Scheme::Bearer { token: None, .. } => continue,
            };
            space.used = true;
            answered.push(question);
            headers.push((header_name(to_proxy), value));
        }
        headers
    }

    /// What the app gave for `realm` when it was asked.
    fn given(&self, realm: &str) -> Option<&(String, String)> {
        self.spaces.iter().find_map(|space| match &space.scheme {
            Scheme::Digest {
                challenge, given, ..
            } if challenge.realm == realm => given.as_ref(),
            _ => None,
        })
    }

    /// Takes what the app answered to an [`Ask`] of this realm, or has for it meanwhile.
    /// `false`: it does not fit.
    pub fn supply(&mut self, realm: &str, credentials: Credentials) -> bool {
        let username = &self.secrets.username;
        let space = self
            .spaces
            .iter_mut()
            .find(|space| space.scheme.realm() == realm);
        match (space.map(|space| &mut space.scheme), credentials) {
            (
                Some(Scheme::Digest { given, sent, .. }),
                Credentials::Password {
                    username: name,
                    password,
                },
            ) => {
                *given = Some((name.unwrap_or_else(|| username.clone()), password));
                // By another secret what was sent cannot be checked.
                *sent = None;
                true
            }
            (Some(Scheme::Bearer { token, .. }), Credentials::Token(new)) => {
                *token = Some(new);
                true
            }
            _ => false,
        }
    }

    /// Whether the server takes every nonce once alone, as far as it has been seen.
    pub fn nonces_serve_once(&self) -> bool {
        self.nonces_serve_once
    }

    /// Whether a nonce is at hand that was never shown.
    pub fn has_fresh_nonce(&self) -> bool {
        self.spaces.iter().any(|space| {
            let digest = matches!(&space.scheme, Scheme::Digest { challenge, .. } if !challenge.nonce.is_empty());
            digest && !space.used
        })
    }

    /// The next request is to show no nonce, so that it brings in another one.
    pub fn give_up_nonces(&mut self) {
        for space in &mut self.spaces {
            if let Scheme::Digest { challenge, .. } = &mut space.scheme {
                challenge.nonce.clear();
            }
        }
    }

    /// Takes the answer to a request that was to bring in a nonce. That may be too old
    /// when it is shown: to be refused then says nothing of the password.
    pub fn learn_ahead(&mut self, answer: &Message) {
        if !matches!(answer.status(), 401 | 407) {
            self.nonces_serve_once = false;
            return;
        }
        self.learn(answer, Reach::Registrar, false);
        for space in &mut self.spaces {
            space.proven = true;
        }
    }

    /// Whether the credentials that were sent were never accepted.
    pub fn is_doubtful(&self) -> bool {
        self.spaces.iter().any(|space| space.used && !space.proven)
    }

    /// Takes an answer of our server that accepted the credentials: they are proven, and
    /// `nextnonce` replaces the nonce (RFC 7616 §3.5). `false`: the server sent
    /// an `rspauth` that does not prove that it knows the password.
    pub fn accepted(&mut self, answer: &Message) -> bool {
        let info = answer
            .header(Name::AuthenticationInfo)
            .map(AuthenticationInfo::parse);
        let Self {
            secrets,
            spaces,
            nonces_serve_once,
        } = self;
        for space in spaces.iter_mut().filter(|space| space.used) {
            space.proven = true;
            space.doubts = DOUBTS;
            let Scheme::Digest {
                challenge,
                nc,
                given,
                sent,
            } = &mut space.scheme
            else {
                continue;
            };
            if *nc > 1 && !challenge.nonce.is_empty() {
                *nonces_serve_once = false;
            }
            let Some(info) = info.as_ref().filter(|_| !space.proxy) else {
                continue;
            };
            // Of answers to requests that overlap, the one sent last can be checked.
            let last = sent.as_ref().map(|(_, cnonce)| cnonce);
            if let Some(rspauth) = info
                .rspauth
                .as_ref()
                .filter(|_| info.cnonce.as_ref() == last)
            {
                let proof = |(uri, cnonce): &(String, String)| {
                    let (username, secret) = secrets.for_digest(given.as_ref())?;
                    let body = answer.body();
                    Some(digest_rspauth(
                        challenge, username, secret, uri, *nc, cnonce, body,
                    ))
                };
                let expected = sent.as_ref().and_then(proof);
                if expected.is_some_and(|expected| !expected.eq_ignore_ascii_case(rspauth)) {
                    return false;
                }
            }
            if let Some(next) = &info.nextnonce {
                challenge.nonce.clone_from(next);
                *nc = 0;
                *sent = None;
            }
        }
        true
    }

    /// The flow was lost before the server judged what was sent. By the next flow
    /// the nonce may be dead, and its refusal then says nothing of the password.
    pub fn interrupted(&mut self) {
        self.set_proven();
    }

    /// What was shown has been accepted, or cannot be judged any more.
    pub fn set_proven(&mut self) {
        for space in self.spaces.iter_mut().filter(|space| space.used) {
            space.proven = true;
        }
    }

    /// Forgets the refused credentials, so that the app can be asked anew.
    pub fn reset(&mut self) {
        self.spaces.clear();
    }
}

impl Subject<'_> {
    fn digest(
        &self,
        challenge: &DigestChallenge,
        username: &str,
        secret: Secret<'_>,
        nc: u32,
        cnonce: &str,
    ) -> String {
        let Self {
            method, uri, body, ..
        } = self;
        digest_authorization(challenge, username, secret, method, uri, nc, cnonce, body)
    }
}

fn header_name(to_proxy: bool) -> &'static str {
    match to_proxy {
        true => "Proxy-Authorization",
        false => "Authorization",
    }
}

impl Secrets {
    fn for_digest<'a>(
        &'a self,
        given: Option<&'a (String, String)>,
    ) -> Option<(&'a str, Secret<'a>)> {
        if let Some((username, password)) = given {
            return Some((username, Secret::Password(password)));
        }
        let password = self.password.as_deref().map(Secret::Password);
        let secret = self.ha1.as_deref().map(Secret::Ha1).or(password)?;
        Some((&self.username, secret))
    }
}

#[cfg(test)]
mod tests;
