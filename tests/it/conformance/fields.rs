//! Each field of the table, alone: changed, left out, ignored, cleared, written in another way.

use std::collections::BTreeSet;

use entitle::model::{Clearing, Need};
use serde_json::{Value as Json, json};

use super::account::same;
use super::vendors::{Pair, Vendor, for_every_vendor};
use crate::support::bench::{Bench, converged, in_sync, only_report, paths as changed};
use crate::support::paths;

for_every_vendor!(
    no_field_of_the_table_is_forgotten,
    each_field_changes_alone,
    each_field_changes_alone_where_it_alone_is_managed,
    a_field_left_out_is_not_managed,
    an_ignored_field_is_left_alone,
    what_can_be_cleared_is_cleared,
    what_cannot_be_cleared_is_refused_before_the_first_request,
    other_spellings_are_no_diff,
);

async fn no_field_of_the_table_is_forgotten(vendor: &'static Vendor) {
    let pairs: BTreeSet<String> = (vendor.pairs)()
        .iter()
        .map(|p| paths::field_of(p.path))
        .collect();
    let all = paths::fields(vendor.table());
    let names: BTreeSet<String> = all.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(
        pairs, names,
        "the pairs of {} against its table",
        vendor.name
    );

    let cleared: BTreeSet<String> = (vendor.clears)()
        .iter()
        .map(|(path, ..)| paths::field_of(path))
        .collect();
    let clearable: BTreeSet<String> = all
        .iter()
        .filter(|(_, field)| field.clearing != Clearing::Impossible)
        // What a condition requires cannot be cleared while the condition holds.
        .filter(|(_, field)| !matches!(field.need, Need::When { .. }))
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(cleared, clearable, "what can be cleared at {}", vendor.name);

    // In the full manifest every field stands somewhere, so that leaving one out means something.
    let full = (vendor.full)();
    for pair in (vendor.pairs)() {
        let stands = paths::get(vendor.table(), &full, pair.planned).is_some();
        assert!(
            stands || !pair.without.is_empty(),
            "{} is not in the full manifest",
            pair.planned
        );
    }
}

/// Plans and applies one pair, and compares the whole account before and after.
async fn change(bench: &Bench, vendor: &'static Vendor, pair: &Pair, desired: Json) {
    vendor.load(bench, (vendor.account)(3));
    let before = vendor.state(bench);
    let objects = [vendor.object(0, desired)];
    let pass = bench.pass(&bench.check(&objects)).await;
    let mut named = changed(&pass.planned[0]);
    named.sort();
    // What loses its meaning is in the plan as well, where it held something.
    let pointless = |path: &String| {
        let field = paths::field_of(path);
        pair.without
            .iter()
            .any(|without| paths::field_of(without) == field)
    };
    named.retain(|path| pair.paths().contains(path) || !pointless(path));
    assert_eq!(named, pair.paths(), "{:?}", pass.planned[0].message);
    converged(&only_report(bench.carry_out(pass).await));
    assert_eq!(bench.writes().len(), 1, "{:?}", bench.writes());

    let after = vendor.state(bench);
    let table = vendor.table();
    let wanted = pair.stored.as_ref().unwrap_or(&pair.value);
    let held = paths::get(table, vendor.stored(&after, 0), pair.planned).unwrap_or(Json::Null);
    assert!(
        same(&held, wanted),
        "{} is {held}, not {wanted}",
        pair.planned
    );
    for (path, wanted) in &pair.with {
        let held = paths::get(table, vendor.stored(&after, 0), path).unwrap_or(Json::Null);
        assert!(same(&held, wanted), "{path} is {held}, not {wanted}");
    }
    let mut moved: Vec<&str> = vec![pair.planned];
    moved.extend(pair.with.iter().map(|(path, _)| *path));
    moved.extend(pair.without.iter().chain(&pair.moves));
    vendor.rest_is_as_before(&before, &after, 0, &moved);

    in_sync_apart_from_notes(bench, &objects).await;
    assert_eq!(bench.writes().len(), 1);
}

/// A second plan has no change; a word about a wish that was granted is allowed.
async fn in_sync_apart_from_notes(bench: &Bench, objects: &[crate::support::bench::Object]) {
    let again = bench.plan(objects).await;
    assert_eq!(changed(&again[0]), [""; 0], "the second plan is empty");
}

async fn each_field_changes_alone(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for pair in (vendor.pairs)() {
        let mut desired = (vendor.full)();
        pair.edit(vendor.table(), &mut desired);
        change(&bench, vendor, &pair, desired).await;
    }
}

async fn each_field_changes_alone_where_it_alone_is_managed(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    let table = vendor.table();
    let always = table.iter().filter(|field| field.need == Need::InManifest);
    let always: Vec<&str> = always.map(|field| field.name).collect();
    for pair in (vendor.pairs)() {
        let full = (vendor.full)();
        let touched = pair.with.iter().map(|(path, _)| *path).chain([pair.path]);
        let tops: Vec<String> = touched
            .map(|path| {
                paths::field_of(path)
                    .split(['[', '.'])
                    .next()
                    .unwrap_or_default()
                    .into()
            })
            .collect();
        let names: Vec<&str> = tops
            .iter()
            .map(String::as_str)
            .chain(always.clone())
            .collect();
        let mut desired = paths::only(table, &full, &names);
        // Lists are authoritative, so their elements stand there, each with nothing but its key.
        pair.edit(table, &mut desired);
        change(&bench, vendor, &pair, desired).await;
    }
}

async fn a_field_left_out_is_not_managed(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let table = vendor.table();
    let fields = paths::fields(table);
    for pair in (vendor.pairs)() {
        let name = paths::field_of(pair.planned);
        let need = fields
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, field)| field.need);
        let mut desired = (vendor.full)();
        let stood = paths::take(table, &mut desired, pair.planned).is_some();
        let object = vendor.object(0, desired);
        if stood && matches!(need, Some(Need::InManifest | Need::When { .. })) {
            // The one is always required, the other where the manifest states its condition.
            let findings = bench.findings(&[object]).findings;
            let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, ["missing-field"], "{}", pair.planned);
        } else {
            in_sync(&bench.plan(&[object]).await[0]);
        }
    }
    assert_eq!(bench.writes(), [""; 0]);
}

async fn an_ignored_field_is_left_alone(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    let table = vendor.table();
    for pair in (vendor.pairs)() {
        let mut ignored = pair.paths();
        ignored.sort();
        let mut desired = (vendor.full)();
        pair.edit(table, &mut desired);
        let policy = json!({ "ignore": ignored });
        vendor.load(&bench, (vendor.account)(3));
        let object = vendor.object(0, desired).policy(policy);
        let planned = bench.plan(&[object]).await;
        assert_eq!(changed(&planned[0]), [""; 0], "{} is ignored", pair.planned);
        assert_eq!(bench.writes(), [""; 0]);
    }
}

async fn what_can_be_cleared_is_cleared(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for (path, nothing, switches) in (vendor.clears)() {
        let set = bench.sandbox.set_switches(vendor.name, switches);
        set.expect("known switches");
        let pair = Pair::new(path, Json::Null).stored(nothing);
        let mut desired = (vendor.full)();
        pair.edit(vendor.table(), &mut desired);
        change(&bench, vendor, &pair, desired).await;
    }
}

async fn what_cannot_be_cleared_is_refused_before_the_first_request(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let table = vendor.table();
    let fields = paths::fields(table);
    for pair in (vendor.pairs)() {
        let name = paths::field_of(pair.path);
        let Some((_, field)) = fields.iter().find(|(other, _)| *other == name) else {
            continue;
        };
        let list = matches!(field.shape, entitle::model::Shape::Set(_));
        if field.clearing != Clearing::Impossible || list {
            continue;
        }
        let mut desired = (vendor.full)();
        pair.edit(table, &mut desired);
        paths::set(table, &mut desired, pair.path, &Json::Null);
        let checked = bench.findings(&[vendor.object(0, desired)]);
        let codes: Vec<&str> = checked
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect();
        assert!(codes.contains(&"cannot-clear"), "{}: {codes:?}", pair.path);
        assert!(checked.desired.is_empty(), "{} is not planned", pair.path);
    }
    assert_eq!(bench.sandbox.requests(), []);
}

async fn other_spellings_are_no_diff(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    for (path, value) in (vendor.spellings)() {
        let mut desired = (vendor.full)();
        paths::set(vendor.table(), &mut desired, path, &value);
        in_sync(&bench.plan(&[vendor.object(0, desired)]).await[0]);
    }
    assert_eq!(bench.writes(), [""; 0]);
}
