//! What is seen on the wire: for the transcript, and to be counted.

use super::{ClientId, World};
use graceline::registrar::ConnectionId;

/// A REGISTER, as far as it tells what its client is up to.
struct Sent<'a> {
    line: &'a str,
    contacts: Vec<&'a str>,
    /// Cisco's alarm 111: the app asked for the takeover.
    forced: bool,
}

impl<'a> Sent<'a> {
    fn read(text: &'a str) -> Self {
        let mut lines = text.lines();
        let line = lines.next().unwrap_or_default();
        let contacts = text
            .lines()
            .filter_map(|line| line.strip_prefix("Contact: "));
        Self {
            line,
            contacts: contacts.collect(),
            forced: text.contains("cisco-alarm:111"),
        }
    }

    fn removals(&self) -> impl Iterator<Item = &&'a str> {
        let removal = |contact: &&&str| contact.ends_with(";expires=0");
        self.contacts.iter().filter(removal)
    }
}

impl World {
    pub(super) fn note_sent(&mut self, id: ClientId, slot: u32, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        if self.telling {
            let line = text.lines().next().unwrap_or_default();
            self.sent.push((id, slot, line.to_owned()));
        }
        if !text.starts_with("REGISTER") {
            let line = text.lines().next().unwrap_or_default();
            return self.note(|world| format!("{} → {line}", world.clients[id].name));
        }
        self.clients[id].registers += 1;
        let sent = Sent::read(&text);
        if let Some(removal) = self.removal(id, &sent) {
            self.tally.count("forces by removal", removal);
        }
        self.note(|world| {
            let contacts = sent.contacts.iter().map(|value| {
                let uri = value.split(['>', ';']).next().unwrap_or_default();
                let removed = if value.contains("expires=0") {
                    " (removed)"
                } else {
                    ""
                };
                format!("{uri}>{removed}")
            });
            let contacts = contacts.collect::<Vec<_>>().join(", ");
            format!("{} → {} {contacts}", world.clients[id].name, sent.line)
        });
    }

    /// How a forced REGISTER takes the device over.
    fn removal(&self, id: ClientId, sent: &Sent<'_>) -> Option<&'static str> {
        let known = &self.clients[id].identities;
        if sent.contacts == ["*"] {
            return Some("all cleared");
        }
        let own = sent.contacts.last().filter(|_| sent.forced)?;
        if !own.starts_with("<sip:g1-") {
            return Some("asked of the registrar");
        }
        let own_ghost = |contact: &&str| known.iter().any(|known| contact.contains(&known.tag));
        if !sent.removals().all(own_ghost) {
            return Some("removed by name");
        }
        let bindings = self.registrar.bindings("2001");
        let rival = bindings
            .iter()
            .any(|binding| self.owner(binding) != Some(id) && binding.device == self.device(id));
        Some(if rival { "beside" } else { "nobody there" })
    }

    pub(super) fn note_answered(&mut self, connection: ConnectionId, data: &[u8]) {
        let line = data.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        if let Some(status) = line.strip_prefix("SIP/2.0 ") {
            let status = status.get(..3).unwrap_or_default();
            self.tally.count("answers of the registrar", status);
        } else if let Some((method, _)) = line.split_once(' ') {
            self.tally.count("requests of the registrar", method);
        }
        self.note(|world| format!("{} ← {line}", world.peer(connection)));
    }
}
