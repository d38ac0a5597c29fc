//! The scope of the daemon's runs in a store that several share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::apply::memory::ScopeReader;
use crate::reconcile::Checked;

/// The scope that the user named, else that of the environment, which may change with the manifests.
#[derive(Debug, Default)]
pub struct RunScope {
    typed: Option<String>,
    current: Mutex<CurrentScope>,
}

/// The part that changes with the manifests.
#[derive(Clone, Debug, Default)]
struct CurrentScope {
    name: Option<String>,
    environment: Option<String>,
}

impl RunScope {
    /// Creates the scope of a run before its manifests are read. `typed` is the one that the user named.
    pub fn new(typed: Option<String>) -> Self {
        Self {
            current: Mutex::new(CurrentScope {
                name: typed.clone(),
                environment: None,
            }),
            typed,
        }
    }

    /// Takes the scope of manifests that were just read.
    pub fn follow(&self, checked: &Checked) {
        *self.lock() = CurrentScope {
            name: checked.store_scope(self.typed.as_deref()),
            environment: checked.source.environment.clone(),
        };
    }

    /// Returns the name that runs have in the store; `None` without a scope.
    pub fn name(&self) -> Option<String> {
        self.lock().name.clone()
    }

    /// Returns the name of the environment; `None` if there is none.
    pub fn environment(&self) -> Option<String> {
        self.lock().environment.clone()
    }

    fn lock(&self) -> MutexGuard<'_, CurrentScope> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the reader of the store.
    pub fn reader(&self) -> ScopeReader {
        ScopeReader::new(self.name())
    }
}
