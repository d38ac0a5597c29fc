//! Shows that no row of a list was passed over while its pages were read.
//!
//! Pages are cut by offset or by number. If a row is deleted from a page that was read, all later rows move up, and
//! one row is on neither page: rows 0 to 99 are read, row 7 is deleted, and the page from 100 on begins with the row
//! that was 101; row 100 was passed over. So every page begins with a row that the page before it has shown as well. If
//! both pages show the same row there, no row before it was added or deleted in between; otherwise the list has moved
//! and is read again.
//!
//! Rows that are added after the last page move no other row, so the list is not read again for them.

/// The highest number of readings of a list that keeps moving. After the last one the list is reported as possibly
/// incomplete.
pub const READINGS: usize = 3;

/// Tracks one reading of a list, page after page.
#[derive(Clone, Debug, Default)]
pub struct Overlap<Id = String> {
    /// The ids of the page that was read last; `start` is the index of its first row in the list.
    page: Vec<Id>,
    start: usize,
    /// The ids of the first page, by which a server that ignores the offset is recognised.
    first: Vec<Id>,
}

/// Tells how a page fits to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// The page begins where the page before ended.
    Follows,
    /// The page does not continue the page before: the list has moved.
    Moved,
    /// The page is the first page again: the server ignores the offset and gives the whole list.
    First,
}

impl<Id: Clone + PartialEq> Overlap<Id> {
    /// Returns the number of rows that were read.
    pub fn end(&self) -> usize {
        self.start + self.page.len()
    }

    /// Returns the index of the last row, from which the next page is asked for; 0 at the beginning.
    pub fn last(&self) -> usize {
        self.end().saturating_sub(1)
    }

    /// Takes the ids of the page that begins at `start` and compares it with the page before.
    ///
    /// Worked example with pages of three rows; the next page is asked for from row 2, the last one read:
    ///
    /// ```text
    /// page 0      A B C
    /// page 2      C D E    Follows: both show C at row 2
    /// page 2      D E F    Moved: a row before C was deleted
    /// page 2      A B C    First: the server ignores the offset
    /// ```
    pub fn take(&mut self, start: usize, ids: Vec<Id>) -> Joint {
        if start == 0 && self.page.is_empty() {
            self.first.clone_from(&ids);
            self.page = ids;
            return Joint::Follows;
        }
        let shared = match start.checked_sub(self.start) {
            Some(skipped) => self.page.get(skipped..).unwrap_or(&[]),
            None => &[],
        };
        let joint = if !shared.is_empty() && ids.starts_with(shared) {
            Joint::Follows
        } else if start > 0 && ids == self.first {
            Joint::First
        } else {
            Joint::Moved
        };
        (self.page, self.start) = (ids, start);
        joint
    }
}

/// Describes a list that moved in every reading; `list` is its call, for example `GET /customers`.
pub fn unsettled_list(list: &str) -> String {
    format!(
        "{list}: the list changed while it was read, {READINGS} times: it may have more objects than these; try again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|id| id.to_string()).collect()
    }

    #[test]
    fn a_page_follows_if_it_begins_with_what_the_page_before_showed_there() {
        let mut list = Overlap::default();
        assert_eq!(list.take(0, ids(0..5)), Joint::Follows);
        assert_eq!((list.last(), list.end()), (4, 5));
        assert_eq!(list.take(4, ids(4..9)), Joint::Follows);
        // More than one row in common, and the end.
        assert_eq!(list.take(6, ids(6..9)), Joint::Follows);
        assert_eq!(list.end(), 9);
    }

    #[test]
    fn rows_that_came_or_went_before_a_page_are_noticed() {
        let second = |start: usize, page: Vec<String>| {
            let mut list = Overlap::default();
            list.take(0, ids(0..5));
            list.take(start, page)
        };
        assert_eq!(second(4, ids(5..9)), Joint::Moved, "one went");
        assert_eq!(second(4, ids(3..8)), Joint::Moved, "one came");
        assert_eq!(second(4, ids(0..0)), Joint::Moved, "the last one went");
        assert_eq!(second(3, ids(3..4)), Joint::Moved, "the list ends sooner");
        assert_eq!(second(5, ids(5..9)), Joint::Moved, "nothing in common");
        assert_eq!(second(4, ids(0..5)), Joint::First);
        assert_eq!(second(0, ids(1..6)), Joint::Moved, "the first page again");
        let mut list = Overlap::default();
        list.take(0, ids(0..5));
        list.take(4, ids(4..9));
        assert_eq!(list.take(0, ids(0..5)), Joint::Moved, "back at the start");
    }

    #[test]
    fn an_empty_list_is_one() {
        let mut list: Overlap = Overlap::default();
        assert_eq!(list.take(0, Vec::new()), Joint::Follows);
    }
}
