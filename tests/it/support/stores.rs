//! Stores in a directory, as the tests of one machine want them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use entitle::apply::journal::Record;
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::store::files::FileStore;
use entitle::apply::store::{
    Cursor, JournalLine, JournalScope, Lease, LeaseClaim, LeaseLost, RecordQueue, Store,
    StoreError, Taken,
};
use entitle::files::links::LinkPolicy;
use entitle::model::AccountKey;
use futures::FutureExt;
use futures::future::BoxFuture;

/// Opens `journal.jsonl` and `locks` in a directory.
pub fn files(dir: &Path) -> FileStore {
    let (journal, locks) = (dir.join("journal.jsonl"), dir.join("locks"));
    FileStore::open(&journal, &locks, &LinkPolicy::Follow).expect("a journal")
}

/// The same with a queue before it.
pub fn queue(dir: &Path) -> Arc<RecordQueue> {
    RecordQueue::new(Arc::new(files(dir)))
}

/// Folds a journal; files are read without waiting.
pub fn memory(journal: &Path, detail: Detail) -> Memory {
    let mut memory = Memory::new(detail);
    catch_up(&mut memory, journal);
    memory
}

/// Folds what was added to a journal since.
pub fn catch_up(memory: &mut Memory, journal: &Path) {
    let files = FileStore::for_reading(journal, Path::new("nowhere"));
    let read = memory.catch_up(&files, &[]).now_or_never();
    read.expect("at once").expect("a journal");
}

/// Files whose leases are lost after so many questions about them.
pub struct Losing {
    pub files: FileStore,
    pub after: usize,
}

struct LosingLease {
    account: AccountKey,
    asked: AtomicUsize,
    after: usize,
}

impl Lease for LosingLease {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        7
    }

    fn covers(&self, _: Duration) -> Result<(), LeaseLost> {
        match self.asked.fetch_add(1, Ordering::Relaxed) < self.after {
            true => Ok(()),
            false => Err(LeaseLost::TakenAt {
                holder: "somebody".into(),
                epoch: 8,
                ours: 7,
            }),
        }
    }
}

impl Store for Losing {
    fn name(&self) -> String {
        self.files.name()
    }

    fn take_lease<'a>(
        &'a self,
        account: &'a AccountKey,
        _: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        let lease = LosingLease {
            account: account.clone(),
            asked: AtomicUsize::new(0),
            after: self.after,
        };
        async { Ok(Taken::Held(Box::new(lease))) }.boxed()
    }

    fn wait_for_release<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()> {
        self.files.wait_for_release(account)
    }

    /// The store itself notices nothing: what keeps a write back is the holder's own look.
    fn append<'a>(
        &'a self,
        records: &'a [Record],
        _: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.files.append(records, None)
    }

    fn read<'a>(
        &'a self,
        reading: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.files.read(reading, cursor, take)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.files.close()
    }
}
