//! License orders of LAC.
//!
//! * Write: `PATCH /license-orders/{activation_key}` is documented like a PUT, with every required
//!   member; arrays are replaced whole. The reply is the whole order.
//! * Read: the list with filters. The page of the single GET shows the end-user API's answer, so it is
//!   not used. No reply carries `customer_id`; see `reading`.
//! * Spelling: integers come back as digit strings, except the two counters; absent optionals as null;
//!   HostID names as labels (`hostname` as `Hostname`).
//! * `removal` is a request that the server clears by itself once the end user's machine confirmed it,
//!   so it is sent once and then left alone.
//!
//! * Create: `POST /license-orders` takes the members of an update, and the server makes the key. Nothing guards against
//!   doubles, so an order that may be created is named by a marker in its description; see `marker`. The page of the call
//!   does not show its reply, so the order is read after it.
//!
//! Sources: the vendor's pages "Update license order", "Get all license orders", "Create token",
//! "Get all customers", checked 2026-11-21, and "Create license order", checked 2026-11-29.

mod customers;
mod fields;
mod listing;
mod lists;
mod marked_reading;
mod marker;
mod new_order;
mod order_search;
mod owner_resolution;
mod read_cost;
mod reading;
mod target;
mod template_search;

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::live::{Fact, Facts};
use crate::model::{
    Call, Desired, Diagnostics, Fields, KindTable, Live, Malformed, Mark, Method, Reply, Value,
    WritePurpose,
};
use crate::provider::codec;
use crate::provider::decode::{Atom, AtomShape, Columns, Row, Rows};
use crate::provider::kind_readings::read_keyed_apart;
use crate::provider::listing::{Identity, Listing};
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write, encode_segment};

/// A license order.
pub struct LicenseOrder;

impl ResourceKind for LicenseOrder {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        marker::audit(desired, location, findings);
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        read_keyed_apart(
            desired,
            |one| marker::marker_of(one).is_some(),
            |marked| Box::new(marked_reading::MarkedReading::new(marked)),
            |keyed| Box::new(reading::OrderReading::new(keyed)),
        )
    }

    fn natural_keys(&self, live: &Live) -> Vec<Identity> {
        marker::natural_keys(live)
    }

    fn key_fields(&self, desired: &Desired) -> Fields {
        marker::key_fields(desired)
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(listing::OrderListing::new()))
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            removal: "no page of the REST API shows a call (searched 2026-11-29)",
            ..Omissions::default()
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        let (method, path) = match write.purpose {
            WritePurpose::Create => (Method::Post, lists::orders(None, None, 0)),
            // No call removes an order, so that none is ever asked to be removed.
            WritePurpose::Update(_) | WritePurpose::Remove | WritePurpose::Schedule => {
                let key = write.id(fields::ACTIVATION_KEY);
                let path = format!("/license-orders/{}", encode_segment(&key));
                (Method::Patch, path)
            }
        };
        Call::write(method, path, Json::Object(body))
    }

    /// Editing an order does not rewrite what was activated before ("Deactivating software licenses").
    fn note(&self, live: &Live) -> Option<String> {
        let active = live
            .number("activated_licenses_count")
            .filter(|count| *count > 0);
        let Some(active) = active else {
            return new_order::note(live);
        };
        let (noun, keeps) = if active == 1 {
            ("license", "keeps its")
        } else {
            ("licenses", "keep their")
        };
        Some(format!(
            "{active} activated {noun} {keeps} terms until activated again"
        ))
    }

    /// The echo names the customer and does not give its id. The same name as before proves that the order is
    /// still with the customer it was read with; a write that is to move it elsewhere is proved by a read, since
    /// two customers may share a name.
    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let order = ORDERS
            .one(&reply.body)
            .map_err(|error| {
                Malformed::new(crate::provider::error_text::describe_unreadable(
                    reply, &error,
                ))
            })?
            .ok_or_else(|| Malformed::new("the reply is no object"))?;
        let key = match desired.id(fields::ACTIVATION_KEY) {
            "" => before.text(fields::ACTIVATION_KEY),
            key => Some(key),
        };
        if key.is_none() || key_of(&order) != key {
            return Err(Malformed::new(
                "`activation_key` is not the one that was written",
            ));
        }
        let mut live = decode(order)?;
        if let Some(key) = before.facts.get(fields::ACTIVATION_KEY) {
            live.facts
                .insert(fields::ACTIVATION_KEY.into(), key.clone());
        }
        let owner = before.fields.get(fields::CUSTOMER_ID).cloned();
        let name = live.facts.get(CUSTOMER_NAME);
        let stays = desired.fields.get(fields::CUSTOMER_ID) == owner;
        let same_name = name.is_some() && name == before.facts.get(CUSTOMER_NAME);
        match owner.filter(|_| stays && same_name) {
            Some(owner) => {
                live.fields.insert(fields::CUSTOMER_ID, owner);
                Ok(live)
            }
            None => Err(Malformed::new(
                "the reply does not prove whose the order is",
            )),
        }
    }
}

/// The fact that keeps the name of an order's customer, as replies show it.
const CUSTOMER_NAME: &str = "customer";

/// The fact that keeps the name of an order's product template, as replies show it. They do not name the product.
const TEMPLATE_NAME: &str = "product";

/// An order as lists and replies show it.
static ORDERS: LazyLock<Rows<7>> = LazyLock::new(|| {
    let columns = Columns::of(fields::TABLE.desired);
    let beside = [
        AtomShape::at("activation_key"),
        AtomShape::inside("customer", "name"),
        AtomShape::inside("product_template", "name"),
        AtomShape::at("activated_licenses_count"),
        AtomShape::at("deactivations_left"),
        AtomShape::at("removal_request_time"),
        AtomShape::at("removal_confirmation_time"),
    ];
    let template = columns.inside("product_template_id", "product_template", "id");
    Rows::new(template, beside).identified(|key| key.text().is_some())
});

type OrderRow<'de> = Row<'static, 'de, 7>;

/// What an order shows, all but its customer id.
fn decode(mut row: OrderRow<'_>) -> Result<Live, Malformed> {
    let mut live = Live {
        fields: row.finish()?,
        facts: Facts::with_capacity(4),
        ..Live::default()
    };
    let [_, customer, template, active, left, asked, confirmed] = row.beside;
    for (fact, name) in [(CUSTOMER_NAME, customer), (TEMPLATE_NAME, template)] {
        if let Atom::Text(name) = name {
            let name = Fact::Text(name.into_owned());
            live.facts.insert(Cow::Borrowed(fact), name);
        }
    }
    if let Some(count) = active.integer() {
        let name = Cow::Borrowed("activated_licenses_count");
        live.facts.insert(name, Fact::Number(count));
    }
    if let (Some(left), Some(Value::Integer(allowed))) =
        (left.integer(), live.fields.get("deactivations_allowed"))
        && let Some(used) = allowed.checked_sub(left)
    {
        let name = Cow::Borrowed("deactivations_used");
        live.facts.insert(name, Fact::Number(used));
    }
    for time in [asked, confirmed] {
        if let Atom::Text(time) = time {
            let name = Cow::Borrowed(fields::REMOVAL_ASKED);
            live.facts.insert(name, Fact::Text(time.into_owned()));
        }
    }
    Ok(live)
}

fn key_of<'r>(row: &'r OrderRow<'_>) -> Option<&'r str> {
    let [key, ..] = &row.beside;
    key.text()
}

fn customer_of<'r>(row: &'r OrderRow<'_>) -> Option<&'r str> {
    let [_, name, ..] = &row.beside;
    name.text()
}

#[cfg(test)]
mod tests;
