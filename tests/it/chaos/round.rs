//! One plan and apply, in one of the ways in which people run them.

use crate::fuzz_bodies::sealed_text;
use crate::support::bench;
use std::sync::Arc;
use std::time::Duration;

use entitle::apply::recorder::Recorder;
use entitle::apply::{Listener, Report, Secrets, Tls, Trust};
use entitle::model::Risk;
use entitle::plan::guard::Accepted;
use entitle::plan::saved;
use entitle::reconcile::{self, ApplyOptions, Checked, Settings};
use jiff::Timestamp;
use tokio::time::Instant;

/// How a round is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// By a person who said yes.
    Plain,
    /// From a plan that went through a file.
    Saved,
    /// Unattended, with no risk accepted.
    Careful,
    /// The first failure ends it.
    FailFast,
    /// With hardly any time.
    Hurried,
}

impl Manner {
    /// Rounds of a seed differ; after a while all are plain, so that they arrive.
    pub fn of(seed: u64, round: usize) -> Self {
        const TURNS: [Manner; 7] = [
            Manner::Plain,
            Manner::Saved,
            Manner::Hurried,
            Manner::Careful,
            Manner::Saved,
            Manner::FailFast,
            Manner::Hurried,
        ];
        if round > 6 {
            return Manner::Plain;
        }
        // The remainder is below seven, so it fits.
        TURNS[((seed / 5 + round as u64) % 7) as usize]
    }
}

/// Plans and applies.
pub async fn run(checked: &Checked, manner: Manner) -> Vec<Report> {
    let time = match manner {
        Manner::Hurried => Duration::from_millis(300),
        Manner::Plain | Manner::Saved | Manner::Careful | Manner::FailFast => bench::AMPLE,
    };
    let settings = Settings {
        secrets: Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        },
        tls: Tls::default(),
        parallelism: 16,
        deadline: Instant::now() + time,
        clock: Timestamp::now,
        stop: Arc::default(),
        sandbox: true,
        events: Listener::default(),
        checks: bench::quick(),
        opened: Default::default(),
        budgets: Default::default(),
    };
    let mut pass = reconcile::plan_pass(checked, &settings).await;
    if manner == Manner::Saved {
        let text = sealed_text(&pass.document);
        let opened = saved::read_sealed(&text).expect("a sealed plan opens");
        let joined = reconcile::join_saved_plan(opened, checked, &|_| true, &settings);
        pass = joined.expect("a plan of this version").pass;
    }
    let recorder = Recorder::new(None, "chaos", Default::default(), Timestamp::now);
    let options = ApplyOptions {
        accepted: (manner == Manner::Careful).then_some(Accepted { risk: Risk::Safe }),
        fail_fast: manner == Manner::FailFast,
        recorder,
    };
    reconcile::apply_plan(&pass, &options, &settings).await
}
