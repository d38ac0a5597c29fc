//! What the sequences of a run came upon, so that nobody takes a quiet model for a good one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

thread_local! {
    static SEEN: RefCell<BTreeMap<String, usize>> = const { RefCell::new(BTreeMap::new()) };
}

pub fn count(what: &str, which: impl Debug) {
    SEEN.with_borrow_mut(|seen| {
        *seen
            .entry(format!("{what} {which:?}").replace('"', ""))
            .or_default() += 1
    });
}

/// Everything that was met, with how often.
pub fn all() -> BTreeMap<String, usize> {
    SEEN.take()
}
