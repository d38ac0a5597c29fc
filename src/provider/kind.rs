//! One kind of object at a vendor: its field table, its calls, and what replies to them mean.

use std::borrow::Cow;

use super::error_text::describe_reply;
use super::listing::{Identity, Listing};
use super::reading::Reading;
use super::schedule::Scheduler;
use crate::model::field::find_field;
use crate::model::{
    Call, Desired, Diagnostics, FieldPath, Fields, KindTable, Live, Malformed, Mark, Reply, Text,
    Value, Vendor, Verdict, WritePurpose,
};

/// What a write should make of an object, before it is spelled.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    pub desired: &'a Desired,
    /// The object as it was read.
    pub live: &'a Live,
    pub purpose: WritePurpose,
    /// The members of the body, canonical.
    pub fields: Fields,
}

impl<'a> Write<'a> {
    /// Returns the vendor's id `name`, which a read tells where the manifest names the object by a key. `{name}` stands
    /// for the id of an object that is yet to be created.
    pub fn id(&self, name: &str) -> Cow<'a, str> {
        match (self.desired.id(name), self.live.text(name)) {
            ("", Some(id)) => Cow::Borrowed(id),
            ("", None) => Cow::Owned(format!("{{{name}}}")),
            (id, _) => Cow::Borrowed(id),
        }
    }
}

/// What a write may lose, since its call cannot name it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{row} has `{member}` set, which the write of the list cannot name and may lose: nothing is sent; {advice}"
)]
pub struct WouldLose {
    /// The path of the element that has it.
    pub row: String,
    pub member: &'static str,
    /// What a person can do in place of the write.
    pub advice: &'static str,
}

/// What is not done with objects of a kind, each with the reason as a clause. Empty where it is done, or where there is
/// nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Omissions {
    pub creation: &'static str,
    pub removal: &'static str,
    pub list: &'static str,
}

impl Omissions {
    /// Nothing is to be said.
    pub const NONE: Self = Self {
        creation: "",
        removal: "",
        list: "",
    };
}

/// How the changes of one call are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// By the call, in one write.
    Call,
    /// By the call at this index, in one write for each element of the list that has changes.
    EachElement(usize),
}

/// One kind of object that a vendor has, for example its license orders.
pub trait ResourceKind: Sync {
    /// Names the kind, its vendor, its identity members, its fields and the calls that write them.
    fn table(&self) -> &'static KindTable;

    /// Checks rules that the field table cannot say. `desired` has passed the table's; `place` tells where a
    /// field stands in the manifest.
    fn audit(
        &self,
        _desired: &Desired,
        _place: &dyn Fn(&str) -> Mark,
        _findings: &mut Diagnostics,
    ) {
    }

    /// Reads the objects `wanted`, all of this kind, from one account with the fewest calls.
    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading>;

    /// Objects that one read call is sure to show when it names them. A page may show more, or none.
    fn ids_per_read(&self) -> usize {
        1
    }

    /// Chooses how the changes at `paths`, all of the call at index `call`, are sent, so that nothing is lost that live
    /// has beside the members of the call. `next` is the object as it should be.
    fn route(
        &self,
        _call: usize,
        _live: &Live,
        _next: &Fields,
        _paths: &[&FieldPath],
    ) -> Result<Route, WouldLose> {
        Ok(Route::Call)
    }

    /// Reads every object of this kind in an account; `None` where the vendor has no list that shows them.
    fn listing(&self) -> Option<Box<dyn Listing>> {
        None
    }

    /// Has the vendor carry out dated changes by itself; `None` where it schedules nothing for objects of this kind.
    fn scheduler(&self) -> Option<&'static dyn Scheduler> {
        None
    }

    /// Says what is not done with objects of this kind. That no page shows a call has the date of the search.
    fn omissions(&self) -> Omissions {
        Omissions::default()
    }

    /// Returns the natural keys by which a manifest may name the object that was read, each as the members of the kind's
    /// key in their order: those that are fields, or facts of the read.
    fn natural_keys(&self, live: &Live) -> Vec<Identity> {
        let Some(key) = self.table().lifecycle.key else {
            return Vec::new();
        };
        let text = |name: &str| match live.fields.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => live.text(name).map(Text::from),
        };
        let members = key.fields.iter();
        let members = members.map(|member| Some((member.name, text(member.name)?)));
        members.collect::<Option<Identity>>().into_iter().collect()
    }

    /// Returns the fields that put the natural key of `desired` onto the object which a creation makes: the members of the
    /// key that are fields. Those that the manifest states are not replaced by them.
    fn key_fields(&self, desired: &Desired) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in &desired.identity {
            if find_field(self.table().desired, name).is_some() {
                fields.insert(name, Value::Text(value.clone()));
            }
        }
        fields
    }

    /// Spells a write: of one of the kind's calls, of its creation or of its removal.
    fn encode(&self, write: &Write<'_>) -> Call;

    /// Says what the reply to a write means: by its status, unless the vendor has a second say in the body.
    fn judge(&self, reply: &Reply) -> Verdict {
        judge_status(reply)
    }

    /// Returns what the user should know about changing this object, beside the changes.
    fn note(&self, _live: &Live) -> Option<String> {
        None
    }

    /// Decodes the object from the reply to a write; asked only where the echo is whole. `before` is the object as
    /// it was read before the write. Nothing is taken from `desired` for shown: what the reply does not prove is
    /// `Err`, and the object is read again.
    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed>;

    fn vendor(&self) -> Vendor {
        self.table().vendor
    }
}

/// Judges a reply by its status: a 2xx is accepted, a 5xx or time-out may have been carried out, "too early" and
/// "too many" say that nothing was done yet, anything else is refused.
pub fn judge_status(reply: &Reply) -> Verdict {
    match reply.status {
        200..300 => Verdict::Accepted,
        408 | 500.. => Verdict::Unclear(format!("{}: {}", reply.status, describe_reply(reply))),
        425 | 429 => Verdict::Later(format!("{}: {}", reply.status, describe_reply(reply))),
        status => Verdict::Rejected {
            words: format!("{status}: {}", describe_reply(reply)),
            fields: Vec::new(),
        },
    }
}
