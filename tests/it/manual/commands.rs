//! The reference of commands, flags and exit codes, from what the program parses.

use std::fmt::Write;

use clap::{Arg, Command};
use entitle::cli::exit::Exit;

use super::markdown::{cell, code, head, row};

/// Returns the page of all commands with all of their flags.
pub fn commands() -> String {
    let mut page = String::from(
        "# Commands and flags\n\nThe same as `entitle COMMAND --help`. Every flag has a variable. What is typed wins \
         over the variable, that over `entitle.yaml`, that over the default.\n",
    );
    let mut program = entitle::cli::all_commands();
    program.build();
    for command in program.get_subcommands_mut() {
        one_command(&mut page, "entitle", command);
    }
    page
}

fn one_command(page: &mut String, parent: &str, command: &mut Command) {
    if command.is_hide_set() {
        return;
    }
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(
        page,
        "\n## {name}\n\n{}\n\n```text\n{usage}\n```\n",
        as_text(&about)
    );
    let (positional, flags): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .partition(|argument| argument.is_positional());
    if !positional.is_empty() {
        *page += &format!("\n{}", head(&["argument", "what it is"]));
        for argument in positional {
            *page += &row(&[code(&value_names(argument).join(" ")), describe(argument)]);
        }
    }
    if !flags.is_empty() {
        *page += &format!("\n{}", head(&["flag", "what it does", "variable"]));
        for flag in flags {
            *page += &row(&[code(&spelling(flag)), describe(flag), variable(flag)]);
        }
    }
    for inner in command.get_subcommands_mut() {
        one_command(page, &name, inner);
    }
}

/// Returns text of clap as Markdown: what would be a tag is escaped.
fn as_text(text: &str) -> String {
    text.replace('<', "\\<")
}

fn value_names(argument: &Arg) -> Vec<String> {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect()
}

/// Returns a flag with its value, as a person types it: `-v, --verbose`, `--out FILE`.
fn spelling(flag: &Arg) -> String {
    let short = flag.get_short().map(|short| format!("-{short}, "));
    let long = flag.get_long().unwrap_or_default();
    let value = match flag.get_action().takes_values() {
        true => value_names(flag).join(" "),
        false => String::new(),
    };
    let optional = flag
        .get_num_args()
        .is_some_and(|count| count.min_values() == 0);
    let value = match (value.as_str(), optional && flag.get_action().takes_values()) {
        ("", _) => String::new(),
        (value, true) => format!("[={value}]"),
        (value, false) => format!(" {value}"),
    };
    format!("{}--{long}{value}", short.unwrap_or_default())
}

/// Returns the help of an argument with its choices and its default.
fn describe(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let sentence = |paragraph: &str| {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        words.join(" ").trim_end_matches('.').to_string() + "."
    };
    let paragraphs = help
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty());
    let mut text = paragraphs.map(sentence).collect::<Vec<String>>().join(" ");
    let takes_values = argument.get_action().takes_values();
    let choices = argument.get_possible_values();
    let choices: Vec<&str> = choices.iter().map(|choice| choice.get_name()).collect();
    if takes_values && !choices.is_empty() && !argument.is_hide_possible_values_set() {
        text += &format!(" One of {}.", choices.join(", "));
    }
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<String> = defaults
        .map(|value| value.to_string_lossy().into())
        .collect();
    if takes_values && !defaults.is_empty() {
        text += &format!(" Default: {}.", defaults.join(", "));
    }
    cell(&text)
}

fn variable(flag: &Arg) -> String {
    flag.get_env()
        .map_or(String::new(), |name| code(&name.to_string_lossy()))
}

/// Returns the page of the exit codes.
pub fn exit_codes() -> String {
    let mut page = String::from(
        "# Exit codes\n\nA contract: scripts may rely on them ([compatibility](../compatibility.md)).\n\n",
    );
    page += &head(&["code", "means"]);
    for exit in Exit::ALL {
        page += &row(&[code(&exit.code().to_string()), exit.meaning().to_string()]);
    }
    page + "\nWith several reasons the first of 3, 7, 5, 4 counts. `plan` with an object that is missing or cannot be read \
            shows all others and exits with 1; `apply` carries out all others and exits with 3. A reader that goes away \
            (`| head`) changes neither the work nor its code.\n"
}
