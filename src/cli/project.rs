//! The project file: found upward to the git root, and the defaults it gives to arguments that were not typed.
//!
//! Outside a git repository only the directory we are in is looked at: a file further up may belong
//! to another user. `manifest::project` says what the file can and cannot do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::setup;
use crate::cli::error::{CommandResult, bail};
use crate::manifest;
use crate::manifest::project::{FILE, Project};
use crate::model::diagnostic::Source;
use crate::model::{Diagnostic, Diagnostics, Mark};
use crate::provider;

/// The file that `drift` reads beside the project file.
const ACCEPTED: &str = "entitle-accepted.yaml";

/// A project file that was found.
pub struct FoundProject {
    /// Its directory, as a path from where we are: `..` once per step up.
    dir: PathBuf,
    project: Project,
    pub findings: Diagnostics,
}

/// Returns the nearest project file with its findings; `None` if there is none.
///
/// A file of that name with other documents and no `Project` among them is a manifest only. An empty or
/// broken one is returned with its findings, so that commands stop instead of running without the
/// defaults.
pub fn find_project() -> Option<FoundProject> {
    let path = find_upward(FILE)?;
    let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let loaded = manifest::load(
        std::slice::from_ref(&path),
        &mut std::io::empty(),
        &setup::read_limits(None),
    );
    let (drafts, mut declarations) = match loaded.sources.first() {
        Some(source) => manifest::read_drafts(source, &provider::kind_rows()),
        None => Default::default(),
    };
    let names = drafts.iter().map(|draft| (&draft.address, &draft.origin));
    declarations.refuse_duplicate_objects(names);
    declarations.refuse_duplicate_declarations();
    let mut projects = declarations.projects.into_iter();
    if projects.len() == 0 && declarations.documents > 0 {
        return None;
    }
    let mut findings = loaded.findings;
    findings.extend(declarations.findings);
    let project = projects.next().unwrap_or_default();
    if projects.len() > 0 {
        let message = "a project file holds one Project";
        findings.push(Diagnostic::error("duplicate-name", message));
    }
    let mut found = FoundProject {
        dir,
        project,
        findings,
    };
    if let Some(source) = loaded.sources.first() {
        found.keep_inside(source);
    }
    Some(found)
}

/// Returns the nearest file of this name between the working directory and the git root, as a relative
/// path.
///
/// In `/repo/a/b` with the file at `/repo` the result is `../../NAME`. Outside a repository only the
/// working directory is searched.
fn find_upward(name: &str) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let is_root = |dir: &Path| dir.join(".git").exists();
    let root = here.ancestors().find(|dir| is_root(dir)).unwrap_or(&here);
    let mut way = PathBuf::new();
    for dir in here.ancestors() {
        if dir.join(name).is_file() {
            return Some(way.join(name));
        }
        if dir == root {
            break;
        }
        way.push("..");
    }
    None
}

impl FoundProject {
    /// Paths that a link leads out of the project's directory are refused: links come with pull requests too.
    fn keep_inside(&mut self, source: &Arc<Source>) {
        let mut paths: Vec<&String> = self.project.paths.iter().collect();
        paths.extend(&self.project.journal);
        paths.extend(&self.project.accepted_drift);
        for path in paths {
            if leads_out(&self.dir, path) {
                let message = format!("{path:?} leads out of the project's directory by a link");
                let at = source.text.find(path.as_str()).unwrap_or_default();
                let finding = Diagnostic::error("bad-path", message);
                self.findings
                    .push(finding.at(source, Mark::at(&source.text, at)));
            }
        }
    }

    /// Returns a path of the project file, relative to the working directory.
    fn path(&self, path: &str) -> String {
        self.dir.join(path).display().to_string()
    }

    /// Returns the project's default values for the argument with this id; empty if it sets none.
    pub fn default_of(&self, argument: &str) -> Vec<String> {
        let one = |value: &Option<String>| value.iter().cloned().collect();
        let path = |value: &Option<String>| value.iter().map(|path| self.path(path)).collect();
        let project = &self.project;
        match argument {
            "paths" => project.paths.iter().map(|path| self.path(path)).collect(),
            "parallelism" => one(&project.parallelism),
            "timeout" => one(&project.timeout),
            "max_changes" => one(&project.max_changes),
            "trust_hosts" => project.trust_hosts.clone(),
            "journal" => path(&project.journal),
            "accepted" => path(&project.accepted_drift),
            _ => Vec::new(),
        }
    }

    /// Reports whether a project file can set the argument with this id.
    pub fn knows(argument: &str) -> bool {
        const ARGUMENTS: [&str; 7] = [
            "paths",
            "parallelism",
            "timeout",
            "max_changes",
            "trust_hosts",
            "journal",
            "accepted",
        ];
        ARGUMENTS.contains(&argument)
    }
}

/// Reports whether a symbolic link takes a path below `dir` to a place outside of it.
///
/// Each existing part of the path is resolved. A part that does not exist leads nowhere; a link to a
/// file that does not exist may lead anywhere, and counts as leading out.
fn leads_out(dir: &Path, path: &str) -> bool {
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let Ok(home) = std::fs::canonicalize(dir) else {
        return true;
    };
    let whole = dir.join(path);
    whole
        .ancestors()
        .take_while(|part| *part != dir && !part.as_os_str().is_empty())
        .any(|part| match std::fs::symlink_metadata(part) {
            // A part that does not exist leads nowhere; a link to such a part may lead anywhere.
            Err(_) => false,
            Ok(_) => std::fs::canonicalize(part).map_or(true, |real| !real.starts_with(&home)),
        })
}

/// Returns the paths that are read if none are typed: those of the project, or none without one.
pub fn default_paths() -> Vec<PathBuf> {
    find_project().map_or_else(Vec::new, |found| {
        found
            .default_of("paths")
            .into_iter()
            .map(PathBuf::from)
            .collect()
    })
}

/// Returns the file with accepted drift: `asked`, or the usual file beside the project file if it
/// exists.
///
/// Returns `Err` if a file was asked for that does not exist: without it, accepted drift would be
/// reported.
pub fn accepted_drift_file(asked: Option<&Path>) -> CommandResult<Option<PathBuf>> {
    let Some(path) = asked else {
        let beside = find_project().map(|found| found.dir.join(ACCEPTED));
        return Ok(match beside {
            Some(path) => path.is_file().then_some(path),
            None => find_upward(ACCEPTED),
        });
    };
    if !path.is_file() {
        bail!("there is no file {} with accepted drift", path.display());
    }
    Ok(Some(path.to_path_buf()))
}
