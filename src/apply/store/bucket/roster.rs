//! The replicas of daemons, an object each. Nobody passes hints on in a bucket.
//!
//! Whoever asks counts by its own clock how long an entry has been as it is; a replica that is alive writes its own anew
//! each time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::objects::{Fault, Settled, Version};
use super::{Bucket, WRITE};
use crate::apply::store::{Replica, Roster, StoreError};

/// How long an entry stays that nobody wrote anew.
const OLD: Duration = Duration::from_secs(60 * 60);

/// What a store that is open knows of replicas.
#[derive(Default)]
pub struct Attendance {
    /// The entry that we wrote last.
    own: Option<Version>,
    /// The entries of others, and since when each is as it is.
    others: BTreeMap<String, (Version, Instant)>,
    writes: u64,
}

#[derive(Serialize, Deserialize)]
struct Body {
    id: String,
    note: String,
    term_ms: u64,
    /// Makes each body another one.
    write: u64,
}

impl Roster for Bucket {
    fn attend<'a>(
        &'a self,
        replica: &'a Replica,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<Replica>, StoreError>> {
        async move {
            let attended = self.attended(replica, term).await;
            attended.map_err(|fault| self.error(WRITE, fault))
        }
        .boxed()
    }

    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let objects = &self.accounts.objects;
            let path = self.accounts.layout.replica(id);
            let left = objects.objects().delete(&path).await;
            left.map_err(|fault| self.error(WRITE, fault))
        }
        .boxed()
    }
}

impl Bucket {
    async fn attended(&self, replica: &Replica, term: Duration) -> Result<Vec<Replica>, Fault> {
        let mut attendance = self.attendance.lock().await;
        attendance.writes += 1;
        let body = Body {
            id: replica.id.clone(),
            note: replica.note.clone(),
            term_ms: u64::try_from(term.as_millis()).unwrap_or(u64::MAX),
            write: attendance.writes,
        };
        let body = serde_json::to_vec(&body).map_err(Fault::lasting)?;
        let own = self.accounts.layout.replica(&replica.id);
        attendance.own = Some(self.put(&own, &body, attendance.own.as_ref()).await?);
        let mut alive = vec![replica.clone()];
        let objects = &self.accounts.objects;
        let mut others = BTreeMap::new();
        for path in objects.list(&self.accounts.layout.replicas(), None).await? {
            if path == own {
                continue;
            }
            let Some(object) = objects.get(&path).await? else {
                continue;
            };
            let known = attendance.others.remove(&path);
            let known = known.filter(|(version, _)| *version == object.version);
            let (version, since) = known.unwrap_or((object.version, Instant::now()));
            let Ok(body) = serde_json::from_slice::<Body>(&object.body) else {
                continue;
            };
            if since.elapsed() < Duration::from_millis(body.term_ms) {
                alive.push(Replica {
                    id: body.id,
                    note: body.note,
                });
            } else if since.elapsed() > OLD {
                objects.objects().delete(&path).await?;
                continue;
            }
            others.insert(path, (version, since));
        }
        attendance.others = others;
        Ok(alive)
    }

    /// Writes our entry. Nobody else writes it, but somebody may have taken it for old and deleted it.
    async fn put(&self, path: &str, body: &[u8], own: Option<&Version>) -> Result<Version, Fault> {
        let objects = &self.accounts.objects;
        let settled = match own {
            Some(version) => objects.replace(path, body, version).await,
            None => objects.create(path, body).await,
        };
        match settled {
            Ok(Settled::Done(version)) => Ok(version),
            Ok(Settled::Found(object)) => match objects.replace(path, body, &object.version).await?
            {
                Settled::Done(version) | Settled::Found(super::Object { version, .. }) => {
                    Ok(version)
                }
            },
            Err(fault) if fault.is_passing => Err(fault),
            Err(_) => match objects.create(path, body).await? {
                Settled::Done(version) | Settled::Found(super::Object { version, .. }) => {
                    Ok(version)
                }
            },
        }
    }
}
