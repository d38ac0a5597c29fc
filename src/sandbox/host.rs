//! The simulators behind one door, without a socket: routing by prefix, the clock, faults, the record.
//!
//! `server` turns HTTP into an [`Arrived`] and back; `control` serves the `/_sandbox` routes over the same
//! methods that [`Sandbox`](super::Sandbox) offers to code in this process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::simulator::{Answer, Asked, Simulator};

/// A vendor that the sandbox serves, and how a fresh account of it is made.
#[derive(Clone, Copy)]
pub(crate) struct Vendor {
    /// The first path segment under which the vendor is served.
    pub prefix: &'static str,
    pub seeded: fn() -> Box<dyn Simulator>,
}

/// One request as it came in.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrived {
    pub method: String,
    /// Path and query as sent, still percent-encoded, with the vendor's prefix.
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// `http://host:port` by which the sandbox was reached.
    pub address: String,
}

/// One request that was answered, without its credentials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    pub method: String,
    /// Path and query as sent, with the vendor's prefix; the value of a secret parameter is `-`.
    pub path: String,
    pub status: u16,
    /// The request body, if it was JSON and held no credential.
    pub body: Option<Value>,
}

/// A failure that a simulator is told to show, for testing how a client takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The status to answer with, for example 429 or 503.
    pub status: u16,
    /// How many requests it hits.
    pub times: u32,
    /// The `Retry-After` header, if there is to be one.
    pub retry_after: Option<String>,
    /// Only requests with this method are hit.
    pub method: Option<String>,
    /// Whether the request is carried out first and only its reply is lost.
    pub carried_out: bool,
}

/// The newest requests that are kept, so that a sandbox left running does not grow without bound.
const KEPT: usize = 100_000;

struct Place {
    vendor: Vendor,
    simulator: Mutex<Box<dyn Simulator>>,
    faults: Mutex<Vec<Fault>>,
}

pub(super) struct Host {
    places: Vec<Place>,
    seen: Mutex<VecDeque<Seen>>,
    /// What is added to the real clock.
    offset: Mutex<SignedDuration>,
}

/// A simulator that panicked is a bug of ours, but its account is plain data and the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    pub fn new(vendors: &[Vendor]) -> Self {
        let place = |vendor: &Vendor| Place {
            vendor: *vendor,
            simulator: Mutex::new((vendor.seeded)()),
            faults: Mutex::new(Vec::new()),
        };
        Self {
            places: vendors.iter().map(place).collect(),
            seen: Mutex::default(),
            offset: Mutex::default(),
        }
    }

    pub fn prefixes(&self) -> impl Iterator<Item = &'static str> {
        self.places.iter().map(|place| place.vendor.prefix)
    }

    /// Answers a vendor request and records it.
    pub fn answer(&self, arrived: Arrived) -> Answer {
        let (path, query) = match arrived.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (arrived.target.as_str(), ""),
        };
        let rest = path.strip_prefix('/').unwrap_or(path);
        let (prefix, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut seen = Seen {
            method: arrived.method.clone(),
            path: recorded_path(path, &query, &arrived.target),
            status: 404,
            body: recorded_body(&arrived.body),
        };
        let Some(place) = self.place(prefix) else {
            let known: Vec<_> = self.prefixes().collect();
            self.record(seen);
            return Answer::json(
                404,
                &json!({"error": format!("no vendor {prefix:?} in this sandbox"), "vendors": known}),
            );
        };
        let asked = Asked {
            method: arrived.method,
            path: percent_decoded(&format!("/{rest}")),
            query,
            headers: arrived.headers,
            body: arrived.body,
            base: format!("{}/{prefix}", arrived.address),
        };
        let fault = place.next_fault(&asked.method);
        let mut simulator = lock(&place.simulator);
        let answer = match fault {
            None => simulator.answer(&asked, self.now()),
            Some(fault) => {
                if fault.carried_out {
                    simulator.answer(&asked, self.now());
                }
                fault.answer()
            }
        };
        seen.status = answer.status;
        // Recorded while the simulator is still ours: the record has the order in which writes took effect.
        self.record(seen);
        answer
    }

    /// Notes a request that never reached a simulator.
    pub fn record(&self, seen: Seen) {
        let mut all = lock(&self.seen);
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(seen);
    }

    pub fn now(&self) -> Timestamp {
        // Saturating is enough: nobody tests licences in the year 9999.
        Timestamp::now()
            .saturating_add(*lock(&self.offset))
            .unwrap_or(Timestamp::MAX)
    }

    pub fn advance(&self, by: SignedDuration) {
        let mut offset = lock(&self.offset);
        *offset = offset.saturating_add(by);
    }

    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.seen).iter().cloned().collect()
    }

    pub fn forget_requests(&self) {
        lock(&self.seen).clear();
    }

    /// Makes everything as it was at the start: accounts, switches, sessions, faults, clock and record.
    pub fn reset(&self) {
        for place in &self.places {
            *lock(&place.simulator) = (place.vendor.seeded)();
            lock(&place.faults).clear();
        }
        *lock(&self.offset) = SignedDuration::ZERO;
        self.forget_requests();
    }

    pub fn fail(&self, prefix: &str, fault: Fault) -> Result<(), String> {
        lock(&self.known(prefix)?.faults).push(fault);
        Ok(())
    }

    /// Does something with one simulator; the error says that there is none.
    pub fn with<T>(
        &self,
        prefix: &str,
        act: impl FnOnce(&mut dyn Simulator) -> T,
    ) -> Result<T, String> {
        let place = self.known(prefix)?;
        Ok(act(lock(&place.simulator).as_mut()))
    }

    fn place(&self, prefix: &str) -> Option<&Place> {
        self.places
            .iter()
            .find(|place| place.vendor.prefix == prefix)
    }

    fn known(&self, prefix: &str) -> Result<&Place, String> {
        self.place(prefix)
            .ok_or_else(|| format!("no vendor {prefix:?} in this sandbox"))
    }
}

impl Place {
    /// The oldest fault that fits the method, one time less.
    fn next_fault(&self, method: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let fits = |fault: &Fault| fault.method.as_deref().is_none_or(|one| one == method);
        let at = faults
            .iter()
            .position(|fault| fault.times > 0 && fits(fault))?;
        faults[at].times -= 1;
        let fault = faults[at].clone();
        faults.retain(|fault| fault.times > 0);
        Some(fault)
    }
}

impl Fault {
    fn answer(&self) -> Answer {
        let mut answer = Answer::json(self.status, &json!({"message": "fault asked for"}));
        if let Some(after) = &self.retry_after {
            answer.headers.push(("retry-after".into(), after.clone()));
        }
        answer
    }
}

/// Whether a member or parameter of this name holds a credential.
fn secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    ["password", "secret", "token", "apikey", "sessionid"]
        .iter()
        .any(|word| name.contains(word))
}

fn recorded_path(path: &str, query: &[(String, String)], target: &str) -> String {
    if !query.iter().any(|(name, _)| secret(name)) {
        return target.to_owned();
    }
    let shown = query.iter().map(|(name, value)| {
        let value = if secret(name) { "-" } else { value };
        (name, value)
    });
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(shown)
        .finish();
    format!("{path}?{query}")
}

/// The body as JSON unless it holds a credential: logins and token requests are known by their members, so
/// that one sent to a wrong path is not recorded either.
fn recorded_body(body: &[u8]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let holds_secret = match &body {
        Value::Object(members) => members.keys().any(|name| secret(name)),
        _ => false,
    };
    (!holds_secret).then_some(body)
}

/// Decodes `%XX`; a stray percent sign stays as it is.
fn percent_decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|&b| (b as char).to_digit(16))
        };
        match (bytes[at], hex(1), hex(2)) {
            // Two hexadecimal digits are at most 255.
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
