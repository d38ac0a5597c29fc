//! Counts the requests of a run: what its accounts have sent, and what its writes are going to take.
//!
//! Input is a [`Pass`] before its first write, output a [`RequestCost`]. What a write takes is known to
//! `plan::estimate`; whether it is too much is decided in `plan::guard`.

use super::{Pass, Settings, account_paces};
use crate::plan::estimate::{self, RequestCost};

impl Pass {
    /// Counts the requests of a run that carries this plan out: those sent so far, and at most those to come.
    ///
    /// The counters of the accounts start again from zero. An account that has sent nothing, as with a saved plan,
    /// still has to log in.
    pub fn count_requests(&self, settings: &Settings) -> RequestCost {
        let paces = account_paces(&self.accounts, settings);
        let mut cost = estimate::count_requests(&self.planned, &paces, self.fresh);
        for account in self.accounts.values() {
            let answered = account.take_answered().into_values();
            let sent = answered.fold(0, |sum, count| sum + usize::try_from(count).unwrap_or(0));
            cost.sent += sent;
            cost.around += usize::from(sent == 0 && account.logs_in());
            cost.around += usize::from(account.logs_out());
        }
        cost
    }
}
