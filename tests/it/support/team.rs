//! A store that several daemons share, in memory, with terms on tokio's clock; a daemon's line to it can be cut.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use entitle::apply::journal::Record;
use entitle::apply::store::{
    Cursor, Hint, JournalLine, JournalScope, Lease, LeaseClaim, LeaseLost, Roster, RosterEntry,
    Store, StoreError, Taken,
};
use entitle::model::AccountKey;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Mutex as AsyncMutex, broadcast};
use tokio::time::Instant;

pub struct Team {
    state: Mutex<State>,
    hints: broadcast::Sender<Hint>,
}

#[derive(Default)]
struct State {
    leases: BTreeMap<AccountKey, Row>,
    records: Vec<Appended>,
    replicas: BTreeMap<String, (RosterEntry, Instant)>,
    /// How often each account's lease was asked for.
    tried: usize,
    attended: usize,
}

#[derive(Clone)]
struct Row {
    epoch: u64,
    holder: String,
    end: End,
}

/// When a lease ends: its holder renews it as long as its line is whole.
#[derive(Clone)]
enum End {
    Renewed(Arc<LineState>, Duration),
    At(Instant),
}

impl End {
    fn is_over(&self) -> bool {
        match self {
            End::At(end) => *end <= Instant::now(),
            End::Renewed(line, term) => line
                .cut_since()
                .is_some_and(|cut| cut + *term <= Instant::now()),
        }
    }
}

/// A record, and the account and epoch under whose lease it came.
pub struct Appended {
    pub record: Record,
    pub under: Option<(AccountKey, u64)>,
}

/// Whether a daemon reaches the store.
#[derive(Default)]
pub struct LineState(Mutex<Option<Instant>>);

impl LineState {
    fn cut_since(&self) -> Option<Instant> {
        *self.0.lock().expect("unbroken")
    }
}

impl Team {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            hints: broadcast::channel(64).0,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unbroken")
    }

    /// The line of one more daemon.
    pub fn connect(self: &Arc<Self>) -> Arc<Member> {
        Arc::new(Member {
            team: Arc::clone(self),
            line: Arc::default(),
            hints: AsyncMutex::new(self.hints.subscribe()),
        })
    }

    /// What was written down under the lease of an account.
    pub fn appended<T>(&self, each: impl Fn(&Appended) -> Option<T>) -> Vec<T> {
        self.state().records.iter().filter_map(each).collect()
    }

    /// Calls since this was last asked: tries to take a lease, and attendances.
    pub fn calls(&self) -> [usize; 2] {
        let mut state = self.state();
        [
            std::mem::take(&mut state.tried),
            std::mem::take(&mut state.attended),
        ]
    }

    /// The lease of an account is somebody else's from now on, and for a while.
    pub fn depose(&self, which: impl Fn(&AccountKey) -> bool, length: Duration) {
        for (_, row) in self
            .state()
            .leases
            .iter_mut()
            .filter(|(account, _)| which(account))
        {
            row.epoch += 1;
            row.holder = "an admin".into();
            row.end = End::At(Instant::now() + length);
        }
    }
}

/// One daemon's line to the store.
pub struct Member {
    team: Arc<Team>,
    line: Arc<LineState>,
    hints: AsyncMutex<broadcast::Receiver<Hint>>,
}

impl Member {
    /// From now on nothing comes through, and nothing is renewed.
    pub fn cut(&self) {
        let mut cut = self.line.0.lock().expect("unbroken");
        cut.get_or_insert_with(Instant::now);
    }

    /// It comes through again. What ran out meanwhile stays so.
    pub fn mend(&self) {
        for row in self.team.state().leases.values_mut() {
            let own = matches!(&row.end, End::Renewed(line, _) if Arc::ptr_eq(line, &self.line));
            if own && row.end.is_over() {
                row.end = End::At(Instant::now());
            }
        }
        *self.line.0.lock().expect("unbroken") = None;
    }

    fn reach(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        match self.line.cut_since() {
            None => Ok(self.team.state()),
            Some(_) => Err(StoreError::Unavailable {
                store: "team".into(),
                source: "no route".into(),
            }),
        }
    }
}

struct Held {
    team: Arc<Team>,
    line: Arc<LineState>,
    account: AccountKey,
    epoch: u64,
    term: Duration,
}

impl Lease for Held {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn covers(&self, call: Duration) -> Result<(), LeaseLost> {
        if let Some(cut) = self.line.cut_since() {
            let covered = Instant::now() + call < cut + self.term;
            return covered.then_some(()).ok_or(LeaseLost::RanOut);
        }
        match self.team.state().leases.get(&self.account) {
            Some(row) if row.epoch == self.epoch && !row.end.is_over() => Ok(()),
            Some(row) => Err(LeaseLost::taken_by(&row.holder)),
            None => Err(LeaseLost::RowGone),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.line.cut_since().is_some() {
            return;
        }
        if let Some(row) = self.team.state().leases.get_mut(&self.account)
            && row.epoch == self.epoch
        {
            row.end = End::At(Instant::now());
        }
    }
}

impl Store for Member {
    fn name(&self) -> String {
        "team".into()
    }

    fn take_lease<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        async {
            let mut state = self.reach()?;
            state.tried += 1;
            let row = state.leases.get(account);
            if let Some(row) = row.filter(|row| !row.end.is_over()) {
                return Ok(Taken::Busy(row.holder.clone()));
            }
            let epoch = row.map_or(1, |row| row.epoch + 1);
            let row = Row {
                epoch,
                holder: claim.holder.clone(),
                end: End::Renewed(Arc::clone(&self.line), claim.term),
            };
            state.leases.insert(account.clone(), row);
            Ok(Taken::Held(Box::new(Held {
                team: Arc::clone(&self.team),
                line: Arc::clone(&self.line),
                account: account.clone(),
                epoch,
                term: claim.term,
            })))
        }
        .boxed()
    }

    fn wait_for_release<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
        tokio::time::sleep(Duration::from_secs(1)).boxed()
    }

    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let mut state = self.reach()?;
            let under = lease.map(|lease| (lease.account().clone(), lease.epoch()));
            if let Some((account, epoch)) = &under {
                let row = state.leases.get(account);
                if row.is_none_or(|row| row.epoch != *epoch || row.end.is_over()) {
                    return Err(StoreError::LeaseLost(LeaseLost::taken_by("somebody")));
                }
            }
            state.records.extend(records.iter().map(|record| Appended {
                record: record.clone(),
                under: under.clone(),
            }));
            Ok(())
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        _: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let state = self.reach()?;
            let from = usize::try_from(cursor.lines).expect("few");
            for appended in &state.records[from..] {
                take(JournalLine::Record(Box::new(appended.record.clone())));
                cursor.lines += 1;
            }
            Ok(())
        }
        .boxed()
    }

    fn roster(&self) -> Option<&dyn Roster> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

impl Roster for Member {
    fn heartbeat<'a>(
        &'a self,
        replica: &'a RosterEntry,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<RosterEntry>, StoreError>> {
        async move {
            let mut state = self.reach()?;
            state.attended += 1;
            let now = Instant::now();
            let entry = (replica.clone(), now + term);
            state.replicas.insert(replica.id.clone(), entry);
            let live = state.replicas.values().filter(|(_, end)| *end > now);
            Ok(live.map(|(replica, _)| replica.clone()).collect())
        }
        .boxed()
    }

    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.reach()?.replicas.remove(id);
            Ok(())
        }
        .boxed()
    }

    fn publish_hint<'a>(&'a self, hint: &'a Hint) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let _reached = self.reach()?;
            let _ = self.team.hints.send(hint.clone());
            Ok(())
        }
        .boxed()
    }

    fn next_hint(&self) -> BoxFuture<'_, Hint> {
        async {
            self.hints
                .lock()
                .await
                .recv()
                .await
                .expect("few, and the team is there")
        }
        .boxed()
    }
}
