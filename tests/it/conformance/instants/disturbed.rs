//! One apply of a saved plan, one edit by somebody else at a chosen instant of it, and what came of both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entitle::apply::{Outcome, Report};
use entitle::sandbox::SandboxServer;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value as Json, json};

use crate::conformance::account::same;
use crate::conformance::saved::{apply_saved, through_a_file};
use crate::conformance::vendors::Vendor;
use crate::support::bench::{Bench, converged, only_report};
use crate::support::paths;
use crate::support::proxy::{Passed, Spoil};

/// One edit by somebody else.
#[derive(Clone)]
pub struct Edit {
    pub object: usize,
    pub path: &'static str,
    pub value: Json,
}

/// When it is made: before the vendor sees the numbered call of the apply, or between its answer and us.
#[derive(Clone, Copy, Debug)]
struct Instant {
    call: usize,
    answered: bool,
}

/// Which call is the first that can show an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The look right before the write.
    ByTheLook,
    /// Half of that look: some of its calls came before the edit.
    ByHalfTheLook,
    /// It comes after the look and before the write, where nothing but a condition in the write would help.
    ByNobody,
    /// The look after the write.
    Afterwards,
    /// Half of it.
    ByHalfTheLookAfterwards,
    /// It comes after the last call.
    TooLate,
}

/// The calls of an apply that nobody disturbs.
struct Course {
    planning: usize,
    calls: Vec<Passed>,
}

impl Course {
    fn seen(&self, instant: Instant) -> Seen {
        let before = instant.call + usize::from(instant.answered);
        let look = self.calls.iter().position(Passed::is_read).expect("a look");
        let write = self.calls.iter().position(Passed::is_write);
        let write = write.expect("a write");
        if before <= look {
            Seen::ByTheLook
        } else if before < write {
            Seen::ByHalfTheLook
        } else if before == write {
            Seen::ByNobody
        } else if before == self.calls.len() {
            Seen::TooLate
        } else if before == write + 1 {
            Seen::Afterwards
        } else {
            Seen::ByHalfTheLookAfterwards
        }
    }

    /// How many calls show what came of the write: the write itself where its reply shows the object.
    fn last_look(&self) -> usize {
        let reads = self.calls.iter().rev();
        reads.take_while(|call| call.is_read()).count().max(1)
    }

    fn instants(&self) -> impl Iterator<Item = Instant> {
        let sides = |call| [false, true].map(|answered| Instant { call, answered });
        (0..self.calls.len()).flat_map(sides)
    }
}

/// What somebody at the vendor sees of a disturbed apply: accounts.
#[derive(Clone, Default)]
pub struct Watch {
    /// Right after the edit.
    pub edited: Json,
    /// As each answer left it, without an edit that came after that answer.
    answered: Vec<Json>,
    /// At the end.
    pub after: Json,
}

/// How a disturbed apply ended.
pub struct End {
    pub report: Report,
    writes: usize,
    pub watch: Watch,
}

/// Three objects, reached by a login where there is one, and one call at a time, so that every run takes
/// the same course.
async fn bench(
    vendor: &'static Vendor,
    rule: impl Fn(&Arc<SandboxServer>, usize) -> Option<Spoil> + Send + Sync + 'static,
) -> Bench {
    let mut bench = Bench::new().await;
    let sandbox = Arc::clone(&bench.sandbox);
    bench.spoil(move |number, _| rule(&sandbox, number)).await;
    if let Some(sessions) = &vendor.sessions {
        vendor.open(&mut bench, sessions.form, false);
    }
    for connection in &mut bench.connections {
        connection.limits.concurrency = 1;
    }
    vendor.load(&bench, (vendor.account)(3));
    bench
}

/// What an apply does that nobody disturbs.
async fn course(vendor: &'static Vendor) -> Course {
    let bench = bench(vendor, |_, _| None).await;
    let checked = bench.check(&[vendor.little(0, true)]);
    let document = through_a_file(&bench, &checked).await;
    let planning = bench.passed().len();
    converged(&only_report(apply_saved(&bench, document, &checked).await));
    let calls = bench.passed().split_off(planning);
    Course { planning, calls }
}

fn make(sandbox: &SandboxServer, vendor: &Vendor, edit: Edit) -> Json {
    let mut account = sandbox.state(vendor.name).expect("a simulator");
    let place = (vendor.place)(edit.object);
    let object = account.pointer_mut(&place).expect("there");
    paths::set(vendor.table(), object, edit.path, &edit.value);
    if stamps(vendor) {
        object["ModifiedAt"] = json!("2026-11-21T12:00:00.5Z");
    }
    let loaded = sandbox.set_state(vendor.name, account);
    loaded.expect("what an admin can set");
    vendor.state_of(sandbox)
}

/// Whether the vendor shows when an object was last edited, so that every edit counts.
pub fn stamps(vendor: &Vendor) -> bool {
    vendor.clocks.contains(&"ModifiedAt")
}

/// A saved plan's apply with an edit at one instant.
async fn disturbed(vendor: &'static Vendor, course: &Course, edit: &Edit, instant: Instant) -> End {
    let watch = Arc::new(Mutex::new(Watch::default()));
    let (seen, edit) = (Arc::clone(&watch), edit.clone());
    let at = course.planning + instant.call;
    let bench = bench(vendor, move |sandbox, number| {
        if number == at && !instant.answered {
            lock(&seen).edited = make(sandbox, vendor, edit.clone());
        }
        Some(Spoil::Meanwhile(Box::new({
            let (seen, edit, sandbox) = (Arc::clone(&seen), edit.clone(), sandbox.clone());
            move || {
                let account = vendor.state_of(&sandbox);
                lock(&seen).answered.push(account);
                if number == at && instant.answered {
                    lock(&seen).edited = make(&sandbox, vendor, edit);
                }
            }
        })))
    })
    .await;
    let checked = bench.check(&[vendor.little(0, true)]);
    let document = through_a_file(&bench, &checked).await;
    assert_eq!(bench.passed().len(), course.planning, "planned as before");
    let report = only_report(apply_saved(&bench, document, &checked).await);
    let mut watch = lock(&watch).clone();
    watch.after = vendor.state(&bench);
    let writes = bench.writes().len();
    let end = End {
        report,
        writes,
        watch,
    };
    end.is_honest(vendor, course.last_look());
    end
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl End {
    pub fn outcome(&self) -> Outcome {
        self.report.outcome.expect("its turn came")
    }

    /// What must hold whatever was edited, and whenever.
    #[track_caller]
    fn is_honest(&self, vendor: &Vendor, last_look: usize) {
        let Watch {
            edited,
            answered,
            after,
        } = &self.watch;
        let (path, wanted) = (vendor.change)();
        let message = &self.report.message;
        match self.outcome() {
            Outcome::Stale => {
                assert_eq!(self.writes, 0, "{message:?}");
                assert_eq!(after, edited, "all is as the editor left it");
            }
            Outcome::Converged => {
                assert_eq!(self.writes, 1, "{message:?}");
                // A look of two calls shows each field as it was at one of them.
                let mut looked = answered.iter().rev().take(last_look);
                assert!(
                    looked.any(|account| same(&value(vendor, account, 0, path), &wanted)),
                    "reported as converged, and it was not so when last looked at"
                );
            }
            Outcome::Unconverged => {
                assert_eq!(self.writes, 1, "{message:?}");
                assert_eq!(after, edited, "all is as the editor left it");
                let message = message.as_deref().unwrap_or_default();
                assert!(message.contains(path), "{message}");
            }
            other => panic!("{other:?} {message:?}"),
        }
    }
}

/// What an account holds at a path of an object.
#[track_caller]
pub fn value(vendor: &Vendor, account: &Json, object: usize, path: &str) -> Json {
    let found = paths::get(vendor.table(), vendor.stored(account, object), path);
    found.unwrap_or_else(|| panic!("nothing at {path}"))
}

/// Makes the edit at every instant, each in an account of its own, and has every end judged.
pub async fn at_every_instant(
    vendor: &'static Vendor,
    edit: Edit,
    judge: impl Fn(Seen, &End) -> Result<(), String>,
) {
    let course = course(vendor).await;
    let ends: Vec<String> = stream::iter(course.instants())
        .map(|instant| {
            let (course, edit, judge) = (&course, &edit, &judge);
            async move {
                let end = disturbed(vendor, course, edit, instant).await;
                let seen = course.seen(instant);
                let judged = judge(seen, &end).err()?;
                let (report, name) = (&end.report, &course.calls[instant.call].name);
                Some(format!(
                    "{instant:?} of {name}, seen {seen:?}: {judged}; {:?} {:?} {:?}",
                    report.outcome, report.message, report.side_effects
                ))
            }
        })
        .buffer_unordered(8)
        .filter_map(|fault| async move { fault })
        .collect()
        .await;
    assert!(ends.is_empty(), "{}", ends.join("\n"));
}

pub fn expect(what: bool, otherwise: &str) -> Result<(), String> {
    if what { Ok(()) } else { Err(otherwise.into()) }
}
