//! The brakes: which steps may go without a person looking on, and how many may go at all.

use super::Action;
use super::document::{ObjectEntry, Summary};
use crate::model::Risk;

/// What this run accepts beside what the objects' own policies accept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accepted {
    pub risk: Risk,
}

/// Why a step may not go; nothing when it may. `allow` is the object's own policy.
pub fn refusal(entry: &ObjectEntry, allow: Risk, accepted: Accepted) -> Option<String> {
    if entry.action != Action::Update {
        return None;
    }
    let risk = entry.risk();
    if risk <= accepted.risk.max(allow) {
        return None;
    }
    let count = entry
        .changes
        .iter()
        .filter(|change| change.risk == risk)
        .count();
    let (changes, verb) = if count == 1 {
        ("1 change".to_string(), "takes")
    } else {
        (format!("{count} changes"), "take")
    };
    let what = match risk {
        Risk::Strand => "away what is in use",
        Risk::Reduce => "something away",
        Risk::Safe => "nothing away",
    };
    Some(format!(
        "{changes} {verb} {what}: it needs `--allow {risk}`, or `allow: [{risk}]` in the object's policy"
    ))
}

/// The blast radius: how many objects a run may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxChanges {
    Count(usize),
    /// Of the objects in the plan.
    Percent(u8),
}

impl std::str::FromStr for MaxChanges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("write a number such as 20, or a share such as 10%, not {text:?}");
        match text.strip_suffix('%') {
            Some(share) => match share.trim().parse() {
                Ok(percent) if percent <= 100 => Ok(Self::Percent(percent)),
                _ => Err(fault()),
            },
            None => text.trim().parse().map(Self::Count).map_err(|_| fault()),
        }
    }
}

/// Why a plan is too large to go; nothing when it may.
pub fn too_many(summary: &Summary, limit: MaxChanges) -> Option<String> {
    let (most, shown) = match limit {
        MaxChanges::Count(count) => (count, count.to_string()),
        MaxChanges::Percent(percent) => (
            summary.objects * usize::from(percent) / 100,
            format!("{percent}% of {}", summary.objects),
        ),
    };
    (summary.update > most).then(|| {
        format!(
            "the plan changes {} objects and --max-changes allows {shown}: nothing was sent",
            summary.update
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Ids;
    use crate::plan::diff::ChangeVerb;
    use crate::plan::document::{ChangeEntry, OriginEntry};

    fn entry(action: Action, risks: &[Risk]) -> ObjectEntry {
        let change = |risk: &Risk| ChangeEntry {
            path: "activations_allowed".into(),
            verb: ChangeVerb::Replace,
            before: 10.into(),
            after: 5.into(),
            risk: *risk,
            note: None,
        };
        ObjectEntry {
            address: "LacLicenseOrder/a".into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            identity: Ids::default(),
            origin: OriginEntry {
                file: "a.yaml".into(),
                line: 1,
            },
            manifest_fingerprint: None,
            manifest_fields: Default::default(),
            action,
            changes: risks.iter().map(change).collect(),
            calls: Vec::new(),
            fingerprint: None,
            outcome: None,
            message: None,
            side_effects: Vec::new(),
        }
    }

    #[test]
    fn a_step_goes_where_the_run_or_its_object_accepts_its_worst_risk() {
        let risks = [Risk::Safe, Risk::Reduce, Risk::Strand];
        for (worst, allow) in risks
            .iter()
            .flat_map(|one| risks.map(|other| (*one, other)))
        {
            for risk in risks {
                let step = entry(Action::Update, &[Risk::Safe, worst]);
                let refused = refusal(&step, allow, Accepted { risk }).is_some();
                assert_eq!(
                    refused,
                    worst > allow && worst > risk,
                    "{worst} {allow} {risk}"
                );
                let idle = entry(Action::Observe, &[worst]);
                assert_eq!(refusal(&idle, allow, Accepted { risk }), None);
            }
        }
    }

    #[test]
    fn a_refusal_counts_what_is_refused_and_says_what_would_let_it_go() {
        let refused = |risks: &[Risk]| {
            let refusal = refusal(
                &entry(Action::Update, risks),
                Risk::Safe,
                Accepted::default(),
            );
            refusal.unwrap_or_default()
        };
        assert_eq!(
            refused(&[Risk::Reduce, Risk::Safe]),
            "1 change takes something away: it needs `--allow reduce`, or `allow: [reduce]` in the object's policy"
        );
        assert_eq!(
            refused(&[Risk::Strand, Risk::Reduce, Risk::Strand]),
            "2 changes take away what is in use: it needs `--allow strand`, or `allow: [strand]` in the object's policy"
        );
    }

    #[test]
    fn the_blast_radius_is_a_number_or_a_share() {
        let summary = Summary {
            objects: 40,
            update: 10,
            ..Summary::default()
        };
        let refused = |limit: &str| too_many(&summary, limit.parse().unwrap()).is_some();
        assert!(!refused("10"));
        assert!(refused("9"));
        assert!(!refused("25%"));
        assert!(refused("24%"));
        assert!(refused("0"));
        for bad in ["", "ten", "101%", "-1", "5.5%"] {
            assert!(bad.parse::<MaxChanges>().is_err(), "{bad}");
        }
    }
}
