//! Makes and checks HMAC-SHA-256 signatures of deliveries that come in and of messages that go out.
//!
//! Pure; the time is an argument. Every comparison takes the same time for a near miss as for a far one:
//! `verify_slice` compares the codes themselves, and a token that is sent unchanged is compared by its code under a
//! key of the secret.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Seconds that a signed time may be old: what Standard Webhooks advise, and LicenseSpring's own package takes.
pub const TOLERANCE: i64 = 300;

/// Seconds that a sender's clock may at most be ahead of ours. Bounded because the daemon remembers what it took for
/// an hour, and by then a delivery must have grown too old to be taken again.
pub const MAX_AHEAD: i64 = 1_800;

/// Signatures that are looked at in one header: one per secret while a sender rolls its secret over.
pub const MOST_SIGNATURES: usize = 5;

fn keyed_code(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("an HMAC takes keys of any length"),
    };
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// Returns the code of `parts`, one after the other, under `key`.
pub fn sign(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    keyed_code(key, parts).finalize().into_bytes().into()
}

/// Reports whether `given` is the code of `parts` under `key`.
pub fn matches(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    keyed_code(key, parts).verify_slice(given).is_ok()
}

/// Reports whether `given` is the secret, compared by its code so that the time taken tells nothing of either.
pub fn secrets_equal(secret: &[u8], given: &[u8]) -> bool {
    matches(secret, &[secret], &sign(secret, &[given]))
}

/// Reports whether a signed time, in seconds, is at most `TOLERANCE` old and at most `ahead` in the future.
pub fn is_timely(time: &str, now: Timestamp, ahead: i64) -> bool {
    let age = time.parse().ok();
    let age = age.and_then(|time: i64| now.as_second().checked_sub(time));
    age.is_some_and(|age| (-ahead..=TOLERANCE).contains(&age))
}

#[cfg(test)]
pub(crate) mod testing {
    use jiff::Timestamp;

    use crate::provider::webhook::{Delivery, Headers};

    pub const KEY: &[u8] = b"hook-word";
    pub const NOW: i64 = 1_700_000_000;

    /// Hands a delivery that came in at a second to `verify`.
    pub fn delivered(
        headers: &[(&str, &str)],
        body: &[u8],
        second: i64,
        verify: impl Fn(&Delivery<'_>) -> Option<String>,
    ) -> Option<String> {
        let headers: Headers = headers.iter().copied().collect();
        verify(&Delivery {
            headers: &headers,
            body,
            received: Timestamp::from_second(second).expect("a time"),
        })
    }

    /// Every text that is one character away from, or shorter than, a good signature.
    pub fn spoilt(good: &str) -> Vec<String> {
        let mut all: Vec<String> = (0..good.len()).map(|end| good[..end].to_string()).collect();
        let other = |c: char| if c == '0' { '1' } else { '0' };
        all.extend(good.char_indices().map(|(at, c)| {
            let after = &good[at + c.len_utf8()..];
            format!("{}{}{after}", &good[..at], other(c))
        }));
        all
    }
}
