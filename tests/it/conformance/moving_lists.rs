//! Lists that move while they are read: what was there before, during and after is in an import, or the
//! import says that it may be short.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use entitle::reconcile::import::{self, Ask};
use serde_json::Value as Json;

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::Bench;
use crate::support::proxy::Spoil;

for_every_vendor!(
    what_stays_is_listed_when_the_first_object_goes,
    what_stays_is_listed_when_an_object_comes_before_the_others,
    a_list_that_never_rests_is_said_to_be_short,
);

const OBJECTS: usize = 250;

/// The account without its first object.
fn without_first(vendor: &Vendor, account: &Json) -> Json {
    let mut account = account.clone();
    let place = (vendor.place)(0);
    let (list, _) = place.rsplit_once('/').expect("an object in a list");
    let list = account.pointer_mut(list).and_then(Json::as_array_mut);
    list.expect("a list").remove(0);
    account
}

/// Lists everything while the account becomes the next of `states` after each page of objects, as long as
/// there are more. Gives back how many were listed, and the failures; nothing for vendors without a list.
async fn listed(
    vendor: &'static Vendor,
    mut states: impl Iterator<Item = Json> + Send + 'static,
) -> Option<(Vec<String>, Vec<String>)> {
    vendor.resource().listing()?;
    let mut bench = Bench::new().await;
    vendor.load(
        &bench,
        states.next().expect("what the account has at first"),
    );
    let sandbox = Arc::clone(&bench.sandbox);
    let states = Arc::new(Mutex::new(states));
    let place = (vendor.place)(0);
    let list = place.rsplit_once('/').expect("an object in a list").0;
    let list = list.to_string();
    bench
        .spoil(move |_, passed| {
            let shows_objects = [list.as_str(), "/license", "/user-groups", "/users"]
                .iter()
                .any(|part| passed.path().contains(*part));
            let is_page = passed.is_read() && shows_objects;
            let (sandbox, states) = (Arc::clone(&sandbox), Arc::clone(&states));
            let moved = move || {
                // Pages that are read side by side have their turns one after the other.
                if let Some(next) = states.lock().unwrap().next() {
                    let set = sandbox.set_state(vendor.name, next);
                    set.expect("an account");
                }
            };
            is_page.then(|| Spoil::Meanwhile(Box::new(moved)))
        })
        .await;
    let checked = bench.check(&[vendor.little(1, false)]);
    let seen = import::read_objects(
        &checked,
        vendor.name,
        vendor.resource(),
        &Ask::Everything,
        &bench.settings(),
    )
    .await;
    let seen = seen.expect("the vendor has a list");
    let found = seen
        .objects
        .iter()
        .map(|found| import::show_identity(&found.identity));
    Some((found.collect(), seen.failures))
}

/// Every object but the first, which comes or goes.
fn staying(vendor: &Vendor) -> Vec<String> {
    (1..OBJECTS).map(|number| vendor.id(number)).collect()
}

async fn stays(vendor: &'static Vendor, before: Json, after: Json) {
    let Some((found, failures)) = listed(vendor, [before, after].into_iter()).await else {
        return;
    };
    assert_eq!(failures, [""; 0]);
    for id in staying(vendor) {
        assert!(found.contains(&id), "{id} is not listed");
    }
}

async fn what_stays_is_listed_when_the_first_object_goes(vendor: &'static Vendor) {
    let all = (vendor.account)(OBJECTS);
    let less = without_first(vendor, &all);
    stays(vendor, all, less).await;
}

async fn what_stays_is_listed_when_an_object_comes_before_the_others(vendor: &'static Vendor) {
    let all = (vendor.account)(OBJECTS);
    let less = without_first(vendor, &all);
    stays(vendor, less, all).await;
}

async fn a_list_that_never_rests_is_said_to_be_short(vendor: &'static Vendor) {
    let all = (vendor.account)(OBJECTS);
    let less = without_first(vendor, &all);
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let states = std::iter::from_fn(move || {
        let turn = counted.fetch_add(1, Ordering::Relaxed);
        Some(if turn.is_multiple_of(2) {
            all.clone()
        } else {
            less.clone()
        })
    });
    let Some((found, failures)) = listed(vendor, states).await else {
        return;
    };
    assert!(found.len() >= 100);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].contains("changed while it was read"),
        "{failures:?}"
    );
    assert!(
        turns.load(Ordering::Relaxed) < 20,
        "the readings are bounded"
    );
}
