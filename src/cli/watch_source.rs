//! Reads and checks the manifests that the daemon watches, and logs each finding once.
//!
//! In: paths or a git remote, and the accounts that this replica keeps. Out: checked manifests if they
//! differ from the last reading, or a `SourceError`. Parsing runs on the blocking pool, off the daemon's
//! loop. When to read, and what an error means for the objects, is decided in `daemon`.

use crate::daemon::source::SourceError;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::args::{CacheArgs, Selection};
use super::cached::ManifestCache;
use super::{output, scope, setup, state, work_tree};
use crate::apply::clock;
use crate::cli::error::CommandResult;
use crate::daemon::source::Fetched;
use crate::daemon::source::git::Remote;
use crate::daemon::task::SourceReader;
use crate::manifest::Loaded;
use crate::model::dated::ReadingTime;
use crate::model::diagnostic::Source;
use crate::model::{Diagnostic, Diagnostics, Severity};
use crate::reconcile::{
    self, CheckOptions, Checked, IncrementalLoader, KeptAccounts, LoadedManifests,
};

/// The place that manifests are read from.
#[derive(Clone)]
pub enum ManifestSource {
    Files(Vec<PathBuf>),
    Git(Remote),
}

/// The inputs of every reading, and the result of the last one.
struct WatchSource {
    location: ManifestSource,
    scope: scope::Scope,
    options: CheckOptions,
    json: bool,
    /// Longest time for a reading.
    timeout: Duration,
    /// Only the first reading uses the cache; later ones have the last contents in memory.
    cache: CacheArgs,
    last: Mutex<Last>,
    /// The digest and the findings that were logged last.
    last_reported: Mutex<(String, Vec<String>)>,
    loader: Mutex<IncrementalLoader>,
}

/// The result of the last reading, so that an unchanged source costs no second check.
#[derive(Default)]
struct Last {
    /// Digest of the texts, with the error that they led to; `None` if they could not be read in full.
    read: Option<(String, Option<SourceError>)>,
    commit: Option<String>,
    /// Labels of the files of rows that the last reading read. They are no manifests, so they are looked at by themselves.
    row_files: Vec<Arc<Source>>,
    /// True if the manifests in force name an object. Then a source without any is refused as emptied.
    objects: bool,
}

/// Returns the reader that the daemon calls for each reading.
///
/// With a text log, findings are printed as by `validate`; with `json` they are log records. `timeout`
/// bounds one reading of files. Returns `Err` for a malformed scope.
pub fn source_reader(
    location: ManifestSource,
    selection: &Selection,
    options: CheckOptions,
    json: bool,
    timeout: Duration,
) -> CommandResult<SourceReader> {
    let source = Arc::new(WatchSource {
        location,
        scope: scope::Scope::new(selection)?,
        options,
        json,
        timeout,
        cache: selection.cache.clone(),
        last: Mutex::default(),
        last_reported: Mutex::default(),
        loader: Mutex::default(),
    });
    Ok(Box::new(move |kept| {
        Box::pin(read_source(Arc::clone(&source), kept))
    }))
}

/// Fetches, reads and checks once.
///
/// Returns `Ok(None)` if nothing has changed since the last reading. For git, a commit that was read
/// before is not loaded again: its result, or its error, is known.
async fn read_source(
    source: Arc<WatchSource>,
    kept: KeptAccounts,
) -> Result<Option<Fetched>, SourceError> {
    source.loader().keep_only(&kept);
    let commit = match &source.location {
        ManifestSource::Files(_) => None,
        ManifestSource::Git(remote) => Some(remote.fetch().await?),
    };
    let loaded = match (&source.location, &commit) {
        (ManifestSource::Git(remote), Some(commit)) => {
            if let Some(known) = source.known(commit) {
                return known;
            }
            Some(remote.load(commit).await?)
        }
        _ => None,
    };
    // Parsing thousands of files would block the loop.
    tokio::task::spawn_blocking(move || source.check(loaded, commit, &kept))
        .await
        .map_err(|error| SourceError::BrokenOff(error.to_string()))?
}

impl WatchSource {
    /// Locks the loader, which keeps parsed files between readings.
    fn loader(&self) -> std::sync::MutexGuard<'_, IncrementalLoader> {
        self.loader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the result of the last reading.
    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the result of the last reading if it was of this commit: `Ok(None)` for unchanged
    /// manifests, or the same error again. `None` for any other commit.
    fn known(&self, commit: &str) -> Option<Result<Option<Fetched>, SourceError>> {
        let last = self.last();
        let same = last.commit.as_deref() == Some(commit);
        let (_, problem) = last.read.as_ref().filter(|_| same)?;
        Some(problem.clone().map_or(Ok(None), Err))
    }

    /// Loads the manifests if git has not, compares their digest with the last one and checks what
    /// changed.
    ///
    /// The steps for a reading, with an example of three readings of the digests `a`, `b` and `b`:
    ///
    /// 1. `a` is new: checked, and returned with the revision `a`.
    /// 2. `b` is new, and has an error: `Err`, and the manifests of `a` stay in force at the caller.
    /// 3. `b` is known: the same `Err` without a check.
    ///
    /// A source that named objects and now names none is `SourceError::Emptied`: an unmounted volume
    /// looks like that, and must not count as a decision to manage no object.
    fn check(
        &self,
        loaded: Option<Loaded>,
        commit: Option<String>,
        kept: &KeptAccounts,
    ) -> Result<Option<Fetched>, SourceError> {
        let is_first = self.last().read.is_none();
        let cache = is_first
            .then(|| ManifestCache::open(&self.cache, work_tree::is_ci()))
            .flatten();
        let disk = || cache.as_ref().map(ManifestCache::disk);
        let manifests = match (&self.location, loaded) {
            (_, Some(loaded)) => LoadedManifests::from(loaded).with_cache(disk()),
            (ManifestSource::Files(paths), None) => {
                let now = SystemTime::now();
                let limits = setup::read_limits(Some(self.timeout));
                self.loader().load(paths, &limits, now, disk(), kept)
            }
            (ManifestSource::Git(_), None) => LoadedManifests::default(),
        };
        let mut last = self.last();
        let sources = manifests.loaded.sources.clone();
        let rows = manifests.loaded.row_files.as_they_are(&last.row_files);
        let mut digest = reconcile::digest_of(&[&sources[..], &rows].concat());
        last.commit.clone_from(&commit);
        let unread = manifests.loaded.findings.has_errors();
        if let Some((known, problem)) = &last.read
            && *known == digest
            && !unread
        {
            return problem.clone().map_or(Ok(None), Err);
        }
        let names_objects =
            |checked: &Checked| !checked.desired.is_empty() || !checked.outlines.is_empty();
        let named_objects = last.objects;
        let refuse_emptied = |checked: Checked| match !names_objects(&checked) && named_objects {
            true => Err(SourceError::Emptied),
            false => Ok(checked),
        };
        let options = CheckOptions {
            time: ReadingTime::now(clock::now()),
            ..self.options.clone()
        };
        let checked = self.loader().check(manifests, &options, kept);
        last.row_files.clone_from(&checked.row_files);
        digest = reconcile::digest_of(&[&sources[..], &last.row_files].concat());
        let checked = self
            .judge(checked, commit.as_deref(), &digest)
            .and_then(refuse_emptied);
        if let Some(cache) = &cache {
            cache.save();
        }
        let (fetched, problem) = match checked {
            Ok(checked) => {
                last.objects = names_objects(&checked);
                let revision = commit.unwrap_or_else(|| digest.clone());
                (Ok(Some(Fetched { checked, revision })), None)
            }
            Err(problem) => (Err(problem.clone()), Some(problem)),
        };
        // A source that was not read in full is read again: once it is readable, its texts may hash the
        // same.
        last.read = (!unread).then_some((digest, problem));
        fetched
    }

    /// Logs new findings of checked manifests and narrows them to the scope.
    ///
    /// Returns `SourceError::Invalid` with the first error and the number of others, or
    /// `SourceError::Scope` for a pattern that matches nothing.
    fn judge(
        &self,
        mut checked: Checked,
        commit: Option<&str>,
        digest: &str,
    ) -> Result<Checked, SourceError> {
        if self.is_news(&checked.findings, digest) {
            self.tell(&checked.findings);
        }
        if checked.findings.has_errors() {
            let errors = checked
                .findings
                .iter()
                .filter(|f| f.severity == Severity::Error);
            let errors: Vec<&Diagnostic> = errors.collect();
            let first = errors.first().map(|first| first.line()).unwrap_or_default();
            let more = errors.len().saturating_sub(1);
            return Err(SourceError::Invalid { first, more });
        }
        self.scope
            .narrow(&mut checked)
            .map_err(|error| SourceError::Scope(error.to_string()))?;
        checked.source.commit = match &self.location {
            ManifestSource::Files(paths) => {
                let commit = state::current_commit(paths.clone());
                tokio::runtime::Handle::current().block_on(commit)
            }
            ManifestSource::Git(_) => commit.map(Into::into),
        };
        Ok(checked)
    }

    /// Reports whether these findings, of these texts, differ from those logged last.
    ///
    /// A source that cannot be read is tried again and again; its error is logged once.
    fn is_news(&self, findings: &Diagnostics, digest: &str) -> bool {
        let words: Vec<String> = findings.iter().map(Diagnostic::line).collect();
        let now = (digest.to_string(), words);
        let mut last_reported = self
            .last_reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let news = *last_reported != now;
        *last_reported = now;
        news
    }

    /// Prints the findings, or logs them as JSON records at the level of their severity.
    fn tell(&self, findings: &Diagnostics) {
        if !self.json {
            // A closed standard error would not show this error either.
            let _ = output::print_findings(findings);
            return;
        }
        for finding in findings.iter() {
            let (code, words) = (finding.code, finding.line());
            match finding.severity {
                Severity::Error => tracing::error!(code, "{words}"),
                Severity::Warning => tracing::warn!(code, "{words}"),
            }
        }
    }
}
