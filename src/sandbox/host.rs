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
use super::request_record::{BoundedLog, ForeignEdit, RecordedRequest, shown_path};
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// A vendor that the sandbox serves, and how a fresh account of it is made.
#[derive(Clone, Copy)]
pub(crate) struct SimulatedVendor {
    /// The first path segment under which the vendor is served.
    pub prefix: &'static str,
    pub seeded: fn() -> Box<dyn Simulator>,
}

impl SimulatedVendor {
    fn troubled(&self, faults: Option<&FaultPlan>, population: &Population) -> FaultInjector {
        let mut simulator = (self.seeded)();
        let objects = population.of(self.prefix);
        if objects > 0 {
            simulator.populate(objects);
        }
        FaultInjector::new(simulator, self.dice(faults))
    }

    fn dice(&self, faults: Option<&FaultPlan>) -> Option<FaultSchedule> {
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
    troubled: Mutex<FaultInjector>,
}

pub(super) struct SimulatorHost {
    places: Vec<MountedVendor>,
    seen: Mutex<BoundedLog<RecordedRequest>>,
    foreign: Mutex<BoundedLog<ForeignEdit>>,
    /// What the sandbox was started with.
    faults: Option<FaultPlan>,
    population: Population,
    /// What is added to the real clock.
    offset: Mutex<SignedDuration>,
}

/// A simulator that panicked is a bug of ours, but its account is plain data and the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimulatorHost {
    pub fn new(
        vendors: &[SimulatedVendor],
        faults: Option<FaultPlan>,
        population: Population,
    ) -> Self {
        let place = |vendor: &SimulatedVendor| MountedVendor {
            vendor: *vendor,
            troubled: Mutex::new(vendor.troubled(faults.as_ref(), &population)),
        };
        Self {
            places: vendors.iter().map(place).collect(),
            seen: Mutex::default(),
            foreign: Mutex::default(),
            faults,
            population,
            offset: Mutex::default(),
        }
    }

    pub fn prefixes(&self) -> impl Iterator<Item = &'static str> {
        self.places.iter().map(|place| place.vendor.prefix)
    }

    /// Answers a vendor request and records it.
    pub fn answer(&self, arrived: IncomingRequest) -> OutgoingReply {
        let (path, query) = match arrived.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (arrived.target.as_str(), ""),
        };
        let rest = path.strip_prefix('/').unwrap_or(path);
        let (prefix, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let shown = shown_path(path, &query, &arrived.target);
        let mut seen = RecordedRequest::new(&arrived.method, shown, &arrived.body);
        let Some(place) = self.place(prefix) else {
            let known: Vec<_> = self.prefixes().collect();
            self.record(seen);
            let words = format!("no vendor {prefix:?} in this sandbox");
            return OutgoingReply::whole(HttpReply::json(
                404,
                &json!({"error": words, "vendors": known}),
            ));
        };
        let asked = HttpRequest {
            method: arrived.method,
            path: percent_decode_str(&format!("/{rest}"))
                .decode_utf8_lossy()
                .into_owned(),
            query,
            headers: arrived.headers,
            body: arrived.body,
            base: format!("{}/{prefix}", arrived.address),
        };
        let mut troubled = lock(&place.troubled);
        let told = troubled.answer(&asked, &arrived.target, self.now());
        seen.status = told.reply.answer.status;
        seen.fault = told.fault;
        seen.carried_out = told.carried_out;
        if let Some(change) = told.foreign {
            lock(&self.foreign).push(ForeignEdit {
                vendor: prefix.to_owned(),
                before: format!("{} {}", seen.method, seen.path),
                change,
            });
        }
        // Recorded while the simulator is still ours: the record has the order in which writes took effect.
        self.record(seen);
        told.reply
    }

    /// Notes a request that never reached a simulator.
    pub fn record(&self, seen: RecordedRequest) {
        lock(&self.seen).push(seen);
    }

    pub fn now(&self) -> Timestamp {
        // Saturating is enough: nobody tests licences in the year 9999.
        // A clock beyond every calendar is none.
        Timestamp::try_from(SystemTime::now())
            .unwrap_or_default()
            .saturating_add(*lock(&self.offset))
            .unwrap_or(Timestamp::MAX)
    }

    pub fn advance(&self, by: SignedDuration) {
        let mut offset = lock(&self.offset);
        *offset = offset.saturating_add(by);
    }

    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.seen).all()
    }

    pub fn request_count(&self) -> u64 {
        lock(&self.seen).count()
    }

    pub fn forget_requests(&self) {
        lock(&self.seen).clear();
    }

    /// Makes everything as it was at the start: accounts, switches, sessions, faults, clock and record.
    pub fn reset(&self) {
        for place in &self.places {
            *lock(&place.troubled) = place
                .vendor
                .troubled(self.faults.as_ref(), &self.population);
        }
        *lock(&self.offset) = SignedDuration::ZERO;
        lock(&self.foreign).clear();
        self.forget_requests();
    }

    pub fn fail(&self, prefix: &str, fault: ScriptedFault) -> Result<(), String> {
        lock(&self.known(prefix)?.troubled).ask_for(fault);
        Ok(())
    }

    /// Takes another plan of faults, whose dice have seen no call yet; nothing is no faults.
    pub fn set_faults(&self, faults: Option<&FaultPlan>) {
        for place in &self.places {
            lock(&place.troubled).set_dice(place.vendor.dice(faults));
        }
    }

    pub fn foreign_edits(&self) -> Vec<ForeignEdit> {
        lock(&self.foreign).all()
    }

    pub fn set_state(&self, prefix: &str, state: Value) -> Result<(), String> {
        lock(&self.known(prefix)?.troubled).set_state(state)
    }

    /// Does something with one simulator; the error says that there is none.
    pub fn with<T>(
        &self,
        prefix: &str,
        act: impl FnOnce(&mut dyn Simulator) -> T,
    ) -> Result<T, String> {
        let place = self.known(prefix)?;
        Ok(act(lock(&place.troubled).simulator()))
    }

    fn place(&self, prefix: &str) -> Option<&MountedVendor> {
        self.places
            .iter()
            .find(|place| place.vendor.prefix == prefix)
    }

    fn known(&self, prefix: &str) -> Result<&MountedVendor, String> {
        self.place(prefix)
            .ok_or_else(|| format!("no vendor {prefix:?} in this sandbox"))
    }
}
