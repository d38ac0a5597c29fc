use super::*;
use crate::model::live::Fact;
use crate::model::{Live, Mark, Policy};
use crate::provider::testing::desired_object;

fn table(kind: &str) -> &'static KindTable {
    find_kind(kind).unwrap().table()
}

fn address(kind: &str, name: &str) -> Address {
    Address {
        kind: table(kind).kind,
        name: name.into(),
    }
}

/// A customer that a tag names, and that may be created.
fn customer() -> Desired {
    let ids = [("tag_name", "crm_id"), ("value", "C-1")];
    let policy = Policy {
        create: true,
        ..Policy::default()
    };
    Desired {
        address: address("LacCustomer", "rivers"),
        policy: policy.into(),
        ..desired_object(table("LacCustomer"), &ids)
    }
}

fn reference(spot: ReferenceSpot, referent: Address) -> Reference {
    Reference {
        spot,
        referent,
        mark: Mark::default(),
        state: ReferenceState::Open,
    }
}

/// An order of that customer, which names it twice.
fn order() -> Arc<Desired> {
    let referent = address("LacCustomer", "rivers");
    let text = Reference::text(&referent);
    let mut order = desired_object(
        table("LacLicenseOrder"),
        &[("customer_id", &text), ("marker", "desk")],
    );
    order
        .fields
        .extend([("customer_id", Value::Text(text.into()))]);
    let spots = [
        ReferenceSpot::Id("customer_id"),
        ReferenceSpot::Field("customer_id"),
    ];
    let references = spots.map(|spot| reference(spot, referent.clone()));
    order.references = References::new(references.into());
    Arc::new(order)
}

fn live(facts: &[(&'static str, &str)]) -> Observed {
    let mut live = Live::default();
    for (name, id) in facts {
        live.facts
            .insert((*name).into(), Fact::Text((*id).to_string()));
    }
    Observed::Live(live)
}

fn after(observed: &Observed) -> Referents {
    let mut referents = Referents::stated([], Timestamp::UNIX_EPOCH);
    referents.note(&customer(), observed);
    referents
}

fn resolved(looked_up: LookedUp) -> Arc<Desired> {
    match looked_up {
        LookedUp::Resolved(resolved) => resolved,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_found_id_stands_in_every_spot_in_the_type_of_the_spot() {
    let order = order();
    let found = resolved(after(&live(&[("customerId", "7")])).look_up(&order));
    assert_eq!(found.id("customer_id"), "7");
    assert_eq!(found.fields.get("customer_id"), Some(Value::Integer(7)));
    assert!(!found.references.are_open() && found.references.awaited().next().is_none());
    assert_eq!(
        found.manifest_form().id("customer_id"),
        order.id("customer_id")
    );
}

#[test]
fn an_id_of_the_manifest_needs_no_read() {
    let customer = Desired {
        address: address("LacCustomer", "rivers"),
        ..desired_object(table("LacCustomer"), &[("customerId", "9")])
    };
    let mut referents = Referents::stated([&customer], Timestamp::UNIX_EPOCH);
    assert_eq!(resolved(referents.look_up(&order())).id("customer_id"), "9");
    // A read that misses it does not take the id away.
    referents.note(&customer, &Observed::Missing);
    assert_eq!(resolved(referents.look_up(&order())).id("customer_id"), "9");
}

#[test]
fn a_referent_whose_kind_is_never_created_is_not_awaited() {
    let user = Desired {
        policy: Policy {
            create: true,
            ..Policy::default()
        }
        .into(),
        ..desired_object(table("CryptlexOrganizationUser"), &[])
    };
    let mut order = Desired::clone(&order());
    let spot = ReferenceSpot::Id("customer_id");
    order.references = References::new(vec![reference(spot, user.address.clone())]);
    let mut referents = Referents::stated([], Timestamp::UNIX_EPOCH);
    referents.note(&user, &Observed::Missing);
    match referents.look_up(&Arc::new(order)) {
        LookedUp::Blocked(failure) => {
            let why = "is not there, and objects of its kind cannot be created";
            assert!(failure.text.ends_with(why), "{}", failure.text);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_waits_until_its_referent_was_read() {
    let referents = Referents::stated([], Timestamp::UNIX_EPOCH);
    assert!(matches!(referents.look_up(&order()), LookedUp::Open));
}

#[test]
fn a_referent_that_is_to_be_created_is_awaited() {
    let mut referents = after(&Observed::Missing);
    let awaited = resolved(referents.look_up(&order()));
    let text = "(id of LacCustomer/rivers, which this plan creates)";
    assert_eq!(awaited.id("customer_id"), text);
    assert_eq!(
        awaited.fields.get("customer_id"),
        Some(Value::Text(text.into()))
    );
    assert!(cannot_be_there(&awaited));
    let manifest = awaited.references.manifest().unwrap();
    referents.create(&address("LacCustomer", "rivers"), "12".into());
    assert_eq!(
        resolved(referents.look_up(manifest)).id("customer_id"),
        "12"
    );
}

#[test]
fn a_referent_without_an_id_blocks_its_dependents_with_the_reason() {
    let why = |policy: Policy, observed: &Observed| {
        let mut referents = Referents::stated([], Timestamp::UNIX_EPOCH);
        let customer = Desired {
            policy: policy.into(),
            ..customer()
        };
        referents.note(&customer, observed);
        match referents.look_up(&order()) {
            LookedUp::Blocked(failure) => failure.text,
            other => panic!("{other:?}"),
        }
    };
    let begin = "`customer_id` is the id of LacCustomer/rivers, which ";
    let create = || Policy {
        create: true,
        ..Policy::default()
    };
    let cases = [
        (
            Policy::default(),
            "is not there; `--create`, or `create: true` in its policy, creates it",
        ),
        (
            Policy {
                mode: PolicyMode::Observe,
                ..create()
            },
            "is not there, and is only observed",
        ),
        (
            Policy {
                mode: PolicyMode::Suspend,
                ..create()
            },
            "is not there, and is suspended",
        ),
        (
            Policy {
                only_read: true,
                ..create()
            },
            "is not there, and is out of this run's scope: plan both together",
        ),
    ];
    for (policy, end) in cases {
        assert_eq!(why(policy, &Observed::Missing), format!("{begin}{end}"));
    }
    let unread = why(create(), &Observed::Unread("503".into()));
    assert_eq!(unread, format!("{begin}could not be read: 503"));
    let shown = why(create(), &live(&[]));
    assert_eq!(shown, format!("{begin}the read does not show its id"));
}

#[test]
fn a_member_of_a_set_is_replaced_and_the_others_stay() {
    let group = |name: &str| address("CryptlexUserGroup", name);
    let members = [
        Text::from("a4f8"),
        Reference::text(&group("sales")).into(),
        Reference::text(&group("support")).into(),
    ];
    let mut user = desired_object(
        table("CryptlexOrganizationUser"),
        &[("organizationId", "o"), ("userId", "u")],
    );
    let groups = Value::Set(Box::new(members.into_iter().collect()));
    user.fields.extend([("userGroupIds", groups)]);
    let spot = ReferenceSpot::Member("userGroupIds");
    let references = ["sales", "support"].map(|name| reference(spot, group(name)));
    user.references = References::new(references.into());
    let mut referents = Referents::stated([], Timestamp::UNIX_EPOCH);
    referents.create(
        &group("sales"),
        "A4F8D1B0-1111-4C22-8F33-000000000001".into(),
    );
    referents.expect_creation(&group("support"));
    let found = resolved(referents.look_up(&Arc::new(user)));
    let expected = [
        "(id of CryptlexUserGroup/support, which this plan creates)",
        "a4f8",
        "a4f8d1b0-1111-4c22-8f33-000000000001",
    ];
    assert_eq!(found.fields.get("userGroupIds"), Some(Value::set(expected)));
    assert!(
        !cannot_be_there(&found),
        "the user is there without the group"
    );
}

#[test]
fn referents_of_referents_are_found_once() {
    let user = |name: &str, referent: Address| {
        let spot = ReferenceSpot::Member("userGroupIds");
        Arc::new(Desired {
            address: address("CryptlexOrganizationUser", name),
            references: References::new(vec![reference(spot, referent)]),
            ..desired_object(table("CryptlexOrganizationUser"), &[])
        })
    };
    let group = Arc::new(Desired {
        address: address("CryptlexUserGroup", "sales"),
        references: References::new(vec![reference(
            ReferenceSpot::Id("organizationId"),
            address("CryptlexOrganization", "rivers"),
        )]),
        ..desired_object(table("CryptlexUserGroup"), &[])
    });
    let organization = Arc::new(Desired {
        address: address("CryptlexOrganization", "rivers"),
        ..desired_object(table("CryptlexOrganization"), &[])
    });
    let all = [Arc::clone(&group), organization];
    let find = |address: &Address| {
        all.iter()
            .find(|one| one.address == *address)
            .map(Arc::clone)
    };
    let users = ["a", "b"].map(|name| user(name, group.address.clone()));
    let found = referents_of(&users, find);
    let names: Vec<String> = found.iter().map(|one| one.address.to_string()).collect();
    assert_eq!(
        names,
        ["CryptlexOrganization/rivers", "CryptlexUserGroup/sales"]
    );
}
