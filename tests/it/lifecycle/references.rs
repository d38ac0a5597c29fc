//! Objects that refer to others: created after them, removed before them, and left alone when those fail.

use entitle::apply::Outcome;
use entitle::model::Risk;
use entitle::plan::{Disposition, Planned};
use serde_json::{Value as Json, json};

use super::kinds::{ALL, ORGANIZATION, customer_with_order};
use crate::support::bench::{Bench, Object, converged, in_sync};
use crate::support::program::Workspace;
use crate::support::proxy::{Canned, Passed, Spoil};

/// A customer that the seed does not have.
fn customer(number: usize) -> Object {
    let [(_, customer), _] = customer_with_order(number);
    customer
}

/// An order of that customer.
fn order(number: usize) -> Object {
    let [_, (_, order)] = customer_with_order(number);
    order
}

fn permitted(kind: &str, number: usize) -> Object {
    let mut kinds = ALL.iter().filter(|one| one.name == kind);
    let object = kinds.next().and_then(|kind| kind.permitted(number));
    object.expect("a kind that is created")
}

/// An organization that the seed does not have, and a user group of it.
fn organization_with_group() -> [Object; 2] {
    let mut group = permitted("CryptlexUserGroup", 1);
    group.ids["organizationId"] = json!({"ref": "CryptlexOrganization/locks-1"});
    [permitted("CryptlexOrganization", 1), group]
}

fn count(bench: &Bench, list: &str) -> usize {
    let account = bench.sandbox.state("lac").expect("an account");
    account[list].as_array().map_or(0, Vec::len)
}

/// The change of a field, as a plan shows it.
fn shown(planned: &Planned, path: &str) -> Json {
    let mut changes = planned.changes.iter();
    let change = changes.find(|change| change.path.to_string() == path);
    change
        .and_then(|change| change.after.clone())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_and_its_order_are_created_in_one_apply() {
    let bench = Bench::new().await;
    let objects = [customer(1), order(1)];
    let checked = bench.check(&objects);
    let pass = bench.pass(&checked).await;
    let reads = bench.reads();
    assert!(
        reads.iter().all(|call| call.contains("/customers")),
        "an order of a customer that is not there is not looked for: {reads:?}"
    );
    let [_, desk] = &pass.planned[..] else {
        panic!("two objects");
    };
    assert_eq!(desk.action, Disposition::Create);
    assert_eq!(
        shown(desk, "customer_id"),
        json!("(id of LacCustomer/locks-1, which this plan creates)")
    );
    assert_eq!(pass.document.objects[1].after, ["LacCustomer/locks-1"]);
    for report in bench.carry_out(pass).await {
        converged(&report);
    }
    assert_eq!(
        bench.writes(),
        ["POST /lac/customers", "POST /lac/license-orders"]
    );
    let account = bench.sandbox.state("lac").expect("an account");
    let customers = account["customers"].as_array().expect("customers");
    let orders = account["license_orders"].as_array().expect("orders");
    let [made, of] = [customers.last(), orders.last()].map(|one| one.expect("one").clone());
    assert_eq!(made["name"], "Locks 1");
    let number = |id: &Json| id.to_string().trim_matches('"').to_string();
    assert_eq!(number(&of["customer_id"]), number(&made["id"]));
    bench.sandbox.forget_requests();
    for planned in bench.plan(&objects).await {
        in_sync(&planned);
    }
    // One read of the customers, and the list of the one customer's orders: as with its id in the manifest.
    let with_ref = bench.reads();
    bench.sandbox.forget_requests();
    let mut literal = order(1);
    literal.ids["order"]["customer_id"] = made["id"].clone();
    for planned in bench.plan(&[customer(1), literal]).await {
        in_sync(&planned);
    }
    let (mut one, mut other) = (with_ref, bench.reads());
    one.sort();
    other.sort();
    assert_eq!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_customer_fails_is_skipped_with_its_name() {
    let refused = |_: usize, passed: &Passed| {
        let is_creation = passed.name.starts_with("POST ") && passed.name.contains("/customers");
        let body = r#"{"message":"no more customers"}"#;
        is_creation.then(|| Spoil::Instead(Canned::new(422, "application/json", body)))
    };
    let bench = Bench::spoiled(refused).await;
    let (customers, orders) = (count(&bench, "customers"), count(&bench, "license_orders"));
    let reports = bench.apply(&[customer(1), order(1), customer(2)]).await;
    let ends: Vec<_> = reports.iter().map(|report| report.outcome).collect();
    let rejected = Some(Outcome::Rejected);
    assert_eq!(ends, [rejected, rejected, Some(Outcome::Skipped)]);
    let why = reports[2].message.clone().unwrap_or_default();
    assert_eq!(
        why,
        "LacCustomer/locks-1 comes before it and ended as rejected: nothing was sent"
    );
    assert_eq!(count(&bench, "customers"), customers);
    assert_eq!(count(&bench, "license_orders"), orders);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_may_not_be_created_makes_its_order_an_error() {
    let bench = Bench::new().await;
    let forbidden = customer(1).policy(json!({}));
    let planned = bench.plan(&[forbidden, order(1)]).await;
    assert_eq!(planned[1].action, Disposition::Error);
    let why = planned[1].message.clone().unwrap_or_default();
    assert_eq!(
        why,
        "`customer_id` is the id of LacCustomer/locks-1, which is not there; `--create`, or `create: true` in its \
         policy, creates it"
    );
    let observed = customer(1).policy(json!({"create": true, "mode": "observe"}));
    let planned = bench.plan(&[observed, order(1)]).await;
    assert_eq!(planned[1].action, Disposition::Error);
    let why = planned[1].message.clone().unwrap_or_default();
    assert!(why.ends_with("is not there, and is only observed"), "{why}");
    assert!(bench.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_alone_reads_its_customer_and_writes_none() {
    let bench = Bench::new().await;
    let objects = [customer(1), order(1)];
    let mut checked = bench.check(&objects);
    let only_order = vec![checked.desired[1].clone()];
    checked.restrict_to(only_order);
    let pass = bench.pass(&checked).await;
    assert_eq!(pass.planned.len(), 1);
    let why = pass.planned[0].message.clone().unwrap_or_default();
    assert!(
        why.ends_with("is not there, and is out of this run's scope: plan both together"),
        "{why}"
    );
    bench.apply(&[customer(1)]).await;
    bench.sandbox.forget_requests();
    let pass = bench.pass(&checked).await;
    assert_eq!(pass.planned[0].action, Disposition::Create);
    for report in bench.carry_out(pass).await {
        converged(&report);
    }
    assert_eq!(bench.writes(), ["POST /lac/license-orders"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_its_organization_come_and_go_in_their_order() {
    let bench = Bench::new().await;
    let objects = organization_with_group();
    let reports = bench.apply(&objects).await;
    reports.iter().for_each(converged);
    for planned in bench.plan(&objects).await {
        in_sync(&planned);
    }
    let mut gone = objects.clone().map(|object| object.policy(json!({})));
    for object in &mut gone {
        object.ids["state"] = json!("absent");
    }
    bench.sandbox.forget_requests();
    let checked = bench.check(&gone);
    let pass = bench.pass(&checked).await;
    let actions: Vec<_> = pass.planned.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Disposition::Remove; 2]);
    assert_eq!(
        pass.document.objects[0].after,
        ["CryptlexUserGroup/operations-1"]
    );
    for report in bench.carry_out_alone(pass, Risk::Destroy).await {
        converged(&report);
    }
    let writes = bench.writes();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(writes[0].contains("/user-groups/"), "{writes:?}");
    for planned in bench.plan(&gone).await {
        in_sync(&planned);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_kept_when_its_group_is_not_removed() {
    let refused = |_: usize, passed: &Passed| {
        let is_removal =
            passed.name.starts_with("DELETE ") && passed.name.contains("/user-groups/");
        let body = r#"{"message":"in use"}"#;
        is_removal.then(|| Spoil::Instead(Canned::new(409, "application/json", body)))
    };
    let bench = Bench::spoiled(refused).await;
    let objects = organization_with_group();
    bench.apply(&objects).await.iter().for_each(converged);
    let mut gone = objects.map(|object| object.policy(json!({})));
    for object in &mut gone {
        object.ids["state"] = json!("absent");
    }
    let reports = bench.apply(&gone).await;
    assert_eq!(reports[0].outcome, Some(Outcome::Skipped));
    let why = reports[0].message.clone().unwrap_or_default();
    assert!(
        why.starts_with("CryptlexUserGroup/operations-1 comes before it and ended as"),
        "{why}"
    );
    assert!(
        bench
            .writes()
            .iter()
            .all(|call| !call.starts_with("DELETE"))
    );
}

/// A group that a license of the seed does not have yet: the license is there, and takes the id once it is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_created_before_the_user_that_joins_it() {
    let bench = Bench::new().await;
    let group = permitted("CryptlexUserGroup", 1);
    let ids =
        json!({"organizationId": ORGANIZATION, "user": {"email": "asha.menon@rivers.example"}});
    let groups = json!({"userGroupIds": [{"ref": "CryptlexUserGroup/operations-1"}]});
    let user = Object::new("CryptlexOrganizationUser", "asha", ids, groups)
        .policy(json!({"keepUnlisted": ["userGroupIds"]}));
    let objects = [user, group];
    let pass = bench.pass(&bench.check(&objects)).await;
    let actions: Vec<_> = pass.planned.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Disposition::Update, Disposition::Create]);
    for report in bench.carry_out(pass).await {
        converged(&report);
    }
    let writes = bench.writes();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(writes[0].starts_with("POST "), "{writes:?}");
    for planned in bench.plan(&objects).await {
        in_sync(&planned);
    }
}

/// The files of a customer and its order, and of the connection.
async fn workspace() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    for object in [customer(1), order(1)] {
        workspace.write(&format!("{}.yaml", object.kind), &object.text());
    }
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_from_before_the_customer_creates_both_later() {
    let workspace = workspace().await;
    let planned = workspace.run(&["plan", ".", "--out", "plan.json"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let text = "customer_id          (id of LacCustomer/locks-1, which this plan creates)";
    assert!(planned.stdout.contains(text), "{}", planned.stdout);
    assert!(
        planned.stdout.contains("goes after LacCustomer/locks-1"),
        "{}",
        planned.stdout
    );
    let applied = workspace.run(&["apply", "plan.json", "."]);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    let (before, after) = applied.stdout.split_once("✓ ").expect("outcomes");
    assert!(
        before.contains("goes after LacCustomer/locks-1"),
        "{before}"
    );
    assert!(!after.contains("goes after"), "it has gone: {after}");
    let again = workspace.run(&["plan", ".", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
    // The same file once more: both are there, which a look shows.
    let twice = workspace.run(&["apply", "plan.json", ".", "--format", "json"]);
    assert_eq!(twice.code, 0, "{}", twice.stderr);
    let document = twice.json();
    let ends = document["objects"].as_array().expect("objects").iter();
    let ends: Vec<&Json> = ends.map(|object| &object["outcome"]).collect();
    assert_eq!(ends, ["already", "already"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_from_after_the_customer_is_applied_with_the_id_that_a_read_shows() {
    let workspace = workspace().await;
    let target = ["--target", "LacCustomer/*", "--auto-approve"];
    let applied = workspace.run(&[&["apply", "."], &target[..]].concat());
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let planned = workspace.run(&["plan", ".", "--out", "plan.json", "--format", "json"]);
    let document = planned.json();
    let order = &document["objects"][1];
    assert_eq!(
        order["references"],
        json!({"customer_id": ["LacCustomer/locks-1"]})
    );
    assert!(order.get("after").is_none(), "{order}");
    assert!(
        order["calls"][0]["body"]["customer_id"].is_number(),
        "{order}"
    );
    let applied = workspace.run(&["apply", "plan.json", "."]);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    assert_eq!(workspace.run(&["plan", ".", "--detailed-exitcode"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_reads_the_customer_and_says_when_it_would_have_to_be_created() {
    let workspace = workspace().await;
    let target = ["--target", "LacLicenseOrder/*"];
    let planned = workspace.run(&[&["plan", "."], &target[..]].concat());
    assert_eq!(planned.code, 1, "{}", planned.stdout);
    assert!(
        planned
            .stdout
            .contains("which is not there, and is out of this run's scope: plan both together"),
        "{}",
        planned.stdout
    );
    // Of a saved plan as well, which shows the customer as created.
    workspace.run(&["plan", ".", "--out", "plan.json"]);
    let applied = workspace.run(&[&["apply", "plan.json", "."], &target[..]].concat());
    assert_eq!(applied.code, 3, "{}", applied.stdout);
    let why = "LacCustomer/locks-1 comes before it and is not part of this run:";
    assert!(applied.stdout.contains(why), "{}", applied.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_import_and_undo_follow_references() {
    let mut workspace = workspace().await;
    workspace.connect_by_login("lac");
    let applied = workspace.run(&["apply", ".", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let drift = workspace.run(&["drift", ".", "--format", "json"]).json();
    let states = drift["objects"].as_array().expect("objects").iter();
    let states: Vec<&Json> = states.map(|object| &object["state"]).collect();
    assert_eq!(states, ["in_sync", "in_sync"], "{drift}");
    workspace.sandbox.forget_requests();
    let lists = workspace.run(&["unmanaged", "--format", "json"]).json();
    // The references are looked up and the lists are read in one session.
    let requests = workspace.sandbox.requests().into_iter();
    let logins = requests.filter(|request| request.path.ends_with("/auth/tokens"));
    assert_eq!(logins.count(), 1);
    let lists = lists["connections"].as_array().expect("lists").iter();
    let managed: Vec<&Json> = lists.map(|list| &list["managed"]).collect();
    assert_eq!(managed, [&json!(1), &json!(1)]);
    let mut changed = order(1);
    changed.desired["activations_allowed"] = json!(30);
    workspace.write("LacLicenseOrder.yaml", &changed.text());
    let applied = workspace.run(&["apply", ".", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let undone = workspace.run(&["undo", "latest", "--auto-approve", "--allow", "reduce"]);
    assert_eq!(undone.code, 0, "{}{}", undone.stdout, undone.stderr);
    let account = workspace.sandbox.state("lac").expect("an account");
    let order = account["license_orders"]
        .as_array()
        .and_then(|all| all.last().cloned());
    assert_eq!(order.expect("an order")["activations_allowed"], 25);
}
