//! Orders of LicenseSpring, whose creation makes licenses.
//!
//! * Write: `PATCH /api/v1/orders/{id}/` with the members that change. The reply is the order, with the numbers of its
//!   customer and its customer account.
//! * Creation: `POST /api/v1/orders/create_order/`, 200, with the id of one's own books as `id`. `append` is left out, so
//!   an id that is there already is an error and nothing is added to it. What the reply looks like is not stored; it has the
//!   keys of new licenses, so it is not read at all. `metadata` is a text here and an object elsewhere.
//! * Removal: no page shows a call (searched 2026-11-30).
//! * Read: the list with the filter `store_id`, or all of it. Its rows have the customer as an object. The page "Retrieve
//!   Order" is stored up to the licenses of the order, so an order is never read by its number alone.
//!
//! Sources: the pages "Create Order" (five versions), "Update Order", "List Orders" and "Retrieve Order" of the Management
//! API, and `Order` of the vendor's Java client, which reads the list; checked 2026-11-30.

mod fields;
mod items;

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use crate::model::{Call, Method, WritePurpose};
use crate::provider::decode::Columns;
use crate::provider::licensespring::catalogue::{
    self, Catalogue, CatalogueKind, KeyForm, Search, rows,
};
use crate::provider::{Omissions, Write, codec};

/// An order.
pub static ORDER: CatalogueKind = CatalogueKind(&CATALOGUE);

static CATALOGUE: Catalogue = Catalogue {
    table: &fields::TABLE,
    noun: "order",
    nouns: "orders",
    list: "/api/v1/orders/",
    unlisted: None,
    has_single: false,
    rows: LazyLock::new(|| {
        let columns = Columns::of(fields::TABLE.desired);
        let columns = columns.or_inside(fields::CUSTOMER, "id");
        let columns = columns.or_inside(fields::CUSTOMER_ACCOUNT, "id");
        rows(columns, fields::STORE_ID, "type")
    }),
    key_names: [fields::STORE_ID, ""],
    key_form: KeyForm::Field,
    search: Search::Narrow,
    spans: &[],
    encode: encode_order,
    omissions: Omissions {
        removal: "no page of the Management API shows a call that removes an order (searched 2026-11-30)",
        ..Omissions::NONE
    },
    // Nothing else has an order.
    describe_holders: |_| String::new(),
};

/// Spells a write. The creation has names of its own for three members.
fn encode_order(catalogue: &Catalogue, write: &Write<'_>) -> Call {
    if write.purpose != WritePurpose::Create {
        return catalogue::encode(catalogue, write);
    }
    let table = catalogue.table;
    let mut members = codec::encode_fields(table.desired, &write.fields);
    let mut body = serde_json::Map::new();
    for (name, spelled) in [
        (fields::STORE_ID, "id"),
        (fields::CUSTOMER_ACCOUNT, "customer_account_id"),
        (fields::METADATA, fields::METADATA),
    ] {
        if let Some(value) = members.remove(name) {
            let value = match value {
                Json::Object(_) => json!(value.to_string()),
                other => other,
            };
            body.insert(spelled.into(), value);
        }
    }
    body.extend(members);
    let only = table.lifecycle.creation_fields();
    body.extend(codec::encode_fields(only, &write.fields));
    let path = format!("{}create_order/", catalogue.list);
    Call::write(Method::Post, path, Json::Object(body))
}

#[cfg(test)]
mod tests;
