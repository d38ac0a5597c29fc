//! Questions and requests that reach the loop from outside, and the handle with which the server sends them.
//!
//! The loop answers each one at once: slow sources (the journal, git) are read here, in the task of the HTTP request. A
//! person's request is checked, written into the journal, and then carried out, in this order: a request that cannot be
//! recorded is not carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::actions::{ActionError, PageAction};
use super::object_details::{HistoryError, ObjectDetails};
use super::run_scope::RunScope;
use super::source::repository::Repository;
use crate::apply::clock::run_id;
use crate::apply::journal::{PersonRequest, Started};
use crate::apply::memory::read_object_writes;
use crate::apply::recorder::Recorder;
use crate::apply::store::{RecordQueue, StoreError};
use crate::model::with_causes;

/// The number of requests that may wait for the loop.
pub const WAITING_REQUESTS: usize = 64;

/// The number of an object's writes that its page shows.
const WRITES: usize = 20;

/// The longest time for reading the journal for a page.
const JOURNAL_LIMIT: Duration = Duration::from_secs(5);

/// A question or a request to the loop.
pub enum DaemonRequest {
    /// Asks if a request could be carried out now.
    Check {
        request: PageAction,
        answer: oneshot::Sender<Result<(), ActionError>>,
    },
    /// Carries out a request.
    CarryOut {
        request: PageAction,
        by: String,
        answer: oneshot::Sender<Result<(), ActionError>>,
    },
    /// Asks for the details of an object; `Err` if this replica does not look after the object.
    Details {
        address: String,
        answer: oneshot::Sender<Result<ObjectDetails, ActionError>>,
    },
}

/// Why a request of a person was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Refused(#[from] ActionError),
    #[error("it cannot be written into the journal, so it is not done: {0}")]
    NotRecorded(String),
}

/// Sends requests to the loop. Clones go to the same loop.
#[derive(Clone)]
pub struct DaemonHandle {
    pub requests: mpsc::Sender<DaemonRequest>,
    /// Writes requests to the store, and reads from it what runs did.
    pub queue: Arc<RecordQueue>,
    /// The team, repository or environment whose runs these are.
    pub scope: Arc<RunScope>,
    /// Where commits can be looked up; `None` if the manifests are in no repository.
    pub repository: Option<Repository>,
    /// Returns the time.
    pub clock: fn() -> Timestamp,
}

impl DaemonHandle {
    /// Carries out a request of `by`, and writes it into the journal before.
    pub async fn carry_out(&self, request: PageAction, by: &str) -> Result<(), RequestError> {
        let checked = request.clone();
        self.ask(|answer| DaemonRequest::Check {
            request: checked,
            answer,
        })
        .await?;
        let record = PersonRequest {
            action: request.name().to_string(),
            address: request.address().map(str::to_string),
            words: request.describe(),
            digest: request.digest().map(str::to_string),
        };
        let recorded = self.record(by, record).await;
        recorded.map_err(|error| RequestError::NotRecorded(with_causes(&*error)))?;
        tracing::info!(by, address = request.address(), "{}", request.describe());
        let by = by.to_string();
        self.ask(|answer| DaemonRequest::CarryOut {
            request,
            by,
            answer,
        })
        .await?;
        Ok(())
    }

    /// Returns the details of an object, with its history and the authors of the commits in it.
    pub async fn details(&self, address: &str) -> Result<ObjectDetails, ActionError> {
        let address = address.to_string();
        let mut details = self
            .ask(|answer| DaemonRequest::Details { address, answer })
            .await?;
        let store = self.queue.store();
        let (reader, keys) = (self.scope.reader(), &details.keys);
        let read = read_object_writes(&**store, &reader, &details.account, keys, WRITES);
        details.history = match timeout(JOURNAL_LIMIT, read).await {
            Ok(read) => read.map_err(HistoryError::from),
            Err(_) => Err(HistoryError::TooSlow(JOURNAL_LIMIT)),
        };
        if let Some(repository) = &self.repository {
            let writes = details.history.iter().flatten();
            let commits: BTreeSet<String> =
                writes.filter_map(|write| write.commit.clone()).collect();
            details.authors = repository.authors(&commits).await;
            details.last_edit = repository
                .last_change(&details.desired.origin.source.name)
                .await;
        }
        Ok(details)
    }

    /// Records a person's request in the journal, as a run of its own without writes to vendors.
    async fn record(&self, by: &str, request: PersonRequest) -> Result<(), Arc<StoreError>> {
        let queue = Some(Arc::clone(&self.queue));
        let recorder = Recorder {
            scope: self.scope.name(),
            ..Recorder::new(queue, &run_id(), BTreeMap::new(), self.clock)
        };
        let started = Started {
            by: by.to_string(),
            request: Some(request),
            ..Started::default()
        };
        recorder.record_start(started).await?;
        recorder.record_end(false).await
    }

    /// Sends a request and waits for its answer. The loop answers within one turn; if it is gone, it is stopping.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, ActionError>>) -> DaemonRequest,
    ) -> Result<T, ActionError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.requests.send(request(answer)).await;
        sent.map_err(|_| ActionError::Stopping)?;
        answered.await.map_err(|_| ActionError::Stopping)?
    }
}
