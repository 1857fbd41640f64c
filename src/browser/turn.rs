//! One after the other.

use core::cell::RefCell;
use futures_channel::oneshot;

/// Steps that wait for those before.
#[derive(Default)]
pub(super) struct Turns(RefCell<Option<oneshot::Receiver<()>>>);

/// While it is there, those who come later wait.
pub(super) struct Turn(
    #[expect(dead_code, reason = "dropping it is the sign")] oneshot::Sender<()>,
);

impl Turns {
    /// Those before are through. The place is taken before the first wait.
    pub fn next(&self) -> impl Future<Output = Turn> + use<> {
        let (done, next) = oneshot::channel();
        let before = self.0.replace(Some(next));
        async move {
            if let Some(before) = before {
                // Cancelled: that is the sign.
                _ = before.await;
            }
            Turn(done)
        }
    }
}
