//! A session as a script. Its text can be read by people, pasted into a test, and
//! played again.

use graceline::gateway::WhenDown;
use graceline_kit::house::Plan;
use graceline_kit::switch::Hand;
use std::fmt::{self, Display};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub plan: Plan,
    pub pages: Vec<PageKind>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageKind {
    pub appearance: usize,
    pub gateway: usize,
    /// Its phone is registered until it controls the desk phone.
    pub bound: bool,
    /// It names the device, and does not wait to be asked which.
    pub chosen: bool,
}

/// Something that somebody does, or that befalls somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub deed: Deed,
    /// Page, phone, gateway or node.
    pub who: usize,
    /// Which of its calls; how many milliseconds.
    pub pick: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Wait,
    User(User),
    By(Hand),
    Page(Page),
    Gateway(Gateway),
    Node(Node),
    Switch,
    Registrar(Registrar),
}

/// What a user does in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Calls,
    CallsInside,
    CallsBusy,
    CallsNobody,
    Answers,
    Clears,
    Holds,
    Retrieves,
    Consults,
    ConsultsInside,
    Alternates,
    Reconnects,
    Transfers,
    Confers,
    SendsOn,
    SendsOnInside,
    Deflects,
    SendsDigits,
    Forwards,
    ToggleDoNotDisturb,
}

/// What befalls a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Cut,
    CutUnseenByServer,
    CutUnseenByClient,
    Silent,
    Heals,
    Sleeps,
    Wakes,
    WakesTimersFirst,
    Reloads,
    Crashes,
    Forces,
    Slow,
}

/// What befalls a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    Restarts,
    Cut,
    Silent,
    Heals,
}

/// What befalls a node of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    Cut,
    Dies,
    Silent,
    ComesBack,
    Slow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registrar {
    Restarts,
    Forgets,
}

pub const DEEDS: &[(&str, Deed)] = &[
    ("wait", Deed::Wait),
    ("calls", Deed::User(User::Calls)),
    ("calls-inside", Deed::User(User::CallsInside)),
    ("calls-busy", Deed::User(User::CallsBusy)),
    ("calls-nobody", Deed::User(User::CallsNobody)),
    ("answers", Deed::User(User::Answers)),
    ("clears", Deed::User(User::Clears)),
    ("holds", Deed::User(User::Holds)),
    ("retrieves", Deed::User(User::Retrieves)),
    ("consults", Deed::User(User::Consults)),
    ("consults-inside", Deed::User(User::ConsultsInside)),
    ("alternates", Deed::User(User::Alternates)),
    ("reconnects", Deed::User(User::Reconnects)),
    ("transfers", Deed::User(User::Transfers)),
    ("confers", Deed::User(User::Confers)),
    ("sends-on", Deed::User(User::SendsOn)),
    ("sends-on-inside", Deed::User(User::SendsOnInside)),
    ("deflects", Deed::User(User::Deflects)),
    ("sends-digits", Deed::User(User::SendsDigits)),
    ("forwards", Deed::User(User::Forwards)),
    ("toggles-dnd", Deed::User(User::ToggleDoNotDisturb)),
    ("hand-dials", Deed::By(Hand::Dials)),
    ("hand-dials-inside", Deed::By(Hand::DialsInside)),
    ("hand-answers", Deed::By(Hand::Answers)),
    ("hand-clears", Deed::By(Hand::Clears)),
    ("hand-holds", Deed::By(Hand::Holds)),
    ("hand-retrieves", Deed::By(Hand::Retrieves)),
    ("hand-transfers", Deed::By(Hand::Transfers)),
    ("hand-confers", Deed::By(Hand::Confers)),
    ("hand-toggles-dnd", Deed::By(Hand::ToggleDoNotDisturb)),
    ("unplugs", Deed::By(Hand::Unplugs)),
    ("plugs", Deed::By(Hand::Plugs)),
    ("far-rings", Deed::By(Hand::FarRings)),
    ("far-rings-unknown", Deed::By(Hand::FarRingsUnknown)),
    ("far-answers", Deed::By(Hand::FarAnswers)),
    ("far-clears", Deed::By(Hand::FarClears)),
    ("far-sends-on", Deed::By(Hand::FarSendsOn)),
    ("message-waits", Deed::By(Hand::MessageWaits)),
    ("page-cut", Deed::Page(Page::Cut)),
    (
        "page-cut-unseen-by-server",
        Deed::Page(Page::CutUnseenByServer),
    ),
    (
        "page-cut-unseen-by-client",
        Deed::Page(Page::CutUnseenByClient),
    ),
    ("page-silent", Deed::Page(Page::Silent)),
    ("page-heals", Deed::Page(Page::Heals)),
    ("page-sleeps", Deed::Page(Page::Sleeps)),
    ("page-wakes", Deed::Page(Page::Wakes)),
    (
        "page-wakes-timers-first",
        Deed::Page(Page::WakesTimersFirst),
    ),
    ("page-reloads", Deed::Page(Page::Reloads)),
    ("page-crashes", Deed::Page(Page::Crashes)),
    ("page-forces", Deed::Page(Page::Forces)),
    ("page-slow", Deed::Page(Page::Slow)),
    ("gateway-restarts", Deed::Gateway(Gateway::Restarts)),
    ("gateway-cut", Deed::Gateway(Gateway::Cut)),
    ("gateway-silent", Deed::Gateway(Gateway::Silent)),
    ("gateway-heals", Deed::Gateway(Gateway::Heals)),
    ("node-cut", Deed::Node(Node::Cut)),
    ("node-dies", Deed::Node(Node::Dies)),
    ("node-silent", Deed::Node(Node::Silent)),
    ("node-comes-back", Deed::Node(Node::ComesBack)),
    ("node-slow", Deed::Node(Node::Slow)),
    ("switch-restarts", Deed::Switch),
    ("registrar-restarts", Deed::Registrar(Registrar::Restarts)),
    ("registrar-forgets", Deed::Registrar(Registrar::Forgets)),
];

pub fn word(deed: Deed) -> &'static str {
    let mut deeds = DEEDS.iter();
    let known = deeds.find(|(_, known)| *known == deed);
    known.map_or("?", |(word, _)| word)
}

impl Script {
    pub fn with(&self, steps: &[Step]) -> Self {
        Self {
            steps: steps.to_vec(),
            ..self.clone()
        }
    }

    /// Reads what is written by `Display`.
    pub fn read(text: &str) -> Self {
        let number = |word: &str| -> u64 {
            let read = word.parse();
            read.unwrap_or_else(|_| panic!("{word:?} is no number"))
        };
        let mut script = Self {
            plan: Plan {
                seed: 0,
                gateways: 1,
                nodes: 1,
                when_down: WhenDown::Wait,
                overtaking: false,
                answers_first: true,
                exclusive: false,
            },
            pages: Vec::new(),
            steps: Vec::new(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["house", seed, gateways, nodes, options @ ..] => {
                    script.plan.seed = number(seed) as u8;
                    script.plan.gateways = number(gateways) as usize;
                    script.plan.nodes = number(nodes) as usize;
                    for option in options {
                        match *option {
                            "moves" => script.plan.when_down = WhenDown::Move,
                            "overtaking" => script.plan.overtaking = true,
                            "events-first" => script.plan.answers_first = false,
                            "exclusive" => script.plan.exclusive = true,
                            other => panic!("what is {other:?}?"),
                        }
                    }
                }
                ["page", appearance, gateway, mode, asked @ ..] => script.pages.push(PageKind {
                    appearance: number(appearance) as usize,
                    gateway: number(gateway) as usize,
                    bound: *mode == "bound",
                    chosen: *asked != ["asked"],
                }),
                [deed, who, pick] => {
                    let mut deeds = DEEDS.iter();
                    let known = deeds.find(|(word, _)| word == deed);
                    let (_, known) = known.unwrap_or_else(|| panic!("what is {deed:?}?"));
                    script.steps.push(Step {
                        deed: *known,
                        who: number(who) as usize,
                        pick: number(pick),
                    });
                }
                _ => panic!("what is {line:?}?"),
            }
        }
        script
    }
}

impl Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan {
            seed,
            gateways,
            nodes,
            when_down,
            overtaking,
            answers_first,
            exclusive,
        } = &self.plan;
        write!(f, "house {seed} {gateways} {nodes}")?;
        let options = [
            ("moves", *when_down == WhenDown::Move),
            ("overtaking", *overtaking),
            ("events-first", !answers_first),
            ("exclusive", *exclusive),
        ];
        for (option, _) in options.iter().filter(|(_, set)| *set) {
            write!(f, " {option}")?;
        }
        writeln!(f)?;
        for page in &self.pages {
            let mode = if page.bound { "bound" } else { "alone" };
            let asked = if page.chosen { "" } else { " asked" };
            writeln!(f, "page {} {} {mode}{asked}", page.appearance, page.gateway)?;
        }
        for Step { deed, who, pick } in &self.steps {
            writeln!(f, "{} {who} {pick}", word(*deed))?;
        }
        Ok(())
    }
}
