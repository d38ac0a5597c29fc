//! What every vendor simulator is: HTTP as data in, HTTP as data out, over state kept in memory.
//!
//! A simulator is written from the vendor's published pages and shares no code with `provider`: a fake
//! driven by the field tables would only prove that the tables agree with themselves. It is synchronous
//! and knows no socket and no clock, so each of its rules is tested by calling `answer`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One HTTP request as a simulator sees it: the path starts after the vendor's prefix.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    pub method: String,
    /// Percent-decoded path with its leading slash, for example `/license-orders/AAAAA-…`.
    pub path: String,
    /// Decoded query pairs in the order they were sent.
    pub query: Vec<(String, String)>,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// `http://host:port/prefix` by which this simulator was reached, for replies that point back at it.
    pub base_url: String,
}

impl HttpRequest {
    /// The path cut at its slashes: `/products/1` is `["products", "1"]`; a trailing slash leaves a last empty part.
    pub fn path_segments(&self) -> Vec<&str> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').collect()
    }

    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The token of `Authorization: Bearer …`; the scheme is case-insensitive (RFC 9110, 11.1).
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim_start())
    }

    /// The first value of a query parameter.
    pub fn first_query_value(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// Whether the body claims to be JSON, with any parameters such as a charset.
    pub fn has_json_content_type(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    }

    /// The body as JSON, whatever its content type says.
    pub fn parse_json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("malformed JSON: {error}"))
    }
}

/// One HTTP reply.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpReply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpReply {
    /// A JSON reply.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::serialized(status, body)
    }

    /// A JSON reply written straight from what it shows, without a tree in between.
    pub fn serialized(status: u16, body: &impl Serialize) -> Self {
        // Only maps with odd keys do not serialise, and no account has any.
        Self::from_json_text(status, serde_json::to_vec(body).unwrap_or_default())
    }

    /// A JSON reply that is text already.
    pub fn from_json_text(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![(
                "content-type".into(),
                "application/json; charset=utf-8".into(),
            )],
            body,
        }
    }

    /// A reply without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// One vendor's API over an account held in memory.
pub trait Simulator: Send {
    /// Answers one request at the moment `now`; tokens and sessions age by it.
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply;

    /// Adds so many more objects, the same ones each time, so that the account is as large as a real one.
    fn populate(&mut self, objects: usize);

    /// The whole account as JSON: what tests check and other programs may edit.
    fn state(&self) -> Value;

    /// Replaces the account; the error says what is wrong with the document.
    fn set_state(&mut self, state: Value) -> Result<(), String>;

    /// How undocumented behaviour is to be read at the moment, as one flat JSON object.
    fn switches(&self) -> Value;

    /// Changes the named switches and leaves the others; an unknown name is an error.
    fn set_switches(&mut self, switches: Value) -> Result<(), String>;

    /// A copy that goes its own way, for example as a replica that lags behind.
    fn fork(&self) -> Box<dyn Simulator>;

    /// Ends the session that a request carries, as if its time were over; the vendor's own words for that
    /// are then what it is answered with. `false` if it carries none that ends: keys and fixed tokens stay.
    fn expire_session(&mut self, request: &HttpRequest) -> bool;

    /// Changes something of the account as another admin or a licensee would and says what; `entropy`
    /// chooses. Nothing is said when there is nothing to change.
    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value>;
}
