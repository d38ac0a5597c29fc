//! Parsers of plain values that are typed as arguments, with errors in the words of the person who typed them.
//!
//! In: a text. Out: a value, or the sentence that stands behind the flag's name. The parsers of the standard library speak
//! of digits, types and ranges of the language.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroUsize};

use url::Url;

use crate::model::Kind;
use crate::model::diagnostic::find_nearest;
use crate::provider;

/// Parses how many requests a run may take: 0 or more.
pub fn parse_request_count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a number from 0".into())
}

/// Parses how many calls there may be at a time: 1 to 65535.
pub fn parse_parallelism(text: &str) -> Result<NonZeroU16, String> {
    text.parse()
        .map_err(|_| "write a number from 1 to 65535".to_string())
}

/// Parses a number of processes, at least 1.
pub fn parse_process_count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "write a number of processes, 1 or more".to_string())
}

/// Parses how many of something are shown, at least 1.
pub fn parse_shown_count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "write a number, 1 or more".to_string())
}

/// Parses an address to listen on.
pub fn parse_listen_address(text: &str) -> Result<SocketAddr, String> {
    let fault =
        || "write an address of this machine and a port, such as 127.0.0.1:8900".to_string();
    text.parse().map_err(|_| fault())
}

/// Parses the address of a page.
pub fn parse_page_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| url.has_host());
    url.ok_or_else(|| "write a whole address, such as https://entitle.example.com".to_string())
}

/// Parses the kind of a vendor's objects.
pub fn parse_kind(text: &str) -> Result<Kind, String> {
    let kinds = || provider::all_kinds().map(|kind| kind.table().kind);
    let found = kinds().find(|kind| kind.0 == text);
    found.ok_or_else(|| match find_nearest(text, kinds().map(|kind| kind.0)) {
        Some(name) => format!("did you mean {name}?"),
        None => "`entitle explain` lists the kinds".to_string(),
    })
}
