//! The commands as a whole: every flag has a variable, every help ends with examples that work, shells
//! complete names, every command has a manual page.

use std::path::Path;
use std::process::{Command, Stdio};

use entitle::cli::HelpPage;

use super::conformance::vendors::lac;
use super::support::program::Workspace;

/// Flags without a variable, and why.
const WITHOUT_VARIABLE: &[(&str, &str)] =
    &[("help", "it ends the run"), ("version", "it ends the run")];

/// Every command below the program itself, by its words, with all that is told of it.
fn commands() -> Vec<(String, clap::Command)> {
    commands_for(HelpPage::Long)
}

/// Every command as one page of help shows it.
fn commands_for(page: HelpPage) -> Vec<(String, clap::Command)> {
    fn collect(words: &str, command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
        for inner in command.get_subcommands() {
            let words = format!("{words} {}", inner.get_name());
            collect(&words, inner, found);
            found.push((words, inner.clone()));
        }
    }
    let mut found = Vec::new();
    collect("entitle", &entitle::cli::commands_for(page), &mut found);
    found
}

/// Columns and lines of the terminal that `-h` is made for.
const SCREEN: (usize, usize) = (80, 40);

#[test]
fn short_help_fits_a_screen() {
    let mut faults = Vec::new();
    let program = entitle::cli::commands_for(HelpPage::Short);
    let all = commands_for(HelpPage::Short).into_iter();
    for (words, command) in all.chain([("entitle".into(), program)]) {
        let mut command = command.term_width(SCREEN.0);
        let help = command.render_help().to_string();
        let lines = help.trim_end().lines();
        faults.extend(
            lines
                .clone()
                .filter(|line| line.chars().count() > SCREEN.0)
                .map(|line| format!("{words} -h is wider than {}: {line}", SCREEN.0)),
        );
        let count = lines.count();
        if count > SCREEN.1 {
            faults.push(format!("{words} -h has {count} lines:\n{help}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_flag_stands_under_a_heading() {
    let mut faults = Vec::new();
    for (words, command) in commands() {
        for flag in command.get_arguments().filter(|one| !one.is_positional()) {
            if flag.get_help_heading().is_none() {
                faults.push(format!("{words} --{}", flag.get_id()));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "flags that src/cli/flag_groups.rs does not name:\n{}",
        faults.join("\n")
    );
}

/// Words of the language and its library, which nobody who types a command knows.
const RUST_WORDS: &[&str] = &[
    "digit",
    "non-zero",
    "type",
    "socket",
    "Utf8",
    "parse",
    "os error",
    "None",
    "Err",
    "..=",
    "relative URL",
];

#[test]
fn errors_about_arguments_are_in_plain_words() {
    let mut faults = Vec::new();
    let mut program = entitle::cli::all_commands();
    for (words, command) in commands() {
        for flag in command.get_arguments() {
            let Some(name) = flag.get_long().filter(|_| flag.get_action().takes_values()) else {
                continue;
            };
            for value in [
                "",
                "x",
                "0",
                "-1",
                "99999999999999999999999",
                "a:b:c",
                "1e400",
                "[",
                "\u{7f}",
            ] {
                let typed = words.split(' ').map(String::from);
                let typed = typed.chain([format!("--{name}={value}")]);
                let matched = program.try_get_matches_from_mut(typed);
                let Err(error) = matched else { continue };
                let error = error.to_string();
                let reason = error.lines().next().unwrap_or_default();
                // What was typed is repeated, and so is the flag.
                let reason = reason.split_once(">': ").map_or("", |(_, reason)| reason);
                if RUST_WORDS.iter().any(|word| reason.contains(word)) {
                    faults.push(format!("{words} --{name}={value:?}: {reason}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_is_readable_and_true() {
    let workspace = Workspace::new().await;
    let list = workspace.run(&["help"]).stdout;
    let bare = workspace.run(&[]);
    assert_eq!((bare.code, bare.stderr.as_str()), (0, ""));
    assert!(list.starts_with(&bare.stdout), "{list}");
    for topic in entitle::cli::TOPICS {
        let line = format!("\n  {:<12} {}\n", topic.name, topic.about);
        assert!(list.contains(&line), "{line:?} is not in {list}");
        let shown = workspace.run(&["help", topic.name]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        assert!(shown.stdout.starts_with(topic.text), "{}", shown.stdout);
        for line in topic.text.lines() {
            let columns = line.chars().count();
            assert!(
                columns <= SCREEN.0,
                "{}: {columns} columns: {line}",
                topic.name
            );
            assert_eq!(line, line.trim_end(), "{}", topic.name);
            // A command on a line of its own; a second column beside it is its explanation.
            let Some(command) = line.strip_prefix("  entitle ") else {
                continue;
            };
            let command = command.split("   ").next().unwrap_or(command);
            let words = words_of(&format!("entitle {command}"));
            if let Err(error) = entitle::cli::all_commands().try_get_matches_from(&words) {
                panic!("{}: {command}: {error}", topic.name);
            }
        }
        let linked = topic.text.split("entitle help ").skip(1);
        for link in linked {
            let end = link.find(|c: char| !c.is_ascii_lowercase() && c != '-');
            let name = &link[..end.unwrap_or(link.len())];
            let known = entitle::cli::TOPICS.iter().any(|topic| topic.name == name);
            assert!(known, "{} names the topic {name:?}", topic.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_of_topics_and_commands() {
    let workspace = Workspace::new().await;
    let help = |words: &[&str]| workspace.run(&[&["help"], words].concat());
    let plan = help(&["plan"]).stdout;
    assert!(plan.contains("Usage: entitle plan"), "{plan}");
    assert!(plan.contains("ENTITLE_DETAILED_EXITCODE"), "{plan}");
    let prune = help(&["store", "prune"]).stdout;
    assert!(prune.contains("Usage: entitle store prune"), "{prune}");
    // A topic and a command: the text, and the flags below it.
    let watch = help(&["watch"]).stdout;
    assert!(watch.starts_with("WATCH\n"), "{watch}");
    assert!(watch.contains("Usage: entitle watch"), "{watch}");
    help(&["credential"]).failed(1, "did you mean `entitle help credentials`?");
    help(&["zzzzzz"]).failed(1, "lists topics and commands");
    let bare = workspace.run(&["store"]);
    assert_eq!((bare.code, bare.stderr.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_is_told_to_people_and_scripts() {
    let workspace = Workspace::new().await;
    let version = workspace.run(&["version", "--json"]).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["name"], "entitle");
    assert!(version["features"].is_array(), "{version}");
    let line = workspace.run(&["version"]).stdout;
    assert!(line.starts_with("entitle "), "{line}");
    assert!(line.contains(env!("CARGO_PKG_VERSION")), "{line}");
    assert_eq!(workspace.run(&["--version"]).stdout, line);
}

#[test]
fn every_flag_has_a_variable() {
    let mut faults = Vec::new();
    for (words, command) in commands() {
        let flags = command
            .get_arguments()
            .filter(|argument| !argument.is_positional());
        for flag in flags {
            let name = flag.get_long().unwrap_or_default();
            if WITHOUT_VARIABLE.iter().any(|(known, _)| *known == name) {
                continue;
            }
            match flag.get_env().and_then(|name| name.to_str()) {
                Some(variable) if variable.starts_with("ENTITLE_") => {}
                found => faults.push(format!("{words} --{name}: {found:?}")),
            }
        }
    }
    assert!(
        faults.is_empty(),
        "flags without an ENTITLE_ variable:\n{}",
        faults.join("\n")
    );
}

/// The `entitle …` of each example, as the shell would pass it.
fn examples(help: &str) -> Vec<Vec<String>> {
    let examples = help
        .split_once("Examples:\n")
        .map_or("", |(_, examples)| examples);
    examples
        .lines()
        .map_while(|line| line.strip_prefix("  "))
        .filter_map(|line| {
            let own = &line[line.find("entitle ")?..];
            let own = own.split([')', '|', '>']).next().unwrap_or(own);
            Some(words_of(own))
        })
        .collect()
}

/// The words of a command line, as a shell parts them where nothing but single quotes are used.
fn words_of(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_string());
        } else {
            words.extend(part.split_whitespace().map(str::to_string));
        }
    }
    words
}

#[test]
fn every_help_ends_with_examples_that_are_understood() {
    for (words, mut command) in commands() {
        let help = command.render_help().to_string();
        let long = command.render_long_help().to_string();
        let examples = [examples(&help), examples(&long)].concat();
        assert!(
            !examples.is_empty(),
            "{words} --help has no examples:\n{help}"
        );
        for example in examples {
            let shown = example.join(" ");
            assert!(shown.starts_with(&words), "{words} --help shows {shown:?}");
            if let Err(error) = entitle::cli::all_commands().try_get_matches_from(&example) {
                panic!("{shown}: {error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_a_manual_page() {
    let workspace = Workspace::new().await;
    let ran = workspace.run(&["man", "--out", "man"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for (words, _) in commands() {
        let name = format!("man/{}.1", words.replace(' ', "-"));
        let page = std::fs::read_to_string(workspace.dir.path().join(&name));
        let page = page.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains("Examples:"), "{name}");
    }
}

/// A place with two orders, a hidden object and a file that is none, and the program on the PATH.
async fn to_complete() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let account = (lac::VENDOR.account)(3);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    // A run that wrote something, before the manifests are what they are.
    workspace.object(&lac::VENDOR.little(0, true));
    let ran = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for number in 0..2 {
        workspace.object(&lac::VENDOR.little(number, false));
    }
    let elsewhere =
        "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {name: elsewhere}\n";
    workspace.write("more/order.yaml", elsewhere);
    let connection = "apiVersion: entitle.dev/v1\nkind: Connection\nmetadata: {name: other-lac}\n";
    workspace.write("more/connection.yaml", connection);
    workspace.write(
        "wrong/order.yaml",
        &elsewhere.replace("elsewhere", "Else_Where"),
    );
    workspace.write("broken.yaml", "kind: LacLicenseOrder\nmetadata: {name: [\n");
    workspace.write(
        "other.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
    );
    let own = Path::new(env!("CARGO_BIN_EXE_entitle"))
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").expect("a PATH");
    workspace.set("PATH", &format!("{}:{path}", own.display()));
    workspace
}

/// Runs a script in a shell; nothing where there is no such shell.
fn shell(workspace: &Workspace, shell: &str, script: &str) -> Option<String> {
    let mut command = Command::new(shell);
    command
        .args(["-c", script])
        .current_dir(workspace.dir.path())
        .env_clear()
        .envs(workspace.environment.iter().cloned())
        .env("HOME", workspace.dir.path())
        .stdin(Stdio::null());
    let output = command.output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell}: {said}");
    Some(String::from_utf8(output.stdout).expect("output is UTF-8"))
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_flags_and_the_names_of_objects() {
    let workspace = to_complete().await;
    let completed = |words: &str| {
        let script = format!(
            "source <(entitle completions bash)
            COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9
            last=${{COMP_WORDS[COMP_CWORD]}}
            _clap_complete_entitle entitle \"$last\" x 2>/dev/null
            printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let shown = shell(&workspace, "bash", &script).expect("bash is here");
        shown
            .lines()
            .map(|line| line.trim().to_string())
            .collect::<Vec<_>>()
    };
    let objects = [
        "LacLicenseOrder/elsewhere",
        "LacLicenseOrder/object-0000",
        "LacLicenseOrder/object-0001",
    ];
    assert_eq!(completed("entitle plan --target Lac"), objects);
    assert_eq!(
        completed("entitle apply --exclude LacLicenseOrder/object-0001"),
        objects[2..]
    );
    assert_eq!(completed("entitle suspend Lac"), objects);
    assert_eq!(completed("entitle drift --bas"), ["--base"]);
    assert_eq!(completed("entitle undo lat"), ["latest"]);
    assert_eq!(completed("entitle history lat"), ["latest"]);
    // The paths that were typed say where names are from, before or after the name.
    let more = ["LacLicenseOrder/elsewhere"];
    assert_eq!(
        completed("entitle plan more --target LacLicenseOrder/"),
        more
    );
    assert_eq!(
        completed("entitle apply --auto-approve more --exclude Lac"),
        more
    );
    assert_eq!(completed("entitle plan nowhere --target Lac"), [""]);
    assert_eq!(completed("entitle suspend --manifests more Lac"), more);
    // `suspend` takes names alone; what no command would accept is not offered.
    assert_eq!(
        completed("entitle suspend obj"),
        ["object-0000", "object-0001"]
    );
    assert_eq!(completed("entitle plan wrong --target Lac"), [""]);
    assert_eq!(
        completed("entitle unmanaged more --connection ''"),
        ["other-lac"]
    );
    assert_eq!(completed("entitle import --connection l"), ["lac"]);
    assert_eq!(completed("entitle init --vendor c"), ["cryptlex"]);
    let formats = [
        "text=",
        "json=",
        "markdown=",
        "github",
        "gitlab=",
        "sarif=",
        "junit=",
        "html=",
    ];
    assert_eq!(completed("entitle plan --report ''"), formats);
    assert_eq!(completed("entitle drift --report mark"), ["markdown="]);
    let run = completed("entitle undo 0");
    assert_eq!(run.len(), 1, "{run:?}");
    assert_eq!(run[0].len(), 8, "{run:?}");
    assert_eq!(completed("entitle explain LacL"), ["LacLicenseOrder"]);
    assert_eq!(completed("entitle explain la"), ["lac"]);
    let group = ["CryptlexUserGroup"];
    assert_eq!(completed("entitle import --kind CryptlexUserG"), group);
    assert_eq!(completed("entitle unmanaged --kind Connecti"), [""]);
    assert_eq!(completed("entitle completions z"), ["zsh"]);
}

/// Where the shells are installed; the scripts of others are at least there.
#[tokio::test(flavor = "multi_thread")]
async fn other_shells_take_their_scripts() {
    let workspace = to_complete().await;
    let script = "entitle completions fish | source; complete -C 'entitle plan --target Lac'";
    if let Some(shown) = shell(&workspace, "fish", script) {
        assert!(shown.contains("LacLicenseOrder/object-0001"), "{shown}");
    }
    let script = "compdef() { :; }; compadd() { :; }
        _describe() { local list=${@[-1]}; print -l ${(P)list} }
        source <(entitle completions zsh)
        words=(entitle plan --target Lac); CURRENT=4
        _clap_dynamic_completer_entitle";
    if let Some(shown) = shell(&workspace, "zsh", script) {
        assert!(shown.contains("LacLicenseOrder/object-0001"), "{shown}");
    }
    for name in ["powershell", "zsh", "fish", "elvish"] {
        let ran = workspace.run(&["completions", name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
        assert!(
            ran.stdout.contains("ENTITLE_COMPLETE"),
            "{name}: {}",
            ran.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_switches_as_people_write_them() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace.object(&lac::VENDOR.little(0, false));
    workspace.set("ENTITLE_TARGET", "");
    workspace.set("ENTITLE_MAX_CHANGES", "");
    let codes = |workspace: &mut Workspace, value: &str| {
        workspace.set("ENTITLE_DETAILED_EXITCODE", value);
        workspace.run(&["plan"]).code
    };
    let account = (lac::VENDOR.account)(3);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    workspace.object(&lac::VENDOR.little(0, true));
    for (value, code) in [
        ("1", 2),
        ("true", 2),
        ("yes", 2),
        ("0", 0),
        ("false", 0),
        ("", 0),
    ] {
        assert_eq!(codes(&mut workspace, value), code, "{value:?}");
    }
}
