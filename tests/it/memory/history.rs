//! What `history` tells of runs that only looked, broke off, or take something back.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_only_looked_are_told_from_those_that_broke_off() {
    let place = place().await;
    place.object(&order(12, json!({})));
    apply(&place);
    cut_off(&place);
    apply(&place);
    let history = place.run(&["history"]);
    let text = &history.stdout;
    assert!(text.contains("cut off while it was written"), "{text}");
    assert!(text.contains("found later: carried out"), "{text}");
    assert!(text.contains("only looked"), "{text}");
    assert_eq!(
        text.matches("the run did not end by itself").count(),
        1,
        "{text}"
    );
    let ran = undo(&place, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let history = place.run(&["history"]);
    let undone = format!("an undo of {}", runs(&place)[0]);
    assert!(history.stdout.contains(&undone), "{}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_since_is_not_nothing_ever() {
    let place = place().await;
    let since = |place: &Place| place.run(&["history", "--since", "0s"]).stdout;
    assert_eq!(since(&place), "Nothing was applied yet.\n");
    place.object(&order(12, json!({})));
    apply(&place);
    assert_eq!(
        since(&place),
        "Nothing was applied in that time; there are older runs.\n"
    );
}
