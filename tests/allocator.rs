//! The allocator of packages: needs the feature `jemalloc`, so it stands apart from the other tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

use std::process::Command;

#[test]
fn the_allocator_gives_memory_back_without_being_told() {
    let told = Command::new(env!("CARGO_BIN_EXE_entitle"))
        .arg("--version")
        .env("_RJEM_MALLOC_CONF", "stats_print:true")
        .output()
        .expect("runs");
    let told = String::from_utf8_lossy(&told.stderr);
    for setting in [
        "narenas: 2",
        "background_thread: true",
        "dirty_decay_ms: 200",
        "muzzy_decay_ms: 0",
    ] {
        assert!(
            told.contains(&format!("opt.{setting}")),
            "{setting}: {told}"
        );
    }
}
