use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::testing::{URL, change, started, write};
use super::super::{Detail, testing};
use super::*;
use crate::apply::journal::{
    self, Agreed, BaseJson, Finding, GaveUp, Intent, ManifestPlace, PackedBase, Purpose, Residual,
    StepEnd,
};
use crate::apply::outcome::Outcome;
use crate::model::Ids;
use crate::plan::base::Base;
use crate::plan::document::ChangeEntry;
use crate::plan::field_json::fields_from_json;
use crate::provider::decode::tests::rows;

const NOW: &str = "2026-11-30T12:00:00Z";

/// One thing that happens, by numbers: which, in which run, to which object, and how.
type Step = (u8, u8, u8, [u8; 3]);

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0..10_u8, 0..4_u8, 0..6_u8, [0..12_u8, 0..12_u8, 0..12_u8]);
    prop::collection::vec(step, 0..most)
}

/// A journal in which things happen in any order, but for a run that says first of all that it starts.
fn journal(steps: &[Step]) -> Vec<Record> {
    let mut begun = [false; 4];
    let mut records = Vec::new();
    for (second, step) in steps.iter().enumerate() {
        let (what, run, object, [a, b, c]) = *step;
        let record = |event| Record {
            at: format!("2026-11-21T12:00:{second:02}.{}Z", [a, 5][second % 2]),
            run: format!("run-{run}"),
            scope: (run == 1).then(|| "a team".to_string()),
            event,
        };
        // Of some runs the first line was damaged.
        if !std::mem::replace(&mut begun[usize::from(run)], true) && what != 9 {
            let purposes = [Purpose::Apply, Purpose::Sync, Purpose::Heal, Purpose::Undo];
            records.push(record(started(purposes[usize::from(run)])));
        }
        records.push(record(event(what, object, [a, b, c])));
    }
    records
}

fn event(what: u8, object: u8, [a, b, c]: [u8; 3]) -> JournalEvent {
    let intent = written(object, [a, b, c]);
    let address = intent.address.clone();
    match what {
        0..3 | 9 => write(intent),
        3..5 => JournalEvent::Outcome(ended(address, a, b)),
        5 => JournalEvent::Found {
            address,
            of_run: format!("run-{}", a % 4),
            found: String::new(),
            finding: [
                Some(Finding::CarriedOut),
                Some(Finding::NotCarriedOut),
                Some(Finding::Neither),
                None,
            ][usize::from(b % 4)],
        },
        6 => JournalEvent::Agreed(Box::new(Agreed {
            address,
            base_url: intent.base_url,
            tenant: intent.tenant,
            identity: intent.identity,
            managed: intent.managed,
            resolved: intent.resolved,
            policy_exclusions: intent.policy_exclusions,
            given_up: intent.given_up,
            commit: c.is_multiple_of(2).then(|| "f00".to_string()),
            manifest: c.is_multiple_of(3).then(|| ManifestPlace {
                file: format!("licences/{c}.yaml"),
                ..ManifestPlace::default()
            }),
            ..testing::agreed(&[])
        })),
        7 => JournalEvent::GaveUp(Box::new(GaveUp {
            address,
            vendor: intent.vendor,
            connection: intent.connection,
            base_url: intent.base_url,
            tenant: intent.tenant,
            account: intent.account,
            identity: intent.identity,
            references: Default::default(),
            fields: vec!["activations_allowed".into()],
            desired: match b % 2 {
                0 => journal::format_hash([a; 16]),
                _ => "of an older version".into(),
            },
        })),
        _ => JournalEvent::Finished {
            interrupted: a.is_multiple_of(2),
        },
    }
}

fn ended(address: String, a: u8, b: u8) -> StepEnd {
    let outcomes = [
        Outcome::Converged,
        Outcome::Converged,
        Outcome::Unconverged,
        Outcome::Unconverged,
        Outcome::Already,
        Outcome::Rejected,
        Outcome::Failed,
    ];
    let outcome = outcomes[usize::from(a) % outcomes.len()];
    let residual = |path: &str, is| Residual {
        path: path.into(),
        is,
    };
    StepEnd {
        address,
        outcome,
        message: None,
        side_effects: Vec::new(),
        residual: match (outcome, b % 4) {
            (Outcome::Unconverged, 0) => vec![residual("activations_allowed", json!(77))],
            (Outcome::Unconverged, 1) => vec![
                residual("description", Json::Null),
                residual("Features[G 1]", Json::Null),
            ],
            _ => Vec::new(),
        },
        unclear: outcome == Outcome::Failed && b.is_multiple_of(2),
    }
}

/// A write of one of six objects: two are one object without its tenant, and one has an unknown kind.
fn written(object: u8, [a, b, c]: [u8; 3]) -> Intent {
    let (address, name, tenant) = [
        ("LacLicenseOrder/a", "a", None),
        ("LacLicenseOrder/renamed", "a", Some("one")),
        ("LacLicenseOrder/b", "b", Some("one")),
        ("LacLicenseOrder/b", "b", None),
        ("CryptlexOrganizationLicense/c", "c", None),
        ("OfAnotherTime/d", "d", None),
    ][usize::from(object)];
    let named = [("userGroups", json!(["a", "b"]))];
    let ids = [("userGroupIds", json!([a.to_string(), "2"]))];
    let order = [
        ("activations_allowed", json!(a)),
        (
            "description",
            [json!("x"), Json::Null][usize::from(b % 2)].clone(),
        ),
        ("Features", features(b, c)),
    ];
    let is_order = object != 4;
    let map = |pairs: &[(&str, Json)], keep: bool| {
        let pairs = pairs.iter().filter(|_| keep);
        pairs
            .map(|(name, json)| (name.to_string(), json.clone()))
            .collect()
    };
    let mut managed: BTreeMap<String, Json> = map(&order, is_order && c % 5 > 0);
    managed.extend::<BTreeMap<_, _>>(map(&named, !is_order));
    Intent {
        tenant: tenant.map(Into::into),
        base_url: [URL, "https://lac.example.com"][usize::from(c % 2)].into(),
        identity: identity(is_order, name),
        changes: changes(a, b, c),
        managed,
        resolved: map(&ids, !is_order && b % 3 > 0),
        policy_exclusions: match c % 6 {
            0 => vec!["ignore .activations_allowed".into(), "keep Features".into()],
            1 => vec!["ignore .Features[*].count".into()],
            _ => Vec::new(),
        },
        given_up: Vec::from_iter(c.is_multiple_of(7).then(|| "description".to_string())),
        heals: b % 2 == 0,
        ..testing::intent(address)
    }
}

fn identity(is_order: bool, name: &str) -> Ids {
    match is_order {
        true => [("activationKey", name)].into_iter().collect(),
        false => [("organizationId", name), ("licenseId", name)]
            .into_iter()
            .collect(),
    }
}

fn features(b: u8, c: u8) -> Json {
    let one = |name: &str, count: u8| json!({"name": name, "version": "1", "count": count});
    match c % 3 {
        0 => json!([]),
        1 => json!([one("F", b)]),
        _ => json!([one("G", b), one("F", c)]),
    }
}

fn changes(a: u8, b: u8, c: u8) -> Vec<ChangeEntry> {
    let all = [
        change("activations_allowed", json!(b), json!(a)),
        change("description", json!("x"), Json::Null),
        change("Features[F 1].count", json!(c), json!(a)),
        change(
            "Features[G 1]",
            Json::Null,
            json!({"name": "G", "version": "1", "count": a}),
        ),
        change(
            "Features[F 1]",
            json!({"name": "F", "version": "1"}),
            Json::Null,
        ),
        change(
            "userGroupIds",
            json!(["2", "3"]),
            json!([a.to_string(), "2"]),
        ),
    ];
    let first = usize::from(b) % all.len();
    let more = usize::from(c) % 3;
    let changes = all.into_iter().cycle().skip(first).take(more + 1);
    changes.collect()
}

/// As a journal keeps it.
fn base_json(memory: &Memory, form: SummaryForm) -> Vec<Record> {
    let lines = memory
        .summary(NOW, form)
        .map(|record| serde_json::to_string(&record).unwrap());
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

fn folded<'a>(detail: Detail, records: impl IntoIterator<Item = &'a Record>) -> Memory {
    let mut memory = Memory::new(detail);
    records.into_iter().for_each(|record| memory.follow(record));
    memory
}

/// Returns what two memories know, without where they have it from.
fn expect_same(one: &Memory, other: &Memory) -> Result<(), TestCaseError> {
    prop_assert_eq!(&one.scopes, &other.scopes);
    prop_assert_eq!(&one.open, &other.open);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_summary_and_what_comes_behind_it_are_the_whole_journal(steps in steps(24)) {
        let records = journal(&steps);
        for cut in 0..=records.len() {
            let (old, new) = records.split_at(cut);
            let form = [SummaryForm::Plain, SummaryForm::Packed][cut % 2];
            let summary = base_json(&folded(Detail::Values, old), form);
            for detail in [Detail::Values, Detail::Agreements] {
                let whole = folded(detail, &records);
                let shorter = folded(detail, summary.iter().chain(new));
                expect_same(&shorter, &whole)?;
            }
        }
    }

    #[test]
    fn a_summary_of_a_summary_says_the_same(steps in steps(60)) {
        let memory = folded(Detail::Values, &journal(&steps));
        for form in [SummaryForm::Plain, SummaryForm::Packed] {
            let summary = base_json(&memory, form);
            prop_assert_eq!(base_json(&folded(Detail::Values, &summary), form), summary);
        }
    }

    /// Whatever kind of object it is.
    #[test]
    fn values_come_back_as_they_were((vendor, text) in rows()) {
        let table = provider::all_kinds().nth(vendor).unwrap().table();
        // A member that is no value of its field is left out.
        let row: BTreeMap<String, Json> = serde_json::from_str(&text).unwrap();
        let fields = fields_from_json(table.desired, &row);
        let base = Base { fields, ..Base::default() };
        let packed = PackedBase::new(table, &base, None);
        for form in [SummaryForm::Plain, SummaryForm::Packed] {
            let base_json = BaseJson::new(&packed, form).unwrap().packed();
            prop_assert_eq!(base_json.as_ref(), Some(&packed));
        }
    }
}

#[test]
fn a_summary_takes_the_place_of_what_was_known() {
    let agreed = |seats: i64| Record {
        at: NOW.into(),
        run: "1".into(),
        scope: None,
        event: testing::agreement(testing::agreed(&[("activations_allowed", json!(seats))])),
    };
    let ten = folded(Detail::Values, [&agreed(10)]);
    let mut memory = folded(Detail::Values, [&agreed(12)]);
    base_json(&ten, SummaryForm::Plain)
        .iter()
        .for_each(|record| memory.follow(record));
    assert_eq!(memory.scopes, ten.scopes);
}

/// Whoever changes what is hashed must change the number in the head of summaries, and still know these: a journal may
/// begin with a summary.
#[test]
fn a_line_of_a_summary_reads_like_this() {
    let mut agreed = testing::agreed(&[
        ("activations_allowed", json!(12)),
        ("description", Json::Null),
    ]);
    agreed.policy_exclusions = vec!["keep Features".into()];
    let record = testing::record("1", testing::agreement(agreed));
    let line = base_json(&folded(Detail::Values, [&record]), SummaryForm::Plain).remove(0);
    let expected = json!({
        "at": NOW,
        "run": "",
        "event": {"known": {
            "key": "d888ab1039a9051f9f3875820ac2f3e0",
            "agreed": {
                "wanted": "08d5224cd79d2e0d8b843fef80596eb1",
                "whole": "92d1d3dcd9b76cf842d8574c74c1f4bd",
            },
            "base": {
                "kind": "LacLicenseOrder",
                "fields": {"activations_allowed": 12, "description": null},
                "kept": ["Features"],
                "applied": {"run": "1", "at": testing::AT},
            },
            "at": testing::AT,
        }},
    });
    assert_eq!(serde_json::to_value(line).unwrap(), expected);
}
