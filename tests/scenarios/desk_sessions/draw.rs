//! Draws a script from a seed.

use super::script::{DEEDS, Deed, Gateway, Node, Page, PageKind, Script, Step, User};
use graceline::gateway::WhenDown;
use graceline::rand::Random;
use graceline_kit::house::{APPEARANCES, Plan};
use graceline_kit::switch::Hand;

pub fn draw(seed: u64) -> Script {
    let mut bytes = [0xd5; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut draw = Draw(Random::from_seed(bytes));
    let gateways = 1 + draw.below(2) as usize;
    let nodes = 1 + draw.below(4) as usize;
    let plan = Plan {
        seed: draw.below(256) as u8,
        gateways,
        nodes,
        when_down: match draw.below(3) {
            0 => WhenDown::Move,
            _ => WhenDown::Wait,
        },
        overtaking: draw.below(3) == 0,
        answers_first: draw.below(2) == 0,
        exclusive: draw.below(4) == 0,
    };
    let pages = 1 + draw.below(4);
    let page = |draw: &mut Draw| PageKind {
        appearance: draw.below(APPEARANCES.len() as u64) as usize,
        gateway: draw.below(gateways as u64) as usize,
        bound: draw.below(2) == 0,
        chosen: draw.below(4) > 0,
    };
    let pages: Vec<_> = (0..pages).map(|_| page(&mut draw)).collect();
    let steps = draw.steps(&plan, &pages);
    Script { plan, pages, steps }
}

struct Draw(Random);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn deed(&mut self, which: impl Fn(Deed) -> bool) -> Deed {
        let fit: Vec<Deed> = DEEDS.iter().map(|(_, deed)| *deed).collect();
        let fit: Vec<Deed> = fit.into_iter().filter(|deed| which(*deed)).collect();
        fit[self.below(fit.len() as u64) as usize]
    }

    fn steps(&mut self, plan: &Plan, pages: &[PageKind]) -> Vec<Step> {
        // Some are about calls alone, most about faults, too.
        let faults = [0, 8, 20][self.below(3) as usize];
        let mut steps = vec![wait(3_000)];
        for _ in 0..10 + self.below(40) {
            if self.below(12) == 0 {
                let page = self.below(pages.len() as u64) as usize;
                steps.extend(self.two_calls(page, pages[page].appearance));
                continue;
            }
            let deed = match self.below(100) {
                chance if chance < faults => self.fault(),
                chance if chance < 60 => self.deed(|deed| matches!(deed, Deed::User(_))),
                _ => self.deed(|deed| matches!(deed, Deed::By(_))),
            };
            let many = match deed {
                Deed::User(_) | Deed::Page(_) => pages.len(),
                Deed::By(_) => APPEARANCES.len(),
                Deed::Gateway(_) => plan.gateways,
                Deed::Node(_) => plan.nodes,
                Deed::Wait | Deed::Switch | Deed::Registrar(_) => 1,
            };
            let who = self.below(many as u64) as usize;
            let pick = self.below(4);
            steps.push(Step { deed, who, pick });
            let pause = match self.below(20) {
                0..=4 => 0,
                5..=8 => self.below(40),
                9..=14 => self.below(1_000),
                15..=17 => self.below(10_000),
                _ => self.below(120_000),
            };
            if pause > 0 {
                steps.push(wait(pause));
            }
            // By chance alone hardly anybody wakes who sleeps.
            if deed == Deed::Page(Page::Sleeps) && self.below(2) == 0 {
                let wakes = [Page::Wakes, Page::WakesTimersFirst][self.below(2) as usize];
                let deed = Deed::Page(wakes);
                steps.push(wait(self.below(300_000)));
                steps.push(Step { deed, who, pick });
            }
        }
        steps
    }

    /// A call, a consultation, and one of the things that can be done with both: by
    /// chance alone it hardly comes to that.
    fn two_calls(&mut self, page: usize, phone: usize) -> Vec<Step> {
        let user = |user| (Deed::User(user), page);
        let hand = |hand| (Deed::By(hand), phone);
        let last = [
            user(User::Alternates),
            user(User::Reconnects),
            user(User::Transfers),
            user(User::Confers),
            hand(Hand::Transfers),
            hand(Hand::Confers),
        ];
        let last = last[self.below(6) as usize];
        let consults = match self.below(4) {
            0 => User::ConsultsInside,
            _ => User::Consults,
        };
        let play = [
            hand(Hand::FarRings),
            user(User::Answers),
            user(consults),
            hand(Hand::FarAnswers),
            last,
        ];
        let mut steps = Vec::new();
        for (deed, who) in play {
            let pick = self.below(4);
            steps.push(Step { deed, who, pick });
            steps.push(wait(100 + self.below(500)));
        }
        steps
    }

    fn fault(&mut self) -> Deed {
        // What ends a fault is drawn as often as all that begin one.
        let heals = |deed: Deed| {
            matches!(
                deed,
                Deed::Page(Page::Heals | Page::Wakes | Page::WakesTimersFirst)
                    | Deed::Gateway(Gateway::Heals)
                    | Deed::Node(Node::ComesBack)
            )
        };
        let ends = self.below(3) == 0;
        self.deed(|deed| {
            let is_fault = !matches!(deed, Deed::Wait | Deed::User(_) | Deed::By(_));
            is_fault && heals(deed) == ends
        })
    }
}

fn wait(millis: u64) -> Step {
    Step {
        deed: Deed::Wait,
        who: 0,
        pick: millis,
    }
}
