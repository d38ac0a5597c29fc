//! What an update does to the features.

use super::*;

#[test]
fn an_update_replaces_the_whole_set() {
    let mut bench = Bench::new();
    let (status, reply) = bench.update(
        FIRST,
        json!([
            {"product_feature": "f3", "total_consumptions": 4, "expiry_date": "2030-01-31", "metadata": {"a": 1}},
            {"product_feature": "f2", "max_consumption": 90}
        ]),
    );
    assert_eq!(status, 200, "{reply}");
    assert_eq!(codes(&reply), ["f2", "f3"]);
    assert_eq!(reply["updated_at"], "2026-01-02T03:04:05.654321Z");
    let kept = row(&reply, "f2");
    assert_eq!(
        (&kept["id"], &kept["max_consumption"]),
        (&json!(1_605_023_917_125_631_u64), &json!(90))
    );
    let made = row(&reply, "f3");
    assert_eq!(made["id"], 1_605_023_917_125_652_u64);
    assert_eq!(made["max_consumption"], 10);
    assert_eq!(made["allow_overages"], true);
    assert_eq!(made["max_overages"], 99);
    assert_eq!(made["consumption_period"], "monthly");
    assert_eq!(made["total_consumptions"], 4);
    assert_eq!(made["expiry_date"], "2030-01-31");
    assert_eq!(made["metadata"], json!({"a": 1}));
    assert_eq!(reply["license_type"], "perpetual");

    let mut read = bench.read(FIRST);
    assert_eq!(read["updated_at"], "2026-01-02T03:04:06Z");
    read["updated_at"] = reply["updated_at"].clone();
    assert_eq!(read, reply);
}

#[test]
fn an_empty_list_strips_every_feature() {
    let mut bench = Bench::new();
    let (status, reply) = bench.update(FIRST, json!([]));
    assert_eq!((status, &reply["product_features"]), (200, &json!([])));
}

#[test]
fn every_member_of_an_item_is_written() {
    let item = json!({
        "product_feature": "priority-support", "max_consumption": 1, "total_consumptions": 2,
        "expiry_date": "2031-12-01", "allow_overages": true, "max_overages": 3, "reset_consumption": true,
        "consumption_period": "daily", "metadata": {"x": [1]}, "is_floating": true,
        "is_floating_cloud": true, "floating_users": 4, "floating_timeout": 5
    });
    let (status, reply) = Bench::new().update(FIRST, json!([item]));
    assert_eq!(status, 200);
    let row = row(&reply, "priority-support");
    for (name, value) in item.as_object().unwrap() {
        if name != "product_feature" {
            assert_eq!(row[name], *value, "{name}");
        }
    }
}

#[test]
fn members_that_an_item_leaves_out_are_kept_or_set_again_as_switched() {
    let item = json!([{"product_feature": "f3"}]);
    let (_, reply) = Bench::new().update(SECOND, item.clone());
    let kept = row(&reply, "f3");
    assert_eq!(
        (&kept["max_consumption"], &kept["expiry_date"]),
        (&json!(50), &json!("2027-06-30"))
    );
    assert_eq!(kept["total_consumptions"], 37);

    let (_, reply) = Bench::with(json!({"omitted": "redefault"})).update(SECOND, item);
    let again = row(&reply, "f3");
    assert_eq!(
        (&again["max_consumption"], &again["expiry_date"]),
        (&json!(10), &json!(null))
    );
    assert_eq!(
        again["total_consumptions"], 37,
        "usage moves only when it is sent"
    );
}

#[test]
fn usage_moves_only_when_it_is_sent() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    let rows = &mut state["licenses"][1]["product_features"];
    rows[0]["total_consumptions"] = json!(181);
    bench.api.set_state(state).unwrap();
    let items = |used: Value| json!([{"product_feature": "f1", "total_consumptions": used}]);
    let (_, reply) = bench.update(SECOND, json!([{"product_feature": "f1"}]));
    assert_eq!(row(&reply, "f1")["total_consumptions"], 181);
    let (_, reply) = bench.update(SECOND, items(json!(0)));
    assert_eq!(row(&reply, "f1")["total_consumptions"], 0);
}

#[test]
fn rows_are_recreated_where_switched() {
    let mut bench = Bench::with(json!({"row_ids": "recreate"}));
    let (_, reply) = bench.update(FIRST, json!([{"product_feature": "f2"}]));
    let row = row(&reply, "f2");
    assert_eq!(row["id"], 1_605_023_917_125_652_u64);
    assert_eq!(row["max_consumption"], 88);
}

#[test]
fn new_rows_take_max_overages_as_switched() {
    let mut bench = Bench::with(json!({"new_row_max_overages": "product_feature"}));
    let (_, reply) = bench.update(FIRST, json!([{"product_feature": "f3"}]));
    assert_eq!(row(&reply, "f3")["max_overages"], 5);
}

#[test]
fn a_yearly_period_is_read_back_in_the_switched_spelling() {
    let items = |period: &str| json!([{"product_feature": "f2", "consumption_period": period}]);
    for (switch, sent) in [("annualy", "annually"), ("annually", "annualy")] {
        let mut bench = Bench::with(json!({"period_spelling": switch}));
        let (status, reply) = bench.update(FIRST, items(sent));
        assert_eq!(
            (status, &row(&reply, "f2")["consumption_period"]),
            (200, &json!(switch))
        );
        let second = bench.read(SECOND);
        let f7 = row(&second, "f7");
        assert_eq!(f7["consumption_period"], switch);
        assert_eq!(f7["product_feature"]["consumption_period"], switch);
    }
    for accepted in ["annualy", "annually"] {
        let mut bench = Bench::with(json!({"period_accepted": accepted}));
        assert_eq!(bench.update(FIRST, items(accepted)).0, 200);
        let other = if accepted == "annualy" {
            "annually"
        } else {
            "annualy"
        };
        let reply = bench.refused(json!({"product_features": items(other)}));
        assert!(reply["product_features"][0]["consumption_period"].is_array());
    }
}

#[test]
fn unknown_features_are_refused_or_ignored_as_switched() {
    let items = json!([{"product_feature": "f2"}, {"product_feature": "f9"}]);
    let reply = Bench::new().refused(json!({"product_features": items}));
    assert_eq!(reply["code"], "unsupported_product_feature");
    assert!(reply["message"].as_str().unwrap().contains("f9"));
    let (status, reply) = Bench::with(json!({"unknown_feature": "ignore"})).update(FIRST, items);
    assert_eq!((status, codes(&reply)), (200, vec!["f2"]));
}

#[test]
fn a_feature_of_another_product_is_unknown_and_a_global_one_is_not() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    let features = state["product_features"].as_array_mut().unwrap();
    features.push(json!({"id": 900, "code": "theirs", "product": 1}));
    bench.api.set_state(state).unwrap();
    let body = json!({"product_features": [{"product_feature": "theirs"}]});
    assert_eq!(bench.refused(body)["code"], "unsupported_product_feature");
    let (status, _) = bench.update(FIRST, json!([{"product_feature": "priority-support"}]));
    assert_eq!(status, 200);
}

#[test]
fn a_deleted_feature_stays_where_it_is_but_is_not_given_anew() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    // f2, which the first licence has and the second has not.
    state["product_features"][1]["is_deleted"] = json!(true);
    bench.api.set_state(state).unwrap();
    let item = json!([{"product_feature": "f2"}]);
    assert_eq!(bench.update(FIRST, item.clone()).0, 200);
    assert_eq!(bench.update(SECOND, item).0, 400);
}

#[test]
fn a_numeric_id_names_a_feature_only_where_switched() {
    let items = json!([{"product_feature": "172"}]);
    let reply = Bench::new().refused(json!({"product_features": items}));
    assert_eq!(reply["code"], "unsupported_product_feature");
    let mut bench = Bench::with(json!({"numeric_id": true}));
    let (status, reply) = bench.update(FIRST, items);
    assert_eq!((status, codes(&reply)), (200, vec!["f2"]));
    let twice = json!([{"product_feature": "172"}, {"product_feature": "f2"}]);
    bench.refused(json!({"product_features": twice}));
}
