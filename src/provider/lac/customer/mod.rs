//! Customers of LAC.
//!
//! * Write: `PATCH /customers/{id}` requires the name. The pages do not say what an update does to members that it
//!   leaves out, nor whether a list replaces the live rows or is merged with them. So every write sends all that the
//!   customer has, and each list whole: the outcome is then the same under every reading, except that a row that the
//!   manifest does not name stays where lists are merged, which the reply shows. The reply is the whole customer.
//! * Create: `POST /customers` with the same members; the reply is the whole customer, with its id. Nothing at LAC guards
//!   against doubles, so a customer that may be created is named by a custom tag, by which the list is searched before.
//! * Read: `GET /customers/{id}`, and the customer list, which shows whole customers; see `reading` and `tag_reading`.
//! * Spelling: ids are digit strings. Rows of the lists have ids and times of their own, which no request names.
//!
//! The pages know no call that deletes a customer.
//!
//! Sources: the vendor's pages "Update customer", "Create customer", "Get customer" and "Get all customers", checked
//! 2026-11-30.

mod fields;
mod listing;
mod reading;
mod tag_reading;

use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use crate::model::live::Fact;
use crate::model::{
    Call, Desired, Diagnostic, Diagnostics, ElementKey, Fields, Items, KindTable, Live, Malformed,
    Mark, Method, Observed, ReadFailure, Reply, Shape, Text, Value, WritePurpose,
};
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::kind_readings::read_keyed_apart;
use crate::provider::lac::lists;
use crate::provider::listing::{Identity, Listing};
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write, codec, encode_segment, error_text};

/// A customer.
pub struct Customer;

impl ResourceKind for Customer {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    /// Refuses custom tags that lack the one by which the manifest names the customer: the next run would not find it.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        let Some((name, value)) = tag_of(desired) else {
            return;
        };
        let stated = desired.fields.get(fields::TAGS);
        let keeps_tag = |tags: &Value| tags_in(tags).any(|tag| tag == (name, value));
        if stated.is_some_and(|tags| !keeps_tag(&tags)) {
            let message = format!(
                "the customer is named by the custom tag {name:?} with the value {value:?}, which `CustomTags` lacks"
            );
            findings.push(
                Diagnostic::error("bad-choice", message)
                    .at(&desired.origin.source, location(fields::TAGS))
                    .hint("add the tag, or name the customer by its `customerId`"),
            );
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        read_keyed_apart(
            desired,
            |one| tag_of(one).is_some(),
            |tagged| Box::new(tag_reading::TagReading::new(tagged)),
            |numbered| Box::new(reading::CustomerReading::new(numbered)),
        )
    }

    /// A customer may be named by any of its custom tags.
    fn natural_keys(&self, live: &Live) -> Vec<Identity> {
        let tags = live.fields.get(fields::TAGS);
        let keys = tags.into_iter().flat_map(tags_in);
        keys.map(|(name, value)| {
            vec![
                (fields::TAG_NAME, name.into()),
                (fields::TAG_VALUE, value.into()),
            ]
        })
        .collect()
    }

    fn key_fields(&self, desired: &Desired) -> Fields {
        let mut fields = Fields::new();
        if let Some((name, value)) = tag_of(desired) {
            let key = ElementKey::new(vec![name.into()], false);
            let mut tag = Fields::new();
            tag.insert(fields::TAG_VALUE, Value::Text(value.into()));
            let tags = Items::from_iter([(key, tag)]);
            fields.insert(fields::TAGS, Value::Items(tags));
        }
        fields
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(listing::CustomerListing::new()))
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            removal: "no page shows a call (searched 2026-11-29)",
            ..Omissions::default()
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let mut body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        complete_rows(&mut body);
        let (method, path) = match write.purpose {
            WritePurpose::Create => (Method::Post, lists::customers(0)),
            // No call removes a customer, so that none is ever asked to be removed.
            WritePurpose::Update(_) | WritePurpose::Remove | WritePurpose::Schedule => {
                (Method::Patch, customer_path(&write.id(ID)))
            }
        };
        Call::write(method, path, Json::Object(body))
    }

    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let mut customer = CUSTOMERS
            .one(&reply.body)
            .map_err(|error| Malformed::new(error_text::describe_unreadable(reply, &error)))?
            .ok_or_else(|| Malformed::new("the reply is no object"))?;
        let id = id_of(&customer).ok_or_else(|| Malformed::new("`id` is no number"))?;
        let written = match desired.id(ID) {
            "" => before.text(ID),
            id => Some(id),
        };
        // A customer that was created has the id that the vendor gave it.
        if written.is_some_and(|written| written != id) {
            return Err(Malformed::new("`id` is not the one that was written"));
        }
        decode(&mut customer)
    }
}

/// The member of a manifest that names the customer.
const ID: &str = "customerId";

/// A customer as lists and replies show it.
static CUSTOMERS: LazyLock<Rows<1>> = LazyLock::new(|| {
    let columns = Columns::of(fields::TABLE.desired);
    Rows::new(columns, [AtomShape::at("id")]).identified(|id| id.integer().is_some())
});

type CustomerRow<'de> = Row<'static, 'de, 1>;

/// Returns the path of a customer's own calls.
fn customer_path(id: &str) -> String {
    format!("/customers/{}", encode_segment(id))
}

/// Returns the id of a row as manifests spell it; `None` if the row has none.
fn id_of(row: &CustomerRow<'_>) -> Option<String> {
    let [id] = &row.beside;
    id.integer().map(|id| id.to_string())
}

/// Returns the custom tag by which a manifest names its customer; `None` if it gives the id.
fn tag_of(desired: &Desired) -> Option<(&str, &str)> {
    let name = desired.id(fields::TAG_NAME);
    (!name.is_empty()).then(|| (name, desired.id(fields::TAG_VALUE)))
}

/// Returns the names and values of custom tags.
fn tags_in(tags: &Value) -> impl Iterator<Item = (&str, &str)> {
    tags.items().iter().filter_map(|(key, tag)| {
        let name: &Text = key.shown().first()?;
        match tag.get(fields::TAG_VALUE) {
            Some(Value::Text(value)) => Some((name.as_str(), value.as_str())),
            _ => None,
        }
    })
}

/// Returns what a row shows. Beside the fields only the id is kept, since contacts are personal data.
fn decode(row: &mut CustomerRow<'_>) -> Result<Live, Malformed> {
    let mut live = Live {
        fields: row.finish().map_err(without_addresses)?,
        ..Live::default()
    };
    if let Some(id) = id_of(row) {
        live.facts.insert(ID.into(), Fact::Text(id));
    }
    Ok(live)
}

/// Leaves the e-mail addresses of contacts out of a fault, which goes into logs:
/// `Contacts[a@x.test].name` becomes `Contacts[…].name`.
fn without_addresses(fault: Malformed) -> Malformed {
    let Malformed(text) = &fault;
    let address = text.split_once('[').and_then(|(before, rest)| {
        // An address may have brackets itself; what follows it has none.
        let (address, after) = rest.rsplit_once(']')?;
        Some((before, address, after))
    });
    match address {
        Some((before, address, after))
            if before.starts_with("`Contacts") && !address.is_empty() =>
        {
            Malformed(format!("{before}[…]{after}"))
        }
        _ => fault,
    }
}

/// Gives each row both of its members, as the pages show rows: a member without a value is sent as `""`.
fn complete_rows(body: &mut Map<String, Json>) {
    for field in fields::TABLE.desired {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        let rows = body.get_mut(field.name).and_then(Json::as_array_mut);
        let rows = rows.into_iter().flatten().filter_map(Json::as_object_mut);
        for row in rows {
            for member in elements.fields {
                row.entry(member.name).or_insert_with(|| "".into());
            }
        }
    }
}

/// Decodes a customer that the call `name` showed; one that is not as documented is unread.
fn observed(mut row: CustomerRow<'_>, id: &str, name: &str) -> Observed {
    match decode(&mut row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => {
            let why = format!("{name}: customer {id}: {fault}");
            Observed::Unread(ReadFailure::odd(why))
        }
    }
}

#[cfg(test)]
mod tests;
