//! Lists, filters, pages, the single GET and the objects around orders.

use super::*;

#[test]
fn a_list_row_is_the_same_object() {
    let mut lac = Lac::seeded();
    let (status, rows) = get(&mut lac, "/license-orders");
    assert_eq!(status, 200);
    assert_eq!(rows[0].to_string(), page_reply().to_string());
    assert_eq!(rows[1]["activation_key"], SECOND);
    assert_eq!(rows[1]["activated_licenses_count"], 3);
    assert_eq!(rows[1]["Features"][0]["count"], Value::Null);
    assert_eq!(
        rows[1]["Features"][0]["maintenance_days_from_activation"],
        "365"
    );
}

#[test]
fn the_single_get_is_the_end_user_document_or_the_order_by_switch() {
    let mut lac = Lac::seeded();
    let target = format!("/license-orders/{SECOND}");
    let answer = lac.answer(&test_request("GET", &target), noon());
    assert_eq!(
        answer.headers,
        [("content-type".into(), "application/hal+json".into())]
    );
    assert_eq!(
        json_of(&answer),
        json!({
            "activationKey": SECOND,
            "customer": {"name": "Shortport Labs"},
            "product": {"name": "License Statistics", "version": "6.0", "template": "Full",
                "licenseGeneratorType": "lm_x"},
            "licenseType": "local",
            "creationTime": "2019-09-02T14:05:11+00:00",
            "activatedLicenses": 3,
            "bulkMax": 5,
            "hostid": {"types": [
                {"nameRaw": "ETHERNET", "name": "Ethernet", "min": 0, "max": 2},
                {"nameRaw": "HOSTNAME", "name": "Hostname", "min": 1, "max": 1},
            ], "min": 1},
            "_links": {"self": {"href": format!("http://127.0.0.1:1/lac/license-orders/{SECOND}")}},
        })
    );
    assert_eq!(get(&mut lac, "/license-orders/AAAAA").0, 404);

    let mut body = page_request();
    body["enabled"] = false.into();
    patch(&mut lac, FIRST, &body);
    let target = format!("/license-orders/{FIRST}");
    assert_eq!(get(&mut lac, &target).0, 403);
    lac.set_switches(json!({"single_get": "snake"})).unwrap();
    let mut expected = page_reply();
    expected["enabled"] = false.into();
    assert_eq!(get(&mut lac, &target), (200, expected));
}

#[test]
fn lists_are_filtered_as_documented() {
    let mut lac = Lac::seeded();
    for (query, expected) in [
        ("", vec![FIRST, SECOND]),
        ("activation_key=TX8EQ", vec![FIRST]),
        ("activation_key=x", vec![FIRST, SECOND]),
        ("activation_key=II1HP-TX8EQ-R1QXZ-7LYXF", vec![FIRST]),
        ("activation_key=AAAAA-AAAAA-AAAAA-AAAAA", vec![]),
        ("customer_ids=2,3&customer_ids_exclude=false", vec![SECOND]),
        ("customer_ids=2&customer_ids_exclude=true", vec![FIRST]),
        ("product_template_ids=1,2", vec![FIRST, SECOND]),
        ("product_template_ids=2", vec![SECOND]),
        ("created_date_after=2019-09-02", vec![SECOND]),
        ("created_date_before=2019-08-20", vec![FIRST]),
        (
            "created_date_after=2019-08-21&created_date_before=2019-09-01",
            vec![],
        ),
        ("disabled=true", vec![]),
        ("offset=1", vec![SECOND]),
        ("offset=2", vec![]),
    ] {
        assert_eq!(keys(&mut lac, query), expected, "{query}");
    }
    let mut body = page_request();
    body["enabled"] = false.into();
    patch(&mut lac, FIRST, &body);
    assert_eq!(keys(&mut lac, "disabled=1"), [FIRST]);
}

#[test]
fn bad_queries_are_400_by_name() {
    let mut lac = Lac::seeded();
    for (target, words) in [
        (
            "/license-orders?limit=5",
            "limit is not a known query parameter",
        ),
        ("/license-orders?offset=-1", "offset must be an integer"),
        ("/license-orders?offset=1&offset=2", "offset is given twice"),
        ("/license-orders?customer_ids=1", "must be set together"),
        (
            "/license-orders?customer_ids_exclude=true",
            "must be set together",
        ),
        (
            "/license-orders?customer_ids=a&customer_ids_exclude=true",
            "customer_ids must be ids",
        ),
        (
            "/license-orders?customer_ids=1&customer_ids_exclude=no",
            "must be a boolean",
        ),
        (
            "/license-orders?product_template_ids=",
            "product_template_ids must be ids",
        ),
        (
            "/license-orders?created_date_after=yesterday",
            "created_date_after must be a date",
        ),
        (
            "/license-orders?disabled=false",
            "disabled can only be set to true",
        ),
        ("/customers?id=1", "id is not a known query parameter"),
        ("/customers?custom_tag_name=x", "must be set together"),
        (
            "/products?version=6",
            "version is not a known query parameter",
        ),
    ] {
        let (status, reply) = get(&mut lac, target);
        assert_eq!(status, 400, "{target}");
        let message = reply["message"].as_str().unwrap();
        assert!(message.contains(words), "{target}: {message}");
    }
}

#[test]
fn pages_hold_a_hundred_rows_or_what_the_switch_says() {
    let mut lac = Lac::seeded();
    let mut state = lac.state();
    let row = state["license_orders"][0].clone();
    let mut rows = Vec::new();
    for number in 0..250 {
        let mut row = row.clone();
        row["activation_key"] = format!("AAAAA-BBBBB-CCCCC-{number:05}").into();
        rows.push(row);
    }
    state["license_orders"] = rows.into();
    lac.set_state(state).unwrap();
    let lengths = |lac: &mut Lac| {
        ["offset=0", "offset=100", "offset=200", "offset=300"].map(|query| keys(lac, query).len())
    };
    assert_eq!(lengths(&mut lac), [100, 100, 50, 0]);
    lac.set_switches(json!({"page_size": 30, "list_order": "newest"}))
        .unwrap();
    assert_eq!(lengths(&mut lac), [30, 30, 30, 0]);
    assert_eq!(keys(&mut lac, "")[0], "AAAAA-BBBBB-CCCCC-00249");
}

#[test]
fn customers_are_listed_filtered_and_read_by_id() {
    let mut lac = Lac::seeded();
    let mut names = |target: &str| {
        let (status, rows) = get(&mut lac, target);
        assert_eq!(status, 200);
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("/customers"), ["1", "2", "3", "4"]);
    assert_eq!(names("/customers?name=twin"), ["3", "4"]);
    assert_eq!(names("/customers?name=RIVERS&email=x-formation"), ["1"]);
    assert_eq!(names("/customers?email=shortport.test"), ["2"]);
    assert_eq!(
        names("/customers?custom_tag_name=custom_tag_2&custom_tag_value=idaho"),
        ["1"]
    );
    assert_eq!(names("/customers?offset=3"), ["4"]);
    lac.set_switches(json!({"page_size": 3})).unwrap();
    assert_eq!(get(&mut lac, "/customers").1.as_array().unwrap().len(), 3);

    let (_, customer) = get(&mut lac, "/customers/1");
    let names: Vec<_> = customer.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "id",
            "name",
            "description",
            "phone_number",
            "fax_number",
            "street",
            "city",
            "country",
            "zip_code",
            "state",
            "creation_time",
            "update_time",
            "Contacts",
            "CustomTags"
        ]
    );
    assert_eq!(customer["Contacts"][1]["customer_id"], "1");
    assert_eq!(get(&mut lac, "/customers/9").0, 404);
    assert_eq!(get(&mut lac, "/customers/one").0, 404);
}

#[test]
fn products_templates_and_counters_are_read() {
    let mut lac = Lac::seeded();
    let (_, product) = get(&mut lac, "/products/1");
    assert_eq!(product["LicenseGenerator"]["license_manager"], "lm_x");
    assert_eq!(
        product["ProductTemplates"],
        json!([{"id": "1", "name": "Trial", "product_id": "1"},
            {"id": "2", "name": "Full", "product_id": "1"}])
    );
    assert_eq!(get(&mut lac, "/products").1, json!([product]));
    assert_eq!(get(&mut lac, "/products?name=nothing").1, json!([]));
    let (_, templates) = get(&mut lac, "/products/1/product-templates");
    assert_eq!(templates[1]["license_filename"], "license_%TIME%.lic");
    assert_eq!(templates[1].get("product_id"), None);
    let (_, template) = get(&mut lac, "/products/1/product-templates/2");
    assert_eq!(template, templates[1]);
    assert_eq!(get(&mut lac, "/products/1/product-templates/9").0, 404);
    assert_eq!(get(&mut lac, "/products/9/product-templates").0, 404);
    let (_, counters) = get(&mut lac, "/activation-counters");
    assert_eq!(counters["one_time_activations_left_count"], "999");
}

#[test]
fn an_order_is_found_under_the_customer_that_it_was_moved_to_and_reads_as_written() {
    let mut lac = Lac::seeded();
    let of = |lac: &mut Lac, customer: u8| {
        let query = format!("customer_ids={customer}&customer_ids_exclude=false");
        let (_, orders) = get(lac, &format!("/license-orders?{query}"));
        let orders = orders.as_array().unwrap();
        let names = orders.iter().map(|order| order["customer"]["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(of(&mut lac, 1), ["Rivers Inc"]);
    assert_eq!(of(&mut lac, 3), [""; 0]);
    let mut body = page_request();
    body["customer_id"] = json!(3);
    assert_eq!(patch(&mut lac, FIRST, &body).0, 200);
    assert_eq!(of(&mut lac, 1), [""; 0]);
    assert_eq!(of(&mut lac, 3), ["Twin GmbH"]);
}

#[test]
fn a_populated_account_is_one_that_could_have_been_loaded() {
    let mut lac = Lac::seeded();
    lac.populate(120);
    let (_, orders) = get(&mut lac, "/license-orders?offset=100");
    assert_eq!(orders.as_array().unwrap().len(), 22);
    let saved = lac.state();
    assert_eq!(saved["customers"].as_array().unwrap().len(), 4 + 3);
    lac.set_state(saved.clone()).unwrap();
    assert_eq!(lac.state(), saved);
}
