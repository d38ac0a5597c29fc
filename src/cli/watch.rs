//! `entitle watch`: builds the daemon from its arguments and runs it to its end.
//!
//! In: the parsed `Watch`. Out: an exit code, and with `--once` a report on standard output. The module
//! opens what the daemon needs (manifest source, store, port, sandbox) and hands it over as values. When
//! to read, plan or write is decided in `crate::daemon`; no such rule belongs here.

use crate::daemon::source::SourceError;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use super::actor::find_actor;
use super::args::{Reach, StoreArgs};
use super::command_run::Access;
use super::endpoints::Endpoints;
use super::exit::Exit;
use super::page_sources::page_sources;
use super::simulators::{self, RunSimulators};
use super::watch_args::Watch;
use super::watch_source::{ManifestSource, source_reader};
use super::{
    command_run, left_objects, output, setup, signals, state, stores, watch_once, work_tree,
};
use crate::apply::memory::Detail;
use crate::apply::{Budgets, clock};
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::daemon::descriptors;
use crate::daemon::engine::Engine;
use crate::daemon::mode::RunMode;
use crate::daemon::pass::PassContext;
use crate::daemon::requests::WAITING_REQUESTS;
use crate::daemon::run_scope::RunScope;
use crate::daemon::serve::ConnectionBounds;
use crate::daemon::sharing::Sharing;
use crate::daemon::source::directory;
use crate::daemon::source::git::Remote;
use crate::daemon::status::SourceKind;
use crate::daemon::status_log::StatusLog;
use crate::daemon::task::{DaemonTask, SourceReader};
use crate::daemon::trigger::Trigger;
use crate::files::tree_name::TreeNames;
use crate::model::dated::ReadingTime;
use crate::reconcile::{CheckOptions, KeptAccounts, Settings};

/// Number of hints that the channel to the daemon holds.
///
/// A hint only says "look again soon", so that one beyond 1024 would add no information.
const HINTS: usize = 1024;

/// Runs the daemon until a signal ends it, or for one pass with `--once`.
///
/// Faults in the arguments end the program before the first request to a vendor: a path that cannot be
/// read, `-` as a path, a port in use. The steps have an order:
///
/// 1. Follow the paths, so that a file saved during the first reading is not missed.
/// 2. Read the manifests once. Local manifests with errors end the program with `Exit::Error`. A git
///    remote is not read here: the daemon reads it, and repeats that if it cannot be reached.
/// 3. Open the port, then hand everything to `Wiring::run`.
///
/// Returns `Err` for what the user has to change; later faults are logged and shown in the status.
pub async fn run(args: Watch) -> CommandResult<Exit> {
    let limit = descriptors::raise_limit();
    let remote = args.remote()?;
    for path in &args.selection.paths {
        if path.as_os_str() == "-" {
            bail!("standard input cannot be watched: name files or directories");
        }
        std::fs::metadata(path).map_err(|error| {
            CommandError::caused_by(format_args!("cannot watch {}", path.display()), error)
        })?;
    }
    let simulators = open_simulators(&args.reach).await?;
    let options = CheckOptions {
        need_connections: true,
        simulators: simulators.stand_ins,
        environment: args.selection.environment_choice(),
        // Each reading has its own.
        time: ReadingTime::default(),
    };
    let location = match &remote {
        Some(remote) => ManifestSource::Git(remote.clone()),
        None => ManifestSource::Files(args.selection.paths.clone()),
    };
    let (triggers, hints) = mpsc::channel(HINTS);
    // The watch begins before the first reading, so that a change saved in between is not missed.
    let _following = match &remote {
        Some(_) => None,
        None => {
            let following =
                directory::follow_paths(&args.selection.paths, args.poll, triggers.clone());
            Some(following?)
        }
    };
    let mut reader = source_reader(
        location,
        &args.selection,
        options,
        args.logs_json(),
        args.reach.time.timeout,
    )?;
    if remote.is_none() {
        // A wrong path or a broken file ends the program here. Later faults leave the last good
        // manifests in force. In a store that a team shares, a replica claims its accounts after the
        // store is open; until then it owns none.
        let may_share =
            args.store.shared.url.is_some() && !args.once && !args.reach.sandbox.is_on();
        let kept = match may_share {
            true => KeptAccounts::Only(BTreeSet::new()),
            false => KeptAccounts::All,
        };
        let first = reader(kept).await;
        if first.is_err() {
            return Ok(Exit::Error);
        }
        reader = resume_reader(first, reader);
    }
    let from_git = remote.is_some();
    if let Some(warning) =
        setup::warn_of_any_host(&args.reach).filter(|_| from_git || work_tree::is_ci())
    {
        tracing::warn!(
            code = warning.code,
            hint = warning.hint,
            "{}",
            warning.message
        );
    }
    let secrets = watch_settings(&args.reach, from_git, Arc::default()).secrets;
    let bounds = ConnectionBounds::for_descriptor_limit(limit);
    let endpoints = Endpoints::new(&args.endpoints, secrets, triggers.clone(), bounds).await?;
    let task = Wiring {
        args: &args,
        endpoints,
        remote: remote.as_ref(),
        trial: simulators.server.is_some(),
        reader,
        hints,
        triggers,
    };
    task.run().await
}

/// Returns the settings of one pass; the daemon calls this again for every pass.
///
/// Manifests of a git remote come from every person who may push there. As in CI, they must not choose
/// which files are read: `confine_files` is set, and the working directory is no trusted tree.
fn watch_settings(reach: &Reach, from_git: bool, stop: Arc<AtomicBool>) -> Settings {
    let mut settings = setup::pass_settings(reach, stop);
    if from_git {
        let trust = &mut settings.secrets.trust;
        (trust.confine_files, trust.tree) = (true, None);
    }
    settings
}

/// Starts or finds the simulators for `--sandbox`, and prints the address of those that end with this run.
async fn open_simulators(reach: &Reach) -> CommandResult<RunSimulators> {
    let simulators = simulators::open_simulators(reach).await?;
    if let Some(server) = &simulators.server {
        output::print_note(&format!(
            "The simulators listen on http://{}. To play another admin: PUT /_sandbox/state/VENDOR.",
            server.address()
        ));
    }
    Ok(simulators)
}

/// Returns a reader that answers its first call with `first` and reads anew from then on.
///
/// `run` has already read the manifests to report errors early. The daemon's first pass gets that
/// reading instead of parsing every file a second time.
fn resume_reader(first: FirstRead, mut reader: SourceReader) -> SourceReader {
    let mut first = Some(first);
    Box::new(move |kept| match first.take() {
        Some(answer) => Box::pin(std::future::ready(answer)),
        None => reader(kept),
    })
}

/// The result of the reading that `run` makes before the daemon starts.
type FirstRead = Result<Option<crate::daemon::source::Fetched>, SourceError>;

/// The opened parts of a daemon, ready to be connected to each other and run.
struct Wiring<'a> {
    args: &'a Watch,
    endpoints: Endpoints,
    remote: Option<&'a Remote>,
    /// True if the accounts are simulators that end with this run.
    trial: bool,
    reader: SourceReader,
    hints: mpsc::Receiver<Trigger>,
    /// Held so that the channel stays open when neither a file watch nor a webhook holds a sender.
    triggers: mpsc::Sender<Trigger>,
}

impl Wiring<'_> {
    /// Connects the parts, runs the daemon and shuts the endpoints down after it.
    ///
    /// Without `once` the daemon ends only on request, so the exit is `Exit::Done`. With `once`, a signal's own
    /// exit code takes precedence over the verdict of the pass.
    async fn run(self) -> CommandResult<Exit> {
        let args = self.args;
        let stop: Arc<AtomicBool> = Arc::default();
        let (orders, ordered) = mpsc::channel(4);
        let scratch = self.scratch()?;
        let scratch_journal = scratch.as_ref().map(|dir| dir.path().join("journal"));
        let context = self.context(&stop, scratch_journal).await?;
        let rules = args.rules();
        let board = self.board(rules.mode);
        let engine = Engine::new(rules);
        let (status, _seen) = watch::channel(board.snapshot(&engine));
        let signals = signals::send_orders(Arc::clone(&stop), orders);
        let poll = self.remote.map_or(args.resync, |_| args.interval);
        let sharing = self.sharing(&context);
        let reader = self.endpoints.wrap_reader(self.reader);
        let (asks, requests) = mpsc::channel(WAITING_REQUESTS);
        let shown = page_sources(args, self.remote, &context, asks).await;
        let running = self.endpoints.start(&status, shown);
        let task = DaemonTask {
            engine,
            context: Arc::new(context),
            reader,
            sharing,
            poll,
            log: board,
            status,
            triggers: self.hints,
            commands: ordered,
            requests,
            clock: clock::now,
            chance: Box::new(fastrand::f64),
            once: args.once,
        };
        let end = task.run().await;
        running.shut_down().await;
        drop(self.triggers);
        if !args.once {
            return Ok(Exit::Done);
        }
        watch_once::print_report(&end)?;
        Ok(signals.exit().unwrap_or_else(|| watch_once::exit_of(&end)))
    }

    /// Returns the absolute manifest paths for the journal; empty when they come from a git remote.
    fn paths(&self) -> Vec<String> {
        match self.remote {
            Some(_) => Vec::new(),
            None => state::absolute_paths(&setup::selected_paths(&self.args.selection)),
        }
    }

    /// Returns the names of manifest files. A clone has the name of its remote.
    fn tree_names(&self) -> TreeNames {
        let names = left_objects::tree_names();
        let Some(remote) = self.remote else {
            return names;
        };
        let url = remote.redacted_url();
        let last = url.trim_end_matches('/').rsplit(['/', ':']).next();
        let called = last.map(|name| name.trim_end_matches(".git").to_string());
        TreeNames::new(remote.dir.clone(), Some(remote.dir.clone())).calling_tree(called)
    }

    /// Returns how accounts are divided among replicas; `None` if this process looks after all of them.
    ///
    /// One process looks after all accounts if the store has no roster of replicas (files on this machine), and
    /// with `--once`: a single pass looks at everything and does not wait for other replicas to leave.
    fn sharing(&self, context: &PassContext) -> Option<Sharing> {
        let args = self.args;
        context.queue.store().roster().filter(|_| !args.once)?;
        let group = args.group(self.remote, &self.paths());
        Some(Sharing::new(clock::run_id(), state::replica_name(), group))
    }

    /// Creates the status log with the mode and the source that the status page shows.
    ///
    /// The URL of a remote is shown without its credentials. An empty list of paths is shown as `.`.
    fn board(&self, mode: RunMode) -> StatusLog {
        let (kind, location) = match self.remote {
            Some(remote) => (SourceKind::Git, remote.redacted_url()),
            None => {
                let paths = self.args.selection.paths.iter();
                let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
                let location = if paths.is_empty() {
                    ".".into()
                } else {
                    paths.join(" ")
                };
                (SourceKind::Directory, location)
            }
        };
        StatusLog::new(
            mode,
            kind,
            location,
            self.args.reach.sandbox.is_on(),
            clock::now(),
        )
    }

    /// Creates a temporary directory for the journal of a sandbox run; `None` if the run needs none.
    ///
    /// A trial leaves no trace in the user's journal, but the heal mode needs a journal to heal from.
    /// `--journal` names one explicitly, and then no scratch directory is made.
    fn scratch(&self) -> CommandResult<Option<tempfile::TempDir>> {
        let needed = self.trial && self.args.store.journal.is_none();
        Ok(if needed {
            Some(tempfile::tempdir()?)
        } else {
            None
        })
    }

    /// Opens the store, reads its memory and builds the context that all passes share.
    ///
    /// `scratch` is the journal path of a sandbox run without `--journal`. A sandbox run never opens the
    /// team's store. The heal mode needs the values that were last applied; for the other modes hashes
    /// are enough.
    async fn context(
        &self,
        stop: &Arc<AtomicBool>,
        scratch: Option<PathBuf>,
    ) -> CommandResult<PassContext> {
        let args = match (scratch, self.args.reach.sandbox.is_on()) {
            (None, false) => self.args.store.clone(),
            (None, true) => self.args.store.local(),
            (Some(journal), _) => StoreArgs {
                journal: Some(journal),
                ..self.args.store.local()
            },
        };
        let store = stores::open_store(&args, Access::Write).await?;
        let detail = match self.args.mode {
            RunMode::Heal => Detail::Values,
            RunMode::Observe | RunMode::Sync => Detail::Agreements,
        };
        // A store that keeps accounts apart returns no records here, since no account is named: which
        // accounts count is known once the manifests are read.
        let scope = RunScope::new(args.scope.clone());
        let memory = stores::read_memory(&*store, scope.reader(), &[], detail).await?;
        for open in memory.open() {
            let (address, at) = (&open.intent.address, &open.at);
            tracing::warn!(address, at, "a run was cut off while it wrote this object");
        }
        let reach = self.args.reach.clone();
        let checks = self.args.checks.of_writes();
        let opened = command_run::opened_accounts();
        let budgets = Budgets {
            store: (!self.trial).then(|| Arc::clone(&store)),
            processes: args.shared.share,
        };
        let (from_git, stop) = (self.remote.is_some(), Arc::clone(stop));
        Ok(PassContext {
            settings: Box::new(move || Settings {
                budgets: budgets.clone(),
                checks,
                opened: opened.clone(),
                ..watch_settings(&reach, from_git, Arc::clone(&stop))
            }),
            queue: stores::open_queue(&args, store, &clock::run_id())?,
            shared: !self.trial,
            scope: Arc::new(scope),
            author: find_actor(),
            lease_holder: Box::new(state::lease_holder),
            paths: self.paths(),
            files: self.tree_names(),
            memory: AsyncMutex::new(Arc::new(memory)),
            read_back: Mutex::default(),
            known_warnings: Mutex::default(),
        })
    }
}
