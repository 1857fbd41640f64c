//! What crosses the boundary of the control of a desk phone.

use super::tables::{commands, outputs, shapes};
use crate::bridge::json::Json;
use crate::csta::client::{CallView, Desk, Fault, Forwarding, Verb};
use crate::csta::control::{Control, Ending, Output};
use crate::csta::{ForwardingType, Party};
use crate::time::{Duration, Instant};

commands! {
    COMMANDS, obey(control: Control, now, record),
    else _ => false,

    /// Answered by `controlled` or `failed`, after so many milliseconds at most.
    connect(timeout: number) =>
        control.connect(now, Duration::from_millis(timeout.into()));
    /// Ends the session.
    leave() => control.leave(now);
    /// Whether there is a flow to the server.
    flow(up: flag) => control.handle_flow(now, up);
    /// The deadline has come.
    wake() => control.handle_timeout(now);
    sessionOpened(body: text) => control.handle_opened(now, body.as_bytes());
    sessionRefreshed(body: text) => control.handle_refreshed(now, body.as_bytes());
    sessionInfo(body: text) => control.handle_document(now, body.as_bytes());
    /// The answer to the `request` of this number; status 0: nobody answered.
    sessionDone(request: number, status: status, body: text) =>
        control.handle_answer(now, request, status, body.as_bytes());
    sessionEnded(status: status, retryAfter: number, reason: text) =>
        control.handle_ended(now, Ending { status, reason, retry_after: retryAfter });

    make(op: number, to: owned) => control.handle_command(now, op, Verb::Make { to });
    answer(op: number, call: number) => control.handle_command(now, op, Verb::Answer(call));
    clear(op: number, call: number) => control.handle_command(now, op, Verb::Clear(call));
    hold(op: number, call: number) => control.handle_command(now, op, Verb::Hold(call));
    retrieve(op: number, call: number) =>
        control.handle_command(now, op, Verb::Retrieve(call));
    consult(op: number, call: number, to: owned) =>
        control.handle_command(now, op, Verb::Consult { call, to });
    alternate(op: number, call: number, other: number) =>
        control.handle_command(now, op, Verb::Alternate(call, other));
    reconnect(op: number, call: number, other: number) =>
        control.handle_command(now, op, Verb::Reconnect(call, other));
    transfer(op: number, call: number, other: number) =>
        control.handle_command(now, op, Verb::Transfer(call, other));
    singleStepTransfer(op: number, call: number, to: owned) =>
        control.handle_command(now, op, Verb::SingleStepTransfer { call, to });
    /// The first goes on, the other ends.
    conference(op: number, call: number, other: number) =>
        control.handle_command(now, op, Verb::Conference(call, other));
    deflect(op: number, call: number, to: owned) =>
        control.handle_command(now, op, Verb::Deflect { call, to });
    digits(op: number, call: number, digits: owned) =>
        control.handle_command(now, op, Verb::Digits { call, digits });
    /// An empty `to`, and 0 seconds, are none.
    forward(op: number, kind: text, active: flag, to: owned, seconds: number) =>
        control.handle_command(now, op, Verb::Forward(Forwarding {
            kind: kind_of(kind),
            active,
            to: Some(to).filter(|to| !to.is_empty()),
            seconds: Some(seconds).filter(|seconds| *seconds > 0),
        }));
    doNotDisturb(op: number, on: flag) =>
        control.handle_command(now, op, Verb::DoNotDisturb(on));
}

outputs! {
    EVENTS, write(json, output: Output) names "name",
    else {},

    /// A session with the gateway is wanted, with this body.
    Output::Open { body } => open {
        body: text = &body,
    }
    /// The session is to end.
    Output::Close => close {}
    /// INFO is to be sent within the session, and answered by `sessionDone`.
    Output::Request { number, document } => request(number) {
        body: text = &document,
    }
    Output::Controlled => controlled {}
    Output::Failed(fault) => failed {
        ..failure_part = &fault
    }
    /// Another client took the control over.
    Output::Ousted { reason } => ousted {
        reason: text = &reason,
    }
    Output::Desk(desk) => desk {
        ..desk_part = &desk
    }
    Output::Call(view) => call {
        ..desk_call_part = &view
    }
    Output::Ended { call, cause, reason } => callEnded(call) {
        cause: text = cause.as_str(),
        reason: text = &reason,
    }
    Output::Settled { op, result } => done(op) {
        error: optional_failure = result.as_ref().err(),
    }
}

shapes! {
    Failure as failure, failure_part(fault, &Fault) {
        code: text = fault.code.as_str(),
        reason: text = &fault.said,
        status: amount = fault.status.map(u32::from),
    }

    DeskView as desk, desk_part(desk, &Desk) {
        state: text = desk.state.as_str(),
        reason: option = desk.reason.as_deref(),
        monitored: flag = desk.monitored,
        device: option = desk.device.as_deref(),
        features: texts = desk.features.names(),
        doNotDisturb: maybe = desk.do_not_disturb,
        messageWaiting: maybe = desk.message_waiting,
        forwarding: rules = desk.forwarding.as_deref(),
    }

    Rule as rule, rule_part(rule, &Forwarding) {
        type: text = name_of(rule.kind),
        active: flag = rule.active,
        to: option = rule.to.as_deref(),
        seconds: amount = rule.seconds,
    }

    CallView as desk_call, desk_call_part(view, &CallView) {
        call: number = view.id,
        op: amount = view.op,
        incoming: flag = view.incoming,
        state: text = view.state.as_str(),
        remote: text = device_of(&view.remote),
        displayName: text = &view.name,
        parties: texts = view.parties.iter().map(device_of),
        cause: text = &view.cause,
        can: texts = view.can.iter().copied(),
    }
}

impl Json {
    fn maybe(&mut self, name: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.flag(name, flag);
        }
    }

    fn rules(&mut self, name: &str, rules: Option<&[Forwarding]>) {
        if let Some(rules) = rules {
            self.raw(name, "[");
            for rule in rules {
                self.rule("", rule);
            }
            self.close(']');
        }
    }

    fn optional_failure(&mut self, name: &str, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            self.failure(name, fault);
        }
    }
}

/// Who is not known, or may not be told, has no text.
fn device_of(party: &Party) -> &str {
    party.device().unwrap_or_default()
}

const KINDS: [(&str, ForwardingType); 3] = [
    ("immediate", ForwardingType::Immediate),
    ("busy", ForwardingType::Busy),
    ("noAnswer", ForwardingType::NoAnswer),
];

/// Kinds of forwarding have names of their own in the JavaScript API, which checks
/// them.
fn kind_of(name: &str) -> ForwardingType {
    let found = KINDS.iter().find(|(known, _)| *known == name);
    found.map_or(ForwardingType::Immediate, |(_, kind)| *kind)
}

fn name_of(kind: ForwardingType) -> &'static str {
    let found = KINDS.iter().find(|(_, known)| *known == kind);
    found.map_or("immediate", |(name, _)| name)
}
