//! Writes the pages of the format's own maps and of their members: connections, policies, project files.
//!
//! Input is a map table and the names that remain of the path, output a page of at most 80 columns. Fields of
//! vendors are on the pages of `field`.

use std::io::{self, Write};

use super::{BOLD, ExplainError};
use crate::manifest::table::{Form, MapTable, Member};
use crate::model::RateLimit;
use crate::provider;
use crate::render::schema::{describe_member, vendor_names};

/// Explains a map, or a member in it; recurses into maps for each further name in `members`.
///
/// An index is ignored: `allow[0]` is the page of `allow`. `Err` if a name is unknown or its member is no map.
pub fn explain_in(
    out: &mut dyn Write,
    path: &str,
    table: &'static MapTable,
    members: &[&str],
) -> Result<(), ExplainError> {
    let Some((name, inner)) = members.split_first() else {
        return Ok(write_map(out, path, table)?);
    };
    let name = name.split('[').next().unwrap_or(name);
    let Some(member) = table.written().find(|member| member.name == name) else {
        return Err(ExplainError::unknown(
            "field",
            name,
            table.names().collect(),
        ));
    };
    match (inner, member.form.inner()) {
        ([], _) => Ok(write_member(out, path, member)?),
        (_, Some(table)) => explain_in(out, path, table, inner),
        (_, None) => Err(ExplainError::NothingInside(name.into())),
    }
}

/// Writes the page of a map, with everything in it.
fn write_map(out: &mut dyn Write, path: &str, table: &MapTable) -> io::Result<()> {
    writeln!(out, "{BOLD}{path}{BOLD:#}")?;
    writeln!(out, "  {}\n", wrap(2, table.about))?;
    write_members(out, table, 2)
}

/// Writes the page of one member, with everything in it.
fn write_member(out: &mut dyn Write, path: &str, member: &Member) -> io::Result<()> {
    writeln!(out, "{BOLD}{path}{BOLD:#}")?;
    writeln!(out, "  {}\n", wrap(2, &describe_member(member)))?;
    writeln!(out, "  type      {}", form_name(&member.form))?;
    let needed = if member.required { "yes" } else { "no" };
    writeln!(out, "  needed    {needed}")?;
    if let Some(default) = member.default {
        writeln!(out, "  default   {default}")?;
    }
    if let Some(table) = member.form.inner() {
        writeln!(out, "\n  Fields")?;
        write_members(out, table, 4)?;
    }
    Ok(())
}

/// Writes the members of a map in two columns, those of inner maps below them, indented by two.
///
/// A secret is written as one member: its three spellings are explained once for the whole page.
fn write_members(out: &mut dyn Write, table: &MapTable, indent: usize) -> io::Result<()> {
    const COLUMN: usize = 22;
    for member in table.written() {
        let mut text = describe_member(member);
        if let Some(default) = member.default {
            text.push_str(&format!(" Default: {default}."));
        }
        let width = COLUMN - indent;
        writeln!(
            out,
            "{:indent$}{:<width$} {}",
            "",
            member.name,
            wrap(COLUMN + 1, &text)
        )?;
        if let (Some(table), false) = (member.form.inner(), member.form.is_secret()) {
            write_members(out, table, indent + 2)?;
        }
    }
    Ok(())
}

/// Breaks a text into lines of at most 80 columns, of which all but the first begin with `indent` spaces.
///
/// The first line is assumed to begin at column `indent` too. With `indent` 23 each line takes 57 characters.
pub fn wrap(indent: usize, text: &str) -> String {
    const WIDTH: usize = 80;
    let mut wrapped = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column + 1 + length > WIDTH {
            wrapped.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

/// Names the form of a member's value in words, for example `whole number from 1 to 64`.
pub fn form_name(form: &Form) -> String {
    match form {
        Form::Text(text_type) => text_type.name.into(),
        Form::Boolean => "true or false".into(),
        Form::Count(max) => format!("whole number from 1 to {max}"),
        Form::Integer => "whole number".into(),
        Form::CountOrShare => "number such as 20, or share such as 10%".into(),
        Form::Choice(_, values) => format!("one of {}", values.join(", ")),
        Form::Vendor => format!("one of {}", vendor_names().join(", ")),
        Form::Secret => "{env: NAME}, {file: PATH} or {command: [program, argument]}".into(),
        Form::TextOrSecret(text_type) => format!("{}, or where it is kept", text_type.name),
        Form::List(items) | Form::ListOf(_, items) => format!("list: {}", form_name(items)),
        Form::OneOrListOf(_, items) => format!("{}, or a list", form_name(items)),
        Form::TextMap => "map of texts".into(),
        Form::Map(_) => "map".into(),
        Form::Named(_) => "map of maps by name".into(),
        Form::Unread | Form::Refused(_) => "any".into(),
    }
}

/// Writes the limits of calls that each vendor's accounts get where the connection sets none.
///
/// One line per vendor, for example `cryptlex  10 at once, 50 in 5 s`.
pub fn write_budgets(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\nWithout `limits`, calls at once and in any window of time"
    )?;
    for provider in provider::ALL {
        let limits = provider.limits();
        let rate = |rate: &RateLimit| format!(", {} in {} s", rate.requests, rate.per.as_secs());
        let rates: String = limits.rates.iter().map(rate).collect();
        let (vendor, most) = (provider.vendor().0, limits.concurrency);
        writeln!(out, "  {vendor:<20}{most} at once{rates}")?;
    }
    Ok(())
}
