//! Reads and lists objects with a key of the user's own and a number of the vendor's: most have a `code` and a product.
//!
//! The list of the whole account is walked to its end by pages that overlap (`list_walk`). No page filters by code, and a
//! code counts as unique, and an object as missing, only once the whole list was read. An object that cannot be read
//! hides no other, unless its code cannot be read either: then it may be any.
//!
//! Of an object that is to be removed those that have it are counted. Where rows do not say how many that are, the licenses
//! are asked for, by the `count` of one page. The filter is not trusted: each license on the page must have the object.
//! Where that cannot be seen and licenses keep what they have, their number is told as unknown.

mod kind;
mod list;
mod narrow_reading;
mod reading;

use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

pub use self::kind::CatalogueKind;
use super::envelope::{self, is_id, number_of};
use super::list_walk::FULL;
use crate::model::live::Fact;
use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, ReadFailure, Reply, Text, Value,
    WritePurpose,
};
use crate::provider::decode::{Atom, AtomShape, Columns, Row, Rows};
use crate::provider::error_text::describe_unreadable;
use crate::provider::reading::{Answer, json_of, unreadable_reply};
use crate::provider::{Omissions, Write, codec, with_query};

/// The members of the key: the code, and the product that the object belongs to.
pub const CODE: &str = "code";
pub const PRODUCT: &str = "product";
/// The product of an object that belongs to none.
pub const NO_PRODUCT: &str = "0";
/// How many others have an object that is to be removed: a number, or text if that is unknown.
const HOLDERS: &str = "holders";
/// How many others have an object by its row, whether it is to be removed or not.
const COUNTED: &str = "counted";
const UNKNOWN: &str = "unknown";

/// A kind whose objects have keys, as facts.
pub struct Catalogue {
    pub table: &'static KindTable,
    /// What one object is called, and several: "product feature", "product features".
    pub noun: &'static str,
    pub nouns: &'static str,
    /// The path of the list.
    pub list: &'static str,
    /// Objects that the list may not show; `None` if it shows all.
    pub unlisted: Option<Unlisted>,
    /// True if a documented call reads one object by its number, whether or not the list shows it.
    pub has_single: bool,
    /// How objects look; see [`rows`].
    pub rows: LazyLock<Rows<3>>,
    /// The names of the members of the key.
    pub key_names: [&'static str; 2],
    pub key_form: KeyForm,
    pub search: Search,
    /// Fields that are lengths of time.
    pub spans: &'static [&'static str],
    pub encode: fn(&Catalogue, &Write<'_>) -> Call,
    pub omissions: Omissions,
    /// Says what those that have an object lose with it, by their number; `None` if that is unknown.
    pub describe_holders: fn(Option<i64>) -> String,
}

/// Objects that a list may not show.
pub struct Unlisted {
    /// The field that makes them so: `is_deleted`.
    pub field: &'static str,
    /// The word for them: "hidden".
    pub word: &'static str,
}

/// How wanted objects are found.
pub enum Search {
    /// In the list, which is walked to its end.
    Whole,
    /// By the list's filter for the first member of the key, by their numbers, or in the whole list, whichever is less.
    Narrow,
}

/// What a key is made of, and what rows have beside it.
pub enum KeyForm {
    /// A code and the product that the object belongs to. The licenses that have the object are asked for.
    CodeInProduct(Holders),
    /// A code alone. Rows have the number of those that have the object.
    Code,
    /// A text that is a field as well.
    Field,
    /// Two numbers.
    TwoNumbers,
}

/// How the licenses that have an object are counted.
pub struct Holders {
    /// The filter of the list of licenses by which they are found.
    pub filter: &'static str,
    /// Reports whether a license has the object with this number; `None` if the license does not show it.
    pub has: fn(license: &Json, id: &str) -> Option<bool>,
    /// True if they lose the object with its removal: then it is not removed before they are counted.
    pub lose: bool,
}

/// An object as lists and replies show it.
pub type CatalogueRow<'de> = Row<'static, 'de, 3>;

/// The members of the key of an object; the second is an empty text where the key has one.
type Key = (Text, Text);

impl Catalogue {
    /// Decodes an object. Its number and the members of its key are facts: none of them can be changed.
    pub fn decode(&self, mut row: CatalogueRow<'_>) -> Result<Live, Malformed> {
        let id = envelope::id_of(&row).unwrap_or_default();
        let (first, second) = self.key_of(&row)?;
        let holders = match self.key_form {
            KeyForm::CodeInProduct(_) | KeyForm::TwoNumbers | KeyForm::Field => None,
            KeyForm::Code => Some(row.beside[2].integer().filter(|count| *count >= 0)),
        };
        let mut live = Live {
            fields: row.finish()?,
            ..Live::default()
        };
        let facts = [
            (self.id(), id.into()),
            (self.key_names[0], first.clone()),
            (self.key_names[1], second),
        ];
        if let KeyForm::Field = self.key_form {
            live.fields.insert(self.key_names[0], Value::Text(first));
        }
        for (name, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
            live.facts.insert(name.into(), Fact::Text(text.to_string()));
        }
        if let Some(count) = holders {
            let count = count.map_or_else(|| Fact::Text(UNKNOWN.into()), Fact::Number);
            live.facts.insert(COUNTED.into(), count);
        }
        Ok(live)
    }

    /// Returns the call that creates an object, with `body` beside its key.
    pub fn create_call(&self, write: &Write<'_>, mut body: Map<String, Json>) -> Call {
        let [first, second] = self.key_names.map(|name| write.desired.id(name));
        let first = match (&self.key_form, first.parse::<u64>()) {
            (KeyForm::TwoNumbers, Ok(number)) => json!(number),
            _ => json!(first),
        };
        body.insert(self.key_names[0].into(), first);
        match second.parse::<u64>() {
            Ok(number) if number > 0 => body.insert(self.key_names[1].into(), json!(number)),
            Ok(_) | Err(_) => None,
        };
        Call::write(Method::Post, self.list.to_string(), Json::Object(body))
    }

    /// Decodes the reply to a write, which is the object: the one that was written, or one of the key that was asked for.
    pub fn echo(
        &'static self,
        desired: &Desired,
        before: &Live,
        reply: &Reply,
    ) -> Result<Live, Malformed> {
        let row = (self.rows)
            .one(&reply.body)
            .map_err(|error| Malformed::new(describe_unreadable(reply, &error)))?
            .ok_or_else(|| Malformed::new("the reply is no object"))?;
        let after = self.decode(row)?;
        for name in [self.id(), self.key_names[0], self.key_names[1]] {
            let expected = match desired.id(name) {
                "" => before.text(name),
                text => Some(text),
            };
            if expected.is_some() && after.text(name) != expected {
                return Err(Malformed::new(format!(
                    "`{}` is not the one that was written",
                    if name == self.id() { "id" } else { name }
                )));
            }
        }
        Ok(after)
    }

    /// Decodes the reply to the call that reads the object with this number.
    pub fn single(&'static self, id: &str, reply: &Reply, name: &str) -> Result<Live, ReadFailure> {
        let odd = |what: String| ReadFailure::odd(format!("{name} {what}"));
        let row = self.rows.one(&reply.body);
        let row = row.map_err(|error| unreadable_reply(name, reply, &error))?;
        let row = row.ok_or_else(|| odd("did not answer with an object".into()))?;
        let live = self.decode(row).map_err(|fault| odd(fault.to_string()))?;
        match live.text(self.id()) == Some(id) {
            true => Ok(live),
            false => Err(odd(format!("answered with another {}", self.noun))),
        }
    }

    /// Says why an object that the list does not show is not missing.
    fn not_listed(&self) -> ReadFailure {
        let noun = self.noun;
        let unlisted = self.unlisted.as_ref().map_or("", |unlisted| unlisted.word);
        let advice = match self.has_single {
            true => format!("; name it by its `{}`", self.id()),
            false => String::new(),
        };
        ReadFailure::odd(format!(
            "the {noun} is not in the list, which may not show {unlisted} ones{advice}"
        ))
    }

    /// Returns the name of the object's number in manifests.
    fn id(&self) -> &'static str {
        self.table.id_member()
    }

    /// Reports whether the list may not show an object because it is as a manifest asks.
    fn may_be_unlisted(&self, desired: &Desired) -> bool {
        let is_true = |field| desired.fields.get(field) == Some(Value::Bool(true));
        self.unlisted
            .as_ref()
            .is_some_and(|unlisted| is_true(unlisted.field))
    }

    /// Returns the path of one object.
    pub fn path_of(&self, id: &str) -> String {
        format!("{}{id}/", self.list)
    }

    /// Returns the call for the page at an offset; `filter` is one of the list's own.
    fn page(&self, offset: usize, filter: Option<(&str, &str)>) -> Call {
        let (limit, text) = (FULL.to_string(), offset.to_string());
        let mut pairs = Vec::from_iter(filter);
        pairs.push(("limit", limit.as_str()));
        if offset > 0 {
            pairs.push(("offset", &text));
        }
        Call::get(with_query(self.list, &pairs))
    }

    /// Returns the key of a row.
    fn key_of(&self, row: &CatalogueRow<'_>) -> Result<Key, Malformed> {
        let [_, first, third] = &row.beside;
        let number = |at: usize, atom: &Atom<'_>| {
            let odd = || Malformed::new(format!("`{}` is no number", self.key_names[at]));
            number_of(atom).map(Text::from).ok_or_else(odd)
        };
        if let KeyForm::TwoNumbers = self.key_form {
            return Ok((number(0, first)?, number(1, third)?));
        }
        let code = first.text().filter(|code| !code.is_empty());
        let odd = || Malformed::new(format!("`{}` is no text", self.key_names[0]));
        let code = code.ok_or_else(odd)?;
        let second = match (&self.key_form, third) {
            (KeyForm::Code | KeyForm::Field, _) => Text::default(),
            (_, Atom::Null) => NO_PRODUCT.into(),
            (_, product) => number(1, product)?,
        };
        Ok((code.into(), second))
    }

    /// Describes a key in messages: `the code "f2"`.
    fn describe_key(&self, (first, second): &Key) -> String {
        let [name, other] = self.key_names;
        match self.key_form {
            KeyForm::TwoNumbers => format!("the {name} {first} and the {other} {second}"),
            KeyForm::CodeInProduct(_) | KeyForm::Code | KeyForm::Field => {
                format!("the {name} {first:?}")
            }
        }
    }
}

/// Says how objects look: beside the fields the id, the first member of the key, and what its form has third.
pub fn rows(columns: Columns, first: &'static str, third: &'static str) -> Rows<3> {
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(first),
        AtomShape::at(third),
    ];
    Rows::new(columns, beside).identified(is_id)
}

/// Spells a write with the members of its fields alone.
pub fn encode(catalogue: &Catalogue, write: &Write<'_>) -> Call {
    let one = || catalogue.path_of(&write.id(catalogue.id()));
    let body = codec::encode_fields(catalogue.table.desired, &write.fields);
    match write.purpose {
        WritePurpose::Update(_) | WritePurpose::Schedule => {
            Call::write(Method::Patch, one(), Json::Object(body))
        }
        WritePurpose::Remove => Call::delete(one()),
        WritePurpose::Create => catalogue.create_call(write, body),
    }
}

impl Holders {
    /// Returns the call that counts the licenses which have an object. The rows of the page prove the filter; a few do.
    fn count_call(&self, id: &str) -> Call {
        let pairs = [(self.filter, id), ("limit", "5")];
        Call::get(with_query("/api/v1/licenses/", &pairs))
    }

    /// Takes the count of the page of licenses: a number, or text if it is unknown. `noun` is what the object is called.
    fn count(&self, noun: &str, id: &str, name: &str, answer: Answer) -> Result<Fact, ReadFailure> {
        let page = match json_of(name, answer) {
            Ok(page) => page,
            // The filter is refused.
            Err(failure) if failure.status == Some(400) && !self.lose => {
                return Ok(Fact::Text(UNKNOWN.into()));
            }
            Err(failure) => return Err(failure),
        };
        let odd = |what: &str| ReadFailure::odd(format!("{name} answered {what}"));
        let count = page["count"].as_i64().filter(|count| *count >= 0);
        let count = count.ok_or_else(|| odd("without the number `count`"))?;
        let licenses = page["results"].as_array();
        let licenses = licenses.ok_or_else(|| odd("without the list `results`"))?;
        let mut licenses = licenses.iter();
        match licenses.all(|license| (self.has)(license, id) == Some(true)) {
            true => Ok(Fact::Number(count)),
            false if !self.lose => Ok(Fact::Text(UNKNOWN.into())),
            false => Err(odd(&format!(
                "with a license that does not have the {noun}"
            ))),
        }
    }
}
