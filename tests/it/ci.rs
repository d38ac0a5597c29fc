//! The jobs of the examples one after the other, each on a machine of its own: scripts and environments are those of the
//! files.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::conformance::vendors::lac;
use super::support::ci::{self, HOSTS, Host, Settings};
use super::support::golden;
use super::support::program::{Ran, Workspace};

const SEATS: &str = "activations_allowed";

/// A repository whose orders have ten seats and more at the vendor, and of which the first is to have twelve.
struct Team {
    host: Host,
    workspace: Workspace,
    settings: Settings,
}

impl Team {
    /// With `store` the runs share one.
    async fn new(host: Host, store: bool) -> Self {
        let mut workspace = Workspace::new().await;
        workspace.connect_by_login("lac");
        let account = (lac::VENDOR.account)(2);
        workspace
            .sandbox
            .set_state("lac", account)
            .expect("an account");
        let dir = workspace.dir.path().to_path_buf();
        std::fs::create_dir(dir.join("licences")).expect("a directory");
        std::fs::rename(dir.join("lac.yaml"), dir.join("licences/lac.yaml")).expect("moved");
        let mut settings = Settings::from([("project".into(), dir.display().to_string())]);
        // The jobs find credentials where their files say, and nothing else of this machine.
        for (name, value) in std::mem::take(&mut workspace.environment) {
            if name.starts_with("LAC_") {
                settings.insert(format!("secrets.{name}"), value);
            }
        }
        if store {
            let store = format!("file:{}", dir.join("shared").display());
            settings.insert("vars.ENTITLE_STORE".into(), store);
        }
        let team = Self {
            host,
            workspace,
            settings,
        };
        team.git(&["init", "--quiet"]);
        team.merge(0, 12);
        team
    }

    fn git(&self, arguments: &[&str]) {
        let ended = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(self.workspace.dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    }

    /// Writes a manifest that wants so many seats of an order.
    fn want(&self, order: usize, seats: i64) {
        let mut object = lac::VENDOR.little(order, false);
        object.desired = json!({"customer_id": 1, SEATS: seats});
        let path = format!("licences/{}.yaml", object.name);
        self.workspace.write(&path, &object.text());
    }

    /// The same on the default branch.
    fn merge(&self, order: usize, seats: i64) {
        self.want(order, seats);
        self.git(&["add", "licences"]);
        self.git(&["commit", "--quiet", "--message", "a change"]);
    }

    fn live(&self, order: usize) -> Json {
        let account = self.workspace.sandbox.state("lac").expect("an account");
        account["license_orders"][order][SEATS].clone()
    }

    /// Somebody changes the first order at the vendor.
    fn change(&self, seats: i64) {
        let mut account = self.workspace.sandbox.state("lac").expect("an account");
        account["license_orders"][0][SEATS] = json!(seats);
        self.workspace
            .sandbox
            .set_state("lac", account)
            .expect("an account");
    }

    /// Runs a job on a machine that has nothing but the checkout, and the plan if it is handed on.
    fn job(&self, name: &str, inputs: &[(&str, &str)]) -> Ran {
        let machine = tempfile::tempdir_in(self.workspace.dir.path()).expect("a directory");
        let temp = machine.path().display().to_string();
        let dir = self.workspace.dir.path();
        let _ = std::fs::remove_dir_all(dir.join(".state"));
        if name == "apply" && self.host == Host::GitHub {
            std::fs::create_dir(machine.path().join("plan")).expect("a directory");
            let plan = machine.path().join("plan/plan.json");
            std::fs::rename(dir.join("plan.json"), plan).expect("the plan of the other job");
        }
        let mut settings = self.settings.clone();
        settings.insert("runner.temp".into(), temp.clone());
        let inputs = inputs.iter();
        settings.extend(inputs.map(|(name, value)| (format!("inputs.{name}"), (*value).into())));
        let mut job = self.host.job(name, &settings);
        // The simulators are on this machine.
        let hosts = job.environment.get_mut("ENTITLE_TRUST_HOSTS");
        *hosts.expect("the example sets it") = "127.0.0.1".into();
        job.environment.insert("HOME".into(), temp.clone());
        let mut ran = ci::run(&self.workspace, &job);
        // At GitHub a step says with which code it ended.
        let output = std::fs::read_to_string(machine.path().join("output")).unwrap_or_default();
        let code = output.lines().find_map(|line| line.strip_prefix("code="));
        if let (Some(code), 0) = (code, ran.code) {
            ran.code = code.parse().expect("a number");
        }
        ran
    }

    #[track_caller]
    fn passes(&self, name: &str, inputs: &[(&str, &str)]) {
        let ran = self.job(name, inputs);
        assert_eq!(ran.code, 0, "{name} of {:?}: {ran:?}", self.host);
    }

    /// Looks for drift: the code, and the page for people.
    fn drift(&self) -> (i32, String) {
        let ran = self.job("drift", &[]);
        let page = std::fs::read_to_string(self.workspace.dir.path().join("drift.md"));
        (ran.code, page.expect("a page"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_job_did_the_next_knows_by_the_store() {
    for host in HOSTS {
        let team = Team::new(host, true).await;
        team.passes("plan", &[]);
        team.passes("apply", &[]);
        assert_eq!(team.live(0), 12, "{host:?}");

        team.change(5);
        let (code, page) = team.drift();
        assert_eq!(code, 2, "{host:?}: {page}");
        assert!(page.contains("# they: activations_allowed"), "{page}");
        assert!(page.contains("# last apply "), "{page}");

        // What was merged and is not applied yet is ours.
        team.change(12);
        team.merge(0, 15);
        let (code, page) = team.drift();
        assert_eq!(code, 0, "{host:?}: {page}");
        assert!(page.contains("# you: activations_allowed"), "{page}");

        let refused = team.job("undo", &[("run", "latest")]);
        assert_eq!(refused.code, 4, "{refused:?}");
        team.passes("undo", &[("run", "latest"), ("allow", "strand")]);
        assert_eq!(team.live(0), 10, "{host:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_drift_goes_by_the_commit_and_nothing_can_be_undone() {
    for host in HOSTS {
        let team = Team::new(host, false).await;
        team.passes("plan", &[]);
        team.passes("apply", &[]);
        team.change(5);
        let (code, page) = team.drift();
        assert_eq!(code, 2, "{host:?}: {page}");
        for words in ["# they: ", "base: commit", "looks like a change of theirs"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let undo = team.job("undo", &[("run", "latest"), ("allow", "strand")]);
        assert_eq!(undo.code, 1, "{undo:?}");
        assert!(undo.stderr.contains("--store names the one"), "{undo:?}");
    }
}

/// Why branches need not be up to date.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_applied_that_other_merges_have_overtaken() {
    let team = Team::new(Host::GitHub, true).await;
    let plan = team.workspace.dir.path().join("plan.json");
    team.passes("plan", &[]);
    team.passes("apply", &[]);
    // Two pull requests from the same main.
    let mut plans = Vec::new();
    for (order, seats) in [(0, 13), (1, 20)] {
        team.want(order, seats);
        team.passes("plan", &[]);
        plans.push(std::fs::read(&plan).expect("a plan"));
        team.git(&["restore", "licences"]);
        team.git(&["clean", "--quiet", "--force", "licences"]);
    }
    for (order, seats) in [(0, 13), (1, 20)] {
        team.merge(order, seats);
        std::fs::write(&plan, &plans[order]).expect("an artifact");
        team.passes("apply", &[]);
        assert_eq!(team.live(order), seats);
    }
    assert_eq!(team.live(0), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_store_away_a_plan_goes_on_and_an_apply_sends_nothing() {
    for host in HOSTS {
        let mut team = Team::new(host, false).await;
        let store = "postgres://nobody@127.0.0.1:1/entitle";
        team.settings
            .insert("secrets.ENTITLE_STORE".into(), store.into());
        let plan = team.job("plan", &[]);
        assert_eq!(plan.code, 0, "{plan:?}");
        assert!(plan.stderr.contains("going on without"), "{plan:?}");
        let live = team.live(0);
        for (job, inputs) in [
            ("apply", &[][..]),
            ("undo", &[("run", "latest")]),
            // Which does not pass for drift.
            ("drift", &[]),
        ] {
            let ran = team.job(job, inputs);
            assert_eq!(ran.code, 1, "{job} of {host:?}: {ran:?}");
        }
        assert_eq!(team.live(0), live, "{host:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_init_writes_is_the_example() {
    let workspace = Workspace::new().await;
    let mut faults = Vec::new();
    for (host, ci, path) in [
        (Host::GitHub, "github", ".github/workflows/licences.yaml"),
        (Host::GitLab, "gitlab", ".gitlab-ci.yml"),
    ] {
        let url = "https://lac.example.com";
        // A repository for each, since both have jobs at its top.
        workspace.write(&format!("{ci}/.git/HEAD"), "ref: refs/heads/main\n");
        let dir = format!("{ci}/licences");
        let init = ["init", &dir, "--vendor", "lac", "--base-url", url, "--yes"];
        let ran = workspace.run(&[&init[..], &["--auth", "login", "--ci", ci]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains(path), "{}", ran.stderr);
        let written = std::fs::read_to_string(workspace.dir.path().join(ci).join(path));
        let example: PathBuf = golden::tests_dir().join("../examples/ci").join(host.file());
        faults.extend(golden::compare(&example, &written.expect("jobs")).err());
    }
    golden::all_well(faults);
}
