//! Files that commands leave in the user's directories: manifests that they edit, and the schema that these name.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::error::{CommandError, CommandResult, bail};
use crate::files::links::LinkPolicy;
use crate::files::read::{self, ReadBounds};
use crate::files::write::{self, FileMode};
use crate::manifest::yaml::MAX_FILE_BYTES;

/// Address of the published schema, for manifests outside a project with its own copy.
const PUBLISHED: &str =
    "https://raw.githubusercontent.com/entitle-dev/entitle/main/schemas/manifest.json";

/// The project's copy of the schema, as `entitle init` and `entitle schema --out schemas` write it.
pub const SCHEMA: &str = "schemas/manifest.json";

/// Replaces a file by a text, whole or not at all. Its permissions stay, and a link stays a link.
pub fn replace_file(path: &Path, text: &str) -> io::Result<()> {
    write::write_whole_file(path, text.as_bytes(), FileMode::Shared, &LinkPolicy::Follow)
}

/// Replaces a file by `text`, unless it has changed since it was read as `before`.
///
/// Returns `Err` if it has. An editor that saves in the moment between the check and the write is not
/// noticed.
pub fn replace_unchanged(path: &Path, before: &str, text: &str) -> CommandResult<()> {
    let fault = |error: io::Error| {
        CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
    };
    if read::read_text(path, ReadBounds::file(MAX_FILE_BYTES)).map_err(fault)? != before {
        bail!(
            "{} was changed meanwhile: it is left as it is",
            path.display()
        );
    }
    replace_file(path, text).map_err(fault)
}

/// Returns the schema that a manifest in `dir` names: the project's own copy, or else the published one.
///
/// The copy is searched for upward to the top of the repository. With a copy at `/repo/schemas`, a
/// manifest in `/repo/licences/eu` names `../../schemas/manifest.json`.
pub fn schema_of(dir: &Path) -> String {
    match find_schema_above(dir) {
        Some((steps, _)) => format!("{}{SCHEMA}", "../".repeat(steps)),
        None => PUBLISHED.into(),
    }
}

/// Returns the project's own copy of the schema for manifests in `dir`; `None` if there is none.
pub fn find_schema(dir: &Path) -> Option<PathBuf> {
    find_schema_above(dir).map(|(_, path)| path)
}

/// Searches for the copy upward to the top of the repository; returns how many folders up it is, and its path.
fn find_schema_above(dir: &Path) -> Option<(usize, PathBuf)> {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    for (steps, folder) in absolute.ancestors().enumerate() {
        let path = folder.join(SCHEMA);
        if is_ours(&path) {
            return Some((steps, path));
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    None
}

/// Reports whether a file is the schema of this program; other projects have a file of that name too.
fn is_ours(path: &Path) -> bool {
    read::read_text(path, ReadBounds::file(MAX_FILE_BYTES))
        .is_ok_and(|text| text.contains("\"entitle manifest\""))
}
