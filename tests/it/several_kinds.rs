//! Several kinds of objects in one account: what lists them, names them and remembers them tells them apart, and a call
//! that shows several kinds is sent once.

use entitle::model::Kind;
use entitle::provider;
use entitle::reconcile::import::{self, Ask, KindRead, ReadObjects};
use serde_json::{Value as Json, json};

use super::conformance::vendors::{cryptlex, lac};
use super::support::bench::{Bench, Object, converged, in_sync};
use super::support::program::{Ran, Workspace};

const LICENSE: &str = "CryptlexOrganizationLicense";
const GROUP: &str = "CryptlexUserGroup";
/// The id of a group, which the account gives to a license as well.
const ID: &str = "a4f8d1b0-1111-4c22-8f33-000000000001";

fn organization() -> Json {
    (cryptlex::VENDOR.ids)(0)["organizationId"].clone()
}

/// An account with three licenses, the first of which has the id of a group, and four groups.
fn account() -> Json {
    let mut account = (cryptlex::VENDOR.account)(3);
    account["organizations"][0]["licenses"][0]["id"] = json!(ID);
    account
}

/// A license and a group with one id and one name.
fn twins() -> [Object; 2] {
    let license = json!({"organizationId": organization(), "licenseId": ID});
    let group = json!({"organizationId": organization(), "userGroupId": ID});
    [
        Object::new(LICENSE, "twin", license, (cryptlex::VENDOR.small)(0)),
        Object::new(GROUP, "twin", group, json!({"name": "Field sales"})),
    ]
}

/// A group that its manifest names by its name.
fn keyed_group(name: &str) -> Object {
    let ids = json!({"organizationId": organization(), "userGroup": {"name": name}});
    Object::new(GROUP, "keyed", ids, json!({"name": name}))
}

/// A workspace whose commands read these two kinds, unless they name others.
async fn workspace() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("cryptlex");
    workspace.set("ENTITLE_KIND", &format!("{LICENSE},{GROUP}"));
    load(&workspace, account());
    workspace
}

fn load(workspace: &Workspace, account: Json) {
    let loaded = workspace.sandbox.set_state("cryptlex", account);
    loaded.expect("an account");
    workspace.sandbox.forget_requests();
}

fn write_twins(workspace: &Workspace) {
    for (object, file) in twins().iter().zip(["license.yaml", "group.yaml"]) {
        workspace.write(file, &object.text());
    }
}

/// The paths that were read, without the vendor's own part, in the order of their text.
fn reads(bench: &Bench) -> Vec<String> {
    let mut reads: Vec<String> = bench
        .reads()
        .iter()
        .map(|call| call.replace("GET /cryptlex/v3/organizations", ""))
        .collect();
    reads.sort();
    bench.sandbox.forget_requests();
    reads
}

async fn list(bench: &Bench, kinds: &[&'static str]) -> Vec<ReadObjects> {
    let none = bench.check(&[]);
    let named: Vec<Kind> = kinds.iter().map(|kind| Kind(kind)).collect();
    let kinds = import::kinds_at(&none, "cryptlex", &named);
    let reads = import::read_kinds(
        &none,
        "cryptlex",
        &kinds,
        &Ask::Everything,
        &bench.settings(),
    )
    .await;
    let reads = reads.expect("an account").into_iter();
    reads
        .map(|KindRead { read, .. }| {
            let read = read.expect("a list");
            assert_eq!(read.failures, [""; 0]);
            read
        })
        .collect()
}

#[tokio::test]
async fn one_list_serves_all_kinds_that_it_shows() {
    let bench = Bench::new().await;
    cryptlex::VENDOR.load(&bench, account());
    let of = organization();
    let of = of.as_str().expect("an id");
    let organizations = "?limit=100&page=1".to_string();
    let licenses = format!("/{of}/licenses?limit=100&page=1");
    let groups = format!("/{of}/user-groups?limit=100&page=1");
    assert_eq!(list(&bench, &[LICENSE]).await[0].objects.len(), 3);
    assert_eq!(reads(&bench), [licenses.clone(), organizations.clone()]);
    assert_eq!(list(&bench, &[GROUP]).await[0].objects.len(), 4);
    assert_eq!(reads(&bench), [groups.clone(), organizations.clone()]);
    let both = list(&bench, &[LICENSE, GROUP]).await;
    assert_eq!((both[0].objects.len(), both[1].objects.len()), (3, 4));
    assert_eq!(reads(&bench), [licenses, groups, organizations]);
}

/// The listing of orders reads the customers as well, since orders do not name theirs by id.
#[tokio::test]
async fn the_customers_of_orders_are_listed_by_the_same_pages() {
    let bench = Bench::new().await;
    lac::VENDOR.load(&bench, (lac::VENDOR.account)(230));
    let none = bench.check(&[]);
    let mut calls = Vec::new();
    for named in [
        &["LacLicenseOrder"][..],
        &["LacCustomer", "LacLicenseOrder"],
    ] {
        let named: Vec<Kind> = named.iter().map(|kind| Kind(kind)).collect();
        let kinds = import::kinds_at(&none, "lac", &named);
        let reads =
            import::read_kinds(&none, "lac", &kinds, &Ask::Everything, &bench.settings()).await;
        for KindRead { read, .. } in reads.expect("an account") {
            let read = read.expect("a list");
            assert_eq!(read.failures, [""; 0]);
            assert!(!read.objects.is_empty());
        }
        let mut reads = bench.reads();
        reads.sort();
        calls.push(reads);
        bench.sandbox.forget_requests();
    }
    assert!(calls[0].iter().any(|call| call.contains("/customers")));
    assert_eq!(calls[0], calls[1]);
}

/// Every kind of every vendor that lists it: a plan right after an import finds all of it as it is.
#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_all_accounts_plan_empty_after_an_import() {
    let mut workspace = Workspace::new().await;
    for vendor in provider::ALL {
        workspace.connect(vendor.vendor().0);
    }
    let ran = workspace.run(&["import", "--all", "--out", "licences"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let texts: String = files(&workspace, "licences")
        .iter()
        .map(|file| read(&workspace, &format!("licences/{file}")))
        .collect();
    for kind in provider::all_kinds() {
        let is_there = texts.contains(&format!("kind: {}\n", kind.table().kind));
        assert_eq!(is_there, kind.listing().is_some(), "{}", kind.table().kind);
    }
    in_sync_all(&workspace, files(&workspace, "licences").len());
}

#[tokio::test]
async fn readings_of_two_kinds_share_the_calls_that_both_ask_for() {
    let bench = Bench::new().await;
    cryptlex::VENDOR.load(&bench, account());
    let mut license =
        cryptlex::VENDOR.object(1, json!({"userGroups": ["Engineering", "Field sales"]}));
    license.name = "by-name".into();
    let of = organization();
    let of = of.as_str().expect("an id");
    let groups = format!("/{of}/user-groups?limit=100&page=1");
    for (objects, calls) in [
        (vec![license.clone()], 2),
        (vec![keyed_group("Finance")], 1),
        (vec![license, keyed_group("Finance")], 2),
    ] {
        for planned in &bench.plan(&objects).await {
            in_sync(planned);
        }
        let reads = reads(&bench);
        assert_eq!(reads.len(), calls, "{reads:#?}");
        assert_eq!(reads.iter().filter(|call| **call == groups).count(), 1);
    }
}

#[tokio::test]
async fn objects_of_two_kinds_with_one_id_are_written_each_by_its_own_call() {
    let bench = Bench::new().await;
    cryptlex::VENDOR.load(&bench, account());
    for planned in &bench.plan(&twins()).await {
        in_sync(planned);
    }
    let [mut license, mut group] = twins();
    let (field, value) = (cryptlex::VENDOR.change)();
    license.desired[field] = value;
    group.desired["description"] = json!("On call");
    for report in bench.apply(&[license, group]).await {
        converged(&report);
    }
    let mut writes = bench.writes();
    writes.sort();
    let [first, second] = &writes[..] else {
        panic!("two writes: {writes:?}");
    };
    assert!(
        first.contains("/licenses/") && second.contains("/user-groups/"),
        "{writes:?}"
    );
}

/// The names of the files in a directory.
fn files(workspace: &Workspace, dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(workspace.dir.path().join(dir)).expect("a directory");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn read(workspace: &Workspace, file: &str) -> String {
    std::fs::read_to_string(workspace.dir.path().join(file)).expect("a file")
}

/// A plan of everything finds so many objects in sync, and nothing else.
#[track_caller]
fn in_sync_all(workspace: &Workspace, objects: usize) {
    let plan = workspace.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
    let words = format!("{objects} in sync");
    assert!(plan.stdout.contains(&words), "{}", plan.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_has_a_file_for_each_object_of_each_kind() {
    let workspace = workspace().await;
    let import = ["import", "--all", "--out", "licences"];
    let ran = workspace.run(&import);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("7 manifests written"), "{}", ran.stderr);
    // The license and the group of one id have one name, and so a file each that says the kind.
    let made = files(&workspace, "licences");
    assert_eq!(made.len(), 7, "{made:?}");
    for kind in [LICENSE, GROUP] {
        let file = format!("{ID}.{kind}.yaml");
        assert!(made.contains(&file), "{file} is not in {made:?}");
        let text = read(&workspace, &format!("licences/{file}"));
        assert!(text.contains(&format!("kind: {kind}\n")), "{text}");
        assert!(text.contains(&format!("name: {ID}\n")), "{text}");
    }
    let kinds = made.iter().filter(|file| file.contains(".Cryptlex"));
    assert_eq!(kinds.count(), 2, "{made:?}");
    in_sync_all(&workspace, 7);
    let again = workspace.run(&import);
    let counts = "Left as is: 7 objects with a manifest; ";
    assert!(again.stderr.contains(counts), "{}", again.stderr);
    // With --force each goes into its own file again.
    let file = format!("licences/{ID}.{GROUP}.yaml");
    let before = read(&workspace, &file);
    workspace.write(&file, &format!("{before}# mine\n"));
    let forced = workspace.run(&[&import[..], &["--force"]].concat());
    assert!(
        forced.stderr.contains("7 manifests written"),
        "{}",
        forced.stderr
    );
    assert_eq!(read(&workspace, &file), before);
    assert_eq!(files(&workspace, "licences"), made);
    // One stream of all kinds is read as they are.
    std::fs::remove_dir_all(workspace.dir.path().join("licences")).expect("removed");
    let streamed = workspace.run(&["import", "--all"]);
    workspace.write("all.yaml", &streamed.stdout);
    in_sync_all(&workspace, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_two_objects_of_one_name_is_not_written_over() {
    let workspace = workspace().await;
    let texts = twins().map(|object| object.text());
    workspace.write("licences/twin.yaml", &texts.join("---\n"));
    let before = read(&workspace, "licences/twin.yaml");
    let ran = workspace.run(&["import", "--all", "--out", "licences", "--force"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in [
        "5 manifests written",
        "Left as is: 2 objects with a manifest",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert_eq!(read(&workspace, "licences/twin.yaml"), before);
    in_sync_all(&workspace, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_narrows_what_is_read() {
    let mut workspace = workspace().await;
    let groups = workspace.run(&["import", "--all", "--kind", GROUP]);
    assert_eq!(groups.code, 0, "{}", groups.stderr);
    assert_eq!(
        groups.stdout.matches(&format!("kind: {GROUP}\n")).count(),
        4
    );
    assert!(!groups.stdout.contains(LICENSE), "{}", groups.stdout);
    let requests = workspace.sandbox.requests();
    assert!(requests.iter().all(|call| !call.path.contains("/licenses")));
    // Several, and by the environment.
    let both = format!("{GROUP},{LICENSE}");
    let all = workspace.run(&["unmanaged", "--kind", &both]);
    assert_eq!(all.stdout.lines().count(), 7, "{}", all.stdout);
    // An id is of one kind.
    let of = organization();
    let id = format!("{}/{ID}", of.as_str().expect("an id"));
    let ran = workspace.run(&["import", "--id", &id]);
    ran.failed(
        1,
        "`cryptlex` has objects of several kinds: say with --kind which of them the id is of; there are \
         CryptlexOrganizationLicense, CryptlexUserGroup",
    );
    for kind in [LICENSE, GROUP] {
        let ran = workspace.run(&["import", "--id", &id, "--kind", kind]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(
            ran.stdout.contains(&format!("kind: {kind}\n")),
            "{}",
            ran.stdout
        );
    }
    // A kind leads to its connection.
    workspace.connect("lac");
    let ran = workspace.run(&["import", "--id", &id, "--kind", GROUP]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let wrong = |kind: &str| workspace.run(&["unmanaged", "--connection", "lac", "--kind", kind]);
    wrong(GROUP).failed(
        1,
        "`lac` has no objects of the kind CryptlexUserGroup: --kind must be one of ",
    );
    wrong("CryptlexUserGruop").failed(1, "did you mean CryptlexUserGroup?");
    let ran = workspace.run(&["unmanaged", "--kind", "AlineaLicense"]);
    ran.failed(
        1,
        "there is no connection of alinea, whose objects are of the kind AlineaLicense",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_manifest_names_is_listed_kind_by_kind() {
    let workspace = workspace().await;
    write_twins(&workspace);
    workspace.object(&keyed_group("Finance"));
    let ran = workspace.run(&["unmanaged"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let of = |kind: &str| {
        ran.stdout
            .lines()
            .filter(|line| line.starts_with(&format!("{kind} ")))
            .count()
    };
    assert_eq!((of(LICENSE), of(GROUP)), (2, 2), "{}", ran.stdout);
    for words in [
        "1 of 3 objects of the kind CryptlexOrganizationLicense at `cryptlex` managed, 2 not",
        "2 of 4 objects of the kind CryptlexUserGroup at `cryptlex` managed, 2 not",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let document = workspace.run(&["unmanaged", "--format", "json"]).json();
    assert_eq!(
        (&document["managed"], &document["connection"]),
        (&json!(3), &json!("cryptlex"))
    );
    assert_eq!(document.get("kind"), None);
    let kinds = document["connections"].as_array().expect("a list").iter();
    let kinds: Vec<_> = kinds
        .map(|one| (&one["kind"], &one["managed"], &one["unmanaged"]))
        .collect();
    assert_eq!(
        kinds,
        [
            (&json!(LICENSE), &json!(1), &json!(2)),
            (&json!(GROUP), &json!(2), &json!(2)),
        ]
    );
    let groups = ["unmanaged", "--kind", GROUP, "--format", "json"];
    assert_eq!(workspace.run(&groups).json()["kind"], json!(GROUP));
    // What has a manifest is not imported a second time, whichever way the manifest names it.
    let ran = workspace.run(&["import", "--all", "--out", "more"]);
    for words in [
        "4 manifests written",
        "Left as is: 3 objects with a manifest",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    in_sync_all(&workspace, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_fails_does_not_hold_back_other_kinds() {
    let workspace = workspace().await;
    let scope = |scope: &str| {
        let switches = json!({"missing_scope": scope});
        workspace
            .sandbox
            .set_switches("cryptlex", switches)
            .expect("a switch");
    };
    scope("organization:userGroup:read");
    let ran = workspace.run(&["import", "--all", "--out", "licences"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let words = "error: CryptlexUserGroup at cryptlex: the list of objects is not complete, so nothing is written: GET /";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(ran.stderr.contains("3 manifests written"), "{}", ran.stderr);
    // What both kinds need fails for both, and is said once.
    scope("organization:read");
    let ran = workspace.run(&["import", "--all", "--out", "licences"]);
    ran.failed(
        1,
        "error: the list of objects is not complete, so nothing is written: GET /",
    );
    assert_eq!(ran.stderr.matches("error:").count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("GET /").count(), 1, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_edits_the_manifest_of_the_kind_that_differs() {
    let workspace = workspace().await;
    let texts = twins().map(|object| object.text());
    workspace.write("twins.yaml", &texts.join("---\n"));
    let mut gone = keyed_group("Nobody");
    gone.ids["state"] = json!("absent");
    gone.desired = json!({});
    workspace.object(&gone);
    let mut account = account();
    account["organizations"][0]["userGroups"][1]["name"] = json!("Sales");
    load(&workspace, account.clone());
    let ran = workspace.run(&["import", "--update"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "twins.yaml\n"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("1 manifest brought up to date"),
        "{}",
        ran.stderr
    );
    assert!(read(&workspace, "twins.yaml").contains(r#""name": "Sales""#));
    in_sync_all(&workspace, 3);
    // Both are managed under this id: the kind tells which one is meant.
    account["organizations"][0]["userGroups"][1]["name"] = json!("Selling");
    load(&workspace, account);
    let of = organization();
    let id = format!("{}/{ID}", of.as_str().expect("an id"));
    workspace
        .run(&["import", "--update", "--id", &id])
        .failed(1, "say with --kind");
    let license = workspace.run(&["import", "--update", "--id", &id, "--kind", LICENSE]);
    assert_eq!(
        (license.code, license.stdout.as_str()),
        (0, ""),
        "{}",
        license.stderr
    );
    let group = workspace.run(&["import", "--update", "--id", &id, "--kind", GROUP]);
    assert_eq!(
        (group.code, group.stdout.as_str()),
        (0, "twins.yaml\n"),
        "{}",
        group.stderr
    );
}

fn apply(workspace: &Workspace) {
    let ran = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

/// What the account holds of the license and of the group.
fn live(workspace: &Workspace) -> (Json, Json) {
    let account = workspace.sandbox.state("cryptlex").expect("an account");
    let of = |list: &str, member: &str| {
        let all = account["organizations"][0][list]
            .as_array()
            .expect("a list");
        let twin = all.iter().find(|one| one["id"] == ID).expect("it is there");
        twin[member].clone()
    };
    (
        of("licenses", "userGroupIds"),
        of("userGroups", "description"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_kinds_with_one_id_do_not_meet_in_what_is_remembered() {
    let workspace = workspace().await;
    let before = live(&workspace);
    let [mut license, mut group] = twins();
    let (field, value) = (cryptlex::VENDOR.change)();
    license.desired[field] = value.clone();
    group.desired["description"] = json!("On call");
    workspace.write("license.yaml", &license.text());
    workspace.write("group.yaml", &group.text());
    apply(&workspace);
    let applied = live(&workspace);
    assert_eq!(applied, (value, json!("On call")));
    // History knows both by their kinds.
    let of = |ran: &Ran, kind: &str| ran.stdout.contains(&format!("{kind}/twin"));
    for kind in [LICENSE, GROUP] {
        let object = format!("{kind}/*");
        let ran = workspace.run(&["history", "latest", "--object", &object]);
        let other = if kind == GROUP { LICENSE } else { GROUP };
        assert!(
            of(&ran, kind) && !of(&ran, other),
            "{}{}",
            ran.stdout,
            ran.stderr
        );
    }
    // Somebody changes the group: that is drift of the group alone.
    let mut account = workspace.sandbox.state("cryptlex").expect("an account");
    account["organizations"][0]["userGroups"][1]["description"] = json!("by hand");
    load(&workspace, account);
    let drift = workspace.run(&["drift"]);
    assert_eq!(drift.code, 2, "{}{}", drift.stdout, drift.stderr);
    assert!(
        of(&drift, GROUP) && !of(&drift, LICENSE),
        "{}",
        drift.stdout
    );
    // Healing puts back what was applied to the group.
    let heal = ["watch", "--once", "--mode", "heal", "--max-changes", "100%"];
    let healed = workspace.run(&heal);
    assert_eq!(healed.code, 0, "{}{}", healed.stdout, healed.stderr);
    assert_eq!(live(&workspace), applied);
    // Undo of one kind leaves the other.
    let runs = workspace.run(&["history", "--format", "json"]).json();
    let run = runs["runs"][1]["short"]
        .as_str()
        .expect("a run")
        .to_string();
    let object = format!("{LICENSE}/*");
    let undo = [
        "undo",
        &run,
        "--auto-approve",
        "--allow",
        "strand",
        "--target",
        &object,
    ];
    let undone = workspace.run(&undo);
    assert_eq!(undone.code, 0, "{}{}", undone.stdout, undone.stderr);
    assert_eq!(live(&workspace), (before.0, applied.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_looks_at_each_kind() {
    let workspace = workspace().await;
    write_twins(&workspace);
    let ran = workspace.run(&["doctor"]);
    let line = "ok     connection  cryptlex: it answers, and the credentials are accepted";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert_eq!(workspace.sandbox.requests().len(), 2);
    let switches = json!({"missing_scope": "organization:userGroup:read"});
    workspace
        .sandbox
        .set_switches("cryptlex", switches)
        .expect("a switch");
    let ran = workspace.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("organization:userGroup:read"),
        "{}",
        ran.stdout
    );
}
