//! Where manifests come from.
//!
//! A source says when something may have changed, and hands out texts when it is asked. Whether they are
//! put in force is not its business.

pub mod directory;
mod error;
mod filesystem;
mod follow;
pub mod git;
mod points;

pub use error::SourceError;
