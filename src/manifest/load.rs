//! Paths to source texts. The only place that reads manifest files.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::stamp::Stamp;
use super::walk::{self, Disk, Found, Limits, Named, PassedOver, Roots};
use super::workers::side_by_side;
use super::yaml::{self, MAX_FILE_BYTES};
use crate::files;
use crate::files::read::{PIPE_TIMEOUT, ReadBounds};
use crate::model::diagnostic::Source;
use crate::model::{Diagnostic, Diagnostics, Mark};

/// What was found under the paths of a command.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Labels stand for files that are as they were before.
    pub sources: Vec<Arc<Source>>,
    /// How the files that were read looked then, by their names, where that tells anything.
    pub stamps: HashMap<String, Stamp>,
    /// The paths that were named and are there.
    pub named: Vec<Named>,
    /// What was found beside the manifests.
    pub passed: PassedOver,
    pub findings: Diagnostics,
}

/// A file that was read before, by its name: its label, and how it looked then.
pub type Known<'a> = dyn Fn(&str) -> Option<(Stamp, Arc<Source>)> + Sync + 'a;

/// What is made of a file where it is read, given the label that stands for it later; nothing if that has to
/// wait.
pub type Make<'a, T> = dyn Fn(&Arc<Source>, &Arc<Source>) -> Option<T> + Sync + 'a;

impl Loaded {
    /// Whether there is a source more.
    fn take(&mut self, read: Outcome) -> bool {
        match read {
            Ok(source) => self.sources.push(source),
            Err(finding) => {
                self.findings.push(*finding);
                return false;
            }
        }
        true
    }
}

/// Reads every manifest below `paths`, as [`walk`] finds them, in the order of their names. A path `-` is `input`.
pub fn load(paths: &[PathBuf], input: &mut dyn Read, limits: &Limits) -> Loaded {
    load_and(paths, input, limits, None, &|_, _| None::<()>).0
}

/// The same; files that are `known` and look as they did then are not read. What `make` makes of a file is
/// made where the file is read, and stands at the place of its source. The text goes then, so that the texts
/// of ten thousand files are never in memory together.
pub fn load_and<T: Send>(
    paths: &[PathBuf],
    input: &mut dyn Read,
    limits: &Limits,
    known: Option<(&Known<'_>, SystemTime)>,
    make: &Make<'_, T>,
) -> (Loaded, Vec<Option<T>>) {
    let (mut loaded, mut files) = find(paths, limits);
    let mut made = Vec::new();
    if paths.iter().any(|path| path.as_os_str() == "-") && loaded.take(read_input(input)) {
        made.push(None);
    }
    // As paths are compared, at a fraction of the cost.
    files.sort_by_cached_key(|file| by_names(file));
    let read = side_by_side(&files, |file| {
        if limits.is_over() {
            return (Err(Box::new(walk::out_of_time(file))), None, None);
        }
        let (read, stamp) = read_unless(file, limits, known);
        let fresh = read.as_ref().ok().filter(|source| !source.is_bare());
        let Some(source) = fresh else {
            return (read, stamp, None);
        };
        let label = source.label();
        match make(source, &label) {
            Some(made) => (Ok(label), stamp, Some(made)),
            None => (read, stamp, None),
        }
    });
    for (read, stamp, own) in read {
        if let (Ok(source), Some(stamp)) = (&read, stamp) {
            loaded.stamps.insert(source.name.clone(), stamp);
        }
        // Everything after the first file that was not read in time was not read either.
        let late = matches!(&read, Err(finding) if finding.code == walk::TIMEOUT);
        if loaded.take(read) {
            made.push(own);
        }
        if late {
            break;
        }
    }
    if loaded.sources.is_empty() && !loaded.findings.has_errors() {
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        loaded.findings.push(no_files(&paths));
    }
    (loaded, made)
}

/// Finds the files below `paths`; the current directory, if there are none.
fn find(paths: &[PathBuf], limits: &Limits) -> (Loaded, Vec<PathBuf>) {
    let mut loaded = Loaded::default();
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let (mut places, mut roots) = (Roots::default(), Vec::new());
    for path in paths.iter().filter(|path| path.as_os_str() != "-") {
        match places.root(path, limits) {
            Ok(root) => roots.push(root),
            Err(error) => loaded.findings.push(unreadable(path, &error)),
        }
    }
    let Found {
        files,
        named,
        passed,
        findings,
    } = walk::walk(&Disk, &roots, limits);
    loaded.findings.extend(findings);
    (loaded.named, loaded.passed) = (named, passed);
    (loaded, files.into_iter().map(|file| file.shown).collect())
}

/// Says that there is no file with the name of a manifest in any of the paths.
pub fn no_files(paths: &[&Path]) -> Diagnostic {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    let place = if shown.is_empty() {
        "this directory".into()
    } else {
        shown.join(", ")
    };
    Diagnostic::error(
        "no-manifests",
        format!("no *.yaml or *.yml files in {place}"),
    )
    .hint(
        "name a file or a directory with manifests; `entitle validate -v` says what is passed over",
    )
}

/// Takes files that somebody else has found and read, for example in a git commit; `place` says where.
pub fn of_files(found: Found, files: Vec<(String, Vec<u8>)>, place: &str) -> Loaded {
    let mut loaded = Loaded {
        named: found.named,
        passed: found.passed,
        findings: found.findings,
        ..Loaded::default()
    };
    for (name, bytes) in files {
        loaded.take(accept(name, bytes, Source::new));
    }
    if loaded.sources.is_empty() && !loaded.findings.has_errors() {
        let message = format!("no *.yaml or *.yml files in {place}");
        loaded
            .findings
            .push(Diagnostic::error("no-manifests", message));
    }
    loaded
}

/// The names of a path, each ended by what comes before all that names may hold. Paths that lead to one file by
/// the same names are equal, however they were written.
fn by_names(path: &Path) -> Vec<u8> {
    let mut names = Vec::with_capacity(path.as_os_str().len() + 1);
    for name in path.components() {
        names.extend_from_slice(name.as_os_str().as_encoded_bytes());
        names.push(0);
    }
    names
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let missing = error.kind() == io::ErrorKind::NotFound;
    let code = if missing {
        "missing-path"
    } else {
        "unreadable"
    };
    let finding = Diagnostic::error(code, format!("cannot read {}: {error}", path.display()));
    match code {
        "missing-path" => {
            finding.hint("name files or directories with manifests, or `-` for standard input")
        }
        _ => finding,
    }
}

/// A source, or why there is none.
type Outcome = Result<Arc<Source>, Box<Diagnostic>>;

/// The source that a label stands for: read again, if the file is still as it was.
pub fn again(source: &Arc<Source>) -> Option<Arc<Source>> {
    if !source.is_bare() {
        return Some(Arc::clone(source));
    }
    let bytes = files::read::read_bytes(Path::new(&source.name), ReadBounds::file(MAX_FILE_BYTES));
    let read = accept(source.name.clone(), bytes.ok()?, Source::of_file).ok()?;
    (read.hash() == source.hash()).then_some(read)
}

/// Reads a file unless it looks as it did before; how it looked comes along if it was read.
fn read_unless(
    path: &Path,
    limits: &Limits,
    known: Option<(&Known<'_>, SystemTime)>,
) -> (Outcome, Option<Stamp>) {
    let Some((known, now)) = known else {
        return (read_file(path, limits), None);
    };
    // How it looks before it is read: what is written meanwhile shows the next time.
    let stamp = Stamp::of(path, now);
    match known(&path.display().to_string()) {
        Some((before, label)) if Some(before) == stamp => (Ok(label), None),
        Some(_) | None => (read_file(path, limits), stamp),
    }
}

fn read_file(path: &Path, limits: &Limits) -> Outcome {
    let name = || path.display().to_string();
    match files::read::read_bytes(path, ReadBounds::file(MAX_FILE_BYTES)) {
        Ok(bytes) => accept(name(), bytes, Source::of_file),
        Err(error) => match error.kind() {
            io::ErrorKind::InvalidInput => read_pipe(path, limits),
            io::ErrorKind::FileTooLarge => Err(Box::new(too_large(&name()))),
            _ => Err(Box::new(unreadable(path, &error))),
        },
    }
}

/// Reads a pipe that was named itself, such as `<(kustomize build)`. It can be read but once.
fn read_pipe(path: &Path, limits: &Limits) -> Outcome {
    let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    let timeout = limits.deadline.map_or(PIPE_TIMEOUT, left);
    match files::read::read_bytes(path, ReadBounds::or_pipe(MAX_FILE_BYTES, timeout)) {
        Ok(bytes) => accept(path.display().to_string(), bytes, Source::new),
        Err(error) => Err(Box::new(unreadable(path, &error))),
    }
}

fn read_input(input: &mut dyn Read) -> Outcome {
    let mut bytes = Vec::new();
    match input.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        Ok(_) => accept(Source::STDIN.into(), bytes, Source::new),
        Err(error) => Err(Box::new(Diagnostic::error(
            "unreadable",
            format!("cannot read standard input: {error}"),
        ))),
    }
}

pub(super) fn too_large(name: &str) -> Diagnostic {
    let message = format!("{name} is larger than {} MiB", MAX_FILE_BYTES >> 20);
    Diagnostic::error("too-large", message)
}

fn accept(name: String, bytes: Vec<u8>, source: fn(String, String) -> Source) -> Outcome {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Box::new(too_large(&name)));
    }
    let (source, place, finding) = match String::from_utf8(bytes) {
        Ok(text) => {
            let source = Arc::new(source(name, text));
            let Some(offset) = source.text.find('\0') else {
                return Ok(source);
            };
            let finding = Diagnostic::error(
                "nul-byte",
                "the file has a NUL byte, so it is not a manifest",
            );
            (source, offset, finding)
        }
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            // Only the readable head is kept: it is enough to show where the bytes go wrong.
            let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            let finding = Diagnostic::error("not-utf8", "the file is not UTF-8 text")
                .hint("save it as UTF-8; Latin-1 and UTF-16 are not read");
            (Arc::new(Source::new(name, text)), valid, finding)
        }
    };
    let mark = Mark::at(&source.text, place);
    Err(Box::new(yaml::about(
        finding.at(&source, mark),
        &source,
        mark,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_made(paths: &[PathBuf]) -> (Loaded, Vec<Option<usize>>) {
        // What is too large is left for later, as by whoever lowers files.
        let make = |source: &Arc<Source>, label: &Arc<Source>| {
            assert!(label.is_bare() && label.hash() == source.hash());
            (source.text.len() < 10).then_some(source.text.len())
        };
        let limits = Limits::default();
        load_and(paths, &mut std::io::empty(), &limits, None, &make)
    }

    #[test]
    fn the_text_of_a_file_goes_once_something_was_made_of_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), "a: 1\n").unwrap();
        std::fs::write(dir.path().join("b.yaml"), "b: a longer text\n").unwrap();
        let (loaded, made) = load_made(&[dir.path().to_path_buf()]);
        assert_eq!(made, [Some(5), None]);
        let texts = loaded.sources.iter().map(|source| source.text.as_str());
        assert!(texts.eq(["", "b: a longer text\n"]));
    }

    #[test]
    fn a_file_is_read_once_however_its_path_is_written() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        for name in ["a/b.yaml", "a-b.yaml", "a.yaml"] {
            std::fs::write(dir.path().join(name), "a: 1\n").unwrap();
        }
        let twice = dir.path().join("a//./b.yaml");
        let (loaded, _) = load_made(&[twice, dir.path().to_path_buf()]);
        let names = loaded.sources.iter().map(|source| Path::new(&source.name));
        let names: Vec<&Path> = names
            .map(|name| name.strip_prefix(dir.path()).unwrap())
            .collect();
        // As paths are ordered: what is in a directory before what only begins like its name.
        assert_eq!(names, ["a/b.yaml", "a-b.yaml", "a.yaml"].map(Path::new));
    }
}
