//! Identifies the people who send requests: by a session, opened with the token for actions, or by a name in a proxy's
//! header. Pure.
//!
//! A session is a cookie that this process signed: `NAME.END.NONCE.CODE`, each part in base64 or digits. The
//! server keeps no list of sessions, and all of them end with the process, since the key is random. Forms carry a token
//! that is a code over the session (or over the name in the header) under the same key: another site can neither read
//! nor guess it.
//!
//! ```text
//! cookie   entitle-session=YW5u.1793000000.6f0c….9a1e…      ann, until that second
//! form     csrf=41d7…                                        HMAC(key, "form", cookie)
//! ```

use axum::http::{HeaderMap, HeaderName, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use crate::model::SecretText;
use crate::provider::signature;

/// The cookies of a session and of the theme.
pub const SESSION_COOKIE: &str = "entitle-session";
pub const THEME_COOKIE: &str = "entitle-theme";

/// How long a session lasts: a working day.
pub const SESSION_LENGTH: SignedDuration = SignedDuration::from_hours(9);

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

/// The rules by which people are identified who may send requests.
pub struct ActionAccess {
    /// The token for actions; `None` if only the proxy names people.
    pub token: Option<SecretText>,
    /// The header in which a proxy names who is signed in; `None` if no header is trusted.
    pub header: Option<HeaderName>,
    /// The origin under which people reach the page, if it is not that of the `Host` header.
    pub page_origin: Option<String>,
    /// The random key of this process.
    pub key: [u8; 32],
}

/// A person who may send requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name for the journal.
    pub name: String,
    /// The session cookie, or the name in the header, that the token of forms is bound to.
    binding: String,
    /// True if a session cookie of this server identifies the person; false if a proxy's header does.
    pub has_session: bool,
}

impl ActionAccess {
    /// Returns the person who sent a request; `None` if neither a header nor a session identifies one.
    ///
    /// If a header is trusted, only that header decides. It must occur exactly once: the sender may have added a second
    /// one.
    pub fn find_actor(&self, headers: &HeaderMap, now: Timestamp) -> Option<Actor> {
        let Some(header) = &self.header else {
            return self.find_session(headers, now);
        };
        let mut values = headers.get_all(header).iter();
        if let (Some(value), None) = (values.next(), values.next()) {
            let name = clean_name(std::str::from_utf8(value.as_bytes()).ok()?)?;
            return Some(Actor {
                binding: format!("header {name}"),
                name,
                has_session: false,
            });
        }
        self.find_session(headers, now)
    }

    /// Returns the person of the session cookie; `None` if there is no cookie, or it is forged or expired.
    fn find_session(&self, headers: &HeaderMap, now: Timestamp) -> Option<Actor> {
        self.token.as_ref()?;
        let cookie = find_cookie(headers, SESSION_COOKIE)?;
        let (signed, code) = cookie.rsplit_once('.')?;
        let code = hex::decode(code).ok()?;
        if !signature::matches(&self.key, &[b"session", signed.as_bytes()], &code) {
            return None;
        }
        let mut parts = signed.split('.');
        let name = String::from_utf8(BASE64.decode(parts.next()?).ok()?).ok()?;
        let end: i64 = parts.next()?.parse().ok()?;
        (now.as_second() < end).then(|| Actor {
            name,
            binding: cookie.to_string(),
            has_session: true,
        })
    }

    /// Reports whether this is the token for actions. Takes the same time for a near miss as for a far one.
    pub fn is_token(&self, given: &str) -> bool {
        let token = self.token.as_ref();
        token.is_some_and(|token| {
            signature::secrets_equal(token.expose_secret().as_bytes(), given.as_bytes())
        })
    }

    /// Makes the cookie of a new session. `None` for a name that is empty, too long or not one line of text.
    ///
    /// The name is not verified, since the person typed it; so the journal notes that it stands for the token.
    pub fn open_session(&self, name: &str, nonce: &str, now: Timestamp) -> Option<String> {
        let name = format!("{} (token)", clean_name(name)?);
        let end = now.checked_add(SESSION_LENGTH).ok()?.as_second();
        let signed = format!("{}.{end}.{nonce}", BASE64.encode(name));
        let code = hex::encode(signature::sign(&self.key, &[b"session", signed.as_bytes()]));
        Some(format!("{signed}.{code}"))
    }

    /// Returns the token that the forms of a person carry.
    pub fn csrf_token(&self, actor: &Actor) -> String {
        hex::encode(signature::sign(
            &self.key,
            &[b"form", actor.binding.as_bytes()],
        ))
    }

    /// Reports whether a form carries the token of this person.
    pub fn is_csrf_token(&self, actor: &Actor, given: &str) -> bool {
        let given = hex::decode(given).unwrap_or_default();
        signature::matches(&self.key, &[b"form", actor.binding.as_bytes()], &given)
    }

    /// Reports whether a form was sent from a page of this server, by the headers that browsers set and pages cannot.
    ///
    /// `Origin` must be ours: its host that of `Host`, or the whole of it that of `--page-url`. Without one, `Sec-Fetch-Site`
    /// must say `same-origin`. A request with neither comes from no browser of today, and is refused too.
    pub fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        match text(header::ORIGIN) {
            Some(origin) => {
                let host = origin.split_once("://").map(|(_, host)| host);
                let is_page = self.page_origin.as_deref() == Some(origin);
                is_page || host.is_some() && host == text(header::HOST)
            }
            None => text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
        }
    }
}

/// Returns a name without the space around it; `None` if it is empty, too long, or has a control character.
fn clean_name(name: &str) -> Option<String> {
    let name = name.trim();
    let is_good = !name.is_empty()
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(char::is_control);
    is_good.then(|| name.to_string())
}

/// Returns the value of a cookie; `None` if it is not there, or there more than once.
pub fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    let mut found = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(header: Option<&'static str>) -> ActionAccess {
        ActionAccess {
            token: Some(SecretText::from("another-long-token")),
            header: header.map(HeaderName::from_static),
            page_origin: Some("https://entitle.example".into()),
            key: [7; 32],
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                value.parse().expect("a value"),
            )
        });
        pairs.collect()
    }

    fn with_session(cookie: &str) -> HeaderMap {
        headers(&[("cookie", &format!("a=b; {SESSION_COOKIE}={cookie}"))])
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_session_is_of_whom_it_was_opened_for_until_it_ends() {
        let access = access(None);
        let cookie = access.open_session(" ann ", "n1", NOW).expect("a session");
        let find = |cookie: &str, now| access.find_actor(&with_session(cookie), now);
        let actor = find(&cookie, NOW).expect("known");
        assert_eq!(
            (actor.name.as_str(), actor.has_session),
            ("ann (token)", true)
        );
        let end = NOW + SESSION_LENGTH;
        assert!(find(&cookie, end - SignedDuration::from_secs(1)).is_some());
        assert_eq!(find(&cookie, end), None);
        let other = ActionAccess {
            key: [8; 32],
            ..self::access(None)
        };
        assert_eq!(
            other.find_actor(&with_session(&cookie), NOW),
            None,
            "another process"
        );
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            assert_eq!(access.open_session(name, "n", NOW), None, "{name:?}");
        }
    }

    #[test]
    fn no_part_of_a_session_can_be_changed() {
        let access = access(None);
        let cookie = access.open_session("ann", "n1", NOW).expect("a session");
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).expect("text");
            assert_eq!(
                access.find_actor(&with_session(&forged), NOW),
                None,
                "{forged}"
            );
        }
        let twice = headers(&[(
            "cookie",
            &format!("{SESSION_COOKIE}={cookie}; {SESSION_COOKIE}={cookie}"),
        )]);
        assert_eq!(access.find_actor(&twice, NOW), None);
    }

    #[test]
    fn the_token_of_a_form_is_bound_to_its_session() {
        let access = access(None);
        let [one, other] = ["n1", "n2"].map(|nonce| {
            let cookie = access.open_session("ann", nonce, NOW).expect("a session");
            access
                .find_actor(&with_session(&cookie), NOW)
                .expect("known")
        });
        let token = access.csrf_token(&one);
        assert!(access.is_csrf_token(&one, &token));
        assert!(!access.is_csrf_token(&other, &token), "of another session");
        for bad in ["", "00", "x", &token[1..]] {
            assert!(!access.is_csrf_token(&one, bad), "{bad}");
        }
    }

    #[test]
    fn a_header_names_somebody_only_where_it_is_trusted() {
        let sent = headers(&[("x-forwarded-email", "ann@example.com")]);
        assert_eq!(access(None).find_actor(&sent, NOW), None);
        let trusting = access(Some("x-forwarded-email"));
        let actor = trusting.find_actor(&sent, NOW).expect("named");
        assert_eq!(
            (actor.name.as_str(), actor.has_session),
            ("ann@example.com", false)
        );
        let mut twice = sent.clone();
        twice.append(
            "x-forwarded-email",
            "eve@example.com".parse().expect("a value"),
        );
        for bad in [headers(&[]), headers(&[("x-forwarded-email", " ")]), twice] {
            assert_eq!(trusting.find_actor(&bad, NOW), None, "{bad:?}");
        }
    }

    #[test]
    fn a_form_comes_from_a_page_of_this_server() {
        let access = access(None);
        let own = |pairs: &[(&'static str, &str)]| access.is_own_origin(&headers(pairs));
        assert!(own(&[
            ("host", "localhost:8900"),
            ("origin", "http://localhost:8900")
        ]));
        assert!(own(&[
            ("host", "10.0.0.7:8900"),
            ("origin", "https://entitle.example")
        ]));
        assert!(own(&[("host", "a"), ("sec-fetch-site", "same-origin")]));
        for bad in [
            &[
                ("host", "localhost:8900"),
                ("origin", "http://evil.example"),
            ][..],
            &[
                ("host", "localhost:8900"),
                ("origin", "http://localhost:8901"),
            ],
            &[("host", "localhost:8900"), ("origin", "null")],
            &[("host", "localhost:8900"), ("origin", "")],
            &[
                ("host", "a"),
                ("origin", "http://evil.example"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("host", "a"), ("sec-fetch-site", "cross-site")],
            &[("host", "a"), ("sec-fetch-site", "none")],
            &[("host", "a")],
        ] {
            assert!(!own(bad), "{bad:?}");
        }
    }
}
