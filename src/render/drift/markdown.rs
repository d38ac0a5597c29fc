//! Drift for an issue or a merge request: the verdict first, a row per field, and the objects folded below.

use std::fmt::Write;

use super::{LONGEST_REASON, name, parts, remarks, shown_sides, warning, words};
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::drift::By;
use crate::plan::drift::document::{BaseEntry, DifferenceEntry, DriftDocument, DriftEntry, State};
use crate::render::page::{LONGEST_LINE, Page, code, folded};
use crate::render::text::place;
use crate::render::view;

pub use crate::render::page::COMMENT;

/// Characters of a value in the table, of which there are three in a row.
const LONGEST_VALUE: usize = 40;

/// Where to find what does not fit.
const ELSEWHERE: &str = "`entitle drift` lists them all";

/// The page, at most `budget` bytes of it.
pub fn page(document: &DriftDocument, budget: usize) -> String {
    let mut page = Page::new(budget);
    page.title("Drift", &document.source.paths, &verdict(document));
    for remark in remarks(document) {
        let remark = ["--store", "--base HEAD"]
            .iter()
            .fold(remark, |text, flag| text.replace(flag, &code(flag)));
        page.add(&format!("\n{remark}\n"));
    }
    page.findings(&document.diagnostics);
    let told = told(document);
    let whole = page.room;
    page.room = whole / 2;
    let listed = table(&mut page, &told);
    page.room += whole - whole / 2;
    details(&mut page, &told[..listed]);
    foot(&mut page.text, document);
    page.text
}

fn verdict(document: &DriftDocument) -> String {
    match view::stopped(&document.diagnostics) {
        Some(why) => format!("stopped. {}", code(&shorten(why, LONGEST_REASON))),
        None => parts(document).join(", ") + ".",
    }
}

/// Objects with something to tell, the worst first, otherwise by address.
fn told(document: &DriftDocument) -> Vec<&DriftEntry> {
    let rank = |object: &&DriftEntry| match object.state {
        State::Missing | State::Error => 0,
        State::Drifted => 1,
        State::Pending => 2,
        State::Accepted => 3,
        State::InSync | State::Suspended => 4,
    };
    let objects = document.objects.iter();
    let mut told: Vec<&DriftEntry> = objects.filter(|object| rank(object) < 4).collect();
    told.sort_by_key(rank);
    told
}

/// One row per field, or one for an object that could not be compared; of how many objects some are shown.
fn table(page: &mut Page, told: &[&DriftEntry]) -> usize {
    let rows = |object: &&DriftEntry| object.differences.len().max(1);
    let all: usize = told.iter().map(rows).sum();
    if all == 0 {
        return 0;
    }
    page.add(
        "\n| who | object | field | base | manifest | live | where |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let (mut shown, mut listed) = (0, 0);
    'objects: for object in told {
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

fn object_rows(object: &DriftEntry) -> Vec<String> {
    let address = code(&object.address);
    let place = code(&place(&object.origin));
    if object.differences.is_empty() {
        let word = match object.state {
            State::Missing => "**missing**",
            State::Error => "**failed**",
            State::Drifted => "drifted",
            State::Pending => "pending",
            State::Accepted => "accepted",
            State::InSync | State::Suspended => "",
        };
        let said = object.message.as_deref().unwrap_or_default();
        let said = code(&shorten(said, LONGEST_LINE));
        return vec![format!("| {word} | {address} | {said} | | | | {place} |\n")];
    }
    let mut fields: Vec<&DifferenceEntry> = object.differences.iter().collect();
    // What is drift before what is not.
    fields.sort_by_key(|one| (one.accepted.is_some(), !one.changed_by.is_drift()));
    let row = |one: &&DifferenceEntry| {
        let values = shown_sides(one).map(|value| code(&shorten(&value, LONGEST_VALUE)));
        let [base, manifest, live] = values;
        let base = match one.changed_by {
            By::Unknown => String::new(),
            By::You | By::They | By::Both => base,
        };
        let field = code(&shorten(&one.path, LONGEST_LINE / 2));
        let who = who(one);
        format!("| {who} | {address} | {field} | {base} | {manifest} | {live} | {place} |\n")
    };
    fields.iter().map(row).collect()
}

/// Who changed the field, and what an apply of the manifest would do.
fn who(one: &DifferenceEntry) -> String {
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
        Risk::Safe => who.into(),
        Risk::Reduce => format!("{who}; an apply reduces"),
        Risk::Strand => format!("{who}; an apply strands"),
    }
}

fn details(page: &mut Page, told: &[&DriftEntry]) {
    let all: Vec<&&DriftEntry> = told
        .iter()
        .filter(|object| !object.differences.is_empty())
        .collect();
    let fitting = all.iter().take_while(|object| page.add(&detail(object)));
    let shown = fitting.count();
    page.more(all.len() - shown, "folded list", ELSEWHERE);
}

/// One object folded: the sides of each field, marked as an apply of the manifest would change them.
fn detail(object: &DriftEntry) -> String {
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
            by => name(by),
        };
        body.push(format!("# {who}: {}", one.path));
        let [base, manifest, live] = shown_sides(one);
        if one.changed_by != By::Unknown {
            body.push(format!("  base: {base}"));
        }
        body.push(format!("- live: {live}"));
        body.push(format!("+ manifest: {manifest}"));
        body.extend(warning(one).map(|warning| format!("! {warning}")));
        let accepted = one.accepted.as_ref().map(words);
        body.extend(accepted.map(|accepted| format!("# {accepted}")));
    }
    body.extend(object.message.iter().map(|said| format!("# {said}")));
    let fields = pluralize(object.differences.len(), "field");
    folded(&object.address, &fields, body)
}

fn foot(text: &mut String, document: &DriftDocument) {
    let base = match &document.base {
        BaseEntry::Journal => "base: the last applies in the journal".into(),
        BaseEntry::Commit(commit) => format!("base: commit {}", code(&shorten(commit, 12))),
    };
    let mut parts = vec![
        format!("entitle {}", code(&shorten(&document.tool.version, 20))),
        base,
        format!("read at {}", code(&shorten(&document.created_at, 32))),
    ];
    if let Some(commit) = &document.source.commit {
        parts.push(format!("commit {}", code(&shorten(commit, 12))));
    }
    let _ = writeln!(text, "\n<sub>{}</sub>", parts.join(" · "));
}
