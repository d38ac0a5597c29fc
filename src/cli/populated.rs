//! Writes the manifests of a populated sandbox: what `entitle sandbox --write-manifests DIR` leaves behind.
//!
//! | file | holds |
//! | --- | --- |
//! | `connections.yaml` | one connection for each vendor, to the address of this run |
//! | `sandbox.env` | the variables that these take their secrets from, for a shell to read |
//! | `VENDOR/N.yaml`, or `VENDOR.yaml` | the objects |

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use clap::ValueEnum;

use crate::cli::error::{CommandResult, Context, bail, user_error};
use crate::files::links::LinkPolicy;
use crate::files::write::{self, FileMode, Output};
use crate::sandbox::{Population, SandboxServer, population};

/// How manifests are laid out in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// One file for each object, in a directory for each vendor
    Files,
    /// One file for each vendor
    One,
}

/// Writes everything and says how many objects the manifests name.
pub fn write_manifests(
    dir: &Path,
    sandbox: &SandboxServer,
    desired: &Population,
    layout: Layout,
    drift: f64,
) -> CommandResult<usize> {
    expect_empty(dir)?;
    let address = format!("http://{}", sandbox.address());
    let (mut connections, mut variables) = (Vec::new(), String::new());
    let mut objects = 0;
    for vendor in sandbox.vendors() {
        if desired.objects_of(vendor) == 0 {
            continue;
        }
        if let Some((text, named)) = population::connection_manifest(vendor, &address) {
            connections.push(text);
            for (name, value) in named {
                variables.push_str(&format!("export {name}={value}\n"));
            }
        }
        let manifests = desired.manifests(vendor, drift).map_err(user_error)?;
        objects += match layout {
            Layout::Files => write_one_each(&dir.join(vendor), manifests),
            Layout::One => write_joined(&dir.join(format!("{vendor}.yaml")), manifests),
        }?;
    }
    create_file(&dir.join("connections.yaml"), &connections.join("---\n"))?;
    create_file(&dir.join("sandbox.env"), &variables)?;
    Ok(objects)
}

/// Creates the directory if needed. Returns `Err` if it is not empty.
///
/// Other manifests must neither be overwritten nor planned along with these.
fn expect_empty(dir: &Path) -> CommandResult<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let listed = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()));
    if listed?.next().is_some() {
        bail!(
            "{} is not empty; --write-manifests takes a new or an empty directory",
            dir.display()
        );
    }
    Ok(())
}

/// Writes `000001.yaml`, `000002.yaml` and so on into `dir`; returns the number of files.
fn write_one_each(dir: &Path, manifests: impl Iterator<Item = String>) -> CommandResult<usize> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut written = 0;
    for text in manifests {
        written += 1;
        create_file(&dir.join(format!("{written:06}.yaml")), &text)?;
    }
    Ok(written)
}

/// Writes all manifests into one file, separated by `---`; returns their number.
fn write_joined(path: &Path, manifests: impl Iterator<Item = String>) -> CommandResult<usize> {
    let words = || format!("cannot write {}", path.display());
    let mut output =
        Output::open(path, FileMode::Shared, &LinkPolicy::Follow).with_context(words)?;
    let mut file = BufWriter::new(&mut output);
    let mut written = 0;
    for text in manifests {
        let parting = if written == 0 { "" } else { "---\n" };
        write!(file, "{parting}{text}").with_context(words)?;
        written += 1;
    }
    file.flush().with_context(words)?;
    drop(file);
    output.commit().with_context(words)?;
    Ok(written)
}

/// Writes a new file. Returns `Err` if it exists: the directory was empty a moment ago.
fn create_file(path: &Path, text: &str) -> CommandResult<()> {
    let words = || format!("cannot write {}", path.display());
    // The directory was empty.
    let new = write::create_new_file(path, text.as_bytes()).with_context(words)?;
    if !new {
        bail!("another process has just created {}", path.display());
    }
    Ok(())
}

/// Parses the number of objects to add, at most 1,000,000: more would be a typing error.
pub fn parse_object_count(text: &str) -> Result<usize, String> {
    const MOST: usize = 1_000_000;
    let count = text.parse().ok().filter(|count| *count <= MOST);
    count.ok_or_else(|| format!("write a number from 0 to {MOST}"))
}

/// Parses a percentage from 0 to 100, such as `1`, `0.5` or `5%`.
pub fn parse_percentage(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').parse().ok();
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "write a percentage from 0 to 100, such as 1 or 0.5".into())
}
