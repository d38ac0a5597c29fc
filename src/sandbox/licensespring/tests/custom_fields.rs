//! Values of custom fields that come, change and go.

use super::*;

const PATH: &str = "/api/v1/license-custom-fields/";
const FIRST_VALUE: &str = "/api/v1/license-custom-fields/78/";

fn body(license: u64, field: u64) -> Value {
    json!({"value": "23", "license": license, "product_custom_field": field})
}

#[test]
fn values_are_listed_by_licence_and_read_as_the_pages_show_them() {
    let mut bench = Bench::new();
    let page = json!({"id": 78, "value": "23", "license": 1_593_781_720_493_289_u64, "product_custom_field": 51});
    assert_eq!(bench.get(FIRST_VALUE), (200, page.clone()));
    let (_, list) = bench.get(&format!("{PATH}?license={FIRST}"));
    assert_eq!((&list["count"], &list["results"][0]), (&json!(1), &page));
    assert_eq!(bench.get(PATH).1["count"], 2);
    assert_eq!(bench.get(&format!("{PATH}?license=x")).0, 400);
    assert_eq!(bench.get("/api/v1/license-custom-fields/9/").0, 404);
}

#[test]
fn a_value_is_given_to_a_licence_once() {
    let mut bench = Bench::new();
    let license = FIRST.parse().unwrap();
    let (status, value) = bench.write("POST", PATH, body(license, 52));
    let page = json!({"id": 80, "value": "23", "license": license, "product_custom_field": 52});
    assert_eq!((status, value), (201, page));
    assert_eq!(bench.write("POST", PATH, body(license, 52)).0, 400);
    let loose = json!({"second_value": "accept"});
    bench.api.set_switches(loose).unwrap();
    assert_eq!(bench.write("POST", PATH, body(license, 52)).1["id"], 81);
    for (license, field, member) in [(9, 52, "license"), (license, 9, "product_custom_field")] {
        let (status, reply) = bench.write("POST", PATH, body(license, field));
        assert_eq!(status, 400);
        assert!(
            reply[member][0]
                .as_str()
                .unwrap()
                .contains("does not exist")
        );
    }
}

#[test]
fn a_value_is_changed_and_removed() {
    let mut bench = Bench::new();
    let (status, value) = bench.write("PATCH", FIRST_VALUE, json!({"value": "24"}));
    assert_eq!((status, &value["value"]), (200, &json!("24")));
    assert_eq!(
        bench.write("PATCH", FIRST_VALUE, json!({"license": 7})).0,
        400
    );
    let strict = json!({"blank_note": "refuse"});
    bench.api.set_switches(strict).unwrap();
    assert_eq!(
        bench.write("PATCH", FIRST_VALUE, json!({"value": ""})).0,
        400
    );
    assert_eq!(bench.delete(FIRST_VALUE), 204);
    assert_eq!(bench.delete(FIRST_VALUE), 404);
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}
