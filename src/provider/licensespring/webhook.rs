//! Webhooks of LicenseSpring: `{…, "data": {"license": {"id": …}, "device": {…}, …}}`, each object under its own name,
//! those that do not apply left out (pages `events-api/event-list/*`, 2026-11-28).

use serde_json::Value as Json;

use crate::provider::signature::{MAX_AHEAD, MOST_SIGNATURES, is_timely, matches};
use crate::provider::webhook::{Delivery, Target, Webhook, target_of_id};

pub struct LicenseSpringWebhook;

/// The objects of an event that manifests can be about: those of a license, and a product, since no event is published for
/// its features and policies.
const OBJECTS: [&str; 5] = [
    "license",
    "license_product_feature",
    "order",
    "product",
    "scheduled_update",
];

impl Webhook for LicenseSpringWebhook {
    /// `t=<seconds>,v1=<hex>[,v1=<hex>]`, the code of `<seconds>.<body>`, in a header whose name is not published: any
    /// header counts that is called a signature and has that form. The signature is the proof, not the name.
    ///
    /// The vendor's own package (`webhook/signature.py`) refuses old times only, so a delivery from the future is
    /// right by the vendor's rule, and to refuse it would close the hook for as long as the clocks differ.
    fn verify(&self, secret: &[u8], delivery: &Delivery<'_>) -> Option<String> {
        let stamped = delivery
            .headers
            .iter()
            .find(|(name, value)| name.contains("signature") && value.starts_with("t="));
        // A delivery without one costs as much as any other.
        let value = stamped.map_or("", |(_, value)| value);
        let member = |header_name: &'static str| {
            value
                .split(',')
                .filter_map(|part| part.trim().split_once('='))
                .filter(move |(name, _)| *name == header_name)
                .map(|(_, text)| text)
        };
        let time = member("t").next().unwrap_or("");
        let parts: [&[u8]; 3] = [time.as_bytes(), b".", delivery.body];
        let proved = member("v1")
            .chain([""])
            .take(MOST_SIGNATURES)
            .any(|code| matches(secret, &parts, &hex::decode(code).unwrap_or_default()));
        (proved && is_timely(time, delivery.received, MAX_AHEAD)).then(|| time.to_string())
    }

    /// Manifests manage licenses, with their features and settings, and the features and policies of products. Customers,
    /// devices' variables, installation files and pools have nothing to do with them. What a device does (a check, an
    /// activation, a release) and what it uses up changes counts, and with the first activation the end of a license that has a duration; an account with a
    /// thousand devices has more of these events than calls to look with, so a manifest that manages one of these is
    /// served by the regular look. A delivery without `data` is not as documented and means a look at the account.
    fn target(&self, body: &[u8]) -> Option<Target> {
        let event: Json = serde_json::from_slice(body).unwrap_or_default();
        let Some(data) = event["data"].as_object() else {
            return Some(Target::Account);
        };
        let concerned = OBJECTS.iter().any(|name| data.contains_key(*name));
        let is_idle = is_usage_event(&event) || is_rehearsal(&event);
        if !concerned || data.contains_key("device") || is_idle {
            return None;
        }
        Some(target_of_id(&event["data"]["license"]["id"]))
    }
}

/// Lists the texts beside `data`: which member holds the name of an event is not published.
fn names_of(event: &Json) -> impl Iterator<Item = &str> {
    let texts = event.as_object().into_iter().flatten();
    texts.filter_map(|(_, value)| value.as_str())
}

/// Reports whether an event says that an update was only simulated, which each look does: to look for it would never end
/// ("Scheduled Update Events", 2026-12-01).
fn is_rehearsal(event: &Json) -> bool {
    names_of(event).any(|name| name.starts_with("scheduled_update.simulat"))
}

/// Reports whether an event has the name of one that only counts.
fn is_usage_event(event: &Json) -> bool {
    names_of(event).any(|name| {
        matches!(
            name,
            "license.checked" | "license.activated" | "license.deactivated" | "license.released"
        ) || name.ends_with(".consumption_added")
            || name.ends_with(".consumption_max_reached")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::signature::TOLERANCE;
    use crate::provider::signature::testing::{KEY, NOW, delivered, spoilt};

    fn object(id: &str) -> Option<Target> {
        Some(Target::Object(id.into()))
    }

    #[test]
    fn time_and_body_are_signed() {
        let good = "ef6d584a9393680cd1627dc91c37768b1c9ad04a9cd087072e33bb82b590bb60";
        let body = br#"{"event":"license_updated"}"#;
        let holds = |value: &str, now: i64| {
            let headers = [("LicenseSpring-Signature", value)];
            delivered(&headers, body, now, |it| {
                LicenseSpringWebhook.verify(KEY, it)
            })
            .is_some()
        };
        let value = format!("t={NOW},v1={good}");
        assert!(holds(&value, NOW));
        assert!(holds(&value, NOW + TOLERANCE) && holds(&value, NOW - MAX_AHEAD));
        assert!(!holds(&value, NOW + TOLERANCE + 1), "late");
        assert!(!holds(&value, NOW - MAX_AHEAD - 1), "early");
        let rolled = format!("t={NOW},v1={},v1={good}", "00".repeat(32));
        assert!(
            holds(&rolled, NOW),
            "the second signature is of the newer secret"
        );
        let moved = format!("t={},v1={good}", NOW + 1);
        assert!(!holds(&moved, NOW), "the time is signed");
        for bad in spoilt(good) {
            assert!(!holds(&format!("t={NOW},v1={bad}"), NOW), "{bad}");
        }
        for bad in [
            "",
            "t=",
            "t=x,v1=00",
            "t=-9223372036854775808,v1=00",
            "v1=00",
        ] {
            assert!(!holds(bad, NOW), "{bad}");
        }
        let many = format!("t={NOW},{}v1={good}", "v1=00,".repeat(MOST_SIGNATURES));
        assert!(
            !holds(&many, NOW),
            "a header is not a list of guesses without end"
        );
    }

    #[test]
    fn an_event_names_one_licence_or_the_account() {
        for (body, header_name) in [
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
            (r#"{"data":{"license":{"id":-1}}}"#, Some(Target::Account)),
            (
                r#"{"data":{"license_product_feature":{"id":3}}}"#,
                Some(Target::Account),
            ),
            (r#"{"data":{"order":{"id":5}}}"#, Some(Target::Account)),
            (
                r#"{"data":{"scheduled_update":{"id":5}}}"#,
                Some(Target::Account),
            ),
            (r#"{"data":{"product":{"id":5}}}"#, Some(Target::Account)),
            // Not as documented.
            (r#"{"license_id":17}"#, Some(Target::Account)),
            (r#"{"data":[]}"#, Some(Target::Account)),
            ("<html>", Some(Target::Account)),
        ] {
            let target = LicenseSpringWebhook.target(body.as_bytes());
            assert_eq!(target, header_name, "{body}");
        }
    }

    #[test]
    fn an_event_that_touches_nothing_managed_is_dropped() {
        for body in [
            r#"{"data":{}}"#,
            r#"{"data":{"customer":{"id":1}}}"#,
            r#"{"data":{"device_variable":{"id":1}}}"#,
            r#"{"data":{"installation_file":{"id":1}}}"#,
            r#"{"data":{"consumption_pool":{"id":1}}}"#,
            r#"{"data":{"license":{"id":17},"device":{"id":1},"request_info":{}}}"#,
            r#"{"event":"scheduled_update.simulated","data":{"scheduled_update":{"id":5}}}"#,
            r#"{"event":"license.checked","data":{"license":{"id":17}}}"#,
            r#"{"type":"license.activated","data":{"license":{"id":17}}}"#,
            r#"{"type":"license.deactivated","data":{"license":{"id":17}}}"#,
            r#"{"type":"license.released","data":{"license":{"id":17}}}"#,
            r#"{"a":1,"b":"license.consumption_added","data":{"license":{"id":17}}}"#,
            r#"{"event":"license_product_feature.consumption_max_reached","data":{"license_product_feature":{"id":1}}}"#,
        ] {
            let target = LicenseSpringWebhook.target(body.as_bytes());
            assert_eq!(target, None, "{body}");
        }
    }
}
