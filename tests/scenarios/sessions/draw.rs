//! Draws a script from a seed.

use super::script::{ClientKind, Deed, Fate, MANNERS, Outage, RegistrarKind, Script, Step};
use crate::world::ClientId;
use graceline::pool::Watch;
use graceline::rand::Random;
use graceline::registrar::{ALL_TELLINGS, Dialect, Policy};
use graceline::registration::{ConflictScope, Profile, RegistrationType};
use std::collections::BTreeSet;

const HOUR: u64 = 3_600_000;

pub fn draw(seed: u64) -> Script {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut draw = Draw(Random::from_seed(bytes));
    let clients = 1 + draw.below(5) as usize;
    let mut registrar = draw.registrar(clients);
    let mut clients = draw.clients(clients, &registrar);
    if registrar.remove_existing {
        // Where each device pushes out the next one there is no peace; a naive client
        // stands beside those of its device.
        let devices: BTreeSet<&String> = clients.iter().map(|client| &client.device).collect();
        let naive = |client: &&ClientKind| client.kind == RegistrationType::Normal;
        let room = devices.len() + clients.iter().filter(naive).count();
        registrar.max_contacts = registrar.max_contacts.max(Some(room));
    }
    if registrar.dialect == Some(Dialect::Freeswitch) {
        // One binding a user: the same, whatever its device.
        for client in &mut clients {
            client.device = "CSF".into();
            if client.kind == RegistrationType::Normal {
                client.kind = RegistrationType::Graceful;
            }
        }
    }
    if registrar.policy == Policy::Normal {
        // Somebody else's SIP client: its Contact claims nothing.
        let naive = |client: &&mut ClientKind| client.kind == RegistrationType::Normal;
        for client in clients.iter_mut().filter(naive) {
            client.profile.get_or_insert(Profile::Cisco);
            client.expires.get_or_insert(120);
        }
    }
    let nodes = clients.iter().map(|client| client.addresses).max();
    let steps = draw.steps(clients.len(), nodes.unwrap_or(1));
    Script {
        seed: draw.below(256) as u8,
        registrar,
        clients,
        steps,
    }
}

struct Draw(Random);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// `true` once in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize].clone()
    }

    fn registrar(&mut self, clients: usize) -> RegistrarKind {
        let mut kind = match self.below(12) {
            0..=2 => RegistrarKind::default(),
            3 => RegistrarKind {
                policy: Policy::Duplicate,
                ..RegistrarKind::default()
            },
            _ => RegistrarKind {
                policy: Policy::Normal,
                dialect: self.one_of(MANNERS).1,
                ..RegistrarKind::default()
            },
        };
        if kind.policy != Policy::Normal && self.once_in(2) {
            kind.tell = Some(self.one_of(&ALL_TELLINGS));
        }
        if kind.policy == Policy::Normal && self.once_in(4) {
            kind.reg_event = Some(self.once_in(2));
        }
        if self.once_in(8) {
            kind.max_contacts = Some(1 + self.below(clients as u64) as usize);
            kind.remove_existing = self.once_in(3);
        }
        if self.once_in(6) {
            kind.nonce_lifetime = Some(self.one_of(&[10, 60]));
        }
        if self.once_in(6) {
            kind.max_expires = Some(self.one_of(&[15, 60, 180]));
        }
        if self.once_in(20) {
            kind.force_limit = Some(2);
        }
        kind
    }

    fn clients(&mut self, number: usize, registrar: &RegistrarKind) -> Vec<ClientKind> {
        let refuses_by_itself = registrar.policy != Policy::Normal;
        let profiles: &[Option<Profile>] = match refuses_by_itself {
            true => &[None, None, Some(Profile::Cisco), Some(Profile::Generic)],
            false => &[None, None, None, Some(Profile::Generic)],
        };
        // One profile for all, or to each his own.
        let common = self.once_in(2).then(|| self.one_of(profiles));
        let kinds: &[RegistrationType] = match self.below(10) {
            0 => &[RegistrationType::Graceful, RegistrationType::Duplicate],
            1 => &[RegistrationType::Graceful, RegistrationType::Normal],
            _ => &[RegistrationType::Graceful],
        };
        let user = !refuses_by_itself && self.once_in(10);
        let scope = match user {
            true => ConflictScope::User,
            false => ConflictScope::Device,
        };
        let addresses = if self.once_in(5) {
            2 + self.below(2)
        } else {
            1
        };
        let watch = self.one_of(&[Watch::All, Watch::InUse]);
        let client = |_| ClientKind {
            device: if self.once_in(6) { "OTHER" } else { "CSF" }.into(),
            profile: common.unwrap_or_else(|| self.one_of(profiles)),
            kind: self.one_of(kinds),
            scope,
            expires: self.once_in(8).then(|| self.one_of(&[15, 60, 180])),
            addresses: addresses as usize,
            watch: if addresses > 1 { watch } else { Watch::All },
        };
        (0..number).map(client).collect()
    }

    fn steps(&mut self, clients: usize, nodes: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut states = vec![State::default(); clients];
        for _ in 0..6 + self.below(25) {
            let id = self.below(clients as u64) as usize;
            if nodes > 1 && self.once_in(6) {
                let fates = [Fate::Dies, Fate::FallsSilent, Fate::ComesBack];
                let node = self.below(nodes as u64) as usize;
                steps.push(Step::Node(node, self.one_of(&fates)));
            } else {
                steps.extend(self.step(id, &mut states));
            }
            let pause = match self.below(20) {
                0 if states.iter().any(|state| state.asleep) => HOUR / 4 + self.below(3 * HOUR),
                0..=4 => self.below(60),
                5..=9 => self.below(2_000),
                10..=14 => self.below(30_000),
                _ => self.below(200_000),
            };
            if pause > 0 {
                steps.push(Step::Wait(pause));
            }
        }
        steps
    }

    fn step(&mut self, id: ClientId, states: &mut [State]) -> Vec<Step> {
        let clients = states.len();
        let state = &mut states[id];
        let to = |deed| vec![Step::To(id, deed)];
        if state.asleep {
            state.asleep = false;
            return to(match self.below(3) {
                0 => Deed::WakeTimersFirst,
                _ => Deed::Wake,
            });
        }
        if state.away && !self.once_in(6) {
            state.away = false;
            return to(match self.below(4) {
                0 => Deed::Reload,
                _ => Deed::Resume,
            });
        }
        match self.below(40) {
            0..=8 => to(Deed::Register),
            9..=15 => to(Deed::Force),
            16 => to(Deed::Unregister),
            17 => to(Deed::Abort),
            18 if self.once_in(2) => to(Deed::Close),
            18 => [Deed::Close, Deed::Reload, Deed::Register]
                .map(|deed| Step::To(id, deed))
                .to_vec(),
            19..=21 => {
                state.away = false;
                let ways = [Deed::Reload, Deed::Crash, Deed::Crash, Deed::LoseStorage];
                let back = self.one_of(&[Deed::Register, Deed::Register, Deed::Force]);
                vec![Step::To(id, self.one_of(&ways)), Step::To(id, back)]
            }
            22 => {
                state.away = true;
                to(Deed::Leave)
            }
            23 => to(Deed::Look),
            24 => to(self.one_of(&[Deed::OtherTab, Deed::Look])),
            25 | 26 => {
                state.asleep = true;
                to(Deed::Sleep)
            }
            27 => to(Deed::Silence),
            28 => vec![Step::To(id, Deed::Refuse), Step::To(id, Deed::Cut)],
            29 => (0..clients).map(|id| Step::To(id, Deed::Heal)).collect(),
            30 | 31 => to(Deed::Heal),
            32 | 33 => to(Deed::Cut),
            34 => to(Deed::CutUnseenByServer),
            35 => to(Deed::CutUnseenByClient),
            36 => {
                let millis = self.one_of(&[1, 10, 50, 300, 2_000]);
                vec![Step::Latency(id, millis), Step::To(id, Deed::Cut)]
            }
            37 => {
                let millis = self.one_of(&[100, 3_000, 9_000]);
                vec![Step::SlowOpen(id, millis), Step::To(id, Deed::Cut)]
            }
            38 => vec![Step::Server(
                self.one_of(&[Outage::Restart, Outage::Forget]),
            )],
            _ => vec![
                Step::Server(self.one_of(&[Outage::Silent, Outage::Refusing])),
                Step::Wait(self.below(40_000)),
                Step::Server(Outage::Up),
            ],
        }
    }
}

#[derive(Clone, Copy, Default)]
struct State {
    asleep: bool,
    away: bool,
}
