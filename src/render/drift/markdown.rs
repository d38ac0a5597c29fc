//! Renders drift for an issue or a merge request: the verdict first, a row per field, and the objects folded
//! below.
//!
//! Input is a [`DriftDocument`], output Markdown within a budget of bytes, built from the parts in
//! `render::page`. The words for sides, verdict and remarks are those of the terminal, in `render::drift`.

use std::fmt::Write;

use super::summary::{verdict_parts, verdict_remarks};
use super::{
    LONGEST_REASON, changer_name, describe_acceptance, format_sides, notable_objects, risk_warning,
};
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::drift::By;
use crate::plan::drift::document::{BaseEntry, DifferenceEntry, DriftDocument, DriftEntry, State};
use crate::render::page::{BudgetedPage, LONGEST_LINE, fold_details, inline_code};
use crate::render::text::format_location;
use crate::render::view;

pub use crate::render::page::COMMENT;

/// Characters of a value in the table, which has three in a row.
const LONGEST_VALUE: usize = 40;

/// Names where the rows that do not fit can be found.
const ELSEWHERE: &str = "`entitle drift` lists them all";

/// Renders the page in at most `budget` bytes.
///
/// The table may take half of what title, remarks and findings leave; the details get the rest, as in a plan's
/// comment.
pub fn render_page(document: &DriftDocument, budget: usize) -> String {
    let mut page = BudgetedPage::new(budget);
    page.title("Drift", &document.source.paths, &verdict_text(document));
    for remark in verdict_remarks(document) {
        let remark = ["--store", "--base HEAD"]
            .iter()
            .fold(remark, |text, flag| text.replace(flag, &inline_code(flag)));
        page.add(&format!("\n{remark}\n"));
    }
    page.findings(&document.all_findings());
    let notable = notable_objects(document);
    let whole = page.room;
    page.room = whole / 2;
    let listed = add_table(&mut page, &notable);
    page.room += whole - whole / 2;
    add_details(&mut page, &notable[..listed]);
    write_footer(&mut page.text, document);
    page.text
}

/// Returns the verdict without markup of its own; why a run stopped may repeat a vendor's text and stands in
/// code.
fn verdict_text(document: &DriftDocument) -> String {
    match view::stop_reason(&document.diagnostics) {
        Some(why) => format!("stopped. {}", inline_code(&shorten(why, LONGEST_REASON))),
        None => verdict_parts(document).join(", ") + ".",
    }
}

/// Adds one row per field, or one for an object that could not be compared.
///
/// Returns the number of objects of which at least one row fitted; only these get details. With rows for objects
/// of 3 and 2 fields, of which four fit, it returns 2 and counts `1 more row`.
fn add_table(page: &mut BudgetedPage, notable: &[&DriftEntry]) -> usize {
    let rows = |object: &&DriftEntry| object.differences.len().max(1);
    let all: usize = notable.iter().map(rows).sum();
    if all == 0 {
        return 0;
    }
    page.add(
        "\n| who | object | field | base | manifest | live | where |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let (mut shown, mut listed) = (0, 0);
    'objects: for object in notable {
        for (number, row) in object_rows(object).iter().enumerate() {
            if !page.add(row) {
                break 'objects;
            }
            shown += 1;
            listed += usize::from(number == 0);
        }
    }
    page.more(all - shown, "row", ELSEWHERE);
    listed
}

/// Renders the rows of an object: one per field, drift first and accepted differences last.
///
/// An object without differences has one row, with its state in place of who changed it and its message as the
/// field.
fn object_rows(object: &DriftEntry) -> Vec<String> {
    let address = inline_code(&object.address);
    let location = inline_code(&format_location(&object.origin));
    if object.differences.is_empty() {
        let word = match object.state {
            State::Missing => "**missing**",
            State::Error => "**failed**",
            State::Drifted => "drifted",
            State::Pending => "pending",
            State::Accepted => "accepted",
            State::InSync | State::Suspended => "",
        };
        let message = object.message.as_deref().unwrap_or_default();
        let message = inline_code(&shorten(message, LONGEST_LINE));
        return vec![format!(
            "| {word} | {address} | {message} | | | | {location} |\n"
        )];
    }
    let mut fields: Vec<&DifferenceEntry> = object.differences.iter().collect();
    // What is drift before what is not.
    fields.sort_by_key(|one| (one.accepted.is_some(), !one.changed_by.is_drift()));
    let row = |one: &&DifferenceEntry| {
        let values = format_sides(one).map(|value| inline_code(&shorten(&value, LONGEST_VALUE)));
        let [base, manifest, live] = values;
        let base = match one.changed_by {
            By::Unknown => String::new(),
            By::You | By::They | By::Both => base,
        };
        let field = inline_code(&shorten(&one.path, LONGEST_LINE / 2));
        let who = changer_cell(one);
        format!("| {who} | {address} | {field} | {base} | {manifest} | {live} | {location} |\n")
    };
    fields.iter().map(row).collect()
}

/// Renders the cell with who changed the field, and the risk of applying the manifest.
fn changer_cell(one: &DifferenceEntry) -> String {
    let who = match one.changed_by {
        By::You => "you",
        By::They => "**they**",
        By::Both => "**both**",
        By::Unknown => "**no base**",
    };
    if one.accepted.is_some() {
        return format!("{}, accepted", who.trim_matches('*'));
    }
    match one.risk {
        Risk::Safe | Risk::Create => who.into(),
        Risk::Reduce => format!("{who}; an apply reduces"),
        Risk::Strand => format!("{who}; an apply strands"),
        Risk::Destroy => format!("{who}; an apply destroys"),
    }
}

/// Adds a folded list for each object with differences, and a sentence that counts those that do not fit.
fn add_details(page: &mut BudgetedPage, notable: &[&DriftEntry]) {
    let all: Vec<&&DriftEntry> = notable
        .iter()
        .filter(|object| !object.differences.is_empty())
        .collect();
    let fitting = all
        .iter()
        .take_while(|object| page.add(&fold_object(object)));
    let shown = fitting.count();
    page.more(all.len() - shown, "folded list", ELSEWHERE);
}

/// Folds one object: the last apply, and the sides of each field, marked as an apply of the manifest would
/// change them.
///
/// Live is the `-` line and the manifest the `+` line, since an apply replaces the first by the second.
fn fold_object(object: &DriftEntry) -> String {
    let mut body = Vec::new();
    if let Some(applied) = &object.applied {
        let commit = applied.commit.as_deref().map(|commit| shorten(commit, 12));
        let commit = commit.map_or(String::new(), |commit| format!(", commit {commit}"));
        let (run, at) = (&applied.run, &applied.at);
        body.push(format!("# last apply {run} at {at}{commit}"));
    }
    for one in &object.differences {
        let who = match one.changed_by {
            By::Unknown => "no base",
            by => changer_name(by),
        };
        body.push(format!("# {who}: {}", one.path));
        let [base, manifest, live] = format_sides(one);
        if one.changed_by != By::Unknown {
            body.push(format!("  base: {base}"));
        }
        body.push(format!("- live: {live}"));
        body.push(format!("+ manifest: {manifest}"));
        body.extend(risk_warning(one).map(|warning| format!("! {warning}")));
        let accepted = one.accepted.as_ref().map(describe_acceptance);
        body.extend(accepted.map(|accepted| format!("# {accepted}")));
    }
    body.extend(object.message.iter().map(|message| format!("# {message}")));
    let fields = pluralize(object.differences.len(), "field");
    fold_details(&object.address, &fields, body)
}

/// Writes the last line: version, base, time of the reads, commit. Its room is part of the page's reserve.
fn write_footer(text: &mut String, document: &DriftDocument) {
    let base = match &document.base {
        BaseEntry::Journal => "base: the last applies in the journal".into(),
        BaseEntry::Commit(commit) => format!("base: commit {}", inline_code(&shorten(commit, 12))),
    };
    let mut parts = vec![
        format!(
            "entitle {}",
            inline_code(&shorten(&document.tool.version, 20))
        ),
        base,
        format!(
            "read at {}",
            inline_code(&shorten(&document.created_at, 32))
        ),
    ];
    if let Some(commit) = &document.source.commit {
        parts.push(format!("commit {}", inline_code(&shorten(commit, 12))));
    }
    let _ = writeln!(text, "\n<sub>{}</sub>", parts.join(" · "));
}
