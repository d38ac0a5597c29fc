//! What healing goes back to, and what it leaves to others.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_vendor_took_the_write_is_not_healed_away() {
    let place = place().await;
    place.object(&order(12, json!({})));
    apply(&place);
    place.object(&order(15, json!({})));
    apply(&place);
    cut_off(&place);
    let ran = heal(&place);
    assert_eq!(
        (ran.code, live(&place, SEATS)),
        (0, json!(15)),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let text = std::fs::read_to_string(journal(&place)).expect("a journal");
    assert!(text.contains("\"finding\":\"carried_out\""), "{text}");
    // And the other way: what the vendor never took is not in the base.
    place.object(&order(20, json!({})));
    apply(&place);
    cut_off(&place);
    foreign(&place, SEATS, json!(15));
    heal(&place);
    foreign(&place, SEATS, json!(16));
    place.object(&order(20, json!({})).policy(json!({"allow": ["strand"]})));
    heal(&place);
    assert_eq!(live(&place, SEATS), 15);
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
        let place = place().await;
        place.object(&ours());
        apply(&place);
        place.object(&ours().policy(policy.clone()));
        foreign(&place, SEATS, json!(30));
        foreign(&place, "description", json!("theirs"));
        let ran = heal(&place);
        assert_eq!(
            live(&place, SEATS),
            12,
            "{policy}: {}{}",
            ran.stdout,
            ran.stderr
        );
        let ignored = policy["ignore"] != Json::Null;
        let description = if ignored { "theirs" } else { "ours" };
        assert_eq!(live(&place, "description"), description, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fight_is_given_up_over_restarts_and_costs_no_other_field() {
    for mode in ["heal", "sync"] {
        fight(mode).await;
    }
}

async fn fight(mode: &str) {
    let heal = |place: &Place| watch(place, mode);
    let place = place().await;
    place.object(&ours());
    apply(&place);
    for _ in 0..3 {
        foreign(&place, SEATS, json!(30));
        heal(&place);
        assert_eq!(live(&place, SEATS), 12);
    }
    // Every run is a process of its own.
    for _ in 0..2 {
        foreign(&place, SEATS, json!(30));
        let ran = heal(&place);
        assert_eq!(live(&place, SEATS), 30, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("fought"), "{}", ran.stdout);
    }
    foreign(&place, "description", json!("theirs"));
    heal(&place);
    assert_eq!(live(&place, "description"), "ours");
    assert_eq!(live(&place, SEATS), 30);
    // What was left to them is still theirs in the drift, and a manifest that wants something else ends it.
    assert_eq!(drift(&place), (2, by(SEATS, "they")));
    place.object(&order(13, json!({"description": "ours"})).policy(json!({"allow": ["strand"]})));
    apply(&place);
    foreign(&place, SEATS, json!(30));
    heal(&place);
    assert_eq!(live(&place, SEATS), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_applied_and_what_waits_for_an_apply_are_not_in_sync() {
    let place = place().await;
    place.object(&order(12, json!({})));
    let ran = heal(&place);
    assert!(ran.stdout.contains("0 in sync"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 never applied"), "{}", ran.stdout);
    apply(&place);
    place.object(&order(15, json!({})));
    let ran = heal(&place);
    assert!(
        ran.stdout.contains("1 left as last applied"),
        "{}",
        ran.stdout
    );
    assert_eq!((ran.code, live(&place, SEATS)), (0, json!(12)));
}
