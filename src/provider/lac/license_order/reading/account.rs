//! An account that answers as LAC does, for the tests of the reading.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::model::{Desired, Observed, Value};
use crate::provider::ResourceKind;
use crate::provider::lac::license_order::{LicenseOrder, fields};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer};

/// Simulates an account whose orders belong to its customers in turn: order 0 to customer 1, order 1 to customer 2.
pub struct Account {
    pub orders: i64,
    pub customers: i64,
    /// An order that is not its manifest's customer's, but the last one's, who has the same name.
    pub lost: i64,
    /// True if it may see its customers.
    pub sees: bool,
    /// Rows of a page.
    pub rows: i64,
}

impl Account {
    /// Returns the customer that the manifest of an order names.
    pub fn named(&self, number: i64) -> i64 {
        number % self.customers + 1
    }

    /// Returns the customer that the order really belongs to.
    pub fn owner(&self, number: i64) -> i64 {
        if number == self.lost {
            self.customers
        } else {
            self.named(number)
        }
    }

    /// Returns the name of a customer. With a lost order, the last customer has the name of another one.
    fn name(&self, customer: i64) -> String {
        let twin = self.lost >= 0 && customer == self.customers;
        let customer = if twin {
            self.named(self.lost)
        } else {
            customer
        };
        format!("Customer {customer}")
    }

    /// Answers a call as LAC does: by offset, by customer and by key.
    pub fn answer(&self, call: &str) -> Answer {
        let query = call.split_once('?').map_or("", |(_, query)| query);
        let query: BTreeMap<&str, &str> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let number = |name: &str| query.get(name).map(|text| text.parse::<i64>().unwrap());
        let offset = number("offset").unwrap_or(0);
        if call.starts_with("GET /customers") {
            if !self.sees {
                return answer(403, json!({"message": "Access denied."}));
            }
            let ids = offset + 1..=self.customers.min(offset + self.rows);
            let row = |id: i64| json!({"id": id, "name": self.name(id)});
            return answer(200, Json::from_iter(ids.map(row)));
        }
        let of = number("customer_ids");
        let key = query.get("activation_key");
        let (first, step) = match of {
            Some(of) if self.lost < 0 => (of - 1, usize::try_from(self.customers).unwrap()),
            _ => (0, 1),
        };
        let rows = (first..self.orders)
            .step_by(step)
            .filter(|number| of.is_none_or(|of| of == self.owner(*number)))
            .filter(|number| key.is_none_or(|key| format!("k{number}").contains(key)))
            .skip(usize::try_from(offset).unwrap())
            .take(usize::try_from(self.rows).unwrap());
        let row = |number: i64| {
            let mut order = whole(number);
            order["customer"]["name"] = json!(self.name(self.owner(number)));
            order
        };
        answer(200, Json::from_iter(rows.map(row)))
    }

    /// Returns the desired order that a manifest would state.
    pub fn manifest(&self, number: i64) -> Desired {
        let key = format!("k{number}");
        let mut order = testing::desired_object(&fields::TABLE, &[("activationKey", &key)]);
        let customer = Value::Integer(self.named(number));
        order.fields.extend([("customer_id", customer)]);
        order
    }

    /// Reads orders and returns the calls of each round trip and what became of each order.
    pub fn read(&self, numbers: impl Iterator<Item = i64>) -> (Vec<Vec<String>>, Vec<Observed>) {
        self.read_by(numbers, |call| self.answer(call))
    }

    /// Reads orders from another vendor than this account.
    pub fn read_by(
        &self,
        numbers: impl Iterator<Item = i64>,
        vendor: impl FnMut(&str) -> Answer,
    ) -> (Vec<Vec<String>>, Vec<Observed>) {
        let orders: Vec<_> = numbers.map(|number| self.manifest(number)).collect();
        let desired: Vec<&Desired> = orders.iter().collect();
        testing::drive(LicenseOrder.reading(&desired), vendor)
    }
}

/// Returns a complete order as a reply shows it.
pub fn whole(number: i64) -> Json {
    json!({
        "customer": {"name": "Rivers"}, "product_template": {"id": "1"},
        "activation_key": format!("k{number}"), "license_type": "local",
        "licensee_type": "customer", "hostid_match_rate": "100", "min_hostids": "1",
        "activations_allowed": "1", "enabled": true, "removal": false, "Hostids": [], "Features": [],
    })
}

/// Returns the `customer_id` of each order. Panics if one was not read.
pub fn owners(found: &[Observed]) -> Vec<i64> {
    let owner = |one: &Observed| match one {
        Observed::Live(live) => match live.fields["customer_id"] {
            Value::Integer(id) => id,
            ref other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    found.iter().map(owner).collect()
}

/// Counts the calls of the customer list, and all others.
pub fn counts(rounds: &[Vec<String>]) -> (usize, usize) {
    let calls = rounds.iter().flatten();
    let customers = calls.clone().filter(|call| call.contains("/customers"));
    let customers = customers.count();
    (customers, calls.count() - customers)
}
