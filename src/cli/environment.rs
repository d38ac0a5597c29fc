//! Faults in `ENTITLE_…` variables: a guard that is set and empty, and a name that is misspelt.
//!
//! In: the parsed arguments and the environment. Out: an error for an empty guard, a warning for a
//! misspelt name. Values are never read for their content or printed, since some of them are secrets.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};

use super::command::{Cli, Command};
use super::output;
use crate::model::{Diagnostic, Diagnostics};

/// Variables that keep a run within limits, with the id of their argument.
///
/// An empty one would lift the limit: a CI workflow writes an empty value where the variable it fills in
/// is missing. Other variables may be empty, and count as unset then.
const GUARDS: [(&str, &str); 9] = [
    ("ENTITLE_TRUST_HOSTS", "trust_hosts"),
    ("ENTITLE_SECRET_DIR", "secret_dir"),
    ("ENTITLE_MAX_CHANGES", "max_changes"),
    ("ENTITLE_MAX_REQUESTS", "max_requests"),
    ("ENTITLE_WINDOW", "window"),
    ("ENTITLE_LISTEN_TOKEN", "listen_token"),
    ("ENTITLE_LISTEN_TOKEN_FILE", "listen_token_file"),
    ("ENTITLE_GIT_HOOK_SECRET", "git_hook_secret"),
    ("ENTITLE_GIT_HOOK_SECRET_FILE", "git_hook_secret_file"),
];

/// Variables that are read without an argument of their own.
const OTHERS: [&str; 2] = ["ENTITLE_LOG", "ENTITLE_COMPLETE"];

/// Returns an error for a guard of the chosen command whose variable is set and empty.
///
/// Returns `None` if the command has no such argument, or if the flag was typed: a typed value takes
/// precedence over the variable. For example, with `ENTITLE_MAX_CHANGES=` set and empty, `apply` is
/// refused, while `fmt` and `apply --max-changes 10` run. `environment` looks a variable up by name.
pub fn empty_guard(
    matches: &ArgMatches,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Option<Diagnostic> {
    let (_, chosen) = matches.subcommand()?;
    let is_empty = |(variable, id): &&(&str, &str)| {
        let known = chosen.try_contains_id(id).is_ok();
        known
            && chosen.value_source(id) != Some(ValueSource::CommandLine)
            && environment(variable).is_some_and(|value| value.is_empty())
    };
    let (variable, _) = GUARDS.iter().find(is_empty)?;
    let message = format!("{variable} is set and empty, so nothing says what it is to limit");
    Some(
        Diagnostic::error("empty-variable", message)
            .hint("give it a value, or unset it where no limit is wanted"),
    )
}

/// Warns of variables that are nearly the name of a setting, which is then not in force.
///
/// The daemon with a JSON log writes the warnings as log records; every other command prints them.
pub fn warn_of_misspelt(command: &Command) {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let findings = find_misspelt(variables);
    if findings.is_empty() {
        return;
    }
    match command {
        Command::Watch(args) if args.logs_json() => {
            for finding in findings.iter() {
                tracing::warn!(
                    code = finding.code,
                    hint = finding.hint,
                    "{}",
                    finding.message
                );
            }
        }
        // Standard error may be closed, which is no reason to fail.
        _ => drop(output::print_findings(&findings)),
    }
}

/// Returns a warning per variable that is close to a known one, in the order of diagnostics.
fn find_misspelt(variables: impl Iterator<Item = String>) -> Diagnostics {
    let known = known_variables();
    let mut findings = Diagnostics::default();
    for variable in variables {
        if known.contains(&variable) {
            continue;
        }
        if let Some(meant) = find_nearest_setting(&variable, &known) {
            let message = format!("{variable} is no setting of entitle, and is ignored");
            let finding = Diagnostic::warning("unknown-variable", message);
            findings.push(finding.hint(format!("did you mean `{meant}`?")));
        }
    }
    findings.sorted()
}

/// Returns the variables of all arguments of all commands.
///
/// A variable of another command is no mistake: one environment may serve several commands.
fn known_variables() -> Vec<String> {
    let program = Cli::command();
    let arguments = program
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let variables = arguments.filter_map(|argument| argument.get_env()?.to_str());
    variables.chain(OTHERS).map(String::from).collect()
}

/// Returns the setting that a variable was most likely meant for; `None` if none is near.
///
/// The distance counts insertions, deletions, substitutions and swaps of neighbours, after the prefix
/// `ENTITLE_`. At most 2 are taken for a mistake, or 1 in names shorter than 6 characters.
///
/// - `TRUST_HOST` to `TRUST_HOSTS` is 1: a mistake.
/// - `TRUSTED_HOSTS` to `TRUST_HOSTS` is 2: a mistake.
/// - `PORT` has 4 characters and no setting within 1: a variable of another program.
///
/// The limit is low because the secrets of manifests and the services of a cluster have variables that
/// may begin with the same word.
fn find_nearest_setting<'a>(variable: &str, known: &'a [String]) -> Option<&'a String> {
    let name = variable.strip_prefix("ENTITLE_")?;
    let most = if name.len() < 6 { 1 } else { 2 };
    known
        .iter()
        .filter_map(|setting| {
            let edits = strsim::osa_distance(name, setting.strip_prefix("ENTITLE_")?);
            (edits <= most).then_some((edits, setting))
        })
        .min()
        .map(|(_, setting)| setting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::all_commands;

    fn guarded(arguments: &[&str], empty: &str) -> Option<String> {
        let arguments = std::iter::once("entitle").chain(arguments.iter().copied());
        let matches = all_commands()
            .try_get_matches_from(arguments)
            .expect("valid");
        let environment = |name: &str| (name == empty).then(OsString::new);
        empty_guard(&matches, environment).map(|finding| finding.message)
    }

    #[test]
    fn an_empty_guard_is_an_error_where_it_guards() {
        for (variable, id) in GUARDS {
            let commands = all_commands();
            let has_guard = |name: &&str| {
                let command = commands.find_subcommand(name).expect("there");
                let mut arguments = command.get_arguments();
                let argument = arguments.find(|argument| argument.get_id() == id);
                argument.and_then(|it| it.get_env()?.to_str()) == Some(variable)
            };
            let guarding = ["watch", "apply"].into_iter().find(has_guard);
            let message = guarded(&[guarding.expect(variable)], variable).expect("an error");
            assert!(message.starts_with(&format!("{variable} is set and empty")));
        }
        assert!(guarded(&["plan"], "ENTITLE_TRUST_HOSTS").is_some());
        assert_eq!(guarded(&["plan"], "ENTITLE_LISTEN_TOKEN"), None);
        assert_eq!(guarded(&["plan"], "ENTITLE_TARGET"), None);
        assert_eq!(guarded(&["fmt"], "ENTITLE_TRUST_HOSTS"), None);
        let typed = ["plan", "--trust-hosts", "a.example"];
        assert_eq!(guarded(&typed, "ENTITLE_TRUST_HOSTS"), None);
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_one_that_is_meant() {
        let read_hosts = |variable: &str| {
            let findings = find_misspelt(std::iter::once(variable.to_string()));
            findings.iter().filter_map(|it| it.hint.clone()).next()
        };
        let hosts = Some("did you mean `ENTITLE_TRUST_HOSTS`?".to_string());
        for variable in [
            "ENTITLE_TRUST_HOST",
            "ENTITLE_TRUSTED_HOSTS",
            "ENTITLE_TRUSTHOSTS",
        ] {
            assert_eq!(read_hosts(variable), hosts, "{variable}");
        }
        assert!(read_hosts("ENTITLE_SECRET_DIRS").is_some());
        for variable in [
            "ENTITLE_TRUST_HOSTS",
            "ENTITLE_LOG",
            "ENTITLE_PORT",
            "ENTITLE_LAC_TOKEN",
            "ENTITLE_SERVICE_HOST",
            "TRUST_HOST",
        ] {
            assert_eq!(read_hosts(variable), None, "{variable}");
        }
    }
}
