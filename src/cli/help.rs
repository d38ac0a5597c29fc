//! `entitle help`: the manual by topics, and the help of commands.
//!
//! In: a topic, the words of a command or the code of a finding. Out: text on standard output. The topics are files of plain text in `topics/`, at
//! most 80 columns wide; the help of commands comes from their arguments, that of codes from `model::codes`.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::engine::CompletionCandidate;

use super::exit::Exit;
use super::flag_groups::HelpPage;
use super::output;
use crate::cli::error::{CommandResult, bail};
use crate::model::codes::{CODE_GROUPS, find_code};
use crate::model::diagnostic::find_nearest;
use crate::render::explain;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle help\n  entitle help credentials\n  entitle help store prune\n  entitle help unknown-field"
)]
pub struct Help {
    /// A topic, a command, or the code of a finding; without one, topics and commands are listed
    #[arg(value_name = "TOPIC|COMMAND|CODE")]
    words: Vec<String>,
}

/// One page of the manual.
pub struct Topic {
    pub name: &'static str,
    /// The subject of the topic, in a few words.
    pub about: &'static str,
    pub text: &'static str,
}

/// Declares topics by their names: `name: "about"` is the page in `topics/name.txt`.
macro_rules! topics {
    ($($name:literal: $about:literal,)*) => {
        &[$(Topic {
            name: $name,
            about: $about,
            text: include_str!(concat!("topics/", $name, ".txt")),
        }),*]
    };
}

/// The manual, in the order in which a newcomer reads it.
pub static TOPICS: &[Topic] = topics! {
    "start": "a new project, or what is there already",
    "sandbox": "simulators of the vendors, to try things out",
    "manifests": "what a file says, and which files are read",
    "editions": "what many objects share, said once",
    "sets": "an object for each row of a table",
    "environments": "staging and production from the same files",
    "dates": "what changes on a day that is agreed today",
    "credentials": "secrets, and where they may be sent",
    "risk": "what a change takes away, and who accepts it",
    "plans": "saved plans, and what makes one stale",
    "history": "the journal, crashes and undo",
    "drift": "who changed what",
    "ci": "jobs and reports",
    "project": "defaults of a repository, variables, completion",
    "watch": "the daemon: modes, windows, page, hooks, replicas",
    "store": "what a team shares: locks, journal, base of drift",
    "speed": "how long things take",
    "exit-codes": "what a code means",
};

/// Prints a topic, the help of a command, a code with its cause and cure, or the list of topics and commands. `commands` makes all commands for a page of help.
///
/// A word that is both, such as `watch`, shows the topic and below it the flags. Returns `Err` for a word that is
/// none of them, with the nearest one.
pub fn run(args: &Help, commands: fn(HelpPage) -> Command) -> CommandResult<Exit> {
    let mut out = output::text_stdout();
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let topic = match words[..] {
        [] => {
            let mut program = commands(HelpPage::Short);
            let topics = list_topics();
            write!(out, "{}\nTopics:\n{topics}", program.render_help().ansi())?;
            writeln!(
                out,
                "\nA finding: entitle help CODE, for example unknown-field."
            )?;
            return Ok(Exit::Done);
        }
        [only] => TOPICS.iter().find(|topic| topic.name == only),
        _ => None,
    };
    let page = topic.map_or(HelpPage::Long, |_| HelpPage::Short);
    let mut program = commands(page);
    program.build();
    let command = find_command(&mut program, &words);
    match (topic, command) {
        (Some(topic), None) => write!(out, "{}", topic.text)?,
        (Some(topic), Some(command)) => {
            write!(out, "{}\n{}", topic.text, command.render_help().ansi())?;
        }
        (None, Some(command)) => write!(out, "{}", command.render_long_help().ansi())?,
        (None, None) => match find_code(&words.join(" ")) {
            Some(entry) => explain::write_code(&mut out, entry)?,
            None => return refuse_unknown(&program, &words),
        },
    }
    Ok(Exit::Done)
}

/// Returns the command that the words name, such as `store prune`; `None` if there is none.
fn find_command<'a>(program: &'a mut Command, words: &[&str]) -> Option<&'a mut Command> {
    let mut command = program;
    for word in words {
        command = command.find_subcommand_mut(word)?;
    }
    Some(command)
}

/// Returns the topics as a list, each with what it is about.
fn list_topics() -> String {
    let topics = TOPICS.iter();
    topics
        .map(|topic| format!("  {:<12} {}\n", topic.name, topic.about))
        .collect()
}

/// Returns topics and codes for a shell that completes `entitle help`.
pub fn complete_topics() -> Vec<CompletionCandidate> {
    let topics = TOPICS
        .iter()
        .map(|topic| CompletionCandidate::new(topic.name).help(Some(topic.about.into())));
    topics
        .chain(code_names().map(CompletionCandidate::new))
        .collect()
}

/// Returns the names of all codes.
fn code_names<'a>() -> impl Iterator<Item = &'a str> {
    let codes = CODE_GROUPS.iter().flat_map(|group| group.codes);
    codes.map(|entry| entry.code)
}

/// Returns the error for words that are neither a topic nor a command.
fn refuse_unknown(program: &Command, words: &[&str]) -> CommandResult<Exit> {
    let given = words.join(" ");
    let commands = program.get_subcommands().map(Command::get_name);
    let topics = TOPICS.iter().map(|topic| topic.name);
    let known = topics.chain(commands).chain(code_names());
    match find_nearest(&given, known) {
        Some(near) => bail!("there is no help on {given:?}: did you mean `entitle help {near}`?"),
        None => bail!("there is no help on {given:?}: `entitle help` lists topics and commands"),
    }
}
