//! Renders past runs for people: a list with one line for each run, or one run with every object and change.
//!
//! Input are the entries of `apply::memory::history`, output is text with escape codes for colour, which the caller's
//! writer keeps or strips. A list fits 80 columns; changes read as in a plan. Not a contract: that is the
//! document itself, as JSON.

use std::io::{self, Write};

use anstyle::Style;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::safe::make_visible;
use super::text::{
    ADD, BOLD, CHANGE, DANGER, DIM, WIDTH, measure_paths, paint_text, write_change, write_paragraph,
};
use crate::apply::journal::{PersonRequest, Purpose};
use crate::apply::memory::history::{RunCounts, RunEnd, RunEntry, RunObject};
use crate::model::wording::{describe_age, shorten};
use crate::model::{Outcome, compare_natural};

/// The most columns for the name of the person or job that started a run.
const LONGEST_NAME: usize = 16;

/// Digits of a commit in a list, as git shows them.
const COMMIT: usize = 7;

/// Writes one line for each run, in columns: short name, age, who, commit, result.
///
/// A result that would make the line too long ends with `…`; the run itself shows the rest.
pub fn write_list(out: &mut dyn Write, runs: &[RunEntry], now: Timestamp) -> io::Result<()> {
    let rows: Vec<[String; 4]> = runs.iter().map(|run| list_columns(run, now)).collect();
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.max().unwrap_or(0)
    });
    for (run, row) in runs.iter().zip(&rows) {
        let styles = [CHANGE, DIM, Style::new(), DIM];
        let (mut line, mut used) = (String::new(), 0);
        for ((cell, width), style) in row.iter().zip(widths).zip(styles) {
            if width == 0 {
                continue;
            }
            let pad = width - cell.width();
            line += &format!("{}{:pad$}  ", paint_text(style, cell), "");
            used += width + 2;
        }
        let result = describe_result(run);
        let result = shorten(&result, WIDTH.saturating_sub(used + 1));
        let style = match run.summary.strand {
            0 => Style::new(),
            _ => DANGER,
        };
        writeln!(out, "{line}{}", paint_text(style, &make_visible(&result)))?;
    }
    Ok(())
}

/// Returns the cells of a run before its result. A run whose start is not in the journal has no name and no commit.
fn list_columns(run: &RunEntry, now: Timestamp) -> [String; 4] {
    let by = shorten(run.by.as_deref().unwrap_or("-"), LONGEST_NAME);
    let commit = run.commit.as_deref().unwrap_or_default();
    let commit: String = commit.chars().take(COMMIT).collect();
    [
        make_visible(&run.short).into_owned(),
        age_of(run, now),
        make_visible(&by).into_owned(),
        make_visible(&commit).into_owned(),
    ]
}

/// Returns how long ago a run began, or its time where that cannot be read.
fn age_of(run: &RunEntry, now: Timestamp) -> String {
    match run.started_at.parse::<Timestamp>() {
        Ok(at) => describe_age(at.duration_since(now)),
        Err(_) => make_visible(&run.started_at).into_owned(),
    }
}

/// Describes what a run did: `12 updated, 3 reduce`, or `nothing changed, 1 stale, undo of 01a22859`.
fn describe_result(run: &RunEntry) -> String {
    if let Some(request) = &run.request {
        return describe_request(request);
    }
    let purpose = match (run.purpose, &run.undoes_short) {
        (None, _) => return "only looked at writes that were cut off".into(),
        (Some(Purpose::Apply), _) => String::new(),
        (Some(Purpose::Sync), _) => ", sync".into(),
        (Some(Purpose::Heal), _) => ", heal".into(),
        (Some(Purpose::Undo), Some(undone)) => format!(", undo of {undone}"),
        (Some(Purpose::Undo), None) => ", undo".into(),
    };
    let sandbox = if run.sandbox { ", on the sandbox" } else { "" };
    let undone = run.undone_by.as_ref();
    let undone = undone.map_or("", |_| ", undone");
    format!(
        "{}{purpose}{undone}{sandbox}",
        describe_counts(&run.summary)
    )
}

/// Describes what a person asked for: `LacLicenseOrder/rivers: suspended until 2026-03-02 12:00 UTC: a demo`.
fn describe_request(request: &PersonRequest) -> String {
    match &request.address {
        Some(address) => format!("{address}: {}", request.words),
        None => request.words.clone(),
    }
}

/// Describes counts: first the objects written, then the worst risk among them, then the objects not written.
fn describe_counts(counts: &RunCounts) -> String {
    let reduce = if counts.strand > 0 { 0 } else { counts.reduce };
    let named = [
        (counts.updated, "updated"),
        (counts.strand, "strand"),
        (reduce, "reduce"),
        (counts.unclear, "unclear"),
        (counts.unconverged, "did not converge"),
        (counts.failed, "failed"),
        (counts.rejected, "rejected"),
        (counts.refused, "refused"),
        (counts.stale, "stale"),
        (counts.skipped, "skipped"),
        (counts.left, "left to others"),
        (counts.already, "already"),
    ];
    let named = named.into_iter().filter(|(count, _)| *count > 0);
    let nothing = (counts.written() == 0).then(|| "nothing changed".to_string());
    let parts = named.map(|(count, what)| format!("{count} {what}"));
    nothing
        .into_iter()
        .chain(parts)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Writes one run with its objects, their changes, and the command that takes it back.
///
/// `object` is the glob by which the objects were narrowed; the command is narrowed alike.
pub fn write_run(
    out: &mut dyn Write,
    run: &RunEntry,
    object: Option<&str>,
    now: Timestamp,
) -> io::Result<()> {
    write_facts(out, run, now)?;
    // Nothing was written by a request itself.
    if run.request.is_some() {
        return Ok(());
    }
    let mut objects: Vec<&RunObject> = run.objects.iter().flatten().collect();
    objects.sort_by(|one, other| compare_natural(&one.address, &other.address));
    for object in objects {
        writeln!(out)?;
        write_object(out, object)?;
    }
    writeln!(out)?;
    let end = match run.end {
        RunEnd::Finished => "",
        RunEnd::Interrupted => " It was interrupted.",
        RunEnd::NotRecorded if run.purpose.is_none() => "",
        RunEnd::NotRecorded => " Its end is not recorded: it was cut off, or is still running.",
    };
    let result = format!("{}.{end}", describe_counts(&run.summary));
    write_paragraph(out, 0, &capitalize(&result), Style::new())?;
    if run.summary.written() > 0 && !run.sandbox && run.undone_by.is_none() {
        let target = object.map_or(String::new(), |glob| format!(" --target '{glob}'"));
        let undo = format!("entitle undo {}{target}", run.short);
        writeln!(out, "Take it back with: {}", make_visible(&undo))?;
    }
    Ok(())
}

/// Returns a sentence with a capital at its beginning.
fn capitalize(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Writes the facts about a run, one on each line.
fn write_facts(out: &mut dyn Write, run: &RunEntry, now: Timestamp) -> io::Result<()> {
    let purpose = match (run.purpose, &run.undoes) {
        (Some(Purpose::Undo), Some(undone)) => Some(format!("undo of {undone}")),
        (Some(Purpose::Undo), None) => Some("undo".into()),
        (Some(Purpose::Heal), _) => Some("heal".into()),
        (Some(Purpose::Sync), _) => Some("sync".into()),
        (Some(Purpose::Apply), _) | (None, _) => None,
    };
    let facts = [
        ("Run", Some(run.run.clone())),
        (
            "Time",
            Some(format!("{} ({})", run.started_at, age_of(run, now))),
        ),
        ("By", run.by.clone()),
        ("Commit", run.commit.clone()),
        ("Scope", run.scope.clone()),
        ("Purpose", purpose),
        ("Request", run.request.as_ref().map(describe_request)),
        (
            "Undone",
            run.undone_by.as_ref().map(|run| format!("by {run}")),
        ),
        ("Vendors", run.sandbox.then(|| "the sandbox".to_string())),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            let head = paint_text(BOLD, &format!("{name}:"));
            let pad = 8 - name.len();
            writeln!(out, "{head}{:pad$}{}", "", make_visible(&fact))?;
        }
    }
    Ok(())
}

/// Writes what a run did to one object.
fn write_object(out: &mut dyn Write, object: &RunObject) -> io::Result<()> {
    let address = make_visible(&object.address);
    let (mark, style, what) = describe_end(object);
    writeln!(
        out,
        "{} {}  {}",
        paint_text(style, mark),
        paint_text(BOLD, &address),
        paint_text(style, &make_visible(&what))
    )?;
    if let Some(base_url) = object.base_url.as_ref().filter(|_| object.has_namesakes) {
        let tenant = object.tenant.as_ref();
        let tenant = tenant.map_or(String::new(), |tenant| format!(" ({tenant})"));
        write_paragraph(out, 4, &format!("at {base_url}{tenant}"), DIM)?;
    }
    let caution = match object.written {
        Some(true) => None,
        Some(false) => Some("not written:"),
        None => Some("may have been written:"),
    };
    if let Some(caution) = caution.filter(|_| !object.changes.is_empty()) {
        writeln!(out, "    {caution}")?;
    }
    let widest = measure_paths(&object.changes);
    for change in &object.changes {
        write_change(out, change, widest)?;
    }
    if object.lost_lock {
        let words =
            "the run had lost its lock: another run had written to the account since it began";
        write_paragraph(out, 4, words, DANGER)?;
    }
    // If another run found the outcome, the words for it already include the message.
    let message = object.message.as_ref();
    if let Some(message) = message.filter(|_| object.examined_run.is_none()) {
        write_paragraph(out, 4, message, Style::new())?;
    }
    for effect in &object.side_effects {
        write_paragraph(out, 4, &format!("side effect: {effect}"), Style::new())?;
    }
    if let Some(found) = &object.found_later {
        write_paragraph(out, 4, &format!("found later: {found}"), Style::new())?;
    }
    Ok(())
}

/// Returns mark, style and words for how the step of an object ended.
fn describe_end(object: &RunObject) -> (&'static str, Style, String) {
    if let Some(run) = &object.examined_run {
        let found = object.message.as_deref().unwrap_or_default();
        let words = format!("found {found}: the run {run} was cut off while writing it");
        return ("=", DIM, words);
    }
    if !object.left.is_empty() {
        let words = format!("left to another writer: {}", object.left.join(", "));
        return ("!", CHANGE, words);
    }
    match object.outcome {
        None => ("✗", DANGER, "cut off while it was written".into()),
        Some(outcome) => {
            let words = match outcome {
                Outcome::Already => "already as wanted, nothing written",
                other => other.name(),
            };
            let (mark, style) = match outcome {
                Outcome::Converged => ("✓", ADD),
                Outcome::Refused | Outcome::Skipped => ("!", CHANGE),
                Outcome::Already => ("=", DIM),
                Outcome::Rejected | Outcome::Stale | Outcome::Failed | Outcome::Unconverged => {
                    ("✗", DANGER)
                }
            };
            (mark, style, words.into())
        }
    }
}

#[cfg(test)]
mod tests;
