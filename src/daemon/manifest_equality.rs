//! Compares two readings of a manifest by what they ask for, not by where they were read.
//!
//! A file that was moved, reformatted or saved unchanged wakes no object. Both functions name every field, so that a
//! new one does not compile until it is decided here.

use crate::model::{Connection, Desired};

/// Reports whether two manifests of one object ask for the same.
pub fn same_object(one: &Desired, other: &Desired) -> bool {
    let Desired {
        address,
        vendor,
        connection,
        identity,
        fields,
        creation,
        policy,
        // Labels select objects on the command line; the live object has none.
        labels: _,
        origin: _,
        // Their texts stand in the identity and in the fields.
        references: _,
        // What they bring is in the fields.
        layers: _,
        coming,
    } = one;
    // What lies ahead wakes nobody before its time, unless the vendor is to know of it.
    let is_scheduled = coming.are_at_vendor() || other.coming.are_at_vendor();
    (!is_scheduled || *coming == other.coming)
        && *address == other.address
        && *vendor == other.vendor
        && *connection == other.connection
        && *identity == other.identity
        && *fields == other.fields
        && *creation == other.creation
        && **policy == *other.policy
}

/// Reports whether two connections lead to the same account in the same way.
pub fn same_connection(one: &Connection, other: &Connection) -> bool {
    let Connection {
        name,
        vendor,
        base_url,
        auth,
        limits,
        timeout,
        webhook_secret,
        allow_insecure_http,
        origin: _,
        marks: _,
    } = one;
    *name == other.name
        && *vendor == other.vendor
        && *base_url == other.base_url
        && *auth == other.auth
        && *limits == other.limits
        && *timeout == other.timeout
        && *webhook_secret == other.webhook_secret
        && *allow_insecure_http == other.allow_insecure_http
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{CreationFields, Value};
    use crate::provider::find_kind;
    use crate::provider::testing::desired_object;

    #[test]
    fn what_only_a_creation_takes_is_asked_for_too() {
        let table = find_kind("LicenseSpringOrder").unwrap().table();
        let order = |code: &str| {
            let items = json!([{"product_code": code, "licenses": []}]);
            let fields = [("items", Value::Json(Box::new(items)))].into();
            Desired {
                creation: CreationFields::new(table.lifecycle.creation_fields(), &fields),
                ..desired_object(table, &[("store_id", "ord-7")])
            }
        };
        assert!(same_object(&order("mch"), &order("mch")));
        assert!(!same_object(&order("mch"), &order("other")));
    }
}
