//! `PATCH` of a licence: its members, its coupling rules and the switches around them; enabling and disabling.

use super::*;

impl Bench {
    fn patch(&mut self, body: Value) -> (u16, Value) {
        let path = format!("/api/v1/licenses/{FIRST}/");
        self.raw(&test_request("PATCH", &path, AUTH, Some(&body)))
    }

    fn switch(&mut self, action: &str) -> (u16, Value) {
        let path = format!("/api/v1/licenses/{FIRST}/{action}/");
        self.raw(&test_request("POST", &path, AUTH, None))
    }
}

#[test]
fn the_example_of_the_page_is_answered_with_the_whole_licence() {
    let mut bench = Bench::new();
    let before = bench.read(FIRST);
    let (status, reply) = bench.patch(json!({"max_activations": 7}));
    assert_eq!((status, &reply["max_activations"]), (200, &json!(7)));
    let mut expected = before;
    expected["max_activations"] = json!(7);
    expected["updated_at"] = reply["updated_at"].clone();
    assert_eq!(reply, expected, "what is not sent stays");
}

#[test]
fn members_want_their_partner_and_the_two_ends_exclude_each_other() {
    let refusals = [
        (json!({"trial_days": 30}), "is_trial"),
        (json!({"valid_duration": "35d"}), "is_trial"),
        (json!({"validity_period": "2028-01-01"}), "is_trial"),
        (
            json!({"maintenance_duration": "4m"}),
            "enable_maintenance_period",
        ),
        (
            json!({"maintenance_period": "2028-01-01"}),
            "enable_maintenance_period",
        ),
        (
            json!({"valid_duration": "35d", "validity_period": "2028-01-01", "is_trial": false}),
            "non_field_errors",
        ),
    ];
    for (body, named) in refusals {
        let mut bench = Bench::new();
        let before = bench.api.state();
        let (status, reply) = bench.patch(body.clone());
        assert_eq!(status, 400, "{body}");
        assert!(reply[named].is_array(), "{body}: {reply}");
        assert_eq!(bench.api.state(), before);
    }
    let mut lenient = Bench::with(json!({"lone_member": "ignore"}));
    let before = lenient.read(FIRST)["trial_days"].clone();
    let (status, reply) = lenient.patch(json!({"trial_days": 30}));
    assert_eq!((status, &reply["trial_days"]), (200, &before));
}

#[test]
fn an_end_may_clear_the_other_one() {
    for (switch, other) in [("keep", json!("2020-09-30")), ("clear", Value::Null)] {
        let mut bench = Bench::with(json!({ "other_end": switch }));
        let first = bench.patch(json!({"validity_period": "2020-09-30", "is_trial": true}));
        assert_eq!(first.0, 200);
        let (_, reply) = bench.patch(json!({"valid_duration": "2y", "is_trial": true}));
        assert_eq!(
            (&reply["valid_duration"], &reply["validity_period"]),
            (&json!("2y"), &other)
        );
    }
}

#[test]
fn metadata_is_replaced_or_laid_over() {
    for (switch, expected) in [
        ("replace", json!({"b": 2})),
        ("merge", json!({"a": 1, "b": 2})),
    ] {
        let mut bench = Bench::with(json!({ "metadata_write": switch }));
        bench.patch(json!({"metadata": {"a": 1}}));
        let (_, reply) = bench.patch(json!({"metadata": {"b": 2}}));
        assert_eq!(reply["metadata"], expected);
    }
}

#[test]
fn bad_values_are_named_and_change_nothing() {
    for (name, value) in [
        ("max_activations", json!(-1)),
        ("max_activations", json!("5")),
        ("max_activations", Value::Null),
        ("max_transfers", json!(-2)),
        ("consumption_period", json!("yearly")),
        ("validity_period", json!("2028-02-30")),
        ("valid_duration", json!("5w")),
        ("valid_duration", json!("d")),
        ("maintenance_duration", json!("1dd")),
        ("note", Value::Null),
        ("metadata", json!([])),
        ("license_type", json!("perpetual")),
        ("enabled", json!(false)),
    ] {
        let mut bench = Bench::new();
        let before = bench.api.state();
        let (status, reply) = bench.patch(json!({ name: value }));
        assert_eq!(status, 400, "{name}: {value}");
        assert!(reply[name].is_array(), "{name}: {reply}");
        assert_eq!(bench.api.state(), before);
    }
    assert_eq!(
        Bench::with(json!({"blank_note": "refuse"}))
            .patch(json!({"note": ""}))
            .0,
        400
    );
    assert_eq!(Bench::new().patch(json!({"note": ""})).0, 200);
}

#[test]
fn a_yearly_period_is_spelled_and_accepted_by_the_switches() {
    let mut bench = Bench::with(json!({"period_accepted": "annually"}));
    assert_eq!(bench.patch(json!({"consumption_period": "annualy"})).0, 400);
    let (_, reply) = bench.patch(json!({"consumption_period": "annually"}));
    assert_eq!(reply["consumption_period"], "annualy");
}

#[test]
fn a_licence_is_disabled_and_enabled_with_a_message_and_may_be_so_twice() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        assert_eq!(
            bench.switch("disable"),
            (200, json!({"message": "License disabled."}))
        );
        let license = bench.read(FIRST);
        assert_eq!(
            (&license["enabled"], &license["status"]),
            (&json!(false), &json!("Disabled"))
        );
        assert_eq!(license["time_disabled"], "2026-01-02T03:04:05Z");
    }
    assert_eq!(
        bench.switch("enable"),
        (200, json!({"message": "License enabled."}))
    );
    let license = bench.read(FIRST);
    assert_eq!(
        (&license["enabled"], &license["status"]),
        (&json!(true), &json!("Inactive"))
    );
    let path = "/api/v1/licenses/1/enable/";
    assert_eq!(bench.raw(&test_request("POST", path, AUTH, None)).0, 404);
    let get = format!("/api/v1/licenses/{FIRST}/enable/");
    assert_eq!(bench.get(&get).0, 405);
}
