//! Secrets: where to find one, and one that was found. Neither can be printed by accident.

use std::path::PathBuf;

/// A reference to a secret. Manifests hold this and never the secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretRef {
    Env(String),
    File(PathBuf),
    /// A program and its arguments, run without a shell; its standard output is the secret.
    Command(Vec<String>),
    /// The sandbox's published credentials, which are public.
    Known(&'static str),
}

/// A resolved secret. Its `Debug` shows nothing and it has no `Display` and no `Serialize`.
pub type SecretText = secrecy::SecretString;

/// Parts of names that announce a secret, also of names that people choose by mistake.
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

/// Finds the offset at which a secret may begin in a line; `None` where there is none.
///
/// A secret may stand behind a name that announces one, or in a URL with a user: `password: x` gives 9, and
/// `see https://a:b@c` gives 12. A reference to a secret, such as `token: {env: A}`, is none.
pub fn find_secret(line: &str) -> Option<usize> {
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

/// Reports whether a text names a secret anywhere.
pub fn mentions_secret(text: &str) -> bool {
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
            assert_eq!(
                find_secret(line).map(|at| &line[..at]),
                Some(shown),
                "{line}"
            );
        }
        for line in [
            "token: {env: A}",
            "auth:",
            "name: x",
            "https://a.example",
            "session",
        ] {
            assert_eq!(find_secret(line), None, "{line}");
        }
    }
}
