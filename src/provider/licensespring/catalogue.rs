//! Reads and lists what belongs to products: objects with a `code` of the user's own and a number of the vendor's.
//!
//! The list of the whole account is walked to its end by pages that overlap (`list_walk`). No page filters by code, and a
//! code counts as unique, and an object as missing, only once the whole list was read. An object that cannot be read
//! hides no other, unless its code cannot be read either: then it may be any.
//!
//! Of an object that is to be removed the licenses that have it are counted, by the `count` of one page. The filter is
//! not trusted: each license on the page must have the object.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::envelope::{self, Page, number_of};
use super::list_walk::{FULL, ListWalk, WalkStep};
use crate::model::resource::Fact;
use crate::model::{Call, Desired, Live, Malformed, Observed, ReadFailure, Reply, Text};
use crate::provider::decode::{Atom, Row, Rows};
use crate::provider::error_text::describe_unreadable;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, json_of, require_success,
};
use crate::provider::with_query;

/// The members of the key: the code, and the product that the object belongs to.
pub const CODE: &str = "code";
pub const PRODUCT: &str = "product";
/// The product of an object that belongs to none.
pub const NO_PRODUCT: &str = "0";
/// How many licenses have an object that is to be removed.
pub const LICENSES: &str = "licenses";

/// A kind whose objects belong to products, as facts.
pub struct Catalogue {
    /// What one object is called: "product feature".
    pub noun: &'static str,
    /// The name of its id in manifests.
    pub id: &'static str,
    /// The path of the list.
    pub list: &'static str,
    /// Reports whether the list may not show an object because it is as a manifest asks.
    pub may_be_unlisted: fn(&Desired) -> bool,
    /// How objects look: the id, the code and the product beside the fields.
    pub rows: fn() -> &'static Rows<3>,
    /// The filter of the list of licenses by which those that have an object are found.
    pub filter: &'static str,
    /// Reports whether a license has the object with this number.
    pub has: fn(license: &Json, id: &str) -> bool,
}

/// An object as lists and replies show it.
pub type CatalogueRow<'de> = Row<'static, 'de, 3>;

/// The code and the product of an object.
type Key = (Text, Text);

impl Catalogue {
    /// Decodes an object. Its number, code and product are facts: none of them can be changed.
    pub fn decode(&self, mut row: CatalogueRow<'_>) -> Result<Live, Malformed> {
        let id = envelope::id_of(&row).unwrap_or_default();
        let (code, product) = key_of(&row)?;
        let mut live = Live {
            fields: row.finish()?,
            ..Live::default()
        };
        let facts = [(self.id, id.into()), (CODE, code), (PRODUCT, product)];
        for (name, text) in facts {
            live.facts.insert(name.into(), Fact::Text(text.to_string()));
        }
        Ok(live)
    }

    /// Decodes the reply to a write, which is the object: the one that was written, or one of the key that was asked for.
    pub fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let row = (self.rows)()
            .one(&reply.body)
            .map_err(|error| Malformed::new(describe_unreadable(reply, &error)))?
            .ok_or_else(|| Malformed::new("the reply is no object"))?;
        let after = self.decode(row)?;
        for name in [self.id, CODE, PRODUCT] {
            let expected = match desired.id(name) {
                "" => before.text(name),
                text => Some(text),
            };
            if expected.is_some() && after.text(name) != expected {
                return Err(Malformed::new(format!(
                    "`{}` is not the one that was written",
                    if name == self.id { "id" } else { name }
                )));
            }
        }
        Ok(after)
    }

    /// Returns the path of one object.
    pub fn path_of(&self, id: &str) -> String {
        format!("{}{id}/", self.list)
    }

    fn page(&self, offset: usize) -> Call {
        let (limit, text) = (FULL.to_string(), offset.to_string());
        let mut pairs = vec![("limit", limit.as_str())];
        if offset > 0 {
            pairs.push(("offset", &text));
        }
        Call::get(with_query(self.list, &pairs))
    }

    /// Returns the call that counts the licenses which have an object. The rows of the page prove the filter; a few do.
    fn count_call(&self, id: &str) -> Call {
        let pairs = [(self.filter, id), ("limit", "5")];
        Call::get(with_query("/api/v1/licenses/", &pairs))
    }

    /// Takes the count of the page of licenses.
    fn count(&self, id: &str, name: &str, answer: Answer) -> Result<i64, ReadFailure> {
        let page = json_of(name, answer)?;
        let odd = |what: &str| ReadFailure::odd(format!("{name} answered {what}"));
        let count = page["count"].as_i64().filter(|count| *count >= 0);
        let count = count.ok_or_else(|| odd("without the number `count`"))?;
        let licenses = page["results"].as_array();
        let licenses = licenses.ok_or_else(|| odd("without the list `results`"))?;
        match licenses.iter().all(|license| (self.has)(license, id)) {
            true => Ok(count),
            false => Err(odd(&format!(
                "with a license that does not have the {}",
                self.noun
            ))),
        }
    }
}

/// Returns the code and the product of a row.
fn key_of(row: &CatalogueRow<'_>) -> Result<Key, Malformed> {
    let [_, code, product] = &row.beside;
    let code = code.text().filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| Malformed::new("`code` is no text"))?;
    let product = match product {
        Atom::Null => NO_PRODUCT.to_string(),
        other => number_of(other).ok_or_else(|| Malformed::new("`product` is no number"))?,
    };
    Ok((code.into(), product.into()))
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
struct CatalogueList {
    catalogue: &'static Catalogue,
    walk: ListWalk,
    found: BTreeMap<Text, Sighting>,
}

impl CatalogueList {
    fn new(catalogue: &'static Catalogue) -> Self {
        Self {
            catalogue,
            walk: ListWalk::default(),
            found: BTreeMap::new(),
        }
    }

    fn next_page(&self) -> (usize, Call) {
        let offset = self.walk.offset();
        (offset, self.catalogue.page(offset))
    }

    /// Takes the page at `offset`. Once the list is at its end, it has only what is still there.
    fn take(&mut self, offset: usize, reply: &Reply, name: &str) -> Result<WalkStep, ReadFailure> {
        let page = Page::read((self.catalogue.rows)(), reply, name)?;
        let reading = self.walk.reading();
        let mut ids = Vec::with_capacity(page.rows.len());
        for (id, row) in page.rows {
            ids.push(id.clone());
            let key = key_of(&row).ok();
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
        }
        Ok(step)
    }

    /// Returns what the whole list says of an object. Two objects of one key are an error with both numbers.
    fn find(&self, target: &Target) -> Observed {
        let key = match &target.named {
            Name::Id(id) => {
                let sighting = self.found.get(id);
                return sighting.map_or(Observed::Missing, Sighting::observed);
            }
            Name::Key(key) => key,
        };
        let is_named = |(_, sighting): &(&Text, &Sighting)| sighting.key.as_ref() == Some(key);
        let found: Vec<_> = self.found.iter().filter(is_named).collect();
        let mut unread = self.found.values().filter(|one| one.key.is_none());
        match found[..] {
            // An object without a readable code may be the one, so nothing is missing beside it.
            [] => unread.next().map_or(Observed::Missing, Sighting::observed),
            [(_, only)] => only.observed(),
            _ => {
                let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
                let Catalogue { noun, id, .. } = self.catalogue;
                Observed::Unread(ReadFailure::odd(format!(
                    "{} {noun}s have the code {:?}: {}; name one by its `{id}`",
                    ids.len(),
                    key.0,
                    ids.join(", ")
                )))
            }
        }
    }
}

/// How a manifest names an object.
enum Name {
    Id(Text),
    Key(Key),
}

struct Target {
    named: Name,
    is_to_go: bool,
    may_be_unlisted: bool,
}

impl Target {
    fn of(catalogue: &Catalogue, desired: &Desired) -> Self {
        let named = match desired.id(catalogue.id) {
            "" => Name::Key((desired.id(CODE).into(), desired.id(PRODUCT).into())),
            id => Name::Id(id.into()),
        };
        Self {
            named,
            is_to_go: desired.policy.absent,
            may_be_unlisted: (catalogue.may_be_unlisted)(desired),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// The page at an offset.
    Page(usize),
    /// The licenses that have an object which is to be removed.
    Licenses(usize),
}

/// Reads the wanted objects of a catalogue.
pub struct CatalogueReading {
    outbox: Outbox<Purpose>,
    list: CatalogueList,
    targets: Vec<Target>,
    /// Objects that are to be removed, until their licenses are counted.
    going: BTreeMap<usize, Live>,
    settled: Settled,
}

impl CatalogueReading {
    pub fn new(catalogue: &'static Catalogue, desired: &[&Desired]) -> Self {
        let targets = desired.iter().map(|one| Target::of(catalogue, one));
        let mut reading = Self {
            outbox: Outbox::default(),
            list: CatalogueList::new(catalogue),
            targets: targets.collect(),
            going: BTreeMap::new(),
            settled: Settled::none_of(desired.len()),
        };
        reading.ask();
        reading
    }

    fn ask(&mut self) {
        let (offset, call) = self.list.next_page();
        self.outbox.send(call, Purpose::Page(offset));
    }

    /// Settles all objects once the whole list was read.
    fn settle_all(&mut self) {
        for index in 0..self.targets.len() {
            let target = &self.targets[index];
            match self.list.find(target) {
                Observed::Live(live) if target.is_to_go => self.count_licenses(index, live),
                Observed::Missing if target.may_be_unlisted => {
                    let why = format!(
                        "the {} is not in the list, which may not show hidden ones",
                        self.list.catalogue.noun
                    );
                    let unread = Observed::Unread(ReadFailure::odd(why));
                    self.settled.put(index, unread);
                }
                observed => self.settled.put(index, observed),
            }
        }
    }

    fn count_licenses(&mut self, index: usize, live: Live) {
        let catalogue = self.list.catalogue;
        let call = catalogue.count_call(live.text(catalogue.id).unwrap_or_default());
        self.going.insert(index, live);
        self.outbox.send(call, Purpose::Licenses(index));
    }

    fn take_page(&mut self, offset: usize, name: &str, answer: Answer) {
        let reply = require_success(name, answer);
        let step = reply.and_then(|reply| self.list.take(offset, &reply, name));
        let failure = match step {
            Ok(WalkStep::Ask) => return self.ask(),
            Ok(WalkStep::End) => return self.settle_all(),
            Ok(WalkStep::Abandon(why)) => ReadFailure::odd(why),
            Err(failure) => failure,
        };
        for index in 0..self.targets.len() {
            self.settled.put(index, Observed::Unread(failure.clone()));
        }
    }

    fn take_licenses(&mut self, index: usize, name: &str, answer: Answer) {
        let Some(mut live) = self.going.remove(&index) else {
            return;
        };
        let catalogue = self.list.catalogue;
        let id = live.text(catalogue.id).unwrap_or_default().to_string();
        let observed = match catalogue.count(&id, name, answer) {
            Ok(count) => {
                live.facts.insert(LICENSES.into(), Fact::Number(count));
                Observed::Live(live)
            }
            Err(failure) => Observed::Unread(failure),
        };
        self.settled.put(index, observed);
    }
}

impl Reading for CatalogueReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::Page(offset) => self.take_page(offset, &name, answer),
            Purpose::Licenses(index) => self.take_licenses(index, &name, answer),
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let noun = self.list.catalogue.noun;
        self.settled
            .finish(|_| Observed::Unread(ReadFailure::odd(format!("the {noun} was not asked for"))))
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
            identity: vec![(catalogue.id, id)],
        });
        Listed::new(objects.collect(), self.failures)
    }
}
