//! What a login asks for, and what it makes of answers that are no plain yes.

use crate::rig::{Asked, Rig, accept, answer, terminations};
use graceline::phone::Status;
use graceline::registration::Claim;

/// A client of the device that was there long before, and can be named.
const HOLDER: &str = "<sip:jssip@j.invalid>;+u.sip!devicename.ccm.cisco.com=\"CSF\"\
                      ;received=\"sip:192.0.2.1:5060\";expires=60";
const REMOVED: &str = "<sip:jssip@j.invalid>;expires=0";

/// A registrar without reg-event; `say` answers REGISTER.
fn rig(mut say: impl FnMut(&Asked) -> Vec<crate::rig::Act> + 'static) -> Rig {
    Rig::answering(move |asked| match asked.is("REGISTER") {
        true => say(asked),
        false => answer("405 Method Not Allowed"),
    })
}

/// Refuses by itself, shows no contacts, and names nobody.
const CONFLICT: &str = "403 Forbidden\nSupported: X-cisco-graceful-reg\n\
                        Warning: 399 r \"Registration is active for another client\"";
const TAKEN: &str = "200 OK\nSupported: X-cisco-graceful-reg\nExpires: 120";

#[test]
fn after_an_interval_too_brief_a_force_removes_the_rival_all_the_same() {
    let mut binds = 0;
    let mut rig = rig(move |asked| {
        binds += u32::from(asked.binds());
        match asked.binds() {
            true if binds == 1 => answer("423 Interval Too Brief\nMin-Expires: 300"),
            true => accept(&["<{own}>;expires=300"]),
            false => accept(&[HOLDER]),
        }
    });
    assert_eq!(rig.login(true), None, "{}", rig.told());
    let registers = rig.registers();
    let binding: Vec<_> = registers.iter().filter(|asked| asked.binds()).collect();
    assert_eq!(binding.len(), 2, "{}", rig.told());
    for asked in binding {
        assert_eq!(asked.contacts()[0], REMOVED, "{}", rig.told());
    }
}

#[test]
fn no_interval_of_more_than_a_day_is_asked_for() {
    for (least, expected) in [
        (86_400, None),
        (86_401, Some("eServerRejected")),
        (60, Some("eServerRejected")),
    ] {
        let mut binds = 0;
        let mut rig = rig(move |asked| {
            binds += u32::from(asked.binds());
            match asked.binds() {
                true if binds == 1 => answer(format!("423 Too Brief\nMin-Expires: {least}")),
                true => accept(&["<{own}>;expires=86400"]),
                false => answer("200 OK"),
            }
        });
        let code = rig.login(false).map(|fault| fault.code().as_str());
        assert_eq!(code, expected, "{least}\n{}", rig.told());
    }
}

#[test]
fn a_redirection_to_what_is_no_server_is_a_refusal() {
    for target in ["mailto:a@example.com", "tel:+1", "sip:"] {
        let mut rig = rig(move |_| answer(format!("302 Moved\nContact: <{target}>")));
        let fault = rig.login(false).expect("nowhere to go");
        assert_eq!(
            fault.code().as_str(),
            "eServerRejected",
            "{target}\n{}",
            rig.told()
        );
        assert_eq!(rig.registers().len(), 1, "{target}\n{}", rig.told());
    }
}

/// The Contact is listed without a time of its own.
#[test]
fn a_login_that_is_granted_no_time_is_refused() {
    let mut rig = rig(|asked| match asked.binds() {
        true => answer("200 OK\nContact: <{own}>\nExpires: 0"),
        false => answer("200 OK"),
    });
    let fault = rig.login(false).expect("no time");
    assert_eq!(fault.code().as_str(), "eServerRejected", "{}", rig.told());
}

/// The registrar does not let itself be asked, but it says who is there.
#[test]
fn conflicts_are_seen_where_a_200_has_listed_others() {
    for (others, seen) in [
        (&["<sip:desk@d>", "<{own}>"][..], true),
        (&["<{own}>"], false),
    ] {
        let mut rig = rig(move |asked| match asked.binds() {
            true => accept(others),
            false => answer("400 Bad Request"),
        });
        assert_eq!(rig.login(false), None, "{}", rig.told());
        let registered = rig.phone.registered().expect("registered");
        assert_eq!(registered.detects_conflicts, seen);
    }
}

/// Claims of clients whose clocks differ compare because the registrar's counts.
#[test]
fn a_slow_clock_claims_the_registrars_time() {
    let mut rig = rig(|asked| match asked.binds() {
        true => accept(&["<{own}>;expires=120"]),
        false => answer("200 OK\nDate: Thu, 01 Jan 2026 01:00:00 GMT"),
    });
    let begun = rig.now;
    assert_eq!(rig.login(true), None, "{}", rig.told());
    let registers = rig.registers();
    let own = registers
        .last()
        .map(|asked| asked.own())
        .unwrap_or_default();
    let user = own.trim_start_matches("sip:").split('@').next();
    let claim = user.and_then(Claim::parse).expect("a claim");
    assert_eq!(claim.since, begun.seconds() + 3600, "{}", rig.told());
}

/// Its all-zero instance makes no contact nameable.
#[test]
fn a_contact_with_a_zero_instance_alone_is_cleared_and_not_named() {
    let mut cleared = false;
    let zero = "<sip:jssip@j.invalid>;+u.sip!devicename.ccm.cisco.com=\"CSF\"\
                ;+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-000000000000>\"";
    let mut rig = rig(move |asked| {
        cleared |= asked.contacts() == ["*"];
        match asked.binds() {
            true => accept(&["<{own}>;expires=120"]),
            false if cleared => answer("200 OK"),
            false => accept(&[zero]),
        }
    });
    assert_eq!(rig.login(true), None, "{}", rig.told());
    let registers = rig.registers();
    let clearings = registers.iter().filter(|asked| asked.contacts() == ["*"]);
    assert_eq!(clearings.count(), 1, "{}", rig.told());
    assert!(!rig.told().contains(REMOVED), "{}", rig.told());
}

#[test]
fn a_proxy_that_knows_no_outbound_is_believed_once() {
    let mut rig = rig(|asked| match asked.binds() {
        true => answer("439 First Hop Lacks Outbound Support"),
        false => answer("200 OK"),
    });
    let fault = rig.login(false).expect("refused");
    assert_eq!(fault.status, Some(439), "{}", rig.told());
    let registers = rig.registers();
    let binding: Vec<_> = registers.iter().filter(|asked| asked.binds()).collect();
    let with = |asked: &&&&Asked| asked.contacts()[0].contains("reg-id");
    assert_eq!(binding.len(), 2, "{}", rig.told());
    assert_eq!(binding.iter().filter(with).count(), 1, "{}", rig.told());
}

#[test]
fn a_forced_login_in_ciscos_form_has_a_call_id_of_its_own() {
    let mut rig = rig(|_| answer(TAKEN));
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig.act(graceline::phone::Phone::unregister);
    rig.seconds(1);
    let before = rig.registers().len();
    assert_eq!(rig.login(true), None, "{}", rig.told());
    let registers = rig.registers();
    let call_id = |asked: &&Asked| asked.message.call_id().to_owned();
    let of = |asked: &[&Asked]| asked.iter().map(call_id).collect::<Vec<_>>();
    let (first, forced) = (&registers[..before], &registers[before..]);
    assert!(
        of(forced).iter().all(|id| !of(first).contains(id)),
        "{}",
        rig.told()
    );
}

/// For some seconds after a reload it is the phone's own ghost that holds the line.
#[test]
fn a_refusal_that_names_nobody_is_waited_out_after_a_reload() {
    let mut rig = rig(|asked| match asked.number {
        3..=5 => answer(CONFLICT),
        _ => answer(TAKEN),
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig.reload();
    assert_eq!(rig.login(false), None, "{}", rig.told());
}

#[test]
fn a_refusal_that_names_nobody_is_a_refusal_after_a_logout() {
    let mut rig = rig(|asked| match asked.number {
        4.. => answer(CONFLICT),
        _ => answer(TAKEN),
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig.act(graceline::phone::Phone::unregister);
    rig.seconds(1);
    let begun = rig.now;
    for reload in [false, true] {
        if reload {
            rig.reload();
        }
        let fault = rig.login(false).expect("somebody is there");
        assert_eq!(
            fault.code().as_str(),
            "eDeviceAlreadyRegistered",
            "{}",
            rig.told()
        );
        assert_eq!((rig.now - begun).as_secs(), 0, "{}", rig.told());
    }
}

/// Whoever logged out waits for no ghost, be the login that he gave up the first of a page.
#[test]
fn a_refusal_that_names_nobody_is_a_refusal_after_a_login_was_given_up() {
    let mut rig = rig(|asked| match asked.number {
        3.. => answer(CONFLICT),
        _ => answer(TAKEN),
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig.reload();
    rig.act(|phone, now| phone.register(now, 1000, false));
    rig.seconds(1);
    rig.act(graceline::phone::Phone::unregister);
    rig.seconds(1);
    let begun = rig.now;
    rig.login(false).expect("somebody is there");
    assert_eq!((rig.now - begun).as_secs(), 0, "{}", rig.told());
}

/// While the binding could not be refreshed it may have been the phone's own; when it
/// has lapsed somebody else holds the line.
#[test]
fn a_refusal_that_names_nobody_ousts_when_the_binding_has_lapsed() {
    let mut rig = rig(|asked| match asked.number {
        1 | 2 => answer(TAKEN.replace("120", "40")),
        3..=5 => answer("503 Busy\nRetry-After: 11"),
        _ => answer(CONFLICT),
    });
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig.seconds(120);
    assert_eq!(terminations(&rig), ["refused"], "{}", rig.told());
    assert_eq!(rig.status(), Status::ConnectionTerminated);
}
