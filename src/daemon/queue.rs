//! When each object is looked at next.
//!
//! Keyed by object: the earliest wake wins, however many reasons there are, and an object that is being
//! looked at is not handed out again before it is done; a wake that comes meanwhile waits. Reasons are
//! kept for the log and steer nothing. Pure: the time is an argument, of whatever type.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

/// Wakes by object.
pub struct Queue<K, T> {
    wakes: BTreeMap<K, (T, &'static str)>,
    order: BTreeSet<(T, K)>,
    running: BTreeSet<K>,
}

impl<K, T> Default for Queue<K, T> {
    fn default() -> Self {
        Self {
            wakes: BTreeMap::new(),
            order: BTreeSet::new(),
            running: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone, T: Ord + Copy> Queue<K, T> {
    /// Wakes an object at a moment, or earlier if that was already said.
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

    /// Hands out what is due, except what is running and what `free` holds back; each with its reason.
    pub fn due(&mut self, now: T, free: impl Fn(&K) -> bool) -> Vec<(K, &'static str)> {
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

    /// An object that was handed out has been looked at. Its key, or nothing if it was not handed out.
    pub fn done<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<K>
    where
        K: Borrow<Q>,
    {
        self.running.take(key)
    }

    /// Forgets an object. One that is running is still waited for.
    pub fn forget(&mut self, key: &K) {
        if let Some((at, _)) = self.wakes.remove(key) {
            self.order.remove(&(at, key.clone()));
        }
    }

    /// The first moment at which something could be handed out.
    pub fn next(&self, free: impl Fn(&K) -> bool) -> Option<T> {
        self.order
            .iter()
            .find(|(_, key)| !self.running.contains(key) && free(key))
            .map(|(at, _)| *at)
    }

    /// When an object is woken next.
    pub fn at(&self, key: &K) -> Option<T> {
        self.wakes.get(key).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<K, T> Queue<K, T> {
        /// Entries of everything that is kept: wakes, their order, what is running.
        pub fn sizes(&self) -> (usize, usize, usize) {
            (self.wakes.len(), self.order.len(), self.running.len())
        }
    }

    fn any(_: &&str) -> bool {
        true
    }

    #[test]
    fn the_earliest_wake_wins_and_a_burst_is_one() {
        let mut queue = Queue::default();
        queue.wake(&"a", 9, "resync");
        queue.wake(&"a", 3, "saved");
        queue.wake(&"a", 5, "hint");
        assert_eq!(queue.sizes(), (1, 1, 0), "the later wake is forgotten");
        assert_eq!(queue.next(any), Some(3));
        assert_eq!(queue.due(2, any), []);
        assert_eq!(queue.due(9, any), [("a", "saved")]);
        queue.done(&"a");
        assert_eq!(queue.due(99, any), []);
    }

    #[test]
    fn what_is_running_is_not_handed_out_again_but_not_forgotten() {
        let mut queue = Queue::default();
        queue.wake(&"a", 1, "saved");
        assert_eq!(queue.due(1, any).len(), 1);
        queue.wake(&"a", 2, "hint");
        assert_eq!(queue.next(any), None);
        assert_eq!(queue.due(5, any), []);
        queue.done(&"a");
        assert_eq!(queue.due(5, any), [("a", "hint")]);
    }

    #[test]
    fn what_is_held_back_keeps_its_place_and_blocks_nobody() {
        let mut queue = Queue::default();
        queue.wake(&"slow", 1, "saved");
        queue.wake(&"quick", 2, "saved");
        let quick = |key: &&str| *key == "quick";
        assert_eq!(queue.next(quick), Some(2));
        assert_eq!(queue.due(5, quick), [("quick", "saved")]);
        assert_eq!(queue.due(5, any), [("slow", "saved")]);
    }

    #[test]
    fn what_is_forgotten_is_not_woken() {
        let mut queue = Queue::default();
        queue.wake(&"a", 1, "saved");
        queue.forget(&"a");
        assert_eq!((queue.at(&"a"), queue.next(any)), (None, None));
        assert_eq!(queue.due(5, any), []);
    }

    #[test]
    fn of_two_wakes_at_one_moment_the_first_tells_why() {
        let mut queue = Queue::default();
        queue.wake(&"a", 3, "saved");
        queue.wake(&"a", 3, "hint");
        assert_eq!(queue.at(&"a"), Some(3));
        assert_eq!(queue.sizes(), (1, 1, 0));
        assert_eq!(queue.due(3, any), [("a", "saved")]);
        assert_eq!(queue.sizes(), (0, 0, 1));
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_its_moments() {
        let mut queue = Queue::default();
        for (key, at) in [("c", 1), ("a", 3), ("b", 2), ("d", 4)] {
            queue.wake(&key, at, "saved");
        }
        let keys: Vec<&str> = queue.due(3, any).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["c", "b", "a"]);
        assert_eq!(queue.next(any), Some(4));
    }

    #[test]
    fn only_what_was_handed_out_can_be_done() {
        let mut queue = Queue::default();
        queue.wake(&"a", 1, "saved");
        assert_eq!(queue.done(&"a"), None);
        assert_eq!(queue.due(1, any), [("a", "saved")]);
        assert_eq!(queue.done(&"a"), Some("a"));
        assert_eq!(queue.done(&"a"), None);
        assert_eq!(queue.sizes(), (0, 0, 0));
    }

    #[test]
    fn what_is_forgotten_while_it_runs_is_still_waited_for() {
        let mut queue = Queue::default();
        queue.wake(&"a", 1, "saved");
        assert_eq!(queue.due(1, any).len(), 1);
        queue.wake(&"a", 2, "hint");
        queue.forget(&"a");
        queue.forget(&"b");
        assert_eq!(queue.sizes(), (0, 0, 1));
        queue.wake(&"a", 2, "saved");
        assert_eq!(queue.due(9, any), []);
        assert_eq!(queue.done(&"a"), Some("a"));
        assert_eq!(queue.due(9, any), [("a", "saved")]);
    }
}
