//! A registrar that lets in the devices alone that their user has authorised: which device
//! it is told, and what becomes of one that is none, or none any more.

use crate::rig::{Act, Asked, Heard, Rig, UUID, accept, answer};
use graceline::call::{self, CallOptions};
use graceline::phone::{Config, Event, Fault, Phone, Situation, Status};
use graceline::registration::{Profile, RegistrationType};
use graceline::sip::{DigestResponse, Name};
use graceline::transaction::Credentials;
use graceline_kit::message::Head;
use std::cell::Cell;
use std::rc::Rc;

const DEVICES: &str = "Supported: X-graceline-devices";
const BOTH: &str = "Supported: X-cisco-graceful-reg, X-graceline-devices";
const REFUSAL: &str = "403 Forbidden\nWarning: 399 r \"Device not authorised\"";
const CHALLENGE: &str =
    "401 Unauthorized\nWWW-Authenticate: Digest realm=\"example.com\", nonce=\"n\", qop=\"auth\"";

/// What the header says of the device.
fn shown(asked: &Asked) -> Option<&str> {
    asked.message.header_named("X-Graceline-Instance")
}

fn is_ours(asked: &Asked) -> bool {
    shown(asked) == Some(&format!("<{UUID}>"))
}

/// A registrar that announces itself by `supported` and challenges first. Whoever does not
/// show the device is refused, and so is the device once it is cut off.
struct Registrar {
    supported: &'static str,
    challenges: bool,
    cut_off: Rc<Cell<bool>>,
}

impl Registrar {
    fn new(supported: &'static str) -> Self {
        Self {
            supported,
            challenges: true,
            cut_off: Rc::default(),
        }
    }

    /// A phone at it that speaks as `profile` says, and what cuts it off.
    fn phone(self, profile: Option<Profile>, kind: RegistrationType) -> (Rig, Rc<Cell<bool>>) {
        let cut_off = self.cut_off.clone();
        let adapt = move |config: &mut Config| {
            config.profile = profile;
            config.registration_type = kind;
        };
        let rig = Rig::with(adapt, move |heard| match heard {
            Heard::Request(asked) => self.answer(asked),
            Heard::Opened => Vec::new(),
        });
        (rig, cut_off)
    }

    fn answer(&self, asked: &Asked) -> Vec<Act> {
        let proven = asked.message.header_named("Authorization").is_some();
        let say = |text: &str| answer(format!("{text}\n{}", self.supported));
        match asked.message.method() {
            "REGISTER" if self.challenges && !proven => say(CHALLENGE),
            "REGISTER" if self.cut_off.get() || !is_ours(asked) => say(REFUSAL),
            "REGISTER" if asked.is_query() => say("200 OK"),
            "REGISTER" => say("200 OK\nContact: <{own}>;expires=120"),
            "SUBSCRIBE" => answer("200 OK\nContact: <sip:r@r.invalid>\nExpires: 600"),
            _ => Vec::new(),
        }
    }
}

/// The faults that no login was told of.
fn errors(rig: &Rig) -> Vec<&Fault> {
    let events = rig.events.iter();
    events
        .filter_map(|event| match event {
            Event::Error(fault) => Some(fault),
            _ => None,
        })
        .collect()
}

const PROFILES: [(&str, Option<Profile>); 3] = [
    (BOTH, None),
    (BOTH, Some(Profile::Cisco)),
    (DEVICES, Some(Profile::Generic)),
];

#[test]
fn a_registrar_that_knows_devices_is_told_which_one_it_is_and_costs_no_round_trip() {
    for (supported, profile) in PROFILES {
        let (mut rig, _) = Registrar::new(supported).phone(profile, RegistrationType::Graceful);
        assert_eq!(rig.login(false), None, "{}", rig.told());
        rig.seconds(600);
        assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
        let (first, others) = rig.registers().split_first().map_or_else(
            || panic!("no REGISTER"),
            |(first, others)| (shown(first).is_some(), others.to_vec()),
        );
        assert!(!first, "{profile:?}: nobody asked\n{}", rig.told());
        assert!(
            others.iter().all(|asked| is_ours(asked)),
            "{profile:?}\n{}",
            rig.told()
        );
    }
}

#[test]
fn nobody_else_is_told_which_device_it_is() {
    let mut rig = Rig::answering(|asked| match asked.is("REGISTER") {
        true if asked.binds() => accept(&["<{own}>;expires=120"]),
        true => answer("200 OK\nSupported: X-graceline-asserted-id"),
        false => answer("489 Bad Event"),
    });
    assert_eq!(rig.login(false), None);
    rig.seconds(600);
    assert!(rig.sent.iter().all(|asked| shown(asked).is_none()));
    // Nor are others, by way of one who asks.
    let (mut rig, _) = Registrar::new(BOTH).phone(None, RegistrationType::Graceful);
    assert_eq!(rig.login(false), None);
    rig.act(|phone, now| phone.call(now, 1, "2002", CallOptions::default()));
    rig.seconds(1);
    let others: Vec<&Asked> = rig.sent.iter().filter(|a| !a.is("REGISTER")).collect();
    assert!(others.iter().any(|asked| asked.is("INVITE")));
    assert!(others.iter().all(|asked| shown(asked).is_none()));
}

/// Credentials that need no challenge: the refusal is the first word of the registrar.
#[test]
fn a_refusal_that_is_the_first_to_ask_is_answered_once() {
    for cut_off in [false, true] {
        let registrar = Registrar {
            challenges: false,
            ..Registrar::new(BOTH)
        };
        registrar.cut_off.set(cut_off);
        let (mut rig, _) = registrar.phone(Some(Profile::Cisco), RegistrationType::Graceful);
        let fault = rig.login(false).map(|fault| fault.at);
        let expected = cut_off.then_some(Situation::NotAuthorised);
        assert_eq!(fault, expected, "{}", rig.told());
        assert_eq!(rig.registers().len(), 2, "{}", rig.told());
    }
}

#[test]
fn a_device_that_is_not_authorised_is_refused_and_says_no_more() {
    for (supported, profile) in PROFILES {
        for force in [false, true] {
            let registrar = Registrar::new(supported);
            registrar.cut_off.set(true);
            let (mut rig, cut_off) = registrar.phone(profile, RegistrationType::Graceful);
            let fault = rig.login(force).expect("refused");
            assert_eq!(fault.code().as_str(), "eDeviceNotAuthorised");
            assert_eq!(fault.status, Some(403));
            assert_eq!(fault.said.as_deref(), Some("Device not authorised"));
            assert_eq!(fault.left, None);
            let registers = rig.registers().len();
            rig.seconds(600);
            assert_eq!(rig.registers().len(), registers, "{}", rig.told());
            assert_eq!(rig.status(), Status::Idle);
            assert!(errors(&rig).is_empty(), "{}", rig.told());
            cut_off.set(false);
            assert_eq!(rig.login(force), None, "{}", rig.told());
        }
    }
}

/// Another spelling is the same; another 403 is not.
#[test]
fn the_warning_says_it_not_the_status() {
    for (text, at) in [
        (
            "403 Forbidden\nWarning: 399 r \"device NOT Authorized\"",
            Situation::NotAuthorised,
        ),
        (
            "403 Forbidden\nWarning: 370 r \"Device not authorised\"",
            Situation::LoginRefused,
        ),
        ("403 Device not authorised", Situation::LoginRefused),
        (
            "480 Away\nWarning: 399 r \"Device not authorised\"",
            Situation::LoginRefused,
        ),
    ] {
        let mut rig = Rig::answering(move |asked| match asked.is_query() {
            true => answer("200 OK"),
            false => answer(text),
        });
        let fault = rig.login(false).expect("refused");
        assert_eq!(fault.at, at, "{text}");
    }
}

/// How a registered phone comes to send the REGISTER that tells it.
type Occasion = (&'static str, fn(&mut Rig));

const OCCASIONS: [Occasion; 3] = [
    ("its refresh, or a look", |_| {}),
    ("a socket that the server closed", |rig| {
        let socket = rig.socket;
        rig.lose(socket);
    }),
    ("the machine woke up", |rig| rig.act(Phone::look)),
];

#[test]
fn a_device_that_is_cut_off_ends_its_calls_says_so_once_and_stays_out() {
    let kinds = [RegistrationType::Graceful, RegistrationType::Normal];
    for ((occasion, happens), (supported, profile), kind) in OCCASIONS
        .into_iter()
        .flat_map(|occasion| PROFILES.map(|profile| (occasion, profile)))
        .flat_map(|(occasion, profile)| kinds.map(|kind| (occasion, profile, kind)))
    {
        let (mut rig, cut_off) = Registrar::new(supported).phone(profile, kind);
        assert_eq!(rig.login(false), None, "{}", rig.told());
        rig.act(|phone, now| phone.call(now, 1, "2002", CallOptions::default()));
        rig.seconds(1);
        rig.events.clear();
        cut_off.set(true);
        happens(&mut rig);
        rig.seconds(120);
        let story = || format!("{occasion} {profile:?} {kind:?}\n{}", rig.told());
        assert_eq!(rig.status(), Status::DeviceNotAuthorised, "{}", story());
        let at = |wanted: fn(&Event) -> bool| {
            let position = rig.events.iter().position(wanted);
            position.unwrap_or_else(|| panic!("{}", story()))
        };
        let ended = at(|event| matches!(event, Event::Call(call::Event::Ended { .. })));
        let status = at(|event| matches!(event, Event::Status(Status::DeviceNotAuthorised, None)));
        let told = at(|event| matches!(event, Event::Error(_)));
        assert!(ended < status && status < told, "{}", story());
        assert_eq!(errors(&rig)[0].at, Situation::NotAuthorised);
        let registers = rig.registers().len();
        assert!(!rig.registers()[registers - 1].removes(), "{}", story());
        rig.seconds(7200);
        rig.act(Phone::look);
        rig.seconds(60);
        assert_eq!(rig.registers().len(), registers, "{}", rig.told());
        assert_eq!(errors(&rig).len(), 1, "{}", rig.told());
        assert_eq!(rig.status(), Status::DeviceNotAuthorised);
        // Until the app asks for it.
        let fault = rig.login(false).expect("refused");
        assert_eq!(fault.at, Situation::NotAuthorised);
        cut_off.set(false);
        assert_eq!(rig.login(false), None, "{}", rig.told());
        assert_eq!(rig.status(), Status::Ready);
    }
}

/// The registrar tells the phone's subscription what became of its contact (RFC 3680).
fn notify(rig: &mut Rig, number: u32, part: &str, state: &str, event: &str) {
    let user = rig.phone.contact_user().expect("registered");
    let mut sent = rig.sent.iter();
    let subscribe = sent
        .find(|asked| asked.is("SUBSCRIBE"))
        .expect("subscribed");
    let header = |name| subscribe.message.header(name).unwrap_or_default();
    let document = format!(
        "<?xml version=\"1.0\"?><reginfo version=\"{number}\" state=\"{part}\">\
         <registration aor=\"a\" id=\"1\" state=\"active\">\
         <contact id=\"1\" state=\"{state}\" event=\"{event}\"><uri>sip:{user}@h.invalid</uri>\
         </contact></registration></reginfo>"
    );
    let head = Head {
        method: "NOTIFY",
        uri: "sip:2001@phone.invalid",
        via: ("r.invalid", &format!("notify{number}")),
        from: &format!("{};tag=registrar", header(Name::To)),
        to: header(Name::From),
        call_id: header(Name::CallId),
        cseq: number,
    };
    let headers = "Event: reg\r\nSubscription-State: active\r\nContact: <sip:r@r.invalid>\r\n";
    let text = head.write(headers, &document);
    let text = text.replace("application/csta+xml", "application/reginfo+xml");
    let socket = rig.socket;
    rig.receive_by(socket, &text);
}

#[test]
fn what_reg_event_says_of_it_is_a_hint() {
    for cut_off in [false, true] {
        let (mut rig, cut) = Registrar::new(BOTH).phone(None, RegistrationType::Graceful);
        assert_eq!(rig.login(false), None, "{}", rig.told());
        cut.set(cut_off);
        let registers = rig.registers().len();
        notify(&mut rig, 1, "full", "active", "registered");
        assert_eq!(rig.registers().len(), registers, "{}", rig.told());
        notify(&mut rig, 2, "partial", "terminated", "rejected");
        assert_eq!(rig.registers().len(), registers + 1, "{}", rig.told());
        rig.seconds(10);
        let expected = match cut_off {
            true => Status::DeviceNotAuthorised,
            false => Status::Ready,
        };
        assert_eq!(rig.status(), expected, "{}", rig.told());
    }
}

/// The page comes back from the back-forward cache.
#[test]
fn a_page_that_comes_back_learns_that_it_was_cut_off() {
    let (mut rig, cut_off) = Registrar::new(BOTH).phone(None, RegistrationType::Graceful);
    assert_eq!(rig.login(false), None);
    rig.act(Phone::leave);
    rig.seconds(60);
    cut_off.set(true);
    rig.act(Phone::resume);
    rig.seconds(60);
    assert_eq!(rig.status(), Status::DeviceNotAuthorised, "{}", rig.told());
    assert_eq!(errors(&rig).len(), 1, "{}", rig.told());
}

/// The app logs a phone out that was cut off: there is nothing to remove.
#[test]
fn whoever_was_cut_off_logs_out_in_silence() {
    let (mut rig, cut_off) = Registrar::new(BOTH).phone(None, RegistrationType::Graceful);
    assert_eq!(rig.login(false), None);
    cut_off.set(true);
    rig.seconds(120);
    assert_eq!(rig.status(), Status::DeviceNotAuthorised);
    let registers = rig.registers().len();
    rig.act(Phone::unregister);
    rig.seconds(10);
    assert_eq!(rig.registers().len(), registers);
    assert_eq!(rig.status(), Status::Idle);
    assert!(rig.events.contains(&Event::Unregistered));
}

/// A registrar at which names are good for a while, as those of a device are; and the
/// name that is.
fn changing(first: &'static str) -> (Rig, Rc<Cell<&'static str>>) {
    let valid = Rc::new(Cell::new(first));
    let known = valid.clone();
    let adapt = |config: &mut Config| {
        config.password = None;
        config.has_credentials = true;
        config.profile = Some(Profile::Cisco);
    };
    let mut nonce = 0;
    let rig = Rig::with(adapt, move |heard| match heard {
        Heard::Request(asked) if asked.is("REGISTER") => {
            let shown = asked.message.header(Name::Authorization);
            let shown = shown.and_then(DigestResponse::parse);
            let fits = |digest: &DigestResponse| {
                digest.nonce == format!("n{nonce}") && digest.username == known.get()
            };
            if shown.is_some_and(|digest| fits(&digest)) {
                return answer(
                    "200 OK\nContact: <{own}>;expires=120\nSupported: X-cisco-graceful-reg",
                );
            }
            nonce += 1;
            answer(format!(
                "401 Unauthorized\nWWW-Authenticate: Digest realm=\"example.com\", \
                 nonce=\"n{nonce}\", qop=\"auth\""
            ))
        }
        Heard::Request(asked) if asked.is("SUBSCRIBE") => answer("489 Bad Event"),
        _ => Vec::new(),
    });
    (rig, valid)
}

fn named(name: &str) -> Option<Credentials> {
    Some(Credentials::Password {
        username: Some(name.into()),
        password: "secret".into(),
    })
}

/// The questions of the phone so far.
fn questions(rig: &Rig) -> Vec<u32> {
    let id = |event: &Event| match event {
        Event::Credentials { id, .. } => Some(*id),
        _ => None,
    };
    rig.events.iter().filter_map(id).collect()
}

/// Logged in by the first name.
fn logged_in() -> (Rig, Rc<Cell<&'static str>>) {
    let (mut rig, valid) = changing("device-1");
    rig.register(false);
    rig.seconds(1);
    let [first] = questions(&rig)[..] else {
        panic!("{}", rig.told());
    };
    rig.act(|phone, now| phone.credentials(now, first, named("device-1")));
    rig.seconds(1);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    (rig, valid)
}

fn refusals(rig: &Rig) -> usize {
    let lines = rig.transcript.iter();
    lines.filter(|line| line.contains("SIP/2.0 401")).count()
}

#[test]
fn credentials_that_are_renewed_in_time_are_never_refused() {
    let (mut rig, valid) = logged_in();
    let before = refusals(&rig);
    for name in ["device-2", "device-3"] {
        rig.seconds(3000);
        let renewed = named(name).expect("credentials");
        rig.act(|phone, _| phone.renew_credentials("example.com", renewed));
        valid.set(name);
        rig.seconds(600);
        assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    }
    assert_eq!(refusals(&rig), before, "{}", rig.told());
    assert_eq!(questions(&rig).len(), 1);
}

#[test]
fn credentials_that_have_ended_are_asked_for_again() {
    let (mut rig, valid) = logged_in();
    valid.set("device-2");
    rig.seconds(120);
    let [_, second] = questions(&rig)[..] else {
        panic!("{}", rig.told());
    };
    rig.act(|phone, now| phone.credentials(now, second, named("device-2")));
    rig.seconds(300);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
    assert!(errors(&rig).is_empty());
    assert_eq!(questions(&rig).len(), 2);
}

/// Who answers wrongly is not asked for ever.
#[test]
fn a_second_wrong_answer_is_a_wrong_password() {
    let (mut rig, valid) = logged_in();
    valid.set("device-2");
    for _ in 0..10 {
        rig.seconds(60);
        let last = questions(&rig).last().copied().expect("a question");
        rig.act(|phone, now| phone.credentials(now, last, named("device-1")));
    }
    rig.seconds(600);
    // The third question is of the un-REGISTER.
    assert_eq!(questions(&rig).len(), 3, "{}", rig.told());
    assert_eq!(rig.status(), Status::Idle);
    assert_eq!(errors(&rig)[0].at, Situation::CredentialsRefused);
}

/// Where the app knows that the device may not log in any more, it is cut off as by the
/// registrar's word.
#[test]
fn a_device_without_credentials_is_cut_off() {
    let (mut rig, _) = changing("device-1");
    rig.register(false);
    rig.seconds(1);
    let first = questions(&rig)[0];
    rig.act(|phone, now| phone.supply(now, first, Err(Situation::NotAuthorised)));
    let failed = rig.events.iter().find_map(|event| match event {
        Event::Failed(_, fault, _) => Some(fault.at),
        _ => None,
    });
    assert_eq!(failed, Some(Situation::NotAuthorised), "{}", rig.told());
    assert_eq!(rig.status(), Status::Idle);

    let (mut rig, valid) = logged_in();
    rig.act(|phone, now| phone.call(now, 1, "2002", CallOptions::default()));
    rig.seconds(1);
    valid.set("nobody");
    rig.seconds(120);
    let second = questions(&rig)[1];
    rig.act(|phone, now| phone.supply(now, second, Err(Situation::NotAuthorised)));
    let registers = rig.registers().len();
    rig.seconds(600);
    assert_eq!(rig.status(), Status::DeviceNotAuthorised, "{}", rig.told());
    assert_eq!(errors(&rig).len(), 1);
    assert_eq!(rig.registers().len(), registers);
    let ended = |event: &Event| matches!(event, Event::Call(call::Event::Ended { .. }));
    assert!(rig.events.iter().any(ended));
}
