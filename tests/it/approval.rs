//! What `apply` asks at a terminal, and which answer approves.

#![cfg(unix)]

use super::conformance::vendors::lac;
use super::support::program::Workspace;
use super::support::terminal;

/// Orders of 10 activations, of which 3 are in use, and manifests that want so many.
async fn orders(wanted: &[i64]) -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace.set("NO_COLOR", "1");
    let account = (lac::VENDOR.account)(wanted.len());
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    for (number, activations) in wanted.iter().enumerate() {
        let text = format!(
            "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: order-{number}}}\n\
             spec:\n  activationKey: 0000{number}-LAC00-ORDER-00000\n  \
             desired: {{customer_id: 1, activations_allowed: {activations}}}\n"
        );
        workspace.write(&format!("order-{number}.yaml"), &text);
    }
    workspace
}

/// The exit code, what the terminal showed, and how many writes reached the vendor.
fn answer(workspace: &Workspace, typed: &str) -> (i32, String, usize) {
    let command = workspace.command(&["apply"]);
    let before = writes(workspace);
    let (code, shown) = terminal::converse(command, typed);
    (code, shown, writes(workspace) - before)
}

fn writes(workspace: &Workspace) -> usize {
    let requests = workspace.sandbox.requests();
    let writes = requests.iter().filter(|one| one.method == "PATCH");
    writes.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_strand_only_yes_is_accepted() {
    let workspace = orders(&[12, 13]).await;
    for typed in ["\n", "y\n", "YES\n", "2\n", "no\n", "\u{4}"] {
        let (code, shown, sent) = answer(&workspace, typed);
        assert_eq!((code, sent), (1, 0), "{typed:?}: {shown}");
        let question = "Update 2 objects? Only \"yes\" is accepted: ";
        assert!(shown.contains(question), "{shown}");
        assert!(shown.contains("Nothing was changed."), "{shown}");
    }
    let (code, shown, sent) = answer(&workspace, "yes\n");
    assert_eq!((code, sent), (0, 2), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_is_counted_in_the_question_and_no_flag_is_named() {
    let workspace = orders(&[5, 6, 12]).await;
    let (code, shown, sent) = answer(&workspace, "yes\n");
    assert_eq!((code, sent), (0, 3), "{shown}");
    let question = "Update 3 objects? 2 changes reduce. Only \"yes\" is accepted: ";
    assert!(shown.contains(question), "{shown}");
    assert!(!shown.contains("--allow"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strand_is_accepted_by_the_number_of_its_changes_and_by_nothing_else() {
    let workspace = orders(&[5, 6, 1, 2, 12]).await;
    let question = "Update 5 objects? 2 changes reduce, 2 strand 3 users. \
                    Type the number of changes that strand: ";
    for typed in [
        "yes\n", "\n", "1\n", "3\n", "5\n", "02\n", "2 yes\n", "\u{4}",
    ] {
        let (code, shown, sent) = answer(&workspace, typed);
        assert_eq!((code, sent), (1, 0), "{typed:?}: {shown}");
        assert!(shown.contains(question), "{shown}");
        assert!(!shown.contains("--allow"), "{shown}");
        let hint = "\"yes\" does not accept a plan that strands users.";
        assert_eq!(shown.contains(hint), typed == "yes\n", "{shown}");
    }
    let (code, shown, sent) = answer(&workspace, "2\n");
    assert_eq!((code, sent), (0, 5), "{shown}");
}
