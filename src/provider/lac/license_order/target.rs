//! Holds a wanted order: what was read of it, and what is known of its owner.
//!
//! The reading fills it from replies and turns it into the outcome. No call is chosen here.

use std::sync::Arc;

use super::owner_resolution::UnownedOrder;
use crate::model::{Live, Malformed, Observed, ReadFailure, Text, Value};

/// One wanted order and what is known of it.
pub struct Target {
    pub key: Text,
    pub customer: Option<i64>,
    pub order: Option<Order>,
    /// The customer that the order is known to belong to.
    pub owner: Option<i64>,
    pub failure: Option<ReadFailure>,
}

impl Target {
    /// Returns whether the order was read and nothing tells whose it is.
    pub fn is_open(&self) -> bool {
        self.order.is_some() && self.owner.is_none() && self.failure.is_none()
    }

    /// What is known for finding the owner.
    pub fn unowned(&self, index: usize) -> UnownedOrder<'_> {
        let order = self.order.as_ref();
        UnownedOrder {
            index,
            key: &self.key,
            name: order.and_then(|order| order.customer.as_deref()),
            customer: self.customer,
        }
    }

    /// Fails because the filter, which matches parts of keys, showed so many other orders: such a list may go on, so
    /// that the order is not there is not shown.
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

/// Takes out of a target what its reading came to.
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
