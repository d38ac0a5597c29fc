//! Whether two readings of the manifests want the same of an object or a connection.
//!
//! Compared by what they say, not by where: a file that was moved, reformatted or saved unchanged wakes
//! nobody. Every member is named, so that a new one has to be decided here.

use crate::model::{Connection, Desired};

/// Whether two manifests of one object want the same.
pub fn same_object(one: &Desired, other: &Desired) -> bool {
    let Desired {
        address,
        vendor,
        connection,
        identity,
        fields,
        policy,
        // Labels choose objects; they are nothing that an object is.
        labels: _,
        origin: _,
    } = one;
    *address == other.address
        && *vendor == other.vendor
        && *connection == other.connection
        && *identity == other.identity
        && *fields == other.fields
        && **policy == *other.policy
}

/// Whether two documents of one connection lead to the same account in the same way.
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
