//! What may happen, one step after the other.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::account::GROUPS;
use super::model::{IGNORABLE, Mode, Scalars, State};
use super::past::{Kill, LICENCE, OBJECTS};

#[derive(Clone, Debug)]
pub enum Step {
    /// Somebody edits manifests.
    Edit(Vec<(usize, Edit)>),
    /// Somebody edits objects at the vendor.
    Foreign(Vec<(usize, Edit)>),
    Policy(usize, PolicyEdit),
    /// The manifest gets another name.
    Rename(usize),
    RenameConnection,
    /// The manifest goes, or comes back.
    Toggle(usize),
    /// From now on the vendor takes a change of the customer and does nothing, or does it again.
    Stubborn,
    Apply {
        accept: bool,
        kill: Option<Kill>,
    },
    Undo {
        /// Counted back from the last.
        run: usize,
        field: Option<&'static str>,
        unmanaged: bool,
        accept: bool,
        kill: Option<Kill>,
    },
    Heal(Option<Kill>),
    Sync,
    Drift,
}

#[derive(Clone, Copy, Debug)]
pub enum Edit {
    Activations(i64),
    Description(Option<&'static str>),
    Customer(i64),
    Count(&'static str, i64),
    Comment(&'static str, Option<&'static str>),
    Without(&'static str),
    Member(&'static str),
    /// A manifest no longer says it. At the vendor nothing happens.
    Unmanaged(&'static str),
    /// Groups are given by id from now on, or by name.
    Spelling,
}

#[derive(Clone, Copy, Debug)]
pub enum PolicyEdit {
    Mode(Mode),
    Ignore(&'static str),
    Keep,
    Allow,
}

const KEYS: [&str; 3] = ["Archive 1.0", "Viewer 2.0", "Extra 1.0"];
const WORDS: [&str; 3] = ["An order", "ours", "theirs"];

impl Edit {
    /// Makes an object have what was edited.
    pub fn change(self, state: &mut State) {
        let word = |word: Option<&str>| word.map_or(json!(null), |word| json!(word));
        let scalars = &mut state.scalars;
        match self {
            Self::Activations(count) => {
                scalars.insert("activations_allowed", json!(count));
            }
            Self::Description(text) => {
                scalars.insert("description", word(text));
            }
            Self::Customer(id) => {
                scalars.insert("customer_id", json!(id));
            }
            Self::Count(key, count) => {
                let list = state.list.get_or_insert_default();
                list.entry(key).or_default().insert("count", json!(count));
            }
            Self::Comment(key, text) => {
                let element = state.list.as_mut().and_then(|list| list.get_mut(key));
                if let Some(element) = element {
                    element.insert("comment", word(text));
                }
            }
            Self::Without(key) => {
                if let Some(list) = &mut state.list {
                    list.remove(key);
                }
            }
            Self::Member(name) => {
                let set = state.set.get_or_insert_default();
                if !set.remove(name) {
                    set.insert(name);
                }
            }
            Self::Unmanaged("Features") => state.list = None,
            Self::Unmanaged("comment") => {
                let elements = state.list.iter_mut().flatten();
                elements.for_each(|(_, element)| drop(Scalars::remove(element, "comment")));
            }
            Self::Unmanaged(name) => {
                scalars.remove(name);
            }
            Self::Spelling => {}
        }
    }
}

/// There are few values, so that steps meet.
fn of_order() -> impl Strategy<Value = Edit> {
    let word = || prop::option::of(select(&WORDS[..]));
    let key = || prop_oneof![3 => Just(KEYS[0]), 1 => select(&KEYS[1..])];
    prop_oneof![
        4 => select(&[10_i64, 12, 15][..]).prop_map(Edit::Activations),
        2 => word().prop_map(Edit::Description),
        1 => (1_i64..3).prop_map(Edit::Customer),
        4 => (key(), 4_i64..7).prop_map(|(key, count)| Edit::Count(key, count)),
        2 => (key(), word()).prop_map(|(key, text)| Edit::Comment(key, text)),
        3 => key().prop_map(Edit::Without),
    ]
}

/// Most of what happens happens to one object.
fn order() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => Just(1)]
}

/// An object with an edit of it.
fn edit() -> impl Strategy<Value = (usize, Edit)> {
    prop_oneof![
        3 => (order(), of_order()),
        1 => (Just(LICENCE), select(&GROUPS[..]).prop_map(Edit::Member)),
    ]
}

fn own_edit() -> impl Strategy<Value = (usize, Edit)> {
    let names = ["activations_allowed", "description", "Features", "comment"];
    let unmanaged = select(names.to_vec());
    prop_oneof![
        9 => edit(),
        1 => (order(), unmanaged.prop_map(Edit::Unmanaged)),
        1 => (Just(LICENCE), Just(Edit::Spelling)),
    ]
}

fn policy() -> impl Strategy<Value = PolicyEdit> {
    let mode = select(&[Mode::Enforce, Mode::Observe, Mode::Suspend][..]);
    prop_oneof![
        2 => mode.prop_map(PolicyEdit::Mode),
        3 => select(&IGNORABLE[..]).prop_map(PolicyEdit::Ignore),
        1 => Just(PolicyEdit::Keep),
        1 => Just(PolicyEdit::Allow),
    ]
}

fn kill() -> impl Strategy<Value = Option<Kill>> {
    let kill = (0..OBJECTS, any::<bool>()).prop_map(|(at, landed)| Kill { at, landed });
    prop_oneof![2 => Just(None), 1 => kill.prop_map(Some)]
}

fn undo() -> impl Strategy<Value = Step> {
    let fields = [
        "activations_allowed",
        "description",
        "Features[Archive 1.0]",
        "Features",
        "userGroupIds",
    ];
    let field = select(fields.to_vec());
    let field = prop_oneof![4 => Just(None), 1 => field.prop_map(Some)];
    let rest = (prop::bool::weighted(0.3), prop::bool::weighted(0.7), kill());
    (0..3_usize, field, rest).prop_map(|(run, field, (unmanaged, accept, kill))| Step::Undo {
        run,
        field,
        unmanaged,
        accept,
        kill,
    })
}

fn edits() -> impl Strategy<Value = Step> {
    vec(own_edit(), 1..5).prop_map(Step::Edit)
}

fn foreign() -> impl Strategy<Value = Step> {
    vec(edit(), 1..4).prop_map(Step::Foreign)
}

fn apply() -> impl Strategy<Value = Step> {
    let how = (prop::bool::weighted(0.8), kill());
    how.prop_map(|(accept, kill)| Step::Apply { accept, kill })
}

fn object() -> impl Strategy<Value = usize> {
    prop_oneof![3 => order(), 1 => Just(LICENCE)]
}

fn ruled() -> impl Strategy<Value = Step> {
    (object(), policy()).prop_map(|(object, edit)| Step::Policy(object, edit))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => edits(),
        4 => foreign(),
        3 => ruled(),
        1 => object().prop_map(Step::Rename),
        1 => Just(Step::RenameConnection),
        1 => object().prop_map(Step::Toggle),
        2 => Just(Step::Stubborn),
        3 => apply(),
        5 => undo(),
        4 => kill().prop_map(Step::Heal),
        2 => Just(Step::Sync),
        2 => Just(Step::Drift),
    ]
}

/// Steps that follow each other: what is told apart seldom comes about by chance alone.
fn scene() -> BoxedStrategy<Vec<Step>> {
    let applied = || (edits(), apply());
    let toggle = (0..OBJECTS).prop_map(Step::Toggle);
    prop_oneof![
        6 => step().prop_map(|step| vec![step]),
        2 => (applied(), foreign()).prop_map(|((edit, apply), foreign)| vec![edit, apply, foreign]),
        2 => (foreign(), edits(), kill()).prop_map(|(foreign, edit, kill)| {
            vec![foreign, edit, Step::Drift, Step::Heal(kill), Step::Drift]
        }),
        2 => (applied(), foreign(), undo()).prop_map(|((edit, apply), foreign, undo)| {
            vec![edit, apply, foreign, undo, Step::Drift]
        }),
        2 => (ruled(), foreign(), kill()).prop_map(|(policy, foreign, kill)| {
            vec![policy, foreign, Step::Heal(kill), Step::Drift]
        }),
        1 => (ruled(), undo()).prop_map(|(policy, undo)| vec![policy, undo]),
        2 => (ruled(), foreign(), applied()).prop_map(|(policy, foreign, (edit, apply))| {
            vec![policy.clone(), foreign, edit, apply, policy, Step::Drift]
        }),
        1 => (order(), applied(), 1_i64..3).prop_map(|(object, (edit, apply), customer)| {
            let moved = Step::Edit(vec![(object, Edit::Customer(customer))]);
            vec![Step::Stubborn, moved, edit, apply, Step::Drift, Step::Stubborn]
        }),
        1 => (applied(), object(), undo()).prop_map(|((edit, apply), object, undo)| {
            vec![edit, apply, Step::Rename(object), Step::RenameConnection, undo]
        }),
        1 => (applied(), toggle, undo())
            .prop_map(|((edit, apply), toggle, undo)| vec![edit, apply, toggle, undo]),
    ]
    .boxed()
}

/// Most begin with objects that are agreed on.
pub fn sequence() -> impl Strategy<Value = Vec<Step>> {
    let begun = Step::Apply {
        accept: true,
        kill: None,
    };
    let begin = prop::bool::weighted(0.8);
    (begin, vec(scene(), 2..6)).prop_map(move |(begin, scenes)| {
        let begun = begin.then(|| vec![begun.clone()]);
        begun.into_iter().chain(scenes).flatten().collect()
    })
}
