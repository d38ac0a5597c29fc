//! Customers that are named by a custom tag, against literal lists of one vendor or another.

use serde_json::{Value as Json, json};

use super::*;
use crate::provider::testing::{answer, desired_object, drive};

fn desired(value: &str) -> Desired {
    let key = [(fields::TAG_NAME, "crm_id"), (fields::TAG_VALUE, value)];
    desired_object(&fields::TABLE, &key)
}

fn customer(id: usize, value: &str) -> Json {
    let tags =
        json!([{"tag_name": "crm_id", "value": value}, {"tag_name": "region", "value": "C-1"}]);
    json!({"id": id.to_string(), "name": format!("Customer {id}"), "Contacts": [], "CustomTags": tags})
}

/// Answers a search as the page describes it: a part of the value is enough, in any case.
fn searched(customers: Vec<Json>) -> impl Fn(&str) -> Answer {
    move |call| {
        let query = call.split_once('?').map_or("", |(_, query)| query);
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let part = parameter("custom_tag_value").unwrap_or("").to_lowercase();
        let offset: usize =
            parameter("offset").map_or(0, |offset| offset.parse().expect("a number"));
        let tag = |customer: &Json| {
            customer["CustomTags"][0]["value"]
                .as_str()
                .unwrap_or("")
                .to_lowercase()
        };
        let rows = customers
            .iter()
            .filter(|customer| tag(customer).contains(&part));
        answer(200, Json::from_iter(rows.skip(offset).take(100).cloned()))
    }
}

/// Reads the customers with these tags; returns the number of calls, and of each its id, `-`, or why it was not read.
fn read(values: &[&str], vendor: impl Fn(&str) -> Answer) -> (usize, Vec<String>) {
    let desired: Vec<Desired> = values.iter().map(|value| desired(value)).collect();
    let desired: Vec<&Desired> = desired.iter().collect();
    let (rounds, found) = drive(Box::new(TagReading::new(&desired)), vendor);
    let names = found.into_iter().map(|found| match found {
        Observed::Live(live) => live.text("customerId").expect("an id").to_string(),
        Observed::Missing | Observed::Creatable(_) => "-".into(),
        Observed::Unread(why) => why.text,
    });
    (rounds.concat().len(), names.collect())
}

#[test]
fn a_search_finds_the_customer_whose_tag_is_exactly_that() {
    let rivers = || vec![customer(1, "C-12"), customer(2, "c-1"), customer(3, "C-1")];
    assert_eq!(read(&["C-1"], searched(rivers())), (2, vec!["3".into()]));
    assert_eq!(read(&["C-9"], searched(rivers())), (1, vec!["-".into()]));
    // Another tag of that value is another tag.
    assert_eq!(
        read(&["C-1"], searched(vec![customer(1, "C-12")])),
        (2, vec!["-".into()])
    );
}

#[test]
fn two_customers_of_one_tag_are_an_error_with_both_ids() {
    let (_, found) = read(
        &["C-1"],
        searched(vec![customer(3, "C-1"), customer(7, "C-1")]),
    );
    let expected = "2 customers have the custom tag \"crm_id\" with the value \"C-1\": 3, 7; name one by its `customerId`";
    assert_eq!(found, [expected]);
}

#[test]
fn many_customers_are_looked_up_in_the_whole_list() {
    let all = || {
        (1..=250)
            .map(|id| customer(id, &format!("C-{id}")))
            .collect()
    };
    let values: Vec<String> = (1..=40).map(|id| format!("C-{}", id * 5)).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let (calls, found) = read(&values, searched(all()));
    assert_eq!(calls, 4, "three pages, and one with nothing new");
    let expected: Vec<String> = (1..=40).map(|id| (id * 5).to_string()).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_list_that_was_not_read_whole_or_not_understood_makes_nobody_missing() {
    let (_, found) = read(&["C-1"], |_| answer(503, "down"));
    assert!(found[0].contains("503"), "{found:?}");
    let mut odd = customer(1, "C-1");
    odd["CustomTags"] = json!("none");
    let (_, found) = read(&["C-2"], move |call: &str| match call.contains("offset") {
        true => answer(200, json!([])),
        false => answer(200, json!([odd])),
    });
    assert!(found[0].contains("customer 1: "), "{found:?}");
}
