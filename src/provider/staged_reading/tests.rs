use serde_json::{Value as Json, json};

use super::*;
use crate::model::{
    Kind, KindTable, Mark, Policy, Reference, ReferenceSpot, ReferenceState, References, Value,
    Vendor,
};
use crate::provider::testing::{answer, desired_object, drive};
use crate::provider::{find_kind, provider_of};
use jiff::Timestamp;

fn table(kind: &str) -> &'static KindTable {
    find_kind(kind).unwrap().table()
}

fn named(kind: Kind, name: &str) -> Address {
    Address {
        kind,
        name: name.into(),
    }
}

fn customer(name: &str, create: bool) -> Desired {
    let table = table("LacCustomer");
    let policy = Policy {
        create,
        ..Policy::default()
    };
    Desired {
        address: named(table.kind, name),
        policy: policy.into(),
        ..desired_object(table, &[("tag_name", "crm_id"), ("value", name)])
    }
}

/// An order of a customer, which a marker names, or its key.
fn order(ids: &[(&'static str, &str)], customer: &str, spot: ReferenceSpot) -> Desired {
    let referent = named(Kind("LacCustomer"), customer);
    let text = Reference::text(&referent);
    let mut order = desired_object(table("LacLicenseOrder"), ids);
    match spot {
        ReferenceSpot::Id(name) => order.identity.push((name, text.into())),
        _ => order
            .fields
            .extend([("customer_id", Value::Text(text.into()))]),
    }
    order.references = References::new(vec![Reference {
        spot,
        referent,
        mark: Mark::default(),
        state: ReferenceState::Open,
    }]);
    order
}

fn read(
    objects: &[&Desired],
    vendor: impl FnMut(&str) -> Answer,
) -> (Vec<Vec<String>>, Vec<Observed>) {
    let lac = provider_of(Vendor("lac")).unwrap();
    let stated = objects.iter().copied();
    let referents = Referents::stated(stated, Timestamp::UNIX_EPOCH);
    drive(read_in_stages(lac, objects, &referents, true), vendor)
}

fn customer_row(id: usize, tag: &str) -> Json {
    let lists = json!([{"tag_name": "crm_id", "value": tag}]);
    json!({
        "id": id, "name": format!("Customer {id}"), "street": "", "zip_code": "", "city": "", "state": "", "country": "",
        "phone_number": "", "fax_number": "", "description": "", "Contacts": [], "CustomTags": lists,
    })
}

/// Answers with the rows from the offset that a call names.
fn page(call: &str, rows: Vec<Json>) -> Answer {
    let offset = call
        .split("offset=")
        .nth(1)
        .and_then(|offset| offset.parse().ok());
    let rows = rows.into_iter().skip(offset.unwrap_or(0));
    answer(200, Json::from_iter(rows))
}

/// An account with the customer 7, tagged `a`, and no order.
fn account(call: &str) -> Answer {
    let is_found = call.starts_with("GET /customers?custom_tag_name=crm_id&custom_tag_value=a");
    page(call, Vec::from_iter(is_found.then(|| customer_row(7, "a"))))
}

#[test]
fn an_object_is_read_once_the_id_of_its_referent_is_known() {
    let (marker, spot) = (("marker", "desk"), ReferenceSpot::Id("customer_id"));
    let objects = [order(&[marker], "a", spot), customer("a", true)];
    let (rounds, seen) = read(&objects.each_ref(), account);
    assert_eq!(
        rounds,
        [
            vec!["GET /customers?custom_tag_name=crm_id&custom_tag_value=a"],
            vec!["GET /customers?custom_tag_name=crm_id&custom_tag_value=a&offset=1"],
            vec!["GET /license-orders?customer_ids=7&customer_ids_exclude=false"],
        ]
    );
    assert!(
        matches!(seen[..], [Observed::Missing, Observed::Live(_)]),
        "{seen:?}"
    );
}

#[test]
fn what_belongs_to_an_object_that_is_to_be_created_is_missing_without_a_call() {
    let (marker, spot) = (("marker", "desk"), ReferenceSpot::Id("customer_id"));
    let objects = [order(&[marker], "b", spot), customer("b", true)];
    let (rounds, seen) = read(&objects.each_ref(), account);
    assert_eq!(rounds.concat().len(), 1, "the customers alone: {rounds:?}");
    assert!(
        matches!(seen[..], [Observed::Missing, Observed::Missing]),
        "{seen:?}"
    );
}

#[test]
fn what_belongs_to_an_object_that_nobody_creates_is_unread() {
    let (marker, spot) = (("marker", "desk"), ReferenceSpot::Id("customer_id"));
    let objects = [order(&[marker], "b", spot), customer("b", false)];
    let (_, seen) = read(&objects.each_ref(), account);
    let [Observed::Unread(why), Observed::Missing] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert!(
        why.text
            .starts_with("`customer_id` is the id of LacCustomer/b, which is not there")
    );
}

/// The customers are so many that their list is read, and the orders belong to so many that it is read for them too.
#[test]
fn a_reply_of_an_earlier_stage_serves_a_later_one_once() {
    const MANY: usize = 30;
    let names: Vec<String> = (0..MANY).map(|number| format!("c{number}")).collect();
    let keys: Vec<String> = (0..MANY).map(|number| format!("K{number}")).collect();
    let spot = ReferenceSpot::Field("customer_id");
    let tagged = names.iter().map(|name| customer(name, false));
    let orders = names.iter().zip(&keys);
    let orders = orders.map(|(name, key)| order(&[("activationKey", key)], name, spot));
    let objects: Vec<Desired> = tagged.chain(orders).collect();
    let objects: Vec<&Desired> = objects.iter().collect();
    let (rounds, seen) = read(&objects, |call| {
        let all = 0..MANY;
        page(call, match call.contains("/customers") {
            true => all.map(|id| customer_row(id, &format!("c{id}"))).collect(),
            false => Vec::from_iter(all.map(|number| {
                json!({"activation_key": format!("K{number}"), "customer": {"name": format!("Customer {number}")}})
            })),
        })
    });
    let calls = rounds.concat();
    let count = |name: &str| calls.iter().filter(|call| *call == name).count();
    assert_eq!(count("GET /license-orders"), 1, "{calls:?}");
    assert_eq!(count("GET /customers"), 1, "{calls:?}");
    assert_eq!(seen.len(), 2 * MANY);
}

#[test]
fn objects_without_references_are_read_as_ever() {
    let objects = [customer("a", false)];
    let (rounds, _) = read(&objects.each_ref(), account);
    let lac = provider_of(Vendor("lac")).unwrap();
    assert_eq!(rounds, drive(lac.reading(&objects.each_ref()), account).0);
}
