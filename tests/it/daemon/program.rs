//! The real program: a file is saved, a commit is pushed, a signal comes.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entitle::apply::journal::JournalEvent;

use super::git::Repository;
use super::{LAC, order_manifest};
use crate::support::past::History;
use crate::support::program::Workspace;

/// A daemon as a process; what it still does when the test ends is nobody's concern.
pub struct DaemonProcess(Child);

impl Drop for DaemonProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl DaemonProcess {
    pub fn start(workspace: &Workspace, arguments: &[&str]) -> Self {
        let mut command = workspace.command(arguments);
        let log = std::fs::File::create(workspace.dir.path().join("daemon.log")).expect("a log");
        Self(
            command
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("it starts"),
        )
    }

    pub fn send_signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    pub fn wait_for_exit(mut self) -> i32 {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status.code().expect("an exit code");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

/// Five orders at a vendor, and a connection to it.
pub async fn five_orders() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace
        .sandbox
        .set_state("lac", (LAC.account)(5))
        .expect("a good account");
    workspace.connect("lac");
    workspace
}

pub fn activations_allowed(workspace: &Workspace, number: usize) -> i64 {
    let state = workspace.sandbox.state("lac").expect("a vendor");
    let object = state.pointer(&(LAC.place)(number)).expect("there");
    object["activations_allowed"].as_i64().expect("a number")
}

/// Waits for something outside this process, which no simulated clock reaches.
#[track_caller]
pub fn wait_for(workspace: &Workspace, what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        let log = workspace.dir.path().join("daemon.log");
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{what} never came: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_a_write_on_the_wire_however_it_is_saved() {
    let workspace = five_orders().await;
    workspace.write("licences/order.yaml", &order_manifest(0, 10).text());
    let daemon = DaemonProcess::start(
        &workspace,
        &["watch", "licences", "lac.yaml", "--mode", "sync"],
    );
    let read = || !workspace.sandbox.requests().is_empty();
    wait_for(&workspace, "the first look", read);
    workspace.write("licences/order.yaml", &order_manifest(0, 20).text());
    wait_for(&workspace, "the written file", || {
        activations_allowed(&workspace, 0) == 20
    });
    // As editors save: another file takes the name.
    workspace.write("licences/.order.yaml.swp", &order_manifest(0, 21).text());
    let dir = workspace.dir.path().join("licences");
    std::fs::rename(dir.join(".order.yaml.swp"), dir.join("order.yaml")).expect("renamed");
    wait_for(&workspace, "the renamed file", || {
        activations_allowed(&workspace, 0) == 21
    });
    // A broken one changes nothing, and the next good one does.
    workspace.write("licences/order.yaml", "apiVersion: entitle.dev/v1\nkind: [");
    workspace.write("licences/more.yaml", &order_manifest(1, 30).text());
    let log =
        || std::fs::read_to_string(workspace.dir.path().join("daemon.log")).unwrap_or_default();
    wait_for(&workspace, "the complaint", || {
        log().contains("last good manifests stay in force")
    });
    assert_eq!(
        (
            activations_allowed(&workspace, 0),
            activations_allowed(&workspace, 1)
        ),
        (21, 10)
    );
    workspace.write("licences/order.yaml", &order_manifest(0, 22).text());
    wait_for(&workspace, "both", || {
        (
            activations_allowed(&workspace, 0),
            activations_allowed(&workspace, 1),
        ) == (22, 30)
    });
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_link_is_seen_as_a_mounted_volume_swaps_it() {
    let workspace = five_orders().await;
    workspace.write("volume/..1/order.yaml", &order_manifest(0, 10).text());
    let volume = workspace.dir.path().join("volume");
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, volume.join(name));
    link("..1", "..data").expect("a link");
    link("..data/order.yaml", "order.yaml").expect("a link");
    let _daemon = DaemonProcess::start(
        &workspace,
        &["watch", "volume", "lac.yaml", "--mode", "sync"],
    );
    wait_for(&workspace, "the first look", || {
        !workspace.sandbox.requests().is_empty()
    });
    workspace.write("volume/..2/order.yaml", &order_manifest(0, 20).text());
    link("..2", "..data_tmp").expect("a link");
    std::fs::rename(volume.join("..data_tmp"), volume.join("..data")).expect("swapped");
    wait_for(&workspace, "the swapped volume", || {
        activations_allowed(&workspace, 0) == 20
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_followed_whatever_directory_its_path_leads_to() {
    let workspace = five_orders().await;
    let dir = workspace.dir.path();
    let swap = |target: &str| {
        std::os::unix::fs::symlink(target, dir.join("new")).expect("a link");
        std::fs::rename(dir.join("new"), dir.join("current")).expect("swapped");
    };
    workspace.write("rel/1/lic/order.yaml", &order_manifest(0, 10).text());
    workspace.write("rel/2/lic/order.yaml", &order_manifest(0, 20).text());
    swap("rel/1");
    let arguments = ["watch", "current/lic", "lac.yaml", "--mode", "sync"];
    let daemon = DaemonProcess::start(&workspace, &arguments);
    wait_for(&workspace, "the first look", || {
        !workspace.sandbox.requests().is_empty()
    });
    swap("rel/2");
    wait_for(&workspace, "the swapped link", || {
        activations_allowed(&workspace, 0) == 20
    });
    workspace.write("rel/2/lic/order.yaml", &order_manifest(0, 21).text());
    wait_for(&workspace, "a save behind the link", || {
        activations_allowed(&workspace, 0) == 21
    });
    std::fs::rename(dir.join("rel"), dir.join("old")).expect("moved");
    wait_for(&workspace, "the complaint", || {
        read_log(&workspace).contains("the source is not followed")
    });
    workspace.write("rel/2/lic/order.yaml", &order_manifest(0, 22).text());
    wait_for(&workspace, "the directory made anew", || {
        activations_allowed(&workspace, 0) == 22
    });
    workspace.write("rel/2/lic/order.yaml", &order_manifest(0, 23).text());
    wait_for(&workspace, "a save in it", || {
        activations_allowed(&workspace, 0) == 23
    });
    wait_for(&workspace, "the good news", || {
        read_log(&workspace).contains("the source is followed again")
    });
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_sees_what_no_event_tells() {
    let workspace = five_orders().await;
    workspace.write("licences/order.yaml", &order_manifest(0, 10).text());
    let arguments = ["watch", "licences", "lac.yaml", "--mode", "sync", "--poll"];
    let _daemon = DaemonProcess::start(&workspace, &arguments);
    wait_for(&workspace, "the first look", || {
        !workspace.sandbox.requests().is_empty()
    });
    workspace.write("licences/order.yaml", &order_manifest(0, 20).text());
    wait_for(&workspace, "the saved file", || {
        activations_allowed(&workspace, 0) == 20
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_commit_is_followed_and_a_broken_one_is_not() {
    let workspace = five_orders().await;
    let connection = std::fs::read_to_string(workspace.dir.path().join("lac.yaml")).expect("there");
    let repository = Repository::new();
    repository.commit("licences/lac.yaml", &connection);
    repository.commit("licences/order.yaml", &order_manifest(0, 20).text());
    let url = repository.url();
    let arguments = [
        "watch",
        "--git",
        &url,
        "--path",
        "licences",
        "--interval",
        "1s",
        "--mode",
        "sync",
        "--log-format",
        "json",
    ];
    let mut workspace = workspace;
    let path = std::env::var("PATH").unwrap_or_default();
    workspace.set("PATH", &path);
    let daemon = DaemonProcess::start(&workspace, &arguments);
    wait_for(&workspace, "the first commit", || {
        activations_allowed(&workspace, 0) == 20
    });
    repository.commit(
        "licences/order.yaml",
        "apiVersion: entitle.dev/v1\nkind: Nonsense\n",
    );
    let log =
        || std::fs::read_to_string(workspace.dir.path().join("daemon.log")).unwrap_or_default();
    wait_for(&workspace, "the complaint", || {
        log().contains("last good manifests stay in force")
    });
    assert!(log().lines().all(|line| line.starts_with('{')), "{}", log());
    repository.commit("licences/order.yaml", &order_manifest(0, 21).text());
    wait_for(&workspace, "the good commit", || {
        activations_allowed(&workspace, 0) == 21
    });
    // The remote goes away and comes back.
    let bare = repository.dir.path().join("bare.git");
    let away = repository.dir.path().join("away.git");
    std::fs::rename(&bare, &away).expect("gone");
    wait_for(&workspace, "the second complaint", || {
        log().contains("git fetch")
    });
    std::fs::rename(&away, &bare).expect("back");
    repository.commit("licences/order.yaml", &order_manifest(0, 22).text());
    wait_for(&workspace, "the remote again", || {
        activations_allowed(&workspace, 0) == 22
    });
    daemon.send_signal("INT");
    assert_eq!(daemon.wait_for_exit(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_is_a_trial_with_the_codes_of_apply() {
    let workspace = five_orders().await;
    workspace.object(&order_manifest(0, 20));
    let ran = workspace.run(&["watch", "--once"]);
    assert_eq!(
        (ran.code, activations_allowed(&workspace, 0)),
        (0, 10),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("activations_allowed 10 → 20"),
        "{}",
        ran.stdout
    );
    let ran = workspace.run(&["watch", "--once", "--mode", "sync"]);
    assert_eq!(
        (ran.code, activations_allowed(&workspace, 0)),
        (0, 20),
        "{}",
        ran.stderr
    );
    workspace.object(&order_manifest(0, 10));
    let ran = workspace.run(&["watch", "--once", "--mode", "sync"]);
    assert_eq!(
        (ran.code, activations_allowed(&workspace, 0)),
        (4, 20),
        "{}",
        ran.stdout
    );
    workspace.write("broken.yaml", "apiVersion: entitle.dev/v1\nkind: [");
    let ran = workspace.run(&["watch", "--once"]);
    ran.failed(1, "broken.yaml:2");
}

/// Somebody else changes an order.
fn edit_order(workspace: &Workspace, number: usize, allowed: i64) {
    let mut state = workspace.sandbox.state("lac").expect("a vendor");
    let object = state.pointer_mut(&(LAC.place)(number)).expect("there");
    object["activations_allowed"] = allowed.into();
    workspace
        .sandbox
        .set_state("lac", state)
        .expect("a good account");
}

pub fn read_log(workspace: &Workspace) -> String {
    std::fs::read_to_string(workspace.dir.path().join("daemon.log")).unwrap_or_default()
}

/// An edit right after a write looks like a write that shows late, which is not waited for here.
const SYNC: [&str; 9] = [
    "watch", "licences", "lac.yaml", "--mode", "sync", "--resync", "1s", "--settle", "0s",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_and_the_windows_hold_the_real_program() {
    let mut workspace = Workspace::new().await;
    workspace
        .sandbox
        .set_state("lac", (LAC.account)(12))
        .expect("a good account");
    workspace.connect("lac");
    for number in 0..12 {
        workspace.object(&order_manifest(number, if number < 4 { 20 } else { 10 }));
    }
    let once = |more: &[&str]| {
        let arguments = [&["watch", "--once", "--mode", "sync"], more].concat();
        let ran = workspace.run(&arguments);
        let written = (0..12).filter(|number| activations_allowed(&workspace, *number) == 20);
        (ran.code, written.count(), ran.stdout)
    };
    let (code, written, said) = once(&[]);
    assert_eq!((code, written), (4, 0), "{said}");
    assert!(said.contains("4 of 12 objects"), "{said}");
    let few = "--max-changes=4";
    // The hours of a wall in another zone, and windows long enough that this hour may end meanwhile.
    let zone = jiff::tz::TimeZone::get("Asia/Kolkata").expect("a zone");
    let hour = jiff::Timestamp::now().to_zoned(zone).hour();
    let window = |kind: &str, from: i8, length: &str| {
        let hour = (hour + from).rem_euclid(24);
        format!("--window={kind} 0 {hour} * * * for {length} in Asia/Kolkata")
    };
    for closed in [window("allow", 3, "2h"), window("deny", -1, "4h")] {
        let (code, written, said) = once(&[few, &closed]);
        assert_eq!((code, written), (0, 0), "{closed}: {said}");
        assert!(said.contains("waiting for a change window"), "{said}");
    }
    let (code, written, said) = once(&[few, &window("allow", -1, "4h")]);
    assert_eq!((code, written), (0, 4), "{said}");
    // All under the lock of that one run.
    let journal = workspace.dir.path().join("state/entitle/journal.jsonl");
    let history = History::read(&journal);
    let mut epochs: Vec<Option<u64>> = Vec::new();
    for record in history.records {
        if let JournalEvent::Intent(intent) = record.event {
            epochs.push(intent.epoch);
        }
    }
    assert!(epochs[0].is_some_and(|epoch| epoch > 0), "{epochs:?}");
    assert_eq!(epochs, [epochs[0]; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_each_write_and_counts_what_is_alike() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let account = (LAC.account)(12);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    for number in 0..12 {
        workspace.object(&order_manifest(number, if number < 8 { 20 } else { 10 }));
    }
    let log_of = |more: &[&str]| {
        let ran = workspace.run(&[&["watch", "--once"], more].concat());
        let lines = ran.stderr.lines().map(str::to_string);
        lines.collect::<Vec<String>>()
    };
    let log = log_of(&["--mode=observe"]);
    let waiting: Vec<&String> = log
        .iter()
        .filter(|line| line.contains("only looks"))
        .collect();
    let [line] = waiting[..] else {
        panic!("one line: {log:#?}");
    };
    assert!(line.contains("objects=8"), "{line}");
    let log = log_of(&["--mode=sync", "--max-changes=8"]);
    let written: Vec<&String> = log
        .iter()
        .filter(|line| line.contains(" written "))
        .collect();
    assert_eq!(written.len(), 8, "{log:#?}");
    for line in written {
        let fields = "activations_allowed 10 → 20";
        assert!(
            line.contains("LacLicenseOrder/") && line.contains(fields),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_or_unreadable_directory_takes_nothing_out_of_force() {
    let workspace = five_orders().await;
    workspace.write("licences/order.yaml", &order_manifest(0, 10).text());
    let daemon = DaemonProcess::start(&workspace, &SYNC);
    let in_force = || read_log(&workspace).matches("in force").count();
    wait_for(&workspace, "the first manifests", || in_force() > 0);
    let path = workspace.dir.path().join("licences/order.yaml");
    std::fs::remove_file(&path).expect("removed");
    wait_for(&workspace, "the complaint", || {
        read_log(&workspace).contains("last good manifests stay in force")
    });
    edit_order(&workspace, 0, 4);
    wait_for(&workspace, "the old manifest's healing", || {
        activations_allowed(&workspace, 0) == 10
    });
    // One file is good, and what is in the other nobody can say.
    workspace.write("licences/order.yaml", &order_manifest(0, 20).text());
    wait_for(&workspace, "the file that is back", || {
        activations_allowed(&workspace, 0) == 20
    });
    let complaints = || read_log(&workspace).matches("last good manifests").count();
    let before = complaints();
    std::fs::write(
        workspace.dir.path().join("licences/more.yaml"),
        b"apiVersion: entitle.dev/v1\na: \xff\xfe",
    )
    .expect("written");
    wait_for(&workspace, "the second complaint", || complaints() > before);
    workspace.write("licences/order.yaml", &order_manifest(0, 30).text());
    edit_order(&workspace, 0, 4);
    wait_for(&workspace, "the good manifests' healing", || {
        activations_allowed(&workspace, 0) == 20
    });
    // A manifest that is a link to nothing; once it is gone, nothing else tells of the other file.
    std::fs::remove_file(workspace.dir.path().join("licences/more.yaml")).expect("removed");
    wait_for(&workspace, "the file beside it", || {
        activations_allowed(&workspace, 0) == 30
    });
    let dangling = workspace.dir.path().join("licences/gone.yaml");
    std::os::unix::fs::symlink("nowhere", &dangling).expect("a link");
    let before = complaints();
    workspace.write("licences/order.yaml", &order_manifest(0, 40).text());
    wait_for(&workspace, "the third complaint", || complaints() > before);
    std::fs::remove_file(&dangling).expect("removed");
    wait_for(&workspace, "what was saved meanwhile", || {
        activations_allowed(&workspace, 0) == 40
    });
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_object_is_left_alone_until_it_is_resumed() {
    let workspace = five_orders().await;
    for number in 0..2 {
        let name = format!("licences/order-{number}.yaml");
        workspace.write(&name, &order_manifest(number, 10).text());
    }
    let _daemon = DaemonProcess::start(&workspace, &SYNC);
    wait_for(&workspace, "the first look", || {
        !workspace.sandbox.requests().is_empty()
    });
    let name = order_manifest(0, 10).name;
    let here = ["--manifests", "licences,lac.yaml"];
    let ran = workspace.run(
        &[
            &["suspend", &name, "--reason", "a demo", "--until", "1h"],
            &here[..],
        ]
        .concat(),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    wait_for(&workspace, "the suspension", || {
        read_log(&workspace).contains("suspended")
    });
    // The other one shows that time goes by.
    for _ in 0..2 {
        edit_order(&workspace, 0, 4);
        edit_order(&workspace, 1, 4);
        wait_for(&workspace, "the other's healing", || {
            activations_allowed(&workspace, 1) == 10
        });
        assert_eq!(activations_allowed(&workspace, 0), 4);
        // The first write is read back: an edit before that would look like a write without effect.
        wait_for(&workspace, "a look after the write", || {
            let requests = workspace.sandbox.requests();
            let read = requests.iter().rposition(|seen| seen.method == "GET");
            read > requests.iter().rposition(|seen| seen.method == "PATCH")
        });
    }
    let ran = workspace.run(&[&["resume", &name], &here[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    wait_for(&workspace, "its healing", || {
        activations_allowed(&workspace, 0) == 10
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_any_moment_of_a_pass_finishes_what_is_in_flight_and_loses_nothing() {
    const ORDERS: usize = 6;
    // From before the first write to after the last one, as far as any machine is of one speed.
    for delay in [0, 4, 8, 16, 32, 64] {
        let mut workspace = Workspace::new().await;
        workspace
            .sandbox
            .set_state("lac", (LAC.account)(ORDERS))
            .expect("a good account");
        workspace.connect("lac");
        for number in 0..ORDERS {
            let name = format!("licences/order-{number}.yaml");
            workspace.write(&name, &order_manifest(number, 20).text());
        }
        let arguments = ["watch", "licences", "lac.yaml", "--mode", "sync"];
        let daemon = DaemonProcess::start(
            &workspace,
            &[&arguments[..], &["--max-changes", "100%"]].concat(),
        );
        wait_for(&workspace, "the first look", || {
            !workspace.sandbox.requests().is_empty()
        });
        std::thread::sleep(Duration::from_millis(delay));
        daemon.send_signal("TERM");
        assert_eq!(daemon.wait_for_exit(), 0, "after {delay} ms");
        let journal = workspace.dir.path().join("state/entitle/journal.jsonl");
        let history = History::read(&journal);
        assert_eq!(history.open_intents(), [], "after {delay} ms");
        assert_eq!(history.damaged, 0, "after {delay} ms");
        let rest = workspace.run(&[&arguments[..], &["--once", "--max-changes", "100%"]].concat());
        assert_eq!(rest.code, 0, "after {delay} ms: {}", rest.stderr);
        let requests = workspace.sandbox.requests();
        let writes = requests.iter().filter(|seen| seen.method == "PATCH");
        assert_eq!(writes.count(), ORDERS, "after {delay} ms");
        assert!((0..ORDERS).all(|number| activations_allowed(&workspace, number) == 20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_in_vain_and_side_effects_are_logged_once() {
    let mut workspace = five_orders().await;
    let mut vain = order_manifest(0, 10);
    vain.desired["licensee"] = "Rivers".into();
    workspace.write("lac/order.yaml", &vain.text());
    let mut account = (LAC.account)(5);
    let stored = account.pointer_mut(&(LAC.place)(0)).expect("there");
    stored["licensee_type"] = "customer".into();
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    let vendor = &crate::conformance::vendors::licensespring::VENDOR;
    let mut account = (vendor.account)(3);
    account["product_features"][0]["allow_unlimited_consumptions"] = true.into();
    workspace
        .sandbox
        .set_state(vendor.name, account)
        .expect("an account");
    let omitted = serde_json::json!({"omitted": "redefault"});
    workspace
        .sandbox
        .set_switches(vendor.name, omitted)
        .expect("a switch");
    workspace.connect(vendor.name);
    workspace.object(&vendor.little(0, true));
    let daemon = DaemonProcess::start(&workspace, &["watch", ".", "--mode", "sync"]);
    let effect = "side effect of the write: product_features[f1].allow_unlimited_consumptions";
    wait_for(&workspace, "the side effect", || {
        read_log(&workspace).contains(effect)
    });
    let vain = "`licensee` has no effect unless `licensee_type` is fixed";
    wait_for(&workspace, "the vain wish", || {
        read_log(&workspace).contains(vain)
    });
    let seen = workspace.sandbox.requests().len();
    daemon.send_signal("HUP");
    wait_for(&workspace, "another look", || {
        workspace.sandbox.requests().len() >= seen + 2
    });
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
    assert_eq!(
        read_log(&workspace).matches(vain).count(),
        1,
        "{}",
        read_log(&workspace)
    );
}
