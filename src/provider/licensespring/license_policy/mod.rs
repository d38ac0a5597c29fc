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

use serde_json::Value as Json;

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
use crate::provider::licensespring::{refusal, span};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write};

/// A license policy.
pub struct LicensePolicy;

impl ResourceKind for LicensePolicy {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    /// Checks the form of lengths of time, and refuses to create a policy that is archived: the list may not show it, and it
    /// would be created again.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        span::audit(&fields::SPANS, desired, location, findings);
        if desired.policy.create && is_archived(desired) {
            let message = "a policy that is archived is not created: the list may not show it";
            findings.push(
                Diagnostic::error("bad-choice", message)
                    .at(&desired.origin.source, location(fields::IS_ARCHIVED))
                    .hint("leave out `create: true` or `is_archived: true`"),
            );
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(CatalogueReading::new(&CATALOGUE, desired))
    }

    /// A page of the list shows a hundred policies.
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
            None => "how many licenses have it as their policy is not known".into(),
            Some(0) => "no license is found that has it as its policy".into(),
            Some(1) => "1 license has it as its policy".into(),
            Some(licenses) => format!("{licenses} licenses have it as their policy"),
        })
    }

    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        CATALOGUE.echo(desired, before, reply)
    }
}

/// Reports whether a manifest asks for an archived policy.
fn is_archived(desired: &Desired) -> bool {
    desired.fields.get(fields::IS_ARCHIVED) == Some(Value::Bool(true))
}

static CATALOGUE: Catalogue = Catalogue {
    noun: "license policy",
    nouns: "license policies",
    id: fields::ID,
    list: "/api/v1/license-templates/",
    unlisted: "archived",
    may_be_unlisted: is_archived,
    has_single: true,
    rows: || &POLICIES,
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
};

static POLICIES: LazyLock<Rows<3>> = LazyLock::new(|| {
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(CODE),
        AtomShape::at(PRODUCT),
    ];
    Rows::new(Columns::of(fields::TABLE.desired), beside).identified(is_id)
});

#[cfg(test)]
mod tests;
