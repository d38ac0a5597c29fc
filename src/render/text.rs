//! Renders plans and outcomes for people. Readable without colour; not a contract.
//!
//! Input is a [`RunView`] or its document, output text with escape codes for colour, which the caller's writer
//! keeps or strips. Columns count as a terminal shows them, so a wide character takes two. Sentences about the
//! whole run come from [`super::view`], so that every format has the same; values come from [`super::values`].

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr;

use super::safe::{defuse_commands, make_visible};
use super::values::{describe_risk, format_change, format_lines};
use super::view::{RunView, Stage, summarize_risk};
use crate::model::Outcome;
use crate::plan::document::{ChangeEntry, DiagnosticEntry, ObjectEntry, OriginEntry, PlanDocument};
use crate::plan::{ChangeVerb, Disposition};

/// The column in which the origin of an object ends up, where there is room.
pub(super) const WIDTH: usize = 80;

pub(super) const ADD: Style = AnsiColor::Green.on_default();
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
pub(super) const DANGER: Style = AnsiColor::Red.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// Writes a whole run: findings, plan and outcome, as far as the run came.
pub fn write_run(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let document = view.document;
    write_findings(out, &document.diagnostics)?;
    match view.stage {
        Stage::Checked => writeln!(out, "{}", view.verdict()),
        Stage::Planned => write_plan(out, document),
        Stage::Applied => {
            write_plan(out, document)?;
            writeln!(out)?;
            write_outcome(out, document)
        }
    }
}

/// Writes findings without the lines they are about, since the reader of a report has no manifests at hand.
pub(super) fn write_findings(out: &mut dyn Write, findings: &[DiagnosticEntry]) -> io::Result<()> {
    for finding in findings {
        let label = format!("{}[{}]:", finding.severity, finding.code);
        writeln!(
            out,
            "{} {}",
            paint_text(BOLD, &make_visible(&label)),
            make_visible(&finding.message)
        )?;
        if let Some(file) = &finding.file {
            let (line, column) = (finding.line.unwrap_or(0), finding.column.unwrap_or(0));
            writeln!(out, "    {}:{line}:{column}", make_visible(file))?;
        }
        if let Some(hint) = &finding.hint {
            writeln!(out, "    help: {}", make_visible(hint))?;
        }
    }
    Ok(())
}

/// Writes a plan: every object that is not simply in sync, the verdict, and the flag that its risks need.
///
/// An object looks like this: `~ LacLicenseOrder/a` with its file and line at the right, below it `    ~ count
/// 10 → 5  strands: 5 allowed, 7 in use`, then its calls.
pub fn write_plan(out: &mut dyn Write, document: &PlanDocument) -> io::Result<()> {
    for object in &document.objects {
        write_object(out, object)?;
    }
    write_verdict(out, document, Stage::Planned)?;
    match summarize_risk(&document.summary) {
        Some(words) => writeln!(out, "{words}"),
        None => Ok(()),
    }
}

/// Writes an apply: every object that was tried, with its outcome, then the verdict.
///
/// Objects that could not be read or planned are passed over: the plan above has shown them with the reason.
pub fn write_outcome(out: &mut dyn Write, document: &PlanDocument) -> io::Result<()> {
    for object in &document.objects {
        let Some(outcome) = object.outcome else {
            continue;
        };
        // What could not be read or planned has been shown with its reason.
        if matches!(object.action, Disposition::Missing | Disposition::Error) {
            continue;
        }
        let (mark, style) = match outcome {
            Outcome::Converged | Outcome::Already => ("✓", ADD),
            Outcome::Refused | Outcome::Skipped => ("!", CHANGE),
            Outcome::Rejected | Outcome::Stale | Outcome::Failed | Outcome::Unconverged => {
                ("✗", DANGER)
            }
        };
        let word = paint_text(style, outcome.name());
        let address = make_visible(&object.address);
        writeln!(out, "{} {address}  {word}", paint_text(style, mark))?;
        if let Some(message) = &object.message {
            write_paragraph(out, 4, message, Style::new())?;
        }
        for effect in &object.side_effects {
            write_paragraph(out, 4, &format!("side effect: {effect}"), Style::new())?;
        }
    }
    write_verdict(out, document, Stage::Applied)
}

/// Writes the line that begins with the stage, for example `Plan: 2 to update, 5 in sync.`
fn write_verdict(out: &mut dyn Write, document: &PlanDocument, stage: Stage) -> io::Result<()> {
    let view = RunView {
        stage,
        document,
        base: "",
    };
    let label = format!("{}:", stage.name());
    writeln!(out, "{} {}", paint_text(BOLD, &label), view.verdict())
}

/// Writes one object of a plan: heading, changes, message, calls, and an empty line.
///
/// Objects in sync without a message, and suspended ones, are passed over. Paths are padded to the longest of
/// the object, but to at most 44 columns, so that one long path does not push all values to the right.
fn write_object(out: &mut dyn Write, object: &ObjectEntry) -> io::Result<()> {
    let (mark, style) = match object.action {
        Disposition::None if object.message.is_none() => return Ok(()),
        Disposition::None => ("=", DIM),
        Disposition::Update => ("~", CHANGE),
        Disposition::Observe => ("?", DIM),
        Disposition::Suspend => return Ok(()),
        Disposition::Missing | Disposition::Error => ("✗", DANGER),
    };
    write_heading(
        out,
        paint_text(style, mark),
        &object.address,
        &object.origin,
    )?;
    let widest = measure_paths(&object.changes);
    for change in &object.changes {
        write_change(out, change, widest)?;
    }
    // How it ended is told with the end.
    let unread = matches!(object.action, Disposition::Missing | Disposition::Error);
    if let Some(message) = object
        .message
        .as_ref()
        .filter(|_| unread || object.outcome.is_none())
    {
        writeln!(out, "    {}", make_visible(message))?;
    }
    for call in &object.calls {
        writeln!(
            out,
            "    {}",
            paint_text(
                DIM,
                &make_visible(&format!("{} {}", call.method.as_str(), call.path))
            )
        )?;
    }
    if object.action == Disposition::Observe {
        writeln!(
            out,
            "    {}",
            paint_text(DIM, "observed only: its policy says not to write")
        )?;
    }
    writeln!(out)
}

/// Writes the first line of an object: its mark and address, and its file and line at the right.
///
/// The gap fills the line to [`WIDTH`] columns, but has at least two: with mark and space (2), an address of 20
/// and a location of 10 columns the gap is 48; with an address of 90 it is 2 and the line is longer.
pub(super) fn write_heading(
    out: &mut dyn Write,
    mark: String,
    address: &str,
    origin: &OriginEntry,
) -> io::Result<()> {
    let (address, origin) = (make_visible(address), format_location(origin));
    let used = 2 + address.width() + origin.width();
    let gap = WIDTH.saturating_sub(used).max(2);
    writeln!(
        out,
        "{mark} {}{:gap$}{}",
        paint_text(BOLD, &address),
        "",
        paint_text(DIM, &origin)
    )
}

/// Formats `file:line`, or the file alone where no line is known.
pub fn format_location(origin: &OriginEntry) -> String {
    let file = make_visible(&origin.file);
    match origin.line {
        0 => file.into_owned(),
        line => format!("{file}:{line}"),
    }
}

/// Returns the columns of the longest path among changes, but at most 44: longer ones do not push all values right.
pub(super) fn measure_paths(changes: &[ChangeEntry]) -> usize {
    let widths = changes
        .iter()
        .map(|change| make_visible(&change.path).width());
    widths.max().unwrap_or(0).min(44)
}

/// Writes one change: mark, path padded to `widest` columns, values, risk.
///
/// Values too long for the line follow below it as the lines that differ.
pub(super) fn write_change(
    out: &mut dyn Write,
    change: &ChangeEntry,
    widest: usize,
) -> io::Result<()> {
    let (mark, style) = match change.verb {
        ChangeVerb::Add => ("+", ADD),
        ChangeVerb::Replace => ("~", CHANGE),
        ChangeVerb::Remove => ("-", REMOVE),
    };
    let path = make_visible(&change.path);
    let pad = widest.saturating_sub(path.width());
    let value = format_change(change).map(|value| make_visible(&value).into_owned());
    let risk = describe_risk(change);
    let tail = if risk.is_empty() {
        String::new()
    } else {
        format!("  {}", paint_text(DANGER, &make_visible(&risk)))
    };
    let head = format!("    {} {}{:pad$}", paint_text(style, mark), path, "");
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
            write_line_diff(out, change)
        }
    }
}

/// Lists the lines of a long change that differ, each with its mark: `-`, `+`, or a space for context.
///
/// Two equal lines are kept around each difference. From `a b c d` to `a b c e`, one letter per line, the list
/// is ` b`, ` c`, `-d`, `+e`. After 200 ms the diff is finished roughly, so that a huge value does not stop the
/// run.
pub fn line_diff(change: &ChangeEntry) -> Vec<(char, String)> {
    let (before, after) = (format_lines(&change.before), format_lines(&change.after));
    let diff = TextDiff::configure()
        .timeout(std::time::Duration::from_millis(200))
        .diff_lines(before.as_str(), after.as_str());
    let mut shown = Vec::new();
    for op in diff.grouped_ops(2).iter().flatten() {
        for line in diff.iter_changes(op) {
            let mark = match line.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let text = make_visible(line.value().trim_end_matches('\n')).into_owned();
            shown.push((mark, text));
        }
    }
    shown
}

/// Writes the lines of [`line_diff`], indented below the path and coloured by their marks.
fn write_line_diff(out: &mut dyn Write, change: &ChangeEntry) -> io::Result<()> {
    for (mark, line) in line_diff(change) {
        let style = match mark {
            '-' => REMOVE,
            '+' => ADD,
            _ => DIM,
        };
        writeln!(
            out,
            "        {}",
            paint_text(style, &format!("{mark} {line}"))
        )?;
    }
    Ok(())
}

/// Writes a text broken between words into lines of at most [`WIDTH`] columns, `indent` included.
///
/// A word that is longer stays whole: it may be a path to copy. Runs of spaces become one.
pub(super) fn write_paragraph(
    out: &mut dyn Write,
    indent: usize,
    text: &str,
    style: Style,
) -> io::Result<()> {
    let text = make_visible(text);
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
        // The beginning of a line may be one of a command only now.
        writeln!(
            out,
            "{:indent$}{}",
            "",
            paint_text(style, &defuse_commands(&line))
        )?;
    }
    Ok(())
}

/// Wraps a text in the escape codes of a style.
pub(super) fn paint_text(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
