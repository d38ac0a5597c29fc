//! Writes notices in the forms that receivers understand. Pure. Every form has a bound, and what does not fit is
//! counted.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use url::Url;

use super::transitions::{FieldChange, Notice, NoticeObject};
use crate::model::Risk;
use crate::render::safe::{make_lines_visible, make_visible};

/// Version of the JSON that webhooks get, with the same promise as the plan format.
pub const FORMAT_VERSION: &str = "1.0";

/// The largest number of notices in one message. Only a change of everything at once leads to more.
const NOTICES: usize = 15;

/// Most characters of the lines under one title: fewer than the 3000 that Slack takes in a block, even if every one
/// is an escaped `&`; and 15 notices of them stay below the 28 KB that Teams takes.
const LINES: usize = 1_500;

/// One notice as plain text.
pub struct NoticeText {
    pub title: String,
    pub lines: String,
}

/// Returns the first notices as text, and how many more there are.
pub fn notice_texts(notices: &[Notice]) -> (Vec<NoticeText>, usize) {
    let texts = notices.iter().take(NOTICES).map(notice_text).collect();
    (texts, notices.len().saturating_sub(NOTICES))
}

fn notice_text(notice: &Notice) -> NoticeText {
    let mut lines: Vec<String> = notice.message.iter().cloned().collect();
    for object in &notice.objects {
        lines.extend(object_lines(object));
    }
    if notice.more > 0 {
        lines.push(format!("and {} more", notice.more));
    }
    let lines: Vec<String> = lines.iter().map(|line| make_lines_visible(line)).collect();
    NoticeText {
        title: make_visible(&notice.title).into(),
        lines: fit_lines(&lines),
    }
}

/// Returns the lines about one object: address, message, changes, how to undo.
fn object_lines(object: &NoticeObject) -> Vec<String> {
    let location = format!("{}:{}", object.origin.file, object.origin.line);
    let mut lines = vec![format!("{}  {location}", object.address)];
    lines.extend(object.message.iter().map(|message| format!("  {message}")));
    lines.extend(object.changes.iter().map(change_line));
    if object.more > 0 {
        lines.push(format!("  and {} more fields", object.more));
    }
    if let Some(run) = &object.run {
        lines.push(format!("  take it back: entitle undo {run}"));
    }
    lines
}

/// Returns the line about one changed field.
fn change_line(change: &FieldChange) -> String {
    let risk = match change.risk {
        Risk::Safe => "",
        Risk::Create => "  creates",
        Risk::Destroy => "  destroys",
        Risk::Reduce => "  reduces",
        Risk::Strand => "  strands",
    };
    let note = change.note.as_ref().map(|note| format!(": {note}"));
    format!(
        "  {}  {} → {}{risk}{}",
        change.path,
        change.before,
        change.after,
        note.unwrap_or_default()
    )
}

/// Joins as many lines as fit, and counts those that do not.
fn fit_lines(lines: &[String]) -> String {
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        if out.chars().count() + line.chars().count() > LINES {
            out.push_str(&format!("and {} more lines\n", lines.len() - at));
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Returns the link to the status page, narrowed to the object if there is only one.
fn page_link(page: &Url, notices: &[Notice]) -> Url {
    let mut link = page.clone();
    if let [notice] = notices
        && let [object] = notice.objects.as_slice()
    {
        link.query_pairs_mut().append_pair("q", &object.address);
    }
    link
}

/// Returns the JSON for programs.
pub fn webhook_body(notices: &[Notice], page: Option<&Url>, now: Timestamp) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "tool": {"name": "entitle", "version": env!("CARGO_PKG_VERSION")},
        "sent_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "link": page.map(|page| page_link(page, notices).to_string()),
        "notices": notices.iter().take(NOTICES).collect::<Vec<_>>(),
        "more": notices.len().saturating_sub(NOTICES),
    })
}

/// Returns the blocks for an incoming webhook of Slack.
pub fn slack_body(notices: &[Notice], page: Option<&Url>) -> Json {
    // Unescaped, Slack would read `<!channel>` and links in a vendor's words.
    let plain = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let section =
        |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let (texts, more) = notice_texts(notices);
    let mut blocks = Vec::new();
    for (text, notice) in texts.iter().zip(notices) {
        let mark = if notice.good {
            ":white_check_mark:"
        } else {
            ":warning:"
        };
        let title = json!({"type": "mrkdwn", "text": format!("{mark} *{}*", plain(&text.title))});
        blocks.push(json!({"type": "section", "text": title}));
        if !text.lines.is_empty() {
            // A code fence inside the quoted text would end the quotation.
            let quoted = plain(&text.lines).replace("```", "'''");
            blocks.push(section(format!("```{quoted}```")));
        }
    }
    if more > 0 {
        blocks.push(section(format!("and {more} more")));
    }
    if let Some(page) = page {
        let address = page_link(page, notices);
        blocks.push(section(format!("<{address}|Open the status page>")));
    }
    json!({"text": plain(&mail_subject(notices)), "blocks": blocks})
}

/// Returns an adaptive card for a workflow of Teams. It is made of text runs, since a text block would read Markdown
/// in a vendor's words.
pub fn teams_body(notices: &[Notice], page: Option<&Url>) -> Json {
    let rich = |text: &str, look: Json| {
        let mut run = json!({"type": "TextRun", "text": text});
        if let (Json::Object(run), Json::Object(look)) = (&mut run, look) {
            run.extend(look);
        }
        json!({"type": "RichTextBlock", "inlines": [run]})
    };
    let (texts, more) = notice_texts(notices);
    let mut body = Vec::new();
    for (text, notice) in texts.iter().zip(notices) {
        let color = if notice.good { "good" } else { "attention" };
        body.push(rich(
            &text.title,
            json!({"weight": "bolder", "color": color}),
        ));
        if !text.lines.is_empty() {
            body.push(rich(
                text.lines.trim_end(),
                json!({"fontType": "monospace", "size": "small"}),
            ));
        }
    }
    if more > 0 {
        body.push(rich(&format!("and {more} more"), json!({})));
    }
    let actions: Vec<Json> = page
        .map(|page| {
            let address = page_link(page, notices).to_string();
            json!({"type": "Action.OpenUrl", "title": "Open the status page", "url": address})
        })
        .into_iter()
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "full"},
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// Returns one line about all notices.
pub fn mail_subject(notices: &[Notice]) -> String {
    let first = notices.first().map_or("", |notice| notice.title.as_str());
    let first = make_visible(first.lines().next().unwrap_or_default());
    match notices.len() {
        0 | 1 => format!("entitle: {first}"),
        many => format!("entitle: {first}, and {} more", many - 1),
    }
}

/// Returns the text of an e-mail.
pub fn mail_text(notices: &[Notice], page: Option<&Url>) -> String {
    let (texts, more) = notice_texts(notices);
    let mut out: String = texts
        .iter()
        .map(|text| format!("{}\n{}\n", text.title, indent_lines(&text.lines)))
        .collect();
    if more > 0 {
        out.push_str(&format!("and {more} more\n"));
    }
    if let Some(page) = page {
        out.push_str(&format!("\n{}\n", page_link(page, notices)));
    }
    out
}

fn indent_lines(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests;
