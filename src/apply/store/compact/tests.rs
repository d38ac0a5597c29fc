use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;
use crate::apply::journal::SummaryForm;
use crate::apply::journal::{Journal, Record};
use crate::apply::memory::testing::{self, agreed, record};
use crate::apply::memory::{Detail, Memory};
use crate::apply::records::Records;
use crate::apply::store::files::FileStore;
use crate::apply::store::{Cursor, JournalLine, JournalScope, Lease, LeaseClaim, Taken};
use crate::files::links::LinkPolicy;
use crate::model::Vendor;

const NOW: &str = "2026-11-30T12:00:00Z";

struct Bench {
    dir: tempfile::TempDir,
    files: FileStore,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = files(&dir);
        Self { dir, files }
    }

    fn journal(&self) -> std::path::PathBuf {
        self.dir.path().join("journal.jsonl")
    }

    fn append(&self, records: Vec<Record>) {
        let journal = Journal::open(&self.journal()).unwrap();
        journal.append_all(records).unwrap();
    }

    /// A line that is not whole.
    fn damage(&self) {
        use std::io::Write;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).open(self.journal()).unwrap();
        file.write_all(b"{damaged}\n").unwrap();
    }

    fn has_summary(&self) -> bool {
        self.dir.path().join("journal.jsonl.summary").exists()
    }

    async fn memory(&self, detail: Detail) -> Memory {
        Memory::of(&self.files, &[], detail).await.unwrap()
    }

    async fn compact(&self) {
        compact_accounts(&self.files, &[], 0, NOW).await.unwrap();
    }

    /// Everything that is known, as lines.
    async fn known(&self) -> Vec<Record> {
        self.memory(Detail::Values)
            .await
            .summary(NOW, SummaryForm::Plain)
            .collect()
    }
}

fn files(dir: &tempfile::TempDir) -> FileStore {
    let (journal, locks) = (dir.path().join("journal.jsonl"), dir.path().join("locks"));
    FileStore::open(&journal, &locks, &LinkPolicy::Follow).unwrap()
}

/// Returns agreements, and a write with an unknown end.
fn run(name: &str, seats: i64) -> Vec<Record> {
    let agreed = agreed(&[("activations_allowed", seats.into())]);
    let intent = testing::write(testing::intent("LacLicenseOrder/a"));
    [testing::agreement(agreed), intent]
        .map(|event| record(name, event))
        .into()
}

#[tokio::test]
async fn a_summary_and_the_lines_behind_it_are_read_as_the_whole_journal_is() {
    let [short, whole] = [Bench::new(), Bench::new()];
    for number in 0..4 {
        for bench in [&short, &whole] {
            bench.append(run(&number.to_string(), number));
            if number % 2 == 1 {
                bench.damage();
            }
        }
        if number < 3 {
            short.compact().await;
        }
        assert_eq!(short.known().await, whole.known().await);
        for detail in [Detail::Agreements, Detail::Values] {
            let [short, whole] = [short.memory(detail).await, whole.memory(detail).await];
            assert_eq!(short.damaged.to_string(), whole.damaged.to_string());
            let ten = agreed(&[("activations_allowed", number.into())]);
            assert!(short.has(&ten) && whole.has(&ten));
        }
    }
    let (mut short_at, mut whole_at) = (Cursor::default(), Cursor::default());
    let lines = count(&short.files, JournalScope::Accounts(&[]), &mut short_at).await;
    count(&whole.files, JournalScope::Accounts(&[]), &mut whole_at).await;
    // One object and three open writes, a damaged line, and three lines behind them.
    assert_eq!(lines, 1 + 3 + 1 + 3);
    assert_eq!(
        (short_at.most_unsummarized(), whole_at.most_unsummarized()),
        (3, 10)
    );
    short_at.unsummarized.clone_from(&whole_at.unsummarized);
    assert_eq!(short_at, whole_at);
    let all = count(
        &short.files,
        JournalScope::Everything,
        &mut Cursor::default(),
    )
    .await;
    assert_eq!(all, 10);
}

async fn count(files: &FileStore, reading: JournalScope<'_>, cursor: &mut Cursor) -> usize {
    let mut lines = 0;
    let mut take = |_| lines += 1;
    files.read(reading, cursor, &mut take).await.unwrap();
    lines
}

#[tokio::test]
async fn whoever_follows_a_journal_goes_on_when_somebody_sums_it_up() {
    let bench = Bench::new();
    bench.append(run("1", 10));
    let mut follower = bench.memory(Detail::Values).await;
    bench.append(run("2", 11));
    bench.compact().await;
    bench.append(run("3", 12));
    follower.catch_up(&bench.files, &[]).await.unwrap();
    assert_eq!(
        follower
            .summary(NOW, SummaryForm::Plain)
            .collect::<Vec<_>>(),
        bench.known().await
    );
    bench.compact().await;
    follower.catch_up(&bench.files, &[]).await.unwrap();
    assert_eq!(
        follower
            .summary(NOW, SummaryForm::Plain)
            .collect::<Vec<_>>(),
        bench.known().await
    );
    // The journal is begun anew beside the old summary.
    std::fs::write(bench.journal(), "").unwrap();
    bench.append(run("4", 13));
    follower.catch_up(&bench.files, &[]).await.unwrap();
    let known = bench.known().await;
    assert_eq!(known.len(), 2);
    assert_eq!(
        follower
            .summary(NOW, SummaryForm::Plain)
            .collect::<Vec<_>>(),
        known
    );
}

#[tokio::test]
async fn a_summary_is_written_where_many_lines_had_to_be_read() {
    let bench = Bench::new();
    let few = COMPACT_THRESHOLD as usize / 2;
    bench.append(
        (0..few)
            .flat_map(|number| run(&number.to_string(), 1))
            .collect(),
    );
    let memory = bench.memory(Detail::Agreements).await;
    // Lines that are written after the summary are left to the next run.
    bench.append(run("one more", 1));
    for (memory, sums_up) in [
        (memory, false),
        (bench.memory(Detail::Agreements).await, true),
    ] {
        compact_if_long(&bench.files, &memory, &[], NOW)
            .await
            .unwrap();
        assert_eq!(bench.has_summary(), sums_up);
    }
    let memory = bench.memory(Detail::Agreements).await;
    assert!(!is_long(&memory));
    assert_eq!(memory.open().count(), few + 1);
}

#[tokio::test]
async fn who_only_reads_writes_no_summary() {
    let bench = Bench::new();
    bench.append(run("1", 10));
    let reader = FileStore::for_reading(&bench.journal(), bench.dir.path());
    assert!(compact_accounts(&reader, &[], 0, NOW).await.is_err());
    assert!(!bench.has_summary());
}

/// As after its first lines were cut off for good.
#[tokio::test]
async fn a_journal_may_begin_with_a_summary() {
    let [whole, pruned] = [Bench::new(), Bench::new()];
    whole.append([run("1", 10), run("2", 11)].concat());
    pruned.append(whole.known().await);
    assert_eq!(pruned.known().await, whole.known().await);
    for bench in [&whole, &pruned] {
        bench.append(run("3", 12));
    }
    assert_eq!(pruned.known().await, whole.known().await);
    pruned.compact().await;
    assert_eq!(pruned.known().await, whole.known().await);
    let records = Records::open(&pruned.journal()).unwrap();
    assert_eq!(records.filter(Record::is_summary).count(), 1);
}

/// A store that keeps accounts apart, in memory.
#[derive(Default)]
struct Apart {
    lines: BTreeMap<String, Vec<Record>>,
    /// The account of each summary, and how many records it has.
    summed: Mutex<Vec<(String, usize)>>,
}

fn account(name: &str) -> AccountKey {
    AccountKey {
        vendor: Vendor("lac"),
        base_url: testing::URL.into(),
        account: name.into(),
    }
}

impl Store for Apart {
    fn name(&self) -> String {
        "memory".into()
    }

    fn take_lease<'a>(
        &'a self,
        _: &'a AccountKey,
        _: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        std::future::pending().boxed()
    }

    fn wait_for_release<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
        tokio::time::sleep(Duration::MAX).boxed()
    }

    fn append<'a>(
        &'a self,
        _: &'a [Record],
        _: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        std::future::pending().boxed()
    }

    fn read<'a>(
        &'a self,
        reading: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let JournalScope::Accounts(accounts) = reading else {
            return std::future::pending().boxed();
        };
        for account in accounts {
            let name = account.account.clone();
            let lines = &self.lines[&name];
            let at = cursor.positions.entry(name.clone()).or_default();
            let new = &lines[*at as usize..];
            *at += new.len() as u64;
            *cursor.unsummarized.entry(name).or_default() += new.len() as u64;
            let lines = new
                .iter()
                .map(|record| JournalLine::Record(Box::new(record.clone())));
            lines.for_each(&mut *take);
        }
        std::future::ready(Ok(())).boxed()
    }

    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: JournalSummary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let name = account.unwrap().account.clone();
        let upto = summary.upto();
        assert_eq!(upto.positions.keys().collect::<Vec<_>>(), [&name]);
        let records = summary.records(SummaryForm::Plain).count();
        self.summed.lock().unwrap().push((name, records));
        std::future::ready(Ok(())).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

#[tokio::test]
async fn where_accounts_are_apart_each_is_summed_up_by_itself() {
    let few = COMPACT_THRESHOLD as usize;
    let agreements = |lines: usize| vec![run("1", 1).remove(0); lines];
    let store = Apart {
        lines: [
            ("long".to_string(), agreements(few + 1)),
            ("short".to_string(), agreements(few)),
        ]
        .into(),
        ..Apart::default()
    };
    let accounts = [account("long"), account("short")];
    let memory = Memory::of(&store, &accounts, Detail::Agreements).await;
    let memory = memory.unwrap();
    compact_if_long(&store, &memory, &accounts, NOW)
        .await
        .unwrap();
    assert_eq!(*store.summed.lock().unwrap(), [("long".to_string(), 1)]);
    let left = compact_accounts(&store, &accounts[1..], COMPACT_THRESHOLD, NOW)
        .await
        .unwrap();
    assert_eq!(left, [("short".to_string(), COMPACT_THRESHOLD)].into());
}
