//! Two texts for programs that read: `docs/llms.txt`, a map of the manual, and `docs/SKILL.md`, how an agent uses entitle.
//!
//! The first follows the summary of the book. The second is `tests/manual/skill.md`, in which each `{{NAME}}` stands for a
//! table that the program knows.

use std::path::Path;

use entitle::cli::exit::Exit;
use entitle::provider;

use super::blocks::blocks;
use super::links::pages;
use super::markdown::{cell, code, head, row};
use super::schema::members;
use super::shell::commands_of;
use crate::support::golden;

fn docs(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

/// Compares the map with the pages as they are, which are written before it.
pub fn compare_map() -> Result<(), String> {
    let pages = pages();
    let summary = &pages[Path::new("SUMMARY.md")];
    let mut map = String::from(
        "# entitle\n\n> GitOps for software licences: YAML manifests in git, a plan of every change, the fewest API calls at five \
         licensing vendors, drift told field by field, undo.\n\nHow to use it safely from a program: SKILL.md.\n",
    );
    for line in summary.lines() {
        if let Some(part) = line.strip_prefix("# ").filter(|part| *part != "Summary") {
            map += &format!("\n## {part}\n\n");
        }
        let link = line.trim_start().trim_start_matches("- ").strip_prefix('[');
        let Some((title, path)) = link.and_then(|link| link.strip_suffix(')')?.split_once("]("))
        else {
            continue;
        };
        let about = first_paragraph(&pages[Path::new(path)]);
        map += &format!("- [{title}](src/{path}): {about}\n");
    }
    golden::compare(&docs("llms.txt"), &map)
}

/// Returns the first paragraph of a page on one line, with the words of links alone.
fn first_paragraph(page: &str) -> String {
    let lines = page
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with('#'));
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let text = paragraph.join(" ");
    let mut parts = text.split("](");
    let mut plain = parts.next().unwrap_or_default().replace('[', "");
    for part in parts {
        let (_, rest) = part.split_once(')').unwrap_or(("", part));
        plain += &rest.replace('[', "");
    }
    plain
}

#[test]
fn the_skill_is_fresh() {
    let template = golden::tests_dir().join("manual/skill.md");
    let mut skill = std::fs::read_to_string(template).expect("a template");
    for (name, table) in [
        ("commands", commands()),
        ("exit_codes", exit_codes()),
        ("kinds", kinds()),
        ("plan", plan_members("/properties")),
        (
            "objects",
            plan_members("/definitions/ObjectEntry/properties"),
        ),
        (
            "changes",
            plan_members("/definitions/ChangeEntry/properties"),
        ),
    ] {
        let mark = format!("{{{{{name}}}}}");
        assert!(skill.contains(&mark), "the template has no {mark}");
        skill = skill.replace(&mark, table.trim_end());
    }
    assert!(!skill.contains("{{"), "{skill}");
    let mut faults: Vec<String> = golden::compare(&docs("SKILL.md"), &skill)
        .err()
        .into_iter()
        .collect();
    let commands = blocks(&skill)
        .into_iter()
        .filter(|block| block.language == "sh");
    for command in commands.flat_map(|block| commands_of(&block)) {
        let words = command
            .split_whitespace()
            .map(|word| word.trim_matches('\''));
        let parsed = entitle::cli::all_commands().try_get_matches_from(words);
        faults.extend(parsed.err().map(|error| format!("{command}: {error}")));
    }
    golden::all_well(faults);
}

fn commands() -> String {
    let program = entitle::cli::all_commands();
    let commands = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let line = |command: &clap::Command| {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        row(&[
            code(&format!("entitle {}", command.get_name())),
            cell(&about),
        ])
    };
    head(&["command", "does"]) + &commands.map(line).collect::<String>()
}

fn exit_codes() -> String {
    let line = |exit: Exit| row(&[code(&exit.code().to_string()), exit.meaning().into()]);
    head(&["code", "means"]) + &Exit::ALL.map(line).concat()
}

fn kinds() -> String {
    let line = |kind: &dyn provider::ResourceKind| {
        let table = kind.table();
        let yes = |is| if is { "yes" } else { "no" }.to_string();
        let lifecycle = &table.lifecycle;
        row(&[
            code(table.kind.0),
            cell(table.about),
            yes(lifecycle.create.is_some()),
            yes(lifecycle.remove.is_some()),
        ])
    };
    head(&["kind", "what it is", "created", "removed"])
        + &provider::all_kinds().map(line).collect::<String>()
}

/// Returns the members of a map in the schema of plans.
fn plan_members(pointer: &str) -> String {
    let schema = entitle::cli::all_schemas().find(|(name, _)| *name == "plan.json");
    members(&schema.expect("there").1, pointer)
}
