//! A phone that makes calls for others (RFC 3725), and watches what those do by
//! themselves: the calls that they are in (RFC 4235), and whether they are registered
//! (RFC 3680).

use crate::documents::dialog_info::{Dialog, DialogInfo, Dialogs, Taken};
use crate::phone::{Config, Event, Output, Phone};
use crate::prelude::*;
use crate::sip::{RegInfo, RegState};
use crate::subscription::{self, Lapse, Topic};
use crate::time::{Duration, Instant};

/// How long (s) a subscription is asked for. A server that has lost its state is found
/// out by the refresh, in half of it.
const EXPIRES: u32 = 600;
/// Before full state is asked for: a notifier that never sends it would be asked
/// without end.
const GAP: Duration = Duration::from_secs(5);

/// A phone for whose calls others count, and who watches them.
pub struct Controller {
    phone: Phone,
    watches: Vec<Watch>,
    now: Instant,
}

struct Watch {
    of: u32,
    topic: Topic,
    /// Of who is watched for calls.
    dialogs: Dialogs,
}

/// What there is to do, and to hear.
#[derive(Debug)]
pub enum Said {
    /// By the phone.
    Phone(Output),
    /// What those who are watched do.
    Watched(Watched),
}

/// What is known of somebody who is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// All dialogs that there are. Those that are over are told once.
    Dialogs {
        /// Watch.
        of: u32,
        /// Whether we made it, and the dialog.
        dialogs: Vec<(bool, Dialog)>,
    },
    /// Whether a phone is registered.
    Registered {
        /// Watch.
        of: u32,
        /// Whether there is any.
        any: bool,
    },
    /// The server does not tell it: nothing more is heard of it.
    Refused {
        /// Watch.
        of: u32,
    },
}

impl Controller {
    /// Of a phone, with `most` calls at once.
    pub fn new(mut phone: Phone, most: usize) -> Self {
        phone.allow_calls(most);
        Self {
            phone,
            watches: Vec::new(),
            now: Instant::default(),
        }
    }

    /// For everything but what is watched.
    pub fn phone(&mut self) -> &mut Phone {
        &mut self.phone
    }

    /// What the phone was made with.
    pub fn config(&self) -> &Config {
        self.phone.config()
    }

    /// Hears of the calls of `target`, a SIP URI; `of` names it, and is not 0.
    pub fn watch_dialogs(&mut self, now: Instant, of: u32, target: String) {
        self.watch(now, of, "dialog", "application/dialog-info+xml", target);
    }

    /// Hears whether `target` is registered.
    pub fn watch_registration(&mut self, now: Instant, of: u32, target: String) {
        self.watch(now, of, "reg", "application/reginfo+xml", target);
    }

    fn watch(
        &mut self,
        now: Instant,
        of: u32,
        package: &'static str,
        accept: &'static str,
        target: String,
    ) {
        let topic = Topic {
            package: package.to_owned(),
            accept: accept.to_owned(),
            target,
            expires: EXPIRES,
        };
        self.watches.retain(|watch| watch.of != of);
        self.watches.push(Watch {
            of,
            topic: topic.clone(),
            dialogs: Dialogs::default(),
        });
        self.phone
            .with_subscriptions(now, |all| all.subscribe(of, topic));
    }

    /// Hears no more of it.
    pub fn unwatch(&mut self, now: Instant, of: u32) {
        self.watches.retain(|watch| watch.of != of);
        self.phone
            .with_subscriptions(now, |all| all.unsubscribe(of));
    }

    /// A WebSocket message.
    pub fn handle_message(&mut self, now: Instant, slot: u32, generation: u32, data: &[u8]) {
        self.now = now;
        self.phone.handle_message(now, slot, generation, data);
    }

    /// When the phone is to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.phone.poll_timeout()
    }

    /// The next thing to do, or to hear.
    pub fn poll_output(&mut self) -> Option<Said> {
        loop {
            let event = match self.phone.poll_output()? {
                Output::Event(Event::Subscription(event)) => event,
                output => return Some(Said::Phone(output)),
            };
            if let Some(watched) = self.hear(event) {
                return Some(Said::Watched(watched));
            }
        }
    }

    /// What an event says that was not known. Documents that cannot be read say
    /// nothing.
    fn hear(&mut self, event: subscription::Event) -> Option<Watched> {
        let named = |of| move |watch: &&mut Watch| watch.of == of;
        match event {
            subscription::Event::Confirmed { .. } => None,
            subscription::Event::Notified {
                of,
                content_type,
                body,
            } => {
                let watch = self.watches.iter_mut().find(named(of))?;
                if !body.is_empty() && content_type != watch.topic.accept {
                    return None;
                }
                if watch.topic.package == "reg" {
                    return registered(&watch.topic.target, &body)
                        .map(|any| Watched::Registered { of, any });
                }
                self.dialogs(of, &body)
            }
            subscription::Event::Lapsed { of, why } => {
                let watch = self.watches.iter_mut().find(named(of))?;
                watch.dialogs.renew();
                if why == Lapse::ForAWhile {
                    return None;
                }
                self.watches.retain(|watch| watch.of != of);
                Some(Watched::Refused { of })
            }
        }
    }

    fn dialogs(&mut self, of: u32, body: &[u8]) -> Option<Watched> {
        let watch = self.watches.iter_mut().find(|watch| watch.of == of)?;
        let taken = match body {
            [] => watch.dialogs.take_nothing(),
            body => watch.dialogs.take(DialogInfo::parse(body).ok()?),
        };
        let dialogs = watch.dialogs.list().to_vec();
        let now = self.now;
        match taken {
            Taken::Not => return None,
            Taken::Wholly => {}
            Taken::WithGap => self
                .phone
                .with_subscriptions(now, |all| all.refresh_by(of, now + GAP)),
        }
        let mut own = Vec::new();
        self.phone.with_calls(now, |calls| {
            let is_own = |dialog: &Dialog| {
                let call_id = dialog.call_id.as_deref();
                call_id.is_some_and(|call_id| calls.has_made(call_id))
            };
            own = dialogs.iter().map(is_own).collect();
        });
        Some(Watched::Dialogs {
            of,
            dialogs: own.into_iter().zip(dialogs).collect(),
        })
    }
}

/// Whether anybody is registered as `target`, if the document says so: a state tells of
/// the address-of-record as a whole, also where not all contacts are named.
fn registered(target: &str, document: &[u8]) -> Option<bool> {
    let info = RegInfo::parse(document).ok()?;
    let mut registrations = info.registrations.iter();
    let own = registrations.find(|registration| registration.aor == target)?;
    Some(own.state == RegState::Active)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::Event::{Lapsed, Notified};

    const NOW: Instant = Instant::from_millis(1000);

    fn controller() -> Controller {
        let instance = "urn:uuid:00000000-0000-4000-8000-000000000001";
        let config = Config::new("wss://a.example/", "controller", "example.com", instance);
        let mut controller = Controller::new(Phone::new(config, [7; 32]).unwrap(), 10);
        controller.watch_dialogs(NOW, 1, "sip:2001@example.com".into());
        controller.watch_registration(NOW, 2, "sip:2001@example.com".into());
        controller
    }

    /// What is heard of a NOTIFY.
    fn notified(controller: &mut Controller, of: u32, body: &str) -> Option<Watched> {
        let content_type = match of {
            1 => "application/dialog-info+xml",
            _ => "application/reginfo+xml",
        };
        controller.hear(Notified {
            of,
            content_type: content_type.into(),
            body: body.as_bytes().to_vec(),
        })
    }

    fn dialogs(version: u32, state: &str, inside: &str) -> String {
        format!(
            "<dialog-info version='{version}' state='{state}' entity='sip:2001@example.com'>\
             {inside}</dialog-info>"
        )
    }

    fn ids(watched: Option<Watched>) -> Vec<String> {
        match watched {
            Some(Watched::Dialogs { of: 1, dialogs }) => {
                let ids = dialogs.into_iter();
                ids.map(|(own, dialog)| {
                    assert!(!own);
                    dialog.id
                })
                .collect()
            }
            other => panic!("{other:?}"),
        }
    }

    const ONE: &str = "<dialog id='a' call-id='x'><state>early</state></dialog>";
    const TWO: &str = "<dialog id='b'><state>confirmed</state></dialog>";

    #[test]
    fn hostile_documents_say_nothing_and_lose_nothing() {
        let mut controller = controller();
        let known = notified(&mut controller, 1, &dialogs(1, "full", ONE));
        assert_eq!(ids(known), ["a"]);
        let many = "<dialog id='c'><state>early</state></dialog>".repeat(300);
        for body in [
            "",
            "<dialog-info",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><dialog-info/>",
            "<presence/>",
            &dialogs(2, "full", "<dialog id='a'><state>asleep</state></dialog>"),
            &dialogs(2, "full", &many),
            &dialogs(0, "full", ""),
        ] {
            assert_eq!(notified(&mut controller, 1, body), None, "{body}");
        }
        // Of another type, and of no watch.
        let event = |of| Notified {
            of,
            content_type: "text/plain".into(),
            body: dialogs(2, "full", "").into_bytes(),
        };
        assert_eq!(controller.hear(event(1)), None);
        assert_eq!(controller.hear(event(7)), None);
        let both = notified(&mut controller, 1, &dialogs(2, "partial", TWO));
        assert_eq!(ids(both), ["a", "b"]);
    }

    #[test]
    fn what_is_known_outlives_the_subscription_until_there_is_news() {
        let mut controller = controller();
        notified(&mut controller, 1, &dialogs(9, "full", ONE));
        let why = Lapse::ForAWhile;
        assert_eq!(controller.hear(Lapsed { of: 1, why }), None);
        let again = notified(&mut controller, 1, &dialogs(0, "full", ONE));
        assert_eq!(ids(again), ["a"]);
        // Nothing is said of nothing.
        controller.hear(Lapsed { of: 1, why });
        assert_eq!(ids(notified(&mut controller, 1, "")), [""; 0]);
        let why = Lapse::Refused;
        let refused = Some(Watched::Refused { of: 1 });
        assert_eq!(controller.hear(Lapsed { of: 1, why }), refused);
        assert_eq!(notified(&mut controller, 1, &dialogs(1, "full", ONE)), None);
    }

    #[test]
    fn the_state_of_the_watched_address_of_record_is_told() {
        let document = |aor: &str, state: &str| {
            format!(
                "<reginfo version='0' state='full'><registration aor='sip:2@b' id='1' state='init'/>\
                 <registration aor='{aor}' id='2' state='{state}'/></reginfo>"
            )
        };
        let mut controller = controller();
        let own = "sip:2001@example.com";
        for (state, any) in [("active", true), ("terminated", false), ("init", false)] {
            let told = notified(&mut controller, 2, &document(own, state));
            assert_eq!(told, Some(Watched::Registered { of: 2, any }));
        }
        let other = document("sip:3@b", "active");
        for body in ["", "<a/>", &other, &document(own, "odd")] {
            assert_eq!(notified(&mut controller, 2, body), None, "{body}");
        }
    }
}
