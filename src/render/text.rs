//! Plans and outcomes for people. Readable without colour; not a contract.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr;

use super::values::{LONGEST, inline, lines};
use crate::model::{Outcome, Risk};
use crate::plan::document::{ChangeEntry, ObjectEntry, OriginEntry, PlanDocument, Summary};
use crate::plan::{Action, ChangeVerb};

/// The column in which the origin of an object ends up, where there is room.
pub(super) const WIDTH: usize = 80;

const ADD: Style = AnsiColor::Green.on_default();
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
pub(super) const DANGER: Style = AnsiColor::Red.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// A plan: every object that is not simply in sync, then the verdict.
pub fn plan(out: &mut dyn Write, document: &PlanDocument) -> io::Result<()> {
    for object in &document.objects {
        entry(out, object)?;
    }
    verdict(out, &document.summary)
}

/// An apply: every object with something to tell, then what came of it.
pub fn outcome(out: &mut dyn Write, document: &PlanDocument) -> io::Result<()> {
    for object in &document.objects {
        let Some(outcome) = object.outcome else {
            continue;
        };
        // What could not be read or planned has been shown with its reason.
        if matches!(object.action, Action::Missing | Action::Error) {
            continue;
        }
        let (mark, style) = match outcome {
            Outcome::Converged | Outcome::Already => ("✓", ADD),
            Outcome::Refused | Outcome::Skipped => ("!", CHANGE),
            Outcome::Rejected | Outcome::Stale | Outcome::Failed | Outcome::Unconverged => {
                ("✗", DANGER)
            }
        };
        let word = painted(style, outcome.name());
        writeln!(out, "{} {}  {word}", painted(style, mark), object.address)?;
        if let Some(message) = &object.message {
            paragraph(out, 4, message, Style::new())?;
        }
        for effect in &object.side_effects {
            paragraph(out, 4, &format!("side effect: {effect}"), Style::new())?;
        }
    }
    applied(out, &document.summary)
}

fn entry(out: &mut dyn Write, object: &ObjectEntry) -> io::Result<()> {
    let (mark, style) = match object.action {
        Action::None if object.message.is_none() => return Ok(()),
        Action::None => ("=", DIM),
        Action::Update => ("~", CHANGE),
        Action::Observe => ("?", DIM),
        Action::Suspend => return Ok(()),
        Action::Missing | Action::Error => ("✗", DANGER),
    };
    head(out, painted(style, mark), &object.address, &object.origin)?;
    let widest = object
        .changes
        .iter()
        .map(|change| change.path.width())
        .max()
        .unwrap_or(0)
        .min(44);
    for change in &object.changes {
        changed(out, change, widest)?;
    }
    if let Some(message) = &object.message {
        writeln!(out, "    {message}")?;
    }
    for call in &object.calls {
        writeln!(
            out,
            "    {}",
            painted(DIM, &format!("{} {}", call.method.as_str(), call.path))
        )?;
    }
    if object.action == Action::Observe {
        writeln!(
            out,
            "    {}",
            painted(DIM, "observed only: its policy says not to write")
        )?;
    }
    writeln!(out)
}

/// The first line of an object: its mark and address, and at the right where it stands.
pub(super) fn head(
    out: &mut dyn Write,
    mark: String,
    address: &str,
    origin: &OriginEntry,
) -> io::Result<()> {
    let origin = match origin.line {
        0 => origin.file.clone(),
        line => format!("{}:{line}", origin.file),
    };
    let used = 2 + address.width() + origin.width();
    let gap = WIDTH.saturating_sub(used).max(2);
    writeln!(
        out,
        "{mark} {}{:gap$}{}",
        painted(BOLD, address),
        "",
        painted(DIM, &origin)
    )
}

fn changed(out: &mut dyn Write, change: &ChangeEntry, widest: usize) -> io::Result<()> {
    let (mark, style) = match change.verb {
        ChangeVerb::Add => ("+", ADD),
        ChangeVerb::Replace => ("~", CHANGE),
        ChangeVerb::Remove => ("-", REMOVE),
    };
    let pad = widest.saturating_sub(change.path.width());
    let value = one_line(change);
    let risk = risk(change);
    let tail = if risk.is_empty() {
        String::new()
    } else {
        format!("  {}", painted(DANGER, &risk))
    };
    let head = format!("    {} {}{:pad$}", painted(style, mark), change.path, "");
    match value {
        Some(value) if value.is_empty() && tail.is_empty() => writeln!(out, "{}", head.trim_end()),
        Some(value) => writeln!(out, "{head}  {value}{tail}"),
        None => {
            let head = if tail.is_empty() {
                head.trim_end()
            } else {
                &head
            };
            writeln!(out, "{head}{tail}")?;
            line_diff(out, change)
        }
    }
}

/// The change on one line, if it is short enough.
fn one_line(change: &ChangeEntry) -> Option<String> {
    let text = match change.verb {
        ChangeVerb::Remove => return Some(String::new()),
        ChangeVerb::Add => inline(&change.after),
        ChangeVerb::Replace => match (&change.before, &change.after) {
            (Json::Array(before), Json::Array(after)) => return Some(set_change(before, after)),
            (before, after) => format!("{} → {}", inline(before), inline(after)),
        },
    };
    let wrapped = text.contains('\n') || text.width() > 2 * LONGEST;
    (!wrapped).then_some(text)
}

/// A set by what comes and goes: its order means nothing.
pub(super) fn set_change(before: &[Json], after: &[Json]) -> String {
    let only = |these: &[Json], those: &[Json], mark: &str| {
        these
            .iter()
            .filter(|member| !those.contains(member))
            .map(|member| format!("{mark}{}", inline(member)))
            .collect::<Vec<_>>()
    };
    let mut parts = only(after, before, "+");
    parts.extend(only(before, after, "−"));
    parts.join(" ")
}

fn line_diff(out: &mut dyn Write, change: &ChangeEntry) -> io::Result<()> {
    let (before, after) = (lines(&change.before), lines(&change.after));
    let diff = TextDiff::configure()
        .timeout(std::time::Duration::from_millis(200))
        .diff_lines(before.as_str(), after.as_str());
    for group in diff.grouped_ops(2) {
        for op in &group {
            for line in diff.iter_changes(op) {
                let (mark, style) = match line.tag() {
                    ChangeTag::Delete => ("-", REMOVE),
                    ChangeTag::Insert => ("+", ADD),
                    ChangeTag::Equal => (" ", DIM),
                };
                let text = line.value().trim_end_matches('\n');
                writeln!(out, "        {}", painted(style, &format!("{mark} {text}")))?;
            }
        }
    }
    Ok(())
}

fn risk(change: &ChangeEntry) -> String {
    let word = match change.risk {
        Risk::Safe => return change.note.clone().unwrap_or_default(),
        Risk::Reduce => "reduces",
        Risk::Strand => "strands",
    };
    match &change.note {
        Some(note) => format!("{word}: {note}"),
        None => word.into(),
    }
}

fn verdict(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let mut parts = Vec::new();
    if summary.update > 0 {
        parts.push(format!("{} to update", summary.update));
    }
    parts.push(format!("{} in sync", summary.in_sync));
    if summary.observe_only > 0 {
        parts.push(format!("{} observed only", summary.observe_only));
    }
    if summary.suspended > 0 {
        parts.push(format!("{} suspended", summary.suspended));
    }
    if summary.failed > 0 {
        parts.push(painted(DANGER, &format!("{} failed", summary.failed)));
    }
    let work = if summary.requests > 0 {
        format!(
            " {}, about {:.1} s.",
            count(summary.requests, "request"),
            summary.estimated_seconds
        )
    } else {
        String::new()
    };
    writeln!(
        out,
        "{} {}.{work}",
        painted(BOLD, "Plan:"),
        parts.join(", ")
    )?;
    if summary.strand > 0 {
        let verb = if summary.strand == 1 {
            "strands"
        } else {
            "strand"
        };
        let changes = count(summary.strand, "change");
        writeln!(out, "{changes} {verb} users: apply needs --allow strand.")?;
    } else if summary.reduce > 0 {
        let verb = if summary.reduce == 1 { "takes" } else { "take" };
        let changes = count(summary.reduce, "change");
        writeln!(
            out,
            "{changes} {verb} something away: apply needs --allow reduce."
        )?;
    }
    Ok(())
}

fn applied(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let counts = [
        (summary.converged, Outcome::Converged),
        (summary.already, Outcome::Already),
        (summary.rejected, Outcome::Rejected),
        (Some(summary.failed), Outcome::Failed),
        (summary.unconverged, Outcome::Unconverged),
        (summary.stale, Outcome::Stale),
        (summary.refused, Outcome::Refused),
        (summary.skipped, Outcome::Skipped),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter_map(|(count, outcome)| Some((count.filter(|count| *count > 0)?, outcome)))
        .map(|(count, outcome)| format!("{count} {}", outcome.name()))
        .collect();
    if parts.is_empty() {
        parts.push("nothing to do".into());
    }
    if summary.in_sync > 0 {
        parts.push(format!("{} in sync", summary.in_sync));
    }
    writeln!(out, "{} {}.", painted(BOLD, "Apply:"), parts.join(", "))
}

/// A text broken between words, so that no line is longer than the terminal. A word that is longer stays
/// whole: it may be a path to be copied.
pub(super) fn paragraph(
    out: &mut dyn Write,
    indent: usize,
    text: &str,
    style: Style,
) -> io::Result<()> {
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.width() + 1 + word.width() > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines.push(line);
    for line in lines {
        writeln!(out, "{:indent$}{}", "", painted(style, &line))?;
    }
    Ok(())
}

/// `1 request`, `2 requests`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

pub(super) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
