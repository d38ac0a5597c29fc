//! Decides whether a reply to a read shows a problem of the whole connection.
//!
//! Every read of an account without the right to read is answered 403, and every one at a wrong base URL 404. Such a
//! reply says nothing about the object that was asked for.

use super::error_text::{BASE, looks_like_html, next_step, vendor_message};
use crate::model::{ConnectionFault, FaultKind, Reply};

/// Returns the problem of the connection that a reply to a read shows; `None` if the reply is about the object alone.
///
/// A list that does not exist (404) is one: an object that does not exist is missing, and is not asked for here. `call` is
/// the call in messages, such as `GET /v3/licenses?limit=100`.
pub fn fault_of(call: &str, reply: &Reply) -> Option<ConnectionFault> {
    let kind = match reply.status {
        _ if looks_like_html(reply) && reply.status < 500 && reply.status / 100 != 3 => {
            FaultKind::WrongBaseUrl
        }
        300..=399 => FaultKind::Redirected,
        401 | 403 => FaultKind::Forbidden,
        404 | 405 => FaultKind::WrongBaseUrl,
        407 => FaultKind::Unreachable,
        429 => FaultKind::RateLimited,
        408 | 425 | 500.. => FaultKind::VendorFailure,
        _ => return None,
    };
    let words = [Some(vendor_message(reply)), reply.remark.clone()];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let message = format!("answered {}: {}", reply.status, words.join("; "));
    let hint = match kind {
        FaultKind::WrongBaseUrl => Some(describe_base(call)),
        _ => next_step(reply).map(String::from),
    };
    Some(ConnectionFault::new(kind, message).with_hint(hint))
}

/// Returns the problem of the connection that a successful reply shows which is not JSON. `why` says what is wrong.
pub fn unreadable_fault(call: &str, reply: &Reply, why: &str) -> ConnectionFault {
    let (kind, hint) = match looks_like_html(reply) {
        true => (FaultKind::WrongBaseUrl, Some(describe_base(call))),
        false => (FaultKind::UnreadableReply, None),
    };
    let why = why
        .strip_suffix(BASE)
        .map_or(why, |why| why.trim_end_matches("; "));
    ConnectionFault::new(kind, format!("did not answer with JSON: {why}")).with_hint(hint)
}

/// Returns the advice about a base URL, with the call that went to the wrong place, without its query.
fn describe_base(call: &str) -> String {
    let call = call.split('?').next().unwrap_or(call);
    format!("check `baseUrl`: it is everything before the path of {call}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_every_read_would_have_is_a_problem_of_the_connection() {
        let page = "<title>Sign in</title>";
        for (status, body, kind) in [
            (301, "", Some(FaultKind::Redirected)),
            (401, "", Some(FaultKind::Forbidden)),
            (403, r#"{"message":"No."}"#, Some(FaultKind::Forbidden)),
            (403, page, Some(FaultKind::WrongBaseUrl)),
            (404, page, Some(FaultKind::WrongBaseUrl)),
            (405, "", Some(FaultKind::WrongBaseUrl)),
            (407, "", Some(FaultKind::Unreachable)),
            (429, "", Some(FaultKind::RateLimited)),
            (503, page, Some(FaultKind::VendorFailure)),
            (400, "", None),
            (422, "", None),
        ] {
            let reply = Reply {
                status,
                body: body.into(),
                ..Reply::default()
            };
            let fault = fault_of("GET /licenses?page=1", &reply);
            assert_eq!(fault.map(|fault| fault.kind), kind, "{status} {body}");
        }
    }

    #[test]
    fn a_fault_says_what_was_answered_and_what_to_do() {
        let reply = Reply {
            status: 301,
            remark: Some("it points to https://b.example/v2".into()),
            ..Reply::default()
        };
        let fault = fault_of("GET /licenses?page=1", &reply).expect("a fault");
        let words = "answered 301: Moved Permanently; it points to https://b.example/v2";
        assert_eq!(fault.message, words);
        let hint = "redirects are not followed: check `baseUrl`";
        assert_eq!(fault.hint.as_deref(), Some(hint));
        let page = Reply {
            status: 200,
            body: "<title>Sign in</title>".into(),
            ..Reply::default()
        };
        let why = format!("an HTML page; {BASE}");
        let fault = unreadable_fault("GET /licenses?page=1", &page, &why);
        assert_eq!(fault.message, "did not answer with JSON: an HTML page");
        let hint = "check `baseUrl`: it is everything before the path of GET /licenses";
        assert_eq!(fault.hint.as_deref(), Some(hint));
    }
}
