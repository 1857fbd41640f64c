//! A subscriber and a notifier that is played by the test.

use super::*;
use crate::sip::Framing;

const HOME: FlowId = FlowId {
    slot: 0,
    generation: 1,
};
const OTHER: FlowId = FlowId {
    slot: 1,
    generation: 1,
};

struct Rig {
    subscriber: Subscriptions,
    now: Instant,
    asked: Vec<(Key<Job>, String, Dialog)>,
    replies: Vec<u16>,
    events: Vec<Event>,
}

impl Rig {
    /// Subscribed to a made-up package, and not answered yet.
    fn new() -> Self {
        let account = Account {
            aor: "sip:2001@example.com".into(),
            host: "me.invalid".into(),
            routes: vec!["<sip:edge.example.com;lr>".into()],
            ..Account::default()
        };
        let random = Random::from_seed([1; 32]);
        let mut subscriber = Subscriptions::new(&account, random);
        subscriber.account_changed(&account);
        let mut rig = Self {
            subscriber,
            now: Instant::from_millis(1_000_000),
            asked: Vec::new(),
            replies: Vec::new(),
            events: Vec::new(),
        };
        rig.subscriber.subscribe(
            7,
            Topic {
                package: "weather".into(),
                accept: "application/weather+json".into(),
                target: "sip:lisbon@example.com".into(),
                expires: 600,
            },
        );
        rig.flows(&[HOME], Some(HOME));
        rig
    }

    /// The notifier has accepted it for so many seconds.
    fn standing(expires: u32) -> Self {
        let mut rig = Self::new();
        let headers = format!(
            "Contact: <sip:notifier@n.invalid>\nExpires: {expires}\n\
             Record-Route: <sip:p1;lr>, <sip:p2;lr>"
        );
        rig.answer(200, &headers);
        assert_eq!(rig.heard(), [Event::Confirmed { of: 7 }]);
        rig.asked.clear();
        rig
    }

    fn drain(&mut self) {
        while let Some(action) = self.subscriber.poll_action() {
            match action {
                Action::Send(key, request) => {
                    let expires = request.headers.iter().find(|(name, _)| name == "Expires");
                    let expires = expires.map(|(_, value)| value.clone()).unwrap_or_default();
                    let dialog = Dialog {
                        call_id: request.call_id,
                        local: request.from,
                        remote: request.to,
                        target: request.uri,
                        route: request
                            .headers
                            .into_iter()
                            .filter_map(|(name, value)| (name == "Route").then_some(value))
                            .collect(),
                        ..Dialog::default()
                    };
                    self.asked.push((key, expires, dialog));
                }
                Action::Reply(reply) => self.replies.push(reply.status),
                Action::Event(event) => self.events.push(event),
                _ => panic!("a subscriber only asks, answers and tells"),
            }
        }
    }

    fn flows(&mut self, open: &[FlowId], home: Option<FlowId>) {
        self.subscriber.flows_changed(self.now, open, home);
        self.drain();
    }

    fn asked(&mut self) -> (Key<Job>, String, Dialog) {
        assert_eq!(self.asked.len(), 1, "one SUBSCRIBE");
        self.asked.remove(0)
    }

    fn heard(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Answers the SUBSCRIBE sent last.
    fn answer(&mut self, status: u16, headers: &str) {
        let (key, _, dialog) = self.asked.last().expect("a SUBSCRIBE").clone();
        let Dialog {
            call_id,
            local,
            remote,
            ..
        } = dialog;
        let tag = if remote.contains("tag=") {
            ""
        } else {
            ";tag=n"
        };
        let text = format!(
            "SIP/2.0 {status} Whatever\nFrom: {local}\nTo: {remote}{tag}\nCall-ID: {call_id}\n\
             CSeq: 1 SUBSCRIBE\n{headers}\n\n"
        );
        let answer = message(&text);
        self.subscriber.handle_answer(self.now, key, &answer);
        self.drain();
    }

    /// A NOTIFY of the dialog, or one with something of it replaced; whether it was taken.
    fn notify(&mut self, number: u32, state: &str, body: &str, adapt: [&str; 2]) -> bool {
        let one = self.subscriber.list.first().expect("a subscription");
        let Dialog {
            call_id, local_tag, ..
        } = &one.dialog;
        let text = format!(
            "NOTIFY sip:x@me.invalid SIP/2.0\nVia: SIP/2.0/WS n.invalid;branch=z9hG4bK{number}\n\
             From: <sip:lisbon@example.com>;tag=n\nTo: <sip:2001@example.com>;tag={local_tag}\n\
             Call-ID: {call_id}\nCSeq: {number} NOTIFY\nEvent: weather;id=1\n{state}\
             Content-Type: application/weather+json\n\n{body}"
        );
        let text = text.replacen(adapt[0], adapt[1], 1);
        let at = Arrival {
            flow: HOME,
            home: true,
            bound: true,
        };
        let taken = self
            .subscriber
            .handle_request(self.now, &message(&text), at);
        self.drain();
        taken
    }

    fn refresh_in(&self) -> Option<u64> {
        let due = self.subscriber.poll_timeout();
        due.map(|due| (due - self.now).as_secs())
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.subscriber.handle_timeout(self.now);
        self.drain();
    }
}

fn message(text: &str) -> Message {
    Message::parse(text.replace('\n', "\r\n").as_bytes(), Framing::Frame).expect("a message")
}

const SAME: [&str; 2] = ["", ""];

fn lapsed(why: Lapse) -> [Event; 1] {
    [Event::Lapsed { of: 7, why }]
}

#[test]
fn it_asks_by_the_account_s_route_and_refreshes_in_the_dialog_at_half_of_its_time() {
    let rig = Rig::new();
    let (_, expires, first) = rig.asked.first().expect("a SUBSCRIBE").clone();
    assert_eq!(expires, "600");
    assert_eq!(first.target, "sip:lisbon@example.com");
    assert_eq!(first.remote, "<sip:lisbon@example.com>");
    assert_eq!(first.route, ["<sip:edge.example.com;lr>"]);

    let mut rig = Rig::standing(300);
    assert_eq!(rig.refresh_in(), Some(150));
    rig.pass(150);
    let (_, _, refresh) = rig.asked();
    assert_eq!(refresh.target, "sip:notifier@n.invalid");
    assert_eq!(refresh.remote, "<sip:lisbon@example.com>;tag=n");
    assert_eq!(refresh.route, ["<sip:p2;lr>", "<sip:p1;lr>"], "reversed");
    assert_eq!(rig.refresh_in(), Some(60), "should nobody answer");
}

#[test]
fn what_an_answer_makes_of_it() {
    let back = |seconds| (lapsed(Lapse::ForAWhile).to_vec(), Some(seconds));
    let over = (lapsed(Lapse::Refused).to_vec(), None);
    let table = [
        (481, back(60)),
        (500, back(60)),
        (503, back(60)),
        (489, over.clone()),
        (403, over.clone()),
        (404, over),
        (200, (vec![Event::Confirmed { of: 7 }], Some(300))),
        (100, (vec![], None)),
    ];
    for (status, (events, due)) in table {
        let mut rig = Rig::new();
        rig.answer(status, "Contact: <sip:n@n.invalid>");
        assert_eq!(rig.heard(), events, "{status}");
        assert_eq!(rig.refresh_in(), due, "{status}");
    }
    // A time so short would be a storm.
    let mut rig = Rig::new();
    rig.answer(200, "Contact: <sip:n@n.invalid>\nExpires: 1");
    assert_eq!(rig.refresh_in(), Some(5));
}

#[test]
fn what_was_refused_can_be_asked_for_again() {
    let mut rig = Rig::new();
    rig.answer(403, "");
    rig.asked.clear();
    let topic = Topic {
        package: "weather".into(),
        ..Topic::default()
    };
    rig.subscriber.subscribe(7, topic);
    rig.drain();
    assert_eq!(rig.asked.len(), 1);
    assert_eq!(rig.subscriber.list.len(), 1);
}

#[test]
fn a_lost_dialog_is_made_anew_with_other_names() {
    let mut rig = Rig::new();
    let (_, _, first) = rig.asked.first().expect("a SUBSCRIBE").clone();
    let key = rig.asked.first().expect("a SUBSCRIBE").0;
    rig.subscriber.unanswered(rig.now, key, None);
    rig.drain();
    assert_eq!(rig.heard(), lapsed(Lapse::ForAWhile));
    rig.asked.clear();
    rig.pass(59);
    assert!(rig.asked.is_empty());
    rig.pass(1);
    let (again, _, second) = rig.asked();
    assert_ne!(first.call_id, second.call_id);
    assert_ne!(first.local, second.local);
    // What is said of the first now says nothing of the second.
    rig.subscriber.unanswered(rig.now, key, None);
    rig.drain();
    assert_eq!(rig.heard(), []);
    assert_ne!(again.number, key.number);
}

#[test]
fn what_a_notify_makes_of_it() {
    let state = |value: &str| format!("Subscription-State: {value}\n");
    let back = |seconds| (lapsed(Lapse::ForAWhile).to_vec(), Some(seconds));
    let over = (lapsed(Lapse::Refused).to_vec(), None);
    let table = [
        ("active;expires=100", (vec![], Some(50))),
        ("Active ; Expires=100", (vec![], Some(50))),
        ("pending;expires=40", (vec![], Some(20))),
        ("active", (vec![], Some(300))),
        ("terminated", back(60)),
        ("terminated;reason=deactivated;retry-after=30", back(30)),
        ("terminated;reason=probation;retry-after=0", back(10)),
        ("terminated;reason=giveup;retry-after=99999", back(3600)),
        ("terminated;reason=rejected", over.clone()),
        ("terminated;reason=NoResource", over.clone()),
        ("TERMINATED;reason=invariant", over),
    ];
    for (value, (events, due)) in table {
        let mut rig = Rig::standing(600);
        assert!(rig.notify(1, &state(value), "", SAME));
        assert_eq!(rig.replies, [200]);
        let heard = rig.heard();
        let (told, heard) = heard.split_first().expect("a NOTIFY");
        assert!(matches!(told, Event::Notified { of: 7, body, .. } if body.is_empty()));
        assert_eq!(heard, events, "{value}");
        assert_eq!(rig.refresh_in(), due, "{value}");
    }
}

#[test]
fn a_notify_is_taken_by_its_dialog_package_and_flow() {
    let table = [
        SAME,
        ["Call-ID: ", "Call-ID: x"],
        [";tag=n", ";tag=m"],
        [";tag=n", ""],
        ["2001@example.com>;tag=", "2001@example.com>;tag=x"],
        ["Event: weather", "Event: presence"],
        ["NOTIFY sip", "INFO sip"],
    ];
    for adapt in table {
        let mut rig = Rig::standing(600);
        let taken = rig.notify(1, "", "sunny", adapt);
        assert_eq!(taken, adapt == SAME, "{adapt:?}");
        assert_eq!(rig.heard().len(), usize::from(taken), "{adapt:?}");
    }
    let mut rig = Rig::standing(600);
    rig.flows(&[HOME, OTHER], Some(OTHER));
    assert_eq!(rig.heard(), lapsed(Lapse::ForAWhile));
    assert!(!rig.notify(1, "", "late", SAME), "its dialog is gone");
}

#[test]
fn documents_come_in_order_and_may_overtake_the_answer() {
    let mut rig = Rig::new();
    let document = |body: &str| Event::Notified {
        of: 7,
        content_type: "application/weather+json".into(),
        body: body.into(),
    };
    assert!(rig.notify(5, "Subscription-State: active;expires=600\n", "rain", SAME));
    assert!(!rig.notify(6, "", "forged", [";tag=n", ";tag=m"]));
    rig.answer(200, "Contact: <sip:notifier@n.invalid>");
    assert!(rig.notify(7, "", "sunny", SAME));
    assert!(rig.notify(6, "Subscription-State: terminated\n", "old", SAME));
    assert_eq!(
        rig.heard(),
        [
            document("rain"),
            Event::Confirmed { of: 7 },
            document("sunny")
        ]
    );
    assert_eq!(rig.replies, [200, 200, 200]);
    rig.asked.clear();
    rig.pass(300);
    assert_eq!(rig.asked().2.target, "sip:notifier@n.invalid");
}

#[test]
fn it_follows_the_registration_and_waits_while_there_is_none() {
    let mut rig = Rig::standing(600);
    rig.flows(&[HOME], None);
    assert_eq!(rig.refresh_in(), None, "not registered");
    rig.pass(900);
    assert!(rig.asked.is_empty());
    rig.flows(&[HOME], Some(HOME));
    rig.pass(0);
    assert_eq!(
        rig.asked().2.target,
        "sip:notifier@n.invalid",
        "the same dialog"
    );
    assert_eq!(rig.heard(), []);

    rig.flows(&[], None);
    assert_eq!(rig.heard(), lapsed(Lapse::ForAWhile));
    assert_eq!(rig.subscriber.flow(7), None);
    rig.flows(&[OTHER], Some(OTHER));
    let (_, _, anew) = rig.asked();
    assert_eq!(anew.target, "sip:lisbon@example.com");
    assert_eq!(rig.subscriber.flow(7), Some(OTHER));
}

#[test]
fn whoever_ends_it_says_so_and_hears_no_more() {
    let mut rig = Rig::standing(600);
    let call_id = rig
        .subscriber
        .list
        .first()
        .expect("one")
        .dialog
        .call_id
        .clone();
    rig.subscriber.unsubscribe(7);
    rig.drain();
    let (_, expires, dialog) = rig.asked.first().expect("a SUBSCRIBE").clone();
    assert_eq!((expires.as_str(), dialog.call_id), ("0", call_id));
    rig.answer(200, "Expires: 0");
    assert_eq!(rig.heard(), []);
    assert_eq!(rig.refresh_in(), None);

    let mut rig = Rig::standing(600);
    let at = Situation::LoggedOut;
    rig.subscriber.end_all(rig.now, Cause::Local, at);
    rig.pass(5000);
    assert_eq!(rig.heard(), lapsed(Lapse::LoggedOut));
    assert!(rig.asked.is_empty());
}
