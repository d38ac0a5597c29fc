//! The calls of the order list as they are spelled, and the order that is meant among their rows.

use super::{OrderRow, key_of};
use crate::provider::with_query;

/// The list call. The customer filter needs both of its parameters.
pub fn orders(key: Option<&str>, customer: Option<i64>, offset: usize) -> String {
    let (customer, offset) = (customer.map(|id| id.to_string()), offset.to_string());
    let mut pairs = Vec::new();
    if let Some(key) = key {
        pairs.push(("activation_key", key));
    }
    if let Some(customer) = &customer {
        pairs.push(("customer_ids", customer.as_str()));
        pairs.push(("customer_ids_exclude", "false"));
    }
    if offset != "0" {
        pairs.push(("offset", &offset));
    }
    with_query("/license-orders", &pairs)
}

/// The row with exactly this key: the filter matches parts of keys.
pub fn exact<'de>(rows: Vec<OrderRow<'de>>, key: &str) -> Option<OrderRow<'de>> {
    rows.into_iter().find(|row| key_of(row) == Some(key))
}
