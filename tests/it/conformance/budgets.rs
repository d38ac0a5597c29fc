//! What each command may ask of a vendor, in exact numbers of requests. A read plan that needs more fails here.

use entitle::apply::memory::{Detail, Memory};
use entitle::reconcile::import::{self, Ask};
use entitle::reconcile::{self, Accounts, Bases};

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged};

for_every_vendor!(every_command_keeps_its_budget);

/// Objects at the vendor, and those of them that manifests name.
const ACCOUNT: usize = 1_000;
const MANAGED: usize = 120;
/// Of these, an apply writes so many.
const CHANGED: [usize; 3] = [7, 9, 99];

/// Logins, reads and writes.
type Counts = (usize, usize, usize);

async fn every_command_keeps_its_budget(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(ACCOUNT));
    let objects: Vec<Object> = (0..MANAGED)
        .map(|number| vendor.little(number, CHANGED.contains(&number)))
        .collect();
    let checked = bench.check(&objects);
    let settings = bench.settings();
    let spent = || -> Counts {
        let counts = (bench.logins(), bench.reads(), bench.writes());
        bench.sandbox.forget_requests();
        (counts.0.len(), counts.1.len(), counts.2.len())
    };
    let budget = &vendor.budget;

    let pass = bench.pass(&checked).await;
    assert_eq!(spent(), (budget.login, budget.plan, 0), "plan");
    let bases = Bases::Journal(Memory::new(Detail::Values));
    reconcile::find_drift(&checked, &bases, false, &settings).await;
    assert_eq!(spent(), (budget.login, budget.plan, 0), "drift");
    let kept: Accounts = pass.accounts.clone();
    reconcile::plan_with(&checked, &settings, &kept).await;
    assert_eq!(spent(), (0, budget.plan, 0), "the daemon looks again");
    let reports = bench.carry_out(pass).await;
    CHANGED.iter().for_each(|at| converged(&reports[*at]));
    assert_eq!(spent(), (0, budget.around, CHANGED.len()), "apply");

    let ids = (0..3).map(|number| vendor.id(number)).collect();
    let three = import::read_objects(
        &checked,
        vendor.name,
        vendor.resource(),
        &Ask::Ids(ids),
        &settings,
    )
    .await;
    assert_eq!(three.expect("three").objects.len(), 3);
    assert_eq!(
        spent(),
        (budget.login, budget.import_three, 0),
        "import --id"
    );
    let all = import::read_objects(
        &checked,
        vendor.name,
        vendor.resource(),
        &Ask::Everything,
        &settings,
    )
    .await;
    let all = all.ok().map(|seen| (seen.objects.len(), seen.failures));
    match budget.everything {
        Some(reads) => {
            assert_eq!(all, Some((ACCOUNT, Vec::new())));
            assert_eq!(spent(), (budget.login, reads, 0), "import --all");
        }
        None => {
            assert_eq!(all, None, "there is no list");
            assert_eq!(spent(), (0, 0, 0), "refused without a call");
        }
    }
}
