//! Opens and saves the cache of `--cache`, in which the contents of manifests are kept from run to run.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::output;
use crate::reconcile::DiskCache;

/// Opens the cache in a directory.
///
/// Returns `None` without a directory, or if this program cannot be identified: a cache of another
/// version might hold the results of other rules.
pub fn open_cache(dir: Option<&Path>) -> Option<Arc<DiskCache>> {
    let (dir, program) = dir.zip(identify_program())?;
    Some(Arc::new(DiskCache::open(dir, &program)))
}

/// Saves the contents that a run has read. A failure is a warning.
pub fn save_cache(cache: Option<&DiskCache>) {
    let Some(cache) = cache else {
        return;
    };
    if let Err(error) = cache.save() {
        let dir = cache.dir().display();
        output::print_warning(&format!("--cache {dir} was not written: {error}"));
    }
}

/// Returns a text that identifies this program: one version may be built twice with different rules.
fn identify_program() -> Option<String> {
    let file = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let changed = file.modified().ok()?;
    let changed = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let version = env!("CARGO_PKG_VERSION");
    Some(format!("{version} {} {}", file.len(), changed.as_nanos()))
}
