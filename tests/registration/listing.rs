//! Who is who in the lists that registrars send: by what the phone knows itself, its
//! device, and others.

use crate::rig::{Act, Asked, Rig, UUID, accept, answer, terminations};
use graceline::phone::{Event, Status};
use graceline::registration::Profile;

/// A registrar that shows `own` for what the phone binds, and `others` beside it.
fn showing(own: &'static str, others: &'static [&'static str]) -> impl FnMut(&Asked) -> Vec<Act> {
    let mut bound = None;
    move |asked| {
        if !asked.is("REGISTER") {
            return answer("405 Method Not Allowed");
        }
        if asked.binds() {
            bound = Some(own.replace("{own}", &asked.own()));
        } else if asked.removes() {
            bound = None;
        }
        accept(&[others.to_vec(), bound.as_deref().into_iter().collect()].concat())
    }
}

/// Border elements rewrite Contacts; the instance is what they leave.
#[test]
fn its_own_instance_is_its_own_though_the_uri_was_rewritten() {
    for shown in [
        format!("<sip:sbc-77@192.0.2.1:5066;transport=ws>;+sip.instance=\"<{UUID}>\";expires=120"),
        format!(
            "<sip:sbc-77@192.0.2.1>;+sip.instance=\"<{}>\"",
            UUID.to_uppercase()
        ),
        format!("<sip:sbc-77@192.0.2.1>;+sip.instance=\"{UUID}\";reg-id=1;expires=60"),
        format!("<sip:sbc-77@192.0.2.1>;pub-gruu=\"sip:2001@example.com;gr={UUID}\";expires=60"),
        "<sip:%67{rest}@192.0.2.1;transport=ws>;expires=120".to_owned(),
    ] {
        let mut bound = None;
        let template = shown.clone();
        let mut rig = Rig::answering(move |asked| {
            if asked.binds() {
                let own = asked.own();
                let rest = own
                    .trim_start_matches("sip:g")
                    .split('@')
                    .next()
                    .map(str::to_owned);
                bound = Some(template.replace("{rest}", &rest.unwrap_or_default()));
            } else if asked.removes() {
                bound = None;
            }
            match asked.is("REGISTER") {
                true => accept(&bound.as_deref().into_iter().collect::<Vec<_>>()),
                false => answer("405 Method Not Allowed"),
            }
        });
        assert_eq!(rig.login(false), None, "{shown}\n{}", rig.told());
        rig.seconds(600);
        assert_eq!(rig.status(), Status::Ready, "{shown}\n{}", rig.told());
        assert!(
            rig.registers().iter().all(|asked| !asked.removes()),
            "{shown}\n{}",
            rig.told()
        );
        // It leaves as what it came.
        rig.act(graceline::phone::Phone::unregister);
        rig.seconds(1);
        assert!(rig.events.contains(&Event::Unregistered));
    }
}

/// Two bindings of one instance of which only one is ours by name: the other one is an
/// earlier page's.
#[test]
fn what_is_ours_by_name_makes_the_other_one_a_ghost() {
    let ghost = "<sip:sbc-1@192.0.2.1>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\";expires=60";
    let mut rig = Rig::answering(showing("<{own}>;expires=120", &[]));
    assert_eq!(rig.login(false), None);
    let mut rig = Rig::answering(move |asked| match asked.is_query() {
        true => accept(&[ghost]),
        false if asked.is("REGISTER") => accept(&["<{own}>;expires=120"]),
        false => answer("405 Method Not Allowed"),
    });
    assert_eq!(rig.login(false), None);
    let removed = rig.registers().iter().any(|asked| {
        asked.contacts()[..]
            .first()
            .is_some_and(|first| first == "<sip:sbc-1@192.0.2.1>;expires=0")
    });
    assert!(removed, "{}", rig.told());
}

/// The device parameter says whose it is; that there is no claim does not make it less.
#[test]
fn a_client_of_the_device_in_its_place_has_taken_it_over_though_it_claims_nothing() {
    for rival in [
        "<sip:jssip@j.invalid;transport=ws>;+u.sip!devicename.ccm.cisco.com=\"CSF\";expires=60",
        "<sip:jssip@j.invalid>;+U.SIP!DeviceName.ccm.cisco.com=CSF;expires=60",
        // Claims of another address-of-record: the same one by another domain.
        "<sip:g1-000000000000-111111111111-22222222-ffffffffffu@j.invalid>;+u.sip!devicename.ccm.cisco.com=\"CSF\"",
        "<sip:j@j.invalid>;+u.sip!devicename.ccm.cisco.com=\"CSF\";+sip.instance=\"<urn:uuid:2>\"",
    ] {
        let mut rig = Rig::answering(move |asked| match asked.is("REGISTER") {
            true if asked.is_query() && asked.number > 1 => accept(&[rival]),
            true if asked.binds() => accept(&["<{own}>;expires=120"]),
            true => answer("200 OK"),
            false => answer("405 Method Not Allowed"),
        });
        assert_eq!(rig.login(false), None);
        let before = rig.registers().len();
        rig.seconds(59);
        assert_eq!(terminations(&rig), ["takenOver"], "{rival}\n{}", rig.told());
        let asked = rig.registers().len() - before;
        assert_eq!(asked, 1, "the look alone\n{}", rig.told());
        assert_eq!(rig.status(), Status::ConnectionTerminated);
    }
}

/// A vendor's name is no feature: what refuses by itself says so.
#[test]
fn only_what_proves_the_feature_makes_the_cisco_profile() {
    for (headers, profile) in [
        ("Server: Cisco-SIPGateway/IOS-15.4.3.M3", Profile::Generic),
        ("Server: Cisco-CUCM12.5", Profile::Generic),
        ("Supported: X-cisco-srtp-fallback", Profile::Generic),
        ("Supported: path, X-Cisco-Graceful-Reg", Profile::Cisco),
        ("Supported: X-cisco-duplicate-reg", Profile::Cisco),
    ] {
        let mut rig = Rig::answering(move |asked| match asked.is("REGISTER") {
            true if asked.binds() => {
                answer(format!("200 OK\n{headers}\nContact: <{{own}}>;expires=120"))
            }
            true => answer(format!("200 OK\n{headers}")),
            false => answer("405 Method Not Allowed"),
        });
        assert_eq!(rig.login(false), None, "{headers}");
        let found = rig
            .phone
            .registered()
            .and_then(|registered| registered.profile);
        assert_eq!(found, Some(profile), "{headers}");
    }
}

/// Whatever the profile: a client that is listed beside us was there before.
#[test]
fn a_rival_in_the_list_of_a_200_is_judged_in_every_profile() {
    // Contacts of Cisco's form name device and instance in their user part, too.
    let mut first = None;
    let mut server = move |asked: &Asked| {
        if !asked.binds() {
            return answer(match asked.is("REGISTER") {
                true => "200 OK",
                false => "405 Method Not Allowed",
            });
        }
        let own = asked.own();
        let (user, host) = own.split_once('@').expect("a user part");
        let rival = format!(
            "{}ffffffffffff@{host}",
            user.get(..16).expect("the device's tag")
        );
        first.get_or_insert(rival.clone());
        accept(&[&format!("<{rival}>;expires=100"), "<{own}>;expires=120"])
    };
    let mut rig = Rig::with(
        |config| config.profile = Some(Profile::Cisco),
        move |heard| match heard {
            crate::rig::Heard::Request(asked) => server(asked),
            crate::rig::Heard::Opened => Vec::new(),
        },
    );
    let fault = rig.login(false).expect("somebody is there");
    assert_eq!(
        fault.code().as_str(),
        "eDeviceAlreadyRegistered",
        "{}",
        rig.told()
    );
    assert!(
        rig.registers().last().is_some_and(|asked| asked.removes()),
        "{}",
        rig.told()
    );
}

/// A list of which one user part is needed is no place for strictness.
#[test]
fn its_own_contact_is_found_in_a_list_that_is_malformed() {
    for (list, skips) in [
        ("<{own};info=\"a, b\">;expires=60", false),
        ("<{own};>;expires=60", false),
        ("<{own}>;;expires=60", false),
        ("<{own}>;expires=60;", false),
        ("<{own}>;=1;expires=60", false),
        ("< {own} >;expires=60", false),
        ("Bell, Ada <sip:x@y>, <{own}>;expires=60", true),
        ("<sip:x@@y>;q=, <{own}>;expires=60", false),
        ("<sip:x@y, <{own}>;expires=60", true),
        ("\"Ada <sip:x@y>;expires=9, <{own}>;expires=60", true),
        ("<{own}>;expires=60, \"Ada <sip:x@y>", true),
        (">, ;, bob, <{own}>;expires=60", true),
    ] {
        let template = format!("200 OK\nContact: {list}");
        let mut rig = Rig::answering(move |asked| match (asked.is("REGISTER"), asked.binds()) {
            (true, true) => answer(template.clone()),
            (true, false) => answer("200 OK"),
            _ => answer("405 Method Not Allowed"),
        });
        assert_eq!(rig.login(false), None, "{list}\n{}", rig.told());
        assert_eq!(rig.registers().len(), 2, "{list}\n{}", rig.told());
        let warned = rig
            .warnings
            .iter()
            .any(|text| text.contains("cannot be read"));
        assert_eq!(warned, skips, "{list}: {:?}", rig.warnings);
    }
}
