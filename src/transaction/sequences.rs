//! The numbers of requests: CSeq counts within a Call-ID.

use crate::prelude::*;

/// Call-IDs whose numbers are remembered: a registration and a subscription with
/// a few of their past, and the calls at hand. The longest unused goes first; requests
/// that nothing follows push none of them out.
pub(super) const MOST: usize = 64;

/// Last CSeq number of each Call-ID. RFC 3261 §10.2 wants steps of one.
#[derive(Default)]
pub(super) struct Sequences {
    last: Vec<(String, u32)>,
    #[cfg(feature = "third-party")]
    more: usize,
}

impl Sequences {
    /// Remembers the numbers of so many Call-IDs more.
    #[cfg(feature = "third-party")]
    pub fn remember_more(&mut self, more: usize) {
        self.more = more;
    }

    /// The number of the next request of `call_id`.
    pub fn next(&mut self, call_id: &str) -> u32 {
        let known = |(known, _): &(String, u32)| known == call_id;
        let last = match self.last.iter().position(known) {
            Some(index) => self.last.remove(index),
            None => {
                #[cfg(feature = "third-party")]
                let most = MOST + self.more;
                #[cfg(not(feature = "third-party"))]
                let most = MOST;
                if self.last.len() >= most {
                    self.last.remove(0);
                }
                (call_id.to_owned(), 0)
            }
        };
        let number = last.1 + 1;
        self.last.push((last.0, number));
        number
    }

    /// The next request of `call_id` gets a number above `last`.
    pub fn set(&mut self, call_id: &str, last: u32) {
        self.next(call_id);
        // It is the one used last.
        if let Some((_, number)) = self.last.last_mut() {
            *number = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Sequences};
    use crate::prelude::*;

    #[test]
    fn what_is_used_again_and_again_keeps_its_number() {
        let mut sequences = Sequences::default();
        for call in 0..2 * MOST {
            sequences.next(&call.to_string());
            assert_eq!(sequences.next("registration") as usize, call + 1);
        }
        assert_eq!(sequences.last.len(), MOST);
        assert_eq!(sequences.next("0"), 1);
    }
}
