//! Product features of LicenseSpring, which licenses name by their code.
//!
//! * Write: `PATCH /api/v1/product-features/{id}/` with the members that change. The page marks `name`, `code` and
//!   `feature_type` as required, so they go along. The reply is the feature.
//! * Creation: `POST /api/v1/product-features/`; a feature without `product` is global. Whether a code that the product has
//!   already is refused is not said, so the list is read right before.
//! * Removal: `DELETE` answers 200 and purges the feature from all licenses; these are counted and shown first. The mild
//!   form is `is_deleted: true`, which hides the feature and leaves it on the licenses that have it.
//! * Read: no page shows a call for one feature, so the list is walked to its end; see `catalogue`. Whether it has
//!   hidden features is not said: one that is to be hidden is never taken for missing.
//!
//! Sources: the four pages of "Features" under products, "Product Features", "Global Features" and "List Licenses",
//! checked 2026-11-30.

mod fields;

use std::sync::LazyLock;

use serde_json::json;

use crate::model::{Call, WritePurpose};
use crate::provider::decode::Columns;
use crate::provider::licensespring::catalogue::{
    self, CODE, Catalogue, CatalogueKind, Holders, KeyForm, PRODUCT, Search, Unlisted, rows,
};
use crate::provider::{Omissions, Write};

/// A product feature.
pub static PRODUCT_FEATURE: CatalogueKind = CatalogueKind(&CATALOGUE);

static CATALOGUE: Catalogue = Catalogue {
    table: &fields::TABLE,
    noun: "product feature",
    nouns: "product features",
    list: "/api/v1/product-features/",
    unlisted: Some(Unlisted {
        field: fields::IS_DELETED,
        word: "hidden",
    }),
    has_single: false,
    rows: LazyLock::new(|| rows(Columns::of(fields::TABLE.desired), CODE, PRODUCT)),
    key_names: [CODE, PRODUCT],
    key_form: KeyForm::CodeInProduct(Holders {
        filter: "product_features__id",
        has: |license, id| {
            let rows = license["product_features"].as_array()?.iter();
            let mut features = rows.filter_map(|row| row["product_feature"]["id"].as_u64());
            Some(features.any(|feature| id.parse() == Ok(feature)))
        },
        lose: true,
    }),
    search: Search::Whole,
    spans: &[],
    encode: encode_with_code,
    omissions: Omissions::NONE,
    describe_holders: |licenses| match licenses {
        None => "from how many licenses it purges it is not known".into(),
        Some(0) => "no license is found that has it".into(),
        Some(1) => "purges it from 1 license".into(),
        Some(licenses) => format!("purges it from {licenses} licenses"),
    },
};

/// Spells a write. An update names the code as well, which its page marks as required.
fn encode_with_code(catalogue: &Catalogue, write: &Write<'_>) -> Call {
    let mut call = catalogue::encode(catalogue, write);
    if let (WritePurpose::Update(_), Some(body)) = (write.purpose, &mut call.body) {
        body[CODE] = json!(write.live.text(CODE).unwrap_or_default());
    }
    call
}

#[cfg(test)]
mod tests;
