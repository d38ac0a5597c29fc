//! The journal for people: one block per run, one line per object.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::values::inline;
use crate::apply::journal::{Event, History, Intent};

/// Whether people want to read of it: what was in sync all along is no news.
fn is_news(event: &Event) -> bool {
    match event {
        Event::Intent(_) | Event::Outcome(_) | Event::Found { .. } => true,
        Event::Started(_) | Event::Agreed(_) | Event::Finished { .. } => false,
    }
}

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

pub fn text(out: &mut dyn Write, history: &History) -> io::Result<()> {
    let mut shown = 0;
    let overtaken = history.overtaken();
    for run in history.runs() {
        if !history.of(run).any(|record| is_news(&record.event)) {
            continue;
        }
        if shown > 0 {
            writeln!(out)?;
        }
        shown += 1;
        one(out, history, run, &overtaken)?;
    }
    if shown == 0 {
        writeln!(out, "Nothing was applied yet.")?;
    }
    Ok(())
}

fn one(
    out: &mut dyn Write,
    history: &History,
    run: &str,
    overtaken: &BTreeSet<(&str, &str)>,
) -> io::Result<()> {
    let mut open: Vec<&Intent> = Vec::new();
    let mut finished = false;
    for record in history.of(run) {
        match &record.event {
            Event::Started(started) => {
                let commit = started.commit.as_deref().map_or(String::new(), |commit| {
                    format!(", commit {}", commit.get(..12).unwrap_or(commit))
                });
                let sandbox = if started.sandbox {
                    ", on the sandbox"
                } else {
                    ""
                };
                writeln!(
                    out,
                    "{run}  {}  by {}{commit}{sandbox}",
                    record.at, started.by
                )?;
            }
            Event::Intent(intent) => {
                // What a look right before the write made of an intent stands in its place.
                open.retain(|earlier| earlier.address != intent.address);
                open.push(intent);
            }
            Event::Outcome(ended) => {
                let intent = open
                    .iter()
                    .position(|intent| intent.address == ended.address);
                let intent = intent.map(|at| open.remove(at));
                writeln!(out, "  {}  {}", ended.address, ended.outcome.name())?;
                changes(out, intent)?;
                if overtaken.contains(&(run, ended.address.as_str())) {
                    writeln!(out, "      {OVERTAKEN}")?;
                }
                if let Some(message) = &ended.message {
                    writeln!(out, "      {message}")?;
                }
            }
            Event::Found {
                address,
                of_run,
                found,
            } => {
                writeln!(
                    out,
                    "  {address}  found {found} (the run {of_run} was cut off while writing it)"
                )?;
            }
            Event::Agreed(_) => {}
            Event::Finished { interrupted } => {
                finished = true;
                if *interrupted {
                    writeln!(out, "  interrupted")?;
                }
            }
        }
    }
    for intent in open {
        writeln!(out, "  {}  cut off while it was written", intent.address)?;
        changes(out, Some(intent))?;
        if overtaken.contains(&(run, intent.address.as_str())) {
            writeln!(out, "      {OVERTAKEN}")?;
        }
    }
    if !finished {
        writeln!(out, "  the run did not end by itself")?;
    }
    Ok(())
}

/// Of a write that should not have been.
const OVERTAKEN: &str =
    "this run had lost its lock: another one had written to the account since it began";

fn changes(out: &mut dyn Write, intent: Option<&Intent>) -> io::Result<()> {
    for change in intent.map_or(&[][..], |intent| &intent.changes) {
        writeln!(
            out,
            "      {}  {} → {}",
            change.path,
            inline(&change.before),
            inline(&change.after)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::Record;
    use crate::model::{Method, Outcome};
    use std::collections::BTreeMap;

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
        let history = History {
            records: writes.concat(),
            damaged: Vec::new(),
        };
        let mut out = Vec::new();
        text(&mut out, &history).expect("text");
        let shown = String::from_utf8(out).expect("text");
        let marked: Vec<&str> = shown
            .lines()
            .zip(shown.lines().skip(1))
            .filter(|(_, next)| next.contains("had lost its lock"))
            .map(|(line, _)| line.trim())
            .collect();
        assert_eq!(marked, ["Order/b  converged"], "{shown}");
    }
}
