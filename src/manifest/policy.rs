//! `spec.policy`: what may be done to an object. Field names in it are checked later, by the provider's audit.
//!
//! In goes the node of `spec.policy`, out comes a [`PolicyDraft`] that is complete: members left out have their
//! defaults, and a member that was refused is left out after its finding. Paths stay patterns with their marks,
//! because this module knows no vendor's fields; it must not look any up.

use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::{DURATION, INSTANT, PLAN_PATH, TEXT};
use crate::model::draft::PolicyDraft;
use crate::model::{Diagnostic, Node, PolicyMode, Risk, Tree};

map_table! {
    pub POLICY "policy": "How the object is treated." {
        mode: Form::Choice("mode", &["enforce", "observe", "suspend"]), default: Some("enforce"),
            "Write it, only plan it, or do not even read it.";
        until: Form::Text(&INSTANT), "When a suspension ends by itself, for example `2026-12-24T18:00:00Z`.";
        reason: Form::Text(&TEXT), "Why it is held back, for those who look at it.";
        resync: Form::Text(&DURATION), "How often `watch` looks at it without being told to, for example `30m`.";
        keepUnlisted: Form::List(&Form::Text(&TEXT)),
            "Lists whose live elements survive though they are not listed here, in the words of this manifest.";
        ignore: Form::List(&Form::Text(&PLAN_PATH)), "Field paths left out of diff and apply alike, as plans print \
            them; `[*]` is every element, `[\"*\"]` the one whose key is a star. A date goes with the type that gave \
            it a meaning, also where it is ignored.";
        absentIsEmpty: Form::List(&Form::Text(&PLAN_PATH)), "Lists and fields that the vendor leaves out of a read \
            when they are empty, as plans print them: `customLimits`, `customLicenses[*].expirationDate`. Anything \
            else that a read leaves out is unknown, and a write that would have to carry it is refused.";
        allow: Form::List(&Form::Choice("risk", &["reduce", "strand", "destroy"])),
            "Risks accepted for this object without a flag; each includes those before it.";
        create: Form::Boolean, default: Some("false"),
            "Whether the object is created if the vendor does not have it.";
        schedule: Form::Choice("schedule", &["entitle", "vendor"]), default: Some("entitle"),
            "Who carries out `changes` at their moment: the next run, or the vendor, which then has them scheduled. A \
            vendor that knows full hours alone takes the next one.";
    }
}

/// Reads `spec.policy`; the default policy for a null node, and, after a finding, for anything but a map.
///
/// For example `{mode: suspend, until: 2026-12-24T18:00:00Z, allow: [reduce, strand]}` gives `Suspend` until that
/// instant and `Strand`, the higher of the two risks. `until` without `mode: suspend` is an error, since it would have
/// no effect.
pub fn lower(node: &Node, reader: &mut MapReader<'_>) -> PolicyDraft {
    if node.tree == Tree::Null {
        return PolicyDraft::default();
    }
    let Some(mut values) = reader.read(&POLICY, node) else {
        return PolicyDraft::default();
    };
    let node_mark = node.mark;
    let policy = PolicyDraft {
        mode: match values.take_optional::<String>("mode") {
            Some(name) => mode_named(name.as_deref()),
            // The run stops on the finding; suspend is the one that could do no harm if it did not.
            None => PolicyMode::Suspend,
        },
        until: values.take("until"),
        reason: values.take("reason"),
        resync: values.take("resync"),
        keep_unlisted: values.take_marked("keepUnlisted"),
        ignore: values.take_marked("ignore"),
        absent_is_empty: values.take_marked("absentIsEmpty"),
        allow: highest_risk(values.take_list("allow")),
        create: values
            .take::<bool>("create")
            .filter(|create| *create)
            .map(|_| {
                let node = values.node_of("create");
                node.map_or(node_mark, |node| node.mark)
            }),
        schedule: values
            .take::<String>("schedule")
            .filter(|by| by == "vendor")
            .map(|_| {
                let node = values.node_of("schedule");
                node.map_or(node_mark, |node| node.mark)
            }),
    };
    if let Some(until) = values.node_of("until")
        && policy.mode != PolicyMode::Suspend
    {
        let message = "`until` ends a suspension, and there is none";
        let finding = Diagnostic::error("bad-choice", message)
            .hint("add `mode: suspend`, or leave `until` out");
        reader.report(finding, until.mark);
    }
    policy
}

/// Returns the mode with this name, or `Enforce`, the default, for `None`. The table has refused every other name.
fn mode_named(name: Option<&str>) -> PolicyMode {
    match name {
        Some("observe") => PolicyMode::Observe,
        Some("suspend") => PolicyMode::Suspend,
        _ => PolicyMode::Enforce,
    }
}

/// Returns the highest risk in a list of names: accepting `strand` accepts `reduce` too. An empty list gives the
/// default.
fn highest_risk(names: Vec<String>) -> Risk {
    let risks = names.iter().map(|name| match name.as_str() {
        "destroy" => Risk::Destroy,
        "strand" => Risk::Strand,
        _ => Risk::Reduce,
    });
    risks.max().unwrap_or_default()
}
