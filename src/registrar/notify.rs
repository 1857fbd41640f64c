//! What the registrar says unasked: to an ousted client, and NOTIFY in general.
//!
//! An ousted client is told in up to four ways. The order matters: whatever goes
//! over its connection is sent before that is closed.

use super::bindings::{Cause, Change, Entry};
use super::config::Telling;
use super::forward;
use super::messages::is_said;
use super::{ConnectionId, HOST, Level, Registrar};
use crate::account::DeviceId;
use crate::sip::{Message, Name, Writer};
use crate::time::{Duration, Instant};

/// An ousted client that was sent a NOTIFY has this long before its connection
/// is closed: long enough to look for itself and to hang up its calls.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Why a client is sent away: WebSocket close code, from the range that applications
/// may use (RFC 6455 §7.4.2), and reason.
#[derive(Clone, Copy)]
pub(super) struct Farewell(u16, &'static str);

const OUSTED: Farewell = Farewell(4001, "Registered elsewhere");
const BARRED: Farewell = Farewell(4003, "Device not authorised");

/// How long the answer to a NOTIFY may take: 64·T1.
const PATIENCE: Duration = Duration::from_secs(32);

/// A NOTIFY, or another request of our own, whose answer is awaited.
pub(super) struct PendingNotify {
    branch: String,
    connection: ConnectionId,
    about: About,
    until: Instant,
}

/// What hangs on the answer to a request of our own.
pub(super) enum About {
    Nothing,
    Subscription(u64),
    /// A message that is kept for a device of this user, under this id.
    Message(String, DeviceId, String),
}

impl Registrar {
    /// Tells everybody concerned that bindings of `user` have changed.
    pub(super) fn publish(&mut self, user: &str, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        self.note_bindings(user);
        let store = &self.store;
        self.calls.forget_unless(|id| store.get(id).is_some());
        self.record_ended();
        self.notify_watchers(user, changes);
        for change in changes {
            if change.ousted {
                self.tell_ousted(&change.entry);
            } else if change.cause == Cause::Rejected {
                self.send_away(&change.entry, BARRED);
            }
        }
    }

    fn tell_ousted(&mut self, ousted: &Entry) {
        let Some(connection) = ousted.flow else {
            return;
        };
        self.log(
            Level::Info,
            format!(
                "{} on connection {connection} was ousted from device {}",
                ousted.user, ousted.device.name
            ),
        );
        if self.config.tells(&ousted.user, Telling::ServiceControl) {
            self.notify_service_control(connection, ousted);
        }
        if self.config.tells(&ousted.user, Telling::Close) {
            self.send_away(ousted, OUSTED);
        }
    }

    /// Closes the connection of a binding that is gone, once it could read what was
    /// sent on it.
    fn send_away(&mut self, gone: &Entry, farewell: Farewell) {
        let Some(connection) = gone.flow else {
            return;
        };
        if self.store.all().any(|entry| entry.flow == Some(connection)) {
            return;
        }
        let told = self
            .notifies
            .iter()
            .any(|notify| notify.connection == connection);
        if told {
            let at = self.now + CLOSE_GRACE;
            self.closing.insert(connection, (at, farewell));
        } else {
            self.close_with(connection, farewell);
        }
    }

    /// Closes the connections of those who were sent away and whose time is up.
    pub(super) fn close_sent_away(&mut self) {
        let now = self.now;
        let due = self.closing.iter().filter(|(_, (at, _))| *at <= now);
        let due: Vec<(ConnectionId, Farewell)> = due
            .map(|(connection, (_, farewell))| (*connection, *farewell))
            .collect();
        for (connection, farewell) in due {
            self.close_with(connection, farewell);
        }
    }

    fn close_with(&mut self, connection: ConnectionId, Farewell(code, reason): Farewell) {
        self.close(connection, code, reason);
    }

    /// The NOTIFY with which Cisco's registrar resets a client. It stands outside
    /// any subscription; what vouches for it is the Call-ID of the registration.
    fn notify_service_control(&mut self, connection: ConnectionId, ousted: &Entry) {
        const NO_STAMP: &str = "{00000000-0000-0000-0000-000000000000}";
        let body = format!(
            "action=reset\r\nRegisterCallId={{{}}}\r\nConfigVersionStamp={NO_STAMP}\r\n\
             DialplanVersionStamp={NO_STAMP}\r\nSoftkeyVersionStamp={NO_STAMP}\r\n",
            ousted.call_id
        );
        let domain = ousted
            .aor
            .rsplit_once('@')
            .map_or(HOST, |(_, domain)| domain);
        let from = format!("<sip:{domain}>;tag={}", self.random.hex::<8>());
        let call_id = self.random.hex::<16>();
        let mut notify = Writer::request("NOTIFY", &ousted.shown);
        notify
            .header(Name::From, &from)
            .header(Name::To, &format!("<{}>", ousted.aor))
            .header(Name::CallId, &call_id)
            .header(Name::CSeq, "101 NOTIFY")
            .header(Name::Contact, &own_contact())
            .header(Name::Event, "service-control")
            .header(Name::SubscriptionState, "active")
            .body("text/plain", body.as_bytes());
        self.send_own(connection, notify, About::Nothing);
    }

    /// Sends a request of our own that is complete but for what the transport adds.
    pub(super) fn send_own(&mut self, connection: ConnectionId, mut request: Writer, about: About) {
        let branch = format!("z9hG4bK{}", self.random.hex::<12>());
        request
            .header(Name::Via, &forward::via(&branch))
            .header(Name::MaxForwards, "70");
        self.notifies.push(PendingNotify {
            branch,
            connection,
            about,
            until: self.now + PATIENCE,
        });
        self.send_written(connection, request.finish());
    }

    /// Whether `answer` is to a NOTIFY of ours; if so it is dealt with.
    pub(super) fn handle_notify_answer(
        &mut self,
        connection: ConnectionId,
        answer: &Message,
    ) -> bool {
        let branch = answer.top_via().and_then(|via| via.branch());
        let position = self.notifies.iter().position(|notify| {
            notify.connection == connection && branch == Some(notify.branch.as_str())
        });
        let Some(position) = position else {
            return false;
        };
        if answer.status() < 200 {
            return true;
        }
        let notify = self.notifies.remove(position);
        self.stale = true;
        let status = answer.status();
        match notify.about {
            // The failures that end a subscription (RFC 5057 §5.1, RFC 6665 §4.2.2).
            About::Subscription(id)
                if matches!(status, 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604) =>
            {
                self.end_subscription(id);
            }
            About::Message(user, device, id) if is_said(status) => {
                self.accounts.message_answered(&user, &device, &id);
            }
            _ => {}
        }
        true
    }

    /// A NOTIFY that nobody answers ends its subscription (RFC 6665 §4.2.2).
    pub(super) fn expire_notifies(&mut self) {
        let now = self.now;
        let due = |notify: &mut PendingNotify| notify.until <= now;
        for notify in self.notifies.extract_if(.., due).collect::<Vec<_>>() {
            if let About::Subscription(id) = notify.about {
                self.end_subscription(id);
            }
        }
    }

    fn end_subscription(&mut self, id: u64) {
        self.subscriptions
            .retain(|subscription| subscription.id != id);
    }
}

impl PendingNotify {
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Whether it is of this subscription.
    pub(super) fn is_of(&self, subscription: u64) -> bool {
        matches!(self.about, About::Subscription(id) if id == subscription)
    }

    pub(super) fn connection(&self) -> ConnectionId {
        self.connection
    }
}

/// The Contact of the registrar where it acts as a user agent.
pub(super) fn own_contact() -> String {
    format!("<sip:registrar@{HOST};transport=ws>")
}
