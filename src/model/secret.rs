//! Secrets: where to find one, and one that was found. Neither can be printed by accident.

use std::path::PathBuf;

/// Where a secret is kept. This, never the secret, is what manifests hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretRef {
    Env(String),
    File(PathBuf),
    /// A program and its arguments, run without a shell; its standard output is the secret.
    Command(Vec<String>),
    /// The sandbox's published credentials, which are no secret to anybody.
    Known(&'static str),
}

/// A resolved secret. Its `Debug` shows nothing and it has no `Display` and no `Serialize`.
pub type SecretText = secrecy::SecretString;

/// What the name of a secret contains, also in the names that people give it by mistake.
const NAMES: [&str; 9] = [
    "apikey",
    "auth",
    "credential",
    "login",
    "pass",
    "pwd",
    "secret",
    "session",
    "token",
];

/// Where in a line a secret may begin: behind the first name of one, or in a URL before a user. Where a
/// secret is kept is no secret.
pub fn begins(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let named = NAMES.iter().flat_map(|name| lower.match_indices(name));
    let values = named.filter_map(|(at, _)| Some(at + lower[at..].find([':', '='])? + 1));
    let literal = |at: &usize| {
        let value = lower[*at..].trim_start();
        let kept = value.strip_prefix('{').map(str::trim_start);
        let source = |name| kept.is_some_and(|kept| kept.starts_with(name));
        !value.is_empty() && !["env:", "file:", "command:"].into_iter().any(source)
    };
    let url = lower
        .find("url")
        .and_then(|at| Some(at + lower[at..].find(':')? + 1))
        .or_else(|| Some(lower.find("://")? + "://".len()));
    let user = url.filter(|at| line[*at..].contains('@'));
    values.filter(literal).chain(user).min()
}

/// Whether a text names a secret anywhere.
pub fn named_in(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    NAMES.iter().any(|name| lower.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_begins_behind_its_name() {
        for (line, shown) in [
            ("password: x", "password:"),
            ("{token: {env: A}, token: x}", "{token: {env: A}, token:"),
            ("{Pwd=x, a: b}", "{Pwd="),
            ("auth: {pasword: x}", "auth:"),
            ("baseUrl: https://a:b@c", "baseUrl:"),
            ("see https://a:b@c", "see https://"),
            ("baseUrl: https://a/?token=x", "baseUrl: https://a/?token="),
        ] {
            assert_eq!(begins(line).map(|at| &line[..at]), Some(shown), "{line}");
        }
        for line in [
            "token: {env: A}",
            "auth:",
            "name: x",
            "https://a.example",
            "session",
        ] {
            assert_eq!(begins(line), None, "{line}");
        }
    }
}
