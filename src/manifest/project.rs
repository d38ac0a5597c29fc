//! The project file: what the commands of one repository start from.
//!
//! `entitle.yaml` holds a document of kind `Project` in the usual envelope rather than bare keys: it lies
//! among manifests, where a document without the envelope would be taken for another tool's, and so it
//! shares their reader, findings and schema. What is typed wins over the environment, that over the project
//! file, that over the default.
//!
//! The file comes with a pull request, as manifests do, and a plan job holds credentials. So it can make a
//! run smaller and never more trusting: it cannot allow commands, further secret directories, risks or
//! writing without asking; its `trustHosts` counts only where nobody named hosts, which leaves fewer than
//! without it, and in a CI job is no reason not to warn; its paths stay below its own directory and out of `.git`.

use std::path::{Component, Path};

use super::members::Reader;
use crate::model::trusted_host::TrustedHost;
use crate::model::{Diagnostic, Node, Tree};

/// The name under which it is found.
pub const FILE: &str = "entitle.yaml";

const SPEC: [&str; 7] = [
    "paths",
    "parallelism",
    "timeout",
    "maxChanges",
    "trustHosts",
    "journal",
    "acceptedDrift",
];

/// What people may try to set here, and the flag that does it where the run is set up.
const REFUSED: [(&str, &str); 6] = [
    ("trustReads", "--trust-reads"),
    ("allowExec", "--allow-exec"),
    ("secretDir", "--secret-dir"),
    ("autoApprove", "--auto-approve"),
    ("allow", "--allow"),
    ("sandbox", "--sandbox"),
];

/// What a project file says, as it would be typed. Paths are relative to the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    pub paths: Vec<String>,
    pub parallelism: Option<String>,
    pub timeout: Option<String>,
    pub max_changes: Option<String>,
    pub trust_hosts: Vec<String>,
    pub journal: Option<String>,
    pub accepted_drift: Option<String>,
}

pub fn lower(spec: &Node, reader: &mut Reader<'_>) -> Project {
    let mut project = Project::default();
    let flags: Vec<&str> = REFUSED.iter().map(|(name, _)| *name).collect();
    let known = [&SPEC[..], &flags].concat();
    let entries = match spec.tree {
        // A project that sets nothing is one all the same.
        Tree::Null => &[][..],
        _ => reader.members("the spec of Project", spec, &known),
    };
    for entry in entries {
        let (name, node) = (entry.key.as_str(), &entry.value);
        match name {
            "paths" => project.paths = texts(name, "bad-path", node, reader, inside),
            "trustHosts" => {
                let fault = |text: &str| text.parse::<TrustedHost>().err();
                project.trust_hosts = texts(name, "bad-host", node, reader, fault);
            }
            "parallelism" => project.parallelism = parallelism(node, reader),
            "timeout" => {
                let valid = reader.duration(name, node).is_some();
                project.timeout = node.text().filter(|_| valid).map(String::from);
            }
            "maxChanges" => project.max_changes = max_changes(node, reader),
            "journal" => project.journal = path(name, node, reader),
            "acceptedDrift" => project.accepted_drift = path(name, node, reader),
            _ => {
                if let Some((_, flag)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
                    let message = format!("a project file cannot set `{name}`");
                    let hint = format!(
                        "it comes with a pull request; pass {flag} where the run is set up"
                    );
                    let finding = Diagnostic::error("not-in-project", message).hint(hint);
                    reader.report(finding, entry.key_mark);
                }
            }
        }
    }
    project
}

/// A list that is there to name something. An empty one would stand for everything.
fn texts(
    what: &str,
    code: &'static str,
    node: &Node,
    reader: &mut Reader<'_>,
    fault: fn(&str) -> Option<&'static str>,
) -> Vec<String> {
    let found = reader.texts(what, node);
    if found.is_empty() && matches!(&node.tree, Tree::List(items) if items.is_empty()) {
        let finding = Diagnostic::error("empty", format!("{what} must not be empty"))
            .hint("leave it out if it is to name nothing");
        reader.report(finding, node.mark);
    }
    let mut texts = Vec::new();
    for (text, mark) in found {
        match fault(&text) {
            None => texts.push(text),
            Some(why) => {
                let finding = Diagnostic::error(code, format!("{text:?} {why}"));
                reader.report(finding, mark);
            }
        }
    }
    texts
}

fn path(what: &str, node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(what, node)?;
    match inside(&text) {
        None => Some(text),
        Some(why) => {
            let finding = Diagnostic::error("bad-path", format!("{text:?} {why}"));
            reader.report(finding, node.mark);
            None
        }
    }
}

/// Why a path does not stay below the project's directory.
fn inside(text: &str) -> Option<&'static str> {
    for part in Path::new(text).components() {
        match part {
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => {
                return Some("leads out of the project's directory");
            }
            Component::Normal(name) if name.eq_ignore_ascii_case(".git") => {
                return Some("leads into .git");
            }
            Component::Normal(_) | Component::CurDir => {}
        }
    }
    (text == "-").then_some("is standard input, which a project file cannot ask for")
}

fn parallelism(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let count = reader.count("parallelism", node)?;
    if u16::try_from(count).is_err() {
        let message = format!("parallelism must be from 1 to 65535, not {count}");
        reader.report(Diagnostic::error("out-of-range", message), node.mark);
        return None;
    }
    Some(count.to_string())
}

/// A number of objects, or a share such as `10%`.
fn max_changes(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let share = |text: &str| {
        let percent = text.strip_suffix('%')?.parse::<u8>().ok()?;
        (percent <= 100).then(|| text.to_string())
    };
    let found = match &node.tree {
        Tree::Integer(count) if *count >= 0 => Some(count.to_string()),
        Tree::Text(text) => share(text),
        _ => None,
    };
    if found.is_none() {
        reader.wrong_type(
            "maxChanges",
            "a number such as 20, or a share such as 10%",
            node,
        );
    }
    found
}
