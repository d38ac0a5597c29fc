//! Objects that come and go, over real HTTP: created at most once whatever happens, and removed only when it is
//! allowed. Each test runs for every kind of the one list in `kinds`.

mod custom_fields;
mod customer_accounts;
mod kill;
pub mod kinds;
mod lac;
mod license_policies;
mod named_by_key;
mod orders;
mod organizations;
mod product_features;
mod references;

use entitle::apply::Outcome;
use entitle::model::Risk;
use entitle::plan::Disposition;
use futures::StreamExt;
use futures::stream;

use super::support::bench::{Bench, Object, converged, in_sync, only_report};
use super::support::proxy::{Canned, Passed, Spoil};
use kinds::{ALL, Created, Kind, Removed};

/// Every kind that can be created, with a manifest that may create an object.
fn created() -> impl Iterator<Item = (&'static Kind, &'static Created, Object)> {
    ALL.iter().filter_map(|kind| {
        let object = kind.permitted(0)?;
        Some((*kind, kind.created.as_ref()?, object))
    })
}

/// Every kind that can be removed, with a manifest whose object is to be gone.
fn removed() -> impl Iterator<Item = (&'static Kind, &'static Removed, Object)> {
    ALL.iter().filter_map(|kind| {
        let removed = kind.removed.as_ref()?;
        Some((*kind, removed, (removed.gone)()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_created_once_and_then_kept_as_any_other() {
    for (kind, created, object) in created() {
        let bench = Bench::new().await;
        let objects = std::slice::from_ref(&object);
        assert_eq!(kind.count_in(&bench, &object), 0, "{}", kind.name);
        let report = only_report(bench.apply(objects).await);
        converged(&report);
        assert_eq!(report.planned.action, Disposition::Create);
        let writes = bench.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(writes[0].starts_with("POST "), "{writes:?}");
        assert_eq!(kind.count_in(&bench, &object), 1, "{}", kind.name);
        in_sync(&bench.plan(objects).await[0]);
        let (field, value) = (created.change)();
        let mut changed = object.clone();
        changed.desired[field] = value;
        bench.sandbox.forget_requests();
        converged(&only_report(bench.apply(&[changed]).await));
        let writes = bench.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(!writes[0].starts_with("POST "), "{writes:?}");
        assert_eq!(kind.count_in(&bench, &object), 1, "{}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_unless_it_is_asked_for() {
    for (kind, created, _) in created() {
        let bench = Bench::new().await;
        let object = (created.new)(0);
        let objects = std::slice::from_ref(&object);
        let planned = bench.plan(objects).await;
        let message = planned[0].message.clone().unwrap_or_default();
        assert_eq!(planned[0].action, Disposition::Missing);
        assert!(message.contains("`create: true`"), "{message}");
        assert_eq!(bench.writes(), [""; 0]);
        // A run may ask for it.
        let mut checked = bench.check(objects);
        checked.allow_creation();
        let pass = bench.pass(&checked).await;
        converged(&only_report(bench.carry_out_alone(pass, Risk::Safe).await));
        assert_eq!(kind.count_in(&bench, &object), 1, "{}", kind.name);
    }
}

type Fault = (&'static str, fn() -> Spoil);

const FAULTS: &[Fault] = &[
    ("429", || Spoil::Instead(canned(429))),
    ("500", || Spoil::Instead(canned(500))),
    ("500 though carried out", || Spoil::After(canned(500))),
    ("cut off before", || Spoil::CutBefore),
    ("cut off after", || Spoil::CutAfter),
    ("cut off in the middle", || Spoil::CutShort),
];

fn canned(status: u16) -> Canned {
    Canned::new(status, "application/json", r#"{"message":"spoiled"}"#)
}

fn is_creation(passed: &Passed) -> bool {
    passed.is_write() && passed.name.starts_with("POST ")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_call_at_most_one_object_is_made() {
    for (kind, created, object) in created() {
        let bench = Bench::spoiled(|_, _| None).await;
        converged(&only_report(
            bench.apply(std::slice::from_ref(&object)).await,
        ));
        let passed: Vec<String> = bench.passed().into_iter().map(|call| call.name).collect();
        assert_eq!(passed.len(), created.calls, "{passed:?}");
        let rounds = FAULTS
            .iter()
            .flat_map(|fault| (0..created.calls).map(move |at| (at, fault)));
        let object = &object;
        let all = stream::iter(rounds).for_each_concurrent(32, |(at, (name, spoil))| async move {
            let bench = Bench::spoiled(move |number, _| (number == at).then(spoil)).await;
            let objects = std::slice::from_ref(object);
            let report = only_report(bench.apply(objects).await);
            let what = format!("{}: call {at}: {name}: {:?}", kind.name, report.message);
            assert!(kind.count_in(&bench, object) <= 1, "{what}");
            if report.outcome != Some(Outcome::Converged) {
                assert!(report.message.is_some(), "{what}");
            }
            // The next run makes good what is left.
            let again = only_report(bench.apply(objects).await);
            assert!(
                matches!(again.outcome, None | Some(Outcome::Converged)),
                "{what}; {:?}",
                again.message
            );
            assert_eq!(kind.count_in(&bench, object), 1, "{what}");
            in_sync(&bench.plan(objects).await[0]);
        });
        all.await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_searched_right_before_it_is_created_and_after_an_unclear_reply() {
    for (kind, _, object) in created() {
        for (name, spoil) in FAULTS.iter().filter(|(name, _)| *name != "429") {
            let bench = Bench::spoiled(move |_, passed| is_creation(passed).then(spoil)).await;
            let what = format!("{}: {name}", kind.name);
            only_report(bench.apply(std::slice::from_ref(&object)).await);
            let passed = bench.passed();
            let creations = (0..passed.len()).filter(|at| is_creation(&passed[*at]));
            let creations: Vec<usize> = creations.collect();
            assert!(!creations.is_empty(), "{what}");
            for at in creations {
                let neighbours = [at.checked_sub(1), Some(at + 1)];
                for near in neighbours {
                    let near = near.and_then(|at| passed.get(at));
                    let is_search = near.is_some_and(Passed::is_read);
                    assert!(is_search, "{what}: {near:?} stands beside the creation");
                }
            }
            assert!(kind.count_in(&bench, &object) <= 1, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_shows_what_hangs_on_the_object_and_needs_to_be_allowed() {
    for (kind, removed, object) in removed() {
        let bench = Bench::new().await;
        let checked = bench.check(std::slice::from_ref(&object));
        assert_eq!(kind.count_in(&bench, &object), 1, "{}", kind.name);
        let pass = bench.pass(&checked).await;
        assert_eq!(pass.planned[0].action, Disposition::Remove);
        let note = pass.planned[0].message.clone().unwrap_or_default();
        for words in removed.words {
            assert!(note.contains(words), "{}: {note}", kind.name);
        }
        let refused = only_report(bench.carry_out_alone(pass, Risk::Strand).await);
        assert_eq!(refused.outcome, Some(Outcome::Refused));
        let why = refused.message.unwrap_or_default();
        assert!(why.contains("--allow destroy"), "{why}");
        assert_eq!(bench.writes(), [""; 0]);
        assert_eq!(kind.count_in(&bench, &object), 1, "{}", kind.name);
        let pass = bench.pass(&checked).await;
        converged(&only_report(
            bench.carry_out_alone(pass, Risk::Destroy).await,
        ));
        let writes = bench.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        assert!(writes[0].starts_with("DELETE "), "{writes:?}");
        assert_eq!(kind.count_in(&bench, &object), 0, "{}", kind.name);
        in_sync(&bench.plan(std::slice::from_ref(&object)).await[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_call_of_a_removal_the_next_run_ends_it() {
    for (kind, _, object) in removed() {
        let bench = Bench::spoiled(|_, _| None).await;
        converged(&only_report(
            bench.apply(std::slice::from_ref(&object)).await,
        ));
        let calls = bench.passed().len();
        let rounds = FAULTS
            .iter()
            .flat_map(|fault| (0..calls).map(move |at| (at, fault)));
        let object = &object;
        let all = stream::iter(rounds).for_each_concurrent(32, |(at, (name, spoil))| async move {
            let bench = Bench::spoiled(move |number, _| (number == at).then(spoil)).await;
            let objects = std::slice::from_ref(object);
            let report = only_report(bench.apply(objects).await);
            let what = format!("{}: call {at}: {name}: {:?}", kind.name, report.message);
            if kind.count_in(&bench, object) == 1 {
                assert_ne!(report.outcome, Some(Outcome::Converged), "{what}");
            }
            let again = only_report(bench.apply(objects).await);
            assert!(
                matches!(again.outcome, None | Some(Outcome::Converged)),
                "{what}; {:?}",
                again.message
            );
            assert_eq!(kind.count_in(&bench, object), 0, "{what}");
        });
        all.await;
    }
}

/// What somebody else creates between the plan and the write is found by the search right before it.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_else_made_meanwhile_is_not_made_again() {
    for (kind, _, object) in created() {
        let bench = Bench::new().await;
        let objects = std::slice::from_ref(&object);
        let (ours, theirs) = (bench.check(objects), bench.check(objects));
        let (first, second) = (bench.pass(&ours).await, bench.pass(&theirs).await);
        converged(&only_report(bench.carry_out(first).await));
        let report = only_report(bench.carry_out(second).await);
        assert_eq!(
            report.outcome,
            Some(Outcome::Already),
            "{:?}",
            report.message
        );
        assert_eq!(kind.count_in(&bench, &object), 1, "{}", kind.name);
        assert_eq!(bench.writes().len(), 1);
    }
}
