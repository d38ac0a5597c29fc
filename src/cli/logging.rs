//! The log on standard error, and traces where they are built in.
//!
//! In: the command, `ENTITLE_LOG`, and the settings of `otlp`. Out: a global subscriber, installed once
//! per process. Data owns standard output, so a log line never goes there.

use std::io::IsTerminal;

use tracing::{Instrument, Span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::command::Command;
#[cfg(feature = "otlp")]
use super::otlp;
use super::output::{self, Spelling};
use crate::apply::spans;

/// The parts of logging that must be ended before the process is.
pub struct Logging {
    #[cfg(feature = "otlp")]
    traces: Option<otlp::Traces>,
}

/// Installs the log and returns the handle that ends it.
///
/// Only the daemon logs by default, at `info`; any other command logs if `ENTITLE_LOG` asks for it, for
/// example `ENTITLE_LOG=entitle=debug,hyper=info`. A filter that cannot be parsed is warned of and counts as unset.
pub fn start_logging(command: &Command) -> Logging {
    let (usual, json) = match command {
        Command::Watch(args) => (Some(("entitle", LevelFilter::INFO)), args.logs_json()),
        _ => (None, false),
    };
    let filter = asked_filter().unwrap_or_else(|| Targets::new().with_targets(usual));
    let colour = std::io::stderr().is_terminal();
    let spelling = if json { Spelling::Json } else { Spelling::Text };
    let log = tracing_subscriber::fmt::layer()
        .with_writer(move || output::log_record(spelling))
        // It would print its failure to the stream that has just failed, and panic at that.
        .log_internal_errors(false)
        .with_ansi(colour);
    let log: Box<dyn Layer<Registry> + Send + Sync> = if json {
        Box::new(log.json().flatten_event(true))
    } else {
        Box::new(log.with_target(false))
    };
    let registry = tracing_subscriber::registry().with(log.with_filter(filter));
    with_traces(registry)
}

/// What `ENTITLE_LOG` asks for.
fn asked_filter() -> Option<Targets> {
    let text = std::env::var("ENTITLE_LOG").ok()?;
    let filter = text.parse();
    filter
        .map_err(|error| output::print_warning(&format!("ENTITLE_LOG is no filter: {error}")))
        .ok()
}

#[cfg(not(feature = "otlp"))]
fn with_traces(registry: impl SubscriberInitExt) -> Logging {
    let _ = registry.try_init();
    Logging {}
}

#[cfg(feature = "otlp")]
fn with_traces<S>(registry: S) -> Logging
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a> + Send + Sync,
{
    let traces = otlp::start_traces().unwrap_or_else(|error| {
        output::print_warning(&error.to_string());
        None
    });
    let layer = traces.as_ref().map(otlp::Traces::layer);
    let _ = registry.with(layer).try_init();
    Logging { traces }
}

impl Logging {
    /// Sends the traces that are still in memory. Does nothing in a build without traces.
    pub fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.end();
        }
    }
}

/// Runs a command inside one span, which continues the trace of the caller if there is one.
pub fn trace_command<F: Future>(name: &'static str, run: F) -> impl Future<Output = F::Output> {
    let span = spans::command(name);
    join_parent(&span);
    run.instrument(span)
}

#[cfg(feature = "otlp")]
fn join_parent(span: &Span) {
    otlp::join_parent(span);
}

#[cfg(not(feature = "otlp"))]
fn join_parent(_: &Span) {}
