//! Keeps what a run has to read as short as there are objects, however long the journal is.

use std::collections::BTreeMap;

use super::{Store, StoreError};
use crate::apply::memory::{Memory, Summary};
use crate::model::AccountKey;

/// Lines behind a summary that every run reads again before somebody writes a new one. A thousand are read in 20 ms,
/// about as long as it takes to write one of ten thousand objects.
pub const FEW: u64 = 1_000;

/// Writes new summaries if `memory` had to read many lines, of what is known of these accounts.
///
/// The lines that the run itself wrote do not count: reading them back takes longer than all else where a store is slow,
/// and the next run has to read them once in any case.
pub async fn compact_if_long(
    store: &dyn Store,
    memory: &Memory,
    accounts: &[AccountKey],
    now: &str,
) -> Result<(), StoreError> {
    if memory.is_long() {
        compact(store, accounts, FEW, now).await?;
    }
    Ok(())
}

/// Writes a new summary of each account of which more than `few` lines stand behind the last one, and returns how many
/// stand behind one now, as in [`Cursor::unsummed`](super::Cursor). `now` is written into it.
///
/// Without accounts it is one of all, which only a store can have that does not keep them apart.
pub async fn compact(
    store: &dyn Store,
    accounts: &[AccountKey],
    few: u64,
    now: &str,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut left = BTreeMap::new();
    let mut parts: Vec<&[AccountKey]> = accounts.chunks(1).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    for part in parts {
        let summary = Summary::read(store, part, now).await?;
        let upto = summary.upto().clone();
        if upto.most_unsummed() > few {
            store.summarize(part.first(), summary).await?;
            left.extend(upto.unsummed.keys().map(|name| (name.clone(), 0)));
        } else {
            left.extend(upto.unsummed.clone());
        }
        if upto.is_of_all() {
            break;
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
