//! Orders that come and change, and the licences that a new one makes.

use super::*;

const PATH: &str = "/api/v1/orders/";
const CREATE: &str = "/api/v1/orders/create_order/";
const FIRST_ORDER: &str = "/api/v1/orders/1593781720493279/";

fn new(id: &str) -> Value {
    json!({"id": id, "items": [{"product_code": "mch", "licenses": [
        {"policy_code": "team-1y", "max_activations": 12, "product_features": [{"code": "f2", "max_consumption": 7}]},
        {"users": [{"email": "one@rivers.example"}]},
    ]}]})
}

fn licenses(bench: &Bench) -> Vec<Value> {
    bench.api.state()["licenses"].as_array().unwrap().clone()
}

#[test]
fn orders_are_listed_by_their_ids_as_the_page_shows_them() {
    let mut bench = Bench::new();
    let (_, list) = bench.get(&format!("{PATH}?store_id=d2d2dce02c844d4492c9d48758aa143a"));
    let row = &list["results"][0];
    assert_eq!(
        (&list["count"], &row["id"]),
        (&json!(1), &json!(1_593_781_720_493_279_u64))
    );
    assert_eq!(
        (&row["customer"]["id"], &row["customer"]["email"]),
        (&json!(620), &json!("tc@tc.com"))
    );
    assert_eq!(
        (&row["customer_account"], &row["has_active_licenses"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(row["created_at"], "2020-07-03T13:08:40Z");
    let (_, list) = bench.get(&format!("{PATH}?store_id__icontains=ORD-20"));
    assert_eq!(
        (&list["count"], &list["results"][0]["has_active_licenses"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(bench.get(&format!("{PATH}?colour=red")).0, 400);
    assert_eq!(bench.get(FIRST_ORDER).0, 405);
}

#[test]
fn a_new_order_makes_its_licences_from_the_policy_and_what_is_said_of_each() {
    let mut bench = Bench::new();
    let before = licenses(&bench).len();
    let mut body = new("ord-7");
    body["metadata"] = json!("{\"tier\": \"gold\"}");
    body["customer_account_id"] = json!(818);
    let (status, order) = bench.write("POST", CREATE, body);
    assert_eq!(status, 200, "{order}");
    assert_eq!(
        (&order["store_id"], &order["metadata"]["tier"]),
        (&json!("ord-7"), &json!("gold"))
    );
    let made = licenses(&bench).split_off(before);
    let [by_policy, by_user] = &made[..] else {
        panic!("{made:?}")
    };
    assert_eq!(
        (&by_policy["max_activations"], &by_policy["valid_duration"]),
        (&json!(12), &json!("1y"))
    );
    assert_eq!(by_policy["product_features"][0]["max_consumption"], 7);
    assert!(by_policy["license_key"].is_string());
    // The default policy of the product, and no key for a licence of users.
    assert_eq!(
        (&by_user["max_activations"], &by_user["license_key"]),
        (&json!(5), &Value::Null)
    );
    let (_, list) = bench.get(&format!("{PATH}?store_id=ord-7"));
    assert_eq!(list["results"][0]["customer_account"], 818);
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}

#[test]
fn an_order_that_cannot_be_made_makes_nothing() {
    let mut bench = Bench::new();
    let before = bench.api.state();
    let spoil = |path: &str, value: Value| {
        let mut body = new("ord-7");
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut without = new("ord-7");
    without.as_object_mut().unwrap().shift_remove("items");
    for body in [
        without,
        new("ord-2020-07-2"),
        spoil("/items/0/product_code", json!("other")),
        spoil("/items/0/licenses/0/policy_code", json!("none")),
        spoil("/items/0/licenses/0/product_features/0/code", json!("f99")),
        spoil("/items/0/licenses/0/max_activations", json!("12")),
        spoil("/items/0/licenses/1/users/0/email", json!("")),
    ] {
        let (status, reply) = bench.write("POST", CREATE, body.clone());
        assert_eq!(status, 400, "{body}: {reply}");
    }
    let mut object = new("ord-7");
    object["metadata"] = json!({"tier": "gold"});
    assert_eq!(bench.write("POST", CREATE, object).0, 400);
    assert_eq!(bench.api.state(), before);
    let mut loose = Bench::with(json!({"order_taken_status": 409, "unknown_feature": "ignore"}));
    assert_eq!(loose.write("POST", CREATE, new("ord-2020-07-2")).0, 409);
    let unknown = spoil("/items/0/licenses/0/product_features/0/code", json!("f99"));
    assert_eq!(loose.write("POST", CREATE, unknown).0, 200);
}

#[test]
fn an_order_is_changed_and_the_reply_has_the_numbers_of_its_owners() {
    let mut bench = Bench::new();
    let change = json!({"customer_account": 811, "is_trial": true, "metadata": {"a": 1}});
    let (status, order) = bench.write("PATCH", FIRST_ORDER, change);
    assert_eq!(
        (status, &order["customer"], &order["customer_account"]),
        (200, &json!(620), &json!(811))
    );
    assert_eq!(order["updated_at"], "2026-01-02T03:04:05.654321Z");
    for refused in [
        json!({"customer_account": 9}),
        json!({"customer": 9}),
        json!({"store_id": "ord-2020-07-2"}),
        json!({"metadata": "{}"}),
        json!({"items": []}),
    ] {
        assert_eq!(bench.write("PATCH", FIRST_ORDER, refused).0, 400);
    }
    assert_eq!(bench.write("PATCH", "/api/v1/orders/9/", json!({})).0, 404);
}

#[test]
fn lists_show_what_the_switches_say() {
    let path = format!("{PATH}?store_id=ord-2020-07-2");
    let row = |switches: Value| Bench::with(switches).get(&path).1["results"][0].clone();
    let whole = row(json!({}));
    assert_eq!(
        (&whole["customer_account"], &whole["metadata"]),
        (&json!(811), &json!({}))
    );
    let short = row(json!({"order_rows": "short", "order_account": "object"}));
    assert_eq!(
        (&short["customer_account"]["code"], &short["language"]),
        (&json!("tc4"), &json!("en"))
    );
    assert_eq!(short.get("metadata"), None);
}
