//! Cuts secrets out of texts that are shown: error texts of vendors and gateways repeat the request that they refuse.
//!
//! In goes a text with the secrets of one account known, out comes the text with `[secret]` in their place. For
//! example, with the secret `pa/ss` the text `bad key pa%2Fss, "pa\/ss"` becomes `bad key [secret], "[secret]"`.
//!
//! Only texts for people pass through here, never values: those are compared and may be written back.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// The text in the place of a secret.
const REDACTED: &str = "[secret]";

/// The length from which on a secret is cut out wherever it stands, in characters. A shorter one is part of many other
/// words, and is cut out only where it is a word by itself.
const DISTINCT: usize = 4;

/// The number of secrets that are remembered. An account that lives for weeks logs in again and again, and only its
/// newest sessions are still valid.
const MOST: usize = 32;

/// The secrets of one account. It has no `Debug`.
#[derive(Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
}

/// A secret with the spellings to look for.
struct Secret {
    text: String,
    /// Every spelling of the secret, in lower case: some servers change the case of a name.
    spellings: Vec<String>,
    /// Set for a secret of fewer than [`DISTINCT`] characters, which is found as a whole word only.
    whole_words: bool,
}

impl Redactor {
    /// Remembers a secret. One that is known already becomes the newest; beyond 32 the oldest is forgotten.
    pub fn add(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        self.secrets.retain(|known| known.text != secret);
        if self.secrets.len() == MOST {
            self.secrets.remove(0);
        }
        let whole_words = secret.chars().count() < DISTINCT;
        let mut spellings = escaped(secret);
        if !whole_words {
            spellings.extend(encoded(secret));
        }
        spellings
            .iter_mut()
            .for_each(|spelling| spelling.make_ascii_lowercase());
        self.secrets.push(Secret {
            text: secret.into(),
            spellings,
            whole_words,
        });
    }

    /// Returns the text with each secret replaced, in every spelling of it.
    ///
    /// Places that overlap become one `[secret]`: with the secrets `abcd` and `cdef` the text `xabcdefx` becomes
    /// `x[secret]x`, since the end of the second must not stay behind.
    pub fn redact(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let mut found: Vec<Range<usize>> = Vec::new();
        for secret in &self.secrets {
            for spelling in &secret.spellings {
                let places = lower.match_indices(spelling.as_str());
                let places = places.map(|(at, _)| at..at + spelling.len());
                found.extend(places.filter(|at| !secret.whole_words || is_word(text, at)));
            }
        }
        found.sort_by_key(|range| (range.start, range.end));
        let (mut out, mut end) = (String::with_capacity(text.len()), 0);
        for range in found {
            if range.start >= end {
                out.push_str(&text[end..range.start]);
                out.push_str(REDACTED);
            }
            end = end.max(range.end);
        }
        out.push_str(&text[end..]);
        out
    }
}

/// Reports whether neither side of a place in a text belongs to the same word.
fn is_word(text: &str, at: &Range<usize>) -> bool {
    let before = text[..at.start].chars().next_back();
    let after = text[at.end..].chars().next();
    !before.into_iter().chain(after).any(char::is_alphanumeric)
}

/// Returns a secret as it is and as JSON, forms, paths and HTML spell it. For example `a b&` has `a+b%26`, `a%20b%26`
/// and `a b&amp;` among its spellings.
fn escaped(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = &json[1..json.len() - 1];
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let mut spellings = vec![
        secret.to_string(),
        json.to_string(),
        json.replace('/', "\\/"),
        form.replace('+', "%20"),
        form,
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;"),
    ];
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// Returns a secret in base64, alone and inside of a longer text.
///
/// Basic authentication encodes `user:secret`, so the secret begins 0, 1 or 2 bytes into a group of three. Characters
/// at its edges depend on the neighbours as well and are left out. For example a secret of 6 bytes at offset 1 covers
/// the bits 8 to 56: the characters 2 to 8, counted from 0, depend on it alone, as the first is at `ceil(8 / 6)` and
/// the last ends at `floor(56 / 6)`.
fn encoded(secret: &str) -> Vec<String> {
    let mut spellings: Vec<String> = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .map(|alphabet| alphabet.encode(secret))
        .collect();
    // Inside of a longer text.
    for before in 0..3 {
        let shifted = [&[0; 3][..before], secret.as_bytes()].concat();
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = alphabet.encode(&shifted);
            let first = (before * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            spellings.extend(text.get(first..last).map(String::from));
        }
    }
    spellings.retain(|spelling| spelling.len() > DISTINCT);
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(secrets: &[&str], text: &str) -> String {
        let mut redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.add(secret));
        redactor.redact(text)
    }

    #[test]
    fn a_secret_is_cut_out_in_every_spelling() {
        let secret = r#"p"a ss/ü"#;
        for spelled in [
            secret,
            r#"p\"a ss/ü"#,
            r#"p\"a ss\/ü"#,
            "p%22a+ss%2F%C3%BC",
            "p%22a%20ss%2f%c3%bc",
            "p&quot;a ss/ü",
            "P\"A SS/ü",
            "cCJhIHNzL8O8",
        ] {
            assert_eq!(redacted(&[secret], &format!("<{spelled}>")), "<[secret]>");
        }
    }

    #[test]
    fn a_secret_inside_of_basic_credentials_is_cut_out() {
        for user in ["", "a", "ab", "abc"] {
            let basic = STANDARD.encode(format!("{user}:hunter2-of-the-vault"));
            let shown = redacted(&["hunter2-of-the-vault"], &format!("Basic {basic}"));
            assert!(shown.contains("[secret]") && shown.len() < 24, "{shown}");
        }
    }

    #[test]
    fn a_short_secret_is_cut_out_as_a_word_only() {
        let text = "user bob of bobsled: bob, bob2 and \"Bob\"";
        let shown = "user [secret] of bobsled: [secret], bob2 and \"[secret]\"";
        assert_eq!(redacted(&["bob"], text), shown);
        assert_eq!(redacted(&["bobs"], text), text.replace("bobs", "[secret]"));
        assert_eq!(redacted(&[""], text), text);
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_of_each_other() {
        let secrets = ["admin", "admin@example.com", "min@ex"];
        assert_eq!(
            redacted(&secrets, "x admin@example.com admin"),
            "x [secret] [secret]"
        );
        assert_eq!(redacted(&["secret"], "the secret"), "the [secret]");
    }

    #[test]
    fn only_the_newest_secrets_are_kept() {
        let mut redactor = Redactor::default();
        redactor.add("the password");
        for number in 0..100 {
            redactor.add("the password");
            redactor.add(&format!("session-{number:03}"));
        }
        assert_eq!(redactor.secrets.len(), MOST);
        assert_eq!(
            redactor.redact("the password session-099"),
            "[secret] [secret]"
        );
    }
}
