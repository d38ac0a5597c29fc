//! The list of an account, as far as it was read, and the listing of all its objects.

use std::collections::BTreeMap;

use super::{Catalogue, Key};
use crate::model::{Call, Desired, Live, Observed, ReadFailure, Reply, Text};
use crate::provider::licensespring::envelope::Page;
use crate::provider::licensespring::list_walk::{ListWalk, WalkStep};
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

/// How a manifest names an object.
pub enum Name {
    Id(Text),
    Key(Key),
}

impl Name {
    pub fn of(catalogue: &Catalogue, desired: &Desired) -> Self {
        let [first, second] = catalogue.key_names;
        match desired.id(catalogue.id()) {
            "" => Name::Key((desired.id(first).into(), desired.id(second).into())),
            id => Name::Id(id.into()),
        }
    }
}

/// An object that the list has shown.
struct Sighting {
    /// The reading of the list that showed it last.
    reading: usize,
    /// `None` if it cannot be read.
    key: Option<Key>,
    live: Result<Live, String>,
}

impl Sighting {
    fn observed(&self) -> Observed {
        match &self.live {
            Ok(live) => Observed::Live(live.clone()),
            Err(why) => Observed::Unread(ReadFailure::odd(why.clone())),
        }
    }
}

/// The list of an account, as far as it was read.
pub struct CatalogueList {
    pub catalogue: &'static Catalogue,
    /// The filter of the list, and its value.
    filter: Option<(&'static str, Text)>,
    walk: ListWalk,
    found: BTreeMap<Text, Sighting>,
    /// The ids of the objects of each key, once the list is at its end.
    ids: BTreeMap<Key, Vec<Text>>,
}

impl CatalogueList {
    pub fn new(catalogue: &'static Catalogue) -> Self {
        Self {
            catalogue,
            filter: None,
            walk: ListWalk::default(),
            found: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Returns the list of those objects that a filter of the vendor's shows.
    pub fn filtered(catalogue: &'static Catalogue, filter: (&'static str, Text)) -> Self {
        Self {
            filter: Some(filter),
            ..Self::new(catalogue)
        }
    }

    pub fn next_page(&self) -> (usize, Call) {
        let offset = self.walk.offset();
        let filter = self.filter.as_ref();
        let filter = filter.map(|(name, value)| (*name, value.as_str()));
        (offset, self.catalogue.page(offset, filter))
    }

    /// Returns how many more pages the list has, by what its last page said.
    pub fn pages_left(&self) -> usize {
        self.walk.pages_left()
    }

    /// Takes the page at `offset`. Once the list is at its end, it has only what is still there.
    pub fn take(
        &mut self,
        offset: usize,
        reply: &Reply,
        name: &str,
    ) -> Result<WalkStep, ReadFailure> {
        let page = Page::read(&self.catalogue.rows, reply, name)?;
        let reading = self.walk.reading();
        let mut ids = Vec::with_capacity(page.rows.len());
        for (id, row) in page.rows {
            ids.push(id.clone());
            let key = self.catalogue.key_of(&row).ok();
            let live = self.catalogue.decode(row);
            let noun = self.catalogue.noun;
            let live = live.map_err(|fault| format!("{name}: {noun} {id}: {fault}"));
            let sighting = Sighting { reading, key, live };
            self.found.insert(id.into(), sighting);
        }
        let list = format!("GET {}", self.catalogue.list);
        let step = self.walk.take(offset, ids, (page.count, page.next), &list);
        if step != WalkStep::Ask {
            let walk = &self.walk;
            self.found
                .retain(|_, sighting| walk.still_has(sighting.reading));
            for (id, sighting) in &self.found {
                if let Some(key) = &sighting.key {
                    self.ids.entry(key.clone()).or_default().push(id.clone());
                }
            }
        }
        Ok(step)
    }

    /// Returns what the whole list says of an object. Two objects of one key are an error with both numbers.
    pub fn find(&self, named: &Name) -> Observed {
        let key = match named {
            Name::Id(id) => {
                let sighting = self.found.get(id);
                return sighting.map_or(Observed::Missing, Sighting::observed);
            }
            Name::Key(key) => key,
        };
        let found = self.ids.get(key).map_or(&[][..], Vec::as_slice);
        let sighting = |id: &Text| self.found.get(id).map(Sighting::observed);
        match found {
            // An object without a readable key may be the one, so nothing is missing beside it.
            [] => {
                let mut unread = self.found.values().filter(|one| one.key.is_none());
                unread.next().map_or(Observed::Missing, Sighting::observed)
            }
            [only] => sighting(only).unwrap_or(Observed::Missing),
            _ => {
                let ids: Vec<&str> = found.iter().map(Text::as_str).collect();
                let (nouns, id) = (self.catalogue.nouns, self.catalogue.id());
                Observed::Unread(ReadFailure::odd(format!(
                    "{} {nouns} have {}: {}; name one by its `{id}`",
                    ids.len(),
                    self.catalogue.describe_key(key),
                    ids.join(", ")
                )))
            }
        }
    }
}

/// Lists all objects of a catalogue.
pub struct CatalogueListing {
    /// Calls by the offset that they ask for.
    outbox: Outbox<usize>,
    list: CatalogueList,
    failures: Vec<String>,
}

impl CatalogueListing {
    pub fn new(catalogue: &'static Catalogue) -> Self {
        let mut listing = Self {
            outbox: Outbox::default(),
            list: CatalogueList::new(catalogue),
            failures: Vec::new(),
        };
        listing.ask();
        listing
    }

    fn ask(&mut self) {
        let (offset, call) = self.list.next_page();
        self.outbox.send(call, offset);
    }
}

impl Listing for CatalogueListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (offset, name) = self.outbox.purpose(ticket);
        let reply = require_success(&name, answer);
        match reply.and_then(|reply| self.list.take(offset, &reply, &name)) {
            Ok(WalkStep::Ask) => self.ask(),
            Ok(WalkStep::End) => {}
            Ok(WalkStep::Abandon(why)) => self.failures.push(why),
            Err(failure) => self.failures.push(failure.text),
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let CatalogueList {
            catalogue, found, ..
        } = self.list;
        let objects = found.into_iter().map(|(id, sighting)| ListedObject {
            observed: sighting.observed(),
            identity: vec![(catalogue.id(), id)],
        });
        Listed::new(objects.collect(), self.failures)
    }
}
