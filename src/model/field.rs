//! Field tables: the facts about every member of a vendor's write call, as data.
//!
//! One table per kind is the single source of validation, diff, risk, JSON Schema and `explain`.
//! A table holds facts only; what is done with them lives in `provider::canon` (spelling),
//! `provider::audit` (refusals) and `plan` (carry, diff, risk).

use serde_json::json;

use super::address::Kind;
use super::value::{Fields, Value};

/// A member of `spec` that identifies the live object of a manifest.
pub struct IdentityField {
    pub name: &'static str,
    pub about: &'static str,
    pub shape: Shape,
    pub example: &'static str,
    /// The kind of which this is an id, so that a reference may stand in its place; `None` if no kind of ours has it.
    pub refers_to: Option<Kind>,
}

/// One member of the write call.
///
/// A dot in the name stands for a member of an object: `address.city` is `{address: {city: …}}` in manifests and on the
/// wire. Plans, policies and journals know it by its whole name, as any other field.
pub struct Field {
    pub name: &'static str,
    pub about: &'static str,
    pub shape: Shape,
    pub need: Need,
    pub clearing: Clearing,
    pub risk: RiskRule,
    pub carry: Carry,
    /// The field for which this one is an alternative notation; `None` for most fields.
    pub stands_for: Option<&'static str>,
    /// A field of the same object or element: the date of this field must not be before the date there.
    pub not_before: Option<&'static str>,
    /// A field of the same call that the vendor wants in each body that has this one. It goes along with its live value
    /// where it does not change itself.
    pub sent_with: Option<&'static str>,
    /// A field of the same call that the vendor refuses in a body that has this one.
    pub excludes: Option<&'static str>,
    /// The page that shows `null` for this field in a reply, with the date it was read. `None` if no page does: the
    /// meaning of a `null` is then unknown, and a write that would have to carry the field is refused.
    pub null: Option<&'static str>,
    pub shown: Shown,
    /// The kind of which the field, or each member of the set, is an id, so that a reference may stand in its place.
    pub refers_to: Option<Kind>,
    /// The index of the call that writes it, among those of its kind. Members of elements go by the call of their list.
    pub call: usize,
}

impl Field {
    /// Makes a required member that cannot be cleared; the builder methods below change that.
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            about,
            shape,
            need: Need::Required,
            clearing: Clearing::Impossible,
            risk: RiskRule::Safe,
            carry: Carry::Live,
            stands_for: None,
            not_before: None,
            sent_with: None,
            excludes: None,
            null: None,
            shown: Shown::Always,
            refers_to: None,
            call: 0,
        }
    }

    /// Returns the object that the field is a member of, and its name there; `None` for a member of the call itself.
    pub fn record_member(&self) -> Option<(&'static str, &'static str)> {
        self.name.split_once('.')
    }

    /// Makes the field belong to another call than the first.
    pub const fn call(mut self, index: usize) -> Self {
        self.call = index;
        self
    }

    pub const fn need(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// Reports whether two values mean the same in this field. Where `null` and `""` are one value, neither spelling is
    /// normalized, so that an unchanged field is sent back as the vendor spelled it.
    pub fn alike(&self, a: &Value, b: &Value) -> bool {
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            _ => false,
        };
        let one_value = matches!(self.clearing, Clearing::Empty | Clearing::NullOrEmpty);
        a == b || one_value && empty(a) && empty(b)
    }

    pub const fn optional(self) -> Self {
        self.need(Need::Optional)
    }

    /// Marks this field as a convenience for people, which is replaced by the field `name` when the object is read.
    pub const fn stands_for(mut self, name: &'static str) -> Self {
        self.stands_for = Some(name);
        self.need(Need::Never)
    }

    pub const fn not_before(mut self, name: &'static str) -> Self {
        self.not_before = Some(name);
        self
    }

    /// Makes the vendor want the field `name` in each body that has this one.
    pub const fn sent_with(mut self, name: &'static str) -> Self {
        self.sent_with = Some(name);
        self
    }

    /// Makes this field and the field `name` exclude each other in a body.
    pub const fn excludes(mut self, name: &'static str) -> Self {
        self.excludes = Some(name);
        self
    }

    pub const fn clearing(mut self, clearing: Clearing) -> Self {
        self.clearing = clearing;
        self
    }

    pub const fn risk(mut self, risk: RiskRule) -> Self {
        self.risk = risk;
        self
    }

    pub const fn carry(mut self, carry: Carry) -> Self {
        self.carry = carry;
        self
    }

    /// Makes `null` in a reply mean "nothing", as shown on the page `source`.
    pub const fn null(mut self, source: &'static str) -> Self {
        self.null = Some(source);
        self
    }

    /// Lets a reference to an object of this kind stand in place of the id.
    pub const fn refers_to(mut self, kind: Kind) -> Self {
        self.refers_to = Some(kind);
        self
    }

    pub const fn shown(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// Reports whether a vendor may leave the field out of a reply because it is empty: true for lists, for fields that
    /// only some objects have, and for fields that can be cleared.
    pub const fn can_be_empty(&self) -> bool {
        let conditional = matches!(self.need, Need::When { .. });
        self.is_list() || conditional || !matches!(self.clearing, Clearing::Impossible)
    }

    /// Reports whether the field holds a list. A reply that leaves a list out shows none of its elements.
    pub const fn is_list(&self) -> bool {
        matches!(self.shape, Shape::Set(_) | Shape::Keyed(_))
    }
}

/// The type of a field.
pub enum Shape {
    Text {
        max: Option<usize>,
    },
    Integer {
        min: i64,
        max: i64,
        /// True if the vendor's own page writes this number as a digit string.
        digits: bool,
    },
    Boolean,
    Choice {
        values: &'static [&'static str],
        /// Other spellings and what they stand for.
        aliases: &'static [(&'static str, &'static str)],
    },
    /// `YYYY-MM-DD`.
    Date,
    /// An instant in UTC, compared and sent in whole seconds.
    Instant,
    Guid,
    /// The id of something at the vendor. If it is a UUID, case does not count: it is compared and sent in lower case,
    /// as the vendors print it.
    Id,
    /// A free JSON object.
    Object,
    /// A list of texts without order.
    Set(&'static Shape),
    /// A list of elements matched by key.
    Keyed(&'static Elements),
    /// A list of maps with these members, kept as it is written. Its elements have no keys, so two such lists cannot be
    /// compared: only what is used once, by a creation, is one.
    List(&'static [Field]),
}

/// The elements of a keyed list.
pub struct Elements {
    /// Names of the key fields, which are texts and always required.
    pub key: &'static [&'static str],
    /// One sentence for each key field, for `explain` and the schema.
    pub key_about: &'static [&'static str],
    /// True if keys are compared as labels: without case, space, hyphen and underscore.
    pub fold: bool,
    pub fields: &'static [Field],
}

/// When a field must be in the body of the write call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Always; taken from live where the manifest does not manage it.
    Required,
    /// Always, and no read call returns it, so the manifest must state it.
    InManifest,
    Optional,
    /// Exactly when another field has this value.
    When {
        scope: ConditionScope,
        field: &'static str,
        is: &'static str,
    },
    /// Only for a documented convenience that is resolved to another field before the diff.
    Never,
}

/// The place of the field that a condition names, seen from the conditional field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionScope {
    /// Beside it.
    Here,
    /// On the object, seen from an element of one of its lists.
    Object,
}

/// The way to carry out `null` in a manifest, and the live spellings of "nothing" that count as one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clearing {
    /// The vendor cannot clear it: `null` is an error.
    Impossible,
    /// Sent as `null`.
    Null,
    /// `null` and `""` are one value, sent as `null`.
    NullOrEmpty,
    /// `null` and `""` are one value, sent as `""`.
    Empty,
    /// `null` and `0` are one value, sent as `0`.
    Zero,
    /// Left out of the body.
    Omit,
}

/// How a field that the manifest does not manage is sent with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// With its live value, so that the write changes nothing else.
    Live,
    /// Never: a counter that moves with use would be rolled back.
    OnlyManaged,
    /// With its live value; a desired value that was applied once is not applied again.
    OneShot { spent: &'static str },
}

/// The replies that show a field of a list's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All of them: the value of a field that a reply leaves out is unknown.
    Always,
    /// Only replies of newer servers, which show all fields marked `Newer`. If no element in a reply has any of these
    /// fields, the server is older and does not have them at all.
    Newer,
}

/// The effect on the licensee when a field changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskRule {
    Safe,
    /// A number of which more is better; −1 is the highest. `used` names the live fact that counts use.
    Amount {
        used: Option<&'static str>,
    },
    /// A number of which more is better; 0 is the highest, and below it there is nothing.
    Quota,
    /// A length of time such as `35d`, `4m` or `2y`: shorter takes away.
    Span,
    /// An end: earlier takes away, none is the latest.
    End,
    /// A beginning: later takes away, none is the earliest.
    Begin,
    /// Choices from the least to the most; a step down takes away.
    Ladder(&'static [&'static str]),
    /// A switch whose change to this value stops use at once.
    StopsAt(bool),
    /// A permission whose change to this value takes something away.
    ReducesAt(bool),
    /// Any change takes something away: from the present holder, or because use is counted in another way.
    Reassign,
    /// A counter of use: writing it falsifies what was used.
    Counter,
    /// A list: removing a member takes it away. `used` names the live fact of an element that counts use.
    Members {
        used: Option<&'static str>,
    },
}

impl Shape {
    pub const TEXT: Shape = Shape::Text { max: None };
    pub const COUNT: Shape = Shape::Integer {
        min: 0,
        max: i32::MAX as i64,
        digits: false,
    };

    /// The name of the type for messages and `explain`.
    pub fn name(&self) -> String {
        match self {
            Shape::Text { max: None } | Shape::Id => "text".into(),
            Shape::Text { max: Some(max) } => format!("text of at most {max} characters"),
            Shape::Integer { .. } => "integer".into(),
            Shape::Boolean => "boolean".into(),
            Shape::Choice { values, .. } => format!("one of {}", values.join(", ")),
            Shape::Date => "date YYYY-MM-DD".into(),
            Shape::Instant => "instant such as 2027-01-31T00:00:00Z".into(),
            Shape::Guid => "GUID".into(),
            Shape::Object => "map".into(),
            Shape::Set(inner) => format!("list of {} without order", inner.name()),
            Shape::Keyed(elements) => format!("list keyed by {}", elements.key.join(" and ")),
            Shape::List(_) => "list of maps".into(),
        }
    }

    /// A canonical value as JSON, in the vendor's names: what plans show.
    pub fn json(&self, value: &Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => json!(value),
            Value::Integer(value) => json!(value),
            Value::Text(text) => json!(text),
            Value::Json(value) => (**value).clone(),
            Value::Set(members) => json!(members),
            Value::Items(items) => {
                let Shape::Keyed(elements) = self else {
                    return serde_json::Value::Null;
                };
                items
                    .iter()
                    .map(|(key, fields)| elements.json(key, fields))
                    .collect()
            }
        }
    }
}

impl Elements {
    /// One element with its key fields first.
    pub fn json(&self, key: &super::path::ElementKey, fields: &Fields) -> serde_json::Value {
        let keys = self
            .key
            .iter()
            .zip(key.shown())
            .map(|(name, text)| (name.to_string(), json!(text)));
        let rest = self.fields.iter().filter_map(|field| {
            Some((
                field.name.to_string(),
                field.shape.json(fields.get(field.name)?),
            ))
        });
        keys.chain(rest).collect()
    }
}

/// The name that plans use for the field called `name` in a manifest.
pub fn canonical_name<'a>(fields: &[Field], name: &'a str) -> &'a str {
    find_field(fields, name)
        .and_then(|field| field.stands_for)
        .unwrap_or(name)
}

/// The field called `name`.
pub fn find_field<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.name == name)
}

/// Reports whether the field called `name` holds free JSON, which is the user's own.
pub fn holds_free_json(fields: &[Field], name: &str) -> bool {
    find_field(fields, name).is_some_and(|field| matches!(field.shape, Shape::Object))
}

/// Returns the fields that go out together in a call that merges: a field alone, or all members of its object. No vendor says
/// that merging holds inside an object, so an object is sent whole. Members of one object stand side by side in a table.
pub fn sent_as_one(fields: &'static [Field], name: &str) -> &'static [Field] {
    let Some(field) = find_field(fields, name) else {
        return &[];
    };
    let is_of_it = |other: &Field| match (field.record_member(), other.record_member()) {
        (Some((record, _)), Some((other, _))) => record == other,
        _ => other.name == field.name,
    };
    let begin = fields.iter().position(is_of_it).unwrap_or_default();
    let count = fields[begin..]
        .iter()
        .take_while(|other| is_of_it(other))
        .count();
    &fields[begin..begin + count]
}

/// Returns the fields that are members of the object `record`: `address.city` and others for `address`.
pub fn members_of(
    fields: &'static [Field],
    record: &str,
) -> impl Iterator<Item = (&'static str, &'static Field)> {
    let members = fields
        .iter()
        .filter_map(|field| Some((field.record_member()?, field)));
    members.filter_map(move |((object, name), field)| (object == record).then_some((name, field)))
}
