//! The spans of a trace: a command or a pass, a reading, a step, an exchange.
//!
//! They carry names of objects and accounts, counts, statuses and outcomes. Traces leave the house, so no
//! value of a field, no path or query (both may hold keys of licences), no body and no word of a vendor is in
//! them. In a build without the feature `otlp` they do nothing, unless `ENTITLE_LOG=entitle=debug,spans=info`
//! asks for them before the lines of the log.

use tracing::field::Empty;
use tracing::{Span, info_span};

use super::outcome::Report;
use crate::model::Method;

/// Logs are silent about it unless they are asked for it by this name.
pub const TARGET: &str = "spans";

/// A command that runs and ends.
pub fn command(name: &'static str) -> Span {
    info_span!(target: TARGET, "command", otel.name = name)
}

/// A pass of the daemon over objects of one connection.
pub fn pass(connection: &str, objects: usize, reasons: &str) -> Span {
    info_span!(target: TARGET, "pass", connection, objects, reasons)
}

/// A reading of objects of one connection.
pub fn observe(connection: &str, objects: usize) -> Span {
    info_span!(target: TARGET, "observe", connection, objects)
}

/// One object's write, with everything around it.
pub fn step(object: &str, connection: &str) -> Span {
    info_span!(target: TARGET, "step", object, connection, outcome = Empty)
}

/// Writes into the span of a step how it ended.
pub fn ended(span: &Span, report: &Report) {
    if let Some(outcome) = report.outcome {
        span.record("outcome", outcome.name());
    }
}

/// One request and its answer, after whatever wait the limits ask for.
pub fn request(method: Method, host: &str) -> Span {
    info_span!(
        target: TARGET,
        "exchange",
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        server.address = host,
        http.response.status_code = Empty,
    )
}

/// Writes into the span of an exchange what came of it; nothing is an answer that never came.
pub fn answered(span: &Span, status: Option<u16>) {
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if status.is_none_or(|status| status >= 400) {
        span.record("otel.status_code", "ERROR");
    }
}
