//! `entitle watch`: one long-running process that keeps accounts as the manifests say.
//!
//! # Tasks
//!
//! ```text
//!  follower thread ─┐                        ┌─► pass ─┐  one per connection at most,
//!  webhooks ────────┼─ Trigger ─► DaemonTask ┼─► pass ─┤  in one JoinSet
//!  signals ─────────┴─ Command ──►  │   ▲    └─► pass ─┘
//!                                   │   └──── FinishedPass ─┘
//!                                   ▼ watch channel of Arc<Status>
//!              HTTP server · metrics · one notifier per Notification
//! ```
//!
//! - [`task::DaemonTask`] owns the [`engine`] (manifests in force, objects, wake queue), the [`status_log`], open
//!   accounts and the claims of [`sharing`]. It receives [`trigger::Trigger`]s, [`task::DaemonCommand`]s, finished
//!   passes, readings of the source and rounds of claims. It sends batches to passes and [`status::Status`] to
//!   everybody.
//! - A pass ([`pass::run_pass`]) owns its batch, the lease of its connection and one run in the journal. It works on
//!   a snapshot of the manifests, receives nothing, and returns one [`pass::FinishedPass`].
//! - The follower thread ([`source`]) owns the watches on directories. It receives the file events of the system and
//!   sends `Trigger::Source` and `Trigger::FollowProblem`.
//! - The server ([`serve`]) owns open connections, their bounds and the webhook secrets ([`hooks`]). It receives HTTP
//!   requests and sends triggers into a bounded channel.
//! - A notifier ([`notices`]) owns the status that its receiver was last told of. It receives new statuses and sends
//!   messages to one receiver.
//!
//! State has one owner each, so the only locks are around what outlives a pass and is shared by passes of different
//! connections ([`pass::PassContext`]).
//!
//! # Decisions and effects
//!
//! [`task`] is the only loop, and together with [`pass`] the only place that waits. [`engine`] decides without IO.
//! The modules it asks are pure; time and randomness are arguments:
//!
//! - [`wake_queue`]: which objects are due. A burst of triggers becomes one look.
//! - [`schedule`]: when an object is looked at next, and the back-off after failures.
//! - [`tracked_object`]: the state of one object over time.
//! - [`fight`]: when healing a field is given up.
//! - [`write_gate`], [`window`] and the brake of [`crate::plan::guard`]: whether a planned write may go out.
//! - [`read_back`]: when writes are verified by reading instead of by their reply; [`known_warnings`]: which warnings
//!   are new.
//! - [`share`]: which accounts this replica claims where several share one store.
//!
//! # Cancel safety
//!
//! Every loop here waits with `tokio::select!`, which drops the arms that were not first. No arm loses anything by
//! that:
//!
//! - `mpsc::Receiver::recv` (triggers, commands): a message leaves the channel only when the call returns.
//! - `JoinSet::join_next_with_id` (passes): a result leaves the set only when the call returns. Passes run on, as
//!   tasks of their own.
//! - The reading of the source, a round of claims, the next hint of another replica: boxed futures that are kept
//!   outside of the `select!` and polled again. Only a borrow is dropped.
//! - Timers: computed anew on every turn from what the engine says is due.
//! - `watch::Receiver::changed` and `wait_for`: they only mark a version as seen; the value stays.
//! - `TcpListener::accept`: a connection that was not returned stays in the queue of the system.
//!
//! # Worked examples
//!
//! Each pure module shows its rule with numbers in its own documentation: coalescing of triggers ([`wake_queue`]),
//! back-off ([`schedule`]), fights ([`fight`]), change windows ([`window`]), the brake ([`crate::plan::guard`]),
//! sharing of accounts ([`share`]), signatures and replays of webhooks ([`hooks`]).
//!
//! The brake, with the default `--max-changes 30%`: of a connection with 20 objects 6 may be written at once. A commit
//! that changes 7 of them is held back as a whole, and stays so however the objects are woken, since a pass also counts
//! the objects that the brake holds already. It lets go once fewer than 7 differ, or after `entitle apply`. Below 10
//! objects a percentage says nothing and does not hold.

pub mod actions;
pub mod activity;
pub mod connection_problems;
mod cron;
pub mod descriptors;
pub mod engine;
pub mod fight;
pub mod hooks;
pub mod known_warnings;
pub mod labels;
mod manifest_equality;
pub mod mode;
pub mod notices;
pub mod object_details;
mod object_log;
pub mod pass;
mod pass_context;
pub mod read_back;
pub mod requests;
pub mod run_scope;
pub mod schedule;
pub mod serve;
mod service_manager;
pub mod share;
pub mod sharing;
pub mod source;
pub mod status;
pub mod status_log;
pub mod task;
pub mod tracked_object;
pub mod trigger;
pub mod wake_queue;
pub mod window;
pub mod write_gate;
