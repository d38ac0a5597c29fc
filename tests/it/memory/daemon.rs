//! What healing goes back to, and what it leaves to others.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_vendor_took_the_write_is_not_healed_away() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    workspace.object(&order(15, json!({})));
    apply(&workspace);
    cut_off(&workspace);
    let ran = heal(&workspace);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(15)),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let text = std::fs::read_to_string(journal(&workspace)).expect("a journal");
    assert!(text.contains("\"finding\":\"carried_out\""), "{text}");
    // And the other way: what the vendor never took is not in the base.
    workspace.object(&order(20, json!({})));
    apply(&workspace);
    cut_off(&workspace);
    foreign(&workspace, SEATS, json!(15));
    heal(&workspace);
    foreign(&workspace, SEATS, json!(16));
    workspace.object(&order(20, json!({})).policy(json!({"allow": ["strand"]})));
    heal(&workspace);
    assert_eq!(live(&workspace, SEATS), 15);
}

fn ours() -> Object {
    order(12, json!({"description": "ours"})).policy(json!({"allow": ["strand"]}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_takes_no_other_field_with_it() {
    for policy in [
        json!({"ignore": ["description"], "allow": ["strand"]}),
        json!({"keepUnlisted": ["Features"], "allow": ["strand"]}),
    ] {
        let workspace = workspace().await;
        workspace.object(&ours());
        apply(&workspace);
        workspace.object(&ours().policy(policy.clone()));
        foreign(&workspace, SEATS, json!(30));
        foreign(&workspace, "description", json!("theirs"));
        let ran = heal(&workspace);
        assert_eq!(
            live(&workspace, SEATS),
            12,
            "{policy}: {}{}",
            ran.stdout,
            ran.stderr
        );
        let ignored = policy["ignore"] != Json::Null;
        let description = if ignored { "theirs" } else { "ours" };
        assert_eq!(live(&workspace, "description"), description, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fight_is_given_up_over_restarts_and_costs_no_other_field() {
    for mode in ["heal", "sync"] {
        fight(mode).await;
    }
}

async fn fight(mode: &str) {
    let heal = |workspace: &Workspace| watch(workspace, mode);
    let workspace = workspace().await;
    workspace.object(&ours());
    apply(&workspace);
    for _ in 0..3 {
        foreign(&workspace, SEATS, json!(30));
        heal(&workspace);
        assert_eq!(live(&workspace, SEATS), 12);
    }
    // Every run is a process of its own.
    for _ in 0..2 {
        foreign(&workspace, SEATS, json!(30));
        let ran = heal(&workspace);
        assert_eq!(live(&workspace, SEATS), 30, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("fought"), "{}", ran.stdout);
    }
    foreign(&workspace, "description", json!("theirs"));
    heal(&workspace);
    assert_eq!(live(&workspace, "description"), "ours");
    assert_eq!(live(&workspace, SEATS), 30);
    // What was left to them is still theirs in the drift, and a manifest that wants something else ends it.
    assert_eq!(drift(&workspace), (2, by(SEATS, "they")));
    workspace
        .object(&order(13, json!({"description": "ours"})).policy(json!({"allow": ["strand"]})));
    apply(&workspace);
    foreign(&workspace, SEATS, json!(30));
    heal(&workspace);
    assert_eq!(live(&workspace, SEATS), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_applied_and_what_waits_for_an_apply_are_not_in_sync() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    let ran = heal(&workspace);
    assert!(ran.stdout.contains("0 in sync"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 never applied"), "{}", ran.stdout);
    apply(&workspace);
    workspace.object(&order(15, json!({})));
    let ran = heal(&workspace);
    assert!(
        ran.stdout.contains("1 left as last applied"),
        "{}",
        ran.stdout
    );
    assert_eq!((ran.code, live(&workspace, SEATS)), (0, json!(12)));
}
