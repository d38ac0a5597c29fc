//! Where an event says to look. What it says is there is never believed.
//!
//! An event that tells which licence it is about means a look at one object; one that does not, a look at its
//! connection; one that cannot concern a licence, nothing.

use serde_json::Value as Json;

use crate::daemon::trigger::Trigger;

/// Longest id that is passed on; vendors' ids are GUIDs and numbers.
const LONGEST_ID: usize = 128;

/// Cryptlex: `{"event": "organization.license.updated", "data": {"id": …}}`.
pub fn cryptlex(connection: &str, body: &[u8]) -> Option<Trigger> {
    let event: Json = serde_json::from_slice(body).unwrap_or_default();
    let name = event["event"].as_str().unwrap_or_default();
    // An activation changes what a licence counts and nothing that a manifest manages; a busy account
    // sends thousands of them.
    if name.starts_with("activation.") {
        return None;
    }
    let about_licence = name.split('.').any(|part| part == "license");
    let id = about_licence.then(|| id(&event["data"]["id"])).flatten();
    Some(look(connection, id))
}

/// LicenseSpring publishes no payload. A licence is taken to be named as its API names it elsewhere:
/// `license_id`, or `license` as an id or an object, at the top or one level down; two that differ name none.
pub fn licensespring(connection: &str, body: &[u8]) -> Option<Trigger> {
    let event: Json = serde_json::from_slice(body).unwrap_or_default();
    let inner = ["data", "object", "payload"].map(|name| &event[name]);
    let mut ids: Vec<String> = [&event]
        .into_iter()
        .chain(inner)
        .flat_map(|level| {
            [
                &level["license_id"],
                &level["license"],
                &level["license"]["id"],
            ]
        })
        .filter_map(id)
        .collect();
    ids.dedup();
    let one = if ids.len() == 1 { ids.pop() } else { None };
    Some(look(connection, one))
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
                r#"{"event":"license.updated","data":{"id":"l1"}}"#,
                object("l1"),
            ),
            (
                r#"{"event":"organization.userGroup.deleted","data":{"id":"g1"}}"#,
                whole(),
            ),
            (
                r#"{"event":"license.updated","data":{"id":{"a":1}}}"#,
                whole(),
            ),
            (r#"{"event":"activation.created","data":{"id":"a1"}}"#, None),
            ("not JSON", whole()),
            ("[]", whole()),
            ("", whole()),
        ] {
            assert_eq!(cryptlex("main", body.as_bytes()), wanted, "{body}");
        }
        let long = format!(
            r#"{{"event":"license.updated","data":{{"id":"{}"}}}}"#,
            "x".repeat(200)
        );
        assert_eq!(cryptlex("main", long.as_bytes()), whole());
    }

    #[test]
    fn a_licensespring_event_names_one_licence_or_none() {
        for (body, wanted) in [
            (
                r#"{"license_id":9007199254740993}"#,
                object("9007199254740993"),
            ),
            (r#"{"data":{"license":17,"license_id":17}}"#, object("17")),
            (r#"{"data":{"license":{"id":"17"}}}"#, object("17")),
            (r#"{"license_id":1,"data":{"license_id":2}}"#, whole()),
            (r#"{"license_id":-1}"#, whole()),
            (r#"{"order":5}"#, whole()),
            ("<html>", whole()),
        ] {
            assert_eq!(licensespring("main", body.as_bytes()), wanted, "{body}");
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
