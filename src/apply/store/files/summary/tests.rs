use std::fs;

use futures::FutureExt;

use super::super::FileStore;
use super::*;
use crate::apply::journal::{Journal, JournalEvent};
use crate::apply::memory::testing::{agreed, agreement, record};

/// A journal of some agreements, with its summary.
struct TestJournal {
    dir: tempfile::TempDir,
    journal: PathBuf,
}

impl TestJournal {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.jsonl");
        let test = Self { dir, journal };
        test.append("1", 10);
        test.append("2", 12);
        test.summarize().unwrap();
        test
    }

    fn append(&self, run: &str, seats: i64) {
        let event = agreement(agreed(&[("activations_allowed", seats.into())]));
        let journal = Journal::open(&self.journal).unwrap();
        journal.append(&record(run, event)).unwrap();
    }

    fn summarize(&self) -> io::Result<()> {
        self.summarize_through(&LinkPolicy::Follow)
    }

    fn summarize_through(&self, links: &LinkPolicy) -> io::Result<()> {
        write_summary(&self.journal, &self.summary(), links)
    }

    fn summary(&self) -> JournalSummary {
        let files = FileStore::for_reading(&self.journal, self.dir.path());
        let read = JournalSummary::read(&files, &[], "now").now_or_never();
        read.unwrap().unwrap()
    }

    /// All of the journal.
    fn covered(&self) -> CoveredPrefix {
        let text = fs::read_to_string(&self.journal).unwrap();
        CoveredPrefix {
            bytes: text.len() as u64,
            lines: text.lines().count() as u64,
            damaged: Damaged::default(),
        }
    }

    /// How much is covered, and by how many records.
    fn read(&self) -> Option<(u64, usize)> {
        let mut journal = File::open(&self.journal).unwrap();
        let summary = FileSummary::open(&self.journal, &mut journal)?;
        let (lines, mut count) = (summary.covered.lines, 0);
        summary.for_each_record(&mut |_| count += 1).unwrap();
        Some((lines, count))
    }
}

#[test]
fn a_summary_says_which_lines_it_stands_for() {
    let test = TestJournal::new();
    assert_eq!(test.read(), Some((2, 1)));
    test.append("3", 13);
    // It is still of the first lines.
    assert_eq!(test.read(), Some((2, 1)));
    test.summarize().unwrap();
    assert_eq!(test.read(), Some((3, 1)));
    let names = fs::read_dir(test.dir.path()).unwrap().flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_summary_that_is_torn_or_damaged_anywhere_counts_for_nothing() {
    let test = TestJournal::new();
    let path = summary_path(&test.journal);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(test.read(), None, "cut at {at}");
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(test.read(), None, "damaged at {at}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(test.read(), Some((2, 1)));
    fs::write(&path, [whole.as_slice(), b"more\n"].concat()).unwrap();
    assert_eq!(test.read(), None);
    fs::remove_file(&path).unwrap();
    assert_eq!(test.read(), None);
    fs::create_dir(&path).unwrap();
    assert_eq!(test.read(), None);
    assert!(test.summarize().is_err());
}

#[test]
fn the_summary_of_another_journal_counts_for_nothing() {
    let test = TestJournal::new();
    let written = fs::read_to_string(&test.journal).unwrap();
    let read = |text: &str| {
        fs::write(&test.journal, text).unwrap();
        test.read()
    };
    let (first, second) = written.split_once('\n').unwrap();
    // Restored as it was before, begun anew, with its first lines cut off, and gone on otherwise.
    assert_eq!(read(&format!("{first}\n")), None);
    assert_eq!(read(""), None);
    assert_eq!(read(second), None);
    assert_eq!(read(&format!("{second}{second}{second}")), None);
    let otherwise = written.replace("\"run\":\"2\"", "\"run\":\"3\"");
    assert_eq!(otherwise.len(), written.len());
    assert_eq!(read(&otherwise), None);
    assert_eq!(read(&written), Some((2, 1)));
}

#[test]
fn the_summary_of_another_version_counts_for_nothing() {
    let test = TestJournal::new();
    let path = summary_path(&test.journal);
    let written = fs::read_to_string(&path).unwrap();
    let body = &written[..written.len() - CHECKSUM_LINE_BYTES as usize];
    let layout = JournalSummary::layout();
    for (was, is) in [
        ("summary 2", "summary 3"),
        (env!("CARGO_PKG_VERSION"), "0.0.9"),
        (layout.as_str(), "another"),
    ] {
        assert!(body.contains(was), "{body}");
        let other = body.replacen(was, is, 1);
        let sealed = other.clone() + &checksum_line(Sha256::new_with_prefix(&other));
        fs::write(&path, sealed).unwrap();
        assert_eq!(test.read(), None, "{is}");
    }
    let sealed = body.to_string() + &checksum_line(Sha256::new_with_prefix(body));
    fs::write(&path, sealed).unwrap();
    assert_eq!(test.read(), Some((2, 1)));
}

#[test]
fn until_a_summary_is_complete_the_one_before_stands() {
    let test = TestJournal::new();
    test.append("3", 13);
    let summary = test.summary();
    // Another one is written meanwhile, and then this one, which is right as well.
    let records = summary.records(SummaryForm::Plain).inspect(|_| {
        assert_eq!(test.read(), Some((2, 1)));
        test.append("4", 14);
        test.summarize().unwrap();
        assert_eq!(test.read(), Some((4, 1)));
    });
    let covered = test.covered();
    write_records(&test.journal, covered, records, &LinkPolicy::Follow).unwrap();
    assert_eq!(test.read(), Some((3, 1)));
}

#[test]
fn lines_that_are_not_whole_keep_their_numbers() {
    let test = TestJournal::new();
    let mut damaged = Damaged::default();
    (2..9).for_each(|line| damaged.add(line));
    let covered = CoveredPrefix {
        damaged,
        ..test.covered()
    };
    let none = std::iter::empty::<Record>();
    write_records(&test.journal, covered.clone(), none, &LinkPolicy::Follow).unwrap();
    let mut journal = File::open(&test.journal).unwrap();
    let summary = FileSummary::open(&test.journal, &mut journal).unwrap();
    assert_eq!(summary.covered, covered);
}

#[test]
fn a_summary_begins_with_what_it_covers() {
    let test = TestJournal::new();
    let text = fs::read_to_string(summary_path(&test.journal)).unwrap();
    let header = text.lines().next().unwrap();
    let header: serde_json::Value = serde_json::from_str(header).unwrap();
    let names: Vec<&String> = header.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["summary", "layout", "bytes", "lines", "damaged", "end"]
    );
    let record: Record = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert!(matches!(record.event, JournalEvent::Known(_)));
    assert_eq!(
        text.lines().last().unwrap().len() as u64 + 1,
        CHECKSUM_LINE_BYTES
    );
}

#[cfg(unix)]
#[test]
fn a_summary_is_for_whoever_may_use_the_journal_and_follows_no_link_of_a_checkout() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let test = TestJournal::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let summary = summary_path(&test.journal);
    assert_eq!(mode(&summary), 0o600);
    fs::set_permissions(&test.journal, fs::Permissions::from_mode(0o660)).unwrap();
    test.summarize().unwrap();
    assert_eq!(mode(&summary), 0o660);
    fs::remove_file(&summary).unwrap();
    symlink("elsewhere", &summary).unwrap();
    let links = LinkPolicy::refuse_below(test.dir.path());
    assert!(test.summarize_through(&links).is_err());
    assert!(!test.dir.path().join("elsewhere").exists());
}
