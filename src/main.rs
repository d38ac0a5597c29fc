//! Parses, runs, maps to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // rustls has no provider of its own in this build; a second installation would be a no-op.
    let _ = rustls::crypto::ring::default_provider().install_default();
    entitle::cli::main()
}
