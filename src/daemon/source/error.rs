//! Why a source gave no manifests that could be put in force.

use std::sync::Arc;

use super::git::GitError;

/// Why a source gave no manifests that could be put in force. What was there before stays in force.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Git(Arc<GitError>),
    /// The thread that read them ended early, for the reason in the text.
    #[error("reading the manifests broke off: {0}")]
    BrokenOff(String),
    /// The manifests have errors: the first one, and how many more there are.
    #[error("{first}{}", and_more(*more))]
    Invalid { first: String, more: usize },
    /// `--target` and its like name nothing, for the reason in the text.
    #[error("{0}")]
    Scope(String),
    /// A mount that is gone, or a branch that was emptied.
    #[error(
        "no manifest names an object any more, which is not taken for a wish: what was there before is kept. If it is \
         meant, start the daemon again"
    )]
    Emptied,
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}

impl From<GitError> for SourceError {
    fn from(error: GitError) -> Self {
        Self::Git(Arc::new(error))
    }
}
