//! What must hold after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entitle::apply::journal::{JournalEvent, Record};
use entitle::apply::memory::runs::runs_that_wrote;
use entitle::daemon::status::{ObjectState, Status};
use entitle::model::{Diagnostics, Fields};
use entitle::plan::drift::By as Said;
use entitle::plan::drift::document::State;
use entitle::provider;
use entitle::reconcile::{self, Checked};

use super::account;
use super::base::By;
use super::past::{End, Inverse, Model, Write, address};
use super::steps::Step;
use super::tally;
use super::world::World;

/// The accounts are as the model has them, nothing else is written, and a journal that is read on where it was left
/// tells what it tells as a whole.
pub fn everywhere(world: &mut World, model: &Model, step: &Step) {
    match step {
        // Nobody asks the vendor anything, so nothing there can have moved.
        Step::Edit(_) | Step::Policy(..) | Step::Stubborn => {
            assert_eq!(world.bench.sandbox.requests().len(), 0, "{step:?}");
            return;
        }
        Step::Rename(_) | Step::RenameConnection | Step::Toggle(_) => {
            assert_eq!(world.bench.sandbox.requests().len(), 0, "{step:?}");
            finds_renamed(world, model, &world.checked(model));
            return;
        }
        Step::Foreign(_) | Step::Drift => {
            assert_eq!(world.bench.writes(), [""; 0], "{step:?} writes nothing");
        }
        Step::Apply { .. } | Step::Undo { .. } | Step::Heal(_) | Step::Sync => {
            reads_alike(world, &world.checked(model));
        }
    }
    let is = account::is(&world.bench);
    same(&is, &account::expected(&world.first, model), step);
}

fn same(is: &serde_json::Value, expected: &serde_json::Value, step: &Step) {
    if is == expected {
        return;
    }
    let text = |json: &serde_json::Value| serde_json::to_string_pretty(json).expect("JSON");
    let (is, expected) = (text(is), text(expected));
    let differ = is.lines().zip(expected.lines()).enumerate();
    let mut differ = differ.filter(|(_, (is, expected))| is != expected);
    if let Some((line, (is_line, expected_line))) = differ.next() {
        let from = line.saturating_sub(12);
        let around: Vec<&str> = is.lines().skip(from).take(24).collect();
        panic!(
            "after {step:?} the sandbox has {is_line}, the model {expected_line}, in\n{}",
            around.join("\n")
        );
    }
    assert_eq!(is.len(), expected.len(), "after {step:?}");
}

/// Folding the journal at once or step by step is the same.
fn reads_alike(world: &mut World, checked: &Checked) {
    let whole = world.memory();
    world.follow();
    let open = |memory: &entitle::apply::memory::Memory| memory.open().cloned().collect::<Vec<_>>();
    assert_eq!(open(&whole), open(&world.followed), "open writes");
    for object in &checked.desired {
        let table = provider::find_kind(object.address.kind.0)
            .expect("known")
            .table()
            .desired;
        let location = reconcile::account_of(checked, &object.connection);
        let base = |memory: &entitle::apply::memory::Memory| {
            let agrees = memory.agrees(object, &location);
            let base = memory.base(table, object, &location, &Fields::new());
            (base.map(|(base, _)| base), agrees)
        };
        assert_eq!(base(&whole), base(&world.followed), "{}", object.address);
    }
}

/// A run is known by the objects that it wrote, whatever they are called now.
fn finds_renamed(world: &World, model: &Model, checked: &Checked) {
    if model.runs.is_empty() {
        return;
    }
    let keys = reconcile::journal_keys(checked);
    let wrote = runs_that_wrote(world.records());
    for run in &model.runs {
        let own = wrote.iter().find(|wrote| wrote.run == run.id);
        // A run of which nothing was carried out has nothing that could be taken back.
        let took = run
            .writes
            .iter()
            .any(|write| write.end != End::NotCarriedOut);
        assert_eq!(own.is_some(), took, "{}", run.id);
        let Some(own) = own else { continue };
        let present = |write: &Write| model.objects[write.object].present;
        let count = run.writes.iter().filter(|write| present(write)).count();
        let found = own.objects.intersection(&keys).count();
        assert_eq!(found, count, "objects of {}", run.id);
    }
}

/// Who changed what is as the model says.
pub async fn drift(world: &World, model: &Model) {
    let document = world.drift(&world.checked(model)).await;
    let said: BTreeMap<&str, _> = document
        .objects
        .iter()
        .map(|entry| (entry.address.as_str(), entry))
        .collect();
    for (number, object) in model.objects.iter().enumerate() {
        let address = address(number, &object.name);
        let Some(entry) = said.get(address.as_str()) else {
            assert!(!object.present, "{address} is not there");
            continue;
        };
        if object.policy.mode == super::Mode::Suspend {
            assert_eq!(entry.state, State::Suspended);
            continue;
        }
        let differences = entry.differences.iter();
        differences
            .clone()
            .for_each(|one| tally::count("drift", by(one.changed_by)));
        let is: BTreeMap<String, By> = differences
            .map(|one| (one.path.clone(), by(one.changed_by)))
            .collect();
        assert_eq!(
            is,
            model.drift(number),
            "drift of {address} over {:#?}",
            model.base(number)
        );
    }
}

fn by(said: Said) -> By {
    match said {
        Said::You => By::You,
        Said::They => By::They,
        Said::Both => By::Both,
        Said::Unknown => By::Unknown,
    }
}

/// What an undo says that it does not take back, and only that.
pub fn told(model: &Model, run: usize, inverse: Option<&Inverse>, told: Option<Diagnostics>) {
    let Some(inverse) = inverse else {
        assert!(told.is_none(), "{told:?} of a run that did nothing");
        return;
    };
    let told = told.expect("the run did something");
    let (mut lost, mut left) = (BTreeSet::new(), 0);
    for finding in told.iter() {
        let mut parts = finding.message.splitn(3, ": ");
        let mut part = || parts.next().unwrap_or_default().to_string();
        match finding.code {
            "not-in-manifests" => left += 1,
            _ => drop(lost.insert((part(), part()))),
        }
    }
    let expected = inverse.lost.iter().map(|(number, path)| {
        let object = &model.objects[*number];
        let own = model.runs[run].writes.iter();
        let mut own = own.filter(|write| write.object == *number);
        let name = match object.present {
            true => address(*number, &object.name),
            false => own.next().expect("it was written").address.clone(),
        };
        (name, path.clone())
    });
    let expected: BTreeSet<(String, String)> = expected.collect();
    assert_eq!(lost, expected, "what is not taken back");
    assert_eq!(left, inverse.left, "objects that are left");
    (0..lost.len()).for_each(|_| tally::count("undo", "lost"));
    (0..left).for_each(|_| tally::count("undo", "left"));
}

/// How the daemon says that objects stand.
pub fn states(model: &Model, status: &Arc<Status>, expected: &BTreeMap<usize, ObjectState>) {
    let said: BTreeMap<&str, ObjectState> = status
        .objects
        .iter()
        .map(|object| (object.address.as_str(), object.state))
        .collect();
    let expected: BTreeMap<String, ObjectState> = expected
        .iter()
        .map(|(number, state)| (address(*number, &model.objects[*number].name), *state))
        .collect();
    let expected = expected.iter().map(|(name, state)| (name.as_str(), *state));
    said.values().for_each(|state| tally::count("state", state));
    assert_eq!(said, expected.collect(), "states");
}

/// What was open is looked into before anything is written.
pub fn settled_first(news: &[Record], expected: usize) {
    let mut writing = BTreeSet::new();
    let mut found = 0;
    for record in news {
        match &record.event {
            JournalEvent::Found { .. } => {
                found += 1;
                assert!(!writing.contains(&record.run), "{record:?} comes late");
            }
            JournalEvent::Started(_) | JournalEvent::Intent(_) => {
                writing.insert(&record.run);
            }
            _ => {}
        }
    }
    assert_eq!(found, expected, "open writes that were looked into");
}

/// Every write has its intent, with the changes of the model, and there are no others.
pub fn intents(news: &[Record], expected: &[Write]) {
    let written = news.iter().filter_map(|record| match &record.event {
        JournalEvent::Intent(intent) => {
            let paths = intent.changes.iter().map(|change| change.path.clone());
            Some((intent.address.clone(), paths.collect()))
        }
        _ => None,
    });
    let written: BTreeMap<String, BTreeSet<String>> = written.collect();
    let expected = expected.iter().map(|write| {
        let paths = write.changes.iter().map(|change| change.path());
        (write.address.clone(), paths.collect())
    });
    assert_eq!(written, expected.collect(), "intents");
}
