//! License policies that come, change and go.

use super::*;

const PATH: &str = "/api/v1/license-templates/";
const EXAMPLE: &str = "/api/v1/license-templates/938/";
const PRODUCT: u64 = 1_584_723_961_091_234;

fn named(code: &str) -> Value {
    json!({"name": "Pro", "code": code, "default_license_type": "perpetual", "product": PRODUCT})
}

#[test]
fn a_policy_reads_as_the_page_shows_it() {
    let mut bench = Bench::new();
    let (status, policy) = bench.get(EXAMPLE);
    assert_eq!(status, 200);
    for (name, value) in [
        ("name", json!("Example name")),
        ("code", json!("example_code")),
        ("is_default", json!(false)),
        ("default_license_type", json!("perpetual")),
        ("allow_trial", json!(true)),
        ("trial_days", json!(15)),
        ("max_activations", json!(100)),
        ("floating_timeout", json!(120)),
        ("maintenance_duration", json!("1y")),
        ("updated_at", json!("2024-04-09T07:22:34Z")),
    ] {
        assert_eq!(policy[name], value, "{name}");
    }
    assert_eq!(
        policy["license_product_feature_templates"][0]["max_consumption"],
        100
    );
    let (_, list) = bench.get(&format!("{PATH}?product={PRODUCT}&limit=2"));
    assert_eq!((&list["count"], &list["results"][0]), (&json!(3), &policy));
    assert_eq!(bench.get(&format!("{PATH}?is_default=true")).1["count"], 1);
    assert_eq!(bench.get(&format!("{PATH}?order_by=id")).0, 400);
    assert_eq!(bench.get("/api/v1/license-templates/9/").0, 404);
}

#[test]
fn a_policy_is_created_with_defaults_and_once() {
    let mut bench = Bench::new();
    let (status, policy) = bench.write("POST", PATH, named("pro"));
    assert_eq!((status, &policy["id"]), (201, &json!(941)), "{policy}");
    assert_eq!(policy["created_at"], "2026-01-02T03:04:05.654321Z");
    assert_eq!(policy["license_product_feature_templates"], json!([]));
    let (status, reply) = bench.write("POST", PATH, named("pro"));
    assert_eq!(status, 400, "{reply}");
    bench
        .api
        .set_switches(json!({"taken_code": "accept"}))
        .unwrap();
    assert_eq!(bench.write("POST", PATH, named("pro")).1["id"], 942);
    let (status, reply) = bench.write("POST", PATH, json!({"name": "Pro"}));
    assert_eq!(
        (status, &reply["code"]),
        (400, &json!(["This field is required."]))
    );
}

#[test]
fn an_update_leaves_the_rest_and_takes_neither_code_nor_product() {
    let mut bench = Bench::new();
    let before = bench.get(EXAMPLE).1;
    let (status, policy) = bench.write("PATCH", EXAMPLE, json!({"max_activations": 120}));
    assert_eq!((status, &policy["max_activations"]), (200, &json!(120)));
    let lists = "license_product_feature_templates";
    assert_eq!(policy[lists], before[lists]);
    for body in [
        json!({"code": "other"}),
        json!({"product": 7}),
        json!({"valid_duration": "1 year"}),
        json!({"consumption_period": 3}),
        json!({"license_product_feature_templates": []}),
    ] {
        let (status, reply) = bench.write("PATCH", EXAMPLE, body);
        assert_eq!(status, 400, "{reply}");
    }
    let (_, policy) = bench.write("PATCH", EXAMPLE, json!({"consumption_period": "annually"}));
    assert_eq!(policy["consumption_period"], "annualy");
    bench
        .api
        .set_switches(json!({"policy_period": "number"}))
        .unwrap();
    assert!(bench.get(EXAMPLE).1["consumption_period"].is_number());
}

#[test]
fn an_archived_policy_may_be_left_out_of_the_list() {
    let mut bench = Bench::with(json!({"archived_policies": "hide"}));
    let (status, _) = bench.write("PATCH", EXAMPLE, json!({"is_archived": true}));
    assert_eq!(status, 200);
    assert_eq!(bench.get(PATH).1["count"], 2);
    assert_eq!(bench.get(&format!("{PATH}?is_archived=true")).1["count"], 1);
    assert_eq!(bench.get(EXAMPLE).0, 200);
    let shown = json!({"archived_policies": "show"});
    bench.api.set_switches(shown).unwrap();
    assert_eq!(bench.get(PATH).1["count"], 3);
}

#[test]
fn a_removed_policy_is_named_by_no_licence() {
    let mut bench = Bench::new();
    let by_policy = "/api/v1/licenses/?license_template_id=940";
    assert_eq!(bench.get(by_policy).1["count"], 1);
    assert_eq!(bench.read(SECOND)["license_template"], 940);
    assert_eq!(bench.delete("/api/v1/license-templates/940/"), 204);
    assert_eq!(bench.delete("/api/v1/license-templates/940/"), 404);
    assert_eq!(bench.read(SECOND)["license_template"], Value::Null);
    assert_eq!(bench.get(by_policy).1["count"], 0);
    let default = "/api/v1/license-templates/939/";
    assert_eq!(bench.delete(default), 400);
    let loose = json!({"default_policy_removal": "ignore", "policy_filter": "ignored"});
    bench.api.set_switches(loose).unwrap();
    assert_eq!(bench.get(by_policy).1["count"], 3);
    assert_eq!(bench.delete(default), 204);
    bench
        .api
        .set_switches(json!({"policy_filter": "refused"}))
        .unwrap();
    assert_eq!(bench.get(by_policy).0, 400);
}
