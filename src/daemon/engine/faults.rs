//! Tells problems of a whole connection from those of single objects, with what is known of objects outside a batch.

use std::collections::BTreeSet;

use super::{BatchResult, Engine};
use crate::daemon::status::ObjectState;
use crate::model::{Address, FaultKind};
use crate::plan::Disposition;

impl Engine {
    /// Removes faults that a single call can have from the results, unless all objects of the connection have them: those
    /// of the batch, and the others as their last look ended. Such a fault is told with its object.
    ///
    /// For example, a webhook wakes one of 40 orders, and its read is answered 403. While the other 39 are known to be
    /// readable, that is a matter of this order. Once a resync has shown 403 for all, it is one of the connection.
    pub fn drop_faults_of_calls(&self, batch: &mut BatchResult) {
        let faults = batch.results.iter().filter_map(|(.., result)| {
            let kind = result.fault.as_ref()?.kind;
            kind.is_of_calls().then_some(kind)
        });
        let kinds: BTreeSet<FaultKind> = faults.collect();
        let dropped: BTreeSet<FaultKind> = kinds
            .into_iter()
            .filter(|kind| !self.is_common(*kind, batch))
            .collect();
        for (.., result) in &mut batch.results {
            if result
                .fault
                .take_if(|fault| dropped.contains(&fault.kind))
                .is_some()
            {
                result.entry.problem = None;
            }
        }
    }

    /// Reports whether all objects of the batch's connection have this fault, as far as they were read at all.
    fn is_common(&self, kind: FaultKind, batch: &BatchResult) -> bool {
        let mut read = batch
            .results
            .iter()
            .filter(|(.., result)| result.entry.action != Disposition::Suspend);
        let is_of_batch = read.all(|(.., result)| {
            let fault = result.fault.as_ref();
            fault.is_some_and(|fault| fault.kind == kind)
        });
        let inside: BTreeSet<&Address> = batch.results.iter().map(|(one, ..)| one).collect();
        let mut outside = self.objects.iter().filter(|(address, tracked)| {
            let status = &tracked.status;
            let was_read = !matches!(
                status.state,
                ObjectState::Unseen | ObjectState::Suspended | ObjectState::Elsewhere
            );
            status.connection == batch.connection && was_read && !inside.contains(&***address)
        });
        is_of_batch
            && outside.all(|(_, tracked)| tracked.status.problem.as_deref() == Some(kind.code()))
    }
}
