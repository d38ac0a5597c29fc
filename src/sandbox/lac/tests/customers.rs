//! Writing customers, and what orders are made of by default.

use super::*;

fn send(lac: &mut Lac, method: &str, target: &str, body: &Value) -> (u16, Value) {
    let answer = lac.answer(&with_body(method, target, body), noon());
    (answer.status, json_of(&answer))
}

/// The example request of the pages of create and update.
fn example() -> Value {
    json!({
        "name": "Rivers Inc",
        "description": "desc",
        "phone_number": "779.790.4969x1425",
        "fax_number": "(536)600-8229",
        "street": "008 Santiago Groves Suite 651",
        "city": "Shortport",
        "country": "USA",
        "zip_code": "62448",
        "state": "South Carolina",
        "Contacts": [
            {"name": "James Taylor", "email": "nfisher@test.x-formation.com"},
            {"name": "Victor Martinez", "email": "ngallagher@test.x-formation.com"}
        ],
        "CustomTags": [
            {"tag_name": "custom_tag_1", "value": "Gouldton"},
            {"tag_name": "custom_tag_2", "value": "Idaho"}
        ]
    })
}

/// The names of a list's rows.
fn rows(customer: &Value, list: &str, member: &str) -> Vec<String> {
    let rows = customer[list].as_array().unwrap().iter();
    rows.map(|row| row[member].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_new_customer_is_answered_as_the_page_shows() {
    let mut lac = Lac::seeded();
    let (status, customer) = send(&mut lac, "POST", "/customers", &example());
    assert_eq!(status, 200);
    let (_, seeded) = get(&mut lac, "/customers/1");
    let names = |customer: &Value| customer.as_object().unwrap().keys().cloned().collect();
    let members: Vec<String> = names(&customer);
    assert_eq!(members, names(&seeded));
    assert_eq!(customer["id"], "5");
    assert_eq!(customer["creation_time"], "2024-05-01 12:00:00");
    let contact = json!({
        "id": "5", "name": "Victor Martinez", "email": "ngallagher@test.x-formation.com", "customer_id": "5",
        "creation_time": "2024-05-01 12:00:00", "update_time": "2024-05-01 12:00:00",
    });
    assert_eq!(customer["Contacts"][1].to_string(), contact.to_string());
    assert_eq!(get(&mut lac, "/customers/5"), (200, customer));
    // Nothing guards against doubles.
    assert_eq!(
        send(&mut lac, "POST", "/customers", &example()).1["id"],
        "6"
    );
    assert_eq!(
        get(&mut lac, "/customers?name=rivers")
            .1
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_customer_with_only_a_name_shows_null_and_empty_lists() {
    let mut lac = Lac::seeded();
    let (status, customer) = send(&mut lac, "POST", "/customers", &json!({"name": "Lakes"}));
    assert_eq!(status, 200);
    assert_eq!(customer["street"], Value::Null);
    assert_eq!(customer["CustomTags"], json!([]));
}

#[test]
fn an_update_with_the_page_example_changes_nothing_but_its_time() {
    let mut lac = Lac::seeded();
    let mut before = lac.state();
    let (status, customer) = send(&mut lac, "PATCH", "/customers/1", &example());
    assert_eq!(
        (status, &customer["update_time"]),
        (200, &json!("2024-05-01 12:00:00"))
    );
    before["customers"][0]["update_time"] = json!("2024-05-01 12:00:00");
    assert_eq!(lac.state(), before);
    assert_eq!(send(&mut lac, "PATCH", "/customers/9", &example()).0, 404);
    assert_eq!(send(&mut lac, "PATCH", "/customers/one", &example()).0, 404);
    let delete = test_request("DELETE", "/customers/1");
    assert_eq!(lac.answer(&delete, noon()).status, 405);
}

#[test]
fn bodies_that_do_not_fit_are_refused_by_name_and_change_nothing() {
    let mut lac = Lac::seeded();
    let before = lac.state();
    let contact = json!({"name": "A", "email": "a@x.test"});
    let cases = [
        (json!({}), "name is required"),
        (json!({"name": null}), "name must be a string, not null"),
        (json!({"name": 7}), "name must be a string, not an integer"),
        (
            json!({"name": "A", "vat_number": "1"}),
            "vat_number is not a known member",
        ),
        (json!({"name": "A", "id": "1"}), "id is not a known member"),
        (
            json!({"name": "A", "zip_code": 62448}),
            "zip_code must be a string",
        ),
        (
            json!({"name": "A", "Contacts": null}),
            "Contacts must be an array, not null",
        ),
        (
            json!({"name": "A", "Contacts": ["a@x.test"]}),
            "Contacts[0] must be an object",
        ),
        (
            json!({"name": "A", "Contacts": [{"name": "A"}]}),
            "Contacts[0].email is required",
        ),
        (
            json!({"name": "A", "Contacts": [{"id": "1", "name": "A", "email": "a@x.test"}]}),
            "Contacts[0].id is not a known member",
        ),
        (
            json!({"name": "A", "CustomTags": [{"tag_name": "crm_id", "value": 7}]}),
            "CustomTags[0].value must be a string",
        ),
        (
            json!({"name": "A", "Contacts": [contact, contact]}),
            "Contacts[1] repeats the email of an earlier one",
        ),
        (
            json!({"name": "A", "CustomTags": [{"tag_name": "colour", "value": "red"}]}),
            "CustomTags[0].tag_name: there is no custom tag \"colour\"",
        ),
    ];
    for (body, words) in cases {
        for (method, target) in [("POST", "/customers"), ("PATCH", "/customers/1")] {
            let (status, reply) = send(&mut lac, method, target, &body);
            let message = reply["message"].as_str().unwrap_or_default();
            assert!(status == 400 && message.contains(words), "{body}: {reply}");
        }
    }
    assert_eq!(lac.state(), before);
}

#[test]
fn members_that_an_update_lacks_are_kept_or_reset_by_switch() {
    let small = json!({"name": "Rivers Ltd"});
    let mut lac = Lac::seeded();
    let (_, customer) = send(&mut lac, "PATCH", "/customers/1", &small);
    assert_eq!(
        (&customer["name"], &customer["city"]),
        (&json!("Rivers Ltd"), &json!("Shortport"))
    );
    assert_eq!(
        rows(&customer, "CustomTags", "value"),
        ["Gouldton", "Idaho"]
    );

    let mut lac = Lac::seeded();
    lac.set_switches(json!({"absent_optional": "reset"}))
        .unwrap();
    let (_, customer) = send(&mut lac, "PATCH", "/customers/1", &small);
    assert_eq!(
        (&customer["city"], &customer["Contacts"]),
        (&Value::Null, &json!([]))
    );

    let mut lac = Lac::seeded();
    lac.set_switches(json!({"lenient_patch": true})).unwrap();
    let (status, customer) = send(
        &mut lac,
        "PATCH",
        "/customers/1",
        &json!({"city": "Longport"}),
    );
    assert_eq!((status, &customer["name"]), (200, &json!("Rivers Inc")));
    // A new customer has no name that could be kept.
    assert_eq!(
        send(&mut lac, "POST", "/customers", &json!({"city": "Longport"})).0,
        400
    );
}

#[test]
fn rows_that_an_update_does_not_name_go_or_stay_by_switch() {
    let body = json!({
        "name": "Rivers Inc",
        "Contacts": [
            {"name": "J. Taylor", "email": "nfisher@test.x-formation.com"},
            {"name": "New", "email": "new@x.test"},
            {"name": "Newer", "email": "newer@x.test"},
        ],
        "CustomTags": [{"tag_name": "crm_id", "value": "7"}],
    });
    let mut lac = Lac::seeded();
    let (_, customer) = send(&mut lac, "PATCH", "/customers/1", &body);
    assert_eq!(
        rows(&customer, "Contacts", "name"),
        ["J. Taylor", "New", "Newer"]
    );
    assert_eq!(rows(&customer, "Contacts", "id"), ["1", "4", "5"]);
    assert_eq!(rows(&customer, "CustomTags", "tag_name"), ["crm_id"]);

    let mut lac = Lac::seeded();
    lac.set_switches(json!({"patched_lists": "merge"})).unwrap();
    let (_, customer) = send(&mut lac, "PATCH", "/customers/1", &body);
    assert_eq!(
        rows(&customer, "Contacts", "name"),
        ["Victor Martinez", "J. Taylor", "New", "Newer"]
    );
    assert_eq!(
        rows(&customer, "CustomTags", "tag_name"),
        ["custom_tag_1", "custom_tag_2", "crm_id"]
    );
}

#[test]
fn undefined_tags_and_repeated_rows_are_taken_by_switch() {
    let mut lac = Lac::seeded();
    lac.set_switches(json!({"undefined_tags": "accept", "duplicates": "accept"}))
        .unwrap();
    let tag = json!({"tag_name": "colour", "value": "red"});
    let body = json!({"name": "A", "CustomTags": [tag, tag]});
    let (status, customer) = send(&mut lac, "POST", "/customers", &body);
    assert_eq!(
        (status, rows(&customer, "CustomTags", "tag_name").len()),
        (200, 2)
    );
    let state = lac.state();
    lac.set_state(state.clone()).unwrap();
    assert_eq!(lac.state()["customers"], state["customers"]);
}

#[test]
fn customers_are_found_by_their_tag_and_the_value_is_a_part() {
    let mut lac = Lac::seeded();
    for id in ["C-1", "C-12"] {
        let tags = json!([{"tag_name": "crm_id", "value": id}]);
        send(
            &mut lac,
            "POST",
            "/customers",
            &json!({"name": id, "CustomTags": tags}),
        );
    }
    let mut found = |query: &str| {
        let (_, found) = get(&mut lac, &format!("/customers?{query}"));
        found.as_array().unwrap().len()
    };
    assert_eq!(found("custom_tag_name=crm_id&custom_tag_value=c-1"), 2);
    assert_eq!(found("custom_tag_name=crm_id&custom_tag_value=C-12"), 1);
    // The name of a tag must be given as it is.
    assert_eq!(found("custom_tag_name=CRM_ID&custom_tag_value=C-12"), 0);
    assert_eq!(found("custom_tag_name=crm&custom_tag_value=C-12"), 0);
}

#[test]
fn orders_show_what_their_customer_became() {
    let mut lac = Lac::seeded();
    assert_eq!(
        get(&mut lac, "/license-orders").1[0]["customer"]["name"],
        "Rivers Inc"
    );
    let mut body = example();
    body["name"] = "Rivers Ltd".into();
    send(&mut lac, "PATCH", "/customers/1", &body);
    let (_, orders) = get(&mut lac, "/license-orders");
    assert_eq!(orders[0]["customer"]["name"], "Rivers Ltd");
    assert_eq!(orders[1]["customer"]["name"], "Shortport Labs");
}

#[test]
fn what_a_new_order_leaves_out_is_nothing_or_the_templates_by_switch() {
    let created = |switches: Value| {
        let mut lac = Lac::seeded();
        let mut state = lac.state();
        let template = &mut state["product_templates"][0];
        template["description"] = "Trial for a month".into();
        template["deactivations_allowed"] = "3".into();
        lac.set_state(state).unwrap();
        lac.set_switches(switches).unwrap();
        let mut body = page_request();
        for name in ["description", "deactivations_allowed"] {
            body.as_object_mut().unwrap().shift_remove(name);
        }
        let (status, order) = send(&mut lac, "POST", "/license-orders", &body);
        assert_eq!(status, 200, "{order}");
        (
            order["description"].clone(),
            order["deactivations_allowed"].clone(),
            order["settings_description"].clone(),
        )
    };
    let stated = json!("Settings description");
    let nothing = (Value::Null, json!("0"), stated.clone());
    assert_eq!(created(json!({})), nothing);
    let filled = (json!("Trial for a month"), json!("3"), stated);
    assert_eq!(created(json!({"created_defaults": "template"})), filled);
}

#[test]
fn a_template_fills_in_no_required_member() {
    let mut lac = Lac::seeded();
    lac.set_switches(json!({"created_defaults": "template"}))
        .unwrap();
    let body = json!({"customer_id": 1, "product_template_id": 1});
    let (status, reply) = send(&mut lac, "POST", "/license-orders", &body);
    assert_eq!(
        (status, reply["message"].as_str()),
        (400, Some("license_type is required"))
    );
}
