//! The interface of a vendor simulator: an HTTP request as data in, an HTTP reply as data out.
//!
//! A simulator is written from the vendor's published pages and shares no code with `provider`: a fake driven by
//! the field tables would only prove that the tables agree with themselves. It is synchronous, keeps its account in
//! memory, and knows no socket and no clock (the time is an argument), so each of its rules is tested by calling
//! [`Simulator::answer`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// One HTTP request as a simulator sees it: the path starts after the vendor's prefix.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// The HTTP method as sent.
    pub method: String,
    /// Percent-decoded path with its leading slash, for example `/license-orders/AAAAA-…`.
    pub path: String,
    /// Decoded query pairs in the order they were sent.
    pub query: Vec<(String, String)>,
    /// Header values by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body; empty if there was none.
    pub body: Vec<u8>,
    /// `http://host:port/prefix` under which the client reached this simulator, for replies with links.
    pub base_url: String,
}

impl HttpRequest {
    /// Splits the path at its slashes: `/products/1` is `["products", "1"]`. A trailing slash gives a last empty one.
    pub fn path_segments(&self) -> Vec<&str> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').collect()
    }

    /// Returns the value of a header, `None` if absent; `name` must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Returns the token of `Authorization: Bearer …`; `None` without one or with another scheme.
    ///
    /// The scheme is case-insensitive (RFC 9110, 11.1).
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim_start())
    }

    /// Returns the first value of a query parameter, `None` if absent.
    pub fn first_query_value(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// Returns whether `Content-Type` is `application/json`, with any parameters such as a charset.
    pub fn has_json_content_type(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    }

    /// Parses the body as JSON, whatever its `Content-Type`.
    pub fn parse_json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("malformed JSON: {error}"))
    }
}

/// One HTTP reply.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpReply {
    /// The status code; 0 stands for a connection that is dropped without one.
    pub status: u16,
    /// Header names in lower case with their values, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl HttpReply {
    /// Returns a reply with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::serialized(status, body)
    }

    /// Returns a reply with a JSON body that is serialized directly, without a [`Value`] in between.
    pub fn serialized(status: u16, body: &impl Serialize) -> Self {
        // Only maps whose keys are not strings fail to serialize, and no account has any.
        Self::from_json_text(status, serde_json::to_vec(body).unwrap_or_default())
    }

    /// Returns a reply with a body that is JSON text already.
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

    /// Returns a reply without a body.
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
    /// Answers one request at the time `now`, by which tokens and sessions age.
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply;

    /// Adds this many objects to the account, the same ones each time.
    fn populate(&mut self, objects: usize);

    /// Returns the whole account as JSON, which tests check and other programs may edit.
    fn state(&self) -> Value;

    /// Replaces the account by a document of the form that [`Self::state`] returns.
    ///
    /// `Err` says what is wrong with the document; the account is then unchanged.
    fn set_state(&mut self, state: Value) -> Result<(), String>;

    /// Returns the switches, which say how undocumented behaviour is simulated, as one flat JSON object.
    fn switches(&self) -> Value;

    /// Changes the named switches and keeps the others; `Err` names an unknown switch or a value that does not fit.
    fn set_switches(&mut self, switches: Value) -> Result<(), String>;

    /// Returns an independent copy, for example to serve as a lagging replica.
    fn fork(&self) -> Box<dyn Simulator>;

    /// Ends the session that a request carries, as if it had expired, so that the vendor's own error follows.
    ///
    /// Returns `false` if there is none to end: API keys and the fixed tokens of the sandbox do not expire.
    fn expire_session(&mut self, request: &HttpRequest) -> bool;

    /// Changes one value of the account, chosen by `entropy`, as another admin or a licensee would.
    ///
    /// Returns a description of the change; `None` if there is nothing to change.
    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value>;
}
