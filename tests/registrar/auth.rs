//! Who may register: digest authentication.

use crate::support::{Client, World, digest, users};
use graceline::registrar::{Config, User};
use graceline::sip::{Algorithm, Name};
use graceline::time::Duration;

const CONTACT: &str = "<sip:a@a.invalid;transport=ws>";

#[test]
fn every_algorithm_is_challenged_the_strongest_first() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    let answer = world.next(client.connection);
    assert_eq!((answer.status(), answer.reason()), (401, "Unauthorized"));
    let lines: Vec<&str> = answer.lines(Name::WwwAuthenticate).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("algorithm=SHA-256"), "{lines:?}");
    assert!(lines[1].contains("algorithm=MD5"), "{lines:?}");
    for line in lines {
        assert!(
            line.contains("realm=\"example.com\"") && line.contains("qop=\"auth\""),
            "{line}"
        );
        assert!(!line.contains("stale"), "{line}");
    }
    assert!(answer.to_tag().is_some());
    assert_eq!(
        answer.header(Name::Date),
        Some("Tue, 10 Nov 2026 12:00:00 GMT")
    );
}

#[test]
fn each_algorithm_lets_its_user_in() {
    let algorithms = vec![Algorithm::Sha512_256, Algorithm::Md5, Algorithm::Sha256];
    for algorithm in algorithms.clone() {
        let mut world = World::new(Config {
            algorithms: algorithms.clone(),
            ..users()
        });
        let mut client = Client::new(&mut world, "2001");
        let text = client.request("REGISTER", "sip:example.com", "");
        world.send(client.connection, text);
        let challenge = digest(&world.next(client.connection), algorithm);
        client.uses(challenge);
        let answer = client.register(&mut world, &[CONTACT]);
        assert_eq!(answer.status(), 200, "{algorithm:?}");
    }
}

#[test]
fn an_algorithm_that_was_not_offered_does_not_count() {
    let mut world = World::new(Config {
        algorithms: vec![Algorithm::Sha256],
        ..users()
    });
    let mut client = Client::new(&mut world, "2001");
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    let mut challenge = digest(&world.next(client.connection), Algorithm::Sha256).unwrap();
    challenge.algorithm = Algorithm::Md5;
    client.uses(Some(challenge));
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 401);
}

#[test]
fn a_wrong_password_is_challenged_again_and_never_called_stale() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    client.password = "wrong";
    let answer = client.register(&mut world, &[CONTACT]);
    assert_eq!(answer.status(), 401);
    assert!(!digest(&answer, Algorithm::Sha256).unwrap().stale);
    assert!(world.registrar.bindings("2001").is_empty());
}

#[test]
fn a_stranger_learns_nothing_before_and_404_after_signing_in() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "9999");
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 401);
    assert_eq!(client.register(&mut world, &[CONTACT]).status(), 404);
}

#[test]
fn nobody_registers_for_somebody_else() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    client.register(&mut world, &[]);
    for other in ["2002", "9999"] {
        let text = client
            .request(
                "REGISTER",
                "sip:example.com",
                &format!("Contact: {CONTACT}\r\n"),
            )
            .replace("To: <sip:2001@", &format!("To: <sip:{other}@"));
        world.send(client.connection, text);
        assert_eq!(world.next(client.connection).status(), 403, "{other}");
    }
    assert!(world.registrar.bindings("2002").is_empty());
}

#[test]
fn an_escaped_user_part_is_the_same_user() {
    let mut world = World::new(users());
    let mut client = Client::new(&mut world, "2001");
    client.register(&mut world, &[]);
    let text = client
        .request(
            "REGISTER",
            "sip:example.com",
            &format!("Contact: {CONTACT}\r\n"),
        )
        .replace("To: <sip:2001@", "To: <sip:%32001@");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 200);
    assert_eq!(world.registrar.bindings("2001").len(), 1);
}

#[test]
fn a_nonce_serves_many_requests_but_each_count_once() {
    let mut world = World::new(users());
    let mut client = Client::registered(&mut world, "2001", CONTACT);
    for _ in 0..3 {
        let text = client.request("REGISTER", "sip:example.com", "");
        world.send(client.connection, &text);
        assert_eq!(
            world.next(client.connection).status(),
            200,
            "one round trip"
        );
    }
    client.set_count(1);
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    let answer = world.next(client.connection);
    assert_eq!(answer.status(), 401, "a replayed count");
    assert!(digest(&answer, Algorithm::Sha256).unwrap().stale);
}

#[test]
fn an_outdated_nonce_is_stale() {
    let nonce_lifetime = Some(Duration::from_secs(100));
    let mut world = World::new(Config {
        nonce_lifetime,
        max_expires: Some(600),
        ..users()
    });
    let mut client = Client::registered(&mut world, "2001", CONTACT);
    world.pass(99);
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 200);
    world.pass(1);
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    let answer = world.next(client.connection);
    assert!(digest(&answer, Algorithm::Sha256).is_some_and(|challenge| challenge.stale));
    let challenge = digest(&answer, Algorithm::Sha256);
    client.uses(challenge);
    assert_eq!(client.register(&mut world, &[]).status(), 200);
}

#[test]
fn authentication_info_brings_a_nonce_that_works_and_proves_the_server() {
    let mut world = World::new(Config {
        next_nonce: true,
        ..users()
    });
    let mut client = Client::new(&mut world, "2001");
    let answer = client.register(&mut world, &[CONTACT]);
    let value = answer.header(Name::AuthenticationInfo).expect("asked for");
    let info = graceline::sip::AuthenticationInfo::parse(value);
    let rspauth = info.rspauth.expect("rspauth");
    assert_eq!((rspauth.len(), info.nc), (64, Some(1)));
    // The challenge of before is the mould for the new nonce.
    let text = client.request("REGISTER", "sip:example.com:1", "");
    let unsigned = text
        .lines()
        .filter(|line| !line.starts_with("Authorization"));
    world.send(
        client.connection,
        unsigned.collect::<Vec<_>>().join("\r\n") + "\r\n\r\n",
    );
    let mut challenge = digest(&world.next(client.connection), Algorithm::Sha256).unwrap();
    challenge.nonce = info.nextnonce.expect("nextnonce");
    client.uses(Some(challenge));
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 200);
}

#[test]
fn credentials_for_another_request_uri_are_refused() {
    let mut world = World::new(users());
    let mut client = Client::registered(&mut world, "2001", CONTACT);
    let text = client.request("REGISTER", "sip:example.com", "").replace(
        "REGISTER sip:example.com SIP",
        "REGISTER sip:example.com:99 SIP",
    );
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 400);
}

#[test]
fn the_digest_username_may_differ_from_the_user() {
    let mut config = users();
    let user = User {
        password: "secret".into(),
        auth_user: Some("2002x".into()),
        token: None,
        ..User::default()
    };
    config.users.insert("2003".into(), user);
    let mut world = World::new(config);
    let mut client = Client::new(&mut world, "2002x");
    client.password = "secret";
    client.register(&mut world, &[]);
    let text = client
        .request(
            "REGISTER",
            "sip:example.com",
            &format!("Contact: {CONTACT}\r\n"),
        )
        .replace("To: <sip:2002x@", "To: <sip:2003@");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 200);
    assert_eq!(world.contacts("2003").len(), 1);
}

#[test]
fn without_a_domain_every_domain_is_served_with_a_realm_of_its_own() {
    let mut world = World::new(Config {
        domain: None,
        ..users()
    });
    let mut client = Client::new(&mut world, "2001");
    let text = client
        .request("REGISTER", "sip:pbx.test", "")
        .replace("@example.com", "@pbx.test");
    world.send(client.connection, text);
    let challenge = digest(&world.next(client.connection), Algorithm::Sha256).unwrap();
    assert_eq!(challenge.realm, "pbx.test");
    client.uses(Some(challenge));
    let text = client
        .request(
            "REGISTER",
            "sip:pbx.test",
            &format!("Contact: {CONTACT}\r\n"),
        )
        .replace("@example.com", "@pbx.test");
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 200);
    assert_eq!(world.contacts("2001").len(), 1);
}

#[test]
fn another_domain_is_not_found_here() {
    let mut world = World::new(users());
    let mut client = Client::registered(&mut world, "2001", CONTACT);
    let text = client.request("REGISTER", "sip:example.com", "").replace(
        "To: <sip:2001@example.com>",
        "To: <sip:2001@elsewhere.test>",
    );
    world.send(client.connection, text);
    assert_eq!(world.next(client.connection).status(), 404);
}

#[test]
fn a_token_lets_its_owner_in_and_nobody_else() {
    let mut config = users();
    config.authz_server = Some("https://login.example.com/".into());
    let user = config.users.get_mut("2001").unwrap();
    user.token = Some("t0ken".into());
    let mut world = World::new(config);
    let mut client = Client::new(&mut world, "2001");
    let text = client.request("REGISTER", "sip:example.com", "");
    world.send(client.connection, text);
    let challenge = world.next(client.connection);
    let lines: Vec<&str> = challenge.lines(Name::WwwAuthenticate).collect();
    assert_eq!(
        lines[2..],
        ["Bearer realm=\"example.com\", authz_server=\"https://login.example.com/\""]
    );
    for (credentials, status) in [
        ("Bearer wrong", 401),
        ("Digest t0ken", 401),
        ("Bearer t0ken", 200),
        ("bearer token=\"t0ken\"", 200),
    ] {
        let headers = format!("Authorization: {credentials}\r\nContact: {CONTACT}\r\n");
        let text = client.request("REGISTER", "sip:example.com", &headers);
        world.send(client.connection, text);
        assert_eq!(
            world.next(client.connection).status(),
            status,
            "{credentials}"
        );
    }
    let mut other = Client::new(&mut world, "2002");
    let text = other.request(
        "REGISTER",
        "sip:example.com",
        "Authorization: Bearer t0ken\r\n",
    );
    world.send(other.connection, text);
    assert_eq!(world.next(other.connection).status(), 403);
}
