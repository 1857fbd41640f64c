use super::*;
use crate::sip::{Algorithm, DigestResponse, Framing};

const INVITE: Subject<'_> = Subject {
    method: "INVITE",
    uri: "sip:2002@r",
    body: b"v=0",
    to_server: false,
};

const REGISTER: Subject<'_> = Subject {
    method: "REGISTER",
    uri: "sip:r",
    body: b"",
    to_server: true,
};

const STRONG: &str = "algorithm=SHA-256, qop=\"auth\"";

fn answer(status: &str, headers: &str) -> Message {
    let text = format!("SIP/2.0 {status}\r\nCSeq: 1 REGISTER\r\n{headers}\r\n\r\n");
    Message::parse(text.as_bytes(), Framing::Frame).unwrap()
}

fn www(nonce: &str, more: &str) -> Message {
    let header = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", {more}");
    answer("401 Unauthorized", &header)
}

fn proxy(realm: &str, nonce: &str, more: &str) -> Message {
    let header = format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", {more}");
    answer("407 Proxy Authentication Required", &header)
}

fn secrets() -> Secrets {
    Secrets {
        username: "2001".into(),
        password: Some("secret".into()),
        ..Secrets::default()
    }
}

/// What goes out with `subject`.
fn sent(
    authenticator: &mut Authenticator,
    subject: &Subject<'_>,
    once: Option<&Once>,
) -> Vec<(&'static str, DigestResponse)> {
    let mut random = Random::from_seed([3; 32]);
    let headers = authenticator.authorize(subject, once, &mut random);
    let read = |(name, value): (_, String)| (name, DigestResponse::parse(&value).unwrap());
    headers.into_iter().map(read).collect()
}

/// After a REGISTER that answered the registrar's challenge `n`.
fn challenged() -> (Authenticator, DigestResponse) {
    let mut authenticator = Authenticator::new(secrets());
    let learned = authenticator.learn(&www("n", STRONG), Reach::Registrar, true);
    assert_eq!(learned, Learned::Retry(None));
    let mut headers = sent(&mut authenticator, &REGISTER, None);
    let (name, response) = headers.remove(0);
    assert_eq!((name, headers.len()), ("Authorization", 0));
    (authenticator, response)
}

fn registered() -> Authenticator {
    let (mut authenticator, _) = challenged();
    assert!(authenticator.accepted(&answer("200 OK", "")));
    authenticator
}

#[test]
fn a_server_that_proves_the_wrong_password_is_not_believed() {
    for (password, believed) in [("secret", true), ("other", false)] {
        let (mut authenticator, sent) = challenged();
        let rspauth = sent.rspauth(Secret::Password(password), b"");
        let cnonce = sent.cnonce.unwrap();
        let info = format!(
            "Authentication-Info: qop=auth, rspauth=\"{rspauth}\", cnonce=\"{cnonce}\", nc=00000001"
        );
        assert_eq!(authenticator.accepted(&answer("200 OK", &info)), believed);
    }
}

#[test]
fn a_proof_for_an_earlier_request_is_no_wrong_one() {
    let (mut authenticator, earlier) = challenged();
    sent(&mut authenticator, &REGISTER, None);
    let cnonce = earlier.cnonce.unwrap_or_default();
    let info = format!("Authentication-Info: rspauth=\"0\", cnonce=\"{cnonce}x\"");
    assert!(authenticator.accepted(&answer("200 OK", &info)));
}

#[test]
fn the_next_nonce_is_used_from_its_first_count() {
    let (mut authenticator, _) = challenged();
    authenticator.accepted(&answer("200 OK", "Authentication-Info: nextnonce=\"m\""));
    let (_, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
    assert_eq!((response.nonce.as_str(), response.nc), ("m", Some(1)));
}

#[test]
fn the_registrar_speaks_for_itself_and_not_for_a_proxy() {
    let mut authenticator = Authenticator::new(secrets());
    let learned = authenticator.learn(&proxy("r", "n", STRONG), Reach::Registrar, true);
    assert_eq!(learned, Learned::Retry(None));
    sent(&mut authenticator, &REGISTER, None);
    authenticator.accepted(&answer("200 OK", "Authentication-Info: nextnonce=\"m\""));
    let (name, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
    assert_eq!((name, &*response.nonce), ("Proxy-Authorization", "n"));
}

#[test]
fn a_password_that_was_accepted_is_refused_only_three_times_in_a_row() {
    let mut authenticator = registered();
    let mut refuse = |nonce: &str| {
        let learned = authenticator.learn(&www(nonce, STRONG), Reach::Registrar, true);
        sent(&mut authenticator, &REGISTER, None);
        learned
    };
    // The nonce had expired; the registrar restarted; its challenge was read after a
    // sleep; the password was changed.
    assert_eq!(refuse("m"), Learned::Retry(None));
    assert_eq!(refuse("o"), Learned::Retry(None));
    assert_eq!(refuse("p"), Learned::Retry(None));
    assert_eq!(refuse("q"), Learned::Rejected);
}

#[test]
fn a_stale_nonce_is_no_wrong_password_and_a_refused_password_is_asked_for_anew() {
    let mut authenticator = Authenticator::new(Secrets {
        password: None,
        ask: true,
        ..secrets()
    });
    let Learned::Ask(ask) = authenticator.learn(&www("n", STRONG), Reach::Registrar, true) else {
        panic!("nobody knows the password");
    };
    let credentials = Credentials::Password {
        username: None,
        password: "given".into(),
    };
    assert!(authenticator.supply(&ask.realm, credentials));
    sent(&mut authenticator, &REGISTER, None);
    let stale = www("m", "algorithm=SHA-256, qop=\"auth\", stale=TRUE");
    let learned = authenticator.learn(&stale, Reach::Registrar, true);
    assert_eq!(learned, Learned::Retry(None));
    let (_, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
    assert!(response.verify(Secret::Password("given"), "REGISTER", b""));
    // What others ask in this realm is answered with what the app gave.
    let asked = authenticator.learn(&proxy("r", "o", STRONG), Reach::Others, false);
    let Learned::Retry(Some(once)) = asked else {
        panic!("{asked:?}");
    };
    let (_, response) = sent(&mut authenticator, &INVITE, Some(&once)).remove(0);
    assert!(response.verify(Secret::Password("given"), "INVITE", b""));
    let learned = authenticator.learn(&www("p", STRONG), Reach::Registrar, true);
    assert_eq!(learned, Learned::Rejected);
    let learned = authenticator.learn(&www("q", STRONG), Reach::Registrar, true);
    assert!(matches!(learned, Learned::Ask(_)), "{learned:?}");
}

/// By the next flow the nonce may be dead.
#[test]
fn a_flow_lost_before_the_answer_proves_no_wrong_password() {
    for (lost, learned) in [(false, Learned::Rejected), (true, Learned::Retry(None))] {
        let (mut authenticator, _) = challenged();
        if lost {
            authenticator.interrupted();
        }
        let refused = authenticator.learn(&www("m", STRONG), Reach::Registrar, true);
        assert_eq!(refused, learned);
    }
}

#[test]
fn the_topmost_challenge_is_answered_and_not_the_last() {
    for (first, second) in [
        (Algorithm::Sha256, Algorithm::Md5),
        (Algorithm::Md5, Algorithm::Sha256),
    ] {
        let header = |algorithm: Algorithm| {
            let name = algorithm.name();
            format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm={name}")
        };
        let headers = format!("{}\r\n{}", header(first), header(second));
        let mut authenticator = Authenticator::new(secrets());
        authenticator.learn(
            &answer("401 Unauthorized", &headers),
            Reach::Registrar,
            true,
        );
        let (_, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
        assert_eq!(response.algorithm, first);
    }
}

#[test]
fn a_body_is_protected_where_nothing_less_is_offered() {
    let mut authenticator = Authenticator::new(secrets());
    let qop = "algorithm=SHA-256, qop=\"auth-int\"";
    let learned = authenticator.learn(&www("n", qop), Reach::Registrar, true);
    assert_eq!(learned, Learned::Retry(None));
    let asked = authenticator.learn(&proxy("r", "m", qop), Reach::Others, false);
    let Learned::Retry(once) = asked else {
        panic!("{asked:?}");
    };
    let (_, response) = sent(&mut authenticator, &INVITE, once.as_ref()).remove(0);
    assert_eq!(response.qop.as_deref(), Some("auth-int"));
    assert!(response.verify(Secret::Password("secret"), "INVITE", b"v=0"));
    assert!(!response.verify(Secret::Password("secret"), "INVITE", b"v=1"));
}

/// The far end has the registrar's realm from our own requests, and asks in it.
#[test]
fn whoever_answers_a_call_gets_no_weaker_digest_than_the_registrar() {
    for (asked, answered) in [
        (proxy("evil", "x", STRONG), false),
        (proxy("r", "x", "algorithm=MD5, qop=\"auth\""), false),
        (proxy("r", "x", "algorithm=MD5-sess, qop=\"auth\""), false),
        (proxy("r", "x", "qop=\"auth\""), false),
        (proxy("r", "x", "algorithm=SHA-256"), false),
        (proxy("r", "x", "algorithm=SHA-256, qop=\"\""), false),
        (proxy("r", "x", STRONG), true),
        (proxy("r", "x", "algorithm=SHA-512-256, qop=\"auth\""), true),
        (www("x", STRONG), true),
        (www("x", "algorithm=MD5"), false),
        (
            answer("407 x", "Proxy-Authenticate: Bearer realm=\"r\""),
            false,
        ),
        (answer("401 x", ""), false),
    ] {
        let mut authenticator = registered();
        let learned = authenticator.learn(&asked, Reach::Others, false);
        assert_eq!(
            matches!(learned, Learned::Retry(Some(_))),
            answered,
            "{learned:?}"
        );
        assert_eq!(learned == Learned::Unsupported, !answered);
        // Nothing of it is left: neither for the next callee nor for the registrar.
        assert!(sent(&mut authenticator, &INVITE, None).is_empty());
        let (_, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
        assert_eq!((&*response.nonce, response.nc), ("n", Some(2)));
    }
}

#[test]
fn a_challenge_to_a_call_is_answered_once() {
    let mut authenticator = registered();
    let Learned::Retry(Some(once)) =
        authenticator.learn(&proxy("r", "x", STRONG), Reach::Others, false)
    else {
        panic!("the proxy has the registrar's realm");
    };
    let (name, response) = sent(&mut authenticator, &INVITE, Some(&once)).remove(0);
    assert_eq!((name, &*response.nonce), ("Proxy-Authorization", "x"));
    let refused = authenticator.learn(&proxy("r", "y", STRONG), Reach::Others, true);
    assert_eq!(refused, Learned::Rejected);
    let stale = proxy("r", "y", "algorithm=SHA-256, qop=\"auth\", stale=true");
    let learned = authenticator.learn(&stale, Reach::Others, true);
    assert!(matches!(learned, Learned::Retry(Some(_))), "{learned:?}");
}

#[test]
fn a_token_is_for_the_registrar_alone() {
    let mut authenticator = Authenticator::new(Secrets {
        password: None,
        ask: true,
        token_allowed: true,
        ..secrets()
    });
    let bearer = |name: &str| answer("401 x", &format!("{name}: Bearer realm=\"r\""));
    let asked = authenticator.learn(&bearer("WWW-Authenticate"), Reach::Registrar, true);
    let Learned::Ask(ask) = asked else {
        panic!("{asked:?}");
    };
    assert!(authenticator.supply(&ask.realm, Credentials::Token("t".into())));
    for name in ["WWW-Authenticate", "Proxy-Authenticate"] {
        let learned = authenticator.learn(&bearer(name), Reach::Others, false);
        assert_eq!(learned, Learned::Unsupported);
    }
    // Nor is a digest answered where the registrar wants tokens.
    let learned = authenticator.learn(&proxy("r", "x", STRONG), Reach::Others, false);
    assert_eq!(learned, Learned::Unsupported);
    let mut random = Random::from_seed([3; 32]);
    assert_eq!(authenticator.authorize(&INVITE, None, &mut random), []);
    let headers = authenticator.authorize(&REGISTER, None, &mut random);
    assert_eq!(headers, [("Authorization", "Bearer t".to_owned())]);
}

#[test]
fn a_nonce_that_was_refused_without_a_word_is_given_up() {
    let mut authenticator = registered();
    let bare = answer("401 Unauthorized", "");
    // A far end cannot have it given up.
    let learned = authenticator.learn(&bare, Reach::Others, false);
    assert_eq!(learned, Learned::Unsupported);
    assert_eq!(sent(&mut authenticator, &REGISTER, None).len(), 1);
    let learned = authenticator.learn(&bare, Reach::Registrar, true);
    assert_eq!(learned, Learned::Retry(None));
    assert!(sent(&mut authenticator, &REGISTER, None).is_empty());
    authenticator.remember(|kept| panic!("{kept:?}"));
    // Without credentials it is no better: that is the end.
    let learned = authenticator.learn(&bare, Reach::Registrar, true);
    assert_eq!(learned, Learned::Unsupported);
    let learned = authenticator.learn(&www("m", STRONG), Reach::Registrar, true);
    assert_eq!(learned, Learned::Retry(None));
    let (_, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
    assert_eq!(&*response.nonce, "m");
}

#[test]
fn a_nonce_that_is_refused_when_it_is_shown_again_serves_once() {
    // So many times it is shown and accepted; then it is refused.
    for (accepted, once) in [(1, true), (2, false), (3, false)] {
        let (mut authenticator, _) = challenged();
        authenticator.accepted(&answer("200 OK", ""));
        for _ in 1..accepted {
            sent(&mut authenticator, &REGISTER, None);
            authenticator.accepted(&answer("200 OK", ""));
        }
        sent(&mut authenticator, &REGISTER, None);
        authenticator.learn(&www("m", STRONG), Reach::Registrar, true);
        assert_eq!(authenticator.nonces_serve_once(), once, "{accepted}");
    }
}

#[test]
fn a_nonce_that_was_asked_for_ahead_is_shown_first_and_proves_no_wrong_password() {
    let mut authenticator = registered();
    authenticator.give_up_nonces();
    assert!(sent(&mut authenticator, &REGISTER, None).is_empty());
    assert!(!authenticator.has_fresh_nonce());
    authenticator.learn_ahead(&www("m", STRONG));
    assert!(authenticator.has_fresh_nonce());
    let (_, response) = sent(&mut authenticator, &REGISTER, None).remove(0);
    assert_eq!((&*response.nonce, response.nc), ("m", Some(1)));
    assert!(!authenticator.has_fresh_nonce());
    for nonce in ["o", "p"] {
        let learned = authenticator.learn(&www(nonce, STRONG), Reach::Registrar, true);
        assert_eq!(learned, Learned::Retry(None));
        sent(&mut authenticator, &REGISTER, None);
    }
}
