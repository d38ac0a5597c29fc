//! The order of flags in every help: the headings, and the one line that `-h` has for each flag.
//!
//! `-h` is a page for a terminal of 80 columns and 40 lines, so it has the flags that people type, with one line each.
//! `--help` has all flags, with their whole texts, which are the doc comments of the arguments. Arguments are known by
//! their ids. One that is not in the table stands under no heading, and a test says so.

use clap::{Arg, ArgAction, Command};

/// The flags under one heading.
struct FlagGroup {
    heading: &'static str,
    /// Ids of the flags in their order, each with its line in `-h`; without one it is in `--help` only. An id may begin
    /// with a command, as in `history since`, where the same id means something else elsewhere.
    flags: &'static [(&'static str, &'static str)],
}

/// All flags, in the order in which they are shown.
static GROUPS: &[FlagGroup] = &[
    FlagGroup {
        heading: "Project",
        flags: &[
            ("init vendor", "Vendor of the first connection"),
            ("init name", "Name of the connection"),
            ("base_url", "Where the vendor's API is"),
            ("auth", "How the connection proves who it is"),
            ("ci", "Write jobs for github or gitlab"),
            ("yes", "Ask nothing"),
            ("test", "Then log in and read once"),
        ],
    },
    FlagGroup {
        heading: "Safety",
        flags: &[
            ("mode", "observe, heal or sync"),
            (
                "auto_approve",
                "Do not ask; refuse what takes something away",
            ),
            ("allow", "Accept a risk everywhere: reduce, strand, destroy"),
            ("create", "Create what the vendor does not have"),
            ("max_changes", "Send nothing if more objects would change"),
            ("max_requests", ""),
            ("window", "When to write, and when not to"),
            ("once", "End after one pass"),
            ("field", "Take back this field only"),
            ("include_unmanaged", ""),
            ("check", "Change nothing, list what would change"),
            ("fail_fast", ""),
            ("resync", ""),
            ("lock_timeout", ""),
            ("trust_reads", ""),
            ("verify", ""),
            ("settle", ""),
            ("parallelism", ""),
            ("timeout", ""),
        ],
    },
    FlagGroup {
        heading: "Scope",
        flags: &[
            ("connection", "Connection to read from"),
            ("kind", "Only objects of this kind"),
            ("all", "Every object of the account"),
            ("id", "This object, by its id"),
            ("env", "The Environment that counts"),
            ("target", "Only objects whose Kind/name matches"),
            ("exclude", "Not objects whose Kind/name matches"),
            ("selector", "Only objects with this label"),
            ("env", "The Environment that counts"),
            ("object", "Only objects whose Kind/name matches"),
            ("limit", "Show so many runs, the newest ones"),
            ("history all", "Show all runs"),
            ("since", "Only runs of this length of time until now"),
            ("keep", "How long lines are kept, for example 400d"),
            ("suspend paths", "Files or directories with the manifests"),
            ("resume paths", "Files or directories with the manifests"),
            ("reason", "Why, for those who look at the object"),
            ("calendar until", "How far ahead: 90d, or a date"),
            ("until", "When it ends: 4h, 7d, or a date and time"),
            ("at", "Look at this day instead of now"),
            ("live", "Read the object from its vendor too"),
            ("base", "Compare with the manifests of this commit"),
            ("accepted", "File of drift that is accepted"),
            ("cache", ""),
            ("no_cache", ""),
        ],
    },
    FlagGroup {
        heading: "Source",
        flags: &[
            ("git", "Take the manifests from this git remote"),
            ("reference", ""),
            ("path", ""),
            ("interval", ""),
            ("git_token", ""),
            ("poll", ""),
        ],
    },
    FlagGroup {
        heading: "Page and hooks",
        flags: &[
            ("listen", "Serve page, metrics and webhooks here"),
            ("listen_token", ""),
            ("listen_token_file", ""),
            ("git_hook_secret", ""),
            ("git_hook_secret_file", ""),
            ("page_url", ""),
            ("allow_actions", ""),
            ("actions_token", ""),
            ("actions_token_file", ""),
            ("actor_header", ""),
            ("status address", "Where the daemon listens"),
            ("status token", "Token of its page"),
            ("status token_file", "File with that token"),
        ],
    },
    FlagGroup {
        heading: "Output",
        flags: &[
            ("out", "Save the plan, to be applied as shown"),
            ("undo full", ""),
            ("full", "Show everything"),
            ("import name", "Names of the manifests, by a template"),
            ("as_set", "Write like objects as rows of one table"),
            ("import out", "Write files into this directory"),
            ("schema out", "Write all schemas into this directory"),
            ("man out", "Write a page per command here"),
            ("update", "Edit existing manifests instead"),
            ("force", "Write over existing files"),
            ("format", "Print text, json or markdown"),
            ("history format", "Print text or json"),
            ("unmanaged format", "Print text or json"),
            ("calendar format", "Print text, json or ics"),
            ("live", "Also list dates that vendors have"),
            ("doctor format", "Print text or json"),
            ("status all", "List everything, not only the first"),
            ("status watch", "Show it again every 2 s"),
            ("status format", "Print text or json"),
            ("json", "Print a JSON document"),
            ("report", "Also write html, sarif, junit, …"),
            ("detailed_exitcode", "Exit with 2 when there are changes"),
            ("verbose", "Also tell which files were passed over"),
            ("log_format", ""),
            ("events", ""),
        ],
    },
    FlagGroup {
        heading: "Credentials",
        flags: &[
            ("trust_hosts", "Send credentials to these hosts only"),
            ("allow_exec", ""),
            ("secret_dir", ""),
        ],
    },
    FlagGroup {
        heading: "Store",
        flags: &[
            ("url", "The store that a team's runs share"),
            ("journal", ""),
            ("scope", ""),
            ("share", ""),
        ],
    },
    FlagGroup {
        heading: "Trying out",
        flags: &[
            ("sandbox listen", "Address to listen on"),
            ("sandbox populate", "Add so many objects to every account"),
            ("sandbox vendor", "Add them to these accounts only"),
            (
                "write_manifests",
                "Write manifests of them into this directory",
            ),
            ("sandbox drift", "Let this percentage of them differ"),
            ("latency", "Wait this long before every answer"),
            ("layout", ""),
            ("sandbox", "Use simulators instead of accounts"),
            ("sandbox faults", "Let calls go wrong: 7, or 7:429=10"),
            ("faults", ""),
        ],
    },
];

/// The page that a help is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelpPage {
    /// `-h`: the flags that people type, each on one line.
    Short,
    /// `--help`: everything.
    Long,
}

/// Puts the arguments of a command in the order of the table and under its headings.
///
/// `name` is the command's, for flags that mean something else elsewhere. Positional arguments come first, in their own
/// order. A short page names the long one if it leaves out a flag.
pub fn arrange_flags(command: Command, page: HelpPage) -> Command {
    let name = command.get_name().to_string();
    let arguments = command.get_arguments().cloned();
    let mut arranged: Vec<(usize, Arg)> = arguments
        .map(|argument| arrange_argument(argument, &name, page))
        .collect();
    arranged.sort_by_key(|(position, _)| *position);
    let leaves_out = arranged.iter().any(|(_, argument)| argument.is_hide_set());
    let mut arranged = arranged.into_iter();
    let command = command
        .mut_args(|argument| arranged.next().map_or(argument, |(_, arranged)| arranged))
        .disable_help_flag(true)
        .arg(help_flag(page));
    let examples = command.get_after_help().map(ToString::to_string);
    match examples.filter(|_| leaves_out) {
        Some(examples) => command.after_help(format!("{examples}\n\nAll flags: --help")),
        None => command,
    }
}

/// Returns the flag that asks for help, under a heading of its own. Whoever sees the short page knows it.
fn help_flag(page: HelpPage) -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::Help)
        .help("Print help; -h is a page, --help everything")
        .help_heading("Other")
        .display_order(usize::MAX)
        .hide(page == HelpPage::Short)
}

/// Returns an argument with its heading and its line, and its position in the order.
fn arrange_argument(argument: Arg, command: &str, page: HelpPage) -> (usize, Arg) {
    if argument.is_positional() {
        let argument = argument.help_heading(None);
        return match page {
            HelpPage::Long => (0, argument),
            HelpPage::Short => (0, shorten_help(argument)),
        };
    }
    let found = find_flag(command, argument.get_id().as_str());
    let Some((position, heading, line)) = found else {
        return (usize::MAX, argument);
    };
    let argument = argument.help_heading(heading).display_order(position);
    if page == HelpPage::Long {
        return (position, argument);
    }
    let argument = argument.help(line).hide(line.is_empty()).hide_env(true);
    let argument = match argument.get_action().takes_values() {
        true => argument.hide_default_value(true).hide_possible_values(true),
        false => argument,
    };
    (position, argument)
}

/// Cuts the help of an argument to its first clause: what stands before a semicolon or a full stop.
fn shorten_help(argument: Arg) -> Arg {
    let help = argument.get_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let end = help.find("; ").or_else(|| help.find(". "));
    match end {
        Some(end) => argument.help(help[..end].to_string()),
        None => argument,
    }
}

/// Finds a flag in the table: its position, heading and line. An entry for the command counts before one for all.
fn find_flag(command: &str, id: &str) -> Option<(usize, &'static str, &'static str)> {
    let entries = GROUPS.iter().flat_map(|group| {
        let flags = group.flags.iter();
        flags.map(|(key, line)| (*key, group.heading, *line))
    });
    let entries: Vec<_> = entries.collect();
    let of_command = format!("{command} {id}");
    let position = |id: &str| entries.iter().position(|(key, _, _)| *key == id);
    let at = position(&of_command).or_else(|| position(id))?;
    let (_, heading, line) = entries[at];
    Some((at + 1, heading, line))
}
