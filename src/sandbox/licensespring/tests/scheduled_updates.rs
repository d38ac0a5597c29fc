//! Scheduled updates: how they are created, merged, changed and carried out.

use super::*;

const UPDATES: &str = "/api/v1/scheduled-updates/";
const LICENSE: u64 = 1_593_781_720_493_290;

fn item(data: Value) -> Value {
    json!({"action": "license-update", "update_data": data})
}

fn update(at: &str, items: Value) -> Value {
    json!({"license": LICENSE, "scheduled_at": at, "name": "n", "scheduled_update_data": items})
}

/// A bench on 2 January 2026, a little after three, with one update for four o'clock.
fn scheduled(switches: Value) -> Bench {
    let mut bench = Bench::with(switches);
    let body = update(
        "2026-01-02T04:45:00Z",
        json!([item(json!({"max_activations": 15}))]),
    );
    let (status, reply) = bench.write("POST", UPDATES, body);
    assert_eq!(status, 201, "{reply}");
    assert_eq!(
        reply["scheduled_at"], "2026-01-02T04:00:00Z",
        "cut to the hour"
    );
    bench
}

#[test]
fn an_update_is_carried_out_at_its_hour() {
    let mut bench = scheduled(json!({}));
    let activations = |bench: &mut Bench| bench.read(SECOND)["max_activations"].clone();
    assert_eq!(activations(&mut bench), 10);
    let (_, outlook) = bench.get(&format!("{UPDATES}1/simulate/"));
    assert_eq!(
        (&outlook["status"], &outlook["applied_at"]),
        (&json!("applied"), &Value::Null)
    );
    assert_eq!(activations(&mut bench), 10, "nothing was written");
    bench.now = "2026-01-02T04:00:00Z".parse().unwrap();
    assert_eq!(activations(&mut bench), 15);
    let (_, counts) = bench.get(&format!("{UPDATES}stats/"));
    assert_eq!(
        counts,
        json!({"pending": 0, "applied": 1, "cancelled": 0, "failed": 0})
    );
    for (method, path) in [("POST", "cancel/"), ("PATCH", ""), ("POST", "apply/")] {
        let (status, _) = bench.write(method, &format!("{UPDATES}1/{path}"), json!({}));
        assert_eq!(status, 400, "{path}");
    }
}

#[test]
fn a_second_update_of_the_hour_is_merged_by_each_reading() {
    for (reading, name) in [("keep", "n"), ("replace", "m")] {
        let mut bench = scheduled(json!({"merged_name": reading}));
        let feature = json!({"action": "license-product-feature-update", "product_feature": 171,
            "update_data": {"max_consumption": 9}});
        let mut body = update("2026-01-02T04:10:00Z", json!([feature]));
        body["name"] = json!("m");
        let (_, merged) = bench.write("POST", UPDATES, body.clone());
        assert_eq!((&merged["id"], &merged["name"]), (&json!(1), &json!(name)));
        assert_eq!(merged["scheduled_update_data"].as_array().unwrap().len(), 2);
        let (status, reply) = bench.write("POST", UPDATES, body);
        assert_eq!(status, 400, "the same thing twice: {reply}");
    }
}

#[test]
fn bodies_are_checked() {
    let mut bench = scheduled(json!({}));
    let good = item(json!({"max_activations": 1}));
    let far = "2026-02-01T00:00:00Z";
    for (body, part) in [
        (
            update("2026-01-02T03:59:59Z", json!([good])),
            "scheduled_at",
        ),
        (update(far, json!([])), "scheduled_update_data"),
        (update(far, json!([good, good])), "scheduled_update_data"),
        (
            update(far, json!([item(json!({"seats": 1}))])),
            "update_data",
        ),
        (
            update(far, json!([item(json!({"max_activations": "1"}))])),
            "update_data",
        ),
        (
            update(far, json!([{"action": "license-disable"}])),
            "action",
        ),
        (
            update(far, json!([{"action": "license-product-feature-delete"}])),
            "product_feature",
        ),
        (
            json!({"license": 1, "scheduled_at": far, "scheduled_update_data": [good]}),
            "license",
        ),
        (
            json!({"scheduled_at": far, "scheduled_update_data": [good]}),
            "license",
        ),
    ] {
        let (status, reply) = bench.write("POST", UPDATES, body);
        assert_eq!(status, 400, "{reply}");
        assert!(reply.to_string().contains(part), "{reply}");
    }
    let many = vec![good; 101];
    let (status, _) = bench.write("POST", UPDATES, update(far, json!(many)));
    assert_eq!(status, 400);
}

#[test]
fn all_of_a_failing_update_is_left_undone() {
    let mut bench = scheduled(json!({}));
    let items = json!([item(json!({"max_activations": 3})),
        {"action": "license-product-feature-delete", "product_feature": 172},
        {"action": "license-custom-field-delete", "product_custom_field": 51}]);
    let patch = json!({"license": 7, "scheduled_update_data": items});
    let (status, changed) = bench.write("PATCH", &format!("{UPDATES}1/"), patch);
    assert_eq!(
        (status, &changed["license"]),
        (200, &json!(LICENSE)),
        "{changed}"
    );
    let messages = |update: &Value| {
        let items = update["scheduled_update_data"].as_array().unwrap().iter();
        items
            .filter(|item| item["error_message"].is_string())
            .count()
    };
    let (_, outlook) = bench.get(&format!("{UPDATES}1/simulate/"));
    assert_eq!(
        (&outlook["status"], messages(&outlook)),
        (&json!("failed"), 2),
        "all are checked"
    );
    let (status, failed) = bench.write("POST", &format!("{UPDATES}1/apply/"), json!({}));
    assert_eq!(
        (status, &failed["status"], messages(&failed)),
        (200, &json!("failed"), 1)
    );
    assert_eq!(bench.read(SECOND)["max_activations"], 10);
    let (status, again) = bench.write("POST", &format!("{UPDATES}1/retry/"), json!({}));
    assert_eq!((status, &again["status"]), (200, &json!("failed")));
}

#[test]
fn a_failed_update_needs_a_time_by_each_reading() {
    for (reading, same) in [("any", 200), ("other", 400)] {
        let mut bench = scheduled(json!({"retry_time": reading}));
        let mut account = bench.api.state();
        account["scheduled_updates"][0]["status"] = json!("failed");
        bench.api.set_state(account).unwrap();
        let path = format!("{UPDATES}1/");
        assert_eq!(bench.write("PATCH", &path, json!({"name": "x"})).0, 400);
        let again = json!({"scheduled_at": "2026-01-02T04:00:00Z"});
        assert_eq!(bench.write("PATCH", &path, again).0, same);
        let later = json!({"scheduled_at": "2026-01-02T05:00:00Z"});
        let (status, reply) = bench.write("PATCH", &path, later);
        assert_eq!((status, &reply["status"]), (200, &json!("pending")));
    }
}

#[test]
fn an_hour_is_taken_by_each_reading() {
    for (reading, expected) in [("pending", 200), ("any", 400)] {
        let mut bench = scheduled(json!({"taken_hour": reading}));
        bench.write("POST", &format!("{UPDATES}1/cancel/"), json!({}));
        let body = update(
            "2026-01-02T05:00:00Z",
            json!([item(json!({"max_activations": 15}))]),
        );
        bench.write("POST", UPDATES, body);
        let moved = json!({"scheduled_at": "2026-01-02T04:00:00Z"});
        assert_eq!(
            bench.write("PATCH", &format!("{UPDATES}2/"), moved).0,
            expected
        );
        assert_eq!(bench.delete(&format!("{UPDATES}1/")), 204);
    }
}

#[test]
fn a_setting_without_its_partner_fails_by_one_reading() {
    for (reading, status) in [("ignore", "applied"), ("refuse", "failed")] {
        let mut bench = Bench::with(json!({"scheduled_partner": reading}));
        let items = json!([item(json!({"validity_period": "2027-11-01"}))]);
        bench.write("POST", UPDATES, update("2026-01-02T04:00:00Z", items));
        let (_, outlook) = bench.get(&format!("{UPDATES}1/simulate/"));
        assert_eq!(outlook["status"], status, "{outlook}");
    }
}

#[test]
fn custom_fields_and_activations_are_changed_too() {
    let mut bench = Bench::new();
    let mut account = bench.api.state();
    let product = account["licenses"][1]["product"]["id"].clone();
    for field in account["product_custom_fields"].as_array_mut().unwrap() {
        field["product"] = product.clone();
    }
    bench.api.set_state(account).unwrap();
    let items = json!([{"action": "license-reset"},
        {"action": "license-custom-field-update", "product_custom_field": 51, "update_data": {"value": "new"}},
        {"action": "license-custom-field-delete", "product_custom_field": 52}]);
    let (status, reply) = bench.write("POST", UPDATES, update("2026-01-02T04:00:00Z", items));
    assert_eq!(status, 201, "{reply}");
    bench.now = "2026-01-02T04:00:01Z".parse().unwrap();
    assert_eq!(bench.read(SECOND)["times_activated"], 0);
    let state = bench.api.state();
    let values: Vec<&Value> = state["license_custom_fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|value| value["license"] == LICENSE)
        .map(|value| &value["value"])
        .collect();
    assert_eq!(values, [&json!("new")]);
}

#[test]
fn a_lower_plan_has_none() {
    for status in [402, 403, 404] {
        let mut bench = Bench::with(json!({"enterprise": false, "plan_refusal_status": status}));
        let (found, reply) = bench.get(UPDATES);
        assert_eq!(found, status);
        assert!(
            reply["detail"].as_str().unwrap().contains("Enterprise"),
            "{reply}"
        );
    }
}
