//! `--max-requests`: what a run takes is known before the first write, to the request.

use super::conformance::vendors::lac;
use super::support::program::Workspace;

/// Orders whose manifests want another number of activations.
async fn orders(count: usize) -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect_by_login("lac");
    // One after the other, so that no two steps share a read.
    workspace.set("ENTITLE_PARALLELISM", "1");
    let account = (lac::VENDOR.account)(count);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    for number in 0..count {
        let text = format!(
            "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: order-{number}}}\n\
             spec:\n  activationKey: 0000{number}-LAC00-ORDER-00000\n  \
             desired: {{customer_id: 1, activations_allowed: 12}}\n"
        );
        workspace.write(&format!("order-{number}.yaml"), &text);
    }
    workspace
}

fn writes(workspace: &Workspace) -> usize {
    let requests = workspace.sandbox.requests();
    let writes = requests.iter().filter(|one| one.method == "PATCH");
    writes.count()
}

fn sent(workspace: &Workspace) -> usize {
    usize::try_from(workspace.sandbox.request_count()).expect("few")
}

/// The requests of a run that nothing limits.
async fn counted(arguments: &[&str]) -> usize {
    let workspace = orders(3).await;
    if arguments.contains(&"plan.json") {
        workspace.run(&["plan", "--out", "plan.json"]);
        workspace.sandbox.forget_requests();
    }
    let ran = workspace.run(arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(writes(&workspace), 3);
    sent(&workspace)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_refused_by_one_request_too_many_and_not_by_as_many_as_it_takes() {
    let run = ["apply", "--auto-approve", "--max-requests"];
    let all = counted(&run[..2]).await;
    let workspace = orders(3).await;
    let ran = workspace.run(&[&run[..], &[&(all - 1).to_string()]].concat());
    assert_eq!((ran.code, writes(&workspace)), (4, 0), "{}", ran.stdout);
    let words = format!("the run takes up to {all} requests (");
    let flat = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flat.matches(&words).count(), 1, "{}", ran.stdout);
    let words = format!("and --max-requests allows {}: nothing was written", all - 1);
    assert!(flat.contains(&words), "{}", ran.stdout);
    assert_eq!(ran.stderr, "", "it is said once");

    let workspace = orders(3).await;
    let ran = workspace.run(&[&run[..], &[&all.to_string()]].concat());
    assert_eq!((ran.code, writes(&workspace)), (0, 3), "{}", ran.stderr);
    assert_eq!(sent(&workspace), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_an_apply_would_be_refused_for() {
    let all = counted(&["apply", "--auto-approve"]).await;
    let workspace = orders(3).await;
    let limit = (all - 1).to_string();
    let ran = workspace.run(&["plan", "--out", "plan.json", "--max-requests", &limit]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let words = format!("the run takes up to {all} requests (");
    assert!(ran.stderr.contains(&words), "{}", ran.stderr);
    assert!(ran.stdout.contains("Plan: 3 to update"), "{}", ran.stdout);
    assert!(workspace.dir.path().join("plan.json").exists());
    let ran = workspace.run(&["plan", "--max-requests", &all.to_string()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_has_its_login_and_all_reads_to_come() {
    let all = counted(&["apply", "plan.json"]).await;
    for (limit, ends, written) in [(all - 1, 4, 0), (all, 0, 3)] {
        let workspace = orders(3).await;
        workspace.run(&["plan", "--out", "plan.json"]);
        workspace.sandbox.forget_requests();
        let limit = limit.to_string();
        let ran = workspace.run(&["apply", "plan.json", "--max-requests", &limit]);
        assert_eq!((ran.code, writes(&workspace)), (ends, written), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reason_for_all_objects_is_said_once() {
    let workspace = orders(3).await;
    for limit in [["--max-changes", "2"], ["--max-requests", "0"]] {
        let ran = workspace.run(&[&["apply", "--auto-approve"][..], &limit].concat());
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        let both = format!("{}{}", ran.stdout, ran.stderr);
        let words = format!("{} allows {}", limit[0], limit[1]);
        let flat = both.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(flat.matches(&words).count(), 1, "{both}");
        assert!(
            ran.stdout.contains("! 3 × LacLicenseOrder  refused"),
            "{}",
            ran.stdout
        );
        // Programs find it at each object.
        let ran =
            workspace.run(&[&["apply", "--auto-approve", "--format", "json"][..], &limit].concat());
        assert_eq!(ran.stdout.matches(&words).count(), 3, "{}", ran.stdout);
        assert!(ran.stderr.contains(&words), "{}", ran.stderr);
    }
    assert_eq!(writes(&workspace), 0);
}
