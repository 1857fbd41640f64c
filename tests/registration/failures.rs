//! Logins that fail, and registrations that are lost: nothing stays bound behind the
//! app's back, and what may pass is waited for.

use crate::rig::{Act, Asked, Heard, Rig, accept, answer};
use graceline::phone::{Event, Fault, Status};
use std::cell::RefCell;
use std::rc::Rc;

/// URIs that the registrar has bound, whatever it says.
type Bound = Rc<RefCell<Vec<String>>>;

/// A rig whose registrar binds and removes as it is asked to, and answers what `say`
/// wants.
fn binding(mut say: impl FnMut(&Asked) -> Vec<Act> + 'static) -> (Rig, Bound) {
    let bound = Bound::default();
    let inside = bound.clone();
    let rig = Rig::new(move |heard| {
        let Heard::Request(asked) = heard else {
            return Vec::new();
        };
        if !asked.is("REGISTER") {
            return answer("405 Method Not Allowed");
        }
        let acts = say(asked);
        let refused = matches!(&acts[..], [Act::Answer(_, text)] if text.starts_with(['4', '6']));
        if !refused {
            let mut bound = inside.borrow_mut();
            for contact in asked.contacts() {
                let uri = contact.trim_start_matches('<').split('>').next();
                let uri = uri.unwrap_or_default().to_owned();
                bound.retain(|known| *known != uri && uri != "*");
                if !contact.ends_with("expires=0") && uri != "*" {
                    bound.push(uri);
                }
            }
        }
        acts
    });
    (rig, bound)
}

/// Nothing is bound when the failure is told, or it says what.
fn assert_nothing_behind(name: &str, rig: &mut Rig, bound: &Bound, fault: &Fault) {
    let left = bound.borrow().clone();
    let named = |uri: &String| {
        let user = uri.trim_start_matches("sip:").split('@').next();
        let left = fault.left.as_deref().unwrap_or_default();
        left.contains(user.unwrap_or_default())
    };
    assert!(
        left.iter().all(named),
        "{name}: {left:?} behind {fault:?}\n{}",
        rig.told()
    );
    let registers = rig.registers().len();
    rig.seconds(600);
    assert_eq!(rig.status(), Status::Idle, "{name}");
    assert!(
        rig.registers().len() <= registers + 1,
        "{name}: it goes on\n{}",
        rig.told()
    );
}

#[test]
fn whatever_makes_a_login_fail_nothing_of_it_stays_bound() {
    type Say = fn(&Asked) -> Vec<Act>;
    let says: [(&str, bool, Say); 11] = [
        ("does not list it", false, |_| answer("200 OK")),
        ("lists somebody else instead", false, |_| {
            accept(&["<sip:other@o.invalid>;expires=60"])
        }),
        ("grants no time", false, |asked| match asked.binds() {
            true => answer("200 OK\nContact: <{own}>;expires=0\nExpires: 0"),
            false => answer("200 OK"),
        }),
        ("500, though it took it", false, |asked| {
            match asked.binds() {
                true => answer("500 Server Internal Error"),
                false => answer("200 OK"),
            }
        }),
        (
            "503 of a limit that it did not keep",
            false,
            |asked| match asked.binds() {
                true => answer("503 Too many registered contacts"),
                false => answer("200 OK"),
            },
        ),
        ("600", false, |asked| match asked.is_query() {
            true => answer("200 OK"),
            false => answer("600 Busy Everywhere"),
        }),
        (
            "a list once, and none for the removal",
            false,
            |asked| match (asked.binds(), asked.is_query()) {
                (true, _) | (_, true) => answer("200 OK"),
                _ => answer("403 Forbidden"),
            },
        ),
        ("silence", false, |asked| match asked.is_query() {
            true => answer("200 OK"),
            false => Vec::new(),
        }),
        ("closed", false, |asked| match asked.is_query() {
            true => answer("200 OK"),
            false => vec![Act::Close(0)],
        }),
        (
            "a password that was changed in between",
            false,
            |asked| match (asked.binds(), asked.number) {
                (_, 1) | (true, _) => answer("200 OK"),
                _ => answer(
                    "401 Unauthorized\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"",
                ),
            },
        ),
        ("a rival that forces, too", true, |asked| {
            match asked.binds() {
                true => {
                    let own = asked.own();
                    let (claim, host) = own.split_once('@').expect("a claim");
                    let parts: Vec<&str> = claim.split('-').collect();
                    let rival =
                        format!("{}-{}-ffffffffffff-00000000-ffffffffff", parts[0], parts[1]);
                    accept(&[
                        &format!("<{rival}f@{host}>;expires=60"),
                        "<{own}>;expires=60",
                    ])
                }
                false => answer("200 OK"),
            }
        }),
    ];
    for (name, force, say) in says {
        let (mut rig, bound) = binding(say);
        let fault = rig.login(force).expect(name);
        assert_nothing_behind(name, &mut rig, &bound, &fault);
    }
}

/// While registered, too: the refresh is refused for good, and the binding was there.
#[test]
fn a_registration_that_is_lost_leaves_nothing_bound() {
    let (mut rig, bound) = binding(|asked| match (asked.binds(), asked.number) {
        (true, 3..) => answer("404 Not Found"),
        (true, _) => accept(&["<{own}>;expires=120"]),
        (false, _) if asked.is_query() && asked.number > 2 => answer("200 OK\nContact: <sip:x@y>"),
        _ => answer("200 OK"),
    });
    assert_eq!(rig.login(false), None);
    rig.seconds(60);
    assert!(
        rig.events
            .iter()
            .any(|event| matches!(event, Event::Error(_))),
        "{}",
        rig.told()
    );
    assert_eq!(rig.status(), Status::Idle);
    assert!(bound.borrow().is_empty(), "{}", rig.told());
}

/// A refusal that binds nothing costs no removal.
#[test]
fn whoever_was_refused_has_nothing_to_remove() {
    for refusal in [
        "403 Forbidden",
        "404 Not Found",
        "480 Temporarily Unavailable",
    ] {
        let (mut rig, _) = binding(move |asked| match asked.is_query() {
            true => answer("200 OK"),
            false => answer(refusal),
        });
        let fault = rig.login(false).expect("refused");
        assert_eq!(fault.code().as_str(), "eServerRejected");
        assert!(
            rig.registers().iter().all(|asked| !asked.removes()),
            "{}",
            rig.told()
        );
    }
}

/// Nonces that serve once: what was used for the login is of no use for the un-REGISTER.
#[test]
fn an_un_register_of_a_left_page_answers_one_challenge() {
    let challenge = |nonce| {
        answer(format!(
            "401 Unauthorized\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n{nonce}\", qop=\"auth\", stale=true"
        ))
    };
    for endless in [false, true] {
        let mut used = 0;
        let (mut rig, bound) = binding(move |asked| {
            let known = asked.message.header(graceline::sip::Name::Authorization);
            let good = known.is_some_and(|value| value.contains(&format!("nonce=\"n{used}\"")));
            if !good || endless && asked.removes() {
                return challenge(used);
            }
            used += 1;
            match asked.binds() {
                // The answer is late: the app does not wait for it.
                true => vec![Act::Answer(500, "200 OK".into())],
                false => answer("200 OK"),
            }
        });
        rig.register(false);
        rig.wait(300);
        rig.act(graceline::phone::Phone::abort);
        rig.seconds(5);
        let removals = rig
            .registers()
            .into_iter()
            .filter(|asked| asked.removes())
            .count();
        assert_eq!(removals, 2, "{}", rig.told());
        assert_eq!(bound.borrow().is_empty(), !endless, "{}", rig.told());
    }
}

/// What may pass costs nobody the registration; when the binding lapses the app knows.
#[test]
fn a_refresh_that_is_refused_for_now_is_tried_again() {
    for refusal in [
        "408 Request Timeout",
        "480 Temporarily Unavailable",
        "503 Service Unavailable",
        "403 Forbidden\nRetry-After: 20",
        "404 Not Found\nRetry-After: 20 (moving)",
        "600 Busy\nRetry-After: 5;duration=60",
        "500 Server Internal Error\nRetry-After: 4294967295",
    ] {
        for query in [false, true] {
            let (mut rig, _) = binding(move |asked| match asked.number {
                1 => answer("200 OK"),
                3 if query => answer(refusal),
                4 if !query => answer(refusal),
                _ if asked.is_query() => accept(&["<sip:x@y>"]),
                _ => accept(&["<{own}>;expires=120"]),
            });
            assert_eq!(rig.login(false), None);
            rig.seconds(100);
            let errors = rig
                .events
                .iter()
                .filter(|event| matches!(event, Event::Error(_)));
            assert_eq!(errors.count(), 0, "{refusal}\n{}", rig.told());
            let long = refusal.ends_with("4294967295");
            assert_eq!(rig.status(), Status::Ready, "{refusal}\n{}", rig.told());
            rig.seconds(3600);
            assert_eq!(rig.status(), Status::Ready, "{refusal}\n{}", rig.told());
            let recovered =
                |event: &Event| matches!(event, Event::Status(Status::RecoveryPending, _));
            // Nobody believes in a binding that has lapsed.
            assert_eq!(
                rig.events.iter().any(recovered),
                long,
                "{refusal}\n{}",
                rig.told()
            );
        }
    }
}

#[test]
fn retry_after_counts_at_a_login_wherever_it_may_stand() {
    for status in [
        "404 Not Found",
        "413 Too Large",
        "480 Away",
        "486 Busy",
        "500 Error",
        "503 Busy",
        "600 Busy",
        "603 No",
    ] {
        for query in [false, true] {
            let (mut rig, _) = binding(move |asked| match asked.number {
                1 if query => answer(format!("{status}\nRetry-After: 3")),
                2 if !query => answer(format!("{status}\nRetry-After: 3")),
                _ if asked.is_query() => answer("200 OK"),
                _ => accept(&["<{own}>;expires=120"]),
            });
            let begun = rig.now;
            assert_eq!(rig.login(false), None, "{status}\n{}", rig.told());
            assert!((rig.now - begun).as_secs() >= 3, "{status}");
        }
    }
}

/// A registrar that does not let itself be asked is one without a list.
#[test]
fn a_login_goes_on_where_the_query_is_refused_or_not_answered() {
    for refusal in [
        "400 Bad",
        "403 Forbidden",
        "404 Not Found",
        "406 Not Acceptable",
        "480 Away",
        "488 No",
        "500 Error",
        "501 Not Implemented",
        "603 Decline",
        "",
    ] {
        let (mut rig, _) = binding(move |asked| match asked.is_query() {
            true if refusal.is_empty() => Vec::new(),
            true => answer(refusal),
            false => accept(&["<{own}>;expires=120"]),
        });
        assert_eq!(rig.login(false), None, "{refusal}\n{}", rig.told());
        let registered = rig.phone.registered().expect("registered");
        assert!(!registered.detects_conflicts, "{refusal}");
        rig.seconds(600);
        assert_eq!(rig.status(), Status::Ready, "{refusal}\n{}", rig.told());
    }
    // A list in the 200 is judged all the same.
    let (mut rig, bound) = binding(|asked| match asked.is_query() {
        true => answer("404 Not Found"),
        false if asked.removes() => answer("200 OK"),
        false => {
            let rival = "<sip:r@r.invalid>;+u.sip!devicename.ccm.cisco.com=\"CSF\";expires=9";
            accept(&["<{own}>;expires=120", rival])
        }
    });
    let fault = rig.login(false).expect("somebody is there");
    assert_eq!(
        fault.code().as_str(),
        "eDeviceAlreadyRegistered",
        "{}",
        rig.told()
    );
    assert!(bound.borrow().is_empty());
}

/// FreeSWITCH says 403 to a wrong password.
#[test]
fn forbidden_at_the_first_credentials_is_about_them() {
    let challenge =
        "401 Unauthorized\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    for (forbidden, known, code) in [
        ("403 Forbidden", false, "eCredentialsRejected"),
        (
            "403 Forbidden\nWarning: 399 x \"Device not authorised\"",
            false,
            "eDeviceNotAuthorised",
        ),
        (
            "403 Forbidden\nWarning: 399 x \"Not from there\"",
            false,
            "eServerRejected",
        ),
        (
            "403 Too many registered contacts",
            false,
            "eDeviceLimitReached",
        ),
        // The query was accepted with the same credentials.
        ("403 Forbidden", true, "eServerRejected"),
    ] {
        let (mut rig, _) =
            binding(
                move |asked| match asked.message.header(graceline::sip::Name::Authorization) {
                    None => answer(challenge),
                    Some(_) if known && asked.is_query() => answer("200 OK"),
                    Some(_) => answer(forbidden),
                },
            );
        let fault = rig.login(false).expect("refused");
        assert_eq!(fault.code().as_str(), code, "{forbidden}\n{}", rig.told());
        assert!(rig.registers().len() <= 5, "{}", rig.told());
    }
}
