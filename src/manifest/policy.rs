//! `spec.policy`: what may be done to an object. Field names in it are checked later, by the provider's audit.

use jiff::Timestamp;

use super::members::Reader;
use crate::model::draft::PolicyDraft;
use crate::model::{Diagnostic, Mark, Mode, Node, PathPattern, Risk, Tree};

pub fn lower(node: &Node, reader: &mut Reader<'_>) -> PolicyDraft {
    let mut policy = PolicyDraft::default();
    if node.tree == Tree::Null {
        return policy;
    }
    const KNOWN: [&str; 8] = [
        "mode",
        "until",
        "reason",
        "resync",
        "keepUnlisted",
        "ignore",
        "absentIsEmpty",
        "allow",
    ];
    for entry in reader.members("policy", node, &KNOWN) {
        match entry.key.as_str() {
            "mode" => policy.mode = mode(&entry.value, reader),
            "until" => policy.until = until(&entry.value, reader),
            "reason" => policy.reason = reader.text("reason", &entry.value),
            "resync" => policy.resync = reader.duration("resync", &entry.value),
            "keepUnlisted" => policy.keep_unlisted = reader.texts("keepUnlisted", &entry.value),
            "ignore" => policy.ignore = paths("ignore", &entry.value, reader),
            "absentIsEmpty" => {
                policy.absent_is_empty = paths("absentIsEmpty", &entry.value, reader);
            }
            "allow" => policy.allow = allow(&entry.value, reader),
            _ => {}
        }
    }
    if let Some(end) = node.get("until")
        && policy.mode != Mode::Suspend
    {
        let finding =
            Diagnostic::error("bad-choice", "`until` ends a suspension, and there is none")
                .hint("add `mode: suspend`, or leave `until` out");
        reader.report(finding, end.mark);
    }
    policy
}

/// The moment at which a suspension ends by itself.
fn until(node: &Node, reader: &mut Reader<'_>) -> Option<Timestamp> {
    let text = reader.text("until", node)?;
    match text.parse() {
        Ok(moment) => Some(moment),
        Err(_) => {
            let message = format!("until must be a moment, not {text:?}");
            let finding = Diagnostic::error("bad-date", message)
                .hint("write it with a time and a zone, for example 2026-12-24T18:00:00Z");
            reader.report(finding, node.mark);
            // The run stops on the finding; without an end the object stays suspended.
            None
        }
    }
}

fn mode(node: &Node, reader: &mut Reader<'_>) -> Mode {
    match reader.text("mode", node).as_deref() {
        Some("enforce") | None => Mode::Enforce,
        Some("observe") => Mode::Observe,
        Some("suspend") => Mode::Suspend,
        Some(other) => {
            let finding = Diagnostic::error("bad-choice", format!("unknown mode {other:?}"))
                .hint("one of enforce, observe, suspend");
            reader.report(finding, node.mark);
            // The run stops on the finding; suspend is the one that could do no harm if it did not.
            Mode::Suspend
        }
    }
}

fn paths(member: &str, node: &Node, reader: &mut Reader<'_>) -> Vec<(PathPattern, Mark)> {
    let mut patterns = Vec::new();
    for (text, mark) in reader.texts(member, node) {
        match PathPattern::parse(&text) {
            Ok(pattern) => patterns.push((pattern, mark)),
            Err(why) => {
                let finding = Diagnostic::error("bad-path", format!("not a field path: {why}"))
                    .hint(
                        "write it as plans print it, for example `Features[Licstat 6.0].comment`",
                    );
                reader.report(finding, mark);
            }
        }
    }
    patterns
}

fn allow(node: &Node, reader: &mut Reader<'_>) -> Risk {
    let mut allowed = Risk::Safe;
    for (text, mark) in reader.texts("allow", node) {
        match text.as_str() {
            "reduce" => allowed = allowed.max(Risk::Reduce),
            "strand" => allowed = Risk::Strand,
            _ => {
                let finding = Diagnostic::error("bad-choice", format!("unknown risk {text:?}"))
                    .hint("one of reduce, strand");
                reader.report(finding, mark);
            }
        }
    }
    allowed
}
