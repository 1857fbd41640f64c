//! What a machine has to do, in order, until somebody asks for it.

use crate::prelude::*;

/// Takes the first. An empty queue gives its memory back: a process may hold a
/// thousand phones, of which most are idle.
pub(crate) fn take_first<T>(queue: &mut Vec<T>) -> Option<T> {
    if queue.is_empty() {
        *queue = Vec::new();
        return None;
    }
    Some(queue.remove(0))
}
