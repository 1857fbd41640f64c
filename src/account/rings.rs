//! Where it rings.

use super::Kind;
use super::device::DeviceId;
use super::facts::Facts;
use super::refusal::Refusal;
use super::verb::Answer;
use serde::{Deserialize, Serialize};

/// Where it rings for a user: `"auto"`, or a list of ids.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Rings {
    /// At whatever is logged in; at desk phones if nothing else is.
    Auto(Auto),
    /// At these devices. None of them: nowhere.
    At(Vec<DeviceId>),
}

/// The word for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Auto {
    /// `"auto"`
    #[default]
    Auto,
}

impl Default for Rings {
    fn default() -> Self {
        Self::Auto(Auto::Auto)
    }
}

impl Facts {
    pub fn set_rings(&mut self, mut rings: Rings) -> Result<Answer, Refusal> {
        if let Rings::At(ids) = &mut rings {
            let authorised = |id| self.authorised(id).is_ok();
            if !ids.iter().all(authorised) {
                return Err(Refusal::Unknown);
            }
            let mut seen = Vec::new();
            ids.retain(|id| {
                let first = !seen.contains(id);
                seen.push(id.clone());
                first
            });
        }
        if rings != self.rings {
            self.rings = rings.clone();
            self.changed(Kind::RingsOn);
        }
        Ok(Answer::Rings(rings))
    }

    /// Takes a device into the set of those that ring, or out of it. Nobody means to be out
    /// of reach: with the last one out it is as if nothing had been set.
    pub fn toggle_rings(&mut self, id: &DeviceId) -> Rings {
        let mut ids = match &self.rings {
            Rings::At(ids) => ids.clone(),
            Rings::Auto(_) => Vec::new(),
        };
        match ids.iter().position(|known| known == id) {
            Some(place) => drop(ids.remove(place)),
            None => ids.push(id.clone()),
        }
        self.rings = match ids.is_empty() {
            true => Rings::default(),
            false => Rings::At(ids),
        };
        self.changed(Kind::RingsOn);
        self.rings.clone()
    }

    /// `id` is no device any more that could ring; `heir` takes its place. With nobody
    /// left it is as if nothing had been set: nobody meant to be out of reach.
    pub fn rings_without(&mut self, id: &DeviceId, heir: Option<&DeviceId>) {
        let Rings::At(ids) = &mut self.rings else {
            return;
        };
        let Some(place) = ids.iter().position(|known| known == id) else {
            return;
        };
        let heir = heir.filter(|heir| !ids.contains(heir));
        ids.splice(place..=place, heir.cloned());
        if ids.is_empty() {
            self.rings = Rings::default();
        }
        self.changed(Kind::RingsOn);
    }
}
