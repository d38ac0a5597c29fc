//! Verifies pushes of git hosts: GitHub (also Gitea and Forgejo, which send the same header) and GitLab.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;

use crate::provider::signature::{MOST_SIGNATURES, TOLERANCE, is_timely, matches, secrets_equal};
use crate::provider::webhook::{Delivery, Headers};

/// Verifies that a push was signed under `secret`: by GitHub, by GitLab with a signing token, or with GitLab's older
/// plain token. The strongest header that is present decides alone. Returns what was signed besides the body; `None`
/// if nothing proves it.
pub fn verify_push(secret: &[u8], delivery: &Delivery<'_>) -> Option<String> {
    let Delivery {
        headers,
        body,
        received,
    } = *delivery;
    if let Some(value) = headers.get("x-hub-signature-256") {
        return verify_github(secret, value, body);
    }
    if headers.get("webhook-signature").is_some() {
        return verify_standard(secret, headers, body, received);
    }
    let token = headers.get("x-gitlab-token").unwrap_or("");
    secrets_equal(secret, token.as_bytes()).then(String::new)
}

/// GitHub: `X-Hub-Signature-256: sha256=<hex>`, the code of the body.
fn verify_github(secret: &[u8], header: &str, body: &[u8]) -> Option<String> {
    let given = header
        .strip_prefix("sha256=")
        .and_then(|digits| hex::decode(digits).ok())
        .unwrap_or_default();
    matches(secret, &[body], &given).then(String::new)
}

/// Standard Webhooks, which GitLab's signing tokens follow: `webhook-signature: v1,<base64>[ v1,<base64>]`, the
/// code of `<webhook-id>.<webhook-timestamp>.<body>`. A secret that begins with `whsec_` is the base64 of the key.
fn verify_standard(
    secret: &[u8],
    headers: &Headers,
    body: &[u8],
    received: Timestamp,
) -> Option<String> {
    let id = headers.get("webhook-id")?;
    let time = headers.get("webhook-timestamp")?;
    let value = headers.get("webhook-signature")?;
    let key = standard_key(secret);
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", body];
    let proved = value
        .split(' ')
        .filter_map(|part| part.strip_prefix("v1,"))
        .take(MOST_SIGNATURES)
        .any(|text| matches(&key, &parts, &BASE64.decode(text).unwrap_or_default()));
    (proved && is_timely(time, received, TOLERANCE)).then(|| format!("{id}.{time}"))
}

/// Returns the key that a Standard Webhooks secret stands for.
pub fn standard_key(secret: &[u8]) -> Vec<u8> {
    secret
        .strip_prefix(b"whsec_")
        .and_then(|text| BASE64.decode(text).ok())
        .unwrap_or_else(|| secret.to_vec())
}

/// Reports whether a delivery is about a push, after which the source may have changed. GitHub's `ping` and other
/// events change no manifest; a host that names no event is believed to have pushed.
pub fn is_push(headers: &Headers) -> bool {
    let event = headers.get("x-github-event");
    event
        .or_else(|| headers.get("x-gitlab-event"))
        .is_none_or(|name| {
            let name = name.to_ascii_lowercase();
            name.contains("push") || name == "repository_update"
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::signature::testing::{KEY, NOW, delivered, spoilt};

    #[test]
    fn github_signs_the_raw_body() {
        // The example of GitHub's page.
        let value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret = b"It's a Secret to Everybody";
        let holds = |value: &str, body: &[u8]| {
            let headers = [("x-hub-signature-256", value)];
            delivered(&headers, body, NOW, |it| verify_push(secret, it)).is_some()
        };
        assert!(holds(value, b"Hello, World!"));
        assert!(!holds(value, b"Hello, World"));
        for bad in spoilt(value) {
            assert!(!holds(&bad, b"Hello, World!"), "{bad}");
        }
    }

    #[test]
    fn gitlab_sends_a_token_or_signs() {
        let token = |token: &str| {
            let headers = [("X-Gitlab-Token", token)];
            delivered(&headers, b"{}", NOW, |it| verify_push(KEY, it)).is_some()
        };
        assert!(token("hook-word"));
        for bad in spoilt("hook-word") {
            assert!(!token(&bad), "{bad}");
        }
        assert_eq!(delivered(&[], b"{}", NOW, |it| verify_push(KEY, it)), None);

        let secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = |value: &str, now: i64| {
            let all = [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", value),
                // A right token does not make up for a wrong signature.
                ("x-gitlab-token", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ];
            let body = br#"{"test": 2432232314}"#;
            delivered(&all, body, now, |it| verify_push(secret, it)).is_some()
        };
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(signed(good, 1_614_265_330));
        assert!(signed(&format!("v1,AAAA {good}"), 1_614_265_330));
        assert!(!signed(good, 1_614_265_330 + TOLERANCE + 1), "late");
        assert!(!signed(good, 1_614_265_330 - TOLERANCE - 1), "early");
        assert!(!signed("v1,AAAA", 1_614_265_330));
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
            for header in ["x-github-event", "x-gitlab-event"] {
                let headers: Headers = event.map(|event| (header, event)).into_iter().collect();
                assert_eq!(is_push(&headers), wakes, "{header}: {event:?}");
            }
        }
    }
}
