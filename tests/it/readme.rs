//! The README is what a newcomer types: its transcripts are what the program prints, its tour works, its picture is one of a
//! plan that was made, and it is short.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use anstyle_svg::Term;

use super::support::golden;
use super::support::program::Workspace;

/// Where the README has its sandbox; a test has it at a port that is free.
const ADDRESS: &str = "127.0.0.1:8901";

/// Columns of the terminal that everything is made for.
const WIDTH: &str = "80";

/// An invitation, and no manual.
const MOST_LINES: usize = 120;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("the README is readable")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_in_the_readme_is_what_happens() {
    let workspace = Workspace::new().await;
    let mut fresh = String::new();
    let mut in_console = false;
    let mut commands = 0;
    for line in readme().lines() {
        if in_console {
            // Old output is dropped; commands are run anew, all of them on one sandbox.
            if let Some(command) = line.strip_prefix("$ ") {
                fresh += &format!("{line}\n{}", run_command(&workspace, command));
                commands += 1;
            } else if line == "```" {
                in_console = false;
                fresh += "```\n";
            }
            continue;
        }
        in_console = line == "```console";
        fresh += &format!("{line}\n");
    }
    assert!(commands >= 5, "the README has {commands} commands");
    let compared = golden::compare(&root().join("README.md"), &fresh);
    golden::all_well(compared.err().into_iter().collect());
    let lines = fresh.lines().count();
    assert!(lines <= MOST_LINES, "the README has {lines} lines");
    assert!(fresh.contains("they  activations_allowed"), "{fresh}");
    assert!(fresh.contains("Drift: none, 1 in sync."), "{fresh}");
}

/// Runs one line of the tour in the checkout and returns what it prints.
fn run_command(workspace: &Workspace, command: &str) -> String {
    let address = workspace.sandbox.address().to_string();
    let command = command.replace(ADDRESS, &address);
    let words: Vec<&str> = command.split_whitespace().collect();
    let printed = match words[..] {
        ["entitle", ref words @ ..] => run_entitle(workspace, words, false),
        ["curl", "-X", method, "-d", body, url] => request(method, url, body) + "\n",
        _ => panic!("the test knows no way to run {command:?}"),
    };
    printed.replace(&address, ADDRESS)
}

fn run_entitle(workspace: &Workspace, words: &[&str], colour: bool) -> String {
    let mut command = workspace.command(words);
    command.current_dir(root()).env("COLUMNS", WIDTH);
    if colour {
        command.env("CLICOLOR_FORCE", "1");
    }
    let output = command.output().expect("the program runs");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Does what `curl` does on loopback, which not every machine has. Returns the body of the reply.
pub fn request(method: &str, url: &str, body: &str) -> String {
    let (host, path) = url.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("the sandbox listens");
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    let (_, body) = reply.split_once("\r\n\r\n").expect("a head");
    body.trim_end().to_string()
}

/// What the picture shows: the order of the tour is to have fewer activations than are in use.
const LOWERED: (&str, &str) = ("activations_allowed: 12", "activations_allowed: 2");

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_in_the_readme_is_of_a_plan_that_was_made() {
    let workspace = Workspace::new().await;
    for name in ["full.yaml", "minimal.yaml"] {
        let path = root().join("examples/lac/license_order").join(name);
        let text = std::fs::read_to_string(path).expect("readable");
        let text = text.replace(LOWERED.0, LOWERED.1);
        workspace.write(&format!("licences/{name}"), &text);
    }
    let sandbox = format!("--sandbox={}", workspace.sandbox.address());
    let plan = |colour| {
        let mut command = workspace.command(&["plan", "licences", &sandbox]);
        command.env("COLUMNS", WIDTH);
        if colour {
            command.env("CLICOLOR_FORCE", "1");
        }
        let output = command.output().expect("the program runs").stdout;
        "$ entitle plan licences\n".to_string() + &String::from_utf8(output).expect("UTF-8")
    };
    let (plain, coloured) = (plan(false), plan(true));
    assert!(plain.contains("strands: 2 allowed, 3 in use"), "{plain}");
    let picture = Term::new().render_svg(coloured.trim_end());
    let docs: PathBuf = root().join("docs");
    let faults = [
        golden::compare(&docs.join("plan.txt"), &plain),
        golden::compare(&docs.join("plan.svg"), &picture),
    ];
    golden::all_well(faults.into_iter().filter_map(Result::err).collect());
    assert!(readme().contains("](docs/plan.svg)"));
}

/// The lines of the README's first block of commands are those that every change has to pass.
#[test]
fn every_change_passes_the_first_commands_of_the_readme() {
    let checks = std::fs::read_to_string(root().join(".ci/run")).expect("readable");
    let readme = readme();
    let (_, block) = readme.split_once("```sh\n").expect("a block");
    let (block, _) = block.split_once("```").expect("its end");
    assert_eq!(block.lines().count(), 2, "{block}");
    for command in block.lines() {
        assert!(checks.lines().any(|line| line == command), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_says_how_to_use_it() {
    let workspace = Workspace::new().await;
    let address = workspace.sandbox.address();
    let in_checkout = entitle::cli::sandbox_commands(address, true);
    let elsewhere = entitle::cli::sandbox_commands(address, false);
    for (commands, dir) in [(in_checkout, root()), (elsewhere, workspace.dir.path())] {
        for command in commands {
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            let mut program = workspace.command(&words);
            let output = program.current_dir(dir).output().expect("it runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}: {stderr}");
        }
    }
}
