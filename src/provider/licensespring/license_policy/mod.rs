//! License policies of LicenseSpring ("license templates" in its API): what new licenses of a product get.
//!
//! * Write: `PATCH /api/v1/license-templates/{id}/` with the members that change; it takes neither code nor product. The
//!   reply is the policy.
//! * Creation: `POST /api/v1/license-templates/`, 201. Whether a code that the product has already is refused is not said,
//!   so the list is read right before.
//! * Removal: `DELETE`, 204. "A license policy is only a template" ("License Policies"); what becomes of licenses that name it
//!   is not said. They are counted by the list's filter, or told as unknown. The mild form is `is_archived: true`.
//! * Read: the list is walked to its end; see `catalogue`. Whether it has archived policies is not said: one that is to be
//!   archived is never taken for missing. `GET …/{id}/` shows a policy that the list does not.
//!
//! Sources: the five pages of "License Policies" in the Management API, "License Policies" in "Product Configuration", and
//! "List Licenses", checked 2026-11-30.

mod fields;

use std::sync::LazyLock;

use crate::provider::Omissions;
use crate::provider::decode::Columns;
use crate::provider::licensespring::catalogue::{
    CODE, Catalogue, CatalogueKind, Holders, KeyForm, PRODUCT, Search, Unlisted, encode, rows,
};

/// A license policy.
pub static LICENSE_POLICY: CatalogueKind = CatalogueKind(&CATALOGUE);

static CATALOGUE: Catalogue = Catalogue {
    table: &fields::TABLE,
    noun: "license policy",
    nouns: "license policies",
    list: "/api/v1/license-templates/",
    unlisted: Some(Unlisted {
        field: fields::IS_ARCHIVED,
        word: "archived",
    }),
    has_single: true,
    rows: LazyLock::new(|| rows(Columns::of(fields::TABLE.desired), CODE, PRODUCT)),
    key_names: [CODE, PRODUCT],
    key_form: KeyForm::CodeInProduct(Holders {
        filter: "license_template_id",
        // Only newer replies show the policy of a license ("Apply License Policy", 2026-11-30).
        has: |license, id| {
            let policy = license.get("license_template")?;
            Some(
                policy
                    .as_u64()
                    .is_some_and(|policy| id.parse() == Ok(policy)),
            )
        },
        lose: false,
    }),
    search: Search::Whole,
    spans: &fields::SPANS,
    encode,
    omissions: Omissions::NONE,
    describe_holders: |licenses| match licenses {
        None => "how many licenses have it as their policy is not known".into(),
        Some(0) => "no license is found that has it as its policy".into(),
        Some(1) => "1 license has it as its policy".into(),
        Some(licenses) => format!("{licenses} licenses have it as their policy"),
    },
};

#[cfg(test)]
mod tests;
