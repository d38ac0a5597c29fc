//! Where things lie in a bucket.
//!
//! ```text
//! <prefix>/accounts/<account>/lease          who may write to the account
//! <prefix>/accounts/<account>/log/<number>   what was written to it, one object for each append
//! <prefix>/accounts/<account>/summary        what the first of these come to
//! <prefix>/accounts/unleased/log/<number>    the same without a lease
//! <prefix>/runs/<run>/<number>               what is said of a run as a whole
//! <prefix>/replicas/<id>                     a replica of a daemon
//! ```

use sha2::{Digest, Sha256};

use crate::model::AccountKey;

/// The folder among the accounts for what nobody else can write to.
pub const UNLEASED: &str = "unleased";

/// Letters of an account's name that stay readable.
const READABLE: usize = 40;

pub struct Layout {
    /// Empty, or with a slash at its end.
    prefix: String,
}

impl Layout {
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        Self {
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
        }
    }

    pub fn accounts(&self) -> String {
        format!("{}accounts", self.prefix)
    }

    pub fn lease(&self, folder: &str) -> String {
        format!("{}accounts/{folder}/lease", self.prefix)
    }

    pub fn log(&self, folder: &str) -> String {
        format!("{}accounts/{folder}/log", self.prefix)
    }

    pub fn summary(&self, folder: &str) -> String {
        format!("{}accounts/{folder}/summary", self.prefix)
    }

    pub fn runs(&self) -> String {
        format!("{}runs", self.prefix)
    }

    pub fn run(&self, run: &str) -> String {
        format!("{}runs/{}", self.prefix, plain(run))
    }

    pub fn replicas(&self) -> String {
        format!("{}replicas", self.prefix)
    }

    pub fn replica(&self, id: &str) -> String {
        format!("{}replicas/{}", self.prefix, plain(id))
    }

    /// Where a check puts its objects.
    pub fn check(&self, name: &str) -> String {
        format!("{}check/{name}", self.prefix)
    }
}

/// Returns the folder of an account: what people know it by, and a hash of all of it.
pub fn folder(key: &AccountKey) -> String {
    let AccountKey {
        vendor,
        base_url,
        account,
    } = key;
    let text = format!("{vendor}\n{base_url}\n{account}");
    let hash = Sha256::digest(text.as_bytes());
    let hash = hex::encode(&hash[..8]);
    let name = slug(&format!("{vendor} {account}"));
    format!("{name}-{hash}")
}

/// Returns the path of the object of this number in a log.
pub fn numbered(log: &str, number: u64) -> String {
    format!("{log}/{number:012}")
}

/// Returns the number of an object of a log; `None` for what is none.
pub fn number(path: &str) -> Option<u64> {
    let (_, name) = path.rsplit_once('/')?;
    (name.len() >= 12).then(|| name.parse().ok()).flatten()
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars().map(|one| one.to_ascii_lowercase()) {
        match character {
            'a'..='z' | '0'..='9' => slug.push(character),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(READABLE);
    slug.trim_matches('-').to_string()
}

/// A run's id as a name in a path.
fn plain(run: &str) -> String {
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
        let name = folder(&key("Ann@Example.com"));
        let hash = name.rsplit_once('-').unwrap().1;
        assert_eq!(name, format!("{vendor}-ann-example-com-{hash}"));
        assert_eq!(hash.len(), 16);
        assert_ne!(folder(&key("ann example com")), name);
        assert!(folder(&key(&"x".repeat(500))).len() < 60);
        assert!(folder(&key("../../lease")).starts_with(&format!("{vendor}-lease-")));
    }

    #[test]
    fn numbers_sort_as_their_names_do() {
        let layout = Layout::new("/licences/");
        let log = layout.log("a");
        assert_eq!(log, "licences/accounts/a/log");
        let path = numbered(&log, 42);
        assert_eq!(path, "licences/accounts/a/log/000000000042");
        assert_eq!(number(&path), Some(42));
        assert_eq!(number("licences/accounts/a/lease"), None);
        assert_eq!(Layout::new("").run("../x"), "runs/___x");
    }
}
