//! Holds a wanted order: its fields once they are read, and its owner once that is known.
//!
//! The reading fills it from replies and turns it into the outcome. No call is chosen here.

use std::sync::Arc;

use super::owner_resolution::UnownedOrder;
use crate::model::{Live, Malformed, Observed, ReadFailure, Text, Value};

/// One wanted order, and the part of its reading that is complete.
pub struct Target {
    pub key: Text,
    pub customer: Option<i64>,
    pub order: Option<Order>,
    /// The customer that the order is known to belong to.
    pub owner: Option<i64>,
    pub failure: Option<ReadFailure>,
}

impl Target {
    /// Returns whether the order was read, has not failed, and has no known owner yet.
    pub fn is_open(&self) -> bool {
        self.order.is_some() && self.owner.is_none() && self.failure.is_none()
    }

    /// Returns the facts by which `Owners` finds the owner; `index` is the order's among the wanted orders.
    pub fn unowned(&self, index: usize) -> UnownedOrder<'_> {
        let order = self.order.as_ref();
        UnownedOrder {
            index,
            key: &self.key,
            name: order.and_then(|order| order.customer.as_deref()),
            customer: self.customer,
        }
    }

    /// Fails the order because the filter, which matches parts of keys, showed `others` other orders. Such a list may
    /// have further pages, so it does not prove that the order is missing.
    pub fn fail_as_part(&mut self, others: usize) {
        let key = &self.key;
        self.failure = Some(ReadFailure::odd(format!(
            "GET /license-orders shows {others} with {key} as a part of their keys, and none whose key it is: \
             give the whole key"
        )));
    }
}

/// An order as a list showed it.
pub struct Order {
    pub live: Result<Live, Malformed>,
    pub customer: Option<Arc<str>>,
}

/// Takes the outcome of the reading out of a target: live with its owner, missing, or unread with the reason.
pub fn observed(target: &mut Target) -> Observed {
    if let Some(why) = target.failure.take() {
        return Observed::Unread(why);
    }
    let Some(order) = target.order.take() else {
        return Observed::Missing;
    };
    match order.live {
        Ok(mut live) => {
            if let Some(owner) = target.owner {
                live.fields.insert("customer_id", Value::Integer(owner));
            }
            Observed::Live(live)
        }
        Err(fault) => Observed::Unread(ReadFailure::odd(format!(
            "GET /license-orders: order {}: {fault}",
            target.key
        ))),
    }
}
