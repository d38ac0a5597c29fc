//! Literal lists of customer accounts, and what is read from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::live::Fact;
use crate::model::{Desired, Live, Observed, Policy, Value, WritePurpose};
use crate::provider::testing::{self, answer, desired_object};
use crate::provider::{ResourceKind, Write};

fn by_code(code: &str) -> Desired {
    desired_object(&fields::TABLE, &[(CODE, code)])
}

fn going(code: &str) -> Desired {
    Desired {
        policy: Policy {
            absent: true,
            ..Policy::default()
        }
        .into(),
        ..by_code(code)
    }
}

/// An account as the page "List Customer Accounts" prints it.
fn account(id: u64, code: &str, customers: Json) -> Json {
    json!({"id": id, "customers_count": customers, "code": code, "name": "Test Customer Company 4", "description": "",
        "phone": "", "address": "", "email": "", "cognito_user_pool_id": "", "company": 339})
}

fn read(desired: &Desired, list: &[Json]) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(CUSTOMER_ACCOUNT.reading(&[desired]), |_| {
        answer(
            200,
            json!({"count": list.len(), "next": null, "previous": null, "results": list}),
        )
    });
    (rounds.concat(), found)
}

#[test]
fn an_account_is_found_by_its_code_or_its_number() {
    let list = [account(811, "tc4", json!(0)), account(818, "tc6", json!(3))];
    let by_id = desired_object(&fields::TABLE, &[(fields::ID, "818")]);
    for wanted in [by_code("tc6"), by_id] {
        let (calls, found) = read(&wanted, &list);
        assert_eq!(calls, ["GET /api/v1/customer-accounts/?limit=100"]);
        let live = testing::live(found);
        assert_eq!(live.text(fields::ID), Some("818"));
        assert_eq!(live.fields.get("phone"), Some(&Value::Text("".into())));
        assert_eq!(CUSTOMER_ACCOUNT.note(&live), None);
    }
    let (_, found) = read(&by_code("TC6"), &list);
    assert!(matches!(found[..], [Observed::Missing]));
}

#[test]
fn the_customers_of_an_account_are_told_before_it_goes() {
    for (customers, words) in [
        (json!(0), "no customer belongs to it"),
        (json!(1), "1 customer belongs to it"),
        (json!(412), "412 customers belong to it"),
        (json!(null), "how many customers belong to it is not known"),
        (
            json!("many"),
            "how many customers belong to it is not known",
        ),
        (json!(-1), "how many customers belong to it is not known"),
    ] {
        let (calls, found) = read(&going("tc4"), &[account(811, "tc4", customers)]);
        assert_eq!(calls.len(), 1);
        let note = CUSTOMER_ACCOUNT.note(&testing::live(found));
        assert_eq!(note.as_deref(), Some(words));
    }
}

#[test]
fn the_writes_have_the_members_of_the_pages() {
    let (desired, nothing) = (by_code("tc6"), Live::default());
    let mut write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: [("name", Value::Text("Test".into()))].into(),
    };
    let call = CUSTOMER_ACCOUNT.encode(&write);
    assert_eq!(call.name(), "POST /api/v1/customer-accounts/");
    assert_eq!(call.body, Some(json!({"name": "Test", "code": "tc6"})));
    let mut live = Live::default();
    live.facts
        .insert(fields::ID.into(), Fact::Text("818".into()));
    (write.live, write.purpose) = (&live, WritePurpose::Update(0));
    write.fields = [("description", Value::Null)].into();
    let call = CUSTOMER_ACCOUNT.encode(&write);
    assert_eq!(call.name(), "PATCH /api/v1/customer-accounts/818/");
    assert_eq!(call.body, Some(json!({"description": ""})));
    write.purpose = WritePurpose::Remove;
    let call = CUSTOMER_ACCOUNT.encode(&write);
    assert_eq!(call.name(), "DELETE /api/v1/customer-accounts/818/");
}

#[test]
fn a_reply_about_another_account_proves_nothing() {
    let echo = |code: &str| {
        let reply = testing::reply(200, account(818, code, json!(0)));
        CUSTOMER_ACCOUNT.echo(&by_code("tc6"), &Live::default(), &reply)
    };
    assert!(echo("tc6").is_ok());
    assert!(echo("tc7").is_err());
}
