//! Keyed lists and sets: authoritative, matched by key, without order.

use serde_json::{Value as Json, json};

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged, in_sync, only_report, paths as changed};
use crate::support::paths;
use entitle::model::Shape;
use entitle::model::field::find_field;

for_every_vendor!(
    a_new_element_joins_a_list,
    an_element_that_is_not_listed_leaves,
    reordering_a_list_is_no_diff,
    an_empty_list_wants_none,
    a_null_list_wants_none,
    unlisted_elements_can_be_kept,
    a_key_given_twice_is_refused_before_the_first_request,
);

/// The path that a plan names when `element` joins or leaves: a set changes as a whole.
fn place(vendor: &Vendor, list: &str, element: &Json) -> String {
    match find_field(vendor.table(), list).map(|field| &field.shape) {
        Some(Shape::Keyed(_)) => paths::element_path(vendor.table(), list, element),
        _ => list.to_string(),
    }
}

fn items<'a>(desired: &'a mut Json, list: &str) -> &'a mut Vec<Json> {
    desired[list]
        .as_array_mut()
        .expect("a list of the full manifest")
}

/// Applies one change of a list to a fresh account and shows that nothing else moved.
async fn apply(bench: &Bench, vendor: &'static Vendor, desired: Json, place: &str) {
    vendor.load(bench, (vendor.account)(3));
    let before = vendor.state(bench);
    let objects = [vendor.object(0, desired)];
    let pass = bench.pass(&bench.check(&objects)).await;
    assert_eq!(changed(&pass.planned[0]), [place]);
    converged(&only_report(bench.carry_out(pass).await));
    assert_eq!(bench.writes().len(), 1);
    vendor.rest_is_as_before(&before, &vendor.state(bench), 0, &[place]);
    in_sync(&bench.plan(&objects).await[0]);
}

async fn a_new_element_joins_a_list(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for (list, element) in (vendor.lists)() {
        for at in [0, usize::MAX] {
            let mut desired = (vendor.full)();
            let items = items(&mut desired, list);
            items.insert(at.min(items.len()), element.clone());
            let place = place(vendor, list, &element);
            apply(&bench, vendor, desired, &place).await;
            let state = vendor.state(&bench);
            let stored = vendor.stored(&state, 0);
            let held = paths::get(vendor.table(), stored, &place).unwrap_or_default();
            let shown = held.to_string();
            let members = element.as_object().into_iter().flatten();
            for (name, value) in members {
                assert_eq!(held[name], *value, "{place}.{name} of {shown}");
            }
        }
    }
}

async fn an_element_that_is_not_listed_leaves(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for (list, _) in (vendor.lists)() {
        let count = items(&mut (vendor.full)(), list).len();
        assert!(count >= 2, "{list} needs two elements to shrink");
        for at in 0..count {
            let mut desired = (vendor.full)();
            let gone = items(&mut desired, list).remove(at);
            let place = place(vendor, list, &gone);
            apply(&bench, vendor, desired, &place).await;
        }
    }
}

async fn reordering_a_list_is_no_diff(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    for (list, _) in (vendor.lists)() {
        let mut desired = (vendor.full)();
        items(&mut desired, list).reverse();
        in_sync(&bench.plan(&[vendor.object(0, desired)]).await[0]);
    }
    assert_eq!(bench.writes(), [""; 0]);
}

async fn empties(vendor: &'static Vendor, nothing: Json) {
    let bench = Bench::new().await;
    for (list, _) in (vendor.lists)() {
        vendor.load(&bench, (vendor.account)(3));
        let before = vendor.state(&bench);
        let mut desired = (vendor.full)();
        desired[list] = nothing.clone();
        let objects = [vendor.object(0, desired)];
        assert!(!bench.round(&objects).await.is_empty());
        let after = vendor.state(&bench);
        assert_eq!(vendor.stored(&after, 0)[list], json!([]), "{list}");
        vendor.rest_is_as_before(&before, &after, 0, &[list]);
    }
}

async fn an_empty_list_wants_none(vendor: &'static Vendor) {
    empties(vendor, json!([])).await;
}

async fn a_null_list_wants_none(vendor: &'static Vendor) {
    empties(vendor, Json::Null).await;
}

/// The full manifest with only the first element of a list, which it does not claim to be complete.
fn keeping(vendor: &Vendor, list: &str) -> Object {
    let mut desired = (vendor.full)();
    items(&mut desired, list).truncate(1);
    vendor
        .object(0, desired)
        .policy(json!({"keepUnlisted": [list]}))
}

async fn unlisted_elements_can_be_kept(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for (list, element) in (vendor.lists)() {
        vendor.load(&bench, (vendor.account)(3));
        let mut object = keeping(vendor, list);
        in_sync(&bench.plan(std::slice::from_ref(&object)).await[0]);

        let before = vendor.state(&bench);
        items(&mut object.desired, list).push(element.clone());
        let place = place(vendor, list, &element);
        assert_eq!(bench.round(&[object]).await, [place.as_str()]);
        let after = vendor.state(&bench);
        let count = |state: &Json| vendor.stored(state, 0)[list].as_array().map(Vec::len);
        assert_eq!(
            count(&after),
            count(&before).map(|count| count + 1),
            "{list} keeps the others"
        );
        vendor.rest_is_as_before(&before, &after, 0, &[&place]);
    }
}

async fn a_key_given_twice_is_refused_before_the_first_request(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    for (list, _) in (vendor.lists)() {
        let mut desired = (vendor.full)();
        let items = items(&mut desired, list);
        items.push(items[0].clone());
        let checked = bench.findings(&[vendor.object(0, desired)]);
        let codes: Vec<&str> = checked
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect();
        let keyed = matches!(
            find_field(vendor.table(), list).map(|field| &field.shape),
            Some(Shape::Keyed(_))
        );
        // A set that names a member twice says the same as one that names it once.
        let code = if keyed {
            "duplicate-list-key"
        } else {
            "duplicate-member"
        };
        assert_eq!(codes, [code], "{list}");
        assert_eq!(checked.findings.has_errors(), keyed);
    }
    assert_eq!(bench.sandbox.requests(), []);
}
