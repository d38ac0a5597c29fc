//! `render`: plain manifests stand as they are, and composed ones are the same objects once they are written out.

use entitle::reconcile::rendered::render_manifests;
use entitle::reconcile::{CheckOptions, EnvironmentChoice};

use super::{
    ALL, BASIC, CONNECTIONS, ROWS, SET, Texts, check, in_environment, layers, options, write,
};

const PLAIN: &str = "# the orders of Rivers
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: floating} # named by hand
spec:
  connection: lac-staging
  activationKey: K-1
  desired:
    customer_id:   1
--- # the other one
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: local}
spec: {connection: lac-staging, activationKey: K-2, desired: {customer_id: 2}}
---
# nothing
";

fn render(texts: Texts<'_>, options: &CheckOptions) -> String {
    render_manifests(&write(texts, options)).expect("YAML")
}

#[test]
fn a_plain_file_is_rendered_as_it_is() {
    let connections = CONNECTIONS.trim_start();
    let cases = [
        PLAIN.to_string(),
        PLAIN.trim_end().to_string(),
        PLAIN.replace('\n', "\r\n"),
        PLAIN.replace('\n', "\r\n").trim_end().to_string(),
        format!("\u{feff}{PLAIN}"),
        format!("---\n{PLAIN}...\n"),
        format!("%YAML 1.2\n---\n{PLAIN}"),
        format!("\n\n{PLAIN}\n\n"),
    ];
    let only = CheckOptions::default();
    for text in cases {
        // The connections are plain too, and a file by themselves.
        let rendered = render(&[("o", &text), ("c", connections)], &only);
        let rest = rendered.strip_prefix(&text);
        let rest = rest.unwrap_or_else(|| panic!("{text:?}\n{rendered:?}"));
        let expected = match text.ends_with('\n') {
            true => format!("---\n{connections}"),
            false => format!("\n---\n{connections}"),
        };
        assert_eq!(rest, expected, "{text:?}");
        // Behind another file it is still the same manifests.
        let rendered = render(&[("c", connections), ("o", &text)], &only);
        assert_eq!(
            objects(&[("all", &rendered)], &only),
            objects(&[("c", connections), ("o", &text)], &only),
            "{rendered}"
        );
    }
    for text in [connections, connections.trim_end()] {
        assert_eq!(render(&[("c", text)], &only), text);
    }
}

fn objects(texts: Texts<'_>, options: &CheckOptions) -> Vec<String> {
    layers::objects(&check(texts, options))
}

#[test]
fn what_is_rendered_is_the_same_objects_without_layers() {
    for environment in ["staging", "production"] {
        for day in ["2027-06-30", "2027-07-01"] {
            let options = in_environment(environment, day);
            let rendered = render(ALL, &options);
            let texts: Texts<'_> = &[("all", &rendered)];
            let plain = CheckOptions::default();
            assert_eq!(objects(texts, &plain), objects(ALL, &options), "{rendered}");
            assert_eq!(render(texts, &plain), rendered);
            for word in [
                "kind: Edition",
                "kind: Environment",
                "ObjectSet",
                "column",
                "changes",
            ] {
                assert!(!rendered.contains(word), "{word} in {rendered}");
            }
            let account = format!("connection: lac-{environment}");
            assert_eq!(rendered.matches(&account).count(), 3, "{rendered}");
            for kept in [
                "ticket: T-1",
                "sold-to: brooks",
                "reason: a trial",
                "reason: silver",
            ] {
                assert!(rendered.contains(kept), "{kept} is not in {rendered}");
            }
        }
    }
}

#[test]
fn what_names_an_object_is_rendered_as_it_was_named() {
    let texts: Texts<'_> = &[(
        "all",
        "apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lex}
spec: {vendor: cryptlex, baseUrl: 'https://api.example.com', auth: {token: {env: LEX_TOKEN}}}
---
apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: test}
spec:
  values: {group: Support, words: 'a: [b'}
---
apiVersion: entitle.dev/v1
kind: CryptlexUserGroup
metadata: {name: support}
spec:
  organizationId: 0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11
  userGroup: {name: {value: group}}
  policy: {create: true}
  desired: {description: {value: words}}
---
apiVersion: entitle.dev/v1
kind: CryptlexUserGroup
metadata: {name: sales}
spec:
  organizationId: 0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11
  userGroup: {name: Sales}
  state: absent
  edition: {name: quiet}
---
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: quiet}
spec: {for: CryptlexUserGroup, desired: {}}
",
    )];
    let only = options(EnvironmentChoice::Only, "2026-12-01");
    let rendered = render(texts, &only);
    assert_eq!(
        objects(&[("all", &rendered)], &CheckOptions::default()),
        objects(texts, &only),
        "{rendered}"
    );
    assert!(
        rendered.contains("userGroup:\n    name: Support"),
        "{rendered}"
    );
    assert!(rendered.contains("state: absent"), "{rendered}");
}

#[test]
fn a_set_that_follows_a_plain_file_without_a_line_end_stays_a_document() {
    let set = SET.replace("connection: lac\n", "connection: lac-staging\n");
    let texts: Texts<'_> = &[
        ("c", CONNECTIONS.trim_end()),
        ("s", &set),
        ("b", BASIC.trim_end()),
    ];
    let only = CheckOptions::default();
    let rendered = render(texts, &only);
    let found = objects(&[("all", &rendered)], &only);
    assert_eq!(found.len(), ROWS.lines().count() - 1);
    assert_eq!(found, objects(texts, &only));
}
