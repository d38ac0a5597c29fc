//! The built-in simulators of the five vendor APIs: every vendor on one loopback port, no account needed.
//!
//! ```text
//!   HTTP ──► server ──► host ──► one simulator per vendor   /cryptlex /informatica /licensespring /alinea /lac
//!              │          ▲
//!              └► control ┘   /_sandbox/…: state, switches, clock, faults, record
//! ```
//!
//! - [`simulator`] says what a vendor is: HTTP as data in, HTTP as data out, over an account in memory. A
//!   simulator is synchronous and knows no socket and no clock, so its rules are tested by calling it.
//! - One file or folder per vendor holds its rules and its seed, written from the vendor's published pages.
//!   Nothing here shares code with `provider`: a fake driven by the field tables would only prove that the
//!   tables agree with themselves. What the pages leave open is a *switch*, whose default is the most
//!   plausible reading; tests of the client turn it to the others.
//! - `host` routes by the first path segment, holds one lock per simulator, moves the clock and keeps the
//!   `request_record` of requests without their credentials. It can be used without a socket.
//! - `fault_injector` stands before a simulator and lets calls go wrong: on demand ([`ScriptedFault`]), or by [`FaultPlan`],
//!   in which case `fault_schedule` says which call meets which of the faults. `fault_replies`, `lagging_replica` and `foreign_edits` hold
//!   what such calls meet: replies that are none, reads that lag, edits by others.
//! - `server` is the only file that knows axum, but for `connection_count`, which counts connections. `control` serves the same handles to other processes.
//! - [`population`] makes accounts as large as real ones, and manifests for them; `layered_object` keeps what their
//!   objects share once.
//! - [`strict_json`] is strict reading of JSON bodies; [`credentials`] lists the fake logins; `pseudo_random` makes ids.
//!
//! To add a vendor: its file, its `pub mod` line and its line in `VENDORS`, its rows in `credentials`.

pub mod alinea;
mod body_schema;
mod connection_count;
mod control;
pub mod credentials;
pub mod cryptlex;
mod fault_injector;
mod fault_plan;
mod fault_replies;
mod fault_schedule;
mod foreign_edits;
mod host;
pub mod informatica;
pub mod lac;
mod lagging_replica;
mod layered_object;
pub mod licensespring;
pub mod population;
mod pseudo_random;
mod request_record;
mod server;
pub mod simulator;
pub mod strict_json;
mod wire;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use credentials::{CREDENTIALS, SandboxCredential};
pub use fault_injector::ScriptedFault;
pub use fault_plan::FaultPlan;
pub use population::Population;
pub use request_record::{ForeignEdit, RecordedRequest};

use connection_count::CountingListener;
use host::{IncomingRequest, SimulatedVendor, SimulatorHost};
use simulator::HttpReply;

/// Every vendor the sandbox serves.
#[rustfmt::skip]
const VENDORS: &[SimulatedVendor] = &[
    SimulatedVendor { prefix: "alinea", seeded: || Box::new(alinea::Alinea::seeded()) },
    SimulatedVendor { prefix: "cryptlex", seeded: || Box::new(cryptlex::Cryptlex::seeded()) },
    SimulatedVendor { prefix: "informatica", seeded: || Box::new(informatica::Informatica::seeded()) },
    SimulatedVendor { prefix: "lac", seeded: || Box::new(lac::Lac::seeded()) },
    SimulatedVendor { prefix: "licensespring", seeded: || Box::new(licensespring::LicenseSpring::seeded()) },
];

/// Where to listen and how slow to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port 0 takes a free one; [`SandboxServer::address`] tells which.
    pub listen: SocketAddr,
    /// How long every vendor reply is held back; requests wait side by side.
    pub latency: Duration,
    /// Faults to inject into vendor replies.
    pub faults: Option<FaultPlan>,
    /// Objects beside those of the published examples.
    pub population: Population,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            latency: Duration::ZERO,
            faults: None,
            population: Population::default(),
        }
    }
}

/// How long [`SandboxServer::stop`] waits for requests in flight; idle connections close at once.
const STOP_GRACE: Duration = Duration::from_millis(250);

/// A running sandbox, seeded; dropping it stops it too.
pub struct SandboxServer {
    address: SocketAddr,
    host: Arc<SimulatorHost>,
    /// Dropped to end the serving task gracefully.
    stopper: oneshot::Sender<()>,
    task: JoinHandle<()>,
    open: connection_count::ConnectionCount,
}

impl SandboxServer {
    /// Starts serving on the current tokio runtime.
    pub async fn start(options: Options) -> io::Result<Self> {
        Self::start_with(options, VENDORS).await
    }

    async fn start_with(options: Options, vendors: &[SimulatedVendor]) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let host = Arc::new(SimulatorHost::new(
            vendors,
            options.faults,
            options.population,
        ));
        let (stopper, stopped) = oneshot::channel();
        let open = connection_count::ConnectionCount::default();
        let listener = CountingListener {
            listener,
            open: open.clone(),
        };
        let serving = server::serve_http(listener, Arc::clone(&host), options.latency, async {
            // An error means that the sender was dropped, which asks for the same.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the sandbox stopped serving");
            }
        });
        Ok(Self {
            address,
            host,
            stopper,
            task,
            open,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of a vendor, for example `http://127.0.0.1:4711/lac`.
    pub fn url(&self, prefix: &str) -> String {
        format!("http://{}/{prefix}", self.address)
    }

    /// The vendors served, in the order of the index.
    pub fn vendors(&self) -> Vec<&'static str> {
        self.host.prefixes().collect()
    }

    /// Answers a request to a vendor without a socket, as whoever wants to hold the clock needs it. The target
    /// is path and query with the vendor's prefix. How a fault would spoil the reply on the wire is left out.
    pub fn answer(
        &self,
        method: &str,
        target: &str,
        headers: BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> HttpReply {
        let arrived = IncomingRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body,
            address: format!("http://{}", self.address),
        };
        self.host.answer(arrived).answer
    }

    /// The requests answered so far (the newest hundred thousand), control routes left out.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.host.requests()
    }

    /// How many requests were answered since the start or since they were forgotten, however many are kept.
    pub fn request_count(&self) -> u64 {
        self.host.request_count()
    }

    pub fn forget_requests(&self) {
        self.host.forget_requests();
    }

    /// Makes everything as it was at the start: accounts, switches, sessions, faults, clock and record. The
    /// faults that the sandbox was started with begin anew.
    pub fn reset(&self) {
        self.host.reset();
    }

    /// The account of a vendor; the error says that there is no such vendor.
    pub fn state(&self, prefix: &str) -> Result<Value, String> {
        self.host
            .with_simulator(prefix, |simulator| simulator.state())
    }

    /// Replaces the account of a vendor.
    pub fn set_state(&self, prefix: &str, state: Value) -> Result<(), String> {
        self.host.set_state(prefix, state)
    }

    pub fn switches(&self, prefix: &str) -> Result<Value, String> {
        self.host
            .with_simulator(prefix, |simulator| simulator.switches())
    }

    /// Changes the named switches of a vendor and leaves its others.
    pub fn set_switches(&self, prefix: &str, switches: Value) -> Result<(), String> {
        self.host
            .with_simulator(prefix, |simulator| simulator.set_switches(switches))?
    }

    /// Makes the next fitting requests of a vendor fail; several faults wait in line.
    pub fn script_fault(&self, prefix: &str, fault: ScriptedFault) -> Result<(), String> {
        self.host.script_fault(prefix, fault)
    }

    /// Injects seeded faults from now on; `None` switches them off, for example to look at what came of them.
    pub fn set_faults(&self, faults: Option<FaultPlan>) {
        self.host.set_faults(faults.as_ref());
    }

    /// What other admins and licensees changed so far, by the fault `foreign`.
    pub fn foreign_edits(&self) -> Vec<ForeignEdit> {
        self.host.foreign_edits()
    }

    /// Moves the simulators' clock, so that tokens and sessions age without waiting.
    pub fn advance_clock(&self, by: SignedDuration) {
        self.host.advance_clock(by);
    }

    /// Waits until every connection made before is closed. Only then nothing can come any more of a call
    /// whose client gave up: it may lie in a socket, unread.
    pub async fn wait_until_all_closed(&self) -> io::Result<()> {
        connection_count::wait_until_all_closed(self.address, &self.open).await
    }

    /// Stops serving: idle connections close at once, requests in flight get a moment to finish.
    pub async fn stop(self) {
        let Self {
            stopper, mut task, ..
        } = self;
        drop(stopper);
        if tokio::time::timeout(STOP_GRACE, &mut task).await.is_err() {
            task.abort();
        }
    }

    /// Serves until the future is ready, for example until Ctrl-C.
    pub async fn run_until(self, end: impl Future<Output = ()>) {
        end.await;
        self.stop().await;
    }
}

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;
