//! Plans and outcomes for people. Readable without colour; not a contract.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr;

use super::safe::{commands, visible};
use super::values::{lines, one_line, risk};
use super::view::{Stage, View, risk_words};
use crate::model::Outcome;
use crate::plan::document::{ChangeEntry, DiagnosticEntry, ObjectEntry, OriginEntry, PlanDocument};
use crate::plan::{ChangeVerb, Disposition};

/// The column in which the origin of an object ends up, where there is room.
pub(super) const WIDTH: usize = 80;

const ADD: Style = AnsiColor::Green.on_default();
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
pub(super) const DANGER: Style = AnsiColor::Red.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// A run in one piece: findings, plan, and what came of it.
pub fn whole(out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let document = view.document;
    findings(out, &document.diagnostics)?;
    match view.stage {
        Stage::Checked => writeln!(out, "{}", view.verdict()),
        Stage::Planned => plan(out, document),
        Stage::Applied => {
            plan(out, document)?;
            writeln!(out)?;
            outcome(out, document)
        }
    }
}

/// Findings without the lines they are about: whoever reads a report has the manifests elsewhere.
pub(super) fn findings(out: &mut dyn Write, findings: &[DiagnosticEntry]) -> io::Result<()> {
    for finding in findings {
        let label = format!("{}[{}]:", finding.severity, finding.code);
        writeln!(
            out,
            "{} {}",
            painted(BOLD, &visible(&label)),
            visible(&finding.message)
        )?;
        if let Some(file) = &finding.file {
            let (line, column) = (finding.line.unwrap_or(0), finding.column.unwrap_or(0));
            writeln!(out, "    {}:{line}:{column}", visible(file))?;
        }
        if let Some(hint) = &finding.hint {
            writeln!(out, "    help: {}", visible(hint))?;
        }
    }
    Ok(())
}

/// A plan: every object that is not simply in sync, then the verdict.
pub fn plan(out: &mut dyn Write, document: &PlanDocument) -> io::Result<()> {
    for object in &document.objects {
        entry(out, object)?;
    }
    close(out, document, Stage::Planned)?;
    match risk_words(&document.summary) {
        Some(words) => writeln!(out, "{words}"),
        None => Ok(()),
    }
}

/// An apply: every object with something to tell, then what came of it.
pub fn outcome(out: &mut dyn Write, document: &PlanDocument) -> io::Result<()> {
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
        let word = painted(style, outcome.name());
        let address = visible(&object.address);
        writeln!(out, "{} {address}  {word}", painted(style, mark))?;
        if let Some(message) = &object.message {
            paragraph(out, 4, message, Style::new())?;
        }
        for effect in &object.side_effects {
            paragraph(out, 4, &format!("side effect: {effect}"), Style::new())?;
        }
    }
    close(out, document, Stage::Applied)
}

fn close(out: &mut dyn Write, document: &PlanDocument, stage: Stage) -> io::Result<()> {
    let view = View {
        stage,
        document,
        base: "",
    };
    let label = format!("{}:", stage.name());
    writeln!(out, "{} {}", painted(BOLD, &label), view.verdict())
}

fn entry(out: &mut dyn Write, object: &ObjectEntry) -> io::Result<()> {
    let (mark, style) = match object.action {
        Disposition::None if object.message.is_none() => return Ok(()),
        Disposition::None => ("=", DIM),
        Disposition::Update => ("~", CHANGE),
        Disposition::Observe => ("?", DIM),
        Disposition::Suspend => return Ok(()),
        Disposition::Missing | Disposition::Error => ("✗", DANGER),
    };
    head(out, painted(style, mark), &object.address, &object.origin)?;
    let widest = object
        .changes
        .iter()
        .map(|change| visible(&change.path).width())
        .max()
        .unwrap_or(0)
        .min(44);
    for change in &object.changes {
        changed(out, change, widest)?;
    }
    // How it ended is told with the end.
    let unread = matches!(object.action, Disposition::Missing | Disposition::Error);
    if let Some(message) = object
        .message
        .as_ref()
        .filter(|_| unread || object.outcome.is_none())
    {
        writeln!(out, "    {}", visible(message))?;
    }
    for call in &object.calls {
        writeln!(
            out,
            "    {}",
            painted(
                DIM,
                &visible(&format!("{} {}", call.method.as_str(), call.path))
            )
        )?;
    }
    if object.action == Disposition::Observe {
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
    let (address, origin) = (visible(address), place(origin));
    let used = 2 + address.width() + origin.width();
    let gap = WIDTH.saturating_sub(used).max(2);
    writeln!(
        out,
        "{mark} {}{:gap$}{}",
        painted(BOLD, &address),
        "",
        painted(DIM, &origin)
    )
}

/// `file:line`, or the file alone where no line is known.
pub fn place(origin: &OriginEntry) -> String {
    let file = visible(&origin.file);
    match origin.line {
        0 => file.into_owned(),
        line => format!("{file}:{line}"),
    }
}

fn changed(out: &mut dyn Write, change: &ChangeEntry, widest: usize) -> io::Result<()> {
    let (mark, style) = match change.verb {
        ChangeVerb::Add => ("+", ADD),
        ChangeVerb::Replace => ("~", CHANGE),
        ChangeVerb::Remove => ("-", REMOVE),
    };
    let path = visible(&change.path);
    let pad = widest.saturating_sub(path.width());
    let value = one_line(change).map(|value| visible(&value).into_owned());
    let risk = risk(change);
    let tail = if risk.is_empty() {
        String::new()
    } else {
        format!("  {}", painted(DANGER, &visible(&risk)))
    };
    let head = format!("    {} {}{:pad$}", painted(style, mark), path, "");
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
            changed_lines(out, change)
        }
    }
}

/// The lines of a long change that differ, and two around them, each with its mark.
pub fn line_diff(change: &ChangeEntry) -> Vec<(char, String)> {
    let (before, after) = (lines(&change.before), lines(&change.after));
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
            let text = visible(line.value().trim_end_matches('\n')).into_owned();
            shown.push((mark, text));
        }
    }
    shown
}

fn changed_lines(out: &mut dyn Write, change: &ChangeEntry) -> io::Result<()> {
    for (mark, line) in line_diff(change) {
        let style = match mark {
            '-' => REMOVE,
            '+' => ADD,
            _ => DIM,
        };
        writeln!(out, "        {}", painted(style, &format!("{mark} {line}")))?;
    }
    Ok(())
}

/// A text broken between words, so that no line is longer than the terminal. A word that is longer stays
/// whole: it may be a path to be copied.
pub(super) fn paragraph(
    out: &mut dyn Write,
    indent: usize,
    text: &str,
    style: Style,
) -> io::Result<()> {
    let text = visible(text);
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
        writeln!(out, "{:indent$}{}", "", painted(style, &commands(&line)))?;
    }
    Ok(())
}

pub(super) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
