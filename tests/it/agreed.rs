//! What manifest and live agreed on is what a restore plans back to, at every vendor.

use entitle::apply::journal::{JournalEvent, Record};
use entitle::apply::memory::{Detail, Memory, agreement};
use entitle::model::{Carry, Field, RiskRule, Shape};
use entitle::plan::{Disposition, Planned};
use entitle::reconcile::{self, Accounts, Pass, Standing};

use super::conformance::vendors::{self, Vendor};
use super::support;
use super::support::bench::{Bench, Object, in_sync, paths};

async fn bench(vendor: &Vendor) -> Bench {
    let bench = Bench::new().await;
    reset(&bench, vendor);
    bench
}

/// Somebody else puts everything back.
fn reset(bench: &Bench, vendor: &Vendor) {
    let account = (vendor.account)(3);
    let set = bench.sandbox.set_state(vendor.name, account);
    set.expect("an account");
}

/// What a journal tells in which everything is agreed on.
async fn agreed(bench: &Bench, objects: &[Object], policy_exclusions: &[String]) -> Memory {
    let checked = bench.check(objects);
    let pass = bench.pass(&checked).await;
    let mut memory = Memory::new(Detail::Values);
    for planned in &pass.planned {
        let account = reconcile::account_of(&checked, &planned.desired.connection);
        let mut agreed = agreement::build_agreement(planned, &account).expect("a known vendor");
        agreed
            .policy_exclusions
            .extend_from_slice(policy_exclusions);
        memory.follow(&Record {
            scope: None,
            at: "2026-11-21T12:00:00Z".into(),
            run: "one".into(),
            event: JournalEvent::Agreed(Box::new(agreed)),
        });
    }
    memory
}

async fn restore(bench: &Bench, memory: &Memory, objects: &[Object]) -> Pass {
    let (checked, settings) = (bench.check(objects), bench.settings());
    reconcile::plan_restore(memory, &checked, &settings, &Accounts::new()).await
}

fn actions(pass: &Pass) -> Vec<(Disposition, Vec<String>)> {
    let one = |planned: &Planned| (planned.action, paths(planned));
    pass.planned.iter().map(one).collect()
}

#[tokio::test]
async fn what_was_agreed_on_is_restored_whatever_the_manifest_says_now() {
    for vendor in vendors::ALL {
        let bench = bench(vendor).await;
        let then = [vendor.little(1, true)];
        let mut now = vendor.little(1, true);
        let (path, _) = (vendor.change)();
        support::paths::set(vendor.table(), &mut now.desired, path, &(vendor.rival)());
        let now = [now];
        bench.apply(&then).await;
        let applied = agreed(&bench, &then, &[]).await;
        let quiet = restore(&bench, &applied, &now).await;
        assert_eq!(
            actions(&quiet),
            [(Disposition::None, vec![])],
            "{}",
            vendor.name
        );

        reset(&bench, vendor);
        // Also where the policy spared something else then.
        let other = agreed(&bench, &then, &["ignore .other".into()]).await;
        let other = restore(&bench, &other, &now).await;
        assert_eq!(
            other.planned[0].action,
            Disposition::Update,
            "{}",
            vendor.name
        );

        let pass = restore(&bench, &applied, &now).await;
        assert_eq!(
            pass.planned[0].action,
            Disposition::Update,
            "{}",
            vendor.name
        );
        bench.carry_out(pass).await;
        for planned in bench.plan(&then).await {
            in_sync(&planned);
        }
    }
}

#[tokio::test]
async fn what_manifest_and_live_agree_on_by_now_is_not_restored() {
    for vendor in vendors::ALL {
        let bench = bench(vendor).await;
        let (then, now) = ([vendor.whole()], [vendor.whole()]);
        let mut then = then;
        let (path, value) = (vendor.change)();
        support::paths::set(vendor.table(), &mut then[0].desired, path, &value);
        bench.apply(&then).await;
        let applied = agreed(&bench, &then, &[]).await;
        bench.apply(&now).await;
        // The manifest moved, and so did somebody else, to the same.
        let pass = restore(&bench, &applied, &now).await;
        assert_eq!(
            actions(&pass),
            [(Disposition::None, vec![])],
            "{}",
            vendor.name
        );
        let standing = pass.standings.values().next();
        assert_eq!(standing, Some(&Standing::InSync), "{}", vendor.name);
    }
}

#[tokio::test]
async fn a_whole_object_is_restored_but_for_counters_and_requests() {
    for vendor in vendors::ALL {
        let bench = bench(vendor).await;
        let objects = [vendor.whole()];
        bench.apply(&objects).await;
        let applied = agreed(&bench, &objects, &[]).await;
        let quiet = restore(&bench, &applied, &objects).await;
        assert_eq!(
            actions(&quiet),
            [(Disposition::None, vec![])],
            "{}",
            vendor.name
        );

        reset(&bench, vendor);
        let pass = restore(&bench, &applied, &objects).await;
        bench.carry_out(pass).await;
        let left = paths(&bench.plan(&objects).await[0]);
        let held = held_back(vendor.table());
        let known = |path: &String| held.contains(&path.rsplit('.').next().unwrap_or(path));
        assert!(left.iter().all(known), "{}: {left:?}", vendor.name);
    }
}

/// Names of the fields that are not restored.
fn held_back(table: &'static [Field]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for field in table {
        if field.risk == RiskRule::Counter || matches!(field.carry, Carry::OneShot { .. }) {
            names.push(field.name);
        }
        if let Shape::Keyed(elements) = &field.shape {
            names.extend(held_back(elements.fields));
        }
    }
    names
}
