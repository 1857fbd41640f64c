//! Connected without a binding: who drives a desk phone reaches its gateway, and nobody
//! rings the page.

use crate::rig::{Act, Asked, Heard, Rig, answer, terminations};
use graceline::call::{Asked as For, Cause, Document, Event as CallEvent};
use graceline::phone::{Config, Event, Phone, Situation, Status};
use graceline::sip::Name;
use graceline::transaction::Credentials;

const GATE: &str = "sip:gate@example.com";
const CONTACT: &str = "Contact: <sip:gate@gate.invalid;transport=ws>";

/// A server with a gateway behind it, which challenges INVITEs as `challenge` says.
fn server(challenge: impl Fn(&Asked) -> Option<String>) -> impl FnMut(&Heard<'_>) -> Vec<Act> {
    let mut bound: Option<String> = None;
    move |heard| {
        let Heard::Request(asked) = heard else {
            return Vec::new();
        };
        match asked.message.method() {
            "REGISTER" => {
                if asked.binds() {
                    bound = Some(asked.own());
                } else if asked.removes() {
                    bound = None;
                }
                let contact = bound.iter();
                let contact = contact.map(|own| format!("\nContact: <{own}>;expires=600"));
                answer(format!("200 OK{}", contact.collect::<String>()))
            }
            "INVITE" => match challenge(asked) {
                Some(challenge) => answer(challenge),
                None => answer(format!("200 OK\n{CONTACT}")),
            },
            "SUBSCRIBE" => answer("489 Bad Event"),
            _ => answer("200 OK"),
        }
    }
}

fn open_server() -> impl FnMut(&Heard<'_>) -> Vec<Act> {
    server(|_| None)
}

fn rig() -> Rig {
    Rig::with(|_| {}, open_server())
}

/// Asks to be connected; what was answered within the time for it.
fn control(rig: &mut Rig, attempt: u32) -> Result<(), Situation> {
    rig.act(|phone, now| phone.control(now, attempt));
    rig.seconds(31);
    let mut settled = settled(rig, attempt);
    assert_eq!(settled.len(), 1, "{}", rig.told());
    settled.remove(0)
}

/// How often, and how, an attempt was settled.
fn settled(rig: &Rig, attempt: u32) -> Vec<Result<(), Situation>> {
    let of = |event: &Event| match event {
        Event::Controlled(number) if *number == attempt => Some(Ok(())),
        Event::Failed(number, fault, _) if *number == attempt => Some(Err(fault.at)),
        _ => None,
    };
    rig.events.iter().filter_map(of).collect()
}

fn open(rig: &mut Rig, session: u32) {
    begin(rig, session);
    rig.wait(100);
}

fn begin(rig: &mut Rig, session: u32) {
    let hello = Document {
        content_type: "application/made-up+xml".into(),
        body: "<hello/>".into(),
        disposition: "signal;handling=required".into(),
    };
    rig.act(|phone, now| phone.start_session(now, session, GATE, hello, Vec::new()));
}

/// What became of it so far: `None`: it is open.
fn fate(rig: &Rig, wanted: u32) -> Option<(Option<Situation>, Option<u16>)> {
    let mut fates = rig.events.iter().filter_map(|event| match event {
        Event::Call(CallEvent::SessionAnswered {
            asked: For::Open,
            number,
            ..
        }) if *number == wanted => Some(None),
        Event::Call(CallEvent::SessionEnded { session, fault, .. }) if *session == wanted => {
            let fault = fault.as_ref();
            let (at, status) = (fault.map(|it| it.at), fault.and_then(|it| it.status));
            Some(Some((at, status)))
        }
        _ => None,
    });
    fates.next_back().expect("an end of it")
}

fn statuses(rig: &mut Rig) -> Vec<(Status, bool)> {
    let events = std::mem::take(&mut rig.events).into_iter();
    let statuses = events.filter_map(|event| match event {
        Event::Status(status, registration) => Some((status, registration.is_some())),
        _ => None,
    });
    statuses.collect()
}

#[test]
fn nobody_is_bound_and_sessions_are_opened() {
    let mut rig = rig();
    assert_eq!(control(&mut rig, 1), Ok(()));
    open(&mut rig, 3);
    assert_eq!(fate(&rig, 3), None);
    let expected = [(Status::Registering, false), (Status::Ready, false)];
    assert_eq!(statuses(&mut rig), expected);
    // Nobody rings the page.
    let invite = "INVITE sip:2001@phone.invalid SIP/2.0\r\n\
        Via: SIP/2.0/WS far.invalid;branch=z9hG4bKinvite\r\n\
        From: <sip:2002@example.com>;tag=far\r\nTo: <sip:2001@example.com>\r\n\
        Contact: <sip:far@far.invalid>\r\nCall-ID: invite\r\nCSeq: 1 INVITE\r\n\r\n";
    rig.receive_by(rig.socket, invite);
    assert_eq!(rig.answers(), [480]);
    rig.seconds(3600);
    assert_eq!(rig.registers().len(), 0, "{}", rig.told());
}

#[test]
fn an_outage_is_recovered_from_and_told() {
    let mut rig = rig();
    assert_eq!(control(&mut rig, 1), Ok(()));
    open(&mut rig, 3);
    rig.events.clear();
    for _ in 0..3 {
        rig.lose(rig.socket);
        rig.seconds(30);
    }
    assert_eq!(fate(&rig, 3), Some((Some(Situation::FlowLost), None)));
    assert_eq!(settled(&rig, 1), []);
    let away = [(Status::RecoveryPending, false), (Status::Ready, false)];
    assert_eq!(statuses(&mut rig), away.repeat(3));
    open(&mut rig, 5);
    assert_eq!(fate(&rig, 5), None);
    assert_eq!(rig.registers().len(), 0);
}

#[test]
fn where_nobody_is_the_attempt_fails_and_the_sockets_rest() {
    let mut rig = rig();
    // Each socket takes longer than it is waited for.
    rig.slow_open = [(0, 60_000)].into();
    assert_eq!(control(&mut rig, 1), Err(Situation::NoConnection));
    assert_eq!(rig.status(), Status::Idle);
    let opens = rig.opens.len();
    rig.seconds(600);
    assert_eq!(rig.opens.len(), opens);
}

#[test]
fn whoever_is_registered_is_controlled_at_once_and_unbound_when_asked() {
    let mut rig = rig();
    assert_eq!(rig.login(false), None);
    let socket = rig.socket;
    rig.act(|phone, now| phone.control(now, 7));
    assert_eq!(settled(&rig, 7), [Ok(())]);
    open(&mut rig, 3);
    assert_eq!(rig.registers().iter().filter(|it| it.removes()).count(), 0);
    rig.act(Phone::unbind);
    rig.seconds(5);
    assert!(rig.registers().last().is_some_and(|last| last.removes()));
    assert_eq!((rig.socket, rig.closes.len()), (socket, 0));
    assert_eq!((fate(&rig, 3), rig.status()), (None, Status::Ready));
    assert_eq!(rig.phone.registered(), None);
    let registers = rig.registers().len();
    rig.lose(rig.socket);
    rig.seconds(3600);
    assert_eq!(rig.registers().len(), registers, "{}", rig.told());
    open(&mut rig, 5);
    assert_eq!(fate(&rig, 5), None);
    assert!(!rig.events.contains(&Event::Unregistered));
}

#[test]
fn the_flow_is_lost_while_the_binding_is_removed() {
    let mut rig = rig();
    assert_eq!(rig.login(false), None);
    rig.act(|phone, now| phone.control(now, 7));
    rig.events.clear();
    rig.act(Phone::unbind);
    rig.lose(rig.socket);
    assert_eq!(rig.status(), Status::RecoveryPending);
    rig.seconds(30);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    let away = [(Status::RecoveryPending, false), (Status::Ready, false)];
    assert_eq!(statuses(&mut rig), away);
    assert_eq!(rig.phone.registered(), None);
}

#[test]
fn who_controls_becomes_a_softphone_again_without_losing_the_session() {
    let mut rig = rig();
    assert_eq!(control(&mut rig, 1), Ok(()));
    open(&mut rig, 3);
    assert_eq!(rig.login(false), None);
    assert_eq!(fate(&rig, 3), None);
    assert!(rig.phone.registered().is_some());
    // It is a softphone alone from then on.
    rig.act(Phone::unregister);
    rig.seconds(5);
    assert_eq!(rig.status(), Status::Idle);
    assert!(rig.events.contains(&Event::Unregistered));
    assert_eq!(rig.closes.len(), 1);
}

#[test]
fn a_login_that_fails_leaves_who_controls_connected() {
    let mut rig = Rig::with(
        |_| {},
        |heard| match heard {
            Heard::Request(asked) if asked.is("REGISTER") => answer("403 Forbidden"),
            Heard::Request(_) => answer(format!("200 OK\n{CONTACT}")),
            Heard::Opened => Vec::new(),
        },
    );
    assert_eq!(control(&mut rig, 9), Ok(()));
    open(&mut rig, 3);
    rig.events.clear();
    assert!(rig.login(false).is_some());
    assert_eq!(rig.status(), Status::Ready);
    let back = [(Status::Registering, false), (Status::Ready, false)];
    assert_eq!(statuses(&mut rig), back);
    open(&mut rig, 5);
    assert_eq!(fate(&rig, 5), None);
}

#[test]
fn logging_out_and_closing_end_it() {
    for close in [false, true] {
        let mut rig = rig();
        assert_eq!(control(&mut rig, 1), Ok(()));
        open(&mut rig, 3);
        rig.act(if close {
            Phone::close
        } else {
            Phone::unregister
        });
        rig.seconds(10);
        assert_eq!(rig.status(), Status::Idle);
        assert_eq!(rig.events.contains(&Event::Closed), close);
        assert!(rig.events.contains(&Event::Unregistered));
        let bye = rig.sent.iter().filter(|asked| asked.is("BYE")).count();
        assert_eq!((bye, rig.closes.len()), (1, 1), "{}", rig.told());
        assert_eq!(rig.registers().len(), 0);
    }
}

#[test]
fn a_page_that_is_left_and_comes_back_is_connected_again() {
    let mut rig = rig();
    assert_eq!(control(&mut rig, 1), Ok(()));
    open(&mut rig, 3);
    rig.act(Phone::leave);
    let ended = rig.events.iter().any(|event| {
        matches!(event, Event::Call(CallEvent::SessionEnded { cause, .. }) if *cause == Cause::Local)
    });
    assert!(ended && rig.sent.iter().any(|asked| asked.is("BYE")));
    let opens = rig.opens.len();
    rig.seconds(100);
    assert_eq!((rig.status(), rig.opens.len()), (Status::Idle, opens));
    rig.act(Phone::resume);
    rig.seconds(5);
    assert_eq!(rig.status(), Status::Ready);
    open(&mut rig, 5);
    assert_eq!((fate(&rig, 5), rig.registers().len()), (None, 0));
}

#[test]
fn another_tab_silences_it() {
    let mut rig = rig();
    assert_eq!(control(&mut rig, 1), Ok(()));
    rig.act(Phone::silence);
    rig.seconds(60);
    assert_eq!(terminations(&rig), ["sameBrowser"]);
    assert_eq!(rig.status(), Status::ConnectionTerminated);
    assert_eq!(rig.closes.len(), 1);
}

// Credentials.

fn challenge(realm: &str, asked: &Asked) -> String {
    let number = asked.number;
    format!(
        "407 Proxy Authentication Required\nProxy-Authenticate: Digest realm=\"{realm}\", \
         nonce=\"n{number}\", qop=\"auth\""
    )
}

fn is_authorised(asked: &Asked) -> bool {
    asked.message.header(Name::ProxyAuthorization).is_some()
}

fn challenging(realm: &'static str, adapt: impl FnOnce(&mut Config)) -> Rig {
    let server = server(move |asked| {
        let known = is_authorised(asked);
        (!known).then(|| challenge(realm, asked))
    });
    let mut rig = Rig::with(adapt, server);
    assert_eq!(control(&mut rig, 1), Ok(()));
    rig
}

#[test]
fn the_own_domain_may_challenge_though_no_register_taught_it() {
    let mut rig = challenging("example.com", |_| {});
    open(&mut rig, 3);
    assert_eq!(fate(&rig, 3), None, "{}", rig.told());
    // By the nonce that is known now.
    let invites = |rig: &Rig| rig.sent.iter().filter(|asked| asked.is("INVITE")).count();
    let before = invites(&rig);
    open(&mut rig, 5);
    assert_eq!((fate(&rig, 5), invites(&rig)), (None, before + 1));
}

#[test]
fn no_other_realm_is_answered() {
    let mut rig = challenging("far.example", |_| {});
    open(&mut rig, 3);
    assert_eq!(fate(&rig, 3), Some((Some(Situation::Refused), Some(407))));
    assert!(!rig.sent.iter().any(is_authorised), "{}", rig.told());
}

#[test]
fn a_call_is_no_session_and_its_challenge_is_not_answered() {
    let mut rig = challenging("example.com", |_| {});
    rig.act(|phone, now| phone.call(now, 3, "2002", Default::default()));
    rig.seconds(1);
    assert!(!rig.sent.iter().any(is_authorised), "{}", rig.told());
}

#[test]
fn a_softphone_answers_no_realm_that_its_registrar_did_not_name() {
    let server = server(|asked| Some(challenge("example.com", asked)));
    let mut rig = Rig::with(|_| {}, server);
    assert_eq!(rig.login(false), None);
    open(&mut rig, 3);
    assert_eq!(fate(&rig, 3), Some((Some(Situation::Refused), Some(407))));
    assert!(!rig.sent.iter().any(is_authorised), "{}", rig.told());
}

fn asked_for(rig: &Rig) -> Vec<u32> {
    let id = |event: &Event| match event {
        Event::Credentials { id, .. } => Some(*id),
        _ => None,
    };
    rig.events.iter().filter_map(id).collect()
}

fn password(text: &str) -> Option<Credentials> {
    Some(Credentials::Password {
        username: None,
        password: text.into(),
    })
}

fn asking(config: &mut Config) {
    config.password = None;
    config.has_credentials = true;
}

#[test]
fn what_the_app_gave_once_is_kept_until_it_is_refused() {
    let mut rig = challenging("example.com", asking);
    open(&mut rig, 3);
    let [question] = asked_for(&rig)[..] else {
        panic!("{}", rig.told());
    };
    rig.act(|phone, now| phone.credentials(now, question, password("secret")));
    rig.wait(100);
    assert_eq!(fate(&rig, 3), None);
    for session in [5, 7, 9] {
        rig.lose(rig.socket);
        rig.seconds(40);
        open(&mut rig, session);
        assert_eq!(fate(&rig, session), None);
    }
    assert_eq!(asked_for(&rig).len(), 1, "recovery asks nobody");
}

#[test]
fn sessions_that_are_challenged_at_once_wait_for_one_answer() {
    let none = (Some(Situation::NoCredentials), Some(401));
    for (answer, expected) in [(password("secret"), None), (None, Some(none))] {
        let mut rig = challenging("example.com", asking);
        let sessions = [3, 5, 7];
        for session in sessions {
            begin(&mut rig, session);
        }
        rig.wait(100);
        let [question] = asked_for(&rig)[..] else {
            panic!("{}", rig.told());
        };
        rig.act(|phone, now| phone.credentials(now, question, answer.clone()));
        rig.wait(100);
        for session in sessions {
            assert_eq!(fate(&rig, session), expected);
        }
        assert_eq!(asked_for(&rig).len(), 1);
    }
}

#[test]
fn refused_credentials_are_asked_for_anew() {
    let refusing = server(|asked| Some(challenge("example.com", asked)));
    let mut rig = Rig::with(asking, refusing);
    assert_eq!(control(&mut rig, 1), Ok(()));
    for (times, session) in [3, 5].into_iter().enumerate() {
        open(&mut rig, session);
        let questions = asked_for(&rig);
        assert_eq!(questions.len(), times + 1, "{}", rig.told());
        let last = questions[times];
        rig.act(|phone, now| phone.credentials(now, last, password("wrong")));
        rig.wait(100);
        let fate = fate(&rig, session);
        assert_eq!(fate, Some((Some(Situation::Refused), Some(407))));
    }
    assert_eq!(rig.status(), Status::Ready);
}

#[test]
fn an_app_that_has_none_hears_so_and_stays_connected() {
    let mut rig = challenging("example.com", asking);
    open(&mut rig, 3);
    let [question] = asked_for(&rig)[..] else {
        panic!("{}", rig.told());
    };
    rig.act(|phone, now| phone.credentials(now, question, None));
    let none = (Some(Situation::NoCredentials), Some(401));
    assert_eq!((fate(&rig, 3), rig.status()), (Some(none), Status::Ready));
}
