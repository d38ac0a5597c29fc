use super::accepted::Ledger;
use super::*;
use crate::model::diagnostic::Source;
use crate::model::live::Resolved;
use crate::model::{AcceptedDrift, ElementKey, Mark, Origin, PackedFields, PathPattern};
use crate::provider::{self, testing};

const NOW: &str = "2026-11-21T12:00:00Z";

fn table(kind: &str) -> &'static crate::model::KindTable {
    provider::find_kind(kind).unwrap().table()
}

fn lac() -> &'static [Field] {
    table("LacLicenseOrder").desired
}

fn desired_object(kind: &str, fields: Fields) -> Desired {
    Desired {
        fields: PackedFields::new(table(kind).desired, &fields),
        ..testing::desired_object(table(kind), &[])
    }
}

fn live(fields: Fields) -> Live {
    Live {
        fields,
        ..Live::default()
    }
}

fn lac_drift(base: Option<&Fields>, mine: Fields, theirs: Fields) -> Vec<(String, By)> {
    let desired = desired_object("LacLicenseOrder", mine);
    shown(
        compare_fields(
            lac(),
            &desired,
            base.map(agreed).as_ref(),
            &live(theirs),
            NOW.parse().unwrap(),
        )
        .unwrap(),
    )
}

fn agreed(fields: &Fields) -> Base {
    Base {
        fields: fields.clone(),
        ..Base::default()
    }
}

fn shown(differences: Vec<Difference>) -> Vec<(String, By)> {
    let one = |difference: Difference| (difference.path.to_string(), difference.by);
    differences.into_iter().map(one).collect()
}

fn seats(count: Option<i64>) -> Fields {
    let one = count.map(|count| ("activations_allowed", Value::Integer(count)));
    one.into_iter().collect()
}

/// Features by name, each with its count and a comment.
fn features(items: &[(&str, i64, &str)]) -> Fields {
    let items = items.iter().map(|(name, count, comment)| {
        let key = ElementKey::new(vec![(*name).into(), "1.0".into()], false);
        let fields = Fields::from([
            ("count", Value::Integer(*count)),
            ("comment", Value::Text((*comment).into())),
        ]);
        (key, fields)
    });
    Fields::from([("Features", Value::Items(items.collect()))])
}

fn groups(field: &'static str, names: &[&str]) -> Fields {
    Fields::from([(field, Value::set(names.iter().copied()))])
}

#[test]
fn a_field_was_changed_by_whoever_left_the_base() {
    let by = |base: i64, mine: i64, theirs: i64| {
        let base = seats(Some(base));
        let found = lac_drift(Some(&base), seats(Some(mine)), seats(Some(theirs)));
        found.first().map(|(_, by)| *by)
    };
    assert_eq!(by(10, 10, 12), Some(By::They));
    assert_eq!(by(10, 15, 10), Some(By::You));
    assert_eq!(by(10, 15, 12), Some(By::Both));
    assert_eq!(by(10, 12, 12), None, "both went the same way");
    assert_eq!(by(10, 10, 10), None);
}

#[test]
fn you_and_they_are_the_same_seen_from_the_other_side() {
    for base in 0..3 {
        for mine in 0..3 {
            for theirs in 0..3 {
                let one = |mine, theirs| {
                    let base = seats(Some(base));
                    lac_drift(Some(&base), seats(Some(mine)), seats(Some(theirs)))
                };
                let mirrored = |by: By| match by {
                    By::You => By::They,
                    By::They => By::You,
                    By::Both => By::Both,
                    By::Unknown => By::Unknown,
                };
                let there = one(mine, theirs).into_iter().map(|(_, by)| mirrored(by));
                let back = one(theirs, mine).into_iter().map(|(_, by)| by);
                assert!(there.eq(back), "{base} {mine} {theirs}");
            }
        }
    }
}

#[test]
fn without_a_base_nobody_is_blamed() {
    let found = lac_drift(None, seats(Some(10)), seats(Some(12)));
    assert_eq!(found, [("activations_allowed".into(), By::Unknown)]);
    assert!(By::Unknown.is_drift() && By::Both.is_drift() && By::They.is_drift());
    assert!(!By::You.is_drift());
}

#[test]
fn what_the_base_did_not_manage_is_your_change() {
    let found = lac_drift(Some(&Fields::new()), seats(Some(10)), seats(Some(12)));
    assert_eq!(found, [("activations_allowed".into(), By::You)]);
    let found = lac_drift(
        Some(&Fields::new()),
        features(&[]),
        features(&[("a", 1, "")]),
    );
    assert_eq!(found, [("Features[a 1.0]".into(), By::You)]);
}

#[test]
fn what_the_manifest_no_longer_manages_is_no_difference() {
    let base = seats(Some(10));
    assert_eq!(lac_drift(Some(&base), Fields::new(), seats(Some(12))), []);
}

#[test]
fn elements_come_and_go_on_either_side() {
    let path = |name: &str| format!("Features[{name} 1.0]");
    let base = features(&[("kept", 1, ""), ("old", 1, "")]);
    let with = |more: &[(&'static str, i64, &'static str)]| {
        features(&[&[("kept", 1, ""), ("old", 1, "")][..], more].concat())
    };
    let without = features(&[("kept", 1, "")]);
    let one = |mine: Fields, theirs: Fields| lac_drift(Some(&base), mine, theirs);
    assert_eq!(
        one(base.clone(), with(&[("new", 1, "")])),
        [(path("new"), By::They)]
    );
    assert_eq!(
        one(with(&[("new", 1, "")]), base.clone()),
        [(path("new"), By::You)]
    );
    assert_eq!(
        one(base.clone(), without.clone()),
        [(path("old"), By::They)]
    );
    assert_eq!(one(without.clone(), base.clone()), [(path("old"), By::You)]);
    let changed = features(&[("kept", 1, ""), ("old", 9, "")]);
    assert_eq!(
        one(changed.clone(), without.clone()),
        [(path("old"), By::Both)]
    );
    assert_eq!(one(without, changed), [(path("old"), By::Both)]);
}

#[test]
fn fields_of_an_element_are_told_apart() {
    let base = features(&[("a", 1, "old")]);
    let found = lac_drift(
        Some(&base),
        features(&[("a", 2, "old")]),
        features(&[("a", 1, "theirs")]),
    );
    let expected = [
        ("Features[a 1.0].count".to_string(), By::You),
        ("Features[a 1.0].comment".to_string(), By::They),
    ];
    assert_eq!(found, expected);
    let added_twice = lac_drift(
        Some(&features(&[])),
        features(&[("a", 2, "")]),
        features(&[("a", 1, "")]),
    );
    assert_eq!(added_twice, [("Features[a 1.0].count".into(), By::Both)]);
}

#[test]
fn what_goes_with_another_field_was_changed_by_whoever_changed_that() {
    let state = |kind: &str, name: Option<&str>| {
        let mut fields = Fields::from([("licensee_type", Value::Text(kind.into()))]);
        fields.extend(name.map(|name| ("licensee", Value::Text(name.into()))));
        fields
    };
    let by = |base: Fields, mine: Fields, theirs: Fields| -> Vec<By> {
        let found = lac_drift(Some(&base), mine, theirs);
        assert_eq!(found.len(), 2, "{found:?}");
        found.into_iter().map(|(_, by)| by).collect()
    };
    let (fixed, other) = (state("fixed", Some("Rivers")), state("customer", None));
    assert_eq!(
        by(other.clone(), other.clone(), fixed.clone()),
        [By::They; 2]
    );
    // The licensee was never managed, and goes because you changed the type.
    assert_eq!(by(state("fixed", None), other, fixed), [By::You; 2]);
}

#[test]
fn members_beside_those_wanted_are_nobodys_change_where_they_are_kept() {
    let kind = "CryptlexOrganizationLicense";
    let by = |keep: bool, theirs: &[&str]| {
        let mut desired = desired_object(kind, groups("userGroupIds", &["a", "b", "c"]));
        if keep {
            desired.policy.keep_unlisted = vec!["userGroupIds".into()];
        }
        let base = groups("userGroupIds", &["a", "b"]);
        let theirs = live(groups("userGroupIds", theirs));
        let now = NOW.parse().unwrap();
        let found = compare_fields(
            table(kind).desired,
            &desired,
            Some(&agreed(&base)),
            &theirs,
            now,
        )
        .unwrap();
        found.first().map(|difference| difference.by)
    };
    assert_eq!(by(true, &["a", "b", "z"]), Some(By::You));
    assert_eq!(by(false, &["a", "b", "z"]), Some(By::Both));
    assert_eq!(by(true, &["a", "z"]), Some(By::Both));
}

#[test]
fn names_stand_for_the_ids_they_resolve_to() {
    let kind = "CryptlexOrganizationLicense";
    let names = [("Red".into(), "1".into()), ("Green".into(), "2".into())];
    let list: std::sync::Arc<std::collections::BTreeMap<_, _>> = std::sync::Arc::new(names.into());
    let by = |base: Fields| {
        let desired = desired_object(kind, groups("userGroups", &["Red"]));
        let mut theirs = live(groups("userGroupIds", &["2"]));
        theirs.resolved.push(Resolved {
            given: "userGroups",
            field: "userGroupIds",
            value: groups("userGroupIds", &["1"])["userGroupIds"].clone(),
            list: list.clone(),
        });
        let now = NOW.parse().unwrap();
        let found = compare_fields(
            table(kind).desired,
            &desired,
            Some(&agreed(&base)),
            &theirs,
            now,
        )
        .unwrap();
        shown(found)
    };
    let path = || "userGroupIds".to_string();
    assert_eq!(by(groups("userGroups", &["Red"])), [(path(), By::They)]);
    assert_eq!(by(groups("userGroupIds", &["2"])), [(path(), By::You)]);
    // Another name is resolved by the list that was read; one that is gone stands for nothing any more.
    assert_eq!(by(groups("userGroups", &["Green"])), [(path(), By::You)]);
    let both = groups("userGroups", &["Red", "Green"]);
    assert_eq!(by(both), [(path(), By::Both)]);
    assert_eq!(by(groups("userGroups", &["Blue"])), [(path(), By::Unknown)]);
}

fn entry(object: &str, field: &str, until: &str) -> AcceptedDrift {
    AcceptedDrift {
        object: object.into(),
        field: PathPattern::parse(field).unwrap(),
        reason: "because".into(),
        until: until.parse().unwrap(),
        origin: Origin {
            source: std::sync::Arc::new(Source::default()),
            mark: Mark::default(),
        },
    }
}

/// Which differences the entries silence, and what is found about the entries.
fn accepted(entries: &[AcceptedDrift], today: &str) -> (Vec<bool>, Vec<(&'static str, String)>) {
    let base = {
        let mut base = features(&[("a", 1, "old"), ("b", 1, "old")]);
        base.extend(seats(Some(10)));
        base
    };
    let mut theirs = features(&[("a", 1, "theirs"), ("b", 5, "theirs")]);
    theirs.extend(seats(Some(10)));
    let mut mine = base.clone();
    mine.extend(seats(Some(12)));
    let desired = desired_object("LacLicenseOrder", mine);
    let found = compare_fields(
        lac(),
        &desired,
        Some(&agreed(&base)),
        &live(theirs),
        NOW.parse().unwrap(),
    )
    .unwrap();
    let mut ledger = Ledger::new(entries, today.parse().unwrap());
    let silenced = ledger.accept(lac(), &desired, &found);
    let findings = ledger.findings(false);
    let codes = findings.iter().map(|f| (f.code, f.message.clone()));
    (
        silenced.iter().map(Option::is_some).collect(),
        codes.collect(),
    )
}

#[test]
fn an_entry_silences_exactly_what_it_names_until_its_day_is_over() {
    let desired = desired_object("LacLicenseOrder", Fields::new())
        .address
        .to_string();
    // In the order of the table: seats by you, a.comment, b.count and b.comment by them.
    let one = |field: &str, today: &str| accepted(&[entry(&desired, field, "2027-01-31")], today).0;
    let day = "2027-01-31";
    assert_eq!(
        one("Features[a 1.0].comment", day),
        [false, true, false, false]
    );
    assert_eq!(one("Features[*].comment", day), [false, true, false, true]);
    assert_eq!(one("Features[b 1.0]", day), [false, false, true, true]);
    assert_eq!(one("Features", day), [false, true, true, true]);
    assert_eq!(one("Features", "2027-02-01"), [false; 4], "the day is over");
    assert_eq!(one("activations_allowed", day), [false; 4], "that was you");
    let other = accepted(&[entry("LacLicenseOrder/other", "Features", day)], day);
    assert_eq!(other.0, [false; 4]);
    assert_eq!(other.1[0].0, "accepted-unmatched");
}

#[test]
fn entries_that_are_over_or_silence_nothing_are_reported() {
    let desired = desired_object("LacLicenseOrder", Fields::new())
        .address
        .to_string();
    let found =
        |field: &str, today: &str| accepted(&[entry(&desired, field, "2027-01-31")], today).1;
    assert_eq!(found("Features", "2026-11-21"), []);
    assert_eq!(
        found("description", "2026-11-21")[0].0,
        "accepted-unmatched"
    );
    let (code, message) = found("Features", "2027-02-01").remove(0);
    assert_eq!(code, "accepted-expired");
    assert!(message.contains("the field differs now"), "{message}");
    let (code, message) = found("description", "2027-02-01").remove(0);
    assert_eq!(code, "accepted-expired");
    assert!(message.contains("nothing differs now"), "{message}");
}
