//! What manifest and live agreed on last, object by object.
//!
//! An apply that finds an object as its manifest wants it, or makes it so, writes that down once. Later drift
//! is told by it, and healed to it, whether or not this program ever wrote the object.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::journal::{Agreed, Event, Record};
use super::outcome::{Outcome, Report};
use crate::model::path::PatternPart;
use crate::model::{Desired, Field, Fields, Need, PathPattern};
use crate::plan::Action;
use crate::plan::document::identity_of;
use crate::plan::drift::remember;
use crate::plan::fingerprint;
use crate::provider;

/// The agreements of a journal that still stand: hashes, since the values of ten thousand objects are only ever
/// compared.
#[derive(Clone, Debug, Default)]
pub struct Agreements {
    standing: BTreeMap<String, Standing>,
    /// What writes wanted whose end has not come, by run and address.
    open: BTreeMap<(String, String), Hash>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    /// Of the managed fields.
    managed: Hash,
    /// Of everything that makes two agreements one.
    whole: Hash,
}

/// Half of a SHA-256: enough to tell apart what nobody has made to look alike.
type Hash = [u8; 16];

fn hash(value: &impl Serialize) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(&fingerprint::sha256(value)[..16]);
    hash
}

impl Standing {
    fn of(agreed: &Agreed) -> Self {
        let Agreed {
            address: _,
            vendor: _,
            connection: _,
            base_url,
            identity,
            managed,
            // Fields that are not read are managed ones too.
            unread: _,
            spared,
            commit: _,
            sandbox: _,
        } = agreed;
        Self {
            managed: hash(managed),
            whole: hash(&(base_url, identity, managed, spared)),
        }
    }
}

impl Agreements {
    /// Takes in the next record. A write that wanted something else ends an agreement, and so does one whose
    /// end is not what was wanted.
    pub fn follow(&mut self, record: &Record) {
        match &record.event {
            Event::Agreed(agreed) => {
                let standing = Standing::of(agreed);
                self.standing.insert(agreed.address.clone(), standing);
            }
            Event::Intent(intent) => {
                let write = (record.run.clone(), intent.address.clone());
                self.open.insert(write, hash(&intent.managed));
            }
            Event::Outcome(ended) => {
                let write = (record.run.clone(), ended.address.clone());
                let wanted = self.open.remove(&write);
                let other = wanted
                    .zip(self.standing.get(&ended.address))
                    .is_some_and(|(wanted, standing)| wanted != standing.managed);
                let ends = match ended.outcome {
                    Outcome::Converged => other,
                    Outcome::Unconverged => true,
                    Outcome::Already
                    | Outcome::Rejected
                    | Outcome::Stale
                    | Outcome::Refused
                    | Outcome::Failed
                    | Outcome::Skipped => false,
                };
                if ends {
                    self.standing.remove(&ended.address);
                }
            }
            Event::Started(_) | Event::Found { .. } | Event::Finished { .. } => {}
        }
    }

    /// Whether just this is agreed on already, whenever that was.
    pub fn has(&self, agreed: &Agreed) -> bool {
        let held = self.standing.get(&agreed.address);
        held.is_some_and(|held| held.whole == Standing::of(agreed).whole)
    }
}

/// What is agreed on when live is as `object` wants it.
pub fn agreed(object: &Desired, place: &str) -> Option<Agreed> {
    let table = provider::of(object.vendor)?.table().desired;
    let fields = object.fields.unpack();
    Some(Agreed {
        address: object.address.to_string(),
        vendor: object.vendor.to_string(),
        connection: object.connection.to_string(),
        base_url: place.to_string(),
        identity: identity_of(object),
        managed: remember(table, &fields),
        unread: unread(table, &fields),
        spared: spared(object),
        commit: None,
        sandbox: false,
    })
}

/// What a policy keeps this program away from. Where that was another, an agreement says nothing about now.
pub fn spared(object: &Desired) -> Vec<String> {
    let policy = &object.policy;
    let ignored = policy
        .ignore
        .iter()
        .map(|path| format!("ignore {}", text(path)));
    let open = policy
        .keep_unlisted
        .iter()
        .map(|name| format!("keep {name}"));
    let mut spared: Vec<String> = ignored.chain(open).collect();
    spared.sort_unstable();
    spared
}

fn text(path: &PathPattern) -> String {
    let parts = path.parts.iter().map(|part| match part {
        PatternPart::Field(name) => format!(".{name}"),
        PatternPart::Element(key) => format!("{key:?}"),
        PatternPart::AnyElement => "[*]".into(),
    });
    parts.collect()
}

/// Fields that every write must carry and no read returns.
pub fn unread(table: &'static [Field], fields: &Fields) -> BTreeMap<String, Json> {
    table
        .iter()
        .filter(|field| field.need == Need::InManifest)
        .filter_map(|field| Some((field.name.into(), field.shape.json(fields.get(field.name)?))))
        .collect()
}

/// Whether an object ended an apply as its manifest wants it. One that had nothing to do counts if it was
/// `read`: a saved plan only says what was so.
pub fn holds(report: &Report, read: bool) -> bool {
    match report.outcome {
        None => report.planned.action == Action::None && read,
        Some(Outcome::Converged | Outcome::Already) => true,
        Some(
            Outcome::Unconverged
            | Outcome::Rejected
            | Outcome::Stale
            | Outcome::Refused
            | Outcome::Failed
            | Outcome::Skipped,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::apply::journal::{Ended, Intent};
    use crate::model::Method;

    fn agreed(seats: i64) -> Agreed {
        Agreed {
            address: "LacLicenseOrder/a".into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            base_url: "https://lac.example.com/".into(),
            identity: Default::default(),
            managed: BTreeMap::from([("activations_allowed".into(), json!(seats))]),
            unread: BTreeMap::new(),
            spared: Vec::new(),
            commit: None,
            sandbox: false,
        }
    }

    fn wrote(seats: i64, outcome: Outcome) -> [Event; 2] {
        let Agreed {
            address,
            vendor,
            connection,
            base_url,
            identity,
            managed,
            unread,
            ..
        } = agreed(seats);
        let ended = Ended {
            address: address.clone(),
            outcome,
            message: None,
            side_effects: Vec::new(),
        };
        let intent = Intent {
            address,
            vendor,
            connection,
            base_url,
            identity,
            method: Method::Patch,
            path: "/".into(),
            changes: Vec::new(),
            unread,
            managed,
            epoch: None,
        };
        [Event::Intent(Box::new(intent)), Event::Outcome(ended)]
    }

    fn after(events: impl IntoIterator<Item = Event>) -> Agreements {
        let first = Event::Agreed(Box::new(agreed(10)));
        let mut agreements = Agreements::default();
        for event in std::iter::once(first).chain(events) {
            agreements.follow(&Record {
                at: String::new(),
                run: "1".into(),
                event,
            });
        }
        agreements
    }

    #[test]
    fn an_agreement_is_known_by_object_place_values_and_policy() {
        let known = after([]);
        let commit = Some("f00".to_string());
        assert!(known.has(&Agreed {
            commit,
            ..agreed(10)
        }));
        assert!(!known.has(&agreed(11)));
        let base_url = "https://other.example.com/".to_string();
        assert!(!known.has(&Agreed {
            base_url,
            ..agreed(10)
        }));
        let identity = [("key", "b")].into_iter().collect();
        assert!(!known.has(&Agreed {
            identity,
            ..agreed(10)
        }));
        let spared = vec!["keep features".to_string()];
        assert!(!known.has(&Agreed {
            spared,
            ..agreed(10)
        }));
    }

    #[test]
    fn a_write_of_something_else_ends_an_agreement() {
        assert!(after(wrote(10, Outcome::Converged)).has(&agreed(10)));
        assert!(after(wrote(11, Outcome::Rejected)).has(&agreed(10)));
        assert!(!after(wrote(11, Outcome::Converged)).has(&agreed(10)));
        assert!(!after(wrote(10, Outcome::Unconverged)).has(&agreed(10)));
    }
}
