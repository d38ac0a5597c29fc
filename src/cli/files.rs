//! Files that commands leave in the user's directories: never half written, never replaced unasked.

use std::io::{self, Write};
use std::path::Path;

/// Where the schema is published, for manifests outside a project that has its own copy.
const PUBLISHED: &str =
    "https://raw.githubusercontent.com/entitle-dev/entitle/main/schemas/manifest.json";

/// The project's copy of the schema, as `entitle init` and `entitle schema --out schemas` write it.
pub const SCHEMA: &str = "schemas/manifest.json";

/// Creates a file with its directories, whole or not at all; false if something is there already.
pub fn create(path: &Path, text: &str) -> io::Result<bool> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(fault) => Err(fault.error),
    }
}

/// Replaces a file by a text, whole or not at all. Its permissions stay, and a link stays a link.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// The same, unless somebody has changed the file since it was read as `before`.
pub fn replace_unchanged(path: &Path, before: &str, text: &str) -> anyhow::Result<()> {
    let fault = |error: io::Error| anyhow::anyhow!("cannot write {}: {error}", path.display());
    if std::fs::read_to_string(path).map_err(fault)? != before {
        anyhow::bail!(
            "{} was changed meanwhile: it is left as it is",
            path.display()
        );
    }
    replace(path, text).map_err(fault)
}

/// How a manifest in `dir` names its schema: by the project's own copy, which is the nearest one upward to
/// the top of the repository, or else as published.
pub fn schema_of(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let mut up = String::new();
    for folder in absolute.ancestors() {
        if is_ours(&folder.join(SCHEMA)) {
            return format!("{up}{SCHEMA}");
        }
        if folder.join(".git").exists() {
            break;
        }
        up.push_str("../");
    }
    PUBLISHED.into()
}

/// Other projects have a `schemas/manifest.json` as well.
fn is_ours(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"entitle manifest\""))
}
