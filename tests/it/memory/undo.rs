//! What `undo` takes back, and what it leaves.

use serde_json::json;

use super::*;
use crate::conformance::vendors::licensespring;

async fn twelve() -> Workspace {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    assert_eq!(live(&workspace, SEATS), 12);
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn todays_policy_is_obeyed() {
    for policy in [
        json!({"mode": "suspend"}),
        json!({"mode": "observe"}),
        json!({"ignore": [SEATS]}),
    ] {
        let workspace = twelve().await;
        let before = writes(&workspace);
        workspace.object(&order(12, json!({})).policy(policy.clone()));
        let ran = undo(&workspace, &[]);
        assert_eq!(ran.code, 0, "{policy}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(
            (live(&workspace, SEATS), writes(&workspace)),
            (json!(12), before),
            "{policy}"
        );
        let ran = undo(&workspace, &["--out", "undo.json"]);
        assert_eq!(ran.code, 0, "{policy}: {}", ran.stderr);
        let ran = workspace.run(&["apply", "undo.json", "."]);
        assert_eq!(
            (ran.code, writes(&workspace)),
            (0, before),
            "{policy}: {}",
            ran.stderr
        );
    }
    let workspace = twelve().await;
    workspace.object(&order(12, json!({})).policy(json!({"allow": ["strand"]})));
    let ran = workspace.run(&["undo", "latest", "--auto-approve"]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(10)),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_since_is_named_and_stays_unless_its_field_is_named() {
    let workspace = twelve().await;
    foreign(&workspace, SEATS, json!(30));
    let ran = undo(&workspace, &[]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (3, json!(30)),
        "{}",
        ran.stderr
    );
    let words = "activations_allowed: changed since: it is 30, and the run left 12";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let ran = undo(&workspace, &["--out", "undo.json"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let ran = undo(&workspace, &["--format", "json"]);
    let finding = &ran.json()["diagnostics"][0];
    assert_eq!(finding["code"], "not-taken-back", "{finding:#}");
    let ran = undo(&workspace, &["--field", "description"]);
    let words = "did not change what --field names; it changed activations_allowed";
    assert_eq!((ran.code, live(&workspace, SEATS)), (1, json!(30)));
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let ran = undo(&workspace, &["--field", SEATS]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(10)),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_run_of_ours_is_not_written_over_either() {
    let workspace = twelve().await;
    workspace.object(&order(15, json!({})));
    apply(&workspace);
    let first = &runs(&workspace)[0];
    let ran = workspace.run(&["undo", first, "--auto-approve", "--allow", "strand"]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (3, json!(15)),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_others_added_to_a_set_stay() {
    let workspace = workspace().await;
    workspace.object(&license(&["Engineering", "Field sales", "Support"]));
    apply(&workspace);
    regroup(&workspace, "Finance", true);
    let ran = undo(&workspace, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        groups(&workspace),
        ["Engineering", "Field sales", "Finance"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_is_named_as_in_the_manifest_or_as_in_the_plan() {
    for field in ["userGroups", "userGroupIds"] {
        let workspace = workspace().await;
        workspace.object(&license(&["Engineering", "Field sales", "Support"]));
        apply(&workspace);
        let ran = undo(&workspace, &["--field", field]);
        assert_eq!(ran.code, 0, "{field}: {}", ran.stderr);
        assert_eq!(
            groups(&workspace),
            ["Engineering", "Field sales"],
            "{field}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_a_run_that_was_cut_off_counts_once_it_is_known_to_be_carried_out() {
    let workspace = twelve().await;
    cut_off(&workspace);
    // The very undo looks into it first.
    let ran = undo(&workspace, &[]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(10)),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(
        ran.stderr.contains("was found carried out"),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_cut_off_is_looked_into_also_where_no_manifest_names_the_object() {
    let workspace = twelve().await;
    cut_off(&workspace);
    std::fs::remove_file(workspace.dir.path().join("object-0000.yaml")).expect("removed");
    let ran = undo(&workspace, &[]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (3, json!(12)),
        "{}",
        ran.stderr
    );
    let ran = undo(&workspace, &["--include-unmanaged"]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(10)),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("It was found carried out."),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_a_loss_where_nothing_was_lost() {
    let workspace = workspace().await;
    let feature = |expires: Json| {
        let mut feature = json!({
            "name": "Archive", "version": "1.0", "issued_type": "not_issued",
            "maintenance_type": "no_maintenance",
        });
        for (name, value) in expires.as_object().into_iter().flatten() {
            feature[name] = value.clone();
        }
        json!({"Features": [feature]})
    };
    let unlimited = feature(json!({"expiration_type": "no_expiration"}));
    workspace.object(&order(10, unlimited.clone()));
    apply(&workspace);
    let before = live(&workspace, "Features");
    let dated = json!({"expiration_type": "fixed", "expiration_date": "2031-01-01"});
    workspace.object(&order(10, feature(dated)));
    apply(&workspace);
    assert_ne!(live(&workspace, "Features"), before);
    let ran = undo(&workspace, &[]);
    assert_eq!(
        live(&workspace, "Features"),
        before,
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("not-taken-back"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_and_a_connection_are_found_by_other_names() {
    let workspace = twelve().await;
    std::fs::remove_file(workspace.dir.path().join("lac.yaml")).expect("removed");
    std::fs::remove_file(workspace.dir.path().join("object-0000.yaml")).expect("removed");
    let url = workspace.sandbox.url("lac");
    let auth = json!({"token": {"env": "LAC_AUTH"}});
    workspace.write(
        "connection.yaml",
        &json!({
            "apiVersion": "entitle.dev/v1", "kind": "Connection", "metadata": {"name": "renamed"},
            "spec": {"vendor": "lac", "baseUrl": url, "auth": auth},
        })
        .to_string(),
    );
    let mut renamed = order(12, json!({}));
    renamed.name = "renamed".into();
    workspace.object(&renamed);
    foreign(&workspace, SEATS, json!(30));
    assert_eq!(drift(&workspace), (2, by(SEATS, "they")));
    let ran = heal(&workspace);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (4, json!(30)),
        "a heal that reduces is refused"
    );
    foreign(&workspace, SEATS, json!(12));
    let ran = undo(&workspace, &[]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(10)),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(
        ran.stdout.contains("LacLicenseOrder/renamed"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_run_is_that_of_these_manifests() {
    let (one, mut other) = (twelve().await, workspace().await);
    // Another account, written to later from elsewhere with the same journal.
    other
        .environment
        .retain(|(name, _)| name != "XDG_STATE_HOME");
    let state = one.dir.path().join("state").display().to_string();
    other.set("XDG_STATE_HOME", &state);
    other.object(&order(14, json!({})));
    apply(&other);
    let ran = undo(&one, &[]);
    assert_eq!(
        (ran.code, live(&one, SEATS)),
        (0, json!(10)),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert_eq!(live(&other, SEATS), 14);
    // Told apart in the history.
    let history = one.run(&["history", "--full"]);
    for workspace in [&one, &other] {
        let at = format!("at {}", workspace.sandbox.url("lac"));
        assert!(history.stdout.contains(&at), "{at}: {}", history.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_saved_inverse_only_what_moved_is_refused() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    workspace.object(&license(&["Engineering", "Field sales", "Support"]));
    apply(&workspace);
    let ran = undo(&workspace, &["--out", "undo.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    foreign(&workspace, SEATS, json!(30));
    let ran = workspace.run(&["apply", "undo.json", ".", "--allow", "strand"]);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(live(&workspace, SEATS), 30);
    assert_eq!(groups(&workspace), ["Engineering", "Field sales"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_removed_comes_back_with_the_uses_that_it_had() {
    let mut workspace = Workspace::new().await;
    workspace.connect("licensespring");
    let vendor = &licensespring::VENDOR;
    let account = (vendor.account)(1);
    workspace
        .sandbox
        .set_state("licensespring", account)
        .expect("an account");
    let uses = || {
        let account = workspace
            .sandbox
            .state("licensespring")
            .expect("an account");
        let rows = account["licenses"][0]["product_features"]
            .as_array()
            .cloned();
        let used = |row: &Json| row["total_consumptions"].as_i64();
        let mut uses: Vec<_> = rows.into_iter().flatten().map(|row| used(&row)).collect();
        uses.sort();
        uses
    };
    let before = uses();
    let mut object = vendor.little(0, false);
    object.desired["product_features"] = json!([]);
    workspace.object(&object);
    apply(&workspace);
    assert_eq!(uses(), []);
    let ran = undo(&workspace, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(uses(), before);
    assert!(
        before.iter().any(|used| used.is_some_and(|used| used > 0)),
        "{before:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_inverse_follows_the_manifests_as_a_saved_plan_does() {
    type Change = fn(&Workspace);
    let changes: [(Change, &str); 3] = [
        (
            |workspace| workspace.object(&order(14, json!({}))),
            "the manifest changed in activations_allowed",
        ),
        (
            |workspace| {
                let manifest = workspace.dir.path().join("object-0000.yaml");
                std::fs::remove_file(manifest).expect("removed");
            },
            "its manifest is gone or has another name: nothing is sent",
        ),
        (
            |workspace| {
                let mut renamed = order(12, json!({}));
                renamed.name = "renamed".into();
                let manifest = workspace.dir.path().join("object-0000.yaml");
                std::fs::remove_file(manifest).expect("removed");
                workspace.object(&renamed);
            },
            "its manifest is gone or has another name: nothing is sent",
        ),
    ];
    for (change, words) in changes {
        let workspace = twelve().await;
        assert_eq!(undo(&workspace, &["--out", "undo.json"]).code, 0);
        change(&workspace);
        let ran = workspace.run(&["apply", "undo.json", ".", "--allow", "strand"]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(
            (ran.code, live(&workspace, SEATS)),
            (5, json!(12)),
            "{said}"
        );
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_which_nothing_was_carried_out_is_not_the_latest() {
    let workspace = twelve().await;
    workspace.object(&order(15, json!({})));
    let planned = workspace.run(&["plan", "--out", "plan.json"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    foreign(&workspace, "description", json!("theirs"));
    let stale = workspace.run(&["apply", "plan.json", "."]);
    assert_eq!(stale.code, 5, "{}", stale.stderr);
    let ran = undo(&workspace, &[]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(10)),
        "{}",
        ran.stderr
    );
}
