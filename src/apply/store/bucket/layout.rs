//! The names of the objects in a bucket.
//!
//! ```text
//! <prefix>/accounts/<account>/lease          who may write to the account
//! <prefix>/accounts/<account>/log/<number>   the lines of one append, numbered from 0 with 12 digits
//! <prefix>/accounts/<account>/summary        what is known after the first objects of the log
//! <prefix>/accounts/unleased/log/<number>    lines appended without a lease
//! <prefix>/runs/<run>/<number>               records about a run as a whole
//! <prefix>/replicas/<id>                     the entry of a replica of a daemon
//! ```

use sha2::{Digest, Sha256};

use crate::model::AccountKey;

/// The folder among the accounts for lines appended without a lease.
pub const UNLEASED: &str = "unleased";

/// The most characters of the readable part of a folder name.
const MAX_SLUG: usize = 40;

/// The prefix of a store, from which all paths follow.
pub struct BucketLayout {
    /// Empty, or ends with a slash.
    prefix: String,
}

impl BucketLayout {
    /// Creates the layout below `prefix`, with or without slashes around it.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        Self {
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
        }
    }

    /// Returns the folder of all accounts.
    pub fn accounts_folder(&self) -> String {
        format!("{}accounts", self.prefix)
    }

    /// Returns the path of the lease of the account with this folder name.
    pub fn lease_path(&self, folder: &str) -> String {
        format!("{}accounts/{folder}/lease", self.prefix)
    }

    /// Returns the folder of the log of the account with this folder name.
    pub fn log_folder(&self, folder: &str) -> String {
        format!("{}accounts/{folder}/log", self.prefix)
    }

    /// Returns the path of the summary of the account with this folder name.
    pub fn summary_path(&self, folder: &str) -> String {
        format!("{}accounts/{folder}/summary", self.prefix)
    }

    /// Returns the folder of all runs.
    pub fn runs_folder(&self) -> String {
        format!("{}runs", self.prefix)
    }

    /// Returns the folder of the log of a run.
    pub fn run_folder(&self, run: &str) -> String {
        format!("{}runs/{}", self.prefix, escape_id(run))
    }

    /// Returns the folder of the roster.
    pub fn replicas_folder(&self) -> String {
        format!("{}replicas", self.prefix)
    }

    /// Returns the path of the roster entry of a replica.
    pub fn replica_path(&self, id: &str) -> String {
        format!("{}replicas/{}", self.prefix, escape_id(id))
    }

    /// Returns the folder for the objects of a check.
    pub fn check_folder(&self, name: &str) -> String {
        format!("{}check/{name}", self.prefix)
    }
}

/// Returns the folder name of an account: a readable part, and a hash of the whole key.
pub fn account_folder(key: &AccountKey) -> String {
    let AccountKey {
        vendor,
        base_url,
        account,
    } = key;
    let text = format!("{vendor}\n{base_url}\n{account}");
    let hash = Sha256::digest(text.as_bytes());
    let hash = hex::encode(&hash[..8]);
    let name = to_slug(&format!("{vendor} {account}"));
    format!("{name}-{hash}")
}

/// Returns the path of the object with this number in a log.
pub fn numbered_path(log: &str, number: u64) -> String {
    format!("{log}/{number:012}")
}

/// Parses the number of an object of a log; `None` for any other path.
pub fn parse_number(path: &str) -> Option<u64> {
    let (_, name) = path.rsplit_once('/')?;
    (name.len() >= 12).then(|| name.parse().ok()).flatten()
}

/// Reduces a text to lower-case letters, digits and hyphens.
fn to_slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars().map(|one| one.to_ascii_lowercase()) {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(MAX_SLUG);
    slug.trim_matches('-').to_string()
}

/// Makes an id safe as a name in a path.
fn escape_id(run: &str) -> String {
    let plain = |one: char| match one {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => one,
        _ => '_',
    };
    run.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::connection;

    #[test]
    fn an_account_is_readable_and_one_of_its_own() {
        let key = |account: &str| AccountKey {
            account: account.into(),
            ..connection().account_key()
        };
        let vendor = key("").vendor;
        let name = account_folder(&key("Ann@Example.com"));
        let hash = name.rsplit_once('-').unwrap().1;
        assert_eq!(name, format!("{vendor}-ann-example-com-{hash}"));
        assert_eq!(hash.len(), 16);
        assert_ne!(account_folder(&key("ann example com")), name);
        assert!(account_folder(&key(&"x".repeat(500))).len() < 60);
        assert!(account_folder(&key("../../lease")).starts_with(&format!("{vendor}-lease-")));
    }

    #[test]
    fn numbers_sort_as_their_names_do() {
        let layout = BucketLayout::new("/licences/");
        let log = layout.log_folder("a");
        assert_eq!(log, "licences/accounts/a/log");
        let path = numbered_path(&log, 42);
        assert_eq!(path, "licences/accounts/a/log/000000000042");
        assert_eq!(parse_number(&path), Some(42));
        assert_eq!(parse_number("licences/accounts/a/lease"), None);
        assert_eq!(BucketLayout::new("").run_folder("../x"), "runs/___x");
    }
}
