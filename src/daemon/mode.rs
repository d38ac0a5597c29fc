//! What the daemon may do about a difference.

use serde::Serialize;

/// The mode of the whole daemon. An object's own policy can only hold it back further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// Look and report; write nothing.
    #[default]
    Observe,
    /// Restore what was last applied; never follow the source.
    Heal,
    /// Follow the source, and heal what drifts from it.
    Sync,
}

impl RunMode {
    /// The name by which flags and output know it.
    pub fn name(self) -> &'static str {
        match self {
            RunMode::Observe => "observe",
            RunMode::Heal => "heal",
            RunMode::Sync => "sync",
        }
    }
}
