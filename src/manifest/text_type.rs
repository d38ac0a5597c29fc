//! Defines the types of text that members have: durations, days, URLs, field paths and the like.
//!
//! Each type has a name for `explain`, keywords for the schema, and a parser that makes a value or a finding of a
//! text. A new type of text is one more `static` here; the reader needs no change. Nothing here resolves a name or
//! opens a URL.
//!
//! For example [`DURATION`] makes 90 seconds of `1m 30s`, and a finding of `0s`, `-5s` and `745h`.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::model::address::refuse_name;
use crate::model::dated::{Moment, MomentError};
use crate::model::draft::KindRow;
use crate::model::trusted_host::is_loopback;
use crate::model::{Diagnostic, PathPattern};

/// The longest duration: that of the longest window a vendor could count in. Clocks overflow at some
/// longer ones.
const LONGEST: Duration = Duration::from_secs(744 * 60 * 60);

/// One type of text. No text of any type is blank.
pub struct TextType {
    /// The type for `explain`.
    pub name: &'static str,
    /// Keywords of JSON Schema, each with its text.
    pub keywords: &'static [(&'static str, &'static str)],
    /// Parses a text; `Err` is the finding about it, still without a place.
    pub parse: fn(&GivenText<'_>) -> Result<TextValue, Box<Diagnostic>>,
}

/// What a text of some type stands for.
pub enum TextValue {
    Text(String),
    Duration(Duration),
    Instant(Timestamp),
    Day(Date),
    Moment(Moment),
    FieldPath(PathPattern),
    Url(Url),
}

/// A text of a manifest, with the context that some types need.
pub struct GivenText<'a> {
    pub text: &'a str,
    /// The member in a finding.
    pub label: &'a dyn fmt::Display,
    pub kinds: &'a [KindRow],
}

impl GivenText<'_> {
    /// Returns the finding that the text is not `expected`. It repeats the text, so no type whose text may hold a
    /// secret uses it.
    fn refuse(&self, code: &'static str, expected: &str) -> Diagnostic {
        let message = format!("{} must be {expected}, not {:?}", self.label, self.text);
        Diagnostic::error(code, message)
    }
}

/// Any text that is not blank.
pub static TEXT: TextType = TextType {
    name: "text",
    keywords: &[],
    parse: |given| Ok(TextValue::Text(given.text.into())),
};

/// The name of a document.
pub static NAME: TextType = TextType {
    name: "text of lower-case letters, digits, `-` and `.`",
    keywords: &[("pattern", "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")],
    parse: |given| match refuse_name(given.text) {
        None => Ok(TextValue::Text(given.text.into())),
        Some(fault) => {
            let message = format!("the name {:?} {fault}", given.text);
            Err(Diagnostic::error("bad-name", message).into())
        }
    },
};

/// A positive duration such as `30s` or `1m 30s`.
pub static DURATION: TextType = TextType {
    name: "duration such as 30s or 2m",
    keywords: &[],
    parse: |given| {
        let parsed = given.text.parse::<SignedDuration>().ok();
        let duration = parsed.and_then(|span| Duration::try_from(span).ok());
        match duration.filter(|span| !span.is_zero()) {
            Some(duration) if duration <= LONGEST => Ok(TextValue::Duration(duration)),
            Some(_) => {
                let message = format!("{} must be at most 744h, which is 31 days", given.label);
                Err(Diagnostic::error("out-of-range", message).into())
            }
            None => Err(given
                .refuse("wrong-type", "a duration such as 30s or 2m")
                .into()),
        }
    },
};

/// A moment with a time and a zone, such as `2026-12-24T18:00:00Z`. Without a zone it would depend on the machine.
pub static INSTANT: TextType = TextType {
    name: "moment such as 2026-12-24T18:00:00Z",
    keywords: &[("format", "date-time")],
    parse: |given| match given.text.parse::<Timestamp>() {
        Ok(moment) => Ok(TextValue::Instant(moment)),
        Err(_) => Err(given
            .refuse("bad-date", "a moment")
            .hint("write it with a time and a zone, for example 2026-12-24T18:00:00Z")
            .into()),
    },
};

/// A calendar day such as `2027-01-31`, without a time.
pub static DAY: TextType = TextType {
    name: "day YYYY-MM-DD",
    keywords: &[("pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")],
    parse: |given| {
        // A longer text has a time in it, of which the parser would take the day.
        let is_plain = given.text.len() == "2027-01-31".len();
        match given.text.parse().ok().filter(|_| is_plain) {
            Some(day) => Ok(TextValue::Day(day)),
            None => Err(given
                .refuse("wrong-type", "a day")
                .hint("write the last day on which it is accepted as YYYY-MM-DD")
                .into()),
        }
    },
};

/// A day, or a moment with a time and a zone.
pub static MOMENT: TextType = TextType {
    name: "day YYYY-MM-DD, or moment such as 2027-07-01T06:00:00+02:00",
    keywords: &[(
        "pattern",
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.]+([Zz]|[+-][0-9:]+))?$",
    )],
    parse: |given| match given.text.parse() {
        Ok(moment) => Ok(TextValue::Moment(moment)),
        Err(MomentError) => Err(given
            .refuse("bad-date", "a day or a moment")
            .hint(MomentError.to_string())
            .into()),
    },
};

/// A field path as plans print it.
pub static PLAN_PATH: TextType = TextType {
    name: "field path",
    keywords: &[],
    parse: |given| {
        parse_path(
            given,
            "write it as plans print it, for example `Features[Licstat 6.0].comment`",
        )
    },
};

/// A field path as `drift` prints it.
pub static DRIFT_PATH: TextType = TextType {
    name: "field path",
    keywords: &[],
    parse: |given| {
        parse_path(
            given,
            "write it as drift prints it, for example `Features[*].comment`",
        )
    },
};

/// Parses a field path; `hint` shows the notation of the command that prints such paths.
fn parse_path(given: &GivenText<'_>, hint: &str) -> Result<TextValue, Box<Diagnostic>> {
    PathPattern::parse(given.text)
        .map(TextValue::FieldPath)
        .map_err(|why| {
            let message = format!("not a field path: {why}");
            Box::new(Diagnostic::error("bad-path", message).hint(hint))
        })
}

/// The address of an object of a vendor.
pub static ADDRESS: TextType = TextType {
    name: "Kind/name",
    keywords: &[("pattern", "^[A-Za-z]+/[a-z0-9.-]+$")],
    parse: |given| {
        let text = given.text;
        let Some((kind, _)) = text.split_once('/') else {
            let message = format!("{text:?} is not the address of an object");
            return Err(Diagnostic::error("bad-address", message)
                .hint("write Kind/name, for example `LacLicenseOrder/rivers-floating`")
                .into());
        };
        if given.kinds.iter().any(|row| row.kind.0 == kind) {
            return Ok(TextValue::Text(text.into()));
        }
        Err(unknown_kind(kind, given.kinds).into())
    },
};

/// A kind of a vendor.
pub static KIND: TextType = TextType {
    name: "kind of a vendor's object",
    keywords: &[],
    parse: |given| match given.kinds.iter().any(|row| row.kind.0 == given.text) {
        true => Ok(TextValue::Text(given.text.into())),
        false => Err(unknown_kind(given.text, given.kinds).into()),
    },
};

fn unknown_kind(kind: &str, kinds: &[KindRow]) -> Diagnostic {
    Diagnostic::error("unknown-kind", format!("unknown kind `{kind}`"))
        .suggest(kind, kinds.iter().map(|row| row.kind.0))
}

/// An http(s) URL without user, query and fragment. Which hosts may be reached by plain http is checked by
/// [`refuse_unsafe`], because another member has a say in it.
pub static BASE_URL: TextType = TextType {
    name: "URL",
    keywords: &[("format", "uri")],
    parse: |given| {
        let finding = match Url::parse(given.text) {
            Err(error) => Diagnostic::error("bad-url", format!("this is not a URL: {error}")),
            Ok(url) if carries_login(&url) => Diagnostic::error(
                "secret-in-manifest",
                "a URL must not carry a user name or password",
            ),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                Diagnostic::error("bad-url", "a base URL has no query and no fragment")
            }
            Ok(url) => return Ok(TextValue::Url(url)),
        };
        Err(hide_secret_in(given.text, finding).into())
    },
};

/// An address that may stand in a manifest: it carries no key of its own.
pub static WEBHOOK_URL: TextType = TextType {
    name: "URL",
    keywords: &[("format", "uri")],
    parse: |given| match Url::parse(given.text) {
        Err(error) => {
            Err(Diagnostic::error("bad-url", format!("this is not a URL: {error}")).into())
        }
        Ok(url) if carries_login(&url) || url.query().is_some() => Err(Diagnostic::error(
            "secret-in-manifest",
            "an address with a key in it is a secret",
        )
        .hint("write {env: NAME} or {file: PATH}, and keep the address there")
        .into()),
        Ok(url) => match refuse_unsafe(&url, false) {
            None => Ok(TextValue::Text(url.into())),
            Some(finding) => Err(finding.hint("use https").into()),
        },
    },
};

/// A mail server as `smtps://host:port` or `smtp://host:port`, without user, password and path. Its findings hide the
/// line, since people write the password into the URL.
pub static MAIL_SERVER: TextType = TextType {
    name: "smtps://host:port, or smtp://host:port with STARTTLS",
    keywords: &[("pattern", "^smtps?://[^/@]+/?$")],
    parse: |given| match Url::parse(given.text) {
        Ok(url)
            if matches!(url.scheme(), "smtp" | "smtps")
                && url.has_host()
                && !carries_login(&url)
                && matches!(url.path(), "" | "/") =>
        {
            Ok(TextValue::Url(url))
        }
        _ => Err(Diagnostic::error(
            "bad-url",
            "a mail server is smtps://host:port, or smtp://host:port with STARTTLS",
        )
        .hint("user name and password have fields of their own")
        .hide()
        .into()),
    },
};

/// `name@host`, or `Name <name@host>`. The mail library reads it again before anything is sent.
pub static MAILBOX: TextType = TextType {
    name: "e-mail address",
    keywords: &[("pattern", "@")],
    parse: |given| {
        let text = given.text;
        let address = match (text.find('<'), text.strip_suffix('>')) {
            (Some(start), Some(open)) => &open[start + 1..],
            _ => text,
        };
        let is_address = address.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains(['@', ' '])
        });
        if is_address && !text.contains(char::is_control) {
            Ok(TextValue::Text(text.into()))
        } else {
            Err(given.refuse("wrong-type", "an e-mail address").into())
        }
    },
};

/// Reports whether a URL has a user name or a password in it.
fn carries_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Hides the line of a finding if the URL may hold a password or a token: it has an `@`, a `?` or a `#`.
pub fn hide_secret_in(text: &str, finding: Diagnostic) -> Diagnostic {
    if text.contains(['@', '?', '#']) {
        finding.hide()
    } else {
        finding
    }
}

/// Returns the finding about a URL that no credential may be sent to; `None` if one may. `insecure` allows plain http
/// to any host.
///
/// For example `https://a.example` and `http://localhost:8080` pass, `http://a.example` passes with `insecure` only,
/// and `ftp://a.example` never.
pub fn refuse_unsafe(url: &Url, insecure: bool) -> Option<Diagnostic> {
    match url.scheme() {
        "https" if url.has_host() => None,
        "http" if insecure || is_loopback(url) => None,
        "http" => Some(
            Diagnostic::error(
                "insecure-url",
                "plain http would send credentials in the open; it is accepted for loopback only",
            )
            .hint("use https, or set `allowInsecureHttp: true` if the network is yours"),
        ),
        _ => Some(Diagnostic::error(
            "bad-url",
            "a URL here starts with https://",
        )),
    }
}
