//! The natural order of names: a number in a name counts as a number.

use std::cmp::Ordering;

/// Compares two names part by part: runs of digits by their value, everything between them by character.
///
/// ```text
/// license-34 < license-334     34 is less than 334
/// order-9b   < order-10a       9 is less than 10
/// v01        < v1              equal in value, so the characters decide
/// ```
///
/// Returns `Equal` for equal texts only, so that a sorted list never depends on the order in which it came.
pub fn compare_natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    while !left.is_empty() && !right.is_empty() {
        let order = compare_parts(take_part(&mut left), take_part(&mut right));
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// Removes the longest beginning of a text that is all digits, or has none, and returns it.
fn take_part<'a>(text: &mut &'a str) -> &'a str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits);
    let (part, rest) = text.split_at(end.unwrap_or(text.len()));
    *text = rest;
    part
}

/// Compares two parts by value if both are digits, of any length, and by character otherwise.
fn compare_parts(one: &str, other: &str) -> Ordering {
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    if !(is_number(one) && is_number(other)) {
        return one.cmp(other);
    }
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let sorted = [
            "",
            "-1",
            "1",
            "01a",
            "1a",
            "2",
            "10",
            "a",
            "a2",
            "a-2",
            "license-34",
            "license-334",
            "order-9b",
            "order-10",
            "order-10a",
            "order-18446744073709551616",
            "order-18446744073709551617",
            "v1.9",
            "v1.10",
            "ä1",
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (place, other) in sorted.iter().enumerate() {
                assert_eq!(compare_natural(one, other), at.cmp(&place), "{one} {other}");
            }
        }
    }
}
