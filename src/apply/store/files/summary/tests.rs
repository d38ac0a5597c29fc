use std::fs;

use futures::FutureExt;

use super::super::Files;
use super::*;
use crate::apply::journal::{Event, Journal};
use crate::apply::memory::testing::{agreed, agreement, record};

/// A journal of some agreements, with its summary.
struct Place {
    dir: tempfile::TempDir,
    journal: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.jsonl");
        let place = Self { dir, journal };
        place.append("1", 10);
        place.append("2", 12);
        place.summarize().unwrap();
        place
    }

    fn append(&self, run: &str, seats: i64) {
        let event = agreement(agreed(&[("activations_allowed", seats.into())]));
        let journal = Journal::open(&self.journal).unwrap();
        journal.append(&record(run, event)).unwrap();
    }

    fn summarize(&self) -> io::Result<()> {
        self.summarize_through(&Links::Followed)
    }

    fn summarize_through(&self, links: &Links) -> io::Result<()> {
        write(&self.journal, &self.summary(), links)
    }

    fn summary(&self) -> Summary {
        let files = Files::for_reading(&self.journal, self.dir.path());
        let read = Summary::read(&files, &[], "now").now_or_never();
        read.unwrap().unwrap()
    }

    /// All of the journal.
    fn covered(&self) -> Covered {
        let text = fs::read_to_string(&self.journal).unwrap();
        Covered {
            bytes: text.len() as u64,
            lines: text.lines().count() as u64,
            damaged: Damaged::default(),
        }
    }

    /// How much is covered, and by how many records.
    fn read(&self) -> Option<(u64, usize)> {
        let mut journal = File::open(&self.journal).unwrap();
        let summary = Kept::open(&self.journal, &mut journal)?;
        let (lines, mut count) = (summary.covered.lines, 0);
        summary.each(&mut |_| count += 1).unwrap();
        Some((lines, count))
    }
}

#[test]
fn a_summary_says_which_lines_it_stands_for() {
    let place = Place::new();
    assert_eq!(place.read(), Some((2, 1)));
    place.append("3", 13);
    // It is still of the first lines.
    assert_eq!(place.read(), Some((2, 1)));
    place.summarize().unwrap();
    assert_eq!(place.read(), Some((3, 1)));
    let names = fs::read_dir(place.dir.path()).unwrap().flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_summary_that_is_torn_or_damaged_anywhere_counts_for_nothing() {
    let place = Place::new();
    let path = path(&place.journal);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(place.read(), None, "cut at {at}");
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(place.read(), None, "damaged at {at}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(place.read(), Some((2, 1)));
    fs::write(&path, [whole.as_slice(), b"more\n"].concat()).unwrap();
    assert_eq!(place.read(), None);
    fs::remove_file(&path).unwrap();
    assert_eq!(place.read(), None);
    fs::create_dir(&path).unwrap();
    assert_eq!(place.read(), None);
    assert!(place.summarize().is_err());
}

#[test]
fn the_summary_of_another_journal_counts_for_nothing() {
    let place = Place::new();
    let own = fs::read_to_string(&place.journal).unwrap();
    let read = |text: &str| {
        fs::write(&place.journal, text).unwrap();
        place.read()
    };
    let (first, second) = own.split_once('\n').unwrap();
    // Restored as it was before, begun anew, with its first lines cut off, and gone on otherwise.
    assert_eq!(read(&format!("{first}\n")), None);
    assert_eq!(read(""), None);
    assert_eq!(read(second), None);
    assert_eq!(read(&format!("{second}{second}{second}")), None);
    let otherwise = own.replace("\"run\":\"2\"", "\"run\":\"3\"");
    assert_eq!(otherwise.len(), own.len());
    assert_eq!(read(&otherwise), None);
    assert_eq!(read(&own), Some((2, 1)));
}

#[test]
fn the_summary_of_another_version_counts_for_nothing() {
    let place = Place::new();
    let path = path(&place.journal);
    let own = fs::read_to_string(&path).unwrap();
    let body = &own[..own.len() - SEAL as usize];
    let layout = Summary::layout();
    for (was, is) in [
        ("summary 1", "summary 2"),
        (env!("CARGO_PKG_VERSION"), "0.0.9"),
        (layout.as_str(), "another"),
    ] {
        assert!(body.contains(was), "{body}");
        let other = body.replacen(was, is, 1);
        let sealed = other.clone() + &seal(Sha256::new_with_prefix(&other));
        fs::write(&path, sealed).unwrap();
        assert_eq!(place.read(), None, "{is}");
    }
    let sealed = body.to_string() + &seal(Sha256::new_with_prefix(body));
    fs::write(&path, sealed).unwrap();
    assert_eq!(place.read(), Some((2, 1)));
}

#[test]
fn until_a_summary_is_complete_the_one_before_stands() {
    let place = Place::new();
    place.append("3", 13);
    let summary = place.summary();
    // Another one is written meanwhile, and then this one, which is right as well.
    let records = summary.records(Form::Plain).inspect(|_| {
        assert_eq!(place.read(), Some((2, 1)));
        place.append("4", 14);
        place.summarize().unwrap();
        assert_eq!(place.read(), Some((4, 1)));
    });
    let covered = place.covered();
    write_records(&place.journal, covered, records, &Links::Followed).unwrap();
    assert_eq!(place.read(), Some((3, 1)));
}

#[test]
fn lines_that_are_not_whole_keep_their_numbers() {
    let place = Place::new();
    let mut damaged = Damaged::default();
    (2..9).for_each(|line| damaged.add(line));
    let covered = Covered {
        damaged,
        ..place.covered()
    };
    let none = std::iter::empty::<Record>();
    write_records(&place.journal, covered.clone(), none, &Links::Followed).unwrap();
    let mut journal = File::open(&place.journal).unwrap();
    let summary = Kept::open(&place.journal, &mut journal).unwrap();
    assert_eq!(summary.covered, covered);
}

#[test]
fn a_summary_begins_with_what_it_covers() {
    let place = Place::new();
    let text = fs::read_to_string(path(&place.journal)).unwrap();
    let header = text.lines().next().unwrap();
    let header: serde_json::Value = serde_json::from_str(header).unwrap();
    let names: Vec<&String> = header.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["summary", "layout", "bytes", "lines", "damaged", "end"]
    );
    let record: Record = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert!(matches!(record.event, Event::Known(_)));
    assert_eq!(text.lines().last().unwrap().len() as u64 + 1, SEAL);
}

#[cfg(unix)]
#[test]
fn a_summary_is_for_whoever_may_use_the_journal_and_follows_no_link_of_a_checkout() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let summary = path(&place.journal);
    assert_eq!(mode(&summary), 0o600);
    fs::set_permissions(&place.journal, fs::Permissions::from_mode(0o660)).unwrap();
    place.summarize().unwrap();
    assert_eq!(mode(&summary), 0o660);
    fs::remove_file(&summary).unwrap();
    symlink("elsewhere", &summary).unwrap();
    let links = Links::refused_below(place.dir.path());
    assert!(place.summarize_through(&links).is_err());
    assert!(!place.dir.path().join("elsewhere").exists());
}
