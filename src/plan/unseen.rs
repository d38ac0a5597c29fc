//! Refuses writes that would have to carry a field that the read does not show. Such a field is unknown, never empty.
//!
//! In: the table, what the manifest wants, live. Out: `Ok`, or [`NotShown`] with the paths. Nothing is guessed and
//! nothing is fetched here.
//!
//! A field is unknown in live if the reply leaves it out, or if the reply has `null` for it although no page of the
//! vendor shows `null` there. A write that would have to carry such a field would send it as empty, so the object is
//! refused. An object with a managed list that the read does not show is refused as well, since its write could remove
//! any element unseen. `policy.absentIsEmpty` names the fields that the vendor leaves out of its replies when they are
//! empty.
//!
//! Worked example for a vendor whose write replaces the object, with the fields `seats` and `note`:
//!
//! ```text
//! manifest     live                    outcome
//! seats: 5     seats: 3, note: "n"     written, `note` travels with it
//! seats: 5     seats: 3                refused: the read does not show note
//! seats: 5     seats: 3                written with an empty `note` under `absentIsEmpty: [note]`
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::field::Shown;
use crate::model::{
    Carry, Desired, Field, FieldPath, Fields, Live, Need, Policy, Shape, Value, WriteMode,
};
use crate::provider::canon;

/// The number of paths that a message names; it counts the others.
const NAMED: usize = 6;

/// Returns live with an empty value for each field that is not shown and that `policy.absentIsEmpty` names.
///
/// Borrows live if the policy names nothing, which is the usual case.
pub fn fill_absent<'a>(table: &'static [Field], policy: &Policy, live: &'a Live) -> Cow<'a, Live> {
    if policy.absent_is_empty.is_empty() {
        return Cow::Borrowed(live);
    }
    let mut live = live.clone();
    fill_fields(
        table,
        policy,
        &mut live.fields,
        &FieldPath::default(),
        false,
    );
    Cow::Owned(live)
}

/// Fills the fields of an object or element. `folds` is true if the keys of the surrounding list ignore case.
fn fill_fields(
    table: &'static [Field],
    policy: &Policy,
    current: &mut Fields,
    at: &FieldPath,
    folds: bool,
) {
    for field in table.iter().filter(|field| field.need != Need::Never) {
        let path = at.field(field.name);
        match (current.get_mut(field.name), &field.shape) {
            (Some(Value::Items(items)), Shape::Keyed(elements)) => {
                for (key, element) in items.iter_mut() {
                    let path = path.element(key.clone());
                    fill_fields(elements.fields, policy, element, &path, elements.fold);
                }
            }
            (Some(_), _) => {}
            (None, shape) => {
                if policy.takes_absent_for_empty(&path, folds) {
                    current.insert(field.name, canon::cleared_value(shape, field.clearing));
                }
            }
        }
    }
}

/// Refuses a write in `mode` that would have to carry what the read does not show.
///
/// `live` is the result of [`fill_absent`], `wanted` the fields that the manifest manages. A merging write sends only
/// what the manifest manages, so it carries nothing else at the top of the object.
pub fn refuse_unseen(
    table: &'static [Field],
    mode: WriteMode,
    desired: &Desired,
    desired_fields: &Fields,
    live: &Live,
) -> Result<(), NotShown> {
    let mut search = Search {
        policy: &desired.policy,
        carries: mode.replaces(),
        unseen: Vec::new(),
    };
    let root = FieldPath::default();
    search.level(
        table,
        Some(desired_fields),
        &live.fields,
        &root,
        false,
        false,
    );
    NotShown::check(search.unseen)
}

/// Refuses an object whose managed lists the read does not show: without them it cannot even be compared.
pub fn refuse_unseen_lists(
    table: &'static [Field],
    desired: &Desired,
    desired_fields: &Fields,
    live: &Live,
) -> Result<(), NotShown> {
    let root = FieldPath::default();
    let unseen = table
        .iter()
        .filter(|field| field.is_list() && desired_fields.contains_key(field.name))
        .filter(|field| !live.fields.contains_key(field.name))
        .map(|field| Unseen::at(root.field(field.name), field))
        .filter(|unseen| !desired.policy.ignores(&unseen.path, false));
    NotShown::check(unseen.collect())
}

/// Fields that a read does not show and that would be needed to write, or even to compare, the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotShown(Vec<Unseen>);

impl NotShown {
    /// Makes an error of the paths, or `Ok` if there are none.
    fn check(unseen: Vec<Unseen>) -> Result<(), Self> {
        match unseen.is_empty() {
            true => Ok(()),
            false => Err(Self(unseen)),
        }
    }
}

impl std::error::Error for NotShown {}

impl std::fmt::Display for NotShown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (empty, never) = self.0.iter().partition::<Vec<_>, _>(|one| one.can_be_empty);
        let all = list_paths(&Vec::from_iter(&self.0));
        write!(out, "the read does not show {all}: nothing is sent")?;
        let hint = "`policy.absentIsEmpty` names what the vendor leaves out when it is empty";
        match (empty.is_empty(), never.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => write!(out, " ({hint})"),
            (false, false) => write!(
                out,
                " ({hint}, which here only {} can be)",
                list_paths(&empty)
            ),
        }
    }
}

/// A field that a read does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unseen {
    path: FieldPath,
    /// True if `policy.absentIsEmpty` may name it.
    can_be_empty: bool,
}

impl Unseen {
    fn at(path: FieldPath, field: &Field) -> Self {
        let can_be_empty = field.can_be_empty();
        Self { path, can_be_empty }
    }
}

/// Joins the first paths and counts the rest: `a, b, c, d, e, f, 2 more`.
fn list_paths(unseen: &[&Unseen]) -> String {
    let first = unseen.iter().take(NAMED);
    let mut names: Vec<String> = first.map(|one| one.path.to_string()).collect();
    if unseen.len() > NAMED {
        names.push(format!("{} more", unseen.len() - NAMED));
    }
    names.join(", ")
}

/// Searches an object for unknown fields and collects them.
struct Search<'a> {
    policy: &'a Policy,
    /// True if a write carries what the manifest does not manage at the top of the object.
    carries: bool,
    unseen: Vec<Unseen>,
}

impl Search<'_> {
    /// Searches the fields of an object or element. `wanted` is `None` for an element that the manifest does not list.
    ///
    /// `newer` is true if the elements beside it show fields of newer servers; otherwise the server is an older one
    /// and lacks these fields altogether. `folds` is true if the keys of the list around it ignore case.
    fn level(
        &mut self,
        table: &'static [Field],
        desired_fields: Option<&Fields>,
        current: &Fields,
        at: &FieldPath,
        newer: bool,
        folds: bool,
    ) {
        for field in table {
            if field.need == Need::Never || field.carry == Carry::OnlyManaged {
                continue;
            }
            let path = at.field(field.name);
            let ignored = self.policy.ignores(&path, folds);
            let desired_value =
                desired_fields.and_then(|desired_fields| desired_fields.get(field.name));
            let desired_value = desired_value.filter(|_| !ignored);
            if desired_value.is_none() && !self.carries {
                continue;
            }
            let unknown = match current.get(field.name) {
                None if field.shown == Shown::Newer && !newer => false,
                None => desired_value.is_none() || field.is_list(),
                Some(Value::Null) => desired_value.is_none() && field.null.is_none(),
                Some(_) => false,
            };
            if unknown && !self.policy.takes_absent_for_empty(&path, folds) {
                self.unseen.push(Unseen::at(path, field));
            } else if let (Shape::Keyed(_), Some(Value::Items(_))) =
                (&field.shape, current.get(field.name))
            {
                self.elements(field, desired_value, current, &path);
            }
        }
    }

    /// Searches the elements that the write sends: those that the manifest lists, and those that the policy keeps or
    /// ignores. An element that the write removes may have unknown fields.
    fn elements(
        &mut self,
        field: &'static Field,
        desired_value: Option<&Value>,
        current: &Fields,
        path: &FieldPath,
    ) {
        let Shape::Keyed(elements) = &field.shape else {
            return;
        };
        let items = current.get(field.name).map_or(&[][..], Value::items);
        let shows_newer = |(_, element): &(_, Fields)| {
            let newer = |field: &&Field| field.shown == Shown::Newer;
            let mut newer = elements.fields.iter().filter(newer);
            newer.any(|field| element.contains_key(field.name))
        };
        let newer = items.iter().any(shows_newer);
        let keeps = self
            .policy
            .keep_unlisted
            .iter()
            .any(|name| name == field.name);
        let by_key: BTreeMap<_, _> = desired_value
            .map_or(&[][..], Value::items)
            .iter()
            .map(|(key, fields)| (key, fields))
            .collect();
        for (key, element) in items {
            let at = path.element(key.clone());
            let ignored = self.policy.ignores(&at, elements.fold);
            let desired_fields = by_key.get(key).copied().filter(|_| !ignored);
            let stays = desired_value.is_none() || desired_fields.is_some() || keeps || ignored;
            if stays {
                self.level(
                    elements.fields,
                    desired_fields,
                    element,
                    &at,
                    newer,
                    elements.fold,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::field::Elements;
    use crate::model::{Clearing, ElementKey, OwnPolicy, PackedFields, PathPattern};
    use crate::provider::{self, testing};

    static ITEMS: Elements = Elements {
        key: &["id"],
        key_about: &["Id."],
        fold: false,
        fields: &[
            Field::new("seats", Shape::COUNT, "").optional(),
            Field::new("note", Shape::TEXT, "")
                .optional()
                .clearing(Clearing::Null)
                .null("a page, 2026-11-21"),
            Field::new("end", Shape::Date, "")
                .optional()
                .clearing(Clearing::Null),
            Field::new("used", Shape::COUNT, "")
                .optional()
                .carry(Carry::OnlyManaged),
            Field::new("floats", Shape::Boolean, "")
                .optional()
                .shown(Shown::Newer),
            Field::new("users", Shape::COUNT, "")
                .optional()
                .shown(Shown::Newer),
        ],
    };

    static TABLE: &[Field] = &[
        Field::new("name", Shape::TEXT, "").optional(),
        Field::new("items", Shape::Keyed(&ITEMS), ""),
        Field::new("alias", Shape::TEXT, "").need(Need::Never),
    ];

    fn element(spoil: &[(&'static str, Option<Value>)]) -> Fields {
        let mut fields = Fields::from([
            ("seats", Value::Integer(1)),
            ("note", Value::Text("n".into())),
            ("end", Value::Text("2027-01-01".into())),
        ]);
        for (name, value) in spoil {
            match value {
                Some(value) => fields.insert(name, value.clone()),
                None => fields.remove(name),
            };
        }
        fields
    }

    fn items(items: &[(&str, Fields)]) -> Value {
        let key = |id: &str| ElementKey::new(vec![id.into()], false);
        let items = items.iter().map(|(id, fields)| (key(id), fields.clone()));
        Value::Items(items.collect())
    }

    fn object(items: Value) -> Fields {
        Fields::from([("name", Value::Text("x".into())), ("items", items)])
    }

    fn policy(keeps: &[&str], ignore: &[&str], empty: &[&str]) -> Policy {
        let paths = |texts: &[&str]| {
            let paths = texts.iter().map(|text| PathPattern::parse(text));
            paths.collect::<Result<_, _>>().expect("paths")
        };
        Policy {
            keep_unlisted: keeps.iter().map(|name| (*name).to_string()).collect(),
            ignore: paths(ignore),
            absent_is_empty: paths(empty),
            ..Policy::default()
        }
    }

    /// The refusal of a write in a mode, by the paths that it names.
    fn refusal_words(
        mode: WriteMode,
        policy: &Policy,
        desired_fields: &Fields,
        live: &Fields,
    ) -> String {
        let table = provider::find_kind("LacLicenseOrder")
            .expect("a kind")
            .table();
        let desired = Desired {
            policy: OwnPolicy::from(policy.clone()),
            fields: PackedFields::new(TABLE, desired_fields),
            ..testing::desired_object(table, &[])
        };
        let live = Live {
            fields: live.clone(),
            ..Live::default()
        };
        let live = fill_absent(TABLE, policy, &live);
        let refused = refuse_unseen(TABLE, mode, &desired, desired_fields, &live);
        refused
            .err()
            .map_or(String::new(), |error| error.to_string())
    }

    /// The paths alone.
    fn unseen(mode: WriteMode, policy: &Policy, desired_fields: &Fields, live: &Fields) -> String {
        let why = refusal_words(mode, policy, desired_fields, live);
        let names = why.strip_prefix("the read does not show ").unwrap_or(&why);
        let names = names.split(": nothing is sent").next();
        names.unwrap_or_default().to_string()
    }

    fn overwrite(policy: &Policy, desired_fields: &Fields, live: &Fields) -> String {
        unseen(WriteMode::Overwrite, policy, desired_fields, live)
    }

    #[test]
    fn what_an_overwrite_carries_must_have_been_shown() {
        let (none, nothing) = (Policy::default(), Fields::new());
        let whole = object(items(&[("a", element(&[]))]));
        assert_eq!(overwrite(&none, &nothing, &whole), "");
        let mut bare = whole.clone();
        bare.remove("name");
        assert_eq!(overwrite(&none, &nothing, &bare), "name");
        bare.remove("items");
        assert_eq!(overwrite(&none, &nothing, &bare), "name, items");
        // A field that the manifest states needs no read, except a list: without a read, its removals are unknown.
        let stated = object(items(&[]));
        assert_eq!(overwrite(&none, &stated, &bare), "items");
        assert_eq!(
            overwrite(&policy(&[], &["name"], &[]), &stated, &bare),
            "name, items"
        );
        // A merging write sends only the fields that the manifest states.
        assert_eq!(unseen(WriteMode::Merge, &none, &nothing, &bare), "");
        assert_eq!(unseen(WriteMode::Merge, &none, &stated, &bare), "items");
        assert_eq!(
            unseen(WriteMode::FullPatch, &none, &nothing, &bare),
            "name, items"
        );
    }

    #[test]
    fn so_must_the_members_of_elements_that_stay() {
        let (none, nothing) = (Policy::default(), Fields::new());
        let a = element(&[("seats", None)]);
        let live = object(items(&[("a", a), ("b", element(&[("end", None)]))]));
        assert_eq!(
            overwrite(&none, &nothing, &live),
            "items[a].seats, items[b].end"
        );
        // The manifest states one and removes the other.
        let stated = Fields::from([("seats", Value::Integer(2))]);
        let desired_fields = Fields::from([("items", items(&[("a", stated.clone())]))]);
        assert_eq!(overwrite(&none, &desired_fields, &live), "");
        let keeps = policy(&["items"], &[], &[]);
        assert_eq!(overwrite(&keeps, &desired_fields, &live), "items[b].end");
        let ignored = policy(&[], &["items[b]", "items[a].seats"], &[]);
        let all = "items[a].seats, items[b].end";
        assert_eq!(overwrite(&ignored, &desired_fields, &live), all);
        let ignored = policy(&[], &["items[a]"], &[]);
        assert_eq!(
            overwrite(&ignored, &desired_fields, &live),
            "items[a].seats"
        );
        let ignored = policy(&[], &["items"], &[]);
        assert_eq!(overwrite(&ignored, &desired_fields, &live), all);
        // A new element is as the manifest gives it.
        let desired_fields = Fields::from([("items", items(&[("c", stated)]))]);
        assert_eq!(overwrite(&none, &desired_fields, &live), "");
    }

    #[test]
    fn null_is_nothing_only_where_a_page_says_so() {
        let (none, nothing) = (Policy::default(), Fields::new());
        let null = |name| object(items(&[("a", element(&[(name, Some(Value::Null))]))]));
        assert_eq!(overwrite(&none, &nothing, &null("note")), "");
        assert_eq!(overwrite(&none, &nothing, &null("end")), "items[a].end");
        let cleared = Fields::from([("end", Value::Null)]);
        let desired_fields = Fields::from([("items", items(&[("a", cleared)]))]);
        assert_eq!(overwrite(&none, &desired_fields, &null("end")), "");
    }

    #[test]
    fn a_policy_says_what_is_left_out_when_it_is_empty() {
        let nothing = Fields::new();
        let stated = policy(&[], &[], &["items", "items[*].end"]);
        let bare = Fields::from([("name", Value::Text("x".into()))]);
        assert_eq!(overwrite(&stated, &nothing, &bare), "");
        for end in [None, Some(Value::Null)] {
            let live = object(items(&[("a", element(&[("end", end)]))]));
            assert_eq!(overwrite(&stated, &nothing, &live), "");
            let other = policy(&[], &[], &["items[b].end"]);
            assert_eq!(overwrite(&other, &nothing, &live), "items[a].end");
        }
        let live = Live {
            fields: object(items(&[("a", element(&[("end", None)]))])),
            ..Live::default()
        };
        let filled = fill_absent(TABLE, &stated, &live);
        let end = Some(Value::Null);
        assert_eq!(
            filled.fields["items"],
            items(&[("a", element(&[("end", end)]))])
        );
    }

    #[test]
    fn members_of_newer_servers_are_missed_where_the_server_is_one() {
        let (none, nothing) = (Policy::default(), Fields::new());
        let old = object(items(&[("a", element(&[]))]));
        assert_eq!(overwrite(&none, &nothing, &old), "");
        let floats = element(&[("floats", Some(Value::Bool(true)))]);
        let newer = object(items(&[("a", element(&[])), ("b", floats)]));
        let missed = "items[a].floats, items[a].users, items[b].users";
        assert_eq!(overwrite(&none, &nothing, &newer), missed);
    }

    #[test]
    fn a_managed_list_must_be_shown_to_be_compared() {
        let table = provider::find_kind("LacLicenseOrder")
            .expect("a kind")
            .table();
        let refused = |policy: Policy, desired_fields: Fields, live: Fields| {
            let desired = Desired {
                policy: policy.into(),
                ..testing::desired_object(table, &[])
            };
            let live = Live {
                fields: live,
                ..Live::default()
            };
            refuse_unseen_lists(TABLE, &desired, &desired_fields, &live).is_err()
        };
        let list = || Fields::from([("items", items(&[]))]);
        let name = || Fields::from([("name", Value::Null)]);
        assert!(refused(Policy::default(), list(), Fields::new()));
        assert!(!refused(Policy::default(), list(), list()));
        assert!(!refused(Policy::default(), name(), Fields::new()));
        assert!(!refused(
            policy(&[], &["items"], &[]),
            list(),
            Fields::new()
        ));
    }

    #[test]
    fn a_refusal_sends_nobody_to_a_policy_that_takes_no_such_path() {
        let (none, nothing) = (Policy::default(), Fields::new());
        let live =
            |unseen: &[(&'static str, Option<Value>)]| object(items(&[("a", element(unseen))]));
        let (seats, end) = (("seats", None), ("end", None));
        let words = |live: &Fields| refusal_words(WriteMode::Overwrite, &none, &nothing, live);
        let hint = "`policy.absentIsEmpty` names what the vendor leaves out when it is empty";
        let start = "the read does not show items[a]";
        let only_seats = format!("{start}.seats: nothing is sent");
        assert_eq!(words(&live(std::slice::from_ref(&seats))), only_seats);
        let only_end = format!("{start}.end: nothing is sent ({hint})");
        assert_eq!(words(&live(std::slice::from_ref(&end))), only_end);
        let both = format!(
            "{start}.seats, items[a].end: nothing is sent ({hint}, which here only items[a].end can be)"
        );
        assert_eq!(words(&live(&[seats, end])), both);
    }

    #[test]
    fn a_refusal_names_a_few_and_counts_the_rest() {
        let bare = element(&[("seats", None)]);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let all: Vec<_> = names.iter().map(|name| (*name, bare.clone())).collect();
        let six = "items[a].seats, items[b].seats, items[c].seats, items[d].seats, items[e].seats, items[f].seats";
        for (count, words) in [
            (6, six.to_string()),
            (7, format!("{six}, 1 more")),
            (8, format!("{six}, 2 more")),
        ] {
            let live = object(items(&all[..count]));
            assert_eq!(overwrite(&Policy::default(), &Fields::new(), &live), words);
        }
    }
}
