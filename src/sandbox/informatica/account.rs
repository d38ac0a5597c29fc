//! The Informatica account: parent organizations, their sub-organizations and users, loaded from and saved as JSON.
//!
//! The document has `organizations`, in the form that GET returns plus a `name`, and `users` as `{"username",
//! "orgId", "administrator"}`. Every user's password is `sandbox`. Without `users` there is one administrator of
//! the first organization that has no parent.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::licence::{EDITIONS, LICENSES, LIMITS, Licence};
use super::switches::Switches;
use crate::sandbox::strict_json::{self, JsonObject};

/// The name of the administrator that an account without `users` has.
const ADMIN: &str = "admin@sandbox.test";

/// The whole account.
#[derive(Clone, Default)]
pub struct Account {
    orgs: Vec<Org>,
    /// The index of each organization by its id.
    by_id: HashMap<String, usize>,
    /// The users; the first owns the fixed session.
    pub users: Vec<User>,
}

/// An organization.
#[derive(Clone)]
pub struct Org {
    /// The id, 22 letters and digits at the vendor.
    pub id: String,
    /// The name, which only the login shows.
    pub name: String,
    /// The id of the parent organization; `None` for a parent itself.
    pub parent: Option<String>,
    /// The licence, shared by organizations whose licences are equal, as most are in a populated account.
    pub licence: Arc<Licence>,
}

/// A user of one organization.
#[derive(Clone)]
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// The id of the user's organization.
    pub org: String,
    /// True if the user may change the licences of its sub-organizations.
    pub administrator: bool,
}

impl Account {
    /// Loads an account document; `Err` names the element and what is wrong with it.
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
            // One level only: a sub-organization has none of its own.
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

    /// Returns the account as a document that [`Self::load`] accepts.
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

    /// Adds an organization; its id must be new.
    pub fn add_org(&mut self, org: Org) {
        self.by_id.insert(org.id.clone(), self.orgs.len());
        self.orgs.push(org);
    }

    /// Returns an organization, `None` if there is none with this id.
    pub fn org(&self, id: &str) -> Option<&Org> {
        self.by_id.get(id).map(|&position| &self.orgs[position])
    }

    /// Returns an organization to change, `None` if there is none with this id.
    pub fn org_mut(&mut self, id: &str) -> Option<&mut Org> {
        self.by_id.get(id).map(|&position| &mut self.orgs[position])
    }

    /// Returns the user with this name, `None` if there is none.
    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Loads a user, whose organization must be loaded already.
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

/// Returns the administrator that an account without `users` has.
fn default_administrator(org: &Org) -> User {
    User {
        name: ADMIN.to_owned(),
        org: org.id.clone(),
        administrator: true,
    }
}

/// Loads an organization; its licence must satisfy the rules of a PUT.
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
