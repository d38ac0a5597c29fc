//! Brings the logs back as one journal.
//!
//! The lines of an account come in the order of its log. Between accounts, and for what is said of runs as a whole, it
//! counts when they were appended; a time that is earlier than the one before it in the same log counts as that one, so
//! that a clock which was wrong cannot reorder a log.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::account::Accounts;
use super::layout::{self, UNLEASED};
use super::log;
use super::objects::{Fault, Patient};
use super::part::Part;
use super::summary;
use crate::apply::store::{Cursor, Line, Reading};

/// Objects that are fetched side by side.
const FETCHES: usize = 16;

/// Hands over the lines behind a cursor and moves it along.
pub async fn read(
    accounts: &Arc<Accounts>,
    reading: Reading<'_>,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(Line) + Send),
) -> Result<(), Fault> {
    let objects = &accounts.objects;
    // What a run says when it ends is looked for before its lines, so that these are there; what it says when it
    // starts is looked for after them.
    let ended = match reading {
        Reading::Everything => objects.list(&accounts.layout.runs(), None).await?,
        Reading::Accounts(_) => Vec::new(),
    };
    let folders = folders(accounts, reading).await?;
    let mut ranges = ranges(accounts, &folders, cursor).await?;
    if ranges.iter().any(Range::is_anew) {
        take(Line::Anew);
        *cursor = Cursor::default();
        ranges = self::ranges(accounts, &folders, cursor).await?;
    }
    if matches!(reading, Reading::Accounts(_)) && !ranges.iter().any(Range::is_unleased) {
        for range in &mut ranges {
            range.begin_behind(accounts, cursor, take).await?;
        }
    }
    let fetches = (FETCHES / ranges.len().max(1)).max(2);
    let mut sources: Vec<Source> = ranges
        .into_iter()
        .map(|range| Source::new(objects, range, fetches))
        .collect();
    if matches!(reading, Reading::Everything) {
        let runs = whole_runs(accounts, cursor, &ended).await?;
        sources.insert(0, runs);
    }
    let with_runs = matches!(reading, Reading::Accounts(_));
    let mut merge = Merge {
        sources,
        with_runs,
        cursor,
        take,
    };
    merge.run().await
}

/// Returns the folders of the accounts that are asked for, each once.
async fn folders(
    accounts: &Arc<Accounts>,
    reading: Reading<'_>,
) -> Result<BTreeSet<String>, Fault> {
    match reading {
        Reading::Everything => {
            let folders = accounts
                .objects
                .folders(&accounts.layout.accounts())
                .await?;
            Ok(folders.into_iter().collect())
        }
        Reading::Accounts(keys) => {
            let folders = keys.iter().map(layout::folder);
            Ok(folders.chain([UNLEASED.to_string()]).collect())
        }
    }
}

/// The objects of an account that are behind the cursor.
struct Range {
    folder: String,
    log: String,
    /// The number of the next object for the reader.
    from: u64,
    /// The numbers of the first and the last object that are there.
    there: Option<(u64, u64)>,
}

impl Range {
    /// Reports whether the object before the next one is gone: the log is another one than it was.
    fn is_anew(&self) -> bool {
        self.from > 0 && self.there.is_none_or(|(first, _)| first >= self.from)
    }

    /// Reports whether lines were written without a lease.
    fn is_unleased(&self) -> bool {
        self.folder == UNLEASED && (self.from > 0 || self.there.is_some())
    }

    /// Hands over the summary of an account that was not read before, if there is one that counts, and begins behind
    /// the objects that it stands for.
    async fn begin_behind(
        &mut self,
        accounts: &Accounts,
        cursor: &mut Cursor,
        take: &mut (dyn FnMut(Line) + Send),
    ) -> Result<(), Fault> {
        if self.from > 0 || self.there.is_none() {
            return Ok(());
        }
        let Some(kept) = summary::load(accounts, &self.folder).await? else {
            return Ok(());
        };
        for record in kept.records {
            take(Line::Record(Box::new(record)));
        }
        for number in kept.damaged.numbers() {
            take(Line::Damaged(cursor.lines + number));
        }
        cursor.lines += kept.lines;
        cursor.at.insert(self.folder.clone(), kept.next);
        cursor.unsummed.insert(self.folder.clone(), 0);
        self.from = kept.next;
        Ok(())
    }

    fn numbers(&self) -> std::ops::Range<u64> {
        match self.there {
            Some((first, last)) => self.from.max(first)..last + 1,
            None => 0..0,
        }
    }
}

async fn ranges(
    accounts: &Arc<Accounts>,
    folders: &BTreeSet<String>,
    cursor: &Cursor,
) -> Result<Vec<Range>, Fault> {
    let mut ranges = Vec::new();
    for folder in folders {
        let from = cursor.at.get(folder).copied().unwrap_or_default();
        ranges.push(range(accounts, folder, from).boxed());
    }
    stream::iter(ranges).buffered(FETCHES).try_collect().await
}

/// A list that is made while others append may leave a number out. Numbers have no gap, so the first and the last one
/// tell all.
async fn range(accounts: &Arc<Accounts>, folder: &str, from: u64) -> Result<Range, Fault> {
    let log = accounts.layout.log(folder);
    let after = from.checked_sub(2).map(|two| layout::numbered(&log, two));
    let paths = accounts.objects.list(&log, after.as_deref()).await?;
    let numbers: Vec<u64> = paths
        .iter()
        .filter_map(|path| layout::number(path))
        .collect();
    let there = numbers.first().copied().zip(numbers.last().copied());
    Ok(Range {
        folder: folder.to_string(),
        log,
        from,
        there,
    })
}

/// An object of a log, to be handed over line by line.
struct Fetched {
    /// Where the reader is once all of it was handed over.
    key: String,
    next: u64,
    part: Part,
}

/// A log that is being read.
struct Source {
    objects: BoxStream<'static, Result<Fetched, Fault>>,
    /// Lines that are ready, and what moves the cursor.
    ready: VecDeque<(Timestamp, Ready)>,
    /// When the last of them was appended.
    at: Timestamp,
}

enum Ready {
    Line {
        /// The account that it is read for, if it is.
        key: Option<String>,
        line: Box<Line>,
    },
    /// All of an object was handed over.
    Read { key: String, next: u64 },
}

impl Source {
    fn new(objects: &Patient, range: Range, fetches: usize) -> Self {
        let numbers = range.numbers();
        let (objects, log, key) = (objects.clone(), range.log, range.folder);
        let fetched = stream::iter(numbers).map(move |number| {
            let (objects, path, key) =
                (objects.clone(), layout::numbered(&log, number), key.clone());
            async move {
                let part = fetch(&objects, &path).await?;
                Ok(Fetched {
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

    /// Fetches until a line is ready; nothing is ready at the end.
    async fn fill(&mut self, with_runs: bool) -> Result<(), Fault> {
        while self.ready.is_empty() {
            let Some(fetched) = self.objects.try_next().await? else {
                break;
            };
            self.take_in(fetched, with_runs);
        }
        Ok(())
    }

    fn take_in(&mut self, fetched: Fetched, with_runs: bool) {
        let Fetched { key, next, part } = fetched;
        if let Some(header) = &part.header {
            self.at = self.at.max(header.at);
        }
        let of_account = with_runs.then(|| key.clone());
        let mut lines = Vec::new();
        if with_runs {
            lines.extend(part.of_runs().map(Some));
        }
        lines.extend(part.records());
        for record in lines {
            let line = record.map_or(Line::Damaged(0), |record| Line::Record(Box::new(record)));
            let (key, line) = (of_account.clone(), Box::new(line));
            self.ready.push_back((self.at, Ready::Line { key, line }));
        }
        self.ready.push_back((self.at, Ready::Read { key, next }));
    }
}

/// An object that is gone between two that are there is damage.
async fn fetch(objects: &Patient, path: &str) -> Result<Part, Fault> {
    match objects.get(path).await? {
        Some(object) => log::parse(&object.body),
        None => Ok(Part {
            header: None,
            lines: Vec::new(),
        }),
    }
}

/// What is said of runs as a whole, all of it: a line or two of each. `ended` are the objects that were there before
/// the logs of accounts were looked at; of those that came since, only how a run started.
async fn whole_runs(
    accounts: &Arc<Accounts>,
    cursor: &Cursor,
    ended: &[String],
) -> Result<Source, Fault> {
    let ended: HashSet<&String> = ended.iter().collect();
    let mut paths = accounts.objects.list(&accounts.layout.runs(), None).await?;
    paths.retain(|path| ended.contains(path) || layout::number(path) == Some(0));
    let mut fetches = Vec::new();
    for path in paths {
        let place = path
            .rsplit_once('/')
            .and_then(|(folder, _)| folder.rsplit_once('/'));
        let (Some(number), Some((_, run))) = (layout::number(&path), place) else {
            continue;
        };
        let key = format!("runs/{run}");
        if number >= cursor.at.get(&key).copied().unwrap_or_default() {
            fetches.push(fetch_whole_run(accounts, path, key, number).boxed());
        }
    }
    let fetched = stream::iter(fetches).buffered(FETCHES);
    let mut fetched: Vec<Fetched> = fetched.try_collect().await?;
    fetched.sort_by_key(|one| one.part.header.as_ref().map(|header| header.at));
    let mut source = Source {
        objects: stream::empty().boxed(),
        ready: VecDeque::new(),
        at: Timestamp::MIN,
    };
    for one in fetched {
        source.take_in(one, false);
    }
    Ok(source)
}

async fn fetch_whole_run(
    accounts: &Arc<Accounts>,
    path: String,
    key: String,
    number: u64,
) -> Result<Fetched, Fault> {
    let part = fetch(&accounts.objects, &path).await?;
    let next = number + 1;
    Ok(Fetched { key, next, part })
}

/// Logs that become one journal.
struct Merge<'a> {
    sources: Vec<Source>,
    /// Whether the copies of what runs said of themselves are wanted.
    with_runs: bool,
    cursor: &'a mut Cursor,
    take: &'a mut (dyn FnMut(Line) + Send),
}

impl Merge<'_> {
    async fn run(&mut self) -> Result<(), Fault> {
        let with_runs = self.with_runs;
        let mut fills = Vec::new();
        for source in &mut self.sources {
            fills.push(source.fill(with_runs).boxed());
        }
        let mut filled = stream::iter(fills).buffer_unordered(FETCHES);
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
        // An object of which some lines were handed over is handed over whole: the cursor stands between objects.
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

fn hand_over(ready: Ready, cursor: &mut Cursor, take: &mut (dyn FnMut(Line) + Send)) {
    match ready {
        Ready::Read { key, next } => {
            cursor.at.insert(key, next);
        }
        Ready::Line { key, mut line } => {
            cursor.lines += 1;
            if let Some(key) = key {
                *cursor.unsummed.entry(key).or_default() += 1;
            }
            if let Line::Damaged(number) = &mut *line {
                *number = cursor.lines;
            }
            take(*line);
        }
    }
}
