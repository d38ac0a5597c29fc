//! The names that scripts, dashboards and CI jobs of the last version use: each is there still.

use std::collections::BTreeSet;

use clap::Command;
use entitle::cli::exit::Exit;
use entitle::model::codes::CODE_GROUPS;
use entitle::model::notification::NoticeKind;

use super::newest;
use crate::manual::served_metrics;

/// Every name, a line each, sorted.
pub fn all_names() -> String {
    names(false)
        .iter()
        .map(|name| format!("{name}\n"))
        .collect()
}

#[test]
fn no_name_of_the_last_version_is_gone() {
    let before = std::fs::read_to_string(newest().join("names.txt")).expect("names");
    let now = names(true);
    let gone: Vec<&str> = before.lines().filter(|name| !now.contains(*name)).collect();
    assert!(gone.is_empty(), "{gone:#?}");
    for kind in [
        "code ",
        "command ",
        "exit ",
        "flag ",
        "metric ",
        "notice ",
        "value ",
        "variable ",
    ] {
        let count = before.lines().filter(|name| name.starts_with(kind)).count();
        assert!(count >= 8, "{count} of {kind}");
    }
}

/// With the old names that are accepted still, or without.
fn names(with_aliases: bool) -> BTreeSet<String> {
    let exits = Exit::ALL.iter();
    let exits = exits.map(|exit| format!("exit {} {exit:?}", exit.code()));
    let codes = CODE_GROUPS.iter().flat_map(|group| group.codes);
    let codes = codes.map(|entry| format!("code {}", entry.code));
    let notices = NoticeKind::ALL.iter();
    let notices = notices.map(|kind| format!("notice {}", kind.name()));
    let mut names: BTreeSet<String> = exits.chain(codes).chain(notices).collect();
    for metric in served_metrics() {
        names.insert(format!("metric {} {}", metric.name, metric.kind));
        let labels = metric.labels.iter();
        names.extend(labels.map(|label| format!("metric {}{{{label}}}", metric.name)));
    }
    let mut program = entitle::cli::all_commands();
    program.build();
    for command in program.get_subcommands() {
        add_command(&mut names, "entitle", command, with_aliases);
    }
    names
}

fn add_command(names: &mut BTreeSet<String>, parent: &str, command: &Command, with_aliases: bool) {
    if command.is_hide_set() {
        return;
    }
    let old: Vec<&str> = command.get_all_aliases().filter(|_| with_aliases).collect();
    for name in old.into_iter().chain([command.get_name()]) {
        let command_line = format!("{parent} {name}");
        names.insert(format!("command {command_line}"));
        for flag in command.get_arguments() {
            let aliases = flag.get_all_aliases().filter(|_| with_aliases);
            let longs = aliases.into_iter().flatten().chain(flag.get_long());
            for long in longs {
                names.insert(format!("flag {command_line} --{long}"));
                let takes_values = flag.get_action().takes_values();
                for value in flag.get_possible_values().iter().filter(|_| takes_values) {
                    names.insert(format!(
                        "value {command_line} --{long} {}",
                        value.get_name()
                    ));
                }
            }
            let variable = flag.get_env().map(|name| name.to_string_lossy());
            names.extend(variable.map(|variable| format!("variable {command_line} {variable}")));
        }
        for inner in command.get_subcommands() {
            add_command(names, &command_line, inner, with_aliases);
        }
    }
}
