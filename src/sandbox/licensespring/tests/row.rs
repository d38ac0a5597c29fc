//! `PATCH` of one row: its members, its two paths, and what it leaves alone.

use super::*;

const ROW: &str = "/api/v1/license-product-features/1605023917125631";

impl Bench {
    fn patch_row(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.raw(&test_request("PATCH", path, AUTH, Some(&body)))
    }
}

#[test]
fn a_row_is_changed_and_all_else_stays() {
    for path in [ROW.to_string(), format!("{ROW}/")] {
        let mut bench = Bench::new();
        let before = bench.read(FIRST);
        let (status, reply) = bench.patch_row(&path, json!({"max_consumption": 90}));
        assert_eq!((status, &reply["max_consumption"]), (200, &json!(90)));
        assert_eq!(reply["license"].to_string(), FIRST);
        assert_eq!(reply["product_feature"], 172);
        let mut expected = before;
        expected["product_features"][1]["max_consumption"] = json!(90);
        let after = bench.read(FIRST);
        expected["updated_at"] = after["updated_at"].clone();
        assert_eq!(after, expected);
    }
}

#[test]
fn a_row_that_is_not_there_and_members_that_no_page_names_are_refused() {
    let mut bench = Bench::new();
    let before = bench.api.state();
    let other = "/api/v1/license-product-features/1/";
    assert_eq!(bench.patch_row(other, json!({"max_consumption": 1})).0, 404);
    for (name, value) in [
        ("floating_users", json!(3)),
        ("total_consumptions", json!(0)),
        ("valid_duration", json!("1y")),
        ("expiry_date", Value::Null),
        ("max_consumption", json!("90")),
    ] {
        let (status, reply) = bench.patch_row(ROW, json!({ name: value }));
        assert_eq!(status, 400, "{name}");
        assert!(reply[name].is_array(), "{reply}");
    }
    assert_eq!(bench.api.state(), before);
}

#[test]
fn either_path_may_be_the_only_one() {
    let slashed = format!("{ROW}/");
    for (switch, bare, with_slash) in [("slash", 301, 200), ("bare", 200, 404)] {
        let mut bench = Bench::with(json!({ "row_path": switch }));
        let mut status = |path: &str| {
            let patch = test_request("PATCH", path, AUTH, Some(&json!({"max_consumption": 1})));
            bench.api.answer(&patch, bench.now).status
        };
        assert_eq!(
            (status(ROW), status(&slashed)),
            (bare, with_slash),
            "{switch}"
        );
    }
}
