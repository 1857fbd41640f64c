//! What waits in a user's mailbox: the event package `message-summary` (RFC 3842). The
//! voicemail service says it, by a verb of the account or by PUBLISH.

use super::Registrar;
use super::reply::Refusal;
use crate::account::Mailbox;
use crate::text::number;

impl Registrar {
    /// The document for `user`.
    pub(super) fn message_summary(&self, user: &str, aor: &str) -> String {
        let Mailbox { new, old } = self.accounts.mailbox(user);
        let waiting = if new > 0 { "yes" } else { "no" };
        format!(
            "Messages-Waiting: {waiting}\r\nMessage-Account: {aor}\r\n\
             Voice-Message: {new}/{old} (0/0)\r\n"
        )
    }

    /// Takes a document that the voicemail service has published.
    pub(super) fn take_summary(&mut self, user: &str, body: &[u8]) -> Result<(), Refusal> {
        let Mailbox { new, old } = read(body).ok_or_else(|| Refusal::bad("No Message Summary"))?;
        let counts = format!("{{\"new\":{new},\"old\":{old}}}");
        self.account(self.now, user, "mailbox_set", &counts);
        Ok(())
    }
}

/// The counts of the voice messages (RFC 3842 §5.2): `Voice-Message: new/old`, with more
/// behind it or not.
fn read(body: &[u8]) -> Option<Mailbox> {
    let text = std::str::from_utf8(body).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, counts) = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case("Voice-Message"))?;
    let counts = counts.split('(').next()?;
    let (new, old) = counts.split_once('/')?;
    let count = |text: &str| u16::try_from(number(text.trim())?).ok();
    Some(Mailbox {
        new: count(new)?,
        old: count(old)?,
    })
}
