//! Explains kinds and fields in the terminal, from the tables alone.
//!
//! Input is a path as it is typed, such as `LacLicenseOrder.policy`; output is one page of text. Pages of
//! vendors' kinds come from the field tables (`field`), those of the format's own maps from the map tables
//! (`member`), those of diagnostic codes from their table (`code`). The text about a field belongs in its table, from which the JSON Schema takes it too; this
//! module has only notes that no table holds.

use std::io::{self, Write};

use anstyle::Style;

use crate::manifest::changes::CHANGE;
use crate::manifest::edition::EDITION_USE;
use crate::manifest::envelope::METADATA;
use crate::manifest::own_kind::OwnKind;
use crate::manifest::policy::POLICY;
use crate::model::diagnostic::find_nearest;
use crate::model::field::find_field;
use crate::provider::{self, Provider, ResourceKind};

mod code;
mod field;
mod member;

pub use code::write_code;
pub use field::{FieldFact, describe_field, describe_id};
pub use member::{form_name, wrap};

const BOLD: Style = Style::new().bold();

/// The reason why a path is not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// No kind or field has this name; `hint` has the nearest one, or all.
    #[error("unknown {noun} {name:?}; {hint}")]
    Unknown {
        noun: &'static str,
        name: String,
        hint: String,
    },
    /// The path goes on below a field that is no map and no list of maps.
    #[error("`{0}` has no fields inside")]
    NothingInside(String),
    /// The writer failed.
    #[error("cannot write the page")]
    Write(#[from] io::Error),
}

impl ExplainError {
    /// Makes the error about an unknown `name`, with the one of `known` that was most likely meant.
    ///
    /// `noun` is `kind` or `field`. If no name is near, all of `known` are listed.
    fn unknown(noun: &'static str, name: &str, known: Vec<&'static str>) -> Self {
        let hint = match find_nearest(name, known.iter().copied()) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("one of {}", known.join(", ")),
        };
        let name = name.to_string();
        Self::Unknown { noun, name, hint }
    }
}

/// Lists all kinds, one line each: those of vendors, then those of the format itself.
pub fn list_kinds(out: &mut dyn Write) -> Result<(), ExplainError> {
    let vendors = provider::all_kinds().map(|kind| kind.table());
    let vendors = vendors.map(|table| (table.kind.0, table.about));
    let own_kinds = OwnKind::ALL.map(|kind| (kind.name(), kind.table().about));
    write_kinds(out, vendors.chain(own_kinds))?;
    writeln!(
        out,
        "\nentitle explain KIND shows its fields, KIND.FIELD one of them.\nentitle explain VENDOR lists the kinds of a vendor."
    )?;
    Ok(())
}

/// Lists the kinds of a vendor, one line each.
fn list_kinds_of(out: &mut dyn Write, provider: &dyn Provider) -> Result<(), ExplainError> {
    let tables = provider.kinds().iter().map(|kind| kind.table());
    write_kinds(out, tables.map(|table| (table.kind.0, table.about)))?;
    let vendor = provider.vendor();
    writeln!(
        out,
        "\nA connection of {vendor} reaches all of them.\nentitle explain KIND shows the fields of one."
    )?;
    Ok(())
}

/// Writes a line for each kind, with the descriptions in one column.
fn write_kinds(
    out: &mut dyn Write,
    kinds: impl Iterator<Item = (&'static str, &'static str)> + Clone,
) -> io::Result<()> {
    let widest = kinds.clone().map(|(name, _)| name.len()).max();
    let width = widest.unwrap_or_default();
    for (name, about) in kinds {
        writeln!(out, "{BOLD}{name:<width$}{BOLD:#}  {about}")?;
    }
    Ok(())
}

/// Explains `KIND`, `KIND.FIELD` or `VENDOR`. `Err` names the part of the path that is unknown.
///
/// Empty parts are ignored, so `LacLicenseOrder.` is the page of the kind.
pub fn explain_path(out: &mut dyn Write, path: &str) -> Result<(), ExplainError> {
    let (kind, fields) = path.split_once('.').unwrap_or((path, ""));
    let fields: Vec<&str> = fields.split('.').filter(|name| !name.is_empty()).collect();
    if let Some(kind) = provider::find_kind(kind) {
        return explain_object(out, kind, path, &fields);
    }
    if let Some(own_kinds) = OwnKind::of(kind) {
        return explain_own(out, own_kinds, path, &fields);
    }
    if let Some(provider) = provider::ALL.iter().find(|one| one.vendor().0 == path) {
        return list_kinds_of(out, *provider);
    }
    let vendors = provider::all_kinds().map(|kind| kind.table().kind.0);
    let known = vendors.chain(OwnKind::ALL.map(OwnKind::name)).collect();
    Err(ExplainError::unknown("kind", kind, known))
}

/// Explains a kind of a vendor, or a field of it.
///
/// `spec` and `desired` at the beginning are skipped: `KIND.spec.desired.FIELD` and `KIND.FIELD` are the same
/// page.
fn explain_object(
    out: &mut dyn Write,
    kind: &dyn ResourceKind,
    path: &str,
    fields: &[&str],
) -> Result<(), ExplainError> {
    let table = kind.table();
    // `KIND.spec.desired.FIELD` is what other tools' users type.
    let prefix = |name: &&&str| matches!(**name, "spec" | "desired");
    let fields = &fields[fields.iter().take_while(prefix).count()..];
    match fields.split_first() {
        None => Ok(field::write_kind(out, kind)?),
        Some((&"policy", members)) => {
            member::explain_in(out, path, &POLICY, members)?;
            if members.is_empty() {
                writeln!(out, "\n{VERBS}")?;
            }
            Ok(())
        }
        Some((&"metadata", members)) => member::explain_in(out, path, &METADATA, members),
        Some((&"edition", members)) if find_field(table.desired, "edition").is_none() => {
            member::explain_in(out, path, &EDITION_USE, members)?;
            Ok(writeln!(out, "\n{EDITION}")?)
        }
        Some((&"changes", members)) if find_field(table.desired, "changes").is_none() => {
            member::explain_in(out, path, &CHANGE, members)?;
            if members.is_empty() {
                writeln!(out, "\n{CHANGES}")?;
            }
            Ok(())
        }
        Some((name, inner)) => {
            if let Some(create) = table.lifecycle.create
                && find_field(create.only, name.split('[').next().unwrap_or(name)).is_some()
            {
                let field = field::find_in(create.only, name, inner)?;
                return Ok(field::write_creation_field(out, path, field, &create)?);
            }
            let field = field::find_in(table.desired, name, inner)?;
            // Members of elements go by the call of their list.
            let call = find_field(table.desired, name).map_or(field.call, |list| list.call);
            let call = &table.calls[call];
            Ok(field::write_field(
                out,
                path,
                field,
                call,
                table.calls.len(),
            )?)
        }
    }
}

/// Explains one of the format's own kinds, or a member of it, with the notes that its table does not hold.
fn explain_own(
    out: &mut dyn Write,
    kind: OwnKind,
    path: &str,
    members: &[&str],
) -> Result<(), ExplainError> {
    let members = members.strip_prefix(&["spec"]).unwrap_or(members);
    match members.split_first() {
        Some((&"metadata", members)) => return member::explain_in(out, path, &METADATA, members),
        _ => member::explain_in(out, path, kind.table(), members)?,
    }
    if members.is_empty() {
        if kind == OwnKind::Connection {
            member::write_budgets(out)?;
        }
        writeln!(out, "\n{}", note_on(kind))?;
    }
    Ok(())
}

/// Shown below the page of `policy`, whose members name these verbs and risks.
const VERBS: &str = "What a plan does to a field or to an element of a list
  add            live has no such element, or shows no such field
  replace        live has another value; a field that is cleared is replaced by null
  remove         the element goes, or the field with the type that gave it a meaning

What stops a new element at once strands: an end in the past, `enabled: false`, a
usage counter. 9999-12-31 is no end, at any time of that day.";

/// Returns the notes on a kind that no table holds.
fn note_on(kind: OwnKind) -> &'static str {
    match kind {
        OwnKind::AcceptedDrift => ACCEPTED_DRIFT,
        OwnKind::Connection | OwnKind::Notification => SECRETS,
        OwnKind::Edition => EDITION,
        OwnKind::Environment => ENVIRONMENT,
        OwnKind::ObjectSet => OBJECT_SET,
        OwnKind::Project => PROJECT,
    }
}

/// Where acceptances of drift are read from, and which commands use them.
const ACCEPTED_DRIFT: &str = "\
Documents of this kind count wherever manifests are read from; `entitle drift`
also reads entitle-accepted.yaml beside the project file, or --accepted FILE.
An entry that has expired or silences nothing is reported. `plan` and `apply`
take no notice of it.";

/// How an object gets the fields of an edition.
const EDITION: &str = "\
An object names it: `edition: {name: professional, with: {seats: 25}}`. Its own
`desired` wins, field by field; elements of lists are merged by their keys, and
`absent: true` beside a key takes an element out.";

/// How an environment is chosen, and where its values stand.
const ENVIRONMENT: &str = "\
`--env NAME` chooses one; without it the only one that is read counts. A value
`{value: seats.floor}` may stand in ids, in `edition.with`, and in `desired` of
objects, editions and sets. An object that says `connection: account` goes through
the Connection to which the environment maps `account`.";

/// What a set makes of a row.
const OBJECT_SET: &str = "\
`{column: seats}` takes the type of the place where it stands. An empty cell is
an error, unless it has `default: VALUE` or `optional: true` beside the name;
an optional one is left out. In names, labels, ids and `connection` a column may
stand in braces: `\"{customer}-cad\"`. A row that goes leaves its object as it is.";
/// How dated changes come into force.
const CHANGES: &str = "\
A list: `changes: [{from: 2027-07-01, desired: {…}}]`. The fields of a change win
over `desired` from its moment on, and those of a later one over those of an
earlier one; elements of lists are merged by their keys, and `absent: true`
beside a key takes an element out. An edition may have changes too; the object
still wins over it. `entitle calendar` lists what comes, `entitle plan --at DATE`
shows it, and `watch` applies it on the moment.";

/// How the project file is found, what takes precedence over it, and what it may not do.
const PROJECT: &str = "\
The nearest entitle.yaml up to the git root is used. What is typed wins over
the environment, that over the project file, that over the default. Paths are
relative to the file and stay below its directory. It comes with pull requests,
so it cannot allow commands, secret directories or risks, and its trustHosts
counts only where nobody else named hosts. With CI set it does not stand for a
list of your own: it holds, with a warning.";

/// The three spellings of a secret.
const SECRETS: &str = "A secret is {env: NAME}, {file: PATH} or {command: [program, argument]}.";

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(of: &str) -> String {
        let mut out = Vec::new();
        explain_path(&mut out, of).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("needed"));
        line.unwrap_or_default().trim().to_string()
    }

    #[test]
    fn a_connection_is_explained_with_the_limits_of_every_vendor() {
        let mut out = Vec::new();
        explain_path(&mut out, "Connection").unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in [
            "  alinea              10 at once",
            "  cryptlex            10 at once, 50 in 5 s",
            "  licensespring       10 at once, 600 in 60 s, 200 in 10 s, 50 in 1 s",
        ] {
            assert!(
                text.lines().any(|own_kinds| own_kinds == line),
                "{line:?} in {text}"
            );
        }
    }

    #[test]
    fn the_kinds_of_a_vendor_are_listed() {
        for provider in provider::ALL {
            let mut out = Vec::new();
            explain_path(&mut out, provider.vendor().0).unwrap();
            let text = String::from_utf8(out).unwrap();
            let kinds = text.lines().take_while(|line| !line.is_empty());
            assert_eq!(kinds.count(), provider.kinds().len(), "{text}");
            for kind in provider.kinds() {
                let table = kind.table();
                assert!(text.contains(table.kind.0) && text.contains(table.about));
            }
        }
        let unknown = explain_path(&mut Vec::new(), "lac.name").unwrap_err();
        assert!(unknown.to_string().starts_with("unknown kind"), "{unknown}");
    }

    #[test]
    fn rules_that_no_type_tells_are_explained() {
        let page = |of: &str| {
            let mut out = Vec::new();
            explain_path(&mut out, of).unwrap();
            String::from_utf8(out).unwrap()
        };
        for (of, expected) in [
            (
                "AlineaLicense.Grade",
                "null or \"\", which are one value, sent as null",
            ),
            ("AlineaLicense.StartDate", "later reduces, also in the past"),
            ("AlineaLicense.EndDate", "9999-12-31 is no end"),
            ("AlineaLicense.EndDate", "not before StartDate"),
            (
                "CryptlexOrganizationLicense.userGroups",
                "userGroupIds, also in spec.policy",
            ),
            ("LacLicenseOrder.policy", "in the words of this manifest"),
            ("LacLicenseOrder.spec.policy.ignore", "[\"*\"]"),
            ("LacLicenseOrder.policy", "replaced by null"),
            ("LacLicenseOrder", "explain LacLicenseOrder.policy"),
        ] {
            assert!(page(of).contains(expected), "{expected:?} in {}", page(of));
        }
    }

    #[test]
    fn an_optional_field_that_every_write_sends_is_said_to_be_sent() {
        for (of, expected) in [
            (
                "AlineaLicense.Buffer",
                "not in the manifest; every write sends it, from live where that leaves it out",
            ),
            (
                "LacLicenseOrder.description",
                "no; a write sends it along where live holds something",
            ),
            (
                "LicenseSpringLicense.product_features.total_consumptions",
                "no",
            ),
        ] {
            assert_eq!(needed(of), expected, "{of}");
        }
    }
}
