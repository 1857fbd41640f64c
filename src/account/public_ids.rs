//! The ids under which others reach a user: numbers and names. A number is the user's
//! once a code that was sent there came back.

use super::Kind;
use super::facts::Facts;
use super::refusal::Refusal;
use super::text::{PublicIdText, Word};
use super::verb::Answer;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Ids of one user.
const MAX_IDS: usize = 32;

/// Wrong codes after which a new one is needed.
const MAX_TRIES: u32 = 5;

/// What an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdKind {
    /// A telephone number.
    Tel,
    /// A name in this domain: of who asks first.
    Name,
    /// A name elsewhere.
    Social,
}

/// An id under which others reach a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicId {
    /// The id.
    pub id: PublicIdText,
    /// What it is.
    pub kind: IdKind,
    /// Whether it is known to be the user's.
    pub confirmed: bool,
    #[serde(skip)]
    code: Option<Code>,
}

/// The code that confirms an id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Code {
    hash: Word<128>,
    until: Instant,
    tries: u32,
}

/// What `public_id_add` is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    pub id: PublicIdText,
    kind: IdKind,
    code_hash: Option<Word<128>>,
    /// Until when the code is good, in milliseconds since the epoch.
    until: Option<u64>,
}

impl Facts {
    /// Whether `id` is known to be this user's.
    pub fn owns(&self, id: &str) -> bool {
        let mut ids = self.public_ids.iter();
        ids.any(|known| known.confirmed && *known.id == *id)
    }

    /// Adds an id, or gives one that is not confirmed a new code. That nobody else has
    /// confirmed it was looked after.
    pub fn add_public_id(&mut self, asked: Add) -> Result<Answer, Refusal> {
        let code = match (asked.kind, asked.code_hash, asked.until) {
            (IdKind::Name, ..) => None,
            (_, Some(hash), Some(until)) => Some(Code {
                hash,
                until: Instant::from_millis(until),
                tries: 0,
            }),
            _ => {
                return Err(Refusal::Invalid {
                    complaint: "an id of this kind needs code_hash and until".to_owned(),
                });
            }
        };
        let known = self
            .public_ids
            .iter_mut()
            .find(|known| known.id == asked.id);
        if let Some(known) = known {
            if !known.confirmed {
                known.kind = asked.kind;
                known.confirmed = code.is_none();
                known.code = code;
            }
            let known = known.clone();
            self.changed(Kind::PublicIds);
            return Ok(Answer::PublicId(known));
        }
        if self.public_ids.len() >= MAX_IDS {
            return Err(Refusal::Limit {
                limit: MAX_IDS,
                devices: None,
            });
        }
        let id = PublicId {
            id: asked.id,
            kind: asked.kind,
            confirmed: code.is_none(),
            code,
        };
        self.public_ids.push(id.clone());
        self.changed(Kind::PublicIds);
        Ok(Answer::PublicId(id))
    }

    /// Takes the code that came back.
    pub fn confirm_public_id(
        &mut self,
        now: Instant,
        id: &str,
        code_hash: &str,
    ) -> Result<Answer, Refusal> {
        let known = self.public_ids.iter_mut().find(|known| *known.id == *id);
        let known = known.ok_or(Refusal::Unknown)?;
        if let Some(code) = &mut known.code {
            if now >= code.until {
                return Err(Refusal::Expired);
            }
            if code.tries >= MAX_TRIES {
                return Err(Refusal::TooMany);
            }
            if *code.hash != *code_hash {
                code.tries += 1;
                return Err(Refusal::Wrong);
            }
            known.code = None;
            known.confirmed = true;
            let known = known.clone();
            self.changed(Kind::PublicIds);
            return Ok(Answer::PublicId(known));
        }
        Ok(Answer::PublicId(known.clone()))
    }

    pub fn remove_public_id(&mut self, id: &str) -> Result<Answer, Refusal> {
        let known = self.public_ids.iter().position(|known| *known.id == *id);
        self.public_ids.remove(known.ok_or(Refusal::Unknown)?);
        self.changed(Kind::PublicIds);
        Ok(Answer::Nothing)
    }
}
