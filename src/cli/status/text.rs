//! The status of a daemon as lines of 80 columns.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Deserialize;

use super::super::output::DANGER;
use crate::cli::error::{CommandResult, bail, user_error};
use crate::daemon::activity::{Activity, ActivityKind};
use crate::daemon::serve::view::coming::{list_mass_changes, list_next_changes};
use crate::daemon::serve::view::connections::{list_connections, past_error};
use crate::daemon::serve::view::{ATTENTION, PageView, Query};
use crate::daemon::serve::words::{count_words, relative_time, short_revision, state_words};
use crate::daemon::status::{FORMAT_VERSION, ObjectStatus, SourceKind, Status};
use crate::daemon::window::WindowStatus;
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::render::change::describe_change;
use crate::render::coming::describe_entry;
use crate::render::mass_change::describe_mass_change;
use crate::render::safe::make_visible;

/// The width of a line, in columns.
const WIDTH: usize = 80;

/// How many objects, activities, changes of an object and changes that come are shown without `--all`.
const OBJECTS: usize = 10;
const ACTIVITIES: usize = 8;
const CHANGES: usize = 3;
const COMING: usize = 5;

/// A reply of `/status`.
pub struct StatusReply {
    pub version: String,
    pub windows: WindowStatus,
    pub status: Status,
}

/// What is around the status in the reply.
#[derive(Deserialize)]
struct Envelope {
    format_version: String,
    version: String,
    windows: WindowStatus,
}

impl StatusReply {
    /// Parses a reply. `Err` if another program sent it, or if this version cannot read its format.
    pub fn parse(text: &str) -> CommandResult<Self> {
        // The text is parsed twice instead of flattening one struct into the other: numbers in flattened members lose
        // their form.
        let odd = |_| {
            user_error(
                "what answers there is no daemon of this version of entitle: name the address of one with --address",
            )
        };
        let envelope: Envelope = serde_json::from_str(text).map_err(odd)?;
        let major = |version: &str| version.split('.').next().map(str::to_string);
        if major(&envelope.format_version) != major(FORMAT_VERSION) {
            let (theirs, ours) = (&envelope.format_version, FORMAT_VERSION);
            bail!(
                "the daemon's status has the format {theirs}, and this program reads {ours}: use the version of the daemon"
            );
        }
        Ok(Self {
            version: envelope.version,
            windows: envelope.windows,
            status: serde_json::from_str(text).map_err(odd)?,
        })
    }
}

/// Options for writing a status.
#[derive(Clone, Copy)]
pub struct TextOptions {
    /// True if lists are shown to their end.
    pub all: bool,
    pub now: Timestamp,
}

/// Writes a status: the head, what holds the daemon back, objects to look at, activity, connections, windows.
pub fn write_status(
    out: &mut impl Write,
    reply: &StatusReply,
    options: TextOptions,
) -> io::Result<()> {
    let status = &reply.status;
    write_head(out, reply, options.now)?;
    write_notices(out, status)?;
    write_objects(out, status, options)?;
    write_activity(out, status, options)?;
    write_coming(out, status, options)?;
    write_connections(out, status, options.now)?;
    write_windows(out, &reply.windows, options.now)
}

/// Writes one line, cut to the width, with every character visible.
fn write_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{}", shorten(&make_visible(line), WIDTH - 1))
}

fn write_head(out: &mut impl Write, reply: &StatusReply, now: Timestamp) -> io::Result<()> {
    let status = &reply.status;
    let source = &status.source;
    let kind = match source.kind {
        SourceKind::Directory => "directory",
        SourceKind::Git => "git",
    };
    let sandbox = if status.sandbox { " (simulators)" } else { "" };
    let revision = source
        .revision
        .as_deref()
        .map(|revision| format!(" at {}", short_revision(revision)));
    write_line(
        out,
        &format!(
            "entitle watch {}, mode {}{sandbox}",
            reply.version,
            status.mode.name()
        ),
    )?;
    write_line(
        out,
        &format!("{kind} {}{}", source.location, revision.unwrap_or_default()),
    )?;
    let passes = match status.passes.back() {
        Some(pass) => format!("last pass {}", relative_time(pass.started_at, now)),
        None => "no pass yet".into(),
    };
    write_line(
        out,
        &format!(
            "started {}, {passes}",
            relative_time(status.started_at, now)
        ),
    )?;
    let all = PageView::new(status, &Query::default()).all;
    let states = all
        .present_states()
        .map(|(state, number)| format!("{number} {}", count_words(state, number)));
    let counts: Vec<String> = std::iter::once(pluralize(all.total(), "object"))
        .chain(states)
        .collect();
    write_line(out, &counts.join(", "))
}

fn write_notices(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let mut notices = Vec::new();
    if status.stopping {
        notices.push("Stopping: what is under way is finished.".to_string());
    }
    if let Some(problem) = &status.source.problem {
        let first = problem.lines().next().unwrap_or_default();
        notices.push(format!("The newest manifests are not in force: {first}"));
    }
    if let Some(why) = &status.source.unfollowed {
        notices.push(format!("The source is not followed: {why}"));
    }
    if status.brake.engaged {
        notices.push(format!(
            "The brake is on: {}",
            status.brake.why.as_deref().unwrap_or_default()
        ));
    }
    if let Some(problem) = status
        .replicas
        .as_ref()
        .and_then(|replicas| replicas.problem.as_ref())
    {
        notices.push(format!("The store is not there: {problem}"));
    }
    for (name, connection) in &status.connections {
        let holder = connection.locked.as_ref();
        notices.extend(holder.map(|holder| format!("Nothing is written at {name}: {holder}")));
        for problem in &connection.problems {
            notices.push(problem.sentence(name));
            let hint = problem.hint.as_ref();
            notices.extend(hint.map(|hint| format!("→ {hint}")));
        }
    }
    if !notices.is_empty() {
        writeln!(out)?;
    }
    for notice in notices {
        for line in wrap(&make_visible(&notice), WIDTH - 1) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Writes the objects that a person should look at, the worst risk first.
fn write_objects(out: &mut impl Write, status: &Status, options: TextOptions) -> io::Result<()> {
    let attention = Query {
        state: ATTENTION.into(),
        ..Query::default()
    };
    let view = PageView::new(status, &attention);
    if view.found == 0 {
        return writeln!(out, "\nNothing to look at.");
    }
    writeln!(out, "\nTo look at")?;
    let most = if options.all {
        view.rows.len()
    } else {
        OBJECTS
    };
    // Objects that a problem of their connection keeps from being read come last. One line stands for all of them.
    let (mut shown, mut unread) = (0, 0);
    let rows = view.rows.iter().filter(|object| object.problem.is_none());
    for object in rows.take(most) {
        write_object(out, object)?;
        shown += 1;
    }
    for (name, connection) in &status.connections {
        let objects: usize = connection.problems.iter().map(|one| one.objects).sum();
        if objects > 0 {
            let line = format!("{} of {name}: see above", pluralize(objects, "object"));
            write_line(
                out,
                &format!("  {:<7}  {:<22}  {line}", "", "cannot be read"),
            )?;
        }
        unread += objects;
    }
    let more = view.found.saturating_sub(shown + unread);
    if more > 0 {
        let way = if options.all {
            "on the page"
        } else {
            "with --all"
        };
        write_line(out, &format!("  {} {way}", pluralize(more, "more object")))?;
    }
    Ok(())
}

fn write_object(out: &mut impl Write, object: &ObjectStatus) -> io::Result<()> {
    let (word, style) = match object.risk {
        Risk::Strand => ("strands", DANGER),
        Risk::Reduce => ("reduces", anstyle::Style::new()),
        Risk::Destroy => ("removes", DANGER),
        Risk::Create => ("creates", anstyle::Style::new()),
        Risk::Safe => ("", anstyle::Style::new()),
    };
    let state = state_words(object.state);
    let rest = format!("{state:<22}  {}", object.address);
    writeln!(
        out,
        "  {style}{word:<7}{style:#}  {}",
        shorten(&make_visible(&rest), WIDTH - 12)
    )?;
    for change in object.changes.iter().take(CHANGES) {
        write_line(out, &format!("           {}", describe_change(change)))?;
    }
    let more = object.changes.len().saturating_sub(CHANGES);
    if more > 0 {
        write_line(
            out,
            &format!("           and {}", pluralize(more, "more field")),
        )?;
    }
    match &object.message {
        Some(message) => write_line(out, &format!("           {message}")),
        None => Ok(()),
    }
}

fn write_activity(out: &mut impl Write, status: &Status, options: TextOptions) -> io::Result<()> {
    if status.recent.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nRecent activity")?;
    let most = if options.all {
        status.recent.len()
    } else {
        ACTIVITIES
    };
    for entry in status.recent.iter().take(most) {
        let about = entry.address.as_ref().or(entry.connection.as_ref());
        let about = about.map_or("everything", String::as_str);
        let kind = match (entry.kind, entry.outcome) {
            (ActivityKind::Write, Some(outcome)) => outcome.name(),
            (ActivityKind::Write, None) => "write",
            (ActivityKind::ForeignEdit, _) => "foreign edit",
            (ActivityKind::Request, _) => "request",
        };
        write_line(
            out,
            &format!(
                "  {:<11} {kind:<13} {about}",
                relative_time(entry.at, options.now)
            ),
        )?;
        write_line(out, &format!("              {}", describe_activity(entry)))?;
    }
    let more = status.recent.len().saturating_sub(most);
    if more > 0 {
        write_line(out, &format!("  {more} older with --all"))?;
    }
    Ok(())
}

/// Writes what changes next by date.
fn write_coming(out: &mut impl Write, status: &Status, options: TextOptions) -> io::Result<()> {
    let changes = list_next_changes(status, options.now);
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nComing changes")?;
    for mass in list_mass_changes(status, options.now) {
        write_line(out, &format!("  {}", describe_mass_change(&mass)))?;
    }
    let most = if options.all { changes.len() } else { COMING };
    for change in changes.iter().take(most) {
        let when = relative_time(change.at, options.now);
        write_line(out, &format!("  {when:<11} {}", change.object.address))?;
        write_line(
            out,
            &format!("              {}", describe_entry(change.entry)),
        )?;
    }
    match changes.len().saturating_sub(most) {
        0 => Ok(()),
        more => write_line(out, &format!("  {more} later with --all")),
    }
}

/// Describes an activity on one line: the event, and the person or program that caused it.
fn describe_activity(entry: &Activity) -> String {
    let changes = entry.changes.first.iter();
    let changes =
        changes.map(|change| format!("{} {} → {}", change.path, change.before, change.after));
    let mut parts: Vec<String> = changes.collect();
    if entry.changes.more > 0 {
        parts.push(format!(
            "and {}",
            pluralize(entry.changes.more, "more field")
        ));
    }
    parts.extend(entry.message.clone().filter(|_| parts.is_empty()));
    let by = match (&entry.by, entry.kind) {
        (Some(by), _) => format!("by {by}"),
        (None, ActivityKind::ForeignEdit) => "by someone at the vendor".into(),
        (None, _) => String::new(),
    };
    parts.extend((!by.is_empty()).then_some(by));
    parts.extend(
        entry
            .commit
            .as_deref()
            .map(|commit| format!("commit {}", short_revision(commit))),
    );
    parts.join(", ")
}

fn write_connections(out: &mut impl Write, status: &Status, now: Timestamp) -> io::Result<()> {
    let views = list_connections(status, now);
    if !views.is_empty() {
        writeln!(out, "\nConnections")?;
    }
    for view in &views {
        let rate = view
            .tightest_rate
            .as_ref()
            .map(|rate| format!(", {rate} left"));
        let next = view
            .next_look
            .map(|at| format!(", next look {}", relative_time(at, now)));
        let line = format!(
            "  {} ({}): {}, {}{}{}",
            view.name,
            view.status.vendor,
            pluralize(view.objects.total(), "object"),
            pluralize(view.calls as usize, "call"),
            rate.unwrap_or_default(),
            next.unwrap_or_default()
        );
        write_line(out, &line)?;
        let hook = view
            .status
            .last_hook
            .map(|at| format!(", last webhook {}", relative_time(at, now)));
        write_line(
            out,
            &format!(
                "      lease {}{}",
                view.lease.describe(),
                hook.unwrap_or_default()
            ),
        )?;
        if let Some(error) = past_error(view.status) {
            let age = relative_time(error.at, now);
            write_line(out, &format!("      last error {age}, {}:", error.address))?;
            write_line(out, &format!("      {}", error.message))?;
        }
    }
    Ok(())
}

fn write_windows(out: &mut impl Write, windows: &WindowStatus, now: Timestamp) -> io::Result<()> {
    if windows.rules.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nChange windows")?;
    let state = match (windows.open, windows.opens_at) {
        (true, _) => "Writing is open.".to_string(),
        (false, Some(at)) => {
            let exact = at.strftime("%F %H:%M UTC");
            format!(
                "Writing is closed and opens {}, at {exact}.",
                relative_time(at, now)
            )
        }
        (false, None) => "Writing is closed, and no opening is in sight.".into(),
    };
    write_line(out, &format!("  {state}"))?;
    for rule in &windows.rules {
        let change = rule.changes_at.map(|at| relative_time(at, now));
        let words = match (rule.active, change) {
            (true, Some(change)) => format!("now, ends {change}"),
            (true, None) => "now".into(),
            (false, Some(change)) => format!("begins {change}"),
            (false, None) => "does not begin within 32 days".into(),
        };
        write_line(out, &format!("  {}: {words}", rule.rule))?;
    }
    Ok(())
}

/// Breaks a text into lines of at most `width` characters, between words where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let fits = line.chars().count() + 1 + word.chars().count() <= width;
        match (line.is_empty(), fits) {
            (true, _) => line.push_str(word),
            (false, true) => *line += &format!(" {word}"),
            (false, false) => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::serve::samples;
    use crate::daemon::status::StatusDocument;
    use crate::daemon::window::{ChangeWindow, describe_windows};
    use crate::plan::coming::ComingEntry;

    fn reply(objects: usize) -> String {
        let windows: [ChangeWindow; 1] = ["allow 0 22 * * 1-5 for 6h in Europe/Vienna"
            .parse()
            .unwrap()];
        let document = StatusDocument {
            format_version: FORMAT_VERSION.into(),
            version: "0.1.0".into(),
            windows: describe_windows(&windows, samples::sample_now()),
            status: samples::sample_status(objects),
        };
        serde_json::to_string(&document).unwrap()
    }

    fn shown(objects: usize, all: bool) -> String {
        let read = StatusReply::parse(&reply(objects)).unwrap_or_else(|error| panic!("{error}"));
        let mut out = Vec::new();
        let options = TextOptions {
            all,
            now: samples::sample_now(),
        };
        write_status(&mut out, &read, options).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_status_is_read_as_it_is_sent() {
        let read = StatusReply::parse(&reply(50)).unwrap_or_else(|error| panic!("{error}"));
        let sent = samples::sample_status(50);
        assert_eq!(read.status.objects, sent.objects);
        assert_eq!(read.status.connections, sent.connections);
        assert_eq!(read.status.recent, sent.recent);
    }

    #[test]
    fn the_next_changes_are_shown_in_the_order_of_time() {
        let mut reply = StatusReply::parse(&reply(20)).unwrap_or_else(|error| panic!("{error}"));
        let entry = |from: &str, to: i64| ComingEntry {
            from: from.into(),
            at: format!("{from}T00:00:00Z"),
            at_vendor: false,
            changes: vec![samples::sample_change("seats", 25.into(), to.into())],
        };
        let next = vec![entry("2020-01-01", 30), entry("2036-07-01", 40)];
        let mut seventh = (*reply.status.objects[7]).clone();
        seventh.coming.next = next;
        let mut third = (*reply.status.objects[3]).clone();
        third.coming.next = vec![entry("2036-10-01", 60)];
        let later = third.address.clone();
        let sooner = seventh.address.clone();
        reply.status.objects[7] = seventh.into();
        reply.status.objects[3] = third.into();
        let mut out = Vec::new();
        let options = TextOptions {
            all: false,
            now: samples::sample_now(),
        };
        write_status(&mut out, &reply, options).unwrap();
        let text = String::from_utf8(out).unwrap();
        let coming = text.split("Coming changes\n").nth(1).unwrap_or_default();
        let lines: Vec<&str> = coming.lines().take(4).collect();
        assert!(lines[0].ends_with(&sooner), "{coming}");
        assert_eq!(lines[1].trim(), "2036-07-01: seats 25 → 40");
        assert!(lines[2].ends_with(&later), "{coming}");
        assert_eq!(lines[3].trim(), "2036-10-01: seats 25 → 60");
        assert!(!text.contains("2020-01-01"), "what has begun is not ahead");
    }

    #[test]
    fn a_reply_of_something_else_is_refused() {
        let fault = |text: &str| {
            StatusReply::parse(text)
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        let words = "what answers there is no daemon of this version of entitle: name the address of one with --address";
        assert_eq!(fault("<html>"), Err(words.to_string()));
        let format = |version: &str| format!("\"format_version\":\"{version}\"");
        let newer = reply(1).replace(&format(FORMAT_VERSION), &format("2.0"));
        assert!(fault(&newer).is_err_and(|why| why.contains("has the format 2.0")));
    }

    #[test]
    fn a_problem_of_a_connection_is_shown_once() {
        let mut reply = StatusReply::parse(&reply(500)).unwrap_or_else(|error| panic!("{error}"));
        samples::break_connection(&mut reply.status, "informatica");
        for all in [false, true] {
            let mut out = Vec::new();
            let now = samples::sample_now();
            write_status(&mut out, &reply, TextOptions { all, now }).unwrap();
            let text = String::from_utf8(out).unwrap();
            let joined = text.replace('\n', " ");
            assert_eq!(joined.matches(samples::BROKEN).count(), 1, "{text}");
            assert_eq!(joined.matches("GET /licenses/").count(), 0, "{text}");
            let line = "100 objects of informatica: see above";
            assert_eq!(text.matches(line).count(), 1, "{text}");
            assert!(text.contains("connections.yaml:5"), "{text}");
        }
    }

    #[test]
    fn the_worst_comes_first_and_no_line_is_too_long() {
        for (objects, all) in [(200, false), (200, true), (5_000, false)] {
            let text = anstream::adapter::strip_str(&shown(objects, all)).to_string();
            let wide: Vec<&str> = text
                .lines()
                .filter(|line| line.chars().count() > WIDTH)
                .collect();
            assert!(wide.is_empty(), "{wide:?}");
            let first = text.split("To look at\n").nth(1).unwrap_or_default();
            assert!(first.starts_with("  strands  held back "), "{text}");
        }
        let text = shown(200, false);
        for words in [
            "To look at",
            "The brake is on: 41 of 120 objects would change",
            "Writing is closed and opens in 11 h, at 2026-03-02 21:00 UTC.",
            "foreign edit",
            "12 older with --all",
            "12 of 50 in 5 s left",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(shown(0, false).contains("Nothing to look at."));
    }
}
