//! Messages for devices, until they have them. `tests/rules/messages.txt` has the cases.

use super::device::DeviceId;
use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};

/// How long one is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// As many of one device: of more the oldest goes.
const MAX_MESSAGES: usize = 100;

/// Bytes of a body.
const MAX_BODY: usize = 4096;

/// Bytes of the sender's URI.
const MAX_URI: usize = 512;

/// Bytes of a name, and of a Content-Type.
const MAX_TEXT: usize = 128;

/// A message as it is sent when its receiver is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What tells it from others, and is the Call-ID that it goes under.
    pub id: String,
    /// Who wrote it, as From had it.
    pub from: String,
    /// What the sender is called; empty if they do not say.
    pub display_name: String,
    /// Who wrote it, as the server knows it (RFC 3325).
    pub asserted: Option<String>,
    /// Of its Date.
    pub date: String,
    /// Of its body.
    pub content_type: String,
    /// What was written.
    pub body: Vec<u8>,
}

impl Letter {
    /// Whether it is worth keeping, and not too large for it. What is over in a moment
    /// (RFC 3994) is not.
    pub fn may_be_kept(&self) -> bool {
        let content_type = self.content_type.to_ascii_lowercase();
        !content_type.contains("im-iscomposing")
            && (1..=MAX_BODY).contains(&self.body.len())
            && content_type.len() <= MAX_TEXT
            && self.from.len() <= MAX_URI
            && self.display_name.len() <= MAX_TEXT
    }
}

/// One that waits for a device, or for its answer.
struct Kept {
    letter: Letter,
    until: Instant,
    /// The connection that it was sent over last: each gets it once.
    sent: Option<u32>,
}

/// What is kept for the devices of all users, the oldest first.
#[derive(Default)]
pub(super) struct Store {
    boxes: BTreeMap<(String, DeviceId), VecDeque<Kept>>,
}

impl Store {
    pub fn keep(
        &mut self,
        now: Instant,
        user: &str,
        device: &DeviceId,
        letter: Letter,
        sent: Option<u32>,
    ) {
        let owner = (user.to_owned(), device.clone());
        let kept = self.boxes.entry(owner).or_default();
        if kept.len() >= MAX_MESSAGES {
            kept.pop_front();
        }
        kept.push_back(Kept {
            letter,
            until: now + KEPT,
            sent,
        });
    }

    /// What a device is to be sent that is there on this connection.
    pub fn due(
        &mut self,
        now: Instant,
        user: &str,
        device: &DeviceId,
        connection: u32,
    ) -> Vec<Letter> {
        let Some(kept) = self.boxes.get_mut(&(user.to_owned(), device.clone())) else {
            return Vec::new();
        };
        kept.retain(|one| now <= one.until);
        let mut due = Vec::new();
        for one in kept {
            if one.sent.replace(connection) != Some(connection) {
                due.push(one.letter.clone());
            }
        }
        due
    }

    /// A device has answered a message: it has it, or does not want it.
    pub fn answered(&mut self, user: &str, device: &DeviceId, id: &str) {
        let owner = (user.to_owned(), device.clone());
        if let Some(kept) = self.boxes.get_mut(&owner) {
            kept.retain(|one| one.letter.id != id);
            if kept.is_empty() {
                self.boxes.remove(&owner);
            }
        }
    }

    /// The device that was sent a message over this connection has answered it.
    pub fn answered_on(&mut self, user: &str, connection: u32, id: &str) {
        let has_it = |one: &Kept| one.sent == Some(connection) && one.letter.id == id;
        let mut boxes = self.boxes.iter();
        let found = boxes.find(|((owner, _), kept)| owner == user && kept.iter().any(has_it));
        if let Some(device) = found.map(|((_, device), _)| device.clone()) {
            self.answered(user, &device, id);
        }
    }

    /// What was kept for others goes with them.
    pub fn retain(&mut self, stays: impl Fn(&str, &DeviceId) -> bool) {
        self.boxes.retain(|(user, device), _| stays(user, device));
    }
}
