//! What becomes of calls that are not taken: rules of the user, whatever the device.

use super::Kind;
use super::facts::Facts;
use super::refusal::Refusal;
use super::target::Target;
use super::verb::Answer;
use serde::{Deserialize, Deserializer, Serialize};

/// Rules for calls to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Where all calls go.
    pub always: Option<Target>,
    /// Where they go that meet a busy user.
    pub busy: Option<Target>,
    /// Where they go that reach no device.
    pub offline: Option<Target>,
    /// Where they go that nobody answers in time.
    pub no_answer: Option<NoAnswer>,
    /// Whether it does not ring at all.
    pub do_not_disturb: bool,
}

/// A rule for calls that nobody answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoAnswer {
    /// Where they go.
    pub to: Target,
    /// After so long.
    pub seconds: Seconds,
}

/// How long it may ring, in seconds: 5, which is a ring or two, to 120, well before the
/// proxy's own patience ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u64")]
pub struct Seconds(u8);

impl Seconds {
    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u64> for Seconds {
    type Error = String;

    fn try_from(seconds: u64) -> Result<Self, String> {
        let fits = u8::try_from(seconds)
            .ok()
            .filter(|fits| (5..=120).contains(fits));
        fits.map(Self)
            .ok_or_else(|| "5 to 120 seconds are wanted".to_owned())
    }
}

/// What `rules_set` is given: what is not named stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Set {
    #[serde(default, deserialize_with = "named")]
    always: Option<Option<Target>>,
    #[serde(default, deserialize_with = "named")]
    busy: Option<Option<Target>>,
    #[serde(default, deserialize_with = "named")]
    offline: Option<Option<Target>>,
    #[serde(default, deserialize_with = "named")]
    no_answer: Option<Option<NoAnswer>>,
    #[serde(default, deserialize_with = "named")]
    do_not_disturb: Option<bool>,
}

/// A value that is there, be it `null`.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

impl Facts {
    pub fn set_rules(&mut self, asked: Set) -> Result<Answer, Refusal> {
        let old = self.rules.clone();
        let rules = Rules {
            always: asked.always.unwrap_or(old.always),
            busy: asked.busy.unwrap_or(old.busy),
            offline: asked.offline.unwrap_or(old.offline),
            no_answer: asked.no_answer.unwrap_or(old.no_answer),
            do_not_disturb: asked.do_not_disturb.unwrap_or(old.do_not_disturb),
        };
        if rules.do_not_disturb != self.rules.do_not_disturb {
            self.changed(Kind::Presence);
        }
        if rules != self.rules {
            self.rules = rules;
            self.changed(Kind::Rules);
        }
        Ok(Answer::Rules(self.rules.clone()))
    }
}
