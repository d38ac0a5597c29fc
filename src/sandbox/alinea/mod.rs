//! The simulator of Alinea's licence API (ASP.NET Web API): one PUT that replaces, two reads that rename.
//!
//! | call | file | answers |
//! | --- | --- | --- |
//! | `POST /oauth/token` | here | a token for client credentials |
//! | `POST /api/licenses` | `search` | a page of flat views in the collection envelope |
//! | `GET /api/licenses/{id}` | `views` | the nested view in an envelope |
//! | `PUT /api/licenses/{id}` | `update` | `{"Errors", "IsValid"}` |
//! | `GET /api/licensedtoindex/{id}` | `views` | the flat view in an envelope |
//! | `GET /api/licenses/{id}/seatgroups` | `views` | two lists of ids, without an envelope |
//! | `GET /api/seats?licenseId={id}` | `views` | a bare list of seats |
//!
//! Replies are PascalCase JSON. Errors of the framework are `{"Message"}`, with `ModelState` for a body that does
//! not bind; errors of the application are `{"Errors", "IsValid"}`.
//!
//! Facts are from the vendor's public help pages, checked 2026-11-21. What they leave open is one of the
//! `switches`. Left out: creating and deleting licences, users and search filters.

mod account;
mod foreign_edits;
mod populate;
mod search;
mod switches;
#[cfg(test)]
mod tests;
mod update;
mod views;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::account::{Account, Guid, License};
use self::foreign_edits::FOREIGN_EDITS;
use self::switches::Switches;
use super::access_tokens::AccessTokens;
use super::body_schema::BodyProblem;
use super::foreign_edits::make_edit;
use super::request_parts::{self, JsonBodyError};
use super::simulated_vendor::SandboxCredential;
use super::simulated_vendor::SimulatedVendor;
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// A refused call.
#[derive(Debug)]
struct Refusal {
    status: u16,
    /// The whole body of the reply.
    body: Value,
    /// The `Allow` header, which a 405 carries.
    allow: Option<&'static str>,
}

/// Returns a refusal with this body.
fn new_refusal(status: u16, body: Value) -> Refusal {
    Refusal {
        status,
        body,
        allow: None,
    }
}

/// Returns a refusal with the framework's body `{"Message"}`.
fn message_refusal(status: u16, words: impl Into<String>) -> Refusal {
    new_refusal(status, json!({"Message": words.into()}))
}

/// Returns the framework's refusal of a body that does not bind, with a list of sentences per member.
fn model_state_refusal(problems: &[BodyProblem]) -> Refusal {
    let mut model = serde_json::Map::new();
    for problem in problems {
        let mut location = "request".to_owned();
        if !problem.path.is_empty() {
            location = format!("request.{}", problem.location());
        }
        let list = model.entry(location).or_insert(json!([]));
        if let Value::Array(list) = list {
            list.push(json!(format!("{problem}.")));
        }
    }
    new_refusal(
        400,
        json!({"Message": "The request is invalid.", "ModelState": model}),
    )
}

/// A path that is served.
#[derive(Clone, Copy)]
enum Route {
    Token,
    Search,
    License,
    LicenseDtoIndex,
    SeatGroups,
    Seats,
}

impl Route {
    /// Returns the route of a path and its id, empty if it has none; `None` for an unknown path.
    ///
    /// Case does not matter, as in ASP.NET routing.
    fn find(path: &str) -> Option<(Self, String)> {
        let path = path.to_ascii_lowercase();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let (route, id) = match parts.as_slice() {
            ["oauth", "token"] => (Route::Token, ""),
            ["api", "licenses"] => (Route::Search, ""),
            ["api", "seats"] => (Route::Seats, ""),
            ["api", "licenses", id] if !id.is_empty() => (Route::License, *id),
            ["api", "licensedtoindex", id] if !id.is_empty() => (Route::LicenseDtoIndex, *id),
            ["api", "licenses", id, "seatgroups"] if !id.is_empty() => (Route::SeatGroups, *id),
            _ => return None,
        };
        Some((route, id.to_owned()))
    }

    /// Returns the methods of this path in the form of an `Allow` header.
    fn allowed_methods(self) -> &'static str {
        match self {
            Route::Token | Route::Search => "POST",
            Route::License => "GET, PUT",
            Route::LicenseDtoIndex | Route::SeatGroups | Route::Seats => "GET",
        }
    }
}

/// What the sandbox serves as `alinea`.
pub(super) const VENDOR: SimulatedVendor = SimulatedVendor {
    prefix: "alinea",
    seeded: || Box::new(Alinea::seeded()),
    credentials: &[
        SandboxCredential::new("token", "/alinea", &[("token", "sandbox-token")]),
        SandboxCredential {
            token_url: Some("/alinea/oauth/token"),
            ..SandboxCredential::new(
                "clientCredentials",
                "/alinea",
                &[("clientId", "sandbox"), ("clientSecret", "sandbox")],
            )
        },
    ],
    write_manifest: populate::write_manifest,
};

/// An Alinea account served by the rules of the vendor's help pages.
#[derive(Clone)]
pub struct Alinea {
    account: Account,
    switches: Switches,
    tokens: AccessTokens,
}

impl Alinea {
    /// Returns a simulator with two licences and the owners, groups, categories and roles that they may refer to.
    #[expect(
        clippy::expect_used,
        reason = "the seed is compiled in, and the tests load it"
    )]
    pub fn seeded() -> Self {
        let seed = serde_json::from_str(include_str!("seed.json"));
        let account = seed
            .map_err(|error| error.to_string())
            .and_then(Account::load);
        Self {
            // The seed is part of the program and a test loads it.
            account: account.expect("the seed is a good account"),
            switches: Switches::default(),
            tokens: AccessTokens::new("sandbox-token"),
        }
    }

    /// Answers a request by its path and method; every path but the token endpoint needs a token.
    fn route_request(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let Some((route, id)) = Route::find(&request.path) else {
            let uri = format!("{}{}", request.base_url, request.path);
            let words = format!("No HTTP resource was found that matches the request URI '{uri}'.");
            let body = json!({"Message": words, "MessageDetail": "No route data was found for this request."});
            return Err(new_refusal(404, body));
        };
        let method = request.method.as_str();
        if !route
            .allowed_methods()
            .split(", ")
            .any(|allowed| allowed == method)
        {
            let words = format!("The requested resource does not support http method '{method}'.");
            return Err(Refusal {
                allow: Some(route.allowed_methods()),
                ..message_refusal(405, words)
            });
        }
        if !matches!(route, Route::Token) {
            self.authorize(request, now)?;
        }
        match (route, method) {
            (Route::Token, _) => self.grant_token(request, now),
            (Route::Search, _) => self.search_licenses(request),
            (Route::License, "PUT") => self.update_license(parse_path_id(&id)?, request, now),
            (Route::License, _) => {
                let data = self.nested_view(self.find_license(&id)?);
                let body = json!({"IsSuccess": true, "Errors": [], "Data": data});
                Ok(HttpReply::json(200, &body))
            }
            (Route::LicenseDtoIndex, _) => {
                let data = self.flat_view(self.find_license(&id)?);
                Ok(HttpReply::json(200, &json!({"Data": data, "Errors": []})))
            }
            (Route::Seats, _) => self.list_seats(request),
            (Route::SeatGroups, _) => {
                let groups = self.seat_groups(self.find_license(&id)?);
                Ok(HttpReply::json(200, &groups))
            }
        }
    }

    /// Answers with the seats of the licence that the query names: a bare list.
    fn list_seats(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        let named = |name: &str| name.eq_ignore_ascii_case("licenseId");
        let id = request.query.iter().find(|(name, _)| named(name));
        let license = self.find_license(id.map_or("", |(_, id)| id))?;
        match self.switches.seats_status {
            200 => Ok(HttpReply::json(200, &self.seat_rows(license))),
            status => Err(message_refusal(status, "The seats cannot be shown.")),
        }
    }

    /// Returns the licence that a path names: 400 for a text that is no GUID, 404 for an unknown licence.
    fn find_license(&self, id: &str) -> Result<&License, Refusal> {
        let id = parse_path_id(id)?;
        let license = self.account.licenses.get(&id);
        license.ok_or_else(|| license_not_found(id))
    }

    /// Refuses a request without a valid token with 401.
    fn authorize(&self, request: &HttpRequest, now: Timestamp) -> Result<(), Refusal> {
        let life = self.switches.token_life_seconds;
        match request_parts::authorization_value(request, "Bearer") {
            Some(token) if self.tokens.is_valid(token, now, life) => Ok(()),
            _ => Err(message_refusal(
                401,
                "Authorization has been denied for this request.",
            )),
        }
    }

    /// Grants a token for client credentials (RFC 6749, 4.4).
    ///
    /// The vendor documents nowhere how clients log in, so the grant is an assumption.
    fn grant_token(&mut self, request: &HttpRequest, now: Timestamp) -> Result<HttpReply, Refusal> {
        let error = |status, name: &str| Err(new_refusal(status, json!({ "error": name })));
        if request_parts::media_type(request) != "application/x-www-form-urlencoded" {
            return error(400, "invalid_request");
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
        let of = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.as_str())
        };
        match of("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return error(400, "unsupported_grant_type"),
            None => return error(400, "invalid_request"),
        }
        if of("client_id") != Some("sandbox") || of("client_secret") != Some("sandbox") {
            return error(self.switches.bad_client_status, "invalid_client");
        }
        let token = self.tokens.issue(now);
        let life = self.switches.token_life_seconds;
        Ok(HttpReply::json(
            200,
            &json!({"access_token": token, "token_type": "Bearer", "expires_in": life}),
        ))
    }

    /// Parses the JSON body of a call; the help page lists `text/json` beside `application/json`.
    fn parse_body(&self, request: &HttpRequest) -> Result<Value, Refusal> {
        request_parts::parse_json_body(request, &["application/json", "text/json"]).map_err(|fault| match fault {
            JsonBodyError::MediaType(media) => {
                let words = format!(
                    "The request entity's media type '{media}' is not supported for this resource."
                );
                message_refusal(415, words)
            }
            JsonBodyError::Empty => message_refusal(400, "The request has no body."),
            JsonBodyError::Malformed(why) => new_refusal(
                400,
                json!({"Message": "The request is invalid.", "ModelState": {"request": [why]}}),
            ),
        })
    }
}

/// Parses the GUID in a path; 400 in the framework's words if it is none.
fn parse_path_id(text: &str) -> Result<Guid, Refusal> {
    Guid::try_from(text.to_owned()).map_err(|_| {
        new_refusal(
            400,
            json!({
                "Message": "The request is invalid.",
                "MessageDetail": "The parameters dictionary contains a null entry for parameter 'id' of non-nullable type 'System.Guid'.",
            }),
        )
    })
}

/// Returns the 404 for an unknown licence.
fn license_not_found(id: Guid) -> Refusal {
    message_refusal(404, format!("License {id} was not found."))
}

/// Turns a refusal into a reply, with the headers that 401 and 405 carry.
fn refusal_reply(refusal: Refusal) -> HttpReply {
    let mut answer = HttpReply::json(refusal.status, &refusal.body);
    if refusal.status == 401 {
        let challenge = ("www-authenticate".into(), "Bearer".into());
        answer.headers.push(challenge);
    }
    if let Some(allow) = refusal.allow {
        answer.headers.push(("allow".into(), allow.into()));
    }
    answer
}

impl Simulator for Alinea {
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply {
        self.route_request(request, now)
            .unwrap_or_else(refusal_reply)
    }

    fn populate(&mut self, objects: usize) {
        self.account.populate(objects);
    }

    fn state(&self) -> Value {
        self.account.save()
    }

    fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.account = Account::load(state)?;
        Ok(())
    }

    fn switches(&self) -> Value {
        json!(self.switches)
    }

    fn set_switches(&mut self, switches: Value) -> Result<(), String> {
        self.switches = self.switches.with_changes(switches)?;
        Ok(())
    }

    fn fork(&self) -> Box<dyn Simulator> {
        Box::new(self.clone())
    }

    fn expire_session(&mut self, request: &HttpRequest) -> bool {
        request_parts::authorization_value(request, "Bearer")
            .is_some_and(|token| self.tokens.expire(token))
    }

    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value> {
        make_edit(self, &FOREIGN_EDITS, entropy, now)
    }
}
