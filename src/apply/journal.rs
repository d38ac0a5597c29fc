//! What was done, by whom, and what was about to be done when the program was killed.
//!
//! One JSON line per fact, each ending in a checksum, each on disk before the next thing happens. A
//! write's intent stands before the write, its outcome behind it: an intent without an outcome is a write
//! of which nobody knows whether it was carried out, and the next run says so. Other programs may read
//! the file while it grows (`tail`, `jq`); nothing in it is secret.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::outcome::Outcome;
use crate::model::{Ids, Method};
use crate::plan::document::ChangeEntry;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub at: String,
    /// The run it belongs to.
    pub run: String,
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A run is about to write.
    Started(Started),
    /// A write is about to be sent.
    Intent(Box<Intent>),
    /// A write, or the decision not to send it, has ended.
    Outcome(Ended),
    /// What a later run found of a write whose end nobody recorded.
    Found {
        address: String,
        of_run: String,
        found: String,
    },
    /// Live was as the manifest wants it.
    Agreed(Box<Agreed>),
    /// The run has ended by itself.
    Finished { interrupted: bool },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Who ran it: the actor of the CI system, or the user.
    pub by: String,
    pub commit: Option<String>,
    /// Digest of the plan.
    pub plan: String,
    pub objects: usize,
    /// Whether the writes went to the built-in simulators.
    pub sandbox: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub address: String,
    pub vendor: String,
    pub connection: String,
    /// Where the connection led.
    pub base_url: String,
    pub identity: Ids,
    pub method: Method,
    pub path: String,
    /// Managed fields with their values before and after.
    pub changes: Vec<ChangeEntry>,
    /// Fields that every write must carry and no read returns.
    pub unread: BTreeMap<String, Json>,
    /// Every managed field as the manifest wants it: what later drift is told by.
    #[serde(default)]
    pub managed: BTreeMap<String, Json>,
    /// The epoch of the lock under which it was sent; nothing where there was no lock, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    pub address: String,
    pub outcome: Outcome,
    /// The vendor's answer, or what failed.
    pub message: Option<String>,
    pub side_effects: Vec<String>,
}

/// What manifest and live agreed on. Not a write: it is what later drift is told by and healed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreed {
    pub address: String,
    pub vendor: String,
    pub connection: String,
    pub base_url: String,
    pub identity: Ids,
    /// Every managed field as the manifest wants it.
    pub managed: BTreeMap<String, Json>,
    /// Fields that every write must carry and no read returns.
    #[serde(default)]
    pub unread: BTreeMap<String, Json>,
    /// What the policy ignored and which lists it left open: there nobody agreed on anything.
    #[serde(default)]
    pub spared: Vec<String>,
    #[serde(default)]
    pub commit: Option<String>,
    #[serde(default)]
    pub sandbox: bool,
}

/// A journal open for writing.
pub struct Journal {
    file: Mutex<File>,
    path: PathBuf,
}

impl Journal {
    /// Opens or creates the file. A torn last line is ended, so that the next one stands by itself.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        if length > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(Self {
            file: Mutex::new(file),
            path: path.to_path_buf(),
        })
    }

    /// Writes a line and waits until it is on disk.
    pub fn append(&self, record: &Record) -> io::Result<()> {
        self.append_all(std::slice::from_ref(record))
    }

    /// Writes lines as they come and waits once until all are on disk.
    pub fn append_all(&self, records: impl IntoIterator<Item: Borrow<Record>>) -> io::Result<()> {
        let mut records = records.into_iter().peekable();
        if records.peek().is_none() {
            return Ok(());
        }
        // Nothing panics while the lock is held, and a file does not break with its lock.
        let mut file = self
            .file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut lines = String::new();
        for record in records {
            lines += &encode(record.borrow())?;
            if lines.len() >= CHUNK {
                file.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        file.write_all(lines.as_bytes())?;
        file.sync_data()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Bytes that are written at once: ten thousand lines need not be in memory together.
const CHUNK: usize = 64 << 10;

const SUM: &str = ",\"sum\":\"";

fn encode(record: &Record) -> io::Result<String> {
    let json = serde_json::to_string(record)?;
    let body = json.strip_suffix('}').unwrap_or(&json);
    Ok(format!("{body}{SUM}{}\"}}\n", sum(body)))
}

/// Sixteen hex digits tell damage from a line that was written; they defend against nobody.
fn sum(body: &str) -> String {
    Sha256::digest(body.as_bytes())[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// One line, if it is whole.
pub fn decode(line: &str) -> Option<Record> {
    let (body, rest) = line.rsplit_once(SUM)?;
    if rest.strip_suffix("\"}") != Some(sum(body).as_str()) {
        return None;
    }
    serde_json::from_str(&format!("{body}}}")).ok()
}

/// Hands over the lines of a journal from the offset `at` on, one at a time, and moves it along. A line that is not
/// whole is nothing; a last one without an end may still be being written and is left for later. A journal that is
/// not there is empty.
pub fn each(path: &Path, at: &mut u64, take: &mut dyn FnMut(Option<Record>)) -> io::Result<()> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            *at = 0;
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    file.seek(io::SeekFrom::Start(*at))?;
    lines(BufReader::new(file), at, take)
}

fn lines(
    mut text: impl BufRead,
    at: &mut u64,
    take: &mut dyn FnMut(Option<Record>),
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = text.read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\n") else {
            return Ok(());
        };
        *at += length as u64;
        if !line.is_empty() {
            take(std::str::from_utf8(line).ok().and_then(decode));
        }
    }
}

/// Adds an intent to those that are open, or takes away one that a record closes.
pub fn follow(open: &mut Vec<OpenIntent>, record: &Record) {
    let mut close = |run: &str, address: &str| {
        open.retain(|o| (o.run.as_str(), o.intent.address.as_str()) != (run, address));
    };
    match &record.event {
        Event::Intent(intent) => {
            close(&record.run, &intent.address);
            open.push(OpenIntent {
                run: record.run.clone(),
                at: record.at.clone(),
                intent: (**intent).clone(),
            });
        }
        Event::Outcome(ended) => close(&record.run, &ended.address),
        Event::Found {
            address, of_run, ..
        } => close(of_run, address),
        Event::Started(_) | Event::Agreed(_) | Event::Finished { .. } => {}
    }
}

/// Everything a journal holds.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub records: Vec<Record>,
    /// Numbers of lines that are not whole.
    pub damaged: Vec<usize>,
}

/// A write whose end nobody recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    pub run: String,
    pub at: String,
    pub intent: Intent,
}

impl History {
    /// Reads a journal; one that is not there is empty.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut history = Self::default();
        each(path, &mut 0, &mut |record| history.take(record))?;
        Ok(history)
    }

    /// The same for a text.
    pub fn parse(text: &str) -> Self {
        let mut history = Self::default();
        // Bytes that are in memory can always be read.
        let _ = lines(text.as_bytes(), &mut 0, &mut |record| history.take(record));
        history
    }

    fn take(&mut self, record: Option<Record>) {
        let number = self.records.len() + self.damaged.len() + 1;
        match record {
            Some(record) => self.records.push(record),
            None => self.damaged.push(number),
        }
    }

    /// Intents that have no outcome and that no later run has looked into.
    pub fn open_intents(&self) -> Vec<OpenIntent> {
        let mut open = Vec::new();
        self.records
            .iter()
            .for_each(|record| follow(&mut open, record));
        open
    }

    /// Intents of runs that had lost their lock by then: another run had written to the same account under a
    /// higher epoch since they started. By run and address.
    pub fn overtaken(&self) -> BTreeSet<(&str, &str)> {
        let mut started: BTreeMap<&str, usize> = BTreeMap::new();
        let mut written: BTreeMap<(&str, &str), Vec<(usize, u64)>> = BTreeMap::new();
        let mut overtaken = BTreeSet::new();
        for (at, record) in self.records.iter().enumerate() {
            let start = *started.entry(&record.run).or_insert(at);
            let Event::Intent(intent) = &record.event else {
                continue;
            };
            let Some(epoch) = intent.epoch else { continue };
            let others = written
                .entry((&intent.vendor, &intent.base_url))
                .or_default();
            // An epoch that is higher but older is of a lock that was kept elsewhere.
            let since = others.iter().rev().take_while(|(at, _)| *at > start);
            if since.into_iter().any(|(_, other)| *other > epoch) {
                overtaken.insert((record.run.as_str(), intent.address.as_str()));
            }
            others.push((at, epoch));
        }
        overtaken
    }

    /// The runs in the order in which they started.
    pub fn runs(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.records
            .iter()
            .map(|record| record.run.as_str())
            .filter(|run| seen.insert(*run))
            .collect()
    }

    /// The records of one run.
    pub fn of<'a>(&'a self, run: &'a str) -> impl Iterator<Item = &'a Record> {
        self.records.iter().filter(move |record| record.run == run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(run: &str, event: Event) -> Record {
        Record {
            at: "2026-11-21T12:00:00Z".into(),
            run: run.into(),
            event,
        }
    }

    fn intent(address: &str) -> Event {
        Event::Intent(Box::new(Intent {
            address: address.into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            base_url: "https://lac.example.com/".into(),
            identity: Default::default(),
            method: Method::Patch,
            path: "/license-orders/X".into(),
            changes: Vec::new(),
            unread: BTreeMap::new(),
            managed: BTreeMap::new(),
            epoch: None,
        }))
    }

    /// An intent under a lock of this epoch.
    fn under(address: &str, epoch: u64) -> Event {
        let Event::Intent(mut intent) = intent(address) else {
            unreachable!("an intent is one");
        };
        intent.epoch = Some(epoch);
        Event::Intent(intent)
    }

    fn ended(address: &str) -> Event {
        Event::Outcome(Ended {
            address: address.into(),
            outcome: Outcome::Converged,
            message: None,
            side_effects: Vec::new(),
        })
    }

    #[test]
    fn a_torn_line_costs_itself_and_the_next_stands_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/journal.jsonl");
        Journal::open(&path)
            .unwrap()
            .append(&record("1", intent("a")))
            .unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"at\":\"2026").unwrap();
        Journal::open(&path)
            .unwrap()
            .append(&record("2", intent("b")))
            .unwrap();
        let history = History::read(&path).unwrap();
        assert_eq!(history.runs(), ["1", "2"]);
        assert_eq!(history.damaged, [2]);
    }

    #[test]
    fn every_cut_of_a_journal_is_read() {
        let lines: String = [intent("a"), ended("a"), intent("ü")]
            .into_iter()
            .map(|e| encode(&record("1", e)).unwrap())
            .collect();
        for end in 0..=lines.len() {
            let cut = String::from_utf8_lossy(&lines.as_bytes()[..end]);
            let history = History::parse(&cut);
            // What has no end yet may still be being written.
            assert_eq!(history.records.len(), cut.matches('\n').count());
            assert!(history.damaged.is_empty());
        }
    }

    #[test]
    fn an_intent_without_an_outcome_is_open_until_a_run_looked_into_it() {
        let mut history = History {
            records: vec![
                record("1", intent("a")),
                record("1", intent("b")),
                record("1", ended("a")),
            ],
            damaged: Vec::new(),
        };
        let open = history.open_intents();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].intent.address, "b");
        let found = Event::Found {
            address: "b".into(),
            of_run: "1".into(),
            found: "carried out".into(),
        };
        history.records.push(record("2", found));
        assert!(history.open_intents().is_empty());
    }

    #[test]
    fn a_run_that_wrote_after_it_had_lost_its_lock_is_told() {
        let history = |events: Vec<(&str, Event)>| History {
            records: events.into_iter().map(|(run, e)| record(run, e)).collect(),
            damaged: Vec::new(),
        };
        let overtaken = history(vec![
            ("1", under("a", 7)),
            ("2", under("a", 8)),
            ("1", under("b", 7)),
            ("2", under("c", 8)),
        ]);
        assert_eq!(overtaken.overtaken(), [("1", "b")].into());
        // Locks that begin anew elsewhere, and journals that know of none, are no reason.
        let anew = history(vec![
            ("1", under("a", 7)),
            ("2", under("a", 1)),
            ("3", intent("a")),
            ("3", under("b", 2)),
        ]);
        assert_eq!(anew.overtaken(), [].into());
    }

    #[test]
    fn journals_of_before_epochs_are_read_and_written_alike() {
        let line = encode(&record("1", intent("a"))).unwrap();
        assert!(!line.contains("epoch"), "{line}");
        assert_eq!(decode(line.trim_end()), Some(record("1", intent("a"))));
        let line = encode(&record("1", under("a", 7))).unwrap();
        assert!(line.contains("\"epoch\":7"), "{line}");
        assert_eq!(decode(line.trim_end()), Some(record("1", under("a", 7))));
    }
}
