//! Turns arguments into what a command works with: checked manifests, secrets, limits and simulators.
//!
//! In: the selection and the reach that were typed, and the environment. Out: a `Setup`. Rules about
//! trust (a CI job, hosts, links, files of secrets) are applied here, once for all commands.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::args::{Reach, Selection, SharedStore, StoreArgs, Time};
use super::cached::ManifestCache;
use super::error::InvalidManifests;
use super::retries::Retries;
use super::standard_input::StandardInput;
use super::trusted::TrustedHosts;
use super::work_tree::{find_work_tree, is_ci};
use super::{command_run, findings, output, scope, simulators, state, stores};
use crate::apply::clock;
use crate::apply::{Budgets, Listener, Secrets, Tls, Trust};
use crate::cli::error::{CommandError, CommandResult};
use crate::manifest::walk::FoundManifests;
use crate::manifest::{self, Loaded, ReadLimits};
use crate::model::dated::{Moment, ReadingTime};
use crate::model::{Diagnostic, WriteChecks};
use crate::reconcile::{self, CheckOptions, Checked, LoadedManifests, Settings};
use crate::sandbox::SandboxServer;

/// The input of a command that calls vendors: manifests, settings and simulators.
pub struct Setup {
    pub checked: Checked,
    pub settings: Settings,
    /// The simulators of this run, which live as long as this does; `None` for accounts, and for a sandbox that goes on.
    pub sandbox: Option<SandboxServer>,
}

impl Setup {
    /// Reports whether the accounts end with this run, so that nothing of it need be remembered or locked.
    pub fn is_trial(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Returns the store of this run, in the scope of its environment if none was named: the one that was asked for, but
    /// never a team's for simulators.
    pub fn store_args(&self, asked: &StoreArgs) -> StoreArgs {
        let store = match self.settings.sandbox {
            true => asked.local(),
            false => asked.clone(),
        };
        StoreArgs {
            scope: self.checked.store_scope(asked.scope.as_deref()),
            ..store
        }
    }

    /// Makes the rates of this run respect other processes that call the same accounts.
    ///
    /// Returns `Err` if the store, which counts those processes, cannot be opened.
    pub async fn heed_others(&mut self, shared: &SharedStore) -> CommandResult<()> {
        self.settings.budgets = stores::shared_budgets(shared, self.settings.sandbox).await?;
        Ok(())
    }

    /// Prints which variables with credentials are not set, all of them before the first call.
    pub fn tell_unset_variables(&self) -> io::Result<()> {
        let unset = reconcile::find_unset_variables(&self.checked, &self.settings);
        output::print_findings(&unset)
    }

    /// Does the same for the given connections, of which it is not known yet what is there to read. Returns those that
    /// lack a variable.
    pub fn tell_unset_variables_at(&self, connections: &[String]) -> io::Result<BTreeSet<String>> {
        let names = connections.iter().map(|name| (name.as_str(), 0));
        let unset = reconcile::find_unset_at(&self.checked, names, &self.settings);
        output::print_findings(&unset.findings)?;
        Ok(unset.connections)
    }

    /// Calls `heed_others`, and turns an error into a warning, for commands that need the store for
    /// nothing else.
    pub async fn heed_others_if_told(&mut self, shared: &SharedStore) {
        if let Err(error) = self.heed_others(shared).await {
            output::print_warning(&format!(
                "{error:#}; going on without: other runs are not known, which may make the vendor refuse some calls for a while"
            ));
        }
    }
}

/// Loads and checks manifests, and starts the simulators if they are asked for. Manifests with errors end
/// the run; the errors have been shown.
pub async fn set_up(selection: &Selection, reach: &Reach) -> CommandResult<Setup> {
    set_up_with(selection, reach, Files::Named).await
}

/// Sets up a command that only needs an account. With `--sandbox` and no path, manifests are optional:
/// the simulators have accounts without any.
pub async fn set_up_account(paths: &[PathBuf], reach: &Reach) -> CommandResult<Setup> {
    let selection = Selection::all_of(paths);
    let bare = reach.sandbox.is_on() && paths.is_empty();
    let files = if bare { Files::IfAny } else { Files::Named };
    set_up_with(&selection, reach, files).await
}

/// The files that a command reads.
#[derive(Clone, Copy)]
pub enum Files<'a> {
    /// Those that the selection names; that there are none is an error.
    Named,
    /// The files that the selection names, and one more.
    And(&'a Path),
    /// Those that the selection names, one of which was read already.
    Piped(&'a Piped),
    /// Those that the selection names, if there are any.
    IfAny,
}

/// The content of a pipe, kept since a pipe can be read only once.
pub struct Piped {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl Piped {
    /// Parses the text of the pipe as a manifest file of that name.
    fn load(&self) -> LoadedManifests {
        let name = self.path.display().to_string();
        let file = (name.clone(), self.bytes.clone());
        LoadedManifests::from(manifest::from_bytes(
            FoundManifests::default(),
            vec![file],
            &name,
        ))
    }
}

/// Loads and checks manifests, from `files` as well, and starts the simulators if asked to.
///
/// The system's certificates and the commit are read at the same time as the manifests. Returns
/// `CommandError::Invalid` if a manifest has an error; its findings are printed by then.
pub async fn set_up_with(
    selection: &Selection,
    reach: &Reach,
    files: Files<'_>,
) -> CommandResult<Setup> {
    set_up_at(selection, reach, files, reading_time(None)).await
}

/// Sets up a command that may look at another time than now, and so must not write.
pub async fn set_up_at(
    selection: &Selection,
    reach: &Reach,
    files: Files<'_>,
    time: ReadingTime,
) -> CommandResult<Setup> {
    let limits = read_limits(Some(reach.time.timeout));
    let simulators = simulators::open_simulators(reach).await?;
    let options = CheckOptions {
        need_connections: true,
        simulators: simulators.stand_ins,
        time,
        ..CheckOptions::default()
    };
    // A thread reads the system's certificates while this one reads the manifests; a request that needs the
    // certificates earlier waits for that thread.
    let tls = Tls::default();
    let early = tls.clone();
    drop(thread::spawn(move || drop(early.config())));
    // The commit comes from the `git` program, whose start takes time, so it runs at the same time as well.
    let commit = tokio::spawn(state::current_commit(selection.paths.clone()));
    let mut checked = check_files(selection, &options, files, &limits)?;
    let deadline = limits.deadline.map(Instant::from_std);
    let commit = match deadline {
        Some(deadline) => timeout_at(deadline, commit).await.ok(),
        None => Some(commit.await),
    };
    let commit = commit.and_then(Result::ok).flatten();
    checked.source.paths = selected_paths(selection);
    checked.source.commit = commit;
    let in_use = is_ci() && !checked.connections.is_empty();
    if let Some(warning) = warn_of_any_host(reach).filter(|_| in_use) {
        checked.findings.push(warning);
    }
    findings::print_manifest_findings(&checked.findings, &selection.paths)?;
    if checked.findings.has_errors() {
        let (facts, findings) = (checked.source, checked.findings);
        return Err(CommandError::Invalid(Box::new(InvalidManifests {
            facts,
            findings,
        })));
    }
    let mut settings = pass_settings(reach, Arc::default());
    settings.tls = tls;
    settings.events = Retries::default().listener();
    // The time spent on the manifests counts towards `--timeout`.
    settings.deadline = deadline.unwrap_or(settings.deadline);
    Ok(Setup {
        checked,
        settings,
        sandbox: simulators.server,
    })
}

/// Returns the time for which a run reads the manifests: the one that the user named, or now.
pub fn reading_time(at: Option<Moment>) -> ReadingTime {
    match at {
        Some(at) => ReadingTime::named(at),
        None => ReadingTime::now(clock::now()),
    }
}

/// The paths that a selection names, as plans keep them.
pub fn selected_paths(selection: &Selection) -> Vec<String> {
    let paths = selection.paths.iter();
    paths.map(|path| path.display().to_string()).collect()
}

/// Returns what a pass needs beside the manifests. Its deadline is `--timeout` from now.
pub fn pass_settings(reach: &Reach, stop: Arc<AtomicBool>) -> Settings {
    Settings {
        secrets: Secrets {
            environment: Arc::new(|name| std::env::var(name).ok()),
            trust: trusted_hosts(reach),
        },
        tls: Tls::default(),
        parallelism: usize::from(reach.parallelism.get()),
        deadline: Instant::now() + reach.time.timeout,
        clock: clock::now,
        stop,
        sandbox: reach.sandbox.is_on(),
        events: Listener::default(),
        checks: WriteChecks::default(),
        opened: command_run::opened_accounts(),
        budgets: Budgets::default(),
    }
}

/// Loads and checks the manifests that a selection names.
pub fn check_selection(
    selection: &Selection,
    options: &CheckOptions,
    time: Time,
) -> CommandResult<Checked> {
    check_selected(selection, options, Files::Named, time)
}

/// Loads and checks manifests, without a call and without a secret.
pub fn check_selected(
    selection: &Selection,
    options: &CheckOptions,
    files: Files<'_>,
    time: Time,
) -> CommandResult<Checked> {
    let limits = read_limits(Some(time.timeout));
    check_files(selection, options, files, &limits)
}

/// Loads manifests and checks them in each environment that the selection names, or in all of them, without a call and
/// without a secret.
pub fn check_environments(
    selection: &Selection,
    options: &CheckOptions,
    time: Time,
) -> CommandResult<Vec<Checked>> {
    let limits = read_limits(Some(time.timeout));
    let names = selection
        .environment
        .iter()
        .flat_map(|names| names.split(','));
    let names: Vec<String> = names.map(|name| name.trim().to_string()).collect();
    let scope = scope::Scope::new(selection)?;
    let cache = ManifestCache::open(&selection.cache, is_ci());
    let manifests = load_files(selection, Files::Named, &limits, cache.as_ref());
    let mut checks = reconcile::check_each_environment(manifests, options, &names);
    if let Some(cache) = &cache {
        cache.save();
    }
    for checked in &mut checks {
        scope.narrow(checked)?;
    }
    Ok(checks)
}

/// Loads the files, checks them and narrows them to the selection's scope.
fn check_files(
    selection: &Selection,
    options: &CheckOptions,
    files: Files<'_>,
    limits: &ReadLimits,
) -> CommandResult<Checked> {
    let options = &CheckOptions {
        environment: selection.environment_choice(),
        ..options.clone()
    };
    let scope = scope::Scope::new(selection)?;
    let cache = ManifestCache::open(&selection.cache, is_ci());
    let manifests = load_files(selection, files, limits, cache.as_ref());
    let mut checked = reconcile::check_manifests(manifests, options);
    if let Some(cache) = &cache {
        cache.save();
    }
    scope.narrow(&mut checked)?;
    Ok(checked)
}

/// Loads the files that a command reads, as far as the cache does not know them.
fn load_files(
    selection: &Selection,
    files: Files<'_>,
    limits: &ReadLimits,
    cache: Option<&ManifestCache>,
) -> LoadedManifests {
    let mut paths = selection.paths.clone();
    if let Files::Piped(piped) = files {
        paths.retain(|path| *path != piped.path);
    }
    let mut manifests = match files {
        // An empty list of paths would load the current directory.
        Files::Piped(_) if paths.is_empty() => LoadedManifests::default(),
        _ => LoadedManifests::load(
            &paths,
            &mut StandardInput::until(limits.deadline),
            limits,
            cache.map(ManifestCache::disk),
        ),
    };
    match files {
        Files::Piped(piped) => manifests.extend(piped.load()),
        Files::Named => {}
        Files::And(more) if has_file(&manifests.loaded, more) => {}
        Files::And(more) => {
            let more = [more.to_path_buf()];
            manifests.extend(LoadedManifests::load(
                &more,
                &mut std::io::empty(),
                limits,
                None,
            ));
        }
        Files::IfAny if manifests.loaded.sources.is_empty() => {
            manifests = LoadedManifests::default()
        }
        Files::IfAny => {}
    }
    manifests
}

/// Reports whether a file is among those that were read, under any path.
fn has_file(loaded: &Loaded, file: &Path) -> bool {
    let real = std::fs::canonicalize(file).ok();
    let mut names = loaded.sources.iter().map(|source| &source.name);
    names.any(|name| {
        std::fs::canonicalize(name)
            .ok()
            .is_some_and(|name| Some(name) == real)
    })
}

/// Returns the limits on reading manifests: the tree, in a CI job, and the time.
///
/// `timeout` counts from now; `None` sets no deadline.
pub fn read_limits(timeout: Option<Duration>) -> ReadLimits {
    ReadLimits {
        inside: is_ci(),
        deadline: timeout.and_then(|timeout| std::time::Instant::now().checked_add(timeout)),
    }
}

/// Returns which hosts, files and programs may take part in resolving secrets.
fn trusted_hosts(reach: &Reach) -> Trust {
    let here = std::env::current_dir().unwrap_or_default();
    Trust {
        // Simulators take published credentials, and listen on this machine only.
        hosts: reach
            .trust_hosts
            .list
            .clone()
            .filter(|_| !reach.sandbox.is_on()),
        allow_exec: reach.allow_exec,
        confine_files: is_ci() || !reach.secret_dir.is_empty(),
        secret_dirs: reach.secret_dir.clone(),
        tree: find_work_tree(&here),
    }
}

/// Warns if credentials may go to every host that the manifests name. In a CI job the project file may come from the
/// same pull request as the manifests: its list of hosts is enforced, but the warning remains.
pub fn warn_of_any_host(reach: &Reach) -> Option<Diagnostic> {
    let TrustedHosts { list, of_project } = &reach.trust_hosts;
    let message = match list {
        _ if reach.sandbox.is_on() => return None,
        None => "credentials go to whatever hosts the manifests name: --trust-hosts is not given",
        Some(_) if *of_project && is_ci() => {
            "credentials go to whatever hosts the project file names, which comes with the manifests: \
             --trust-hosts is not given"
        }
        Some(_) => return None,
    };
    let finding = Diagnostic::warning("no-trust-hosts", message);
    Some(
        finding
            .hint("name the hosts in ENTITLE_TRUST_HOSTS, where a pull request cannot change them"),
    )
}
