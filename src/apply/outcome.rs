//! The outcome of each object of an apply.

use super::journal::Residual;
pub use crate::model::Outcome;
use crate::model::Text;
use crate::plan::Planned;

/// One object of an apply: what was planned and how it ended.
#[derive(Clone, Debug)]
pub struct Report {
    pub planned: Planned,
    /// `None` for objects that had nothing to do.
    pub outcome: Option<Outcome>,
    /// The vendor's words, or what failed.
    pub message: Option<String>,
    /// Fields that changed although the write did not ask for it.
    pub side_effects: Vec<String>,
    /// The fields that differ from the plan after the write, with their values.
    pub residual: Vec<Residual>,
    /// Set if something was sent and its effect could not be read.
    pub unclear: bool,
    /// The vendor's id of an object that its manifest names by a key, as the last read or reply shows it.
    pub id: Option<Text>,
}

impl Report {
    pub fn new(planned: Planned, outcome: Option<Outcome>, message: Option<String>) -> Self {
        Self {
            planned,
            outcome,
            message,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: false,
            id: None,
        }
    }
}
