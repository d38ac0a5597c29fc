//! Opens and saves the cache in which the contents of manifests are kept from run to run.
//!
//! In: `--cache`, `--no-cache` and the environment. Out: a `ManifestCache`, or none. A cache without `--cache` is a
//! convenience: where it cannot be kept, the log says so at level `debug`, and the run goes on as it would without one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::args::CacheArgs;
use super::output;
use crate::apply::clock;
use crate::reconcile::DiskCache;

/// How long the cache of an unused project is kept: 90 days.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A cache of this run.
pub struct ManifestCache {
    disk: Arc<DiskCache>,
    /// The directory with the caches of all projects; `None` for a cache that was asked for.
    common: Option<PathBuf>,
}

/// Where a cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Location {
    dir: PathBuf,
    /// As in [`ManifestCache`].
    common: Option<PathBuf>,
}

impl ManifestCache {
    /// Opens the cache of `--cache`, or the user's own for the working directory. `is_ci` tells that this is a CI job.
    ///
    /// Returns `None` with `--no-cache`, in a CI job that did not ask, without a home directory, and if this program
    /// cannot be identified: a cache of another version might hold the results of other rules.
    pub fn open(args: &CacheArgs, is_ci: bool) -> Option<Self> {
        let here = std::env::current_dir().ok();
        let variable = |name: &str| std::env::var_os(name);
        let location = find_location(args, is_ci, here.as_deref(), variable)?;
        let disk = DiskCache::open(&location.dir, &identify_program()?);
        Some(Self {
            disk: Arc::new(disk),
            common: location.common,
        })
    }

    /// Returns the cache as the loader of manifests takes it.
    pub fn disk(&self) -> Arc<DiskCache> {
        Arc::clone(&self.disk)
    }

    /// Saves the contents that a run has read. A failure is a warning if the cache was asked for.
    pub fn save(&self) {
        let dir = self.disk.dir().display();
        match (self.disk.save(), &self.common) {
            (Ok(false), _) | (Ok(true), None) => {}
            (Ok(true), Some(common)) => {
                if let Some(before) = SystemTime::from(clock::now()).checked_sub(KEPT) {
                    DiskCache::remove_unused(common, before);
                }
            }
            (Err(error), None) => {
                output::print_warning(&format!("--cache {dir} was not written: {error}"));
            }
            (Err(error), Some(_)) => {
                tracing::debug!(%dir, %error, "no cache of manifests is kept");
            }
        }
    }
}

/// Returns where the cache is: where `--cache` says, or below `XDG_CACHE_HOME` or `~/.cache`.
///
/// Each working directory has a cache of its own, so that projects do not push each other out: with `HOME=/home/jane`
/// that of `/srv/licences` is `/home/jane/.cache/entitle/` and 16 digits of the hash of the path.
fn find_location(
    args: &CacheArgs,
    is_ci: bool,
    here: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<Location> {
    if args.no_cache {
        return None;
    }
    if let Some(dir) = &args.cache {
        return Some(Location {
            dir: dir.clone(),
            common: None,
        });
    }
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    let home = || absolute("HOME").map(|home| home.join(".cache"));
    let caches = absolute("XDG_CACHE_HOME").or_else(home);
    let (caches, here) = caches.filter(|_| !is_ci).zip(here)?;
    let common = caches.join("entitle");
    let name = hex::encode(&Sha256::digest(here.as_os_str().as_encoded_bytes())[..8]);
    Some(Location {
        dir: common.join(name),
        common: Some(common),
    })
}

/// Returns a text that identifies this program: one version may be built twice with different rules.
fn identify_program() -> Option<String> {
    let file = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let changed = file.modified().ok()?;
    let changed = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let version = env!("CARGO_PKG_VERSION");
    Some(format!("{version} {} {}", file.len(), changed.as_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directory of the cache with these variables, in `/srv/licences`.
    fn dir_of(args: &CacheArgs, is_ci: bool, variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let location = find_location(args, is_ci, Some(Path::new("/srv/licences")), variable)?;
        assert_eq!(location.common.is_none(), args.cache.is_some());
        Some(location.dir)
    }

    #[test]
    fn a_cache_is_the_users_own_unless_one_is_named_or_refused() {
        let usual = CacheArgs::default();
        let home = ("HOME", "/home/jane");
        let own = dir_of(&usual, false, &[home]).expect("a cache");
        assert!(own.starts_with("/home/jane/.cache/entitle"), "{own:?}");
        let xdg = dir_of(&usual, false, &[home, ("XDG_CACHE_HOME", "/var/c")]).expect("a cache");
        assert_eq!(
            xdg,
            Path::new("/var/c/entitle").join(own.file_name().expect("a name"))
        );
        // As the standard has it, a relative path counts as none.
        assert_eq!(
            dir_of(&usual, false, &[home, ("XDG_CACHE_HOME", "c")]),
            Some(own)
        );
        assert_eq!(dir_of(&usual, false, &[]), None);
        assert_eq!(dir_of(&usual, true, &[home]), None);
        let named = CacheArgs {
            cache: Some("c".into()),
            no_cache: false,
        };
        assert_eq!(dir_of(&named, true, &[home]), Some("c".into()));
        let refused = CacheArgs {
            no_cache: true,
            ..named
        };
        assert_eq!(dir_of(&refused, false, &[home]), None);
    }
}
