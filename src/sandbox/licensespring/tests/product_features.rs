//! Product features that come, change and go.

use super::*;

const PATH: &str = "/api/v1/product-features/";
const F2: &str = "/api/v1/product-features/172/";

/// The body of the page "Create Product Feature".
fn example() -> Value {
    json!({
        "name": "f3", "code": "f3", "feature_type": "consumption", "max_consumption": 10, "allow_overages": false,
        "max_overages": 0, "reset_consumption": false, "consumption_period": null, "metadata": {},
        "product": 1_698_659_666_691_556_u64, "is_floating": true, "floating_users": 10, "floating_timeout": 120,
    })
}

#[test]
fn a_feature_is_created_as_the_page_shows_it() {
    let mut bench = Bench::new();
    let (status, feature) = bench.write("POST", PATH, example());
    assert_eq!(status, 200, "{feature}");
    let page = json!({
        "id": 241, "created_at": "2026-01-02T03:04:05.654321Z", "updated_at": "2026-01-02T03:04:05.654321Z",
        "name": "f3", "code": "f3", "is_deleted": false, "feature_type": "consumption", "max_consumption": 10,
        "allow_unlimited_consumptions": false, "allow_overages": false, "max_overages": 0, "reset_consumption": false,
        "consumption_period": null, "is_floating": true, "is_floating_cloud": false, "floating_users": 10,
        "floating_timeout": 120, "metadata": {}, "product": 1_698_659_666_691_556_u64,
    });
    assert_eq!(feature, page);
    let (_, list) = bench.get(PATH);
    assert_eq!(list["results"][8]["id"], 241);
    assert_eq!(list["results"][8]["updated_at"], "2026-01-02T03:04:06Z");
    let (status, reply) = bench.write("POST", PATH, example());
    assert_eq!(status, 400, "{reply}");
    bench
        .api
        .set_switches(json!({"taken_code": "accept"}))
        .unwrap();
    assert_eq!(bench.write("POST", PATH, example()).1["id"], 242);
}

#[test]
fn a_feature_without_a_product_is_global() {
    let mut bench = Bench::new();
    let body = json!({"name": "Any", "code": "any", "feature_type": "activation"});
    let (_, feature) = bench.write("POST", PATH, body);
    assert_eq!(feature["product"], Value::Null);
    let (status, license) = bench.update(FIRST, json!([{"product_feature": "any"}]));
    assert_eq!((status, codes(&license)), (200, vec!["any"]));
}

#[test]
fn an_update_names_what_the_page_marks_and_leaves_the_rest() {
    let mut bench = Bench::new();
    let partial = json!({"max_consumption": 30});
    let (status, reply) = bench.write("PATCH", F2, partial.clone());
    assert_eq!(status, 400);
    for name in ["name", "code", "feature_type"] {
        assert_eq!(reply[name], json!(["This field is required."]));
    }
    let whole = json!({"name": "Two", "code": "f2", "feature_type": "consumption"});
    let (status, feature) = bench.write("PATCH", F2, whole);
    assert_eq!((status, &feature["name"]), (200, &json!("Two")));
    assert_eq!(feature["max_consumption"], 20);
    let loose = json!({"feature_patch": "partial"});
    bench.api.set_switches(loose).unwrap();
    let (status, feature) = bench.write("PATCH", F2, partial);
    assert_eq!((status, &feature["max_consumption"]), (200, &json!(30)));
    let (status, reply) = bench.write("PATCH", F2, json!({"code": "f22"}));
    assert_eq!(
        (status, reply),
        (400, json!({"code": ["This field cannot be changed."]}))
    );
}

#[test]
fn a_hidden_feature_stays_where_it_is() {
    let mut bench = Bench::with(json!({"feature_patch": "partial"}));
    let (status, feature) = bench.write("PATCH", F2, json!({"is_deleted": true}));
    assert_eq!((status, &feature["is_deleted"]), (200, &json!(true)));
    assert_eq!(codes(&bench.read(FIRST)), ["f5", "f2"]);
    let (_, list) = bench.get(PATH);
    assert_eq!(list["count"], 8);
    bench
        .api
        .set_switches(json!({"deleted_features": "hide"}))
        .unwrap();
    assert_eq!(bench.get(PATH).1["count"], 7);
}

#[test]
fn a_removed_feature_is_purged_from_licences() {
    let mut bench = Bench::new();
    let found = |bench: &mut Bench, id: &str| {
        let path = format!("/api/v1/licenses/?product_features__id={id}");
        bench.get(&path).1["count"].clone()
    };
    let before = found(&mut bench, "172").as_u64().unwrap();
    assert!(before > 0);
    assert_eq!(bench.delete(F2), 200);
    assert_eq!(bench.delete(F2), 404);
    assert_eq!(codes(&bench.read(FIRST)), ["f5"]);
    assert_eq!(found(&mut bench, "172"), 0);
    bench
        .api
        .set_switches(json!({"feature_filter": "row", "feature_delete_status": 204}))
        .unwrap();
    assert_eq!(found(&mut bench, "1605023917125630"), 1);
    assert_eq!(bench.delete("/api/v1/product-features/189/"), 204);
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}
