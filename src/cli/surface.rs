//! How the daemon is reached and whom it tells: `watch`'s HTTP server and notifications, wired up.
//!
//! Nothing is opened unless `--listen` says where.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use url::Url;

use crate::apply::Secrets;
use crate::apply::clock;
use crate::apply::secrets::read_named_file;
use crate::cli::error::{CommandResult, Context};
use crate::daemon::hooks::{Hooks, Keys};
use crate::daemon::notices::{self, Telling};
use crate::daemon::serve::{self, Bounds, Serving, guard};
use crate::daemon::status::Status;
use crate::daemon::task::Reader;
use crate::daemon::trigger::Trigger;
use crate::model::{Notification, SecretText};
use crate::reconcile::Checked;

/// How long answers under way and last notices may take after the loop has ended.
const GRACE: Duration = Duration::from_secs(6);

#[derive(Args)]
pub struct SurfaceArgs {
    /// Serve the status page, metrics, health and webhooks here, for example 127.0.0.1:8900
    #[arg(long, value_name = "ADDR", env = "ENTITLE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Token for everything but health and webhooks; needed where other machines can reach ADDR
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ENTITLE_LISTEN_TOKEN",
        hide_env_values = true,
        requires = "listen"
    )]
    listen_token: Option<String>,
    /// File with that token
    #[arg(
        long,
        value_name = "FILE",
        env = "ENTITLE_LISTEN_TOKEN_FILE",
        conflicts_with = "listen_token",
        requires = "listen"
    )]
    listen_token_file: Option<PathBuf>,
    /// Secret that the git host signs its push hook with, for POST /hooks/git
    #[arg(
        long,
        value_name = "SECRET",
        env = "ENTITLE_GIT_HOOK_SECRET",
        hide_env_values = true,
        requires = "listen"
    )]
    git_hook_secret: Option<String>,
    /// File with that secret
    #[arg(
        long,
        value_name = "FILE",
        env = "ENTITLE_GIT_HOOK_SECRET_FILE",
        conflicts_with = "git_hook_secret",
        requires = "listen"
    )]
    git_hook_secret_file: Option<PathBuf>,
    /// Where people reach the status page, for the links in notifications
    #[arg(long, value_name = "URL", env = "ENTITLE_PAGE_URL")]
    page_url: Option<Url>,
}

/// What was typed, checked, with its port open.
pub struct Surface {
    listener: Option<TcpListener>,
    token: Option<SecretText>,
    git: Option<SecretText>,
    page: Option<Url>,
    hooks: Arc<Hooks>,
    told: watch::Sender<Vec<Notification>>,
    secrets: Secrets,
    bounds: Bounds,
}

/// What runs beside the loop.
pub struct Running {
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
    notices: tokio::task::JoinHandle<()>,
}

impl Surface {
    /// Opens the port before anything else happens, so that one that is taken is told at once.
    pub async fn new(
        args: &SurfaceArgs,
        secrets: Secrets,
        triggers: mpsc::Sender<Trigger>,
        bounds: Bounds,
    ) -> CommandResult<Self> {
        let token = secret(args.listen_token.as_ref(), args.listen_token_file.as_ref())?;
        let git = secret(
            args.git_hook_secret.as_ref(),
            args.git_hook_secret_file.as_ref(),
        )?;
        let listener = match args.listen {
            None => None,
            Some(address) => {
                guard::check_listen(address, token.as_ref())?;
                let bound = TcpListener::bind(address).await;
                Some(bound.with_context(|| format!("cannot listen on {address}"))?)
            }
        };
        Ok(Self {
            listener,
            token,
            git,
            page: args.page_url.clone(),
            hooks: Arc::new(Hooks::new(Keys::default(), triggers)),
            told: watch::channel(Vec::new()).0,
            secrets,
            bounds,
        })
    }

    /// A reader that also puts the webhook secrets and notifications of what it read in force.
    pub fn follow(&self, mut reader: Reader) -> Reader {
        let keeper = Arc::new(Keeper {
            hooks: Arc::clone(&self.hooks),
            told: self.told.clone(),
            git: self.git.clone(),
            secrets: self.secrets.clone(),
            listening: self.listener.is_some(),
            faults: Mutex::default(),
        });
        Box::new(move |kept| {
            let (keeper, reading) = (Arc::clone(&keeper), reader(kept));
            Box::pin(async move {
                let read = reading.await;
                if let Ok(Some(fetched)) = &read {
                    keeper.put_in_force(&fetched.checked).await;
                }
                read
            })
        })
    }

    /// Starts serving and telling.
    pub fn start(self, status: &watch::Sender<Arc<Status>>) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, secrets, page) = (self.told.subscribe(), self.secrets.clone(), self.page);
        let notices = tokio::spawn(tell(told, status.subscribe(), secrets, page));
        let serving = Serving {
            status: status.subscribe(),
            hooks: self.hooks,
            token: self.token,
            clock: clock::now,
            bounds: self.bounds,
        };
        let server = tokio::spawn(async move {
            let Some(listener) = self.listener else {
                return;
            };
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "serving the status page, metrics and webhooks");
            }
            let ended = serve::serve(listener, serving, async {
                let _ = stopped.await;
            });
            if let Err(error) = ended.await {
                tracing::error!(%error, "the server ended");
            }
        });
        Running {
            stop,
            server,
            notices,
        }
    }
}

impl Running {
    /// Ends both, and waits for neither longer than a moment.
    pub async fn end(self) {
        let _ = self.stop.send(());
        let both = async {
            let _ = self.notices.await;
            let _ = self.server.await;
        };
        let _ = tokio::time::timeout(GRACE, both).await;
    }
}

/// Takes over what newer manifests say about webhooks and notifications.
struct Keeper {
    hooks: Arc<Hooks>,
    told: watch::Sender<Vec<Notification>>,
    git: Option<SecretText>,
    secrets: Secrets,
    listening: bool,
    faults: Mutex<Vec<String>>,
}

impl Keeper {
    async fn put_in_force(&self, checked: &Checked) {
        // Without a port no webhook arrives, and no secret is looked up for it.
        if self.listening {
            let connections = checked.connections.values();
            let (keys, faults) = Keys::resolve(connections, self.git.clone(), &self.secrets).await;
            self.hooks.replace(keys);
            let mut known = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if *known != faults {
                faults
                    .iter()
                    .for_each(|why| tracing::warn!(why, "a webhook cannot be taken"));
                *known = faults;
            }
        }
        self.told.send_if_modified(|told| {
            let other = *told != checked.notifications;
            if other {
                told.clone_from(&checked.notifications);
            }
            other
        });
    }
}

/// Tells whom the manifests in force name, until the loop ends.
async fn tell(
    mut told: watch::Receiver<Vec<Notification>>,
    status: watch::Receiver<Arc<Status>>,
    secrets: Secrets,
    page: Option<Url>,
) {
    loop {
        let notifications = told.borrow_and_update().clone();
        let quiet = notifications.is_empty();
        let telling = notices::run(Telling {
            status: status.clone(),
            notifications,
            secrets: secrets.clone(),
            page: page.clone(),
            clock: clock::now,
        });
        // Cancel-safe: what an abandoned follower had not told is told by none; its receiver may be gone.
        tokio::select! {
            () = telling, if !quiet => return,
            other = told.changed() => if other.is_err() { return },
        }
    }
}

/// A secret of the daemon's own.
fn secret(text: Option<&String>, file: Option<&PathBuf>) -> CommandResult<Option<SecretText>> {
    match (text, file) {
        (Some(text), _) => Ok(Some(SecretText::from(text.clone()))),
        (None, Some(path)) => {
            let found = read_named_file(path)?;
            Ok(Some(found))
        }
        (None, None) => Ok(None),
    }
}
