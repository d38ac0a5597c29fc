//! The reference of kinds: a page of all, one for each vendor, and one of the format's own maps.

use entitle::manifest::edition::EDITION_USE;
use entitle::manifest::envelope::{DOCUMENT, METADATA, OBJECT};
use entitle::manifest::own_kind::OwnKind;
use entitle::manifest::policy::POLICY;
use entitle::manifest::table::MapTable;
use entitle::model::field::Shown;
use entitle::model::{Field, KindTable, Shape, WriteCall};
use entitle::provider::{self, Provider, ResourceKind};
use entitle::render::explain::{self, FieldFact};
use entitle::render::schema::describe_member;

use super::markdown::{anchor, cell, code, head, row};

/// Returns the page that lists all kinds.
pub fn overview() -> String {
    let mut page = String::from(
        "# Kinds\n\nWhat `entitle explain` lists. Each name leads to its identity, its calls and its fields.\n\n",
    );
    page += &head(&["kind", "what it is", "created", "removed", "listed"]);
    for provider in provider::ALL {
        for kind in provider.kinds() {
            let table = kind.table();
            let name = table.kind.0;
            let link = format!(
                "[`{name}`](kinds/{}.md#{})",
                provider.vendor(),
                anchor(name)
            );
            let yes = |is| if is { "yes" } else { "no" }.to_string();
            page += &row(&[
                link,
                cell(table.about),
                yes(table.lifecycle.create.is_some()),
                yes(table.lifecycle.remove.is_some()),
                yes(kind.listing().is_some()),
            ]);
        }
    }
    for kind in OwnKind::ALL {
        let link = format!("[`{0}`](format.md#{1})", kind.name(), anchor(kind.name()));
        let none = || "–".to_string();
        page += &row(&[link, cell(kind.table().about), none(), none(), none()]);
    }
    page + "\nCreated only with `create: true` or `--create`, removed only by `state: absent`. What is listed can be\n\
            imported without naming ids.\n"
}

/// Returns the page of a vendor's kinds.
pub fn vendor(provider: &dyn Provider) -> String {
    let names = provider.kinds().iter().map(|kind| kind.table().kind.0);
    let names: Vec<&str> = names.collect();
    let mut page = format!(
        "# Kinds of {}\n\nCalls, identity and fields of {}, as `entitle explain KIND` and `entitle explain KIND.FIELD` have them.\n",
        provider.vendor(),
        names.join(", ")
    );
    for kind in provider.kinds() {
        page += &one_kind(*kind);
    }
    page
}

fn one_kind(kind: &dyn ResourceKind) -> String {
    let table = kind.table();
    let mut page = format!("\n## {}\n\n{}\n\n", table.kind.0, table.about);
    page += &head(&["call", ""]);
    for call in table.calls {
        page += &row(&["written by".into(), code(call.name)]);
    }
    page += &lifecycle(kind);
    page += "\nIdentity, under `spec`:\n\n";
    page += &head(&["member", "what it is"]);
    for id in table.identity {
        page += &row(&[code(id.name), cell(&explain::describe_id(id))]);
    }
    if let Some(key) = table.lifecycle.key {
        page += &row(&[format!("or {}", code(key.member)), cell(key.about)]);
        for id in key.fields {
            let name = format!("{}.{}", key.member, id.name);
            page += &row(&[code(&name), cell(&explain::describe_id(id))]);
        }
    }
    page += "\nFields, under `spec.desired`:\n\n";
    page += &head(&["field", "what it is", "risk of a change"]);
    for field in table.desired {
        let call = &table.calls[field.call];
        page += &field_row(table, "", field, call);
        if let Shape::Keyed(elements) = &field.shape {
            for (name, about) in elements.key.iter().zip(elements.key_about) {
                let name = format!("{}[].{name}", field.name);
                let risk = "another key is another element".to_string();
                page += &row(&[
                    code(&name),
                    format!("{} Part of the key.", cell(about)),
                    risk,
                ]);
            }
            for member in elements.fields {
                page += &field_row(table, &format!("{}[].", field.name), member, call);
            }
        }
    }
    page
}

/// Returns how objects come and go, as rows of the table of calls.
fn lifecycle(kind: &dyn ResourceKind) -> String {
    let (lifecycle, omissions) = (&kind.table().lifecycle, kind.omissions());
    let no = |why: &str, instead: &str| {
        let why = if why.is_empty() {
            "no call is documented"
        } else {
            why
        };
        let instead = if instead.is_empty() {
            String::new()
        } else {
            format!("; {instead}")
        };
        cell(&format!("never: {why}{instead}"))
    };
    let created = match lifecycle.create {
        Some(call) if call.required.is_empty() => code(call.name),
        Some(call) => format!(
            "{}, which needs {}",
            code(call.name),
            code(&call.required.join(", "))
        ),
        None => no(omissions.creation, ""),
    };
    let removed = match lifecycle.remove {
        Some(call) => code(call),
        None => no(omissions.removal, lifecycle.off),
    };
    let mut rows = row(&["created by".into(), created]) + &row(&["removed by".into(), removed]);
    if kind.listing().is_none() {
        rows += &row(&["listed by".into(), no(omissions.list, "")]);
    }
    rows
}

/// Returns the row of a field: what it is, with a line each for its type, when it is needed and how it is cleared.
fn field_row(table: &KindTable, prefix: &str, field: &Field, call: &WriteCall) -> String {
    let facts = explain::describe_field(field, call, table.calls.len());
    let fact = |name: &str| facts.iter().find(|(known, _)| *known == name);
    let text = |name: &str| cell(fact(name).map_or("", |(_, text)| text));
    let about = format!(
        "{}<br>{}<br>Needed: {}.<br>Clearing: {}.",
        cell(field.about),
        cell(&rest(&facts, field)),
        text("needed"),
        text("clearing"),
    );
    let name = code(&format!("{prefix}{}", field.name));
    row(&[name, about, text("risk")])
}

/// Returns the facts that have no column of their own, as sentences: the type first.
fn rest(facts: &[FieldFact], field: &Field) -> String {
    let columns = ["needed", "clearing", "risk"];
    let others = facts.iter().filter(|(name, _)| !columns.contains(name));
    let shown = |(name, text): &FieldFact| match *name {
        "type" => format!("Type: {text}."),
        "or" => format!("Or `{}`.", text.replace(", whose id it is", "")),
        "unshown" => unshown(field),
        name => format!("{}{}: {text}.", name[..1].to_uppercase(), &name[1..]),
    };
    let shown: Vec<String> = others.map(shown).collect();
    shown.join(" ").trim_end().to_string()
}

/// Returns what is known of a field that a reply does not show; nothing for what holds everywhere, that it is unknown.
fn unshown(field: &Field) -> String {
    let newer = match field.shown {
        Shown::Always => "",
        Shown::Newer => "Replies of older servers show no such field.",
    };
    let null = field
        .null
        .map(|page| format!("`null` in a reply is nothing ({page}). "));
    null.unwrap_or_default() + newer
}

/// Returns the page of the maps that the format itself defines.
pub fn format() -> String {
    let mut page = String::from(
        "# The manifest format\n\nMaps that the format itself defines, the same for every vendor. `entitle explain` has them \
         in the terminal, and `entitle schema` writes the JSON Schema for editors.\n",
    );
    for (title, table) in [
        ("A document", &DOCUMENT),
        ("metadata", &METADATA),
        ("spec of an object", &OBJECT),
        ("policy", &POLICY),
        ("edition", &EDITION_USE),
    ] {
        page += &map_section(title, table);
    }
    for kind in OwnKind::ALL {
        page += &map_section(kind.name(), kind.table());
    }
    page
}

fn map_section(title: &str, table: &MapTable) -> String {
    let mut page = format!("\n## {title}\n\n");
    if !table.about.is_empty() {
        page += &format!("{}\n\n", table.about);
    }
    page += &head(&["member", "what it is", "form", "needed", "default"]);
    page + &member_rows("", table)
}

/// Returns a row for each member, and below it those of the map in it. A secret is one member.
fn member_rows(prefix: &str, table: &MapTable) -> String {
    let mut rows = String::new();
    for member in table.written() {
        let name = format!("{prefix}{}", member.name);
        rows += &row(&[
            code(&name),
            cell(&describe_member(member)),
            cell(&explain::form_name(&member.form)),
            if member.required { "yes" } else { "no" }.into(),
            member.default.map_or(String::new(), code),
        ]);
        if let (Some(inner), false) = (member.form.inner(), member.form.is_secret()) {
            rows += &member_rows(&format!("{name}."), inner);
        }
    }
    rows
}
