//! The brake: too many changes at once are somebody's mistake until a person says otherwise.
//!
//! The numbers are those of octoDNS, which has kept DNS zones from being emptied for years: 30 %, counted
//! from 10 objects. The share is of all objects of a connection and counts everything that would be written there,
//! also what it held back before, so that a large change is not let through in small pieces.

use crate::model::wording::pluralize;
use crate::plan::guard::MaxChanges;

/// Below this many objects a share says nothing: two of three is one person's work before lunch.
const FROM: usize = 10;

/// What holds unless something else is asked for.
pub const DEFAULT: &str = "30%";

/// Why nothing may be written to a connection; nothing when it may.
pub fn engaged(
    connection: &str,
    changing: usize,
    objects: usize,
    most: MaxChanges,
) -> Option<String> {
    let (allowed, shown) = match most {
        MaxChanges::Count(most) => (most, most.to_string()),
        MaxChanges::Percent(_) if objects < FROM => return None,
        MaxChanges::Percent(share) => (objects * usize::from(share) / 100, format!("{share} %")),
    };
    (changing > allowed).then(|| {
        format!(
            "{changing} of {} of `{connection}` would change and --max-changes allows {shown}: nothing is \
             written there until fewer would. Look at them with `entitle plan`, and let them through with \
             `entitle apply`",
            pluralize(objects, "object")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_counts_from_ten_objects() {
        let most: MaxChanges = DEFAULT.parse().unwrap();
        let engaged = |changing, objects| engaged("lac", changing, objects, most).is_some();
        assert!(!engaged(9, 9));
        assert!(!engaged(3, 10));
        assert!(engaged(4, 10));
        assert!(!engaged(3000, 10_000));
        assert!(engaged(3001, 10_000));
    }

    #[test]
    fn a_number_counts_from_the_first() {
        let engaged = |changing, objects, most| {
            engaged("lac", changing, objects, MaxChanges::Count(most)).is_some()
        };
        assert!(engaged(1, 1, 0) && !engaged(0, 1, 0));
        assert!(!engaged(2, 3, 2) && engaged(3, 3, 2));
        // A number is one, however many objects there are.
        assert!(engaged(31, 100, 30) && !engaged(30, 100, 30));
    }

    #[test]
    fn a_share_is_rounded_down() {
        let engaged = |changing, objects, share| {
            engaged("lac", changing, objects, MaxChanges::Percent(share)).is_some()
        };
        assert!(!engaged(3, 13, 30) && engaged(4, 13, 30), "3.9 are 3");
        assert!(engaged(1, 10, 0) && !engaged(0, 10, 0));
        assert!(!engaged(10, 10, 100));
    }

    #[test]
    fn the_words_name_the_connection_the_numbers_and_the_way_out() {
        let words = |most| engaged("lac", 4, 10, most).unwrap();
        let share = words(MaxChanges::Percent(30));
        let start = "4 of 10 objects of `lac` would change and --max-changes allows 30 %: nothing is written";
        assert!(share.starts_with(start), "{share}");
        let number = words(MaxChanges::Count(3));
        assert!(number.contains("--max-changes allows 3: "), "{number}");
    }
}
