//! The list calls as they are spelled, and the rows of their replies.

use super::{OrderRow, key_of};
use crate::model::{ReadFailure, Reply};
use crate::provider::decode::{Row, Rows, Want};
use crate::provider::reading::unreadable_reply;
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

/// The list of customers from a row on.
pub fn customers(offset: usize) -> String {
    match offset {
        0 => "/customers".to_string(),
        _ => with_query("/customers", &[("offset", &offset.to_string())]),
    }
}

/// The objects of a list.
pub fn rows_of<'de, const N: usize>(
    rows: &'static Rows<N>,
    name: &str,
    reply: &'de Reply,
    want: Want<'_>,
) -> Result<Vec<Row<'static, 'de, N>>, ReadFailure> {
    let list = rows.list(&reply.body, want);
    let list = list.map_err(|error| unreadable_reply(name, reply, &error))?;
    let list =
        list.ok_or_else(|| ReadFailure::odd(format!("{name} did not answer with a list")))?;
    let id = rows.names().next().unwrap_or_default();
    match list.odd.words(&format!("a usable `{id}`")) {
        Some(odd) => Err(ReadFailure::odd(format!("{name} answered with {odd}"))),
        None => Ok(list.rows),
    }
}

/// The row with exactly this key: the filter matches parts of keys.
pub fn exact<'de>(rows: Vec<OrderRow<'de>>, key: &str) -> Option<OrderRow<'de>> {
    rows.into_iter().find(|row| key_of(row) == Some(key))
}
