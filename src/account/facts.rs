//! The facts of one user, and what becomes of them.

use super::Kind;
use super::device::{Device, DeviceId};
use super::public_ids::PublicId;
use super::refusal::Refusal;
use super::rings::Rings;
use super::rules::Rules;
use super::status::{Mailbox, Manual};
use super::verb::{Answer, Verb};
use crate::time::Instant;

#[derive(Default)]
pub(super) struct Facts {
    /// In the order in which they came.
    pub devices: Vec<Device>,
    pub rings: Rings,
    pub public_ids: Vec<PublicId>,
    pub rules: Rules,
    pub manual: Manual,
    pub mailbox: Mailbox,
    news: News,
}

/// What a call has changed.
#[derive(Default)]
pub(super) struct News {
    pub changed: Vec<Kind>,
    /// Whether a device may not be registered any more.
    pub barred: bool,
    /// Devices that are not on the list any more.
    pub removed: Vec<DeviceId>,
}

impl Facts {
    pub fn answer(&mut self, now: Instant, verb: Verb) -> Result<Answer, Refusal> {
        match verb {
            Verb::Devices {} => Ok(Answer::Devices(self.devices.clone())),
            Verb::Authorise(asked) => self.authorise(now, asked),
            Verb::Rename { id, name } => self.rename(&id, name),
            Verb::Revoke { id } => self.revoke(now, &id),
            Verb::Restore { id, limits } => self.restore(now, &id, limits),
            Verb::Forget { id } => self.forget(&id),
            Verb::PushSet { id, push } => self.set_push(&id, push),
            Verb::PushGone { endpoint } => Ok(self.drop_push(&endpoint)),
            Verb::Rings {} => Ok(Answer::Rings(self.rings.clone())),
            Verb::RingsSet { ids } => self.set_rings(ids),
            Verb::Rules {} => Ok(Answer::Rules(self.rules.clone())),
            Verb::RulesSet(asked) => self.set_rules(asked),
            Verb::PresenceManual {} => Ok(Answer::Manual(self.manual.clone())),
            Verb::PresenceManualSet(manual) => self.set_manual(manual),
            Verb::Mailbox {} => Ok(Answer::Mailbox(self.mailbox)),
            Verb::MailboxSet(mailbox) => self.set_mailbox(mailbox),
            Verb::PublicIds {} => Ok(Answer::PublicIds(self.public_ids.clone())),
            Verb::PublicIdAdd(asked) => self.add_public_id(asked),
            Verb::PublicIdConfirm { id, code_hash } => self.confirm_public_id(now, &id, &code_hash),
            Verb::PublicIdRemove { id } => self.remove_public_id(&id),
            // These are about more than one user.
            Verb::PublicIdOwner { .. }
            | Verb::CredentialSet(_)
            | Verb::CredentialsDrop { .. }
            | Verb::History(_)
            | Verb::HistoryRecord { .. } => Ok(Answer::Nothing),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
            && self.rings == Rings::default()
            && self.public_ids.is_empty()
            && self.rules == Rules::default()
            && self.manual == Manual::default()
            && self.mailbox == Mailbox::default()
    }

    pub fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    pub fn changed(&mut self, kind: Kind) {
        if !self.news.changed.contains(&kind) {
            self.news.changed.push(kind);
        }
    }

    pub fn barred(&mut self) {
        self.news.barred = true;
    }

    pub fn removed(&mut self, id: DeviceId) {
        self.barred();
        self.news.removed.push(id);
    }
}
