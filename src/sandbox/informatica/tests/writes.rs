//! What a PUT does, and who may send one.

use super::*;

#[test]
fn putting_back_what_was_read_or_the_page_body_changes_nothing() {
    let mut iics = Informatica::seeded();
    let before = iics.state();
    for body in [page_sets(), page_document()] {
        assert_eq!(put(&mut iics, &body), HttpReply::empty(200));
        assert_eq!(iics.state(), before);
    }
    let mut call = test_request("PUT", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.body = page_sets().to_string().into_bytes();
    assert_eq!(iics.answer(&call, noon()).status, 200);
    iics.set_switches(json!({"put_is_204": true})).unwrap();
    assert_eq!(put(&mut iics, &page_sets()), HttpReply::empty(204));
}

#[test]
fn a_put_replaces_everything() {
    let mut iics = Informatica::seeded();
    let body = json!({
        "customLicenses": [{"licenseType": "FREE", "licenseDef": "x"}],
        "assignedEditions": [],
        "customLimits": [{"value": 7, "limitDefinition": "l1"}, {"value": 0, "limitDefinition": "l2"}],
    });
    assert_eq!(put(&mut iics, &body).status, 200);
    let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(
        document,
        json!({
            "id": SUB, "parentOrg": PARENT,
            "customLicenses": [{"licenseType": "FREE", "expirationDate": null, "licenseDef": "x"}],
            "assignedEditions": [],
            "customLimits": [{"value": 7, "limitDefinition": "l1"}, {"value": 0, "limitDefinition": "l2"}],
        })
    );
}

#[test]
fn a_list_left_out_is_emptied_or_left_by_switch() {
    let mut iics = Informatica::seeded();
    let mut body = page_sets();
    body.as_object_mut().unwrap().shift_remove("customLimits");
    put(&mut iics, &body);
    let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(document["customLimits"], json!([]));

    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"absent_key": "leave"})).unwrap();
    body["customLicenses"] = json!([]);
    put(&mut iics, &body);
    let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(document["customLimits"], page_sets()["customLimits"]);
    assert_eq!(document["customLicenses"], json!([]));
}

#[test]
fn other_forms_of_time_are_taken_by_switch_and_read_in_the_printed_form() {
    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"dates": "tolerant"})).unwrap();
    for (sent, read) in [
        ("2018-10-06T20:00:08+02:00", "2018-10-06T18:00:08Z"),
        ("2018-10-06T18:00:08.25Z", "2018-10-06T18:00:08Z"),
        ("2018-10-06", "2018-10-06T00:00:00Z"),
    ] {
        let mut body = page_sets();
        body["assignedEditions"][0]["expirationDate"] = sent.into();
        assert_eq!(put(&mut iics, &body).status, 200);
        let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
        assert_eq!(document["assignedEditions"][0]["expirationDate"], read);
    }
    let mut body = page_sets();
    body["assignedEditions"][0]["expirationDate"] = "soon".into();
    refused(&mut iics, &body, 400, "is not a time");
}

#[test]
fn who_must_have_an_expiration_is_a_switch() {
    let mut iics = Informatica::seeded();
    let free = json!({"customLicenses": [{"licenseType": "FREE", "licenseDef": "x"}]});
    let trial = json!({"customLicenses": [{"licenseType": "TRIAL", "licenseDef": "x"}]});
    let edition = json!({"assignedEditions": [{"edition": "x"}]});
    let statuses = |switch: &str| {
        let mut iics = Informatica::seeded();
        iics.set_switches(json!({"expiration_required": switch}))
            .unwrap();
        [&free, &trial, &edition].map(|body| put(&mut iics, body).status)
    };
    assert_eq!(statuses("unless_free"), [200, 400, 400]);
    assert_eq!(statuses("always"), [400, 400, 400]);
    assert_eq!(statuses("never"), [200, 200, 200]);
    refused(&mut iics, &trial, 400, "expirationDate is required");
}

#[test]
fn only_an_administrator_of_the_parent_may_write() {
    let mut iics = Informatica::seeded();
    let reader = session_of(&mut iics, "reader@sandbox.test");
    let sub_admin = session_of(&mut iics, "sub-admin@sandbox.test");
    let before = iics.state();
    let body = page_sets();
    for (org, session) in [
        (SUB, reader.as_str()),
        (SUB, &sub_admin),
        (OTHER, &sub_admin),
        (PARENT, &sub_admin),
        (PARENT, FIXED_SESSION),
    ] {
        let answer = put_as(&mut iics, org, &body, session);
        assert_eq!(answer.status, 403, "{org} {session}");
    }
    assert_eq!(iics.state(), before);
    let admin = session_of(&mut iics, "admin@sandbox.test");
    assert_eq!(put_as(&mut iics, SUB, &body, &admin).status, 200);

    assert_eq!(get(&mut iics, PARENT, &reader).0, 200);
    assert_eq!(get(&mut iics, SUB, &reader).0, 403);
    assert_eq!(get(&mut iics, SUB, &sub_admin).0, 200);
    assert_eq!(get(&mut iics, OTHER, &sub_admin).0, 403);
    assert_eq!(get(&mut iics, PARENT, &sub_admin).0, 403);
}

#[test]
fn policies_against_the_parent_are_enforced_by_switch() {
    let mut iics = Informatica::seeded();
    let mut longer = page_sets();
    longer["customLicenses"][0]["expirationDate"] = "2031-01-01T00:00:00Z".into();
    let mut edition = page_sets();
    edition["assignedEditions"][1]["expirationDate"] = "2031-01-01T00:00:00Z".into();
    let mut foreign = page_sets();
    foreign["customLicenses"][0]["licenseDef"] = "0000000000000000000000".into();
    for body in [&longer, &edition, &foreign] {
        assert_eq!(put(&mut iics, body).status, 200);
    }

    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"extend_past_parent": "refuse"}))
        .unwrap();
    refused(
        &mut iics,
        &longer,
        400,
        "customLicenses[0].expirationDate is past the parent",
    );
    refused(
        &mut iics,
        &edition,
        400,
        "assignedEditions[1].expirationDate is past the parent",
    );
    assert_eq!(put(&mut iics, &foreign).status, 200);
    assert_eq!(put(&mut iics, &page_sets()).status, 200);
    iics.set_switches(json!({"expiration_required": "never"}))
        .unwrap();
    longer["customLicenses"][0]["expirationDate"] = Value::Null;
    refused(&mut iics, &longer, 400, "is past the parent");

    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"parent_must_hold": true}))
        .unwrap();
    refused(
        &mut iics,
        &foreign,
        400,
        "customLicenses[0]: the parent organization does not hold it",
    );
    assert_eq!(put(&mut iics, &page_sets()).status, 200);

    iics.set_switches(json!({"sync_managed": true})).unwrap();
    refused(&mut iics, &page_sets(), 403, "synchronized with the parent");
}
