//! The simulators behind one door, without a socket: routing by prefix, the clock, faults, the record.
//!
//! `server` turns HTTP into an [`IncomingRequest`] and back; `control` serves the `/_sandbox` routes over the same
//! methods that [`SandboxServer`](super::SandboxServer) offers to code in this process.

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
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// A vendor that the sandbox serves, and how a fresh account of it is made.
#[derive(Clone, Copy)]
pub(crate) struct SimulatedVendor {
    /// The first path segment under which the vendor is served.
    pub prefix: &'static str,
    pub seeded: fn() -> Box<dyn Simulator>,
}

impl SimulatedVendor {
    fn new_injector(&self, faults: Option<&FaultPlan>, population: &Population) -> FaultInjector {
        let mut simulator = (self.seeded)();
        let objects = population.objects_of(self.prefix);
        if objects > 0 {
            simulator.populate(objects);
        }
        FaultInjector::new(simulator, self.new_schedule(faults))
    }

    fn new_schedule(&self, faults: Option<&FaultPlan>) -> Option<FaultSchedule> {
        faults.map(|plan| FaultSchedule::new(plan.clone(), self.prefix))
    }
}

/// One request as it came in.
#[derive(Clone, Debug, Default)]
pub(super) struct IncomingRequest {
    pub method: String,
    /// Path and query as sent, still percent-encoded, with the vendor's prefix.
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// `http://host:port` by which the sandbox was reached.
    pub address: String,
}

struct MountedVendor {
    vendor: SimulatedVendor,
    injector: Mutex<FaultInjector>,
}

pub(super) struct SimulatorHost {
    mounted: Vec<MountedVendor>,
    requests: Mutex<BoundedLog<RecordedRequest>>,
    edits: Mutex<BoundedLog<ForeignEdit>>,
    /// What the sandbox was started with.
    faults: Option<FaultPlan>,
    population: Population,
    /// What is added to the real clock.
    clock_offset: Mutex<SignedDuration>,
}

/// A simulator that panicked is a bug of ours, but its account is plain data and the others go on.
fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimulatorHost {
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

    pub fn prefixes(&self) -> impl Iterator<Item = &'static str> {
        self.mounted.iter().map(|mounted| mounted.vendor.prefix)
    }

    /// Answers a vendor request and records it.
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
        // Recorded while the simulator is still ours: the record has the order in which writes took effect.
        self.record(entry);
        recorded.reply
    }

    /// Notes a request that never reached a simulator.
    pub fn record(&self, entry: RecordedRequest) {
        lock_ignoring_poison(&self.requests).push(entry);
    }

    pub fn now(&self) -> Timestamp {
        // Saturating is enough: nobody tests licences in the year 9999.
        // A clock beyond every calendar is none.
        Timestamp::try_from(SystemTime::now())
            .unwrap_or_default()
            .saturating_add(*lock_ignoring_poison(&self.clock_offset))
            .unwrap_or(Timestamp::MAX)
    }

    pub fn advance_clock(&self, by: SignedDuration) {
        let mut offset = lock_ignoring_poison(&self.clock_offset);
        *offset = offset.saturating_add(by);
    }

    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock_ignoring_poison(&self.requests).to_vec()
    }

    pub fn request_count(&self) -> u64 {
        lock_ignoring_poison(&self.requests).count()
    }

    pub fn forget_requests(&self) {
        lock_ignoring_poison(&self.requests).clear();
    }

    /// Makes everything as it was at the start: accounts, switches, sessions, faults, clock and record.
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

    pub fn script_fault(&self, prefix: &str, fault: ScriptedFault) -> Result<(), String> {
        lock_ignoring_poison(&self.require_vendor(prefix)?.injector).script_fault(fault);
        Ok(())
    }

    /// Takes another plan of faults, whose dice have seen no call yet; nothing is no faults.
    pub fn set_faults(&self, faults: Option<&FaultPlan>) {
        for mounted in &self.mounted {
            lock_ignoring_poison(&mounted.injector)
                .set_schedule(mounted.vendor.new_schedule(faults));
        }
    }

    pub fn foreign_edits(&self) -> Vec<ForeignEdit> {
        lock_ignoring_poison(&self.edits).to_vec()
    }

    pub fn set_state(&self, prefix: &str, state: Value) -> Result<(), String> {
        lock_ignoring_poison(&self.require_vendor(prefix)?.injector).set_state(state)
    }

    /// Does something with one simulator; the error says that there is none.
    pub fn with_simulator<T>(
        &self,
        prefix: &str,
        act: impl FnOnce(&mut dyn Simulator) -> T,
    ) -> Result<T, String> {
        let mounted = self.require_vendor(prefix)?;
        Ok(act(lock_ignoring_poison(&mounted.injector).simulator_mut()))
    }

    fn find_vendor(&self, prefix: &str) -> Option<&MountedVendor> {
        self.mounted
            .iter()
            .find(|mounted| mounted.vendor.prefix == prefix)
    }

    fn require_vendor(&self, prefix: &str) -> Result<&MountedVendor, String> {
        self.find_vendor(prefix)
            .ok_or_else(|| format!("no vendor {prefix:?} in this sandbox"))
    }
}
