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

use crate::provider::Omissions;
use crate::provider::decode::Columns;
use crate::provider::licensespring::catalogue::{
    CODE, Catalogue, CatalogueKind, KeyForm, PRODUCT, Search, encode, rows,
};

/// A customer account.
pub static CUSTOMER_ACCOUNT: CatalogueKind = CatalogueKind(&CATALOGUE);

static CATALOGUE: Catalogue = Catalogue {
    table: &fields::TABLE,
    noun: "customer account",
    nouns: "customer accounts",
    list: "/api/v1/customer-accounts/",
    unlisted: None,
    has_single: false,
    rows: LazyLock::new(|| rows(Columns::of(fields::TABLE.desired), CODE, "customers_count")),
    key_names: [CODE, PRODUCT],
    key_form: KeyForm::Code,
    search: Search::Whole,
    spans: &[],
    encode,
    omissions: Omissions::NONE,
    describe_holders: |customers| match customers {
        None => "how many customers belong to it is not known".into(),
        Some(0) => "no customer belongs to it".into(),
        Some(1) => "1 customer belongs to it".into(),
        Some(customers) => format!("{customers} customers belong to it"),
    },
};

#[cfg(test)]
mod tests;
