//! Applies under random faults until they report success; then the simulators' own state is held against
//! that of an apply without faults. Our report is not asked.
//!
//! `ENTITLE_CHAOS_SEEDS=5000` runs more seeds, `ENTITLE_CHAOS_SEED=17` replays one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use entitle::apply::recorder::Recorder;
use entitle::apply::{Outcome, Report, Secrets, Trust};
use entitle::cli::simulators;
use entitle::manifest;
use entitle::model::connection::Credential;
use entitle::model::{Auth, Connection, SecretRef};
use entitle::reconcile::{self, ApplyOptions, CheckOptions, Checked, Settings};
use entitle::sandbox::{FaultPlan, Options, Sandbox, credentials};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::time::Instant;

const VENDORS: [&str; 5] = ["alinea", "cryptlex", "informatica", "lac", "licensespring"];

/// Applies of one seed: each may fail, all together may not.
const ROUNDS: usize = 40;

/// Every fault but edits by others: what is left must be exactly what a quiet apply leaves.
const QUIET: &str = "429=2,429-date=1,429-bare=1,408=1,425=1,500=1,502=1,503=1,500-after=2,502-after=1,503-after=2,\
                     drop-before=2,drop-after=2,drop-during=1,slow=1,truncated=1,html=1,twice=2,stale=2,session=2";

/// Other admins and licensees at work before every third call, beside the commonest faults.
const BUSY: &str = "foreign=33,502-after=3,drop-after=3,429=3,stale=3,twice=2";

fn connections(sandbox: &Sandbox) -> Vec<Connection> {
    let mut connections = simulators::stand_ins(sandbox);
    for connection in &mut connections {
        // Sessions can only be lost where there is a login.
        let forms = credentials::credentials(connection.vendor.0);
        for form in forms.filter(|form| ["login", "clientCredentials"].contains(&form.form)) {
            let members = form
                .values
                .iter()
                .map(|(name, text)| (*name, Credential::Secret(SecretRef::Known(text))))
                .collect();
            connection.auth = match form.token_url {
                Some(path) => Auth::ClientCredentials {
                    token_url: format!("http://{}{path}", sandbox.address())
                        .parse()
                        .expect("a URL"),
                    members,
                },
                None => Auth::Login(members),
            };
        }
    }
    connections
}

fn check(sandbox: &Sandbox, vendor: &str) -> Checked {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(vendor);
    let loaded = manifest::load(&[dir], &mut std::io::empty());
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(connections(sandbox)),
    };
    let checked = reconcile::check(loaded, &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    checked
}

/// One plan and apply, as an unattended run that accepts every risk.
async fn apply(checked: &Checked) -> Vec<Report> {
    let settings = Settings {
        secrets: Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        },
        parallelism: 16,
        deadline: Instant::now() + Duration::from_secs(60),
        clock: Timestamp::now,
        stop: Arc::default(),
        sandbox: true,
        events: Default::default(),
    };
    let pass = reconcile::plan(checked, &settings).await;
    let recorder = Recorder {
        journal: None,
        run: "chaos".into(),
        places: BTreeMap::new(),
        clock: Timestamp::now,
    };
    let options = ApplyOptions {
        accepted: None,
        fail_fast: false,
        recorder,
    };
    reconcile::apply(&pass, &options, &settings).await
}

fn well(report: &Report) -> bool {
    matches!(
        report.outcome,
        None | Some(Outcome::Converged | Outcome::Already)
    )
}

/// An account as paths and values; lists by what tells their elements apart, times of change left out.
fn flat(state: &Json) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    flatten(state, "", &mut found);
    found
}

fn flatten(value: &Json, path: &str, found: &mut BTreeMap<String, Json>) {
    const CLOCKS: [&str; 3] = ["updatedAt", "updated_at", "ModifiedAt"];
    match value {
        Json::Object(members) => {
            let row = members.contains_key("product_feature");
            for (name, value) in members {
                // Rows may be made anew; they are told apart by their feature.
                if !(CLOCKS.contains(&name.as_str()) || row && name == "id") {
                    flatten(value, &format!("{path}/{name}"), found);
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                let label = label(item);
                flatten(item, &format!("{path}[{label}]"), found);
            }
        }
        other => {
            found.insert(path.to_string(), other.clone());
        }
    }
}

fn label(item: &Json) -> String {
    const KEYS: [&str; 9] = [
        "product_feature",
        "licenseDef",
        "edition",
        "limitDefinition",
        "activation_key",
        "Id",
        "id",
        "code",
        "name",
    ];
    let Json::Object(members) = item else {
        return item.to_string();
    };
    let key = KEYS
        .iter()
        .find_map(|key| members.get(*key))
        .unwrap_or(&Json::Null);
    let version = members
        .get("version")
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    format!("{key}{version}")
}

/// Paths on which two accounts differ.
fn differences(a: &BTreeMap<String, Json>, b: &BTreeMap<String, Json>) -> Vec<String> {
    a.keys()
        .chain(b.keys())
        .filter(|path| a.get(*path) != b.get(*path))
        .map(|path| format!("{path}: {:?} and {:?}", a.get(path), b.get(path)))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// What an apply without faults makes of a vendor's account.
async fn quiet(vendor: &str) -> BTreeMap<String, Json> {
    let sandbox = Sandbox::start(Options::default()).await.expect("loopback");
    let reports = apply(&check(&sandbox, vendor)).await;
    assert!(reports.iter().all(well), "{vendor} without faults");
    let state = flat(&sandbox.state(vendor).expect("a vendor"));
    sandbox.stop().await;
    state
}

/// Runs one seed. The error says what went wrong.
async fn run(seed: u64, wanted: &BTreeMap<&str, BTreeMap<String, Json>>) -> Result<(), String> {
    let vendor = VENDORS[(seed % 5) as usize];
    // Every third seed also has other admins at work.
    let foreign = seed.is_multiple_of(3);
    let mix = if foreign { BUSY } else { QUIET };
    let plan: FaultPlan = format!("{seed}:{mix}")
        .parse()
        .expect("a plan of known faults");
    let options = Options {
        faults: Some(plan),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| error.to_string())?;
    let checked = check(&sandbox, vendor);
    let mut last = String::new();
    let mut done = false;
    for _ in 0..ROUNDS {
        let reports = apply(&checked).await;
        last = reports
            .iter()
            .filter(|report| !well(report))
            .map(|report| format!("{:?} {:?}", report.outcome, report.message))
            .collect::<Vec<_>>()
            .join("; ");
        if last.is_empty() {
            done = true;
            break;
        }
    }
    if !done {
        return Err(format!("no success in {ROUNDS} applies: {last}"));
    }
    let judged = if sandbox.foreign_edits().is_empty() {
        exactly(&sandbox, vendor, &wanted[vendor])
    } else {
        // An edit after the last look is not ours to know: one more apply in quiet has to mend it.
        sandbox.set_faults(None);
        let reports = apply(&checked).await;
        if reports.iter().all(well) {
            but_for_edits(&sandbox, vendor, &wanted[vendor])
        } else {
            Err("the apply after the faults failed".into())
        }
    };
    sandbox.stop().await;
    judged
}

/// The account is what a quiet apply leaves, and no object was written with two different bodies.
fn exactly(sandbox: &Sandbox, vendor: &str, wanted: &BTreeMap<String, Json>) -> Result<(), String> {
    let state = flat(&sandbox.state(vendor)?);
    let differences = differences(wanted, &state);
    if !differences.is_empty() {
        return Err(format!("wanted and found: {}", differences.join("; ")));
    }
    let mut bodies: BTreeMap<String, Json> = BTreeMap::new();
    for seen in sandbox.requests() {
        let writes = ["PATCH", "PUT"].contains(&seen.method.as_str())
            || seen.path.contains("update_features");
        if let (true, Some(body)) = (writes, seen.body) {
            let first = bodies
                .entry(seen.path.clone())
                .or_insert_with(|| body.clone());
            if *first != body {
                return Err(format!(
                    "{} was written with two bodies: {first} and {body}",
                    seen.path
                ));
            }
        }
    }
    Ok(())
}

/// The account is what a quiet apply leaves, but for fields that somebody else changed.
fn but_for_edits(
    sandbox: &Sandbox,
    vendor: &str,
    wanted: &BTreeMap<String, Json>,
) -> Result<(), String> {
    let state = flat(&sandbox.state(vendor)?);
    let text = |json: &Json| json.as_str().map_or(json.to_string(), str::to_string);
    let edits: Vec<(String, String)> = sandbox
        .foreign_edits()
        .iter()
        .map(|edit| {
            let field = text(&edit.change["field"]);
            let first = field.split(['/', '[', '.']).find(|part| !part.is_empty());
            (
                text(&edit.change["object"]),
                first.unwrap_or_default().to_string(),
            )
        })
        .collect();
    // What was used stays used: the newest count of each counter is in the account.
    let mut used: BTreeMap<(String, String), Json> = BTreeMap::new();
    for edit in sandbox.foreign_edits() {
        if edit.change["usage"] == true {
            let place = (text(&edit.change["object"]), text(&edit.change["field"]));
            used.insert(place, edit.change["after"].clone());
        }
    }
    for ((object, field), after) in &used {
        let counter = field.rsplit(['/', '.']).next().unwrap_or_default();
        let held = |(path, value): (&String, &Json)| {
            path.contains(object.as_str()) && path.ends_with(counter) && value == after
        };
        if !state.iter().any(held) {
            return Err(format!(
                "the use of {object} {field} was set back from {after}"
            ));
        }
    }
    let unexplained: Vec<String> = differences(wanted, &state)
        .into_iter()
        .filter(|path| {
            !edits
                .iter()
                .any(|(object, field)| path.contains(object) && path.contains(field))
        })
        .collect();
    if unexplained.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "nobody else changed: {}; edits: {edits:?}",
            unexplained.join("; ")
        ))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_the_account_ends_as_the_manifests_say() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds: Vec<u64> = match number("ENTITLE_CHAOS_SEED") {
        Some(one) => vec![one],
        None => (0..number("ENTITLE_CHAOS_SEEDS").unwrap_or(500)).collect(),
    };
    let mut wanted = BTreeMap::new();
    for vendor in VENDORS {
        wanted.insert(vendor, quiet(vendor).await);
    }
    // Most of a seed's time is waiting between tries, so many run side by side.
    let faults: Vec<String> = futures::stream::iter(seeds)
        .map(|seed| {
            let wanted = &wanted;
            async move { run(seed, wanted).await.map_err(|why| (seed, why)) }
        })
        .buffer_unordered(48)
        .filter_map(|judged| async move {
            let (seed, why) = judged.err()?;
            let replay = format!("ENTITLE_CHAOS_SEED={seed} cargo test --test it chaos");
            Some(format!("seed {seed}: {why}\n  replay: {replay}"))
        })
        .collect()
        .await;
    assert!(
        faults.is_empty(),
        "{} seeds failed:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
