//! Readings and listings of customers, and what the reply to a write proves.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::Value;
use crate::provider::lac::Lac;
use crate::provider::listing::Listed;
use crate::provider::reading::Answer;
use crate::provider::testing::{answer, desired_object, drive, list, reply};
use crate::provider::{Provider, find_kind};

fn customer(id: usize) -> Json {
    json!({
        "id": id.to_string(), "name": format!("Customer {id}"), "city": "Shortport", "Contacts": [],
        "CustomTags": [{"tag_name": "crm_id", "value": format!("C-{id}"), "creation_time": "2019-08-14 10:57:03"}],
    })
}

fn desired(id: usize) -> Desired {
    desired_object(&fields::TABLE, &[(ID, &id.to_string())])
}

/// Answers for an account whose customers have the ids from 1 to `customers`, with pages of `size` rows.
fn account(customers: usize, size: usize) -> impl Fn(&str) -> Answer {
    move |call| {
        let path = call
            .strip_prefix("GET /customers")
            .expect("a call for customers");
        if let Some(id) = path.strip_prefix('/') {
            let id: usize = id.parse().expect("a number");
            return match id <= customers {
                true => answer(200, customer(id)),
                false => answer(
                    404,
                    json!({"code": 105, "message": "Customer id does not exist."}),
                ),
            };
        }
        let offset = path.strip_prefix("?offset=").unwrap_or("0");
        let offset: usize = offset.parse().expect("a number");
        let rows = offset.min(customers)..customers.min(offset + size);
        answer(200, Json::from_iter(rows.map(|row| customer(row + 1))))
    }
}

/// Reads customers and returns the number of calls and the cities found, `-` for a customer that is missing.
fn read(
    ids: impl IntoIterator<Item = usize>,
    vendor: impl Fn(&str) -> Answer,
) -> (usize, Vec<String>) {
    let desired: Vec<Desired> = ids.into_iter().map(desired).collect();
    let desired: Vec<&Desired> = desired.iter().collect();
    let (rounds, found) = drive(Customer.reading(&desired), vendor);
    let names = found.into_iter().map(|found| match found {
        Observed::Live(live) => match live.fields.get("name") {
            Some(Value::Text(name)) => name.to_string(),
            other => panic!("{other:?}"),
        },
        Observed::Missing | Observed::Creatable(_) => "-".into(),
        Observed::Unread(why) => why.text,
    });
    (rounds.concat().len(), names.collect())
}

#[test]
fn one_customer_is_a_call_and_many_are_pages() {
    let calls = |ids: Vec<usize>, customers| {
        let (calls, names) = read(ids.clone(), account(customers, 100));
        let expected = ids.iter().map(|id| format!("Customer {id}"));
        assert_eq!(names, expected.collect::<Vec<_>>());
        calls
    };
    assert_eq!(calls(vec![7], 5_000), 1);
    assert_eq!(calls(vec![2, 3, 90], 5_000), 1);
    assert_eq!(calls((1..=120).collect(), 1_000), 2);
    // A page, a look ahead, and each by its id.
    assert_eq!(calls(vec![2_000, 3_000, 4_000], 5_000), 5);
    assert_eq!(calls((1..=1_000).collect(), 1_000), 11);
}

#[test]
fn a_customer_that_no_page_shows_is_asked_for_before_it_is_missing() {
    let (calls, names) = read([1, 9], account(3, 100));
    assert_eq!(names, ["Customer 1", "-"]);
    assert_eq!(calls, 2);
    // One that moved to a page that had been read is found by its id.
    let (_, names) = read([1, 150], |call: &str| match call {
        "GET /customers?offset=99" => answer(200, Json::from_iter((151..160).map(customer))),
        call => account(200, 100)(call),
    });
    assert_eq!(names, ["Customer 1", "Customer 150"]);
}

#[test]
fn a_server_that_knows_no_offset_is_asked_for_each() {
    let whole = account(3, 100);
    let (_, names) = read([1, 2, 8, 9], |call: &str| match call {
        call if call.starts_with("GET /customers?") => whole("GET /customers"),
        call => whole(call),
    });
    assert_eq!(names, ["Customer 1", "Customer 2", "-", "-"]);
}

#[test]
fn a_page_that_is_lost_is_no_missing_customer() {
    let whole = account(300, 100);
    let (_, names) = read(1..=250, |call: &str| match call {
        "GET /customers?offset=99" => answer(503, "down"),
        call => whole(call),
    });
    assert_eq!(names[0], "Customer 1");
    let lost: Vec<&String> = names.iter().filter(|name| name.contains("503")).collect();
    assert!(
        !lost.is_empty() && !names.contains(&"-".into()),
        "{names:?}"
    );
}

#[test]
fn a_customer_that_is_not_as_documented_does_not_spoil_its_page() {
    let (_, names) = read([1, 2], |call: &str| {
        assert_eq!(call, "GET /customers");
        let mut odd = customer(1);
        odd["Contacts"] =
            json!([{"name": "A", "email": "a@x.test"}, {"name": "B", "email": "a@x.test"}]);
        answer(200, json!([odd, customer(2)]))
    });
    let why = "GET /customers: customer 1: `Contacts` has the element […] twice";
    assert_eq!(names, [why, "Customer 2"]);
}

#[test]
fn a_fault_does_not_tell_the_address_of_a_contact() {
    let fault = |contacts: Json, tags: Json| {
        let mut odd = customer(1);
        (odd["Contacts"], odd["CustomTags"]) = (contacts, tags);
        let row = odd.to_string();
        let mut row = CUSTOMERS.one(&row).expect("JSON").expect("an object");
        decode(&mut row).expect_err("a fault").0
    };
    let tags = json!([]);
    let named = fault(json!([{"name": 7, "email": "a[b]@x.test"}]), tags.clone());
    assert!(
        named.starts_with("`Contacts[…]") && !named.contains('@'),
        "{named}"
    );
    let nameless = fault(json!([{"name": "A"}]), tags);
    assert_eq!(nameless, "`Contacts[].email` is missing");
    // A tag is no personal data.
    let tag = fault(json!([]), json!([{"tag_name": "crm_id", "value": 7}]));
    assert!(
        tag.starts_with("`CustomTags[crm_id].value` must be"),
        "{tag}"
    );
}

fn listed(vendor: impl FnMut(&str) -> Answer) -> (usize, Listed) {
    let (rounds, listed) = list(Customer.listing().expect("a listing"), vendor);
    (rounds.concat().len(), listed)
}

#[test]
fn every_customer_is_listed_with_pages_of_any_size() {
    for (customers, size, calls) in [
        (0, 100, 1),
        (3, 100, 2),
        (250, 100, 4),
        (5, 2, 5),
        (3, 1, 4),
    ] {
        let (made, listed) = listed(account(customers, size));
        assert_eq!(listed.failures, [""; 0]);
        assert_eq!(listed.objects.len(), customers, "{customers} by {size}");
        assert_eq!(made, calls, "{customers} by {size}");
    }
}

#[test]
fn a_list_that_moved_is_read_again_and_one_that_keeps_moving_is_said_to_be_short() {
    let moving = |moves: usize| {
        let (mut first, mut calls) = (0, 0);
        listed(move |call| {
            // The first customer goes before the second and later calls.
            first += usize::from((1..=moves).contains(&calls));
            calls += 1;
            let offset = call.split("offset=").nth(1).unwrap_or("0");
            let from = first + offset.parse::<usize>().expect("a number");
            let rows = from.min(9)..9.min(from + 3);
            answer(200, Json::from_iter(rows.map(|row| customer(row + 1))))
        })
    };
    let (_, once) = moving(1);
    let ids: Vec<&str> = once
        .objects
        .iter()
        .map(|one| one.identity[0].1.as_str())
        .collect();
    assert_eq!(ids, ["2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(once.failures, [""; 0]);
    let (calls, ever) = moving(100);
    assert!(
        ever.failures[0].contains("may have more") && calls < 12,
        "{ever:?}"
    );
}

#[test]
fn a_lost_page_of_the_list_is_a_failure() {
    let whole = account(300, 100);
    let (_, listed) = listed(|call| match call {
        "GET /customers?offset=99" => answer(500, ""),
        call => whole(call),
    });
    assert_eq!((listed.objects.len(), listed.failures.len()), (100, 1));
}

#[test]
fn the_reply_to_a_write_is_the_customer_if_it_is_the_one_that_was_written() {
    let before = Live::default();
    let echo = |json: Json| Customer.echo(&desired(1), &before, &reply(200, json));
    let live = echo(customer(1)).expect("the customer");
    assert_eq!(
        live.fields.get("city"),
        Some(&Value::Text("Shortport".into()))
    );
    // Beside its fields only the id of a customer is kept: contacts are personal data.
    assert_eq!(live.facts.iter().count(), 1);
    assert_eq!(live.text(ID), Some("1"));
    assert!(echo(customer(11)).is_err_and(|why| why.0.contains("not the one")));
    assert!(echo(json!([])).is_err());
}

#[test]
fn a_page_that_both_kinds_ask_for_is_asked_for_once() {
    let orders = find_kind("LacLicenseOrder").expect("a kind").table();
    let mut all: Vec<Desired> = (1..=20).map(desired).collect();
    for number in 1..=20 {
        let mut order = desired_object(orders, &[("activationKey", &format!("K{number}"))]);
        order
            .fields
            .extend([("customer_id", Value::Integer(number))]);
        all.push(order);
    }
    let all: Vec<&Desired> = all.iter().collect();
    let customers = account(20, 100);
    let (rounds, found) = drive(Lac.reading(&all), |call| {
        if !call.starts_with("GET /license-orders") {
            return customers(call);
        }
        let order = |number: i64| {
            json!({
                "activation_key": format!("K{number}"), "customer": {"name": format!("Customer {number}")},
                "product_template": {"id": "1"}, "license_type": "local", "licensee_type": "customer",
                "hostid_match_rate": "100", "min_hostids": "1", "activations_allowed": "1", "enabled": true,
                "removal": false, "Hostids": [], "Features": [],
            })
        };
        let offset = call.split("offset=").nth(1).unwrap_or("0");
        let from: i64 = offset.parse().expect("a number");
        answer(200, Json::from_iter((from + 1..=20).map(order)))
    });
    assert!(
        found.iter().all(|one| matches!(one, Observed::Live(_))),
        "{found:?}"
    );
    let calls = rounds.concat();
    // A page of orders, and two of customers: the second shows that the list has ended.
    let first = calls.iter().filter(|call| *call == "GET /customers");
    assert_eq!((first.count(), calls.len()), (1, 3), "{calls:#?}");
}

/// A customer that a manifest names by a custom tag.
fn tagged() -> Desired {
    let key = [(fields::TAG_NAME, "crm_id"), (fields::TAG_VALUE, "C-1")];
    desired_object(&fields::TABLE, &key)
}

#[test]
fn a_creation_gives_the_customer_its_tag_and_takes_the_id_from_the_reply() {
    let desired = tagged();
    let mut fields = Customer.key_fields(&desired);
    fields.insert("name", Value::Text("Rivers".into()));
    let nothing = Live::default();
    let write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields,
    };
    let call = Customer.encode(&write);
    assert_eq!(call.name(), "POST /customers");
    let body = json!({"name": "Rivers", "CustomTags": [{"tag_name": "crm_id", "value": "C-1"}]});
    assert_eq!(call.body, Some(body));
    let made = Customer.echo(&desired, &nothing, &reply(200, customer(9)));
    let made = made.expect("a customer");
    assert_eq!(made.text(ID), Some("9"));
    // The id that a read found is the one that a write is for.
    let other = Customer.echo(&desired, &made, &reply(200, customer(8)));
    assert!(other.is_err());
    let write = Write {
        live: &made,
        purpose: WritePurpose::Update(0),
        ..write
    };
    assert_eq!(Customer.encode(&write).name(), "PATCH /customers/9");
}

#[test]
fn a_customer_is_known_by_each_of_its_tags() {
    let live = Customer.echo(&tagged(), &Live::default(), &reply(200, customer(1)));
    let keys = Customer.natural_keys(&live.expect("a customer"));
    let key: Identity = vec![
        (fields::TAG_NAME, "crm_id".into()),
        (fields::TAG_VALUE, "C-1".into()),
    ];
    assert_eq!(keys, [key]);
}
