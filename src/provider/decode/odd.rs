//! Counts the rows of a list that cannot be used: rows that are no objects or have no id.
//!
//! One odd row makes the whole list unusable, because a missing row would look like an object that was deleted. The
//! counts go into the message, for example "2 rows without an id (rows 2, 4)". Decoding a row is not done here.

use std::fmt::Write;

/// The highest number of rows of one list. Replies have at most 64 MiB, and so many rows would be shorter than any
/// vendor's.
const MOST_ROWS: usize = 200_000;

/// The number of odd rows that a message names; it counts the others.
const MOST_NAMED: usize = 3;

/// Counts the rows of one list and records which are odd.
#[derive(Clone, Debug, Default)]
pub struct Odd {
    /// Rows that were read, odd or not.
    read: usize,
    no_objects: Places,
    no_ids: Places,
}

/// Counts rows and keeps the numbers of the first ones, from 1.
#[derive(Clone, Debug, Default)]
struct Places {
    count: usize,
    first: Vec<usize>,
}

impl Places {
    /// Records one more row.
    fn add(&mut self, row: usize) {
        self.count += 1;
        if self.first.len() < MOST_NAMED {
            self.first.push(row);
        }
    }

    /// Formats the count and the row numbers; `one` and `several` describe a single row and many.
    fn words(&self, one: &str, several: &str) -> String {
        let Self { count, first } = self;
        if let ([row], 1) = (first.as_slice(), count) {
            return format!("{one} (row {row})");
        }
        let mut words = format!("{count} {several} (rows ");
        for (number, row) in first.iter().enumerate() {
            let _ = write!(words, "{}{row}", if number > 0 { ", " } else { "" });
        }
        words.push_str(if *count > first.len() { ", …)" } else { ")" });
        words
    }
}

impl Odd {
    /// Counts a row that is no object.
    pub(super) fn add_no_object(&mut self) {
        self.read += 1;
        self.no_objects.add(self.read);
    }

    /// Counts an object without an id.
    pub(super) fn add_no_id(&mut self) {
        self.read += 1;
        self.no_ids.add(self.read);
    }

    /// Counts a sound row, and returns whether it is kept: not once any row was odd.
    pub(super) fn take_row(&mut self) -> bool {
        self.read += 1;
        !self.is_any()
    }

    /// Reports whether the list is unusable, by an odd row or by too many rows.
    pub(super) fn is_any(&self) -> bool {
        self.no_objects.count > 0 || self.no_ids.count > 0 || self.read > MOST_ROWS
    }

    /// Describes what is odd; `None` if nothing is. `id` names what every row must have, for example "the text `id`".
    pub fn words(&self, id: &str) -> Option<String> {
        if self.no_objects.count > 0 {
            let words = self
                .no_objects
                .words("a row that is no object", "rows that are no objects");
            Some(words)
        } else if self.no_ids.count > 0 {
            let (one, several) = (format!("a row without {id}"), format!("rows without {id}"));
            Some(self.no_ids.words(&one, &several))
        } else {
            let many = self.read > MOST_ROWS;
            many.then(|| format!("{} rows in one reply", self.read))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_rows_are_counted_and_the_first_are_told() {
        let mut odd = Odd::default();
        assert!(odd.take_row() && odd.words("the text `id`").is_none());
        odd.add_no_id();
        assert_eq!(
            odd.words("the text `id`").unwrap(),
            "a row without the text `id` (row 2)"
        );
        assert!(!odd.take_row());
        odd.add_no_id();
        assert_eq!(
            odd.words("the text `id`").unwrap(),
            "2 rows without the text `id` (rows 2, 4)"
        );
        for _ in 0..5 {
            odd.add_no_object();
        }
        assert_eq!(
            odd.words("the text `id`").unwrap(),
            "5 rows that are no objects (rows 5, 6, 7, …)"
        );
    }

    #[test]
    fn more_rows_than_any_vendor_sends_are_odd() {
        let mut odd = Odd::default();
        assert!((0..MOST_ROWS).all(|_| odd.take_row()));
        assert!(!odd.is_any());
        assert_eq!(odd.words(""), None);
        assert!(!odd.take_row());
        assert_eq!(odd.words("").unwrap(), "200001 rows in one reply");
    }

    #[test]
    fn a_row_that_is_no_object_makes_a_list_odd() {
        let mut odd = Odd::default();
        odd.add_no_object();
        assert!(odd.is_any() && !odd.take_row());
        assert_eq!(odd.words("").unwrap(), "a row that is no object (row 1)");
    }
}
