//! A wanted order: what was read of it, and what is known of its owner.

use std::sync::Arc;

use super::customers::CustomerList;
use crate::model::{Live, Malformed, Observed, Text, Value};

/// One wanted order and what is known of it.
pub struct Target {
    pub key: Text,
    pub customer: Option<i64>,
    pub order: Option<Order>,
    /// The customer that the order is known to belong to.
    pub owner: Option<i64>,
    pub failure: Option<String>,
    /// Proofs still on their way; nothing before any was asked for.
    pub proofs: Option<usize>,
    /// The first customer about whom a call for a proof failed, and why. Another proof can still hold.
    pub unproved: Option<(i64, String)>,
    /// Whether the list of the manifest's customer was seen without the order.
    pub disproved: bool,
}

impl Target {
    /// A call for a proof failed. The first customer counts, whichever is heard of first.
    pub fn lose_proof(&mut self, customer: i64, why: String) {
        self.proofs = self.proofs.map(|left| left - 1);
        if self
            .unproved
            .as_ref()
            .is_none_or(|(first, _)| customer < *first)
        {
            self.unproved = Some((customer, why));
        }
    }

    /// The name of the customer in the order that was read.
    pub fn name(&self) -> Option<&str> {
        self.order.as_ref()?.customer.as_deref()
    }

    /// Whether the order was read and nothing tells whose it is.
    pub fn is_open(&self) -> bool {
        self.order.is_some() && self.owner.is_none() && self.failure.is_none()
    }

    /// The only customer of that name, if it is the manifest's and no list says otherwise.
    pub fn agreed(&self, customers: &CustomerList) -> Option<i64> {
        if self.disproved {
            return None;
        }
        let only = customers.only(self.name()?)?;
        self.customer
            .is_none_or(|wanted| wanted == only)
            .then_some(only)
    }
}

/// An order as a list showed it.
pub struct Order {
    pub live: Result<Live, Malformed>,
    pub customer: Option<Arc<str>>,
}

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
        Err(fault) => Observed::Unread(format!(
            "GET /license-orders: order {}: {fault}",
            target.key
        )),
    }
}
