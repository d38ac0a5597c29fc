//! Decides which requests may see the status. Pure.
//!
//! On loopback every user of the machine may see it. The danger there is a foreign web page whose host name was made to
//! point at this machine (DNS rebinding), so requests must name this machine in `Host`. On any other
//! address a token is required. Browsers cannot be made to send a bearer token, so the same token also counts as the
//! password of basic authentication, with any user name.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;

use crate::model::SecretText;
use crate::provider::signature;

/// The shortest token: what 80 bits need in base64.
const SHORTEST_TOKEN: usize = 14;

/// Why a server must not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    #[error("{0} can be reached from other machines: give --listen-token, or listen on 127.0.0.1")]
    NoToken(SocketAddr),
    #[error("the token of {0} is too easy to guess: at least {SHORTEST_TOKEN} characters")]
    ShortToken(&'static str),
}

/// Checks that a server can only be reached from this machine, or has a token that is hard to guess.
pub fn check_listen(listen: SocketAddr, token: Option<&SecretText>) -> Result<(), ListenError> {
    match token {
        None if !listen.ip().is_loopback() => Err(ListenError::NoToken(listen)),
        Some(token) => check_token(token, "--listen-token"),
        None => Ok(()),
    }
}

/// Checks that the token of a flag is hard to guess.
pub fn check_token(token: &SecretText, flag: &'static str) -> Result<(), ListenError> {
    match token.expose_secret().len() < SHORTEST_TOKEN {
        true => Err(ListenError::ShortToken(flag)),
        false => Ok(()),
    }
}

/// The headers that access is judged by.
pub struct AccessRequest<'a> {
    pub host: Option<&'a str>,
    pub authorization: Option<&'a str>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// It was sent to a name that is not this machine's.
    ForeignHost,
    /// It has no token, or a wrong one.
    WrongToken,
}

/// Decides whether a request may see the status. `loopback` is true if the server listens on loopback.
pub fn check_access(
    access: &AccessRequest<'_>,
    loopback: bool,
    token: Option<&SecretText>,
) -> Result<(), AccessError> {
    if loopback && !access.host.is_some_and(names_this_machine) {
        return Err(AccessError::ForeignHost);
    }
    let Some(token) = token else { return Ok(()) };
    let given = access
        .authorization
        .and_then(extract_token)
        .unwrap_or_default();
    let known = token.expose_secret().as_bytes();
    if signature::secrets_equal(known, given.as_bytes()) {
        Ok(())
    } else {
        Err(AccessError::WrongToken)
    }
}

/// Returns the token of an `Authorization` header: the bearer token, or the password of basic authentication.
fn extract_token(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_string());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(value.trim()).ok()?).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_string())
}

/// Reports whether a `Host` header names this machine.
fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        // `::1` has no port: names contain no colon, and an IPv6 address with a port is in brackets.
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let lower = bare.to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || lower == "localhost"
        || lower.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> SecretText {
        SecretText::from("a-long-enough-token")
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(check_listen(at("127.0.0.1:8900"), None), Ok(()));
        assert_eq!(check_listen(at("[::1]:8900"), None), Ok(()));
        for open in ["0.0.0.0:8900", "[::]:8900", "192.0.2.1:80"] {
            let refused = check_listen(at(open), None);
            assert_eq!(refused, Err(ListenError::NoToken(at(open))));
            assert_eq!(check_listen(at(open), Some(&token())), Ok(()));
            let short = SecretText::from("short");
            let refused = check_listen(at(open), Some(&short));
            assert_eq!(refused, Err(ListenError::ShortToken("--listen-token")));
        }
    }

    #[test]
    fn on_loopback_a_foreign_name_is_not_answered() {
        let admit = |host: Option<&str>| {
            let access = AccessRequest {
                host,
                authorization: None,
            };
            check_access(&access, true, None)
        };
        for good in [
            "127.0.0.1:8900",
            "127.0.0.2",
            "localhost:1",
            "LOCALHOST",
            "a.localhost",
            "[::1]:8900",
            "::1",
        ] {
            assert_eq!(admit(Some(good)), Ok(()), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:8900",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "192.0.2.1",
            "",
        ] {
            assert_eq!(admit(Some(bad)), Err(AccessError::ForeignHost), "{bad}");
        }
        assert_eq!(admit(None), Err(AccessError::ForeignHost));
    }

    #[test]
    fn the_token_is_taken_as_bearer_or_as_a_password() {
        let with = |authorization: Option<&str>| {
            let access = AccessRequest {
                host: Some("entitle.example"),
                authorization,
            };
            check_access(&access, false, Some(&token()))
        };
        assert_eq!(with(Some("Bearer a-long-enough-token")), Ok(()));
        assert_eq!(with(Some("bearer  a-long-enough-token")), Ok(()));
        let basic = format!("Basic {}", BASE64.encode("me:a-long-enough-token"));
        assert_eq!(with(Some(&basic)), Ok(()));
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a-long-enough-toke",
            "Bearer a-long-enough-tokens",
            "a-long-enough-token",
            "Basic a-long-enough-token",
            "Digest a-long-enough-token",
        ] {
            assert_eq!(with(Some(bad)), Err(AccessError::WrongToken), "{bad}");
        }
        assert_eq!(with(None), Err(AccessError::WrongToken));
    }
}
