//! A stand-in for the daemon's loop: it carries everything out, and keeps what it was asked. For tests.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use crate::apply::journal::{JournalEvent, Started};
use crate::apply::records::Records;
use crate::apply::store::RecordQueue;
use crate::apply::store::files::FileStore;
use crate::daemon::actions::{ActionError, PageAction};
use crate::daemon::requests::{DaemonHandle, DaemonRequest};
use crate::daemon::serve::samples;
use crate::files::links::LinkPolicy;

/// The stand-in, with its journal.
pub struct FakeDaemon {
    pub handle: DaemonHandle,
    /// The requests that were carried out, each with the name of the person.
    pub done: Arc<Mutex<Vec<(PageAction, String)>>>,
    /// Why everything is refused, if it is.
    pub refusal: Arc<Mutex<Option<ActionError>>>,
    directory: tempfile::TempDir,
}

impl FakeDaemon {
    /// Starts it in the background.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let files = FileStore::open(&path, directory.path(), &LinkPolicy::Follow).unwrap();
        let (requests, mut asked) = mpsc::channel(8);
        let done: Arc<Mutex<Vec<(PageAction, String)>>> = Arc::default();
        let refusal: Arc<Mutex<Option<ActionError>>> = Arc::default();
        let (log, refused) = (Arc::clone(&done), Arc::clone(&refusal));
        tokio::spawn(async move {
            while let Some(request) = asked.recv().await {
                let verdict = refused.lock().unwrap().clone().map_or(Ok(()), Err);
                let _ = match request {
                    DaemonRequest::Check { answer, .. } => answer.send(verdict).is_ok(),
                    DaemonRequest::CarryOut {
                        request,
                        by,
                        answer,
                    } => {
                        log.lock().unwrap().push((request, by));
                        answer.send(verdict).is_ok()
                    }
                    DaemonRequest::Details { answer, .. } => {
                        answer.send(Err(ActionError::Elsewhere)).is_ok()
                    }
                };
            }
        });
        Self {
            handle: DaemonHandle {
                requests,
                queue: RecordQueue::new(Arc::new(files)),
                scope: Arc::default(),
                repository: None,
                clock: samples::sample_now,
            },
            done,
            refusal,
            directory,
        }
    }

    /// Returns the starts of the runs in its journal.
    pub fn journaled(&self) -> Vec<Started> {
        let records = Records::open(&self.directory.path().join("journal.jsonl")).unwrap();
        let starts = records.filter_map(|record| match record.event {
            JournalEvent::Started(started) => Some(started),
            _ => None,
        });
        starts.collect()
    }
}
