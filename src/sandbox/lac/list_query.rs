//! The query parameters of LAC's list calls, as their pages document them (checked 2026-11-21).
//!
//! | list | parameters |
//! | --- | --- |
//! | all | `offset`, the number of rows to skip |
//! | orders | `activation_key` (part of it), `customer_ids` with `customer_ids_exclude`, `product_template_ids`, `created_date_after`, `created_date_before`, `disabled` |
//! | customers | `name`, `email` (parts), `custom_tag_name` with `custom_tag_value` |
//! | products | `name` (part) |
//!
//! Parameters are combined with "and"; unknown ones and any given twice are refused. `Err` is the text of a 400.
//!
//! # Worked example
//!
//! `?customer_ids=3,5&customer_ids_exclude=true&created_date_after=2019-08-14&offset=100` answers with the second
//! hundred of the orders that belong neither to customer 3 nor to 5 and were created on 2019-08-14 or later. Both
//! dates are inclusive. `customer_ids` without `customer_ids_exclude` is refused, as the page asks for both.

use std::collections::BTreeSet;

use serde_json::Value;

use super::account::{Account, Order, is_activation_key};
use super::order_schema;
use super::switches::{ListOrder, Switches};
use crate::sandbox::simulator::HttpRequest;
use crate::sandbox::strict_json::{self, JsonObject};

/// Refuses parameters other than the known ones, and any given twice.
pub fn refuse_unknown_parameters(request: &HttpRequest, known: &[&str]) -> Result<(), String> {
    for (at, (name, _)) in request.query.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            return Err(format!("{name} is not a known query parameter"));
        }
        if request.query[..at]
            .iter()
            .any(|(earlier, _)| earlier == name)
        {
            return Err(format!("{name} is given twice"));
        }
    }
    Ok(())
}

/// Returns the rows of the requested page, which starts at `offset` and is as long as the switch `page_size` says.
pub fn take_page<T>(
    request: &HttpRequest,
    switches: &Switches,
    rows: impl Iterator<Item = T>,
) -> Result<Vec<T>, String> {
    let offset = match request.first_query_value("offset") {
        None => 0,
        Some(text) => order_schema::parse_digits(text).ok_or("offset must be an integer from 0")?,
    };
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    Ok(rows.skip(offset).take(switches.page_size.get()).collect())
}

/// The filters of `GET /license-orders`; `None` is no filter.
struct OrderFilter<'a> {
    /// Part of the activation key, in upper case as keys are.
    key: Option<String>,
    /// Ids of customers, and true if their orders are excluded instead of selected.
    customers: Option<(BTreeSet<i64>, bool)>,
    /// Ids of product templates.
    templates: Option<Vec<i64>>,
    /// The first day of creation, inclusive.
    after: Option<&'a str>,
    /// The last day of creation, inclusive.
    before: Option<&'a str>,
    /// True if only disabled orders match.
    disabled: bool,
}

/// Returns the positions of the orders on the requested page.
pub fn select_orders(
    request: &HttpRequest,
    account: &Account,
    switches: &Switches,
) -> Result<Vec<usize>, String> {
    const KNOWN: &[&str] = &[
        "offset",
        "activation_key",
        "customer_ids",
        "customer_ids_exclude",
        "product_template_ids",
        "created_date_after",
        "created_date_before",
        "disabled",
    ];
    refuse_unknown_parameters(request, KNOWN)?;
    let customers = match (
        request.first_query_value("customer_ids"),
        request.first_query_value("customer_ids_exclude"),
    ) {
        (None, None) => None,
        (Some(list), Some(exclude)) => Some((
            parse_ids("customer_ids", list)?.into_iter().collect(),
            parse_boolean("customer_ids_exclude", exclude)?,
        )),
        _ => return Err("customer_ids and customer_ids_exclude must be set together".into()),
    };
    let templates = request.first_query_value("product_template_ids");
    let filter = OrderFilter {
        key: request
            .first_query_value("activation_key")
            .map(str::to_ascii_uppercase),
        customers,
        templates: templates
            .map(|list| parse_ids("product_template_ids", list))
            .transpose()?,
        after: date_parameter(request, "created_date_after")?,
        before: date_parameter(request, "created_date_before")?,
        disabled: match request.first_query_value("disabled") {
            None => false,
            // The page only says what setting it does, so `false` has no known meaning.
            Some(text) if parse_boolean("disabled", text)? => true,
            Some(_) => return Err("disabled can only be set to true".into()),
        },
    };
    let all = 0..account.orders.len();
    // The usual queries need no scan of all orders: for everything, for one whole key, for some customers.
    if filter.matches_everything() {
        return match switches.list_order {
            ListOrder::Created => take_page(request, switches, all),
            ListOrder::Newest => take_page(request, switches, all.rev()),
        };
    }
    let whole = filter.key.as_deref().filter(|key| is_activation_key(key));
    let candidates: Box<dyn DoubleEndedIterator<Item = usize>> = match (whole, &filter.customers) {
        (Some(key), _) => Box::new(account.position_of(key).into_iter()),
        (None, Some((ids, false))) => Box::new(account.positions_of(ids).into_iter()),
        (None, _) => Box::new(all),
    };
    let fitting = candidates.filter(|position| filter.matches(&account.orders[*position]));
    match switches.list_order {
        ListOrder::Created => take_page(request, switches, fitting),
        ListOrder::Newest => take_page(request, switches, fitting.rev()),
    }
}

impl OrderFilter<'_> {
    /// Returns whether no filter is set.
    fn matches_everything(&self) -> bool {
        let Self {
            key,
            customers,
            templates,
            after,
            before,
            disabled,
        } = self;
        key.is_none()
            && customers.is_none()
            && templates.is_none()
            && after.is_none()
            && before.is_none()
            && !disabled
    }

    /// Returns whether an order matches all filters.
    fn matches(&self, order: &Order) -> bool {
        let customer = order.customer();
        let template = order.settings["product_template_id"].as_i64();
        let template = template.unwrap_or_default();
        // A time starts with its date, and dates of this form sort as text.
        let created = order.creation_time.get(..10).unwrap_or_default();
        let key = self.key.as_ref();
        key.is_none_or(|part| order.key.contains(part))
            && self
                .customers
                .as_ref()
                .is_none_or(|(ids, exclude)| ids.contains(&customer) != *exclude)
            && self
                .templates
                .as_ref()
                .is_none_or(|ids| ids.contains(&template))
            && self.after.is_none_or(|date| created >= date)
            && self.before.is_none_or(|date| created <= date)
            && !(self.disabled && order.settings["enabled"] == true)
    }
}

/// Returns the customers on the requested page.
pub fn list_customers(
    request: &HttpRequest,
    account: &Account,
    switches: &Switches,
) -> Result<Value, String> {
    const KNOWN: &[&str] = &[
        "offset",
        "name",
        "email",
        "custom_tag_name",
        "custom_tag_value",
    ];
    refuse_unknown_parameters(request, KNOWN)?;
    let tag = match (
        request.first_query_value("custom_tag_name"),
        request.first_query_value("custom_tag_value"),
    ) {
        (None, None) => None,
        (Some(name), Some(value)) => Some((name, value)),
        _ => return Err("custom_tag_name and custom_tag_value must be set together".into()),
    };
    let holds = |item: &Value, member: &str, part: &str| {
        item[member]
            .as_str()
            .is_some_and(|text| contains_ignoring_case(text, part))
    };
    let any = |customer: &JsonObject, list: &str, test: &dyn Fn(&Value) -> bool| {
        customer[list].as_array().into_iter().flatten().any(test)
    };
    let fits = |customer: &&JsonObject| {
        request.first_query_value("name").is_none_or(|part| {
            customer["name"]
                .as_str()
                .is_some_and(|n| contains_ignoring_case(n, part))
        }) && request
            .first_query_value("email")
            .is_none_or(|part| any(customer, "Contacts", &|item| holds(item, "email", part)))
            && tag.is_none_or(|(name, part)| {
                any(customer, "CustomTags", &|item| {
                    item["tag_name"] == name && holds(item, "value", part)
                })
            })
    };
    let rows = account.customers.values().filter(fits);
    let page = match switches.list_order {
        ListOrder::Created => take_page(request, switches, rows)?,
        ListOrder::Newest => take_page(request, switches, rows.rev())?,
    };
    Ok(page.into_iter().cloned().collect())
}

/// Returns the products on the requested page.
pub fn list_products(
    request: &HttpRequest,
    account: &Account,
    switches: &Switches,
) -> Result<Value, String> {
    refuse_unknown_parameters(request, &["offset", "name"])?;
    let part = request.first_query_value("name").unwrap_or_default();
    let products = account.products.iter();
    let fitting = products.filter(|(_, product)| {
        let name = product["name"].as_str();
        name.is_some_and(|name| contains_ignoring_case(name, part))
    });
    let rows = fitting.filter_map(|(id, _)| account.product_view(*id));
    Ok(take_page(request, switches, rows)?.into())
}

/// Returns whether a text contains a part, ignoring case.
///
/// The customer page says that names are compared without case; for all other texts this is an assumption.
fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// Parses ids separated by commas.
fn parse_ids(name: &str, list: &str) -> Result<Vec<i64>, String> {
    let ids: Option<Vec<_>> = list
        .split(',')
        .map(|id| order_schema::parse_digits(id.trim()))
        .collect();
    ids.ok_or_else(|| format!("{name} must be ids separated by commas"))
}

/// Parses `true`, `1`, `false` or `0`.
fn parse_boolean(name: &str, text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("{name} must be a boolean")),
    }
}

/// Returns a parameter that must be a date as `YYYY-MM-DD`, `None` if absent.
fn date_parameter<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>, String> {
    match request.first_query_value(name) {
        Some(text) if strict_json::parse_date(text).is_none() => {
            Err(format!("{name} must be a date as YYYY-MM-DD"))
        }
        date => Ok(date),
    }
}
