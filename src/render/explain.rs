//! Kinds and fields in the terminal, from the field tables alone.

use std::io::{self, Write};

use anstyle::Style;
use serde_json::Value as Json;

use crate::manifest::document::Policy;
use crate::model::diagnostic::nearest;
use crate::model::field::{Elements, Shown, find};
use crate::model::{Carry, Clearing, Field, KindTable, Need, Rate, RiskRule, Scope, Shape};
use crate::provider;
use crate::provider::semantics::WriteMode;

const BOLD: Style = Style::new().bold();

/// All kinds, one line each.
pub fn kinds(out: &mut dyn Write) -> io::Result<()> {
    for provider in provider::ALL {
        let table = provider.table();
        writeln!(out, "{BOLD}{:<30}{BOLD:#} {}", table.kind.0, table.about)?;
    }
    for (kind, page) in OWN_PAGES {
        let about = page.lines().nth(1).unwrap_or_default().trim();
        writeln!(out, "{BOLD}{kind:<30}{BOLD:#} {about}")?;
    }
    writeln!(
        out,
        "\nentitle explain KIND shows its fields, KIND.FIELD one of them."
    )
}

/// A kind, or a field of it; the inner error is for the user.
pub fn path(out: &mut dyn Write, path: &str) -> io::Result<Result<(), String>> {
    let mut parts = path.split('.');
    let kind = parts.next().unwrap_or_default();
    let own = OWN_PAGES.iter().map(|(kind, _)| *kind);
    let vendors = provider::ALL.iter().map(|provider| provider.table().kind.0);
    let names = || vendors.clone().chain(own.clone());
    let Some(provider) = provider::of_kind(kind) else {
        if let Some((_, page)) = OWN_PAGES.iter().find(|(own, _)| *own == kind) {
            writeln!(out, "{page}")?;
            if kind == "Connection" {
                budgets(out)?;
            }
            return Ok(Ok(()));
        }
        let hint = nearest(kind, names()).map_or_else(
            || format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean {name}?"),
        );
        return Ok(Err(format!("unknown kind {kind:?}; {hint}")));
    };
    let table = provider.table();
    let mut rest: Vec<&str> = parts.collect();
    // `KIND.spec.desired.FIELD` is what other tools' users type.
    while matches!(rest.first(), Some(&"spec" | &"desired")) {
        rest.remove(0);
    }
    match rest.split_first() {
        None => kind_page(out, table).map(Ok),
        Some((&"policy", _)) => policy_page(out, path).map(Ok),
        Some((name, rest)) => match lookup(table.desired, name, rest) {
            Ok(field) => field_page(out, path, field, provider.semantics().write).map(Ok),
            Err(why) => Ok(Err(why)),
        },
    }
}

fn lookup(fields: &'static [Field], name: &str, rest: &[&str]) -> Result<&'static Field, String> {
    let name = name.split('[').next().unwrap_or(name);
    let Some(field) = find(fields, name) else {
        let known = || fields.iter().map(|field| field.name);
        let hint = nearest(name, known()).map_or_else(
            || format!("one of {}", known().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean {name}?"),
        );
        return Err(format!("unknown field {name:?}; {hint}"));
    };
    match (rest.split_first(), &field.shape) {
        (None, _) => Ok(field),
        (Some((name, rest)), Shape::Keyed(elements)) => lookup(elements.fields, name, rest),
        (Some(_), _) => Err(format!("`{name}` has no fields inside")),
    }
}

fn kind_page(out: &mut dyn Write, table: &KindTable) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}\n  {}\n", table.kind, table.about)?;
    writeln!(out, "Written by\n  {}\n", table.write_call)?;
    writeln!(out, "Identity, under spec")?;
    for identity in table.identity {
        let about = identity.about;
        writeln!(
            out,
            "  {:<26} {about} For example {}",
            identity.name, identity.example
        )?;
    }
    writeln!(out, "\nFields, under spec.desired")?;
    for field in table.desired {
        line(out, field, 2)?;
        if let Shape::Keyed(elements) = &field.shape {
            for (name, about) in elements.key.iter().zip(elements.key_about) {
                writeln!(out, "    {name:<34} key: {about}")?;
            }
            for inner in elements.fields {
                line(out, inner, 4)?;
            }
        }
    }
    writeln!(
        out,
        "\nPolicy, under spec.policy\n  entitle explain {}.policy",
        table.kind
    )
}

/// What `spec.policy` may say, which is the same for every kind, and how plans speak of fields.
fn policy_page(out: &mut dyn Write, path: &str) -> io::Result<()> {
    writeln!(out, "{BOLD}{path}{BOLD:#}\n  How the object is treated.\n")?;
    let policy = super::schema::of::<Policy>();
    let members = policy.get("properties").and_then(Json::as_object);
    for (name, member) in members.into_iter().flatten() {
        let about = member.get("description").and_then(Json::as_str);
        let about = about.unwrap_or_default().replace('\n', " ");
        writeln!(out, "  {name:<14} {about}")?;
    }
    writeln!(out, "\n{VERBS}")
}

fn line(out: &mut dyn Write, field: &Field, indent: usize) -> io::Result<()> {
    let name = field.name;
    let width = 38 - indent;
    writeln!(out, "{:indent$}{name:<width$} {}", "", field.shape.name())
}

fn field_page(out: &mut dyn Write, path: &str, field: &Field, mode: WriteMode) -> io::Result<()> {
    writeln!(
        out,
        "{BOLD}{path}{BOLD:#}
  {}
",
        field.about
    )?;
    writeln!(out, "  type      {}", field.shape.name())?;
    if let Shape::Integer { min, max, .. } = field.shape {
        writeln!(out, "  range     {min} to {max}")?;
    }
    writeln!(out, "  needed    {}", need(field, mode))?;
    writeln!(out, "  clearing  {}", clearing(field))?;
    if field.need != Need::Never {
        writeln!(out, "  unshown   {}", unshown(field))?;
    }
    writeln!(out, "  risk      {}", risk(field.risk))?;
    if let Some(begin) = field.not_before {
        writeln!(out, "  order     not before {begin}")?;
    }
    if let Some(name) = field.stands_for {
        writeln!(out, "  stands    for {name}, also in spec.policy")?;
    }
    match field.carry {
        Carry::Live => {}
        Carry::OnlyManaged => writeln!(out, "  sent      only when the manifest manages it")?,
        Carry::OneShot { .. } => writeln!(out, "  sent      once; the vendor ends it by itself")?,
    }
    if let Shape::Keyed(elements) = &field.shape {
        writeln!(out, "\n  Elements")?;
        elements_page(out, elements)?;
    }
    Ok(())
}

fn elements_page(out: &mut dyn Write, elements: &Elements) -> io::Result<()> {
    for (name, about) in elements.key.iter().zip(elements.key_about) {
        writeln!(out, "    {name:<34} key: {about}")?;
    }
    for field in elements.fields {
        line(out, field, 4)?;
    }
    Ok(())
}

fn need(field: &Field, mode: WriteMode) -> String {
    match field.need {
        Need::Required => "by every write; taken from live where the manifest leaves it out".into(),
        Need::InManifest => "in the manifest: every write sends it and no read returns it".into(),
        Need::Optional if field.carry == Carry::Live => optional(mode).into(),
        Need::Optional | Need::Never => "no".into(),
        Need::When { scope, field, is } => {
            let whose = if scope == Scope::Object {
                "the object's "
            } else {
                ""
            };
            format!("when {whose}{field} is {is}")
        }
    }
}

/// What becomes of an optional field that the manifest leaves out.
fn optional(mode: WriteMode) -> &'static str {
    match mode {
        WriteMode::Merge => "no",
        WriteMode::Overwrite => {
            "not in the manifest; every write sends it, from live where that leaves it out"
        }
        WriteMode::FullPatch => "no; a write sends it along where live holds something",
    }
}

fn clearing(field: &Field) -> &'static str {
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

/// What a read tells that leaves the field out or shows null for it.
fn unshown(field: &Field) -> String {
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

fn risk(rule: RiskRule) -> String {
    match rule {
        RiskRule::Safe => "safe".into(),
        RiskRule::Amount { used: None } => "lower reduces".into(),
        RiskRule::Amount { used: Some(used) } => format!("lower reduces; below {used} strands"),
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

/// Kinds that no vendor has, with their pages.
/// What each vendor's accounts are asked for where the connection sets no limits.
fn budgets(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\nWithout `limits`, calls at once and in any window of time"
    )?;
    for provider in provider::ALL {
        let limits = provider.limits();
        let rate = |rate: &Rate| format!(", {} in {} s", rate.requests, rate.per.as_secs());
        let rates: String = limits.rates.iter().map(rate).collect();
        let (vendor, most) = (provider.vendor().0, limits.concurrency);
        writeln!(out, "  {vendor:<20}{most} at once{rates}")?;
    }
    Ok(())
}

const OWN_PAGES: [(&str, &str); 4] = [
    ("AcceptedDrift", ACCEPTED_DRIFT),
    ("Connection", CONNECTION),
    ("Notification", NOTIFICATION),
    ("Project", PROJECT),
];

const VERBS: &str = "What a plan does to a field or to an element of a list
  add            live has no such element, or shows no such field
  replace        live has another value; a field that is cleared is replaced by null
  remove         the element goes, or the field with the type that gave it a meaning

What stops a new element at once strands: an end in the past, `enabled: false`, a
usage counter. 9999-12-31 is no end, at any time of that day.";

const ACCEPTED_DRIFT: &str = "AcceptedDrift
  Drift that somebody has looked at and lets be.

Under spec.entries, each
  object              Kind/name
  field               path as drift prints it; [*] is every element, and what
                      lies below is meant too
  reason              why it is let be
  until               the last day on which it is, YYYY-MM-DD in UTC

Documents of this kind count wherever manifests are read from; `entitle drift`
also reads entitle-accepted.yaml beside the project file, or --accepted FILE.
An entry that has expired or silences nothing is reported. `plan` and `apply`
take no notice of it.";

const PROJECT: &str = "Project
  What the commands of one repository start from, in entitle.yaml.

Under spec, all of them optional
  paths               files or directories with manifests
  parallelism         calls of a whole run at the same time
  timeout             longest time for a whole run
  maxChanges          send nothing if more objects would change: 20, or 10%
  trustHosts          send credentials to these hosts only
  journal             journal of applies
  acceptedDrift       file with accepted drift

The nearest entitle.yaml up to the git root is used. What is typed wins over
the environment, that over the project file, that over the default. Paths are
relative to the file and stay below its directory. It comes with pull requests,
so it cannot allow commands, secret directories or risks, and its trustHosts
counts only where nobody else named hosts. With CI set it does not stand for a
list of your own: it holds, with a warning.";

const NOTIFICATION: &str = "Notification
  Somebody whom `entitle watch` tells when something turns for better or worse.

Under spec, exactly one of
  webhook             url, and secret to sign with (Standard Webhooks)
  slack               url of an incoming webhook, which is a secret
  teams               url of a workflow's webhook, which is a secret
  email               server (smtps://host:port), from, to, username, password
and
  events              some of brake, source, locked, failed, missing, fight,
                      held, drift, written, recovered, suspended; or all
  connections         only what happens at these

A secret is {env: NAME}, {file: PATH} or {command: [program, argument]}.";

const CONNECTION: &str = "Connection
  One account at one vendor.

Under spec
  vendor              cryptlex, informatica, licensespring, alinea or lac
  baseUrl             everything before the path that the vendor's page prints
  auth                one of token, apiKey, session, login, clientCredentials
  limits              concurrency and rates; the vendor's own where left out
  timeout             longest time for one call, 30s where left out
  webhookSecret       for vendors that send webhooks
  allowInsecureHttp   true sends credentials over plain http, where --trust-hosts
                      has http://HOST or is not given

A secret is {env: NAME}, {file: PATH} or {command: [program, argument]}.";

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(of: &str) -> String {
        let mut out = Vec::new();
        path(&mut out, of).unwrap().unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("needed"));
        line.unwrap_or_default().trim().to_string()
    }

    #[test]
    fn a_connection_is_explained_with_the_limits_of_every_vendor() {
        let mut out = Vec::new();
        path(&mut out, "Connection").unwrap().unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in [
            "  alinea              10 at once",
            "  cryptlex            10 at once, 50 in 5 s",
            "  licensespring       10 at once, 600 in 60 s, 200 in 10 s, 50 in 1 s",
        ] {
            assert!(text.lines().any(|own| own == line), "{line:?} in {text}");
        }
    }

    #[test]
    fn rules_that_no_type_tells_are_explained() {
        let page = |of: &str| {
            let mut out = Vec::new();
            path(&mut out, of).unwrap().unwrap();
            String::from_utf8(out).unwrap()
        };
        for (of, said) in [
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
            assert!(page(of).contains(said), "{said:?} in {}", page(of));
        }
    }

    #[test]
    fn an_optional_field_that_every_write_sends_is_said_to_be_sent() {
        for (of, said) in [
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
            assert_eq!(needed(of), said, "{of}");
        }
    }
}
