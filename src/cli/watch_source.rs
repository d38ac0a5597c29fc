//! Reads and checks what the daemon watches, off its loop, and tells what is wrong with it once.

use crate::daemon::source::SourceError;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::args::Selection;
use super::{cached, output, scope, setup, state};
use crate::cli::error::CommandResult;
use crate::daemon::source::git::Remote;
use crate::daemon::task::{Fetched, SourceReader};
use crate::manifest::Loaded;
use crate::model::{Diagnostic, Diagnostics, Severity};
use crate::reconcile::{
    self, CheckOptions, Checked, IncrementalLoader, KeptAccounts, LoadedManifests,
};

/// Where the manifests are.
#[derive(Clone)]
pub enum ManifestSource {
    Files(Vec<PathBuf>),
    Git(Remote),
}

/// What every reading needs, and what the last one came to.
struct WatchSource {
    place: ManifestSource,
    scope: scope::Scope,
    options: CheckOptions,
    json: bool,
    /// Longest time for a reading.
    timeout: Duration,
    /// Serves the first reading; what later ones need is at hand.
    cache: Option<PathBuf>,
    last: Mutex<Last>,
    /// The digest and the findings that were told last.
    told: Mutex<(String, Vec<String>)>,
    loader: Mutex<IncrementalLoader>,
}

#[derive(Default)]
struct Last {
    /// Hash of the texts, and what was wrong with them.
    read: Option<(String, Option<SourceError>)>,
    commit: Option<String>,
    /// Whether what is in force names any object.
    objects: bool,
}

/// A reader for the loop. Text logs show findings as `validate` does, JSON logs as events.
pub fn source_reader(
    place: ManifestSource,
    selection: &Selection,
    options: CheckOptions,
    json: bool,
    timeout: Duration,
) -> CommandResult<SourceReader> {
    let source = Arc::new(WatchSource {
        place,
        scope: scope::Scope::new(selection)?,
        options,
        json,
        timeout,
        cache: selection.cache.clone(),
        last: Mutex::default(),
        told: Mutex::default(),
        loader: Mutex::default(),
    });
    Ok(Box::new(move |kept| {
        Box::pin(read_source(Arc::clone(&source), kept))
    }))
}

async fn read_source(
    source: Arc<WatchSource>,
    kept: KeptAccounts,
) -> Result<Option<Fetched>, SourceError> {
    source.loader().keep_only(&kept);
    let commit = match &source.place {
        ManifestSource::Files(_) => None,
        ManifestSource::Git(remote) => Some(remote.fetch().await?),
    };
    let loaded = match (&source.place, &commit) {
        (ManifestSource::Git(remote), Some(commit)) => {
            if let Some(known) = source.known(commit) {
                return known;
            }
            Some(remote.load(commit).await?)
        }
        _ => None,
    };
    // Parsing thousands of files would hold the loop up.
    tokio::task::spawn_blocking(move || source.check(loaded, commit, &kept))
        .await
        .map_err(|error| SourceError::BrokenOff(error.to_string()))?
}

impl WatchSource {
    fn loader(&self) -> std::sync::MutexGuard<'_, IncrementalLoader> {
        self.loader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of a commit that was read before.
    fn known(&self, commit: &str) -> Option<Result<Option<Fetched>, SourceError>> {
        let last = self.last();
        let same = last.commit.as_deref() == Some(commit);
        let (_, problem) = last.read.as_ref().filter(|_| same)?;
        Some(problem.clone().map_or(Ok(None), Err))
    }

    fn check(
        &self,
        loaded: Option<Loaded>,
        commit: Option<String>,
        kept: &KeptAccounts,
    ) -> Result<Option<Fetched>, SourceError> {
        let dir = self.cache.as_deref();
        let cache = dir.filter(|_| self.last().read.is_none());
        let cache = cached::open_cache(cache);
        let manifests = match (&self.place, loaded) {
            (_, Some(loaded)) => LoadedManifests::from(loaded).with_cache(cache.clone()),
            (ManifestSource::Files(paths), None) => {
                let now = SystemTime::now();
                let limits = setup::read_limits(Some(self.timeout));
                self.loader().load(paths, &limits, now, cache.clone(), kept)
            }
            (ManifestSource::Git(_), None) => LoadedManifests::default(),
        };
        let digest = reconcile::digest_of(&manifests.loaded.sources);
        let mut last = self.last();
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
        let refuse_emptied = |checked: Checked| match !names_objects(&checked) && last.objects {
            true => Err(SourceError::Emptied),
            false => Ok(checked),
        };
        let checked = self
            .checked(manifests, commit.as_deref(), &digest, kept)
            .and_then(refuse_emptied);
        cached::save_cache(cache.as_deref());
        let (fetched, problem) = match checked {
            Ok(checked) => {
                last.objects = names_objects(&checked);
                let revision = commit.unwrap_or_else(|| digest.clone());
                (Ok(Some(Fetched { checked, revision })), None)
            }
            Err(problem) => (Err(problem.clone()), Some(problem)),
        };
        // What could not be read in full is read again in full: once it can be, the texts may be the same.
        last.read = (!unread).then_some((digest, problem));
        fetched
    }

    fn checked(
        &self,
        manifests: LoadedManifests,
        commit: Option<&str>,
        digest: &str,
        kept: &KeptAccounts,
    ) -> Result<Checked, SourceError> {
        let mut checked = self.loader().check(manifests, &self.options, kept);
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
        checked.source.commit = match &self.place {
            ManifestSource::Files(_) => {
                tokio::runtime::Handle::current().block_on(state::current_commit())
            }
            ManifestSource::Git(_) => commit.map(Into::into),
        };
        Ok(checked)
    }

    /// Whether the same was not told just now of the same texts: what cannot be read is tried again for as long as
    /// that lasts.
    fn is_news(&self, findings: &Diagnostics, digest: &str) -> bool {
        let words: Vec<String> = findings.iter().map(Diagnostic::line).collect();
        let now = (digest.to_string(), words);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *told != now;
        *told = now;
        news
    }

    fn tell(&self, findings: &Diagnostics) {
        if !self.json {
            // Whoever closed our standard error does not read this either.
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
