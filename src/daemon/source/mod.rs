//! Where manifests come from: a directory or a git remote.
//!
//! A source sends a trigger when something may have changed, and returns texts when it is asked. It does not decide
//! whether they are put in force: what cannot be keeps the last good manifests, and an empty source never means
//! "remove everything".

pub mod directory;
mod error;
mod filesystem;
mod follower;
pub mod git;
pub mod repository;
mod watch_points;

use crate::reconcile::Checked;
pub use error::SourceError;

/// Manifests that the source holds, checked.
pub struct Fetched {
    pub checked: Checked,
    /// The commit, or a hash of the contents.
    pub revision: String,
}
