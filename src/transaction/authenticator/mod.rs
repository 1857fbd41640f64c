//! Answering challenges: digest (RFC 3261 §22, RFC 7616, RFC 8760) with a nonce
//! kept for the next request, and bearer tokens (RFC 8898).

mod kept;

use crate::prelude::*;
use crate::rand::Random;
use crate::sip::{
    Algorithm, AuthenticationInfo, BearerChallenge, Challenge, DigestChallenge, Message, Name,
    Secret, challenges, digest_authorization, digest_rspauth,
};
use crate::text::concat;

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

/// What a challenge leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Send the request again; it will carry credentials.
    Retry,
    /// Ask the app, then send the request again.
    Ask(Ask),
    /// The credentials were refused.
    Rejected,
    /// No challenge that can or may be answered.
    Unsupported,
}

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
        }
    }

    /// Credential headers for a request: one for each challenged space. What does
    /// not end at the `registrar` shows its challenge answered only where it was
    /// asked just now: a far end must not collect digest responses.
    pub fn authorize(
        &mut self,
        method: &str,
        uri: &str,
        registrar: bool,
        random: &mut Random,
    ) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        let mut answered: Vec<(bool, String)> = Vec::new();
        let Self { secrets, spaces } = self;
        // The challenge learnt last stands first: it is the one that counts where
        // registrar and proxy asked for the same realm.
        for space in spaces.iter_mut().rev() {
            // A registrar that relays for its users asks them as a proxy, with
            // the realm and the nonces of REGISTER. A hint has no time for that
            // round trip: Kamailio would challenge it, and the force behind it
            // would have removed the route by then.
            let to_proxy = space.proxy || method == "OPTIONS";
            if !to_proxy && !registrar && space.used {
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
                    let Some((username, secret)) = secrets.for_digest(given) else {
                        continue;
                    };
                    // Used up only if a store was edited.
                    *nc = nc.saturating_add(1);
                    let cnonce = random.hex::<8>();
                    let value = digest_authorization(
                        challenge, username, secret, method, uri, *nc, &cnonce, b"",
                    );
                    *sent = Some((uri.to_owned(), cnonce));
                    value
                }
                Scheme::Bearer {
                    token: Some(token), ..
                } => concat(&["Bearer ", token]),
                Scheme::Bearer { token: None, .. } => continue,
            };
            space.used = true;
            let name = if to_proxy {
                "Proxy-Authorization"
            } else {
                "Authorization"
            };
            answered.push(question);
            headers.push((name, value));
        }
        headers
    }

    /// Takes a 401 or 407. Only an answer to REGISTER may bring in a new realm:
    /// a far end must not harvest digest responses by challenging us.
    /// `again`: the request had answered a challenge before.
    pub fn learn(&mut self, answer: &Message, to_register: bool, again: bool) -> Learned {
        let mut learned = Learned::Unsupported;
        let mut seen = [false; 2];
        for (proxy, challenge) in challenges(answer) {
            let Some(seen) = seen.get_mut(usize::from(proxy)) else {
                continue;
            };
            // Most preferred first (RFC 8760 §2.4): the topmost one we can answer.
            if *seen || !self.answerable(&challenge) {
                continue;
            }
            let realm = match &challenge {
                Challenge::Digest(digest) => &digest.realm,
                Challenge::Bearer(bearer) => &bearer.realm,
            };
            if !to_register
                && !self
                    .spaces
                    .iter()
                    .any(|space| space.scheme.realm() == realm)
            {
                continue;
            }
            *seen = true;
            learned = match (learned, self.learn_one(proxy, challenge, again)) {
                (Learned::Rejected, _) | (_, Learned::Rejected) => Learned::Rejected,
                (ask @ Learned::Ask(_), _) => ask,
                (_, new) => new,
            };
        }
        learned
    }

    fn answerable(&self, challenge: &Challenge) -> bool {
        let secrets = &self.secrets;
        match challenge {
            Challenge::Digest(digest) => {
                let md5 = matches!(digest.algorithm, Algorithm::Md5 | Algorithm::Md5Sess);
                let known = secrets.ask || secrets.password.is_some() || secrets.ha1.is_some();
                // auth-int alone would hash bodies; no registrar asks for it.
                let qop = digest.qop.auth || !digest.qop.auth_int;
                known && qop && !(md5 && secrets.refuse_md5)
            }
            Challenge::Bearer(_) => secrets.ask && secrets.token_allowed,
        }
    }

    fn learn_one(&mut self, proxy: bool, challenge: Challenge, again: bool) -> Learned {
        let realm = match &challenge {
            Challenge::Digest(digest) => digest.realm.clone(),
            Challenge::Bearer(bearer) => bearer.realm.clone(),
        };
        let stale = matches!(&challenge, Challenge::Digest(digest) if digest.stale);
        let same = |space: &Space| space.proxy == proxy && space.scheme.realm() == realm;
        let old = self
            .spaces
            .iter()
            .position(same)
            .map(|index| self.spaces.remove(index));
        let refused = old
            .as_ref()
            .is_some_and(|old| again && old.used && !old.proven && !stale);
        let doubts = old.as_ref().map_or(0, |old| old.doubts);
        let (refused, doubts) = match (refused, doubts.checked_sub(1)) {
            (true, Some(left)) => (false, left),
            _ => (refused, doubts),
        };
        let mut given = match old {
            Some(Space {
                scheme: Scheme::Digest { given, .. },
                ..
            }) => given,
            _ => None,
        };
        if refused {
            given = None;
        }
        let (scheme, ask) = match challenge {
            Challenge::Digest(challenge) => {
                let known = self.secrets.for_digest(&given).is_some();
                let ask = (!known).then(|| Ask {
                    scheme: "digest",
                    realm: realm.clone(),
                    authz_server: None,
                    scope: None,
                });
                (
                    Scheme::Digest {
                        challenge,
                        nc: 0,
                        given,
                        sent: None,
                    },
                    ask,
                )
            }
            Challenge::Bearer(challenge) => {
                let ask = Ask {
                    scheme: "bearer",
                    realm: realm.clone(),
                    authz_server: challenge.authz_server.clone(),
                    scope: challenge.scope.clone(),
                };
                (
                    Scheme::Bearer {
                        challenge,
                        token: None,
                    },
                    Some(ask),
                )
            }
        };
        if self.spaces.len() >= MAX_SPACES {
            self.spaces.remove(0);
        }
        if refused {
            return Learned::Rejected;
        }
        // Seldom more than one.
        self.spaces.reserve_exact(1);
        self.spaces.push(Space {
            proxy,
            scheme,
            used: false,
            proven: false,
            doubts,
        });
        ask.map_or(Learned::Retry, Learned::Ask)
    }

    /// Takes what the app answered to an [`Ask`]. `false`: it does not fit the
    /// question.
    pub fn supply(&mut self, asked: &Ask, credentials: Credentials) -> bool {
        let username = &self.secrets.username;
        let space = self
            .spaces
            .iter_mut()
            .find(|space| space.scheme.realm() == asked.realm);
        match (space.map(|space| &mut space.scheme), credentials) {
            (
                Some(Scheme::Digest { given, .. }),
                Credentials::Password {
                    username: name,
                    password,
                },
            ) => {
                *given = Some((name.unwrap_or_else(|| username.clone()), password));
                true
            }
            (Some(Scheme::Bearer { token, .. }), Credentials::Token(new)) => {
                *token = Some(new);
                true
            }
            _ => false,
        }
    }

    /// Takes an answer that accepted the credentials: they are proven, and
    /// `nextnonce` replaces the nonce (RFC 7616 §3.5). `false`: the server sent
    /// an `rspauth` that does not prove that it knows the password.
    pub fn accepted(&mut self, answer: &Message) -> bool {
        let info = answer
            .header(Name::AuthenticationInfo)
            .map(AuthenticationInfo::parse);
        let Self { secrets, spaces } = self;
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
                    let (username, secret) = secrets.for_digest(given)?;
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
        for space in self.spaces.iter_mut().filter(|space| space.used) {
            space.proven = true;
        }
    }

    /// Forgets the refused credentials, so that the app can be asked anew.
    pub fn reset(&mut self) {
        self.spaces.clear();
    }
}

impl Secrets {
    fn for_digest<'a>(
        &'a self,
        given: &'a Option<(String, String)>,
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
mod tests {
    use super::*;
    use crate::sip::{DigestResponse, Framing};

    fn answer(status: &str, headers: &str) -> Message {
        let text = format!("SIP/2.0 {status}\r\nCSeq: 1 REGISTER\r\n{headers}\r\n\r\n");
        Message::parse(text.as_bytes(), Framing::Frame).unwrap()
    }

    fn challenged() -> (Authenticator, DigestResponse) {
        let secrets = Secrets {
            username: "2001".into(),
            password: Some("secret".into()),
            ..Secrets::default()
        };
        let mut authenticator = Authenticator::new(secrets);
        let challenge =
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
        let learned = authenticator.learn(&answer("401 Unauthorized", challenge), true, true);
        assert_eq!(learned, Learned::Retry);
        let mut random = Random::from_seed([3; 32]);
        let sent = authenticator.authorize("REGISTER", "sip:r", true, &mut random);
        let [("Authorization", value)] = sent.as_slice() else {
            panic!("one Authorization: {sent:?}");
        };
        (authenticator, DigestResponse::parse(value).unwrap())
    }

    #[test]
    fn a_server_that_proves_the_wrong_password_is_not_believed() {
        for (password, believed) in [("secret", true), ("other", false)] {
            let (mut authenticator, sent) = challenged();
            let rspauth = sent.rspauth(Secret::Password(password), b"");
            let cnonce = sent.cnonce.unwrap();
            let info = format!(
                "Authentication-Info: qop=auth, rspauth=\"{rspauth}\", cnonce=\"{cnonce}\", nc=00000001"
            );
            assert_eq!(authenticator.accepted(&answer("200 OK", &info)), believed);
        }
    }

    #[test]
    fn the_next_nonce_is_used_from_its_first_count() {
        let (mut authenticator, _) = challenged();
        authenticator.accepted(&answer("200 OK", "Authentication-Info: nextnonce=\"m\""));
        let sent =
            authenticator.authorize("REGISTER", "sip:r", true, &mut Random::from_seed([4; 32]));
        let sent = DigestResponse::parse(&sent[0].1).unwrap();
        assert_eq!((sent.nonce.as_str(), sent.nc), ("m", Some(1)));
    }

    #[test]
    fn a_password_that_was_accepted_is_refused_only_three_times_in_a_row() {
        let (mut authenticator, _) = challenged();
        authenticator.accepted(&answer("200 OK", ""));
        let mut refuse = |nonce: &str| {
            let challenge = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"");
            let learned = authenticator.learn(&answer("401 Unauthorized", &challenge), true, true);
            authenticator.authorize("REGISTER", "sip:r", true, &mut Random::from_seed([5; 32]));
            learned
        };
        // The nonce had expired; the registrar restarted; its challenge was read after a
        // sleep; the password was changed.
        assert_eq!(refuse("m"), Learned::Retry);
        assert_eq!(refuse("o"), Learned::Retry);
        assert_eq!(refuse("p"), Learned::Retry);
        assert_eq!(refuse("q"), Learned::Rejected);
    }

    #[test]
    fn a_realm_that_no_registrar_named_is_not_answered() {
        let (mut authenticator, _) = challenged();
        let foreign = "Proxy-Authenticate: Digest realm=\"evil\", nonce=\"n\", qop=\"auth\"";
        let foreign = answer("407 Proxy Authentication Required", foreign);
        assert_eq!(
            authenticator.learn(&foreign, false, false),
            Learned::Unsupported
        );
    }
}
