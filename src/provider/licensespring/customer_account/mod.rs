//! Customer accounts of LicenseSpring, which group customers.
//!
//! * Write: `PATCH /api/v1/customer-accounts/{id}/` with the members that change; it does not take the code. The reply is
//!   the account.
//! * Creation: `POST /api/v1/customer-accounts/`. Its page says that the code must be unique; its reply is not stored, so
//!   the list is read after it.
//! * Removal: `DELETE`, 200. What becomes of the customers of the account is not said; each row counts them.
//! * Read: the list is walked to its end; see `catalogue`. No page shows a filter.
//!
//! Sources: the pages "List Customer Accounts", "Create Customer Account", "Update Customer Account", "Delete Customer
//! Account", checked 2026-11-30.

mod fields;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, Reply, Verdict, WritePurpose,
};
use crate::provider::codec;
use crate::provider::decode::{AtomShape, Columns, Rows};
use crate::provider::licensespring::catalogue::{
    CODE, Catalogue, CatalogueListing, CatalogueReading, HOLDERS, KeyForm, PRODUCT,
};
use crate::provider::licensespring::envelope::is_id;
use crate::provider::licensespring::list_walk::FULL;
use crate::provider::licensespring::refusal;
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write};

/// A customer account.
pub struct CustomerAccount;

impl ResourceKind for CustomerAccount {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(CatalogueReading::new(&CATALOGUE, desired))
    }

    /// A page of the list shows a hundred accounts.
    fn ids_per_read(&self) -> usize {
        FULL
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(CatalogueListing::new(&CATALOGUE)))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let one = CATALOGUE.path_of(&write.id(fields::ID));
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        match write.purpose {
            WritePurpose::Update(_) => Call::write(Method::Patch, one, Json::Object(body)),
            WritePurpose::Remove => Call::delete(one),
            WritePurpose::Create => CATALOGUE.create_call(write, body),
        }
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        refusal::judge(fields::TABLE.desired, reply)
    }

    fn note(&self, live: &Live) -> Option<String> {
        live.facts.get(HOLDERS)?;
        Some(match live.number(HOLDERS) {
            None => "how many customers belong to it is not known".into(),
            Some(0) => "no customer belongs to it".into(),
            Some(1) => "1 customer belongs to it".into(),
            Some(customers) => format!("{customers} customers belong to it"),
        })
    }

    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        CATALOGUE.echo(desired, before, reply)
    }
}

static CATALOGUE: Catalogue = Catalogue {
    noun: "customer account",
    nouns: "customer accounts",
    id: fields::ID,
    list: "/api/v1/customer-accounts/",
    unlisted: "",
    may_be_unlisted: |_| false,
    has_single: false,
    rows: || &ACCOUNTS,
    key_names: [CODE, PRODUCT],
    key_form: KeyForm::Code,
};

static ACCOUNTS: LazyLock<Rows<3>> = LazyLock::new(|| {
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(CODE),
        AtomShape::at("customers_count"),
    ];
    Rows::new(Columns::of(fields::TABLE.desired), beside).identified(is_id)
});

#[cfg(test)]
mod tests;
