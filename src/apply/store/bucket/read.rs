//! Merges the logs into one journal.
//!
//! The lines of an account come in the order of its log. Between accounts, and for records about runs as a whole, the
//! time of appending decides. A time earlier than the one before it in the same log counts as that one, so a wrong
//! clock cannot reorder a log:
//!
//! ```text
//! log a   10:00  10:05  09:59 (counts as 10:05)
//! log b   10:02  10:06
//! merged  a 10:00, b 10:02, a 10:05, a 09:59, b 10:06
//! ```

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::account::AccountStates;
use super::layout::{self, UNLEASED};
use super::log;
use super::objects::{BucketError, RetryingBucket};
use super::segment::LogSegment;
use super::summary;
use crate::apply::store::{Cursor, JournalLine, JournalScope};

/// The most objects to fetch at once.
const CONCURRENT_FETCHES: usize = 16;

/// Passes the lines behind a cursor to `take` and advances the cursor.
pub async fn read_journal(
    accounts: &Arc<AccountStates>,
    reading: JournalScope<'_>,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(JournalLine) + Send),
) -> Result<(), BucketError> {
    let objects = &accounts.objects;
    // List the ends of runs before the lines of accounts, so that the lines of an ended run are there; the starts are
    // listed after them.
    let ended = match reading {
        JournalScope::Everything => objects.list(&accounts.layout.runs_folder(), None).await?,
        JournalScope::Accounts(_) => Vec::new(),
    };
    let folders = list_folders(accounts, reading).await?;
    let mut ranges = find_ranges(accounts, &folders, cursor).await?;
    if ranges.iter().any(Range::is_replaced) {
        take(JournalLine::Reset);
        *cursor = Cursor::default();
        ranges = self::find_ranges(accounts, &folders, cursor).await?;
    }
    if matches!(reading, JournalScope::Accounts(_)) && !ranges.iter().any(Range::is_unleased) {
        for range in &mut ranges {
            range.start_behind_summary(accounts, cursor, take).await?;
        }
    }
    let fetches = (CONCURRENT_FETCHES / ranges.len().max(1)).max(2);
    let mut sources: Vec<LogSource> = ranges
        .into_iter()
        .map(|range| LogSource::new(objects, range, fetches))
        .collect();
    if matches!(reading, JournalScope::Everything) {
        let runs = read_runs(accounts, cursor, &ended).await?;
        sources.insert(0, runs);
    }
    let with_runs = matches!(reading, JournalScope::Accounts(_));
    let mut merge = LogMerge {
        sources,
        with_runs,
        cursor,
        take,
    };
    merge.run().await
}

/// Returns the folders of the accounts to read, each once.
async fn list_folders(
    accounts: &Arc<AccountStates>,
    reading: JournalScope<'_>,
) -> Result<BTreeSet<String>, BucketError> {
    match reading {
        JournalScope::Everything => {
            let folders = accounts
                .objects
                .folders(&accounts.layout.accounts_folder())
                .await?;
            Ok(folders.into_iter().collect())
        }
        JournalScope::Accounts(keys) => {
            let folders = keys.iter().map(layout::account_folder);
            Ok(folders.chain([UNLEASED.to_string()]).collect())
        }
    }
}

/// The objects of a log that are behind the cursor.
struct Range {
    folder: String,
    log: String,
    /// The number of the next object to read.
    from: u64,
    /// The numbers of the first and the last object that exist; `None` if there is none.
    found: Option<(u64, u64)>,
}

impl Range {
    /// Reports whether the object before the next one is gone: the log is not the one that was read before.
    fn is_replaced(&self) -> bool {
        self.from > 0 && self.found.is_none_or(|(first, _)| first >= self.from)
    }

    /// Reports whether the log has lines that were written without a lease.
    fn is_unleased(&self) -> bool {
        self.folder == UNLEASED && (self.from > 0 || self.found.is_some())
    }

    /// Passes the summary of an account that was not read before, if there is a valid one, and starts behind the
    /// objects that it covers.
    async fn start_behind_summary(
        &mut self,
        accounts: &AccountStates,
        cursor: &mut Cursor,
        take: &mut (dyn FnMut(JournalLine) + Send),
    ) -> Result<(), BucketError> {
        if self.from > 0 || self.found.is_none() {
            return Ok(());
        }
        let Some(summary) = summary::load_summary(accounts, &self.folder).await? else {
            return Ok(());
        };
        for record in summary.records {
            take(JournalLine::Record(Box::new(record)));
        }
        for number in summary.damaged.numbers() {
            take(JournalLine::Damaged(cursor.lines + number));
        }
        cursor.lines += summary.lines;
        cursor.positions.insert(self.folder.clone(), summary.next);
        cursor.unsummarized.insert(self.folder.clone(), 0);
        self.from = summary.next;
        Ok(())
    }

    /// Returns the numbers of the objects to fetch.
    fn numbers(&self) -> std::ops::Range<u64> {
        match self.found {
            Some((first, last)) => self.from.max(first)..last + 1,
            None => 0..0,
        }
    }
}

/// Finds the range of each log, many at once.
async fn find_ranges(
    accounts: &Arc<AccountStates>,
    folders: &BTreeSet<String>,
    cursor: &Cursor,
) -> Result<Vec<Range>, BucketError> {
    let mut ranges = Vec::new();
    for folder in folders {
        let from = cursor.positions.get(folder).copied().unwrap_or_default();
        ranges.push(find_range(accounts, folder, from).boxed());
    }
    stream::iter(ranges)
        .buffered(CONCURRENT_FETCHES)
        .try_collect()
        .await
}

/// Finds the objects of a log that are behind number `from`. A list made during an append may leave a number out; since
/// numbers have no gap, the first and the last one are enough.
async fn find_range(
    accounts: &Arc<AccountStates>,
    folder: &str,
    from: u64,
) -> Result<Range, BucketError> {
    let log = accounts.layout.log_folder(folder);
    let after = from
        .checked_sub(2)
        .map(|two| layout::numbered_path(&log, two));
    let paths = accounts.objects.list(&log, after.as_deref()).await?;
    let numbers: Vec<u64> = paths
        .iter()
        .filter_map(|path| layout::parse_number(path))
        .collect();
    let found = numbers.first().copied().zip(numbers.last().copied());
    Ok(Range {
        folder: folder.to_string(),
        log,
        from,
        found,
    })
}

/// An object of a log, to be passed on line by line.
struct FetchedSegment {
    /// The position of the cursor once all of it was passed on.
    key: String,
    next: u64,
    part: LogSegment,
}

/// A log that is being read.
struct LogSource {
    objects: BoxStream<'static, Result<FetchedSegment, BucketError>>,
    /// Fetched lines, and marks at the end of each object.
    ready: VecDeque<(Timestamp, ReadyItem)>,
    /// When the last of them was appended.
    at: Timestamp,
}

/// A line to pass on, or a mark that moves the cursor.
enum ReadyItem {
    Line {
        /// The account to count it for; `None` for a line about a run as a whole.
        key: Option<String>,
        line: Box<JournalLine>,
    },
    /// The end of an object: the cursor moves behind it.
    SegmentEnd { key: String, next: u64 },
}

impl LogSource {
    /// Starts to fetch the objects of a range, up to `fetches` at once.
    fn new(objects: &RetryingBucket, range: Range, fetches: usize) -> Self {
        let numbers = range.numbers();
        let (objects, log, key) = (objects.clone(), range.log, range.folder);
        let fetched = stream::iter(numbers).map(move |number| {
            let (objects, path, key) = (
                objects.clone(),
                layout::numbered_path(&log, number),
                key.clone(),
            );
            async move {
                let part = fetch_segment(&objects, &path).await?;
                Ok(FetchedSegment {
                    key,
                    next: number + 1,
                    part,
                })
            }
        });
        Self {
            objects: fetched.buffered(fetches).boxed(),
            ready: VecDeque::new(),
            at: Timestamp::MIN,
        }
    }

    /// Fetches objects until an item is ready. At the end of the log, none is ready.
    async fn fill(&mut self, with_runs: bool) -> Result<(), BucketError> {
        while self.ready.is_empty() {
            let Some(fetched) = self.objects.try_next().await? else {
                break;
            };
            self.enqueue_segment(fetched, with_runs);
        }
        Ok(())
    }

    /// Makes the lines of an object ready.
    fn enqueue_segment(&mut self, fetched: FetchedSegment, with_runs: bool) {
        let FetchedSegment { key, next, part } = fetched;
        if let Some(header) = &part.header {
            self.at = self.at.max(header.at);
        }
        let of_account = with_runs.then(|| key.clone());
        let mut lines = Vec::new();
        if with_runs {
            lines.extend(part.run_records().map(Some));
        }
        lines.extend(part.records());
        for record in lines {
            let line = record.map_or(JournalLine::Damaged(0), |record| {
                JournalLine::Record(Box::new(record))
            });
            let (key, line) = (of_account.clone(), Box::new(line));
            self.ready
                .push_back((self.at, ReadyItem::Line { key, line }));
        }
        self.ready
            .push_back((self.at, ReadyItem::SegmentEnd { key, next }));
    }
}

/// Fetches an object. One that is missing between two others counts as damaged.
async fn fetch_segment(objects: &RetryingBucket, path: &str) -> Result<LogSegment, BucketError> {
    match objects.get(path).await? {
        Some(object) => log::parse_segment(&object.body),
        None => Ok(LogSegment {
            header: None,
            lines: Vec::new(),
        }),
    }
}

/// Reads the records about runs as a whole, one or two of each run. `ended` lists the objects that existed before the
/// logs of accounts were listed; of newer ones only the start of a run is read.
async fn read_runs(
    accounts: &Arc<AccountStates>,
    cursor: &Cursor,
    ended: &[String],
) -> Result<LogSource, BucketError> {
    let ended: HashSet<&String> = ended.iter().collect();
    let mut paths = accounts
        .objects
        .list(&accounts.layout.runs_folder(), None)
        .await?;
    paths.retain(|path| ended.contains(path) || layout::parse_number(path) == Some(0));
    let mut fetches = Vec::new();
    for path in paths {
        let folders = path
            .rsplit_once('/')
            .and_then(|(folder, _)| folder.rsplit_once('/'));
        let (Some(number), Some((_, run))) = (layout::parse_number(&path), folders) else {
            continue;
        };
        let key = format!("runs/{run}");
        if number >= cursor.positions.get(&key).copied().unwrap_or_default() {
            fetches.push(fetch_run_segment(accounts, path, key, number).boxed());
        }
    }
    let fetched = stream::iter(fetches).buffered(CONCURRENT_FETCHES);
    let mut fetched: Vec<FetchedSegment> = fetched.try_collect().await?;
    fetched.sort_by_key(|one| one.part.header.as_ref().map(|header| header.at));
    let mut source = LogSource {
        objects: stream::empty().boxed(),
        ready: VecDeque::new(),
        at: Timestamp::MIN,
    };
    for one in fetched {
        source.enqueue_segment(one, false);
    }
    Ok(source)
}

/// Fetches one object of the log of a run.
async fn fetch_run_segment(
    accounts: &Arc<AccountStates>,
    path: String,
    key: String,
    number: u64,
) -> Result<FetchedSegment, BucketError> {
    let part = fetch_segment(&accounts.objects, &path).await?;
    let next = number + 1;
    Ok(FetchedSegment { key, next, part })
}

/// The merge of several logs into one journal.
struct LogMerge<'a> {
    sources: Vec<LogSource>,
    /// True if the copies of run records in the logs of accounts are passed, too.
    with_runs: bool,
    cursor: &'a mut Cursor,
    take: &'a mut (dyn FnMut(JournalLine) + Send),
}

impl LogMerge<'_> {
    /// Passes the earliest ready line again and again, until all logs are at their end.
    async fn run(&mut self) -> Result<(), BucketError> {
        let with_runs = self.with_runs;
        let mut fills = Vec::new();
        for source in &mut self.sources {
            fills.push(source.fill(with_runs).boxed());
        }
        let mut filled = stream::iter(fills).buffer_unordered(CONCURRENT_FETCHES);
        let mut ended = Ok(());
        while let Some(fill) = filled.next().await {
            ended = ended.and(fill);
        }
        drop(filled);
        while ended.is_ok() {
            let first = self
                .sources
                .iter_mut()
                .filter(|source| !source.ready.is_empty());
            let first = first.min_by_key(|source| source.ready.front().map(|(at, _)| *at));
            let Some(source) = first else {
                break;
            };
            if let Some((_, ready)) = source.ready.pop_front() {
                hand_over(ready, self.cursor, self.take);
            }
            ended = source.fill(with_runs).await;
        }
        // An object whose first lines were passed is passed whole, since the cursor cannot stand inside an object.
        if ended.is_err() {
            for source in &mut self.sources {
                for (_, ready) in source.ready.drain(..) {
                    hand_over(ready, self.cursor, self.take);
                }
            }
        }
        ended
    }
}

/// Passes an item to `take`, or moves the cursor behind an object.
fn hand_over(ready: ReadyItem, cursor: &mut Cursor, take: &mut (dyn FnMut(JournalLine) + Send)) {
    match ready {
        ReadyItem::SegmentEnd { key, next } => {
            cursor.positions.insert(key, next);
        }
        ReadyItem::Line { key, mut line } => {
            cursor.lines += 1;
            if let Some(key) = key {
                *cursor.unsummarized.entry(key).or_default() += 1;
            }
            if let JournalLine::Damaged(number) = &mut *line {
                *number = cursor.lines;
            }
            take(*line);
        }
    }
}
