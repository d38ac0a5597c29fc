//! Readers that go away: the work is done all the same, and the exit code is that of the work.

use std::fs::File;
use std::io::{BufRead, BufReader, pipe};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use super::cli::lac_workspace;
use super::conformance::vendors::lac;
use super::support::program::Workspace;

/// A command, the manifests that it needs beside two changed objects, and how it ends.
struct Row {
    arguments: &'static [&'static str],
    prepare: fn(&Workspace),
    code: i32,
}

const fn row(arguments: &'static [&'static str], prepare: fn(&Workspace), code: i32) -> Row {
    Row {
        arguments,
        prepare,
        code,
    }
}

const ROWS: &[Row] = &[
    row(&["plan", "--detailed-exitcode"], |_| (), 2),
    row(&["plan", "--out", "plan.json"], |_| (), 0),
    row(&["plan", "--format", "json"], |_| (), 0),
    row(&["show", "saved.json"], save, 0),
    row(&["drift"], drifted, 2),
    row(&["apply", "--auto-approve"], |_| (), 0),
    row(&["apply", "--auto-approve", "--events", "-"], |_| (), 0),
    row(&["apply", "--auto-approve"], rejected, 3),
    row(&["apply", "--auto-approve"], risky, 4),
    row(&["fmt", "--check", "."], untidy, 1),
    row(&["fmt", "."], untidy, 0),
    row(&["validate"], |_| (), 0),
    row(&["validate"], broken, 1),
    row(&["validate", "--format", "json"], broken, 1),
    row(&["history"], applied, 0),
    row(&["history", "--full"], applied, 0),
    row(&["history", "--format", "json"], applied, 0),
    row(&["import", "--all"], |_| (), 0),
    row(&["unmanaged"], |_| (), 0),
    row(&["schema"], |_| (), 0),
    row(&["explain"], |_| (), 0),
    row(&["man"], |_| (), 0),
    row(&["--help"], |_| (), 0),
];

fn save(workspace: &Workspace) {
    assert_eq!(workspace.run(&["plan", "--out", "saved.json"]).code, 0);
}

fn applied(workspace: &Workspace) {
    assert_eq!(workspace.run(&["apply", "--auto-approve"]).code, 0);
}

fn drifted(workspace: &Workspace) {
    applied(workspace);
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][0]["activations_allowed"] = json!(77);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
}

fn rejected(workspace: &Workspace) {
    let mut object = lac::VENDOR.little(0, true);
    object.desired["product_template_id"] = json!(77);
    workspace.object(&object);
}

fn risky(workspace: &Workspace) {
    for number in 0..2 {
        let mut object = lac::VENDOR.little(number, false);
        object.desired["enabled"] = json!(false);
        workspace.object(&object);
    }
}

fn untidy(workspace: &Workspace) {
    workspace.write("untidy.yaml", "# nothing here yet   \n");
    let text = "kind: Connection\napiVersion: entitle.dev/v1\nmetadata: {name: z}\nspec: {vendor: lac, baseUrl: 'https://lac.example.com/', auth: {token: {env: T}}}\n";
    workspace.write("untidy.yaml", text);
}

fn broken(workspace: &Workspace) {
    workspace.write("broken.yaml", "apiVersion: entitle.dev/v1\nkind: Nothing\n");
}

/// How standard output ends.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// It does not: a file takes everything.
    File,
    /// Nobody has ever read.
    Gone,
    /// Nobody reads standard error either.
    BothGone,
    /// One line was read.
    OneLine,
    /// There is no standard output at all.
    Closed,
}

/// What a run came to: its exit code, the account, and the plan that it saved.
type End = (Option<i32>, Json, bool);

async fn end_of(row: &Row, reader: Reader) -> End {
    let workspace = lac_workspace(2, true).await;
    (row.prepare)(&workspace);
    let mut command = workspace.command(row.arguments);
    command.stderr(Stdio::null());
    if matches!(reader, Reader::Closed) {
        command = without_stdout(&workspace, row.arguments);
    }
    let code = run(&mut command, reader, workspace.dir.path());
    let account = workspace.sandbox.state("lac").expect("an account");
    let saved = workspace.dir.path().join("plan.json").exists();
    (code, account["license_orders"].clone(), saved)
}

fn run(command: &mut Command, reader: Reader, dir: &Path) -> Option<i32> {
    let (read, write) = pipe().expect("a pipe");
    let read = Some(read).filter(|_| matches!(reader, Reader::OneLine));
    match reader {
        Reader::File | Reader::Closed => {
            command.stdout(File::create(dir.join("stdout")).expect("a file"));
        }
        Reader::Gone | Reader::OneLine => {
            command.stdout(write);
        }
        Reader::BothGone => {
            command.stderr(write.try_clone().expect("a pipe"));
            command.stdout(write);
        }
    }
    let mut child = command.spawn().expect("it starts");
    // Without our own end of the pipe the reader sees that nobody writes any more.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(read) = read {
        let mut line = String::new();
        BufReader::new(read).read_line(&mut line).expect("a line");
    }
    child.wait().expect("it ends").code()
}

/// The command under a shell that closes its standard output.
fn without_stdout(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "exec \"$@\" >&-", "sh", env!("CARGO_BIN_EXE_entitle")])
        .args(arguments)
        .current_dir(workspace.dir.path())
        .env_clear()
        .envs(workspace.environment.iter().cloned())
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_changes_neither_the_work_nor_its_exit_code() {
    let mut faults = Vec::new();
    for row in ROWS {
        let wanted = end_of(row, Reader::File).await;
        assert_eq!(wanted.0, Some(row.code), "{:?}", row.arguments);
        for reader in [
            Reader::Gone,
            Reader::BothGone,
            Reader::OneLine,
            Reader::Closed,
        ] {
            let end = end_of(row, reader).await;
            if end != wanted {
                let (code, wanted) = (end.0, wanted.0);
                faults.push(format!(
                    "{:?} {reader:?}: {code:?} for {wanted:?}",
                    row.arguments
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
