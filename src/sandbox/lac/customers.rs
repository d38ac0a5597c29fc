//! LAC's calls that write customers: create and update.
//!
//! Of the members of a body only `name` is required, in an update as well. Rows of `Contacts`
//! and `CustomTags` have the two members that the pages' examples show; their ids and times are the server's. What the
//! pages leave open is a switch: members that an update lacks, rows that it lacks, repeated rows, and tags that nobody
//! has defined in the administration.
//!
//! # Worked example
//!
//! A customer has the contacts `a@x.test` and `b@x.test`, and an update has `Contacts: [{"name": "C", "email":
//! "c@x.test"}]`. With `patched_lists` as `replace` the customer has one contact afterwards, with `merge` three.
//!
//! Written from the vendor's pages *Create customer* and *Update customer*, checked 2026-11-30.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Account, CUSTOMER};
use super::orders::format_time;
use super::switches::{AbsentOptional, PatchedLists, RuleEnforcement, Switches};
use super::{Lac, Refusal, list_query, order_schema, parse_body};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::{self, JsonObject};

/// A list of a customer.
struct RowList {
    name: &'static str,
    /// The members of a row that a write names, in the order of the examples.
    members: [&'static str; 2],
    /// The member by which the switches `patched_lists` and `duplicates` tell rows apart.
    key: &'static str,
}

/// The lists of a customer, in the order in which they are read.
const LISTS: [RowList; 2] = [
    RowList {
        name: "Contacts",
        members: ["name", "email"],
        key: "email",
    },
    RowList {
        name: "CustomTags",
        members: ["tag_name", "value"],
        key: "tag_name",
    },
];

impl Lac {
    /// Creates a customer and answers with it. Nothing guards against doubles: names need not be unique.
    pub(super) fn create_customer(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        list_query::refuse_unknown_parameters(request, &[]).map_err(Refusal::invalid_query)?;
        let body = parse_body(request)?;
        let id = self.account.new_customer_id();
        let customer = self
            .written_customer(&body, &blank_customer(id, now), false, now)
            .map_err(Refusal::invalid_data)?;
        let answer = HttpReply::json(200, &Value::Object(customer.clone()));
        self.account.put_customer(id, customer);
        Ok(answer)
    }

    /// Changes a customer and answers with it.
    pub(super) fn update_customer(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        list_query::refuse_unknown_parameters(request, &[]).map_err(Refusal::invalid_query)?;
        let known = order_schema::parse_digits(id)
            .and_then(|id| Some((id, self.account.customers.get(&id)?.clone())));
        let (id, live) = known.ok_or_else(|| Refusal::not_found("Customer id"))?;
        let body = parse_body(request)?;
        let mut customer = self
            .written_customer(&body, &live, self.switches.lenient_patch, now)
            .map_err(Refusal::invalid_data)?;
        customer["update_time"] = format_time(now).into();
        let answer = HttpReply::json(200, &Value::Object(customer.clone()));
        self.account.put_customer(id, customer);
        Ok(answer)
    }

    /// Returns a customer as a body makes it; `live` is the customer before, and brings its id and times.
    ///
    /// `keeps_name` is true if a body without a name keeps it.
    fn written_customer(
        &mut self,
        body: &JsonObject,
        live: &JsonObject,
        keeps_name: bool,
        now: Timestamp,
    ) -> Result<JsonObject, String> {
        let lists = LISTS.iter().map(|list| list.name);
        let known: Vec<&str> = CUSTOMER.iter().copied().chain(lists).collect();
        strict_json::refuse_unknown_members(body, "", &known)?;
        let keeps = self.switches.absent_optional == AbsentOptional::Keep;
        let mut customer = live.clone();
        for name in CUSTOMER {
            let absent = !body.contains_key(*name);
            match *name {
                "name" if absent && keeps_name => {}
                "name" => customer[*name] = strict_json::require_string(body, "", name)?.into(),
                _ if absent && keeps => {}
                _ => customer[*name] = strict_json::optional_string(body, "", name)?.into(),
            }
        }
        for list in &LISTS {
            customer[list.name] = match body.contains_key(list.name) {
                true => self.written_list(list, body, live, now)?,
                false if keeps => continue,
                false => json!([]),
            };
        }
        Ok(customer)
    }

    /// Returns a list of a customer as a body makes it.
    fn written_list(
        &mut self,
        list: &RowList,
        body: &JsonObject,
        live: &JsonObject,
        now: Timestamp,
    ) -> Result<Value, String> {
        let sent = read_rows(body, list, &self.account, &self.switches)?;
        let before = live[list.name].as_array().map_or(&[][..], Vec::as_slice);
        let mut after: Vec<Value> = Vec::new();
        if self.switches.patched_lists == PatchedLists::Merge {
            let unnamed = |row: &&Value| !sent.iter().any(|sent| sent[list.key] == row[list.key]);
            after.extend(before.iter().filter(unnamed).cloned());
        }
        for row in sent {
            let known = before.iter().find(|old| old[list.key] == row[list.key]);
            after.push(self.written_row(list, row, known, &live["id"], now));
        }
        Ok(after.into())
    }

    /// Returns a row as reads show it: with the id and the times of the row before, or new ones.
    fn written_row(
        &mut self,
        list: &RowList,
        row: JsonObject,
        known: Option<&Value>,
        customer: &Value,
        now: Timestamp,
    ) -> Value {
        if let Some(known) = known
            && list.members.iter().all(|name| known[*name] == row[*name])
        {
            return known.clone();
        }
        let created = known.map_or_else(
            || format_time(now).into(),
            |row| row["creation_time"].clone(),
        );
        let mut written = JsonObject::new();
        if list.name == "Contacts" {
            let id = match known {
                Some(known) => known["id"].clone(),
                None => self.account.new_contact_id().to_string().into(),
            };
            written.insert("id".into(), id);
        }
        written.extend(row);
        if list.name == "Contacts" {
            written.insert("customer_id".into(), customer.clone());
        }
        written.insert("creation_time".into(), created);
        written.insert("update_time".into(), format_time(now).into());
        written.into()
    }
}

/// Returns a customer without a name, with an id and times.
fn blank_customer(id: i64, now: Timestamp) -> JsonObject {
    let mut customer = JsonObject::new();
    customer.insert("id".into(), id.to_string().into());
    for name in CUSTOMER {
        customer.insert((*name).into(), Value::Null);
    }
    for name in ["creation_time", "update_time"] {
        customer.insert(name.into(), format_time(now).into());
    }
    for list in &LISTS {
        customer.insert(list.name.into(), json!([]));
    }
    customer
}

/// Reads a list of a body, which has it. `Err` names the first row that does not fit.
fn read_rows(
    body: &JsonObject,
    list: &RowList,
    account: &Account,
    switches: &Switches,
) -> Result<Vec<JsonObject>, String> {
    let mut rows: Vec<JsonObject> = Vec::new();
    let sent = strict_json::require_array(body, "", list.name)?;
    for (index, row) in sent.iter().enumerate() {
        let at = format!("{}[{index}]", list.name);
        let row = strict_json::require_object(row, &at)?;
        strict_json::refuse_unknown_members(row, &at, &list.members)?;
        let mut read = JsonObject::new();
        for name in list.members {
            let text = strict_json::require_string(row, &at, name)?;
            read.insert(name.into(), text.into());
        }
        let repeats = rows.iter().any(|other| other[list.key] == read[list.key]);
        if repeats && switches.duplicates == RuleEnforcement::Refuse {
            return Err(format!("{at} repeats the {} of an earlier one", list.key));
        }
        let tag = read.get("tag_name").and_then(Value::as_str);
        if switches.undefined_tags == RuleEnforcement::Refuse
            && let Some(tag) = tag.filter(|tag| !account.custom_tags.contains(*tag))
        {
            return Err(format!("{at}.tag_name: there is no custom tag {tag:?}"));
        }
        rows.push(read);
    }
    Ok(rows)
}
