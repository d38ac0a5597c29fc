//! Reads the project file, which holds the defaults of every command in one repository.
//!
//! `entitle.yaml` holds a document of kind `Project` in the usual envelope rather than bare keys: it lies
//! among manifests, where a document without the envelope would be taken for another tool's, and so it
//! shares their reader, findings and schema. What is typed wins over the environment, that over the project
//! file, that over the default.
//!
//! The file comes with a pull request, as manifests do, and a plan job holds credentials. So it can make a
//! run smaller and never more trusting: it cannot allow commands, further secret directories, risks or
//! writing without asking; its `trustHosts` counts only if `--trust-hosts` names none, which leaves fewer than
//! without it, and in a CI job is no reason not to warn; its paths stay below its own directory and out of `.git`.

use std::path::{Component, Path};
use std::time::Duration;

use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::{DURATION, GivenText, TextType, TextValue};
use crate::model::trusted_host::TrustedHost;
use crate::model::{Diagnostic, Node, Tree};

/// The name of the project file.
pub const FILE: &str = "entitle.yaml";

map_table! {
    pub PROJECT "the spec of Project": "What the commands of one repository start from. It lies in `entitle.yaml`." {
        paths: Form::ListOf("a path, or be left out", &Form::Text(&INNER_PATH)),
            "Files or directories with manifests, below this file's directory.";
        parallelism: Form::Count(65_535), "Calls of a whole run at the same time.";
        timeout: Form::Text(&DURATION), "Longest time for a whole run, for example `10m`.";
        maxChanges: Form::CountOrShare,
            "Send nothing if more objects would change: a number, or a share such as `10%`.";
        trustHosts: Form::ListOf("a host, or be left out", &Form::Text(&HOST)),
            "Send credentials to these hosts only; `*.example.com` is every host below.";
        journal: Form::Text(&INNER_PATH), "Journal of applies, below this file's directory.";
        acceptedDrift: Form::Text(&INNER_PATH), default: Some("entitle-accepted.yaml"),
            "File with accepted drift, below this file's directory.";
        trustReads: Form::Refused("--trust-reads"), "";
        allowExec: Form::Refused("--allow-exec"), "";
        secretDir: Form::Refused("--secret-dir"), "";
        autoApprove: Form::Refused("--auto-approve"), "";
        allow: Form::Refused("--allow"), "";
        sandbox: Form::Refused("--sandbox"), "";
    }
}

/// A path that stays below the project's directory.
static INNER_PATH: TextType = TextType {
    name: "path below this file's directory",
    keywords: &[],
    parse: |given| accept(given, "bad-path", leads_out),
};

/// A host, in the notation of `--trust-hosts`.
static HOST: TextType = TextType {
    name: "host",
    keywords: &[],
    parse: |given| accept(given, "bad-host", |text| text.parse::<TrustedHost>().err()),
};

/// Accepts a text if `fault` returns `None` for it; otherwise the finding has the text and the fault.
fn accept(
    given: &GivenText<'_>,
    code: &'static str,
    fault: fn(&str) -> Option<&'static str>,
) -> Result<TextValue, Box<Diagnostic>> {
    match fault(given.text) {
        None => Ok(TextValue::Text(given.text.into())),
        Some(fault) => {
            let message = format!("{:?} {fault}", given.text);
            Err(Box::new(Diagnostic::error(code, message)))
        }
    }
}

/// The settings of a project file, each as it would be typed on the command line. Paths are relative to the file.
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

/// Reads the `spec` of a project. A null node, and after a finding anything but a map, gives a project without
/// settings.
pub fn lower(spec: &Node, reader: &mut MapReader<'_>) -> Project {
    if spec.tree == Tree::Null {
        return Project::default();
    }
    let Some(mut values) = reader.read(&PROJECT, spec) else {
        return Project::default();
    };
    let timeout = values.node_of("timeout").and_then(Node::text);
    Project {
        paths: values.take_list("paths"),
        parallelism: values
            .take::<u32>("parallelism")
            .map(|count| count.to_string()),
        timeout: values
            .take::<Duration>("timeout")
            .and(timeout.map(String::from)),
        max_changes: values.take("maxChanges"),
        trust_hosts: values.take_list("trustHosts"),
        journal: values.take("journal"),
        accepted_drift: values.take("acceptedDrift"),
    }
}

/// Returns the reason for which a path leads out of the project's directory; `None` if it stays below. For example
/// `a/./b` stays, and `/a`, `a/../b`, `a/.GIT/b` and `-` are refused.
pub(super) fn leads_out(text: &str) -> Option<&'static str> {
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
