use std::sync::Arc;

use super::*;
use crate::model::diagnostic::Source;
use crate::model::{Kind, KindTable, Mark, Policy, ReferenceSpot, ReferenceState};
use crate::provider::ResourceKind;
use crate::provider::testing::{DOOR, KEY, desired_object};

/// An object of a kind that refers to others, one line each.
fn object(table: &KindTable, name: &str, referents: &[(Kind, &str)]) -> Desired {
    let references = referents.iter().zip(2..);
    let references = references.map(|((kind, name), line)| Reference {
        spot: ReferenceSpot::Field("of"),
        referent: Address {
            kind: *kind,
            name: (*name).into(),
        },
        mark: Mark {
            line,
            ..Mark::default()
        },
        state: ReferenceState::Open,
    });
    let references = References::new(references.collect());
    let mut object = Desired {
        address: Address {
            kind: table.kind,
            name: name.into(),
        },
        references,
        ..desired_object(table, &[])
    };
    object.origin.source = Arc::new(Source::new(format!("{name}.yaml"), String::new()));
    object
}

/// The findings about objects: message, place, the other place and hint.
fn find(objects: Vec<Desired>) -> Vec<String> {
    find_beside(objects, &[])
}

/// The findings about objects beside others that have errors of their own.
fn find_beside(objects: Vec<Desired>, invalid: &[Address]) -> Vec<String> {
    let names = objects.iter().map(|object| &object.address);
    let names = names.chain(invalid).cloned().collect();
    let routed = RoutedObjects {
        desired: objects.into_iter().map(Arc::new).collect(),
        outlines: Vec::new(),
    };
    let mut findings = Diagnostics::default();
    check_references(&routed, &names, &mut findings);
    let shown = findings.iter().map(|finding| {
        let related = finding.related.as_ref();
        let also = related
            .map(|(origin, what)| format!("; {}:{}: {what}", origin.source.name, origin.mark.line));
        let hint = finding.hint.as_ref().map(|hint| format!("; {hint}"));
        let parts = [also, hint].into_iter().flatten();
        format!(
            "[{}] {}{}",
            finding.code,
            finding.line(),
            parts.collect::<String>()
        )
    });
    shown.collect()
}

fn key() -> &'static KindTable {
    KEY.table()
}

fn door() -> &'static KindTable {
    DOOR.table()
}

#[test]
fn references_that_can_be_followed_are_no_finding() {
    let found = find(vec![
        object(key(), "a", &[(door().kind, "front"), (door().kind, "back")]),
        object(door(), "front", &[]),
        object(door(), "back", &[(door().kind, "front")]),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn an_object_that_has_an_error_of_its_own_is_not_missing() {
    let name = Address {
        kind: door().kind,
        name: "front".into(),
    };
    let keys = || vec![object(key(), "a", &[(door().kind, "front")])];
    assert_eq!(find_beside(keys(), &[name]), [""; 0]);
    assert_eq!(find_beside(keys(), &[]).len(), 1);
}

#[test]
fn an_object_that_no_manifest_has_is_an_error_with_the_nearest_name() {
    let found = find(vec![
        object(
            key(),
            "a",
            &[(door().kind, "fornt"), (door().kind, "attic")],
        ),
        object(door(), "front", &[]),
    ]);
    assert_eq!(
        found,
        [
            "[unknown-reference] a.yaml:2:0: there is no Door/fornt in the manifests; did you mean `Door/front`?",
            "[unknown-reference] a.yaml:3:0: there is no Door/attic in the manifests; add its manifest, or pass the file \
             that has it as well",
        ]
    );
}

#[test]
fn ids_of_another_connection_mean_nothing() {
    let mut elsewhere = object(door(), "front", &[]);
    elsewhere.connection = "us".into();
    let mut near = object(key(), "a", &[(door().kind, "front")]);
    near.connection = "eu".into();
    assert_eq!(
        find(vec![near, elsewhere]),
        [
            "[reference-elsewhere] a.yaml:2:0: Door/front goes through the connection `us`, and this through `eu`: ids hold \
          within one account; front.yaml:0: its manifest"
        ]
    );
}

#[test]
fn an_object_that_others_need_is_not_removed() {
    let absent = |mut object: Desired| {
        object.policy = Policy {
            absent: true,
            ..Policy::default()
        }
        .into();
        object
    };
    let front = || absent(object(door(), "front", &[]));
    let needs = || object(key(), "a", &[(door().kind, "front")]);
    assert_eq!(
        find(vec![needs(), front()]),
        [
            "[reference-removed] a.yaml:2:0: Door/front is to be gone, and Key/a needs it; front.yaml:0: its manifest; remove \
          both, of which the dependent one goes first, or name another object"
        ]
    );
    assert_eq!(find(vec![absent(needs()), front()]), [""; 0]);
}

#[test]
fn circles_are_told_once_with_both_places() {
    let found = find(vec![
        object(key(), "a", &[(door().kind, "front")]),
        object(door(), "front", &[(door().kind, "back")]),
        object(door(), "back", &[(key().kind, "a")]),
        object(door(), "loop", &[(door().kind, "loop")]),
    ]);
    assert_eq!(
        found,
        [
            "[reference-circle] back.yaml:2:0: references in a circle: Door/back → Key/a → Door/front → Door/back; \
             a.yaml:2: it goes on here",
            "[reference-circle] loop.yaml:2:0: Door/loop refers to itself",
        ]
    );
}
