//! Customer accounts: `GET` and `POST /customer-accounts/`, and `PATCH` and `DELETE …/{id}/`.
//!
//! Facts are from the pages "List Customer Accounts", "Create Customer Account", "Update Customer Account" and "Delete
//! Customer Account", checked 2026-11-30: the code is required and unique, and the update does not take it; `DELETE`
//! answers 200. The page of the creation spells the telephone number `Phone`, all else `phone`: the switch
//! `account_phone`. Its reply is not stored: the switch `account_create_status`.
//!
//! # Worked example
//!
//! `POST {"name": "Test Customer Company 6", "code": "tc6"}` answers with the account, whose other members are empty texts.

use serde_json::{Value, json};

use super::account::Templates;
use super::request_body::member_error;
use super::switches::{AccountPhone, BlankPolicy};
use super::{LicenseSpring, Refusal, detail_refusal};
use crate::sandbox::body_schema::{MemberRule, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

const TEXT: ValueType = ValueType::Text(0, 255);

static CREATE: [MemberRule; 7] = [
    MemberRule::required("code", ValueType::Text(1, 255)),
    MemberRule::optional("name", TEXT),
    MemberRule::optional("description", TEXT),
    MemberRule::optional("Phone", TEXT),
    MemberRule::optional("phone", TEXT),
    MemberRule::optional("address", TEXT),
    MemberRule::optional("email", TEXT),
];
static UPDATE: [MemberRule; 5] = [
    MemberRule::optional("name", TEXT),
    MemberRule::optional("description", TEXT),
    MemberRule::optional("phone", TEXT),
    MemberRule::optional("address", TEXT),
    MemberRule::optional("email", TEXT),
];

impl LicenseSpring {
    /// Creates a customer account and answers with it.
    pub(super) fn create_customer_account(
        &mut self,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &CREATE)?;
        self.check_customer_account(&body)?;
        let unknown = match self.switches.account_phone {
            AccountPhone::Lower => "Phone",
            AccountPhone::Capital => "phone",
        };
        if !body[unknown].is_null() {
            return Err(member_error(unknown, "This field is not known."));
        }
        let mut accounts = self.account.customer_accounts.values();
        if accounts.any(|account| account["code"] == body["code"]) {
            let words = "customer account with this code already exists.";
            return Err(member_error("code", words));
        }
        let templates = Templates::read().map_err(|why| detail_refusal(500, why))?;
        let mut account = templates.customer_account;
        let ids = &self.account.customer_accounts;
        let id = ids.keys().last().map_or(1, |id| id + 1);
        account.insert("id".into(), json!(id));
        set_members(&mut account, &body);
        let answer = HttpReply::json(self.switches.account_create_status, &json!(account));
        self.account.customer_accounts.insert(id, account);
        Ok(answer)
    }

    /// Changes a customer account and answers with it.
    pub(super) fn update_customer_account(
        &mut self,
        id: &str,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        let (id, mut account) = self.find_customer_account(id)?;
        let body = self.parse_body(request, &UPDATE)?;
        self.check_customer_account(&body)?;
        set_members(&mut account, &body);
        let answer = HttpReply::json(200, &json!(account));
        self.account.customer_accounts.insert(id, account);
        Ok(answer)
    }

    /// Removes a customer account.
    pub(super) fn delete_customer_account(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        let (id, _) = self.find_customer_account(id)?;
        self.account.customer_accounts.remove(&id);
        Ok(HttpReply::empty(self.switches.feature_delete_status))
    }

    /// Returns the customer account that a path names; 404 if there is none.
    fn find_customer_account(&self, id: &str) -> Result<(u64, JsonObject), Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| Some((id, self.account.customer_accounts.get(&id)?.clone())));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }

    /// Checks what the schema cannot say: whether a text may be empty.
    fn check_customer_account(&self, body: &Value) -> Result<(), Refusal> {
        let mut members = body.as_object().into_iter().flatten();
        let blank = members.find(|(_, value)| **value == "");
        match blank.filter(|_| self.switches.blank_note == BlankPolicy::Refuse) {
            Some((name, _)) => Err(member_error(name, "This field may not be blank.")),
            None => Ok(()),
        }
    }
}

/// Sets those members of a checked body that an account has.
fn set_members(account: &mut JsonObject, body: &Value) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let name = if name == "Phone" { "phone" } else { name };
        let is_known = CREATE.iter().any(|member| member.name == name);
        if is_known && account.contains_key(name) {
            account.insert(name.into(), value.clone());
        }
    }
}
