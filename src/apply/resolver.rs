//! Finds the addresses of a vendor's host, with an error that says that there are none.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks the system, as every program on the machine does.
pub struct SystemResolver;

/// The host of an address does not exist, or cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[error("no address is known for this host ({reason})")]
pub struct NoSuchHost {
    /// The system's own words.
    reason: String,
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = found.map_err(|error| NoSuchHost::new(&error))?;
            let found: Vec<SocketAddr> = found.collect();
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

impl NoSuchHost {
    /// Takes the reason out of the words in which the standard library puts it.
    fn new(error: &io::Error) -> Self {
        let words = error.to_string();
        let reason = words.rsplit(": ").next().unwrap_or_default();
        Self {
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_systems_own() {
        let error =
            io::Error::other("failed to lookup address information: Name or service not known");
        let expected = "no address is known for this host (Name or service not known)";
        assert_eq!(NoSuchHost::new(&error).to_string(), expected);
        let bare = NoSuchHost::new(&io::Error::other("no route"));
        assert!(bare.to_string().ends_with("(no route)"));
    }
}
