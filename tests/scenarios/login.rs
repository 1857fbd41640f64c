//! Logging in and out, alone: round trips, answers of all kinds, bad servers.

use crate::conflict::plain;
use crate::world::{Network, World, registrar_config};
use graceline::phone::{Event, Phone, Status};
use graceline::registrar::{CannedAnswer, Config, Dialect};
use graceline::sip::Algorithm;
use graceline::time::Duration;

fn answer(status: u16, reason: &str, headers: &[(&str, &str)]) -> CannedAnswer {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    CannedAnswer {
        status,
        reason: reason.into(),
        headers: headers.collect(),
    }
}

/// The failure of a login to whose first REGISTERs the registrar answers so.
fn login_against(
    config: Config,
    answers: Vec<CannedAnswer>,
) -> Option<(&'static str, Option<u16>)> {
    let mut config = config;
    config.faults.answer_register = answers.into();
    let mut world = World::new(20, config);
    let alice = world.client("alice");
    world
        .login(alice, false)
        .map(|fault| (fault.code().as_str(), fault.status))
}

#[test]
fn round_trips_are_those_that_were_promised() {
    for (config, cold, warm, refresh) in [
        (registrar_config(), 2, 1, 1),
        (plain(Dialect::Kamailio), 3, 2, 2),
    ] {
        let mut world = World::new(21, config);
        let alice = world.client("alice");
        world.login(alice, false);
        assert_eq!(world.clients[alice].registers, cold);
        world.run(Duration::from_secs(51));
        world.run(Duration::from_secs(10));
        assert_eq!(
            world.clients[alice].registers,
            cold + refresh,
            "{}",
            world.transcript.join("\n")
        );
        world.reload(alice, false);
        let before = world.clients[alice].registers;
        world.login(alice, false);
        assert_eq!(
            world.clients[alice].registers - before,
            warm,
            "{}",
            world.transcript.join("\n")
        );
        // Refused: as many warm; the cold one needs a challenge first.
        let bob = world.client("bob");
        world.login(bob, false).expect("refused");
        assert_eq!(world.clients[bob].registers, 2);
        world.reload(bob, false);
        world.login(bob, false).expect("refused");
        assert_eq!(world.clients[bob].registers, 3);
    }
}

#[test]
fn with_reg_event_a_refresh_is_one_round_trip() {
    let mut world = World::new(22, plain(Dialect::Rfc3261));
    let alice = world.client("alice");
    world.login(alice, false);
    let before = world.clients[alice].registers;
    world.run(Duration::from_secs(150));
    let refreshes = world.clients[alice].registers - before;
    assert!(
        (2..=3).contains(&refreshes),
        "{refreshes}\n{}",
        world.transcript.join("\n")
    );
}

#[test]
fn every_algorithm_in_either_order() {
    use Algorithm::{Md5, Sha256, Sha512_256};
    for algorithms in [
        vec![Md5],
        vec![Sha256],
        vec![Sha512_256],
        vec![Md5, Sha256],
        vec![Sha256, Md5],
    ] {
        let mut world = World::new(
            23,
            Config {
                algorithms,
                ..registrar_config()
            },
        );
        let alice = world.client("alice");
        assert_eq!(world.login(alice, false), None);
    }
}

/// A challenge as the field writes it, or none, or one without end.
#[test]
fn every_kind_of_401_leads_somewhere() {
    let digest = |more: &str| {
        let challenge = format!("Digest realm=\"example.com\", nonce=\"n\"{more}");
        answer(401, "Unauthorized", &[("WWW-Authenticate", &challenge)])
    };
    let bare = || answer(401, "Unauthorized", &[]);
    // Asked for once more, with a challenge of its own, the registrar is content.
    for first in [
        digest(", qop=auth,auth-int, opaque=\"x\", stale=true"),
        digest(" opaque=\"x\" qop=\"auth\", stale=true"),
        digest(", algorithm=\"\", stale=true"),
        digest(", qop=\"auth-int\", stale=true"),
    ] {
        assert_eq!(login_against(registrar_config(), vec![first]), None);
    }
    // A password cannot be wrong that nobody asked for.
    for (answers, code) in [
        (bare(), "eServerRejected"),
        (digest(", qop=\"other\""), "eServerRejected"),
        (digest(", algorithm=AKAv1-MD5"), "eServerRejected"),
        (digest(", stale=true"), "eCredentialsRejected"),
    ] {
        let answers = vec![answers; 20];
        let failure = login_against(registrar_config(), answers.clone());
        assert_eq!(failure.map(|failure| failure.0), Some(code), "{answers:?}");
    }
}

/// A nonce that expired, and a server that says so by a 401 alone.
#[test]
fn a_nonce_that_is_refused_without_a_challenge_is_given_up() {
    let mut world = World::new(20, registrar_config());
    let alice = world.client("alice");
    assert_eq!(world.login(alice, false), None);
    let before = world.clients[alice].registers;
    let refusal = vec![answer(401, "Unauthorized", &[])];
    world.registrar.faults_mut().answer_register = refusal.into();
    world.run(Duration::from_secs(61));
    assert_eq!(world.status(alice), Status::Ready);
    // The refused one, one without credentials, one that answers the challenge.
    assert_eq!(world.clients[alice].registers, before + 3);
}

#[test]
fn md5_can_be_refused() {
    let mut world = World::new(
        23,
        Config {
            algorithms: vec![Algorithm::Md5],
            ..registrar_config()
        },
    );
    let alice = world.client_with("alice", |config| config.refuse_md5 = true);
    assert_eq!(
        world.login(alice, false).map(|fault| fault.code().as_str()),
        Some("eCredentialsRejected")
    );
}

#[test]
fn a_wrong_password_is_told_once_and_not_tried_again() {
    for config in [registrar_config(), plain(Dialect::Kamailio)] {
        let mut world = World::new(24, config);
        let alice = world.client_with("alice", |config| config.password = Some("wrong".into()));
        assert_eq!(
            world.login(alice, false).map(|fault| fault.code().as_str()),
            Some("eCredentialsRejected")
        );
        let registers = world.clients[alice].registers;
        assert!(registers <= 3);
        world.run(Duration::from_secs(3600));
        assert_eq!(world.clients[alice].registers, registers);
        assert_eq!(world.status(alice), Status::Idle);
    }
}

#[test]
fn an_expired_nonce_is_no_wrong_password() {
    let config = Config {
        nonce_lifetime: Some(Duration::from_secs(30)),
        ..plain(Dialect::Kamailio)
    };
    let mut world = World::new(25, config);
    let alice = world.client("alice");
    world.login(alice, false);
    world.run(Duration::from_secs(600));
    assert_eq!(world.status(alice), Status::Ready);
}

#[test]
fn answers_of_the_registrar_become_the_errors_they_mean() {
    let challenged = |status, reason, headers| {
        let canned = answer(status, reason, headers);
        login_against(
            registrar_config(),
            vec![canned.clone(), canned.clone(), canned.clone(), canned],
        )
    };
    assert_eq!(
        challenged(404, "Not Found", &[]),
        Some(("eServerRejected", Some(404)))
    );
    assert_eq!(
        challenged(403, "Forbidden", &[]),
        Some(("eServerRejected", Some(403)))
    );
    assert_eq!(
        challenged(
            403,
            "Forbidden",
            &[("Warning", "399 cucm \"TLS authentication failure\"")]
        ),
        Some(("eServerRejected", Some(403)))
    );
    assert_eq!(
        challenged(
            403,
            "Forbidden",
            &[(
                "Warning",
                "399 cucm \"Registration is active for another client\""
            )]
        ),
        Some(("eDeviceAlreadyRegistered", Some(403)))
    );
    assert_eq!(
        challenged(
            503,
            "Service Unavailable",
            &[("P-Registrar-Error", "Too many registered contacts")]
        ),
        Some(("eDeviceLimitReached", Some(503)))
    );
    assert_eq!(
        challenged(603, "Too Many Contacts", &[]),
        Some(("eDeviceLimitReached", Some(603)))
    );
    assert_eq!(
        challenged(503, "Busy", &[("Retry-After", "3600")]),
        Some(("eServerRejected", Some(503)))
    );
}

#[test]
fn a_limit_reached_by_other_devices_is_told_as_such() {
    for (dialect, status) in [(Dialect::Kamailio, 503), (Dialect::Asterisk, 403)] {
        let mut world = World::new(
            26,
            Config {
                max_contacts: Some(1),
                ..plain(dialect)
            },
        );
        let other = world.client_with("other", |config| config.device = "OTHER".into());
        let alice = world.client("alice");
        world.login(other, false);
        for force in [false, true] {
            let fault = world.login(alice, force).expect("full");
            assert_eq!(
                (fault.code().as_str(), fault.status),
                ("eDeviceLimitReached", Some(status)),
                "{dialect:?} {force}"
            );
        }
        assert_eq!(world.status(other), Status::Ready);
    }
}

#[test]
fn retry_after_is_waited_for_while_the_login_is_pending() {
    let mut config = registrar_config();
    config.faults.answer_register =
        [answer(503, "Busy", &[("Retry-After", "5 (restarting)")])].into();
    let mut world = World::new(27, config);
    let alice = world.client("alice");
    let begun = world.now;
    assert_eq!(world.login(alice, false), None);
    assert!(world.now - begun >= Duration::from_secs(5));
}

#[test]
fn an_interval_too_brief_is_lengthened() {
    for config in [registrar_config(), plain(Dialect::Kamailio)] {
        let mut world = World::new(
            28,
            Config {
                min_expires: 90,
                ..config
            },
        );
        let alice = world.client_with("alice", |config| config.expires = Some(30));
        assert_eq!(world.login(alice, false), None);
        assert_eq!(
            world.clients[alice]
                .phone
                .registered()
                .map(|known| known.expires),
            Some(90)
        );
    }
}

#[test]
fn a_server_that_is_away_is_told_within_the_bound() {
    for (network, code) in [
        (Network::Refusing, "eCouldNotConnect"),
        (Network::Silent, "eCouldNotConnect"),
    ] {
        let mut world = World::new(29, registrar_config());
        world.nodes[0] = network;
        let alice = world.client("alice");
        let begun = world.now;
        assert_eq!(
            world.login(alice, false).map(|fault| fault.code().as_str()),
            Some(code),
            "{network:?}"
        );
        assert!(world.now - begun <= Duration::from_secs(30));
        let quiet = world.transcript.len();
        world.run(Duration::from_secs(600));
        assert_eq!(
            world.transcript.len(),
            quiet,
            "nothing is tried after the refusal"
        );
    }
}

#[test]
fn a_server_that_answers_nothing_is_a_timeout() {
    let mut config = registrar_config();
    config.faults.silent = true;
    let mut world = World::new(30, config);
    let alice = world.client("alice");
    let begun = world.now;
    assert_eq!(
        world.login(alice, false).map(|fault| fault.code().as_str()),
        Some("eTimeout")
    );
    assert!(world.now - begun <= Duration::from_secs(30));
}

#[test]
fn unregistering_frees_the_line_at_once() {
    for config in [
        registrar_config(),
        plain(Dialect::Kamailio),
        plain(Dialect::Asterisk),
    ] {
        let mut world = World::new(31, config);
        let (alice, bob) = (world.client("alice"), world.client("bob"));
        world.login(alice, false);
        world.act(alice, Phone::unregister);
        world.until("unregistered", |world| {
            world.clients[alice].events.contains(&Event::Unregistered)
        });
        assert_eq!(world.status(alice), Status::Idle);
        assert!(world.registrar.bindings("2001").is_empty());
        assert_eq!(world.login(bob, false), None);
        world.run(Duration::from_secs(600));
        assert_eq!(world.holders(), ["bob"]);
    }
}

#[test]
fn unregistering_without_a_network_does_not_hang() {
    let mut world = World::new(32, registrar_config());
    let alice = world.client("alice");
    world.login(alice, false);
    world.clients[alice].network = Network::Silent;
    let begun = world.now;
    world.act(alice, Phone::close);
    world.until("closed", |world| {
        world.clients[alice].events.contains(&Event::Closed)
    });
    assert!(world.now - begun <= Duration::from_secs(8));
}

#[test]
fn a_superseded_or_aborted_login_leaves_nothing_behind() {
    for config in [registrar_config(), plain(Dialect::Kamailio)] {
        for steps in 1..9 {
            let mut world = World::new(33, config.clone());
            let alice = world.client("alice");
            world.register(alice, false);
            world.run(Duration::from_millis(steps * 10));
            let settled = world.settled(alice);
            world.act(alice, Phone::abort);
            world.run(Duration::from_secs(10));
            let told = world.transcript.join("\n");
            let (status, holders) = match settled {
                true => (Status::Ready, vec!["alice".to_owned()]),
                false => (Status::Idle, vec![]),
            };
            assert_eq!(world.status(alice), status, "{steps}\n{told}");
            assert_eq!(world.holders(), holders, "{steps}\n{told}");
        }
    }
}

#[test]
fn garbage_is_counted_and_harms_nothing() {
    let mut world = World::new(34, registrar_config());
    let alice = world.client("alice");
    world.login(alice, false);
    let garbage: [&[u8]; 8] = [
        b"",
        b"{\"json\": true}",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 200",
        b"SIP/2.0 200 OK\r\nContent-Length: 9999\r\n\r\nx",
        b"INVITE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        &[0xff; 100],
        &[b'x'; 1 << 20],
    ];
    for data in garbage {
        world.act(alice, |phone, now| phone.handle_message(now, 0, 1, data));
    }
    assert!(world.clients[alice].phone.ignored_messages() >= 6);
    world.run(Duration::from_secs(120));
    assert_eq!(world.status(alice), Status::Ready);
}

#[test]
fn a_redirect_is_followed_over_the_same_flow() {
    for config in [registrar_config(), plain(Dialect::Rfc3261)] {
        let mut config = config;
        let moved = answer(
            302,
            "Moved",
            &[("Contact", "<sip:example.com;transport=ws>")],
        );
        config.faults.answer_register = [moved].into();
        let mut world = World::new(35, config);
        let alice = world.client("alice");
        assert_eq!(
            world.login(alice, false),
            None,
            "{}",
            world.transcript.join("\n")
        );
    }
    let moved = answer(302, "Moved", &[("Contact", "<sip:example.com>")]);
    let failed = login_against(plain(Dialect::Rfc3261), vec![moved; 9]);
    assert_eq!(failed, Some(("eServerRejected", Some(302))));
}

#[test]
fn a_registrar_that_refuses_to_list_is_said_to_show_no_conflicts() {
    let mut config = plain(Dialect::Rfc3261);
    config.faults.answer_register = [answer(400, "Missing Contact", &[])].into();
    let mut world = World::new(36, config);
    let alice = world.client("alice");
    assert_eq!(world.login(alice, false), None);
    let known = world.clients[alice].phone.registered().expect("registered");
    assert!(!known.detects_conflicts);
    world.run(Duration::from_secs(300));
    assert_eq!(world.status(alice), Status::Ready);
}

#[test]
fn the_app_is_asked_for_credentials_and_its_time_is_its_own() {
    use graceline::transaction::Credentials;
    let mut world = World::new(37, registrar_config());
    let alice = world.client_with("alice", |config| {
        config.password = None;
        config.has_credentials = true;
    });
    world.register(alice, false);
    let asked = |event: &Event| match event {
        Event::Credentials {
            id,
            scheme: "digest",
            ..
        } => Some(*id),
        _ => None,
    };
    world.until("asked", |world| {
        world.clients[alice]
            .events
            .iter()
            .any(|e| asked(e).is_some())
    });
    world.run(Duration::from_secs(120));
    let id = world.clients[alice]
        .events
        .iter()
        .find_map(asked)
        .expect("asked");
    let password = |text: &str| Credentials::Password {
        username: None,
        password: text.into(),
    };
    world.act(alice, |phone, now| {
        phone.credentials(now, id, Some(password("secret")))
    });
    world.until("settled", |world| world.settled(alice));
    assert_eq!(world.status(alice), Status::Ready);
    // Kept for the refreshes, which ask nobody.
    world.run(Duration::from_secs(600));
    assert_eq!(
        world.clients[alice].events.iter().filter_map(asked).count(),
        1
    );
    assert_eq!(world.status(alice), Status::Ready);
}

#[test]
fn a_bearer_token_is_asked_for_and_sent() {
    use graceline::transaction::Credentials;
    let mut config = registrar_config();
    config.algorithms.clear();
    config.authz_server = Some("https://auth.example.com".into());
    config.users.get_mut("2001").expect("known").token = Some("t0ken".into());
    for (token, code) in [("t0ken", None), ("wrong", Some("eCredentialsRejected"))] {
        let mut world = World::new(38, config.clone());
        let alice = world.client_with("alice", |config| {
            config.password = None;
            config.has_credentials = true;
            config.loopback = true;
        });
        world.register(alice, false);
        let mut answered = 0;
        for _ in 0..20 {
            world.run(Duration::from_secs(1));
            for event in world.clients[alice].events.clone() {
                if let Event::Credentials { id, scheme, .. } = event
                    && id > answered
                {
                    assert_eq!(scheme, "bearer");
                    answered = id;
                    let answer = Credentials::Token(token.into());
                    world.act(alice, |phone, now| phone.credentials(now, id, Some(answer)));
                }
            }
        }
        assert!(world.settled(alice));
        let failed = world.clients[alice]
            .events
            .iter()
            .find_map(|event| match event {
                Event::Failed(_, fault, _) => Some(fault.code().as_str()),
                _ => None,
            });
        assert_eq!(failed, code);
        assert!(
            answered <= 2,
            "a refused token is not asked for again and again"
        );
    }
}

#[test]
fn an_unregister_ends_whatever_comes_in_between() {
    type Act = fn(&mut World, usize);
    let between: [(&str, Act); 4] = [
        ("leave", |world, id| world.act(id, Phone::leave)),
        ("silence", |world, id| world.act(id, Phone::silence)),
        ("abort", |world, id| world.act(id, Phone::abort)),
        ("the password was changed", |world, _| {
            let mut config = world.registrar.config().clone();
            config.users.get_mut("2001").expect("known").password = "changed".into();
            world.registrar.configure(world.now, config);
            world.registrar.forget();
        }),
    ];
    for (what, act) in between {
        for close in [false, true] {
            let mut world = World::new(39, registrar_config());
            let alice = world.client("alice");
            world.login(alice, false);
            world.act(
                alice,
                if close {
                    Phone::close
                } else {
                    Phone::unregister
                },
            );
            act(&mut world, alice);
            let done = if close {
                Event::Closed
            } else {
                Event::Unregistered
            };
            world.until("done", |world| world.clients[alice].events.contains(&done));
            assert_eq!(world.status(alice), Status::Idle, "{what}");
            let quiet = world.clients[alice].registers;
            world.act(alice, Phone::resume);
            world.run(Duration::from_secs(120));
            assert_eq!(world.clients[alice].registers, quiet, "{what}");
        }
    }
}
