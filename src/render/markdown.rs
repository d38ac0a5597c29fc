//! Renders a comment on a pull request: the verdict first, a table, and the changes folded below it.
//!
//! GitHub refuses comments above 64 KiB and step summaries above 1 MiB, so everything is fitted into a budget of
//! bytes, the worst first, and what does not fit is counted. Texts from manifests and vendors stand in inline
//! code or in a fenced block, where they can neither format anything nor mention a user. The parts that drift
//! shares are in `page`.

use std::fmt::Write;

use super::change::{ChangeLayout, describe_change};
use super::coming::describe_coming;
use super::group::{ObjectGroup, split_address};
pub use super::page::COMMENT;
use super::page::{BudgetedPage, LONGEST_LINE, fold_details, inline_code};
use super::text::format_location;
use super::values::describe_risk;
use super::view::{RunView, describe_state};
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::ChangeVerb;
use crate::plan::document::{ChangeEntry, ObjectEntry};

/// The most names of a group in its row; the details have more.
const NAMES: usize = 3;

/// The most characters of a line of names in the details of a group.
const NAME_LINE: usize = 100;

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
    for remark in view.remarks() {
        let remark = remark.replace("--allow strand", "`--allow strand`");
        let remark = remark.replace("--allow reduce", "`--allow reduce`");
        page.add(&format!("\n**{remark}**\n"));
    }
    for remark in view.object_remarks() {
        page.add(&format!("\n{}\n", inline_code(&remark)));
    }
    page.findings(&view.document.all_findings());
    let groups = view.groups();
    let whole = page.room;
    page.room = whole / 2;
    let listed = add_table(&mut page, &groups);
    page.room += whole - whole / 2;
    add_details(&mut page, &groups[..listed]);
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

/// Adds one row per object or group of objects, and returns how many fitted. The first row that does not fit ends the
/// table.
fn add_table(page: &mut BudgetedPage, groups: &[ObjectGroup<'_>]) -> usize {
    if groups.is_empty() {
        return 0;
    }
    page.add("\n| | object | what | risk | where |\n| --- | --- | --- | --- | --- |\n");
    let mut rows = 0;
    for group in groups {
        let object = group.first();
        let row = format!(
            "| {} | {} | {} | {} | {} |\n",
            describe_state(object),
            name_cell(group),
            object_cell(object),
            risk_cell(object),
            location_cell(group),
        );
        if !page.add(&row) {
            break;
        }
        rows += 1;
    }
    let left = groups[rows..].iter().map(|group| group.objects.len());
    page.more(
        left.sum(),
        "object",
        "in the log of the job and in the plan itself",
    );
    rows
}

/// Renders the cell with the address of an object, or the number of objects, their kind and the first names.
fn name_cell(group: &ObjectGroup<'_>) -> String {
    let object = group.first();
    if !group.is_many() {
        return inline_code(&object.address);
    }
    let number = group.objects.len();
    let names: Vec<String> = group.names().take(NAMES).map(inline_code).collect();
    let more = match number.saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let kind = inline_code(split_address(object).0);
    let edition = group
        .edition()
        .map(|name| format!(" of edition {}", inline_code(name)));
    let edition = edition.unwrap_or_default();
    format!("**{number} ×** {kind}{edition}: {}{more}", names.join(", "))
}

/// Renders the cell with file and line of an object, or the file of several.
fn location_cell(group: &ObjectGroup<'_>) -> String {
    match (group.is_many(), &group.files()[..]) {
        (false, _) => inline_code(&format_location(&group.first().origin)),
        (true, [file]) => inline_code(file),
        (true, files) => pluralize(files.len(), "file"),
    }
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
        (None, None) => {
            let coming = describe_coming(&object.coming).into_iter().next();
            coming
                .map(|line| inline_code(&shorten(&line, LONGEST_LINE)))
                .unwrap_or_default()
        }
        (Some(message), None) => message,
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
        Risk::Create => "creates",
        Risk::Destroy => "**destroys**",
        Risk::Reduce => "**reduces**",
        Risk::Strand => "**strands**",
    };
    let mut notes = object.changes.iter().filter(|change| change.risk == worst);
    match notes.find_map(|change| change.note.as_deref()) {
        Some(note) => format!("{word} {}", inline_code(&shorten(note, LONGEST_LINE / 3))),
        None => word.into(),
    }
}

/// Adds a folded list for each entry with changes, and a sentence that counts those that do not fit.
fn add_details(page: &mut BudgetedPage, groups: &[ObjectGroup<'_>]) {
    let folded: Vec<&ObjectGroup> = groups
        .iter()
        .filter(|group| {
            let object = group.first();
            !object.changes.is_empty() || !object.coming.is_empty()
        })
        .collect();
    let mut shown = 0;
    for group in &folded {
        if !page.add(&fold_group(group)) {
            break;
        }
        shown += 1;
    }
    let where_else = "in the log of the job and in the plan itself";
    page.more(folded.len() - shown, "folded list", where_else);
}

/// Folds one entry: its calls and changes as a diff, then messages, side effects and the names of a group.
fn fold_group(group: &ObjectGroup<'_>) -> String {
    let object = group.first();
    let mut body: Vec<String> = Vec::new();
    // An object without a call may have changes all the same: they are those of its first call.
    for index in 0..object.calls.len().max(1) {
        let call = object.calls.get(index).filter(|_| !group.is_many());
        body.extend(call.map(|call| format!("  {} {}", call.method.as_str(), call.path)));
        let changes = object.changes.iter();
        let changes = changes.filter(|change| change.call == index);
        changes.for_each(|change| push_diff(&mut body, change));
    }
    let message = group.describe_messages();
    body.extend(message.map(|message| format!("# {message}")));
    let effects = object.side_effects.iter();
    body.extend(effects.map(|effect| format!("! side effect: {effect}")));
    let coming = describe_coming(&object.coming).into_iter();
    body.extend(coming.map(|line| format!("# {line}")));
    let changes = pluralize(object.changes.len(), "change");
    if !group.is_many() {
        return fold_details(&object.address, &changes, body);
    }
    push_names(&mut body, group);
    fold_details(&group.title(), &format!("{changes} each"), body)
}

/// Pushes the names of a group, as many on a line as fit.
fn push_names(body: &mut Vec<String>, group: &ObjectGroup<'_>) {
    let mut line = String::from("#");
    for name in group.names() {
        if line.len() > 1 && line.len() + name.len() > NAME_LINE {
            body.push(std::mem::replace(&mut line, "#".into()));
        }
        let _ = write!(line, " {name}");
    }
    body.push(line);
}

/// Pushes the lines of one change to a diff, the risk last.
///
/// A set lists members that come and go. A long value or an object lists the lines that differ. All else is a
/// `-` line with the old and a `+` line with the new value, for example `- count: 10` and `+ count: 5`.
fn push_diff(body: &mut Vec<String>, change: &ChangeEntry) {
    let path = &change.path;
    match ChangeLayout::of(change) {
        ChangeLayout::Lines(lines) => {
            let mark = match change.verb {
                ChangeVerb::Add => '+',
                ChangeVerb::Replace => ' ',
                ChangeVerb::Remove => '-',
            };
            body.push(format!("{mark} {path}:"));
            let lines = lines.into_iter();
            body.extend(lines.map(|(mark, line)| format!("{mark}     {line}")));
        }
        layout => {
            let sides = layout.into_lines().into_iter();
            body.extend(sides.map(|(mark, value)| format!("{mark} {path}: {value}")));
        }
    }
    let risk = describe_risk(change);
    if !risk.is_empty() {
        body.push(format!("! {risk}"));
    }
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
    if let Some(environment) = &document.source.environment {
        parts.push(format!(
            "environment {}",
            inline_code(&shorten(environment, 80))
        ));
    }
    if let Some(commit) = &document.source.commit {
        parts.push(format!("commit {}", inline_code(&shorten(commit, 12))));
    }
    let _ = writeln!(text, "\n<sub>{}</sub>", parts.join(" · "));
}
