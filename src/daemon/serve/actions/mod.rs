//! The routes through which people send requests from the status page.
//!
//! The order of the checks, each of which can end a request: access as for every page, whether actions are on, that the form
//! comes from a page of this server, that its sender has not asked too often, who sent it, the token of the form. Only then
//! its fields are read. Every reply is a page or leads to one, so that all of it works without a script.

pub mod session;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use tokio::time::Instant;

use self::session::{
    ActionAccess, Actor, SESSION_COOKIE, SESSION_LENGTH, THEME_COOKIE, find_cookie,
};
use super::page::forms::SUSPENSION_LENGTHS;
use super::page::frame::{ActionOffer, Theme, Visitor};
use super::page::sign_in::{refusal_page, sign_in_page};
use super::{Server, html_reply};
use crate::daemon::actions::{ActionError, LookTarget, PageAction};
use crate::daemon::requests::RequestError;

/// The largest form, and how long a browser may take to send it.
const LONGEST_FORM: usize = 16 << 10;
const FORM_TIME: Duration = Duration::from_secs(10);

/// A year, for which a browser keeps the theme.
const THEME_AGE: i64 = 365 * 24 * 3_600;

/// The sentences that confirm a request, by the word in the query of the page that shows them.
const CONFIRMATIONS: [(&str, &str); 5] = [
    ("look", "A look was asked for."),
    (
        "suspend",
        "Suspended, for the time of this daemon. It is not in git.",
    ),
    ("resume", "Resumed."),
    (
        "approve",
        "Approved: exactly this change is written with the next look.",
    ),
    ("signed-in", "Signed in."),
];

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    /// Returns a field; empty if it is not there.
    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Returns who reads a page, and what they may do there.
pub fn visitor_of(server: &Server, request: &Request) -> Visitor {
    let headers = request.headers();
    let uri = request.uri();
    let offer = match &server.actions {
        None => ActionOffer::Off,
        Some(access) => match access.find_actor(headers, (server.clock)()) {
            Some(actor) => ActionOffer::Granted {
                csrf: access.csrf_token(&actor),
                can_sign_out: actor.has_session,
                name: actor.name,
            },
            None if access.token.is_some() => ActionOffer::SignIn,
            None => ActionOffer::NobodyNamed,
        },
    };
    let done = super::view::query_value(uri.query().unwrap_or_default(), "done");
    let done = CONFIRMATIONS
        .iter()
        .find(|(word, _)| Some(*word) == done.as_deref());
    Visitor {
        theme: Theme::parse(find_cookie(headers, THEME_COOKIE).unwrap_or_default()),
        offer,
        path: uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_string(),
        done: done.map(|(_, words)| *words),
    }
}

/// Keeps the theme that a reader chose, and leads back to the page.
pub async fn choose_theme(request: Request) -> Response {
    let form = match read_form(request).await {
        Ok(form) => form,
        Err(reply) => return *reply,
    };
    let theme = Theme::parse(form.get("theme")).name();
    let cookie =
        format!("{THEME_COOKIE}={theme}; Path=/; Max-Age={THEME_AGE}; SameSite=Lax; HttpOnly");
    lead_to(own_path(form.get("back")), Some(cookie))
}

/// Shows the form for the second token.
pub async fn show_sign_in(State(server): State<Arc<Server>>, request: Request) -> Response {
    let visitor = visitor_of(&server, &request);
    match &server.actions {
        Some(access) if access.token.is_some() => {
            html_reply(StatusCode::OK, sign_in_page(None, &visitor))
        }
        Some(_) | None => actions_are_off(),
    }
}

/// Opens a session for a visitor who gives the token for actions.
pub async fn sign_in(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let visitor = visitor_of(&server, &request);
    let access = match check_sender(&server, peer, request.headers()) {
        Ok(access) => access,
        Err(reply) => return *reply,
    };
    let form = match read_form(request).await {
        Ok(form) => form,
        Err(reply) => return *reply,
    };
    if !access.is_token(form.get("token")) {
        tracing::warn!(%peer, "a wrong token for actions was given");
        let page = sign_in_page(Some("This is not the token of --actions-token."), &visitor);
        return html_reply(StatusCode::UNAUTHORIZED, page);
    }
    let nonce = (server.nonce)();
    match access.open_session(form.get("name"), &nonce, (server.clock)()) {
        Some(session) => {
            let age = SESSION_LENGTH.as_secs();
            lead_to(
                "/?done=signed-in",
                Some(session_cookie(access, &session, age)),
            )
        }
        None => {
            let page = sign_in_page(
                Some("Give your name: at most 100 characters on one line."),
                &visitor,
            );
            html_reply(StatusCode::BAD_REQUEST, page)
        }
    }
}

/// Ends a session.
pub async fn sign_out(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    match check_form(&server, peer, request).await {
        Ok((access, _, _)) => lead_to("/", Some(session_cookie(access, "", 0))),
        Err(reply) => *reply,
    }
}

/// Carries out what a form asks for; `action` is the last part of its path.
pub async fn take_action(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    axum::extract::Path(action): axum::extract::Path<String>,
    request: Request,
) -> Response {
    let visitor = visitor_of(&server, &request);
    let (_, actor, form) = match check_form(&server, peer, request).await {
        Ok(checked) => checked,
        Err(reply) => return *reply,
    };
    let Some(asked) = read_action(&action, &form, &server) else {
        let page = refusal_page("The form is not one of this page.", "/", &visitor);
        return html_reply(StatusCode::BAD_REQUEST, page);
    };
    let back = match asked.address() {
        Some(address) => format!("/o/{address}"),
        None => "/".to_string(),
    };
    let done = asked.name();
    match server.daemon.carry_out(asked, &actor.name).await {
        Ok(()) => lead_to(&format!("{back}?done={done}"), None),
        Err(error) => {
            let page = refusal_page(&error.to_string(), &back, &visitor);
            html_reply(refusal_status(&error), page)
        }
    }
}

/// Reads the request in a form; `None` if `action` or the fields are not those of a form of this page.
fn read_action(action: &str, form: &Form, server: &Server) -> Option<PageAction> {
    let address = || form.get("address").to_string();
    match action {
        "look" => Some(PageAction::Look(match form.get("connection") {
            "" => LookTarget::Object(address()),
            name => LookTarget::Connection(name.to_string()),
        })),
        "suspend" => {
            let (length, _) = SUSPENSION_LENGTHS
                .into_iter()
                .find(|(value, _)| *value == form.get("for"))?;
            let length: SignedDuration = length.parse().ok()?;
            Some(PageAction::Suspend {
                address: address(),
                reason: form.get("reason").trim().to_string(),
                until: (server.clock)().checked_add(length).ok()?,
            })
        }
        "resume" => Some(PageAction::Resume { address: address() }),
        "approve" => Some(PageAction::Approve {
            address: address(),
            digest: form.get("digest").to_string(),
        }),
        _ => None,
    }
}

fn refusal_status(error: &RequestError) -> StatusCode {
    match error {
        RequestError::NotRecorded(_) | RequestError::Refused(ActionError::Stopping) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        RequestError::Refused(
            ActionError::UnknownObject(_) | ActionError::UnknownConnection(_),
        ) => StatusCode::NOT_FOUND,
        RequestError::Refused(ActionError::BadReason | ActionError::BadEnd) => {
            StatusCode::BAD_REQUEST
        }
        RequestError::Refused(_) => StatusCode::CONFLICT,
    }
}

/// Checks the headers of a form, except those that identify its sender.
fn check_sender<'a>(
    server: &'a Server,
    peer: SocketAddr,
    headers: &HeaderMap,
) -> Result<&'a ActionAccess, Box<Response>> {
    let Some(access) = &server.actions else {
        return Err(Box::new(actions_are_off()));
    };
    if !access.is_own_origin(headers) {
        let words = "the form was not sent from a page of this server\n";
        return Err(Box::new((StatusCode::FORBIDDEN, words).into_response()));
    }
    let mut rate = server.rate.lock().unwrap_or_else(PoisonError::into_inner);
    match rate.take(peer.ip(), Instant::now()) {
        Ok(()) => Ok(access),
        Err(wait) => {
            let after = [(header::RETRY_AFTER, wait.as_secs().max(1).to_string())];
            let reply = (StatusCode::TOO_MANY_REQUESTS, after, "too many requests\n");
            Err(Box::new(reply.into_response()))
        }
    }
}

/// Checks a form whose sender is known.
async fn check_form(
    server: &Server,
    peer: SocketAddr,
    request: Request,
) -> Result<(&ActionAccess, Actor, Form), Box<Response>> {
    let visitor = visitor_of(server, &request);
    let access = check_sender(server, peer, request.headers())?;
    let refused = |status, page: String| Err(Box::new(html_reply(status, page)));
    let Some(actor) = access.find_actor(request.headers(), (server.clock)()) else {
        return match access.token {
            Some(_) => refused(
                StatusCode::UNAUTHORIZED,
                sign_in_page(Some("Sign in first."), &visitor),
            ),
            None => {
                let words = "The proxy names no signed-in user.";
                refused(StatusCode::UNAUTHORIZED, refusal_page(words, "/", &visitor))
            }
        };
    };
    let form = read_form(request).await?;
    if !access.is_csrf_token(&actor, form.get("csrf")) {
        let words = "The form is of another session: load the page again.";
        return refused(StatusCode::FORBIDDEN, refusal_page(words, "/", &visitor));
    }
    Ok((access, actor, form))
}

/// Reads the body of a form.
async fn read_form(request: Request) -> Result<Form, Box<Response>> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let reply = (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a form is application/x-www-form-urlencoded\n",
        );
        return Err(Box::new(reply.into_response()));
    }
    let body = tokio::time::timeout(FORM_TIME, to_bytes(request.into_body(), LONGEST_FORM)).await;
    match body {
        Ok(Ok(body)) => Ok(Form(
            url::form_urlencoded::parse(&body).into_owned().collect(),
        )),
        Ok(Err(_)) => Err(Box::new(
            (StatusCode::PAYLOAD_TOO_LARGE, "a form has at most 16 KiB\n").into_response(),
        )),
        Err(_) => Err(Box::new(
            (StatusCode::REQUEST_TIMEOUT, "the form took too long\n").into_response(),
        )),
    }
}

fn actions_are_off() -> Response {
    let words = "actions are off: start the daemon with --allow-actions and --actions-token or --actor-header\n";
    (StatusCode::NOT_FOUND, words).into_response()
}

/// Returns a path if it is one of this server; the overview otherwise.
fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace());
    if is_own { path } else { "/" }
}

/// Replies with the way to another page.
fn lead_to(path: &str, cookie: Option<String>) -> Response {
    let to: [(HeaderName, String); 1] = [(header::LOCATION, path.to_string())];
    let cookie = cookie.map(|cookie| [(header::SET_COOKIE, cookie)]);
    match cookie {
        Some(cookie) => (StatusCode::SEE_OTHER, to, cookie).into_response(),
        None => (StatusCode::SEE_OTHER, to).into_response(),
    }
}

/// Returns the header that sets the session cookie for `age` seconds.
fn session_cookie(access: &ActionAccess, session: &str, age: i64) -> String {
    let is_https = access
        .page_origin
        .as_ref()
        .is_some_and(|origin| origin.starts_with("https://"));
    let secure = if is_https { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={session}; Path=/; Max-Age={age}; SameSite=Strict; HttpOnly{secure}")
}

#[cfg(test)]
mod tests;
