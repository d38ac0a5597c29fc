//! The interface to a bucket, and retries of failed requests.
//!
//! Every put has a condition, and every body is unique. So a put whose answer was lost is settled by putting it again:
//!
//! ```text
//! put "x 17" if absent   no answer: was it stored?
//! put "x 17" if absent   refused; get returns "x 17": ours, done
//!                        refused; get returns "y 4": another process was first
//! ```
//!
//! A cloud client that repeats requests by itself meets its own write in the same way.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

/// The objects of a bucket, by path.
pub trait BucketObjects: Send + Sync {
    /// Returns an object; `None` if there is none at this path.
    fn get<'a>(&'a self, path: &'a str)
    -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>>;

    /// Puts an object if `condition` holds at that moment.
    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>>;

    /// Returns the sorted paths of the objects below a folder; with `after`, only those behind that path.
    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>>;

    /// Returns the names of the folders directly in a folder.
    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>>;

    /// Deletes an object; `Ok` if there is none.
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>>;
}

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketObject {
    pub body: Vec<u8>,
    pub version: ObjectVersion,
}

/// Identifies one version of an object. S3 and Azure compare the ETag, Google the generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    pub e_tag: Option<String>,
    pub generation: Option<String>,
}

/// When a put may be carried out.
#[derive(Clone, Copy, Debug)]
pub enum PutCondition<'a> {
    /// There is no object at this path.
    Absent,
    /// The object still has this version.
    Unchanged(&'a ObjectVersion),
}

/// The outcome of a put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    Done(ObjectVersion),
    /// The condition did not hold.
    Refused,
}

/// Why a bucket did not carry out a request.
#[derive(Debug)]
pub struct BucketError {
    /// True if the same request may succeed later. A put may have been carried out all the same.
    pub is_transient: bool,
    pub source: Box<dyn Error + Send + Sync>,
}

impl BucketError {
    /// Creates an error after which the same request may succeed.
    pub fn transient(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            is_transient: true,
            source: source.into(),
        }
    }

    /// Creates an error after which trying again is useless.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            is_transient: false,
            source: source.into(),
        }
    }
}

/// The outcome of a put once it is certain.
#[derive(Debug)]
pub enum SettledPut {
    Done(ObjectVersion),
    /// Another process's object is there.
    Found(BucketObject),
}

/// How often a request is tried, and the pause after the first try, which doubles.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    pub tries: u32,
    pub pause: Duration,
}

/// Pauses of 0.2, 0.4 and 0.8 s: a run that lost its store must hear of it while its calls are still under way.
const DEFAULT_POLICY: RetryPolicy = RetryPolicy {
    tries: 4,
    pause: Duration::from_millis(200),
};

/// A bucket whose failed requests are tried again, and whose puts are settled.
#[derive(Clone)]
pub struct RetryingBucket {
    objects: Arc<dyn BucketObjects>,
    policy: RetryPolicy,
}

impl RetryingBucket {
    /// Wraps a bucket with the default policy.
    pub fn new(objects: Arc<dyn BucketObjects>) -> Self {
        Self {
            objects,
            policy: DEFAULT_POLICY,
        }
    }

    /// Returns the same bucket without retries, for callers that repeat by themselves.
    pub fn without_retries(&self) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            policy: RetryPolicy {
                tries: 1,
                ..self.policy
            },
        }
    }

    /// Returns the bucket itself.
    pub fn inner(&self) -> &dyn BucketObjects {
        &*self.objects
    }

    /// Returns an object; `None` if there is none at this path.
    pub async fn get(&self, path: &str) -> Result<Option<BucketObject>, BucketError> {
        self.with_retries(|| self.objects.get(path)).await
    }

    /// Returns the sorted paths of the objects below a folder; with `after`, only those behind that path.
    pub async fn list(
        &self,
        folder: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, BucketError> {
        self.with_retries(|| self.objects.list(folder, after)).await
    }

    /// Returns the names of the folders directly in a folder.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>, BucketError> {
        self.with_retries(|| self.objects.folders(folder)).await
    }

    /// Puts an object that does not exist yet.
    pub async fn create(&self, path: &str, body: &[u8]) -> Result<SettledPut, BucketError> {
        self.put_and_settle(path, body, PutCondition::Absent).await
    }

    /// Replaces an object that has this version.
    pub async fn replace(
        &self,
        path: &str,
        body: &[u8],
        version: &ObjectVersion,
    ) -> Result<SettledPut, BucketError> {
        self.put_and_settle(path, body, PutCondition::Unchanged(version))
            .await
    }

    /// Puts an object and finds out whether it was stored, with retries.
    async fn put_and_settle(
        &self,
        path: &str,
        body: &[u8],
        condition: PutCondition<'_>,
    ) -> Result<SettledPut, BucketError> {
        let mut pauses = self.pauses();
        loop {
            let error = match self.try_put(path, body, condition).await {
                Ok(Some(settled)) => return Ok(settled),
                Ok(None) => BucketError::transient(
                    "it refuses to put an object whose condition holds as far as we see",
                ),
                Err(error) if error.is_transient => error,
                Err(error) => return Err(error),
            };
            let Some(pause) = pauses.next() else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Puts once. `None` if it was refused although the condition holds: S3 does that during another put to the same
    /// path.
    async fn try_put(
        &self,
        path: &str,
        body: &[u8],
        condition: PutCondition<'_>,
    ) -> Result<Option<SettledPut>, BucketError> {
        if let PutOutcome::Done(version) = self.objects.put(path, body, condition).await? {
            return Ok(Some(SettledPut::Done(version)));
        }
        let Some(object) = self.objects.get(path).await? else {
            return match condition {
                PutCondition::Absent => Ok(None),
                PutCondition::Unchanged(_) => {
                    Err(BucketError::permanent("an object was deleted under us"))
                }
            };
        };
        Ok(match condition {
            _ if object.body == body => Some(SettledPut::Done(object.version)),
            PutCondition::Unchanged(version) if object.version == *version => None,
            PutCondition::Unchanged(_) | PutCondition::Absent => Some(SettledPut::Found(object)),
        })
    }

    /// Repeats a request while its error is transient, up to the limit of the policy.
    async fn with_retries<T, F>(&self, request: impl Fn() -> F) -> Result<T, BucketError>
    where
        F: Future<Output = Result<T, BucketError>>,
    {
        let mut pauses = self.pauses();
        loop {
            let error = match request().await {
                Err(error) if error.is_transient => error,
                ended => return ended,
            };
            let Some(pause) = pauses.next() else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Returns the pauses between the tries.
    fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let RetryPolicy { tries, pause } = self.policy;
        (1..tries).map(move |ordinal| pause * (1 << (ordinal - 1)))
    }
}
