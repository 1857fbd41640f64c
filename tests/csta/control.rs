//! One session after the other, at a scripted gateway in virtual time. The story is
//! what the host is told to do and the app hears, a line each.

use crate::notation::LINE;
use crate::switch::{Switch, failure, write};
use graceline::csta::client::{DeskState, Verb};
use graceline::csta::control::{Control, Ending, Output};
use graceline::csta::{Content, Response, SystemStatus};
use graceline::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(30);

struct Host {
    control: Control,
    switch: Switch,
    now: Instant,
    state: DeskState,
    story: Vec<String>,
    /// Bodies of the INVITEs.
    opened: Vec<String>,
}

impl Host {
    fn new() -> Self {
        let mut host = Self {
            control: Control::new(LINE, [7; 32]),
            switch: Switch::new(),
            now: Instant::from_millis(1_000_000),
            state: DeskState::default(),
            story: Vec::new(),
            opened: Vec::new(),
        };
        host.control.connect(host.now, TIMEOUT);
        host.run();
        host
    }

    fn controlling() -> Self {
        let mut host = Self::new();
        host.accept();
        assert_eq!(host.told(), ["open", "desk eInService", "controlled"]);
        host
    }

    fn accept(&mut self) {
        let body = self.switch.greeting();
        self.control.handle_opened(self.now, body.as_bytes());
        self.run();
    }

    fn ended(&mut self, status: u16, reason: &str, retry_after: u32) {
        let ending = Ending {
            status,
            reason,
            retry_after,
        };
        self.control.handle_ended(self.now, ending);
        self.run();
    }

    fn lost(&mut self) {
        self.switch.cross_ref.clear();
        self.switch.events.clear();
        self.ended(0, "", 0);
    }

    fn wait(&mut self) -> Duration {
        let due = self.control.poll_timeout().expect("a deadline");
        let waited = due - self.now;
        self.now = due;
        self.control.handle_timeout(self.now);
        self.run();
        waited
    }

    fn run(&mut self) {
        loop {
            for event in std::mem::take(&mut self.switch.events) {
                self.control.handle_document(self.now, event.as_bytes());
            }
            let Some(output) = self.control.poll_output() else {
                return;
            };
            let line = match output {
                Output::Open { body } => {
                    self.opened.push(body);
                    "open".to_owned()
                }
                Output::Close => "close".to_owned(),
                Output::Request { number, document } => {
                    let body = self.switch.answers(&document);
                    let answer = body.as_bytes();
                    self.control.handle_answer(self.now, number, 200, answer);
                    continue;
                }
                Output::Desk(desk) => {
                    if std::mem::replace(&mut self.state, desk.state) == desk.state {
                        continue;
                    }
                    format!("desk {}", desk.state.as_str())
                }
                Output::Call(call) => format!("call {} {}", call.id, call.state.as_str()),
                Output::Ended { call, reason, .. } => format!("ended {call} {reason}"),
                Output::Settled { op, result } => format!("op {op} {}", result.is_ok()),
                Output::Controlled => "controlled".to_owned(),
                Output::Failed(fault) => {
                    let status = fault
                        .status
                        .map_or(String::new(), |status| format!(" {status}"));
                    format!("failed {}{status}", fault.code.as_str())
                }
                Output::Ousted { reason } => format!("ousted {reason}"),
            };
            if self.story.last() != Some(&line) {
                self.story.push(line);
            }
        }
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.story)
    }

    fn seconds_since(&self, begin: Instant) -> u64 {
        (self.now - begin).as_secs()
    }
}

#[test]
fn a_session_that_is_refused_for_good_is_the_end() {
    for (status, code) in [
        (300, "eServerRejected"),
        (403, "eServerRejected"),
        (404, "eServerRejected"),
        (415, "eServerRejected"),
        (480, "eOutOfService"),
    ] {
        let mut host = Host::new();
        host.ended(status, "No", 0);
        assert_eq!(
            host.told(),
            ["open".to_owned(), format!("failed {code} {status}")]
        );
        assert_eq!(host.control.poll_timeout(), None);
        // Nothing follows, whatever comes late.
        host.accept();
        host.ended(503, "", 0);
        host.control.handle_flow(host.now, false);
        host.control.handle_flow(host.now, true);
        host.run();
        assert_eq!(host.told(), Vec::<String>::new());
    }
}

/// A proxy may answer provisionally, and then forget the INVITE.
#[test]
fn a_gateway_that_never_answers_is_asked_again() {
    let mut host = Host::controlling();
    host.lost();
    host.wait();
    assert_eq!(host.told(), ["desk eRecoveryPending", "open"]);
    assert_eq!(host.wait().as_secs(), 32);
    assert_eq!(host.told(), ["close"]);
    host.wait();
    host.accept();
    assert_eq!(host.told(), ["open", "desk eInService"]);
}

#[test]
fn a_gateway_without_a_connection_is_waited_for() {
    let mut host = Host::new();
    let begin = host.now;
    host.ended(503, "Service Unavailable", 7);
    assert_eq!(host.wait().as_secs(), 7);
    host.ended(0, "", 0);
    host.wait();
    host.ended(504, "", 0);
    host.wait();
    host.accept();
    assert_eq!(host.told(), ["open", "desk eInService", "controlled"]);
    assert_eq!(host.opened.len(), 4);
    assert!(host.seconds_since(begin) < 15);
}

#[test]
fn nobody_waits_longer_than_the_time_that_a_login_has() {
    let mut host = Host::new();
    host.ended(503, "Service Unavailable", 31);
    assert_eq!(host.told(), ["open", "failed eOutOfService 503"]);

    let mut host = Host::new();
    let begin = host.now;
    while host.control.poll_timeout().is_some() {
        host.ended(503, "Service Unavailable", 0);
        host.wait();
    }
    assert_eq!(host.told(), ["open", "failed eOutOfService"]);
    assert_eq!(host.seconds_since(begin), 30);
    assert!((4..9).contains(&host.opened.len()), "{}", host.opened.len());

    let mut silent = Host::new();
    assert_eq!(silent.wait(), TIMEOUT);
    assert_eq!(silent.told(), ["open", "close", "failed eTimeout"]);
}

#[test]
fn a_phone_that_cannot_be_monitored_is_out_of_service_or_not_ours() {
    let mut host = Host::new();
    let greeting = write(Content::Response(Response::RequestSystemStatus {
        status: SystemStatus::Disabled,
        device: None,
    }));
    host.control.handle_opened(host.now, greeting.as_bytes());
    host.run();
    host.now = host.now + TIMEOUT;
    host.control.handle_timeout(host.now);
    host.run();
    assert_eq!(
        host.told().last().map(String::as_str),
        Some("failed eOutOfService")
    );

    let mut host = Host::new();
    let refusal = failure("operation", "privilegeViolationSpecifiedDevice");
    host.control.handle_opened(host.now, refusal.as_bytes());
    host.run();
    assert_eq!(host.told(), ["open", "close", "failed eServerRejected"]);
}

#[test]
fn what_was_controlled_once_is_asked_for_until_it_is_again() {
    let mut host = Host::controlling();
    let mut pauses = Vec::new();
    // Lost; the gateway is away, and no user of the server's; then its switch is.
    for (status, retry_after) in [(0, 0), (404, 0), (480, 0), (408, 0), (503, 45), (500, 0)] {
        host.ended(status, "", retry_after);
        pauses.push(host.wait().as_millis());
    }
    assert_eq!(host.told(), ["desk eRecoveryPending", "open"]);
    assert!(pauses[0] < 250, "{pauses:?}");
    assert!((700..1300).contains(&pauses[1]), "{pauses:?}");
    assert!((2800..5200).contains(&pauses[3]), "{pauses:?}");
    assert_eq!(pauses[4], 45_000);
    host.accept();
    assert_eq!(host.told(), ["desk eInService"]);
    // The pauses begin anew.
    host.lost();
    assert!(host.wait().as_millis() < 250);
}

#[test]
fn what_was_granted_once_may_be_refused_later() {
    let mut host = Host::controlling();
    host.switch.rings("tel:5122");
    host.run();
    host.lost();
    host.wait();
    host.told();
    host.ended(403, "Forbidden", 0);
    assert_eq!(
        host.told(),
        [
            "ended 1 left to the desk phone",
            "failed eServerRejected 403"
        ]
    );
    assert_eq!(host.control.poll_timeout(), None);
}

#[test]
fn without_a_flow_no_session_is_tried_and_with_one_at_once() {
    let mut host = Host::controlling();
    host.control.handle_flow(host.now, false);
    host.lost();
    assert_eq!(host.control.poll_timeout(), None);
    host.now = host.now + Duration::from_secs(3600);
    host.control.handle_timeout(host.now);
    host.run();
    assert_eq!(host.told(), ["desk eRecoveryPending"]);
    host.control.handle_flow(host.now, true);
    host.run();
    assert_eq!(host.told(), ["open"]);
    // Once is enough.
    host.control.handle_flow(host.now, true);
    host.run();
    assert_eq!(host.told(), Vec::<String>::new());
    host.accept();
    assert_eq!(host.told(), ["desk eInService"]);
}

#[test]
fn an_answer_that_ends_the_session_makes_another() {
    let mut host = Host::controlling();
    host.control
        .handle_command(host.now, 1, Verb::DoNotDisturb(true));
    let Some(Output::Request { number, .. }) = host.control.poll_output() else {
        panic!("no request");
    };
    host.control.handle_answer(host.now, number, 481, b"");
    host.run();
    assert_eq!(
        host.told(),
        ["op 1 false", "close", "desk eRecoveryPending"]
    );
    assert!(host.wait().as_millis() < 250);
    assert_eq!(host.told(), ["open"]);
    host.accept();
    assert_eq!(host.told(), ["desk eInService"]);
}

#[test]
fn the_device_that_the_gateway_chose_is_asked_for_again() {
    let mut host = Host::new();
    let greeting = write(Content::Response(Response::RequestSystemStatus {
        status: SystemStatus::Normal,
        device: Some("SEP01".to_owned()),
    }));
    host.control.handle_opened(host.now, greeting.as_bytes());
    host.run();
    host.lost();
    host.wait();
    assert!(!host.opened[0].contains("SEP01"));
    assert!(
        host.opened[1].contains(";device=SEP01<"),
        "{}",
        host.opened[1]
    );
}

#[test]
fn another_client_may_hold_the_phone_or_take_it() {
    let conflict = "Forbidden: Registration is active for another client";
    let mut host = Host::new();
    host.ended(403, conflict, 0);
    assert_eq!(host.told(), ["open", "failed eDeviceAlreadyRegistered 403"]);

    let mut host = Host::controlling();
    host.ended(0, conflict, 0);
    assert_eq!(
        host.told(),
        [
            "desk eRecoveryPending".to_owned(),
            format!("ousted {conflict}")
        ]
    );
    assert_eq!(host.control.poll_timeout(), None);
}

#[test]
fn whoever_leaves_says_so_and_is_done() {
    let mut host = Host::controlling();
    host.switch.rings("tel:5122");
    host.run();
    host.told();
    host.control.leave(host.now);
    host.run();
    assert_eq!(
        host.told(),
        [
            "ended 1 left to the desk phone",
            "desk eRecoveryPending",
            "close"
        ]
    );
    assert!(host.switch.cross_ref.is_empty(), "the monitor is stopped");
    host.control.leave(host.now);
    host.run();
    assert_eq!(host.told(), Vec::<String>::new());
    assert_eq!(host.control.poll_timeout(), None);
}
