//! The access tokens that simulators with a login issue and check.
//!
//! Used by Alinea and Cryptlex. Tokens age by the simulators' clock, which is an argument, and are numbered, not
//! random. A vendor's reply to a bad token must not be here.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// The access tokens of a simulator: those that were issued, and a fixed one that never expires.
#[derive(Clone)]
pub struct AccessTokens {
    fixed_token: &'static str,
    issued: BTreeMap<String, Timestamp>,
}

impl AccessTokens {
    /// Returns a store in which only the fixed token is valid.
    pub fn new(fixed_token: &'static str) -> Self {
        Self {
            fixed_token,
            issued: BTreeMap::new(),
        }
    }

    /// Issues a new token; numbered, not random, so that every run issues the same ones.
    pub fn issue(&mut self, now: Timestamp) -> String {
        let token = format!("{}-{}", self.fixed_token, self.issued.len() + 1);
        self.issued.insert(token.clone(), now);
        token
    }

    /// Makes an issued token invalid; `false` if it was never issued.
    ///
    /// It stays in the map, from whose size new tokens are numbered.
    pub fn expire(&mut self, token: &str) -> bool {
        let issued = self.issued.get_mut(token);
        issued.map(|issued| *issued = Timestamp::MIN).is_some()
    }

    /// Returns whether a token is valid `life_seconds` after its issue.
    ///
    /// The life is an argument so that a changed switch also affects tokens issued before.
    pub fn is_valid(&self, token: &str, now: Timestamp, life_seconds: u32) -> bool {
        let life = SignedDuration::from_secs(i64::from(life_seconds));
        match self.issued.get(token) {
            Some(issued) => now.duration_since(*issued) < life,
            None => token == self.fixed_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_tokens_age_and_the_fixed_one_does_not() {
        let mut tokens = AccessTokens::new("fixed");
        let start: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let token = tokens.issue(start);
        let later = start + SignedDuration::from_secs(60);
        assert!(tokens.is_valid(&token, later, 61));
        assert!(!tokens.is_valid(&token, later, 60));
        assert!(tokens.is_valid("fixed", later, 0));
        assert!(!tokens.is_valid("other", later, 60));
        assert!(tokens.expire(&token) && !tokens.expire("fixed"));
        assert!(!tokens.is_valid(&token, start, 61));
        assert_ne!(tokens.issue(start), token);
    }
}
