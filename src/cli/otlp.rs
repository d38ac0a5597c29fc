//! Traces to an OpenTelemetry collector: the only file that names OpenTelemetry, and only in builds with the
//! feature `otlp`.
//!
//! The standard variables say where and how: `OTEL_EXPORTER_OTLP_ENDPOINT` (without it nothing is sent),
//! `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and the like are read by the SDK.
//! `TRACEPARENT` makes a command a part of the trace that started it.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::output;
use crate::apply::{provide_crypto, spans};
use crate::cli::error::{CommandResult, Context};

/// The provider that sends the spans until it is shut down.
pub struct Traces(SdkTracerProvider);

/// True if a variable is there and says something.
fn is_set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Starts sending if the environment says where to; the error says why it cannot be.
pub fn start_traces() -> CommandResult<Option<Traces>> {
    let endpoints = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ];
    let off = is_set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || is_set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    if off || !endpoints.iter().any(|name| is_set(name).is_some()) {
        return Ok(None);
    }
    provide_crypto();
    let exporter = SpanExporter::builder()
        .with_http()
        .build()
        .with_context(|| "no traces are sent")?;
    let mut resource = Resource::builder();
    if is_set("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("entitle");
    }
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build();
    Ok(Some(Traces(provider)))
}

impl Traces {
    /// Returns the layer that turns our spans into those of a trace; log lines stay in the log.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("entitle"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|meta| {
                meta.is_span() && meta.target() == spans::TARGET
            }))
    }

    /// Sends what is left. A collector that is not there is waited for by the exporter's own time-out.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown() {
            output::print_warning(&format!("the last traces were not sent: {error}"));
        }
    }
}

/// Makes a span a part of the trace that the environment names.
pub fn join_parent(span: &Span) {
    let Some(parent) = is_set("TRACEPARENT") else {
        return;
    };
    let mut carrier = HashMap::from([("traceparent".to_string(), parent)]);
    carrier.extend(is_set("TRACESTATE").map(|state| ("tracestate".to_string(), state)));
    let context = TraceContextPropagator::new().extract(&carrier);
    // Without a layer that exports spans there is no trace to join, so the error does not matter.
    let _ = span.set_parent(context);
}
