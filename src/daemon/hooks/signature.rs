//! Whether a delivery was signed by somebody who knows the secret. Pure; the time is an argument.
//!
//! What comes back from a check that holds is what was signed beside the body: a time, an id, or nothing.
//! With the body it tells one delivery from another.
//!
//! Every check goes over the raw body, before anybody parses it, and every comparison takes the same time
//! for a near miss as for a far one: `verify_slice` compares the codes themselves, and a token that is sent
//! as it is gets compared by its code under a key of the secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::Headers;

/// How old a signed time may be: what LicenseSpring's own package takes, and Standard Webhooks advise.
pub const TOLERANCE: i64 = 300;

/// How far ahead of our clock LicenseSpring's may be. Its own package (`webhook/signature.py`) refuses old times
/// only, so a delivery from the future is right by the vendor's rule, and to refuse it would close the hook for as
/// long as the clocks differ. It is bounded, because what was taken is remembered for an hour (see
/// `super::replay`) and must have grown too old by then.
pub const AHEAD: i64 = 1_800;

/// Signatures that are looked at in one header: one per secret while a vendor rolls its secret over.
const MOST_SIGNATURES: usize = 5;

fn code(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("an HMAC takes keys of any length"),
    };
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// The code of `parts`, one after the other, under `key`.
pub fn sign(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    code(key, parts).finalize().into_bytes().into()
}

fn matches(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    code(key, parts).verify_slice(given).is_ok()
}

/// Whether a secret was given, compared by its code so that the time taken tells nothing of either.
pub fn equal(secret: &[u8], given: &[u8]) -> bool {
    matches(secret, &[secret], &sign(secret, &[given]))
}

/// Cryptlex: `Webhook-Signature` holds the code of the body in base64. The vendor documents no time in it,
/// so a recording stays valid for ever; see `super::replay`.
pub fn cryptlex(key: &[u8], headers: &Headers, body: &[u8]) -> Option<String> {
    let given = headers
        .get("webhook-signature")
        .and_then(|text| BASE64.decode(text).ok())
        .unwrap_or_default();
    matches(key, &[body], &given).then(String::new)
}

/// LicenseSpring: `t=<seconds>,v1=<hex>[,v1=<hex>]`, the code of `<seconds>.<body>`.
///
/// The vendor publishes the value and not the name of its header, so any header counts that is called a
/// signature and has that form. The signature is the proof, not the name.
pub fn licensespring(key: &[u8], headers: &Headers, body: &[u8], now: Timestamp) -> Option<String> {
    let stamped = headers
        .iter()
        .find(|(name, value)| name.contains("signature") && value.starts_with("t="));
    // A delivery without one costs as much as any other.
    let value = stamped.map_or("", |(_, value)| value);
    let member = |wanted: &'static str| {
        value
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .filter(move |(name, _)| *name == wanted)
            .map(|(_, text)| text)
    };
    let time = member("t").next().unwrap_or("");
    let proved = member("v1")
        .chain([""])
        .take(MOST_SIGNATURES)
        .any(|digits| {
            matches(
                key,
                &[time.as_bytes(), b".", body],
                &hex::decode(digits).unwrap_or_default(),
            )
        });
    (proved && in_time(time, now, AHEAD)).then(|| time.to_string())
}

/// GitHub: `X-Hub-Signature-256: sha256=<hex>`, the code of the body.
fn github(key: &[u8], header: &str, body: &[u8]) -> Option<String> {
    let given = header
        .strip_prefix("sha256=")
        .and_then(|digits| hex::decode(digits).ok())
        .unwrap_or_default();
    matches(key, &[body], &given).then(String::new)
}

/// Standard Webhooks, which GitLab's signing tokens follow: `webhook-signature: v1,<base64>[ v1,<base64>]`, the
/// code of `<webhook-id>.<webhook-timestamp>.<body>`. A secret that begins with `whsec_` is the base64 of the key.
fn standard(secret: &[u8], headers: &Headers, body: &[u8], now: Timestamp) -> Option<String> {
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
    (proved && in_time(time, now, TOLERANCE)).then(|| format!("{id}.{time}"))
}

/// The key that a Standard Webhooks secret stands for.
pub fn standard_key(secret: &[u8]) -> Vec<u8> {
    secret
        .strip_prefix(b"whsec_")
        .and_then(|text| BASE64.decode(text).ok())
        .unwrap_or_else(|| secret.to_vec())
}

/// A push to a git host: GitHub (also Gitea and Forgejo, which send the same header), GitLab with a signing
/// token, or GitLab with the plain token of before. The strongest header that is there decides alone.
pub fn git(key: &[u8], headers: &Headers, body: &[u8], now: Timestamp) -> Option<String> {
    if let Some(value) = headers.get("x-hub-signature-256") {
        return github(key, value, body);
    }
    if headers.get("webhook-signature").is_some() {
        return standard(key, headers, body, now);
    }
    let token = headers.get("x-gitlab-token").unwrap_or("");
    equal(key, token.as_bytes()).then(String::new)
}

/// Whether a signed time is at most `TOLERANCE` old and at most `ahead` in the future.
fn in_time(time: &str, now: Timestamp, ahead: i64) -> bool {
    let age = time.parse().ok();
    let age = age.and_then(|time: i64| now.as_second().checked_sub(time));
    age.is_some_and(|age| (-ahead..=TOLERANCE).contains(&age))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"hook-word";
    const NOW: i64 = 1_700_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn headers(all: &[(&str, &str)]) -> Headers {
        all.iter().copied().collect()
    }

    /// Every text that is one character away from, or shorter than, a good signature.
    fn spoilt(good: &str) -> Vec<String> {
        let mut all: Vec<String> = (0..good.len()).map(|end| good[..end].to_string()).collect();
        let other = |c: char| if c == '0' { '1' } else { '0' };
        all.extend(good.char_indices().map(|(at, c)| {
            let after = &good[at + c.len_utf8()..];
            format!("{}{}{after}", &good[..at], other(c))
        }));
        all
    }

    #[test]
    fn cryptlex_signs_the_raw_body() {
        // From `openssl dgst -sha256 -hmac hook-word -binary | base64`.
        let good = "xGMffEb/x6ZmN26b7PBDc8vIk21qize4qf8mYWwoXec=";
        let body = br#"{"event":"license.updated"}"#;
        let holds = |key: &[u8], value: &str, body: &[u8]| {
            cryptlex(key, &headers(&[("Webhook-Signature", value)]), body).is_some()
        };
        assert!(holds(KEY, good, body));
        assert!(!holds(b"other", good, body));
        assert!(!holds(KEY, good, br#"{"event": "license.updated"}"#));
        assert_eq!(cryptlex(KEY, &headers(&[]), body), None);
        for bad in spoilt(good) {
            assert!(!holds(KEY, &bad, body), "{bad}");
        }
    }

    #[test]
    fn licensespring_signs_time_and_body() {
        let good = "ef6d584a9393680cd1627dc91c37768b1c9ad04a9cd087072e33bb82b590bb60";
        let body = br#"{"event":"license_updated"}"#;
        let holds = |value: &str, now: i64| {
            licensespring(
                KEY,
                &headers(&[("LicenseSpring-Signature", value)]),
                body,
                at(now),
            )
            .is_some()
        };
        let value = format!("t={NOW},v1={good}");
        assert!(holds(&value, NOW));
        assert!(holds(&value, NOW + TOLERANCE) && holds(&value, NOW - AHEAD));
        assert!(!holds(&value, NOW + TOLERANCE + 1), "late");
        assert!(!holds(&value, NOW - AHEAD - 1), "early");
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
    fn github_signs_the_raw_body() {
        // The example of GitHub's page.
        let value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret = b"It's a Secret to Everybody";
        let holds = |value: &str, body: &[u8]| {
            git(
                secret,
                &headers(&[("x-hub-signature-256", value)]),
                body,
                at(NOW),
            )
            .is_some()
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
            git(KEY, &headers(&[("X-Gitlab-Token", token)]), b"{}", at(NOW)).is_some()
        };
        assert!(token("hook-word"));
        for bad in spoilt("hook-word") {
            assert!(!token(&bad), "{bad}");
        }
        assert_eq!(git(KEY, &headers(&[]), b"{}", at(NOW)), None);

        let secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = |value: &str, now: i64| {
            let all = [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", value),
                // A right token does not make up for a wrong signature.
                ("x-gitlab-token", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ];
            git(secret, &headers(&all), br#"{"test": 2432232314}"#, at(now)).is_some()
        };
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(signed(good, 1_614_265_330));
        assert!(signed(&format!("v1,AAAA {good}"), 1_614_265_330));
        assert!(!signed(good, 1_614_265_330 + TOLERANCE + 1), "late");
        assert!(!signed(good, 1_614_265_330 - TOLERANCE - 1), "early");
        assert!(!signed("v1,AAAA", 1_614_265_330));
    }
}
