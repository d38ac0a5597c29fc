//! Another admin edits the account at every instant of a saved plan's apply: before and after each call.
//!
//! No vendor takes a condition with a write, so one window stays that no client can close: between the
//! answer to the last look and the write. An edit of something that the write carries is lost in it. The
//! tests say so by name ([`Seen::ByNobody`]); everywhere else an edit is either left alone, with the object
//! reported as `stale`, or survives. Where a look takes two calls (Alinea), the window of a field opens with
//! the answer to the one that shows it.
//!
//! The edits go through the sandbox's handle in this process, never over HTTP: they wait for nothing.

mod disturbed;

use entitle::apply::Outcome;
use entitle::model::WriteMode;
use serde_json::Value as Json;

use self::disturbed::{Edit, Seen, at_every_instant, expect, stamps, value};
use super::account::same;
use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::converged;

for_every_vendor!(
    an_edit_of_what_is_managed_is_never_overwritten_unseen,
    an_edit_of_what_a_write_carries_is_never_undone_unseen,
    an_edit_of_what_no_write_carries_always_survives,
    an_edit_of_another_object_changes_nothing,
);

async fn an_edit_of_what_is_managed_is_never_overwritten_unseen(vendor: &'static Vendor) {
    let (path, wanted) = (vendor.change)();
    let rival = (vendor.rival)();
    let edit = Edit {
        object: 0,
        path,
        value: rival.clone(),
    };
    at_every_instant(vendor, edit, |seen, end| {
        let outcome = end.outcome();
        let held = value(vendor, &end.watch.after, 0, path);
        let is = |value: &Json| same(&held, value);
        let (stale, converged) = (Outcome::Stale, Outcome::Converged);
        match seen {
            Seen::ByTheLook => expect(outcome == stale && is(&rival), "stale, and left alone"),
            // The call that shows the field may be the one before the edit: then nobody saw it.
            Seen::ByHalfTheLook => expect(
                outcome == stale && is(&rival) || outcome == converged && is(&wanted),
                "stale or written",
            ),
            Seen::ByNobody => expect(
                outcome == converged && is(&wanted),
                "no client can see this edit: what the plan says is written over it",
            ),
            Seen::Afterwards => expect(
                outcome == Outcome::Unconverged && is(&rival),
                "seen afterwards, and said",
            ),
            Seen::ByHalfTheLookAfterwards | Seen::TooLate => expect(
                [converged, Outcome::Unconverged].contains(&outcome) && is(&rival),
                "the editor's word is the last",
            ),
        }
    })
    .await;
}

async fn an_edit_of_what_a_write_carries_is_never_undone_unseen(vendor: &'static Vendor) {
    // A merge carries nothing but what is managed.
    if vendor.resource().table().calls[0].mode == WriteMode::Merge {
        return;
    }
    let (path, edited) = (vendor.elsewhere)();
    let edit = Edit {
        object: 0,
        path,
        value: edited.clone(),
    };
    let before = value(vendor, &(vendor.account)(3), 0, path);
    at_every_instant(vendor, edit, |seen, end| {
        let outcome = end.outcome();
        let held = value(vendor, &end.watch.after, 0, path);
        let survives = same(&held, &edited);
        let told = end.report.side_effects.iter().any(|one| one.contains(path));
        let (stale, converged) = (Outcome::Stale, Outcome::Converged);
        match seen {
            Seen::ByTheLook => expect(outcome == stale && survives, "stale, and left alone"),
            Seen::ByHalfTheLook => expect(
                outcome == stale && survives || outcome == converged && same(&held, &before),
                "stale or written",
            ),
            Seen::ByNobody => expect(
                outcome == converged && same(&held, &before),
                "no client can see this edit: the write sends what the look showed",
            ),
            Seen::Afterwards => expect(
                outcome == converged && survives && told,
                "it survives, and the report says that it moved",
            ),
            Seen::ByHalfTheLookAfterwards | Seen::TooLate => {
                expect(outcome == converged && survives, "it survives")
            }
        }
    })
    .await;
}

async fn an_edit_of_what_no_write_carries_always_survives(vendor: &'static Vendor) {
    let (path, edited) = (vendor.beside)();
    let edit = Edit {
        object: 0,
        path,
        value: edited.clone(),
    };
    at_every_instant(vendor, edit, |seen, end| {
        let held = value(vendor, &end.watch.after, 0, path);
        expect(same(&held, &edited), "it survives")?;
        // A stamp does not tell what was edited, so what bears one may be stale for it.
        let may_be_stale = match seen {
            Seen::ByTheLook | Seen::ByHalfTheLook => stamps(vendor),
            Seen::ByNobody | Seen::Afterwards | Seen::ByHalfTheLookAfterwards | Seen::TooLate => {
                false
            }
        };
        let outcome = end.outcome();
        let fine = outcome == Outcome::Converged && end.report.side_effects.is_empty();
        let stale = may_be_stale && outcome == Outcome::Stale;
        expect(fine || stale, "it is no reason for anything")
    })
    .await;
}

async fn an_edit_of_another_object_changes_nothing(vendor: &'static Vendor) {
    let (path, wanted) = (vendor.change)();
    let rival = (vendor.rival)();
    let edit = Edit {
        object: 1,
        path,
        value: rival.clone(),
    };
    at_every_instant(vendor, edit, |_, end| {
        converged(&end.report);
        let ours = value(vendor, &end.watch.after, 0, path);
        expect(same(&ours, &wanted), "ours is as wanted")?;
        let [other, left] =
            [&end.watch.after, &end.watch.edited].map(|account| vendor.stored(account, 1));
        expect(other == left, "the other is as the editor left it")
    })
    .await;
}
