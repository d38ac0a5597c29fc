//! Checks a bucket before it is trusted: one that ignores conditions would let two runs write at once.

use crate::apply::store::Breach;
use futures::future::join_all;

use super::BucketStore;
use super::layout;
use super::objects::{BucketError, BucketObjects, ObjectVersion, PutCondition, PutOutcome};
use crate::apply::clock;
use crate::apply::store::{Guarantee, StoreError};

/// How many requests race for one object.
const RACERS: usize = 16;

/// Puts objects below the store's prefix, checks what becomes of them, and deletes them again. `Err` if the bucket
/// cannot be reached or used at all.
pub async fn check_bucket(bucket: &BucketStore) -> Result<Vec<Guarantee>, StoreError> {
    let folder = bucket.accounts.layout.check_folder(&clock::run_id());
    let proof = BucketCheck {
        objects: bucket.accounts.objects.inner(),
        folder,
    };
    let proven = proof.run_all().await;
    proven.map_err(|error| bucket.store_error("check", error))
}

/// A check under way, in a folder of its own.
struct BucketCheck<'a> {
    objects: &'a dyn BucketObjects,
    folder: String,
}

impl BucketCheck<'_> {
    /// Runs all checks in order; each uses the objects of the one before.
    async fn run_all(&self) -> Result<Vec<Guarantee>, BucketError> {
        let mut guarantees = Vec::new();
        let created = self.check_creates(&mut guarantees).await?;
        self.check_reads(&mut guarantees).await?;
        self.check_updates(&created, &mut guarantees).await?;
        self.check_lists(&mut guarantees).await?;
        self.check_deletes(&mut guarantees).await?;
        Ok(guarantees)
    }

    /// Returns the path of an object of this check.
    fn path(&self, number: u64) -> String {
        layout::numbered_path(&self.folder, number)
    }

    /// Puts different bodies at once with the same condition, and returns those that were stored.
    async fn race(
        &self,
        number: u64,
        name: &str,
        condition: PutCondition<'_>,
    ) -> Result<Vec<(String, ObjectVersion)>, BucketError> {
        let path = self.path(number);
        let bodies: Vec<String> = (0..RACERS).map(|racer| format!("{name} {racer}")).collect();
        let puts = bodies
            .iter()
            .map(|body| self.objects.put(&path, body.as_bytes(), condition));
        let mut winners = Vec::new();
        for (put, body) in join_all(puts).await.into_iter().zip(&bodies) {
            if let PutOutcome::Done(version) = put? {
                winners.push((body.clone(), version));
            }
        }
        Ok(winners)
    }

    /// Checks that one of many concurrent creations succeeds, and returns the version of its object.
    async fn check_creates(
        &self,
        guarantees: &mut Vec<Guarantee>,
    ) -> Result<ObjectVersion, BucketError> {
        let winners = self.race(0, "create", PutCondition::Absent).await?;
        guarantees.push(Guarantee::new(
            "of 16 that create an object at once, one does",
            expect_one_winner(&winners, "If-None-Match"),
        ));
        let read = self.objects.get(&self.path(0)).await?;
        let read =
            read.ok_or_else(|| BucketError::permanent("an object that was created is not there"))?;
        let kept = winners.iter().any(|(body, _)| body.as_bytes() == read.body);
        let kept = kept
            .then_some(())
            .ok_or_else(|| Breach::new("the object is not what any winner put"));
        guarantees.push(Guarantee::new("an object is what its winner put", kept));
        Ok(read.version)
    }

    /// Checks that a read returns what was just put.
    async fn check_reads(&self, guarantees: &mut Vec<Guarantee>) -> Result<(), BucketError> {
        let path = self.path(1);
        let put = self
            .objects
            .put(&path, b"read me", PutCondition::Absent)
            .await?;
        let read = self.objects.get(&path).await?;
        let same = match (&put, &read) {
            (PutOutcome::Done(version), Some(read)) => {
                read.body == b"read me" && read.version == *version
            }
            _ => false,
        };
        let kept = same
            .then_some(())
            .ok_or_else(|| Breach::new("a read does not show what was just put"));
        guarantees.push(Guarantee::new("a read shows what was just put", kept));
        Ok(())
    }

    /// Checks that one of many concurrent replacements succeeds, that a stale one fails, and that versions change only
    /// then.
    async fn check_updates(
        &self,
        created: &ObjectVersion,
        guarantees: &mut Vec<Guarantee>,
    ) -> Result<(), BucketError> {
        let winners = self
            .race(0, "update", PutCondition::Unchanged(created))
            .await?;
        guarantees.push(Guarantee::new(
            "of 16 that replace an object at once, one does",
            expect_one_winner(&winners, "If-Match"),
        ));
        let stale = self
            .objects
            .put(&self.path(0), b"stale", PutCondition::Unchanged(created))
            .await?;
        let kept = match stale {
            PutOutcome::Refused => Ok(()),
            PutOutcome::Done(_) => Err(Breach::new(
                "an object was replaced by somebody who had not seen its last change",
            )),
        };
        guarantees.push(Guarantee::new("a stale replacement is refused", kept));
        // Leases expire by this: a waiter sees a new version with each renewal, and none without.
        let before = self.version().await?;
        let idle = before.is_some() && before == self.version().await?;
        let renewed = match &before {
            Some(before) => {
                self.objects
                    .put(&self.path(0), b"renewed", PutCondition::Unchanged(before))
                    .await?
            }
            None => PutOutcome::Refused,
        };
        let moved = renewed != PutOutcome::Refused && self.version().await? != before;
        let kept = match (idle, moved) {
            (true, true) => Ok(()),
            (false, _) => Err(Breach::new(
                "the version of an object changes by itself: a dead holder would look alive",
            )),
            (true, false) => Err(Breach::new(
                "the version of an object stays when it is replaced: a live holder would look dead",
            )),
        };
        guarantees.push(Guarantee::new(
            "a version changes with each replacement and only then, so that a lease expires without comparing clocks",
            kept,
        ));
        Ok(())
    }

    /// Returns the present version of the first object.
    async fn version(&self) -> Result<Option<ObjectVersion>, BucketError> {
        let object = self.objects.get(&self.path(0)).await?;
        Ok(object.map(|object| object.version))
    }

    /// Checks that a list contains what was just put, and can start behind a path.
    async fn check_lists(&self, guarantees: &mut Vec<Guarantee>) -> Result<(), BucketError> {
        let path = self.path(2);
        self.objects
            .put(&path, b"list me", PutCondition::Absent)
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
        guarantees.push(Guarantee::new("a list shows what was just put", kept));
        Ok(())
    }

    /// Deletes the objects of this check.
    async fn check_deletes(&self, guarantees: &mut Vec<Guarantee>) -> Result<(), BucketError> {
        let mut kept = Ok(());
        for path in self.objects.list(&self.folder, None).await? {
            if let Err(error) = self.objects.delete(&path).await {
                kept = Err(Breach::new(format!(
                    "{}; delete {} by hand",
                    error.source, self.folder
                )));
            }
        }
        guarantees.push(Guarantee::new("what was put can be deleted", kept));
        Ok(())
    }
}

/// Returns `Err` with advice unless exactly one request succeeded. `header` is the condition that the server ignores.
fn expect_one_winner(winners: &[(String, ObjectVersion)], header: &str) -> Result<(), Breach> {
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
