//! The two text formats of metrics, and which of them a scraper gets. Pure.
//!
//! Prometheus asks for OpenMetrics and takes either. A scraper that accepts `text/plain` only cannot read OpenMetrics:
//! there a counter is declared without its `_total`, `info` is a type, and the text ends in `# EOF`. So the metrics are
//! encoded once, in OpenMetrics, and translated for scrapers that ask for the older format:
//!
//! ```text
//! OpenMetrics 1.0.0                         text format 0.0.4
//! # HELP entitle_reconcile Looks …          # HELP entitle_reconcile_total Looks …
//! # TYPE entitle_reconcile counter          # TYPE entitle_reconcile_total counter
//! entitle_reconcile_total{…} 4210.0         entitle_reconcile_total{…} 4210.0
//! # EOF
//! ```

use std::fmt::Write;

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// The format that Prometheus had before, version 0.0.4.
    Text,
}

impl Exposition {
    /// Returns the format for an `Accept` header. OpenMetrics must be asked for by its name, at a quality no lower than
    /// that of `text/plain`; everybody else gets the older format, which every scraper reads.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let accept = accept.unwrap_or_default();
        let open = best_quality(accept, is_open_metrics);
        let text = best_quality(accept, |range| range.kind == "text/plain");
        match open {
            Some(open) if open > 0.0 && text.is_none_or(|text| open >= text) => Self::OpenMetrics,
            Some(_) | None => Self::Text,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Returns metrics, given as OpenMetrics, in this format.
    pub fn render(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Text => translate_to_text(&open_metrics),
        }
    }
}

/// One media range of an `Accept` header, in lower case.
struct MediaRange {
    kind: String,
    /// `None` if any version is accepted.
    version: Option<String>,
    quality: f64,
}

impl MediaRange {
    /// Reads one range, for example `text/plain;version=0.0.4;q=0.3`. A quality that is no number counts as 0.
    fn parse(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let mut parts = lower.split(';').map(str::trim);
        let mut range = Self {
            kind: parts.next().unwrap_or_default().to_string(),
            version: None,
            quality: 1.0,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("version", version)) => {
                    range.version = Some(version.trim_matches('"').to_string());
                }
                Some(("q", quality)) => range.quality = quality.parse().unwrap_or(0.0),
                Some(_) | None => {}
            }
        }
        range
    }
}

/// Reports whether a range accepts the version of OpenMetrics that is served.
fn is_open_metrics(range: &MediaRange) -> bool {
    let version = range.version.as_deref();
    range.kind == "application/openmetrics-text" && version.is_none_or(|version| version == "1.0.0")
}

/// Returns the highest quality among the ranges for which `matches` is true; `None` if there is none.
fn best_quality(accept: &str, matches: impl Fn(&MediaRange) -> bool) -> Option<f64> {
    let ranges = accept.split(',').map(MediaRange::parse);
    let matching = ranges.filter(|range| matches(range));
    matching.map(|range| range.quality).reduce(f64::max)
}

/// Translates OpenMetrics into the text format. The encoder writes no exemplars and no times of creation.
fn translate_to_text(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(text) = line.strip_prefix("# HELP ") {
            // Comes before the type, which decides under which name it stands.
            help = text;
        } else if let Some(declared) = line.strip_prefix("# TYPE ") {
            write_declaration(&mut out, help, declared);
        } else if !line.starts_with('#') {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Writes help and type of a metric that OpenMetrics declares as `NAME KIND`.
fn write_declaration(out: &mut String, help: &str, declared: &str) {
    let (name, kind) = declared.split_once(' ').unwrap_or((declared, "unknown"));
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        kind => ("", kind),
    };
    if let Some(text) = help.strip_prefix(name) {
        let _ = writeln!(out, "# HELP {name}{suffix}{text}");
    }
    let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_is_served_to_those_who_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
                          q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [
            prometheus,
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=\"1.0.0\"",
            "text/plain, application/openmetrics-text",
        ] {
            let format = Exposition::negotiate(Some(accept));
            assert_eq!(format, Exposition::OpenMetrics, "{accept}");
        }
    }

    #[test]
    fn everybody_else_gets_what_every_scraper_reads() {
        assert_eq!(Exposition::negotiate(None), Exposition::Text);
        for accept in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text;q=0.3,text/plain;q=0.5",
        ] {
            let format = Exposition::negotiate(Some(accept));
            assert_eq!(format, Exposition::Text, "{accept}");
        }
    }

    #[test]
    fn counters_infos_and_the_end_are_translated_and_nothing_else() {
        let open = "# HELP a_build The program.\n# TYPE a_build info\na_build_info{v=\"1\"} 1\n\
                    # HELP a_seen Looks.\n# TYPE a_seen counter\na_seen_total{n=\"# x\"} 4.0\n\
                    # HELP a_took_seconds How long.\n# TYPE a_took_seconds histogram\n# UNIT a_took_seconds seconds\n\
                    a_took_seconds_bucket{le=\"+Inf\"} 1\n# EOF\n";
        let text = "# HELP a_build_info The program.\n# TYPE a_build_info gauge\na_build_info{v=\"1\"} 1\n\
                    # HELP a_seen_total Looks.\n# TYPE a_seen_total counter\na_seen_total{n=\"# x\"} 4.0\n\
                    # HELP a_took_seconds How long.\n# TYPE a_took_seconds histogram\n\
                    a_took_seconds_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(Exposition::Text.render(open.into()), text);
        assert_eq!(Exposition::OpenMetrics.render(open.into()), open);
    }
}
