//! What the read calls show.

use super::*;

#[test]
fn the_first_licence_is_the_example_of_the_page() {
    let page: Value = serde_json::from_str(include_str!("page.json")).unwrap();
    let mut bench = Bench::with(json!({"row_members": "page"}));
    let mut read = bench.read(FIRST);
    // A later read rounds the microseconds that the page's reply to a write shows.
    assert_eq!(read["updated_at"], "2020-11-13T07:41:02Z");
    read["updated_at"] = page["updated_at"].clone();
    // Compared as text: the order of the members counts too.
    assert_eq!(
        serde_json::to_string_pretty(&read).unwrap(),
        serde_json::to_string_pretty(&page).unwrap()
    );
}

#[test]
fn newer_row_members_are_shown_by_default() {
    let read = Bench::new().read(FIRST);
    let row = row(&read, "f2");
    assert_eq!(row["max_consumption"], 88);
    assert_eq!(row["floating_users"], 1);
    assert_eq!(row["is_floating"], false);
    assert_eq!(row["floating_timeout"], Value::Null);
    assert_eq!(row["allow_unlimited_consumptions"], false);
}

#[test]
fn large_ids_are_exact() {
    let mut bench = Bench::new();
    let id = "9223372036854770001";
    let answer = bench.api.answer(
        &test_request("GET", &format!("/api/v1/licenses/{id}/"), AUTH, None),
        bench.now,
    );
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.starts_with("{\"id\":9223372036854770001,"), "{text}");
    let (status, _) = bench.update(id, json!([{"product_feature": "f6"}]));
    assert_eq!(status, 200);
}

#[test]
fn secrets_are_there_to_be_kept() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.read(FIRST)["license_users"][0]["initial_password"],
        "4q3dg7! "
    );
    assert_eq!(bench.read(SECOND)["license_key"], "SBX2-7QMD-KX4P-09TR");
}

#[test]
fn lists_are_enveloped_and_paged() {
    let mut bench = Bench::new();
    let licenses: Vec<Value> = (1..=230).map(|id| json!({"id": id})).collect();
    bench.api.set_state(json!({"licenses": licenses})).unwrap();
    let (status, list) = bench.get("/api/v1/licenses/");
    assert_eq!(
        (status, &list["count"], &list["previous"]),
        (200, &json!(230), &Value::Null)
    );
    assert_eq!(list["results"].as_array().unwrap().len(), 20);
    let next = "http://127.0.0.1:9/vendor/api/v1/licenses/?limit=20&offset=20";
    assert_eq!(list["next"], next);

    // Over 100 is cut without a word.
    let (_, list) = bench.get("/api/v1/licenses/?limit=500&offset=100&enabled=true");
    assert_eq!(list["results"].as_array().unwrap().len(), 100);
    assert_eq!(list["results"][0]["id"], 101);
    assert_eq!(
        list["next"],
        "http://127.0.0.1:9/vendor/api/v1/licenses/?limit=100&offset=200&enabled=true"
    );
    assert_eq!(
        list["previous"],
        "http://127.0.0.1:9/vendor/api/v1/licenses/?limit=100&enabled=true"
    );
    let (_, list) = bench.get("/api/v1/licenses/?offset=220");
    assert_eq!(
        (&list["next"], &list["results"][9]["id"]),
        (&Value::Null, &json!(230))
    );
    bench.api.set_switches(json!({"page_size": 7})).unwrap();
    let (_, list) = bench.get("/api/v1/licenses/?limit=x");
    assert_eq!(list["results"].as_array().unwrap().len(), 7);
}

#[test]
fn licences_are_filtered_and_ordered() {
    let mut bench = Bench::new();
    let mut found = |query: &str| {
        let (status, list) = bench.get(&format!("/api/v1/licenses/?{query}"));
        assert_eq!(status, 200, "{query} {list}");
        let results = list["results"].as_array().unwrap().iter();
        let last = results.map(|one| one["id"].to_string().pop().unwrap());
        last.collect::<String>()
    };
    for (query, expected) in [
        ("", "901"),
        ("id__in=9223372036854770001,1593781720493289,5", "91"),
        ("id__in=5", ""),
        ("id__in=", "901"),
        ("id__in=1593781720493290&license_type=perpetual", ""),
        ("license_key=SBX2-7QMD-KX4P-09TR", "0"),
        ("active=false", "9"),
        ("enabled=True", "901"),
        ("customer_id=620&license_type=time-limited", "1"),
        ("customer_email=tc@tc.com", "9"),
        ("product_id=1584723961091234", "901"),
        ("note__icontains=PHONE", "0"),
        ("order_by=-id", "109"),
        ("order_by=license_type", "901"),
        ("order_by=-max_activations&limit=2", "10"),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    for bad in [
        "id__in=x",
        "colour=red",
        "enabled=maybe",
        "order_by=colour",
        "order_by=customer",
    ] {
        assert_eq!(
            bench.get(&format!("/api/v1/licenses/?{bad}")).0,
            400,
            "{bad}"
        );
    }
    bench
        .api
        .set_switches(json!({"unknown_query": "ignore"}))
        .unwrap();
    assert_eq!(bench.get("/api/v1/licenses/?colour=red").0, 200);
}

#[test]
fn product_features_are_listed() {
    let mut bench = Bench::new();
    let (status, list) = bench.get("/api/v1/product-features/?product=1584723961091234");
    assert_eq!((status, &list["count"]), (200, &json!(7)));
    assert_eq!(list["results"][0]["code"], "f1");
    let (_, list) = bench.get("/api/v1/product-features/?id__in=240");
    assert_eq!(list["results"][0]["product"], Value::Null);
    assert_eq!(list["count"], 1);
    let order = json!({"feature_order": "newest_first"});
    bench.api.set_switches(order).unwrap();
    let (_, list) = bench.get("/api/v1/product-features/?product=1584723961091234");
    assert_eq!(list["results"][0]["code"], "f7");
}
