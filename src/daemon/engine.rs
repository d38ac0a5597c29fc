//! What the daemon knows and what it does next; no IO and no clock of its own.
//!
//! Manifests, triggers and the ends of passes come in; batches of objects to look at come out, one per
//! connection and never two of the same connection at once: a vendor that is slow or down delays nobody
//! else, and an object is never looked at twice at the same time.

mod keepers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::content::{same_connection, same_object};
use super::fight::Fights;
use super::gate::WriteHistory;
use super::mode::RunMode;
use super::queue::Queue;
use super::schedule;
use super::status::{Keeper, ObjectState};
use super::track::{Look, Now, OutlinedObject, Tracked};
use super::trigger::Trigger;
use super::window::{self, Window, WindowState};
use crate::model::{Address, Desired};
use crate::plan::guard::{self, LimitBase, MaxChanges};
use crate::reconcile::Checked;

/// How the daemon was told to behave.
#[derive(Clone, Debug)]
pub struct Rules {
    pub mode: RunMode,
    /// How often everything is looked at without being told to.
    pub resync: Duration,
    pub max_changes: MaxChanges,
    pub windows: Vec<Window>,
}

/// Objects of one connection to look at.
pub struct Batch {
    pub connection: String,
    pub jobs: Vec<Job>,
    /// For the log.
    pub reasons: BTreeSet<&'static str>,
    /// The manifests in force, with the objects of this batch only.
    pub checked: Checked,
    pub mode: RunMode,
    pub window: WindowState,
    pub max_changes: MaxChanges,
    /// Objects of the connection, and those of them that the brake holds beside this batch.
    pub objects: usize,
    pub braked: usize,
}

/// One object of a batch.
pub struct Job {
    pub desired: Arc<Desired>,
    pub generation: u64,
    pub history: WriteHistory,
    /// Whether it was seen as it is wanted now: a difference is somebody else's.
    pub settled: bool,
}

/// What became of a batch, object by object.
pub struct Seen {
    pub connection: String,
    pub run: String,
    pub looks: Vec<(Address, u64, Look)>,
}

/// What is known of fights over an object of manifests that are put in force.
pub type Remembered<'a> = dyn Fn(&Checked, &Desired) -> Fights<Instant> + 'a;

pub struct Engine {
    pub rules: Rules,
    /// The manifests in force.
    pub checked: Option<Checked>,
    /// Their addresses are shared with the queue.
    pub objects: BTreeMap<Arc<Address>, Tracked>,
    /// Objects in force that are not in `objects`: others look after them, or they are to be loaded.
    outlined: BTreeMap<Arc<Address>, OutlinedObject>,
    queue: Queue<Arc<Address>, Instant>,
    /// When each group of objects is looked at by itself: together, so that lists serve all of them.
    rounds: BTreeMap<(String, Duration), Instant>,
    busy: BTreeSet<String>,
    /// Connections that this replica does not look after, and who does.
    elsewhere: BTreeMap<String, Keeper>,
}

impl Engine {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            checked: None,
            objects: BTreeMap::new(),
            outlined: BTreeMap::new(),
            queue: Queue::default(),
            rounds: BTreeMap::new(),
            busy: BTreeSet::new(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// Puts manifests in force: wakes what is new or wants something else, forgets what is gone. Of what is new,
    /// `remembered` tells what was fought over before. Comes back with the connections whose accounts must not be used
    /// any more.
    pub fn adopt(
        &mut self,
        mut checked: Checked,
        remembered: &Remembered<'_>,
        now: Now,
    ) -> Vec<String> {
        let objects = std::mem::take(&mut checked.desired);
        let outlines = std::mem::take(&mut checked.outlines);
        let mut outlined = std::mem::take(&mut self.outlined);
        let moved = self.moved_connections(&checked);
        let mut gone: BTreeSet<Arc<Address>> = self.objects.keys().cloned().collect();
        for desired in objects {
            if let Some((address, known)) = outlined.remove_entry(&desired.address) {
                let fights = remembered(&checked, &desired);
                self.track_loaded(address, known, desired, fights, now);
                continue;
            }
            let known = gone.take(&desired.address);
            let address = known.unwrap_or_else(|| Arc::new(desired.address.clone()));
            let rerouted = moved.iter().any(|moved| desired.connection == *moved);
            match self.objects.get_mut(&address) {
                Some(tracked) if same_object(&tracked.desired, &desired) && !rerouted => {
                    tracked.moved(desired);
                    continue;
                }
                // An identity, a vendor or an account that changed makes another object of it.
                Some(tracked) if tracked.desired.identity == desired.identity && !rerouted => {
                    tracked.want(desired);
                }
                _ => {
                    let fights = remembered(&checked, &desired);
                    self.objects
                        .insert(Arc::clone(&address), Tracked::new(desired, fights));
                }
            }
            self.queue
                .wake(&address, now.instant, "the manifest changed");
        }
        self.adopt_outlines(outlines, outlined, &moved, &mut gone);
        for address in gone {
            self.queue.forget(&address);
            self.objects.remove(&address);
        }
        self.forget_rounds();
        self.checked = Some(checked);
        moved
    }

    /// Forgets the rounds of groups that nobody is in any more.
    fn forget_rounds(&mut self) {
        let rhythms: BTreeSet<(&str, Duration)> = self
            .objects
            .values()
            .map(|tracked| (tracked.desired.connection.as_str(), self.rhythm(tracked)))
            .collect();
        let used = |(connection, resync): &(String, Duration)| {
            rhythms.contains(&(connection.as_str(), *resync))
        };
        let mut rounds = std::mem::take(&mut self.rounds);
        rounds.retain(|group, _| used(group));
        self.rounds = rounds;
    }

    /// How often an object is looked at by itself.
    fn rhythm(&self, tracked: &Tracked) -> Duration {
        tracked.desired.policy.resync.unwrap_or(self.rules.resync)
    }

    fn moved_connections(&self, checked: &Checked) -> Vec<String> {
        let Some(before) = &self.checked else {
            return Vec::new();
        };
        let same =
            |name: &String| match (before.connections.get(name), checked.connections.get(name)) {
                (Some(one), Some(other)) => same_connection(one, other),
                _ => false,
            };
        before
            .connections
            .keys()
            .filter(|name| !same(name))
            .cloned()
            .collect()
    }

    /// Everything is looked at as if for the first time. Fights are not forgotten: only a manifest ends one.
    pub fn start_anew(&mut self, now: Now) {
        for tracked in self.objects.values_mut() {
            tracked.start_anew();
        }
        self.wake_where(now, "told to reload", |_| true);
    }

    /// Wakes what a trigger is about. How many objects that is.
    pub fn wake(&mut self, trigger: &Trigger, now: Now) -> usize {
        match trigger {
            // The task reads the manifests; what they change is woken by `adopt`.
            Trigger::Source | Trigger::Following(_) => 0,
            Trigger::Connection(name) => {
                self.wake_where(now, "a hint", |desired| desired.connection == *name)
            }
            Trigger::Object { connection, id } => self.wake_where(now, "a hint", |desired| {
                let ids = &desired.identity;
                desired.connection == *connection && ids.iter().any(|(_, own)| own == id)
            }),
        }
    }

    fn wake_where(
        &mut self,
        now: Now,
        reason: &'static str,
        which: impl Fn(&Desired) -> bool,
    ) -> usize {
        let mut woken = 0;
        for (address, tracked) in &self.objects {
            if which(&tracked.desired) && self.is_own(&tracked.desired.connection) {
                self.queue.wake(address, now.instant, reason);
                woken += 1;
            }
        }
        woken
    }

    /// When something is due next.
    pub fn next(&self) -> Option<Instant> {
        self.queue.next(|address| self.is_free(address))
    }

    fn is_free(&self, address: &Address) -> bool {
        let is_free = |tracked: &Tracked| {
            let connection = tracked.desired.connection.as_str();
            self.is_own(connection) && !self.busy.contains(connection)
        };
        self.objects.get(address).is_some_and(is_free)
    }

    /// What is due now, by connection.
    pub fn batches(&mut self, now: Now) -> Vec<Batch> {
        let mut queue = std::mem::take(&mut self.queue);
        let due = queue.due(now.instant, |address| self.is_free(address));
        self.queue = queue;
        let mut by_connection: BTreeMap<String, Vec<(Arc<Address>, &'static str)>> =
            BTreeMap::new();
        for (address, reason) in due {
            if let Some(tracked) = self.objects.get(&address) {
                let connection = tracked.desired.connection.clone();
                by_connection
                    .entry(connection.into())
                    .or_default()
                    .push((address, reason));
            }
        }
        let window = match by_connection.is_empty() {
            true => WindowState::Open,
            false => window::state_at(&self.rules.windows, now.time),
        };
        let batches = by_connection.into_iter();
        batches
            .filter_map(|(connection, due)| self.batch(connection, &due, window, now))
            .collect()
    }

    fn batch(
        &mut self,
        connection: String,
        due: &[(Arc<Address>, &'static str)],
        window: WindowState,
        now: Now,
    ) -> Option<Batch> {
        let mut checked = self.checked.clone()?;
        let mut jobs = Vec::with_capacity(due.len());
        let addresses: BTreeSet<&Arc<Address>> = due.iter().map(|(address, _)| address).collect();
        let others = self.objects.iter().filter(|(address, tracked)| {
            tracked.desired.connection == connection && !addresses.contains(address)
        });
        let (mut objects, mut braked) = (due.len(), 0);
        for (_, tracked) in others {
            objects += 1;
            braked += usize::from(tracked.braked);
        }
        for (address, _) in due {
            let tracked = self.objects.get_mut(address)?;
            Arc::make_mut(&mut tracked.status).running = true;
            jobs.push(Job {
                desired: tracked.wanted(),
                generation: tracked.generation,
                history: tracked.history(now),
                settled: tracked.is_settled(),
            });
        }
        checked.desired = jobs.iter().map(|job| Arc::clone(&job.desired)).collect();
        self.busy.insert(connection.clone());
        Some(Batch {
            connection,
            jobs,
            reasons: due.iter().map(|(_, reason)| *reason).collect(),
            checked,
            mode: self.rules.mode,
            window,
            max_changes: self.rules.max_changes,
            objects,
            braked,
        })
    }

    /// Takes in what a pass saw and schedules the next looks. `chance` is between 0 and 1.
    pub fn finish(&mut self, seen: &Seen, now: Now, chance: f64) {
        self.busy.remove(&seen.connection);
        for (address, generation, look) in &seen.looks {
            let Some(address) = self.queue.done(address) else {
                continue;
            };
            let Some(tracked) = self.objects.get_mut(&address) else {
                continue;
            };
            let ended = tracked.settle(look, &seen.run, now);
            if tracked.generation != *generation {
                // It was looked at with what is wanted no more; its wake is in the queue already.
                Arc::make_mut(&mut tracked.status).state = ObjectState::Unseen;
                continue;
            }
            let resync = tracked.desired.policy.resync.unwrap_or(self.rules.resync);
            let (wait, failures) = schedule::next(ended, tracked.failures, resync, chance);
            tracked.failures = failures;
            let (at, reason) = match ended {
                schedule::Ended::Settled => {
                    let group = (seen.connection.clone(), resync);
                    (
                        round(&mut self.rounds, group, now.instant, chance),
                        "resync",
                    )
                }
                schedule::Ended::Passing => (now.instant + wait, "trying again"),
                schedule::Ended::Until(_) => (now.instant + wait, "waited for"),
            };
            self.queue.wake(&address, at, reason);
        }
        self.release(&seen.connection, now);
    }

    /// Wakes what the brake held as soon as it would not hold it any more.
    fn release(&mut self, connection: &str, now: Now) {
        let own = self.objects.iter();
        let own = own.filter(|(_, tracked)| tracked.desired.connection == connection);
        let (mut objects, mut braked) = (0, Vec::new());
        for (address, tracked) in own {
            objects += 1;
            if tracked.braked {
                braked.push(address);
            }
        }
        let most = self.rules.max_changes;
        let base = LimitBase::Connection(connection.to_string());
        if guard::check_change_count(braked.len(), objects, most, base).is_ok() {
            for address in braked {
                self.queue.wake(address, now.instant, "the brake is off");
            }
        }
    }

    /// A pass ended without telling anything: its objects are looked at again after a while.
    pub fn lost(&mut self, connection: &str, addresses: &[Address], now: Now, chance: f64) {
        self.busy.remove(connection);
        for address in addresses {
            let Some(address) = self.queue.done(address) else {
                continue;
            };
            if let Some(tracked) = self.objects.get_mut(&address) {
                let wait = schedule::backoff(tracked.failures, self.rules.resync, chance);
                tracked.failures += 1;
                let status = Arc::make_mut(&mut tracked.status);
                status.running = false;
                status.state = ObjectState::Failed;
                status.message = Some("the pass broke off, which is a bug: see the log".into());
                self.queue
                    .wake(&address, now.instant + wait, "trying again");
            }
        }
    }

    /// Writes into every status when its object is looked at next.
    pub fn show_wakes(&mut self, now: Now) {
        for (address, tracked) in &mut self.objects {
            let at = self.queue.at(address);
            let next = at.and_then(|at| {
                let wait = at.saturating_duration_since(now.instant);
                now.time.checked_add(wait).ok()
            });
            // The two clocks are read one after the other: what moves by less than a second has not moved.
            let known = tracked.status.next_wake;
            let moved = match (known, next) {
                (Some(known), Some(next)) => known.duration_since(next).abs().as_secs() > 0,
                (known, next) => known.is_some() != next.is_some(),
            };
            if moved {
                Arc::make_mut(&mut tracked.status).next_wake = next;
            }
        }
    }
}

/// The next round of a group; the first of its objects that asks after the last one sets it.
fn round(
    rounds: &mut BTreeMap<(String, Duration), Instant>,
    group: (String, Duration),
    now: Instant,
    chance: f64,
) -> Instant {
    let resync = group.1;
    let due = rounds.entry(group).or_insert(now);
    if *due <= now {
        *due = now + schedule::round(resync, chance);
    }
    *due
}

#[cfg(test)]
mod tests;
