//! What the body of an update must be.

use super::*;

#[test]
fn items_of_the_wrong_shape_are_refused_in_the_frameworks_words() {
    let mut bench = Bench::new();
    for (item, name) in [
        (json!({}), "product_feature"),
        (json!({"product_feature": 172}), "product_feature"),
        (json!({"product_feature": ""}), "product_feature"),
        (
            json!({"product_feature": "f2", "max_consumption": "5"}),
            "max_consumption",
        ),
        (
            json!({"product_feature": "f2", "max_consumption": null}),
            "max_consumption",
        ),
        (
            json!({"product_feature": "f2", "max_consumption": -1}),
            "max_consumption",
        ),
        (
            json!({"product_feature": "f2", "total_consumptions": 1.5}),
            "total_consumptions",
        ),
        (
            json!({"product_feature": "f2", "expiry_date": "2020-9-30"}),
            "expiry_date",
        ),
        (
            json!({"product_feature": "f2", "expiry_date": "2020-02-30"}),
            "expiry_date",
        ),
        (
            json!({"product_feature": "f2", "expiry_date": "2020-09-30T00:00:00Z"}),
            "expiry_date",
        ),
        (
            json!({"product_feature": "f2", "allow_overages": 1}),
            "allow_overages",
        ),
        (
            json!({"product_feature": "f2", "reset_consumption": "true"}),
            "reset_consumption",
        ),
        (
            json!({"product_feature": "f2", "consumption_period": "yearly"}),
            "consumption_period",
        ),
        (json!({"product_feature": "f2", "metadata": []}), "metadata"),
        (
            json!({"product_feature": "f2", "max_consumptions": 5}),
            "max_consumptions",
        ),
        (
            json!({"product_feature": "f2", "floating_users": 2_147_483_648_u64}),
            "floating_users",
        ),
    ] {
        let items = json!([{"product_feature": "f5"}, item]);
        let reply = bench.refused(json!({ "product_features": items }));
        assert_eq!(reply["product_features"][0], json!({}));
        let words = &reply["product_features"][1][name][0];
        assert!(words.is_string(), "{item} gave {reply}");
    }
    let reply = bench.refused(json!({"product_features": [7]}));
    assert!(reply["product_features"][0]["non_field_errors"].is_array());
}

#[test]
fn bodies_of_the_wrong_shape_are_refused() {
    let mut bench = Bench::new();
    assert!(bench.refused(json!({}))["product_features"].is_array());
    assert!(bench.refused(json!({"product_features": null}))["product_features"].is_array());
    assert!(bench.refused(json!({"product_features": {}}))["product_features"].is_array());
    let reply = bench.refused(json!({"product_features": [], "note": "x"}));
    assert!(reply["note"].is_array());
    assert!(bench.refused(json!([]))["non_field_errors"].is_array());
    let twice = json!([{"product_feature": "f2"}, {"product_feature": "f2"}]);
    let reply = bench.refused(json!({ "product_features": twice }));
    assert!(reply["product_features"][1]["product_feature"].is_array());

    let path = format!("/api/v1/licenses/{FIRST}/update_features/");
    let mut request = test_request("POST", &path, AUTH, Some(&json!({})));
    for (media, body, status, word) in [
        ("application/json", "{", 400, "JSON parse error"),
        ("text/plain", "{}", 415, "text/plain"),
    ] {
        request.headers.insert("content-type".into(), media.into());
        request.body = body.into();
        let (given, reply) = bench.raw(&request);
        assert_eq!(given, status);
        assert!(reply["detail"].as_str().unwrap().contains(word), "{reply}");
    }
    request.body.clear();
    let (given, reply) = bench.raw(&request);
    assert_eq!(
        (given, &reply["product_features"][0]),
        (400, &json!("This field is required."))
    );
}

#[test]
fn unknown_members_are_ignored_where_switched() {
    let mut bench = Bench::with(json!({"unknown_members": "ignore"}));
    let body =
        json!({"product_features": [{"product_feature": "f2", "colour": "red"}], "note": "x"});
    let (status, reply) = bench.post(FIRST, body);
    assert_eq!((status, &reply["note"]), (200, &Value::Null));
    assert_eq!(row(&reply, "f2").get("colour"), None);
}
