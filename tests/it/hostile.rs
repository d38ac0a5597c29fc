//! Hostile manifests: damaged, huge, deep, and with secrets where none belong. Every one ends as findings
//! with a place inside the file, and none of them says a secret.

use super::fuzz_bodies::{PLANTED, manifest};
use super::support::mutate::{self, Dice};
use super::support::seeds;

#[test]
fn damaged_manifests_end_as_findings() {
    let seeds = seeds::manifests();
    let mut dice = Dice::new(1);
    for _ in 0..4 {
        for seed in &seeds {
            let other = dice.one_of(&seeds);
            manifest(&mutate::bytes(seed, other, &mut dice));
        }
    }
}

#[test]
fn a_manifest_cut_anywhere_ends_as_findings() {
    let full = include_bytes!("../../examples/lac/license_order/full.yaml");
    for end in (0..full.len()).step_by(3) {
        manifest(&full[..end]);
    }
}

const HEAD: &str =
    "apiVersion: entitle.dev/v1\nkind: Connection\nmetadata: {name: c}\nspec:\n  vendor: lac\n";

/// Where people put a secret by mistake; `$` is the secret.
const SHAPES: &[&str] = &[
    "  auth: $\n",
    "  auth: [$]\n",
    "  auth: {token: $}\n",
    "  auth: {token:$}\n",
    "  auth: {token = $}\n",
    "  auth: {$}\n",
    "  auth: {$: x}\n",
    "  auth: {token: {$}}\n",
    "  auth: {token: {$: x}}\n",
    "  auth: {token: [$, b]}\n",
    "  auth: {token: {env: T}, token: $}\n",
    "  auth: {login: {username: u, password: $}}\n",
    "  auth: {login: {username: u, password: $, password: $}}\n",
    "  auth: {login: {username: u, pasword: $, tokn: x}}\n",
    "  auth: {\"token\": \"$\"}\n",
    "  auth: {'token' : '$'}\n",
    "  auth: {? token : $}\n",
    "  auth: {clientCredentials: {tokenUrl: https://x, clientId: a, clientSecret: $}}\n",
    "  auth: {clientCredentials: {tokenUrl: 'https://u:$@x', clientId: a}}\n",
    "  auth: {clientCredentials: {tokenUrl: 'https://u:$@x:99999', clientId: a}}\n",
    "  auth:\n    token: $\n",
    "  auth:\n    token:$\n",
    "  auth:\n    token:\n      $\n",
    "  auth:\n    token:\n      $: x\n",
    "  auth:\n    token:\n      - $\n",
    "  auth:\n    token: >-\n      $\n      $\n",
    "  auth:\n    token: |\n      a\n      $\n",
    "  auth:\n    token: |\n-----BEGIN KEY-----\n$\n-----END KEY-----\n",
    "  auth:\n    token: \"a\n      $\"\n",
    "  auth:\n    ? token\n    : $\n",
    "  auth:\n    login:\n      username: u\n      password: $\n      password: $\n",
    "  auth:\n    login:\n      username: u\n      pasword: $\n",
    "  token: $\n",
    "  password: $\n",
    "  login: {username: u, pass: $}\n",
    "  login:\n    username: u\n    pass: $\n",
    "  webhookSecret: $\n  auth: {token: {env: T}}\n",
    "  auth: {token: {env: T}}\n  webhookSecret: [$]\n",
    "  baseUrl: https://u:$@a.example\n",
    "  baseUrl: https://u:$@a b\n",
    "  baseUrl: https://u:$@a:99999\n",
    "  baseUrl: u:$@a.example\n",
    "  baseUrl: ftp://u:$@a.example\n",
    "  baseUrl: https://a.example/?token=$\n",
    "  {vendr: x, baseUrl: https://u:$@a.example}\n",
];

/// What a secret may begin or end with that means something to YAML.
const DRESSES: &[&str] = &[
    "$",
    "*$",
    "&$",
    "&$ x",
    "!$",
    "!$ x",
    "%$",
    "@$",
    "`$",
    "|$",
    ">$",
    "? $",
    "- $",
    "$: x",
    "$ #x",
    "[$",
    "{$",
    "\"$",
    "'$",
    "\"$\" x",
    "'it's $'",
    "\"\\q$\"",
    "\t$",
    "!!int $",
    "!!float $",
    "!!bool $",
    "!!null $",
    "!!binary $",
    "$\u{85}",
    "\u{feff}$",
    "$\\",
    "{env: $}}",
];

fn shown_of(text: &str) -> String {
    manifest(text.as_bytes())
}

#[test]
fn a_secret_is_never_shown() {
    let mut leaks = Vec::new();
    // The second is a number that readers of YAML disagree on.
    let number = "77712345678901234567890123";
    for (secret, mark, dresses) in [
        ("hunter2-Zx8", PLANTED, DRESSES),
        (number, "777", &DRESSES[..4]),
    ] {
        for shape in SHAPES {
            for dress in dresses {
                let text = format!("{HEAD}{}", shape.replace('$', &dress.replace('$', secret)));
                // A name of a variable is not the secret.
                if text.contains("{env: hunter") || text.contains("{env: 777") {
                    continue;
                }
                let printed = shown_of(&text);
                if printed.contains(mark) {
                    leaks.push(format!("{text}\n{printed}"));
                }
            }
        }
    }
    let count = leaks.len();
    leaks.truncate(12);
    assert!(
        leaks.is_empty(),
        "{count} leaks\n{}",
        leaks.join("\n======\n")
    );
}

#[test]
fn a_secret_in_a_damaged_file_is_never_shown() {
    let mut dice = Dice::new(2);
    let mut leaks = Vec::new();
    for shape in SHAPES {
        let text = format!("{HEAD}{}", shape.replace('$', "hunter2-Zx8"));
        let at = text.find(PLANTED).expect("it is planted");
        for _ in 0..25 {
            // Damage in front of the secret and behind it, on other lines than its own.
            let line = text[..at].rfind('\n').unwrap_or(0);
            let last = text.rfind(PLANTED).unwrap_or(at);
            let end = text[last..].find('\n').map_or(text.len(), |end| last + end);
            let mut damaged = mutate::insert(&text.as_bytes()[..line], &mut dice);
            damaged.extend(&text.as_bytes()[line..end]);
            damaged.extend(mutate::bytes(&text.as_bytes()[end..], b": x", &mut dice));
            let printed = manifest(&damaged);
            if printed.contains(PLANTED) {
                leaks.push(format!("{}\n{printed}", String::from_utf8_lossy(&damaged)));
            }
        }
    }
    let count = leaks.len();
    leaks.truncate(12);
    assert!(
        leaks.is_empty(),
        "{count} leaks\n{}",
        leaks.join("\n======\n")
    );
}
