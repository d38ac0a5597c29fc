//! `entitle watch`: one long-running process that keeps accounts as the manifests say.
//!
//! ```text
//!   directory, git ──┐                       ┌──► passes: reconcile::plan_with, restore, apply
//!   hooks ───────────┼─ Trigger ──► task ────┤          │ Done
//!   SIGHUP, SIGTERM ─┴─ Order ───────▲  ▲    └──► Status ──► HTTP, metrics, notifications
//!                                    │  └── engine: what is known, what is due
//!                                    └────── the ends of passes, of readings, of waits
//! ```
//!
//! - Triggers come in, [`status::Status`] goes out on a watch channel; whoever looks at the daemon knows
//!   nothing but these two.
//! - [`task`] is the only loop and the only place that waits. [`engine`] decides without IO: the [`queue`]
//!   says who is due, [`schedule`] when the next look is, [`track`] what a look means for an object,
//!   [`fight`] when healing is given up, [`gate`], [`window`] and [`crate::plan::guard`] whether a write may go. All of
//!   these are pure, with the time and chance as arguments.
//! - [`pass`] drives the very functions that `entitle apply` drives, restricted to the woken objects.
//!   [`read_back`] says when their outcome is read instead of believed, [`told`] which warnings are new.
//! - [`share`] decides which accounts this process looks after where several replicas share one store, [`sharing`] claims
//!   them and gives them back.
//! - [`source`] reads manifests from a directory or a git remote; what cannot be put in force leaves the last
//!   good manifests there, and an empty source never means "remove".
//! - [`hooks`] judges what knocks, [`serve`] shows the status over HTTP, [`notices`] tells those who asked.
//! - [`board`] keeps the status and tells the log what changed.

pub mod board;
mod content;
mod cron;
pub mod descriptors;
pub mod engine;
pub mod fight;
pub mod gate;
pub mod hooks;
pub mod mode;
pub mod notices;
pub mod pass;
pub mod queue;
pub mod read_back;
pub mod schedule;
pub mod serve;
mod service;
pub mod share;
pub mod sharing;
mod shell;
pub mod source;
pub mod status;
pub mod task;
pub mod told;
pub mod track;
pub mod trigger;
pub mod window;
