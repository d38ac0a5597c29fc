//! Parts of pages that the report and the daemon's page share.
//!
//! The input is entries of the documents; the output is markup in which every text of a manifest or a vendor is escaped
//! and all of its characters are visible. A page includes [`STYLE`] beside its own style; the colours follow its
//! `color-scheme`.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;
use crate::plan::field_descent::FieldDescent;
use crate::render::change::ChangeLayout;
use crate::render::safe::make_visible;
use crate::render::source_host::SourceLinks;

/// The style of the parts.
pub const STYLE: &str = include_str!("parts.css");

/// Members of a set that are shown at once; the others are folded below them.
const MEMBERS: usize = 20;

/// Lines of a long value; the others are counted. The plan document has all of them.
const LINES: usize = 400;

/// Characters of a commit that name it in a page.
const COMMIT: usize = 12;

/// Renders changes as a table: field with its sign, values as a diff, risk with its note.
pub fn change_table(changes: &[ChangeEntry]) -> Markup {
    html! {
        table.changes {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Change" } th scope="col" { "Risk" } } }
            tbody {
                @for change in changes {
                    tr {
                        th scope="row" { (verb_sign(change.verb)) " " (make_visible(&change.path)) }
                        td.diff-cell { (change_diff(change)) }
                        td class={ "risk " (risk_class(change.risk)) } {
                            (risk_word(change.risk))
                            @if let Some(note) = &change.note { ": " (make_visible(note)) }
                        }
                    }
                }
            }
        }
    }
}

/// Renders where values come from, folded: a line for each, with its places in the order in which they lead to where it was
/// written. Nothing without values.
pub fn descent_list<'a>(
    values: impl IntoIterator<Item = &'a FieldDescent>,
    links: &SourceLinks<'_>,
) -> Markup {
    let mut values = values.into_iter().peekable();
    html! {
        @if values.peek().is_some() {
            details.more.descent {
                summary { "Where the values come from" }
                ul.names { @for value in values {
                    li {
                        (make_visible(&value.field)) ": "
                        @for (index, place) in value.places.iter().enumerate() {
                            @if index > 0 { " ← " }
                            span.where { (line_link(links, &place.file, place.line)) }
                            @if !place.document.is_empty() { " " (make_visible(&place.document)) }
                        }
                    }
                } }
            }
        }
    }
}

/// Renders the values of a change as a diff, in the form that a plan has in the terminal: `10 → 5`, `+"c"` and `−"a"`
/// of a set, the lines that differ of a long text.
pub fn change_diff(change: &ChangeEntry) -> Markup {
    match ChangeLayout::of(change) {
        ChangeLayout::Replaced { before, after } => html! {
            del { (make_visible(&before)) } " → " ins { (make_visible(&after)) }
        },
        ChangeLayout::Added(value) => html! { ins { (make_visible(&value)) } },
        ChangeLayout::Removed(value) => html! { del { (make_visible(&value)) } },
        ChangeLayout::Members { added, removed } => member_list(&added, &removed),
        ChangeLayout::Lines(lines) => line_list(&lines),
    }
}

/// Renders the members of a set that come and go, one per line, the first [`MEMBERS`] of them unfolded.
fn member_list(added: &[String], removed: &[String]) -> Markup {
    let added = added.iter().map(|one| ("+", one));
    let all: Vec<(&str, &String)> = added.chain(removed.iter().map(|one| ("−", one))).collect();
    let (shown, rest) = all.split_at(all.len().min(MEMBERS));
    let list = |members: &[(&str, &String)]| {
        html! {
            ul {
                @for (sign, member) in members {
                    li {
                        @if *sign == "+" { ins { (sign) (make_visible(member)) } }
                        @else { del { (sign) (make_visible(member)) } }
                    }
                }
            }
        }
    };
    html! {
        (list(shown))
        @if !rest.is_empty() { details { summary { (pluralize(rest.len(), "more member")) } (list(rest)) } }
    }
}

/// Renders the lines of a long value, each with its mark.
fn line_list(lines: &[(char, String)]) -> Markup {
    let over = lines.len().saturating_sub(LINES);
    html! {
        pre.diff-lines tabindex="0" {
            @for (mark, line) in lines.iter().take(LINES) {
                @match mark {
                    '-' => del { "- " (make_visible(line)) },
                    '+' => ins { "+ " (make_visible(line)) },
                    _ => span { "  " (make_visible(line)) },
                }
            }
            @if over > 0 { span { "  … " (pluralize(over, "more line")) } }
        }
    }
}

/// Returns the sign of a verb as plans have it.
pub fn verb_sign(verb: ChangeVerb) -> &'static str {
    match verb {
        ChangeVerb::Add => "+",
        ChangeVerb::Replace => "~",
        ChangeVerb::Remove => "-",
    }
}

/// Returns the CSS class of a risk, which is also the value that filters compare.
pub fn risk_class(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Create => "create",
        Risk::Reduce => "reduce",
        Risk::Strand => "strand",
        Risk::Destroy => "destroy",
    }
}

/// Returns the word for a risk.
pub fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Create => "creates",
        Risk::Reduce => "reduces",
        Risk::Strand => "strands",
        Risk::Destroy => "destroys",
    }
}

/// Renders a moment to the second, in UTC. A script may put the reader's own time in its place, by `datetime`.
pub fn instant(at: &str) -> Markup {
    let Ok(moment) = at.parse::<Timestamp>() else {
        return html! { (make_visible(at)) };
    };
    let exact = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(exact) title=(exact) { (moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) } }
}

/// Renders the beginning of a commit, as a link where its host is known.
pub fn commit_link(links: &SourceLinks<'_>, commit: &str) -> Markup {
    let shown = html! { code { (make_visible(&commit.chars().take(COMMIT).collect::<String>())) } };
    match links.commit_url(commit) {
        Some(url) => html! { a href=(url) { (shown) } },
        None => shown,
    }
}

/// Renders a file and line of the manifests, as a link where host and commit are known.
///
/// Sources such as `<stdin>` and files outside of the repository are no links. `line` 0 is the file itself.
pub fn line_link(links: &SourceLinks<'_>, file: &str, line: u32) -> Markup {
    let shown = match line {
        0 => make_visible(file).into_owned(),
        line => format!("{}:{line}", make_visible(file)),
    };
    match links.line_url(file, line) {
        Some(url) => html! { a href=(url) { (shown) } },
        None => html! { (shown) },
    }
}

/// Renders a command to be copied. The button needs a script and is hidden without one.
pub fn command_box(command: &str) -> Markup {
    html! {
        div.command {
            code { (make_visible(&shorten(command, 2_000))) }
            button type="button" data-copy hidden { "Copy" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::source_host::SourceHost;
    use serde_json::json;

    fn diff(before: serde_json::Value, after: serde_json::Value) -> String {
        let change = ChangeEntry {
            path: "x".into(),
            verb: ChangeVerb::Replace,
            before,
            after,
            risk: Risk::Safe,
            note: None,
            call: 0,
        };
        change_diff(&change).into_string()
    }

    #[test]
    fn a_diff_reads_as_in_the_terminal() {
        assert_eq!(diff(json!(10), json!(5)), "<del>10</del> → <ins>5</ins>");
        assert_eq!(
            diff(json!(["a", "<b>"]), json!(["<b>", "c"])),
            "<ul><li><ins>+&quot;c&quot;</ins></li><li><del>−&quot;a&quot;</del></li></ul>"
        );
        let lines = diff(json!("a\nb"), json!("a\n<c>"));
        assert!(
            lines.ends_with("<span>  a</span><del>- b</del><ins>+ &lt;c&gt;</ins></pre>"),
            "{lines}"
        );
        let many = |from: usize| (from..from + 30).collect::<Vec<_>>();
        let folded = diff(json!(many(0)), json!(many(30)));
        assert!(
            folded.contains("<summary>40 more members</summary>"),
            "{folded}"
        );
        assert_eq!(folded.matches("<li>").count(), 60);
    }

    #[test]
    fn a_place_is_a_link_only_where_it_is_known() {
        let host = SourceHost::parse("git@github.com:acme/licences.git").expect("a host");
        let links = SourceLinks {
            host: Some(&host),
            commit: Some("4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
            base: "deploy",
        };
        let shown = line_link(&links, "./a.yaml", 7).into_string();
        let page = "https://github.com/acme/licences/blob/4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        assert_eq!(
            shown,
            format!("<a href=\"{page}/deploy/a.yaml#L7\">./a.yaml:7</a>")
        );
        for file in ["<stdin>", "/etc/a.yaml", "../../a.yaml"] {
            let shown = line_link(&links, file, 7).into_string();
            assert!(!shown.contains("href"), "{shown}");
        }
        for commit in [None, Some("\"onclick=x"), Some("")] {
            let links = SourceLinks { commit, ..links };
            assert!(
                !line_link(&links, "a.yaml", 7)
                    .into_string()
                    .contains("href")
            );
        }
        let nowhere = SourceLinks {
            host: None,
            ..links
        };
        assert_eq!(
            commit_link(&nowhere, "4b825dc642cb6eb9").into_string(),
            "<code>4b825dc642cb</code>"
        );
    }

    #[test]
    fn a_moment_has_no_fraction_of_a_second() {
        assert_eq!(
            instant("2026-11-21T12:00:00.123456789Z").into_string(),
            "<time datetime=\"2026-11-21T12:00:00Z\" title=\"2026-11-21T12:00:00Z\">2026-11-21 12:00:00 UTC</time>"
        );
        assert_eq!(instant("<b>").into_string(), "&lt;b&gt;");
    }
}
