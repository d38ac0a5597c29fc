use serde_json::{Value as Json, json};

use super::*;
use crate::model::live::Resolved;
use crate::model::{KindTable, PackedFields, Risk};
use crate::plan::field_json::{fields_from_json, fields_to_json};
use crate::provider::{self, testing};

fn kind(name: &str) -> &'static KindTable {
    provider::find_kind(name).unwrap().table()
}

fn lac() -> &'static [Field] {
    kind("LacLicenseOrder").desired
}

fn change(verb: ChangeVerb, path: &str, before: Json, after: Json) -> ChangeEntry {
    ChangeEntry {
        path: path.into(),
        verb,
        before,
        after,
        risk: Risk::Safe,
        note: None,
        call: 0,
    }
}

fn fields(table: &'static [Field], json: Json) -> Fields {
    let Json::Object(members) = json else {
        panic!("an object");
    };
    fields_from_json(table, &members.into_iter().collect())
}

fn base(json: Json) -> Base {
    Base {
        fields: fields(lac(), json),
        ..Base::default()
    }
}

fn json(base: &Base) -> Json {
    json!(fields_to_json(lac(), &base.fields))
}

fn paths(texts: &[&str]) -> Vec<PathPattern> {
    let parse = |text: &&str| PathPattern::parse(text).unwrap();
    texts.iter().map(parse).collect()
}

#[test]
fn what_is_remembered_is_recalled() {
    let order = json!({
        "activations_allowed": 7, "description": null, "enabled": true,
        "Features": [{"name": "a b", "version": "1.0", "count": 3, "comment": "text"},
                     {"name": "c", "version": "1.0", "count": 0}],
    });
    assert_eq!(json(&base(order.clone())), order);
    let cryptlex = kind("CryptlexOrganizationLicense").desired;
    let groups = fields(cryptlex, json!({"userGroups": ["x", "y"]}));
    assert_eq!(
        fields_from_json(cryptlex, &fields_to_json(cryptlex, &groups)),
        groups
    );
    // A value that the table does not have, or has with another type, is not a base.
    let odd = json!({"unheard_of": 1, "activations_allowed": "many"});
    assert_eq!(json(&base(odd)), json!({}));
}

#[test]
fn an_agreement_leaves_excepted_fields_as_they_were_agreed_before() {
    let features = |a: i64, others: &[&str]| {
        let mut list = vec![json!({"name": "A", "version": "1", "count": a})];
        list.extend(
            others
                .iter()
                .map(|name| json!({"name": name, "version": "1", "count": 1})),
        );
        json!({"Features": list, "activations_allowed": a, "description": a.to_string()})
    };
    let agree = |except: &[&str], kept: &[&str], then: &[&str]| {
        let mut base = base(features(1, kept));
        base.agree(lac(), fields(lac(), features(2, then)), &paths(except));
        json(&base)
    };
    assert_eq!(agree(&[], &["B"], &[]), features(2, &[]));
    let mut expected = features(2, &[]);
    expected["activations_allowed"] = json!(1);
    assert_eq!(agree(&["activations_allowed"], &[], &[]), expected);
    let mut expected = features(2, &["B"]);
    expected["Features"][0]["count"] = json!(1);
    for path in ["Features[A 1].count", "Features[*].count"] {
        assert_eq!(agree(&[path], &["B"], &["B"]), expected, "{path}");
    }
    // An element that is left alone is there as it was, or not.
    assert_eq!(agree(&["Features[B 1]"], &["B"], &[]), features(2, &["B"]));
    assert_eq!(agree(&["Features[B 1]"], &[], &["B"]), features(2, &[]));
    assert_eq!(
        agree(&["Features"], &["B"], &[])["Features"],
        features(1, &["B"])["Features"]
    );
}

#[test]
fn a_change_moves_what_it_is_about_and_nothing_else() {
    let before = json!({"Features": [{"name": "A", "version": "1", "count": 1}]});
    let followed = |verb, path: &str, was: Json, is: Json| {
        let mut base = base(before.clone());
        base.follow(lac(), &change(verb, path, was, is));
        json(&base)
    };
    let b = json!({"name": "B", "version": "1", "count": 5});
    let added = followed(ChangeVerb::Add, "Features[B 1]", Json::Null, b.clone());
    assert_eq!(added["Features"], json!([before["Features"][0], b]));
    let a = before["Features"][0].clone();
    let removed = followed(ChangeVerb::Remove, "Features[A 1]", a, Json::Null);
    assert_eq!(removed, json!({"Features": []}));
    let inner = followed(
        ChangeVerb::Replace,
        "Features[A 1].count",
        json!(1),
        json!(2),
    );
    assert_eq!(inner["Features"][0]["count"], 2);
    let field = followed(
        ChangeVerb::Replace,
        "activations_allowed",
        json!(1),
        json!(2),
    );
    assert_eq!(field["activations_allowed"], 2);
    // One field says nothing about an element or a list that is not in the base.
    let of_none = followed(
        ChangeVerb::Replace,
        "Features[Z 1].count",
        json!(1),
        json!(2),
    );
    assert_eq!(of_none, before);
    let hosts = followed(ChangeVerb::Add, "Hostids[x]", Json::Null, json!({}));
    assert_eq!(hosts, before);
}

#[test]
fn members_that_others_added_to_a_set_are_not_agreed_on() {
    let table = kind("CryptlexOrganizationLicense").desired;
    let taken_back = change(
        ChangeVerb::Replace,
        "userGroupIds",
        json!(["engineering", "support", "theirs"]),
        json!(["engineering", "theirs"]),
    );
    let after = |fields: Fields| {
        let mut base = Base {
            fields,
            ..Base::default()
        };
        base.follow(table, &taken_back);
        json!(fields_to_json(table, &base.fields))
    };
    let ids = fields(table, json!({"userGroupIds": ["engineering", "support"]}));
    assert_eq!(after(ids), json!({"userGroupIds": ["engineering"]}));
    // Names that were never resolved say nothing after a change of the ids.
    let names = fields(table, json!({"userGroups": ["Engineering", "Support"]}));
    let whole = json!({"userGroupIds": ["engineering", "theirs"]});
    assert_eq!(after(names), whole);
}

#[test]
fn a_field_is_unsettled_until_somebody_agrees_on_it_or_changes_it() {
    let ten = change(
        ChangeVerb::Replace,
        "activations_allowed",
        json!(10),
        json!(12),
    );
    let count = change(
        ChangeVerb::Replace,
        "Features[A 1].count",
        json!(1),
        json!(2),
    );
    let open = || {
        let mut base = base(json!({"activations_allowed": 10}));
        base.unsettle(&[ten.clone(), count.clone()]);
        base
    };
    let unsettled = |base: &Base| {
        [
            "activations_allowed",
            "Features",
            "Features[A 1]",
            "description",
        ]
        .map(|path| base.is_unsettled(path))
    };
    assert_eq!(unsettled(&open()), [true, true, true, false]);
    let mut agreed = open();
    agreed.agree(lac(), Fields::new(), &[]);
    assert_eq!(unsettled(&agreed), [false; 4]);
    let mut agreed = open();
    agreed.agree(lac(), Fields::new(), &paths(&["Features[*].count"]));
    assert_eq!(unsettled(&agreed), [false, true, true, false]);
    let mut followed = open();
    followed.follow(lac(), &ten);
    assert_eq!(unsettled(&followed), [false, true, true, false]);
}

#[test]
fn paths_cover_themselves_and_what_is_in_them() {
    assert!(covers("Features[A 1]", "Features[A 1]"));
    assert!(covers("Features[A 1]", "Features[A 1].count"));
    assert!(!covers("Features[A 1]", "Features[A 10]"));
    assert!(!covers("Features[A 1].count", "Features[A 1]"));
    assert!(!covers("end", "end_date"));
}

#[test]
fn names_are_resolved_by_what_is_known_of_them() {
    let table = kind("CryptlexOrganizationLicense");
    let desired = |names: &[&str]| {
        let mut desired =
            testing::desired_object(table, &[("organizationId", "o"), ("licenseId", "l")]);
        let names = Fields::from([("userGroups", Value::set(names.iter().copied()))]);
        desired.fields = PackedFields::new(table.desired, &names);
        desired
    };
    let live = |ids: &[&str]| Live {
        resolved: vec![Resolved {
            given: "userGroups",
            field: "userGroupIds",
            value: Value::set(ids.iter().copied()),
            list: std::sync::Arc::new([("Red".into(), "1".into())].into()),
        }],
        ..Live::default()
    };
    let is = |base: Json, mine: &[&str], ids: &[&str]| {
        let base = fields(table.desired, base);
        let (fields, unclear) = resolve_names(table.desired, &base, &desired(mine), &live(ids));
        (json!(fields_to_json(table.desired, &fields)), unclear)
    };
    let ids = |ids: &[&str]| json!({"userGroupIds": ids});
    let names = |names: &[&str]| json!({"userGroups": names});
    // The ids of then, though the same name may stand for another group now.
    let both = json!({"userGroups": ["Red"], "userGroupIds": ["0"]});
    assert_eq!(is(both, &["Red"], &["1"]), (ids(&["0"]), false));
    assert_eq!(is(names(&["Red"]), &["Red"], &["1"]), (ids(&["1"]), false));
    assert_eq!(is(names(&["Red"]), &["Blue"], &["2"]), (ids(&["1"]), false));
    assert_eq!(is(names(&["Gone"]), &["Red"], &["1"]), (json!({}), true));
    assert_eq!(is(json!({}), &["Red"], &["1"]), (json!({}), false));
}
