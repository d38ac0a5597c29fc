//! Writes imported objects as editions and sets: `import --as-set`.
//!
//! In: the objects that were imported. Out: two files for each set, `NAME.yaml` with the edition and the set and `NAME.csv`
//! with the rows, and the objects that are in no set. Files that are there stay: a set has a name that none of them has.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::{files, output};
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::files::write::create_new_file;
use crate::manifest::write;
use crate::model::with_causes;
use crate::model::wording::pluralize;
use crate::reconcile::Checked;
use crate::reconcile::import::{self, FoundSet, Imported, StatedObject};

/// Writes the sets of the objects into `dir` and returns the objects that are in none: those that are like no other, that a
/// manifest describes already, or that have none.
pub fn write_sets(
    checked: &Checked,
    imported: Vec<Imported>,
    dir: &Path,
) -> CommandResult<Vec<Imported>> {
    let new = imported.iter().filter(|one| one.manifest_file.is_none());
    let new: Vec<(&Imported, &StatedObject)> = new
        .filter_map(|one| Some((one, one.stated.as_ref()?)))
        .collect();
    let (objects, stated): (Vec<&Imported>, Vec<&StatedObject>) = new.into_iter().unzip();
    let sets = import::find_sets(&stated, &taken_names(checked, &imported, dir)?);
    let head = write::modeline(&files::schema_of(dir));
    let (mut written, mut in_sets) = (0, BTreeSet::new());
    for proven in import::prove_sets(checked, sets, &objects) {
        let set = &proven.set;
        match proven.manifest {
            Ok(text) => {
                write_set(dir, set, &format!("{head}{text}"))?;
                written += 1;
                let members = set.members.iter().map(|index| objects[*index]);
                in_sets.extend(members.map(|one| (one.kind, one.name.clone())));
            }
            Err(error) => {
                let objects = pluralize(set.members.len(), "object");
                let (kind, why) = (set.kind, with_causes(&error));
                output::print_note(&format!(
                    "note: {objects} of the kind {kind} get manifests of their own: {why}"
                ));
            }
        }
    }
    let (objects, sets) = (in_sets.len(), pluralize(written, "set"));
    output::print_note(&format!(
        "{} in {sets} written to {}",
        pluralize(objects, "object"),
        dir.display()
    ));
    let rest = imported.into_iter();
    Ok(rest
        .filter(|one| !in_sets.contains(&(one.kind, one.name.clone())))
        .collect())
}

/// Writes the files of a set. The rows come first: a manifest without its rows is not valid.
fn write_set(dir: &Path, set: &FoundSet, manifest: &str) -> CommandResult<()> {
    let files = [
        (set.row_file(), set.rows.as_str()),
        (format!("{}.yaml", set.name), manifest),
    ];
    for (name, text) in files {
        let path = dir.join(name);
        let fault =
            |error| CommandError::caused_by(format_args!("cannot write {}", path.display()), error);
        if !create_new_file(&path, text.as_bytes()).map_err(fault)? {
            bail!("{} was made by another program just now", path.display());
        }
    }
    Ok(())
}

/// Returns the names that no set may have: those of files in `dir`, of the objects, whose files have their names, and of all
/// editions and sets.
fn taken_names(
    checked: &Checked,
    imported: &[Imported],
    dir: &Path,
) -> CommandResult<BTreeSet<String>> {
    let mut names: BTreeSet<String> = imported.iter().map(|one| one.name.clone()).collect();
    names.extend(checked.layer_names.iter().cloned());
    let fault = |error: io::Error| {
        CommandError::caused_by(format_args!("cannot read {}", dir.display()), error)
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        Err(error) => return Err(fault(error)),
    };
    for entry in entries {
        let name = entry.map_err(fault)?.file_name();
        let stem = Path::new(&name).file_stem();
        names.extend(stem.map(|stem| stem.to_string_lossy().into_owned()));
    }
    Ok(names)
}
