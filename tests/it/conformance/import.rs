//! Import: what is written plans empty, is the same every time, and holds no secret; `--update` changes what
//! differs and nothing else.

use std::sync::Arc;

use entitle::manifest::Loaded;
use entitle::model::diagnostic::Source;
use entitle::model::field::find_field;
use entitle::model::{Observed, Shape};
use entitle::plan::Disposition;
use entitle::reconcile::import::{self, Ask};
use entitle::reconcile::{self, CheckOptions, Checked, Simulators};
use serde_json::Value as Json;

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged, in_sync, only_report, paths as changed};
use crate::support::paths;

for_every_vendor!(
    every_field_survives_an_import,
    an_import_of_many_plans_empty_in_few_calls,
    an_import_shows_no_secret,
    an_update_brings_every_field_into_the_file_and_keeps_its_comments,
    what_is_not_there_is_said,
);

/// Vendors without a list have no `--all`.
fn lists(vendor: &Vendor) -> bool {
    !matches!(vendor.name, "alinea" | "informatica")
}

fn checked(bench: &Bench, texts: &[String]) -> Checked {
    let sources = texts
        .iter()
        .enumerate()
        .map(|(number, text)| Arc::new(Source::new(format!("{number}.yaml"), text.clone())));
    let loaded = Loaded {
        sources: sources.collect(),
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(bench.connections.clone())),
        ..CheckOptions::default()
    };
    reconcile::check_manifests(loaded, &options)
}

/// The imported manifests, without anything that could not be said.
async fn imported(bench: &Bench, vendor: &'static Vendor, ask: Ask) -> Vec<String> {
    let none = checked(bench, &[]);
    let settings = bench.settings();
    let seen = import::read_objects(&none, vendor.name, vendor.resource(), &ask, &settings).await;
    let seen = seen.expect("an account");
    assert_eq!(seen.failures, [""; 0]);
    let all = import::import_objects(&none, &[seen], None, &settings);
    let all = all.expect("no template").into_iter();
    all.map(|one| {
        assert_eq!(one.omitted, [""; 0], "{}", one.name);
        one.manifest.expect("a manifest")
    })
    .collect()
}

#[track_caller]
fn valid(bench: &Bench, texts: &[String]) -> Checked {
    let checked = checked(bench, texts);
    let found: Vec<String> = checked.findings.iter().map(|f| f.message.clone()).collect();
    assert_eq!(found, [""; 0], "{texts:#?}");
    assert_eq!(checked.desired.len(), texts.len());
    checked
}

async fn every_field_survives_an_import(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for pair in (vendor.pairs)() {
        vendor.load(&bench, (vendor.account)(3));
        let mut desired = (vendor.full)();
        pair.edit(vendor.table(), &mut desired);
        let objects = [vendor.object(0, desired)];
        converged(&only_report(bench.apply(&objects).await));

        let first = imported(&bench, vendor, Ask::Ids(vec![vendor.id(0)])).await;
        let plan = bench.pass(&valid(&bench, &first)).await;
        in_sync(&plan.planned[0]);
        let again = imported(&bench, vendor, Ask::Ids(vec![vendor.id(0)])).await;
        assert_eq!(first, again, "{}", pair.path);
        if !managed_by_itself(vendor, pair.planned) {
            let text: Json = stated(&first[0]);
            let names = |path: &str| paths::get(vendor.table(), &text, path).is_some();
            // Of two fields that exclude each other a manifest has one, where the object holds both.
            let field = paths::fields(vendor.table()).into_iter();
            let mut field = field.filter(|(name, _)| *name == pair.planned);
            let excluded = field.next().and_then(|(_, field)| field.excludes);
            assert!(
                names(pair.planned) || excluded.is_some_and(names),
                "{} is not in {}",
                pair.planned,
                first[0]
            );
        }
    }
}

/// Counters and wishes that are granted once: no manifest should hold them without being asked to.
fn managed_by_itself(vendor: &Vendor, path: &str) -> bool {
    let field = paths::field_of(path);
    let fields = paths::fields(vendor.table());
    let (_, field) = fields
        .iter()
        .find(|(name, _)| *name == field)
        .expect("a field");
    field.carry != entitle::model::Carry::Live
}

/// What a manifest has under `desired`, read by another reader.
fn stated(text: &str) -> Json {
    let document: Json = serde_yaml::from_str(text).expect("YAML");
    document["spec"]["desired"].clone()
}

async fn an_import_of_many_plans_empty_in_few_calls(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(230));
    let none = checked(&bench, &[]);
    if !lists(vendor) {
        let refused = import::read_objects(
            &none,
            vendor.name,
            vendor.resource(),
            &Ask::Everything,
            &bench.settings(),
        )
        .await;
        let why = refused.err().expect("no list");
        assert!(why.to_string().contains("--id"), "{why}");
        assert_eq!(bench.reads(), [""; 0]);
        return;
    }
    let texts = imported(&bench, vendor, Ask::Everything).await;
    assert_eq!(texts.len(), 230);
    let calls = bench.reads().len();
    assert!(
        calls <= 9,
        "{calls} calls for three pages of objects: {:#?}",
        bench.reads()
    );
    assert_eq!(bench.writes(), [""; 0]);
    let plan = bench.pass(&valid(&bench, &texts)).await;
    for planned in &plan.planned {
        in_sync(planned);
    }
    assert_eq!(texts, imported(&bench, vendor, Ask::Everything).await);
}

async fn an_import_shows_no_secret(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let ids = (0..3).map(|number| vendor.id(number)).collect();
    let texts = imported(&bench, vendor, Ask::Ids(ids)).await.concat();
    for name in [
        "initial_password",
        "license_key",
        "\nkey:",
        " key:",
        "password",
    ] {
        assert!(!texts.contains(name), "{name} is in {texts}");
    }
    let mut secrets = Vec::new();
    secret_values(&vendor.state(&bench), &mut secrets);
    for secret in secrets {
        assert!(!texts.contains(&secret), "{secret} is in {texts}");
    }
}

/// Everything in an account that stands under the name of a secret.
fn secret_values(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                let secret = matches!(name.as_str(), "initial_password" | "license_key" | "key");
                match value {
                    Json::String(text) if secret && text.len() > 3 => found.push(text.clone()),
                    value => secret_values(value, found),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| secret_values(item, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// A manifest in block style with a comment on every line that a change need not touch.
fn commented(object: &Object) -> String {
    let json: Json = serde_json::from_str(&object.text()).expect("JSON");
    let text = entitle::manifest::write::yaml(&json).expect("YAML");
    format!("# the head\n{text}# the foot\n")
}

async fn an_update_brings_every_field_into_the_file_and_keeps_its_comments(
    vendor: &'static Vendor,
) {
    let bench = Bench::new().await;
    for pair in (vendor.pairs)() {
        let convenience = pair.path != pair.planned;
        if convenience || managed_by_itself(vendor, pair.planned) {
            continue;
        }
        vendor.load(&bench, (vendor.account)(3));
        let before = commented(&vendor.object(0, (vendor.full)()));
        let manifests = checked(&bench, std::slice::from_ref(&before));
        let mut desired = (vendor.full)();
        pair.edit(vendor.table(), &mut desired);
        converged(&only_report(
            bench.apply(&[vendor.object(0, desired)]).await,
        ));

        let differs = changed(&bench.pass(&manifests).await.planned[0]).len();
        let settings = bench.settings();
        let ask = Ask::Managed(Vec::new());
        let seen =
            import::read_objects(&manifests, vendor.name, vendor.resource(), &ask, &settings).await;
        let files = import::update_files(&manifests, &[seen.expect("an account")], &settings);
        let [updated] = files.as_slice() else {
            panic!("one file: {}", files.len());
        };
        let failed = &updated.failed;
        assert!(failed.is_empty(), "{failed:?}: {} in\n{before}", pair.path);
        let text = updated.file.text();
        assert!(text.starts_with("# the head\n"), "{text}");
        assert!(text.ends_with("# the foot\n"), "{text}");
        let plan = bench
            .pass(&valid(&bench, std::slice::from_ref(&text)))
            .await;
        assert_eq!(changed(&plan.planned[0]), [""; 0], "{}", pair.path);
        assert_eq!(plan.planned[0].action, Disposition::None, "{}", pair.path);
        let touched = before.lines().filter(|line| !text.contains(line)).count();
        // A set changes as one, and has a line for each member.
        let field = find_field(vendor.table(), pair.planned);
        let set = field.is_some_and(|field| matches!(field.shape, Shape::Set(_)));
        assert!(
            set || touched <= differs,
            "{}: {touched} lines for {differs} fields in\n{text}",
            pair.path
        );
    }
}

async fn what_is_not_there_is_said(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let missing = vendor.id(900);
    let none = checked(&bench, &[]);
    let settings = bench.settings();
    let seen = import::read_objects(
        &none,
        vendor.name,
        vendor.resource(),
        &Ask::Ids(vec![missing]),
        &settings,
    )
    .await;
    let seen = seen.expect("an account");
    assert!(
        matches!(seen.objects[0].observed, Observed::Missing),
        "{:?}",
        seen.objects[0].observed
    );
    let all = import::import_objects(&none, &[seen], None, &settings);
    let all = all.expect("no template");
    let why = all[0].manifest.as_ref().expect_err("nothing");
    assert!(why.to_string().contains("no such object"), "{why}");
    let bad = Ask::Ids(vec!["a/b/c/d".into()]);
    let refused =
        import::read_objects(&none, vendor.name, vendor.resource(), &bad, &settings).await;
    assert!(refused.is_err_and(|why| why.to_string().contains("for example")));
}
