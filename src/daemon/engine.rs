//! The state of the daemon, and the decision what to do next; no IO and no clock of its own.
//!
//! Manifests, triggers and finished passes come in; batches of objects come out, one per connection and never two of
//! the same connection at once. So a vendor that is slow or down delays no other vendor, and no object is read by two
//! passes at the same time.
//!
//! The loop calls, in this order: [`Engine::adopt_manifests`] when the source changed, [`Engine::wake_for`] for a
//! trigger, [`Engine::take_due_batches`] whenever [`Engine::next_due`] has come, [`Engine::finish_batch`] (or
//! [`Engine::fail_batch`]) for each batch it took.

mod actions;
mod adoption;
mod faults;
mod ownership;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::actions::Approval;
use super::fight::FieldFights;
use super::mode::RunMode;
use super::schedule;
use super::status::{AccountKeeper, ObjectState};
use super::tracked_object::{Now, ObjectResult, OutlinedObject, TrackedObject};
use super::trigger::Trigger;
use super::wake_queue::WakeQueue;
use super::window::{self, ChangeWindow, WindowState};
use super::write_gate::WriteHistory;
use crate::model::{Address, Desired, Outcome};
use crate::plan::max_changes::{LimitBase, MaxChanges};
use crate::plan::{Disposition, guard};
use crate::provider::references::referents_of;
use crate::reconcile::Checked;

/// The reason that wakes an object at the moment of a dated change.
const CHANGE_BEGINS: &str = "a dated change begins";

/// How the daemon was configured on the command line.
#[derive(Clone, Debug)]
pub struct WatchRules {
    pub mode: RunMode,
    /// How often every object is read without a trigger. An object's own `policy.resync` wins.
    pub resync: Duration,
    pub max_changes: MaxChanges,
    pub windows: Vec<ChangeWindow>,
}

/// The due objects of one connection: the input of one pass.
pub struct Batch {
    pub connection: String,
    pub jobs: Vec<Job>,
    /// The reasons that woke the objects, for the log only.
    pub reasons: BTreeSet<&'static str>,
    /// The manifests in force, reduced to the objects of this batch.
    pub checked: Checked,
    pub mode: RunMode,
    pub window: WindowState,
    pub max_changes: MaxChanges,
    /// All objects of the connection, which the brake takes its percentage of.
    pub objects: usize,
    /// Objects outside this batch whose writes the brake holds already.
    pub braked: usize,
}

/// One object of a batch.
pub struct Job {
    pub desired: Arc<Desired>,
    /// The tracked object's generation when the batch was made. A result of an older generation is discarded.
    pub generation: u64,
    pub history: WriteHistory,
    /// The approval of the change that was held back, if there is one.
    pub approval: Option<Approval>,
    /// True if the live object has matched exactly this manifest before: then a difference is a change from outside
    /// the manifests, and the write is a heal.
    pub settled: bool,
}

/// The results of a pass, object by object.
pub struct BatchResult {
    pub connection: String,
    pub run: String,
    /// Address, generation, result.
    pub results: Vec<(Address, u64, ObjectResult)>,
}

/// Looks up the fights that the store remembers of an object of manifests that are being put in force.
pub type FightLookup<'a> = dyn Fn(&Checked, &Desired) -> FieldFights<Instant> + 'a;

/// Everything the daemon knows between passes.
pub struct Engine {
    pub rules: WatchRules,
    /// The manifests in force.
    pub checked: Option<Checked>,
    /// The objects of the manifests in force. Their addresses are shared with the queue.
    pub objects: BTreeMap<Arc<Address>, TrackedObject>,
    /// Objects in force that are not in `objects`: other replicas look after them, or they are still to be loaded.
    outlined: BTreeMap<Arc<Address>, OutlinedObject>,
    queue: WakeQueue<Arc<Address>, Instant>,
    /// The next resync of each group of objects (connection, interval). A group is read together, so that one list
    /// call serves all of it.
    resyncs: BTreeMap<(String, Duration), Instant>,
    /// Connections that a pass is working at.
    busy: BTreeSet<String>,
    /// Connections that this replica does not look after, each with the replica that does.
    foreign: BTreeMap<String, AccountKeeper>,
}

impl Engine {
    pub fn new(rules: WatchRules) -> Self {
        Self {
            rules,
            checked: None,
            objects: BTreeMap::new(),
            outlined: BTreeMap::new(),
            queue: WakeQueue::default(),
            resyncs: BTreeMap::new(),
            busy: BTreeSet::new(),
            foreign: BTreeMap::new(),
        }
    }

    /// Wakes every object and forgets its failures, as after a reload. Fights stay: only a changed manifest ends one.
    pub fn reset_failures(&mut self, now: Now) {
        for tracked in self.objects.values_mut() {
            tracked.reset_failures();
        }
        self.wake_where(now, "told to reload", |_| true);
    }

    /// Wakes the objects that a trigger is about. Returns their number.
    pub fn wake_for(&mut self, trigger: &Trigger, now: Now) -> usize {
        match trigger {
            // The loop reads the source for these; `adopt_manifests` then wakes what changed.
            Trigger::Source | Trigger::FollowProblem(_) => 0,
            Trigger::Connection(name) => {
                self.wake_where(now, "a hint", |desired| desired.connection == *name)
            }
            Trigger::Object { connection, id } => self.wake_where(now, "a hint", |desired| {
                let ids = &desired.identity;
                desired.connection == *connection && ids.iter().any(|(_, listed)| listed == id)
            }),
        }
    }

    /// Wakes the objects for which `which` is true, at connections that this replica looks after.
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

    /// Returns the moment at which the next object is due, among those whose connection has no running pass. `None` if
    /// there is no such object.
    pub fn next_due(&self) -> Option<Instant> {
        self.queue.next_due(|address| self.is_free(address))
    }

    /// Reports whether an object may be handed out: this replica looks after its connection, and no
    /// pass is working at that connection.
    fn is_free(&self, address: &Address) -> bool {
        let is_free = |tracked: &TrackedObject| {
            let connection = tracked.desired.connection.as_str();
            self.is_own(connection) && !self.busy.contains(connection)
        };
        self.objects.get(address).is_some_and(is_free)
    }

    /// Returns the objects that are due, as one batch per connection, and marks those connections as busy.
    pub fn take_due_batches(&mut self, now: Now) -> Vec<Batch> {
        let mut due = self.take_due(now);
        if self.wake_referents(&due, now) {
            due.extend(self.take_due(now));
        }
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
            .filter_map(|(connection, due)| self.make_batch(connection, &due, window, now))
            .collect()
    }

    /// Takes the objects that are due out of the queue, each with its reason. Their dated changes that have begun come into
    /// force.
    fn take_due(&mut self, now: Now) -> Vec<(Arc<Address>, &'static str)> {
        let mut queue = std::mem::take(&mut self.queue);
        let due = queue.take_due(now.instant, |address| self.is_free(address));
        self.queue = queue;
        for (address, _) in &due {
            if let Some(tracked) = self.objects.get_mut(address) {
                tracked.begin_changes(now);
            }
        }
        due
    }

    /// Wakes the objects to which due ones refer and which are not as they should be: one that is still to be created can
    /// be created only in the same pass. Reports whether there are any.
    fn wake_referents(&mut self, due: &[(Arc<Address>, &'static str)], now: Now) -> bool {
        let tracked = due
            .iter()
            .filter_map(|(address, _)| self.objects.get(address));
        let needed = self.find_referents(tracked.map(|tracked| &tracked.desired));
        let taken: BTreeSet<&Address> = due.iter().map(|(address, _)| &**address).collect();
        let mut is_any = false;
        for referent in needed {
            if taken.contains(&referent.address) {
                continue;
            }
            let Some((address, tracked)) = self.objects.get_key_value(&referent.address) else {
                continue;
            };
            if !matches!(
                tracked.status.state,
                ObjectState::InSync | ObjectState::AsApplied
            ) {
                self.queue
                    .wake(address, now.instant, "another object needs it");
                is_any = true;
            }
        }
        is_any
    }

    /// Makes the batch of one connection. `None` while no manifests are in force.
    fn make_batch(
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
                desired: tracked.desired_for_pass(now),
                approval: tracked.approval.as_deref().cloned(),
                generation: tracked.generation,
                history: tracked.history(now),
                settled: tracked.is_settled(),
            });
        }
        checked.referents = self.find_referents(jobs.iter().map(|job| &job.desired));
        checked.restrict_to(jobs.iter().map(|job| Arc::clone(&job.desired)).collect());
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

    /// Returns the objects in force to which others refer.
    fn find_referents<'a>(
        &self,
        objects: impl IntoIterator<Item = &'a Arc<Desired>>,
    ) -> Vec<Arc<Desired>> {
        let in_force = |address: &Address| {
            let tracked = self.objects.get(address)?;
            Some(Arc::clone(&tracked.desired))
        };
        referents_of(objects, in_force)
    }

    /// Takes in the results of a batch and schedules the next look at each of its objects.
    ///
    /// `chance` is between 0 and 1, see [`super::schedule`].
    pub fn finish_batch(&mut self, batch: &BatchResult, now: Now, chance: f64) {
        self.busy.remove(&batch.connection);
        for (address, generation, result) in &batch.results {
            let Some(address) = self.queue.finish(address) else {
                continue;
            };
            let Some(tracked) = self.objects.get_mut(&address) else {
                continue;
            };
            let requeue = tracked.record_result(result, &batch.run, now);
            if tracked.generation != *generation {
                // The manifest changed while the pass ran. The change has already queued another look, which the
                // result must not delay.
                let status = Arc::make_mut(&mut tracked.status);
                (status.state, status.problem) = (ObjectState::Unseen, None);
                continue;
            }
            let resync = tracked.desired.policy.resync.unwrap_or(self.rules.resync);
            let (wait, failures) = schedule::next_wait(requeue, tracked.failures, resync, chance);
            tracked.set_failures(failures);
            let (at, reason) = match requeue {
                schedule::Requeue::AtResync => {
                    let group = (batch.connection.clone(), resync);
                    (
                        next_resync(&mut self.resyncs, group, now.instant, chance),
                        "resync",
                    )
                }
                schedule::Requeue::WithBackoff => (now.instant + wait, "trying again"),
                schedule::Requeue::After(_) => (now.instant + wait, "waited for"),
            };
            let (at, reason) = match tracked.next_change(now).filter(|begins| *begins < at) {
                Some(begins) => (begins, CHANGE_BEGINS),
                None => (at, reason),
            };
            self.queue.wake(&address, at, reason);
        }
        self.release_braked(&batch.connection, now);
        self.wake_dependents(batch, now);
    }

    /// Wakes the objects that wait for the id of one which was created just now, or for the removal of one.
    fn wake_dependents(&mut self, batch: &BatchResult, now: Now) {
        let written = batch.results.iter().filter(|(_, _, result)| {
            let is_whole = matches!(
                result.entry.action,
                Disposition::Create | Disposition::Remove
            );
            is_whole && result.entry.outcome == Some(Outcome::Converged)
        });
        let written: BTreeSet<&Address> = written.map(|(address, _, _)| address).collect();
        if written.is_empty() {
            return;
        }
        let in_batch: BTreeSet<&Address> = batch
            .results
            .iter()
            .map(|(address, _, _)| address)
            .collect();
        for (address, tracked) in &self.objects {
            let mut references = tracked.desired.references.iter();
            let is_bound = references.any(|reference| written.contains(&reference.referent));
            let is_written = in_batch.contains(&**address) && tracked.is_settled();
            if is_bound && !is_written && self.is_own(&tracked.desired.connection) {
                self.queue
                    .wake(address, now.instant, "what it refers to was written");
            }
        }
    }

    /// Wakes the objects whose writes the brake held, as soon as it would not hold them any more.
    fn release_braked(&mut self, connection: &str, now: Now) {
        let listed = self.objects.iter();
        let listed = listed.filter(|(_, tracked)| tracked.desired.connection == connection);
        let (mut objects, mut braked) = (0, Vec::new());
        for (address, tracked) in listed {
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

    /// Takes in that a pass panicked: its objects are marked as failed and tried again with back-off.
    pub fn fail_batch(&mut self, connection: &str, addresses: &[Address], now: Now, chance: f64) {
        self.busy.remove(connection);
        for address in addresses {
            let Some(address) = self.queue.finish(address) else {
                continue;
            };
            if let Some(tracked) = self.objects.get_mut(&address) {
                let wait = schedule::failure_backoff(tracked.failures, self.rules.resync, chance);
                tracked.set_failures(tracked.failures + 1);
                let status = Arc::make_mut(&mut tracked.status);
                status.running = false;
                status.state = ObjectState::Failed;
                status.problem = None;
                status.message = Some("the pass broke off, which is a bug: see the log".into());
                self.queue
                    .wake(&address, now.instant + wait, "trying again");
            }
        }
    }

    /// Writes the time of the next look at each object into its status.
    pub fn update_wakes(&mut self, now: Now) {
        for (address, tracked) in &mut self.objects {
            let at = self.queue.wake_time(address);
            let next = at.and_then(|at| {
                let wait = at.saturating_duration_since(now.instant);
                now.time.checked_add(wait).ok()
            });
            // The two clocks are read one after the other, so a difference of less than a second is not a change. A
            // status is replaced only if it changed, because readers compare pointers.
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

/// Returns the next resync of a group. Once the last resync has passed, the first object that asks sets the next one
/// for the whole group.
///
/// For example with an interval of 600 s, 120 orders that a pass read at 12:00:00 all get 12:10:00 (less the jitter
/// of one draw), so that two list calls serve all of them; an order that a webhook woke at 12:04 gets 12:10:00 again
/// and not 12:14.
fn next_resync(
    rounds: &mut BTreeMap<(String, Duration), Instant>,
    group: (String, Duration),
    now: Instant,
    chance: f64,
) -> Instant {
    let resync = group.1;
    let due = rounds.entry(group).or_insert(now);
    if *due <= now {
        *due = now + schedule::jittered_resync(resync, chance);
    }
    *due
}

#[cfg(test)]
mod tests;
