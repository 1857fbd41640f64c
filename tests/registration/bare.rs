//! Registrars that list bare URIs (Asterisk, FreeSWITCH): nobody can name there what
//! another connection bound, and only the first Contact of a REGISTER counts.

use crate::rig::{Act, Asked, Heard, Rig, accept, answer};
use graceline::phone::Status;

/// A registrar that binds the first Contact of each REGISTER and nothing else, and
/// removes what is named first. `foreign` stays whatever is said.
fn first_alone(foreign: Vec<String>) -> impl FnMut(&Heard<'_>) -> Vec<Act> {
    let mut bound = foreign.clone();
    move |heard| {
        let Heard::Request(asked) = heard else {
            return Vec::new();
        };
        if !asked.is("REGISTER") {
            return answer("405 Method Not Allowed");
        }
        if let Some(first) = asked.contacts().first().filter(|first| *first != "*") {
            let uri = uri_of(first);
            bound.retain(|known| *known != uri || foreign.contains(known));
            if !first.ends_with("expires=0") {
                bound.push(uri);
            }
        }
        let list: Vec<String> = bound
            .iter()
            .map(|uri| format!("<{uri}>;expires=119"))
            .collect();
        accept(&list.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn uri_of(contact: &str) -> String {
    let uri = contact.trim_start_matches('<').split('>').next();
    uri.unwrap_or_default().to_owned()
}

fn assert_own_alone(asked: &Asked, told: &str) {
    assert_eq!(asked.contacts().len(), 1, "its own Contact alone\n{told}");
}

#[test]
fn beside_a_ghost_that_cannot_be_named_the_own_contact_goes_alone() {
    // The socket of the page before is still open there.
    let mut rig = Rig::new(first_alone(Vec::new()));
    assert_eq!(rig.login(false), None);
    let ghost = rig
        .registers()
        .last()
        .map(|asked| asked.own())
        .expect("a REGISTER");
    rig.reload();
    let before = rig.sent.len();
    assert_eq!(rig.login(false), None, "its own ghost is no rival");
    for asked in rig.sent[before..].iter().filter(|asked| asked.binds()) {
        assert_own_alone(asked, &rig.told());
        assert_ne!(asked.own(), ghost);
    }
    rig.seconds(300);
    assert_eq!(rig.status(), Status::Ready);
    let registers = rig.registers();
    assert!(
        registers.iter().all(|asked| asked.contacts().len() <= 1),
        "{}",
        rig.told()
    );
}

#[test]
fn after_an_interval_too_brief_the_own_contact_still_goes_alone() {
    let mut registrar = first_alone(Vec::new());
    let mut binds = 0;
    let mut rig = Rig::new(move |heard| match heard {
        Heard::Request(asked) if asked.binds() => {
            binds += 1;
            match binds {
                2 => answer("423 Interval Too Brief\nMin-Expires: 300"),
                _ => registrar(heard),
            }
        }
        _ => registrar(heard),
    });
    assert_eq!(rig.login(false), None);
    rig.reload();
    assert_eq!(rig.login(false), None, "its own ghost is no rival");
    let asked = rig.registers();
    let binding: Vec<_> = asked.iter().filter(|asked| asked.binds()).collect();
    assert_eq!(binding.len(), 3, "{}", rig.told());
    for asked in binding {
        assert_own_alone(asked, &rig.told());
    }
}

/// The registrar forgot the phone, but not its ghost.
#[test]
fn whoever_has_to_log_in_again_beside_a_ghost_goes_alone() {
    let mut ghost = String::new();
    let mut rig = Rig::answering(move |asked| match (asked.is("REGISTER"), asked.binds()) {
        (true, false) if asked.number == 1 => answer("200 OK"),
        (true, false) => accept(&[&format!("<{ghost}>;expires=50")]),
        (true, true) => {
            ghost = of_another_page(&asked.own());
            accept(&["<{own}>;expires=119"])
        }
        _ => answer("405 Method Not Allowed"),
    });
    assert_eq!(rig.login(false), None);
    rig.seconds(60);
    let binding = rig.registers().into_iter().filter(|asked| asked.binds());
    let mut again = binding.skip(1).peekable();
    assert!(again.peek().is_some(), "{}", rig.told());
    again.for_each(|asked| assert_own_alone(asked, &rig.told()));
}

/// The Contact of the page before: another load token (see `registration::claim`).
fn of_another_page(own: &str) -> String {
    let mut parts: Vec<&str> = own.split('-').collect();
    parts[3] = "00000000";
    parts.join("-")
}

/// FreeSWITCH with several registrations a user keeps what nobody removes by name.
#[test]
fn an_earlier_claim_goes_by_a_register_of_its_own() {
    let mut rig = Rig::new(first_alone(Vec::new()));
    assert_eq!(rig.login(false), None);
    let ghost = rig
        .registers()
        .last()
        .map(|asked| asked.own())
        .expect("a REGISTER");
    rig.reload();
    assert_eq!(rig.login(false), None, "its own ghost is no rival");
    rig.seconds(300);
    let removals: Vec<_> = rig
        .registers()
        .into_iter()
        .filter(|asked| asked.removes())
        .collect();
    assert_eq!(removals.len(), 1, "{}", rig.told());
    assert_eq!(removals[0].own(), ghost);
    assert_eq!(removals[0].message.expires(), Some(0));
    assert_eq!(rig.status(), Status::Ready);
}

/// Asterisk takes the removal of what another socket bound, and does nothing.
#[test]
fn a_ghost_that_stays_is_asked_to_go_once() {
    let ghost = std::rc::Rc::new(std::cell::RefCell::new(Vec::<String>::new()));
    let listed = ghost.clone();
    let mut rig = Rig::answering(move |asked| {
        let ghosts: Vec<String> = listed
            .borrow()
            .iter()
            .map(|uri| format!("<{uri}>;expires=99"))
            .collect();
        let mut list: Vec<&str> = ghosts.iter().map(String::as_str).collect();
        let own = format!("<{}>;expires=119", asked.own());
        if asked.binds() {
            list.push(&own);
        }
        if asked.is("REGISTER") {
            accept(&list)
        } else {
            answer("405 Method Not Allowed")
        }
    });
    assert_eq!(rig.login(false), None);
    let own = rig
        .registers()
        .last()
        .map(|asked| asked.own())
        .expect("a REGISTER");
    ghost.borrow_mut().push(own);
    rig.reload();
    assert_eq!(rig.login(false), None, "its own ghost is no rival");
    rig.seconds(40);
    let removals = rig
        .registers()
        .into_iter()
        .filter(|asked| asked.removes())
        .count();
    assert_eq!(removals, 1, "{}", rig.told());
    assert_eq!(rig.status(), Status::Ready);
}
