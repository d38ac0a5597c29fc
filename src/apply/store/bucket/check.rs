//! Proves a bucket before it is trusted: a store that ignores conditions would let two runs write at once.

use crate::apply::store::Breach;
use futures::future::join_all;

use super::Bucket;
use super::layout;
use super::objects::{Condition, Fault, Objects, Put, Version};
use crate::apply::clock;
use crate::apply::store::{Promise, StoreError};

/// Requests that race for one object.
const RACERS: usize = 16;

/// Puts objects below the store's prefix, looks at what becomes of them, and deletes them again. The error is a store
/// that cannot be reached or used at all.
pub async fn check(bucket: &Bucket) -> Result<Vec<Promise>, StoreError> {
    let folder = bucket.accounts.layout.check(&clock::run_id());
    let proof = Proof {
        objects: bucket.accounts.objects.objects(),
        folder,
    };
    let proven = proof.all().await;
    proven.map_err(|fault| bucket.error("check", fault))
}

struct Proof<'a> {
    objects: &'a dyn Objects,
    folder: String,
}

impl Proof<'_> {
    async fn all(&self) -> Result<Vec<Promise>, Fault> {
        let mut promises = Vec::new();
        let created = self.creates(&mut promises).await?;
        self.reads(&mut promises).await?;
        self.updates(&created, &mut promises).await?;
        self.lists(&mut promises).await?;
        self.deletes(&mut promises).await?;
        Ok(promises)
    }

    fn path(&self, number: u64) -> String {
        layout::numbered(&self.folder, number)
    }

    /// Puts bodies with one condition at once, and returns those that were put.
    async fn race(
        &self,
        number: u64,
        name: &str,
        condition: Condition<'_>,
    ) -> Result<Vec<(String, Version)>, Fault> {
        let path = self.path(number);
        let bodies: Vec<String> = (0..RACERS).map(|racer| format!("{name} {racer}")).collect();
        let puts = bodies
            .iter()
            .map(|body| self.objects.put(&path, body.as_bytes(), condition));
        let mut winners = Vec::new();
        for (put, body) in join_all(puts).await.into_iter().zip(&bodies) {
            if let Put::Done(version) = put? {
                winners.push((body.clone(), version));
            }
        }
        Ok(winners)
    }

    async fn creates(&self, promises: &mut Vec<Promise>) -> Result<Version, Fault> {
        let winners = self.race(0, "create", Condition::Absent).await?;
        promises.push(Promise::new(
            "of 16 that create an object at once, one does",
            one_winner(&winners, "If-None-Match"),
        ));
        let read = self.objects.get(&self.path(0)).await?;
        let read = read.ok_or_else(|| Fault::lasting("an object that was created is not there"))?;
        let kept = winners.iter().any(|(body, _)| body.as_bytes() == read.body);
        let kept = kept
            .then_some(())
            .ok_or_else(|| Breach::new("the object is not what any winner put"));
        promises.push(Promise::new("an object is what its winner put", kept));
        Ok(read.version)
    }

    async fn reads(&self, promises: &mut Vec<Promise>) -> Result<(), Fault> {
        let path = self.path(1);
        let put = self
            .objects
            .put(&path, b"read me", Condition::Absent)
            .await?;
        let read = self.objects.get(&path).await?;
        let same = match (&put, &read) {
            (Put::Done(version), Some(read)) => read.body == b"read me" && read.version == *version,
            _ => false,
        };
        let kept = same
            .then_some(())
            .ok_or_else(|| Breach::new("a read does not show what was just put"));
        promises.push(Promise::new("a read shows what was just put", kept));
        Ok(())
    }

    async fn updates(&self, created: &Version, promises: &mut Vec<Promise>) -> Result<(), Fault> {
        let winners = self.race(0, "update", Condition::Is(created)).await?;
        promises.push(Promise::new(
            "of 16 that replace an object at once, one does",
            one_winner(&winners, "If-Match"),
        ));
        let stale = self
            .objects
            .put(&self.path(0), b"stale", Condition::Is(created))
            .await?;
        let kept = match stale {
            Put::Refused => Ok(()),
            Put::Done(_) => Err(Breach::new(
                "an object was replaced by somebody who had not seen its last change",
            )),
        };
        promises.push(Promise::new("a stale replacement is refused", kept));
        // What a lease expires by: whoever waits sees a new version with each renewal, and none without.
        let before = self.version().await?;
        let idle = before.is_some() && before == self.version().await?;
        let renewed = match &before {
            Some(before) => {
                self.objects
                    .put(&self.path(0), b"renewed", Condition::Is(before))
                    .await?
            }
            None => Put::Refused,
        };
        let moved = renewed != Put::Refused && self.version().await? != before;
        let kept = match (idle, moved) {
            (true, true) => Ok(()),
            (false, _) => Err(Breach::new(
                "the version of an object changes by itself: a dead holder would look alive",
            )),
            (true, false) => Err(Breach::new(
                "the version of an object stays when it is replaced: a live holder would look dead",
            )),
        };
        promises.push(Promise::new(
            "a version changes with each replacement and only then, so that a lease expires without comparing clocks",
            kept,
        ));
        Ok(())
    }

    async fn version(&self) -> Result<Option<Version>, Fault> {
        let object = self.objects.get(&self.path(0)).await?;
        Ok(object.map(|object| object.version))
    }

    async fn lists(&self, promises: &mut Vec<Promise>) -> Result<(), Fault> {
        let path = self.path(2);
        self.objects
            .put(&path, b"list me", Condition::Absent)
            .await?;
        let all = self.objects.list(&self.folder, None).await?;
        let after = self.objects.list(&self.folder, Some(&self.path(0))).await?;
        let expected: Vec<String> = (0..3).map(|number| self.path(number)).collect();
        let kept = match (all == expected, after == expected[1..]) {
            (true, true) => Ok(()),
            (false, _) => Err(Breach::new("a list does not show what was just put")),
            (true, false) => Err(Breach::new(
                "a list from a name on does not begin behind it",
            )),
        };
        promises.push(Promise::new("a list shows what was just put", kept));
        Ok(())
    }

    async fn deletes(&self, promises: &mut Vec<Promise>) -> Result<(), Fault> {
        let mut kept = Ok(());
        for path in self.objects.list(&self.folder, None).await? {
            if let Err(fault) = self.objects.delete(&path).await {
                kept = Err(Breach::new(format!(
                    "{}; delete {} by hand",
                    fault.source, self.folder
                )));
            }
        }
        promises.push(Promise::new("what was put can be deleted", kept));
        Ok(())
    }
}

fn one_winner(winners: &[(String, Version)], header: &str) -> Result<(), Breach> {
    match winners.len() {
        1 => Ok(()),
        0 => Err(Breach::new(format!(
            "none of {RACERS} did; the store does not know {header}"
        ))),
        number => Err(Breach::new(format!(
            "{number} of {RACERS} did: the store ignores {header}, so two runs would write at once; use another store"
        ))),
    }
}
