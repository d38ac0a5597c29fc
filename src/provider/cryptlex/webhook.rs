//! Webhooks of Cryptlex: `{"event": "organization.license.updated", "data": {"id": …}}`, signed over the body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

use crate::provider::signature::matches;
use crate::provider::webhook::{Delivery, Target, Webhook, target_of_id};

pub struct CryptlexWebhook;

impl Webhook for CryptlexWebhook {
    /// `Webhook-Signature` holds the code of the body in base64. The vendor documents no time in it, so a recorded
    /// delivery stays valid for ever; the daemon remembers those that it took.
    fn verify(&self, secret: &[u8], delivery: &Delivery<'_>) -> Option<String> {
        let given = delivery
            .headers
            .get("webhook-signature")
            .and_then(|text| BASE64.decode(text).ok())
            .unwrap_or_default();
        matches(secret, &[delivery.body], &given).then(String::new)
    }

    /// An event matters if it is about a license, or about an organization or its users and groups. Those may be named
    /// by names, which an event's id does not tell, so they mean a look at the account. All others (`activation.*`, of
    /// which a busy account sends thousands, `user.*`, `product.*`, `release.*`, …) cannot touch what is managed. A
    /// delivery without a name of an event is not as documented and means a look at the account.
    fn target(&self, body: &[u8]) -> Option<Target> {
        let event: Json = serde_json::from_slice(body).unwrap_or_default();
        let Some(name) = event["event"].as_str() else {
            return Some(Target::Account);
        };
        if name.split('.').any(|part| part == "license") {
            return Some(target_of_id(&event["data"]["id"]));
        }
        // `reseller.organization.created` is an organization as well.
        let is_around = name.split('.').any(|part| part == "organization");
        is_around.then_some(Target::Account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::signature::testing::{KEY, delivered, spoilt};
    use crate::provider::webhook::LONGEST_ID;

    fn object(id: &str) -> Option<Target> {
        Some(Target::Object(id.into()))
    }

    fn target(body: &str) -> Option<Target> {
        CryptlexWebhook.target(body.as_bytes())
    }

    #[test]
    fn the_raw_body_is_signed() {
        // From `openssl dgst -sha256 -hmac hook-word -binary | base64`.
        let good = "xGMffEb/x6ZmN26b7PBDc8vIk21qize4qf8mYWwoXec=";
        let body = br#"{"event":"license.updated"}"#;
        let holds = |key: &[u8], value: &str, body: &[u8]| {
            let headers = [("Webhook-Signature", value)];
            delivered(&headers, body, 0, |it| CryptlexWebhook.verify(key, it)).is_some()
        };
        assert!(holds(KEY, good, body));
        assert!(!holds(b"other", good, body));
        assert!(!holds(KEY, good, br#"{"event": "license.updated"}"#));
        let unsigned = delivered(&[], body, 0, |it| CryptlexWebhook.verify(KEY, it));
        assert_eq!(unsigned, None);
        for bad in spoilt(good) {
            assert!(!holds(KEY, &bad, body), "{bad}");
        }
    }

    #[test]
    fn an_event_about_a_licence_names_it() {
        for (body, desired) in [
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
                Some(Target::Account),
            ),
            ("not JSON", Some(Target::Account)),
            ("[]", Some(Target::Account)),
            (r#"{"event":7}"#, Some(Target::Account)),
            ("", Some(Target::Account)),
        ] {
            assert_eq!(target(body), desired, "{body}");
        }
        let named = |length: usize| {
            let id = "x".repeat(length);
            let body = format!(r#"{{"event":"license.updated","data":{{"id":"{id}"}}}}"#);
            (target(&body), id)
        };
        let (longest, id) = named(LONGEST_ID);
        assert_eq!(longest, object(&id));
        assert_eq!(named(LONGEST_ID + 1).0, Some(Target::Account));
    }

    #[test]
    fn an_event_that_touches_no_licence_is_dropped() {
        let looks = |name: &str| target(&format!(r#"{{"event":"{name}","data":{{"id":"x"}}}}"#));
        for name in [
            "organization.userGroup.deleted",
            "organization.updated",
            "organization.deleted",
            "organization.user.created",
            "organization.user.updated",
            "reseller.organization.created",
        ] {
            assert_eq!(looks(name), Some(Target::Account), "{name}");
        }
        for name in [
            "activation.created",
            "activation.lease-expired",
            "user.created",
            "release.created",
            "product.updated",
            "maintenancePolicy.updated",
            "licenseTemplate.deleted",
        ] {
            assert_eq!(looks(name), None, "{name}");
        }
    }
}
