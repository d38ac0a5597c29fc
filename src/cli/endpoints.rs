//! The HTTP server and the notifications of `watch`, wired to the daemon.
//!
//! In: the flags, and the status that the daemon publishes. Out: an open port and running tasks. No port
//! is opened unless `--listen` names one. Routes and messages are defined in `daemon::serve` and
//! `daemon::notices`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use url::Url;
use uuid::Uuid;

use super::secret_flags::secret_flags;
use super::values::{parse_listen_address, parse_page_url};
use crate::apply::Secrets;
use crate::apply::clock;
use crate::cli::error::{CommandResult, Context, bail, user_error};
use crate::daemon::hooks::{Hooks, WebhookSecrets};
use crate::daemon::notices::{self, NotifierConfig};
use crate::daemon::requests::DaemonHandle;
use crate::daemon::serve::{
    self, ActionAccess, ConnectionBounds, HeaderName, ServerConfig, access,
};
use crate::daemon::status::Status;
use crate::daemon::task::SourceReader;
use crate::daemon::trigger::Trigger;
use crate::daemon::window::ChangeWindow;
use crate::model::{Notification, SecretText};
use crate::reconcile::Checked;
use crate::render::source_host::SourceHost;

/// How long replies under way and last notices may take after the loop has ended.
const GRACE: Duration = Duration::from_secs(6);

secret_flags!(
    /// The token that readers of the page need.
    ListenToken,
    listen_token("TOKEN", "ENTITLE_LISTEN_TOKEN"):
        "Token for everything but health and webhooks; needed where other machines can reach ADDR",
    listen_token_file("ENTITLE_LISTEN_TOKEN_FILE"): "File with that token",
    requires "listen"
);

secret_flags!(
    /// The secret that the git host signs its hook with.
    GitHookSecret,
    git_hook_secret("SECRET", "ENTITLE_GIT_HOOK_SECRET"):
        "Secret that the git host signs its push hook with, for POST /hooks/git",
    git_hook_secret_file("ENTITLE_GIT_HOOK_SECRET_FILE"): "File with that secret",
    requires "listen"
);

secret_flags!(
    /// The token that people need who act on the page.
    ActionsToken,
    actions_token("TOKEN", "ENTITLE_ACTIONS_TOKEN"):
        "Second token, for actions only: it is asked for with a name, and opens a session",
    actions_token_file("ENTITLE_ACTIONS_TOKEN_FILE"): "File with that token",
    requires "allow_actions"
);

#[derive(Args)]
pub struct EndpointArgs {
    /// Serve the status page, metrics, health and webhooks here, for example 127.0.0.1:8900
    #[arg(long, value_name = "ADDR", env = "ENTITLE_LISTEN", value_parser = parse_listen_address)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    listen_token: ListenToken,
    #[command(flatten)]
    git_hook_secret: GitHookSecret,
    /// Where people reach the status page, for the links in notifications and the origin of its forms
    #[arg(long, value_name = "URL", env = "ENTITLE_PAGE_URL", value_parser = parse_page_url)]
    page_url: Option<Url>,
    /// Let people who are known ask for things on the page: looks, suspensions, approvals of held-back changes
    #[arg(long, env = "ENTITLE_ALLOW_ACTIONS", requires = "listen")]
    allow_actions: bool,
    #[command(flatten)]
    actions_token: ActionsToken,
    /// Header in which a proxy names who is signed in, for example X-Forwarded-Email; only where nobody reaches ADDR past
    /// the proxy
    #[arg(
        long,
        value_name = "HEADER",
        env = "ENTITLE_ACTOR_HEADER",
        requires = "allow_actions"
    )]
    actor_header: Option<String>,
}

/// The checked flags and the open port, before the server runs.
pub struct Endpoints {
    listener: Option<TcpListener>,
    token: Option<SecretText>,
    git_secret: Option<SecretText>,
    page_url: Option<Url>,
    actions: Option<ActionAccess>,
    hooks: Arc<Hooks>,
    notifications: watch::Sender<Vec<Notification>>,
    secrets: Secrets,
    bounds: ConnectionBounds,
}

/// The values that the status page needs beside the status.
pub struct PageSources {
    pub daemon: DaemonHandle,
    pub windows: Vec<ChangeWindow>,
    /// The git host of the manifests; `None` if it is not known.
    pub source_host: Option<SourceHost>,
}

/// The server and the notifiers, which run beside the daemon's loop until `shut_down`.
pub struct RunningEndpoints {
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
    notices: tokio::task::JoinHandle<()>,
}

impl Endpoints {
    /// Checks the flags and opens the port, before anything else of the daemon happens.
    ///
    /// Returns `Err` for a port in use, a secret file that cannot be read, and an address that other
    /// machines can reach without a token.
    pub async fn new(
        args: &EndpointArgs,
        secrets: Secrets,
        triggers: mpsc::Sender<Trigger>,
        bounds: ConnectionBounds,
    ) -> CommandResult<Self> {
        let token = args.listen_token.read()?;
        let git = args.git_hook_secret.read()?;
        let actions = action_access(args, token.as_ref())?;
        let listener = match args.listen {
            None => None,
            Some(address) => {
                access::check_listen(address, token.as_ref())?;
                let bound = TcpListener::bind(address).await;
                Some(bound.with_context(|| format!("cannot listen on {address}"))?)
            }
        };
        Ok(Self {
            listener,
            token,
            git_secret: git,
            page_url: args.page_url.clone(),
            actions,
            hooks: Arc::new(Hooks::new(WebhookSecrets::default(), triggers)),
            notifications: watch::channel(Vec::new()).0,
            secrets,
            bounds,
        })
    }

    /// Returns a reader that also puts the webhook secrets and notifications of the manifests it read in force.
    pub fn wrap_reader(&self, mut reader: SourceReader) -> SourceReader {
        let keeper = Arc::new(EndpointUpdater {
            hooks: Arc::clone(&self.hooks),
            notifications: self.notifications.clone(),
            git_secret: self.git_secret.clone(),
            secrets: self.secrets.clone(),
            listening: self.listener.is_some(),
            faults: Mutex::default(),
        });
        Box::new(move |kept| {
            let (keeper, reading) = (Arc::clone(&keeper), reader(kept));
            Box::pin(async move {
                let read = reading.await;
                if let Ok(Some(fetched)) = &read {
                    keeper.apply_manifests(&fetched.checked).await;
                }
                read
            })
        })
    }

    /// Starts the server, if a port is open, and the notifiers. `shown` is what the page needs beside the status.
    pub fn start(
        self,
        status: &watch::Sender<Arc<Status>>,
        shown: PageSources,
    ) -> RunningEndpoints {
        let (stop, stopped) = oneshot::channel::<()>();
        let (current, secrets, page) = (
            self.notifications.subscribe(),
            self.secrets.clone(),
            self.page_url,
        );
        let notices = tokio::spawn(run_notices(current, status.subscribe(), secrets, page));
        let serving = ServerConfig {
            status: status.subscribe(),
            hooks: self.hooks,
            token: self.token,
            daemon: shown.daemon,
            actions: self.actions,
            windows: shown.windows,
            source_host: shown.source_host,
            clock: clock::now,
            nonce: random_text,
            bounds: self.bounds,
        };
        let server = tokio::spawn(async move {
            let Some(listener) = self.listener else {
                return;
            };
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "serving the status page, metrics and webhooks");
            }
            let ended = serve::run_server(listener, serving, async {
                let _ = stopped.await;
            });
            if let Err(error) = ended.await {
                tracing::error!(%error, "the server ended");
            }
        });
        RunningEndpoints {
            stop,
            server,
            notices,
        }
    }
}

impl RunningEndpoints {
    /// Ends the server and the notifiers, and waits for them no longer than `GRACE`.
    pub async fn shut_down(self) {
        let _ = self.stop.send(());
        let both = async {
            let _ = self.notices.await;
            let _ = self.server.await;
        };
        let _ = tokio::time::timeout(GRACE, both).await;
    }
}

/// Puts the webhook secrets and notifications of newer manifests in force.
struct EndpointUpdater {
    hooks: Arc<Hooks>,
    notifications: watch::Sender<Vec<Notification>>,
    git_secret: Option<SecretText>,
    secrets: Secrets,
    listening: bool,
    faults: Mutex<Vec<String>>,
}

impl EndpointUpdater {
    /// Resolves the webhook secrets of the manifests and replaces those in force; likewise the notifications.
    async fn apply_manifests(&self, checked: &Checked) {
        // Without a port no webhook arrives, so no secret is resolved for one.
        if self.listening {
            let connections = checked.connections.values();
            let (keys, faults) =
                WebhookSecrets::resolve(connections, self.git_secret.clone(), &self.secrets).await;
            self.hooks.replace_secrets(keys);
            let mut known = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if *known != faults {
                faults
                    .iter()
                    .for_each(|why| tracing::warn!(why, "a webhook cannot be taken"));
                *known = faults;
            }
        }
        self.notifications.send_if_modified(|current| {
            let other = *current != checked.notifications;
            if other {
                current.clone_from(&checked.notifications);
            }
            other
        });
    }
}

/// Runs the notifiers of the notifications in force, until the loop ends.
///
/// New notifications end the old notifiers and start others.
async fn run_notices(
    mut current: watch::Receiver<Vec<Notification>>,
    status: watch::Receiver<Arc<Status>>,
    secrets: Secrets,
    page: Option<Url>,
) {
    loop {
        let notifications = current.borrow_and_update().clone();
        let quiet = notifications.is_empty();
        let telling = notices::run_notifiers(NotifierConfig {
            status: status.clone(),
            notifications,
            secrets: secrets.clone(),
            page: page.clone(),
            clock: clock::now,
        });
        // Cancel-safe: a message that an abandoned notifier has not delivered is dropped, since the new manifests may
        // not name its receiver any more.
        tokio::select! {
            () = telling, if !quiet => return,
            other = current.changed() => if other.is_err() { return },
        }
    }
}

/// Returns the rules by which people may send requests from the page; `None` without `--allow-actions`.
///
/// `Err` if neither a token nor a header is given to identify people, if the token is easy to guess, and if it equals
/// `--listen-token`, which every reader of the page has.
fn action_access(
    args: &EndpointArgs,
    listen_token: Option<&SecretText>,
) -> CommandResult<Option<ActionAccess>> {
    if !args.allow_actions {
        return Ok(None);
    }
    let token = args.actions_token.read()?;
    if let Some(token) = &token {
        access::check_token(token, "--actions-token")?;
        if listen_token.is_some_and(|listen| listen.expose_secret() == token.expose_secret()) {
            bail!(
                "--actions-token is the same as --listen-token, so that everybody who may look could act: give another"
            );
        }
    }
    let header = args
        .actor_header
        .as_ref()
        .map(|name| HeaderName::from_bytes(name.as_bytes()));
    let header = header.transpose().map_err(|_| {
        user_error("--actor-header is no name of a header such as X-Forwarded-Email")
    })?;
    if token.is_none() && header.is_none() {
        bail!(
            "--allow-actions needs to know who acts: give --actions-token, or --actor-header behind a proxy that signs people in"
        );
    }
    let origin = args
        .page_url
        .as_ref()
        .map(|url| url.origin().ascii_serialization());
    let mut key = [0; 32];
    let (first, second) = key.split_at_mut(16);
    first.copy_from_slice(Uuid::new_v4().as_bytes());
    second.copy_from_slice(Uuid::new_v4().as_bytes());
    Ok(Some(ActionAccess {
        token,
        header,
        page_origin: origin,
        key,
    }))
}

/// Returns a random text that cannot be guessed.
fn random_text() -> String {
    Uuid::new_v4().simple().to_string()
}
