//! Parts of Markdown pages that must fit into a budget of bytes.
//!
//! GitHub refuses comments above 64 KiB, so what does not fit is counted. Whatever a manifest or a vendor says
//! stands in code, where it can neither format anything nor call anybody's name.

use std::fmt::Write;

use super::safe::make_visible;
use super::view::{self, Annotation, Level};
use crate::model::wording::{pluralize, shorten};
use crate::plan::document::DiagnosticEntry;
use crate::plan::fingerprint;

/// The longest comment that GitHub takes.
pub const COMMENT: usize = 64 << 10;

/// Room for the sentences that count what did not fit, and the foot.
const RESERVE: usize = 700;

/// Findings that are shown; more than that is for the log.
const FINDINGS: usize = 25;

/// Lines of one object's details, and characters of a line.
const LONGEST_DETAIL: usize = 80;
pub const LONGEST_LINE: usize = 300;

/// Text under a budget.
pub struct BudgetedPage {
    pub text: String,
    pub room: usize,
}

impl BudgetedPage {
    pub fn new(budget: usize) -> Self {
        Self {
            text: String::new(),
            room: budget.saturating_sub(RESERVE),
        }
    }

    /// Adds a part if all of it fits, and reports whether it did.
    pub fn add(&mut self, part: &str) -> bool {
        let fits = part.len() <= self.room;
        if fits {
            self.text.push_str(part);
            self.room -= part.len();
        }
        fits
    }

    /// Adds the marker and the verdict.
    pub fn title(&mut self, what: &str, paths: &[String], verdict: &str) {
        let marker = page_marker(&what.to_lowercase(), paths);
        self.add(&format!("{marker}\n### {what}: {verdict}\n"));
    }

    /// Adds findings about the manifests, errors first.
    pub fn findings(&mut self, found: &[DiagnosticEntry]) {
        if found.is_empty() {
            return;
        }
        let mut points: Vec<Annotation> = found.iter().map(view::annotate_finding).collect();
        points.sort_by_key(|point| point.level);
        self.add("\n| | finding | where |\n| --- | --- | --- |\n");
        let mut shown = 0;
        for point in points.iter().take(FINDINGS) {
            if !self.add(&finding_row(point)) {
                break;
            }
            shown += 1;
        }
        self.more(found.len() - shown, "finding", "in the log of the job");
    }

    /// Adds a sentence that counts what did not fit and says where to find it; it has room of its own.
    pub fn more(&mut self, number: usize, noun: &str, elsewhere: &str) {
        if number > 0 {
            let _ = writeln!(
                self.text,
                "\n_{} not shown here: {elsewhere}._",
                pluralize(number, &format!("more {noun}"))
            );
        }
    }
}

/// Renders the hidden first line by which a later run of the same kind over the same paths finds this comment and
/// replaces it.
fn page_marker(what: &str, paths: &[String]) -> String {
    let digest = fingerprint::json_digest(&paths);
    let paths = digest.trim_start_matches("sha256:");
    format!("<!-- entitle:{what}:{} -->", &paths[..paths.len().min(8)])
}

fn finding_row(point: &Annotation<'_>) -> String {
    let level = match point.level {
        Level::Error => "**error**",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let at = point
        .file
        .map(|file| inline_code(&format!("{file}:{}", point.line)));
    let message = inline_code(&shorten(&point.message, 2 * LONGEST_LINE));
    format!(
        "| {level} | {message} {} | {} |\n",
        inline_code(point.rule),
        at.unwrap_or_default()
    )
}

/// Folds lines about an object, as a diff, under its name.
pub fn fold_details(address: &str, what: &str, mut body: Vec<String>) -> String {
    let over = body.len().saturating_sub(LONGEST_DETAIL);
    body.truncate(LONGEST_DETAIL);
    if over > 0 {
        body.push(format!("# {} not shown", pluralize(over, "more line")));
    }
    let body: Vec<String> = body
        .iter()
        .map(|line| make_visible(&shorten(line, LONGEST_LINE)).into_owned())
        .collect();
    let body = body.join("\n");
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    format!(
        "\n<details><summary>{} {what}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n",
        encode_entities(address)
    )
}

/// Renders a text as inline code; as entities where backticks would not hold it in a table, or where it could pass
/// for the marker of another comment.
pub fn inline_code(text: &str) -> String {
    let shown = make_visible(text);
    if shown.is_empty() {
        return String::new();
    }
    if shown.contains(['|', '\\', '<']) || shown.trim() != shown {
        return encode_entities(&shown);
    }
    match longest_run(&shown) {
        0 => format!("`{shown}`"),
        run => {
            let fence = "`".repeat(run + 1);
            format!("{fence} {shown} {fence}")
        }
    }
}

/// Renders a text as inline code in which no character has a meaning.
fn encode_entities(text: &str) -> String {
    let mut shown = String::from("<code>");
    for c in make_visible(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | ',' | ';') {
            let _ = write!(shown, "&#{};", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown + "</code>"
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
