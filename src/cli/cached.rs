//! `--cache`: the directory in which runs remember what manifests say.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::output;
use crate::reconcile::DiskCache;

/// The cache in a directory. There is none where nothing tells this program from the next one.
pub fn open(dir: Option<&Path>) -> Option<Arc<DiskCache>> {
    let (dir, program) = dir.zip(program())?;
    Some(Arc::new(DiskCache::open(dir, &program)))
}

/// Keeps what a run has read. That this fails is no reason to fail.
pub fn save(cache: Option<&DiskCache>) {
    let Some(cache) = cache else {
        return;
    };
    if let Err(error) = cache.save() {
        let dir = cache.dir().display();
        output::warn(&format!("--cache {dir} was not written: {error}"));
    }
}

/// What tells this program from every other: a version may be built twice with different rules.
fn program() -> Option<String> {
    let file = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let changed = file.modified().ok()?;
    let changed = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let version = env!("CARGO_PKG_VERSION");
    Some(format!("{version} {} {}", file.len(), changed.as_nanos()))
}
