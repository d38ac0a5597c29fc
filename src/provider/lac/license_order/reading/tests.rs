use super::account::{Account, counts, owners, whole};
use super::*;
use crate::provider::ResourceKind;
use crate::provider::lac::license_order::{LicenseOrder, fields};
use crate::provider::reading::MOST_PAGES;
use crate::provider::testing::{self, answer};
use serde_json::{Value as Json, json};

/// What comes of `count` orders of as many customers, at a vendor that answers so.
fn read(count: i64, vendor: impl FnMut(&str) -> Answer) -> (usize, Vec<Observed>) {
    let orders: Vec<_> = (1..=count)
        .map(|number| {
            let key = format!("k{number}");
            let mut order = testing::desired_object(&fields::TABLE, &[("activationKey", &key)]);
            order
                .fields
                .extend([("customer_id", Value::Integer(number))]);
            order
        })
        .collect();
    let desired: Vec<&Desired> = orders.iter().collect();
    let (rounds, found) = testing::drive(LicenseOrder.reading(&desired), vendor);
    (rounds.concat().len(), found)
}

fn order(number: i64) -> Json {
    json!({"activation_key": format!("k{number}"), "customer": {"name": "Rivers"}})
}

#[test]
fn a_customer_list_that_does_not_end_is_left() {
    let mut customers = 0;
    let (calls, found) = read(20, |call| {
        if call.starts_with("GET /customers") {
            customers += 1;
            return answer(200, json!([{"id": customers, "name": "Rivers"}]));
        }
        let shown = if call.contains("customer_ids") { 0 } else { 20 };
        answer(200, Json::from_iter((1..=shown).map(order)))
    });
    assert_eq!(
        calls,
        MOST_PAGES + 1 + 20,
        "proofs that fail are tried first"
    );
    for one in found {
        let Observed::Unread(crate::model::ReadFailure { text: why, .. }) = one else {
            panic!("{one:?}");
        };
        assert!(why.contains("does not end"), "{why}");
    }
}

#[test]
fn a_part_of_other_keys_is_not_called_missing() {
    // The list of all with a 3 in their keys fills more than a page.
    let account = Account {
        orders: 400,
        customers: 1,
        lost: -1,
        sees: true,
        rows: 100,
    };
    let mut order = account.manifest(0);
    for (key, shown) in [
        ("k3", "Live"),
        ("3", "give the whole key"),
        ("k999", "Missing"),
    ] {
        order.identity =
            testing::desired_object(&fields::TABLE, &[("activationKey", key)]).identity;
        let (_, found) =
            testing::drive(LicenseOrder.reading(&[&order]), |call| account.answer(call));
        let words = format!("{:?}", found[0]);
        assert!(words.contains(shown), "{key}: {words}");
    }
}

#[test]
fn a_customer_without_a_name_moves_nothing() {
    let account = Account {
        orders: 20,
        customers: 20,
        lost: -1,
        sees: true,
        rows: 7,
    };
    let (_, found) = account.read_by(0..20, |call| {
        let mut reply = account.answer(call);
        if let Answer::Reply(reply) = &mut reply {
            reply.body = reply
                .body
                .replace(r#""id":7,"name":"Customer 7""#, r#""id":7,"name":null"#);
        }
        reply
    });
    let live = found.iter().filter(|one| matches!(one, Observed::Live(_)));
    // The one of that customer is proved by the customer's list.
    assert_eq!(live.count(), 20);
}

/// Orders of 20 of these customers, by pages of 7. After so many pages of customers the first two go. The last
/// customer has the name of another, and the order 7 besides.
fn with_customers_that_go(customers: i64, after: &[usize]) -> (usize, Vec<Observed>) {
    let account = Account {
        orders: 20,
        customers,
        lost: 7,
        sees: true,
        rows: 7,
    };
    let (mut first, mut pages) = (0, 0);
    let (rounds, found) = account.read_by(0..20, |call| {
        if !call.starts_with("GET /customers") {
            return account.answer(call);
        }
        let (path, offset) = call.split_once("?offset=").unwrap_or((call, "0"));
        let offset = first + offset.parse::<usize>().unwrap();
        let reply = account.answer(&format!("{path}?offset={offset}"));
        pages += 1;
        first += 2 * usize::from(after.contains(&pages));
        reply
    });
    (rounds.concat().len(), found)
}

#[test]
fn a_customer_who_moves_to_a_page_that_was_read_has_the_name_as_well() {
    for customers in 20..=24 {
        for after in 1..=4 {
            let (_, found) = with_customers_that_go(customers, &[after]);
            let theirs = (1..=20).map(|id| if id == 8 { customers } else { id });
            let what = format!("{customers} customers, after page {after}");
            assert_eq!(owners(&found), Vec::from_iter(theirs), "{what}");
        }
    }
}

#[test]
fn customers_who_move_in_every_reading_settle_no_owner() {
    let (calls, found) = with_customers_that_go(60, &Vec::from_iter(1..100));
    assert!(calls < 40, "{calls}");
    for one in found {
        let Observed::Unread(crate::model::ReadFailure { text: why, .. }) = one else {
            panic!("{one:?}");
        };
        assert!(why.contains("changed while it was read, 3 times"), "{why}");
    }
}

#[test]
fn a_thousand_orders_are_three_round_trips_deep() {
    let account = Account {
        orders: 1_000,
        customers: 250,
        lost: -1,
        sees: true,
        rows: 100,
    };
    let orders: Vec<_> = (0..1_000).map(|number| account.manifest(number)).collect();
    let desired: Vec<&Desired> = orders.iter().collect();
    let (rounds, early, late) =
        testing::given(LicenseOrder.reading(&desired), |call| account.answer(call));
    let calls: Vec<usize> = rounds.iter().map(Vec::len).collect();
    assert_eq!(
        calls,
        [2, 12],
        "pages of orders and of customers side by side"
    );
    // Every order is given away as soon as its owner is known.
    assert_eq!((early.len(), late.len()), (1_000, 0));
}

#[test]
fn orders_behind_the_many_of_a_customer_are_read_to_the_end_of_its_list() {
    let orders: Vec<_> = (4_000..4_130)
        .map(|number| {
            let key = format!("k{number}");
            let mut order = testing::desired_object(&fields::TABLE, &[("activationKey", &key)]);
            order.fields.extend([("customer_id", Value::Integer(7))]);
            order
        })
        .collect();
    let calls = |count: usize, length: i64| {
        let desired: Vec<&Desired> = orders.iter().take(count).collect();
        let (rounds, _) = testing::drive(LicenseOrder.reading(&desired), |call| {
            if call.contains("activation_key") {
                return answer(200, json!([]));
            }
            let offset = call.split_once("offset=").map_or("0", |(_, offset)| offset);
            let from: i64 = offset.parse().unwrap();
            answer(
                200,
                Json::from_iter((from..length.min(from + 100)).map(whole)),
            )
        });
        rounds.concat().len()
    };
    assert_eq!(calls(120, 4_120), 1 + 42, "a look ahead, and every page");
    // A missing order then belongs to another customer or does not exist: one call for each.
    assert_eq!(calls(130, 4_120), 1 + 43 + 10, "the last page is empty");
    assert_eq!(calls(20, 2_000), 1 + 20 + 20, "the page ahead was the end");
}

#[test]
fn many_customers_of_one_name_are_not_asked_for_one_by_one() {
    let (calls, _) = read(20, |call| {
        if call.starts_with("GET /customers") {
            let row = |id: i64| json!({"id": id, "name": "Rivers"});
            return answer(200, Json::from_iter((1..=500).map(row)));
        }
        answer(200, Json::from_iter((1..=20).map(order)))
    });
    assert_eq!(
        calls,
        1 + 2 + 20,
        "the list, the customers, a proof for each"
    );
}

#[test]
fn orders_are_handed_over_while_others_are_still_read() {
    // A page of customers more than the manifests name.
    let account = Account {
        orders: 3_000,
        customers: 150,
        lost: -1,
        sees: true,
        rows: 100,
    };
    let numbers = (0..3_000).filter(|number| account.named(*number) <= 90);
    let orders: Vec<_> = numbers.map(|number| account.manifest(number)).collect();
    let desired: Vec<&Desired> = orders.iter().collect();
    let mut reading = LicenseOrder.reading(&desired);
    let (mut waiting, mut given) = (Vec::new(), Vec::new());
    loop {
        let calls = reading.ready().into_iter();
        waiting.extend(calls.map(|(ticket, call)| (ticket, call.name())));
        let customers = |(_, call): &(Ticket, String)| call.starts_with("GET /customers");
        let next = waiting.iter().position(customers).unwrap_or(0);
        if waiting.is_empty() {
            break;
        }
        let (ticket, call) = waiting.remove(next);
        reading.take(ticket, account.answer(&call));
        if call.starts_with("GET /license-orders") {
            given.push(reading.settled().len());
        }
    }
    assert_eq!(given[0], 0, "nobody's yet");
    assert!(given[2..].iter().all(|count| *count > 0), "{given:?}");
}

/// Reads orders in an account that may not see its customers; returns the calls and the outcomes.
fn unseen(orders: i64, customers: i64, lost: i64) -> (Vec<String>, Vec<Observed>) {
    let account = Account {
        orders,
        customers,
        lost,
        sees: false,
        rows: 100,
    };
    let (rounds, found) = account.read(0..orders);
    (rounds.concat(), found)
}

/// Calls of the customer list, all other calls, and what comes of orders among 5,000 customers.
fn among_many(lost: i64, numbers: impl Iterator<Item = i64>) -> (usize, usize, Vec<Observed>) {
    let account = Account {
        orders: 50_000,
        customers: 5_000,
        lost,
        sees: true,
        rows: 100,
    };
    let (rounds, found) = account.read(numbers);
    let (customers, others) = counts(&rounds);
    (customers, others, found)
}

#[test]
fn a_long_customer_list_is_left_where_proofs_cost_no_more() {
    // The first page shows none of the orders: each is asked for by a call that also proves its owner.
    let scattered = |n: i64| n * 801 + 799;
    let (customers, others, found) = among_many(-1, (0..60).map(scattered));
    assert_eq!((customers, others), (4, 1 + 60));
    let theirs = (0..60).map(|n| scattered(n) % 5_000 + 1);
    assert_eq!(owners(&found), Vec::from_iter(theirs));
    // One page shows all. For 60 the list of 50 pages is cheaper, for 20 it is not.
    let (customers, others, found) = among_many(-1, 0..60);
    assert_eq!((customers, others), (56, 1));
    assert_eq!(owners(&found), Vec::from_iter(1..=60));
    let (customers, others, found) = among_many(-1, 0..20);
    assert_eq!((customers, others), (3, 1 + 20));
    assert_eq!(owners(&found), Vec::from_iter(1..=20));
}

#[test]
fn a_name_does_not_outweigh_a_proof_that_failed() {
    let account = Account {
        orders: 20,
        customers: 5_000,
        lost: -1,
        sees: true,
        rows: 100,
    };
    let (_, found) = account.read_by(0..20, |call| {
        if call.contains("customer_ids=8&") {
            return answer(200, json!([]));
        }
        account.answer(call)
    });
    let Observed::Unread(crate::model::ReadFailure { text: why, .. }) = &found[7] else {
        panic!("{:?}", found[7]);
    };
    let why = why.as_str();
    assert_eq!(
        why,
        "order k7 is in the list of no customer that could have it"
    );
    assert!(matches!(found[8], Observed::Live(_)), "{:?}", found[8]);
}

#[test]
fn a_short_customer_list_is_read_beside_the_orders() {
    let account = Account {
        orders: 20,
        customers: 20,
        lost: -1,
        sees: true,
        rows: 100,
    };
    let (rounds, found) = account.read(0..20);
    let calls: Vec<usize> = rounds.iter().map(Vec::len).collect();
    assert_eq!(
        calls,
        [2, 1],
        "a page of each, and the end of the customers"
    );
    assert_eq!(owners(&found), Vec::from_iter(1..=20));
}

#[test]
fn part_of_the_customer_list_proves_no_owner() {
    // What is read of the list has only the manifest's customer of that name.
    let (customers, others, found) = among_many(7, 0..20);
    let proofs = 20 + 2;
    assert_eq!(
        (customers, others),
        (60, 1 + proofs),
        "two of the same name"
    );
    let theirs = (1..=20).map(|id| if id == 8 { 5_000 } else { id });
    assert_eq!(owners(&found), Vec::from_iter(theirs));
}

#[test]
fn orders_of_customers_that_cannot_be_seen_are_proved_by_their_lists() {
    // A page of orders, the refusal, and a proof for each order that is its customer's only one.
    let (calls, found) = unseen(40, 40, -1);
    assert_eq!(calls.len(), 1 + 1 + 40, "{calls:#?}");
    assert_eq!(owners(&found), Vec::from_iter(1..=40));
    // Of customers with several orders, one page shows them all.
    let (calls, found) = unseen(100, 20, -1);
    assert_eq!(calls.len(), 1 + 1 + 20, "{calls:#?}");
    assert_eq!(owners(&found)[..21], Vec::from_iter((1..=20).chain([1])));
    // An order that such a page does not show is asked for once more.
    for (customers, proofs) in [(40, 40), (20, 20 + 1)] {
        let (calls, found) = unseen(40, customers, 7);
        assert_eq!(calls.len(), 1 + 1 + proofs, "{calls:#?}");
        let Observed::Unread(crate::model::ReadFailure { text: why, .. }) = &found[7] else {
            panic!("{:?}", found[7]);
        };
        assert!(
            why.contains("order k7 is not in the list of customer 8"),
            "{why}"
        );
        assert!(why.contains("GET /customers answered 403"), "{why}");
        assert!(matches!(found[8], Observed::Live(_)), "{:?}", found[8]);
    }
}

#[test]
fn customers_that_the_network_lost_are_not_proved() {
    let (calls, found) = read(20, |call| {
        if call.starts_with("GET /customers") {
            return Answer::Lost("GET /customers: no answer".into());
        }
        answer(200, Json::from_iter((1..=20).map(whole)))
    });
    assert_eq!(calls, 1 + 1);
    assert!(
        matches!(&found[0], Observed::Unread(crate::model::ReadFailure { text: why, .. }) if why.ends_with("no answer"))
    );
}

#[test]
fn counters_that_cannot_be_are_no_fact() {
    let order = json!({
        "product_template": {"id": 1}, "license_type": "network", "licensee_type": "customer",
        "hostid_match_rate": 100, "min_hostids": 1, "activations_allowed": 1, "enabled": true,
        "removal": false, "deactivations_allowed": i64::MAX, "deactivations_left": i64::MIN,
        "Hostids": [], "Features": [],
    });
    let text = order.to_string();
    let live = decode(ORDERS.one(&text).unwrap().unwrap()).unwrap();
    assert_eq!(live.number("deactivations_used"), None);
}
