//! Durations as they are typed.

use std::time::Duration;

/// A duration such as `30s`, `1m 30s` or `7d`. A day is 24 hours: nothing here follows a calendar.
pub fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::Span = text
        .parse()
        .map_err(|_| "write a duration such as 30s, 10m or 250ms".to_string())?;
    let length = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "months and years are not of one length: write days".to_string())?;
    Duration::try_from(length).map_err(|_| "a duration cannot be negative".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_help_and_people_write_them() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("1m 30s", 90.0),
            ("7d", 604_800.0),
            ("250ms", 0.25),
        ] {
            let read = duration(text).map(|length| length.as_secs_f64());
            assert_eq!(read, Ok(seconds), "{text}");
        }
        for bad in ["", "soon", "-5s", "1mo", "7"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
