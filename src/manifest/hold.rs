//! Holding an object back by its manifest: `spec.policy` gets a suspension with an end and a reason, or
//! loses it again.
//!
//! One document comes in and goes out as text. Its comments and everything beside the suspension stay as
//! they are, which [`edit`] proves by reading again; what cannot be changed so stays as it is, with the reason.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::edit::{self, Act, Edit, EditError, Place};
use super::fmt;
use crate::model::draft::KindRow;
use crate::model::{Node, Tree};

/// What shall be said of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Hold {
    /// It is left alone, until a moment or until somebody says otherwise.
    Suspend {
        until: Option<Timestamp>,
        reason: String,
    },
    /// It is kept as its manifest wants it.
    Resume,
}

/// The members of a policy that make a suspension, in the order in which they are written.
const MEMBERS: [&str; 3] = ["mode", "until", "reason"];

/// The text of one document that says so; nothing where it says so already.
pub fn hold(text: &str, hold: &Hold, kinds: &[KindRow]) -> Result<Option<String>, EditError> {
    let documents = edit::read(text).ok_or(EditError::Unreadable)?;
    let [document] = documents.as_slice() else {
        return Err(EditError::NotOneDocument);
    };
    let edits = match hold {
        Hold::Suspend { until, reason } => suspend(document, *until, reason)?,
        Hold::Resume => resume(document),
    };
    if edits.is_empty() {
        return Ok(None);
    }
    let edited = edit::edit(text, &edits)?;
    let spared = without(text, &lines(document, &edits));
    if !edit::keeps_comments(&spared, &edited) {
        return Err(EditError::LosesComment);
    }
    // Only a policy that was not there can stand where `fmt` would not put it.
    Ok(Some(match policy(document) {
        Some(_) => edited,
        None => as_usual(text, edited, kinds),
    }))
}

fn policy(document: &Node) -> Option<&Node> {
    document.get("spec")?.get("policy")
}

/// The text of a member of the policy.
fn said<'a>(policy: Option<&'a Node>, member: &str) -> Option<&'a str> {
    policy?.get(member)?.text()
}

fn way(member: Option<&str>) -> Vec<Place> {
    let parts = ["spec", "policy"].into_iter().chain(member);
    parts.map(|part| Place::Member(part.into())).collect()
}

fn remove(member: Option<&str>) -> Edit {
    Edit {
        way: way(member),
        act: Act::Remove,
    }
}

fn suspend(
    document: &Node,
    until: Option<Timestamp>,
    reason: &str,
) -> Result<Vec<Edit>, EditError> {
    let policy = policy(document);
    if said(policy, "mode") == Some("observe") {
        return Err(EditError::ObserveOnly);
    }
    let mut wanted = Map::new();
    wanted.insert("mode".into(), json!("suspend"));
    if let Some(until) = until {
        wanted.insert("until".into(), json!(until.to_string()));
    }
    wanted.insert("reason".into(), json!(reason));
    let has_members = match policy.map(|node| &node.tree) {
        Some(Tree::Map(entries)) => !entries.is_empty(),
        Some(_) | None => false,
    };
    if !has_members {
        return Ok(vec![Edit {
            way: way(None),
            act: Act::Set(Json::Object(wanted)),
        }]);
    }
    let mut edits = Vec::new();
    for member in MEMBERS {
        match (said(policy, member), wanted.remove(member)) {
            (Some(is), Some(value)) if value.as_str() == Some(is) => {}
            (_, Some(value)) => edits.push(Edit {
                way: way(Some(member)),
                act: Act::Set(value),
            }),
            (Some(_), None) => edits.push(remove(Some(member))),
            (None, None) => {}
        }
    }
    Ok(edits)
}

fn resume(document: &Node) -> Vec<Edit> {
    let policy = policy(document);
    if said(policy, "mode") != Some("suspend") {
        return Vec::new();
    }
    let own = |name: &str| MEMBERS.contains(&name);
    let Some(Tree::Map(entries)) = policy.map(|node| &node.tree) else {
        return Vec::new();
    };
    if entries.iter().all(|entry| own(&entry.key)) {
        return vec![remove(None)];
    }
    let members = entries.iter().filter(|entry| own(&entry.key));
    members.map(|entry| remove(Some(&entry.key))).collect()
}

/// The lines of everything that edits remove or replace: the comments on them may go along.
fn lines(document: &Node, edits: &[Edit]) -> Vec<RangeInclusive<u32>> {
    let of = |edit: &Edit| {
        let mut entry = None;
        let mut node = document;
        for place in &edit.way {
            let (Place::Member(name), Tree::Map(entries)) = (place, &node.tree) else {
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
        .filter(|edit| edit.act == Act::Remove)
        .filter_map(of)
        .collect()
}

/// The last line of a value, as far as its own values tell.
fn last_line(node: &Node) -> u32 {
    let inner = match &node.tree {
        Tree::Map(entries) => entries.iter().map(|entry| last_line(&entry.value)).max(),
        Tree::List(items) => items.iter().map(last_line).max(),
        _ => None,
    };
    inner.unwrap_or(node.mark.line).max(node.mark.line)
}

/// A text without some of its lines, which count from 1.
fn without(text: &str, lines: &[RangeInclusive<u32>]) -> String {
    let numbered = (1_u32..).zip(text.split_inclusive('\n'));
    let kept = numbered.filter(|(number, _)| !lines.iter().any(|range| range.contains(number)));
    kept.map(|(_, line)| line).collect()
}

/// What was in its usual form stays so: a new policy stands where `fmt` would put it.
fn as_usual(before: &str, edited: String, kinds: &[KindRow]) -> String {
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

    fn demo() -> Hold {
        Hold::Suspend {
            until: Some("2026-12-24T18:00:00Z".parse().expect("a moment")),
            reason: "a demo: until Christmas".into(),
        }
    }

    fn held(text: &str, how: &Hold) -> Option<String> {
        hold(text, how, &kinds()).expect("it can be changed")
    }

    /// The values of the policy of the only document.
    fn policy_of(text: &str) -> Json {
        let value: Json = serde_yaml::from_str(text).expect("YAML");
        value["spec"]["policy"].clone()
    }

    #[test]
    fn a_suspension_comes_and_goes_without_a_trace() {
        let before = order("");
        let suspended = held(&before, &demo()).expect("a change");
        assert_eq!(
            suspended,
            order(
                "  policy:\n    mode: suspend\n    until: \"2026-12-24T18:00:00Z\"\n    reason: \"a demo: until Christmas\"\n"
            )
        );
        assert_eq!(held(&suspended, &demo()), None, "twice is once");
        assert_eq!(held(&suspended, &Hold::Resume), Some(before.clone()));
        assert_eq!(held(&before, &Hold::Resume), None);
    }

    #[test]
    fn the_rest_of_a_policy_stays_with_its_comments() {
        for own in [
            "  policy:\n    # as agreed\n    allow: [reduce] # one step\n",
            "  policy: {allow: [reduce]} # one step\n",
            "  policy: {mode: enforce, allow: [reduce]}\n",
        ] {
            let before = order(own);
            let suspended = held(&before, &demo()).expect("a change");
            let policy = policy_of(&suspended);
            assert_eq!(
                policy,
                json!({"mode": "suspend", "until": "2026-12-24T18:00:00Z", "reason": "a demo: until Christmas", "allow": ["reduce"]}),
                "{suspended}"
            );
            assert!(edit::keeps_comments(&before, &suspended), "{suspended}");
            let resumed = held(&suspended, &Hold::Resume).expect("a change");
            assert_eq!(policy_of(&resumed), json!({"allow": ["reduce"]}));
            assert!(edit::keeps_comments(&before, &resumed), "{resumed}");
        }
    }

    #[test]
    fn a_second_word_replaces_the_first() {
        let suspended = held(&order(""), &demo()).expect("a change");
        let open = Hold::Suspend {
            until: None,
            reason: "an audit".into(),
        };
        let again = held(&suspended, &open).expect("a change");
        assert_eq!(
            policy_of(&again),
            json!({"mode": "suspend", "reason": "an audit"})
        );
        for empty in ["  policy: {}\n", "  policy:\n", "  policy: null\n"] {
            let suspended = held(&order(empty), &open).expect("a change");
            assert_eq!(policy_of(&suspended), policy_of(&again), "{suspended}");
        }
    }

    #[test]
    fn what_a_resume_would_not_know_is_refused() {
        let observed = order("  policy: {mode: observe, reason: theirs}\n");
        let why = hold(&observed, &demo(), &kinds()).expect_err("refused");
        assert_eq!(why, EditError::ObserveOnly);
        assert_eq!(held(&observed, &Hold::Resume), None);
    }

    #[test]
    fn what_the_editor_cannot_keep_stays_as_it_is() {
        // The alias would take the suspension along.
        let shared = "kind: Order\napiVersion: entitle.dev/v1\nmetadata: {name: n}\nspec: {id: x, policy: &p {allow: \
                      [reduce]}, desired: {a: *p}}\n";
        assert!(hold(shared, &demo(), &kinds()).is_err());
    }
}
