//! Renders plans and outcomes for people. The text is readable without colour, and is not a contract.
//!
//! The input is a [`RunView`] or its document, the output text with escape codes for colour, which the caller's writer
//! keeps or strips. Columns count as a terminal shows them, so a wide character takes two. Sentences about the
//! whole run come from [`super::view`], so that every format has the same; values come from [`super::values`].

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::change::ChangeLayout;
use super::coming::describe_coming;
use super::group::{ObjectGroup, group_none, group_outcomes};
use super::safe::{defuse_commands, make_visible};
use super::values::{LONGEST, describe_risk};
use super::view::{RunView, Stage};
use crate::model::Outcome;
use crate::plan::document::{CallEntry, ChangeEntry, DiagnosticEntry, ObjectEntry, OriginEntry};
use crate::plan::{ChangeVerb, Disposition};

/// The width of a line: the origin of an object ends in this column if there is room.
pub(super) const WIDTH: usize = 80;

pub(super) const ADD: Style = AnsiColor::Green.on_default();
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
pub(super) const DANGER: Style = AnsiColor::Red.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// Writes a whole run: findings, plan and outcome, as far as the run came.
pub fn write_run(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    write_findings(out, &view.document.all_findings())?;
    match view.stage {
        Stage::Checked => writeln!(out, "{}", view.verdict()),
        Stage::Planned => write_plan(out, view),
        Stage::Applied => {
            let planned = RunView {
                stage: Stage::Planned,
                ..*view
            };
            write_plan(out, &planned)?;
            writeln!(out)?;
            write_outcome(out, view)
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

/// Writes a plan: every object that is not simply in sync, the worst first, then the verdict and a remark on its risks.
///
/// An object looks like this: `~ LacLicenseOrder/a` with its file and line at the right, below it `    ~ count
/// 10 → 5  strands: 5 allowed, 7 in use`, then its calls. Objects that change the same are one entry.
pub fn write_plan(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    for group in view.groups() {
        write_group(out, &group)?;
    }
    write_verdict(out, view)?;
    let mut remarks = view.remarks().into_iter().chain(view.object_remarks());
    remarks.try_for_each(|remark| write_paragraph(out, 0, &remark, Style::new()))
}

/// Writes an apply: every object that was tried, the worst first, with its outcome, then the verdict.
///
/// Objects that could not be read or planned are passed over: the plan above has shown them with the reason.
pub fn write_outcome(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let mut ended = view.notable_objects();
    ended.retain(|object| object.outcome.is_some() && !is_unread(object));
    let groups = match view.full {
        true => group_none(&ended),
        false => group_outcomes(&ended),
    };
    for group in groups {
        write_ended(out, &group)?;
    }
    write_verdict(out, view)
}

/// Reports whether an object could not be read or planned.
fn is_unread(object: &ObjectEntry) -> bool {
    matches!(object.action, Disposition::Missing | Disposition::Error)
}

/// Writes how one object or several ended: mark, name, outcome, then the reason and side effects.
fn write_ended(out: &mut dyn Write, group: &ObjectGroup<'_>) -> io::Result<()> {
    let object = group.first();
    let Some(outcome) = object.outcome else {
        return Ok(());
    };
    let (mark, style) = match outcome {
        Outcome::Converged | Outcome::Already => ("✓", ADD),
        Outcome::Refused | Outcome::Skipped => ("!", CHANGE),
        Outcome::Rejected | Outcome::Stale | Outcome::Failed | Outcome::Unconverged => {
            ("✗", DANGER)
        }
    };
    let word = paint_text(style, outcome.name());
    let title = group.title();
    writeln!(out, "{} {title}  {word}", paint_text(style, mark))?;
    write_names(out, group)?;
    if let Some(message) = group.describe_messages() {
        write_paragraph(out, 4, &message, Style::new())?;
    }
    for effect in &object.side_effects {
        write_paragraph(out, 4, &format!("side effect: {effect}"), Style::new())?;
    }
    Ok(())
}

/// Writes the line that begins with the stage, for example `Plan: 2 to update, 5 in sync.`
fn write_verdict(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let label = format!("{}:", view.stage.name());
    writeln!(out, "{} {}", paint_text(BOLD, &label), view.verdict())
}

/// Writes one entry of a plan: heading, names of a group, changes, message, calls, and an empty line.
///
/// Suspended objects are passed over. Paths are padded to the longest of the object, but to at most 44 columns, so
/// that one long path does not push all values to the right.
fn write_group(out: &mut dyn Write, group: &ObjectGroup<'_>) -> io::Result<()> {
    let object = group.first();
    let (mark, style) = match object.action {
        Disposition::Suspend => return Ok(()),
        Disposition::None => ("=", DIM),
        Disposition::Update => ("~", CHANGE),
        Disposition::Create => ("+", ADD),
        Disposition::Remove => ("-", REMOVE),
        Disposition::Observe => ("?", DIM),
        Disposition::Error if object.problem.is_some() => return Ok(()),
        Disposition::Missing | Disposition::Error => ("✗", DANGER),
    };
    write_heading(
        out,
        paint_text(style, mark),
        &group.title(),
        &group_location(group),
    )?;
    write_names(out, group)?;
    let widest = measure_paths(&object.changes);
    let has_several_calls = object.calls.len() > 1;
    match has_several_calls {
        true => write_changes_by_call(out, group, widest)?,
        false => {
            for change in &object.changes {
                write_change(out, change, widest)?;
            }
        }
    }
    // After an apply the message is written with the outcome.
    if is_unread(object) || object.outcome.is_none() {
        match group.describe_messages() {
            Some(message) if group.is_many() => {
                write_paragraph(out, 4, &message, Style::new())?;
            }
            Some(message) => writeln!(out, "    {}", make_visible(&message))?,
            None => {}
        }
    }
    if !has_several_calls {
        write_calls(out, group)?;
    }
    for line in describe_coming(&object.coming) {
        write_paragraph(out, 4, &line, DIM)?;
    }
    if object.action == Disposition::Observe {
        let words = "observed only: its policy says not to write";
        writeln!(out, "    {}", paint_text(DIM, words))?;
    }
    writeln!(out)
}

/// Returns the file and line of an object, or the file of several, or how many files they are in.
fn group_location(group: &ObjectGroup<'_>) -> String {
    if !group.is_many() {
        return format_location(&group.first().origin);
    }
    match group.files()[..] {
        [file] => make_visible(file).into_owned(),
        ref files => format!("{} files", files.len()),
    }
}

/// Writes the first names of a group, as many as fit on a line, and how many there are besides.
///
/// For a group of one object it writes nothing, because the name is in the heading.
fn write_names(out: &mut dyn Write, group: &ObjectGroup<'_>) -> io::Result<()> {
    const INDENT: usize = 4;
    if !group.is_many() {
        return Ok(());
    }
    let mut line = String::new();
    let mut left = group.objects.len();
    let mut rest = String::new();
    for name in group.names() {
        let comma = if line.is_empty() { "" } else { ", " };
        let longer = format!("{line}{comma}{}", make_visible(name));
        let tail = match left - 1 {
            0 => String::new(),
            others => format!(" and {others} more: --full shows them"),
        };
        if !line.is_empty() && INDENT + longer.width() + tail.width() > WIDTH {
            break;
        }
        (line, rest, left) = (longer, tail, left - 1);
    }
    writeln!(out, "    {line}{}", paint_text(DIM, &rest))
}

/// Writes the changes of an object with several calls: those of each call, then the call.
fn write_changes_by_call(
    out: &mut dyn Write,
    group: &ObjectGroup<'_>,
    widest: usize,
) -> io::Result<()> {
    let object = group.first();
    for (index, call) in object.calls.iter().enumerate() {
        for change in object.changes.iter().filter(|change| change.call == index) {
            write_change(out, change, widest)?;
        }
        write_call(out, group, call)?;
    }
    Ok(())
}

/// Writes the calls of an object, or those of the first of several.
fn write_calls(out: &mut dyn Write, group: &ObjectGroup<'_>) -> io::Result<()> {
    let mut calls = group.first().calls.iter();
    calls.try_for_each(|call| write_call(out, group, call))
}

/// Writes a call of an object, or of the first of several.
fn write_call(out: &mut dyn Write, group: &ObjectGroup<'_>, call: &CallEntry) -> io::Result<()> {
    let more = match group.objects.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} like it"),
    };
    let words = format!("{} {}{more}", call.method.as_str(), call.path);
    writeln!(out, "    {}", paint_text(DIM, &make_visible(&words)))
}

/// Writes the first line of an entry: its mark and title, and where it stands in the manifests at the right. Both texts
/// are visible.
///
/// The gap fills the line to [`WIDTH`] columns, but has at least two: with mark and space (2), an address of 20
/// and a location of 10 columns the gap is 48; with an address of 90 it is 2 and the line is longer.
pub(super) fn write_heading(
    out: &mut dyn Write,
    mark: String,
    title: &str,
    location: &str,
) -> io::Result<()> {
    let used = 2 + title.width() + location.width();
    let gap = WIDTH.saturating_sub(used).max(2);
    writeln!(
        out,
        "{mark} {}{:gap$}{}",
        paint_text(BOLD, title),
        "",
        paint_text(DIM, location)
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
    let layout = ChangeLayout::of(change);
    let value = layout.on_one_line();
    let value = value.map(|value| make_visible(&value).into_owned());
    let risk = match describe_risk(change).as_str() {
        "" => String::new(),
        risk => format!("  {}", paint_text(DANGER, &make_visible(risk))),
    };
    let head = format!("    {} {path}{:pad$}", paint_text(style, mark), "");
    match value.filter(|value| value.width() <= 2 * LONGEST) {
        Some(value) => writeln!(out, "{head}  {value}{risk}"),
        None => {
            writeln!(out, "{}", format!("{head}{risk}").trim_end())?;
            write_lines(out, 8, &layout.into_lines())
        }
    }
}

/// Writes lines with their marks, indented by `indent` columns and coloured by the marks.
pub(super) fn write_lines(
    out: &mut dyn Write,
    indent: usize,
    lines: &[(char, String)],
) -> io::Result<()> {
    for (mark, line) in lines {
        let style = match mark {
            '-' => REMOVE,
            '+' => ADD,
            _ => DIM,
        };
        let line = make_visible(line);
        writeln!(
            out,
            "{:indent$}{}",
            "",
            paint_text(style, &format!("{mark} {line}"))
        )?;
    }
    Ok(())
}

/// Writes a text broken between words into lines of at most 80 columns, `indent` included.
///
/// A word that is longer stays whole: it may be a path to copy. Runs of spaces become one.
pub fn write_paragraph(
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
        // Wrapping makes new beginnings of lines, any of which a CI runner could take for a command.
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
