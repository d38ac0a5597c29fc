//! Finds objects of one list by their ids, and decides which calls show them.
//!
//! A list call shows a hundred rows, a call with `id[eq]` shows one; `list_search` decides between them. A page that is
//! not full, or has nothing new, is the end. An object that was not in the list is asked for by its id before it is
//! reported as missing, since rows move between pages while others write.
//!
//! In: replies to the calls that it gave out, as rows. Out: further calls, and each wanted object once. What a row says
//! of its object is decided by the kind.

use std::collections::BTreeMap;

use super::rows::id_of;
use super::sheet::{FULL, Sheet};
use crate::model::{Call, Text};
use crate::provider::decode::Row;
use crate::provider::list_search::{ListSearch, SearchStep};
use crate::provider::reading::SeenIds;
use crate::provider::with_query;

/// The search for some objects in one list.
pub struct IdSearch {
    /// The path of the list.
    path: String,
    /// Wanted objects that no page has shown yet, with their indices among all wanted objects.
    left: BTreeMap<String, usize>,
    seen: SeenIds,
    search: ListSearch,
    /// Pages that were asked for and have not come yet.
    under_way: usize,
    over: bool,
}

/// Says what a call of a search is for.
#[derive(Clone, Debug)]
pub enum SearchCall {
    /// One object, by its id.
    One { index: usize, id: String },
    /// The next page.
    Page,
    /// A later page, to see whether the list is that long. Pages are counted from 0.
    Ahead { page: usize },
}

/// Calls that may go out now, side by side.
pub type NextCalls = Vec<(Call, SearchCall)>;

/// What a reply says of a wanted object.
pub enum Sighting<R> {
    Row(R),
    /// The vendor has no such object.
    Absent,
    /// The call asked for one object and was answered with another, which proves nothing.
    Other(Text),
}

impl IdSearch {
    pub fn new(path: String) -> Self {
        Self {
            path,
            left: BTreeMap::new(),
            seen: SeenIds::default(),
            search: ListSearch::new(0),
            under_way: 0,
            over: false,
        }
    }

    /// Adds a wanted object by its id; `index` is its number among all wanted objects.
    pub fn want(&mut self, id: &str, index: usize) {
        self.left.insert(id.to_string(), index);
    }

    /// Returns the first calls. A single object is asked for by its id.
    pub fn begin(&mut self) -> NextCalls {
        self.search = ListSearch::new(self.left.len());
        if self.left.len() == 1 {
            self.ask_each()
        } else {
            self.go_on()
        }
    }

    /// Reports whether the fields of an object are wanted, beyond its id.
    pub fn wants(&self, call: &SearchCall, id: &str) -> bool {
        match call {
            SearchCall::One { id: asked, .. } => asked == id,
            SearchCall::Page | SearchCall::Ahead { .. } => self.left.contains_key(id),
        }
    }

    /// Takes the rows of a reply. Returns what it says of wanted objects, each with its index, and the next calls.
    pub fn take<'r, 'de, const N: usize>(
        &mut self,
        call: &SearchCall,
        rows: Vec<Row<'r, 'de, N>>,
    ) -> (Vec<(usize, Sighting<Row<'r, 'de, N>>)>, NextCalls) {
        let count = rows.len();
        match call {
            SearchCall::One { index, id } => (vec![(*index, find_one(id, rows))], Vec::new()),
            SearchCall::Page => {
                let (found, new) = self.absorb(rows);
                self.search.record_page(count);
                self.over |= count < FULL || !new;
                self.under_way -= 1;
                let calls = match self.under_way {
                    0 => self.go_on(),
                    _ => Vec::new(),
                };
                (found, calls)
            }
            // If the page has new rows the list is long, and each object is asked for by its id.
            SearchCall::Ahead { page } => {
                let (found, new) = self.absorb(rows);
                let calls = if new {
                    self.ask_each()
                } else {
                    self.search.set_end(*page);
                    self.go_on()
                };
                (found, calls)
            }
        }
    }

    /// Gives up the objects of a call that brought no usable reply and returns their indices.
    pub fn fail(&mut self, call: &SearchCall) -> Vec<usize> {
        match call {
            SearchCall::One { index, .. } => vec![*index],
            SearchCall::Page | SearchCall::Ahead { .. } => {
                self.under_way = self.under_way.saturating_sub(1);
                std::mem::take(&mut self.left).into_values().collect()
            }
        }
    }

    /// Reports whether no row of the list was shown yet.
    pub fn is_unseen(&self) -> bool {
        self.seen.is_empty()
    }

    /// Asks for every object that is left by its id.
    fn ask_each(&mut self) -> NextCalls {
        let left = std::mem::take(&mut self.left).into_iter();
        let calls = left.map(|(id, index)| {
            let path = with_query(&self.path, &[("id[eq]", &id)]);
            (Call::get(path), SearchCall::One { index, id })
        });
        calls.collect()
    }

    /// Decides how to find the objects that the list has not shown yet.
    fn go_on(&mut self) -> NextCalls {
        match self.search.next_step(self.left.len(), self.over) {
            SearchStep::Done => Vec::new(),
            SearchStep::AskEach => self.ask_each(),
            SearchStep::Read(pages) => {
                self.under_way += pages.len();
                let page = |page| (self.page(page), SearchCall::Page);
                pages.map(page).collect()
            }
            SearchStep::Probe(page) => vec![(self.page(page), SearchCall::Ahead { page })],
        }
    }

    /// The call of a page, by its number from 0.
    fn page(&self, page: usize) -> Call {
        let (limit, number) = (FULL, page + 1);
        Call::get(Sheet { limit, number }.of(&self.path))
    }

    /// Takes the rows of a page; the second value reports whether any of them is new.
    fn absorb<'r, 'de, const N: usize>(
        &mut self,
        rows: Vec<Row<'r, 'de, N>>,
    ) -> (Vec<(usize, Sighting<Row<'r, 'de, N>>)>, bool) {
        let (mut found, mut new) = (Vec::new(), false);
        for row in rows {
            let Some(id) = id_of(&row) else {
                continue; // the rows of a page have been checked
            };
            new |= self.seen.is_new(&id);
            if let Some(index) = self.left.remove(id.as_str()) {
                found.push((index, Sighting::Row(row)));
            }
        }
        (found, new)
    }
}

/// Finds the object that was asked for by its id. An empty list means that it does not exist.
fn find_one<'r, 'de, const N: usize>(
    id: &str,
    mut rows: Vec<Row<'r, 'de, N>>,
) -> Sighting<Row<'r, 'de, N>> {
    let at = rows
        .iter()
        .position(|row| id_of(row).as_deref() == Some(id));
    match (at, rows.first()) {
        (Some(at), _) => Sighting::Row(rows.swap_remove(at)),
        (None, None) => Sighting::Absent,
        (None, Some(other)) => Sighting::Other(id_of(other).unwrap_or_default()),
    }
}
