//! Keeps the time of the next look at each object: a priority queue with one entry per object.
//!
//! The earliest wake wins, however many reasons there are. An object that was handed out is not handed out again
//! before it is finished; a wake that arrives meanwhile waits for that. Pure: the time is an argument of any ordered
//! type.
//!
//! # Example: a burst is one look
//!
//! An object is due for its resync at 12:10. An editor saves its manifest at 12:03:00, and webhooks about it arrive
//! at 12:03:01 and 12:03:02.
//!
//! | time | call | entry of the object |
//! | --- | --- | --- |
//! | 12:00:00 | `wake(object, 12:10:00, "resync")` | 12:10:00, resync |
//! | 12:03:00 | `wake(object, 12:03:00, "the manifest changed")` | 12:03:00, the manifest changed |
//! | 12:03:00 | `take_due(12:03:00)` hands it out to a pass | none, running |
//! | 12:03:01 | `wake(object, 12:03:01, "a hint")` | 12:03:01, a hint; `take_due` holds it back |
//! | 12:03:02 | `wake(object, 12:03:02, "a hint")` | 12:03:01: the later wake adds nothing |
//! | 12:03:04 | `finish(object)`, then `take_due(12:03:04)` | handed out once more, then none |
//!
//! Two looks for three reasons: the second is needed, because the pass may have read the object before the vendor's
//! change. A hundred webhooks in these seconds would cost the same two.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

/// Wakes of type `T` by object of type `K`.
pub struct WakeQueue<K, T> {
    /// The next wake of each object, with its reason.
    wakes: BTreeMap<K, (T, &'static str)>,
    /// The same wakes in the order of their time.
    order: BTreeSet<(T, K)>,
    /// Objects that were handed out and are not finished.
    running: BTreeSet<K>,
}

impl<K, T> Default for WakeQueue<K, T> {
    fn default() -> Self {
        Self {
            wakes: BTreeMap::new(),
            order: BTreeSet::new(),
            running: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone, T: Ord + Copy> WakeQueue<K, T> {
    /// Wakes an object at a moment, unless it is woken earlier anyway. Of two wakes at the same moment the first
    /// keeps its reason.
    pub fn wake(&mut self, key: &K, at: T, reason: &'static str) {
        match self.wakes.get(key) {
            Some((earlier, _)) if *earlier <= at => return,
            Some((later, _)) => {
                self.order.remove(&(*later, key.clone()));
            }
            None => {}
        }
        self.wakes.insert(key.clone(), (at, reason));
        self.order.insert((at, key.clone()));
    }

    /// Hands out the objects that are due, the earliest first, each with its reason. Objects that are running, or for
    /// which `free` is false, stay in the queue.
    pub fn take_due(&mut self, now: T, free: impl Fn(&K) -> bool) -> Vec<(K, &'static str)> {
        let ready: Vec<(T, K)> = self
            .order
            .iter()
            .take_while(|(at, _)| *at <= now)
            .filter(|(_, key)| !self.running.contains(key) && free(key))
            .cloned()
            .collect();
        let mut due = Vec::with_capacity(ready.len());
        for (at, key) in ready {
            self.order.remove(&(at, key.clone()));
            if let Some((_, reason)) = self.wakes.remove(&key) {
                self.running.insert(key.clone());
                due.push((key, reason));
            }
        }
        due
    }

    /// Ends the look at an object. Returns its key; `None` if it was not handed out.
    pub fn finish<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<K>
    where
        K: Borrow<Q>,
    {
        self.running.take(key)
    }

    /// Removes the wake of an object. If it is running, it still has to be finished.
    pub fn remove(&mut self, key: &K) {
        if let Some((at, _)) = self.wakes.remove(key) {
            self.order.remove(&(at, key.clone()));
        }
    }

    /// Returns the first moment at which an object can be handed out; `None` if the queue has no such object.
    pub fn next_due(&self, free: impl Fn(&K) -> bool) -> Option<T> {
        self.order
            .iter()
            .find(|(_, key)| !self.running.contains(key) && free(key))
            .map(|(at, _)| *at)
    }

    /// Returns when an object is woken next; `None` if it is not in the queue.
    pub fn wake_time(&self, key: &K) -> Option<T> {
        self.wakes.get(key).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<K, T> WakeQueue<K, T> {
        /// Returns the number of entries of all collections: wakes, their order, and running objects.
        pub fn sizes(&self) -> (usize, usize, usize) {
            (self.wakes.len(), self.order.len(), self.running.len())
        }
    }

    fn any(_: &&str) -> bool {
        true
    }

    #[test]
    fn the_earliest_wake_wins_and_a_burst_is_one() {
        let mut queue = WakeQueue::default();
        queue.wake(&"a", 9, "resync");
        queue.wake(&"a", 3, "saved");
        queue.wake(&"a", 5, "hint");
        assert_eq!(queue.sizes(), (1, 1, 0), "the later wake is forgotten");
        assert_eq!(queue.next_due(any), Some(3));
        assert_eq!(queue.take_due(2, any), []);
        assert_eq!(queue.take_due(9, any), [("a", "saved")]);
        queue.finish(&"a");
        assert_eq!(queue.take_due(99, any), []);
    }

    #[test]
    fn what_is_running_is_not_handed_out_again_but_not_forgotten() {
        let mut queue = WakeQueue::default();
        queue.wake(&"a", 1, "saved");
        assert_eq!(queue.take_due(1, any).len(), 1);
        queue.wake(&"a", 2, "hint");
        assert_eq!(queue.next_due(any), None);
        assert_eq!(queue.take_due(5, any), []);
        queue.finish(&"a");
        assert_eq!(queue.take_due(5, any), [("a", "hint")]);
    }

    #[test]
    fn what_is_held_back_keeps_its_place_and_blocks_nobody() {
        let mut queue = WakeQueue::default();
        queue.wake(&"slow", 1, "saved");
        queue.wake(&"quick", 2, "saved");
        let quick = |key: &&str| *key == "quick";
        assert_eq!(queue.next_due(quick), Some(2));
        assert_eq!(queue.take_due(5, quick), [("quick", "saved")]);
        assert_eq!(queue.take_due(5, any), [("slow", "saved")]);
    }

    #[test]
    fn what_is_forgotten_is_not_woken() {
        let mut queue = WakeQueue::default();
        queue.wake(&"a", 1, "saved");
        queue.remove(&"a");
        assert_eq!((queue.wake_time(&"a"), queue.next_due(any)), (None, None));
        assert_eq!(queue.take_due(5, any), []);
    }

    #[test]
    fn of_two_wakes_at_one_moment_the_first_tells_why() {
        let mut queue = WakeQueue::default();
        queue.wake(&"a", 3, "saved");
        queue.wake(&"a", 3, "hint");
        assert_eq!(queue.wake_time(&"a"), Some(3));
        assert_eq!(queue.sizes(), (1, 1, 0));
        assert_eq!(queue.take_due(3, any), [("a", "saved")]);
        assert_eq!(queue.sizes(), (0, 0, 1));
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_its_moments() {
        let mut queue = WakeQueue::default();
        for (key, at) in [("c", 1), ("a", 3), ("b", 2), ("d", 4)] {
            queue.wake(&key, at, "saved");
        }
        let keys: Vec<&str> = queue
            .take_due(3, any)
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["c", "b", "a"]);
        assert_eq!(queue.next_due(any), Some(4));
    }

    #[test]
    fn only_what_was_handed_out_can_be_done() {
        let mut queue = WakeQueue::default();
        queue.wake(&"a", 1, "saved");
        assert_eq!(queue.finish(&"a"), None);
        assert_eq!(queue.take_due(1, any), [("a", "saved")]);
        assert_eq!(queue.finish(&"a"), Some("a"));
        assert_eq!(queue.finish(&"a"), None);
        assert_eq!(queue.sizes(), (0, 0, 0));
    }

    #[test]
    fn what_is_forgotten_while_it_runs_is_still_waited_for() {
        let mut queue = WakeQueue::default();
        queue.wake(&"a", 1, "saved");
        assert_eq!(queue.take_due(1, any).len(), 1);
        queue.wake(&"a", 2, "hint");
        queue.remove(&"a");
        queue.remove(&"b");
        assert_eq!(queue.sizes(), (0, 0, 1));
        queue.wake(&"a", 2, "saved");
        assert_eq!(queue.take_due(9, any), []);
        assert_eq!(queue.finish(&"a"), Some("a"));
        assert_eq!(queue.take_due(9, any), [("a", "saved")]);
    }
}
