//! An Informatica account in memory: one parent organization or more, their sub-organizations, users.
//!
//! As JSON: `organizations` in the reading form plus a `name`, and `users` as
//! `{"username", "orgId", "administrator"}`. Every user's password is `sandbox`. Without `users` there is one
//! administrator of the first organization that has no parent.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::licence::{EDITIONS, LICENSES, LIMITS, Licence};
use super::switches::Switches;
use crate::sandbox::strict_json::{self, JsonObject};

/// The user that logs in when nothing else is asked for.
const ADMIN: &str = "admin@sandbox.test";

#[derive(Clone, Default)]
pub struct Account {
    orgs: Vec<Org>,
    by_id: HashMap<String, usize>,
    pub users: Vec<User>,
}

#[derive(Clone)]
pub struct Org {
    pub id: String,
    pub name: String,
    pub parent: Option<String>,
    /// Shared by organizations that hold the same, as many do in a populated account.
    pub licence: Arc<Licence>,
}

#[derive(Clone)]
pub struct User {
    pub name: String,
    pub org: String,
    pub administrator: bool,
}

impl Account {
    pub fn load(state: &Value) -> Result<Self, String> {
        let state = strict_json::require_object(state, "the account")?;
        strict_json::refuse_unknown_members(state, "", &["organizations", "users"])?;
        let mut account = Self::default();
        for (index, saved) in strict_json::require_array(state, "", "organizations")?
            .iter()
            .enumerate()
        {
            let at = format!("organizations[{index}]");
            let org = load_org(saved).map_err(|words| format!("{at}: {words}"))?;
            let position = account.orgs.len();
            if account.by_id.insert(org.id.clone(), position).is_some() {
                return Err(format!("{at}: id is taken"));
            }
            account.orgs.push(org);
        }
        for org in &account.orgs {
            let parent = org.parent.as_ref();
            // One level only: a sub-organization has no sub-organizations.
            if parent.is_some_and(|id| account.org(id).is_none_or(|above| above.parent.is_some())) {
                return Err(format!("{}: parentOrg is no parent organization", org.id));
            }
        }
        account.users = match state.contains_key("users") {
            true => strict_json::require_array(state, "", "users")?
                .iter()
                .enumerate()
                .map(|(index, saved)| account.load_user(saved, &format!("users[{index}]")))
                .collect::<Result<_, _>>()?,
            false => account
                .orgs
                .iter()
                .find(|org| org.parent.is_none())
                .map(default_administrator)
                .into_iter()
                .collect(),
        };
        Ok(account)
    }

    pub fn save(&self) -> Value {
        let org = |org: &Org| {
            let mut saved = JsonObject::new();
            saved.insert("id".into(), org.id.clone().into());
            saved.insert("name".into(), org.name.clone().into());
            saved.insert("parentOrg".into(), org.parent.clone().into());
            org.licence.write(&mut saved, 0, &Switches::default());
            saved
        };
        let user = |user: &User| json!({"username": user.name, "orgId": user.org, "administrator": user.administrator});
        json!({
            "users": self.users.iter().map(user).collect::<Vec<_>>(),
            "organizations": self.orgs.iter().map(org).collect::<Vec<_>>(),
        })
    }

    /// Adds an organization whose id nobody has.
    pub fn add_org(&mut self, org: Org) {
        self.by_id.insert(org.id.clone(), self.orgs.len());
        self.orgs.push(org);
    }

    pub fn org(&self, id: &str) -> Option<&Org> {
        self.by_id.get(id).map(|&position| &self.orgs[position])
    }

    pub fn org_mut(&mut self, id: &str) -> Option<&mut Org> {
        self.by_id.get(id).map(|&position| &mut self.orgs[position])
    }

    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    fn load_user(&self, saved: &Value, at: &str) -> Result<User, String> {
        let saved = strict_json::require_object(saved, at)?;
        strict_json::refuse_unknown_members(saved, at, &["username", "orgId", "administrator"])?;
        let org = strict_json::require_string(saved, at, "orgId")?;
        if self.org(org).is_none() {
            return Err(format!("{at}.orgId: there is no organization {org}"));
        }
        Ok(User {
            name: strict_json::require_string(saved, at, "username")?.to_owned(),
            org: org.to_owned(),
            administrator: strict_json::require_boolean(saved, at, "administrator")?,
        })
    }
}

fn default_administrator(org: &Org) -> User {
    User {
        name: ADMIN.to_owned(),
        org: org.id.clone(),
        administrator: true,
    }
}

fn load_org(saved: &Value) -> Result<Org, String> {
    let saved = strict_json::require_object(saved, "the organization")?;
    const MEMBERS: &[&str] = &["id", "name", "parentOrg", LICENSES.0, EDITIONS.0, LIMITS.0];
    strict_json::refuse_unknown_members(saved, "", MEMBERS)?;
    let id = strict_json::require_string(saved, "", "id")?;
    let text = |name: &str| -> Result<_, String> {
        Ok(strict_json::optional_string(saved, "", name)?.map(str::to_owned))
    };
    Ok(Org {
        id: id.to_owned(),
        name: text("name")?.unwrap_or_else(|| id.to_owned()),
        parent: text("parentOrg")?,
        licence: Arc::new(Licence::read(
            saved,
            &Licence::default(),
            &Switches::default(),
        )?),
    })
}
