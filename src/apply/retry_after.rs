//! Reads the header `Retry-After`: seconds, or a date in any of the three forms that HTTP knows.

use std::time::{Duration, SystemTime};

/// The longest wait that is taken from a `Retry-After` header. Vendors do not mean longer waits, and a moment beyond
/// the range of the clock cannot be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the wait that a header asks for at `now`; `None` if it says neither seconds nor a date that is still to come.
///
/// A number of any length is a number: `99999999999999999999` asks for the longest wait. The dates are those of RFC 9110,
/// section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
pub fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if is_number => LONGEST_WAIT,
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .ok()?,
    };
    Some(wait.min(LONGEST_WAIT))
}

/// Says that a vendor asks for a wait of which less is `left` of the run; `None` if the run has the time.
pub fn describe_long_wait(asked: Duration, left: Duration) -> Option<String> {
    (asked >= left).then(|| {
        let (asked, left) = (asked.as_secs_f64().ceil(), left.as_secs_f64());
        format!(
            "the vendor asks to wait {asked:.0} s, and the run has {left:.0} s left (--timeout)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 7);
        let wait = |text| parse_retry_after(text, now);
        for text in [
            "7",
            " 007 ",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(wait(text), Some(Duration::from_secs(7)), "{text}");
        }
        assert_eq!(wait("0"), Some(Duration::ZERO));
        for long in [
            "2147483647",
            "18446744073709551615",
            "99999999999999999999",
            "Fri, 31 Dec 2100 23:59:59 GMT",
        ] {
            assert_eq!(wait(long), Some(LONGEST_WAIT), "{long}");
        }
        for absent in ["", "soon", "-5", "1.5", "Sun, 06 Nov 1994 08:49:29 GMT"] {
            assert_eq!(wait(absent), None, "{absent}");
        }
    }
}
