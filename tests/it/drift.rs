//! `drift`: it cannot write, it tells who changed what, and it says when it cannot tell.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use entitle::apply::Listener;
use entitle::apply::journal::{Journal, JournalEvent, Record};
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::store::compact::COMPACT_THRESHOLD;
use entitle::reconcile::{self, Bases, Settings};
use entitle::sandbox::{FaultPlan, Options, SandboxServer};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::chaos;
use super::cli::lac_workspace;
use super::conformance::vendors::{self, Vendor, lac};
use super::support::bench::{Bench, Object, quick};
use super::support::program::{Ran, Workspace};
use super::support::proxy::is_login;
use super::support::pure;

/// Every fault, the edits of others included.
const FAULTS: &str = "429=4,500=3,502-after=3,503-after=3,408=2,drop-before=3,drop-after=3,truncated=3,html=3,twice=3,\
                      stale=3,session=4,foreign=10";

const SEEDS: u64 = 6;

#[tokio::test]
async fn nothing_but_reads_and_logins_ever_goes_out() {
    let mut reads = 0;
    for seed in 0..SEEDS {
        let plan: FaultPlan = format!("{seed}:{FAULTS}").parse().expect("a fault plan");
        let options = Options {
            faults: Some(plan),
            ..Options::default()
        };
        let sandbox = SandboxServer::start(options).await.expect("loopback");
        for vendor in vendors::ALL {
            let account = vendors::account_of_all_kinds(vendor.name, 4);
            sandbox.set_state(vendor.name, account).expect("an account");
        }
        let bench = Bench {
            // Accounts with a login, so that sessions can be lost as well.
            connections: chaos::connections(&sandbox),
            sandbox: Arc::new(sandbox),
            events: Listener::default(),
            proxy: None,
            clock: pure::now,
            checks: quick(),
        };
        let settings = Settings {
            deadline: Instant::now() + Duration::from_secs(3),
            ..bench.settings()
        };
        let runs = vendors::ALL
            .iter()
            .map(|vendor| look(&bench, vendor, &settings));
        futures::future::join_all(runs).await;
        assert_eq!(bench.writes(), [""; 0], "seed {seed}");
        reads += bench.reads().len();
    }
    assert!(reads > 100, "only {reads} reads: the run shows nothing");
}

/// Manifests in sync, changed, whole and of nothing that is there.
async fn look(bench: &Bench, vendor: &'static Vendor, settings: &Settings) {
    let objects = [
        vendor.whole(),
        vendor.little(1, true),
        vendor.little(2, false),
        vendor.stranger(true),
    ];
    let checked = bench.check(&objects);
    let bases = Bases::Journal(Memory::new(Detail::Values));
    let (document, _) = reconcile::find_drift(&checked, &bases, false, settings).await;
    assert_eq!(document.objects.len(), objects.len());
}

/// An account with two orders that the manifests have been applied to.
async fn applied() -> Workspace {
    let workspace = lac_workspace(2, true).await;
    let ran = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    workspace
}

pub fn foreign(workspace: &Workspace, order: usize, field: &str, value: Json) {
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][order][field] = value;
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
}

fn wants(workspace: &Workspace, order: usize, field: &str, value: Json) {
    let mut object: Object = lac::VENDOR.little(order, true);
    object.desired[field] = value;
    workspace.object(&object);
}

/// Path and who changed it, of every difference.
fn changed(ran: &Ran) -> Vec<(String, String)> {
    let document = ran.json();
    is_drift(&document);
    let objects = document["objects"].as_array().cloned().unwrap_or_default();
    let differences = objects.iter().flat_map(|object| {
        object["differences"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    });
    let text = |value: &Json| value.as_str().unwrap_or_default().to_string();
    differences
        .map(|one| (text(&one["path"]), text(&one["changed_by"])))
        .collect()
}

fn is_drift(document: &Json) {
    let schema =
        entitle::render::schema::document_schema::<entitle::plan::drift::document::DriftDocument>();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:?}\n{document:#}");
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(path, who)| (path.to_string(), who.to_string()))
        .collect()
}

const SEATS: &str = "activations_allowed";

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_the_live_type_makes_vain_is_told() {
    let workspace = applied().await;
    foreign(&workspace, 0, "licensee_type", json!("customer"));
    wants(&workspace, 0, "licensee", json!("Rivers"));
    let ran = workspace.run(&["drift", "--format", "json"]);
    let words = "`licensee` has no effect unless `licensee_type` is fixed";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert_eq!(ran.json()["diagnostics"][0]["message"], words);
    // It is no difference.
    assert_eq!((ran.code, changed(&ran)), (0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journals_last_apply_tells_who_changed_what() {
    let workspace = applied().await;
    let drift = || workspace.run(&["drift", "--format", "json"]);
    let quiet = drift();
    assert_eq!(quiet.code, 0, "{}", quiet.stderr);
    assert_eq!(changed(&quiet), []);

    wants(&workspace, 0, SEATS, json!(51));
    let yours = drift();
    assert_eq!(yours.code, 0, "what you changed is no drift");
    assert_eq!(changed(&yours), pairs(&[(SEATS, "you")]));

    foreign(&workspace, 1, SEATS, json!(77));
    let theirs = drift();
    assert_eq!(theirs.code, 2);
    assert_eq!(changed(&theirs), pairs(&[(SEATS, "you"), (SEATS, "they")]));

    foreign(&workspace, 0, SEATS, json!(78));
    assert_eq!(
        changed(&drift()),
        pairs(&[(SEATS, "both"), (SEATS, "they")])
    );
    let writes = workspace.sandbox.requests();
    let writes = writes
        .iter()
        .filter(|seen| seen.method != "GET" && !is_login(&seen.path));
    assert_eq!(writes.count(), 2, "those of the one apply");
}

fn journal(workspace: &Workspace) -> usize {
    let path = workspace.dir.path().join("state/entitle/journal.jsonl");
    let text = std::fs::read_to_string(path).expect("a journal");
    text.lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_long_journal_told_is_known_from_its_summary() {
    let workspace = applied().await;
    let path = workspace.dir.path().join("state/entitle/journal.jsonl");
    let summary = path.with_extension("jsonl.summary");
    let told = std::fs::read(&path).expect("a journal").len();
    let finished = |number: u64| Record {
        scope: None,
        at: "2026-11-21T12:00:00Z".into(),
        run: number.to_string(),
        event: JournalEvent::Finished { interrupted: false },
    };
    let lines = (0..COMPACT_THRESHOLD + 1).map(finished).collect::<Vec<_>>();
    let earlier = Journal::open(&path).expect("a journal");
    earlier.append_all(lines).expect("written");
    foreign(&workspace, 1, SEATS, json!(77));
    let drift = || changed(&workspace.run(&["drift", "--format", "json"]));
    let theirs = pairs(&[(SEATS, "they")]);
    assert_eq!(drift(), theirs);
    assert!(!summary.exists(), "whoever reads writes nothing");
    // It has nothing to do but that.
    let first = ["apply", "--auto-approve", "lac.yaml", "object-0000.yaml"];
    let ran = workspace.run(&first);
    assert_eq!((ran.code, summary.exists()), (0, true), "{}", ran.stderr);
    std::fs::remove_file(&summary).expect("removed");
    let ran = workspace.run(&["store", "compact"]);
    assert_eq!((ran.code, summary.exists()), (0, true), "{}", ran.stderr);
    // Of what the first lines say nothing is left but the summary.
    let mut text = std::fs::read(&path).expect("a journal");
    text[..told - 1].fill(b'x');
    std::fs::write(&path, text).expect("written");
    assert_eq!(drift(), theirs);
    std::fs::remove_file(&summary).expect("removed");
    assert_eq!(drift(), pairs(&[(SEATS, "unknown")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_sync_from_the_start_has_a_base_and_costs_one_line() {
    let workspace = lac_workspace(2, false).await;
    for order in 0..2 {
        let account = workspace.sandbox.state("lac").expect("an account");
        let seats = account["license_orders"][order][SEATS].clone();
        let mut object = lac::VENDOR.little(order, false);
        object.desired[SEATS] = seats;
        workspace.object(&object);
    }
    for _ in 0..2 {
        let ran = workspace.run(&["apply", "--auto-approve"]);
        assert_eq!((ran.code, journal(&workspace)), (0, 2), "{}", ran.stderr);
    }
    let history = workspace.run(&["history"]);
    assert_eq!(history.stdout, "There are no runs yet.\n");
    workspace.run(&["undo", "latest", "--auto-approve"]).failed(
        1,
        "the journal has no run of these manifests that wrote anything",
    );
    foreign(&workspace, 1, SEATS, json!(77));
    let theirs = workspace.run(&["drift", "--format", "json"]);
    assert_eq!(changed(&theirs), pairs(&[(SEATS, "they")]));
    // Put back, it is as it was agreed on: the write's own lines are all.
    for _ in 0..2 {
        let arguments = ["apply", "--auto-approve", "--allow", "strand"];
        let ran = workspace.run(&arguments);
        assert_eq!((ran.code, journal(&workspace)), (0, 6), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_base_it_says_so() {
    let workspace = lac_workspace(1, true).await;
    let ran = workspace.run(&["drift"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    for words in ["no base: the journal has no apply of it", "--base HEAD"] {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    let long = ran.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_gone_is_an_error() {
    let workspace = applied().await;
    workspace.object(&lac::VENDOR.stranger(false));
    let ran = workspace.run(&["drift"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("lac has no such object"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_moves_the_base_with_it() {
    let workspace = applied().await;
    let undo = workspace.run(&["undo", "latest", "--auto-approve", "--allow", "strand"]);
    assert_eq!(undo.code, 0, "{}{}", undo.stdout, undo.stderr);
    // The manifests still want what was taken back: that is yours to settle, and nobody else's doing.
    let ran = workspace.run(&["drift", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(
        changed(&ran).iter().all(|(_, who)| who == "you"),
        "{}",
        ran.stdout
    );
    assert!(!changed(&ran).is_empty());
}

fn git(workspace: &Workspace, arguments: &[&str]) {
    let ended = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(workspace.dir.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
}

fn with_git(workspace: &mut Workspace) {
    let path = std::env::var("PATH").expect("a PATH");
    workspace.set("PATH", &path);
    git(workspace, &["init", "--quiet"]);
    git(workspace, &["add", "--all"]);
    git(workspace, &["commit", "--quiet", "--message", "one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_of_a_commit_tell_who_changed_what() {
    let mut workspace = lac_workspace(2, false).await;
    with_git(&mut workspace);
    let mut wanted = lac::VENDOR.little(0, false);
    wanted.desired[SEATS] = json!(51);
    workspace.object(&wanted);
    let mut theirs = lac::VENDOR.little(1, false);
    theirs.desired[SEATS] =
        workspace.sandbox.state("lac").expect("an account")["license_orders"][1][SEATS].clone();
    workspace.object(&theirs);
    git(&workspace, &["add", "--all"]);
    git(&workspace, &["commit", "--quiet", "--message", "two"]);
    foreign(&workspace, 1, SEATS, json!(77));
    let who = |base: &str| {
        let ran = workspace.run(&["drift", "--base", base, "--format", "json"]);
        assert!(ran.code == 0 || ran.code == 2, "{}", ran.stderr);
        changed(&ran)
    };
    assert_eq!(who("HEAD"), pairs(&[(SEATS, "they"), (SEATS, "they")]));
    // The commit before did not manage the seats at all.
    assert_eq!(who("HEAD~1"), pairs(&[(SEATS, "you"), (SEATS, "you")]));
    for (base, words) in [
        ("nothing", "git knows no commit"),
        ("--upload-pack=true", "git knows no commit"),
        ("HEAD:object-0000.yaml", "git knows no commit"),
    ] {
        let flag = format!("--base={base}");
        workspace.run(&["drift", &flag]).failed(1, words);
    }
    workspace
        .run(&["drift", "--base", "HEAD", "-", "lac.yaml"])
        .failed(1, "standard input");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_looked_for_where_the_paths_are_and_git_says_why_it_is_not_there() {
    let mut workspace = lac_workspace(1, false).await;
    with_git(&mut workspace);
    let empty = ["commit", "--quiet", "--allow-empty", "--message", "two"];
    git(&workspace, &empty);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let from = |directory: &Path, arguments: &[&str]| {
        let mut command = workspace.command(arguments);
        command.current_dir(directory);
        workspace.finish(command, "")
    };
    let manifests = workspace.dir.path().display().to_string();
    let ran = from(elsewhere.path(), &["drift", &manifests, "--base", "HEAD~1"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let clone = elsewhere.path().join("clone");
    let (origin, path) = (format!("file://{manifests}"), clone.display().to_string());
    git(
        &workspace,
        &["clone", "--quiet", "--depth", "1", &origin, &path],
    );
    let ran = from(&clone, &["drift", "--base", "HEAD~1"]);
    ran.failed(
        1,
        "git knows no commit \"HEAD~1\" here: it is a shallow clone",
    );
    assert!(ran.stderr.contains("fetch-depth: 0"), "{}", ran.stderr);
    // Git's own reason, whichever it is.
    std::fs::write(clone.join(".git/config"), "[core\n").expect("written");
    let ran = from(&clone, &["drift", "--base", "HEAD"]);
    ran.failed(1, "git knows no commit \"HEAD\" here: bad config line 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_that_the_repository_names_is_run() {
    let mut workspace = lac_workspace(1, false).await;
    with_git(&mut workspace);
    let trap = workspace.dir.path().join("trap");
    workspace.write(
        "trap.sh",
        &format!("#!/bin/sh\ntouch '{}'\n", trap.display()),
    );
    let script = workspace.dir.path().join("trap.sh").display().to_string();
    Command::new("chmod")
        .args(["+x", &script])
        .status()
        .expect("chmod");
    workspace.write(".gitattributes", "*.yaml filter=trap diff=trap\n");
    for (key, value) in [
        ("core.fsmonitor", script.as_str()),
        ("filter.trap.smudge", &script),
        ("filter.trap.clean", "cat"),
        ("diff.trap.textconv", &script),
        ("core.pager", &script),
    ] {
        git(&workspace, &["config", key, value]);
    }
    workspace.write(
        ".git/hooks/post-checkout",
        &format!("#!/bin/sh\n{script}\n"),
    );
    // Nor does the environment lead git to another repository, as that of a hook does.
    workspace.set("GIT_DIR", "/nowhere");
    workspace.set("GIT_EXEC_PATH", "/nowhere");
    let ran = workspace.run(&["drift", "--base", "HEAD"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(!trap.exists(), "a program of the repository was run");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_drift_is_silent_until_its_day_is_over() {
    let workspace = applied().await;
    foreign(&workspace, 1, SEATS, json!(77));
    let accept = |until: &str| {
        let entry = json!({
            "object": "LacLicenseOrder/object-0001", "field": SEATS,
            "reason": "seasonal seats", "until": until,
        });
        let document = json!({
            "apiVersion": "entitle.dev/v1", "kind": "AcceptedDrift", "metadata": {"name": "accepted"},
            "spec": {"entries": [entry]},
        });
        workspace.write("entitle-accepted.yaml", &document.to_string());
    };
    accept("2999-12-31");
    let ran = workspace.run(&["drift"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("accepted until 2999-12-31: seasonal seats")
    );
    assert_eq!(ran.stderr, "");
    // Only drift takes notice: a plan still shows what an apply would do.
    let plan = workspace.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.stdout);
    // Also from a directory that the run was not asked to read.
    let narrow = workspace.run(&["drift", "object-0001.yaml", "lac.yaml"]);
    assert_eq!(narrow.code, 0, "{}{}", narrow.stdout, narrow.stderr);

    accept("2020-01-01");
    let ran = workspace.run(&["drift"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("accepted-expired"), "{}", ran.stderr);
    workspace
        .run(&["drift", "--accepted", "nowhere.yaml"])
        .failed(1, "nowhere.yaml");
}
