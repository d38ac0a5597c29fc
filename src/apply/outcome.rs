//! What became of each object of an apply.

use crate::plan::Planned;

/// How one object ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Written, and seen to be as wanted.
    Converged,
    /// It was as wanted when its turn came.
    Already,
    /// The vendor refused the write.
    Rejected,
    /// It had changed since the plan was made.
    Stale,
    /// A guard did not let the write go.
    Refused,
    /// The write or the look before it failed.
    Failed,
    /// Its turn never came.
    Skipped,
    /// Written, but not as wanted afterwards.
    Unconverged,
}

/// One object of an apply: what was planned and how it ended.
#[derive(Clone, Debug)]
pub struct Report {
    pub planned: Planned,
    /// Nothing for objects that had nothing to do.
    pub outcome: Option<Outcome>,
    /// The vendor's words, or what failed.
    pub message: Option<String>,
    /// Fields that changed though nobody asked for it.
    pub side_effects: Vec<String>,
}

impl Report {
    pub fn new(planned: Planned, outcome: Option<Outcome>, message: Option<String>) -> Self {
        Self {
            planned,
            outcome,
            message,
            side_effects: Vec::new(),
        }
    }
}
