//! Notices in the forms that receivers take. Pure; every form has a bound, and what does not fit is counted.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use url::Url;

use super::transitions::{FieldChange, Notice, NoticeObject};
use crate::model::Risk;
use crate::render::safe::{make_lines_visible, make_visible};

/// Version of the JSON that webhooks get, with the promise of the plan format.
pub const FORMAT_VERSION: &str = "1.0";

/// Notices in one message. More turn only when everything does at once.
const NOTICES: usize = 15;

/// Characters of the lines under one title: below the 3000 that Slack takes in a block, also when every one
/// is an escaped `&`; 15 of them stay below the 28 KB that Teams takes.
const LINES: usize = 1_500;

/// One notice as plain text: what happened, and a line for everything that belongs to it.
pub struct Text {
    pub title: String,
    pub lines: String,
}

/// Notices as text, and how many more there are.
pub fn texts(notices: &[Notice]) -> (Vec<Text>, usize) {
    let texts = notices.iter().take(NOTICES).map(text).collect();
    (texts, notices.len().saturating_sub(NOTICES))
}

fn text(notice: &Notice) -> Text {
    let mut lines: Vec<String> = notice.message.iter().cloned().collect();
    for object in &notice.objects {
        lines.extend(object_lines(object));
    }
    if notice.more > 0 {
        lines.push(format!("and {} more", notice.more));
    }
    let lines: Vec<String> = lines.iter().map(|line| make_lines_visible(line)).collect();
    Text {
        title: make_visible(&notice.title).into(),
        lines: whole_lines(&lines),
    }
}

fn object_lines(object: &NoticeObject) -> Vec<String> {
    let place = format!("{}:{}", object.origin.file, object.origin.line);
    let mut lines = vec![format!("{}  {place}", object.address)];
    lines.extend(object.message.iter().map(|message| format!("  {message}")));
    lines.extend(object.changes.iter().map(field));
    if object.more > 0 {
        lines.push(format!("  and {} more fields", object.more));
    }
    if let Some(run) = &object.run {
        lines.push(format!("  take it back: entitle undo {run}"));
    }
    lines
}

fn field(change: &FieldChange) -> String {
    let risk = match change.risk {
        Risk::Safe => "",
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

/// As many lines as fit, and how many do not.
fn whole_lines(lines: &[String]) -> String {
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

/// Where to look: the status page, narrowed to the object when there is only one.
fn link(page: &Url, notices: &[Notice]) -> Url {
    let mut link = page.clone();
    if let [notice] = notices
        && let [object] = notice.objects.as_slice()
    {
        link.query_pairs_mut().append_pair("q", &object.address);
    }
    link
}

/// JSON for programs.
pub fn webhook(notices: &[Notice], page: Option<&Url>, now: Timestamp) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "tool": {"name": "entitle", "version": env!("CARGO_PKG_VERSION")},
        "sent_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "link": page.map(|page| link(page, notices).to_string()),
        "notices": notices.iter().take(NOTICES).collect::<Vec<_>>(),
        "more": notices.len().saturating_sub(NOTICES),
    })
}

/// Blocks for an incoming webhook of Slack.
pub fn slack(notices: &[Notice], page: Option<&Url>) -> Json {
    // Slack reads `<!channel>` and links anywhere but in escaped text.
    let plain = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let section =
        |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let (texts, more) = texts(notices);
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
            // A fence in what is quoted would end the quotation.
            let quoted = plain(&text.lines).replace("```", "'''");
            blocks.push(section(format!("```{quoted}```")));
        }
    }
    if more > 0 {
        blocks.push(section(format!("and {more} more")));
    }
    if let Some(page) = page {
        let address = link(page, notices);
        blocks.push(section(format!("<{address}|Open the status page>")));
    }
    json!({"text": plain(&subject(notices)), "blocks": blocks})
}

/// An adaptive card for a workflow of Teams. Runs of text are shown as they are; a text block would read
/// Markdown out of a vendor's words.
pub fn teams(notices: &[Notice], page: Option<&Url>) -> Json {
    let rich = |text: &str, look: Json| {
        let mut run = json!({"type": "TextRun", "text": text});
        if let (Json::Object(run), Json::Object(look)) = (&mut run, look) {
            run.extend(look);
        }
        json!({"type": "RichTextBlock", "inlines": [run]})
    };
    let (texts, more) = texts(notices);
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
            let address = link(page, notices).to_string();
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

/// One line for all of it.
pub fn subject(notices: &[Notice]) -> String {
    let first = notices.first().map_or("", |notice| notice.title.as_str());
    let first = make_visible(first.lines().next().unwrap_or_default());
    match notices.len() {
        0 | 1 => format!("entitle: {first}"),
        many => format!("entitle: {first}, and {} more", many - 1),
    }
}

/// The text of an e-mail.
pub fn letter(notices: &[Notice], page: Option<&Url>) -> String {
    let (texts, more) = texts(notices);
    let mut out: String = texts
        .iter()
        .map(|text| format!("{}\n{}\n", text.title, indented(&text.lines)))
        .collect();
    if more > 0 {
        out.push_str(&format!("and {more} more\n"));
    }
    if let Some(page) = page {
        out.push_str(&format!("\n{}\n", link(page, notices)));
    }
    out
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests;
