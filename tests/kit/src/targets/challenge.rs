//! Whatever a registrar asks for, the answer proves the password and is one line.

use graceline::rand::Random;
use graceline::sip::{DigestResponse, Framing, Message, Secret, is_line};
use graceline::transaction::{Authenticator, Credentials, Learned, Reach, Secrets, Subject};

/// Inputs to start from.
pub const SEEDS: &[&str] = &[
    "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", opaque=\"\", algorithm=SHA-256, \
     qop=\"auth,auth-int\", stale=TRUE\r\nWWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", \
     algorithm=MD5\r\nAuthentication-Info: nextnonce=\"def\", qop=auth, rspauth=\"00\", cnonce=\"1\", nc=00000001",
    "Proxy-Authenticate: Digest realm=\"a \\\"b\\\", c\", nonce=\"n,=\", algorithm=SHA-512-256-sess, qop=auth, \
     Bearer realm=\"b\", authz_server=\"https://b/\", scope=\"sip\", error=\"invalid_token\"",
    "WWW-Authenticate: Digest realm=\"\", nonce=\"\"\r\nProxy-Authenticate: Negotiate abc==",
];

/// Answers the challenges in the header lines `data`, twice.
pub fn run(data: &[u8]) {
    let head = b"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/WS a\r\nFrom: <sip:a@b>\r\n\
                 To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n";
    let text = [head, data, b"\r\n\r\n"].concat();
    let Ok(answer) = Message::parse(&text, Framing::Frame) else {
        return;
    };
    let mut random = Random::from_seed([0; 32]);
    let mut ours = authenticator(Some("password"));
    for again in [false, true] {
        if ours.learn(&answer, Reach::Registrar, again) == Learned::Retry(None) {
            answer_to(&mut ours, &mut random);
        }
        ours.accepted(&answer);
    }
    // What a page load keeps is enough to go on with.
    let mut reloaded = authenticator(Some("password"));
    ours.remember(|fields| reloaded.recall(&fields));
    answer_to(&mut reloaded, &mut random);

    let mut asking = authenticator(None);
    if let Learned::Ask(ask) = asking.learn(&answer, Reach::Registrar, false) {
        let credentials = match ask.scheme {
            "digest" => Credentials::Password {
                username: None,
                password: "password".into(),
            },
            _ => Credentials::Token("token".into()),
        };
        asking.supply(&ask.realm, credentials);
        answer_to(&mut asking, &mut random);
    }
    // A far end learns nothing by asking for a realm of its own, nor by asking in
    // the registrar's for less than the registrar does; and nothing of it is kept.
    let mut careful = authenticator(Some("password"));
    let asked = careful.learn(&answer, Reach::Others, false);
    assert_eq!(asked, Learned::Unsupported);
    let registrar = b"WWW-Authenticate: Digest realm=\"example.com\", nonce=\"own\", \
                      algorithm=SHA-256, qop=\"auth\"";
    let registrar = [head, registrar.as_slice(), b"\r\n\r\n"].concat();
    let registrar = Message::parse(&registrar, Framing::Frame).expect("a challenge");
    careful.learn(&registrar, Reach::Registrar, false);
    if let Learned::Retry(once) = careful.learn(&answer, Reach::Others, false) {
        let shown = careful.authorize(&BYE, once.as_ref(), &mut random);
        for (name, value) in shown {
            let response = DigestResponse::parse(&value).expect("an answer to a challenge");
            assert_eq!(response.realm, "example.com", "{name}");
            assert!(!response.algorithm.is_md5() && response.qop.is_some());
        }
    }
    assert!(careful.authorize(&BYE, None, &mut random).is_empty());
    let own = careful.authorize(&REGISTER, None, &mut random);
    let own = own
        .iter()
        .find_map(|(_, value)| DigestResponse::parse(value));
    assert_eq!(own.expect("its own").nonce, "own");
}

const REGISTER: Subject<'_> = Subject {
    method: "REGISTER",
    uri: "sip:b",
    body: b"",
    to_server: true,
};

const BYE: Subject<'_> = Subject {
    method: "BYE",
    uri: "sip:a@b",
    body: b"",
    to_server: false,
};

fn authenticator(password: Option<&str>) -> Authenticator {
    Authenticator::new(Secrets {
        username: "user".into(),
        password: password.map(str::to_owned),
        ask: true,
        token_allowed: true,
        ..Secrets::default()
    })
}

fn answer_to(authenticator: &mut Authenticator, random: &mut Random) {
    for (name, value) in authenticator.authorize(&REGISTER, None, random) {
        assert!(is_line(&value), "{name}: {value:?}");
        if value.starts_with("Digest ") {
            let response = DigestResponse::parse(&value).expect("an answer to a challenge");
            let secret = Secret::Password("password");
            assert!(response.verify(secret, "REGISTER", b""), "{value}");
            assert!(!response.verify(Secret::Password(""), "REGISTER", b""));
        }
    }
}
