//! Makes a script that fails as short and as simple as it goes while it fails
//! in the same way.

use super::script::{ClientKind, RegistrarKind, Script, Step};
use graceline::pool::Watch;
use graceline::registration::{ConflictScope, RegistrationType};
use graceline_kit::sessions::shortest;

/// The shortest form of `script` that still `fails`.
pub fn shrink(script: &Script, fails: impl Fn(&Script) -> bool) -> Script {
    let mut best = script.clone();
    loop {
        let before = best.clone();
        drop_steps(&mut best, &fails);
        drop_clients(&mut best, &fails);
        simplify_steps(&mut best, &fails);
        simplify_setting(&mut best, &fails);
        if best == before {
            return best;
        }
    }
}

fn adopt(best: &mut Script, candidate: Script, fails: &impl Fn(&Script) -> bool) -> bool {
    let better = candidate != *best && fails(&candidate);
    if better {
        *best = candidate;
    }
    better
}

fn drop_steps(best: &mut Script, fails: &impl Fn(&Script) -> bool) {
    best.steps = shortest(&best.steps, |steps| {
        let steps = steps.to_vec();
        fails(&Script {
            steps,
            ..best.clone()
        })
    });
}

fn drop_clients(best: &mut Script, fails: &impl Fn(&Script) -> bool) {
    for id in (0..best.clients.len()).rev() {
        let mut candidate = best.clone();
        candidate.clients.remove(id);
        candidate.steps.retain(|step| client(step) != Some(id));
        for step in &mut candidate.steps {
            if let Step::To(other, _) | Step::Latency(other, _) | Step::SlowOpen(other, _) = step
                && *other > id
            {
                *other -= 1;
            }
        }
        adopt(best, candidate, fails);
    }
}

fn client(step: &Step) -> Option<usize> {
    match step {
        Step::To(id, _) | Step::Latency(id, _) | Step::SlowOpen(id, _) => Some(*id),
        Step::Wait(_) | Step::Server(_) | Step::Node(..) => None,
    }
}

/// Waits become shorter and rounder, and one where there were two.
fn simplify_steps(best: &mut Script, fails: &impl Fn(&Script) -> bool) {
    let mut at = 0;
    while at < best.steps.len() {
        if let (Step::Wait(a), Some(Step::Wait(b))) = (best.steps[at], best.steps.get(at + 1)) {
            let mut candidate = best.clone();
            candidate.steps[at] = Step::Wait(a + b);
            candidate.steps.remove(at + 1);
            if adopt(best, candidate, fails) {
                continue;
            }
        }
        if let Step::Wait(millis) = best.steps[at] {
            for unit in [1_000_000, 100_000, 10_000, 1_000, 100, 10] {
                let round = millis / unit * unit;
                for shorter in [round, millis / 2] {
                    if 0 < shorter && shorter < millis {
                        let mut candidate = best.clone();
                        candidate.steps[at] = Step::Wait(shorter);
                        if adopt(best, candidate, fails) {
                            break;
                        }
                    }
                }
            }
        }
        at += 1;
    }
}

fn simplify_setting(best: &mut Script, fails: &impl Fn(&Script) -> bool) {
    let registrars: [fn(&mut RegistrarKind); 7] = [
        |kind| kind.max_contacts = None,
        |kind| kind.remove_existing = false,
        |kind| kind.nonce_lifetime = None,
        |kind| kind.max_expires = None,
        |kind| kind.force_limit = None,
        |kind| kind.reg_event = None,
        |kind| kind.tell = None,
    ];
    for simpler in registrars {
        let mut candidate = best.clone();
        simpler(&mut candidate.registrar);
        adopt(best, candidate, fails);
    }
    let clients: [fn(&mut ClientKind); 7] = [
        |client| client.expires = None,
        |client| client.profile = None,
        |client| client.kind = RegistrationType::Graceful,
        |client| client.scope = ConflictScope::Device,
        |client| client.device = "CSF".into(),
        |client| client.addresses = client.addresses.div_ceil(2),
        |client| client.watch = Watch::All,
    ];
    for id in 0..best.clients.len() {
        for simpler in clients {
            let mut candidate = best.clone();
            simpler(&mut candidate.clients[id]);
            adopt(best, candidate, fails);
        }
    }
    let mut candidate = best.clone();
    candidate.seed = 0;
    adopt(best, candidate, fails);
}
