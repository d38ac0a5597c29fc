//! The manual in `docs`: its reference is what the tables say, its commands do what it shows, its links lead somewhere.
//!
//! `ENTITLE_BLESS=1` writes all of it anew that is generated: the pages below `docs/src/reference`, the outputs of commands,
//! the pictures, `llms.txt` and `SKILL.md`.

mod blocks;
mod commands;
mod kinds;
mod links;
mod markdown;
mod observed;
mod pictures;
mod schema;
mod shell;
mod skill;

use std::path::{Path, PathBuf};

use entitle::provider;

use super::support::golden;
use blocks::blocks;
pub use observed::served_metrics;
use shell::Session;

/// The sources of the book.
pub fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src")
}

#[test]
fn the_reference_is_what_the_tables_say() {
    let vendors = provider::ALL.iter().map(|provider| {
        let name = format!("kinds/{}.md", provider.vendor());
        (name, kinds::vendor(*provider))
    });
    let pages = [
        ("kinds.md", kinds::overview()),
        ("format.md", kinds::format()),
        ("commands.md", commands::commands()),
        ("exit-codes.md", commands::exit_codes()),
        ("diagnostics.md", observed::codes()),
        ("metrics.md", observed::metrics()),
        ("events.md", observed::events()),
        ("documents.md", observed::documents()),
        ("topics.md", observed::topics()),
    ];
    let pages = pages.map(|(name, page)| (name.to_string(), page));
    let reference = source_dir().join("reference");
    let faults = pages.into_iter().chain(vendors).filter_map(|(name, page)| {
        let page = page.replace("\n\n\n", "\n\n");
        golden::compare(&reference.join(name), &page).err()
    });
    let mut faults: Vec<String> = faults.collect();
    faults.extend(skill::compare_map().err());
    golden::all_well(faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_manual_do_what_it_shows() {
    let mut faults = Vec::new();
    let mut run = 0;
    for (path, page) in links::pages() {
        let commands = blocks(&page)
            .into_iter()
            .filter(|block| block.language == "console");
        run += commands
            .flat_map(|block| block.lines)
            .filter(|line| line.starts_with("$ "))
            .count();
        if path.starts_with("reference") {
            continue;
        }
        let mut found = Vec::new();
        let fresh = Session::new().await.renew(&page, &mut found);
        found.extend(golden::compare(&source_dir().join(&path), &fresh).err());
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("{}: {fault}", path.display())),
        );
    }
    golden::all_well(faults);
    assert!(run >= 30, "the manual has {run} commands");
}

/// Lists what no test runs, so that nothing is left out in silence.
#[test]
fn what_is_not_run_is_listed_with_its_reason() {
    let mut list = String::new();
    for (path, page) in links::pages() {
        for block in blocks(&page) {
            let Some(("not run", why)) = block.note else {
                continue;
            };
            list += &format!("{}: {why}\n", path.display());
            for command in shell::commands_of(&block) {
                list += &format!("    {command}\n");
            }
        }
    }
    let golden_list = golden::tests_dir().join("manual/not-run.txt");
    golden::all_well(
        golden::compare(&golden_list, &list)
            .err()
            .into_iter()
            .collect(),
    );
}

/// Files that pages take in are there. What is in them is tested where they are.
#[test]
fn included_files_are_there() {
    for (path, page) in links::pages() {
        for (at, _) in page.match_indices("{{#include ") {
            let rest = &page[at + "{{#include ".len()..];
            let name = rest.split(['}', ':']).next().unwrap_or_default();
            let file = source_dir()
                .join(&path)
                .parent()
                .expect("a folder")
                .join(name);
            assert!(file.is_file(), "{}: no file {name}", path.display());
        }
    }
}
