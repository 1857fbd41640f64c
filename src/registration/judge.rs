//! Judging a list of bindings: pure functions, list in, verdict out.
//!
//! Every 200 to REGISTER and every query is judged, not only the first one.

use super::claim::Claim;
use super::listing::{Binding, Kind};
use crate::prelude::*;

/// What a list means for a client that is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Own binding is there; nobody else has a better right to the device.
    Stay,
    /// Own binding is there, and so is an unforced rival with a later claim.
    /// If it is a newcomer, it withdraws by itself at once; if it is still there
    /// at the next look, it logged in while our binding had lapsed.
    Doubt,
    /// Own binding is gone and nobody took the device: log in again with the
    /// same claim.
    LogInAgain,
    /// Another client took the device over.
    Ousted(Binding, &'static str),
}

/// Judges `list` for the client whose claim is `own`. `removed` are the
/// contacts that this client removed by force; one of them that is back belongs
/// to a client that knows nothing of claims and would fight for ever.
pub fn judge(list: &[Binding], own: &Claim, removed: &[String]) -> Verdict {
    let own_listed = list.iter().any(|binding| binding.kind == Kind::Own);
    let mut verdict = if own_listed {
        Verdict::Stay
    } else {
        Verdict::LogInAgain
    };
    // A ghost whose claim is later than ours is no ghost: this instance lives
    // twice (a cloned browser profile), and the other one logged in after us.
    let ghosts = list
        .iter()
        .filter(|binding| binding.kind == Kind::Ghost && binding.claim.is_some());
    for rival in rivals(list).chain(ghosts) {
        let taken = match &rival.claim {
            Some(claim) if !claim.beats(own) => false,
            Some(claim) if own_listed && !claim.forced => {
                verdict = Verdict::Doubt;
                false
            }
            Some(_) => true,
            None if own_listed && removed.contains(&rival.uri) => {
                return Verdict::Ousted(rival.clone(), "rivalReturned");
            }
            None => !own_listed,
        };
        if taken {
            return Verdict::Ousted(rival.clone(), "takenOver");
        }
    }
    verdict
}

/// The rivals in a list.
pub fn rivals(list: &[Binding]) -> impl Iterator<Item = &Binding> {
    list.iter().filter(|binding| binding.kind == Kind::Rival)
}

/// How the contacts of rivals are taken off the registrar by a force: from the gentlest
/// way to the last; the listing says which is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// One REGISTER that removes them by name and adds our own, which is last:
    /// Kamailio refuses own-first under `max_contacts=1`.
    ByName,
    /// `Contact: *`, then our own. Only where nothing but this device is listed,
    /// or the app allowed it.
    All,
    /// Our own alone; the rival sees the forced claim at its next look and
    /// leaves.
    Beside,
}

/// The one to start with.
pub fn first_removal(list: &[Binding], may_remove_others: bool) -> Removal {
    if rivals(list).all(|rival| rival.nameable) {
        return Removal::ByName;
    }
    let only_ours = list.iter().all(|binding| binding.kind != Kind::Other);
    if only_ours || may_remove_others {
        Removal::All
    } else {
        Removal::Beside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::claim::Identity;

    fn claim(instance: &str, since: u64, forced: bool) -> Claim {
        let identity = Identity::new("u", "d", "dev", instance, "00000001".into());
        Claim {
            identity,
            since,
            forced,
        }
    }

    fn binding(kind: Kind, claim: Option<Claim>) -> Binding {
        let uri = claim
            .as_ref()
            .map_or("sip:jssip@x.invalid".into(), Claim::user_part);
        Binding {
            kind,
            uri,
            claim,
            instance: None,
            pub_gruu: None,
            expires: None,
            nameable: true,
        }
    }

    #[test]
    fn the_table_of_verdicts() {
        let own = claim("own", 100, false);
        let mine = binding(Kind::Own, Some(own.clone()));
        let rival = |since, forced| binding(Kind::Rival, Some(claim("rival", since, forced)));
        let ghost = |since| binding(Kind::Ghost, Some(claim("own", since, false)));
        let naive = binding(Kind::Rival, None);
        let other = binding(Kind::Other, None);
        let verdict = |list: &[&Binding], removed: &[String]| {
            let list: Vec<Binding> = list.iter().map(|&entry| entry.clone()).collect();
            match judge(&list, &own, removed) {
                Verdict::Stay => "stay",
                Verdict::Doubt => "doubt",
                Verdict::LogInAgain => "again",
                Verdict::Ousted(_, reason) => reason,
            }
        };
        let back = [naive.uri.clone()];
        for (list, removed, expected) in [
            (vec![&mine, &other], &[][..], "stay"),
            (vec![&mine, &rival(99, true)], &[], "stay"),
            (vec![&mine, &rival(101, true)], &[], "takenOver"),
            (vec![&mine, &rival(101, false)], &[], "doubt"),
            (vec![&mine, &naive], &[], "stay"),
            (vec![&mine, &naive], &back, "rivalReturned"),
            (vec![], &[], "again"),
            (vec![&other], &[], "again"),
            (vec![&rival(99, true)], &[], "again"),
            (vec![&rival(101, false)], &[], "takenOver"),
            (vec![&naive], &[], "takenOver"),
            (vec![&mine, &ghost(99)], &[], "stay"),
            (vec![&ghost(99)], &[], "again"),
            (vec![&ghost(101)], &[], "takenOver"),
        ] {
            assert_eq!(verdict(&list, removed), expected, "{list:?}");
        }
    }

    #[test]
    fn the_removal_is_chosen_by_what_can_be_named() {
        let bare = |kind| Binding {
            nameable: false,
            ..binding(kind, None)
        };
        let named = binding(Kind::Rival, None);
        assert_eq!(
            first_removal(&[named.clone(), bare(Kind::Other)], false),
            Removal::ByName
        );
        assert_eq!(first_removal(&[bare(Kind::Rival)], false), Removal::All);
        assert_eq!(
            first_removal(&[bare(Kind::Rival), bare(Kind::Other)], false),
            Removal::Beside
        );
        assert_eq!(
            first_removal(&[bare(Kind::Rival), bare(Kind::Other)], true),
            Removal::All
        );
    }
}
