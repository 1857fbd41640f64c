//! How a call is refreshed: see [`SessionTimer`](crate::dialog::SessionTimer).

use super::{Action, Asked, Call, Cause, FLOW_FAILED, Job, Line, dialog_headers};
use crate::dialog::{ends_usage, timer::Due};
use crate::fault::Situation;
use crate::prelude::*;
use crate::sip::Message;

impl Call {
    pub(super) fn session_timeout(&mut self, line: &mut Line) {
        let now = line.now;
        match self.session.due(now) {
            Due::Nothing => return,
            Due::Expired => {
                self.leave(line, 408, None);
                return self.end_as(line, Cause::Failed, Situation::NotRefreshed, Some(408));
            }
            Due::Refresh if self.flow.is_none() => return self.session.put_off(now),
            Due::Refresh => {}
        }
        if self.is_session() {
            self.reinvite(line, String::new());
        } else if self.peer.update {
            let mut update = self.dialog.request("UPDATE");
            update.headers.extend(dialog_headers(&self.contact));
            self.session.offer(&mut update);
            line.send(self.id, Job::Update, update);
        } else {
            self.want_refresh(line);
        }
    }

    pub(super) fn update_answered(&mut self, line: &mut Line, answer: &Message) {
        if !self.is_established() {
            return;
        }
        match answer.status() {
            200..300 => {
                self.dialog.refresh_target(answer);
                self.learn(line, answer);
                self.session.answered(line.now, answer);
                if self.is_session() {
                    self.session_accepted(line, Asked::Refresh, answer);
                }
            }
            422 if self.session.raise(answer) => self.session.refresh_at_once(line.now),
            status @ (408 | 481) => self.broken(line, status),
            // A gateway that was started anew is not behind its connection any more: there
            // is nothing to wait for, other than with a call whose far end comes back.
            status if self.is_session() && ends_usage(status) => self.broken(line, status),
            405 | 501 => {
                self.peer.update = false;
                self.session.refresh_at_once(line.now);
            }
            status => {
                if status == FLOW_FAILED {
                    line.actions.push(Action::Look);
                }
                self.session.put_off(line.now);
            }
        }
    }
}
