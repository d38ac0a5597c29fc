//! Output of a step for the runner of GitHub Actions: annotations, the step summary, and outputs.
//!
//! A runner shows ten annotations of a kind for each step and drops the others without a word, so at most
//! nine stand for themselves and the last one counts the rest.

use std::io::{self, Write};

use super::markdown;
use super::safe::make_visible;
use super::view::{Annotation, Level, RunView, Stage};
use crate::model::wording::{pluralize, shorten};

/// Annotations that stand for themselves.
const SHOWN: usize = 9;

/// The size of the summary that a runner takes from one step, less some room.
const SUMMARY: usize = (1 << 20) - (4 << 10);

/// Characters of an annotation that anybody reads.
const LONGEST: usize = 1_000;

/// Annotations at the manifests' lines, as commands to the runner.
pub fn write_annotations(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let points = view.annotations();
    for point in points.iter().take(SHOWN) {
        write_annotation(out, view, point)?;
    }
    let Some(rest) = points.get(SHOWN..).filter(|rest| !rest.is_empty()) else {
        return Ok(());
    };
    // It is as bad as the worst of those it stands for.
    let level = rest
        .iter()
        .map(|point| point.level)
        .min()
        .unwrap_or(Level::Notice);
    let of = |level| rest.iter().filter(|point| point.level == level).count();
    let parts = [
        (of(Level::Error), "error"),
        (of(Level::Warning), "warning"),
        (of(Level::Notice), "notice"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| pluralize(number, noun))
        .collect();
    let message = format!(
        "{} more: {}. All are in the log.",
        rest.len(),
        parts.join(", ")
    );
    writeln!(
        out,
        "::{} title=entitle::{}",
        command_name(level),
        escape_data(&message)
    )
}

fn write_annotation(
    out: &mut dyn Write,
    view: &RunView<'_>,
    point: &Annotation<'_>,
) -> io::Result<()> {
    let mut properties = Vec::new();
    if let Some(file) = point.file.filter(|file| !file.starts_with('<')) {
        properties.push(format!(
            "file={}",
            escape_property(&repository_path(view.base, file))
        ));
        if point.line > 0 {
            properties.push(format!("line={}", point.line));
            properties.push(format!("col={}", point.column.max(1)));
        }
    }
    let title = match point.address {
        Some(address) => format!("{} {address}", point.rule),
        None => point.rule.to_string(),
    };
    properties.push(format!("title={}", escape_property(&title)));
    let message = escape_data(&shorten(&point.message, LONGEST));
    writeln!(
        out,
        "::{} {}::{message}",
        command_name(point.level),
        properties.join(",")
    )
}

fn command_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    }
}

/// A file as the repository names it.
pub fn repository_path(base: &str, file: &str) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    if base.is_empty() || file.starts_with('/') {
        file.to_string()
    } else {
        format!("{base}/{file}")
    }
}

/// The text of a command, as its runner reads it.
fn escape_data(text: &str) -> String {
    let text = make_visible(text).replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, which ends at a comma or a colon.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The page of the step, within what is left of its megabyte.
pub fn step_summary(view: &RunView<'_>, written: u64) -> String {
    let written = usize::try_from(written).unwrap_or(SUMMARY);
    let room = SUMMARY.saturating_sub(written);
    // Less than this holds no verdict; the runner would refuse the whole page for being too long.
    if room < 2_000 {
        return String::new();
    }
    markdown::render_comment(view, room)
}

/// The outputs of the step. `delimiter` is one that nobody can know beforehand.
pub fn write_outputs(out: &mut dyn Write, view: &RunView<'_>, delimiter: &str) -> io::Result<()> {
    let summary = &view.document.summary;
    let changes = summary.update + summary.observe_only > 0;
    let mut findings = view.document.diagnostics.iter();
    let planned = view.stage != Stage::Checked && findings.all(|found| !found.is_error());
    let digest = if planned { &view.document.digest } else { "" };
    for (name, value) in [
        ("has_changes", changes.to_string()),
        ("plan_digest", make_visible(digest).into()),
    ] {
        writeln!(out, "{name}<<{delimiter}\n{value}\n{delimiter}")?;
    }
    Ok(())
}
