//! What undo, heal, drift and the daemon remember, against a model over random sequences of steps.
//!
//! The model is written from the README. After every step the accounts of the sandbox must be exactly as it says, and
//! what the program says of them, too. `ENTITLE_SEED=N` makes other sequences, `PROPTEST_CASES=N` more of them.

mod account;
mod base;
mod check;
mod model;
mod past;
mod steps;
mod tally;
mod world;

use std::collections::BTreeMap;

use entitle::apply::journal::{JournalEvent, Record};
use entitle::daemon::mode::RunMode;
use entitle::daemon::status::ObjectState;
use entitle::model::PathPattern;
use entitle::reconcile::Take;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use tokio::runtime::{Builder, Runtime};

use model::Mode;
use past::{Kill, LICENCE, Model, Object, Run, Work, Write, address};
use steps::{Edit, PolicyEdit, Step};
use world::{How, World};

/// Sequences of a run.
const CASES: u32 = 120;

/// What a run of so many sequences comes upon in any case.
const WANTED: &[&str] = &[
    "drift You",
    "drift They",
    "drift Both",
    "drift Unknown",
    "open CarriedOut",
    "open NotCarriedOut",
    "open Unknown",
    "undo lost",
    "undo left",
    "state InSync",
    "state AsApplied",
    "state NeverApplied",
    "state Refused",
    "state Suspended",
    "wrote apply",
    "wrote undo",
    "wrote heal",
];

/// Of the sequences that everybody runs, so that a failure is a change's and not the day's.
const SEED: u64 = 20_261_129;

#[test]
fn what_is_remembered_is_what_happened() {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let seed: u64 = number("ENTITLE_SEED").unwrap_or(SEED);
    println!("ENTITLE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let cases = number("PROPTEST_CASES").map_or(CASES, |cases| cases as u32);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: number("PROPTEST_MAX_SHRINK_ITERS").map_or(2000, |most| most as u32),
        ..ProptestConfig::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime: Runtime = runtime.expect("a runtime");
    let world = std::cell::RefCell::new(runtime.block_on(World::new()));
    let run = runner.run(&steps::sequence(), |steps| {
        runtime.block_on(sequence(&mut world.borrow_mut(), &steps));
        Ok(())
    });
    if let Err(why) = run {
        panic!("ENTITLE_SEED={seed}: {why}");
    }
    let met = tally::all();
    println!("{met:#?}");
    for what in WANTED.iter().filter(|_| cases >= CASES) {
        assert!(met.contains_key(*what), "no sequence came upon: {what}");
    }
}

async fn sequence(world: &mut World, steps: &[Step]) {
    let mut model = Model::new();
    world.begin(&model);
    for step in steps {
        // Nothing is healed three times within an hour.
        world::wait(25);
        world.bench.sandbox.forget_requests();
        take(world, &mut model, step.clone()).await;
        world.compact().await;
        check::everywhere(world, &model, step);
    }
    check::drift(world, &model).await;
}

async fn take(world: &mut World, model: &mut Model, step: Step) {
    match step {
        Step::Edit(edits) => {
            for (number, edit) in edits {
                let object = &mut model.objects[number];
                object.named ^= matches!(edit, Edit::Spelling);
                edit.change(&mut object.manifest);
            }
        }
        Step::Foreign(edits) => {
            for (number, edit) in edits {
                let live = &mut model.objects[number].live;
                edit.change(live);
                *live = model::written(live.clone());
                account::edit(&world.bench, model, number);
            }
        }
        Step::Policy(number, edit) => policy(&mut model.objects[number], number, edit),
        Step::Rename(number) => model.objects[number].name.push('x'),
        Step::RenameConnection => world.rename_connection("renamed"),
        Step::Toggle(number) => {
            // A run without manifests is none.
            let others = |(own, object): (usize, &Object)| own != number && object.present;
            let last = !model.objects.iter().enumerate().any(others);
            let object = &mut model.objects[number];
            object.present = last || !object.present;
        }
        Step::Stubborn => {
            model.stubborn = !model.stubborn;
            world.stubborn(model.stubborn);
        }
        Step::Apply { accept, kill } => apply(world, model, accept, kill).await,
        Step::Undo {
            run,
            field,
            unmanaged,
            accept,
            kill,
        } => {
            let count = model.runs.len();
            if count > 0 {
                let run = count - 1 - run % count;
                undo(world, model, (run, field, unmanaged), accept, kill).await;
            }
        }
        Step::Heal(Some(kill)) => {
            let found = model.settle();
            let work = model.heal_work();
            let going = model.going(&work, false);
            let names = names(model, &going);
            let how = How {
                accept: false,
                kill: Some(kill),
                going: &names,
            };
            // One that has nothing to do is not killed on the way.
            if going.is_empty() {
                watch(world, model, RunMode::Heal, found).await;
                return;
            }
            world.killed_heal(&world.checked(model), &how).await;
            let writes = model.write(&going, false, Some(kill));
            journalled(world, model, ("heal", writes), found);
        }
        Step::Heal(None) => {
            let found = model.settle();
            watch(world, model, RunMode::Heal, found).await;
        }
        Step::Sync => {
            let found = model.settle();
            watch(world, model, RunMode::Sync, found).await;
        }
        Step::Drift => check::drift(world, model).await,
    }
}

fn policy(object: &mut Object, number: usize, edit: PolicyEdit) {
    let policy = &mut object.policy;
    match edit {
        PolicyEdit::Mode(mode) => policy.mode = mode,
        PolicyEdit::Ignore(path) if (path == "userGroupIds") == (number == LICENCE) => {
            if !policy.ignore.remove(path) {
                policy.ignore.insert(path);
            }
        }
        PolicyEdit::Ignore(_) => {}
        PolicyEdit::Keep => policy.keep = !policy.keep,
        PolicyEdit::Allow => policy.allow = !policy.allow,
    }
}

fn names(model: &Model, work: &[Work]) -> Vec<String> {
    let name = |(number, _): &Work| address(*number, &model.objects[*number].name);
    work.iter().map(name).collect()
}

async fn apply(world: &mut World, model: &mut Model, accept: bool, kill: Option<Kill>) {
    let found = model.settle();
    let work = model.apply_work();
    let going = model.going(&work, accept);
    let names = names(model, &going);
    let how = How {
        accept,
        kill,
        going: &names,
    };
    world.apply(&world.checked(model), &how).await;
    if kill.is_none() || going.is_empty() {
        model.agree_in_sync(&model.seen());
    }
    let writes = model.write(&going, true, kill);
    journalled(world, model, ("apply", writes), found);
}

async fn undo(
    world: &mut World,
    model: &mut Model,
    (run, field, unmanaged): (usize, Option<&'static str>, bool),
    accept: bool,
    kill: Option<Kill>,
) {
    let found = model.settle();
    // An open write of an object without a manifest is nobody's to look into yet.
    let mut hidden = (0..past::OBJECTS).filter(|n| !model.objects[*n].present);
    let unmanaged = unmanaged && !hidden.any(|n| model.has_open(n));
    let take = Take {
        fields: field
            .map(|field| PathPattern::parse(field).expect("a path"))
            .into_iter()
            .collect(),
        unmanaged,
        ..Take::default()
    };
    let inverse = model.undo(run, field, unmanaged);
    let work = inverse.as_ref().map_or(&[][..], |inverse| &inverse.work);
    let going = model.going(work, accept);
    let mut names = names(model, &going);
    // What no manifest names is called as it was then.
    for ((number, _), name) in going.iter().zip(&mut names) {
        if !model.objects[*number].present {
            let writes = &model.runs[run].writes;
            let write = writes.iter().find(|write| write.object == *number);
            name.clone_from(&write.expect("it was written").address);
        }
    }
    let how = How {
        accept,
        kill,
        going: &names,
    };
    let id = model.runs[run].id.clone();
    let told = world.undo(&world.checked(model), &id, &take, &how).await;
    check::told(model, run, inverse.as_ref(), told);
    let mut writes = model.write(&going, false, kill);
    for (write, name) in writes.iter_mut().zip(names) {
        write.address = name;
    }
    journalled(world, model, ("undo", writes), found);
}

/// A daemon that looks once.
async fn watch(world: &mut World, model: &mut Model, mode: RunMode, found: usize) {
    let (work, follows) = match mode {
        RunMode::Heal => (model.heal_work(), false),
        RunMode::Sync | RunMode::Observe => (model.apply_work(), true),
    };
    let quiet: Vec<usize> = work
        .iter()
        .filter(|(number, next)| *next == model.objects[*number].live)
        .map(|(number, _)| *number)
        .collect();
    let mut states: BTreeMap<usize, ObjectState> = quiet
        .iter()
        .map(|number| (*number, model.standing(*number)))
        .collect();
    let going = model.going(&work, false);
    let status = world.watch(world.checked(model), mode).await;
    model.agree_in_sync(&quiet);
    let writes = model.write(&going, follows, None);
    for number in 0..past::OBJECTS {
        let object = &model.objects[number];
        let goes = going.iter().find(|(own, _)| *own == number);
        let state = match (goes, object.policy.mode) {
            (_, Mode::Suspend) => ObjectState::Suspended,
            (Some((_, next)), _) if model::written(next.clone()) != object.live => {
                ObjectState::Failed
            }
            (Some(_), _) => model.standing(number),
            (None, Mode::Observe) => ObjectState::Differs,
            (None, Mode::Enforce) => ObjectState::Refused,
        };
        states.entry(number).or_insert(state);
    }
    let present = |number: &usize, _: &mut ObjectState| model.objects[*number].present;
    states.retain(present);
    check::states(model, &status, &states);
    let what = if follows { "sync" } else { "heal" };
    journalled(world, model, (what, writes), found);
}

/// Takes the runs of a step from the journal, and compares what it says of them.
fn journalled(
    world: &mut World,
    model: &mut Model,
    (what, mut writes): (&str, Vec<Write>),
    found: usize,
) {
    let news = world.news();
    check::settled_first(&news, found);
    for write in &mut writes {
        tally::count("wrote", what);
        if write.address.is_empty() {
            write.address = address(write.object, &model.objects[write.object].name);
        }
    }
    check::intents(&news, &writes);
    for write in writes {
        let id = run_of(&news, &write.address);
        match model.runs.iter_mut().find(|own| own.id == id) {
            Some(own) => own.writes.push(write),
            None => model.runs.push(Run {
                id,
                writes: vec![write],
            }),
        }
    }
}

fn run_of(news: &[Record], address: &str) -> String {
    let about = |record: &&Record| matches!(&record.event, JournalEvent::Intent(intent) if intent.address == address);
    let record = news.iter().find(about);
    record.expect("it was written down").run.clone()
}
