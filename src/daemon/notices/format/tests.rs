use super::*;
use crate::daemon::notices::find_transitions;
use crate::daemon::serve::samples;
use crate::daemon::status::{ObjectState, Status};
use std::sync::Arc;

fn now() -> Timestamp {
    samples::sample_now()
}

fn page() -> Url {
    "https://entitle.example/".parse().expect("a URL")
}

/// Everything goes wrong at once, in words meant to play tricks.
fn worst() -> Vec<Notice> {
    let before = {
        let mut status = samples::sample_status(0);
        status.connections.clear();
        status
    };
    let mut after: Status = samples::sample_status(10_000);
    for (number, object) in after.objects.iter_mut().enumerate() {
        let object = Arc::make_mut(object);
        object.state = [
            ObjectState::Failed,
            ObjectState::Missing,
            ObjectState::Differs,
        ][number % 3];
        object.message = Some("&<!channel> ``` [a](https://evil.example) \u{202e}".repeat(40));
        object.connection = format!("c{}", number % 7);
    }
    find_transitions(&before, &after)
}

fn one() -> Vec<Notice> {
    let after = samples::sample_status(200);
    let mut before = after.clone();
    for object in &mut before.objects {
        if object.state == ObjectState::Refused {
            Arc::make_mut(object).state = ObjectState::InSync;
        }
    }
    find_transitions(&before, &after)
}

#[test]
fn slack_takes_every_block_and_reads_no_command_out_of_it() {
    let message = slack_body(&worst(), Some(&page()));
    let blocks = message["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50, "{}", blocks.len());
    for block in blocks {
        let text = block["text"]["text"].as_str().expect("a text");
        assert!(!text.is_empty() && text.len() < 12_000);
        let fenced = text
            .strip_prefix("```")
            .and_then(|text| text.strip_suffix("```"));
        if let Some(quoted) = fenced {
            assert!(
                !quoted.contains("```") && !quoted.contains("<!"),
                "{quoted}"
            );
        }
    }
    assert!(message.to_string().contains("more"));
}

#[test]
fn a_slack_block_stays_below_three_thousand_characters() {
    for block in slack_body(&worst(), None)["blocks"]
        .as_array()
        .expect("blocks")
    {
        let text = block["text"]["text"].as_str().expect("a text");
        assert!(text.chars().count() <= 3_000, "{}", text.chars().count());
    }
}

#[test]
fn teams_takes_the_card_and_reads_no_markdown_out_of_it() {
    let message = teams_body(&worst(), Some(&page()));
    let size = message.to_string().len();
    assert!(size <= 28 << 10, "{size}");
    let body = message["attachments"][0]["content"]["body"]
        .as_array()
        .expect("a body");
    assert!(body.iter().all(|block| block["type"] == "RichTextBlock"));
}

#[test]
fn a_notice_reads_like_a_plan() {
    let notices = one();
    assert_eq!(notices.len(), 1);
    let letter = mail_text(&notices, Some(&page()));
    for line in [
        "is held back at lac",
        "  activations_allowed  10 → 5  strands: 5 allowed, 7 in use",
        "Features[\"Lic stat\" 6.0]  {\"count\":3} → none  reduces",
        "https://entitle.example/?q=LacLicenseOrder%2F",
    ] {
        assert!(letter.contains(line), "{line}\n{letter}");
    }
    assert!(mail_subject(&notices).starts_with("entitle: LacLicenseOrder/"));
    assert!(mail_subject(&worst()).ends_with("more"));
}

/// A contract: members may be added, and none may go.
#[test]
fn members_of_the_webhook_form_stay() {
    let message = webhook_body(&one(), Some(&page()), now());
    let notice = &message["notices"][0];
    let object = &notice["objects"][0];
    let members = |value: &Json| -> Vec<String> {
        let members = value.as_object().expect("an object");
        members.keys().cloned().collect()
    };
    for (value, names) in [
        (
            &message,
            &[
                "format_version",
                "link",
                "more",
                "notices",
                "sent_at",
                "tool",
            ][..],
        ),
        (&message["tool"], &["name", "version"]),
        (
            notice,
            &["connection", "good", "kind", "more", "objects", "title"],
        ),
        (object, &["address", "changes", "more", "origin", "state"]),
        (
            &object["changes"][0],
            &["after", "before", "note", "path", "risk"],
        ),
    ] {
        let found = members(value);
        let gone: Vec<_> = names
            .iter()
            .filter(|name| !found.iter().any(|one| one == *name))
            .collect();
        assert!(gone.is_empty(), "{gone:?} of {found:?}");
    }
}

#[test]
fn the_webhook_form_is_json_with_a_version() {
    let message = webhook_body(&one(), Some(&page()), now());
    assert_eq!(message["format_version"], FORMAT_VERSION);
    assert_eq!(message["sent_at"], "2026-03-02T10:00:00Z");
    let notice = &message["notices"][0];
    assert_eq!(notice["kind"], "held");
    assert_eq!(notice["objects"][0]["changes"][0]["risk"], "strand");
    let size = webhook_body(&worst(), None, now()).to_string().len();
    assert!(size < 1 << 20, "{size}");
}
