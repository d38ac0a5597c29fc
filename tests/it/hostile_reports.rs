//! Names and values that would like to be more than text, in every format of a run.

use entitle::model::unseen::is_visible;
use entitle::plan::document::PlanDocument;
use entitle::render::github;
use entitle::render::report::ReportFormat;
use entitle::render::safe::{find_command_word, make_visible};
use entitle::render::view::{RunView, Stage};
use serde_json::{Value as Json, json};

use super::reports::{STAGES, assert_sarif, example, rendered};

pub const HOSTILE: [&str; 17] = [
    "<img src=x onerror=alert(1)>",
    "\"><script>alert(1)</script>",
    "</pre></details></code><h1>Approved</h1>",
    "`@octo/team` | @octo/team ` | `` ``` @octo/team",
    "\\`@octo/team\\| @octo/team",
    "```\n@octo/team\n~~~\n# Approved",
    "<!-- entitle:plan -->\n-->\n<!--",
    "\n::error file=x::hello\r\n::set-output name=has_changes::false",
    "::stop-commands::x",
    "##[set-output name=has_changes]false",
    "a%0A::error::b%25",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
    "abc\u{202e}\u{2066}gnp.exe\u{200b}",
    "]]>&lt;\u{0}\u{fffe}",
    "##vso[task.setvariable variable=PATH]x ###teamcity[buildStatus text='y']",
    "section_start:1:a\r\u{1b}[0K",
    "lic\u{ad}ense\u{34f}\u{115f}\u{180e}\u{2800}\u{3164}\u{fe0f}\u{1bca0}\u{1d173}a\u{200c}b",
];

/// The example with one text wherever a manifest or a vendor could have put it.
fn hostile(name: &str, text: &str) -> PlanDocument {
    let mut document = example(name);
    let put = |slot: &mut String| *slot = text.to_string();
    for finding in &mut document.diagnostics {
        put(&mut finding.message);
        finding.file = Some(text.into());
        finding.hint = Some(text.into());
    }
    for object in &mut document.objects {
        put(&mut object.address);
        put(&mut object.vendor);
        put(&mut object.connection);
        put(&mut object.origin.file);
        object.message = Some(text.into());
        object.side_effects = vec![text.into()];
        object.calls.iter_mut().for_each(|call| put(&mut call.path));
        for change in &mut object.changes {
            change.path = format!("Features[{text}].x");
            change.note = Some(text.into());
            change.before = json!(text);
            change.after = json!({text: text, "long": format!("{text} ").repeat(40)});
        }
    }
    document.source.commit = Some(text.into());
    document.digest = text.into();
    document
}

/// What of a comment is left when its code is taken out: that may format, link and call names.
pub fn live(comment: &str) -> String {
    let mut left = String::new();
    let mut fence: Option<String> = None;
    for line in comment.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line.trim() == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                left += line;
                left.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a block of code is not closed: {comment}");
    outside_code(&left)
}

/// Text without its code spans, which are read from the left as a browser's renderer reads them.
fn outside_code(mut text: &str) -> String {
    let mut left = String::new();
    while let Some(at) = text.find(['`', '<']) {
        left += &text[..at];
        text = &text[at..];
        if let Some(rest) = text.strip_prefix("<code>") {
            let (inner, rest) = rest.split_once("</code>").expect("closed");
            assert!(!inner.contains(['<', '`', '@', '|', '\n']), "{inner}");
            text = rest;
        } else if text.starts_with('<') {
            left.push('<');
            text = &text[1..];
        } else {
            let fence: String = text.chars().take_while(|c| *c == '`').collect();
            let mut rest = &text[fence.len()..];
            loop {
                let start = rest
                    .find('`')
                    .unwrap_or_else(|| panic!("an open code span: {text}"));
                let run = rest[start..].chars().take_while(|c| *c == '`').count();
                assert!(
                    !rest[..start].contains(['|', '\n']),
                    "a span over cells: {text}"
                );
                rest = &rest[start + run..];
                if run == fence.len() {
                    break;
                }
            }
            text = rest;
        }
    }
    left + text
}

#[test]
fn nothing_that_stands_in_a_name_or_a_value_is_more_than_text() {
    for text in HOSTILE {
        for (name, stage) in STAGES {
            let document = hostile(name, text);
            for format in ReportFormat::ALL
                .into_iter()
                .filter(|format| format.suits(stage))
            {
                let out = rendered(format, stage, &document);
                let said = format!("{text:?} in {} of {name}:\n{out}", format.name());
                let odd = |c: char| c.is_control() && c != '\n';
                assert!(!out.contains(odd), "a control in {said}");
                let reorders = ['\u{202e}', '\u{2066}', '\u{200b}'];
                assert!(!out.contains(reorders), "{said}");
                let old = out.lines().find_map(find_command_word);
                assert_eq!(old, None, "an old command in {said}");
                let seen = |line: &str| is_visible(line);
                assert!(out.lines().all(seen), "what nobody sees in {said}");
                if format != ReportFormat::Github {
                    let command = |line: &str| line.trim_start().starts_with("::");
                    assert!(!out.lines().any(command), "a command in {said}");
                }
                match format {
                    ReportFormat::Text => {}
                    ReportFormat::Json | ReportFormat::Gitlab => {
                        serde_json::from_str::<Json>(&out).expect("JSON");
                    }
                    ReportFormat::Markdown => {
                        let live = live(&out);
                        for word in ["@", "Approved", "img", "script", "set-output", "alert"] {
                            assert!(!live.contains(word), "{word} lives in {said}");
                        }
                        assert_eq!(live.matches("<!--").count(), 1, "{said}");
                        assert!(out.starts_with("<!-- entitle:"), "{said}");
                    }
                    ReportFormat::Github => annotations_hold(&out, &said),
                    ReportFormat::Sarif => drop(assert_sarif(&out)),
                    ReportFormat::Junit => {
                        let report = quick_junit::Report::deserialize_from_str(&out);
                        report.unwrap_or_else(|error| panic!("{error}: {said}"));
                    }
                    ReportFormat::Html => {
                        assert_eq!(out.matches("<script").count(), 1, "{said}");
                        assert!(
                            !out.contains("<img") && !out.contains("<h1>Approved"),
                            "{said}"
                        );
                        assert!(!out.contains("<!--"), "{said}");
                    }
                }
            }
        }
    }
}

/// Reads annotations as the runner does: nothing of a text has become a property or another command.
fn annotations_hold(out: &str, said: &str) {
    for line in out.lines() {
        let (head, _) = line[2..]
            .split_once("::")
            .unwrap_or_else(|| panic!("no command: {said}"));
        let (command, properties) = head.split_once(' ').expect("properties");
        assert!(["error", "warning", "notice"].contains(&command), "{said}");
        for property in properties.split(',') {
            let (name, value) = property
                .split_once('=')
                .unwrap_or_else(|| panic!("{property} in {said}"));
            assert!(
                ["file", "line", "col", "title"].contains(&name),
                "{name} in {said}"
            );
            assert!(!value.contains(':'), "{said}");
        }
    }
}

#[test]
fn outputs_hold_whatever_a_plan_file_says() {
    for text in HOSTILE {
        let document = hostile("plan", text);
        let view = RunView::new(Stage::Planned, &document);
        let mut out = Vec::new();
        github::write_outputs(&mut out, &view, "entitle-1").expect("memory takes it all");
        let out = String::from_utf8(out).expect("UTF-8");
        let wanted = format!(
            "has_changes<<entitle-1\ntrue\nentitle-1\nplan_digest<<entitle-1\n{}\nentitle-1\n",
            make_visible(text)
        );
        assert_eq!(out, wanted);
        assert_eq!(out.lines().count(), 6);
    }
}
