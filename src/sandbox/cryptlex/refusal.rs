//! A refused call, and the code that belongs to its status.

/// A refused call.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The `Allow` header, which a 405 carries.
    pub(super) allow: Option<&'static str>,
}

/// Returns a refusal with the code that belongs to its status.
///
/// The codes are invented: the pages say only that a code may be there.
pub(super) fn new_refusal(status: u16, message: impl Into<String>) -> Refusal {
    let code = match status {
        400 => "BAD_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        409 => "CONFLICT",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        _ => "ERROR",
    };
    Refusal {
        status,
        code,
        message: message.into(),
        allow: None,
    }
}

/// Returns the 404 for an object that is not there; `what` is its kind, for example `organization`.
pub(super) fn not_found(what: &str, id: &str) -> Refusal {
    new_refusal(404, format!("{what} {id} was not found"))
}
