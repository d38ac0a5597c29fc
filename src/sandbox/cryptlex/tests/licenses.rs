//! Licences in the scope of the account: what is shown, found, created, changed and deleted.

use super::*;

const LICENSES: &str = "/v3/licenses";
/// The licence of the seed that belongs to no organization.
const OUTSIDE: &str = "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a04";
const PRODUCT: &str = "c9a1f0b2-6f1e-4a53-9c44-7d8e5b2a1f01";
const KEY: &str = "0123456789ABCDEF";

fn first() -> String {
    format!("{LICENSES}/{FIRST}")
}

/// The last characters of the ids of a list.
fn tails(list: &Value) -> String {
    let ids = ids(list).into_iter();
    ids.map(|id| &id[id.len() - 1..]).collect()
}

#[test]
fn a_licence_in_full_has_the_members_of_its_page_and_no_groups() {
    let mut bench = Bench::new();
    let (status, license) = bench.get(&first());
    assert_eq!(status, 200);
    let members: Vec<&str> = license
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(members[..4], ["id", "createdAt", "updatedAt", "key"]);
    let end = members
        .iter()
        .position(|name| *name == "organization")
        .unwrap();
    assert_eq!((end, members[end - 1]), (45, "organizationId"));
    assert_eq!(license["productId"], PRODUCT);
    assert_eq!(license["organization"]["name"], "Rivers Inc");
    assert_eq!(license["organizationId"], license["organization"]["id"]);
    assert_eq!(license.get("userGroups"), None);
    assert_eq!(license.get("product"), None);
    // The seed's own members are those that the organization sees.
    assert_eq!(license["allowedActivations"], 60);

    bench
        .api
        .set_switches(json!({"license_groups": true}))
        .unwrap();
    assert_eq!(
        ids(&bench.get(&first()).1["userGroups"]),
        [group(3), group(1)]
    );
    let (_, outside) = bench.get(&format!("{LICENSES}/{OUTSIDE}"));
    assert_eq!(
        (&outside["organization"], &outside["userGroups"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(bench.get(&format!("{LICENSES}/none")).0, 404);
}

#[test]
fn the_list_has_the_licences_of_all_organizations_and_of_none() {
    let mut bench = Bench::new();
    let (status, list) = bench.get(LICENSES);
    assert_eq!((status, tails(&list)), (200, "1234".into()));
    let mut found = |query: &str| {
        let (status, list) = bench.get(&format!("{LICENSES}?{query}"));
        assert_eq!(status, 200, "{query} {list}");
        tails(&list)
    };
    let organization = ORG.rsplit('/').next().unwrap();
    for (query, expected) in [
        (format!("id[eq]={OUTSIDE}"), "4"),
        (format!("id[in]={OUTSIDE},{FIRST}"), "14"),
        ("id[eq]=none".into(), ""),
        (
            "key[eq]=7F3A91-C0D2E4-4B58A6-91D7F0-3E6C2B-A80F15".into(),
            "1",
        ),
        (format!("organizationId[eq]={organization}"), "123"),
        (format!("organizationId[ne]={organization}"), "4"),
        ("organization.name[cn]=Rivers".into(), "123"),
        (format!("productId={PRODUCT}"), "1234"),
        (
            "metadata.key[eq]=cost-centre&metadata.value[eq]=4711".into(),
            "1",
        ),
        ("subscriptionStartTrigger=activation".into(), "4"),
        ("allowVmActivation=false".into(), ""),
        ("expiresAt[lt]=2027-01-01T00:00:00Z".into(), "3"),
        ("tags[eq]=trial".into(), ""),
        ("limit=3&page=2".into(), "4"),
        ("sort=-createdAt".into(), "4321"),
    ] {
        assert_eq!(found(&query), expected, "{query}");
    }
    // Parameters without a value are ignored, also where they would match nothing.
    assert_eq!(found("key[in]="), "1234");
    assert_eq!(bench.get(&format!("{LICENSES}?userGroupId=x")).0, 400);
}

#[test]
fn a_patch_sets_what_it_names_and_nothing_else() {
    let mut bench = Bench::new();
    let (_, before) = bench.get(&first());
    let body = json!({"suspended": true, "allowedActivations": -1, "serverSyncInterval": 180,
        "allowedClockOffset": -1, "notes": "", "maxAllowedReleaseVersion": "4.2"});
    let (status, after) = bench.call("PATCH", &first(), Some(body.clone()));
    assert_eq!(status, 200, "{after}");
    let mut expected = before.clone();
    for (name, value) in body.as_object().unwrap() {
        expected[name] = value.clone();
    }
    expected["updatedAt"] = json!("2026-01-02T03:04:06.1234567Z");
    assert_eq!(after, expected);
    assert_eq!(bench.get(&first()).1, after);
    // The organization sees the same licence.
    let (_, list) = bench.get(&format!("{ORG}/licenses"));
    assert_eq!(
        (&list[0]["suspended"], &list[0]["notes"]),
        (&json!(true), &json!(""))
    );

    bench
        .api
        .set_switches(json!({"bump_unchanged": false}))
        .unwrap();
    let (_, same) = bench.call("PATCH", &first(), Some(json!({"suspended": true})));
    assert_eq!(same["updatedAt"], after["updatedAt"]);
}

#[test]
fn a_patch_beyond_the_documented_limits_is_refused() {
    let mut bench = Bench::new();
    for (body, word) in [
        (json!({"key": "too short"}), "key"),
        (
            json!({"key": "B1E0D4-77A9C3-5F2E86-0C4D19-E8A35B-612F7D"}),
            "key",
        ),
        (json!({"revoked": "true"}), "revoked"),
        (json!({"suspended": null}), "suspended"),
        (json!({"fingerprintMatchingStrategy": "strict"}), "fuzzy"),
        (json!({"allowedActivations": -2}), "allowedActivations"),
        (
            json!({"allowedActivations": 2_147_483_648_i64}),
            "allowedActivations",
        ),
        (
            json!({"allowedFloatingClients": -1}),
            "allowedFloatingClients",
        ),
        (json!({"serverSyncInterval": 179}), "serverSyncInterval"),
        (json!({"allowedClockOffset": 59}), "allowedClockOffset"),
        (
            json!({"maxAllowedReleaseVersion": "4"}),
            "maxAllowedReleaseVersion",
        ),
        (
            json!({"maxAllowedReleaseVersion": "4.x"}),
            "maxAllowedReleaseVersion",
        ),
        (json!({"tags": ["a", "b", "c", "d", "e", "f"]}), "tags"),
        (
            json!({"allowedIpRanges": vec!["10.0.0.0/8"; 21]}),
            "allowedIpRanges",
        ),
        (json!({"metadata": [{"key": "a"}]}), "metadata[0].value"),
        (
            json!({"metadata": [{"key": "a", "value": "b", "viewPermissions": ["all"]}]}),
            "viewPermissions",
        ),
        // What another call sets, and what none does.
        (json!({"expiresAt": "2030-01-01T00:00:00Z"}), "expiresAt"),
        (json!({"type": "node-locked"}), "type"),
        (json!({"productId": PRODUCT}), "productId"),
        (json!({"userGroupIds": []}), "userGroupIds"),
        (json!({"totalActivations": 0}), "totalActivations"),
    ] {
        bench.refused(400, word, "PATCH", &first(), body);
    }
    let nowhere = format!("{LICENSES}/none");
    bench.refused(404, "none", "PATCH", &nowhere, json!({"suspended": true}));
}

#[test]
fn limits_of_plans_and_clients_are_switches() {
    let mut bench = Bench::with(json!({"least_sync_interval": 3600, "least_clock_offset": 0}));
    bench.refused(
        400,
        "3600",
        "PATCH",
        &first(),
        json!({"serverSyncInterval": 3599}),
    );
    let body = json!({"serverSyncInterval": 3600, "allowedClockOffset": 0});
    assert_eq!(bench.call("PATCH", &first(), Some(body)).0, 200);
}

#[test]
fn entries_that_a_patch_does_not_name_stay_or_go_as_switched() {
    let body = json!({"metadata": [
        {"key": "cost-centre", "value": "4712"},
        {"key": "internal", "value": "x", "viewPermissions": []},
    ]});
    let keys = |license: &Value| -> Vec<String> {
        let entries = license["metadata"].as_array().unwrap().iter();
        entries
            .map(|entry| format!("{}={}", entry["key"], entry["value"]))
            .collect()
    };
    let mut bench = Bench::new();
    let (_, license) = bench.call("PATCH", &first(), Some(body));
    assert_eq!(
        keys(&license),
        [r#""cost-centre"="4712""#, r#""internal"="x""#]
    );
    assert_eq!(
        license["metadata"][0]["id"],
        "3d5f1a80-7c44-4f0e-8f6b-2b9a6f3c5e01"
    );
    // The organization sees those entries alone that are visible to organizations, without their permissions.
    let (_, list) = bench.get(&format!("{ORG}/licenses"));
    assert_eq!(keys(&list[0]), [r#""cost-centre"="4712""#]);
    assert_eq!(list[0]["metadata"][0].get("viewPermissions"), None);

    let one = json!({"metadata": [{"key": "internal", "value": "y"}], "meterAttributes": [{"name": "runs", "allowedUses": 3}]});
    let (_, license) = bench.call("PATCH", &first(), Some(one.clone()));
    assert_eq!(
        keys(&license),
        [r#""cost-centre"="4712""#, r#""internal"="y""#]
    );
    assert_eq!(license["meterAttributes"].as_array().unwrap().len(), 2);
    assert_eq!(license["meterAttributes"][1]["totalUses"], 0);
    bench
        .api
        .set_switches(json!({"entry_write": "replace"}))
        .unwrap();
    let (_, license) = bench.call("PATCH", &first(), Some(one));
    assert_eq!(keys(&license), [r#""internal"="y""#]);
    assert_eq!(license["meterAttributes"].as_array().unwrap().len(), 1);
}

#[test]
fn an_expiry_is_set_to_a_moment_by_a_call_of_its_own() {
    let mut bench = Bench::new();
    let path = format!("{}/expires-at", first());
    let (status, license) = bench.call(
        "PATCH",
        &path,
        Some(json!({"expiresAt": "2026-06-30T22:00:00+02:00"})),
    );
    assert_eq!(
        (status, &license["expiresAt"]),
        (200, &json!("2026-06-30T20:00:00.0000000Z"))
    );
    assert_eq!(license["updatedAt"], "2026-01-02T03:04:05.1234567Z");
    for (body, word) in [
        (json!({}), "expiresAt is required"),
        (json!({"expiresAt": "soon"}), "expiresAt"),
        (json!({"expiresAt": null}), "expiresAt"),
        (
            json!({"expiresAt": "2026-06-30T20:00:00Z", "notes": ""}),
            "notes",
        ),
    ] {
        bench.refused(400, word, "PATCH", &path, body);
    }
    bench
        .api
        .set_switches(json!({"null_expiry": "clear"}))
        .unwrap();
    let (_, license) = bench.call("PATCH", &path, Some(json!({"expiresAt": null})));
    assert_eq!(
        (&license["expiresAt"], &license["perpetual"]),
        (&Value::Null, &json!(true))
    );
    let nowhere = format!("{LICENSES}/none/expires-at");
    bench.refused(
        404,
        "none",
        "PATCH",
        &nowhere,
        json!({"expiresAt": "2030-01-01T00:00:00Z"}),
    );
}

#[test]
fn a_new_licence_inherits_what_it_does_not_name() {
    let mut bench = Bench::new();
    let body = json!({"productId": PRODUCT, "key": KEY, "allowedActivations": 7, "entitlementSetId": null,
        "subscriptionInterval": "P1Y", "userId": "u1", "metadata": [{"key": "order", "value": "9", "viewPermissions": []}]});
    let (status, made) = bench.call("POST", LICENSES, Some(body.clone()));
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["key"], KEY);
    assert_eq!(
        (&made["allowedActivations"], &made["allowedDeactivations"]),
        (&json!(7), &json!(-1))
    );
    assert_eq!(made["expiresAt"], "2027-01-02T03:04:05.1234567Z");
    assert_eq!(
        (&made["organizationId"], &made["user"]["id"]),
        (&Value::Null, &json!("u1"))
    );
    let (_, found) = bench.get(&format!("{LICENSES}?key[eq]={KEY}"));
    assert_eq!(found, json!([made]));

    // A retry makes no second licence, because the key is taken; without a key it would.
    bench.refused(409, "key", "POST", LICENSES, body);
    let bare = json!({"productId": PRODUCT});
    let (_, one) = bench.call("POST", LICENSES, Some(bare.clone()));
    let (_, other) = bench.call("POST", LICENSES, Some(bare));
    assert_ne!(one["id"], other["id"]);
    assert_eq!(
        (&one["perpetual"], &one["expiresAt"]),
        (&json!(true), &Value::Null)
    );
    let late = json!({"productId": PRODUCT, "subscriptionInterval": "P30D", "subscriptionStartTrigger": "activation"});
    let (_, license) = bench.call("POST", LICENSES, Some(late));
    assert_eq!(
        (&license["perpetual"], &license["expiresAt"]),
        (&json!(false), &Value::Null)
    );
}

#[test]
fn a_new_licence_of_the_wrong_form_is_refused() {
    let mut bench = Bench::new();
    for (body, word) in [
        (json!({}), "productId is required"),
        (json!({"productId": "none"}), "productId"),
        (
            json!({"productId": PRODUCT, "subscriptionInterval": "1 year"}),
            "subscriptionInterval",
        ),
        (
            json!({"productId": PRODUCT, "subscriptionStartTrigger": "license-creation"}),
            "activation",
        ),
        (json!({"productId": PRODUCT, "colour": "red"}), "colour"),
        (
            json!({"productId": PRODUCT, "expiresAt": "2030-01-01T00:00:00Z"}),
            "expiresAt",
        ),
    ] {
        bench.refused(400, word, "POST", LICENSES, body);
    }
    bench
        .api
        .set_switches(json!({"unknown_product_status": 404}))
        .unwrap();
    bench.refused(404, "none", "POST", LICENSES, json!({"productId": "none"}));
}

#[test]
fn a_deleted_licence_is_gone_from_every_list() {
    let mut bench = Bench::new();
    assert_eq!(bench.call("DELETE", &first(), None), (204, Value::Null));
    assert_eq!(bench.call("DELETE", &first(), None).0, 404);
    assert_eq!(bench.get(&first()).0, 404);
    assert_eq!(tails(&bench.get(LICENSES).1), "234");
    assert_eq!(tails(&bench.get(&format!("{ORG}/licenses")).1), "23");
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}

#[test]
fn reading_and_writing_licences_need_a_scope_each() {
    let suspend = json!({"suspended": true});
    for (scope, refused, allowed) in [
        ("license:write", "PATCH", "GET"),
        ("license:read", "GET", "PATCH"),
    ] {
        let mut bench = Bench::with(json!({"missing_scope": scope}));
        let body = |method: &str| (method == "PATCH").then(|| suspend.clone());
        let (status, reply) = bench.call(refused, &first(), body(refused));
        assert_eq!(status, 403, "{reply}");
        assert!(reply["message"].as_str().unwrap().contains(scope));
        assert_eq!(bench.call(allowed, &first(), body(allowed)).0, 200);
    }
}
