//! The kind of a catalogue: everything that follows from its facts.

use super::list::CatalogueListing;
use super::narrow_reading::NarrowReading;
use super::reading::CatalogueReading;
use super::{Catalogue, HOLDERS, Search};
use crate::model::{
    Call, Desired, Diagnostic, Diagnostics, KindTable, Live, Malformed, Mark, Reply, Verdict,
};
use crate::provider::licensespring::list_walk::FULL;
use crate::provider::licensespring::{refusal, span};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write};

/// The kind of the objects of a catalogue.
pub struct CatalogueKind(pub &'static Catalogue);

impl ResourceKind for CatalogueKind {
    fn table(&self) -> &'static KindTable {
        self.0.table
    }

    /// Checks the form of lengths of time, and refuses to create an object that the list may not show: it would be created
    /// again.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        span::audit(self.0.spans, desired, location, findings);
        let Some(unlisted) = &self.0.unlisted else {
            return;
        };
        if desired.policy.create && self.0.may_be_unlisted(desired) {
            let (noun, word, field) = (self.0.noun, unlisted.word, unlisted.field);
            let message =
                format!("a {noun} that is {word} is not created: the list may not show it");
            findings.push(
                Diagnostic::error("bad-choice", message)
                    .at(&desired.origin.source, location(field))
                    .hint(format!("leave out `create: true` or `{field}: true`")),
            );
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        match self.0.search {
            Search::Whole => Box::new(CatalogueReading::new(self.0, desired)),
            Search::Narrow => Box::new(NarrowReading::new(self.0, desired)),
        }
    }

    /// A page of the list shows a hundred objects; a filter is sure of one.
    fn ids_per_read(&self) -> usize {
        match self.0.search {
            Search::Whole => FULL,
            Search::Narrow => 1,
        }
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(CatalogueListing::new(self.0)))
    }

    fn omissions(&self) -> Omissions {
        self.0.omissions
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        (self.0.encode)(self.0, write)
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        refusal::judge(self.0.table.desired, reply)
    }

    fn note(&self, live: &Live) -> Option<String> {
        live.facts.get(HOLDERS)?;
        Some((self.0.describe_holders)(live.number(HOLDERS)))
    }

    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        self.0.echo(desired, before, reply)
    }
}
