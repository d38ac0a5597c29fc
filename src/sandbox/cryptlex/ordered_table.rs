//! Objects in the order of creation, which is the default order of the list calls, each found by its id.
//!
//! A removed object leaves its place empty, so that places stay valid and the order needs no upkeep.
//!
//! Example: after `a`, `b` and `c` were added and `b` removed, the places 0 and 2 are taken, and the next object gets
//! place 3.

use std::collections::BTreeMap;

/// A table of objects; lookups by id are logarithmic.
#[derive(Clone)]
pub(super) struct OrderedTable<T> {
    places: Vec<Option<T>>,
    by_id: BTreeMap<String, usize>,
}

impl<T> Default for OrderedTable<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            by_id: BTreeMap::new(),
        }
    }
}

impl<T> OrderedTable<T> {
    /// Adds an object behind all others and returns its place; `Err` if its id is taken.
    pub(super) fn add(&mut self, id: &str, object: T) -> Result<usize, String> {
        let at = self.places.len();
        if self.by_id.contains_key(id) {
            return Err(format!("{id} is there twice"));
        }
        self.by_id.insert(id.to_owned(), at);
        self.places.push(Some(object));
        Ok(at)
    }

    /// Returns the place of an object; `None` if there is none with this id.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Returns an object by its id.
    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.at(self.position(id)?)
    }

    /// Returns an object by its id, to change it.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let at = self.position(id)?;
        self.places.get_mut(at)?.as_mut()
    }

    /// Returns the object at a place.
    pub(super) fn at(&self, place: usize) -> Option<&T> {
        self.places.get(place)?.as_ref()
    }

    /// Removes an object and returns it with its place; `None` if there is none with this id.
    pub(super) fn remove(&mut self, id: &str) -> Option<(usize, T)> {
        let at = self.by_id.remove(id)?;
        let removed = self.places.get_mut(at)?.take()?;
        Some((at, removed))
    }

    /// Removes the objects that `keep` refuses.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for place in &mut self.places {
            if place.as_ref().is_some_and(|object| !keep(object)) {
                *place = None;
            }
        }
        let places = &self.places;
        self.by_id
            .retain(|_, at| places.get(*at).is_some_and(Option::is_some));
    }

    /// Lists the objects in the order of creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// Lists the objects with their places.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, &T)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(at, object)| Some((at, object.as_ref()?)))
    }

    /// Lists the objects in the order of creation, to change them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten()
    }

    /// Returns the number of objects.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_object_leaves_the_others_where_they_are() {
        let mut table = OrderedTable::default();
        for id in ["c", "a", "b"] {
            table.add(id, id).unwrap();
        }
        assert!(
            table
                .add("a", "again")
                .unwrap_err()
                .contains("a is there twice")
        );
        assert_eq!(table.remove("a"), Some((1, "a")));
        assert_eq!(table.remove("a"), None);
        assert_eq!((table.get("b"), table.position("b")), (Some(&"b"), Some(2)));
        assert_eq!(table.add("a", "new"), Ok(3));
        assert_eq!(table.iter().copied().collect::<Vec<_>>(), ["c", "b", "new"]);
        table.retain(|object| *object != "b");
        assert_eq!((table.len(), table.get("b"), table.at(2)), (2, None, None));
        let entries: Vec<_> = table.entries().collect();
        assert_eq!(entries, [(0, &"c"), (3, &"new")]);
    }
}
