//! Rows of a list that cannot be used. They are counted, and the list with them is refused; none is kept.

use std::fmt::Write;

/// Rows of one list. Replies have at most 64 MiB, and no vendor's row is as short as this many would have to be.
const MOST_ROWS: usize = 200_000;

/// Places of odd rows that are told.
const MOST_NAMED: usize = 3;

/// What is odd about the rows of a list.
#[derive(Clone, Debug, Default)]
pub struct Odd {
    /// Rows that were read, odd or not.
    read: usize,
    no_objects: Places,
    no_ids: Places,
}

/// Rows, by their numbers from 1 on.
#[derive(Clone, Debug, Default)]
struct Places {
    count: usize,
    first: Vec<usize>,
}

impl Places {
    fn add(&mut self, row: usize) {
        self.count += 1;
        if self.first.len() < MOST_NAMED {
            self.first.push(row);
        }
    }

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
    pub(super) fn add_no_object(&mut self) {
        self.read += 1;
        self.no_objects.add(self.read);
    }

    pub(super) fn add_no_id(&mut self) {
        self.read += 1;
        self.no_ids.add(self.read);
    }

    /// Counts a row that is as it should be, and tells whether it is kept.
    pub(super) fn take_row(&mut self) -> bool {
        self.read += 1;
        !self.is_any()
    }

    pub(super) fn is_any(&self) -> bool {
        self.no_objects.count > 0 || self.no_ids.count > 0 || self.read > MOST_ROWS
    }

    /// Says what is odd, if anything is; `id` is what every row must have, for example "the text `id`".
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
