//! `spec.policy`: what may be done to an object. Field names in it are checked later, by the provider's audit.

use super::members::Reader;
use crate::model::draft::PolicyDraft;
use crate::model::{Diagnostic, Mark, Mode, Node, PathPattern, Risk, Tree};

pub fn lower(node: &Node, reader: &mut Reader<'_>) -> PolicyDraft {
    let mut policy = PolicyDraft::default();
    if node.tree == Tree::Null {
        return policy;
    }
    for entry in reader.members("policy", node, &["mode", "keepUnlisted", "ignore", "allow"]) {
        match entry.key.as_str() {
            "mode" => policy.mode = mode(&entry.value, reader),
            "keepUnlisted" => policy.keep_unlisted = reader.texts("keepUnlisted", &entry.value),
            "ignore" => policy.ignore = ignore(&entry.value, reader),
            "allow" => policy.allow = allow(&entry.value, reader),
            _ => {}
        }
    }
    policy
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

fn ignore(node: &Node, reader: &mut Reader<'_>) -> Vec<(PathPattern, Mark)> {
    let mut patterns = Vec::new();
    for (text, mark) in reader.texts("ignore", node) {
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
