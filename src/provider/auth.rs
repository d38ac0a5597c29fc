//! Describes how an account is opened: the forms of `auth` that a vendor takes, its login call, its header, and the
//! status of a lost session.
//!
//! In: the rules of a vendor and the resolved members of a connection. Out: the login call, and the session from its
//! reply. Data and pure functions; the shell sends the login and keeps the session.

use serde_json::Value as Json;
use url::Url;

use crate::model::Malformed;
use crate::model::connection::Credential;
use crate::model::{Auth, Connection, Diagnostic, Diagnostics, Reply};

/// A vendor's rules.
pub struct AuthRules {
    pub forms: &'static [AuthForm],
    /// The header that carries the credential, and what stands before it.
    pub header: &'static str,
    pub prefix: &'static str,
    /// The status of a call whose session has ended; `None` where sessions cannot be renewed.
    pub lost: Option<u16>,
    /// Builds the login call from resolved members; nothing for vendors without a login.
    pub login: Option<LoginBuilder>,
    /// The path, below the base URL, of the call that ends a session; `None` where a session is left to expire.
    pub logout: Option<&'static str>,
    /// Reads the session from the reply to a login.
    pub session: fn(&Json) -> Result<Session, Malformed>,
}

/// Members of a login, resolved, to the call.
pub type LoginBuilder = fn(&[(&'static str, String)]) -> LoginCall;

/// One form of `auth`.
pub struct AuthForm {
    pub name: &'static str,
    /// What the form needs, as shown to a user who has to choose one.
    pub about: &'static str,
    /// The members of the form: exactly one of each group must be given.
    pub members: &'static [&'static [&'static str]],
}

/// A login. It holds secrets, so it has no `Debug` and is never recorded.
pub struct LoginCall {
    /// Path below the base URL.
    pub path: &'static str,
    pub body: Json,
}

/// What a login opened. It holds a secret, so it has no `Debug`.
#[derive(Clone)]
pub struct Session {
    pub token: String,
    /// Where calls go from now on, if the vendor says so.
    pub base: Option<Url>,
}

/// Checks that the vendor takes the connection's form of `auth`, with all its members.
pub fn audit_auth(rules: &AuthRules, connection: &Connection, findings: &mut Diagnostics) {
    let given = connection.auth.form();
    let origin = &connection.origin;
    let Some(form) = rules.forms.iter().find(|form| form.name == given) else {
        let names: Vec<&str> = rules.forms.iter().map(|form| form.name).collect();
        findings.push(
            Diagnostic::error(
                "bad-auth",
                format!("{} does not take auth by `{given}`", connection.vendor),
            )
            .at(&origin.source, origin.mark)
            .hint(format!("use {}", names.join(" or "))),
        );
        return;
    };
    let (Auth::Login(members) | Auth::ClientCredentials { members, .. }) = &connection.auth else {
        return;
    };
    for group in form.members {
        let count = members
            .iter()
            .filter(|(name, _)| group.contains(name))
            .count();
        if count != 1 {
            let what = if group.len() > 1 {
                "exactly one of "
            } else {
                ""
            };
            let message = format!(
                "{given} for {} needs {what}`{}`",
                connection.vendor,
                group.join("`, `")
            );
            findings.push(Diagnostic::error("bad-auth", message).at(&origin.source, origin.mark));
        }
    }
    for (name, _) in members {
        let known = form.members.iter().any(|group| group.contains(name)) || *name == "scope";
        if !known {
            let message = format!("{given} for {} has no member `{name}`", connection.vendor);
            findings.push(Diagnostic::error("bad-auth", message).at(&origin.source, origin.mark));
        }
    }
}

/// The secrets of a login by member; names written out stand beside them.
pub fn login_secrets(auth: &Auth) -> &[(&'static str, Credential)] {
    match auth {
        Auth::Login(members) | Auth::ClientCredentials { members, .. } => members,
        Auth::Token(_) | Auth::ApiKey(_) | Auth::Session(_) => &[],
    }
}

/// Reports whether a login was refused for good, so that the same credentials would be refused again.
///
/// Informatica's page and its reader comments disagree between 400, 401 and 403 (2026-11-21), so any 4xx counts,
/// except those that are not about the credentials: a wrong path (404, 405) and a wait (408, 425, 429).
pub fn is_login_refused(reply: &Reply) -> bool {
    (400..500).contains(&reply.status) && !matches!(reply.status, 404 | 405 | 408 | 425 | 429)
}

/// A text member of a login reply; the error names the member and shows no value.
pub fn text_at<'a>(json: &'a Json, pointer: &str) -> Result<&'a str, Malformed> {
    json.pointer(pointer)
        .and_then(Json::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Malformed::new(format!("the login reply has no text at {pointer}")))
}

/// An OAuth token reply.
pub fn access_token(json: &Json) -> Result<Session, Malformed> {
    Ok(Session {
        token: text_at(json, "/access_token")?.to_string(),
        base: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretRef;
    use crate::provider::testing::connection;

    static RULES: AuthRules = AuthRules {
        forms: &[
            AuthForm {
                name: "login",
                about: "",
                members: &[&["user"], &["password", "key"]],
            },
            AuthForm {
                name: "session",
                about: "",
                members: &[],
            },
        ],
        header: "authorization",
        prefix: "",
        lost: None,
        login: None,
        logout: None,
        session: access_token,
    };

    fn secret() -> SecretRef {
        SecretRef::Env("SECRET".into())
    }

    /// What is wrong with a connection of this `auth`.
    fn faults(auth: Auth) -> Vec<String> {
        let connection = Connection {
            auth,
            ..connection()
        };
        let mut findings = Diagnostics::default();
        audit_auth(&RULES, &connection, &mut findings);
        findings.iter().map(|one| one.message.clone()).collect()
    }

    fn login(members: &[&'static str]) -> Auth {
        let members = members
            .iter()
            .map(|name| (*name, Credential::Secret(secret())));
        Auth::Login(members.collect())
    }

    #[test]
    fn a_login_has_all_its_members_and_no_others() {
        assert_eq!(faults(login(&["user", "password"])), [""; 0]);
        assert_eq!(faults(login(&["user", "key", "scope"])), [""; 0]);
        assert_eq!(
            faults(login(&["user", "password", "key"])),
            faults(login(&["user"]))
        );
        assert_eq!(
            faults(login(&["user"])),
            ["login for lac needs exactly one of `password`, `key`"]
        );
        assert_eq!(
            faults(login(&["password", "pin"])),
            [
                "login for lac needs `user`",
                "login for lac has no member `pin`"
            ]
        );
    }

    #[test]
    fn a_vendor_takes_its_own_forms_only() {
        assert_eq!(faults(Auth::Session(secret())), [""; 0]);
        let form = Auth::Token(secret());
        let words = format!("lac does not take auth by `{}`", form.form());
        assert_eq!(faults(form), [words]);
    }

    #[test]
    fn secrets_are_those_of_a_login() {
        let names = |auth: &Auth| {
            login_secrets(auth)
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&login(&["user", "password"])), ["user", "password"]);
        assert_eq!(names(&Auth::Token(secret())), [""; 0]);
    }

    #[test]
    fn a_login_is_refused_for_good_where_somebody_looked_at_it() {
        let refused = |status: u16| {
            is_login_refused(&Reply {
                status,
                body: String::new(),
                content_type: String::new(),
                ..Reply::default()
            })
        };
        assert!([400, 401, 403, 422].into_iter().all(refused));
        assert!(
            ![200, 302, 404, 405, 408, 425, 429, 500, 503]
                .into_iter()
                .any(refused)
        );
    }
}
