//! Defines the names of things: vendors, kinds and the address of an object.
//!
//! Names of vendors and kinds are static, since the program has a fixed set of each: comparing and copying them is
//! cheap. An [`Address`] prints as `Kind/name`, for example `LacLicenseOrder/rivers-floating`.

use std::fmt;

/// A licensing vendor by its short name, for example `lac`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vendor(pub &'static str);

/// A manifest kind, for example `LacLicenseOrder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub &'static str);

/// One object in the manifests: kind and name, unique in a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub kind: Kind,
    pub name: String,
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Returns the reason for which `name` is not a DNS-1123 subdomain; `None` if it is one.
///
/// For example `rivers-floating` and `a.b-2` are; `Rivers`, `-a`, `a..b` and 254 letters are not. Kubernetes has the
/// same rule, so names can move there.
pub fn refuse_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > 253 {
        return Some("must have 1 to 253 characters");
    }
    let label_ok = |label: &str| {
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        label.len() <= 63
            && edge(label.as_bytes().first())
            && edge(label.as_bytes().last())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if name.split('.').all(label_ok) {
        None
    } else {
        Some(
            "must consist of lower-case letters, digits, '-' and '.', and each part between dots must \
             start and end with a letter or digit",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::refuse_name;

    #[test]
    fn names_are_dns_1123_subdomains() {
        for good in ["a", "rivers-floating", "eu.rivers-1", "0"] {
            assert_eq!(refuse_name(good), None, "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a..b", "ü"] {
            assert!(refuse_name(bad).is_some(), "{bad}");
        }
        assert!(refuse_name(&"a".repeat(64)).is_some());
    }
}
