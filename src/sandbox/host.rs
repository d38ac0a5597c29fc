//! The host of all simulators, without a socket: routes by prefix, keeps the clock, the faults and the record.
//!
//! `server` turns HTTP into an [`IncomingRequest`] and back; `control` serves the `/_sandbox` routes over the same
//! methods that [`SandboxServer`](super::SandboxServer) offers to code in this process.
//!
//! Each simulator has a lock of its own, held while it answers, so that vendors do not wait for each other. The
//! rules of a vendor must not be here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::fault_injector::{FaultInjector, OutgoingReply, ScriptedFault};
use super::fault_plan::FaultPlan;
use super::fault_schedule::FaultSchedule;
use super::population::Population;
use super::request_record::{BoundedLog, ForeignEdit, RecordedRequest, redact_target};
use super::simulated_vendor::SimulatedVendor;
use super::simulator::{HttpReply, HttpRequest, Simulator};

impl SimulatedVendor {
    /// Returns a fresh, populated simulator behind its fault injector.
    fn new_injector(&self, faults: Option<&FaultPlan>, population: &Population) -> FaultInjector {
        let mut simulator = (self.seeded)();
        let objects = population.objects_of(self.prefix);
        if objects > 0 {
            simulator.populate(objects);
        }
        FaultInjector::new(simulator, self.new_schedule(faults))
    }

    /// Returns a fault schedule that has seen no call; `None` without a plan.
    fn new_schedule(&self, faults: Option<&FaultPlan>) -> Option<FaultSchedule> {
        faults.map(|plan| FaultSchedule::new(plan.clone(), self.prefix))
    }
}

/// One request as it arrived at the sandbox, the vendor's prefix still in its path.
#[derive(Clone, Debug, Default)]
pub(super) struct IncomingRequest {
    /// The HTTP method as sent.
    pub method: String,
    /// Path and query as sent, still percent-encoded, with the vendor's prefix.
    pub target: String,
    /// Header values by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body; empty if there was none.
    pub body: Vec<u8>,
    /// `http://host:port` under which the client reached the sandbox.
    pub address: String,
}

/// A vendor and its simulator, behind a lock.
struct MountedVendor {
    vendor: SimulatedVendor,
    injector: Mutex<FaultInjector>,
}

/// All simulators of a sandbox and what they share.
pub(super) struct SimulatorHost {
    mounted: Vec<MountedVendor>,
    requests: Mutex<BoundedLog<RecordedRequest>>,
    edits: Mutex<BoundedLog<ForeignEdit>>,
    /// The plan that the sandbox was started with, to which a reset returns.
    faults: Option<FaultPlan>,
    /// The objects added to each account, at the start and at each reset.
    population: Population,
    /// Added to the real clock to get the simulators' time.
    clock_offset: Mutex<SignedDuration>,
}

/// Locks a mutex, also after a panic: the account behind it is plain data, and the other vendors go on.
fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimulatorHost {
    /// Makes a simulator for each vendor.
    pub fn new(
        vendors: &[SimulatedVendor],
        faults: Option<FaultPlan>,
        population: Population,
    ) -> Self {
        let mounted = |vendor: &SimulatedVendor| MountedVendor {
            vendor: *vendor,
            injector: Mutex::new(vendor.new_injector(faults.as_ref(), &population)),
        };
        Self {
            mounted: vendors.iter().map(mounted).collect(),
            requests: Mutex::default(),
            edits: Mutex::default(),
            faults,
            population,
            clock_offset: Mutex::default(),
        }
    }

    /// Lists the prefixes of the vendors, in the order in which they were given.
    pub fn prefixes(&self) -> impl Iterator<Item = &'static str> {
        self.mounted.iter().map(|mounted| mounted.vendor.prefix)
    }

    /// Answers a vendor request and records it; 404 if its prefix belongs to no vendor.
    pub fn answer(&self, arrived: IncomingRequest) -> OutgoingReply {
        let (path, query) = match arrived.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (arrived.target.as_str(), ""),
        };
        let vendor_path = path.strip_prefix('/').unwrap_or(path);
        let (prefix, vendor_path) = vendor_path.split_once('/').unwrap_or((vendor_path, ""));
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let shown = redact_target(path, &query, &arrived.target);
        let mut entry = RecordedRequest::new(&arrived.method, shown, &arrived.body);
        let Some(mounted) = self.find_vendor(prefix) else {
            let known: Vec<_> = self.prefixes().collect();
            self.record(entry);
            let words = format!("no vendor {prefix:?} in this sandbox");
            return OutgoingReply::whole(HttpReply::json(
                404,
                &json!({"error": words, "vendors": known}),
            ));
        };
        let request = HttpRequest {
            method: arrived.method,
            path: percent_decode_str(&format!("/{vendor_path}"))
                .decode_utf8_lossy()
                .into_owned(),
            query,
            headers: arrived.headers,
            body: arrived.body,
            base_url: format!("{}/{prefix}", arrived.address),
        };
        let mut injector = lock_ignoring_poison(&mounted.injector);
        let recorded = injector.answer(&request, &arrived.target, self.now());
        entry.status = recorded.reply.answer.status;
        entry.fault = recorded.fault;
        entry.carried_out = recorded.carried_out;
        if let Some(change) = recorded.foreign {
            lock_ignoring_poison(&self.edits).push(ForeignEdit {
                vendor: prefix.to_owned(),
                before: format!("{} {}", entry.method, entry.path),
                change,
            });
        }
        // Recorded while the simulator is still locked, so that the record has the order in which writes took effect.
        self.record(entry);
        recorded.reply
    }

    /// Records a request that never reached a simulator.
    pub fn record(&self, entry: RecordedRequest) {
        lock_ignoring_poison(&self.requests).push(entry);
    }

    /// Returns the simulators' time: the real clock plus what [`Self::advance_clock`] added.
    pub fn now(&self) -> Timestamp {
        // Saturating is enough: no test reaches the year 9999.
        Timestamp::try_from(SystemTime::now())
            .unwrap_or_default()
            .saturating_add(*lock_ignoring_poison(&self.clock_offset))
            .unwrap_or(Timestamp::MAX)
    }

    /// Moves the simulators' clock forward, or back if `by` is negative.
    pub fn advance_clock(&self, by: SignedDuration) {
        let mut offset = lock_ignoring_poison(&self.clock_offset);
        *offset = offset.saturating_add(by);
    }

    /// Returns the newest requests on record, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock_ignoring_poison(&self.requests).to_vec()
    }

    /// Returns how many requests were recorded, kept or not.
    pub fn request_count(&self) -> u64 {
        lock_ignoring_poison(&self.requests).count()
    }

    /// Empties the record and sets its count to 0.
    pub fn forget_requests(&self) {
        lock_ignoring_poison(&self.requests).clear();
    }

    /// Returns everything to the state at the start: accounts, switches, sessions, faults, clock and record.
    pub fn reset(&self) {
        for mounted in &self.mounted {
            *lock_ignoring_poison(&mounted.injector) = mounted
                .vendor
                .new_injector(self.faults.as_ref(), &self.population);
        }
        *lock_ignoring_poison(&self.clock_offset) = SignedDuration::ZERO;
        lock_ignoring_poison(&self.edits).clear();
        self.forget_requests();
    }

    /// Queues a fault for a vendor's next requests; `Err` says that there is no such vendor.
    pub fn script_fault(&self, prefix: &str, fault: ScriptedFault) -> Result<(), String> {
        lock_ignoring_poison(&self.require_vendor(prefix)?.injector).script_fault(fault);
        Ok(())
    }

    /// Replaces the fault plan of all vendors; their schedules start anew. `None` ends seeded faults.
    pub fn set_faults(&self, faults: Option<&FaultPlan>) {
        for mounted in &self.mounted {
            lock_ignoring_poison(&mounted.injector)
                .set_schedule(mounted.vendor.new_schedule(faults));
        }
    }

    /// Returns the newest changes made by others, oldest first.
    pub fn foreign_edits(&self) -> Vec<ForeignEdit> {
        lock_ignoring_poison(&self.edits).to_vec()
    }

    /// Replaces the account of a vendor; `Err` says that there is no such vendor or what is wrong with the state.
    pub fn set_state(&self, prefix: &str, state: Value) -> Result<(), String> {
        lock_ignoring_poison(&self.require_vendor(prefix)?.injector).set_state(state)
    }

    /// Runs `act` on one simulator, past its faults; `Err` says that there is no such vendor.
    pub fn with_simulator<T>(
        &self,
        prefix: &str,
        act: impl FnOnce(&mut dyn Simulator) -> T,
    ) -> Result<T, String> {
        let mounted = self.require_vendor(prefix)?;
        Ok(act(lock_ignoring_poison(&mounted.injector).simulator_mut()))
    }

    /// Returns the vendor with this prefix, `None` if there is none.
    fn find_vendor(&self, prefix: &str) -> Option<&MountedVendor> {
        self.mounted
            .iter()
            .find(|mounted| mounted.vendor.prefix == prefix)
    }

    /// Returns the vendor with this prefix; `Err` says that there is none.
    fn require_vendor(&self, prefix: &str) -> Result<&MountedVendor, String> {
        self.find_vendor(prefix)
            .ok_or_else(|| format!("no vendor {prefix:?} in this sandbox"))
    }
}
