//! The values that the page of `watch` needs beside the status: the handle on the daemon's loop, the journal, and the
//! git repository.
//!
//! In: the arguments, the context of passes and the channel to the loop. Out: [`PageSources`]. Git is asked once for the
//! remote of the working tree, so that commits can be links.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::endpoints::PageSources;
use super::watch_args::Watch;
use crate::apply::clock;
use crate::daemon::pass::PassContext;
use crate::daemon::requests::{DaemonHandle, DaemonRequest};
use crate::daemon::source::git::Remote;
use crate::daemon::source::repository::Repository;
use crate::render::source_host::SourceHost;

/// Returns what the page needs. `remote` is the git remote of the manifests; `None` if they are files.
pub async fn page_sources(
    args: &Watch,
    remote: Option<&Remote>,
    context: &PassContext,
    requests: mpsc::Sender<DaemonRequest>,
) -> PageSources {
    let repository = find_repository(&args.selection.paths, remote);
    let origin = match remote {
        Some(remote) => Some(remote.url.clone()),
        None => repository.origin_url().await,
    };
    PageSources {
        daemon: DaemonHandle {
            requests,
            queue: context.queue.clone(),
            scope: context.scope.clone(),
            repository: Some(repository),
            clock: clock::now,
        },
        windows: args.window.clone(),
        source_host: origin.and_then(|url| SourceHost::parse(&url)),
    }
}

/// Returns the repository of the manifests: the clone of a remote, else the working tree around the first path.
fn find_repository(paths: &[PathBuf], remote: Option<&Remote>) -> Repository {
    if let Some(remote) = remote {
        // It has one commit, which git would name as the last change of every file.
        return Repository {
            directory: remote.dir.clone(),
            has_history: false,
        };
    }
    let first = paths.first().map_or(Path::new("."), PathBuf::as_path);
    let directory = match first.is_dir() {
        true => first,
        false => first
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    };
    Repository {
        directory: directory.to_path_buf(),
        has_history: true,
    }
}
