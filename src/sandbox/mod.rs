//! The built-in simulators of the five vendor APIs: every vendor on one loopback port, no account needed.
//!
//! ```text
//!   HTTP ──► server ──► host ──► one simulator per vendor   /cryptlex /informatica /licensespring /alinea /lac
//!              │          ▲
//!              └► control ┘   /_sandbox/…: state, switches, clock, faults, record
//! ```
//!
//! - [`simulator`] is the interface of a vendor: an HTTP request as data in, a reply as data out, over an account in
//!   memory. A simulator is synchronous and knows no socket and no clock, so its rules are tested by calling it.
//! - One folder per vendor has its rules and its seed, written from the vendor's published pages. Nothing here
//!   shares code with `provider`: a fake driven by the field tables would only prove that the tables agree with
//!   themselves. Each question that the pages leave open is a *switch*, whose default is the most plausible reading;
//!   tests of the client set it to the other readings too.
//! - `host` routes by the first path segment, keeps one lock per simulator, the clock and the `request_record`,
//!   which has no credentials. It works without a socket.
//! - `fault_injector` stands in front of a simulator and disturbs calls: those that a [`ScriptedFault`] asks for, and
//!   those for which the `fault_schedule` of a [`FaultPlan`] draws a fault. It uses `fault_replies` for replies of
//!   gateways, `lagging_replica` for stale reads, and `foreign_edits` for changes by other admins or licensees.
//! - `server` and `connection_count` are the only files that use axum. `control` serves the methods of
//!   [`SandboxServer`] to other processes.
//! - [`population`] makes accounts as large as real ones, and manifests that match them; `layered_object` stores the
//!   members that their objects share only once.
//! - Shared parts of the simulators: `request_parts` reads a request, `body_schema` and [`strict_json`] check its
//!   JSON body, `account_document` loads an account, `access_tokens` issues tokens, `switch_changes` sets switches,
//!   `pseudo_random` makes ids. [`credentials`] lists the fake logins.
//!
//! To add a vendor, add its folder, its `pub mod` line and its line in `VENDORS`. The folder's `VENDOR` provides the
//! simulator, the credentials, and the manifests for a populated account.

mod access_tokens;
mod account_document;
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
mod request_parts;
mod request_record;
mod server;
mod simulated_vendor;
pub mod simulator;
pub mod strict_json;
mod switch_changes;

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

pub use fault_injector::ScriptedFault;
pub use fault_plan::FaultPlan;
pub use population::Population;
pub use request_record::{ForeignEdit, RecordedRequest};
pub use simulated_vendor::SandboxCredential;

use connection_count::CountingListener;
use host::{IncomingRequest, SimulatorHost};
use simulated_vendor::SimulatedVendor;
use simulator::HttpReply;

/// Every vendor the sandbox serves, in the order of their names.
const VENDORS: &[SimulatedVendor] = &[
    alinea::VENDOR,
    cryptlex::VENDOR,
    informatica::VENDOR,
    lac::VENDOR,
    licensespring::VENDOR,
];

/// The names of the vendors, in order.
pub fn vendor_names() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|vendor| vendor.prefix)
}

/// The options of a sandbox: where it listens, how slow and how faulty it is, how large its accounts are.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on. Port 0 takes a free one, which [`SandboxServer::address`] returns.
    pub listen: SocketAddr,
    /// How long every vendor reply is delayed; concurrent requests wait at the same time.
    pub latency: Duration,
    /// The faults to inject into vendor calls; `None` injects none.
    pub faults: Option<FaultPlan>,
    /// The objects to add to those of the published examples.
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

/// How long [`SandboxServer::stop`] waits for requests in flight. Idle connections close at once, so most stops take
/// no time.
const STOP_GRACE: Duration = Duration::from_millis(250);

/// A running sandbox with seeded accounts; dropping it stops it.
pub struct SandboxServer {
    address: SocketAddr,
    host: Arc<SimulatorHost>,
    /// Dropped to end the serving task gracefully.
    stopper: oneshot::Sender<()>,
    task: JoinHandle<()>,
    open: connection_count::ConnectionCount,
}

impl SandboxServer {
    /// Starts serving on the current tokio runtime; `Err` if the address cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        Self::start_with(options, VENDORS).await
    }

    /// Starts a sandbox with other vendors, for tests of the sandbox itself.
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
            // An error means that the sender was dropped, which is how a stop is signalled.
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

    /// Returns the address that the sandbox listens on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL of a vendor, for example `http://127.0.0.1:4711/lac`.
    pub fn url(&self, prefix: &str) -> String {
        format!("http://{}/{prefix}", self.address)
    }

    /// Returns the prefixes of all vendors, in the order of the index.
    pub fn vendors(&self) -> Vec<&'static str> {
        self.host.prefixes().collect()
    }

    /// Answers a request to a vendor without a socket, for tests that control the clock.
    ///
    /// `target` is path and query with the vendor's prefix. Faults that concern the delivery of a reply (slow, cut
    /// short, dropped) leave no trace in it.
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

    /// Returns the newest 100,000 requests answered, oldest first, without those to control routes.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.host.requests()
    }

    /// Returns how many requests were answered since the start or since [`Self::forget_requests`], kept or not.
    pub fn request_count(&self) -> u64 {
        self.host.request_count()
    }

    /// Empties the record of requests and sets its count to 0.
    pub fn forget_requests(&self) {
        self.host.forget_requests();
    }

    /// Returns everything to the state at the start: accounts, switches, sessions, faults, clock and record.
    ///
    /// The faults that the sandbox was started with begin anew.
    pub fn reset(&self) {
        self.host.reset();
    }

    /// Returns the account of a vendor as JSON; `Err` says that there is no such vendor.
    pub fn state(&self, prefix: &str) -> Result<Value, String> {
        self.host
            .with_simulator(prefix, |simulator| simulator.state())
    }

    /// Replaces the account of a vendor; `Err` says that there is no such vendor or what is wrong with the account.
    pub fn set_state(&self, prefix: &str, state: Value) -> Result<(), String> {
        self.host.set_state(prefix, state)
    }

    /// Returns the switches of a vendor as a flat JSON object; `Err` says that there is no such vendor.
    pub fn switches(&self, prefix: &str) -> Result<Value, String> {
        self.host
            .with_simulator(prefix, |simulator| simulator.switches())
    }

    /// Changes the named switches of a vendor and keeps its others; `Err` names the one that does not fit.
    pub fn set_switches(&self, prefix: &str, switches: Value) -> Result<(), String> {
        self.host
            .with_simulator(prefix, |simulator| simulator.set_switches(switches))?
    }

    /// Makes the next matching requests of a vendor fail; several faults wait in the order in which they were given.
    pub fn script_fault(&self, prefix: &str, fault: ScriptedFault) -> Result<(), String> {
        self.host.script_fault(prefix, fault)
    }

    /// Injects seeded faults from now on; `None` ends them, for example to inspect their consequences.
    pub fn set_faults(&self, faults: Option<FaultPlan>) {
        self.host.set_faults(faults.as_ref());
    }

    /// Returns what other admins and licensees changed so far, by the fault `foreign`.
    pub fn foreign_edits(&self) -> Vec<ForeignEdit> {
        self.host.foreign_edits()
    }

    /// Moves the simulators' clock forward, so that tokens and sessions expire without waiting.
    pub fn advance_clock(&self, by: SignedDuration) {
        self.host.advance_clock(by);
    }

    /// Waits until every connection made before this call is closed.
    ///
    /// A call whose client gave up may still wait unread in a socket and take effect later; once its connection is
    /// closed, it cannot. `Err` if the sandbox does not accept connections.
    pub async fn wait_until_all_closed(&self) -> io::Result<()> {
        connection_count::wait_until_all_closed(self.address, &self.open).await
    }

    /// Stops serving: idle connections close at once, requests in flight get 250 ms to finish.
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
