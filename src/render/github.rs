//! Output of a step for the runner of GitHub Actions: annotations, the step summary, and outputs.
//!
//! A runner shows ten annotations of a kind for each step and drops the others without a word, so at most
//! nine stand for themselves and the last one counts the rest.

use std::io::{self, Write};

use super::safe::make_visible;
use super::source_host::repository_path;
use super::view::{Annotation, Level, RunView, Stage};
use crate::model::wording::{pluralize, shorten};

/// Annotations that are written one by one; the tenth of a step counts the rest.
const SHOWN: usize = 9;

/// Bytes of summary that a runner takes from one step: 1 MiB, less 4 KiB of reserve.
const SUMMARY: usize = (1 << 20) - (4 << 10);

/// Characters of an annotation's message; longer ones are shortened.
const LONGEST: usize = 1_000;

/// Writes annotations at lines of the manifests, as commands to the runner. `base` is the directory of the run below
/// the top of the repository.
///
/// With 12 points, 9 are written and a tenth says `3 more: 1 error, 2 warnings. All are in the log.` The points
/// come the worst first, so the nine are the ones to look at. The level of the tenth is the worst level among
/// the rest.
pub fn write_annotations(
    out: &mut dyn Write,
    points: &[Annotation<'_>],
    base: &str,
) -> io::Result<()> {
    for point in points.iter().take(SHOWN) {
        write_annotation(out, base, point)?;
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

/// Writes one command, for example `::error file=a.yaml,line=3,col=5,title=unknown-field::message`.
///
/// `file` is left out for sources that are no file, such as `<stdin>`; line and column where the line is not
/// known.
fn write_annotation(out: &mut dyn Write, base: &str, point: &Annotation<'_>) -> io::Result<()> {
    let mut properties = Vec::new();
    if let Some(file) = point.file.filter(|file| !file.starts_with('<')) {
        properties.push(format!(
            "file={}",
            escape_property(&repository_path(base, file))
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

/// Returns the name of the runner's command for a level.
fn command_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    }
}

/// Escapes the message of a command: the runner decodes `%25`, `%0D` and `%0A`.
fn escape_data(text: &str) -> String {
    let text = make_visible(text).replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command, which would end at a comma or a colon.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Renders the page of the step within what is left of its megabyte.
///
/// `written` counts the bytes that the step has put there before, and `render` makes a page of at most so many bytes.
/// Returns an empty text if less than 2,000 bytes are left: the runner refuses the whole page when it is too long.
pub fn step_summary(render: impl FnOnce(usize) -> String, written: u64) -> String {
    let written = usize::try_from(written).unwrap_or(SUMMARY);
    let room = SUMMARY.saturating_sub(written);
    // Less than this holds no verdict; the runner would refuse the whole page for being too long.
    if room < 2_000 {
        return String::new();
    }
    render(room)
}

/// Writes the outputs of a plan or an apply. `delimiter` must be random: a text that contains it could set outputs of
/// its own.
pub fn write_outputs(out: &mut dyn Write, view: &RunView<'_>, delimiter: &str) -> io::Result<()> {
    let summary = &view.document.summary;
    let changes = summary.writing() + summary.observe_only > 0;
    let mut findings = view.document.diagnostics.iter();
    let planned = view.stage != Stage::Checked && findings.all(|found| !found.is_error());
    let digest = if planned { &view.document.digest } else { "" };
    write_output(out, "has_changes", &changes.to_string(), delimiter)?;
    write_output(out, "plan_digest", &make_visible(digest), delimiter)
}

/// Writes one output of the step.
pub fn write_output(
    out: &mut dyn Write,
    name: &str,
    value: &str,
    delimiter: &str,
) -> io::Result<()> {
    writeln!(out, "{name}<<{delimiter}\n{value}\n{delimiter}")
}
