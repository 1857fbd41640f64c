//! Nothing that a server answers or closes makes a storm: servers drawn at random, and
//! what the phone does counted against docs/connections.md.

use crate::rig::{Act, Asked, Heard, Rig};
use graceline::phone::Status;
use graceline::rand::Random;
use graceline::time::Duration;
use std::collections::BTreeMap;

const MINUTE: Duration = Duration::from_secs(60);
/// Connections in a minute to each address.
const CONNECTIONS: usize = 8;
/// REGISTERs and hints in a minute, for each command of the app.
const REGISTERS: usize = 64;
/// SUBSCRIBEs in a minute: one each 5 s, and one for each connection.
const SUBSCRIBES: usize = 20;

const STATUSES: [&str; 22] = [
    "100 Trying",
    "183 Progress",
    "200 OK",
    "202 Accepted",
    "301 Moved\nContact: <sip:example.com;transport=ws>",
    "302 Moved\nContact: <sip:other.example.com>",
    "400 Bad",
    "401 Unauthorized\nWWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\", stale=true",
    "401 Unauthorized",
    "403 Forbidden",
    "403 Forbidden\nWarning: 399 x \"Registration is active for another client\"",
    "404 Not Found",
    "407 Proxy\nProxy-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\", stale=true",
    "408 Request Timeout",
    "423 Interval Too Brief\nMin-Expires: {nonce}",
    "430 Flow Failed",
    "439 First Hop Lacks Outbound Support",
    "480 Away\nRetry-After: 0",
    "481 No",
    "500 Error",
    "503 Busy\nRetry-After: 0",
    "603 Too Many Contacts",
];

const OWN: [&str; 5] = [
    "<{own}>;expires=120",
    "<{own}>;expires=1",
    "<{own}>;expires=0",
    "<{own}>;expires=4294967295",
    "<sip:x@y>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\";expires=2",
];

const OTHERS: [&str; 4] = [
    "<sip:j@j.invalid>;+u.sip!devicename.ccm.cisco.com=\"CSF\";expires=60",
    "<sip:g1-{device}-ffffffffffff-00000000-ffffffffffu@r.invalid>;expires=60;pub-gruu=\"sip:r@r;gr=1\"",
    "<sip:g1-{device}-eeeeeeeeeeee-00000000-0000000001f@r.invalid>;received=\"sip:r\";expires=3",
    "<sip:g1-{device}-{instance}-00000000-006955b800u@r.invalid>;expires=60",
];

/// A server of a character: what it likes to say, how often it lets a login in, how it
/// closes.
struct Server {
    random: Random,
    likes: Vec<&'static str>,
    own: &'static str,
    others: Vec<&'static str>,
    headers: &'static str,
    welcomes: u64,
    closes: u64,
    delay: u64,
    count: u32,
}

impl Server {
    fn drawn(seed: u16) -> Self {
        let [high, low] = seed.to_be_bytes();
        let mut bytes = [0x3c; 32];
        (bytes[0], bytes[1]) = (high, low);
        let mut random = Random::from_seed(bytes);
        let mut below = |bound: usize| random.below(bound as u64) as usize;
        let likes = (0..1 + below(4))
            .map(|_| STATUSES[below(STATUSES.len())])
            .collect();
        let others = (0..below(3)).map(|_| OTHERS[below(OTHERS.len())]).collect();
        let headers = [
            "",
            "",
            "\nSupported: X-cisco-graceful-reg",
            "\nRequire: outbound",
            "\nFlow-Timer: 1",
        ];
        let (own, headers) = (OWN[below(OWN.len())], headers[below(headers.len())]);
        let (welcomes, closes) = ([0, 5, 9, 10][below(4)], [0, 0, 1, 5, 10][below(5)]);
        let delay = [0, 0, 0, 50, 9_000][below(5)];
        Self {
            random,
            likes,
            own,
            others,
            headers,
            welcomes,
            closes,
            delay,
            count: 1000,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    fn hear(&mut self, heard: &Heard<'_>) -> Vec<Act> {
        let mut acts = match heard {
            Heard::Opened => Vec::new(),
            Heard::Request(asked) => self.answer(asked),
        };
        if self.below(10) < self.closes {
            acts.push(Act::Close(self.below(100)));
        }
        acts
    }

    fn answer(&mut self, asked: &Asked) -> Vec<Act> {
        self.count += 1;
        let delay = self.below(self.delay + 1);
        let text = if asked.is("SUBSCRIBE") {
            "200 OK\nExpires: 0\nContact: <sip:n@n.invalid>".to_owned()
        } else if asked.is("REGISTER") && self.below(10) < self.welcomes {
            let own = asked.binds().then_some(self.own);
            let lines = own.into_iter().chain(self.others.iter().copied());
            let lines = lines.map(|contact| format!("\nContact: {contact}"));
            format!("200 OK{}{}", self.headers, lines.collect::<String>())
        } else {
            let like = self.below(self.likes.len() as u64) as usize;
            format!("{}{}", self.likes[like], self.headers)
        };
        let own = asked.own();
        let tags: Vec<&str> = own.split('-').collect();
        let tag = |at: usize| tags.get(at).copied().unwrap_or("000000000000");
        let text = text
            .replace("{nonce}", &self.count.to_string())
            .replace("{device}", tag(1))
            .replace("{instance}", tag(2));
        match self.below(20) {
            0 => Vec::new(),
            1 => vec![Act::Send(delay, "SIP/2.0 200 OK\nVia: SIP/2.0/WS".into())],
            2 => vec![
                Act::Answer(0, "100 Trying".into()),
                Act::Answer(delay, text),
            ],
            _ => vec![Act::Answer(delay, text)],
        }
    }
}

/// The most of `times` within a minute.
fn most(times: &[graceline::time::Instant]) -> usize {
    let within = |start: usize| {
        times[start..]
            .iter()
            .take_while(move |at| **at - times[start] < MINUTE)
    };
    (0..times.len())
        .map(|start| within(start).count())
        .max()
        .unwrap_or(0)
}

#[test]
fn no_server_makes_a_storm() {
    let mut ready = 0;
    for seed in 0..600 {
        let mut server = Server::drawn(seed);
        let addresses = 1 + usize::from(seed % 3 == 0);
        let mut rig = Rig::with(
            |config| {
                let url = |n| format!("ws://127.0.0.{n}/");
                config.connections = (1..=addresses).map(url).collect();
            },
            move |heard| server.hear(heard),
        );
        rig.register(seed % 2 == 0);
        rig.seconds(600);
        ready += usize::from(
            rig.events
                .iter()
                .any(|event| matches!(event, graceline::phone::Event::Status(Status::Ready, _))),
        );
        let mut opens: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for (at, slot) in &rig.opens {
            opens.entry(*slot).or_default().push(*at);
        }
        for (slot, times) in &opens {
            // A forced login in Cisco's form takes a connection of its own.
            let most = most(times);
            assert!(
                most <= CONNECTIONS + 1,
                "{seed}: {most} connections to {slot}\n{}",
                rig.told()
            );
        }
        let sent = |methods: &[&str]| -> Vec<_> {
            let asked = rig
                .sent
                .iter()
                .filter(|asked| methods.contains(&asked.message.method()));
            asked.map(|asked| asked.at).collect()
        };
        let registers = most(&sent(&["REGISTER"]));
        assert!(
            registers <= REGISTERS,
            "{seed}: {registers} REGISTERs\n{}",
            rig.told()
        );
        let subscribes = most(&sent(&["SUBSCRIBE"]));
        assert!(
            subscribes <= SUBSCRIBES,
            "{seed}: {subscribes} SUBSCRIBEs\n{}",
            rig.told()
        );
        let options = most(&sent(&["OPTIONS"]));
        assert!(
            options <= REGISTERS + 30,
            "{seed}: {options} OPTIONS\n{}",
            rig.told()
        );
    }
    assert!(
        ready > 100,
        "{ready} of them let the phone in: the others prove little"
    );
}
