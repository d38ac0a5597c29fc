//! What the status says of the source of the manifests.

use jiff::Timestamp;

use super::StatusLog;
use crate::daemon::source::Fetched;

impl StatusLog {
    /// Records that `fetched` is in force from `now` on, and forgets connections that it no longer has.
    pub fn record_manifests(&mut self, fetched: &Fetched, now: Timestamp) {
        let facts = &fetched.checked.source;
        let source = &mut self.status.source;
        source.revision = Some(fetched.revision.clone());
        source.commit.clone_from(&facts.commit);
        source.loaded_at = Some(now);
        source.files = facts.files;
        source.documents = facts.documents;
        let connections = fetched.checked.connections.iter();
        for (name, connection) in connections {
            let known = self.status.connections.entry(name.clone()).or_default();
            known.vendor = connection.vendor.to_string();
        }
        self.retain_connections(|name| fetched.checked.connections.contains_key(name));
        let checked = &fetched.checked;
        let objects = checked.desired.len() + checked.outlines.len();
        tracing::info!(
            revision = fetched.revision,
            objects,
            "these manifests are in force"
        );
    }

    /// Records that the source could be read.
    pub fn clear_source_problem(&mut self) {
        if self.status.source.problem.take().is_some() {
            tracing::info!("the source can be read again");
        }
    }

    /// Records why changes of the source go unseen; `None` once they are seen again.
    pub fn set_unfollowed(&mut self, broken: Option<String>) {
        match &broken {
            Some(why) => tracing::error!(problem = why, "the source is not followed"),
            None => tracing::info!("the source is followed again"),
        }
        self.status.source.unfollowed = broken;
    }

    /// Records why the newest manifests cannot be put in force. Those in force before stay in force.
    pub fn set_source_problem(&mut self, why: String) {
        if self.status.source.problem.as_ref() != Some(&why) {
            match self.status.source.revision {
                Some(_) => tracing::error!(problem = why, "the last good manifests stay in force"),
                None => tracing::error!(problem = why, "no manifests are in force yet"),
            }
        }
        self.status.source.problem = Some(why);
    }
}
