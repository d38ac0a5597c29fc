//! The simulators that `--sandbox` names, and connections that lead to them with the sandbox's own credentials.
//!
//! In: the choice that was typed. Out: simulators of this run, or those of a sandbox that runs already, and one
//! `Connection` per vendor, which the checks use in place of those of the manifests. No real credential is read
//! here, and none of these connections leaves this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::args::Reach;
use super::sandbox_choice::SandboxChoice;
use crate::cli::error::{CommandResult, bail};
use crate::model::connection::Credential;
use crate::model::diagnostic::Source;
use crate::model::{Auth, Connection, Limits, Mark, Origin, SecretRef};
use crate::provider;
use crate::reconcile::Simulators;
use crate::sandbox::{self, SandboxServer, credentials};

/// How long a sandbox on this machine may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// The simulators of a run.
pub struct RunSimulators {
    /// The simulators that connections lead to; `None` without `--sandbox`.
    pub stand_ins: Option<Simulators>,
    /// The simulators of this run, which stop when this is dropped; `None` for a sandbox that goes on.
    pub server: Option<SandboxServer>,
}

/// Starts the simulators for `--sandbox`, or looks for those at the address that it names.
///
/// Returns `Err` if nothing listens there, or for `--faults`, which a running sandbox is started with.
pub async fn open_simulators(reach: &Reach) -> CommandResult<RunSimulators> {
    let (address, server) = match reach.sandbox {
        SandboxChoice::Off => {
            return Ok(RunSimulators {
                stand_ins: None,
                server: None,
            });
        }
        SandboxChoice::BuiltIn => {
            let options = sandbox::Options {
                faults: reach.faults.clone(),
                ..sandbox::Options::default()
            };
            let server = SandboxServer::start(options).await?;
            (server.address(), Some(server))
        }
        SandboxChoice::Running(address) => {
            if reach.faults.is_some() {
                bail!("--faults is for simulators of this run: give it to `entitle sandbox`");
            }
            find_running(address).await?;
            (address, None)
        }
    };
    let stand_ins = Some(Simulators {
        connections: stand_ins(address),
        end_with_run: server.is_some(),
    });
    Ok(RunSimulators { stand_ins, server })
}

/// Returns `Err`, with the command to start a sandbox, if nothing listens at `address`.
async fn find_running(address: SocketAddr) -> CommandResult<()> {
    let answered = timeout(PATIENCE, TcpStream::connect(address)).await;
    if !answered.is_ok_and(|connected| connected.is_ok()) {
        bail!(
            "no sandbox answers at {address}: start one in another terminal with `entitle sandbox --listen {address}`"
        );
    }
    Ok(())
}

/// Returns one connection per vendor that leads to its simulator in the sandbox at `address`.
///
/// A vendor with several accepted credentials gets the first one; a vendor for which the sandbox
/// publishes none gets no connection.
///
/// A connection is named as its vendor is, has no limits on rates, and waits 30 s for an answer. Its
/// secrets are `SecretRef::Known`: the published texts of the simulators, for which no environment
/// variable or file is read.
pub fn stand_ins(address: SocketAddr) -> Vec<Connection> {
    let source = Arc::new(Source::new("<sandbox>".into(), String::new()));
    provider::ALL
        .iter()
        .filter_map(|provider| {
            let vendor = provider.vendor();
            let credential = credentials::credentials_of(vendor.0).next()?;
            let known = |(name, text): &(&'static str, &'static str)| {
                (*name, Credential::Secret(SecretRef::Known(text)))
            };
            let (_, first) = credential.values.first()?;
            let auth = match credential.form {
                "token" => Auth::Token(SecretRef::Known(first)),
                "apiKey" => Auth::ApiKey(SecretRef::Known(first)),
                "session" => Auth::Session(SecretRef::Known(first)),
                _ => Auth::Login(credential.values.iter().map(known).collect()),
            };
            let base_url = format!("http://{address}{}", credential.base);
            Some(Connection {
                name: vendor.0.to_string(),
                vendor,
                base_url: base_url.parse().ok()?,
                auth,
                limits: Limits {
                    concurrency: 0,
                    rates: Vec::new(),
                },
                timeout: Duration::from_secs(30),
                webhook_secret: None,
                marks: crate::model::connection::MemberMarks::default(),
                allow_insecure_http: false,
                origin: Origin {
                    source: Arc::clone(&source),
                    mark: Mark::default(),
                },
            })
        })
        .collect()
}
