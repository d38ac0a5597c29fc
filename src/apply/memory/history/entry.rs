//! Past runs as `history --format json` shows them, and as what people read is made from.

use schemars::JsonSchema;
use serde::Serialize;

use crate::apply::journal::{PersonRequest, Purpose};
use crate::model::{Ids, Outcome, Risk};
use crate::plan::document::{ChangeEntry, Tool};

/// Additive changes raise the minor; readers refuse an unknown major.
const FORMAT_VERSION: &str = "1.1";

/// Past runs that wrote, or were about to, and requests that people made to a daemon.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "entitle history")]
pub struct HistoryDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The program that read the journal.
    pub tool: Tool,
    /// The newest run comes first.
    pub runs: Vec<RunEntry>,
    /// Number of older runs that `--limit` leaves out.
    pub older: usize,
}

impl HistoryDocument {
    /// Makes the document of some runs; `older` runs are left out of it.
    pub fn new(runs: Vec<RunEntry>, older: usize) -> Self {
        Self {
            format_version: FORMAT_VERSION.into(),
            tool: Tool::this(),
            runs,
            older,
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunEntry {
    /// The name of the run, a UUID; names sort in the order in which runs began.
    pub run: String,
    /// The beginning of the name that no other run has; commands accept it in place of the name.
    pub short: String,
    /// When it began, in UTC, to the second.
    pub started_at: String,
    /// The person or program that ran it; null where the journal has no record of its start.
    pub by: Option<String>,
    /// The commit that was checked out.
    pub commit: Option<String>,
    /// The team or repository, where several share a store.
    pub scope: Option<String>,
    /// Null for a run that wrote nothing: it looked at what an earlier one had left open, or is a request.
    pub purpose: Option<Purpose>,
    /// What a person asked of a daemon on its page; null for all other runs. Writes that follow from it are runs of their
    /// own.
    pub request: Option<PersonRequest>,
    /// The run that an undo takes back.
    pub undoes: Option<String>,
    /// The short name of that run.
    #[serde(skip)]
    pub undoes_short: Option<String>,
    /// The short name of the last undo that took back at least a part of this run.
    pub undone_by: Option<String>,
    /// Set if the writes went to the built-in simulators.
    pub sandbox: bool,
    pub end: RunEnd,
    pub summary: RunCounts,
    /// One entry for each object, in the natural order of their addresses; left out of lists of runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<RunObject>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// By itself.
    Finished,
    /// It was told to stop, and finished the writes in flight.
    Interrupted,
    /// The journal has no record of its end: it was cut off, or is still under way.
    #[default]
    NotRecorded,
}

/// Numbers of objects by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunCounts {
    /// Written, and as the manifest says.
    pub updated: usize,
    /// Written, but not as the manifest says afterwards.
    pub unconverged: usize,
    /// Nothing was written: the object was as its manifest says.
    pub already: usize,
    /// The vendor refused the write.
    pub rejected: usize,
    /// Nothing was written: live or manifest had changed since the plan.
    pub stale: usize,
    /// A guard refused the write.
    pub refused: usize,
    /// The write or the look before it failed.
    pub failed: usize,
    /// Their turn never came.
    pub skipped: usize,
    /// A write was begun, and no run saw what came of it.
    pub unclear: usize,
    /// Fields are left to another writer.
    pub left: usize,
    /// Writes of earlier runs that this one looked at, because these were cut off.
    pub examined: usize,
    /// Written objects from which something was taken away.
    pub reduce: usize,
    /// Written objects from which something was taken away that was in use.
    pub strand: usize,
}

impl RunCounts {
    /// Returns the number of objects that were written, or may have been.
    pub fn written(&self) -> usize {
        self.updated + self.unconverged + self.unclear
    }

    /// Counts an object by how its step ended. `risk` is the worst of its changes.
    pub(super) fn add(&mut self, outcome: Outcome, risk: Risk) {
        let count = match outcome {
            Outcome::Converged => &mut self.updated,
            Outcome::Unconverged => &mut self.unconverged,
            Outcome::Already => &mut self.already,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Stale => &mut self.stale,
            Outcome::Refused => &mut self.refused,
            Outcome::Failed => &mut self.failed,
            Outcome::Skipped => &mut self.skipped,
        };
        *count += 1;
        if matches!(outcome, Outcome::Converged | Outcome::Unconverged) {
            self.add_risk(risk);
        }
    }

    /// Counts a write with an unknown end.
    pub(super) fn add_unclear(&mut self, risk: Risk) {
        self.unclear += 1;
        self.add_risk(risk);
    }

    fn add_risk(&mut self, risk: Risk) {
        match risk {
            Risk::Safe | Risk::Create => {}
            Risk::Reduce => self.reduce += 1,
            Risk::Strand | Risk::Destroy => self.strand += 1,
        }
    }
}

/// What a run did to one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct RunObject {
    /// Kind and name, as they were then.
    pub address: String,
    /// Null where the journal has no record of the write.
    pub vendor: Option<String>,
    pub connection: Option<String>,
    /// Where the connection led.
    pub base_url: Option<String>,
    /// The vendor's own id of the customer, where the connection names it.
    pub tenant: Option<String>,
    /// The ids by which the vendor knows the object.
    pub identity: Option<Ids>,
    /// How the step ended; null if the run was cut off, or had no step for the object.
    pub outcome: Option<Outcome>,
    /// Tells if the changes were made; null if nobody knows.
    pub written: Option<bool>,
    /// The changes that the write was to make; empty where none was needed.
    pub changes: Vec<ChangeEntry>,
    /// The vendor's words, or what failed.
    pub message: Option<String>,
    /// Fields that changed though nobody asked for it.
    pub side_effects: Vec<String>,
    /// What a later run found of a write whose end was not clear.
    pub found_later: Option<String>,
    /// The run whose write this one looked at, because that run was cut off.
    pub examined_run: Option<String>,
    /// Fields that are left to another writer.
    pub left: Vec<String>,
    /// Set if the journal has several accounts at the vendor, so that the address does not tell where the write went.
    #[serde(skip)]
    pub has_namesakes: bool,
    /// Set if the run had lost its lock before it wrote: another run had written to the account since it began.
    pub lost_lock: bool,
}
