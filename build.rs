//! Tells the program which commit it is built from, and for which target; `entitle version` shows both.
//!
//! The commit is that of `SOURCE_COMMIT`, else of the package's record, else of the checkout. A tarball without any of
//! them builds as well, and the program then names no commit. A debug build never asks git: each commit would make all of
//! it out of date.

use std::path::Path;
use std::process::Command;

/// The variable by which whoever packages the program names the commit.
const VARIABLE: &str = "SOURCE_COMMIT";

/// The file in which `cargo package` records the commit.
const RECORD: &str = ".cargo_vcs_info.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo::rustc-env=ENTITLE_TARGET_TRIPLE={target}");
    }
    let commit = std::env::var(VARIABLE).ok().or_else(find_recorded);
    let commit = commit.or_else(|| is_optimised().then(find_checked_out)?);
    if let Some(commit) = commit.filter(|commit| is_commit(commit)) {
        println!("cargo::rustc-env=ENTITLE_COMMIT={commit}");
    }
}

/// Returns whether a text is the full name of a commit.
fn is_commit(text: &str) -> bool {
    text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Returns whether the profile is `release` or one that inherits it.
fn is_optimised() -> bool {
    std::env::var("PROFILE").is_ok_and(|profile| profile == "release")
}

/// Returns the commit of `.cargo_vcs_info.json`: `{"git": {"sha1": "…"}}`.
fn find_recorded() -> Option<String> {
    let text = std::fs::read_to_string(RECORD).ok()?;
    let (_, after) = text.split_once("\"sha1\":")?;
    Some(after.split('"').nth(1)?.to_string())
}

/// Returns the commit that is checked out here. A tarball that was unpacked into another repository has no `.git` of its
/// own, so the commit of that one is not taken.
fn find_checked_out() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // It gets a line with every commit and every checkout.
    let log = run_git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    run_git(&["rev-parse", "--verify", "HEAD"])
}

/// Returns what git prints; `None` where there is none, or it fails.
fn run_git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}
