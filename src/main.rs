//! Parses, runs, maps to an exit code.

use std::process::ExitCode;

/// Ten thousand objects in a daemon take half of what they take with glibc's allocator, and a plan of them a
/// tenth less time (2026-11-28). The library leaves the choice to whoever uses it,
/// and a build of a checkout has the system's.
#[cfg(all(unix, feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    entitle::cli::main()
}
