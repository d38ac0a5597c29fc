//! `entitle watch`: the daemon, wired up.

use crate::daemon::source::SourceError;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use super::args::{Reach, StoreArgs};
use super::endpoints::Endpoints;
use super::exit::Exit;
use super::stores::{self, Access};
use super::watch_args::Watch;
use super::watch_source::{ManifestSource, source_reader};
use super::{output, sessions, setup, signals, simulators, state, watch_once};
use crate::apply::memory::Detail;
use crate::apply::{Budgets, clock};
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::daemon::descriptors;
use crate::daemon::engine::Engine;
use crate::daemon::mode::RunMode;
use crate::daemon::pass::PassContext;
use crate::daemon::serve::ConnectionBounds;
use crate::daemon::sharing::Sharing;
use crate::daemon::source::directory;
use crate::daemon::source::git::Remote;
use crate::daemon::status::SourceKind;
use crate::daemon::status_log::StatusLog;
use crate::daemon::task::{DaemonTask, SourceReader};
use crate::daemon::trigger::Trigger;
use crate::reconcile::{CheckOptions, KeptAccounts, Settings};
use crate::sandbox::{self, SandboxServer};

/// Hints that wait at most: more would say nothing more.
const HINTS: usize = 1024;

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
    let sandbox = start_sandbox(&args.reach).await?;
    let options = CheckOptions {
        need_connections: true,
        simulators: sandbox.as_ref().map(simulators::stand_ins),
    };
    let place = match &remote {
        Some(remote) => ManifestSource::Git(remote.clone()),
        None => ManifestSource::Files(args.selection.paths.clone()),
    };
    let (triggers, hints) = mpsc::channel(HINTS);
    // The watch begins before the first reading, so that nothing saved in between is missed.
    let _following = match &remote {
        Some(_) => None,
        None => {
            let following =
                directory::follow_paths(&args.selection.paths, args.poll, triggers.clone());
            Some(following?)
        }
    };
    let mut reader = source_reader(
        place,
        &args.selection,
        options,
        args.logs_json(),
        args.reach.time.timeout,
    )?;
    if remote.is_none() {
        // A wrong path or a broken file is told at once; later ones leave the last good manifests in force.
        // Accounts of a store that a team shares are claimed once it is open; until then none is ours.
        let may_share = args.store.shared.url.is_some() && !args.once && !args.reach.sandbox;
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
        setup::warn_of_any_host(&args.reach).filter(|_| from_git || setup::is_ci())
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
    let surface = Endpoints::new(&args.surface, secrets, triggers.clone(), bounds).await?;
    let task = Wiring {
        args: &args,
        surface,
        remote: remote.as_ref(),
        sandboxed: sandbox.is_some(),
        reader,
        hints,
        triggers,
    };
    task.run().await
}

/// What a pass needs. Manifests of a remote come from whoever may push there: as in CI, they do not choose which
/// files are read, and the directory that the daemon was started in is nothing to them.
fn watch_settings(reach: &Reach, from_git: bool, stop: Arc<AtomicBool>) -> Settings {
    let mut settings = setup::pass_settings(reach, stop);
    if from_git {
        let trust = &mut settings.secrets.trust;
        (trust.confine_files, trust.tree) = (true, None);
    }
    settings
}

async fn start_sandbox(reach: &Reach) -> CommandResult<Option<SandboxServer>> {
    if !reach.sandbox {
        return Ok(None);
    }
    let options = sandbox::Options {
        faults: reach.faults.clone(),
        ..sandbox::Options::default()
    };
    let sandbox = SandboxServer::start(options).await?;
    output::print_note(&format!(
        "The simulators listen on http://{}. To play another admin: PUT /_sandbox/state/VENDOR.",
        sandbox.address()
    ));
    Ok(Some(sandbox))
}

/// A reader whose first answer is known.
fn resume_reader(first: FirstRead, mut reader: SourceReader) -> SourceReader {
    let mut first = Some(first);
    Box::new(move |kept| match first.take() {
        Some(answer) => Box::pin(std::future::ready(answer)),
        None => reader(kept),
    })
}

type FirstRead = Result<Option<crate::daemon::task::Fetched>, SourceError>;

struct Wiring<'a> {
    args: &'a Watch,
    surface: Endpoints,
    remote: Option<&'a Remote>,
    sandboxed: bool,
    reader: SourceReader,
    hints: mpsc::Receiver<Trigger>,
    /// Kept, so that the channel stays open when nobody sends hints.
    triggers: mpsc::Sender<Trigger>,
}

impl Wiring<'_> {
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
        let reader = self.surface.wrap_reader(self.reader);
        let running = self.surface.start(&status);
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

    /// Where the manifests are, for the journal; nothing where they come from a repository.
    fn paths(&self) -> Vec<String> {
        match self.remote {
            Some(_) => Vec::new(),
            None => state::absolute_paths(&setup::selected_paths(&self.args.selection)),
        }
    }

    /// Shares accounts out where the store knows of replicas. Who looks once looks at everything.
    fn sharing(&self, context: &PassContext) -> Option<Sharing> {
        let args = self.args;
        context.queue.store().roster().filter(|_| !args.once)?;
        let group = args.group(self.remote, &self.paths());
        Some(Sharing::new(clock::run_id(), state::replica_name(), group))
    }

    fn board(&self, mode: RunMode) -> StatusLog {
        let (kind, place) = match self.remote {
            Some(remote) => (SourceKind::Git, remote.redacted_url()),
            None => {
                let paths = self.args.selection.paths.iter();
                let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
                let place = if paths.is_empty() {
                    ".".into()
                } else {
                    paths.join(" ")
                };
                (SourceKind::Directory, place)
            }
        };
        StatusLog::new(mode, kind, place, self.sandboxed, clock::now())
    }

    /// A trial leaves no trace, but healing needs a journal to heal from.
    fn scratch(&self) -> CommandResult<Option<tempfile::TempDir>> {
        let needed = self.sandboxed && self.args.store.journal.is_none();
        Ok(if needed {
            Some(tempfile::tempdir()?)
        } else {
            None
        })
    }

    async fn context(
        &self,
        stop: &Arc<AtomicBool>,
        scratch: Option<PathBuf>,
    ) -> CommandResult<PassContext> {
        let args = match (scratch, self.sandboxed) {
            (None, false) => self.args.store.clone(),
            (None, true) => self.args.store.own(),
            (Some(journal), _) => StoreArgs {
                journal: Some(journal),
                ..self.args.store.own()
            },
        };
        let store = stores::open_store(&args, Access::Write).await?;
        let detail = match self.args.mode {
            RunMode::Heal => Detail::Values,
            RunMode::Observe | RunMode::Sync => Detail::Agreements,
        };
        // Of a store that keeps accounts apart this reads nothing: whose they are, the manifests tell.
        let memory = stores::read_memory(&*store, &[], detail).await?;
        for open in memory.open() {
            let (address, at) = (&open.intent.address, &open.at);
            tracing::warn!(address, at, "a run was cut off while it wrote this object");
        }
        let reach = self.args.reach.clone();
        let checks = self.args.checks.of_writes();
        let opened = sessions::opened_accounts();
        let budgets = Budgets {
            store: (!self.sandboxed).then(|| Arc::clone(&store)),
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
            shared: !self.sandboxed,
            scope: args.scope.clone(),
            author: state::find_actor(),
            lease_holder: Box::new(state::lease_holder),
            paths: self.paths(),
            memory: AsyncMutex::new(Arc::new(memory)),
            read_back: Mutex::default(),
            known_warnings: Mutex::default(),
        })
    }
}
