//! Replies to writes: `tests/vendors/<vendor>/<kind>/replies/<name>.http` holds a status line, headers, and a body as
//! the vendor sends them; the golden `.verdict` says what it means.

use entitle::model::{Reply, Verdict};
use entitle::provider;

use super::support::golden;

#[test]
fn every_recorded_reply_means_what_its_verdict_says() {
    let mut faults = Vec::new();
    for kind in provider::all_kinds() {
        let replies = golden::files(&golden::kind_dir(kind).join("replies"), "http");
        assert!(
            replies.len() >= 3,
            "{} has only {} replies",
            kind.table().kind,
            replies.len()
        );
        for path in replies {
            let text = std::fs::read_to_string(&path).expect("readable");
            let verdict = match kind.judge(&parse(&text)) {
                Verdict::Accepted => "accepted\n".to_string(),
                Verdict::Later(why) => format!("later: {why}\n"),
                Verdict::Unclear(why) => format!("unclear: {why}\n"),
                Verdict::Rejected { words, fields } => {
                    let fields: String = fields
                        .iter()
                        .map(|(field, said)| format!("  {field}: {said}\n"))
                        .collect();
                    format!("rejected: {words}\n{fields}")
                }
            };
            faults.extend(golden::compare(&path.with_extension("verdict"), &verdict).err());
        }
    }
    golden::all_well(faults);
}

/// A status line such as `HTTP/1.1 200 OK`, headers, an empty line, and the body.
fn parse(text: &str) -> Reply {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    let content_type = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.to_string());
    Reply {
        remark: None,
        status: status.expect("a status line"),
        body: body.strip_suffix('\n').unwrap_or(body).to_string(),
        content_type: content_type.unwrap_or_default(),
    }
}
