//! Renders the journal for people: one block per run, one line per object.
//!
//! A journal is read twice: once for the [`Index`], and once to be shown. The second time only the text of runs
//! that overlap is in memory: that of a later run waits until the earlier one has ended. Which records there
//! are, and what a cut-off write turned out to be, is decided in `apply::memory`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::safe::make_visible;
use super::values::format_inline;
use crate::apply::journal::{Intent, JournalEvent, Purpose, Record, Started};
pub use crate::apply::memory::runs::is_news;
use crate::apply::memory::runs::{Index, Span};
use crate::plan::document::ChangeEntry;
use crate::plan::look_alike;

/// Returns the address of the object that an event is about; `None` for events about the run.
pub fn event_address(event: &JournalEvent) -> Option<&str> {
    match event {
        JournalEvent::Intent(intent) => Some(&intent.address),
        JournalEvent::Outcome(ended) => Some(&ended.address),
        JournalEvent::Found { address, .. } => Some(address),
        JournalEvent::Agreed(agreed) => Some(&agreed.address),
        JournalEvent::GaveUp(gave_up) => Some(&gave_up.address),
        JournalEvent::Started(_) | JournalEvent::Known(_) | JournalEvent::Finished { .. } => None,
    }
}

/// Writes the runs in the order in which they started, as their records come.
///
/// Example: runs A and B write the records A1 B1 A2 B2, and A2 is the last of A. A1 is written at once, B1
/// waits, A2 is written and ends A, and then B1 and B2 follow. The reader sees two blocks and not four.
pub struct HistoryWriter<'a> {
    out: &'a mut (dyn Write + Send),
    index: &'a Index,
    /// Runs that are not written to their end, by the number of their first record.
    shown: BTreeMap<usize, RunBlock>,
    /// Number of records so far, and so the number of the next one.
    records: usize,
    /// Set once a run was written; later ones begin with an empty line.
    any: bool,
}

impl<'a> HistoryWriter<'a> {
    /// Begins a history. `index` must have been made from the records that are going to be added.
    pub fn new(out: &'a mut (dyn Write + Send), index: &'a Index) -> Self {
        Self {
            out,
            index,
            shown: BTreeMap::new(),
            records: 0,
            any: false,
        }
    }

    /// Takes in the next record, and writes what can be written by now. Runs without news are passed over.
    pub fn add(&mut self, record: &Record) -> io::Result<()> {
        let (index, position) = (self.index, self.records);
        self.records += 1;
        // What was added meanwhile belongs to runs whose end is not known.
        let span = index.span(&record.run).filter(|span| position <= span.last);
        let Some(span) = span.filter(|span| span.news) else {
            return Ok(());
        };
        let run = self.shown.entry(span.first).or_default();
        run.add(record, span, index)?;
        if position == span.last {
            run.end(&record.run, span, index)?;
        }
        self.write()
    }

    /// Writes what is known of the first run that has not ended, and of all before it.
    fn write(&mut self) -> io::Result<()> {
        while let Some(mut first) = self.shown.first_entry() {
            let run = first.get_mut();
            if !run.text.is_empty() {
                if self.any && !run.begun {
                    writeln!(self.out)?;
                }
                (self.any, run.begun) = (true, true);
                self.out.write_all(&run.text)?;
                run.text.clear();
            }
            if !run.ended {
                break;
            }
            first.remove();
        }
        Ok(())
    }

    /// Ends the history, with a sentence if it shows no run. `older` reports whether the journal has earlier
    /// runs.
    pub fn end(self, older: bool) -> io::Result<()> {
        match (self.any, older) {
            (true, _) => Ok(()),
            (false, true) => writeln!(
                self.out,
                "Nothing was applied in that time; there are older runs."
            ),
            (false, false) => writeln!(self.out, "Nothing was applied yet."),
        }
    }
}

/// Writes the runs of a whole journal; `older` as in [`HistoryWriter::end`].
pub fn write_history(
    out: &mut (dyn Write + Send),
    index: &Index,
    older: bool,
    mut records: impl Iterator<Item = Record>,
) -> io::Result<()> {
    let mut text = HistoryWriter::new(out, index);
    records.try_for_each(|record| text.add(&record))?;
    text.end(older)
}

/// A run as far as it was read.
#[derive(Default)]
struct RunBlock {
    /// Text that has not been written out yet.
    text: Vec<u8>,
    /// Tells that some of it was written out.
    begun: bool,
    /// Writes without an outcome, in their order.
    open: Vec<Intent>,
    /// Tells that the heading, its first line, is written.
    has_head: bool,
    /// Lines that belong below the heading and came before it.
    before: Vec<u8>,
    /// Tells that the run recorded its own end.
    finished: bool,
    /// Tells that no more records of it follow.
    ended: bool,
}

impl RunBlock {
    /// Adds the line of one record. An intent waits for its outcome, which is shown with the changes of the
    /// intent.
    fn add(&mut self, record: &Record, span: Span, index: &Index) -> io::Result<()> {
        if !span.wrote && !self.has_head {
            let (run, at) = (make_visible(&record.run), make_visible(&record.at));
            writeln!(self.text, "{run}  {at}  only looked")?;
            self.has_head = true;
        }
        match &record.event {
            JournalEvent::Started(started) => self.start(record, started)?,
            JournalEvent::Intent(intent) => {
                // What a look right before the write made of an intent stands in its place.
                self.open.retain(|open| open.address != intent.address);
                self.open.push((**intent).clone());
            }
            JournalEvent::Outcome(ended) => {
                let at = self
                    .open
                    .iter()
                    .position(|open| open.address == ended.address);
                let intent = at.map(|at| self.open.remove(at));
                let line = format!(
                    "  {}  {}",
                    make_visible(&ended.address),
                    ended.outcome.name()
                );
                writeln!(
                    self.text,
                    "{line}{}",
                    describe_account(intent.as_ref(), index)
                )?;
                self.changes(intent.as_ref())?;
                if index.is_overtaken(&record.run, &ended.address) {
                    writeln!(self.text, "      {OVERTAKEN}")?;
                }
                if let Some(message) = &ended.message {
                    writeln!(self.text, "      {}", make_visible(message))?;
                }
                if ended.unclear {
                    self.found_later(&record.run, &ended.address, index)?;
                }
            }
            JournalEvent::Found {
                address,
                of_run,
                found,
                ..
            } => {
                let (address, of_run) = (make_visible(address), make_visible(of_run));
                // A run looks before it says that it starts, and its head comes first.
                let out = if self.has_head {
                    &mut self.text
                } else {
                    &mut self.before
                };
                writeln!(
                    out,
                    "  {address}  found {found} (the run {of_run} was cut off while writing it)"
                )?;
            }
            JournalEvent::GaveUp(gave_up) => {
                let (address, fields) = (&gave_up.address, gave_up.fields.join(", "));
                writeln!(
                    self.text,
                    "  {}  left to another writer: {}",
                    make_visible(address),
                    make_visible(&fields)
                )?;
            }
            JournalEvent::Agreed(_) | JournalEvent::Known(_) => {}
            JournalEvent::Finished { interrupted } => {
                self.finished = true;
                if *interrupted {
                    writeln!(self.text, "  interrupted")?;
                }
            }
        }
        Ok(())
    }

    /// Writes the heading: run, time, user, commit, purpose; then the lines that came before it.
    fn start(&mut self, record: &Record, started: &Started) -> io::Result<()> {
        let commit = started.commit.as_deref().map_or(String::new(), |commit| {
            format!(
                ", commit {}",
                make_visible(commit.get(..12).unwrap_or(commit))
            )
        });
        let sandbox = if started.sandbox {
            ", on the sandbox"
        } else {
            ""
        };
        let (run, at) = (make_visible(&record.run), make_visible(&record.at));
        let by = make_visible(&started.by);
        self.has_head = true;
        let purpose = match (started.purpose, &started.undoes) {
            (Purpose::Undo, Some(undone)) => format!(", an undo of {}", make_visible(undone)),
            (Purpose::Undo, None) => ", an undo".into(),
            (Purpose::Heal, _) => ", a heal".into(),
            (Purpose::Sync, _) => ", a sync".into(),
            (Purpose::Apply, _) => String::new(),
        };
        writeln!(self.text, "{run}  {at}  by {by}{commit}{sandbox}{purpose}")?;
        self.text.append(&mut self.before);
        Ok(())
    }

    /// Ends the block: writes without an outcome were cut off, and a run that wrote should have recorded its
    /// end.
    fn end(&mut self, run: &str, span: Span, index: &Index) -> io::Result<()> {
        for intent in std::mem::take(&mut self.open) {
            let address = make_visible(&intent.address);
            let account = describe_account(Some(&intent), index);
            writeln!(
                self.text,
                "  {address}  cut off while it was written{account}"
            )?;
            self.changes(Some(&intent))?;
            if index.is_overtaken(run, &intent.address) {
                writeln!(self.text, "      {OVERTAKEN}")?;
            }
            self.found_later(run, &intent.address, index)?;
        }
        if span.wrote && !self.finished {
            writeln!(self.text, "  the run did not end by itself")?;
        }
        self.ended = true;
        Ok(())
    }

    /// Writes what a later run found out about a write whose end was not clear.
    fn found_later(&mut self, run: &str, address: &str, index: &Index) -> io::Result<()> {
        match index.found(run, address) {
            Some(found) => writeln!(self.text, "      found later: {}", make_visible(found)),
            None => Ok(()),
        }
    }

    /// Writes the changes of a write, one line each, with a note where two texts only look alike.
    fn changes(&mut self, intent: Option<&Intent>) -> io::Result<()> {
        let changes: &[ChangeEntry] = intent.map_or(&[], |intent| &intent.changes);
        for change in changes {
            writeln!(
                self.text,
                "      {}  {}",
                make_visible(&change.path),
                make_visible(&format!(
                    "{} → {}{}",
                    format_inline(&change.before),
                    format_inline(&change.after),
                    look_alike::difference_note(Some(&change.before), Some(&change.after))
                ))
            )?;
        }
        Ok(())
    }
}

/// Describes the account of a write; empty unless the journal has several accounts of the vendor.
fn describe_account(intent: Option<&Intent>, index: &Index) -> String {
    let Some(intent) = intent.filter(|intent| index.has_accounts(&intent.vendor)) else {
        return String::new();
    };
    let tenant = intent.tenant.as_ref();
    let tenant = tenant.map_or(String::new(), |tenant| format!(" ({tenant})"));
    make_visible(&format!("  at {}{tenant}", intent.base_url)).to_string()
}

/// Marks a write that should not have happened.
const OVERTAKEN: &str =
    "this run had lost its lock: another one had written to the account since it began";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::SummaryForm;
    use crate::apply::memory::testing::{self, record};
    use crate::apply::memory::{Detail, Memory};
    use crate::model::Outcome;

    /// The lines of one write under a lock of this epoch.
    fn write(run: &str, object: &str, epoch: u64) -> [Record; 2] {
        let intent = Intent {
            epoch: Some(epoch),
            ..testing::intent(object)
        };
        let ended = testing::ended(object, Outcome::Converged);
        [record(run, testing::write(intent)), record(run, ended)]
    }

    #[test]
    fn a_write_without_the_lock_is_marked_and_no_other() {
        let writes = [
            write("one", "Order/a", 7),
            write("two", "Order/a", 8),
            write("one", "Order/b", 7),
        ];
        let shown = shown(writes.concat());
        let marked: Vec<&str> = shown
            .lines()
            .zip(shown.lines().skip(1))
            .filter(|(_, next)| next.contains("had lost its lock"))
            .map(|(line, _)| line.trim())
            .collect();
        assert_eq!(marked, ["Order/b  converged"], "{shown}");
    }

    #[test]
    fn what_a_run_found_before_it_started_stands_below_its_head() {
        let found = JournalEvent::Found {
            address: "Order/a".into(),
            of_run: "one".into(),
            found: "carried out".into(),
            finding: None,
        };
        let [intent, ended] = write("two", "Order/b", 1);
        let records = vec![
            record("two", found),
            record("two", testing::started(Purpose::Apply)),
            intent,
            ended,
            record("two", JournalEvent::Finished { interrupted: false }),
        ];
        let text = shown(records);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("two  "), "{text}");
        assert!(
            lines[1].starts_with("  Order/a  found carried out"),
            "{text}"
        );
    }

    #[test]
    fn a_journal_may_begin_with_a_summary() {
        let mut known = Memory::new(Detail::Values);
        known.follow(&record("0", testing::agreement(testing::agreed(&[]))));
        let summary = known.summary(testing::AT, SummaryForm::Plain);
        let rest = [write("one", "Order/a", 1), write("two", "Order/b", 1)].concat();
        let whole = summary.chain(rest.clone()).collect();
        assert_eq!(shown(whole), shown(rest));
    }

    fn shown(records: Vec<Record>) -> String {
        let mut index = Index::default();
        records.iter().for_each(|record| index.add(record));
        let mut out = Vec::new();
        write_history(&mut out, &index, false, records.into_iter()).expect("text");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn runs_side_by_side_are_shown_one_after_the_other() {
        let finished = |run: &str| record(run, JournalEvent::Finished { interrupted: false });
        let [intent, ended] = write("one", "Order/a", 1);
        let [other_intent, other_ended] = write("two", "Order/b", 1);
        let records = vec![
            intent,
            other_intent,
            other_ended,
            finished("two"),
            record("idle", JournalEvent::Finished { interrupted: false }),
            ended,
        ];
        assert_eq!(
            shown(records),
            "  Order/a  converged\n  the run did not end by itself\n\n  Order/b  converged\n"
        );
        assert_eq!(shown(vec![finished("idle")]), "Nothing was applied yet.\n");
    }
}
