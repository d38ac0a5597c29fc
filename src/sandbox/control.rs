//! The control routes under `/_sandbox`: what a program in another process can ask of the sandbox itself.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /_sandbox` | vendors, their base URLs and the credentials they accept |
//! | `GET /_sandbox/requests` | the requests answered so far |
//! | `DELETE /_sandbox/requests` | forgets them |
//! | `GET /_sandbox/requests/count` | `{"count": N}`, also of those too old to be kept |
//! | `POST /_sandbox/reset` | everything as at the start |
//! | `GET`, `PUT /_sandbox/state/{vendor}` | the account |
//! | `GET`, `PUT /_sandbox/state/{vendor}/{pointer}` | one value in it, such as `license_orders/1/enabled` |
//! | `GET`, `POST /_sandbox/switches/{vendor}` | how undocumented behaviour is read |
//! | `POST /_sandbox/clock` | `{"advance_seconds": N}` moves the simulators' clock |
//! | `POST /_sandbox/faults/{vendor}` | `{"status": 429, "times": 2, "retry_after": "1", "method": "PATCH", "carried_out": false}` |
//! | `PUT /_sandbox/faults` | `{"plan": "7:429=10"}` injects seeded faults from now on, `{"plan": null}` none |
//! | `GET /_sandbox/foreign-edits` | what other admins and licensees changed so far |

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::credentials;
use super::fault_injector::ScriptedFault;
use super::fault_plan::FaultPlan;
use super::host::{IncomingRequest, SimulatorHost};
use super::simulator::HttpReply;
use super::strict_json;

/// The path of the control routes.
pub(super) const ROOT: &str = "/_sandbox";

/// Returns whether a request target is a control route.
pub(super) fn is_control_route(target: &str) -> bool {
    let below = target.strip_prefix(ROOT);
    below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?']))
}

/// Answers a control request: JSON with 200, 204 without a result, or `{"error"}` with 400, 404 or 405.
pub(super) fn answer_control(host: &SimulatorHost, arrived: &IncomingRequest) -> HttpReply {
    let path = arrived.target.split('?').next().unwrap_or_default();
    let path = path.strip_prefix(ROOT).unwrap_or(path).trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let result = match (arrived.method.as_str(), parts.as_slice()) {
        ("GET", [""]) => Ok(describe_sandbox(host, &arrived.address)),
        ("GET", ["requests"]) => Ok(json!(host.requests())),
        ("DELETE", ["requests"]) => {
            host.forget_requests();
            Ok(Value::Null)
        }
        ("GET", ["requests", "count"]) => Ok(json!({"count": host.request_count()})),
        ("POST", ["reset"]) => {
            host.reset();
            Ok(Value::Null)
        }
        ("GET", ["state", vendor]) => host.with_simulator(vendor, |simulator| simulator.state()),
        ("PUT", ["state", vendor]) => parse_body(arrived)
            .and_then(|state| host.set_state(vendor, state).map(|()| Value::Null)),
        ("GET", ["state", vendor, pointer @ ..]) => host
            .with_simulator(vendor, |simulator| simulator.state())
            .and_then(|state| Ok(find_value(&state, pointer)?.clone())),
        ("PUT", ["state", vendor, pointer @ ..]) => {
            parse_body(arrived).and_then(|value| replace_value(host, vendor, pointer, value))
        }
        ("GET", ["switches", vendor]) => {
            host.with_simulator(vendor, |simulator| simulator.switches())
        }
        ("POST", ["switches", vendor]) => parse_body(arrived).and_then(|switches| {
            host.with_simulator(vendor, |simulator| {
                simulator.set_switches(switches)?;
                Ok(simulator.switches())
            })?
        }),
        ("POST", ["clock"]) => parse_body(arrived).and_then(|body| {
            host.advance_clock(parse_clock_step(&body)?);
            Ok(json!({"now": host.now().to_string()}))
        }),
        ("PUT", ["faults"]) => parse_body(arrived).and_then(|body| {
            host.set_faults(parse_fault_plan(&body)?.as_ref());
            Ok(Value::Null)
        }),
        ("GET", ["foreign-edits"]) => Ok(json!(host.foreign_edits())),
        ("POST", ["faults", vendor]) => parse_body(arrived).and_then(|body| {
            host.script_fault(vendor, parse_scripted_fault(&body)?)?;
            Ok(Value::Null)
        }),
        (_, [""] | ["requests" | "reset" | "clock" | "faults" | "foreign-edits"])
        | (_, ["requests", "count"] | ["state", ..] | ["switches" | "faults", _]) => {
            return error_reply(405, "this control route has no such method");
        }
        _ => return error_reply(404, "no such control route"),
    };
    match result {
        Ok(Value::Null) => HttpReply::empty(204),
        Ok(body) => HttpReply::json(200, &body),
        Err(words) if words.starts_with("no vendor ") => error_reply(404, &words),
        Err(words) => error_reply(400, &words),
    }
}

/// Finds a value in an account by the segments of its JSON pointer; `Err` names the part that is not there.
fn find_value<'a>(state: &'a Value, pointer: &[&str]) -> Result<&'a Value, String> {
    let path = format!("/{}", pointer.join("/"));
    let found = state.pointer(&path);
    found.ok_or_else(|| format!("the account has nothing at {path}"))
}

/// Replaces one value of an account, as an admin does in the vendor's console; returns the old and the new value.
fn replace_value(
    host: &SimulatorHost,
    vendor: &str,
    pointer: &[&str],
    value: Value,
) -> Result<Value, String> {
    let mut state = host.with_simulator(vendor, |simulator| simulator.state())?;
    let before = find_value(&state, pointer)?.clone();
    let path = format!("/{}", pointer.join("/"));
    if let Some(found) = state.pointer_mut(&path) {
        *found = value.clone();
    }
    host.set_state(vendor, state)?;
    Ok(json!({"before": before, "after": value}))
}

/// Returns the reply to a control request that failed.
fn error_reply(status: u16, words: &str) -> HttpReply {
    HttpReply::json(status, &json!({"error": words}))
}

/// Parses the body of a control request as JSON.
fn parse_body(arrived: &IncomingRequest) -> Result<Value, String> {
    serde_json::from_slice(&arrived.body).map_err(|error| format!("malformed JSON: {error}"))
}

/// Parses `{"advance_seconds": N}`.
fn parse_clock_step(body: &Value) -> Result<SignedDuration, String> {
    let body = strict_json::require_object(body, "the request body")?;
    strict_json::refuse_unknown_members(body, "", &["advance_seconds"])?;
    let seconds = strict_json::require_integer(body, "", "advance_seconds")?;
    Ok(SignedDuration::from_secs(seconds))
}

/// Parses a fault to script; all members but `status` are optional, `times` is 1 if absent.
fn parse_scripted_fault(body: &Value) -> Result<ScriptedFault, String> {
    const MEMBERS: &[&str] = &["status", "times", "retry_after", "method", "carried_out"];
    let body = strict_json::require_object(body, "the request body")?;
    strict_json::refuse_unknown_members(body, "", MEMBERS)?;
    let status = strict_json::require_integer(body, "", "status")?;
    let status = u16::try_from(status)
        .ok()
        .filter(|s| (200..600).contains(s));
    let times = match body.contains_key("times") {
        true => strict_json::require_integer(body, "", "times")?,
        false => 1,
    };
    let carried_out = match body.contains_key("carried_out") {
        true => strict_json::require_boolean(body, "", "carried_out")?,
        false => false,
    };
    Ok(ScriptedFault {
        status: status.ok_or("status must be from 200 to 599")?,
        times: u32::try_from(times).map_err(|_| "times must be a count")?,
        retry_after: strict_json::optional_string(body, "", "retry_after")?.map(str::to_owned),
        method: strict_json::optional_string(body, "", "method")?.map(str::to_owned),
        carried_out,
    })
}

/// Parses `{"plan": "7:429=10"}`; `None` for `{"plan": null}`, which ends seeded faults.
fn parse_fault_plan(body: &Value) -> Result<Option<FaultPlan>, String> {
    let body = strict_json::require_object(body, "the request body")?;
    strict_json::refuse_unknown_members(body, "", &["plan"])?;
    let plan = strict_json::optional_string(body, "", "plan")?;
    plan.map(str::parse).transpose()
}

/// Returns the index of the sandbox: its vendors with URLs and credentials, and the control routes.
fn describe_sandbox(host: &SimulatorHost, address: &str) -> Value {
    let vendor = |prefix: &'static str| {
        let credentials = credentials::credentials_of(prefix);
        let shown: Vec<_> = credentials
            .map(|credential| credentials::describe_credential(credential, address))
            .collect();
        json!({"vendor": prefix, "baseUrl": format!("{address}/{prefix}"), "credentials": shown})
    };
    json!({
        "vendors": host.prefixes().map(vendor).collect::<Vec<_>>(),
        "control": [
            "GET|DELETE /_sandbox/requests", "GET /_sandbox/requests/count", "POST /_sandbox/reset",
            "GET|PUT /_sandbox/state/{vendor}", "GET|PUT /_sandbox/state/{vendor}/{pointer}", "GET|POST /_sandbox/switches/{vendor}",
            "POST /_sandbox/clock", "POST /_sandbox/faults/{vendor}",
            "PUT /_sandbox/faults", "GET /_sandbox/foreign-edits",
        ],
    })
}
