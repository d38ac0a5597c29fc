//! Names the account of a vendor that a connection leads to, so that two customers at one URL are two accounts.
//!
//! In goes a [`Connection`], out comes an [`AccountKey`], under which leases and budgets are kept. It is computed
//! without resolving a secret, as it must be the same for every process and for runs without credentials.
//!
//! For example a login with `accountId: A7` and a password gives `A7`, one with `email: a@b.example` alone gives that
//! address, and a token from the variable `LAC_TOKEN` gives `env LAC_TOKEN`.

use std::fmt;

use super::address::Vendor;
use super::connection::{Auth, Connection, Credential};
use super::secret::SecretRef;

/// One account of a vendor, the unit that one run at a time may write to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountKey {
    pub vendor: Vendor,
    pub base_url: String,
    /// The vendor's id of the customer, else who logs in, else where the secret is kept. Never a secret.
    pub account: String,
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vendor,
            base_url,
            account,
        } = self;
        write!(f, "{vendor} {base_url} {account}")
    }
}

/// Members of a login that name the customer; they are the same for all of the customer's users.
const TENANTS: [&str; 2] = ["accountId", "accountAlias"];

/// Members of a login that name its user.
const USERS: [&str; 3] = ["email", "username", "clientId"];

impl Connection {
    /// Returns the key of the account that this connection leads to.
    pub fn account_key(&self) -> AccountKey {
        AccountKey {
            vendor: self.vendor,
            // With a slash at its end it is the same address.
            base_url: self.base_url.as_str().trim_end_matches('/').to_string(),
            account: self.account(),
        }
    }

    /// Returns the vendor's id of the customer; `None` if the login does not name it, or names it by a secret.
    pub fn tenant(&self) -> Option<&str> {
        self.plain(&TENANTS)
    }

    /// Returns the customer's id, else the user's name, else the reference to the secret, as the `account` of the key.
    fn account(&self) -> String {
        if let Some(name) = self.plain(&TENANTS).or_else(|| self.plain(&USERS)) {
            return name.to_string();
        }
        let members = match &self.auth {
            Auth::Token(secret) | Auth::ApiKey(secret) | Auth::Session(secret) => {
                return describe_reference(secret);
            }
            Auth::Login(members) | Auth::ClientCredentials { members, .. } => members,
        };
        // The user name of a login may be a secret too; a password alone identifies no user.
        let named = |name: &str| members.iter().find(|(member, _)| *member == name);
        let member = TENANTS.iter().chain(&USERS).find_map(|name| named(name));
        match member.or(members.first()) {
            Some((_, Credential::Secret(secret))) => describe_reference(secret),
            Some((_, Credential::Plain(text))) => text.clone(),
            None => String::new(),
        }
    }

    /// Returns the first of these members that is written as plain text; `None` if there is none.
    fn plain(&self, names: &[&str]) -> Option<&str> {
        let members = match &self.auth {
            Auth::Login(members) | Auth::ClientCredentials { members, .. } => members,
            Auth::Token(_) | Auth::ApiKey(_) | Auth::Session(_) => return None,
        };
        members
            .iter()
            .find_map(|(name, credential)| match credential {
                Credential::Plain(text) if names.contains(name) => Some(text.as_str()),
                Credential::Plain(_) | Credential::Secret(_) => None,
            })
    }
}

/// Describes on one line where a secret is kept.
fn describe_reference(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => format!("env {name}"),
        SecretRef::File(path) => format!("file {}", path.display()),
        SecretRef::Command(words) => format!("command {}", words.join(" ")),
        SecretRef::Known(_) => "sandbox".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::connection;

    fn account(auth: Auth) -> String {
        let connection = Connection {
            auth,
            ..connection()
        };
        connection.account_key().account
    }

    #[test]
    fn an_account_is_the_customer_else_who_logs_in_else_where_the_secret_is() {
        let env = |name: &str| SecretRef::Env(name.into());
        let plain = |text: &str| Credential::Plain(text.into());
        let secret = |name: &str| Credential::Secret(env(name));
        assert_eq!(account(Auth::Token(env("A"))), "env A");
        assert_eq!(
            account(Auth::ApiKey(SecretRef::File("/run/key".into()))),
            "file /run/key"
        );
        let password = ("password", secret("P"));
        let login = |more: Vec<_>| account(Auth::Login([more, vec![password.clone()]].concat()));
        let mail = ("email", plain("ann@example.com"));
        assert_eq!(login(vec![mail.clone()]), "ann@example.com");
        assert_eq!(
            login(vec![mail.clone(), ("accountId", plain("acme"))]),
            "acme"
        );
        assert_eq!(login(vec![("username", secret("USER"))]), "env USER");
        assert_eq!(login(vec![]), "env P");
    }
}
