//! What happens in a session, drawn from its seed.

use super::model::Session;
use crate::tally::Tally;
use crate::world::ClientId;
use graceline::rand::Random;
use graceline_kit::sessions::{self, Holds, quietly};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deed {
    /// Of the one who calls and writes.
    Call,
    GiveUp,
    Write,
    /// Of a device.
    Answer(ClientId),
    Decline(ClientId, u16),
    HangUp(ClientId),
    Open(ClientId),
    Close(ClientId),
    Reload(ClientId),
    /// Of anybody's network, the caller's among them.
    Cut(ClientId),
    CutUnseen(ClientId),
    Silence(ClientId),
    Heal(ClientId),
    /// Of the user: it rings at those whose bit is set; at none: "auto".
    Rings(u8),
    Revoke(ClientId),
    Restore(ClientId),
    Restart,
    Wait(u64),
}

#[derive(Clone, Debug)]
pub struct Script {
    /// Classes of the devices; the caller comes behind them.
    pub devices: Vec<&'static str>,
    /// How long a push takes, in milliseconds.
    pub push: u64,
    pub deeds: Vec<Deed>,
}

impl sessions::Script for Script {
    type Deed = Deed;

    fn draw(seed: u64) -> Self {
        let mut bytes = [0xd7; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let mut below = |bound: usize| random.below(bound as u64) as usize;
        let classes = ["mobile", "mobile", "web", "desktop", "deskphone"];
        let number = 2 + below(3);
        let devices: Vec<_> = (0..number).map(|_| classes[below(5)]).collect();
        let push = [30, 400, 3_000, 60_000][below(4)];
        let mut deeds: Vec<Deed> = (0..number).map(Deed::Open).collect();
        deeds.push(Deed::Wait(1_000));
        for _ in 0..15 + below(30) {
            let id = below(number);
            let anybody = below(number + 1);
            deeds.push(match below(34) {
                0..=6 => Deed::Call,
                7..=10 => Deed::Answer(id),
                11 => Deed::Decline(id, 486),
                12 => Deed::Decline(id, 603),
                13 | 14 => Deed::HangUp(id),
                15 => Deed::GiveUp,
                16..=18 => Deed::Write,
                19 | 20 => Deed::Open(id),
                21..=23 => Deed::Close(id),
                24 => Deed::Reload(id),
                25 => Deed::Cut(anybody),
                26 => Deed::CutUnseen(anybody),
                27 => Deed::Silence(anybody),
                28 | 29 => Deed::Heal(anybody),
                30 => Deed::Rings(below(1 << number) as u8),
                31 => Deed::Revoke(id),
                32 => Deed::Restore(id),
                _ => match below(3) {
                    0 => Deed::Restart,
                    _ => Deed::Rings(0),
                },
            });
            let pauses = [0, 0, 15, 25, 60, 400, 2_000, 30_000];
            deeds.push(Deed::Wait(pauses[below(pauses.len())]));
        }
        Self {
            devices,
            push,
            deeds,
        }
    }

    fn deeds(&mut self) -> &mut Vec<Deed> {
        &mut self.deeds
    }

    fn play(&self, tally: &mut Tally) -> Holds {
        let mut session = Session::new(self);
        session.world.telling = false;
        let outcome = quietly(|| session.play());
        tally.merge(session.tally);
        outcome
    }

    fn story(&self) -> Vec<String> {
        let mut session = Session::new(self);
        let _ = quietly(|| session.play());
        let mut lines = session.world.transcript;
        // Without heartbeats, and who watches whose registration.
        let dull = ["NOTIFY ", "SUBSCRIBE ", "REGISTER ", "SIP/2.0 200 OK"];
        lines.retain(|line| {
            let is_dull = dull.iter().any(|dull| line.contains(dull));
            !is_dull && !line.trim_end().ends_with(['→', '←'])
        });
        lines
    }
}
