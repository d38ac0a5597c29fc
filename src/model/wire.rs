//! HTTP as data: what to send, what came back, what it means.

use serde_json::Value;

use super::wording::shorten;

/// The methods the five vendors use.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// One call, complete but for the host and the credentials. Path and query are already encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub method: Method,
    /// Path and query below the connection's base URL.
    pub path: String,
    pub body: Option<Value>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            body: None,
        }
    }

    pub fn write(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self {
            method,
            path: path.into(),
            body: Some(body),
        }
    }

    /// A removal, which has no body.
    pub fn delete(path: impl Into<String>) -> Self {
        Self {
            method: Method::Delete,
            path: path.into(),
            body: None,
        }
    }

    /// A call without a body, whose path says all.
    pub fn bare(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
        }
    }

    /// The call as a read; `None` for a call that could change something.
    pub fn as_read(&self) -> Option<Read<'_>> {
        (self.method == Method::Get && self.body.is_none()).then_some(Read(self))
    }

    /// Method, path and query.
    pub fn name(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }

    /// Names the call in messages, shortened: of a filter with a hundred ids the beginning is enough.
    pub fn shown(&self) -> String {
        const LONGEST: usize = 160;
        shorten(&self.name(), LONGEST).into_owned()
    }
}

/// A call that changes nothing at any vendor. Only [`Call::as_read`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a>(&'a Call);

impl<'a> Read<'a> {
    pub fn call(self) -> &'a Call {
        self.0
    }
}

/// The reply to a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    pub status: u16,
    /// The body as text; bytes that are not UTF-8 are replaced, which no JSON survives unnoticed.
    pub body: String,
    pub content_type: String,
    /// What the transport adds to it, for people: where it points to, how often the call was tried.
    pub remark: Option<String>,
}

/// A reply that is not as documented; the text names the member.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Reply {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reports whether the body begins as an object or a list and does not end as one: it was cut off on the way. One
    /// that was cut just behind a closing bracket is not recognised; its parser reports that.
    pub fn ends_early(&self) -> bool {
        let body = self.body.trim();
        let closed = |end| body.len() > 1 && body.ends_with(end);
        match body.bytes().next() {
            Some(b'{') => !closed('}'),
            Some(b'[') => !closed(']'),
            Some(_) | None => false,
        }
    }
}

/// The meaning of a reply to a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Accepted,
    /// Refused, with the vendor's words and, where it names them, the fields they are about.
    Rejected {
        words: String,
        fields: Vec<(String, String)>,
    },
    /// Not now: the vendor did nothing, and might at another time.
    Later(String),
    /// The write may or may not have been carried out: look before doing anything else.
    Unclear(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_cut_off_is_told_from_one_that_is_no_json() {
        let ends_early = |body: &str| {
            let reply = Reply {
                status: 200,
                body: body.into(),
                content_type: "application/json".into(),
                ..Reply::default()
            };
            reply.ends_early()
        };
        for cut in ["{", "[", "[{\"a\": \"x", " {\"a\": [1]\n", "[{}", "[1, "] {
            assert!(ends_early(cut), "{cut}");
        }
        for whole in [
            "",
            " ",
            "{}",
            " [] \n",
            "[{\"a\": 1}]",
            "7",
            "\"[\"",
            "<html>",
        ] {
            assert!(!ends_early(whole), "{whole}");
        }
    }
}
