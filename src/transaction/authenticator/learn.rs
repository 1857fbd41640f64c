//! What a challenge leads to: whose counts, which can be answered, and whether it
//! refuses what was sent.

use super::{Ask, Authenticator, Learned, MAX_SPACES, Once, Reach, Scheme, Space};
use crate::sip::{Challenge, Message, Qop, challenges};

impl Authenticator {
    /// Takes a 401 or 407. Only the registrar may name a realm, and how strong a
    /// digest has to be; nothing is kept of a challenge to what goes to others:
    /// whoever answers it would have a nonce of his choice offered to the next one,
    /// or a password hashed by the weakest algorithm (RFC 3261 §22.3, §26.3.2.4).
    /// `again`: the request had answered a challenge before.
    pub fn learn(&mut self, answer: &Message, reach: Reach, again: bool) -> Learned {
        let mut learned = Learned::Unsupported;
        let mut seen = [false; 2];
        let challenges = challenges(answer);
        if challenges.is_empty() && self.drop_nonces(reach) {
            return Learned::Retry(None);
        }
        for (proxy, challenge) in challenges {
            let Some(seen) = seen.get_mut(usize::from(proxy)) else {
                continue;
            };
            // Most preferred first (RFC 8760 §2.4): the topmost one we can answer.
            if *seen || !self.answerable(&challenge) {
                continue;
            }
            if reach != Reach::Registrar && !self.is_as_strong(&challenge) {
                continue;
            }
            *seen = true;
            let new = match challenge {
                Challenge::Digest(challenge) if reach == Reach::Others => {
                    return match again && !challenge.stale {
                        true => Learned::Rejected,
                        false => Learned::Retry(Some(Once { proxy, challenge })),
                    };
                }
                // A token is good for whoever gets hold of it.
                Challenge::Bearer(_) if reach == Reach::Others => continue,
                challenge => self.learn_one(proxy, challenge, again),
            };
            learned = match (learned, new) {
                (Learned::Rejected, _) | (_, Learned::Rejected) => Learned::Rejected,
                (ask @ Learned::Ask(_), _) => ask,
                (_, new) => new,
            };
        }
        learned
    }

    /// Whether `answer` asks for a digest in `realm`, and for nothing else, to which
    /// nothing was answered yet.
    pub fn is_first(&self, answer: &Message, realm: &str) -> bool {
        let known = |space: &Space| space.used && space.scheme.realm().eq_ignore_ascii_case(realm);
        let own = |(_, challenge): &(bool, Challenge)| {
            matches!(challenge, Challenge::Digest(digest)
                if digest.realm.eq_ignore_ascii_case(realm))
        };
        let challenges = challenges(answer);
        !challenges.is_empty() && challenges.iter().all(own) && !self.spaces.iter().any(known)
    }

    /// Whether the registrar asks for no more than `challenge` does, in its realm.
    fn is_as_strong(&self, challenge: &Challenge) -> bool {
        let mut known = false;
        for space in &self.spaces {
            let enough = match (&space.scheme, challenge) {
                (scheme, Challenge::Digest(new)) if scheme.realm() != new.realm => continue,
                (scheme, Challenge::Bearer(new)) if scheme.realm() != new.realm => continue,
                (
                    Scheme::Digest {
                        challenge: known, ..
                    },
                    Challenge::Digest(new),
                ) => {
                    let weaker = new.algorithm.is_md5() && !known.algorithm.is_md5();
                    let bare = new.qop == Qop::default() && known.qop != Qop::default();
                    !weaker && !bare
                }
                (Scheme::Bearer { .. }, Challenge::Bearer(_)) => true,
                _ => false,
            };
            if !enough {
                return false;
            }
            known = true;
        }
        known
    }

    /// What was offered has been refused without a new challenge: its nonces are of
    /// no use any more, and a request without them may bring in another. `false`:
    /// nothing was offered.
    fn drop_nonces(&mut self, reach: Reach) -> bool {
        let mut dropped = false;
        for space in &mut self.spaces {
            if let Scheme::Digest { challenge, .. } = &mut space.scheme
                && space.used
                && (space.proxy || reach != Reach::Others)
            {
                dropped |= !challenge.nonce.is_empty();
                challenge.nonce.clear();
            }
        }
        dropped
    }

    fn answerable(&self, challenge: &Challenge) -> bool {
        let secrets = &self.secrets;
        match challenge {
            Challenge::Digest(digest) => {
                let known = secrets.ask || secrets.password.is_some() || secrets.ha1.is_some();
                known && !(digest.algorithm.is_md5() && secrets.refuse_md5)
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
        if let Some(Space {
            scheme: Scheme::Digest { nc: 2, .. },
            used: true,
            proven: true,
            ..
        }) = &old
        {
            self.nonces_serve_once = true;
        }
        let doubts = old.as_ref().map_or(0, |old| old.doubts);
        let doubted = refused && doubts > 0;
        if refused && !doubted {
            return Learned::Rejected;
        }
        let doubts = doubts - u8::from(doubted);
        let given = match old {
            // Accepted before and refused time and again: it has ended. The app is asked
            // for another one.
            Some(_) if doubted && doubts == 0 => None,
            Some(Space {
                scheme: Scheme::Digest { given, .. },
                ..
            }) => given,
            _ => None,
        };
        let (scheme, ask) = match challenge {
            Challenge::Digest(challenge) => {
                let known = self.secrets.for_digest(given.as_ref()).is_some();
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
        // Seldom more than one.
        self.spaces.reserve_exact(1);
        self.spaces.push(Space {
            proxy,
            scheme,
            used: false,
            proven: false,
            doubts,
        });
        ask.map_or(Learned::Retry(None), Learned::Ask)
    }
}
