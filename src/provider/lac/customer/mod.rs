//! Customers of LAC.
//!
//! * Write: `PATCH /customers/{id}` requires the name. The pages do not say what an update does to members that it
//!   leaves out, nor whether a list replaces the live rows or is merged with them. So every write sends all that the
//!   customer has, and each list whole: the outcome is then the same under every reading, except that a row that the
//!   manifest does not name stays where lists are merged, which the reply shows. The reply is the whole customer.
//! * Read: `GET /customers/{id}`, and the customer list, which shows whole customers; see `reading`.
//! * Spelling: ids are digit strings. Rows of the lists have ids and times of their own, which no request names.
//!
//! The pages know no call that deletes a customer.
//!
//! Sources: the vendor's pages "Update customer", "Create customer", "Get customer" and "Get all customers", checked
//! 2026-11-30.

mod fields;
mod listing;
mod reading;

use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, Observed, ReadFailure, Reply, Shape,
};
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write, codec, encode_segment, error_text};

/// A customer.
pub struct Customer;

impl ResourceKind for Customer {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::CustomerReading::new(desired))
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(listing::CustomerListing::new()))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let mut body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        complete_rows(&mut body);
        let path = customer_path(write.desired.id(ID));
        Call::write(Method::Patch, path, Json::Object(body))
    }

    fn echo(&self, desired: &Desired, _: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let mut customer = CUSTOMERS
            .one(&reply.body)
            .map_err(|error| Malformed::new(error_text::describe_unreadable(reply, &error)))?
            .ok_or_else(|| Malformed::new("the reply is no object"))?;
        if id_of(&customer).as_deref() != Some(desired.id(ID)) {
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

/// Returns what a row shows. Nothing is kept beside the fields, since contacts are personal data.
fn decode(row: &mut CustomerRow<'_>) -> Result<Live, Malformed> {
    Ok(Live {
        fields: row.finish().map_err(without_addresses)?,
        ..Live::default()
    })
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
