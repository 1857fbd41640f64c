//! Flows: how they are opened, kept alive, lost and opened again, and who may speak
//! on them.

use crate::rig::{Act, Asked, Heard, Rig, answer};
use graceline::phone::{Event, Phone, Status};
use graceline::time::Duration;
use graceline::transaction::Credentials;

/// A registrar that takes whoever comes, and says this besides.
fn willing(headers: &'static str) -> impl FnMut(&Asked) -> Vec<Act> {
    let mut bound = None;
    move |asked| match asked.message.method() {
        "REGISTER" => {
            if asked.binds() {
                bound = Some(asked.own());
            } else if asked.removes() {
                bound = None;
            }
            let contact = bound.iter();
            let contact = contact.map(|own| format!("\nContact: <{own}>;expires=600"));
            answer(format!("200 OK{}{headers}", contact.collect::<String>()))
        }
        "SUBSCRIBE" => answer("489 Bad Event"),
        _ => answer("200 OK"),
    }
}

fn logged_in(headers: &'static str) -> Rig {
    let mut rig = Rig::answering(willing(headers));
    assert_eq!(rig.login(false), None);
    rig
}

/// With two addresses, of which each takes so long to be connected to.
fn two(slow: [u64; 2]) -> Rig {
    let mut server = willing("");
    let mut rig = Rig::with(
        |config| config.connections = vec!["ws://127.0.0.1/".into(), "ws://127.0.0.2/".into()],
        move |heard| match heard {
            Heard::Request(asked) => server(asked),
            Heard::Opened => Vec::new(),
        },
    );
    rig.slow_open = [(0, slow[0]), (1, slow[1])].into();
    assert_eq!(rig.login(false), None);
    rig
}

#[test]
fn a_ping_is_answered_with_a_pong() {
    let mut rig = logged_in("");
    rig.receive_by(rig.socket, "\r\n\r\n");
    assert_eq!(rig.pongs, 1);
}

#[test]
fn the_header_flow_timer_shortens_the_beat_but_not_without_end() {
    // RFC 5626 §4.4.1 has a phone ping after 80 to 100 % of what the server said.
    for (headers, longest, shortest) in [
        ("", 30, 24),
        ("\nFlow-Timer: 12", 12, 9),
        ("\nFlow-Timer: 1", 5, 4),
        ("\nFlow-Timer: 100", 30, 24),
    ] {
        let mut rig = logged_in(headers);
        rig.seconds(200);
        let gaps = rig.pings.windows(2).map(|pair| pair[1] - pair[0]);
        let gaps: Vec<Duration> = gaps.collect();
        let range = Duration::from_secs(shortest)..=Duration::from_secs(longest);
        assert!(gaps.len() > 4, "{headers}: {}", gaps.len());
        for gap in gaps {
            assert!(range.contains(&gap), "{headers}: {gap:?}");
        }
    }
}

#[test]
fn a_faster_address_of_lower_priority_waits_half_a_second() {
    let first = |rig: &Rig| (rig.sent[0].socket.0, rig.sent[0].at - rig.opens[0].0);
    let (slot, at) = first(&two([300, 0]));
    assert_eq!(slot, 0, "in time, after {at:?}");
    let (slot, at) = first(&two([5000, 0]));
    assert_eq!(slot, 1);
    let (least, most) = (Duration::from_millis(500), Duration::from_millis(550));
    assert!(least <= at && at <= most, "{at:?}");
}

#[test]
fn what_an_old_socket_brings_changes_nothing() {
    let mut rig = logged_in("");
    let old = rig.socket;
    rig.lose(old);
    rig.seconds(2);
    assert_ne!(rig.socket, old);
    assert_eq!(rig.status(), Status::Ready);
    rig.answers();
    let (opens, pongs) = (rig.opens.len(), rig.pongs);
    rig.receive_by(old, OPTIONS);
    rig.receive_by(old, "\r\n\r\n");
    rig.lose(old);
    rig.seconds(10);
    assert_eq!((rig.answers(), rig.pongs), (vec![], pongs));
    assert_eq!((rig.status(), rig.opens.len()), (Status::Ready, opens));
    rig.receive_by(rig.socket, OPTIONS);
    assert_eq!(rig.answers(), [200]);
}

const OPTIONS: &str = "OPTIONS sip:2001@phone.invalid SIP/2.0\r\n\
    Via: SIP/2.0/WS far.invalid;branch=z9hG4bKoptions\r\n\
    From: <sip:2002@example.com>;tag=far\r\nTo: <sip:2001@example.com>\r\n\
    Call-ID: options\r\nCSeq: 1 OPTIONS\r\n\r\n";

#[test]
fn a_question_to_the_app_is_over_with_its_flow() {
    let mut known = false;
    let mut accepting = willing("");
    let mut rig = Rig::with(
        |config| {
            config.password = None;
            config.has_credentials = true;
        },
        move |heard| match heard {
            Heard::Opened => Vec::new(),
            Heard::Request(asked) => {
                known |= asked.message.header_named("Authorization").is_some();
                if asked.is("REGISTER") && !known {
                    return answer(format!("401 Unauthorized\n{}", challenge(asked.number)));
                }
                accepting(asked)
            }
        },
    );
    let password = || {
        Some(Credentials::Password {
            username: None,
            password: "secret".into(),
        })
    };
    rig.register(false);
    rig.wait(100);
    let first = question(&mut rig);
    rig.lose(rig.socket);
    rig.act(|phone, now| phone.credentials(now, first, password()));
    rig.seconds(1);
    let second = question(&mut rig);
    assert_ne!(first, second);
    rig.act(|phone, now| phone.credentials(now, second, password()));
    rig.seconds(1);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
}

fn challenge(number: usize) -> String {
    format!("WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n{number}\", qop=\"auth\"")
}

/// The question that the app was asked last.
fn question(rig: &mut Rig) -> u32 {
    let mut questions = rig.events.iter().filter_map(|event| match event {
        Event::Credentials { id, .. } => Some(*id),
        _ => None,
    });
    questions.next_back().expect("a question")
}

#[test]
fn a_flow_lost_after_credentials_were_sent_says_nothing_of_the_password() {
    let mut accepting = willing("");
    let mut closed = false;
    let mut rig = Rig::answering(move |asked| {
        let known = asked.message.header_named("Authorization").is_some();
        if !asked.is("REGISTER") {
            return accepting(asked);
        }
        match (known, closed) {
            (false, _) => answer(format!("401 Unauthorized\n{}", challenge(asked.number))),
            // The node that made the nonce dies; the next one knows nothing of it.
            (true, false) => {
                closed = true;
                vec![Act::Close(0)]
            }
            (true, true) if asked.number == 3 => {
                answer(format!("401 Unauthorized\n{}", challenge(asked.number)))
            }
            (true, true) => accepting(asked),
        }
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
}

#[test]
fn a_server_that_calls_every_nonce_stale_is_not_asked_for_ever() {
    let mut rig = Rig::answering(|asked| match asked.is("REGISTER") {
        true => answer(format!(
            "401 Unauthorized\n{}, stale=true",
            challenge(asked.number)
        )),
        false => answer("200 OK"),
    });
    let fault = rig.login(false).expect("a failure");
    assert_eq!(fault.code().as_str(), "eCredentialsRejected");
    assert!(rig.registers().len() < 10, "{}", rig.told());
}

#[test]
fn an_answer_slept_through_is_not_missed() {
    let mut slow = false;
    let mut accepting = willing("");
    let mut rig = Rig::answering(move |asked| {
        let slow = std::mem::replace(&mut slow, asked.number == 5);
        let acts = accepting(asked).into_iter();
        acts.map(|act| match act {
            Act::Answer(_, text) if slow => Act::Answer(3000, text),
            act => act,
        })
        .collect()
    });
    assert_eq!(rig.login(false), None);
    let opens = rig.opens.len();
    // A look is on its way when the machine falls asleep.
    rig.act(Phone::look);
    rig.sleep(60_000);
    rig.seconds(8);
    assert_eq!((rig.status(), rig.opens.len()), (Status::Ready, opens));
}

#[test]
fn an_un_register_that_nobody_answers_keeps_the_socket_two_seconds() {
    let mut accepting = willing("");
    let mut rig = Rig::answering(move |asked| match asked.is_query() {
        true => accepting(asked),
        false => Vec::new(),
    });
    rig.register(false);
    rig.wait(500);
    rig.act(Phone::abort);
    assert_eq!(rig.status(), Status::Idle);
    assert!(rig.sent.last().expect("an un-REGISTER").removes());
    let aborted = rig.now;
    rig.seconds(60);
    let (at, socket) = rig.closes.last().expect("closed");
    assert_eq!(*socket, rig.socket);
    assert_eq!(*at - aborted, Duration::from_secs(2), "{}", rig.told());
}

#[test]
fn a_registrar_without_reg_event_is_not_asked_again_after_a_reload() {
    let subscribes = |rig: &Rig| {
        rig.sent
            .iter()
            .filter(|asked| asked.is("SUBSCRIBE"))
            .count()
    };
    let mut rig = logged_in("");
    rig.seconds(1);
    assert_eq!(subscribes(&rig), 1);
    rig.reload();
    assert_eq!(rig.login(false), None);
    rig.seconds(60);
    assert_eq!(subscribes(&rig), 1);
}
