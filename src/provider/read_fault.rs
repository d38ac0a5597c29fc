//! Decides whether a reply to a read shows a problem of the whole connection.
//!
//! Every read of an account without the right to read is answered 403, and every one at a wrong base URL 404. Such a
//! reply says nothing about the object that was asked for.

use super::error_text::{BASE, looks_like_html, next_step, vendor_message};
use crate::model::{ConnectionFault, FaultKind, Reply};

/// Returns the problem of the connection that a reply to a read shows; `None` if the reply is about the object alone.
///
/// A list that does not exist (404) is one: an object that does not exist is missing, and nobody asks here.
pub fn fault_of(reply: &Reply) -> Option<ConnectionFault> {
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
        FaultKind::WrongBaseUrl => Some(BASE),
        _ => next_step(reply),
    };
    Some(ConnectionFault::new(kind, message).with_hint(hint.map(String::from)))
}

/// Returns the problem of the connection that successful replies show which are not JSON. `why` says what is wrong.
pub fn unreadable_fault(reply: &Reply, why: &str) -> ConnectionFault {
    let kind = match looks_like_html(reply) {
        true => FaultKind::WrongBaseUrl,
        false => FaultKind::UnreadableReply,
    };
    ConnectionFault::new(kind, format!("did not answer with JSON: {why}"))
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
            let fault = fault_of(&reply);
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
        let fault = fault_of(&reply).expect("a fault");
        let words = "answered 301: Moved Permanently; it points to https://b.example/v2";
        assert_eq!(fault.message, words);
        let hint = "redirects are not followed: check `baseUrl`";
        assert_eq!(fault.hint.as_deref(), Some(hint));
    }
}
