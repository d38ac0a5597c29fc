//! Builds Markdown pages that must fit into a budget of bytes, for plans and for drift.
//!
//! A part is added whole or not at all, so a page is never cut within a table row or a fence. Texts from
//! manifests and vendors go in through `inline_code` or `fold_details`, where they can neither format anything
//! nor mention a user. What a page contains, and in which order, is decided by its caller.

use std::fmt::Write;

use super::safe::make_visible;
use super::view::{self, Annotation, Level};
use crate::model::wording::{pluralize, shorten};
use crate::plan::document::DiagnosticEntry;
use crate::plan::fingerprint;

/// Bytes of the longest comment that GitHub takes: 64 KiB.
pub const COMMENT: usize = 64 << 10;

/// Bytes kept for the sentences that count what did not fit, and for the footer.
const RESERVE: usize = 700;

/// Findings that are shown; the rest is counted, and the log of the job has them all.
const FINDINGS: usize = 25;

/// Lines of one object's details.
const LONGEST_DETAIL: usize = 80;
/// Characters of a line of details, and the measure of longer and shorter cells.
pub const LONGEST_LINE: usize = 300;

/// A page that grows as long as its budget lasts.
///
/// `room` is public so that a caller can hold back a part of it, as the table of a comment leaves half for
/// details.
pub struct BudgetedPage {
    /// The page so far.
    pub text: String,
    /// Bytes that may still be added.
    pub room: usize,
}

impl BudgetedPage {
    /// Begins an empty page. Of `budget` bytes [`RESERVE`] are kept back: a comment of 65,536 bytes has room for
    /// 64,836.
    pub fn new(budget: usize) -> Self {
        Self {
            text: String::new(),
            room: budget.saturating_sub(RESERVE),
        }
    }

    /// Adds a part if all of it fits, and reports whether it did. A part that does not fit changes nothing.
    pub fn add(&mut self, part: &str) -> bool {
        let fits = part.len() <= self.room;
        if fits {
            self.text.push_str(part);
            self.room -= part.len();
        }
        fits
    }

    /// Adds the hidden marker and the verdict, for example `### Plan: 2 to update, 5 in sync.`
    pub fn title(&mut self, what: &str, paths: &[String], verdict: &str) {
        let marker = page_marker(&what.to_lowercase(), paths);
        self.add(&format!("{marker}\n### {what}: {verdict}\n"));
    }

    /// Adds a table of findings about the manifests, errors first, and counts those beyond the limit or the
    /// budget.
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

    /// Adds a sentence that counts what did not fit and names where it can be found; nothing for 0.
    ///
    /// Its bytes come from the reserve, because it is written just when the room is used up.
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

/// Renders the hidden first line by which a later run finds this comment and replaces it.
///
/// It consists of the stage and eight digits of the digest of the paths, for example `<!-- entitle:plan:1a2b3c4d
/// -->`. Two jobs that plan different directories of one repository so keep their own comments.
fn page_marker(what: &str, paths: &[String]) -> String {
    let digest = fingerprint::json_digest(&paths);
    let paths = digest.trim_start_matches("sha256:");
    format!("<!-- entitle:{what}:{} -->", &paths[..paths.len().min(8)])
}

/// Renders the table row of a finding: level, message with rule, location.
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

/// Folds lines about an object, as a diff, under its address.
///
/// Lines beyond [`LONGEST_DETAIL`] are counted: of 100 lines 80 are shown, then `# 20 more lines not shown`. The
/// fence has one backtick more than the longest run of backticks in the body, and at least three, so that no
/// line can end it.
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

/// Renders a text as inline code.
///
/// The fence is longer than any run of backticks inside. Where backticks would not do (a `|` or `\` in a table,
/// a space at either end, a `<` that could begin the marker of another comment), the text is spelled in entities
/// instead.
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

/// Renders a text as `<code>` in which no character has a meaning: `a|b` becomes `<code>a&#124;b</code>`.
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

/// Returns the length of the longest run of backticks in a text.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
