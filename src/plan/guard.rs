//! Limits what a run may write without a person: the risk of each step, and the number of objects that change.
//!
//! In: the steps of a plan, the risk that the run accepts, and `--max-changes`. Out: `Ok`, or a [`Refusal`]. The risk
//! itself comes from `risk`; modes and change windows are checked by the daemon.
//!
//! Worked example of the limit `30%`:
//!
//! ```text
//! base         objects   may change
//! connection   9         all, a share counts from 10 objects
//! connection   10        3
//! connection   13        3, since 3.9 is rounded down
//! plan         2         0, since a person sees the plan and can raise the limit
//! ```

use super::document::ObjectEntry;
use super::estimate::RequestCost;
use super::max_changes::{LimitBase, MaxChanges};
use super::refusal::Refusal;
use crate::model::Risk;

/// Holds the risk that this run accepts in addition to the objects' own policies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accepted {
    pub risk: Risk,
}

/// Checks that the run or the object's own policy, `allow`, accepts the worst risk of a step.
pub fn check_risk(entry: &ObjectEntry, allow: Risk, accepted: Accepted) -> Result<(), Refusal> {
    let risk = entry.risk();
    // A creation is planned only where its policy or the run asks for it.
    if !entry.action.writes() || risk <= accepted.risk.max(allow).max(Risk::Create) {
        return Ok(());
    }
    let refused = entry.changes.iter().filter(|change| change.risk == risk);
    Err(Refusal::Risk {
        risk,
        changes: refused.count(),
    })
}

/// The number of objects from which a share of a connection is a limit. Below it, one usual edit would exceed the
/// share.
const SHARE_COUNTS_FROM: usize = 10;

/// Checks that no more than `limit` of `objects` would change. A share is rounded down: 30% of 13 objects are 3.
pub fn check_change_count(
    changing: usize,
    objects: usize,
    limit: MaxChanges,
    base: LimitBase,
) -> Result<(), Refusal> {
    let most = match (limit, &base) {
        (MaxChanges::Count(count), _) => count,
        (MaxChanges::Percent(_), LimitBase::Connection(_)) if objects < SHARE_COUNTS_FROM => {
            return Ok(());
        }
        (MaxChanges::Percent(share), _) => objects * usize::from(share) / 100,
    };
    if changing <= most {
        return Ok(());
    }
    Err(Refusal::TooMany {
        changing,
        objects,
        limit,
        base,
    })
}

/// Checks that a run takes no more requests than `limit`. A run that writes nothing is never refused: what it has read
/// cannot be taken back.
pub fn check_request_count(cost: RequestCost, limit: usize) -> Result<(), Refusal> {
    if cost.writes == 0 || cost.total() <= limit {
        return Ok(());
    }
    Err(Refusal::TooManyRequests { cost, limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Ids;
    use crate::plan::ChangeVerb;
    use crate::plan::Disposition;
    use crate::plan::document::{ChangeEntry, OriginEntry};

    fn entry(action: Disposition, risks: &[Risk]) -> ObjectEntry {
        let change = |risk: &Risk| ChangeEntry {
            path: "activations_allowed".into(),
            verb: ChangeVerb::Replace,
            before: 10.into(),
            after: 5.into(),
            risk: *risk,
            note: None,
            call: 0,
        };
        ObjectEntry {
            edition: None,
            set: None,
            problem: None,
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
            references: Default::default(),
            after: Vec::new(),
            action,
            descent: Vec::new(),
            changes: risks.iter().map(change).collect(),
            calls: Vec::new(),
            fingerprint: None,
            outcome: None,
            message: None,
            side_effects: Vec::new(),
            coming: Default::default(),
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
                let step = entry(Disposition::Update, &[Risk::Safe, worst]);
                let refused = check_risk(&step, allow, Accepted { risk }).is_err();
                assert_eq!(
                    refused,
                    worst > allow && worst > risk,
                    "{worst} {allow} {risk}"
                );
                let idle = entry(Disposition::Observe, &[worst]);
                assert_eq!(check_risk(&idle, allow, Accepted { risk }), Ok(()));
            }
        }
    }

    #[test]
    fn all_requests_of_a_run_that_writes_are_counted() {
        let refused = |sent, writes, around, limit| {
            let cost = RequestCost {
                sent,
                writes,
                around,
            };
            check_request_count(cost, limit).is_err()
        };
        assert!(refused(4, 3, 5, 11) && !refused(4, 3, 5, 12));
        assert!(!refused(4, 0, 0, 3), "nothing is left to refuse");
        assert!(refused(0, 1, 0, 0));
    }

    #[test]
    fn a_refusal_counts_the_changes_of_the_worst_risk() {
        let refused = |risks: &[Risk]| {
            let step = entry(Disposition::Update, risks);
            check_risk(&step, Risk::Safe, Accepted::default())
        };
        let risk = |risk, changes| Err(Refusal::Risk { risk, changes });
        assert_eq!(refused(&[Risk::Reduce, Risk::Safe]), risk(Risk::Reduce, 1));
        let worse = [Risk::Strand, Risk::Reduce, Risk::Strand];
        assert_eq!(refused(&worse), risk(Risk::Strand, 2));
    }

    fn of_connection(changing: usize, objects: usize, limit: MaxChanges) -> bool {
        let base = LimitBase::Connection("lac".into());
        check_change_count(changing, objects, limit, base).is_err()
    }

    #[test]
    fn a_share_of_a_connection_counts_from_ten_objects() {
        let share: MaxChanges = MaxChanges::OF_DAEMON.parse().unwrap();
        let refused = |changing, objects| of_connection(changing, objects, share);
        assert!(!refused(9, 9));
        assert!(!refused(3, 10));
        assert!(refused(4, 10));
        assert!(!refused(3000, 10_000));
        assert!(refused(3001, 10_000));
        // A person looks at a plan, however small it is.
        assert!(check_change_count(1, 2, share, LimitBase::Plan).is_err());
    }

    #[test]
    fn a_number_counts_from_the_first() {
        let refused =
            |changing, objects, most| of_connection(changing, objects, MaxChanges::Count(most));
        assert!(refused(1, 1, 0) && !refused(0, 1, 0));
        assert!(!refused(2, 3, 2) && refused(3, 3, 2));
        // A number is one, however many objects there are.
        assert!(refused(31, 100, 30) && !refused(30, 100, 30));
    }

    #[test]
    fn a_share_is_rounded_down() {
        let refused =
            |changing, objects, share| of_connection(changing, objects, MaxChanges::Percent(share));
        assert!(!refused(3, 13, 30) && refused(4, 13, 30), "3.9 are 3");
        assert!(refused(1, 10, 0) && !refused(0, 10, 0));
        assert!(!refused(10, 10, 100));
    }

    #[test]
    fn the_blast_radius_is_a_number_or_a_share() {
        let refused = |limit: &str| {
            let limit = limit.parse().unwrap();
            check_change_count(10, 40, limit, LimitBase::Plan).is_err()
        };
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
