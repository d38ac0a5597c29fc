use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::model::{Desired, Mark, Observed, Policy, ReferenceSpot, References};
use crate::plan::plan_object;
use crate::provider::find_kind;
use crate::provider::testing::desired_object;

/// A plan of an object that refers to others in this state.
fn planned(
    address: &str,
    action: Disposition,
    referents: &[&str],
    state: ReferenceState,
) -> Planned {
    let address = address_of(address);
    let references = referents.iter().map(|referent| Reference {
        spot: ReferenceSpot::Id("organizationId"),
        referent: address_of(referent),
        mark: Mark::default(),
        state,
    });
    let references: Vec<Reference> = references.collect();
    let table = find_kind(address.kind.0).unwrap().table();
    let manifest = Arc::new(desired_object(table, &[]));
    let desired = Desired {
        address,
        policy: Policy::default().into(),
        references: References::looked_up(references, manifest),
        ..desired_object(table, &[])
    };
    Planned::bare(&Arc::new(desired), action, None)
}

fn address_of(text: &str) -> Address {
    let (kind, name) = text.split_once('/').unwrap();
    Address {
        kind: find_kind(kind).unwrap().table().kind,
        name: name.into(),
    }
}

const ORGANIZATION: &str = "CryptlexOrganization/rivers";
const GROUP: &str = "CryptlexUserGroup/sales";
const USER: &str = "CryptlexOrganizationUser/asha";

/// Each object with its action and what it goes after.
fn order(mut planned: Vec<Planned>) -> Vec<(Disposition, Vec<String>)> {
    order_steps(&mut planned);
    let one = |planned: &Planned| {
        let after = planned.after.iter().map(Address::to_string);
        (planned.action, after.collect())
    };
    planned.iter().map(one).collect()
}

#[test]
fn nothing_is_planned_of_an_object_whose_references_were_not_looked_up() {
    let state = ReferenceState::Open;
    let object = planned(GROUP, Disposition::None, &[ORGANIZATION], state).desired;
    let kind = find_kind("CryptlexUserGroup").unwrap();
    let planned = plan_object(kind, &object, &Observed::Missing, Timestamp::UNIX_EPOCH);
    let why = "an id that it refers to was not looked up";
    assert_eq!(planned.action, Disposition::Error);
    assert_eq!(planned.message.as_deref(), Some(why));
}

#[test]
fn a_dependent_goes_after_the_object_that_is_created() {
    let (create, update) = (Disposition::Create, Disposition::Update);
    let ordered = order(vec![
        planned(ORGANIZATION, create, &[], ReferenceState::Found),
        planned(GROUP, create, &[ORGANIZATION], ReferenceState::Awaited),
        planned(USER, update, &[GROUP], ReferenceState::Awaited),
    ]);
    let after = |one: &str| vec![one.to_string()];
    assert_eq!(
        ordered,
        [
            (create, vec![]),
            (create, after(ORGANIZATION)),
            (update, after(GROUP))
        ]
    );
}

#[test]
fn a_referent_that_is_there_orders_nothing() {
    let update = Disposition::Update;
    let ordered = order(vec![
        planned(ORGANIZATION, update, &[], ReferenceState::Found),
        planned(GROUP, update, &[ORGANIZATION], ReferenceState::Found),
    ]);
    assert_eq!(ordered, [(update, vec![]), (update, vec![])]);
}

#[test]
fn removals_go_the_other_way_round() {
    let remove = Disposition::Remove;
    let ordered = order(vec![
        planned(ORGANIZATION, remove, &[], ReferenceState::Found),
        planned(GROUP, remove, &[ORGANIZATION], ReferenceState::Found),
    ]);
    assert_eq!(
        ordered,
        [(remove, vec![GROUP.to_string()]), (remove, vec![])]
    );
}

#[test]
fn what_depends_on_a_creation_that_cannot_be_planned_is_an_error_down_the_line() {
    let create = Disposition::Create;
    let mut plans = vec![
        planned(ORGANIZATION, Disposition::Error, &[], ReferenceState::Found),
        planned(GROUP, create, &[ORGANIZATION], ReferenceState::Awaited),
        planned(USER, create, &[GROUP], ReferenceState::Awaited),
    ];
    order_steps(&mut plans);
    assert!(plans.iter().all(|one| one.action == Disposition::Error));
    let words: Vec<_> = plans.iter().map(|one| one.message.clone()).collect();
    let because = |of: &str| {
        Some(format!(
            "it needs the id of {of}, which is not there and cannot be created: see there"
        ))
    };
    assert_eq!(words, [None, because(ORGANIZATION), because(GROUP)]);
}
