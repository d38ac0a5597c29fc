//! Alinea's licence API (ASP.NET Web API): one full-replace PUT and two reads that name things differently.
//!
//! In: requests below `/api`, and the token endpoint `/oauth/token`. Out: PascalCase JSON, `{"Message"}` for
//! errors of the framework and `{"Errors", "IsValid"}` for those of the application. Facts are from the
//! vendor's public help pages, checked 2026-11-21; what they leave open is a switch.

mod account;
mod foreign_edits;
pub(super) mod populate;
mod search;
mod switches;
#[cfg(test)]
mod tests;
mod update;
mod views;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::account::{Account, Guid, License};
use self::foreign_edits::FOREIGN;
use self::switches::Switches;
use super::body_schema::BodyProblem;
use super::foreign_edits::edit;
use super::simulator::{HttpReply, HttpRequest, Simulator};
use super::wire::{self, AccessTokens, JsonBodyError};

/// A refused call: the status and the whole body.
#[derive(Debug)]
struct Refusal {
    status: u16,
    body: Value,
    allow: Option<&'static str>,
}

fn refusal(status: u16, body: Value) -> Refusal {
    Refusal {
        status,
        body,
        allow: None,
    }
}

fn message(status: u16, words: impl Into<String>) -> Refusal {
    refusal(status, json!({"Message": words.into()}))
}

/// The framework's refusal of a body that does not bind, one list of sentences per member.
fn unbound(problems: &[BodyProblem]) -> Refusal {
    let mut model = serde_json::Map::new();
    for problem in problems {
        let mut place = "request".to_owned();
        if !problem.path.is_empty() {
            place = format!("request.{}", problem.place());
        }
        let list = model.entry(place).or_insert(json!([]));
        if let Value::Array(list) = list {
            list.push(json!(format!("{problem}.")));
        }
    }
    refusal(
        400,
        json!({"Message": "The request is invalid.", "ModelState": model}),
    )
}

/// Every path that is served.
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
    /// Finds the route of a path and its id; case does not matter, as in ASP.NET routing.
    fn of(path: &str) -> Option<(Self, String)> {
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

    fn allow(self) -> &'static str {
        match self {
            Route::Token | Route::Search => "POST",
            Route::License => "GET, PUT",
            Route::LicenseDtoIndex | Route::SeatGroups | Route::Seats => "GET",
        }
    }
}

/// The simulated account.
#[derive(Clone)]
pub struct Alinea {
    account: Account,
    switches: Switches,
    tokens: AccessTokens,
}

impl Alinea {
    /// Two licences and the owners, groups, categories and roles that they may refer to.
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

    fn route(&mut self, asked: &HttpRequest, now: Timestamp) -> Result<HttpReply, Refusal> {
        let Some((route, id)) = Route::of(&asked.path) else {
            let uri = format!("{}{}", asked.base, asked.path);
            let words = format!("No HTTP resource was found that matches the request URI '{uri}'.");
            let body = json!({"Message": words, "MessageDetail": "No route data was found for this request."});
            return Err(refusal(404, body));
        };
        let method = asked.method.as_str();
        if !route.allow().split(", ").any(|allowed| allowed == method) {
            let words = format!("The requested resource does not support http method '{method}'.");
            return Err(Refusal {
                allow: Some(route.allow()),
                ..message(405, words)
            });
        }
        if !matches!(route, Route::Token) {
            self.authorize(asked, now)?;
        }
        match (route, method) {
            (Route::Token, _) => self.token(asked, now),
            (Route::Search, _) => self.search(asked),
            (Route::License, "PUT") => self.update(path_id(&id)?, asked, now),
            (Route::License, _) => {
                let data = self.nested(self.license(&id)?);
                let body = json!({"IsSuccess": true, "Errors": [], "Data": data});
                Ok(HttpReply::json(200, &body))
            }
            (Route::LicenseDtoIndex, _) => {
                let data = self.flat(self.license(&id)?);
                Ok(HttpReply::json(200, &json!({"Data": data, "Errors": []})))
            }
            (Route::Seats, _) => self.seats(asked),
            (Route::SeatGroups, _) => {
                let groups = self.seat_groups(self.license(&id)?);
                Ok(HttpReply::json(200, &groups))
            }
        }
    }

    /// The seats of the licence that the query names: a bare list.
    fn seats(&self, asked: &HttpRequest) -> Result<HttpReply, Refusal> {
        let named = |name: &str| name.eq_ignore_ascii_case("licenseId");
        let id = asked.query.iter().find(|(name, _)| named(name));
        let license = self.license(id.map_or("", |(_, id)| id))?;
        match self.switches.seats_status {
            200 => Ok(HttpReply::json(200, &self.seat_rows(license))),
            status => Err(message(status, "The seats cannot be shown.")),
        }
    }

    fn license(&self, id: &str) -> Result<&License, Refusal> {
        let id = path_id(id)?;
        let license = self.account.licenses.get(&id);
        license.ok_or_else(|| no_license(id))
    }

    fn authorize(&self, asked: &HttpRequest, now: Timestamp) -> Result<(), Refusal> {
        let life = self.switches.token_life_seconds;
        match wire::credential(asked, "Bearer") {
            Some(token) if self.tokens.good(token, now, life) => Ok(()),
            _ => Err(message(
                401,
                "Authorization has been denied for this request.",
            )),
        }
    }

    /// The client-credentials grant; how clients really log in is documented nowhere.
    fn token(&mut self, asked: &HttpRequest, now: Timestamp) -> Result<HttpReply, Refusal> {
        let error = |status, name: &str| Err(refusal(status, json!({ "error": name })));
        if wire::media_type(asked) != "application/x-www-form-urlencoded" {
            return error(400, "invalid_request");
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(&asked.body)
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

    /// The JSON body of a call; the page lists `text/json` beside `application/json`.
    fn body(&self, asked: &HttpRequest) -> Result<Value, Refusal> {
        wire::json_body(asked, &["application/json", "text/json"]).map_err(|fault| match fault {
            JsonBodyError::MediaType(media) => {
                let words = format!(
                    "The request entity's media type '{media}' is not supported for this resource."
                );
                message(415, words)
            }
            JsonBodyError::Empty => message(400, "The request has no body."),
            JsonBodyError::Malformed(why) => refusal(
                400,
                json!({"Message": "The request is invalid.", "ModelState": {"request": [why]}}),
            ),
        })
    }
}

/// The GUID that a path names.
fn path_id(text: &str) -> Result<Guid, Refusal> {
    Guid::try_from(text.to_owned()).map_err(|_| {
        refusal(
            400,
            json!({
                "Message": "The request is invalid.",
                "MessageDetail": "The parameters dictionary contains a null entry for parameter 'id' of non-nullable type 'System.Guid'.",
            }),
        )
    })
}

fn no_license(id: Guid) -> Refusal {
    message(404, format!("License {id} was not found."))
}

fn refused(refusal: Refusal) -> HttpReply {
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
    fn answer(&mut self, asked: &HttpRequest, now: Timestamp) -> HttpReply {
        self.route(asked, now).unwrap_or_else(refused)
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
        self.switches = self.switches.changed(switches)?;
        Ok(())
    }

    fn fork(&self) -> Box<dyn Simulator> {
        Box::new(self.clone())
    }

    fn lose_session(&mut self, asked: &HttpRequest) -> bool {
        wire::credential(asked, "Bearer").is_some_and(|token| self.tokens.lose(token))
    }

    fn foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value> {
        edit(self, &FOREIGN, entropy, now)
    }
}
