//! Administration of a database: leases, checks, and old lines.

use crate::apply::store::Breach;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::account_name::{CHECK, internal_accounts};
use super::append::{LEASE_FENCE, fenced_insert};
use super::connection::QueryError;
use super::error::{StoreTask, store_error};
use super::lease::{RELEASE, TAKE};
use super::{CLOSE_TIMEOUT, PostgresState, PostgresStore, prune};
use crate::apply::store::{Guarantee, LeaseState, StoreAdmin, StoreError};

/// The leases of all accounts except `$1`, with the seconds that remain.
const SELECT_LEASES : & str = "
SELECT account, epoch, holder, extract(epoch FROM until - clock_timestamp())::float8 FROM entitle.lease
WHERE epoch > 0 AND account <> ALL($1) ORDER BY account" ;

/// Ends the lease of an account, raises its epoch and notifies those who wait.
const UNLOCK : & str = "
WITH freed AS (
  UPDATE entitle.lease SET epoch = epoch + 1, until = NULL, holder = NULL, token = NULL WHERE account = $1 RETURNING account
) SELECT pg_notify('entitle_free', left(account, 1000)) FROM freed" ;

impl StoreAdmin for PostgresStore {
    fn list_leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>> {
        async { self.name_task(StoreTask::Read, list_leases(&self.shared).await) }.boxed()
    }

    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move {
            let account = [(&account as _, Type::TEXT)];
            let freed = self.shared.lease_client.query(UNLOCK, &account).await;
            self.name_task(StoreTask::Unlock, freed.map(|rows| !rows.is_empty()))
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<Guarantee>, StoreError>> {
        async { self.name_task(StoreTask::Check, check_database(&self.shared).await) }.boxed()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        prune::prune_lines(self, before).boxed()
    }
}

impl PostgresStore {
    /// Adds the database's name and the task to an error.
    pub(super) fn name_task<T>(
        &self,
        task: StoreTask,
        done: Result<T, QueryError>,
    ) -> Result<T, StoreError> {
        done.map_err(|error| store_error(self.shared.address(), task, error))
    }
}

/// Lists the leases of all accounts.
async fn list_leases(shared: &PostgresState) -> Result<Vec<LeaseState>, QueryError> {
    let internal_accounts = internal_accounts();
    let parameters = [(&internal_accounts as _, Type::TEXT_ARRAY)];
    let rows = shared
        .lease_client
        .query_with_retry(SELECT_LEASES, &parameters)
        .await?;
    let leases = rows.iter().map(|row| {
        let epoch: i64 = row.try_get(1)?;
        let left: Option<f64> = row.try_get(3)?;
        let left = left.and_then(|left| Duration::try_from_secs_f64(left).ok());
        let holder: Option<String> = row.try_get(2)?;
        Ok(LeaseState {
            account: row.try_get(0)?,
            epoch: u64::try_from(epoch).unwrap_or_default(),
            // An expired lease has no holder.
            holder: left.and(holder),
            remaining: left,
        })
    });
    leases.collect()
}

/// How many connections race for a lease.
const RACERS: usize = 16;

/// Tries out the guarantees, with an account of its own and in transactions that are rolled back.
async fn check_database(shared: &Arc<PostgresState>) -> Result<Vec<Guarantee>, QueryError> {
    let checking = async {
        let clients = join_all((0..RACERS).map(|_| shared.connector.connect())).await;
        let clients: Vec<Client> = clients.into_iter().collect::<Result<_, _>>()?;
        let (one_winner, grows) = race_for_lease(&clients).await?;
        let mut clients = clients.into_iter();
        let mut client = match clients.next() {
            Some(client) => client,
            None => shared.connector.connect().await?,
        };
        let fence = check_fence(&mut client).await?;
        Ok(vec![
            Guarantee::new("one of sixteen has a lease", one_winner),
            Guarantee::new("each lease has a higher epoch than the one before", grows),
            Guarantee::new(
                "nothing of an old holder gets into the journal, and what is written is read",
                fence,
            ),
            Guarantee::new(
                "what is committed outlives a crash of the server",
                check_durability(&client).await?,
            ),
        ])
    };
    match timeout(CLOSE_TIMEOUT * 3, checking).await {
        Ok(checked) => checked,
        Err(_) => Err(QueryError::Lost("it does not answer".into())),
    }
}

/// Checks that each race for a lease has one winner, and that the epochs of the winners grow.
async fn race_for_lease(
    clients: &[Client],
) -> Result<(Result<(), Breach>, Result<(), Breach>), QueryError> {
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
            let message = format!(
                "{} had it at once, or another check runs at the same time",
                epochs.len()
            );
            return Ok((Err(Breach::new(message)), Ok(())));
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
            client.query_typed(RELEASE, &back).await?;
        }
    }
    Ok((Ok(()), Ok(())))
}

/// Checks that lines with an old epoch are refused and lines of the present holder are read, in a transaction that is
/// rolled back.
async fn check_fence(client: &mut Client) -> Result<Result<(), Breach>, QueryError> {
    let transaction = client.transaction().await?;
    let take = [
        (&CHECK as _, Type::TEXT),
        (&"entitle store check" as _, Type::TEXT),
        (&"fence" as _, Type::TEXT),
        (&10_000_f64 as _, Type::FLOAT8),
    ];
    let taken = transaction.query_typed_opt(TAKE, &take).await?;
    let Some(taken) = taken else {
        return Ok(Err(Breach::new(
            "another check runs at the same time: try again",
        )));
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
            .query_typed_one(&fenced_insert(LEASE_FENCE), &parameters)
            .await?;
        counts.push(row.try_get::<_, i64>(0)?);
    }
    let read = "SELECT line FROM entitle.line WHERE account = $1 ORDER BY seq";
    let rows = transaction
        .query_typed(read, &[(&CHECK as _, Type::TEXT)])
        .await?;
    let lines = rows.iter().map(|row| row.try_get::<_, &str>(0));
    let lines: Vec<&str> = lines.collect::<Result<_, _>>()?;
    let result = match (&counts[..], &lines[..]) {
        ([0, 2], ["1", "2"]) => Ok(()),
        ([0, _], read) => Err(Breach::new(format!("of two lines {} are read", read.len()))),
        _ => Err(Breach::new("an append of an old epoch was taken")),
    };
    transaction.rollback().await?;
    Ok(result)
}

/// Checks that no setting of the server gives up durability.
async fn check_durability(client: &Client) -> Result<Result<(), Breach>, QueryError> {
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
