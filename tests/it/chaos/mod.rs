//! Applies under random faults until they report success. What each of them reported is held against what
//! the simulators did and hold (`truth`); in the end their state is held against that of an apply without
//! faults (`account`), and our report is not asked.
//!
//! `ENTITLE_CHAOS_SEEDS=5000` runs more seeds, `ENTITLE_CHAOS_SEED=17` replays one.

mod account;
mod creations;
mod round;
mod truth;

use std::collections::BTreeMap;
use std::path::Path;

use entitle::apply::{Outcome, Report};
use entitle::cli::simulators;
use entitle::manifest;
use entitle::model::connection::Credential;
use entitle::model::{Auth, Connection, Desired, SecretRef};
use entitle::provider::{self, ResourceKind};
use entitle::reconcile::{self, CheckOptions, Checked, Simulators};
use entitle::sandbox::{FaultPlan, Options, SandboxServer, credentials};
use futures::StreamExt;

use account::{Flat, but_for_edits, exactly, flat};
use round::Manner;
use truth::Round;

/// Applies of one seed: each may fail, all together may not. Where somebody edits before every third call, an apply of
/// ten calls, a read right before each write among them, is rarely left alone.
const ROUNDS: usize = 120;

/// Every fault but edits by others: what is left must be exactly what a quiet apply leaves.
const QUIET: &str = "429=2,429-date=1,429-bare=1,408=1,425=1,500=1,502=1,503=1,500-after=2,502-after=1,503-after=2,\
                     drop-before=2,drop-after=2,drop-during=1,slow=1,truncated=1,html=1,twice=2,stale=2,session=2";

/// Other admins and licensees at work before every third call, beside the commonest faults.
const BUSY: &str = "foreign=33,502-after=3,drop-after=3,429=3,stale=3,twice=2";

pub fn connections(sandbox: &SandboxServer) -> Vec<Connection> {
    let mut connections = simulators::stand_ins(sandbox.address());
    for connection in &mut connections {
        // Sessions can only be lost where there is a login.
        let forms = credentials::credentials_of(connection.vendor.0);
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

/// The examples of one kind. Kinds of one vendor may share the id of an object, by which calls are told apart.
fn check(sandbox: &SandboxServer, kind: &dyn ResourceKind) -> Checked {
    let vendor = kind.vendor().0;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(vendor);
    let loaded = manifest::load(
        &[dir],
        &mut std::io::empty(),
        &manifest::ReadLimits::default(),
    );
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(connections(sandbox))),
        ..CheckOptions::default()
    };
    let mut checked = reconcile::check_manifests(loaded, &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let name = kind.table().kind;
    // What belongs to an object of another kind cannot be applied without it; `creations` has such pairs.
    let is_alone = |object: &Desired| object.references.is_empty();
    checked
        .desired
        .retain(|object| object.address.kind == name && is_alone(object));
    checked
}

fn well(report: &Report) -> bool {
    matches!(
        report.outcome,
        None | Some(Outcome::Converged | Outcome::Already)
    )
}

/// Whether the calls of a kind name its objects. A creation names none, a user is named by an address that is in no call,
/// and edits of others are of one kind of a vendor. `creations` has rounds of its own for what is created.
fn is_told_apart(kind: &dyn ResourceKind) -> bool {
    let others = [
        "CryptlexOrganization",
        "CryptlexOrganizationUser",
        "CryptlexUserGroup",
        "LacCustomer",
        "LicenseSpringCustomerAccount",
        "LicenseSpringLicenseCustomField",
        "LicenseSpringLicensePolicy",
        "LicenseSpringOrder",
        "LicenseSpringProductFeature",
    ];
    !others.contains(&kind.table().kind.0)
}

/// What an apply without faults makes of a vendor's account.
async fn quiet(kind: &dyn ResourceKind) -> Flat {
    let vendor = kind.vendor().0;
    let sandbox = SandboxServer::start(Options::default())
        .await
        .expect("loopback");
    let reports = round::run(&check(&sandbox, kind), Manner::Plain).await;
    assert!(reports.iter().all(well), "{vendor} without faults");
    let state = flat(&sandbox.state(vendor).expect("a vendor"));
    sandbox.stop().await;
    state
}

/// How often applies ended in which way.
type Tally = BTreeMap<String, usize>;

/// Runs one seed. The error says what went wrong.
async fn run(seed: u64, wanted: &BTreeMap<&str, Flat>) -> Result<Tally, String> {
    let vendors = provider::ALL.len() as u64;
    let kinds = provider::ALL[(seed % vendors) as usize].kinds().iter();
    let kinds: Vec<_> = kinds.filter(|kind| is_told_apart(**kind)).collect();
    let kind = *kinds[(seed / vendors) as usize % kinds.len()];
    let vendor = kind.vendor().0;
    let wanted = &wanted[kind.table().kind.0];
    // Every third seed also has other admins at work.
    let busy = seed.is_multiple_of(3);
    let mix = if busy { BUSY } else { QUIET };
    let plan: FaultPlan = format!("{seed}:{mix}")
        .parse()
        .expect("a plan of known faults");
    let options = Options {
        faults: Some(plan),
        ..Options::default()
    };
    let sandbox = SandboxServer::start(options)
        .await
        .map_err(|error| error.to_string())?;
    let checked = check(&sandbox, kind);
    let mut tally = Tally::new();
    let mut last = String::new();
    for number in 0..ROUNDS {
        let manner = Manner::of(seed, number);
        let before = flat(&sandbox.state(vendor)?);
        let (calls, edits) = (sandbox.requests().len(), sandbox.foreign_edits().len());
        let reports = round::run(&checked, manner).await;
        // A write that a hurried round gave up may lie in a socket; it must not count for the next one.
        sandbox
            .wait_until_all_closed()
            .await
            .map_err(|error| error.to_string())?;
        let after = flat(&sandbox.state(vendor)?);
        let (seen, edited) = (sandbox.requests(), sandbox.foreign_edits());
        let mut edited = edited[edits..].iter();
        let round = Round {
            manner,
            busy,
            reports: &reports,
            // The record names the call before which somebody edited.
            calls: seen[calls..]
                .iter()
                .map(|seen| {
                    let foreign = seen.fault.as_deref() == Some("foreign");
                    (seen, foreign.then(|| edited.next()).flatten())
                })
                .collect(),
            before: &before,
            after: &after,
            wanted,
        };
        truth::judge(&round).map_err(|why| format!("round {number}, {manner:?}: {why}"))?;
        last = told(&reports);
        for report in &reports {
            let end = report.outcome.map_or("nothing to do", Outcome::name);
            *tally.entry(end.to_string()).or_default() += 1;
        }
        let end = if last.is_empty() { "well" } else { "failing" };
        *tally.entry(format!("rounds {end}")).or_default() += 1;
        if last.is_empty() {
            break;
        }
    }
    if !last.is_empty() {
        return Err(format!("no success in {ROUNDS} applies: {last}"));
    }
    if sandbox.foreign_edits().is_empty() {
        exactly(&sandbox, vendor, wanted)?;
    } else {
        // An edit after the last look is not ours to know: one more apply in quiet has to mend it.
        sandbox.set_faults(None);
        let reports = round::run(&checked, Manner::Plain).await;
        if !reports.iter().all(well) {
            return Err("the apply after the faults failed".into());
        }
        but_for_edits(&sandbox, vendor, wanted)?;
    }
    sandbox.stop().await;
    Ok(tally)
}

/// What did not go well.
fn told(reports: &[Report]) -> String {
    reports
        .iter()
        .filter(|report| !well(report))
        .map(|report| format!("{:?} {:?}", report.outcome, report.message))
        .collect::<Vec<_>>()
        .join("; ")
}

/// The seeds to run: as many as the environment says or else `usual`, or the one that it names.
fn seeds(usual: u64) -> Vec<u64> {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    match number("ENTITLE_CHAOS_SEED") {
        Some(one) => vec![one],
        None => (0..number("ENTITLE_CHAOS_SEEDS").unwrap_or(usual)).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_the_account_ends_as_the_manifests_say() {
    let seeds = seeds(250);
    let mut wanted = BTreeMap::new();
    for kind in provider::all_kinds() {
        wanted.insert(kind.table().kind.0, quiet(kind).await);
    }
    // Most of a seed's time is waiting between tries, so many run side by side.
    let mut runs = futures::stream::iter(seeds)
        .map(|seed| {
            let wanted = &wanted;
            async move { (seed, run(seed, wanted).await) }
        })
        .buffer_unordered(48);
    let (mut faults, mut tally) = (Vec::new(), Tally::new());
    while let Some((seed, judged)) = runs.next().await {
        match judged {
            Ok(ends) => {
                for (end, count) in ends {
                    *tally.entry(end).or_default() += count;
                }
            }
            Err(why) => faults.push(format!(
                "seed {seed}: {why}\n  replay: ENTITLE_CHAOS_SEED={seed} cargo test --test it chaos"
            )),
        }
    }
    println!("{tally:?}");
    assert!(
        faults.is_empty(),
        "{} seeds failed:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
