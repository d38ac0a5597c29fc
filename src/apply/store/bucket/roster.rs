//! The roster of replicas, an object each. Hints are not passed on in a bucket.
//!
//! Each reader counts by its own clock how long an entry has been unchanged. A live replica writes its entry again
//! every few seconds, which changes its version: with a term of 30 s, an entry whose version stayed the same for 30 s
//! here is not returned, and after an hour it is deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::objects::{BucketError, ObjectVersion, SettledPut};
use super::{BucketStore, WRITE};
use crate::apply::store::{Roster, RosterEntry, StoreError};

/// How long an unchanged entry stays in the bucket.
const ENTRY_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// What an open store remembers of the roster.
#[derive(Default)]
pub struct RosterState {
    /// The version of our own entry.
    own_version: Option<ObjectVersion>,
    /// The versions of the others' entries by path, and when each was first seen.
    others: BTreeMap<String, (ObjectVersion, Instant)>,
    writes: u64,
}

/// The content of an entry.
#[derive(Serialize, Deserialize)]
struct ReplicaBody {
    id: String,
    note: String,
    term_ms: u64,
    /// Makes each body different from the one before.
    write: u64,
}

impl Roster for BucketStore {
    fn heartbeat<'a>(
        &'a self,
        replica: &'a RosterEntry,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<RosterEntry>, StoreError>> {
        async move {
            let published = self.publish_and_list(replica, term).await;
            published.map_err(|error| self.store_error(WRITE, error))
        }
        .boxed()
    }

    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let objects = &self.accounts.objects;
            let path = self.accounts.layout.replica_path(id);
            let left = objects.inner().delete(&path).await;
            left.map_err(|error| self.store_error(WRITE, error))
        }
        .boxed()
    }
}

impl BucketStore {
    /// Writes our entry and returns the live ones.
    async fn publish_and_list(
        &self,
        replica: &RosterEntry,
        term: Duration,
    ) -> Result<Vec<RosterEntry>, BucketError> {
        let mut state = self.roster_state.lock().await;
        state.writes += 1;
        let body = ReplicaBody {
            id: replica.id.clone(),
            note: replica.note.clone(),
            term_ms: u64::try_from(term.as_millis()).unwrap_or(u64::MAX),
            write: state.writes,
        };
        let body = serde_json::to_vec(&body).map_err(BucketError::permanent)?;
        let own_path = self.accounts.layout.replica_path(&replica.id);
        state.own_version = Some(
            self.put_entry(&own_path, &body, state.own_version.as_ref())
                .await?,
        );
        let mut alive = vec![replica.clone()];
        let objects = &self.accounts.objects;
        let mut others = BTreeMap::new();
        for path in objects
            .list(&self.accounts.layout.replicas_folder(), None)
            .await?
        {
            if path == own_path {
                continue;
            }
            let Some(object) = objects.get(&path).await? else {
                continue;
            };
            let previous = state.others.remove(&path);
            let previous = previous.filter(|(version, _)| *version == object.version);
            let (version, since) = previous.unwrap_or((object.version, Instant::now()));
            let Ok(body) = serde_json::from_slice::<ReplicaBody>(&object.body) else {
                continue;
            };
            if since.elapsed() < Duration::from_millis(body.term_ms) {
                alive.push(RosterEntry {
                    id: body.id,
                    note: body.note,
                });
            } else if since.elapsed() > ENTRY_LIFETIME {
                objects.inner().delete(&path).await?;
                continue;
            }
            others.insert(path, (version, since));
        }
        state.others = others;
        Ok(alive)
    }

    /// Writes our entry. Nobody else writes it, but another replica may have deleted it as old.
    async fn put_entry(
        &self,
        path: &str,
        body: &[u8],
        own_version: Option<&ObjectVersion>,
    ) -> Result<ObjectVersion, BucketError> {
        let objects = &self.accounts.objects;
        let settled = match own_version {
            Some(version) => objects.replace(path, body, version).await,
            None => objects.create(path, body).await,
        };
        match settled {
            Ok(SettledPut::Done(version)) => Ok(version),
            Ok(SettledPut::Found(object)) => {
                match objects.replace(path, body, &object.version).await? {
                    SettledPut::Done(version)
                    | SettledPut::Found(super::BucketObject { version, .. }) => Ok(version),
                }
            }
            Err(error) if error.is_transient => Err(error),
            Err(_) => match objects.create(path, body).await? {
                SettledPut::Done(version)
                | SettledPut::Found(super::BucketObject { version, .. }) => Ok(version),
            },
        }
    }
}
