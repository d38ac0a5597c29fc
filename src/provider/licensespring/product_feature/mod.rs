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

use serde_json::{Value as Json, json};

use crate::model::{
    Call, Desired, Diagnostic, Diagnostics, KindTable, Live, Malformed, Mark, Method, Reply, Value,
    Verdict, WritePurpose,
};
use crate::provider::codec;
use crate::provider::decode::{AtomShape, Columns, Rows};
use crate::provider::licensespring::catalogue::{
    CODE, Catalogue, CatalogueListing, CatalogueReading, HOLDERS, Holders, KeyForm, PRODUCT,
};
use crate::provider::licensespring::envelope::is_id;
use crate::provider::licensespring::list_walk::FULL;
use crate::provider::licensespring::refusal;
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write};

/// A product feature.
pub struct ProductFeature;

impl ResourceKind for ProductFeature {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    /// Refuses to create a feature that is hidden: the list may not show it, and it would be created again.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        if desired.policy.create && is_hidden(desired) {
            let message = "a feature that is hidden is not created: the list may not show it";
            findings.push(
                Diagnostic::error("bad-choice", message)
                    .at(&desired.origin.source, location(fields::IS_DELETED))
                    .hint("leave out `create: true` or `is_deleted: true`"),
            );
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(CatalogueReading::new(&CATALOGUE, desired))
    }

    /// A page of the list shows a hundred features.
    fn ids_per_read(&self) -> usize {
        FULL
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(CatalogueListing::new(&CATALOGUE)))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let one = || CATALOGUE.path_of(&write.id(fields::ID));
        let mut body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        match write.purpose {
            WritePurpose::Update(_) => {
                let code = write.live.text(CODE).unwrap_or_default();
                body.insert(CODE.into(), json!(code));
                Call::write(Method::Patch, one(), Json::Object(body))
            }
            WritePurpose::Remove => Call::delete(one()),
            WritePurpose::Create => CATALOGUE.create_call(write, body),
        }
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        refusal::judge(fields::TABLE.desired, reply)
    }

    fn note(&self, live: &Live) -> Option<String> {
        Some(match live.number(HOLDERS)? {
            0 => "no license is found that has it".into(),
            1 => "purges it from 1 license".into(),
            licenses => format!("purges it from {licenses} licenses"),
        })
    }

    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        CATALOGUE.echo(desired, before, reply)
    }
}

/// Reports whether a manifest asks for a hidden feature.
fn is_hidden(desired: &Desired) -> bool {
    desired.fields.get(fields::IS_DELETED) == Some(Value::Bool(true))
}

static CATALOGUE: Catalogue = Catalogue {
    noun: "product feature",
    nouns: "product features",
    id: fields::ID,
    list: "/api/v1/product-features/",
    unlisted: "hidden",
    may_be_unlisted: is_hidden,
    has_single: false,
    rows: || &FEATURES,
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
};

static FEATURES: LazyLock<Rows<3>> = LazyLock::new(|| {
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(CODE),
        AtomShape::at(PRODUCT),
    ];
    Rows::new(Columns::of(fields::TABLE.desired), beside).identified(is_id)
});

#[cfg(test)]
mod tests;
