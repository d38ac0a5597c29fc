//! Keeps what a run has to read proportional to the number of objects, however long the journal is.

use std::collections::BTreeMap;

use super::{Store, StoreError};
use crate::apply::memory::{JournalSummary, Memory};
use crate::model::AccountKey;

/// How many lines behind a summary are too many: every run reads them again until a new summary is written. A thousand
/// lines are read in 20 ms, about as long as it takes to write a summary of ten thousand objects.
pub const COMPACT_THRESHOLD: u64 = 1_000;

/// Reports whether so many lines had to be read that a new summary is worth it.
pub fn is_long(memory: &Memory) -> bool {
    memory.unsummarized_lines() > COMPACT_THRESHOLD
}

/// Writes new summaries of these accounts if `memory` had to read many lines.
///
/// The lines that the run itself wrote do not count: reading them back takes longer than everything else where a store
/// is slow, and the next run has to read them once in any case.
pub async fn compact_if_long(
    store: &dyn Store,
    memory: &Memory,
    accounts: &[AccountKey],
    now: &str,
) -> Result<(), StoreError> {
    if is_long(memory) {
        compact_accounts(store, accounts, COMPACT_THRESHOLD, now).await?;
    }
    Ok(())
}

/// Writes a new summary of each account with more than `threshold` lines behind the last one. Returns how many lines
/// are behind a summary now, as in [`Cursor::unsummarized`](super::Cursor). `now` is written into the summary.
///
/// Without accounts it writes one summary of all; only a store that does not keep accounts apart can have that.
pub async fn compact_accounts(
    store: &dyn Store,
    accounts: &[AccountKey],
    threshold: u64,
    now: &str,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut left = BTreeMap::new();
    let mut parts: Vec<&[AccountKey]> = accounts.chunks(1).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    for part in parts {
        let summary = JournalSummary::read(store, part, now).await?;
        let upto = summary.upto().clone();
        if upto.most_unsummarized() > threshold {
            store.summarize(part.first(), summary).await?;
            left.extend(upto.unsummarized.keys().map(|name| (name.clone(), 0)));
        } else {
            left.extend(upto.unsummarized.clone());
        }
        if upto.is_single_sequence() {
            break;
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
