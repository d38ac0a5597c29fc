//! What the engine asks of a bucket, and how a request that failed is tried again.
//!
//! Every put has a condition, and every body that is put is put once: it has a name of its own in it. So a put whose
//! answer was lost is settled by putting it again: if it went in, the second one is refused, and what is read back is
//! our own body. A store's client that tries again by itself meets its own write in the same way.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

/// The objects of a bucket.
pub trait Objects: Send + Sync {
    /// Returns an object; `None` if there is none of this name.
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Object>, Fault>>;

    /// Puts an object if `condition` holds at that moment.
    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: Condition<'a>,
    ) -> BoxFuture<'a, Result<Put, Fault>>;

    /// Returns the paths of the objects below a folder, in order; with `after`, of those behind that path.
    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, Fault>>;

    /// Returns the names of the folders in a folder.
    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, Fault>>;

    /// Deletes an object, if there is one.
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), Fault>>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub body: Vec<u8>,
    pub version: Version,
}

/// What tells one body of an object from the next. S3 and Azure compare the ETag, Google the generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub e_tag: Option<String>,
    pub generation: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub enum Condition<'a> {
    /// There is no object of this name.
    Absent,
    /// It is still this one.
    Is(&'a Version),
}

/// What a put came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    Done(Version),
    /// The condition did not hold.
    Refused,
}

/// Why a bucket did not answer a request as asked.
#[derive(Debug)]
pub struct Fault {
    /// Whether the same may go well later. A put may have been carried out all the same.
    pub is_passing: bool,
    pub source: Box<dyn Error + Send + Sync>,
}

impl Fault {
    pub fn passing(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            is_passing: true,
            source: source.into(),
        }
    }

    pub fn lasting(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            is_passing: false,
            source: source.into(),
        }
    }
}

/// What a put came to once it was settled.
#[derive(Debug)]
pub enum Settled {
    Done(Version),
    /// Somebody else's body is there.
    Found(Object),
}

/// How often a request is tried, and the pause after the first try; it doubles.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub tries: u32,
    pub pause: Duration,
}

/// Three pauses, of 1.4 s together: a run that lost its store is to hear of it while its calls are still under way.
const USUAL: Patience = Patience {
    tries: 4,
    pause: Duration::from_millis(200),
};

/// A bucket whose failed requests are tried again, and whose puts are settled.
#[derive(Clone)]
pub struct Patient {
    objects: Arc<dyn Objects>,
    patience: Patience,
}

impl Patient {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self {
            objects,
            patience: USUAL,
        }
    }

    /// The same, asking no more than once: for whoever asks again by himself.
    pub fn once(&self) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            patience: Patience {
                tries: 1,
                ..self.patience
            },
        }
    }

    /// The bucket itself, for those who look at what it promises.
    pub fn objects(&self) -> &dyn Objects {
        &*self.objects
    }

    pub async fn get(&self, path: &str) -> Result<Option<Object>, Fault> {
        self.again(|| self.objects.get(path)).await
    }

    pub async fn list(&self, folder: &str, after: Option<&str>) -> Result<Vec<String>, Fault> {
        self.again(|| self.objects.list(folder, after)).await
    }

    pub async fn folders(&self, folder: &str) -> Result<Vec<String>, Fault> {
        self.again(|| self.objects.folders(folder)).await
    }

    /// Puts an object that is not there yet.
    pub async fn create(&self, path: &str, body: &[u8]) -> Result<Settled, Fault> {
        self.settle(path, body, Condition::Absent).await
    }

    /// Puts an object in the place of one of this version.
    pub async fn replace(
        &self,
        path: &str,
        body: &[u8],
        version: &Version,
    ) -> Result<Settled, Fault> {
        self.settle(path, body, Condition::Is(version)).await
    }

    async fn settle(
        &self,
        path: &str,
        body: &[u8],
        condition: Condition<'_>,
    ) -> Result<Settled, Fault> {
        let mut pauses = self.pauses();
        loop {
            let fault = match self.try_put(path, body, condition).await {
                Ok(Some(settled)) => return Ok(settled),
                Ok(None) => Fault::passing(
                    "it refuses to put an object whose condition holds as far as we see",
                ),
                Err(fault) if fault.is_passing => fault,
                Err(fault) => return Err(fault),
            };
            let Some(pause) = pauses.next() else {
                return Err(fault);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Puts once. `None` if it was refused although the condition holds: S3 answers so while another put to the same
    /// name is under way.
    async fn try_put(
        &self,
        path: &str,
        body: &[u8],
        condition: Condition<'_>,
    ) -> Result<Option<Settled>, Fault> {
        if let Put::Done(version) = self.objects.put(path, body, condition).await? {
            return Ok(Some(Settled::Done(version)));
        }
        let Some(object) = self.objects.get(path).await? else {
            return match condition {
                Condition::Absent => Ok(None),
                Condition::Is(_) => Err(Fault::lasting("an object was deleted under us")),
            };
        };
        Ok(match condition {
            _ if object.body == body => Some(Settled::Done(object.version)),
            Condition::Is(version) if object.version == *version => None,
            Condition::Is(_) | Condition::Absent => Some(Settled::Found(object)),
        })
    }

    async fn again<T, F>(&self, request: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut pauses = self.pauses();
        loop {
            let fault = match request().await {
                Err(fault) if fault.is_passing => fault,
                ended => return ended,
            };
            let Some(pause) = pauses.next() else {
                return Err(fault);
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let Patience { tries, pause } = self.patience;
        (1..tries).map(move |ordinal| pause * (1 << (ordinal - 1)))
    }
}
