//! What the read calls show.

use super::*;

#[test]
fn a_licence_is_shown_with_every_member_that_the_page_prints() {
    let (status, list) = Bench::new().get(&format!("{ORG}/licenses"));
    assert_eq!(status, 200);
    let first = list[0].as_object().unwrap();
    let members: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "id",
            "createdAt",
            "updatedAt",
            "key",
            "revoked",
            "suspended",
            "perpetual",
            "type",
            "validity",
            "subscriptionInterval",
            "totalActivations",
            "totalDeactivations",
            "allowedActivations",
            "allowedDeactivations",
            "allowedFloatingClients",
            "leaseDuration",
            "expiresAt",
            "effectiveDate",
            "notes",
            "metadata",
            "meterAttributes",
            "product",
            "productVersion",
            "entitlementSet",
            "userGroups"
        ]
    );
    assert_eq!(first["createdAt"], "2024-03-05T10:00:17.9361143Z");
    // Support was created before Engineering.
    assert_eq!(ids(&first["userGroups"]), [group(3), group(1)]);
    let shown = first["userGroups"][0].as_object().unwrap();
    let members: Vec<&str> = shown.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["id", "createdAt", "updatedAt", "name", "description"]
    );
    assert_eq!(list[2]["expiresAt"], "2026-12-31T23:59:59.0000000Z");
}

#[test]
fn groups_come_back_in_the_switched_order() {
    let mut bench = Bench::with(json!({"group_order": "reversed"}));
    let (_, reply) = bench.patch(json!({"userGroupIds": [group(1), group(3)]}));
    assert_eq!(ids(&reply["userGroups"]), [group(1), group(3)]);
}

#[test]
fn lists_are_paged_and_end_with_an_empty_array() {
    let mut bench = Bench::new();
    let licenses: Vec<Value> = (0..250)
        .map(|n| json!({"id": format!("l{n:03}")}))
        .collect();
    bench
        .api
        .set_state(json!({"organizations": [{"id": "o", "licenses": licenses}]}))
        .unwrap();
    let mut count = |query: &str| {
        let (status, list) = bench.get(&format!("/v3/organizations/o/licenses{query}"));
        assert_eq!(status, 200, "{list}");
        ids(&list).len()
    };
    assert_eq!(count(""), 20);
    assert_eq!(count("?limit=100&page=3"), 50);
    assert_eq!(count("?limit=100&page=4"), 0);
    bench.api.set_switches(json!({"page_size": 7})).unwrap();
    let (_, list) = bench.get("/v3/organizations/o/licenses?page=2");
    assert_eq!(
        ids(&list),
        ["l007", "l008", "l009", "l010", "l011", "l012", "l013"]
    );
    for bad in ["limit=0", "limit=101", "limit=x", "page=0", "page=-1"] {
        let path = format!("/v3/organizations/o/licenses?{bad}");
        let (status, reply) = bench.get(&path);
        assert_eq!(status, 400, "{bad} {reply}");
    }
}

#[test]
fn filters_select_licences() {
    let mut bench = Bench::new();
    let mut found = |query: &str| {
        let (status, list) = bench.get(&format!("{ORG}/licenses?{query}"));
        assert_eq!(status, 200, "{query} {list}");
        let ids = ids(&list).into_iter();
        ids.map(|id| id[id.len() - 1..].to_owned())
            .collect::<String>()
    };
    let eng = group(1);
    for (query, expected) in [
        ("type=node-locked", "2"),
        ("type[in]=node-locked,hosted-floating", "12"),
        ("type[nin]=node-locked", "13"),
        ("type[ne]=node-locked", "13"),
        ("suspended=true", "3"),
        ("suspended[eq]=false", "12"),
        ("notes[cn]=invoice", "3"),
        ("notes[nc]=invoice", "12"),
        ("notes[sw]=Master", "1"),
        ("key[ew]=2F7D", "2"),
        ("allowedActivations[gte]=10", "13"),
        ("allowedActivations[lt]=10", "2"),
        ("createdAt[gt]=2024-09-30T14:22:05Z", "23"),
        ("expiresAt[lte]=2026-12-31T23:59:59Z", "3"),
        ("metadata.key=cost-centre", "1"),
        ("search=MASTER", "1"),
        ("expired=false", "123"),
        ("id[eq]=none", ""),
        ("sort=-createdAt", "321"),
        ("sort=notes", "213"),
        ("sort=-allowedActivations&limit=1&page=2", "3"),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    assert_eq!(found(&format!("userGroupId[eq]={eng}")), "1");
    assert_eq!(found(&format!("userGroupId[ne]={eng}")), "23");
    assert_eq!(found(&format!("id={FIRST}&suspended=true")), "");
}

#[test]
fn filters_that_no_page_names_are_refused_unless_switched() {
    let mut bench = Bench::new();
    for bad in [
        "colour=red",
        "suspended[cn]=t",
        "validity[sw]=1",
        "validity=x",
        "expiresAt[gt]=soon",
        "suspended=maybe",
        "sort=colour",
    ] {
        let (status, _) = bench.get(&format!("{ORG}/licenses?{bad}"));
        assert_eq!(status, 400, "{bad}");
    }
    let mut bench = Bench::with(json!({"unknown_query": "ignore"}));
    assert_eq!(bench.get(&format!("{ORG}/licenses?colour=red")).0, 200);
}

#[test]
fn a_single_licence_is_read_only_when_switched_on() {
    let path = format!("{ORG}/licenses/{FIRST}");
    assert_eq!(Bench::new().get(&path).0, 404);
    let mut bench = Bench::with(json!({"single_get": true}));
    let (status, reply) = bench.get(&path);
    assert_eq!((status, &reply["id"]), (200, &json!(FIRST)));
    assert_eq!(bench.get(&format!("{ORG}/licenses/none")).0, 404);
}

#[test]
fn organizations_are_listed_and_read() {
    let mut bench = Bench::new();
    let (status, list) = bench.get("/v3/organizations?name[eq]=Rivers Inc");
    assert_eq!((status, ids(&list).len()), (200, 1));
    assert_eq!(list[0]["address"]["city"], "Bristol");
    assert_eq!(list[0].get("userGroups"), None);
    let (status, one) = bench.get(ORG);
    assert_eq!((status, &one), (200, &list[0]));
    assert_eq!(bench.get("/v3/organizations?search=nobody").1, json!([]));
    assert_eq!(bench.get("/v3/organizations/none").0, 404);
}

#[test]
fn user_groups_are_listed_with_their_counts() {
    let mut bench = Bench::new();
    let (_, list) = bench.get(&format!("{ORG}/user-groups"));
    assert_eq!(ids(&list), [group(3), group(1), group(2), group(4)]);
    assert_eq!(list[0]["totalUsers"], 9);
    let (_, list) = bench.get(&format!("{ORG}/user-groups?name=Field sales"));
    assert_eq!(ids(&list), [group(2)]);
    let (_, list) = bench.get(&format!("{ORG}/user-groups?search=first and"));
    assert_eq!(ids(&list), [group(3)]);
}

#[test]
fn a_populated_account_shows_its_licences_to_both_kinds_of_calls() {
    let mut bench = Bench::new();
    bench.api.populate(150);
    let (_, list) = bench.get("/v3/licenses?limit=100&page=2");
    // The seed has four of its own, which are older.
    assert_eq!(ids(&list).len(), 54);
    let one = "5d0e3c52-8a44-4b6f-9d0f-000000000096";
    let (status, license) = bench.get(&format!("/v3/licenses/{one}"));
    assert_eq!(
        (status, &license["organization"]["name"]),
        (200, &json!("Delta Works"))
    );
    assert_eq!(
        (&license["serverSyncInterval"], &license["totalActivations"]),
        (&json!(3600), &json!(49))
    );
    let organization = license["organizationId"].as_str().unwrap();
    let path = format!("/v3/organizations/{organization}/licenses?id[eq]={one}");
    assert_eq!(bench.get(&path).1[0]["key"], license["key"]);
}
