//! Other processes that call the same accounts, as far as the store knows them.

use std::sync::Arc;

use super::limiter::SharedPace;
use super::store::{Store, budget};
use crate::model::{AccountKey, Limits};

/// The number of processes that share a vendor's rates by default.
const PROCESSES: u32 = 4;

/// The store that knows of other processes, if there is one.
#[derive(Clone, Default)]
pub struct Budgets {
    pub store: Option<Arc<dyn Store>>,
    /// The number of processes that share the vendor's rates while they cannot ask each other.
    pub processes: Option<u32>,
}

impl Budgets {
    /// Returns how fast this process may call an account by itself, and what it has to ask before each call.
    pub fn of(&self, account: &AccountKey, limits: Limits) -> (Limits, Option<SharedPace>) {
        let Some(store) = &self.store else {
            return (limits, None);
        };
        match (store.budget(account, &limits.rates), self.processes) {
            (Some(budget), processes) => {
                let pace = SharedPace::new(budget, &limits, processes.unwrap_or(PROCESSES));
                (limits, Some(pace))
            }
            // A store that keeps no budget: a fixed share is all there is.
            (None, Some(processes)) => {
                let rates = budget::share_rates(&limits.rates, processes);
                (Limits { rates, ..limits }, None)
            }
            (None, None) => (limits, None),
        }
    }
}
