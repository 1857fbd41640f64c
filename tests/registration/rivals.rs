//! Rivals at registrars that do more, or less, than they say: full ones (OpenSIPS), ones
//! that replace in silence (FreeSWITCH as it comes), ones where nobody can be removed
//! (FreeSWITCH with several registrations a user).

use crate::rig::{Act, Asked, Heard, Rig, accept, answer, terminations};
use graceline::phone::Status;
use graceline::registration::{Claim, ConflictScope, Identity};
use graceline::time::{Duration, Instant};

const DESK: &str = "sip:desk@desk.invalid";
/// Listed so, a contact can be named by another connection.
const NAMEABLE: &str = ";received=\"sip:192.0.2.1:5060\"";
const BARE: &str = "";

/// Contact of another client of the device, which claims it `since` then.
pub fn rival(since: u64, forced: bool) -> String {
    let load = "00000002".to_owned();
    let identity = Identity::new("2001", "example.com", "CSF", "urn:uuid:2", load);
    let claim = Claim {
        identity,
        since,
        forced,
    };
    format!("sip:{}@rival.invalid;transport=ws", claim.user_part())
}

/// The rival that was there long before.
fn holder() -> String {
    rival(1, false)
}

/// What a registrar makes of the URIs that are bound when it takes a REGISTER; its
/// answer, where that is not their list.
trait Policy: Fn(&mut Vec<String>, &Asked) -> Option<Vec<Act>> + 'static {}
impl<T: Fn(&mut Vec<String>, &Asked) -> Option<Vec<Act>> + 'static> Policy for T {}

/// A registrar that lists what is bound with the parameters `shown`. So many
/// milliseconds after it let the phone in somebody `comes` and takes the place of all.
fn registrar(
    mut bound: Vec<String>,
    shown: &'static str,
    mut comes: Option<(u64, String)>,
    policy: impl Policy,
) -> impl FnMut(&Heard<'_>) -> Vec<Act> + 'static {
    let mut let_in: Option<Instant> = None;
    move |heard| {
        let Heard::Request(asked) = heard else {
            return Vec::new();
        };
        if !asked.is("REGISTER") {
            return answer("405 Method Not Allowed");
        }
        let here =
            |after: u64| let_in.is_some_and(|at| at + Duration::from_millis(after) < asked.at);
        if let Some((_, uri)) = comes.take_if(|(after, _)| here(*after)) {
            bound = vec![uri];
        }
        if let Some(acts) = policy(&mut bound, asked) {
            return acts;
        }
        if asked.binds() {
            let_in.get_or_insert(asked.at);
        }
        let listed = |uri: &String| format!("<{uri}>;expires=119{shown}");
        let list: Vec<String> = bound.iter().map(listed).collect();
        accept(&list.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn remove_named(bound: &mut Vec<String>, asked: &Asked) {
    let contacts = asked.contacts();
    bound.retain(|uri| !contacts.contains(&format!("<{uri}>;expires=0")));
}

fn bind(bound: &mut Vec<String>, asked: &Asked) {
    if asked.binds() && !bound.contains(&asked.own()) {
        bound.push(asked.own());
    }
}

/// Removes and adds what a REGISTER names.
fn obedient(bound: &mut Vec<String>, asked: &Asked) -> Option<Vec<Act>> {
    remove_named(bound, asked);
    bind(bound, asked);
    None
}

/// OpenSIPS with room for `limit` contacts: what a REGISTER removes is gone, and makes no
/// room within it. To what is too much it gives the answer `says`, and a second one.
fn full(limit: usize, says: &'static str) -> impl Policy {
    move |bound, asked| {
        let fits = bound.len() < limit || bound.contains(&asked.own());
        remove_named(bound, asked);
        if asked.binds() && !fits {
            return Some(vec![
                Act::Answer(0, says.to_owned()),
                Act::Answer(1, "500 Server Internal Error".to_owned()),
            ]);
        }
        bind(bound, asked);
        None
    }
}

const TOO_MANY: &str = "503 Service Unavailable\nP-Registrar-Error: Too many registered contacts";

/// OpenSIPS with room for one, which the next one takes: but not by a REGISTER that
/// removes as well, which is accepted and binds nobody.
fn replacing_alone(bound: &mut Vec<String>, asked: &Asked) -> Option<Vec<Act>> {
    remove_named(bound, asked);
    match asked.contacts().len() {
        0 => None,
        1 => the_last_alone(bound, asked),
        _ => Some(vec![
            Act::Answer(0, "200 OK".to_owned()),
            Act::Answer(1, "500 Server Internal Error".to_owned()),
        ]),
    }
}

/// Nobody names there what another connection bound; `*` removes it.
fn cleared_alone(bound: &mut Vec<String>, asked: &Asked) -> Option<Vec<Act>> {
    if asked.contacts() == ["*"] {
        bound.clear();
    }
    bind(bound, asked);
    None
}

/// FreeSWITCH with several registrations a user: whoever is bound stays, whatever another
/// connection sends.
fn nobody_goes(bound: &mut Vec<String>, asked: &Asked) -> Option<Vec<Act>> {
    bind(bound, asked);
    None
}

/// FreeSWITCH as it comes: one binding, that of the last login.
fn the_last_alone(bound: &mut Vec<String>, asked: &Asked) -> Option<Vec<Act>> {
    if asked.binds() {
        *bound = vec![asked.own()];
    }
    None
}

/// The queries that were sent since, in milliseconds.
fn looks(rig: &Rig, since: Instant) -> Vec<u64> {
    let registers = rig.registers().into_iter();
    let queries = registers.filter(|asked| asked.is_query() && asked.at >= since);
    queries
        .map(|asked| (asked.at - since).as_millis())
        .collect()
}

/// How many Contacts each REGISTER had that bound the phone.
fn sizes(rig: &Rig, from: usize) -> Vec<usize> {
    let binding = rig.sent[from..].iter().filter(|asked| asked.binds());
    binding.map(|asked| asked.contacts().len()).collect()
}

fn count(rig: &Rig, wanted: impl Fn(&Asked) -> bool) -> usize {
    rig.sent.iter().filter(|asked| wanted(asked)).count()
}

#[test]
fn a_force_that_a_full_registrar_refused_after_removing_the_rival_goes_on_alone() {
    for says in [TOO_MANY, "200 OK"] {
        for others in [vec![], vec![DESK.to_owned()]] {
            let bound = [others, vec![holder()]].concat();
            let policy = full(bound.len(), says);
            let mut rig = Rig::new(registrar(bound, NAMEABLE, None, policy));
            assert_eq!(rig.login(true), None, "{says}\n{}", rig.told());
            let sent = sizes(&rig, 0);
            assert_eq!(sent, [2, 1], "own alone, once\n{}", rig.told());
            rig.seconds(300);
            assert_eq!(rig.status(), Status::Ready, "{says}\n{}", rig.told());
            let removal = format!("<{}>;expires=0", holder());
            let removed = count(&rig, |asked| asked.contacts().contains(&removal));
            assert_eq!(removed, 1, "{says}\n{}", rig.told());
            let hints = count(&rig, |asked| {
                asked.is("OPTIONS") && asked.message.request_uri() == "sip:2001@example.com"
            });
            assert_eq!(hints, 1, "{says}\n{}", rig.told());
            assert!(!rig.told().contains("→ REGISTER *"), "{}", rig.told());
        }
    }
}

#[test]
fn a_rival_that_came_back_to_the_place_that_it_left_is_removed_again() {
    let policy = full(1, TOO_MANY);
    let returns = move |bound: &mut Vec<String>, asked: &Asked| {
        // Query, both, query: it saw nobody, too.
        if asked.number == 4 {
            bound.push(holder());
        }
        policy(bound, asked)
    };
    let mut rig = Rig::new(registrar(vec![holder()], NAMEABLE, None, returns));
    assert_eq!(rig.login(true), None, "{}", rig.told());
    assert_eq!(sizes(&rig, 0), [2, 1, 2, 1], "{}", rig.told());
    rig.seconds(300);
    assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
}

#[test]
fn a_login_that_a_full_registrar_refused_after_removing_its_ghost_goes_on_alone() {
    for others in [vec![], vec![DESK.to_owned()]] {
        let policy = full(others.len() + 1, TOO_MANY);
        let mut rig = Rig::new(registrar(others, NAMEABLE, None, policy));
        assert_eq!(rig.login(false), None, "{}", rig.told());
        rig.reload();
        let before = rig.sent.len();
        assert_eq!(rig.login(false), None, "{}", rig.told());
        let sent = sizes(&rig, before);
        assert_eq!(sent, [2, 1], "own alone, once\n{}", rig.told());
        rig.seconds(300);
        assert_eq!(rig.status(), Status::Ready, "{}", rig.told());
        assert!(!rig.told().contains("→ REGISTER *"), "{}", rig.told());
    }
}

/// Forces that take more than one REGISTER, where the rival may look in between, see
/// nobody, and come back.
fn forces_with_a_gap(comes: Option<(u64, String)>) -> [(&'static str, Rig); 2] {
    let come = || comes.clone();
    let unlisted = registrar(vec![holder()], NAMEABLE, come(), replacing_alone);
    let clearing = registrar(vec![holder()], BARE, come(), cleared_alone);
    [
        ("not listed", Rig::new(unlisted)),
        ("by *", Rig::new(clearing)),
    ]
}

#[test]
fn a_force_of_several_rounds_looks_again_soon() {
    let refused = registrar(vec![holder()], NAMEABLE, None, full(1, TOO_MANY));
    let refused = [("refused", Rig::new(refused))];
    for (name, mut rig) in forces_with_a_gap(None).into_iter().chain(refused) {
        assert_eq!(rig.login(true), None, "{name}\n{}", rig.told());
        let forced = rig.now;
        rig.seconds(30);
        assert_eq!(looks(&rig, forced), [1000, 4000], "{name}\n{}", rig.told());
    }
    // One REGISTER leaves no gap.
    let mut rig = Rig::new(registrar(vec![holder()], NAMEABLE, None, obedient));
    assert_eq!(rig.login(true), None, "{}", rig.told());
    let forced = rig.now;
    rig.seconds(30);
    assert_eq!(looks(&rig, forced), [0; 0], "{}", rig.told());
}

#[test]
fn a_rival_that_took_the_line_back_between_the_rounds_is_found() {
    for after in [500, 3_000] {
        for (name, mut rig) in forces_with_a_gap(Some((after, holder()))) {
            assert_eq!(rig.login(true), None, "{name}\n{}", rig.told());
            let own = rig.registers().last().map(|asked| asked.own());
            let before = rig.sent.len();
            rig.seconds(5);
            let again: Vec<_> = rig.sent[before..].iter().filter(|it| it.binds()).collect();
            assert_eq!(again.len(), 1, "{name}, {after}\n{}", rig.told());
            assert_eq!(Some(again[0].own()), own, "{name}, {after}");
            rig.seconds(300);
            assert_eq!(rig.status(), Status::Ready, "{name}\n{}", rig.told());
        }
        // One that forced in its turn has the line.
        for (name, mut rig) in forces_with_a_gap(Some((after, rival(Claim::MAX_SINCE, true)))) {
            assert_eq!(rig.login(true), None, "{name}\n{}", rig.told());
            rig.seconds(5);
            assert_eq!(terminations(&rig), ["takenOver"], "{name}\n{}", rig.told());
        }
    }
}

const BESIDE: &str = "stays registered beside this phone";

/// A forced login of a phone to which every contact of the user is a rival, beside `bound`.
fn forced_beside(bound: &[&str], shown: &'static str, policy: impl Policy) -> Rig {
    let bound = bound.iter().map(|&uri| uri.to_owned()).collect();
    let user = |config: &mut graceline::phone::Config| config.conflict_scope = ConflictScope::User;
    let mut rig = Rig::with(user, registrar(bound, shown, None, policy));
    let refused = rig.login(false).expect("somebody is there");
    assert_eq!(refused.code().as_str(), "eDeviceAlreadyRegistered");
    assert_eq!(rig.login(true), None, "{}", rig.told());
    rig
}

fn detects_conflicts(rig: &Rig) -> bool {
    let registered = rig.phone.registered().expect("registered");
    registered.detects_conflicts
}

/// It understands no hint, and nothing removes it: the line is never the phone's alone.
#[test]
fn a_forced_login_beside_a_client_that_claims_nothing_and_stays_says_so() {
    let naive = "sip:jssip@j.invalid;transport=ws";
    for shown in [BARE, NAMEABLE] {
        let mut rig = forced_beside(&[naive], shown, nobody_goes);
        for _ in 0..10 {
            assert!(!detects_conflicts(&rig), "{shown}\n{}", rig.told());
            assert_eq!(rig.status(), Status::Ready, "{shown}\n{}", rig.told());
            rig.seconds(30);
        }
        let said = rig.warnings.iter().filter(|text| text.contains(BESIDE));
        assert_eq!(said.count(), 1, "{shown}: {:?}", rig.warnings);
        let clearings = count(&rig, |asked| asked.contacts() == ["*"]);
        assert!(clearings <= 1, "{shown}\n{}", rig.told());
    }
}

#[test]
fn a_forced_login_whose_rivals_go_or_understand_says_nothing() {
    let naive = "sip:jssip@j.invalid;transport=ws";
    let rivals = [
        forced_beside(&[naive], BARE, cleared_alone),
        forced_beside(&[naive], NAMEABLE, obedient),
        forced_beside(&[&holder()], BARE, nobody_goes),
    ];
    for rig in rivals {
        assert!(detects_conflicts(&rig), "{}", rig.told());
        assert_eq!(rig.warnings, Vec::<String>::new());
    }
}

/// What a phone remembers that logged in beside another device of the user, which was
/// gone in the answer.
fn seen_to_replace() -> Rig {
    let bound = vec![DESK.to_owned()];
    let mut rig = Rig::new(registrar(bound, BARE, None, the_last_alone));
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig
}

/// The next login of that phone, on which somebody `comes`.
fn replaced(comes: Option<(u64, String)>) -> Rig {
    let memory = seen_to_replace().stored;
    let server = registrar(Vec::new(), BARE, comes, the_last_alone);
    let mut rig = Rig::with(|config| config.memory = memory, server);
    assert_eq!(rig.login(false), None, "{}", rig.told());
    rig
}

/// Of two that log in at once where one replaces the other each sees itself alone.
#[test]
fn a_login_where_others_are_replaced_in_silence_looks_again_soon() {
    for mut rig in [seen_to_replace(), replaced(None)] {
        let registered = rig.now;
        rig.seconds(30);
        let looks = looks(&rig, registered);
        assert_eq!(looks, [1000, 4000], "{}", rig.told());
    }
    // Nobody went, or whom the phone itself removed. Who lists contacts bare may be one
    // that replaces all the same.
    for (bound, shown, expected) in [
        (vec![], BARE, vec![4000]),
        (vec![DESK.to_owned()], NAMEABLE, vec![]),
    ] {
        let mut rig = Rig::new(registrar(bound, shown, None, obedient));
        for _ in 0..2 {
            assert_eq!(rig.login(false), None, "{}", rig.told());
            let registered = rig.now;
            rig.seconds(30);
            assert_eq!(looks(&rig, registered), expected, "{}", rig.told());
            rig.reload();
        }
    }
}

#[test]
fn of_two_logins_at_once_where_one_replaces_the_other_one_stays() {
    for after in [500, 3_000] {
        let mut later = replaced(Some((after, rival(Claim::MAX_SINCE, false))));
        let before = later.sent.len();
        later.seconds(5);
        assert_eq!(terminations(&later), ["takenOver"], "{}", later.told());
        let sent = sizes(&later, before);
        assert_eq!(sent, [0; 0], "it leaves the line alone\n{}", later.told());
        let mut earlier = replaced(Some((after, holder())));
        let before = earlier.sent.len();
        earlier.seconds(5);
        assert_eq!(earlier.status(), Status::Ready, "{}", earlier.told());
        let sent = sizes(&earlier, before);
        assert_eq!(sent, [1], "it takes the line back\n{}", earlier.told());
    }
}
