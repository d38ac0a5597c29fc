//! Looking after a database: who has which lease, whether it can be trusted, and what is old.

use crate::apply::store::Breach;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::accounts::{CHECK, RUNS, UNKNOWN};
use super::append::{OURS, fenced};
use super::connection::Fault;
use super::error::{Task, store_error};
use super::lease::{GIVE_BACK, TAKE};
use super::{CLOSING, Postgres, Shared, prune};
use crate::apply::store::{LeaseState, Promise, StoreError, Upkeep};

const LEASES: &str = "
SELECT account, epoch, holder, extract(epoch FROM until - clock_timestamp())::float8 FROM entitle.lease
WHERE epoch > 0 AND account <> ALL($1) ORDER BY account";

const UNLOCK: &str = "
WITH freed AS (
  UPDATE entitle.lease SET epoch = epoch + 1, until = NULL, holder = NULL, token = NULL WHERE account = $1 RETURNING account
) SELECT pg_notify('entitle_free', left(account, 1000)) FROM freed";

/// Accounts that are none.
pub(super) fn internal() -> Vec<&'static str> {
    vec![RUNS, UNKNOWN, CHECK]
}

impl Upkeep for Postgres {
    fn leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>> {
        async { self.explained(Task::Read, leases(&self.shared).await) }.boxed()
    }

    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move {
            let account = [(&account as _, Type::TEXT)];
            let freed = self.shared.leases.query(UNLOCK, &account).await;
            self.explained(Task::Unlock, freed.map(|rows| !rows.is_empty()))
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<Promise>, StoreError>> {
        async { self.explained(Task::Check, check(&self.shared).await) }.boxed()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        prune::prune(self, before).boxed()
    }
}

impl Postgres {
    pub(super) fn explained<T>(&self, task: Task, done: Result<T, Fault>) -> Result<T, StoreError> {
        done.map_err(|fault| store_error(self.shared.address(), task, fault))
    }
}

async fn leases(shared: &Shared) -> Result<Vec<LeaseState>, Fault> {
    let internal = internal();
    let parameters = [(&internal as _, Type::TEXT_ARRAY)];
    let rows = shared.leases.query_again(LEASES, &parameters).await?;
    let leases = rows.iter().map(|row| {
        let epoch: i64 = row.try_get(1)?;
        let left: Option<f64> = row.try_get(3)?;
        let left = left.and_then(|left| Duration::try_from_secs_f64(left).ok());
        let holder: Option<String> = row.try_get(2)?;
        Ok(LeaseState {
            account: row.try_get(0)?,
            epoch: u64::try_from(epoch).unwrap_or_default(),
            // One that expired is nobody's, whoever had it.
            holder: left.and(holder),
            left,
        })
    });
    leases.collect()
}

/// How many race for a lease.
const RACERS: usize = 16;

/// Tries out what everything rests on, in an account of its own and in transactions that are not committed.
async fn check(shared: &Arc<Shared>) -> Result<Vec<Promise>, Fault> {
    let checking = async {
        let clients = join_all((0..RACERS).map(|_| shared.connector.connect())).await;
        let clients: Vec<Client> = clients.into_iter().collect::<Result<_, _>>()?;
        let (one_winner, grows) = race(&clients).await?;
        let mut clients = clients.into_iter();
        let mut client = match clients.next() {
            Some(client) => client,
            None => shared.connector.connect().await?,
        };
        let fence = fence(&mut client).await?;
        Ok(vec![
            Promise::new("one of sixteen has a lease", one_winner),
            Promise::new("each lease has a higher epoch than the one before", grows),
            Promise::new(
                "nothing of an old holder gets into the journal, and what is written is read",
                fence,
            ),
            Promise::new(
                "what is committed outlives a crash of the server",
                durable(&client).await?,
            ),
        ])
    };
    match timeout(CLOSING * 3, checking).await {
        Ok(checked) => checked,
        Err(_) => Err(Fault::Lost("it does not answer".into())),
    }
}

/// A winner of each of some races, and the epochs of the winners.
async fn race(clients: &[Client]) -> Result<(Result<(), Breach>, Result<(), Breach>), Fault> {
    let mut last = 0;
    for _ in 0..8 {
        let tokens: Vec<String> = (0..clients.len())
            .map(|number| number.to_string())
            .collect();
        let taking = clients.iter().zip(&tokens).map(async |(client, token)| {
            let parameters = [
                (&CHECK as _, Type::TEXT),
                (&"entitle store check" as _, Type::TEXT),
                (token as _, Type::TEXT),
                (&10_000_f64 as _, Type::FLOAT8),
            ];
            client.query_typed(TAKE, &parameters).await
        });
        let mut epochs = Vec::new();
        for taken in join_all(taking).await {
            for row in taken? {
                epochs.push(row.try_get::<_, i64>(0)?);
            }
        }
        let [epoch] = epochs[..] else {
            let words = format!(
                "{} had it at once, or somebody else checks it too",
                epochs.len()
            );
            return Ok((Err(Breach::new(words)), Ok(())));
        };
        if epoch <= last {
            return Ok((
                Ok(()),
                Err(Breach::new(format!("epoch {epoch} came after {last}"))),
            ));
        }
        last = epoch;
        let back = [(&CHECK as _, Type::TEXT), (&epoch as _, Type::INT8)];
        if let Some(client) = clients.first() {
            client.query_typed(GIVE_BACK, &back).await?;
        }
    }
    Ok((Ok(()), Ok(())))
}

/// Lines of an old and of the present holder, in a transaction that is taken back.
async fn fence(client: &mut Client) -> Result<Result<(), Breach>, Fault> {
    let transaction = client.transaction().await?;
    let take = [
        (&CHECK as _, Type::TEXT),
        (&"entitle store check" as _, Type::TEXT),
        (&"fence" as _, Type::TEXT),
        (&10_000_f64 as _, Type::FLOAT8),
    ];
    let taken = transaction.query_typed_opt(TAKE, &take).await?;
    let Some(taken) = taken else {
        return Ok(Err(Breach::new("somebody else checks it too: try again")));
    };
    let epoch: i64 = taken.try_get(0)?;
    let mut counts = Vec::new();
    for epoch in [epoch - 1, epoch] {
        let columns = (vec![CHECK; 2], vec!["1", "2"]);
        let keys = vec![CHECK];
        let parameters = [
            (&columns.0 as _, Type::TEXT_ARRAY),
            (&columns.0 as _, Type::TEXT_ARRAY),
            (&columns.1 as _, Type::TEXT_ARRAY),
            (&keys as _, Type::TEXT_ARRAY),
            (&epoch as _, Type::INT8),
        ];
        let row = transaction
            .query_typed_one(&fenced(OURS), &parameters)
            .await?;
        counts.push(row.try_get::<_, i64>(0)?);
    }
    let read = "SELECT line FROM entitle.line WHERE account = $1 ORDER BY seq";
    let rows = transaction
        .query_typed(read, &[(&CHECK as _, Type::TEXT)])
        .await?;
    let lines = rows.iter().map(|row| row.try_get::<_, &str>(0));
    let lines: Vec<&str> = lines.collect::<Result<_, _>>()?;
    let kept = match (&counts[..], &lines[..]) {
        ([0, 2], ["1", "2"]) => Ok(()),
        ([0, _], read) => Err(Breach::new(format!("of two lines {} are read", read.len()))),
        _ => Err(Breach::new("an append of an old epoch was taken")),
    };
    transaction.rollback().await?;
    Ok(kept)
}

async fn durable(client: &Client) -> Result<Result<(), Breach>, Fault> {
    let settings = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
                    current_setting('synchronous_commit')";
    let row = client.query_typed_one(settings, &[]).await?;
    for (at, (name, bad)) in [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
    ]
    .into_iter()
    .enumerate()
    {
        if row.try_get::<_, &str>(at)? == bad {
            return Ok(Err(Breach::new(format!("`{name}` is {bad}: set it to on"))));
        }
    }
    Ok(Ok(()))
}
