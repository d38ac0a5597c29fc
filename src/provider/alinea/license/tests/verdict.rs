//! What a reply to a write means.

use super::*;

#[test]
fn a_write_is_accepted_by_status_and_envelope_together() {
    for body in [
        r#"{"Errors": [], "IsValid": true}"#,
        r#"{"Errors": null, "IsValid": true}"#,
        r#"{"IsValid": true}"#,
    ] {
        assert_eq!(
            License.judge(&reply(200, body)),
            Verdict::Accepted,
            "{body}"
        );
        let refused = License.judge(&reply(400, body));
        assert!(matches!(refused, Verdict::Rejected { .. }), "{body}");
    }
}

#[test]
fn a_refusal_names_the_members_whatever_its_status() {
    let body = json!({
        "Errors": [
            {"PropertyName": "EndDate", "Message": "EndDate must not be before StartDate."},
            {"PropertyName": "request.SeatUserGroupIds[0]", "Message": "Unknown\ngroup."},
            {"PropertyName": "Tenant", "Message": "Not yours."},
            {"PropertyName": null, "Message": "Sorry."}
        ],
        "IsValid": false
    });
    let refused = Verdict::Rejected {
        words: "EndDate: EndDate must not be before StartDate.; SeatUserGroupIds: Unknown group.; \
                Tenant: Not yours.; Sorry."
            .into(),
        fields: [
            ("EndDate", "EndDate must not be before StartDate."),
            ("SeatUserGroupIds", "Unknown group."),
            ("Tenant", "Not yours."),
            ("", "Sorry."),
        ]
        .map(|(name, expected)| (name.to_string(), expected.to_string()))
        .to_vec(),
    };
    for status in [200, 202, 400, 422] {
        assert_eq!(License.judge(&reply(status, &body)), refused, "{status}");
    }
    let flagged = with(body, "IsValid", json!(true));
    assert_eq!(
        License.judge(&reply(200, flagged)),
        refused,
        "errors count beside the flag"
    );
}

#[test]
fn a_refusal_without_a_reason_is_still_one() {
    for body in [
        r#"{"IsValid": false}"#,
        r#"{"Errors": [], "IsValid": false}"#,
    ] {
        let words = "`IsValid` is false, without a reason".into();
        let refused = Verdict::Rejected {
            words,
            fields: Vec::new(),
        };
        assert_eq!(License.judge(&reply(200, body)), refused);
    }
}

#[test]
fn a_success_without_the_envelope_is_unclear() {
    for body in [
        "",
        "<html><title>Sign in</title></html>",
        r#"{"Errors": [], "IsVal"#,
        "{}",
        "[]",
        "null",
        r#"{"Errors": []}"#,
        r#"{"Errors": [], "IsValid": "true"}"#,
        r#"{"Errors": "none", "IsValid": true}"#,
    ] {
        let verdict = License.judge(&reply(200, body));
        assert!(
            matches!(verdict, Verdict::Unclear(_)),
            "{body}: {verdict:?}"
        );
    }
}

#[test]
fn other_statuses_mean_what_they_say() {
    let state = r#"{"Message": "The request is invalid.", "ModelState": {"request.Buffer": ["Not an integer."]}}"#;
    let refused = Verdict::Rejected {
        words: "400: The request is invalid. request.Buffer: Not an integer.".into(),
        fields: Vec::new(),
    };
    assert_eq!(License.judge(&reply(400, state)), refused);
    for status in [408, 500, 502] {
        let body = r#"{"Errors": [{"PropertyName": "Grade", "Message": "No."}], "IsValid": false}"#;
        let verdict = License.judge(&reply(status, body));
        assert!(matches!(verdict, Verdict::Unclear(_)), "{status}");
    }
}
