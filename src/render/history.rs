//! The journal for people: one block per run, one line per object.
//!
//! A journal is read twice: for the [`Index`], and to be shown. The second time no more of it is in memory than what
//! runs side by side have done: the text of a later one waits until the earlier one has ended.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::safe::visible;
use super::values::inline;
use crate::apply::journal::{Event, Record, Started};
use crate::apply::past::Index;
use crate::plan::document::ChangeEntry;
use crate::plan::look_alike;

/// The object that an event is about.
pub fn address(event: &Event) -> Option<&str> {
    match event {
        Event::Intent(intent) => Some(&intent.address),
        Event::Outcome(ended) => Some(&ended.address),
        Event::Found { address, .. } => Some(address),
        Event::Agreed(agreed) => Some(&agreed.address),
        Event::Started(_) | Event::Finished { .. } => None,
    }
}

/// Shows the runs in the order in which they started. `records` are those that `index` was made from.
pub fn text(
    out: &mut dyn Write,
    index: &Index,
    records: impl Iterator<Item = Record>,
) -> io::Result<()> {
    // By the place of their first record.
    let mut shown: BTreeMap<usize, Run> = BTreeMap::new();
    let mut any = false;
    for (place, record) in records.enumerate() {
        // What was added meanwhile belongs to runs whose end is not known.
        let span = index.span(&record.run).filter(|span| place <= span.last);
        let Some(span) = span.filter(|span| span.news) else {
            continue;
        };
        let run = shown.entry(span.first).or_default();
        run.add(&record, index)?;
        if place == span.last {
            run.end(&record.run, index)?;
        }
        while let Some(mut first) = shown.first_entry() {
            let run = first.get_mut();
            if !run.text.is_empty() {
                if any && !run.begun {
                    writeln!(out)?;
                }
                (any, run.begun) = (true, true);
                out.write_all(&run.text)?;
                run.text.clear();
            }
            if !run.ended {
                break;
            }
            first.remove();
        }
    }
    if !any {
        writeln!(out, "Nothing was applied yet.")?;
    }
    Ok(())
}

/// A run as far as it was read.
#[derive(Default)]
struct Run {
    /// What is to be shown of it and was not yet.
    text: Vec<u8>,
    /// Whether some of it was shown.
    begun: bool,
    /// Writes without an outcome, in their order.
    open: Vec<(String, Vec<ChangeEntry>)>,
    /// Whether it said itself that it ends.
    finished: bool,
    /// Whether there is no more of it.
    ended: bool,
}

impl Run {
    fn add(&mut self, record: &Record, index: &Index) -> io::Result<()> {
        match &record.event {
            Event::Started(started) => self.start(record, started)?,
            Event::Intent(intent) => {
                // What a look right before the write made of an intent stands in its place.
                self.open.retain(|(address, _)| *address != intent.address);
                self.open
                    .push((intent.address.clone(), intent.changes.clone()));
            }
            Event::Outcome(ended) => {
                let open = self.open.iter();
                let at = open.clone().position(|(name, _)| *name == ended.address);
                let changes = at.map(|at| self.open.remove(at).1).unwrap_or_default();
                let line = format!("  {}  {}", visible(&ended.address), ended.outcome.name());
                writeln!(self.text, "{line}")?;
                self.changes(&changes)?;
                if index.is_overtaken(&record.run, &ended.address) {
                    writeln!(self.text, "      {OVERTAKEN}")?;
                }
                if let Some(message) = &ended.message {
                    writeln!(self.text, "      {}", visible(message))?;
                }
            }
            Event::Found {
                address,
                of_run,
                found,
            } => {
                let (address, of_run) = (visible(address), visible(of_run));
                writeln!(
                    self.text,
                    "  {address}  found {found} (the run {of_run} was cut off while writing it)"
                )?;
            }
            Event::Agreed(_) => {}
            Event::Finished { interrupted } => {
                self.finished = true;
                if *interrupted {
                    writeln!(self.text, "  interrupted")?;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, record: &Record, started: &Started) -> io::Result<()> {
        let commit = started.commit.as_deref().map_or(String::new(), |commit| {
            format!(", commit {}", visible(commit.get(..12).unwrap_or(commit)))
        });
        let sandbox = if started.sandbox {
            ", on the sandbox"
        } else {
            ""
        };
        let (run, at) = (visible(&record.run), visible(&record.at));
        let by = visible(&started.by);
        writeln!(self.text, "{run}  {at}  by {by}{commit}{sandbox}")
    }

    fn end(&mut self, run: &str, index: &Index) -> io::Result<()> {
        for (address, changes) in std::mem::take(&mut self.open) {
            let shown = visible(&address);
            writeln!(self.text, "  {shown}  cut off while it was written")?;
            self.changes(&changes)?;
            if index.is_overtaken(run, &address) {
                writeln!(self.text, "      {OVERTAKEN}")?;
            }
        }
        if !self.finished {
            writeln!(self.text, "  the run did not end by itself")?;
        }
        self.ended = true;
        Ok(())
    }

    fn changes(&mut self, changes: &[ChangeEntry]) -> io::Result<()> {
        for change in changes {
            writeln!(
                self.text,
                "      {}  {}",
                visible(&change.path),
                visible(&format!(
                    "{} → {}{}",
                    inline(&change.before),
                    inline(&change.after),
                    look_alike::apart(Some(&change.before), Some(&change.after))
                ))
            )?;
        }
        Ok(())
    }
}

/// Of a write that should not have been.
const OVERTAKEN: &str =
    "this run had lost its lock: another one had written to the account since it began";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::Intent;
    use crate::model::{Method, Outcome};

    fn record(run: &str, event: Event) -> Record {
        Record {
            at: "2026-11-21T12:00:00Z".into(),
            run: run.into(),
            event,
        }
    }

    /// The lines of one write under a lock of this epoch.
    fn write(run: &str, object: &str, epoch: u64) -> [Record; 2] {
        let intent = Intent {
            address: object.into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            base_url: "https://lac.example.com/".into(),
            identity: Default::default(),
            method: Method::Patch,
            path: "/".into(),
            changes: Vec::new(),
            unread: BTreeMap::new(),
            managed: BTreeMap::new(),
            epoch: Some(epoch),
        };
        let ended = crate::apply::journal::Ended {
            address: object.into(),
            outcome: Outcome::Converged,
            message: None,
            side_effects: Vec::new(),
        };
        [
            record(run, Event::Intent(Box::new(intent))),
            record(run, Event::Outcome(ended)),
        ]
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

    fn shown(records: Vec<Record>) -> String {
        let mut index = Index::default();
        records.iter().for_each(|record| index.add(record));
        let mut out = Vec::new();
        text(&mut out, &index, records.into_iter()).expect("text");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn runs_side_by_side_are_shown_one_after_the_other() {
        let finished = |run: &str| record(run, Event::Finished { interrupted: false });
        let [intent, ended] = write("one", "Order/a", 1);
        let [other_intent, other_ended] = write("two", "Order/b", 1);
        let records = vec![
            intent,
            other_intent,
            other_ended,
            finished("two"),
            record("idle", Event::Finished { interrupted: false }),
            ended,
        ];
        assert_eq!(
            shown(records),
            "  Order/a  converged\n  the run did not end by itself\n\n  Order/b  converged\n"
        );
        assert_eq!(shown(vec![finished("idle")]), "Nothing was applied yet.\n");
    }
}
