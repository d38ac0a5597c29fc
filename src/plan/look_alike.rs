//! Tells apart two values that look the same. The values are compared with each other, because no list of confusable
//! characters is complete.
//!
//! ```text
//! license → lic­ense    differ at character 4: U+0065 and U+00AD
//! é       → é           differ at character 1: U+00E9 and U+0065     (composed, decomposed)
//! Sales   → Sаles       differ at character 2: U+0061 and U+0430     (Latin, Cyrillic)
//! Müller  → Schmidt     nothing: M and S say it
//! ```

use serde_json::Value as Json;

use super::change::{Change, ChangeVerb};

/// The highest number of pairs of a removed and an added element that are compared. It bounds the time of a large
/// plan.
const MOST_PAIRS: usize = 10_000;

/// The number of letters of one alphabet from which two differing texts are taken for different words.
const WORD: usize = 3;

/// The number of characters of a value that every output shows before it cuts.
const SHOWN: usize = 40;

/// Adds to the note of each change the character at which its two sides differ, if a reader cannot see the difference.
///
/// A replaced value is compared with its old value, an added element with each removed one.
pub fn note_look_alikes(changes: &mut [Change]) {
    let paths = |verb: ChangeVerb, changes: &[Change]| -> Vec<String> {
        let of_verb = changes.iter().filter(|change| change.verb == verb);
        of_verb.map(|change| change.path.to_string()).collect()
    };
    let removed = paths(ChangeVerb::Remove, changes);
    let added = paths(ChangeVerb::Add, changes).len();
    let compares = removed.len().saturating_mul(added) <= MOST_PAIRS;
    for change in changes.iter_mut() {
        let apart = match (change.verb, &change.before, &change.after) {
            (ChangeVerb::Replace, Some(before), Some(after)) => describe_difference(before, after),
            (ChangeVerb::Add, ..) if compares => {
                let path = change.path.to_string();
                let apart = removed
                    .iter()
                    .find_map(|other| text_difference(other, &path));
                apart.map(|apart| format!("the removed name and this one {apart}"))
            }
            _ => None,
        };
        if let Some(apart) = apart {
            change.note = Some(match change.note.take() {
                Some(note) => format!("{note}; {apart}"),
                None => apart,
            });
        }
    }
}

/// Describes where two values that look alike differ: `differ at character 4: U+0065 and U+00AD`.
///
/// Lists and objects are searched for the first two texts that look alike. `None` if the values are equal or visibly
/// different. Characters are counted from 1.
pub fn describe_difference(before: &Json, after: &Json) -> Option<String> {
    match (before, after) {
        (Json::String(before), Json::String(after)) => long_texts(before, after),
        (Json::Array(before), Json::Array(after)) => {
            let only = |these: &[Json], those: &[Json]| -> Vec<Json> {
                let only = these.iter().filter(|item| !those.contains(item));
                only.take(MOST_PAIRS / 100).cloned().collect()
            };
            let (gone, new) = (only(before, after), only(after, before));
            let mut pairs = gone
                .iter()
                .flat_map(|gone| new.iter().map(move |new| (gone, new)));
            pairs.find_map(|(gone, new)| describe_difference(gone, new))
        }
        (Json::Object(before), Json::Object(after)) => {
            before
                .iter()
                .find_map(|(name, value)| match after.get(name) {
                    Some(other) => describe_difference(value, other),
                    None => {
                        let mut new = after.keys().filter(|other| !before.contains_key(*other));
                        new.find_map(|other| text_difference(name, other))
                    }
                })
        }
        _ => None,
    }
}

/// Returns [`describe_difference`] in parentheses, to follow a sentence that shows both values. The text is empty if
/// they are equal or visibly different.
pub fn difference_note(before: Option<&Json>, after: Option<&Json>) -> String {
    let both = before.zip(after);
    let apart = both.and_then(|(before, after)| describe_difference(before, after));
    apart.map_or(String::new(), |apart| format!(" ({apart})"))
}

/// Compares two texts like `text_difference`, and also reports texts that are equal in all that an output shows.
fn long_texts(before: &str, after: &str) -> Option<String> {
    text_difference(before, after).or_else(|| {
        let pairs = before.chars().zip(after.chars());
        let head = pairs.take_while(|(old, new)| old == new).count();
        (before != after && head >= SHOWN).then(|| format!("differ at character {}", head + 1))
    })
}

/// Describes where two texts that look alike differ; `None` if they are equal or visibly different.
///
/// The common head and tail are cut off, and what remains in the middle is compared:
///
/// ```text
/// "Sales", "S\u{430}les"   head "S", tail "les", middle "a" and U+0430   differ at character 2
/// "foo",   "foo bar"       head "foo", middle "" and " bar"              visibly different
/// ```
///
/// Two ASCII texts are compared only if they differ in white space alone.
fn text_difference(before: &str, after: &str) -> Option<String> {
    if before == after || before.is_ascii() && after.is_ascii() && !differ_in_space(before, after) {
        return None;
    }
    let (old, new): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    let same = |pair: &(&char, &char)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(same)
        .count();
    let middle = |all: &[char]| all[..all.len() - tail].to_vec();
    if !look_alike(&middle(old), &middle(new)) {
        return None;
    }
    let name = |all: &[char]| match all.first() {
        Some(c) => format!("U+{:04X}", u32::from(*c)),
        None => "nothing".into(),
    };
    Some(format!(
        "differ at character {}: {} and {}",
        head + 1,
        name(old),
        name(new)
    ))
}

/// Reports whether two texts have the same words and can differ in white space only.
fn differ_in_space(before: &str, after: &str) -> bool {
    before
        .split_ascii_whitespace()
        .eq(after.split_ascii_whitespace())
}

/// Reports whether two pieces of text may look the same.
///
/// They may if the printing ASCII characters of one occur in the other in the same order, and each surplus character
/// there has a non-ASCII character on the other side that could stand in for it. Words of [`WORD`] or more letters of
/// one alphabet are excluded: a reader of that alphabet sees the difference.
fn look_alike(old: &[char], new: &[char]) -> bool {
    let printing = |text: &[char]| -> Vec<char> {
        text.iter()
            .copied()
            .filter(char::is_ascii_graphic)
            .collect()
    };
    let (old_seen, new_seen) = (printing(old), printing(new));
    let (old_others, new_others) = (old.len() - old_seen.len(), new.len() - new_seen.len());
    if old_others.min(new_others) >= WORD
        && let (Some(one), Some(other)) = (old.first(), new.first())
        && one.is_alphabetic()
        && alphabet_of(*one) == alphabet_of(*other)
    {
        return false;
    }
    let stands_in = |less: &[char], more: &[char], others: usize| {
        let mut rest = more.iter();
        less.iter().all(|c| rest.any(|other| other == c)) && more.len() - less.len() <= others
    };
    if old_seen.len() <= new_seen.len() {
        stands_in(&old_seen, &new_seen, old_others)
    } else {
        stands_in(&new_seen, &old_seen, new_others)
    }
}

/// Returns a number for the alphabet of a letter, by rough ranges of Unicode: 0 Latin, 1 Greek, 2 Cyrillic, 3 Chinese
/// and Japanese, otherwise the block of 128 characters.
fn alphabet_of(c: char) -> u32 {
    match u32::from(c) {
        0..0x250 => 0,
        0x370..0x400 => 1,
        0x400..0x530 => 2,
        0x3040..0xa000 => 3,
        0xac00..0xd7a4 => 4,
        other => other >> 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ElementKey, FieldPath, Risk};
    use serde_json::json;

    #[test]
    fn values_that_look_alike_are_told_apart() {
        for (before, after, apart) in [
            (
                "license",
                "lic\u{ad}ense",
                "differ at character 4: U+0065 and U+00AD",
            ),
            (
                "license",
                "license\u{200b}",
                "differ at character 8: nothing and U+200B",
            ),
            (
                "\u{e9}t\u{e9}",
                "e\u{301}te\u{301}",
                "differ at character 1: U+00E9 and U+0065",
            ),
            (
                "Sales",
                "S\u{430}les",
                "differ at character 2: U+0061 and U+0430",
            ),
            (
                "paypal",
                "\u{440}\u{430}\u{443}\u{440}\u{430}l",
                "differ at character 1: U+0070 and U+0440",
            ),
            (
                "10 000",
                "10\u{a0}000",
                "differ at character 3: U+0020 and U+00A0",
            ),
            ("a b", "a  b", "differ at character 3: U+0062 and U+0020"),
            ("b", "b ", "differ at character 2: nothing and U+0020"),
            (
                "\u{41e}\u{41e}\u{41e}",
                "\u{39f}\u{39f}\u{39f}",
                "differ at character 1: U+041E and U+039F",
            ),
        ] {
            assert_eq!(
                text_difference(before, after).as_deref(),
                Some(apart),
                "{before} {after}"
            );
            assert!(text_difference(after, before).is_some(), "{after} {before}");
        }
        for (before, after) in [
            ("license", "licence"),
            ("Müller", "Schmidt"),
            ("Müller", "Meyer"),
            ("foo", "foo bar"),
            ("foo", "foo ü bar"),
            ("Лицензия", "Заказ"),
            ("日本語版", "東京都内"),
            ("רישיון", "הזמנה"),
            ("lü", "plan"),
            ("plan", "lü"),
            ("ab", "a b"),
            ("same", "same"),
            ("", "x"),
        ] {
            assert_eq!(text_difference(before, after), None, "{before} {after}");
        }
    }

    #[test]
    fn lists_and_objects_are_looked_through() {
        let apart = |before, after| describe_difference(&before, &after);
        let cyrillic = "S\u{430}les";
        assert!(apart(json!(["Sales", "B"]), json!(["B", cyrillic])).is_some());
        assert!(apart(json!(["Sales", "B"]), json!(["B", "C"])).is_none());
        assert!(apart(json!({"a": {"b": "Sales"}}), json!({"a": {"b": cyrillic}})).is_some());
        assert!(apart(json!({"Sales": 1}), json!({(cyrillic): 1})).is_some());
        assert!(apart(json!(1), json!(2)).is_none());
    }

    #[test]
    fn texts_that_differ_behind_what_is_shown_are_told_apart() {
        let long = "x".repeat(50);
        let apart = |head: usize, end: &str| {
            let (before, after) = (format!("{long}a"), format!("{}{end}", &long[..head]));
            describe_difference(&json!(before), &json!(after))
        };
        assert_eq!(apart(50, "b").as_deref(), Some("differ at character 51"));
        assert_eq!(apart(50, "").as_deref(), Some("differ at character 51"));
        assert_eq!(apart(40, "b").as_deref(), Some("differ at character 41"));
        assert_eq!(apart(39, "b"), None, "it is seen");
        let (before, after) = (format!("{long}Sales"), format!("{long}S\u{430}les"));
        let apart = describe_difference(&json!([before]), &json!([after]));
        assert_eq!(
            apart.as_deref(),
            Some("differ at character 52: U+0061 and U+0430")
        );
    }

    fn change(path: &str, verb: ChangeVerb, values: Option<(&str, &str)>) -> Change {
        Change {
            path: FieldPath::default()
                .field("tags")
                .element(ElementKey::new(vec![path.into()], false)),
            verb,
            before: values.map(|(before, _)| before.into()),
            after: values.map(|(_, after)| after.into()),
            risk: Risk::Safe,
            note: None,
            users: None,
        }
    }

    fn noted(mut changes: Vec<Change>) -> Vec<Option<String>> {
        note_look_alikes(&mut changes);
        changes.into_iter().map(|change| change.note).collect()
    }

    #[test]
    fn a_change_that_nobody_can_see_says_where_it_is() {
        let names = Some(("Sales", "S\u{430}les"));
        let apart = "differ at character 2: U+0061 and U+0430";
        let replaced = change("x", ChangeVerb::Replace, names);
        assert_eq!(noted(vec![replaced.clone()]), [Some(apart.into())]);
        let weighed = Change {
            note: Some("ends at once".into()),
            ..replaced
        };
        assert_eq!(
            noted(vec![weighed]),
            [Some(format!("ends at once; {apart}"))]
        );
        let seen = change("x", ChangeVerb::Replace, Some(("Sales", "Support")));
        assert_eq!(noted(vec![seen]), [None]);
    }

    #[test]
    fn behind_a_sentence_the_difference_is_in_parentheses() {
        let (one, other) = (json!("Sales"), json!("S\u{430}les"));
        let words = " (differ at character 2: U+0061 and U+0430)";
        assert_eq!(difference_note(Some(&one), Some(&other)), words);
        assert_eq!(difference_note(Some(&one), Some(&json!("Support"))), "");
        assert_eq!(difference_note(None, Some(&other)), "");
    }

    #[test]
    fn an_element_that_comes_is_compared_with_those_that_go() {
        let gone = change("Sales", ChangeVerb::Remove, None);
        let new = change("S\u{430}les", ChangeVerb::Add, None);
        let other = change("Support", ChangeVerb::Add, None);
        let apart = "the removed name and this one differ at character 7: U+0061 and U+0430";
        assert_eq!(
            noted(vec![gone.clone(), other.clone(), new.clone()]),
            [None, None, Some(apart.into())]
        );
        assert_eq!(noted(vec![other.clone(), new.clone()]), [None, None]);
        // 100 times 100 names are compared, and not one more.
        let mut many = vec![gone; 100];
        many.extend(vec![other.clone(); 99]);
        many.push(new);
        assert_eq!(noted(many.clone()).pop(), Some(Some(apart.into())));
        many.insert(0, other);
        assert_eq!(noted(many).pop(), Some(None));
    }

    #[test]
    fn of_each_list_a_hundred_members_are_compared() {
        let alike = |others: usize| {
            let list = |kind: &str, last: &str| -> Json {
                let others = (0..others).map(|at| format!("{kind} {at}"));
                others.chain([last.to_string()]).collect()
            };
            describe_difference(&list("old", "Sales"), &list("new", "S\u{430}les")).is_some()
        };
        assert!(alike(99) && !alike(100));
    }
}
