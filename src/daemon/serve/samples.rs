//! A made-up status of any size that contains every state, risk and mishap. For tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::apply::memory::ShortChanges;
use crate::daemon::activity::{Activity, ActivityKind};
use crate::daemon::labels::Labels;
use crate::daemon::mode::RunMode;
use crate::daemon::status::{
    AccountKeeper, Brake, ConnectionError, ConnectionProblem, ConnectionStatus, FightStatus,
    LastWrite, ObjectState, ObjectStatus, PassShare, PassStatus, PendingWrite, RateStatus,
    Replicas, SourceKind, SourceStatus, Status, SuspensionStatus,
};
use crate::model::{FaultKind, Outcome, Risk};
use crate::plan::ChangeVerb;
use crate::plan::coming::ComingChanges;
use crate::plan::document::{ChangeEntry, OriginEntry};

pub fn sample_now() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().expect("a time")
}

fn seconds_ago(seconds: i64) -> Timestamp {
    sample_now() - SignedDuration::from_secs(seconds)
}

const VENDORS: [(&str, &str, &str, &str); 5] = [
    ("alinea", "AlineaLicense", "alinea", "licenseId"),
    (
        "cryptlex",
        "CryptlexOrganizationLicense",
        "cryptlex-eu",
        "licenseId",
    ),
    (
        "informatica",
        "InformaticaOrgLicense",
        "informatica",
        "orgId",
    ),
    ("lac", "LacLicenseOrder", "lac", "activationKey"),
    (
        "licensespring",
        "LicenseSpringLicense",
        "spring",
        "licenseId",
    ),
];

const NAMES: [&str; 8] = [
    "rivers-floating",
    "northwind-enterprise",
    "contoso.eu-1",
    "acme-lab",
    "blue-yonder-airlines-simulation-cluster-frankfurt",
    "fabrikam",
    "tailspin-toys",
    "wingtip",
];

pub fn sample_change(
    path: &str,
    before: serde_json::Value,
    after: serde_json::Value,
) -> ChangeEntry {
    ChangeEntry {
        path: path.into(),
        verb: ChangeVerb::Replace,
        before,
        after,
        risk: Risk::Safe,
        note: None,
        call: 0,
    }
}

/// Every second object has labels.
fn sample_labels(number: usize) -> Labels {
    let team = ["sales", "support"][number / 2 % 2];
    let labels = [("team".to_string(), team.to_string())];
    Labels::new(&labels.into_iter().take(1 - number % 2).collect())
}

/// Returns an object in sync.
pub fn sample_object(number: usize) -> ObjectStatus {
    let (vendor, kind, connection, id) = VENDORS[number % VENDORS.len()];
    let name = NAMES[number / 5 % NAMES.len()];
    ObjectStatus {
        address: format!("{kind}/{name}-{number:05}"),
        vendor: vendor.into(),
        connection: connection.into(),
        identity: [(id, format!("9f3c-{number:06}"))].into_iter().collect(),
        origin: OriginEntry {
            file: format!("licences/{vendor}/{name}.yaml"),
            line: number as u32 % 40 + 1,
        },
        labels: sample_labels(number),
        state: ObjectState::InSync,
        running: false,
        risk: Risk::Safe,
        last_pass: Some(seconds_ago(number as i64 * 7 % 900 + 2)),
        last_in_sync: Some(seconds_ago(number as i64 * 7 % 900 + 2)),
        next_wake: Some(seconds_ago(number as i64 * 7 % 900 - 600)),
        changes: Vec::new(),
        pending: None,
        failures: 0,
        message: None,
        problem: None,
        last_write: None,
        suspended: None,
        fight: None,
        coming: ComingChanges::default(),
    }
}

/// Gives some objects a state other than in sync, by their number.
fn add_trouble(number: usize, object: &mut ObjectStatus) {
    let seats = || ChangeEntry {
        risk: Risk::Strand,
        note: Some("5 allowed, 7 in use".into()),
        ..sample_change("activations_allowed", json!(10), json!(5))
    };
    match number {
        3 => {
            object.state = ObjectState::Failed;
            object.failures = 3;
            object.message = Some(
                "GET /license-orders/9f3c-000003: no answer from lac.example.com within 30 s"
                    .into(),
            );
            object.last_in_sync = None;
        }
        13 => {
            object.state = ObjectState::Refused;
            object.risk = Risk::Strand;
            object.changes = vec![
                seats(),
                ChangeEntry {
                    verb: ChangeVerb::Remove,
                    risk: Risk::Reduce,
                    ..sample_change(
                        "Features[\"Lic stat\" 6.0]",
                        json!({"count": 3}),
                        json!(null),
                    )
                },
                sample_change(
                    "order_notes",
                    json!("Renewed by phone"),
                    json!(
                        "Renewed by phone, and a note that goes on for longer than anybody \
                           would want to read in one cell of a table on a page"
                    ),
                ),
            ];
            object.pending = Some(Box::new(PendingWrite {
                digest: format!("sha256:{}", "ab".repeat(32)),
                calls: vec!["PATCH /license-orders/9f3c-000013".into()],
                needs_approval: true,
                approved_by: None,
            }));
            object.message =
                Some("1 change strands users: it needs a person, or policy.allow".into());
        }
        16 => {
            object.state = ObjectState::Missing;
            object.message = Some("the vendor has no such licence".into());
        }
        21 => {
            object.state = ObjectState::Fought;
            object.changes = vec![sample_change(
                "userGroupIds",
                json!(["a", "b"]),
                json!(["a"]),
            )];
            object.risk = Risk::Reduce;
            object.changes[0].risk = Risk::Reduce;
            object.fight = Some(Box::new(FightStatus {
                fields: vec!["userGroupIds".into()],
                since: seconds_ago(5_400),
                message:
                    "Somebody changed it back 4 times. Healing stopped; change the manifest, or \
                          find who does."
                        .into(),
            }));
        }
        22 | 37 => {
            object.state = ObjectState::Differs;
            object.changes = vec![sample_change(
                "customLimits[Users].limit",
                json!(500),
                json!(750),
            )];
        }
        27 => {
            object.state = ObjectState::Waiting;
            object.changes = vec![sample_change(
                "customLimits[Jobs].limit",
                json!(1),
                json!(2),
            )];
            object.message = Some("its window opens on Mon 22:00 Europe/Berlin".into());
        }
        34 => {
            object.state = ObjectState::Suspended;
            object.suspended = Some(Box::new(SuspensionStatus {
                reason: Some("audit until the end of the week".into()),
                until: Some(seconds_ago(-200_000)),
                by: None,
            }));
        }
        44 => {
            object.state = ObjectState::Unseen;
            object.last_pass = None;
            object.last_in_sync = None;
            object.running = true;
        }
        _ if number.is_multiple_of(9) => {
            object.last_write = Some(Box::new(LastWrite {
                at: seconds_ago(number as i64 * 60 + 30),
                outcome: Outcome::Converged,
                changes: vec![sample_change(
                    "ContactPhone",
                    json!("+49 30 1"),
                    json!("+49 30 2"),
                )],
                run: "0199f3a0-7c11-7000-8000-0000000000aa".into(),
            }));
        }
        _ => {}
    }
}

/// Returns the status of a daemon that watches `objects` objects and has run for a day.
pub fn sample_status(objects: usize) -> Status {
    let mut all: Vec<Arc<ObjectStatus>> = (0..objects)
        .map(|number| {
            let mut one = sample_object(number);
            add_trouble(number, &mut one);
            Arc::new(one)
        })
        .collect();
    all.sort_by(|a, b| a.address.cmp(&b.address));
    let passes = (1..=40)
        .map(|number| sample_pass(number, objects))
        .collect();
    Status {
        started_at: seconds_ago(86_400),
        mode: RunMode::Heal,
        sandbox: false,
        source: SourceStatus {
            kind: SourceKind::Git,
            location: "https://git.example.com/licences.git".into(),
            revision: Some("8c1f0a9be34d7712ab90cdd3f1e5a0c2b7d94e61".into()),
            commit: Some("8c1f0a9be34d7712ab90cdd3f1e5a0c2b7d94e61".into()),
            loaded_at: Some(seconds_ago(3_000)),
            problem: Some(
                "error[unknown-field]: unknown field `activationsAllowed` in desired\n  --> \
                 licences/lac/acme-lab.yaml:9:5\n  = help: did you mean `activations_allowed`?"
                    .into(),
            ),
            unfollowed: None,
            files: objects / 3,
            documents: objects,
        },
        objects: all,
        recent: sample_activity(objects),
        passes,
        connections: sample_connections(),
        brake: Brake {
            engaged: true,
            why: Some("41 of 120 objects would change, which is over 30 %.".into()),
        },
        replicas: Some(Replicas {
            name: "entitle-watch-7d9f8-x2x4k".into(),
            live: ["entitle-watch-7d9f8-x2x4k", "entitle-watch-7d9f8-z9q1p"]
                .map(Into::into)
                .into(),
            problem: None,
        }),
        stopping: false,
    }
}

/// The message of the problem that [`break_connection`] adds.
pub const BROKEN: &str =
    "cannot connect to 10.1.2.3:443: connection refused; tried 5 times in 12 s";

/// Makes a connection unreachable, and so each of its objects unreadable.
pub fn break_connection(status: &mut Status, name: &str) {
    let mut broken = 0;
    for object in status.objects.iter_mut().filter(|it| it.connection == name) {
        broken += 1;
        *object = Arc::new(ObjectStatus {
            state: ObjectState::Failed,
            problem: Some(FaultKind::Unreachable.code().into()),
            message: Some(format!("GET /licenses/{broken}: {BROKEN}")),
            changes: Vec::new(),
            risk: Risk::Safe,
            ..(**object).clone()
        });
    }
    if let Some(connection) = status.connections.get_mut(name) {
        connection.problems = vec![ConnectionProblem {
            code: FaultKind::Unreachable.code().into(),
            message: BROKEN.into(),
            hint: Some("is the host right, and may this machine reach it?".into()),
            origin: Some(OriginEntry {
                file: "licences/connections.yaml".into(),
                line: 5,
            }),
            since: seconds_ago(300),
            objects: broken,
        }];
        connection.last_error = Some(ConnectionError {
            at: seconds_ago(20),
            address: sample_object(0).address,
            message: format!("GET /licenses/1: {BROKEN}"),
        });
    }
}

fn sample_pass(number: u64, objects: usize) -> PassStatus {
    let whole = number % 10 == 1;
    PassStatus {
        number,
        started_at: seconds_ago((41 - number as i64) * 95),
        seconds: if whole { 2.31 } else { 0.084 },
        reasons: match number % 4 {
            0 => vec!["resync".into()],
            1 => vec!["the source changed".into(), "resync".into()],
            2 => vec!["hook of cryptlex-eu".into()],
            _ => vec!["saved licences/lac/acme-lab.yaml".into()],
        },
        objects: if whole { objects } else { 1 },
        in_sync: if whole { objects.saturating_sub(8) } else { 0 },
        written: usize::from(number % 4 == 2),
        pending: if whole { 6 } else { 0 },
        failed: usize::from(number.is_multiple_of(17)),
        connections: BTreeMap::from([("lac".to_string(), PassShare::default())]),
    }
}

/// Something of each kind, and enough of it to be folded.
fn sample_activity(objects: usize) -> Vec<Arc<Activity>> {
    let about = |number: usize, kind| Activity {
        address: Some(sample_object(number).address),
        connection: Some(sample_object(number).connection),
        changes: ShortChanges::of(&[sample_change("activations_allowed", json!(10), json!(5))]),
        ..Activity::new(seconds_ago(number as i64 * 90), kind)
    };
    let write = |number: usize| Activity {
        by: Some("entitle".into()),
        commit: Some("8c1f0a9be34d7712ab90cdd3f1e5a0c2b7d94e61".into()),
        run: Some("0199f3a0-7c11-7000-8000-0000000000aa".into()),
        outcome: Some(if number.is_multiple_of(7) {
            Outcome::Rejected
        } else {
            Outcome::Converged
        }),
        message: number
            .is_multiple_of(7)
            .then(|| "422: the field is required".into()),
        ..about(number, ActivityKind::Write)
    };
    let request = |number: usize| Activity {
        by: Some("ann@example.com".into()),
        message: Some("suspended until 2026-03-02 12:00 UTC: a demo".into()),
        changes: ShortChanges::default(),
        ..about(number, ActivityKind::Request)
    };
    let entries = (1..=objects.min(20)).map(|number| match number % 4 {
        1 => about(number, ActivityKind::ForeignEdit),
        3 => request(number),
        _ => write(number),
    });
    entries.map(Arc::new).collect()
}

fn sample_connections() -> BTreeMap<String, ConnectionStatus> {
    let connection = |(vendor, _, name, _): (&str, &str, &str, &str)| {
        let status = ConnectionStatus {
            vendor: vendor.into(),
            results: BTreeMap::from([("in_sync".into(), 4_210), ("failed".into(), 3)]),
            requests: BTreeMap::from([("200".into(), 913), ("429".into(), 2), ("lost".into(), 1)]),
            last_success: Some(seconds_ago(12)),
            locked: (name == "spring").then(|| {
                "entitle apply of ann@build-7 (process 4711) holds the lock since 09:58".into()
            }),
            keeper: Some(AccountKeeper {
                replica: Some("entitle-watch-7d9f8-x2x4k".into()),
                is_own: name != "alinea",
                since: Some(seconds_ago(43_200)),
            }),
            rates: vec![
                RateStatus {
                    requests: 600,
                    per_seconds: 60.0,
                    left: 580,
                    full_at: seconds_ago(-40),
                },
                RateStatus {
                    requests: 50,
                    per_seconds: 5.0,
                    left: 12,
                    full_at: seconds_ago(-4),
                },
            ],
            problems: Vec::new(),
            last_error: (name == "lac").then(|| ConnectionError {
                at: seconds_ago(65),
                address: "LacLicenseOrder/rivers-floating-00003".into(),
                message:
                    "GET /license-orders/9f3c-000003: no answer from lac.example.com within 30 s"
                        .into(),
            }),
            last_hook: (name == "cryptlex-eu").then(|| seconds_ago(420)),
        };
        (name.to_string(), status)
    };
    VENDORS.map(connection).into()
}
