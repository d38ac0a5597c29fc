//! What a round reported, held against what the simulators did and hold.
//!
//! Every report is judged, above all those of rounds that failed: whoever reads one decides by it whether
//! somebody's software is still there.

use std::collections::BTreeMap;

use entitle::apply::{Outcome, Report};
use entitle::cli::exit::{self, Exit};
use entitle::model::{Desired, ElementKey, Fields, Value};
use entitle::plan::Disposition;
use entitle::sandbox::{ForeignEdit, RecordedRequest};

use super::account::{Flat, differences, field, text};
use super::round::Manner;

/// What is known of a round.
pub struct Round<'a> {
    pub manner: Manner,
    /// Whether others edit as well: then what nobody manages is theirs.
    pub busy: bool,
    pub reports: &'a [Report],
    /// The calls of the round, and of each what somebody else changed right before it.
    pub calls: Vec<(&'a RecordedRequest, Option<&'a ForeignEdit>)>,
    /// The account before and after the round, and as a quiet apply leaves it.
    pub before: &'a Flat,
    pub after: &'a Flat,
    pub wanted: &'a Flat,
}

/// One object of a round.
struct Object<'a> {
    round: &'a Round<'a>,
    report: &'a Report,
    id: &'a str,
    /// The places of its calls among those of the round.
    own: Vec<usize>,
}

/// Holds every report of a round, and its exit, against the truth.
pub fn judge(round: &Round<'_>) -> Result<(), String> {
    for report in round.reports {
        let object = Object::new(round, report);
        object.judge().map_err(|why| {
            let (address, message) = (&report.planned.desired.address, &report.message);
            let calls: Vec<String> = object.own.iter().map(|at| object.told(*at)).collect();
            format!(
                "{address} was reported {:?} {message:?}, but {why}; its calls: {}",
                report.outcome,
                calls.join(", ")
            )
        })?;
    }
    let exit = exit::of_apply(round.reports);
    if exit != expected_exit(round.reports) {
        return Err(format!("the exit was {exit:?}"));
    }
    let written =
        |(seen, _): &(&RecordedRequest, Option<&ForeignEdit>)| is_write(seen) && seen.carried_out;
    if exit == Exit::Error && round.calls.iter().any(written) {
        return Err("the exit was `error`, but something was written".into());
    }
    Ok(())
}

/// The rule of the contract: of 3, 7, 5 and 4 the first that applies; 1 if nothing could even be planned.
fn expected_exit(reports: &[Report]) -> Exit {
    let unplanned = |report: &Report| report.planned.action == Disposition::Error;
    if reports.iter().all(unplanned) {
        return Exit::Error;
    }
    let rank = |report: &Report| match report.outcome {
        Some(Outcome::Failed | Outcome::Rejected | Outcome::Skipped) => 4,
        Some(Outcome::Unconverged) => 3,
        Some(Outcome::Stale) => 2,
        Some(Outcome::Refused) => 1,
        Some(Outcome::Converged | Outcome::Already) | None => 0,
    };
    match reports.iter().map(rank).max() {
        Some(4) => Exit::Partly,
        Some(3) => Exit::Unconverged,
        Some(2) => Exit::Stale,
        Some(1) => Exit::Refused,
        _ => Exit::Done,
    }
}

impl<'a> Object<'a> {
    fn new(round: &'a Round<'a>, report: &'a Report) -> Self {
        let id = report.planned.desired.identity.last();
        let id = id.map_or("", |(_, id)| id.as_str());
        let own = |at: &usize| {
            let seen = round.calls[*at].0;
            seen.path.contains(id) || (is_schedule(seen) && names(seen, id))
        };
        Self {
            round,
            report,
            id,
            own: (0..round.calls.len()).filter(own).collect(),
        }
    }

    fn seen(&self, at: usize) -> &'a RecordedRequest {
        self.round.calls[at].0
    }

    fn told(&self, at: usize) -> String {
        let RecordedRequest {
            method,
            status,
            fault,
            carried_out,
            ..
        } = self.seen(at);
        let edit = self.round.calls[at].1.map(|edit| &edit.change);
        format!("{at}: {method} {status} {fault:?} {carried_out} {edit:?}")
    }

    fn judge(&self) -> Result<(), String> {
        let writes: Vec<usize> = self
            .own
            .iter()
            .copied()
            .filter(|at| is_write(self.seen(*at)))
            .collect();
        let done = writes.iter().any(|at| self.seen(*at).carried_out);
        let message = self.report.message.as_deref().unwrap_or_default();
        match self.report.outcome {
            None | Some(Outcome::Already) if !writes.is_empty() => Err("it was written".into()),
            None if self.report.planned.action != Disposition::None => {
                Err("it had something to do".into())
            }
            None | Some(Outcome::Converged | Outcome::Already) => self.is_as_wanted(&writes),
            Some(Outcome::Rejected | Outcome::Stale | Outcome::Refused | Outcome::Skipped)
                if done =>
            {
                Err("it was written".into())
            }
            Some(Outcome::Rejected | Outcome::Stale | Outcome::Refused | Outcome::Skipped) => {
                self.is_as_before()
            }
            Some(Outcome::Failed) => {
                let may_be_done = writes.iter().any(|at| may_be_carried_out(self.seen(*at)));
                let unclear = message.contains("unclear");
                // A write may be lost on its way when the time is over.
                let lost = self.round.manner == Manner::Hurried;
                match (may_be_done, unclear) {
                    (true, false) => {
                        Err("nobody says that a write may have been carried out".into())
                    }
                    (false, true) if !lost => Err("no write went out".into()),
                    _ if writes.is_empty() => self.is_as_before(),
                    _ => Ok(()),
                }
            }
            Some(Outcome::Unconverged) => {
                let answered = |at: &usize| matches!(self.seen(*at).status, 200..300);
                if done || writes.iter().any(answered) {
                    Ok(())
                } else {
                    Err("nothing was written".into())
                }
            }
        }
    }

    /// Nobody touched it but those whose edits are on record.
    fn is_as_before(&self) -> Result<(), String> {
        let differs = differences(self.round.before, self.round.after);
        self.unexplained(differs, 0)
    }

    /// All that is managed is as wanted, but for edits that came after the last look.
    fn is_as_wanted(&self, writes: &[usize]) -> Result<(), String> {
        let mut differs = differences(self.round.wanted, self.round.after);
        if self.round.busy {
            differs.retain(|path| manages(&self.report.planned.desired, path));
        }
        let Some(looked) = self.last_look(writes) else {
            return self.unexplained(differs, 0);
        };
        let lied = self.own.iter().filter(|at| **at >= looked);
        if lied
            .into_iter()
            .any(|at| self.seen(*at).fault.as_deref() == Some("stale"))
        {
            // It was shown an old account: it cannot know better.
            return Ok(());
        }
        self.unexplained(differs, looked + 1)
    }

    /// Where the last look began: the last answer to each read of it, or the write where that shows all.
    fn last_look(&self, writes: &[usize]) -> Option<usize> {
        let written = writes.last().copied();
        let mut reads: BTreeMap<&str, usize> = BTreeMap::new();
        for at in &self.own {
            if written.is_none_or(|written| *at > written) && !is_write(self.seen(*at)) {
                reads.insert(&self.seen(*at).path, *at);
            }
        }
        reads.into_values().min().or(written)
    }

    /// Edits of this object from one call of the round on.
    fn edits(&self, from: usize) -> impl Iterator<Item = &'a ForeignEdit> {
        let calls = self.round.calls.iter().skip(from);
        calls
            .filter_map(|(_, edit)| *edit)
            .filter(|edit| text(&edit.change["object"]) == self.id)
    }

    fn unexplained(&self, differs: Vec<String>, from: usize) -> Result<(), String> {
        let explained = |path: &String| self.edits(from).any(|edit| path.contains(&field(edit)));
        let left: Vec<String> = differs
            .into_iter()
            .filter(|path| path.contains(self.id) && !explained(path))
            .collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("the simulator says {}", left.join("; ")))
        }
    }
}

fn is_write(seen: &RecordedRequest) -> bool {
    ["PATCH", "PUT"].contains(&seen.method.as_str())
        || seen.path.contains("update_features")
        || is_schedule(seen)
}

/// Whether it schedules a new update, which names its object in the body alone.
fn is_schedule(seen: &RecordedRequest) -> bool {
    seen.method == "POST" && seen.path.ends_with("/scheduled-updates/")
}

fn names(seen: &RecordedRequest, id: &str) -> bool {
    let body = seen.body.as_ref();
    body.is_some_and(|body| text(&body["license"]) == id)
}

/// Whether whoever sent it must reckon with its having been carried out.
fn may_be_carried_out(seen: &RecordedRequest) -> bool {
    seen.carried_out || matches!(seen.status, 0 | 200..300 | 408 | 500..)
}

/// Whether an object's manifest manages what is at a path of the account.
fn manages(desired: &Desired, path: &str) -> bool {
    // `/license_orders["KEY"]/Features["Viewer" "2.0"]/count: … and …`
    let id = desired.identity.last().map_or("", |(_, id)| id.as_str());
    let location = path.split(": ").next().unwrap_or(path);
    let Some((_, rest)) = location.split_once(id) else {
        return false;
    };
    let rest = rest.trim_start_matches(['"', ']', '/']);
    let first = rest.split(['/', '[']).next().unwrap_or_default();
    let leaf = rest.rsplit('/').next().unwrap_or_default();
    // Names stand for ids.
    let named = (first == "userGroupIds").then(|| desired.fields.get("userGroups"));
    let wish = desired.fields.get(first).or_else(|| named.flatten());
    let keeps = desired
        .policy
        .keep_unlisted
        .iter()
        .any(|list| list == first);
    match wish {
        Some(Value::Items(items)) => {
            let this = |(key, _): &&(ElementKey, Fields)| {
                let mut texts = key.shown().iter();
                texts.all(|text| rest.contains(&format!("{text:?}")))
            };
            match items.iter().find(this) {
                Some((_, fields)) => KEYS.contains(&leaf) || fields.contains_key(leaf),
                None => !keeps,
            }
        }
        Some(Value::Set(members)) => {
            !keeps || members.iter().any(|member| rest.contains(member.as_str()))
        }
        found => found.is_some(),
    }
}

/// Members that tell elements apart: one of them missing is a missing element.
const KEYS: [&str; 6] = [
    "product_feature",
    "licenseDef",
    "edition",
    "limitDefinition",
    "name",
    "version",
];
