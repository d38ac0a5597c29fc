//! Reads the wanted organizations, by their ids or names, and counts what belongs to them where that decides something.
//!
//! ```text
//! by id                      pages of the list or `id[eq]`, whichever is less (`id_search`)
//! a few by name              `name[eq]` for each
//! many by name               the whole list to its end, by pages that overlap; it shows those by id as well
//! to be removed              a page each of its users, user groups and licenses
//! `allowedUsers` is lowered  its users, all of them
//! ```
//!
//! The page of the list names the filters `id`, `name` and `email` (2026-11-29). A filter is not trusted: a name
//! counts only if the row has it exactly, and a row with another name is an error, since the filter was not applied.

use std::collections::BTreeMap;

use super::dependents::{self, Dependents, UserCount};
use super::{LIST, ORGANIZATIONS, OrganizationRow, READ, fields, name_of, observed};
use crate::model::live::Fact;
use crate::model::{Call, Desired, Live, Observed, ReadFailure, Reply, Text, Value};
use crate::provider::cryptlex::id_search::{IdSearch, NextCalls, SearchCall, Sighting};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, naming_scope, rows_of};
use crate::provider::cryptlex::sheet::{FULL, Sheet};
use crate::provider::decode::Want;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, require_success};
use crate::provider::{canon, with_query};

/// The most names that are asked for one by one.
const FEW: usize = 4;

#[derive(Clone, Debug)]
enum Purpose {
    Search(SearchCall),
    /// The organizations of a name.
    Named(usize),
    /// A page of the whole list.
    Page(Sheet),
    /// A page of what belongs to an organization that is to be removed.
    Dependents(usize, Dependents),
    /// A page of the users of an organization that may have fewer than before.
    Users(usize, Sheet),
}

/// How a manifest names an organization, and what it asks of it.
struct Target {
    id: Text,
    name: Text,
    is_to_go: bool,
    /// The number of users that the manifest allows, unless that is unlimited.
    allowed: Option<i64>,
}

impl Target {
    fn of(desired: &Desired) -> Self {
        let allowed = match desired.fields.get(fields::ALLOWED_USERS) {
            Some(Value::Integer(allowed)) if allowed >= 0 => Some(allowed),
            _ => None,
        };
        Self {
            id: desired.id(fields::ID).into(),
            name: desired.id(fields::NAME).into(),
            is_to_go: desired.policy.absent,
            allowed,
        }
    }

    /// Reports whether the manifest lowers the number of allowed users, so that some may be over it.
    fn lowers(&self, live: &Live) -> bool {
        match (self.allowed, live.fields.get(fields::ALLOWED_USERS)) {
            (None, _) => false,
            (Some(allowed), Some(Value::Integer(before))) => *before < 0 || allowed < *before,
            (Some(_), _) => true,
        }
    }
}

/// An organization whose dependents are being counted.
struct Counted {
    live: Live,
    /// The number of replies that are still to come.
    left: usize,
    users: UserCount,
}

pub struct OrganizationReading {
    outbox: Outbox<Purpose>,
    targets: Vec<Target>,
    search: IdSearch,
    walk: ListWalk,
    /// What the whole list has shown, each with its reading.
    found: BTreeMap<Text, (usize, Observed)>,
    counted: BTreeMap<usize, Counted>,
    settled: Settled,
}

impl OrganizationReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let targets: Vec<Target> = desired_objects.iter().map(|one| Target::of(one)).collect();
        let mut reading = Self {
            outbox: Outbox::default(),
            search: IdSearch::new(LIST.to_string()),
            walk: ListWalk::default(),
            found: BTreeMap::new(),
            counted: BTreeMap::new(),
            settled: Settled::none_of(targets.len()),
            targets,
        };
        let named = reading.targets.iter().filter(|one| one.id.is_empty());
        match named.count() > FEW {
            true => reading.ask_page(),
            false => reading.ask_each(),
        }
        reading
    }

    fn ask_page(&mut self) {
        let sheet = self.walk.sheet();
        let call = Call::get(sheet.of(LIST));
        self.outbox.send(call, Purpose::Page(sheet));
    }

    /// Begins the search by ids, and asks for each name.
    fn ask_each(&mut self) {
        let limit = FULL.to_string();
        for (index, target) in self.targets.iter().enumerate() {
            if target.id.is_empty() {
                let query = [("name[eq]", target.name.as_str()), ("limit", &limit)];
                let call = Call::get(with_query(LIST, &query));
                self.outbox.send(call, Purpose::Named(index));
            } else {
                self.search.want(&target.id, index);
            }
        }
        if self.targets.iter().any(|target| !target.id.is_empty()) {
            let calls = self.search.begin();
            self.send(calls);
        }
    }

    fn send(&mut self, calls: NextCalls) {
        for (call, purpose) in calls {
            self.outbox.send(call, Purpose::Search(purpose));
        }
    }

    /// Settles an organization, or asks first for what belongs to it.
    fn settle(&mut self, index: usize, observed: Observed) {
        let Some(target) = self.targets.get(index) else {
            return;
        };
        let live = match observed {
            Observed::Live(live) if target.is_to_go || target.lowers(&live) => live,
            observed => return self.settled.put(index, observed),
        };
        let id = live.text(fields::ID).unwrap_or_default().to_string();
        let users = UserCount::new(&id);
        let left = match target.is_to_go {
            true => {
                for list in Dependents::ALL {
                    let call = list.first_page(&id);
                    self.outbox.send(call, Purpose::Dependents(index, list));
                }
                Dependents::ALL.len()
            }
            false => {
                let (sheet, call) = users.next_call();
                self.outbox.send(call, Purpose::Users(index, sheet));
                1
            }
        };
        self.counted.insert(index, Counted { live, left, users });
    }

    /// Adds a count to an organization, which is settled with the last one.
    fn add_count(&mut self, index: usize, list: Dependents, count: usize) {
        let Some(counted) = self.counted.get_mut(&index) else {
            return;
        };
        let count = Fact::Number(i64::try_from(count).unwrap_or(i64::MAX));
        counted.live.facts.insert(list.fact().into(), count);
        counted.left -= 1;
        if counted.left == 0
            && let Some(Counted { live, .. }) = self.counted.remove(&index)
        {
            self.settled.put(index, Observed::Live(live));
        }
    }

    /// Takes the reply to a search by name.
    fn take_named(&mut self, index: usize, reply: &Reply, name: &str) -> Result<(), ReadFailure> {
        let rows = rows_of(&ORGANIZATIONS, reply, name, &|_| true)?;
        let Some(target) = self.targets.get(index) else {
            return Ok(());
        };
        let key = target.name.clone();
        let mut found = Vec::new();
        for row in rows {
            let id = id_of(&row).unwrap_or_default();
            let observed = observed(row, name);
            match (name_of(&observed), &observed) {
                (Some(other), _) if other == key => found.push((id, observed)),
                // A vendor may compare without case; that is another organization.
                (Some(other), _) if other.to_lowercase() == key.to_lowercase() => {}
                (None, Observed::Unread(_)) => found.push((id, observed)),
                _ => {
                    let why =
                        format!("{name} answered with organization {id}, which has another name");
                    return Err(ReadFailure::odd(why));
                }
            }
        }
        let observed = only_one(&key, found);
        self.settle(index, observed);
        Ok(())
    }

    fn take_page(&mut self, sheet: Sheet, reply: &Reply, name: &str) -> Result<(), ReadFailure> {
        let rows = rows_of(&ORGANIZATIONS, reply, name, &|_| true)?;
        let reading = self.walk.reading();
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let id = id_of(&row).unwrap_or_default();
            ids.push(id.to_string());
            self.found.insert(id, (reading, observed(row, name)));
        }
        match self.walk.take(sheet, ids, LIST) {
            WalkStep::Ask => self.ask_page(),
            WalkStep::End => self.settle_all(),
            WalkStep::Abandon(why) => return Err(ReadFailure::odd(why)),
        }
        Ok(())
    }

    /// Settles all organizations once the whole list was read.
    fn settle_all(&mut self) {
        let found = std::mem::take(&mut self.found).into_iter();
        let there = found.filter(|(_, (reading, _))| self.walk.still_has(*reading));
        let by_id: BTreeMap<Text, Observed> =
            there.map(|(id, (_, observed))| (id, observed)).collect();
        let mut by_name: BTreeMap<&str, Vec<(Text, Observed)>> = BTreeMap::new();
        for (id, observed) in &by_id {
            if let Some(name) = name_of(observed) {
                let same = by_name.entry(name).or_default();
                same.push((id.clone(), observed.clone()));
            }
        }
        let mut odd = by_id.iter().filter(|(_, one)| name_of(one).is_none());
        let unread = odd.next().map(|(id, one)| (id.clone(), unnamed(id, one)));
        let find = |target: &Target| match target.id.is_empty() {
            true => {
                let same = by_name.get(target.name.as_str()).cloned();
                // An organization that cannot be read may be the one, so nothing is missing beside it.
                let same = same.or_else(|| unread.clone().map(|one| vec![one]));
                only_one(&target.name, same.unwrap_or_default())
            }
            false => by_id.get(&target.id).cloned().unwrap_or(Observed::Missing),
        };
        let all: Vec<Observed> = self.targets.iter().map(find).collect();
        for (index, observed) in all.into_iter().enumerate() {
            self.settle(index, observed);
        }
    }

    fn take_search(
        &mut self,
        call: &SearchCall,
        reply: &Reply,
        name: &str,
    ) -> Result<(), ReadFailure> {
        let want: Want<'_> = &|id| {
            id.text()
                .is_none_or(|id| self.search.wants(call, &canon::canonical_id(id)))
        };
        let rows = rows_of(&ORGANIZATIONS, reply, name, want)?;
        let (found, calls) = self.search.take(call, rows);
        for (index, sighting) in found {
            self.settle(index, sighted(sighting, name));
        }
        self.send(calls);
        Ok(())
    }

    /// Leaves the objects unread that a failed call was for.
    fn fail(&mut self, purpose: &Purpose, failure: ReadFailure) {
        let scope = match purpose {
            Purpose::Dependents(_, list) => list.scope(),
            Purpose::Users(..) => Dependents::Users.scope(),
            Purpose::Search(_) | Purpose::Named(_) | Purpose::Page(_) => READ,
        };
        let failure = naming_scope(failure, scope);
        let indices = match purpose {
            Purpose::Search(call) => self.search.fail(call),
            Purpose::Page(_) => (0..self.targets.len()).collect(),
            Purpose::Named(index) | Purpose::Dependents(index, _) | Purpose::Users(index, _) => {
                vec![*index]
            }
        };
        for index in indices {
            self.counted.remove(&index);
            self.settled.put(index, Observed::Unread(failure.clone()));
        }
    }
}

/// Returns an organization without a readable name as unread.
fn unnamed(id: &str, observed: &Observed) -> Observed {
    match observed {
        Observed::Live(_) => {
            let why = format!("organization {id} is shown without a name");
            Observed::Unread(ReadFailure::odd(why))
        }
        other => other.clone(),
    }
}

/// Returns the only organization of a name; two of them are an error with both ids.
fn only_one(name: &str, mut found: Vec<(Text, Observed)>) -> Observed {
    match (found.pop(), found.is_empty()) {
        (None, _) => Observed::Missing,
        (Some((_, observed)), true) => observed,
        (Some((last, _)), false) => {
            let mut ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
            ids.push(&last);
            Observed::Unread(ReadFailure::odd(format!(
                "{} organizations are named {name:?}: {}; name one by its `organizationId`",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// Returns what the search says of a wanted organization; `name` is the call's name in messages.
fn sighted(sighting: Sighting<OrganizationRow<'_>>, name: &str) -> Observed {
    match sighting {
        Sighting::Row(row) => observed(row, name),
        Sighting::Absent => Observed::Missing,
        Sighting::Other(other) => Observed::Unread(ReadFailure::odd(format!(
            "{name} answered with organization {other} instead"
        ))),
    }
}

impl Reading for OrganizationReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| match &purpose {
            Purpose::Search(call) => self.take_search(call, &reply, &name),
            Purpose::Named(index) => self.take_named(*index, &reply, &name),
            Purpose::Page(sheet) => self.take_page(*sheet, &reply, &name),
            Purpose::Dependents(index, list) => {
                let count = dependents::count_page(&reply, &name)?;
                self.add_count(*index, *list, count);
                Ok(())
            }
            Purpose::Users(index, sheet) => {
                let Some(counted) = self.counted.get_mut(index) else {
                    return Ok(());
                };
                match counted.users.take(*sheet, &reply, &name)? {
                    Some(count) => self.add_count(*index, Dependents::Users, count),
                    None => {
                        let (sheet, call) = counted.users.next_call();
                        self.outbox.send(call, Purpose::Users(*index, sheet));
                    }
                }
                Ok(())
            }
        });
        if let Err(failure) = read {
            self.fail(&purpose, failure);
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.settled.finish(|_| {
            Observed::Unread(ReadFailure::odd(
                "the organization was not asked for".to_string(),
            ))
        })
    }
}
