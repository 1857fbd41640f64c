//! What crosses the boundary of a phone that controls others, beside what crosses that
//! of every phone.

use super::tables::{commands, outputs, shapes};
use crate::bridge::json::Json;
use crate::controller::{Controller, Watched};
use crate::documents::dialog_info::{Dialog, Direction};
use crate::time::Instant;

commands! {
    COMMANDS, obey(controller: Controller, now, record),
    else name => super::obey(controller.phone(), now, name, record),

    /// A gateway's alone, as what follows: tells what calls the target is in, by `dialogs`.
    /// The number is a new one, and not 0.
    watchDialogs(watch: number, target: owned) =>
        controller.watch_dialogs(now, watch, target);
    /// Tells whether the target is registered, by `presence`.
    watchRegistration(watch: number, target: owned) =>
        controller.watch_registration(now, watch, target);
    unwatch(watch: number) => controller.unwatch(now, watch);
}

outputs! {
    EVENTS, write(json, watched: Watched) names "name",
    else {},

    /// All that there are. Those that are over are told once.
    Watched::Dialogs { of: watch, dialogs } => dialogs(watch) {
        dialogs: dialogs = &dialogs,
    }
    Watched::Registered { of: watch, any } => presence(watch) {
        registered: flag = any,
    }
    /// The server does not tell it.
    Watched::Refused { of: watch } => unwatched(watch) {}
}

shapes! {
    // `own`: the phone made the call itself.
    WatchedDialog as dialog, dialog_part((own, dialog), (bool, &Dialog)) {
        id: text = &dialog.id,
        own: flag = own,
        incoming: flag = dialog.direction == Some(Direction::Recipient),
        state: text = dialog.state.as_str(),
        event: option = dialog.event.as_deref(),
        status: amount = dialog.code.map(u32::from),
        held: flag = dialog.is_held(),
        remote: text = &dialog.remote.identity,
        displayName: option = dialog.remote.display.as_deref(),
    }
}

impl Json {
    fn dialogs(&mut self, name: &str, dialogs: &[(bool, Dialog)]) {
        self.raw(name, "[");
        for (own, dialog) in dialogs {
            self.dialog("", (*own, dialog));
        }
        self.close(']');
    }
}
