//! Finds manifest files and reads their texts. No other module does.
//!
//! The input is the paths of a command; the output is sources in the order of their names, with findings about what
//! could not be read. This module does not parse. A file may have up to 128 MiB, and must be UTF-8 without a NUL byte;
//! files that the caller has from a git commit pass the same checks.
//!
//! For example, the paths `team` and `-` with `team/b.yaml` and `team/a.yaml` give three sources: standard input, then
//! `team/a.yaml`, then `team/b.yaml`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::foreign;
use super::parallel::map_parallel;
use super::rows::RowFiles;
use super::walk::{self, Disk, FoundManifests, NamedPath, PassedOver, ReadLimits, RootResolver};
use super::yaml::{self, MAX_FILE_BYTES};
use crate::files;
use crate::files::read::{PIPE_TIMEOUT, ReadBounds};
use crate::model::diagnostic::Source;
use crate::model::{Diagnostic, Diagnostics, Mark, describe_io_error};

/// The files that were read below the paths of a command.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// A label in place of a source if the text was not read or is not needed any more.
    pub sources: Vec<Arc<Source>>,
    /// The paths of the command that exist.
    pub named: Vec<NamedPath>,
    /// The other files and directories that were found.
    pub passed: PassedOver,
    pub findings: Diagnostics,
    /// Files of rows, where they are not read from beside their manifest.
    pub row_files: RowFiles,
}

/// Files that were found below the paths of a command, and not read yet.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// Everything else that was found. Standard input, which can be read only once, is among its sources.
    pub loaded: Loaded,
    /// In the order of their names.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    /// Adds a source, or the finding in place of it. Reports whether it was a source.
    pub fn add(&mut self, read: ReadOutcome) -> bool {
        match read {
            Ok(source) => self.sources.push(source),
            Err(finding) => {
                self.findings.push(*finding);
                return false;
            }
        }
        true
    }

    /// Adds an error if there is no source and nothing says why.
    pub fn refuse_no_files(&mut self, paths: &[PathBuf]) {
        if self.sources.is_empty() && !self.findings.has_errors() {
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            self.findings.push(no_files(&paths));
        }
    }
}

/// Reads every manifest below `paths`, as [`walk`] finds them, in the order of their names. A path `-` is `input`.
pub fn load(paths: &[PathBuf], input: &mut dyn Read, limits: &ReadLimits) -> Loaded {
    let FoundFiles { mut loaded, files } = find_files(paths, input, limits);
    for read in map_parallel(&files, |file| read_file(file, limits)) {
        let is_late = is_late(&read);
        loaded.add(read);
        if is_late {
            break;
        }
    }
    loaded.refuse_no_files(paths);
    loaded
}

/// Reports whether a file was not read in time. The files after it were not read either, so the first finding is
/// enough.
pub fn is_late(read: &ReadOutcome) -> bool {
    matches!(read, Err(finding) if finding.code == walk::TIMEOUT)
}

/// Finds the manifests below `paths` and reads `input` if one of them is `-`.
pub fn find_files(paths: &[PathBuf], input: &mut dyn Read, limits: &ReadLimits) -> FoundFiles {
    let (mut loaded, mut files) = walk_paths(paths, limits);
    if paths.iter().any(|path| path.as_os_str() == "-") {
        loaded.add(read_input(input));
    }
    files.sort_by_cached_key(|file| sort_key(file));
    FoundFiles { loaded, files }
}

/// Finds the files below `paths`; below the current directory if there are none.
fn walk_paths(paths: &[PathBuf], limits: &ReadLimits) -> (Loaded, Vec<PathBuf>) {
    let mut loaded = Loaded::default();
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let (mut resolver, mut roots) = (RootResolver::default(), Vec::new());
    for path in paths.iter().filter(|path| path.as_os_str() != "-") {
        match resolver.resolve_root(path, limits) {
            Ok(root) => roots.push(root),
            Err(error) => loaded.findings.push(unreadable_path(path, &error)),
        }
    }
    let FoundManifests {
        files,
        named,
        passed,
        findings,
    } = walk::walk(&Disk, &roots, limits);
    loaded.findings.extend(findings);
    (loaded.named, loaded.passed) = (named, passed);
    (loaded, files.into_iter().map(|file| file.shown).collect())
}

/// Returns the finding that no path holds a file with the name of a manifest.
pub fn no_files(paths: &[&Path]) -> Diagnostic {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    let location = if shown.is_empty() {
        "this directory".into()
    } else {
        shown.join(", ")
    };
    Diagnostic::error(
        "no-manifests",
        format!("no *.yaml or *.yml files in {location}"),
    )
    .hint(
        "name a file or a directory with manifests; `entitle validate -v` says what is passed over",
    )
}

/// Makes sources of files that the caller has found and read, for example in a git commit. `place` names that place in
/// messages.
pub fn from_bytes(found: FoundManifests, files: Vec<(String, Vec<u8>)>, location: &str) -> Loaded {
    let mut loaded = Loaded {
        named: found.named,
        passed: found.passed,
        findings: found.findings,
        ..Loaded::default()
    };
    for (name, bytes) in files {
        loaded.add(source_from_bytes(
            FileUse::Manifests,
            name,
            bytes,
            Source::new,
        ));
    }
    if loaded.sources.is_empty() && !loaded.findings.has_errors() {
        let message = format!("no *.yaml or *.yml files in {location}");
        loaded
            .findings
            .push(Diagnostic::error("no-manifests", message));
    }
    loaded
}

/// Returns a key that sorts paths as `Path` does, at a fraction of the cost: the names of a path, each ended by a zero
/// byte. Two spellings of a path, such as `a//b` and `a/./b`, have one key.
fn sort_key(path: &Path) -> Vec<u8> {
    let mut names = Vec::with_capacity(path.as_os_str().len() + 1);
    for name in path.components() {
        names.extend_from_slice(name.as_os_str().as_encoded_bytes());
        names.push(0);
    }
    names
}

/// The code of the finding about a path that does not exist.
pub const MISSING_PATH: &str = "missing-path";

/// Returns the finding about a path or file that cannot be read.
fn unreadable_path(path: &Path, error: &io::Error) -> Diagnostic {
    let why = describe_io_error(error);
    let message = format!("cannot read {}: {why}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Diagnostic::error(MISSING_PATH, message)
            .hint("name files or directories with manifests, or `-` for standard input"),
        _ => Diagnostic::error("unreadable", message),
    }
}

/// A source, or the finding about the reason for which there is none.
pub type ReadOutcome = Result<Arc<Source>, Box<Diagnostic>>;

/// Reads the file of a label once more. `None` if it cannot be read or has another text by now.
pub fn reread(source: &Arc<Source>) -> Option<Arc<Source>> {
    if !source.is_bare() {
        return Some(Arc::clone(source));
    }
    let bytes = files::read::read_bytes(Path::new(&source.name), ReadBounds::file(MAX_FILE_BYTES));
    let read = source_from_bytes(
        FileUse::Manifests,
        source.name.clone(),
        bytes.ok()?,
        Source::of_file,
    )
    .ok()?;
    (read.hash() == source.hash()).then_some(read)
}

/// What the bytes of a file are taken for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileUse {
    /// A file among manifests, which may be another tool's. Nothing reads those, so they may have any bytes.
    Manifests,
    /// A file of rows, which a manifest names: all of it counts.
    Rows,
}

/// Reads a file, unless time is over.
pub fn read_file(path: &Path, limits: &ReadLimits) -> ReadOutcome {
    read_file_for(FileUse::Manifests, path, limits)
}

/// Reads a file of rows, unless time is over.
pub fn read_row_file(path: &Path, limits: &ReadLimits) -> ReadOutcome {
    read_file_for(FileUse::Rows, path, limits)
}

fn read_file_for(purpose: FileUse, path: &Path, limits: &ReadLimits) -> ReadOutcome {
    if limits.is_over() {
        return Err(Box::new(walk::timeout_finding(path)));
    }
    let name = || path.display().to_string();
    match files::read::read_bytes(path, ReadBounds::file(MAX_FILE_BYTES)) {
        Ok(bytes) => source_from_bytes(purpose, name(), bytes, Source::of_file),
        Err(error) => match error.kind() {
            io::ErrorKind::InvalidInput => read_pipe(path, limits),
            io::ErrorKind::FileTooLarge if purpose == FileUse::Rows => {
                Err(Box::new(too_large(&name())))
            }
            io::ErrorKind::FileTooLarge => match foreign::is_foreign_file(path, limits) {
                Ok(true) => Ok(Arc::new(Source::of_file(name(), String::new()))),
                Ok(false) => Err(Box::new(too_large(&name()))),
                Err(_) if limits.is_over() => Err(Box::new(walk::timeout_finding(path))),
                Err(error) => Err(Box::new(unreadable_path(path, &error))),
            },
            _ => Err(Box::new(unreadable_path(path, &error))),
        },
    }
}

/// Reads a pipe that the command names, such as `<(kustomize build)`. It can be read but once.
fn read_pipe(path: &Path, limits: &ReadLimits) -> ReadOutcome {
    let time_left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    let timeout = limits.deadline.map_or(PIPE_TIMEOUT, time_left);
    match files::read::read_bytes(path, ReadBounds::or_pipe(MAX_FILE_BYTES, timeout)) {
        Ok(bytes) => source_from_bytes(
            FileUse::Manifests,
            path.display().to_string(),
            bytes,
            Source::new,
        ),
        Err(error) => Err(Box::new(unreadable_path(path, &error))),
    }
}

/// Reads standard input up to the limit and one byte more, by which a larger text is noticed.
fn read_input(input: &mut dyn Read) -> ReadOutcome {
    let mut bytes = Vec::new();
    match input.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        Ok(_) => source_from_bytes(FileUse::Manifests, Source::STDIN.into(), bytes, Source::new),
        Err(error) => Err(Box::new(Diagnostic::error(
            "unreadable",
            format!("cannot read standard input: {}", describe_io_error(&error)),
        ))),
    }
}

/// Returns the finding about a file beyond [`MAX_FILE_BYTES`].
pub(super) fn too_large(name: &str) -> Diagnostic {
    let message = format!("{name} is larger than {} MiB", MAX_FILE_BYTES >> 20);
    Diagnostic::error("too-large", message)
}

/// Makes a source of bytes that can be had only once.
pub fn read_given(name: String, bytes: Vec<u8>) -> ReadOutcome {
    source_from_bytes(FileUse::Rows, name, bytes, Source::new)
}

/// Makes a source of the bytes of a file, by `source`. `Err` if they are too many; also if they are no UTF-8 or have a
/// NUL among them, unless the file is another tool's: nothing reads that.
fn source_from_bytes(
    purpose: FileUse,
    name: String,
    bytes: Vec<u8>,
    source: fn(String, String) -> Source,
) -> ReadOutcome {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Box::new(too_large(&name)));
    }
    let is_foreign =
        |bytes: &[u8]| purpose == FileUse::Manifests && foreign::are_foreign_bytes(bytes);
    let (source, location, finding) = match String::from_utf8(bytes) {
        Ok(text) => {
            let source = Arc::new(source(name, text));
            let Some(offset) = source.text.find('\0') else {
                return Ok(source);
            };
            if is_foreign(source.text.as_bytes()) {
                return Ok(source);
            }
            let finding = Diagnostic::error(
                "nul-byte",
                "the file has a NUL byte, so it is not a manifest",
            );
            (source, offset, finding)
        }
        Err(error) if is_foreign(error.as_bytes()) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            return Ok(Arc::new(source(name, text)));
        }
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            // The text up to the first bad byte is enough to show where it is.
            let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            let finding = Diagnostic::error("not-utf8", "the file is not UTF-8 text")
                .hint("save it as UTF-8; Latin-1 and UTF-16 are not read");
            (Arc::new(Source::new(name, text)), valid, finding)
        }
    };
    let mark = Mark::at(&source.text, location);
    Err(Box::new(yaml::hide_if_secret(
        finding.at(&source, mark),
        &source,
        mark,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_however_its_path_is_written() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        for name in ["a/b.yaml", "a-b.yaml", "a.yaml"] {
            std::fs::write(dir.path().join(name), "a: 1\n").unwrap();
        }
        let twice = dir.path().join("a//./b.yaml");
        let paths = [twice, dir.path().to_path_buf()];
        let loaded = load(&paths, &mut std::io::empty(), &ReadLimits::default());
        let names = loaded.sources.iter().map(|source| Path::new(&source.name));
        let names: Vec<&Path> = names
            .map(|name| name.strip_prefix(dir.path()).unwrap())
            .collect();
        // As paths are ordered: what is in a directory before what only begins like its name.
        assert_eq!(names, ["a/b.yaml", "a-b.yaml", "a.yaml"].map(Path::new));
    }
}
