//! Reads what the product template of an order that is to be created has for fields that its manifest leaves out.
//!
//! In: orders that the list of their customer lacks, with the fields of their manifests. Out: each of them, with the
//! template's values as a text for the plan. None of it is sent: whether a new order takes them over is not documented.
//! A template that cannot be read costs the text and not the plan.
//!
//! A template is found by the list of products, which is read no further than it takes.
//!
//! ```text
//! an order of template 3, without deactivations_allowed
//!     GET /products                          product 1 has the templates 2 and 3
//!     GET /products/1/product-templates/3    "deactivations_allowed": "2"
//! ```
//!
//! Sources: the vendor's pages "Get product", "Get all product templates" and "Get product template", checked 2026-11-30.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::new_order::NewOrder;
use crate::model::{Call, Observed, ReadFailure};
use crate::provider::lac::list_walk::{ListWalk, WalkStep};
use crate::provider::reading::{Answer, json_of};
use crate::provider::with_query;

/// The name of the list call in messages.
const LIST: &str = "GET /products";

/// A call of the search.
#[derive(Clone, Copy, Debug)]
pub enum SearchCall {
    /// The products from this row on.
    Products(usize),
    /// The template with this id.
    Template(i64),
}

/// An order that waits for its template, with its index among the wanted orders.
type WaitingOrder = (usize, NewOrder);

/// The templates of all orders that are to be created.
#[derive(Default)]
pub struct TemplateSearch {
    calls: Vec<(SearchCall, Call)>,
    list: ListState,
    walk: ListWalk,
    /// The product of each template that the list has shown.
    products: BTreeMap<i64, i64>,
    /// Orders of templates that the list has not shown yet.
    sought: BTreeMap<i64, Vec<WaitingOrder>>,
    /// Orders of templates that were asked for.
    asked: BTreeMap<i64, Vec<WaitingOrder>>,
    templates: BTreeMap<i64, Result<Json, ReadFailure>>,
    settled: Vec<(usize, Observed)>,
}

/// How far the list of products was read.
enum ListState {
    /// The page that begins with this row comes next.
    Next(usize),
    Asked,
    /// There is no more to read; templates that it did not show stay unknown for this reason.
    Ended(ReadFailure),
}

impl Default for ListState {
    fn default() -> Self {
        Self::Next(0)
    }
}

impl TemplateSearch {
    /// Adds an order to be created, which is settled once its template was read.
    pub fn add(&mut self, index: usize, order: NewOrder) {
        let template = order.template;
        if let Some(read) = self.templates.get(&template) {
            self.settled.push((index, order.observed(read)));
            return;
        }
        let waiting = match self.asked.get_mut(&template) {
            Some(asked) => asked,
            None => self.sought.entry(template).or_default(),
        };
        waiting.push((index, order));
        self.go_on();
    }

    /// Returns the calls that may go out now.
    pub fn calls(&mut self) -> Vec<(SearchCall, Call)> {
        std::mem::take(&mut self.calls)
    }

    /// Returns the orders that were settled since the last time.
    pub fn settled(&mut self) -> Vec<(usize, Observed)> {
        std::mem::take(&mut self.settled)
    }

    /// Takes the reply to a call with this name.
    pub fn take(&mut self, call: SearchCall, name: &str, answer: Answer) {
        let json = json_of(name, answer);
        match call {
            SearchCall::Template(id) => {
                let waiting = self.asked.remove(&id).unwrap_or_default();
                self.settle(id, waiting, json);
            }
            SearchCall::Products(offset) => {
                self.list = match json {
                    Ok(page) => self.take_page(offset, &page),
                    Err(failure) => ListState::Ended(failure),
                };
                self.go_on();
            }
        }
    }

    /// Asks for templates whose product is known, and for more products if one is sought.
    fn go_on(&mut self) {
        for (template, orders) in std::mem::take(&mut self.sought) {
            match self.products.get(&template) {
                Some(product) => {
                    let path = format!("/products/{product}/product-templates/{template}");
                    let call = SearchCall::Template(template);
                    self.calls.push((call, Call::get(path)));
                    self.asked.insert(template, orders);
                }
                None => {
                    self.sought.insert(template, orders);
                }
            }
        }
        match &self.list {
            _ if self.sought.is_empty() => {}
            ListState::Asked => {}
            ListState::Next(offset) => {
                let call = SearchCall::Products(*offset);
                self.calls.push((call, Call::get(products_from(*offset))));
                self.list = ListState::Asked;
            }
            ListState::Ended(why) => {
                let why = why.clone();
                for (template, orders) in std::mem::take(&mut self.sought) {
                    self.settle(template, orders, Err(why.clone()));
                }
            }
        }
    }

    /// Takes a page of products; returns what comes after it.
    fn take_page(&mut self, offset: usize, page: &Json) -> ListState {
        let Some(rows) = page.as_array() else {
            return ListState::Ended(ReadFailure::odd(format!(
                "{LIST} did not answer with a list"
            )));
        };
        let mut ids = Vec::with_capacity(rows.len());
        let before = self.products.len();
        for row in rows {
            let Some(product) = row.get("id").and_then(id_of) else {
                let why = format!("{LIST} answered with a product without an `id`");
                return ListState::Ended(ReadFailure::odd(why));
            };
            let templates = row.get("ProductTemplates").and_then(Json::as_array);
            let templates = templates.into_iter().flatten();
            for template in templates.filter_map(|template| id_of(template.get("id")?)) {
                self.products.insert(template, product);
            }
            ids.push(product.to_string());
        }
        let is_new = self.products.len() > before;
        match self.walk.take(LIST, offset, ids, is_new) {
            WalkStep::Ask(offset) => ListState::Next(offset),
            WalkStep::Again => ListState::Next(0),
            WalkStep::End => {
                let why = format!("{LIST} shows no product with this template");
                ListState::Ended(ReadFailure::odd(why))
            }
            WalkStep::Abandon(why) => ListState::Ended(ReadFailure::odd(why)),
        }
    }

    fn settle(
        &mut self,
        template: i64,
        orders: Vec<WaitingOrder>,
        read: Result<Json, ReadFailure>,
    ) {
        let observed = orders.into_iter();
        let observed = observed.map(|(index, order)| (index, order.observed(&read)));
        self.settled.extend(observed);
        self.templates.insert(template, read);
    }
}

/// Returns the call for the products from a row on.
fn products_from(offset: usize) -> String {
    let from = offset.to_string();
    let query = [("offset", from.as_str())];
    with_query("/products", if offset > 0 { &query } else { &[] })
}

/// Reads an id, which replies show as digits in a text.
fn id_of(json: &Json) -> Option<i64> {
    match json {
        Json::String(digits) => digits.parse().ok(),
        number => number.as_i64(),
    }
}
