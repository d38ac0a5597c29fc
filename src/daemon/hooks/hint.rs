//! Where an event says to look. What it says is there is never believed.
//!
//! An event that tells which licence it is about means a look at one object; one that does not, a look at its
//! connection; one that cannot concern a licence, nothing.

use serde_json::Value as Json;

use crate::daemon::trigger::Trigger;

/// Longest id that is passed on; vendors' ids are GUIDs and numbers.
const LONGEST_ID: usize = 128;

/// Cryptlex: `{"event": "organization.license.updated", "data": {"id": …}}`.
///
/// Manifests manage the user groups of a license, so an event matters if it is about a license, about a group of
/// users or about the end of a whole organization. All others (`activation.*`, of which a busy account sends
/// thousands, `user.*`, `product.*`, `release.*`, …) cannot touch what is managed. A delivery without a name of an
/// event is not as documented and means a look at the connection.
pub fn cryptlex(connection: &str, body: &[u8]) -> Option<Trigger> {
    let event: Json = serde_json::from_slice(body).unwrap_or_default();
    let Some(name) = event["event"].as_str() else {
        return Some(look(connection, None));
    };
    if name.split('.').any(|part| part == "license") {
        return Some(look(connection, id(&event["data"]["id"])));
    }
    let around = name.starts_with("organization.userGroup.") || name == "organization.deleted";
    around.then(|| look(connection, None))
}

/// The objects of a LicenseSpring event that manifests can be about; all of them belong to a license.
const LICENSESPRING_OBJECTS: [&str; 4] = [
    "license",
    "license_product_feature",
    "order",
    "scheduled_update",
];

/// LicenseSpring: `{…, "data": {"license": {"id": …}, "device": {…}, …}}`, each object under its own name, those that
/// do not apply left out (pages `events-api/event-list/*`, 2026-11-28).
///
/// Manifests manage product features. Customers, devices' variables, installation files and pools have nothing to
/// do with them. What a device does (a check, an activation, a release) and what it uses up changes counts only,
/// and an account with a thousand devices has more of these events than calls to look with; a manifest that
/// manages a count is served by the regular look. A delivery without `data` is not as documented and means a
/// look at the connection.
pub fn licensespring(connection: &str, body: &[u8]) -> Option<Trigger> {
    let event: Json = serde_json::from_slice(body).unwrap_or_default();
    let Some(data) = event["data"].as_object() else {
        return Some(look(connection, None));
    };
    let concerned = LICENSESPRING_OBJECTS
        .iter()
        .any(|name| data.contains_key(*name));
    if !concerned || data.contains_key("device") || is_usage_event(&event) {
        return None;
    }
    Some(look(connection, id(&event["data"]["license"]["id"])))
}

/// Whether an event has the name of one that only counts. Which member holds the name is not published, so every
/// text beside `data` is looked at.
fn is_usage_event(event: &Json) -> bool {
    let texts = event.as_object().into_iter().flatten();
    let mut texts = texts.filter_map(|(_, value)| value.as_str());
    texts.any(|name| {
        matches!(
            name,
            "license.checked" | "license.activated" | "license.deactivated" | "license.released"
        ) || name.ends_with(".consumption_added")
            || name.ends_with(".consumption_max_reached")
    })
}

/// A push: the source may have changed. GitHub's `ping` and other events change no manifest.
pub fn git(event: Option<&str>) -> Option<Trigger> {
    let pushed = event.is_none_or(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("push") || name == "repository_update"
    });
    pushed.then_some(Trigger::Source)
}

fn look(connection: &str, id: Option<String>) -> Trigger {
    let connection = connection.to_string();
    match id {
        Some(id) => Trigger::Object { connection, id },
        None => Trigger::Connection(connection),
    }
}

fn id(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() && text.len() <= LONGEST_ID => Some(text.clone()),
        Json::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(id: &str) -> Option<Trigger> {
        Some(Trigger::Object {
            connection: "main".into(),
            id: id.into(),
        })
    }

    fn whole() -> Option<Trigger> {
        Some(Trigger::Connection("main".into()))
    }

    #[test]
    fn a_cryptlex_event_about_a_licence_names_it() {
        for (body, wanted) in [
            (
                r#"{"event":"organization.license.updated","data":{"id":"l1"}}"#,
                object("l1"),
            ),
            (
                r#"{"event":"reseller.license.updated","data":{"id":"l1"}}"#,
                object("l1"),
            ),
            (
                r#"{"event":"license.expiresAt.updated","data":{"id":"l1"}}"#,
                object("l1"),
            ),
            (
                r#"{"event":"license.updated","data":{"id":{"a":1}}}"#,
                whole(),
            ),
            ("not JSON", whole()),
            ("[]", whole()),
            (r#"{"event":7}"#, whole()),
            ("", whole()),
        ] {
            assert_eq!(cryptlex("main", body.as_bytes()), wanted, "{body}");
        }
        let named = |length: usize| {
            let id = "x".repeat(length);
            let body = format!(r#"{{"event":"license.updated","data":{{"id":"{id}"}}}}"#);
            (cryptlex("main", body.as_bytes()), id)
        };
        let (longest, id) = named(LONGEST_ID);
        assert_eq!(longest, object(&id));
        assert_eq!(named(LONGEST_ID + 1).0, whole());
    }

    #[test]
    fn a_cryptlex_event_that_touches_no_licence_is_dropped() {
        let looks = |name: &str| {
            let body = format!(r#"{{"event":"{name}","data":{{"id":"x"}}}}"#);
            cryptlex("main", body.as_bytes())
        };
        for name in ["organization.userGroup.deleted", "organization.deleted"] {
            assert_eq!(looks(name), whole(), "{name}");
        }
        for name in [
            "activation.created",
            "activation.lease-expired",
            "organization.updated",
            "organization.user.updated",
            "reseller.organization.created",
            "user.created",
            "release.created",
            "product.updated",
            "maintenancePolicy.updated",
            "licenseTemplate.deleted",
        ] {
            assert_eq!(looks(name), None, "{name}");
        }
    }

    #[test]
    fn a_licensespring_event_names_one_licence_or_the_connection() {
        for (body, wanted) in [
            (
                r#"{"data":{"license":{"id":9007199254740993}}}"#,
                object("9007199254740993"),
            ),
            (r#"{"data":{"license":{"id":"17"}}}"#, object("17")),
            (
                r#"{"name":"license.updated","data":{"license":{"id":17},"request_info":{}}}"#,
                object("17"),
            ),
            (
                r#"{"data":{"license":{"id":17},"license_product_feature":{"id":3}}}"#,
                object("17"),
            ),
            (r#"{"data":{"license":{"id":-1}}}"#, whole()),
            (r#"{"data":{"license_product_feature":{"id":3}}}"#, whole()),
            (r#"{"data":{"order":{"id":5}}}"#, whole()),
            (r#"{"data":{"scheduled_update":{"id":5}}}"#, whole()),
            // Not as documented.
            (r#"{"license_id":17}"#, whole()),
            (r#"{"data":[]}"#, whole()),
            ("<html>", whole()),
        ] {
            assert_eq!(licensespring("main", body.as_bytes()), wanted, "{body}");
        }
    }

    #[test]
    fn a_licensespring_event_that_touches_no_feature_is_dropped() {
        for body in [
            r#"{"data":{}}"#,
            r#"{"data":{"customer":{"id":1}}}"#,
            r#"{"data":{"device_variable":{"id":1}}}"#,
            r#"{"data":{"installation_file":{"id":1}}}"#,
            r#"{"data":{"consumption_pool":{"id":1}}}"#,
            r#"{"data":{"license":{"id":17},"device":{"id":1},"request_info":{}}}"#,
            r#"{"event":"license.checked","data":{"license":{"id":17}}}"#,
            r#"{"type":"license.activated","data":{"license":{"id":17}}}"#,
            r#"{"type":"license.deactivated","data":{"license":{"id":17}}}"#,
            r#"{"type":"license.released","data":{"license":{"id":17}}}"#,
            r#"{"a":1,"b":"license.consumption_added","data":{"license":{"id":17}}}"#,
            r#"{"event":"license_product_feature.consumption_max_reached","data":{"license_product_feature":{"id":1}}}"#,
        ] {
            assert_eq!(licensespring("main", body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn only_a_push_wakes_the_source() {
        for (event, wakes) in [
            (Some("push"), true),
            (Some("Push Hook"), true),
            (Some("Tag Push Hook"), true),
            (None, true),
            (Some("ping"), false),
            (Some("issues"), false),
            (Some("Note Hook"), false),
        ] {
            assert_eq!(git(event).is_some(), wakes, "{event:?}");
        }
    }
}
