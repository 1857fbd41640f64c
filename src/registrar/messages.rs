//! Messages (RFC 3428) for devices of a user: kept until each has answered, those that are
//! there now, too, whose connection may have died without a sign. Who is away, or has not
//! answered when its connection ends, is sent it over the next. The sender hears 202 where
//! nobody has taken it and somebody is yet to get it.

use super::notify::About;
use super::proxy::Hop;
use super::relay::{Branch, End, Outcome};
use super::waking::Absent;
use super::{ConnectionId, Registrar};
use crate::account::{DeviceId, Letter};
use crate::sip::{Message, Name, Writer, format_date, quote, sanitize_text};
use crate::time::Duration;

/// How long the devices that are there may take to answer before the sender is told that a
/// message is kept: less than the 64·T1 after which it gives up.
pub(super) const OTHERS_WAIT: Duration = Duration::from_secs(10);

/// A message that is kept, while its copies are under way.
pub(super) struct Kept {
    user: String,
    id: String,
    /// For somebody who is away, too.
    away: bool,
}

impl Kept {
    /// Whether somebody is yet to get it, for all that the copies have come to.
    pub fn is_due(&self, branches: &[Branch]) -> bool {
        let has_said = |branch: &Branch| match branch.outcome {
            Some(Outcome::Accepted) => true,
            Some(Outcome::Failed { status, .. }) => is_said(status),
            Some(Outcome::Lost) | None => false,
        };
        self.away || !branches.iter().all(has_said)
    }
}

/// Whether a device that answers a message so has it, or does not want it.
pub(super) fn is_said(status: u16) -> bool {
    !matches!(status, 408 | 430 | 480 | 500..=599)
}

impl Registrar {
    /// Keeps a message for devices that are away, and for those that it goes to until they
    /// have answered; nothing, where it is not for keeping.
    pub(super) fn keep(
        &mut self,
        from: End,
        request: &Message,
        absent: &Absent,
        hops: &[Hop],
    ) -> Option<Kept> {
        let Absent { user, devices } = absent;
        let letter = self.letter(from, request).filter(Letter::may_be_kept)?;
        let there = hops.iter().filter_map(|hop| {
            let entry = self.store.get(hop.to.binding?)?;
            let device = self.device_of(entry).filter(|own| own.is_authorised())?;
            Some((device.id.clone(), Some(hop.to.connection)))
        });
        let away = devices.iter().map(|device| (device.clone(), None));
        let all: Vec<(DeviceId, Option<ConnectionId>)> = there.chain(away).collect();
        for (device, connection) in &all {
            let letter = letter.clone();
            self.accounts
                .keep_message(self.now, user, device, letter, *connection);
        }
        (!all.is_empty()).then(|| Kept {
            user: user.clone(),
            id: letter.id,
            away: !devices.is_empty(),
        })
    }

    /// A device has answered the copy of a message that went over its connection.
    pub(super) fn copy_answered(&mut self, relay: usize, connection: ConnectionId, status: u16) {
        let relay = self.relays.get(relay).filter(|_| is_said(status));
        if let Some(Kept { user, id, .. }) = relay.and_then(|relay| relay.kept.as_ref()) {
            self.accounts.message_answered_on(user, connection, id);
        }
    }

    fn letter(&mut self, from: End, request: &Message) -> Option<Letter> {
        let sender = self.shown_in_request(from, request);
        let asserted = self.identity(sender.as_deref()).shown_in(request);
        let writer = request.from()?;
        Some(Letter {
            id: format!("kept-{}", self.random.hex::<16>()),
            display_name: sanitize_text(&writer.display_name.unwrap_or_default()),
            from: writer.uri.to_owned(),
            asserted: asserted.map(str::to_owned),
            date: format_date(self.now.seconds()),
            content_type: request.header(Name::ContentType)?.to_owned(),
            body: request.body().to_vec(),
        })
    }

    /// Sends the device that is registered on `connection` what is kept for it.
    pub(super) fn send_kept(&mut self, user: &str, connection: ConnectionId) {
        let mut bound = self.store.of(user).iter();
        let Some(entry) = bound.find(|entry| entry.flow == Some(connection)) else {
            return;
        };
        let Some(device) = self.device_of(entry).map(|device| device.id.clone()) else {
            return;
        };
        let (uri, to) = (entry.shown.clone(), format!("<{}>", entry.aor));
        let due = self
            .accounts
            .due_messages(self.now, user, &device, connection);
        for letter in due {
            let tag = self.random.hex::<8>();
            let name = match letter.display_name.as_str() {
                "" => String::new(),
                name => format!("{} ", quote(name)),
            };
            let mut message = Writer::request("MESSAGE", &uri);
            message
                .header(Name::From, &format!("{name}<{}>;tag={tag}", letter.from))
                .header(Name::To, &to)
                .header(Name::CallId, &letter.id)
                .header(Name::CSeq, "1 MESSAGE")
                .header(Name::Date, &letter.date);
            if let Some(asserted) = &letter.asserted {
                message.header(Name::PAssertedIdentity, &format!("<{asserted}>"));
            }
            message.body(&letter.content_type, &letter.body);
            let about = About::Message(user.to_owned(), device.clone(), letter.id);
            self.send_own(connection, message, about);
        }
    }
}
