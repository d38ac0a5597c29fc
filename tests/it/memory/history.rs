//! What `history` tells of runs that only looked, broke off, or take something back.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_only_looked_are_told_from_those_that_broke_off() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    cut_off(&workspace);
    apply(&workspace);
    let history = workspace.run(&["history"]);
    let text = &history.stdout;
    assert!(text.contains("cut off while it was written"), "{text}");
    assert!(text.contains("found later: carried out"), "{text}");
    assert!(text.contains("only looked"), "{text}");
    assert_eq!(
        text.matches("the run did not end by itself").count(),
        1,
        "{text}"
    );
    let ran = undo(&workspace, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let history = workspace.run(&["history"]);
    let undone = format!("an undo of {}", runs(&workspace)[0]);
    assert!(history.stdout.contains(&undone), "{}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_since_is_not_nothing_ever() {
    let workspace = workspace().await;
    let since = |workspace: &Workspace| workspace.run(&["history", "--since", "0s"]).stdout;
    assert_eq!(since(&workspace), "Nothing was applied yet.\n");
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    assert_eq!(
        since(&workspace),
        "Nothing was applied in that time; there are older runs.\n"
    );
}
