//! Suspends an object in its manifest: `spec.policy` gets a suspension with an end and a reason, or loses it again.
//!
//! One document comes in and goes out as text. Its comments and everything beside the suspension stay as they are,
//! which [`edit`] proves by parsing the result. A document that cannot be edited so stays as it is, with an
//! [`EditError`].
//!
//! For example, to suspend `spec: {id: x, policy: {allow: [reduce]}}` for the reason `audit` gives
//! `spec: {id: x, policy: {allow: [reduce], mode: suspend, reason: audit}}`, and to resume it gives the first again.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::edit::{self, Edit, EditAction, EditError, PathStep};
use super::fmt;
use crate::model::draft::KindRow;
use crate::model::{Node, Tree};

/// The change of an object's suspension.
#[derive(Clone, Debug, PartialEq)]
pub enum SuspensionEdit {
    /// Leaves the object alone until a moment; `None` until it is resumed.
    Suspend {
        until: Option<Timestamp>,
        reason: String,
    },
    /// Keeps the object as its manifest desires it.
    Resume,
}

/// The members of a policy that make a suspension, in the order in which they are written.
const MEMBERS: [&str; 3] = ["mode", "until", "reason"];

/// Returns the text of one document with its suspension changed. `None` if it is as it should be already.
pub fn edit_suspension(
    text: &str,
    change: &SuspensionEdit,
    kinds: &[KindRow],
) -> Result<Option<String>, EditError> {
    let documents = edit::parse_documents(text).ok_or(EditError::InvalidFile)?;
    let [document] = documents.as_slice() else {
        return Err(EditError::SeveralDocuments);
    };
    let edits = match change {
        SuspensionEdit::Suspend { until, reason } => suspend(document, *until, reason)?,
        SuspensionEdit::Resume => resume(document),
    };
    if edits.is_empty() {
        return Ok(None);
    }
    let edited = edit::edit_text(text, &edits)?;
    let kept = without_lines(text, &removed_lines(document, &edits));
    if !edit::keeps_comments(&kept, &edited) {
        return Err(EditError::LosesComment);
    }
    // Only a new policy can be where `fmt` would not put it.
    Ok(Some(match policy_of(document) {
        Some(_) => edited,
        None => format_as_before(text, edited, kinds),
    }))
}

/// Returns `spec.policy`; `None` if the document has none.
fn policy_of(document: &Node) -> Option<&Node> {
    document.get("spec")?.get("policy")
}

/// Returns the text of a member of the policy.
fn text_of<'a>(policy: Option<&'a Node>, member: &str) -> Option<&'a str> {
    policy?.get(member)?.text()
}

/// Returns the path to a member of the policy; to the policy itself for `None`.
fn policy_path(member: Option<&str>) -> Vec<PathStep> {
    let parts = ["spec", "policy"].into_iter().chain(member);
    parts.map(|part| PathStep::Member(part.into())).collect()
}

/// Returns the edit that removes a member of the policy; the whole policy for `None`.
fn remove_edit(member: Option<&str>) -> Edit {
    Edit {
        path: policy_path(member),
        action: EditAction::Remove,
    }
}

/// Returns the edits that suspend an object; none if it is suspended in the same way already.
///
/// A policy with members is edited member by member, so that each keeps its comment: from `{mode: suspend, reason: a}`
/// to the reason `b` is one edit, of `reason`. `Err` for `mode: observe`, since resuming could not restore it.
fn suspend(
    document: &Node,
    until: Option<Timestamp>,
    reason: &str,
) -> Result<Vec<Edit>, EditError> {
    let policy = policy_of(document);
    if text_of(policy, "mode") == Some("observe") {
        return Err(EditError::Observed);
    }
    let mut suspension = Map::new();
    suspension.insert("mode".into(), json!("suspend"));
    if let Some(until) = until {
        suspension.insert("until".into(), json!(until.to_string()));
    }
    suspension.insert("reason".into(), json!(reason));
    let has_members = match policy.map(|node| &node.tree) {
        Some(Tree::Map(entries)) => !entries.is_empty(),
        Some(_) | None => false,
    };
    if !has_members {
        return Ok(vec![Edit {
            path: policy_path(None),
            action: EditAction::Set(Json::Object(suspension)),
        }]);
    }
    let mut edits = Vec::new();
    for member in MEMBERS {
        match (text_of(policy, member), suspension.remove(member)) {
            (Some(old), Some(new)) if new.as_str() == Some(old) => {}
            (_, Some(new)) => edits.push(Edit {
                path: policy_path(Some(member)),
                action: EditAction::Set(new),
            }),
            (Some(_), None) => edits.push(remove_edit(Some(member))),
            (None, None) => {}
        }
    }
    Ok(edits)
}

/// Returns the edits that end a suspension; none if there is none.
///
/// A policy that consists of the suspension alone is removed as a whole, so that no empty `policy: {}` is left. From
/// any other policy the members of the suspension are removed one by one.
fn resume(document: &Node) -> Vec<Edit> {
    let policy = policy_of(document);
    if text_of(policy, "mode") != Some("suspend") {
        return Vec::new();
    }
    let is_part = |name: &str| MEMBERS.contains(&name);
    let Some(Tree::Map(entries)) = policy.map(|node| &node.tree) else {
        return Vec::new();
    };
    if entries.iter().all(|entry| is_part(&entry.key)) {
        return vec![remove_edit(None)];
    }
    let members = entries.iter().filter(|entry| is_part(&entry.key));
    members.map(|entry| remove_edit(Some(&entry.key))).collect()
}

/// Returns the lines of all that the edits remove, whose comments may go along.
fn removed_lines(document: &Node, edits: &[Edit]) -> Vec<RangeInclusive<u32>> {
    let lines_of = |edit: &Edit| {
        let mut entry = None;
        let mut node = document;
        for step in &edit.path {
            let (PathStep::Member(name), Tree::Map(entries)) = (step, &node.tree) else {
                return None;
            };
            let found = entries.iter().find(|entry| entry.key == *name)?;
            entry = Some(found);
            node = &found.value;
        }
        entry.map(|entry| entry.key_mark.line..=last_line(&entry.value))
    };
    edits
        .iter()
        .filter(|edit| edit.action == EditAction::Remove)
        .filter_map(lines_of)
        .collect()
}

/// Returns the last line of a value, as far as the places of its values tell.
fn last_line(node: &Node) -> u32 {
    let inner = match &node.tree {
        Tree::Map(entries) => entries.iter().map(|entry| last_line(&entry.value)).max(),
        Tree::List(items) => items.iter().map(last_line).max(),
        _ => None,
    };
    inner.unwrap_or(node.mark.line).max(node.mark.line)
}

/// Returns a text without some of its lines, which count from 1.
fn without_lines(text: &str, lines: &[RangeInclusive<u32>]) -> String {
    let numbered = (1_u32..).zip(text.split_inclusive('\n'));
    let kept = numbered.filter(|(number, _)| !lines.iter().any(|range| range.contains(number)));
    kept.map(|(_, line)| line).collect()
}

/// Formats the edited text if the text before was formatted: a new policy is then where `fmt` puts it.
fn format_as_before(before: &str, edited: String, kinds: &[KindRow]) -> String {
    let formatted = |text: &str| fmt::format(text, kinds).map(|formatted| formatted.text);
    if formatted(before).as_deref() != Some(before) {
        return edited;
    }
    formatted(&edited).unwrap_or(edited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::kinds;

    /// A manifest in its usual form, with this policy.
    fn order(policy: &str) -> String {
        format!(
            "# the order of Rivers\napiVersion: entitle.dev/v1\nkind: Order # by contract\nmetadata:\n  name: \
             rivers\nspec:\n  id: x # theirs\n{policy}  # what they bought\n  desired:\n    customer_id: 1 # Rivers\n"
        )
    }

    fn demo() -> SuspensionEdit {
        SuspensionEdit::Suspend {
            until: Some("2026-12-24T18:00:00Z".parse().expect("a moment")),
            reason: "a demo: until Christmas".into(),
        }
    }

    fn edited(text: &str, change: &SuspensionEdit) -> Option<String> {
        edit_suspension(text, change, &kinds()).expect("it can be changed")
    }

    /// The values of the policy of the only document.
    fn policy_of(text: &str) -> Json {
        let value: Json = serde_yaml::from_str(text).expect("YAML");
        value["spec"]["policy"].clone()
    }

    #[test]
    fn a_suspension_comes_and_goes_without_a_trace() {
        let before = order("");
        let suspended = edited(&before, &demo()).expect("a change");
        assert_eq!(
            suspended,
            order(
                "  policy:\n    mode: suspend\n    until: \"2026-12-24T18:00:00Z\"\n    reason: \"a demo: until Christmas\"\n"
            )
        );
        assert_eq!(edited(&suspended, &demo()), None, "twice is once");
        assert_eq!(
            edited(&suspended, &SuspensionEdit::Resume),
            Some(before.clone())
        );
        assert_eq!(edited(&before, &SuspensionEdit::Resume), None);
    }

    #[test]
    fn the_rest_of_a_policy_stays_with_its_comments() {
        for member in [
            "  policy:\n    # as agreed\n    allow: [reduce] # one step\n",
            "  policy: {allow: [reduce]} # one step\n",
            "  policy: {mode: enforce, allow: [reduce]}\n",
        ] {
            let before = order(member);
            let suspended = edited(&before, &demo()).expect("a change");
            let policy = policy_of(&suspended);
            assert_eq!(
                policy,
                json!({"mode": "suspend", "until": "2026-12-24T18:00:00Z", "reason": "a demo: until Christmas", "allow": ["reduce"]}),
                "{suspended}"
            );
            assert!(edit::keeps_comments(&before, &suspended), "{suspended}");
            let resumed = edited(&suspended, &SuspensionEdit::Resume).expect("a change");
            assert_eq!(policy_of(&resumed), json!({"allow": ["reduce"]}));
            assert!(edit::keeps_comments(&before, &resumed), "{resumed}");
        }
    }

    #[test]
    fn a_second_word_replaces_the_first() {
        let suspended = edited(&order(""), &demo()).expect("a change");
        let open = SuspensionEdit::Suspend {
            until: None,
            reason: "an audit".into(),
        };
        let again = edited(&suspended, &open).expect("a change");
        assert_eq!(
            policy_of(&again),
            json!({"mode": "suspend", "reason": "an audit"})
        );
        for empty in ["  policy: {}\n", "  policy:\n", "  policy: null\n"] {
            let suspended = edited(&order(empty), &open).expect("a change");
            assert_eq!(policy_of(&suspended), policy_of(&again), "{suspended}");
        }
    }

    #[test]
    fn what_a_resume_would_not_know_is_refused() {
        let observed = order("  policy: {mode: observe, reason: theirs}\n");
        let why = edit_suspension(&observed, &demo(), &kinds()).expect_err("refused");
        assert!(why.to_string().contains("mode: observe"), "{why}");
        assert_eq!(edited(&observed, &SuspensionEdit::Resume), None);
    }

    #[test]
    fn what_the_editor_cannot_keep_stays_as_it_is() {
        // The alias would take the suspension along.
        let shared = "kind: Order\napiVersion: entitle.dev/v1\nmetadata: {name: n}\nspec: {id: x, policy: &p {allow: \
                      [reduce]}, desired: {a: *p}}\n";
        assert!(edit_suspension(shared, &demo(), &kinds()).is_err());
    }
}
