//! Real inputs to damage: the manifests of examples, cases and samples, the replies of the cases, a journal
//! and a plan.

use std::path::PathBuf;

use entitle::provider::{self, ResourceKind};

use super::{golden, pure};

/// Texts of all manifests in the repository, the shortest first.
pub fn manifests() -> Vec<Vec<u8>> {
    let tests = golden::tests_dir();
    let mut folders = golden::folders(&tests.join("invalid"));
    let examples = tests.join("../examples");
    for provider in provider::ALL {
        folders.push(examples.join(provider.vendor().0));
    }
    folders.extend(provider::all_kinds().map(|kind| examples.join(golden::kind_path(kind))));
    folders.extend(provider::all_kinds().flat_map(cases));
    let mut texts: Vec<Vec<u8>> = folders
        .iter()
        .flat_map(|folder| golden::files(folder, "yaml"))
        .map(|path| std::fs::read(path).expect("readable"))
        .collect();
    texts.sort_by_key(|text| (text.len(), text.clone()));
    texts.dedup();
    texts
}

fn cases(kind: &dyn ResourceKind) -> Vec<PathBuf> {
    golden::folders(&golden::kind_dir(kind).join("cases"))
}

/// One case of a kind: its manifest and what the vendor answers.
pub struct Case {
    pub name: String,
    pub kind: &'static dyn ResourceKind,
    pub manifest: String,
    pub replies: pure::Replies,
}

pub fn replies() -> Vec<Case> {
    let mut found = Vec::new();
    for kind in provider::all_kinds() {
        for folder in cases(kind) {
            let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("readable");
            found.push(Case {
                name: folder.display().to_string(),
                kind,
                manifest: read("manifest.yaml"),
                replies: serde_json::from_str(&read("replies.json")).expect("JSON"),
            });
        }
    }
    found
}

/// Bodies of replies to writes, with the kind of the objects.
pub fn written() -> Vec<(&'static dyn ResourceKind, Vec<u8>)> {
    let mut found = Vec::new();
    for kind in provider::all_kinds() {
        for path in golden::files(&golden::kind_dir(kind).join("replies"), "http") {
            let text = std::fs::read_to_string(path).expect("readable");
            let body = text.split_once("\n\n").map_or("", |(_, body)| body);
            found.push((kind, body.as_bytes().to_vec()));
        }
    }
    found
}

/// Sealed plans, one for each case that has something to plan.
pub fn plans() -> Vec<String> {
    let mut found = Vec::new();
    for case in replies() {
        let checked = pure::check(&[("manifest.yaml", &case.manifest)]);
        let Ok((observed, _)) = pure::observe(&checked, &case.replies) else {
            continue;
        };
        let document = pure::document(&checked, &pure::plan(&checked, &observed));
        if document
            .objects
            .iter()
            .any(|object| !object.changes.is_empty())
        {
            found.push(crate::fuzz_bodies::sealed_text(&document));
        }
    }
    found
}

/// The journal of a run of every plan, without checksums.
pub fn journal() -> String {
    let mut lines = Vec::new();
    for (run, plan) in plans().iter().enumerate() {
        let document = entitle::plan::saved::read_sealed(plan).expect("a plan");
        let mut line = |event: serde_json::Value| {
            let record = serde_json::json!({
                "at": "2026-11-21T12:00:00Z", "run": format!("run-{run}"), "event": event,
            });
            lines.push(record.to_string());
        };
        line(serde_json::json!({"started": {
            "by": "jane", "commit": "0123456789abcdef", "plan": document.digest,
            "objects": document.objects.len(), "sandbox": false,
        }}));
        for object in &document.objects {
            let Some(call) = object.calls.first() else {
                continue;
            };
            line(serde_json::json!({"intent": {
                "address": object.address, "vendor": object.vendor,
                "connection": object.connection, "base_url": "https://a.example/",
                "identity": object.identity, "method": call.method, "path": call.path,
                "changes": object.changes, "unread": {"customer_id": 1},
            }}));
            if run % 3 != 0 {
                line(serde_json::json!({"outcome": {
                    "address": object.address, "outcome": "converged", "message": null,
                    "side_effects": ["description"],
                }}));
            }
        }
        line(serde_json::json!({"finished": {"interrupted": run % 2 == 0}}));
    }
    lines.join("\n")
}
