//! Accounts: opened in every way, and compared as a whole, since only what a plan named may differ after
//! an apply.

use entitle::model::connection::Credential;
use entitle::model::{Auth, SecretRef};
use entitle::sandbox::{SandboxServer, credentials};
use serde_json::Value as Json;
use similar::TextDiff;

use super::vendors::Vendor;
use crate::support::bench::Bench;
use crate::support::paths;

/// A secret that opens nothing.
pub const WRONG: &str = "wrong-and-long";

impl Vendor {
    /// Points the vendor's connection at the sandbox with one form of its credentials, right or wrong.
    pub fn open(&self, bench: &mut Bench, form: &str, wrong: bool) {
        let address = bench.address();
        let mut all = credentials::credentials_of(self.name);
        let credential = all
            .find(|one| one.form == form)
            .expect("a form of the sandbox");
        let known = |text| SecretRef::Known(if wrong { WRONG } else { text });
        let members = || {
            let values = credential.values.iter();
            let member = |(name, text): &(&'static str, &'static str)| {
                let secret = matches!(*name, "password" | "clientSecret");
                let text = if secret {
                    known(text)
                } else {
                    SecretRef::Known(text)
                };
                (*name, Credential::Secret(text))
            };
            values.map(member).collect()
        };
        let (_, first) = credential.values[0];
        let auth = match form {
            "token" => Auth::Token(known(first)),
            "apiKey" => Auth::ApiKey(known(first)),
            "session" => Auth::Session(known(first)),
            "login" => Auth::Login(members()),
            _ => Auth::ClientCredentials {
                token_url: format!("{address}{}", credential.token_url.unwrap_or_default())
                    .parse()
                    .expect("a URL"),
                members: members(),
            },
        };
        let mut connections = bench.connections.iter_mut();
        let own = connections.find(|connection| connection.vendor.0 == self.name);
        let own = own.expect("a connection of the vendor");
        own.base_url = format!("{address}{}", credential.base)
            .parse()
            .expect("a URL");
        own.auth = auth;
    }

    /// Gives the sandbox an account, and forgets what was asked so far.
    #[track_caller]
    pub fn load(&self, bench: &Bench, account: Json) {
        let loaded = bench.sandbox.set_state(self.name, account);
        loaded.unwrap_or_else(|why| panic!("the account of {} is invalid: {why}", self.name));
        bench.sandbox.forget_requests();
    }

    /// The account, without what the server counts anew when objects of the kind change.
    pub fn state(&self, bench: &Bench) -> Json {
        self.state_of(&bench.sandbox)
    }

    /// The same of a sandbox without its bench.
    pub fn state_of(&self, sandbox: &SandboxServer) -> Json {
        let mut account = sandbox.state(self.name).expect("a simulator");
        if self.kind == "CryptlexOrganizationUser" {
            remove_member(&mut account, "totalUsers");
        }
        account
    }

    /// An object of the account.
    #[track_caller]
    pub fn stored<'a>(&self, account: &'a Json, number: usize) -> &'a Json {
        let place = (self.place)(number);
        let found = account.pointer(&place);
        found.unwrap_or_else(|| panic!("the account has nothing at {place}"))
    }

    /// The account without what an apply may have moved in one object.
    fn without(&self, account: &Json, number: usize, paths: &[&str]) -> Json {
        let table = self.table();
        let mut rest = account.clone();
        let place = (self.place)(number);
        let object = rest.pointer_mut(&place).expect("the object is there");
        for path in paths.iter().chain(self.clocks) {
            // A field that only a manifest has leads nowhere in the account.
            paths::take(table, object, path);
        }
        *object = paths::in_order(table, object);
        rest
    }

    /// Only these paths of one object may differ; the rest of the account is as it was.
    #[track_caller]
    pub fn rest_is_as_before(&self, before: &Json, after: &Json, number: usize, paths: &[&str]) {
        let rest = |account| self.without(account, number, paths);
        let (before, after) = (rest(before), rest(after));
        if before != after {
            let text = |json| serde_json::to_string_pretty(json).expect("JSON is printable");
            let (before, after) = (text(&before), text(&after));
            let diff = TextDiff::from_lines(before.as_str(), after.as_str());
            panic!(
                "more than {paths:?} differs in the account:\n{}",
                diff.unified_diff()
            );
        }
    }
}

/// Whether two values of an account are one: sets have no order.
pub fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Array(one), Json::Array(other)) => {
            let sorted = |items: &[Json]| {
                let mut items: Vec<String> = items.iter().map(Json::to_string).collect();
                items.sort();
                items
            };
            sorted(one) == sorted(other)
        }
        (one, other) => one == other,
    }
}

/// Removes a member from all objects of a tree.
fn remove_member(json: &mut Json, name: &str) {
    match json {
        Json::Object(members) => {
            members.remove(name);
            members
                .values_mut()
                .for_each(|inner| remove_member(inner, name));
        }
        Json::Array(items) => items.iter_mut().for_each(|item| remove_member(item, name)),
        _ => {}
    }
}
