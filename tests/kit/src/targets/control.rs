//! The machine of a page that controls a desk phone, at a gateway that says anything.

use super::script::{line, number, pause, steps};
use graceline::csta::client::Verb;
use graceline::csta::control::{Control, Ending, Output};
use graceline::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub const SEEDS: &[&str] = &[
    "o\x1ea200\r\n<GetCSTAFeaturesResponse/>\x1ea200\r\n<MonitorStartResponse><monitorCrossRefID>m1</monitorCrossRefID></MonitorStartResponse>\x1ea200\r\n<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData/></crossRefIDorSnapshotData></SnapshotDeviceResponse>\x1ecm5\x1ea200\r\n<MakeCallResponse><callingDevice><callID>k</callID><deviceID>tel:1</deviceID></callingDevice></MakeCallResponse>\x1ed<EstablishedEvent><monitorCrossRefID>m1</monitorCrossRefID><establishedConnection><callID>k</callID><deviceID>tel:1</deviceID></establishedConnection><localConnectionInfo>connected</localConnectionInfo></EstablishedEvent>\x1ech1\x1ea500\r\n\x1ecx1\x1et60000",
    "o\x1ee503\x1et40000\x1eo\x1ef\x1eu\x1ed<SystemStatus><systemStatus>disabled</systemStatus></SystemStatus>\x1er\x1el",
    "o\x1ed<DeliveredEvent><monitorCrossRefID>m1</monitorCrossRefID></DeliveredEvent>\x1ea404\r\n\x1et1000\x1eo\x1ea200\r\n",
];

/// A command settles once, a call ends once and is not told of after that.
#[derive(Default)]
struct App {
    pending: BTreeSet<u32>,
    calls: BTreeMap<u32, usize>,
    ended: BTreeSet<u32>,
    asked: VecDeque<u32>,
    controlled: bool,
}

pub fn run(data: &[u8]) {
    play(data);
}

/// Whether the desk phone was controlled, and how many calls ended.
pub fn play(data: &[u8]) -> (bool, usize) {
    let mut control = Control::new("tel:1;phone-context=dialstring;device=A", [1; 32]);
    let mut now = Instant::from_millis(1_000_000);
    let mut app = App::default();
    control.connect(now, Duration::from_secs(30));
    app.hear(&mut control);
    let mut ops = 0;
    for step in steps(data) {
        let Some((kind, rest)) = step.split_at_checked(1) else {
            continue;
        };
        match kind {
            b"o" => control.handle_opened(now, rest),
            b"r" => control.handle_refreshed(now, rest),
            b"d" => control.handle_document(now, rest),
            b"a" => {
                let (status, body) = line(rest);
                let request = app.asked.pop_front().unwrap_or(7);
                let status = number(status).0.min(699) as u16;
                control.handle_answer(now, request, status, body);
            }
            b"e" => {
                let (status, reason) = number(rest);
                let ending = Ending {
                    status: status.min(699) as u16,
                    reason: &String::from_utf8_lossy(reason),
                    retry_after: 3,
                };
                control.handle_ended(now, ending);
            }
            b"f" | b"u" => control.handle_flow(now, kind == b"u"),
            b"l" => control.leave(now),
            b"t" => {
                now = now + pause(rest);
                control.handle_timeout(now);
            }
            b"c" => {
                if let Some(verb) = verb(rest) {
                    ops += 1;
                    app.pending.insert(ops);
                    control.handle_command(now, ops, verb);
                }
            }
            _ => {}
        }
        app.hear(&mut control);
    }
    // Whatever was said, nothing waits for ever.
    for _ in 0..200 {
        let Some(due) = control.poll_timeout() else {
            break;
        };
        now = now.max(due);
        control.handle_timeout(now);
        app.hear(&mut control);
    }
    assert!(app.pending.is_empty(), "commands that do not settle");
    (app.controlled, app.ended.len())
}

fn verb(text: &[u8]) -> Option<Verb> {
    let (kind, rest) = text.split_at_checked(1)?;
    let to = || String::from_utf8_lossy(rest).into_owned();
    let call = number(rest).0.min(9) as u32;
    Some(match kind {
        b"m" => Verb::Make { to: to() },
        b"a" => Verb::Answer(call),
        b"x" => Verb::Clear(call),
        b"h" => Verb::Hold(call),
        b"r" => Verb::Retrieve(call),
        b"c" => Verb::Consult { call, to: to() },
        b"t" => Verb::Transfer(call, call + 1),
        b"j" => Verb::Conference(call, call + 1),
        b"d" => Verb::Deflect { call, to: to() },
        b"n" => Verb::DoNotDisturb(call == 1),
        _ => return None,
    })
}

impl App {
    fn hear(&mut self, control: &mut Control) {
        for count in 0.. {
            assert!(count < 1_000, "an input leads to no end of outputs");
            let Some(output) = control.poll_output() else {
                return;
            };
            match output {
                Output::Request { number, .. } => {
                    self.asked.push_back(number);
                    assert!(self.asked.len() < 5_000, "requests without end");
                }
                Output::Settled { op, .. } => assert!(self.pending.remove(&op), "{op} again"),
                Output::Call(view) => {
                    assert!(!self.ended.contains(&view.id), "a call after its end");
                    self.calls.insert(view.id, view.parties.len());
                    assert!(self.calls.len() <= 64, "calls without end");
                }
                Output::Ended { call, .. } => {
                    assert!(self.calls.remove(&call).is_some(), "an end of no call");
                    assert!(self.ended.insert(call), "a call ends twice");
                }
                Output::Controlled => self.controlled = true,
                _ => {}
            }
        }
    }
}
