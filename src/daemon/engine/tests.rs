use super::*;
use crate::manifest::Loaded;
use crate::model::diagnostic::Source;
use crate::plan::Disposition;
use crate::plan::document::{ObjectEntry, OriginEntry};
use crate::reconcile::{self, CheckOptions, ObjectOutline};

/// An account by this name, and orders in it that are looked at every so many minutes.
fn manifests(connection: &str, orders: &[&str], minutes: usize) -> Checked {
    let mut text = format!(
        "apiVersion: entitle.dev/v1\nkind: Connection\nmetadata: {{name: {connection}}}\nspec: {{vendor: lac, \
         baseUrl: 'https://{connection}.example.com', auth: {{token: {{env: T}}}}}}\n"
    );
    for name in orders {
        text += &format!(
            "---\napiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: {name}}}\nspec: \
             {{activationKey: KEY-{name}, policy: {{resync: {minutes}m}}, desired: {{customer_id: 1, \
             activations_allowed: 5}}}}\n"
        );
    }
    let source = Source::new("all.yaml".into(), text);
    let loaded = Loaded {
        sources: vec![Arc::new(source)],
        ..Loaded::default()
    };
    let checked = reconcile::check_manifests(loaded, &CheckOptions::default());
    assert!(!checked.findings.has_errors(), "{:?}", checked.findings);
    checked
}

fn engine() -> Engine {
    Engine::new(WatchRules {
        mode: RunMode::Sync,
        resync: Duration::from_secs(600),
        max_changes: MaxChanges::Percent(30),
        windows: Vec::new(),
    })
}

fn now() -> Now {
    Now {
        instant: Instant::now(),
        time: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn in_sync(desired: &Desired) -> ObjectResult {
    ObjectResult {
        entry: Box::new(ObjectEntry {
            edition: None,
            set: None,
            problem: None,
            address: desired.address.to_string(),
            vendor: desired.vendor.to_string(),
            connection: desired.connection.to_string(),
            identity: Default::default(),
            origin: OriginEntry {
                file: "all.yaml".into(),
                line: 1,
            },
            manifest_fingerprint: None,
            manifest_fields: Default::default(),
            references: Default::default(),
            after: Vec::new(),
            action: Disposition::None,
            descent: Vec::new(),
            changes: Vec::new(),
            calls: Vec::new(),
            fingerprint: Some("x".into()),
            outcome: None,
            message: None,
            side_effects: Vec::new(),
            coming: Default::default(),
        }),
        refusal: None,
        standing: None,
        heals: false,
        approved_by: None,
        fault: None,
    }
}

/// Looks at every object that is due, and finds it in sync. Returns the number of these objects.
fn look(engine: &mut Engine, now: Now) -> usize {
    let mut seen = 0;
    for batch in engine.take_due_batches(now) {
        let looks = batch.jobs.iter().map(|job| {
            let desired = &job.desired;
            (desired.address.clone(), job.generation, in_sync(desired))
        });
        let looks = BatchResult {
            connection: batch.connection.clone(),
            run: "run".into(),
            results: looks.collect(),
        };
        seen += looks.results.len();
        engine.finish_batch(&looks, now, 0.0);
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn what_left_the_manifests_takes_no_room() {
    let mut engine = engine();
    for turn in 0..40 {
        let orders = [format!("a{turn}"), format!("b{}", turn / 2)];
        let orders = [orders[0].as_str(), orders[1].as_str()];
        let account = format!("account-{}", turn % 7);
        engine.adopt_manifests(
            manifests(&account, &orders, turn + 1),
            &|_, _| FieldFights::default(),
            now(),
        );
        assert_eq!(look(&mut engine, now()), 2);
        assert_eq!(
            engine.next_due(),
            Some(now().instant + Duration::from_secs(60 * (turn as u64 + 1)))
        );
    }
    assert_eq!(engine.objects.len(), 2);
    assert_eq!(engine.resyncs.len(), 1);
    assert_eq!(engine.queue.sizes(), (2, 2, 0));
    assert!(engine.busy.is_empty());
}

#[tokio::test(start_paused = true)]
async fn objects_of_one_rhythm_are_looked_at_together() {
    let mut engine = engine();
    engine.adopt_manifests(
        manifests("lac", &["a", "b", "c"], 30),
        &|_, _| FieldFights::default(),
        now(),
    );
    assert_eq!(look(&mut engine, now()), 3);
    // A hint causes an extra look at one object, which then joins the next resync of the others.
    tokio::time::advance(Duration::from_secs(600)).await;
    let hint = Trigger::Object {
        connection: "lac".into(),
        id: "KEY-b".into(),
    };
    assert_eq!(engine.wake_for(&hint, now()), 1);
    assert_eq!(look(&mut engine, now()), 1);
    tokio::time::advance(Duration::from_secs(1200)).await;
    assert_eq!(look(&mut engine, now()), 3);
}

#[tokio::test(start_paused = true)]
async fn what_a_pass_looks_at_is_not_handed_out_again_until_it_ends() {
    let mut engine = engine();
    engine.adopt_manifests(
        manifests("lac", &["a", "b"], 30),
        &|_, _| FieldFights::default(),
        now(),
    );
    let batches = engine.take_due_batches(now());
    assert_eq!(batches.len(), 1);
    engine.wake_for(&Trigger::Connection("lac".into()), now());
    assert!(engine.take_due_batches(now()).is_empty());
    assert_eq!(engine.next_due(), None, "nothing to wait for but its end");
    // The pass broke off: its objects are due again after a while, and wakes that arrived meanwhile are not lost.
    let addresses = engine.objects.keys().map(|address| (**address).clone());
    let addresses: Vec<Address> = addresses.collect();
    engine.fail_batch("lac", &addresses, now(), 1.0);
    assert_eq!(look(&mut engine, now()), 2);
}

fn kept_by(replica: Option<&str>) -> BTreeMap<String, AccountKeeper> {
    let keeper = AccountKeeper {
        replica: replica.map(Into::into),
        is_own: false,
        since: None,
    };
    [("lac".to_string(), keeper)].into()
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_looks_after_is_shown_and_not_looked_at() {
    let mut engine = engine();
    let orders = manifests("lac", &["a", "b"], 30);
    assert_eq!(engine.set_foreign(kept_by(None), None, now()), ["lac"]);
    engine.adopt_manifests(orders, &|_, _| FieldFights::default(), now());
    assert_eq!((look(&mut engine, now()), engine.next_due()), (0, None));
    engine.mark_foreign_objects();
    assert_eq!(engine.queue.sizes(), (0, 0, 0));
    let hint = Trigger::Connection("lac".into());
    assert_eq!(engine.wake_for(&hint, now()), 0);

    // Another one has it by now, which its readers see.
    assert!(
        engine
            .set_foreign(kept_by(Some("pod-2")), None, now())
            .is_empty()
    );
    engine.mark_foreign_objects();
    assert!(engine.objects.is_empty(), "only outlines are kept");
    let message = |engine: &Engine| {
        let status = engine.object_statuses().remove(0);
        (status.state, status.message.clone())
    };
    let words = "pod-2 looks after this account".to_string();
    assert_eq!(message(&engine), (ObjectState::Elsewhere, Some(words)));
    let before = engine.object_statuses();
    engine.mark_foreign_objects();
    let after = engine.object_statuses();
    assert!(Arc::ptr_eq(&before[0], &after[0]), "nothing moved");

    // It is ours: everything is loaded and then due, with what was fought over meanwhile.
    let fought = |_: &Checked, object: &Desired| {
        let given_up =
            (object.address.name == "a").then(|| ("description".to_string(), now().instant));
        FieldFights::from_history([].into_iter(), given_up.into_iter())
    };
    assert!(engine.set_foreign(BTreeMap::new(), None, now()).is_empty());
    engine.mark_foreign_objects();
    assert_eq!(message(&engine), (ObjectState::Unseen, None));
    assert_eq!(look(&mut engine, now()), 0, "they are not loaded yet");
    let objects = reconcile::reload_objects(&engine.unloaded_outlines());
    engine.adopt_loaded(objects, &fought, now());
    assert!(engine.unloaded_outlines().is_empty());
    assert_eq!(look(&mut engine, now()), 2);
    let states = engine.objects.values().map(|tracked| tracked.status.state);
    assert_eq!(
        Vec::from_iter(states),
        [ObjectState::Fought, ObjectState::InSync]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_under_way_ends_where_its_account_is_lost_and_no_other_follows() {
    let mut engine = engine();
    let orders = manifests("lac", &["a", "b"], 30);
    engine.adopt_manifests(orders, &|_, _| FieldFights::default(), now());
    let batches = engine.take_due_batches(now());
    assert_eq!(
        engine.set_foreign(kept_by(Some("pod-2")), None, now()),
        ["lac"]
    );
    engine.mark_foreign_objects();
    let states = |engine: &Engine| {
        let states = engine
            .object_statuses()
            .into_iter()
            .map(|status| status.state);
        Vec::from_iter(states)
    };
    assert_eq!(
        states(&engine),
        [ObjectState::Unseen; 2],
        "it is still looked at"
    );
    let looks = batches[0].jobs.iter().map(|job| {
        let desired = &job.desired;
        (desired.address.clone(), job.generation, in_sync(desired))
    });
    let result = BatchResult {
        connection: "lac".into(),
        run: "run".into(),
        results: looks.collect(),
    };
    engine.finish_batch(&result, now(), 0.0);
    engine.mark_foreign_objects();
    assert_eq!(states(&engine), [ObjectState::Elsewhere; 2]);
    assert_eq!(engine.next_due(), None);
    assert_eq!(engine.queue.sizes(), (0, 0, 0));
}

/// The manifests of `manifests` with everything in outline.
fn outlined(orders: &[&str], minutes: usize) -> Checked {
    let mut checked = manifests("lac", orders, minutes);
    let outline = |object: Arc<Desired>| Arc::new(ObjectOutline::from(&*object));
    checked.outlines = checked.desired.drain(..).map(outline).collect();
    checked
}

fn no_fights(_: &Checked, _: &Desired) -> FieldFights<Instant> {
    FieldFights::default()
}

#[tokio::test(start_paused = true)]
async fn an_outline_of_an_object_that_is_as_it_was_leaves_it_tracked() {
    let mut engine = engine();
    engine.adopt_manifests(manifests("lac", &["a", "b"], 30), &no_fights, now());
    assert_eq!(look(&mut engine, now()), 2);
    let before = engine
        .objects
        .values()
        .next()
        .expect("there")
        .desired
        .clone();
    engine.adopt_manifests(outlined(&["a", "b"], 30), &no_fights, now());
    assert!(engine.unloaded_outlines().is_empty());
    let after = &engine.objects.values().next().expect("there").desired;
    assert!(Arc::ptr_eq(&before, after));
    assert_eq!(look(&mut engine, now()), 0, "nothing has changed");

    // After a change of the file its old objects are no longer in force; the new ones must be loaded first.
    engine.adopt_manifests(outlined(&["a", "c"], 31), &no_fights, now());
    assert!(engine.objects.is_empty());
    let unloaded = engine.unloaded_outlines();
    let names = unloaded.iter().map(|outline| outline.address.name.as_str());
    assert!(names.eq(["a", "c"]));
    engine.adopt_loaded(reconcile::reload_objects(&unloaded), &no_fights, now());
    let resyncs = engine.objects.values();
    let resyncs = resyncs.map(|tracked| tracked.desired.policy.resync);
    assert!(resyncs.eq([Some(Duration::from_secs(31 * 60)); 2]));
    assert_eq!(look(&mut engine, now()), 2);
}

#[tokio::test(start_paused = true)]
async fn objects_of_a_file_that_has_changed_since_are_not_loaded() {
    let mut engine = engine();
    engine.adopt_manifests(outlined(&["a"], 30), &no_fights, now());
    let before = engine.unloaded_outlines();
    engine.adopt_manifests(outlined(&["a"], 31), &no_fights, now());
    engine.adopt_loaded(reconcile::reload_objects(&before), &no_fights, now());
    assert!(engine.objects.is_empty());
    assert_eq!(engine.unloaded_outlines().len(), 1);
    // Objects that are read in full need no loading.
    engine.adopt_manifests(manifests("lac", &["a"], 31), &no_fights, now());
    assert!(engine.unloaded_outlines().is_empty());
    assert_eq!(look(&mut engine, now()), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_began_before_an_object_was_given_away_does_not_count_once_it_is_back() {
    let mut engine = engine();
    engine.adopt_manifests(manifests("lac", &["a"], 30), &no_fights, now());
    let batches = engine.take_due_batches(now());
    let job = &batches[0].jobs[0];
    let seen = BatchResult {
        connection: "lac".into(),
        run: "run".into(),
        results: vec![(
            job.desired.address.clone(),
            job.generation,
            in_sync(&job.desired),
        )],
    };
    engine.adopt_manifests(outlined(&["a"], 31), &no_fights, now());
    engine.adopt_loaded(
        reconcile::reload_objects(&engine.unloaded_outlines()),
        &no_fights,
        now(),
    );
    engine.finish_batch(&seen, now(), 0.0);
    assert_eq!(engine.object_statuses()[0].state, ObjectState::Unseen);
    assert_eq!(look(&mut engine, now()), 1);
}

/// A customer that a tag names, and an order of it.
fn customer_with_order(seats: usize) -> Checked {
    let text = format!(
        "apiVersion: entitle.dev/v1\nkind: Connection\nmetadata: {{name: lac}}\nspec: {{vendor: lac, baseUrl: \
         'https://lac.example.com', auth: {{token: {{env: T}}}}}}\n---\napiVersion: entitle.dev/v1\nkind: LacCustomer\n\
         metadata: {{name: a}}\nspec: {{customTag: {{tag_name: t, value: a}}, desired: {{name: A}}}}\n---\napiVersion: \
         entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: b}}\nspec: {{activationKey: K, desired: {{customer_id: \
         {{ref: LacCustomer/a}}, activations_allowed: {seats}}}}}\n"
    );
    let loaded = Loaded {
        sources: vec![Arc::new(Source::new("all.yaml".into(), text))],
        ..Loaded::default()
    };
    let checked = reconcile::check_manifests(loaded, &CheckOptions::default());
    assert!(!checked.findings.has_errors(), "{:?}", checked.findings);
    checked
}

/// The names of the objects of each batch that is due, and of those that are read for their ids alone.
fn take(engine: &mut Engine, state: ObjectState) -> Vec<(Vec<String>, Vec<String>)> {
    let batches = engine.take_due_batches(now());
    for batch in &batches {
        let results = batch.jobs.iter().map(|job| {
            let desired = &job.desired;
            (desired.address.clone(), job.generation, in_sync(desired))
        });
        let result = BatchResult {
            connection: batch.connection.clone(),
            run: "run".into(),
            results: results.collect(),
        };
        engine.finish_batch(&result, now(), 0.0);
        for tracked in engine.objects.values_mut() {
            Arc::make_mut(&mut tracked.status).state = state;
        }
    }
    let names = |objects: &[Arc<Desired>]| {
        let mut names: Vec<String> = objects.iter().map(|one| one.address.name.clone()).collect();
        names.sort();
        names
    };
    let batches = batches.iter();
    batches
        .map(|batch| {
            (
                names(&batch.checked.desired),
                names(&batch.checked.referents),
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_due_takes_along_the_one_it_refers_to_only_if_that_is_not_in_sync() {
    let mut engine = engine();
    let adopt = |engine: &mut Engine, seats| {
        engine.adopt_manifests(
            customer_with_order(seats),
            &|_, _| FieldFights::default(),
            now(),
        );
    };
    let of = |desired: &[&str], referents: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
        vec![(names(desired), names(referents))]
    };
    adopt(&mut engine, 5);
    assert_eq!(take(&mut engine, ObjectState::InSync), of(&["a", "b"], &[]));
    adopt(&mut engine, 6);
    assert_eq!(take(&mut engine, ObjectState::Failed), of(&["b"], &["a"]));
    adopt(&mut engine, 7);
    assert_eq!(take(&mut engine, ObjectState::Failed), of(&["a", "b"], &[]));
}
