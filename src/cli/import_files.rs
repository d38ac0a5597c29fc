//! Writes imported manifests into a directory, one file for each object.
//!
//! In: the manifests that were imported and those that are there. Out: new files, and what was left as it is as a note.
//! A file has the name of its object. Names are unique per kind, so where objects of two kinds have one name, their
//! files say the kind as well:
//!
//! ```text
//! LacLicenseOrder/lakes    lakes.yaml
//! LacCustomer/rivers       rivers.LacCustomer.yaml
//! LacLicenseOrder/rivers   rivers.LacLicenseOrder.yaml
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{files, output};
use crate::cli::error::{CommandError, CommandResult};
use crate::files::write::create_new_file;
use crate::manifest::write;
use crate::model::Kind;
use crate::model::wording::pluralize;
use crate::reconcile::Checked;
use crate::reconcile::import::Imported;

/// Writes one file per object into `dir`.
///
/// An object that a manifest names already, in any file, is not written again: two manifests of one
/// object are an error. An existing file is left as it is unless `force` is set. What was left is counted, with the
/// command or the flag for it.
pub fn write_files(
    checked: &Checked,
    imported: &[Imported],
    dir: &Path,
    force: bool,
) -> CommandResult<()> {
    let head = write::modeline(&files::schema_of(dir));
    let shared_names = find_shared_names(checked, imported);
    let (mut written, mut managed, mut existing) = (0, 0, 0);
    for one in imported {
        let Ok(text) = &one.manifest else { continue };
        let text = format!("{head}{text}");
        let new = dir.join(file_name(one, shared_names.contains(one.name.as_str())));
        let path = match &one.manifest_file {
            None => new,
            Some(file) => match own_file(checked, one, file, dir).filter(|_| force) {
                Some(path) => path,
                None => {
                    managed += 1;
                    continue;
                }
            },
        };
        let fault = |error: std::io::Error| {
            CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
        };
        if create_new_file(&path, text.as_bytes()).map_err(fault)? {
            written += 1;
        } else if force {
            files::replace_file(&path, &text).map_err(fault)?;
            written += 1;
        } else {
            existing += 1;
        }
    }
    let manifests = pluralize(written, "manifest");
    output::print_note(&format!("{manifests} written to {}", dir.display()));
    if managed > 0 {
        let objects = pluralize(managed, "object");
        output::print_note(&format!(
            "Left as is: {objects} with a manifest; `entitle import --update` brings manifests up to date"
        ));
    }
    if existing > 0 {
        let files = pluralize(existing, "existing file");
        output::print_note(&format!("Left as is: {files}; --force replaces them"));
    }
    Ok(())
}

/// Returns the names that objects of several kinds have, in the manifests or among those that were imported.
fn find_shared_names<'a>(checked: &'a Checked, imported: &'a [Imported]) -> BTreeSet<&'a str> {
    let managed = checked.desired.iter().map(|it| &it.address);
    let managed = managed.map(|address| (address.name.as_str(), address.kind));
    let imported = imported.iter().map(|one| (one.name.as_str(), one.kind));
    let mut kinds: BTreeMap<&str, BTreeSet<Kind>> = BTreeMap::new();
    for (name, kind) in managed.chain(imported) {
        kinds.entry(name).or_default().insert(kind);
    }
    kinds.retain(|_, kinds| kinds.len() > 1);
    kinds.into_keys().collect()
}

/// Returns the name of an object's file. No name of an object has capital letters, so one with a kind in it is that of no
/// other object.
fn file_name(one: &Imported, with_kind: bool) -> String {
    match with_kind {
        true => format!("{}.{}.yaml", one.name, one.kind),
        false => format!("{}.yaml", one.name),
    }
}

/// Returns the file of an object with a manifest if an import to `dir` would have written it and it holds nothing else;
/// `None` for any other file, which is not written over.
fn own_file(checked: &Checked, one: &Imported, file: &str, dir: &Path) -> Option<PathBuf> {
    let objects = checked.desired.iter().map(|it| &it.origin);
    let connections = checked.connections.values().map(|it| &it.origin);
    let origins = objects.chain(connections);
    if origins.filter(|origin| origin.source.name == file).count() > 1 {
        return None;
    }
    let names = [false, true].map(|with_kind| dir.join(file_name(one, with_kind)));
    names
        .into_iter()
        .find(|path| same_file(Path::new(file), path))
}

/// Reports whether two paths lead to the same existing file; false if either cannot be resolved.
fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}
