//! The mode of the daemon: what it may do about a difference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The mode of the whole daemon. An object's own policy can only restrict it further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// Read and report; write nothing.
    #[default]
    Observe,
    /// Restore what was last applied; changes of the source are not followed.
    Heal,
    /// Follow the source, and heal what drifts from it.
    Sync,
}

impl RunMode {
    /// Returns the name that flags and output use.
    pub fn name(self) -> &'static str {
        match self {
            RunMode::Observe => "observe",
            RunMode::Heal => "heal",
            RunMode::Sync => "sync",
        }
    }
}
