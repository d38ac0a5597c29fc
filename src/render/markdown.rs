//! Renders a comment on a pull request: the verdict first, a table, and the changes folded below it.
//!
//! GitHub refuses comments above 64 KiB and step summaries above 1 MiB, so everything is fitted into a budget of
//! bytes, the worst first, and what does not fit is counted. Texts from manifests and vendors stand in inline
//! code or in a fenced block, where they can neither format anything nor mention a user. The parts that drift
//! shares are in `page`.

use std::fmt::Write;

use serde_json::Value as Json;

pub use super::page::COMMENT;
use super::page::{BudgetedPage, LONGEST_LINE, fold_details, inline_code};
use super::text::{format_location, line_diff};
use super::values::{describe_change, describe_risk, format_inline, members_lacking};
use super::view::{RunView, describe_state};
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::ChangeVerb;
use crate::plan::document::{ChangeEntry, ObjectEntry};

/// Characters of a value beside its field; a longer one is shown as the lines that differ.
const LONGEST_VALUE: usize = 80;

/// Renders the comment in at most `budget` bytes.
///
/// The table may take half of what the title and findings leave, and the details get the rest. Of 60,000 bytes
/// left the table gets 30,000; if it needs 10,000 of them, 50,000 remain for details. Only objects with a row
/// get details.
pub fn render_comment(view: &RunView<'_>, budget: usize) -> String {
    let mut page = BudgetedPage::new(budget);
    let stage = view.stage.name();
    let source = &view.document.source;
    page.title(stage, &source.paths, &verdict_text(view));
    if let Some(remark) = view.remark() {
        let remark = remark.replace("--allow strand", "`--allow strand`");
        let remark = remark.replace("--allow reduce", "`--allow reduce`");
        page.add(&format!("\n**{remark}**\n"));
    }
    page.findings(&view.document.diagnostics);
    let notable = view.notable_objects();
    let whole = page.room;
    page.room = whole / 2;
    let listed = add_table(&mut page, &notable);
    page.room += whole - whole / 2;
    add_details(&mut page, &notable[..listed]);
    write_footer(&mut page.text, view);
    page.text
}

/// Returns the verdict without markup of its own; why a run stopped may repeat a vendor's text and stands in
/// code.
fn verdict_text(view: &RunView<'_>) -> String {
    match view.stop_reason() {
        Some(why) => format!("stopped. {}", inline_code(&shorten(why, LONGEST_LINE))),
        None => view.verdict(),
    }
}

/// Adds one row per object, and returns how many fitted. The first row that does not fit ends the table.
fn add_table(page: &mut BudgetedPage, notable: &[&ObjectEntry]) -> usize {
    if notable.is_empty() {
        return 0;
    }
    page.add("\n| | object | what | risk | where |\n| --- | --- | --- | --- | --- |\n");
    let mut rows = 0;
    for object in notable {
        let row = format!(
            "| {} | {} | {} | {} | {} |\n",
            describe_state(object),
            inline_code(&object.address),
            object_cell(object),
            risk_cell(object),
            inline_code(&format_location(&object.origin)),
        );
        if !page.add(&row) {
            break;
        }
        rows += 1;
    }
    page.more(
        notable.len() - rows,
        "object",
        "in the log of the job and in the plan itself",
    );
    rows
}

/// Renders the cell of an object: its message, or the first of its riskiest changes and how many others there
/// are.
///
/// The message wins where nothing was to be written or the write has ended; before a write, the change says
/// more.
fn object_cell(object: &ObjectEntry) -> String {
    let message = object
        .message
        .as_deref()
        .map(|message| inline_code(&shorten(message, LONGEST_LINE)));
    let worst = object.risk();
    let change = object.changes.iter().find(|change| change.risk == worst);
    match (message, change) {
        (Some(message), _) if object.calls.is_empty() || object.outcome.is_some() => message,
        (_, Some(change)) => {
            let first = inline_code(&shorten(
                &describe_change(&without_risk(change)),
                LONGEST_LINE / 2,
            ));
            match object.changes.len() - 1 {
                0 => first,
                others => format!("{first} and {others} more"),
            }
        }
        (message, None) => message.unwrap_or_default(),
    }
}

/// Copies a change without its risk, which has a column of its own.
fn without_risk(change: &ChangeEntry) -> ChangeEntry {
    ChangeEntry {
        risk: Risk::Safe,
        note: None,
        ..change.clone()
    }
}

/// Renders the worst risk of an object, with the first note that explains it; empty for an object without
/// changes.
fn risk_cell(object: &ObjectEntry) -> String {
    let worst = object.risk();
    let word = match worst {
        Risk::Safe if object.changes.is_empty() => return String::new(),
        Risk::Safe => return "safe".into(),
        Risk::Reduce => "**reduces**",
        Risk::Strand => "**strands**",
    };
    let mut notes = object.changes.iter().filter(|change| change.risk == worst);
    match notes.find_map(|change| change.note.as_deref()) {
        Some(note) => format!("{word} {}", inline_code(&shorten(note, LONGEST_LINE / 3))),
        None => word.into(),
    }
}

/// Adds a folded list for each object with changes, and a sentence that counts those that do not fit.
fn add_details(page: &mut BudgetedPage, notable: &[&ObjectEntry]) {
    let folded: Vec<&&ObjectEntry> = notable
        .iter()
        .filter(|object| !object.changes.is_empty())
        .collect();
    let mut shown = 0;
    for object in &folded {
        if !page.add(&fold_object(object)) {
            break;
        }
        shown += 1;
    }
    let where_else = "in the log of the job and in the plan itself";
    page.more(folded.len() - shown, "folded list", where_else);
}

/// Folds one object: its calls and changes as a diff, then message and side effects.
fn fold_object(object: &ObjectEntry) -> String {
    let mut body: Vec<String> = Vec::new();
    for call in &object.calls {
        body.push(format!("  {} {}", call.method.as_str(), call.path));
    }
    for change in &object.changes {
        push_diff(&mut body, change);
    }
    body.extend(object.message.iter().map(|message| format!("# {message}")));
    body.extend(
        object
            .side_effects
            .iter()
            .map(|effect| format!("! side effect: {effect}")),
    );
    let changes = pluralize(object.changes.len(), "change");
    fold_details(&object.address, &changes, body)
}

/// Pushes the lines of one change to a diff, the risk last.
///
/// A set lists members that come and go. A long value or an object lists the lines that differ. All else is a
/// `-` line with the old and a `+` line with the new value, for example `- count: 10` and `+ count: 5`.
fn push_diff(body: &mut Vec<String>, change: &ChangeEntry) {
    match (&change.before, &change.after) {
        // A set by what comes and goes.
        (Json::Array(before), Json::Array(after)) => {
            members_lacking(before, after)
                .iter()
                .for_each(|member| push_side(body, "-", &change.path, member));
            members_lacking(after, before)
                .iter()
                .for_each(|member| push_side(body, "+", &change.path, member));
        }
        // What does not fit on a line is shown by the lines that differ.
        (before, after) if is_long(before) || is_long(after) => {
            let mark = match change.verb {
                ChangeVerb::Add => '+',
                ChangeVerb::Replace => ' ',
                ChangeVerb::Remove => '-',
            };
            body.push(format!("{mark} {}:", change.path));
            let lines = line_diff(change).into_iter();
            body.extend(lines.map(|(mark, line)| format!("{mark}     {line}")));
        }
        (before, after) => {
            if change.verb != ChangeVerb::Add {
                push_side(body, "-", &change.path, before);
            }
            if change.verb != ChangeVerb::Remove {
                push_side(body, "+", &change.path, after);
            }
        }
    }
    let risk = describe_risk(change);
    if !risk.is_empty() {
        body.push(format!("! {risk}"));
    }
}

/// Reports whether a value needs lines of its own.
fn is_long(value: &Json) -> bool {
    value.is_object() || format_inline(value).chars().count() > LONGEST_VALUE
}

/// Pushes one line of a diff, for example `- count: 10`.
fn push_side(body: &mut Vec<String>, mark: &str, path: &str, value: &Json) {
    body.push(format!("{mark} {path}: {}", format_inline(value)));
}

/// Writes the last line: version, digest of the plan, commit. Its room is part of the page's reserve.
fn write_footer(text: &mut String, view: &RunView<'_>) {
    let document = view.document;
    let mut parts = vec![format!("entitle {}", inline_code(&document.tool.version))];
    if !document.objects.is_empty() {
        parts.push(format!(
            "plan {}",
            inline_code(&shorten(&document.digest, 80))
        ));
    }
    if let Some(commit) = &document.source.commit {
        parts.push(format!("commit {}", inline_code(&shorten(commit, 12))));
    }
    let _ = writeln!(text, "\n<sub>{}</sub>", parts.join(" · "));
}
