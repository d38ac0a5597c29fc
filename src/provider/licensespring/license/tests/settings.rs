//! The settings of the page's example, as they are read, written and checked.

use super::*;
use crate::model::PackedFields;
use crate::model::{Call, Diagnostics, Mark, Method};

/// The settings that the page's example shows.
fn settings() -> Json {
    json!({
        "id": ID.parse::<u64>().expect("a number"),
        "floating_in_use_devices": 2, "enabled": true, "max_activations": 5, "times_activated": 3,
        "valid_duration": null, "validity_period": "2020-09-30", "enable_maintenance_period": true,
        "maintenance_duration": "3m", "maintenance_period": "2021-01-10", "is_trial": true,
        "max_consumptions": 0, "total_consumptions": 7, "prevent_vm": true, "allow_overages": false,
        "max_overages": 0, "reset_consumption": false, "consumption_period": null, "trial_days": 0,
        "is_floating": false, "is_floating_cloud": true, "floating_users": 1, "note": null,
        "max_license_users": 0, "transfer_count": 0, "floating_timeout": null, "max_transfers": 0,
        "metadata": {}
    })
}

fn read(settings: Json) -> Result<Live, Malformed> {
    License.echo(&desired_object(ID), &Live::default(), &reply(200, settings))
}

fn encode(call: usize, fields: Fields) -> Call {
    let desired = desired_object(ID);
    License.encode(&Write {
        desired: &desired,
        live: &Live::default(),
        purpose: WritePurpose::Update(call),
        fields,
    })
}

#[test]
fn every_setting_of_the_example_is_read() {
    let live = read(settings()).expect("the page's example");
    // All but the features, which this reply leaves out.
    assert_eq!(live.fields.len(), fields::TABLE.desired.len() - 1);
    assert_eq!(live.fields["valid_duration"], Value::Null);
    assert_eq!(
        live.fields["maintenance_duration"],
        Value::Text("3m".into())
    );
    let counts = [fields::ACTIVATED, fields::USED, fields::FLOATING];
    assert_eq!(
        counts.map(|name| live.number(name)),
        [Some(3), Some(7), Some(2)]
    );
}

#[test]
fn each_call_has_its_path_and_its_members() {
    let call = encode(
        fields::SETTINGS,
        [
            ("trial_days", Value::Integer(3)),
            ("is_trial", Value::Bool(true)),
            ("note", Value::Null),
        ]
        .into(),
    );
    assert_eq!(call.name(), format!("PATCH /api/v1/licenses/{ID}/"));
    assert_eq!(
        call.body,
        Some(json!({"is_trial": true, "trial_days": 3, "note": ""}))
    );
    for (enabled, action) in [(true, "enable"), (false, "disable")] {
        let call = encode(fields::SWITCH, [("enabled", Value::Bool(enabled))].into());
        let path = format!("/api/v1/licenses/{ID}/{action}/");
        assert_eq!(
            (call.method, call.path, call.body),
            (Method::Post, path, None)
        );
    }
}

#[test]
fn a_length_of_time_has_the_form_of_the_page() {
    for (span, sound) in [
        ("35d", true),
        ("4m", true),
        ("2y", true),
        ("", false),
        ("d", false),
        ("1", false),
        ("1w", false),
        ("1 d", false),
        ("1dd", false),
        ("-1d", false),
        ("1.5y", false),
        ("1D", false),
    ] {
        for name in fields::SPANS {
            let fields = Fields::from([(name, Value::Text(span.into()))]);
            let desired = Desired {
                fields: PackedFields::new(fields::TABLE.desired, &fields),
                ..desired_object(ID)
            };
            let mut findings = Diagnostics::default();
            License.audit(&desired, &|_: &str| Mark::default(), &mut findings);
            let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
            let expected: &[&str] = if sound { &[] } else { &["bad-choice"] };
            assert_eq!(codes, expected, "{name}: {span:?}");
        }
    }
}

#[test]
fn refusals_lead_to_the_settings_that_they_name() {
    let body =
        r#"{"trial_days":["Too many."],"is_trial":["This field is required."],"order":["No."]}"#;
    let Verdict::Rejected { fields, .. } = License.judge(&reply(400, body)) else {
        panic!("a refusal");
    };
    let expected = [
        ("is_trial", "400: This field is required."),
        ("trial_days", "400: Too many."),
    ];
    let expected = expected.map(|(name, words)| (name.to_string(), words.to_string()));
    assert_eq!(fields, expected);
}
