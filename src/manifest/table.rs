//! Tables of the maps that the manifest format itself defines: the envelope, `policy`, and our own kinds.
//!
//! A table here is to such a map what [`crate::model::KindTable`] is to a vendor's object: the single source of
//! reading and its findings (`manifest/reader.rs`), JSON Schema, `explain`, the order that `fmt` keeps, and the words
//! that may be shown under a finding about a secret. It is another type than a vendor's field table because no
//! column of that one (risk, clearing, carrying) means anything here, and no form of this one (secret, duration,
//! one of several) is ever sent to a vendor.

use super::text_type::{TEXT, TextType};

/// One map of the format.
pub struct MapTable {
    /// The map in a finding: `unknown field x in TITLE`, `TITLE needs the field x`.
    pub title: &'static str,
    /// Text before a member's name in a finding: `slack.` makes `slack.url`.
    pub prefix: &'static str,
    /// One or two sentences for `explain` and the schema; empty where the member that holds the map has them.
    pub about: &'static str,
    /// The members, in the order in which `fmt` writes them.
    pub members: &'static [Member],
    pub rule: Rule,
    /// Tells that a value here may be a secret by mistake: findings then show nothing of it.
    pub secretive: bool,
}

/// One member of a map. It may be left out unless it is `required`.
pub struct Member {
    pub name: &'static str,
    pub form: Form,
    /// One sentence for `explain` and the schema.
    pub about: &'static str,
    pub required: bool,
    /// The default of the member, as a user would write it.
    pub default: Option<&'static str>,
    /// Tells that only some vendors take the member; which ones is in their own tables.
    pub by_vendor: bool,
}

/// The form of the value that a member holds.
pub enum Form {
    Text(&'static TextType),
    Boolean,
    /// A whole number from 1 to this.
    Count(u32),
    /// Any whole number.
    Integer,
    /// A number of objects, or a share of them such as `10%`.
    CountOrShare,
    /// One of these texts. A finding calls any other an unknown one of this name.
    Choice(&'static str, &'static [&'static str]),
    /// The name of a vendor that has a kind of its own in this program.
    Vendor,
    /// A reference to a secret: the map [`SECRET`].
    Secret,
    /// A text that may stand in a manifest, or a reference to where it is kept.
    TextOrSecret(&'static TextType),
    /// A list of this form, which may be empty.
    List(&'static Form),
    /// A list of this form that must name at least one, which a finding calls this: `a host`.
    ListOf(&'static str, &'static Form),
    /// The same, where one item may stand without a list around it.
    OneOrListOf(&'static str, &'static Form),
    /// A map whose keys are the user's and whose values are texts; null is an empty one.
    TextMap,
    Map(&'static MapTable),
    /// A map whose keys are the user's and whose values are maps of this table.
    Named(&'static MapTable),
    /// Any value. The caller reads it, for example `desired`, whose members the vendor's field table names.
    Unread,
    /// A member that is refused. The text is the flag that does the same, for the hint.
    Refused(&'static str),
}

/// A rule between the members of a map.
pub enum Rule {
    None,
    /// Exactly one of `names` is given. A finding calls it a `noun`.
    ExactlyOne {
        code: &'static str,
        noun: &'static str,
        names: &'static [&'static str],
        hint: &'static str,
    },
    /// Both are given or none. A finding about a missing one calls the map this.
    Together([&'static str; 2], &'static str),
}

/// Makes a [`MapTable`] of rows, one for each member: `name: form, [column: value,] "about";`. Columns that are not
/// given are those of [`MEMBER`] and [`MAP`]. A macro, because a row that is laid out as a call takes six lines.
macro_rules! map_table {
    ($(#[$doc:meta])* $vis:vis $table:ident $title:literal $(: $about:literal)? {
        $($name:ident: $form:expr, $($column:ident: $value:expr,)* $text:literal;)*
    } $($map_column:ident: $map_value:expr),*) => {
        $(#[$doc])*
        $vis static $table: $crate::manifest::table::MapTable = $crate::manifest::table::MapTable {
            title: $title,
            $(about: $about,)?
            members: &[$($crate::manifest::table::Member {
                name: stringify!($name),
                form: $form,
                about: $text,
                $($column: $value,)*
                ..$crate::manifest::table::MEMBER
            }),*],
            $($map_column: $map_value,)*
            ..$crate::manifest::table::MAP
        };
    };
}
pub(super) use map_table;

pub const MAP: MapTable = MapTable {
    title: "",
    prefix: "",
    about: "",
    members: &[],
    rule: Rule::None,
    secretive: false,
};

pub const MEMBER: Member = Member {
    name: "",
    form: Form::Unread,
    about: "",
    required: false,
    default: None,
    by_vendor: false,
};

/// The hint of every finding about a secret that is not a reference.
pub const SECRET_HINT: &str = "write {env: NAME}, {file: PATH} or {command: [program, argument]}";

map_table! {
    /// Where a secret is kept: the map of [`Form::Secret`].
    pub SECRET "a secret" {
        env: Form::Text(&TEXT), "Name of an environment variable.";
        file: Form::Text(&TEXT), "Path of a file.";
        command: Form::ListOf("a program", &Form::Text(&TEXT)), "A program and its arguments, run without a shell.";
    }
    rule: Rule::ExactlyOne { code: "bad-secret", noun: "source", names: &["env", "file", "command"], hint: SECRET_HINT },
    secretive: true
}

impl MapTable {
    /// Lists the members that a user may write.
    pub fn written(&self) -> impl Iterator<Item = &'static Member> {
        let members = self.members.iter();
        members.filter(|member| !matches!(member.form, Form::Refused(_)))
    }

    /// Lists the names of the members that a user may write.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.written().map(|member| member.name)
    }

    /// Reports whether a member of this map, or of a map in it, is called `name`.
    pub fn mentions(&self, name: &str) -> bool {
        let is_in = |map: &MapTable| map.mentions(name);
        let mut members = self.members.iter();
        members.any(|member| member.name == name || member.form.inner().is_some_and(is_in))
    }
}

impl Form {
    /// Reports whether the map in the member, if there is one, says where a secret is kept.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret | Self::TextOrSecret(_))
    }

    /// Gives the map that stands in the member, or in each item of its list; `None` where there is none.
    pub fn inner(&self) -> Option<&'static MapTable> {
        match self {
            Self::Map(table) | Self::Named(table) => Some(table),
            Self::Secret | Self::TextOrSecret(_) => Some(&SECRET),
            Self::List(items) | Self::ListOf(_, items) | Self::OneOrListOf(_, items) => {
                items.inner()
            }
            Self::Text(_)
            | Self::Boolean
            | Self::Count(_)
            | Self::Integer
            | Self::CountOrShare
            | Self::Choice(..) => None,
            Self::Vendor | Self::TextMap | Self::Unread | Self::Refused(_) => None,
        }
    }
}
