//! Customer accounts that come, change and go.

use super::*;

const PATH: &str = "/api/v1/customer-accounts/";
const TC6: &str = "/api/v1/customer-accounts/818/";

#[test]
fn an_account_is_listed_and_changed_as_the_pages_show_it() {
    let mut bench = Bench::new();
    let (status, list) = bench.get(PATH);
    assert_eq!((status, &list["count"]), (200, &json!(2)));
    let page = json!({"id": 811, "customers_count": 0, "code": "tc4", "name": "Test Customer Company 4", "description": "",
        "phone": "", "address": "", "email": "", "cognito_user_pool_id": "", "company": 277});
    assert_eq!(list["results"][0], page);
    let (status, account) = bench.write("PATCH", TC6, json!({"description": "other"}));
    assert_eq!((status, &account["description"]), (200, &json!("other")));
    assert_eq!(account["name"], "Test Customer Company 6");
    let (status, reply) = bench.write("PATCH", TC6, json!({"code": "tc7"}));
    assert_eq!(
        (status, &reply["code"]),
        (400, &json!(["This field is not known."]))
    );
    assert_eq!(bench.get(&format!("{PATH}?code=tc6")).0, 400);
    let strict = json!({"blank_note": "refuse"});
    bench.api.set_switches(strict).unwrap();
    assert_eq!(bench.write("PATCH", TC6, json!({"description": ""})).0, 400);
}

#[test]
fn a_code_is_required_and_unique() {
    let mut bench = Bench::new();
    let body = json!({"name": "Test Customer Company 7", "code": "tc7"});
    let (status, account) = bench.write("POST", PATH, body.clone());
    assert_eq!((status, &account["id"]), (201, &json!(819)));
    assert_eq!(bench.write("POST", PATH, body).0, 400);
    let (status, reply) = bench.write("POST", PATH, json!({"name": "x"}));
    assert_eq!(
        (status, &reply["code"]),
        (400, &json!(["This field is required."]))
    );
}

#[test]
fn either_spelling_of_the_telephone_number_may_be_the_one_of_the_creation() {
    for (spelling, taken, refused) in [("lower", "phone", "Phone"), ("capital", "Phone", "phone")] {
        let switches = json!({"account_phone": spelling, "account_create_status": 200});
        let mut bench = Bench::with(switches);
        assert_eq!(
            bench
                .write("POST", PATH, json!({"code": "a", refused: "1"}))
                .0,
            400
        );
        let (status, account) = bench.write("POST", PATH, json!({"code": "a", taken: "1"}));
        assert_eq!((status, &account["phone"]), (200, &json!("1")));
    }
}

#[test]
fn a_removed_account_is_gone() {
    let mut bench = Bench::new();
    assert_eq!(bench.delete(TC6), 200);
    assert_eq!(bench.delete(TC6), 404);
    assert_eq!(bench.get(PATH).1["count"], 1);
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}
