//! What an accepted PATCH or POST does.

use super::*;

#[test]
fn the_page_example_is_answered_as_the_page_shows_and_changes_nothing_in_the_seed() {
    let mut lac = Lac::seeded();
    let before = lac.state();
    let (status, reply) = patch(&mut lac, FIRST, &page_request());
    assert_eq!(status, 200);
    // Compared as text: the order of members is the page's too.
    assert_eq!(reply.to_string(), page_reply().to_string());
    assert_eq!(lac.state(), before);
}

#[test]
fn days_may_be_an_integer_or_digits_and_read_as_digits() {
    let mut lac = Lac::seeded();
    for days in [json!(30), json!("30")] {
        let mut body = page_request();
        body["Features"][0]["days_from_activation"] = days;
        let (status, reply) = patch(&mut lac, FIRST, &body);
        assert_eq!(status, 200);
        assert_eq!(reply["Features"][0]["days_from_activation"], "30");
    }
}

#[test]
fn arrays_are_replaced_whole_and_feature_defaults_are_filled_in() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["Features"] = json!([{
        "name": "Reports", "version": "2.1", "expiration_type": "no_expiration",
        "issued_type": "not_issued", "maintenance_type": "no_maintenance", "count": 2,
    }]);
    body["Hostids"] = json!([]);
    let (status, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(status, 200);
    assert_eq!(reply["Hostids"], json!([]));
    assert_eq!(
        reply["Features"],
        json!([{
            "name": "Reports", "version": "2.1", "expiration_type": "no_expiration",
            "expiration_date": null, "issued_type": "not_issued", "issued_date": null,
            "options": null, "additional_settings": null, "enabled": true,
            "days_from_activation": null, "count": "2", "maintenance_type": "no_maintenance",
            "maintenance_date": null, "maintenance_days_from_activation": null, "comment": null,
        }])
    );
}

#[test]
fn hostid_names_come_back_as_labels() {
    let mut lac = Lac::seeded();
    for (sent, label) in [
        ("ip_address", "IP Address"),
        ("ETHERNET", "Ethernet"),
        ("dongle hasp hl", "Dongle HASP HL"),
        ("Not-Locked", "Not Locked"),
    ] {
        let mut body = page_request();
        body["Hostids"][0]["name"] = sent.into();
        let (_, reply) = patch(&mut lac, FIRST, &body);
        assert_eq!(reply["Hostids"][0]["name"], label);
    }
}

#[test]
fn only_lm_x_takes_several_hostid_types() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["Hostids"] = json!([
        {"name": "user", "min_amount": 1, "max_amount": 1},
        {"name": "ethernet", "min_amount": 1, "max_amount": 1},
    ]);
    refused(&mut lac, &body, "HostID type \"user\" is not supported");
    let mut state = lac.state();
    state["products"][0]["LicenseGenerator"]["license_manager"] = "flexnet".into();
    state["license_orders"] = json!([]);
    lac.set_state(state).unwrap();
    let answer = lac.answer(&with_body("POST", "/license-orders", &body), noon());
    assert_eq!(answer.status, 400);
    body["Hostids"].as_array_mut().unwrap().pop();
    let answer = lac.answer(&with_body("POST", "/license-orders", &body), noon());
    assert_eq!(json_of(&answer)["Hostids"][0]["name"], "User");
}

#[test]
fn duplicates_are_refused_unless_the_switch_says_otherwise() {
    let mut lac = Lac::seeded();
    let mut features = page_request();
    let feature = features["Features"][0].clone();
    features["Features"].as_array_mut().unwrap().push(feature);
    let mut hostids = page_request();
    hostids["Hostids"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "HOSTNAME", "min_amount": 0, "max_amount": 1}));
    refused(
        &mut lac,
        &features,
        "Features[1] repeats the name and version",
    );
    refused(&mut lac, &hostids, "Hostids[1] repeats the name");
    lac.set_switches(json!({"duplicates": "accept"})).unwrap();
    assert_eq!(patch(&mut lac, FIRST, &features).0, 200);
    assert_eq!(patch(&mut lac, FIRST, &hostids).0, 200);
    // A second version of a feature is another feature.
    let mut lac = Lac::seeded();
    features["Features"][1]["version"] = "7.0".into();
    assert_eq!(patch(&mut lac, FIRST, &features).0, 200);
}

#[test]
fn a_lenient_patch_keeps_what_is_left_out() {
    let mut lac = Lac::seeded();
    let small = json!({"activations_allowed": 4});
    refused(&mut lac, &small, "customer_id is required");
    lac.set_switches(json!({"lenient_patch": true})).unwrap();
    let (status, reply) = patch(&mut lac, FIRST, &small);
    assert_eq!(status, 200);
    let mut expected = page_reply();
    expected["activations_allowed"] = "4".into();
    assert_eq!(reply, expected);
    // Conditions hold for the merged order: its features have a count, but there is no licensee.
    refused(
        &mut lac,
        &json!({"licensee_type": "fixed"}),
        "licensee is required",
    );
    let (status, _) = patch(&mut lac, SECOND, &json!({"license_type": "network"}));
    assert_eq!(status, 400);
}

#[test]
fn an_optional_member_left_out_is_kept_or_reset_by_switch() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body.as_object_mut().unwrap().shift_remove("description");
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["description"], "License order description");
    lac.set_switches(json!({"absent_optional": "reset"}))
        .unwrap();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["description"], Value::Null);
}

#[test]
fn digit_strings_are_taken_for_integers_only_by_switch() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    for name in ["customer_id", "product_template_id", "activations_allowed"] {
        let text = body[name].to_string();
        body[name] = text.into();
    }
    body["Features"][0]["count"] = "15".into();
    refused(&mut lac, &body, "must be an integer");
    lac.set_switches(json!({"digit_strings": true})).unwrap();
    let (status, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!((status, reply), (200, page_reply()));
}

#[test]
fn deactivations_left_follow_what_is_allowed_and_what_was_used() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["customer_id"] = 2.into();
    body["deactivations_allowed"] = 6.into();
    let (_, reply) = patch(&mut lac, SECOND, &body);
    assert_eq!(reply["deactivations_allowed"], "6");
    assert_eq!(reply["deactivations_left"], 5);
    body["deactivations_allowed"] = 0.into();
    let (_, reply) = patch(&mut lac, SECOND, &body);
    assert_eq!(reply["deactivations_left"], 0);
}

#[test]
fn fewer_than_in_use_is_taken_or_refused_by_switch() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["activations_allowed"] = 2.into();
    assert_eq!(patch(&mut lac, SECOND, &body).0, 200);
    let mut lac = Lac::seeded();
    lac.set_switches(json!({"below_use": "refuse"})).unwrap();
    let (status, reply) = patch(&mut lac, SECOND, &body);
    assert_eq!(status, 400);
    assert!(
        reply["message"]
            .as_str()
            .unwrap()
            .contains("below the 3 activated")
    );
    body["activations_allowed"] = 3.into();
    body["deactivations_allowed"] = 0.into();
    assert_eq!(patch(&mut lac, SECOND, &body).0, 400);
    body["deactivations_allowed"] = 1.into();
    assert_eq!(patch(&mut lac, SECOND, &body).0, 200);
}

#[test]
fn the_template_may_change_within_its_product_or_by_switch() {
    let mut lac = Lac::seeded();
    let mut state = lac.state();
    state["products"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "2", "name": "Other"}));
    let templates = state["product_templates"].as_array_mut().unwrap();
    templates.push(json!({"id": "3", "product_id": "2", "name": "Default"}));
    lac.set_state(state.clone()).unwrap();
    let mut body = page_request();
    body["product_template_id"] = 3.into();
    refused(&mut lac, &body, "product_template_id");
    body["product_template_id"] = 2.into();
    lac.set_switches(json!({"template_change": "refuse"}))
        .unwrap();
    refused(&mut lac, &body, "product_template_id");
    lac.set_switches(json!({"template_change": "same_product"}))
        .unwrap();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["product_template"]["name"], "Full");
    lac.set_switches(json!({"template_change": "accept"}))
        .unwrap();
    body["product_template_id"] = 3.into();
    assert_eq!(patch(&mut lac, FIRST, &body).0, 200);
}

#[test]
fn a_removal_is_stamped_confirmed_after_reads_and_cleared() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["removal"] = true.into();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["removal"], true);
    assert_eq!(reply["removal_request_time"], "2024-05-01 12:00:00");
    assert_eq!(reply["removal_confirmation_time"], Value::Null);
    let target = format!("/license-orders?activation_key={FIRST}");
    for removal in [true, true, false] {
        assert_eq!(get(&mut lac, &target).1[0]["removal"], removal);
    }
    let row = get(&mut lac, &target).1[0].clone();
    assert_eq!(row["removal_request_time"], "2024-05-01 12:00:00");
    assert_eq!(row["removal_confirmation_time"], "2024-05-01 12:00:00");

    lac.set_switches(json!({"removal_clears_after_reads": 0}))
        .unwrap();
    patch(&mut lac, FIRST, &body);
    for _ in 0..5 {
        assert_eq!(get(&mut lac, &target).1[0]["removal"], true);
    }
    body["removal"] = false.into();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["removal_request_time"], Value::Null);
}

#[test]
fn removal_without_activated_licences_is_refused_by_switch() {
    let mut lac = Lac::seeded();
    let switch = json!({"removal_without_licenses": "refuse"});
    lac.set_switches(switch).unwrap();
    let mut body = page_request();
    body["removal"] = true.into();
    refused(
        &mut lac,
        &body,
        "removal: the order has no activated license",
    );
    assert_eq!(patch(&mut lac, SECOND, &body).0, 200);
}

#[test]
fn creating_makes_a_new_key_every_time() {
    let mut lac = Lac::seeded();
    let call = with_body("POST", "/license-orders", &page_request());
    let first = lac.answer(&call, noon());
    let second = lac.answer(&call, noon());
    assert_eq!((first.status, second.status), (200, 200));
    let (first, second) = (json_of(&first), json_of(&second));
    assert_ne!(first["activation_key"], second["activation_key"]);
    assert!(account::is_activation_key(
        first["activation_key"].as_str().unwrap()
    ));
    assert_eq!(first["creation_time"], "2024-05-01 12:00:00");
    assert_eq!(keys(&mut lac, "").len(), 4);

    // The same account makes the same keys.
    let again = json_of(&Lac::seeded().answer(&call, noon()));
    assert_eq!(again["activation_key"], first["activation_key"]);

    lac.set_switches(json!({"created_is_201": true})).unwrap();
    assert_eq!(lac.answer(&call, noon()).status, 201);
    let mut body = page_request();
    body["Features"][0]
        .as_object_mut()
        .unwrap()
        .shift_remove("enabled");
    let before = lac.state();
    let answer = lac.answer(&with_body("POST", "/license-orders", &body), noon());
    assert_eq!(answer.status, 400);
    assert_eq!(
        json_of(&answer)["message"],
        "Features[0].enabled is required"
    );
    assert_eq!(lac.state(), before);
}
