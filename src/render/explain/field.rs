//! Writes the pages of a vendor's kind and of its fields, from the field table.
//!
//! The facts are columns of the table (need, clearing, risk, …); this file only puts them into words. Each
//! `describe_` function is one exhaustive `match`, so a new rule in the model does not compile without a
//! sentence for it.

use std::io::{self, Write};

use super::{BOLD, ExplainError};
use crate::model::field::{Elements, IdentityField, Shown, find_field, members_of};
use crate::model::{
    Carry, Clearing, ConditionScope, CreateCall, Field, KindTable, Need, RiskRule, Shape,
    WriteCall, WriteMode,
};
use crate::provider::ResourceKind;

/// Finds the field `name`, or the field `inner` in the elements of its list.
///
/// An index such as `[0]` behind the name is ignored. `Err` if the name is unknown, or if `inner` goes on below
/// a field that is no list of elements.
pub fn find_in(
    fields: &'static [Field],
    name: &str,
    inner: &[&str],
) -> Result<&'static Field, ExplainError> {
    let name = name.split('[').next().unwrap_or(name);
    let member = inner.split_first().and_then(|(member, rest)| {
        let (_, field) = members_of(fields, name).find(|(known, _)| known == member)?;
        Some((field, rest))
    });
    let (field, inner) = match (find_field(fields, name), member) {
        (Some(field), _) => (field, inner),
        (None, Some((field, rest))) => (field, rest),
        (None, None) => {
            let known = fields.iter().map(|field| field.name).collect();
            return Err(ExplainError::unknown("field", name, known));
        }
    };
    match (inner.split_first(), &field.shape) {
        (None, _) => Ok(field),
        (Some((name, inner)), Shape::Keyed(elements)) => find_in(elements.fields, name, inner),
        (Some((name, inner)), Shape::List(members)) => find_in(members, name, inner),
        (Some(_), _) => Err(ExplainError::NothingInside(name.into())),
    }
}

/// Writes the page of a kind: what it is, the call that writes it, its identity, and all fields with their
/// types.
pub fn write_kind(out: &mut dyn Write, kind: &dyn ResourceKind) -> io::Result<()> {
    let table = kind.table();
    writeln!(out, "{BOLD}{}{BOLD:#}\n  {}\n", table.kind, table.about)?;
    writeln!(out, "Written by")?;
    for call in table.calls {
        writeln!(out, "  {}", call.name)?;
    }
    writeln!(out)?;
    writeln!(out, "Identity, under spec")?;
    for identity in table.identity {
        writeln!(out, "  {:<26} {}", identity.name, describe_id(identity))?;
    }
    write_lifecycle(out, table)?;
    write_omissions(out, kind)?;
    writeln!(out, "\nFields, under spec.desired")?;
    for field in table.desired {
        write_line(out, field, 2)?;
        if let Shape::Keyed(elements) = &field.shape {
            write_elements(out, elements)?;
        }
    }
    let only = table.lifecycle.creation_fields();
    if !only.is_empty() {
        writeln!(
            out,
            "\nFields that are only used at creation, under spec.desired"
        )?;
        write_members(out, only, 2)?;
    }
    writeln!(
        out,
        "\nPolicy, under spec.policy\n  entitle explain {}.policy",
        table.kind
    )
}

/// Describes an id with an example, and with the reference that may stand in its place.
pub fn describe_id(id: &IdentityField) -> String {
    let (about, example) = (id.about, id.example);
    match id.refers_to {
        Some(kind) => format!("{about} For example {example}, or {{ref: {kind}/NAME}}"),
        None => format!("{about} For example {example}"),
    }
}

/// Writes how an object is named by a key, created and removed; nothing for what the vendor's API does not have.
fn write_lifecycle(out: &mut dyn Write, table: &KindTable) -> io::Result<()> {
    let lifecycle = &table.lifecycle;
    if let Some(key) = lifecycle.key {
        writeln!(out, "or\n  {:<26} {}", key.member, key.about)?;
        for field in key.fields {
            writeln!(out, "    {:<24} {}", field.name, describe_id(field))?;
        }
    }
    if let Some(create) = lifecycle.create {
        writeln!(
            out,
            "\nCreated by, with `policy.create: true` or --create\n  {}",
            create.name
        )?;
        if !create.required.is_empty() {
            writeln!(out, "  needs {}", create.required.join(", "))?;
        }
    }
    match lifecycle.remove {
        Some(call) => writeln!(out, "\nRemoved by, with `state: absent`\n  {call}"),
        None => Ok(()),
    }
}

/// Writes what is not done with objects of a kind, with the reason and with what a manifest can say in its place.
fn write_omissions(out: &mut dyn Write, kind: &dyn ResourceKind) -> io::Result<()> {
    let (lifecycle, omissions) = (&kind.table().lifecycle, kind.omissions());
    if kind.scheduler().is_some() {
        let what = "`changes` are carried out by the vendor; see `entitle help dates`";
        writeln!(out, "\nScheduled, with `policy.schedule: vendor`\n  {what}")?;
    }
    let created = (lifecycle.create.is_some(), [omissions.creation, ""]);
    let removed = (
        lifecycle.remove.is_some(),
        [omissions.removal, lifecycle.off],
    );
    let listed = (kind.listing().is_some(), [omissions.list, ""]);
    for (name, (is_done, words)) in [
        ("created", created),
        ("removed", removed),
        ("listed", listed),
    ] {
        if !is_done {
            writeln!(out, "\nNot {name}")?;
            for words in words.iter().filter(|words| !words.is_empty()) {
                writeln!(out, "  {words}")?;
            }
        }
    }
    Ok(())
}

/// Writes fields as a line each, and below a list of maps the members of its elements.
fn write_members(out: &mut dyn Write, fields: &[Field], indent: usize) -> io::Result<()> {
    for field in fields {
        write_line(out, field, indent)?;
        if let Shape::List(members) = field.shape {
            write_members(out, members, indent + 2)?;
        }
    }
    Ok(())
}

/// Writes the page of a field that only a creation takes, or of a member of one.
pub fn write_creation_field(
    out: &mut dyn Write,
    path: &str,
    field: &Field,
    create: &CreateCall,
) -> io::Result<()> {
    writeln!(out, "{BOLD}{path}{BOLD:#}\n  {}\n", field.about)?;
    writeln!(out, "  type      {}", field.shape.name())?;
    if let Shape::Integer { min, max, .. } = field.shape {
        writeln!(out, "  range     {min} to {max}")?;
    }
    let is_needed = match create.only.iter().any(|only| only.name == field.name) {
        true => create.required.contains(&field.name),
        false => field.need == Need::Required,
    };
    let needed = if is_needed { "to create" } else { "no" };
    writeln!(out, "  needed    {needed}")?;
    writeln!(out, "  call      {}", create.name)?;
    writeln!(
        out,
        "  used      once, at creation: no read shows it, and a change to it"
    )?;
    writeln!(out, "            has no effect on an object that is there")?;
    if let Shape::List(members) = field.shape {
        writeln!(out, "\n  Elements")?;
        write_members(out, members, 4)?;
    }
    Ok(())
}

/// Writes a field as one line: its name in a column of 38 less `indent`, then its type.
fn write_line(out: &mut dyn Write, field: &Field, indent: usize) -> io::Result<()> {
    let name = field.name;
    let width = 38 - indent;
    writeln!(out, "{:indent$}{name:<width$} {}", "", field.shape.name())
}

/// One line of the page of a field: a word of at most eight letters, and what it says.
pub type FieldFact = (&'static str, String);

/// Writes the page of a field. `call` writes it; `calls` are those of its kind.
pub fn write_field(
    out: &mut dyn Write,
    path: &str,
    field: &Field,
    call: &WriteCall,
    calls: usize,
) -> io::Result<()> {
    writeln!(out, "{BOLD}{path}{BOLD:#}\n  {}\n", field.about)?;
    for (name, text) in describe_field(field, call, calls) {
        writeln!(out, "  {name:<9} {text}")?;
    }
    if let Shape::Keyed(elements) = &field.shape {
        writeln!(out, "\n  Elements")?;
        write_elements(out, elements)?;
    }
    Ok(())
}

/// Returns what the table knows of a field, in the order of a page. `call` writes it; its mode decides what happens to an
/// optional field. The call is named if it is one of several `calls` of the kind.
///
/// Facts without content are left out: `order` for a field that has no start, `unshown` for one that is never
/// needed.
pub fn describe_field(field: &Field, call: &WriteCall, calls: usize) -> Vec<FieldFact> {
    let mut facts = vec![("type", field.shape.name())];
    let mut add = |name, text: String| facts.push((name, text));
    if let Shape::Integer { min, max, .. } = field.shape {
        add("range", format!("{min} to {max}"));
    }
    if let Some(kind) = field.refers_to {
        add("or", format!("{{ref: {kind}/NAME}}, whose id it is"));
    }
    add("needed", describe_need(field, call.mode));
    if calls > 1 {
        add("call", call.name.into());
    }
    add("clearing", describe_clearing(field).into());
    if field.need != Need::Never {
        add("unshown", describe_unshown(field));
    }
    add("risk", describe_risk(field.risk));
    if let Some(begin) = field.not_before {
        add("order", format!("not before {begin}"));
    }
    if let Some(name) = field.sent_with {
        add("sent", format!("together with {name}"));
    }
    if let (Some((record, _)), WriteMode::Merge) = (field.record_member(), call.mode) {
        add(
            "sent",
            format!("together with the rest of {record}, as it is"),
        );
    }
    if let Some(name) = field.excludes {
        add("excludes", format!("{name}: a manifest has one of them"));
    }
    if let Some(name) = field.stands_for {
        add("stands", format!("for {name}, also in spec.policy"));
    }
    match field.carry {
        Carry::Live => {}
        Carry::OnlyManaged => add("sent", "only when the manifest manages it".into()),
        Carry::OneShot { .. } => add("sent", "once; the vendor ends it by itself".into()),
    }
    facts
}

/// Writes the parts of the key of a list's elements, then their fields.
fn write_elements(out: &mut dyn Write, elements: &Elements) -> io::Result<()> {
    for (name, about) in elements.key.iter().zip(elements.key_about) {
        writeln!(out, "    {name:<34} key: {about}")?;
    }
    for field in elements.fields {
        write_line(out, field, 4)?;
    }
    Ok(())
}

/// Describes when a field must be given.
fn describe_need(field: &Field, mode: WriteMode) -> String {
    match field.need {
        Need::Required => "by every write; taken from live where the manifest leaves it out".into(),
        Need::InManifest => "in the manifest: every write sends it and no read returns it".into(),
        Need::Optional if field.carry == Carry::Live => describe_optional(mode).into(),
        Need::Optional | Need::Never => "no".into(),
        Need::When { scope, field, is } => {
            let whose = if scope == ConditionScope::Object {
                "the object's "
            } else {
                ""
            };
            format!("when {whose}{field} is {is}")
        }
    }
}

/// Describes what becomes of an optional field that the manifest leaves out.
fn describe_optional(mode: WriteMode) -> &'static str {
    match mode {
        WriteMode::Merge | WriteMode::Bodiless | WriteMode::Element => "no",
        WriteMode::Overwrite => {
            "not in the manifest; every write sends it, from live where that leaves it out"
        }
        WriteMode::FullPatch => "no; a write sends it along where live holds something",
    }
}

/// Describes the value that clears a field in a manifest, and what is sent for it.
fn describe_clearing(field: &Field) -> &'static str {
    match (&field.shape, field.clearing) {
        (Shape::Set(_) | Shape::Keyed(_), _) => "[] or null: none wanted",
        (_, Clearing::Impossible) => "not possible",
        (_, Clearing::Null) => "null",
        (_, Clearing::NullOrEmpty) => "null or \"\", which are one value, sent as null",
        (_, Clearing::Empty) => "null or \"\", which are one value, sent as \"\"",
        (_, Clearing::Zero) => "null or 0, which are one value, sent as 0",
        (_, Clearing::Omit) => "null, left out of the write",
    }
}

/// Describes what it means if a read leaves the field out or shows null for it.
fn describe_unshown(field: &Field) -> String {
    let absent = match field.shown {
        Shown::Always => "left out of a read: unknown",
        Shown::Newer => "left out of a read: unknown, unless the server shows no such field at all",
    };
    let empty = match field.null {
        Some(source) => format!("null: nothing ({source})"),
        None => "null: unknown".into(),
    };
    format!("{absent}; {empty}")
}

/// Describes which changes of a field reduce and which strand. `used` is the field that counts what is in use.
fn describe_risk(rule: RiskRule) -> String {
    match rule {
        RiskRule::Safe => "safe".into(),
        RiskRule::Amount { used: None } => "lower reduces".into(),
        RiskRule::Amount { used: Some(used) } => format!("lower reduces; below {used} strands"),
        RiskRule::Quota => "lower reduces; 0 is no limit".into(),
        RiskRule::Span => "shorter reduces, and where it had none".into(),
        RiskRule::End => "earlier reduces; now or past strands, also where it was past before; 9999-12-31 is no end".into(),
        RiskRule::Begin => "later reduces, also in the past; later than now, once begun, strands".into(),
        RiskRule::Ladder(steps) => {
            format!("down reduces, from least to most: {}", steps.join(", "))
        }
        RiskRule::StopsAt(value) => format!("{value} strands"),
        RiskRule::ReducesAt(value) => format!("{value} reduces"),
        RiskRule::Reassign => "any change reduces".into(),
        RiskRule::Counter => "any change strands: it is a usage counter".into(),
        RiskRule::Members { used: None } => "removing a member reduces".into(),
        RiskRule::Members { used: Some(used) } => {
            format!("removing a member reduces; with {used} above 0 it strands")
        }
    }
}
