//! Waits after an accepted write: some vendors show the object as it was for a while.

use std::time::Duration;

use crate::plan::{Change, Planned};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_millis(3200);

/// The waits between the looks at a written object. Each is twice as long as the one before, up to
/// [`LONGEST`], and together they are as long as `settle`: 200 ms, 400 ms, … for ten seconds make seven looks.
pub fn waits(settle: Duration) -> impl Iterator<Item = Duration> {
    let mut left = settle;
    let mut next = FIRST;
    std::iter::from_fn(move || {
        let wait = next.min(left);
        left -= wait;
        next = (next * 2).min(LONGEST);
        (!wait.is_zero()).then_some(wait)
    })
}

/// Reports whether the object may still be changing from the planned start to the planned end: each field that still
/// differs is as it was before the write. A field that shows a third value will not become right by waiting.
pub fn is_pending(planned: &Planned, now: &Planned) -> bool {
    let same = |open: &Change, change: &Change| {
        (&open.path, &open.before, &open.after) == (&change.path, &change.before, &change.after)
    };
    let as_before = |open: &Change| planned.changes.iter().any(|change| same(open, change));
    !now.changes.is_empty() && now.changes.iter().all(as_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_add_up_to_the_time_that_is_given() {
        let millis = |settle| -> Vec<u128> {
            let waits = waits(Duration::from_millis(settle));
            waits.map(|wait| wait.as_millis()).collect()
        };
        assert_eq!(millis(10_000), [200, 400, 800, 1600, 3200, 3200, 600]);
        assert_eq!(millis(1_400), [200, 400, 800]);
        assert_eq!(millis(50), [50]);
        assert_eq!(millis(0), [0; 0]);
    }
}
