//! What a plan file may steer. It comes from a job that runs on a pull request, and whoever can write it can seal it
//! anew: it chooses among objects of the manifests, and brings nothing of its own.

use std::path::Path;

use entitle::apply::Outcome;
use entitle::apply::journal::{Intent, Journal, JournalEvent, Record};
use entitle::apply::recorder::Recorder;
use entitle::model::Risk;
use entitle::plan::document::PlanDocument;
use entitle::plan::guard;
use entitle::plan::max_changes::{LimitBase, MaxChanges};
use entitle::reconcile::{self, ApplyOptions, Checked};
use serde_json::{Value as Json, json};

use super::cli::{is_plan, lac_workspace};
use super::conformance::saved::{joined, through_a_file};
use super::conformance::vendors::lac;
use super::support::bench::{Bench, Object, only_report};
use super::support::past::{self, History};
use super::support::program::{Ran, Workspace};
use super::support::stores;

/// One order whose plan takes it away from its users.
async fn stranding() -> (Bench, Checked, PlanDocument) {
    let bench = Bench::new().await;
    lac::VENDOR.load(&bench, (lac::VENDOR.account)(3));
    let mut order = lac::VENDOR.little(0, false);
    order.desired["enabled"] = json!(false);
    let checked = bench.check(&[order]);
    let document = through_a_file(&bench, &checked).await;
    assert_eq!(document.objects[0].changes[0].risk, Risk::Strand);
    (bench, checked, document)
}

#[tokio::test]
async fn a_plan_that_calls_a_risk_safe_is_refused_by_the_risk_there_is() {
    let (bench, checked, mut document) = stranding().await;
    document.objects[0].changes[0].risk = Risk::Safe;
    let pass = joined(&bench, document, &checked).pass;
    let report = only_report(bench.carry_out_alone(pass, Risk::Safe).await);
    assert_eq!(
        report.outcome,
        Some(Outcome::Refused),
        "{:?}",
        report.message
    );
    assert_eq!(bench.writes(), [""; 0]);
}

#[tokio::test]
async fn a_plan_with_other_values_of_before_does_not_reach_the_journal() {
    let (bench, checked, mut document) = stranding().await;
    let shown = document.objects[0].changes.clone();
    document.objects[0].changes[0].before = json!("anything");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.jsonl");
    let pass = joined(&bench, document, &checked).pass;
    let recorder = Recorder::new(
        Some(stores::queue(dir.path())),
        "run",
        Default::default(),
        bench.clock,
    );
    let options = ApplyOptions {
        accepted: None,
        fail_fast: false,
        recorder,
    };
    let reports = reconcile::apply_plan(&pass, &options, &bench.settings()).await;
    assert_eq!(only_report(reports).outcome, Some(Outcome::Converged));
    let history = History::read(&path);
    let mut intents = history
        .records
        .iter()
        .filter_map(|record| match &record.event {
            JournalEvent::Intent(intent) => Some(&intent.changes),
            _ => None,
        });
    assert_eq!(intents.next_back(), Some(&shown), "what an undo goes by");
}

#[tokio::test]
async fn a_plan_with_other_calls_sends_nothing() {
    let edits: [fn(&mut PlanDocument); 4] = [
        |plan| plan.objects[0].calls[0].body["enabled"] = json!(true),
        |plan| plan.objects[0].calls[0].path = "/license-orders/another".into(),
        |plan| {
            let more = plan.objects[0].calls[0].clone();
            plan.objects[0].calls.push(more);
        },
        |plan| plan.objects[0].calls.clear(),
    ];
    for edit in edits {
        let (bench, checked, mut document) = stranding().await;
        edit(&mut document);
        let pass = joined(&bench, document, &checked).pass;
        let report = only_report(bench.carry_out(pass).await);
        assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
        assert_eq!(bench.writes(), [""; 0]);
    }
}

#[tokio::test]
async fn names_and_counts_of_a_plan_come_from_the_manifests() {
    let (bench, checked, mut document) = stranding().await;
    let entry = document.objects[0].clone();
    let mut forged = entry.clone();
    forged.identity = [("activationKey", "ANOTHER")].into_iter().collect();
    (forged.vendor, forged.origin.file) = ("cryptlex".into(), "/etc/passwd".into());
    let mut stranger = entry.clone();
    stranger.address = "LacLicenseOrder/stranger".into();
    stranger.action = entitle::plan::Disposition::None;
    document.objects = vec![forged, entry.clone(), stranger];
    document.summary = Default::default();
    document.source.paths = vec!["/etc".into()];
    document.source.commit = Some("f00".into());
    let document = joined(&bench, document, &checked).pass.document;
    assert_eq!(document.objects, [entry], "one write per object");
    assert_eq!(document.source, checked.source);
    let (summary, none) = (&document.summary, MaxChanges::Count(0));
    assert_eq!((summary.objects, summary.update, summary.strand), (1, 1, 1));
    assert!(
        guard::check_change_count(summary.update, summary.objects, none, LimitBase::Plan).is_err()
    );
}

/// Sends the manifests of a directory to the plan file `plan.json`.
#[track_caller]
fn plan(workspace: &Workspace, path: &str) {
    let ran = workspace.run(&["plan", path, "--out", "plan.json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    workspace.sandbox.forget_requests();
}

/// A checkout: a connection and orders below `licences`.
async fn checkout(orders: &[Object]) -> Workspace {
    let workspace = lac_workspace(0, false).await;
    let dir = workspace.dir.path();
    std::fs::create_dir_all(dir.join("licences")).expect("a directory");
    std::fs::create_dir(dir.join(".git")).expect("a directory");
    std::fs::rename(dir.join("lac.yaml"), dir.join("licences/lac.yaml")).expect("moved");
    for order in orders {
        workspace.write(&format!("licences/{}.yaml", order.name), &order.text());
    }
    workspace
}

fn outcomes(ran: &Ran) -> Vec<(String, Json)> {
    let document = ran.json();
    is_plan(&document);
    let objects = document["objects"].as_array().cloned().unwrap_or_default();
    let ends = objects.iter().map(|object| {
        let address = object["address"].as_str().unwrap_or_default();
        let name = address.rsplit('/').next().unwrap_or_default();
        (name.to_string(), object["outcome"].clone())
    });
    ends.collect()
}

fn writes(workspace: &Workspace) -> usize {
    let requests = workspace.sandbox.requests();
    requests
        .iter()
        .filter(|seen| seen.method == "PATCH")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_does_not_bring_its_own_manifests() {
    let harmless = lac::VENDOR.little(0, false);
    let workspace = checkout(std::slice::from_ref(&harmless)).await;
    let outside = tempfile::tempdir().expect("a directory");
    let mut hostile = harmless.policy(json!({"allow": ["strand"]}));
    hostile.desired["enabled"] = json!(false);
    let own = std::fs::read(workspace.dir.path().join("licences/lac.yaml")).expect("readable");
    std::fs::write(outside.path().join("lac.yaml"), own).expect("written");
    std::fs::write(outside.path().join("a.yaml"), hostile.text()).expect("written");
    plan(&workspace, outside.path().to_str().expect("UTF-8"));
    for paths in [&["licences"][..], &[]] {
        let apply = [&["apply", "plan.json"], paths, &["--format", "json"]].concat();
        let ran = workspace.run(&apply);
        assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(outcomes(&ran), [("object-0000".into(), json!("stale"))]);
        let words = ran.json()["objects"][0]["message"].to_string();
        assert!(words.contains("enabled, policy.allow"), "{words}");
        assert_eq!(writes(&workspace), 0);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_a_plan_or_manifests_by_what_it_holds() {
    let mut workspace = checkout(&[lac::VENDOR.little(0, true)]).await;
    workspace.set("PATH", "/usr/bin:/bin");
    let apply = |words: &str| {
        let mut bash = workspace.command(&[]);
        let program = bash.get_program().display().to_string();
        let environment: Vec<_> = bash
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(|it| it.to_owned())))
            .collect();
        bash = std::process::Command::new("bash");
        bash.args(["-c", &format!("{program} apply --auto-approve {words}")]);
        bash.current_dir(workspace.dir.path()).env_clear();
        bash.envs(
            environment
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let output = bash
            .stdin(std::process::Stdio::null())
            .output()
            .expect("bash runs");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    };
    plan(&workspace, "licences");
    let (code, text) = apply("<(cat plan.json) licences");
    assert_eq!((code, writes(&workspace)), (Some(0), 1), "{text}");
    // In sync by now, whoever says so.
    let (code, text) = apply("<(cat licences/object-0000.yaml) licences/lac.yaml");
    assert_eq!((code, writes(&workspace)), (Some(0), 1), "{text}");
    assert!(text.contains("1 in sync"), "{text}");
    let (code, text) =
        apply("<(cat licences/lac.yaml; echo; echo ---; cat licences/object-0000.yaml)");
    assert_eq!(code, Some(0), "{text}");
    let (code, text) =
        apply("<(sed s/desired/desierd/ licences/object-0000.yaml) licences/lac.yaml");
    assert!(
        code == Some(1) && text.contains("/dev/fd/") && text.contains("desierd"),
        "{text}"
    );
    let (code, text) = apply("<(sed 's/object-0000/object-0001/' plan.json) licences");
    assert!(code == Some(1) && text.contains("/dev/fd/"), "{text}");
    let (code, text) = apply("<(exec sleep 30 2>&-) licences --timeout 1s");
    assert!(
        code == Some(1) && text.contains("cannot read /dev/fd/"),
        "{text}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn with_ci_set_manifests_outside_the_checkout_are_not_read() {
    let mut workspace = checkout(&[lac::VENDOR.little(0, true)]).await;
    let outside = tempfile::tempdir().expect("a directory");
    let real = outside.path().join("licences");
    std::fs::rename(workspace.dir.path().join("licences"), &real).expect("moved");
    let there = real.to_str().expect("UTF-8").to_string();
    std::os::unix::fs::symlink(&real, workspace.dir.path().join("link")).expect("a link");
    plan(&workspace, &there);
    workspace.set("CI", "true");
    for path in [
        there.as_str(),
        "link",
        "link/object-0000.yaml",
        "link/../licences",
    ] {
        let ran = workspace.run(&["apply", "plan.json", path]);
        ran.failed(1, "outside the working tree");
    }
    assert_eq!(workspace.sandbox.requests(), [], "nothing was asked");
    workspace.set("CI", "");
    let ran = workspace.run(&["apply", "plan.json", &there]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_matched_by_address_however_paths_are_spelled() {
    let workspace = checkout(&[lac::VENDOR.little(0, true), lac::VENDOR.little(1, true)]).await;
    plan(&workspace, "./licences/");
    let whole = workspace.dir.path().join("licences/../licences");
    let first = workspace.dir.path().join("licences/object-0000.yaml");
    let moved = workspace.dir.path().join("licences/sub/renamed.yaml");
    std::fs::create_dir(moved.parent().unwrap_or(Path::new("."))).expect("a directory");
    std::fs::rename(first, moved).expect("moved");
    let ran = workspace.run(&[
        "apply",
        "plan.json",
        whole.to_str().expect("UTF-8"),
        "--format",
        "json",
    ]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let file = ran.json()["objects"][0]["origin"]["file"].to_string();
    assert!(file.contains("sub/renamed.yaml"), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_moved_in_the_manifests_refuses_no_object() {
    let workspace = checkout(&[lac::VENDOR.little(0, true), lac::VENDOR.little(1, true)]).await;
    plan(&workspace, "licences");
    let first = lac::VENDOR.little(0, true).text();
    workspace.write(
        "licences/object-0000.yaml",
        &format!("# a comment\n{first}"),
    );
    let mut second = lac::VENDOR.little(1, true);
    second.desired["activations_allowed"] = json!(501);
    workspace.write("licences/object-0001.yaml", &second.text());
    workspace.write(
        "licences/object-0002.yaml",
        &lac::VENDOR.little(2, true).text(),
    );
    let ran = workspace.run(&["apply", "plan.json", "licences", "--format", "json"]);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    let ends = [("object-0000", "converged"), ("object-0001", "stale")];
    let ends = ends.map(|(name, end)| (name.to_string(), json!(end)));
    assert_eq!(outcomes(&ran), ends);
    let document = ran.json();
    let words = document["objects"][1]["message"]
        .as_str()
        .unwrap_or_default();
    let place_of_it = "activations_allowed after the plan was made (licences/object-0001.yaml:1)";
    assert!(words.contains(place_of_it), "{words}");
    assert_eq!(document["diagnostics"][0]["code"], "not-in-plan");
    assert!(
        ran.stderr.contains("LacLicenseOrder/object-0002"),
        "{}",
        ran.stderr
    );
    assert_eq!(writes(&workspace), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_leaves_the_rest_of_a_saved_plan_alone_and_says_so() {
    let workspace = checkout(&[lac::VENDOR.little(0, true), lac::VENDOR.little(1, true)]).await;
    plan(&workspace, "licences");
    let apply = |more: &[&str]| {
        workspace.run(
            &[
                &["apply", "plan.json", "licences", "--format", "json"],
                more,
            ]
            .concat(),
        )
    };
    let unknown = apply(&["--target", "*/objekt-0001"]);
    assert_eq!(unknown.code, 1, "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("did you mean"),
        "{}",
        unknown.stderr
    );
    let ran = apply(&["--exclude", "*/object-0001", "--max-changes", "1"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(outcomes(&ran), [("object-0000".into(), json!("converged"))]);
    let document = ran.json();
    assert_eq!(document["diagnostics"][0]["code"], "out-of-scope");
    assert!(
        ran.stderr.contains("LacLicenseOrder/object-0001"),
        "{}",
        ran.stderr
    );
    assert_eq!(writes(&workspace), 1);
    // A plan of a part does not ask for the same part again.
    let part = [
        "plan",
        "licences",
        "--target",
        "*/object-0001",
        "--out",
        "plan.json",
    ];
    assert_eq!(workspace.run(&part).code, 0);
    let ran = apply(&[]);
    assert_eq!(outcomes(&ran), [("object-0001".into(), json!("converged"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_of_a_plan_is_shown_and_not_demanded() {
    let (bench, checked, mut document) = stranding().await;
    document.source.commit = Some("f00\u{1b}[2Jba4".into());
    document.source.connections.clear();
    drop((bench, checked));
    let workspace = checkout(&[lac::VENDOR.little(0, false)]).await;
    workspace.write("plan.json", &super::fuzz_bodies::sealed_text(&document));
    let ran = workspace.run(&["apply", "plan.json", "licences"]);
    assert!(ran.stderr.contains("at commit f00"), "{}", ran.stderr);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_a_manifest_where_it_is_one() {
    let workspace = checkout(&[]).await;
    workspace.write("order.json", &lac::VENDOR.little(0, true).text());
    let ran = workspace.run(&["apply", "order.json", "licences", "--auto-approve"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    workspace.write("empty.json", "");
    workspace
        .run(&["apply", "empty.json", "licences"])
        .failed(1, "not a plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_cut_off_is_looked_into_before_a_saved_plan_writes() {
    let orders = [lac::VENDOR.little(0, true), lac::VENDOR.little(1, false)];
    let workspace = checkout(&orders).await;
    plan(&workspace, "licences");
    let path = workspace.dir.path().join("journal.jsonl");
    let key = orders[1].ids["activationKey"].as_str().expect("a key");
    let url = workspace.sandbox.url("lac");
    let live = &workspace.sandbox.state("lac").expect("an account")["license_orders"][1];
    let change = json!({
        "verb": "replace", "path": "activations_allowed", "before": 1,
        "after": live["activations_allowed"], "risk": "safe",
    });
    let intent = Intent {
        changes: vec![serde_json::from_value(change).expect("a change")],
        ..past::intent("LacLicenseOrder/then", &url, key)
    };
    let record = Record {
        scope: None,
        at: "2026-11-21T12:00:00Z".into(),
        run: "earlier".into(),
        event: JournalEvent::Intent(Box::new(intent)),
    };
    let journal = Journal::open(&path).expect("a journal");
    journal.append(&record).expect("written");
    drop(journal);
    let apply = [
        "apply",
        "plan.json",
        "licences",
        "--journal",
        "journal.jsonl",
    ];
    let ran = workspace.run(&apply);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    // Its manifest is called something else by now.
    let words = "LacLicenseOrder/then (PATCH /license-orders/X). It was found carried out.";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert_eq!(History::read(&path).open_intents(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_that_is_missing_is_called_that() {
    let workspace = checkout(&[]).await;
    let ran = workspace.run(&["apply", "plans/mine.json"]);
    assert_eq!((ran.code, writes(&workspace)), (1, 0));
    let words = "there is no plan file plans/mine.json";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(!ran.stderr.contains("--auto-approve"), "{}", ran.stderr);
}
