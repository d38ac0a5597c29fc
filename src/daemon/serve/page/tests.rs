use std::collections::BTreeSet;
use std::path::Path;

use super::frame::{ActionOffer, Theme, Visitor};
use super::object::{ObjectPage, object_page};
use super::overview::{Overview, overview_page};
use crate::daemon::actions::ActionError;
use crate::daemon::serve::samples::{BROKEN, break_connection, sample_now, sample_status};
use crate::daemon::serve::view::Query;
use crate::daemon::status::{ObjectState, Status};
use crate::daemon::window::{ChangeWindow, describe_windows};
use crate::render::source_host::{SourceHost, SourceLinks};

/// Compares a page with its golden file; `ENTITLE_BLESS=1` writes that anew.
fn compare(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pages")
        .join(name);
    // A tag to a line, so that a difference is one line too.
    let page = page.replace("><", ">\n<") + "\n";
    if std::env::var_os("ENTITLE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = golden
        .lines()
        .zip(page.lines())
        .find(|(golden, page)| golden != page);
    assert_eq!(
        differs, None,
        "{name}: the golden line, then that of the page"
    );
    assert_eq!(golden.lines().count(), page.lines().count(), "{name}");
}

fn signed_in() -> Visitor {
    Visitor {
        theme: Theme::Dark,
        offer: ActionOffer::Granted {
            name: "ann (token)".into(),
            csrf: "c5af".into(),
            can_sign_out: true,
        },
        path: "/".into(),
        done: Some("A look was asked for."),
    }
}

fn overview(status: &Status, query: &str, visitor: &Visitor) -> String {
    let windows: [ChangeWindow; 1] = ["allow 0 22 * * 1-5 for 6h in Europe/Vienna"
        .parse()
        .unwrap()];
    let host = SourceHost::parse("https://github.com/acme/licences.git");
    let overview = Overview {
        status,
        windows: &describe_windows(&windows, sample_now()),
        links: SourceLinks {
            host: host.as_ref(),
            ..SourceLinks::default()
        },
        query: &Query::parse(query),
        now: sample_now(),
    };
    overview_page(&overview, visitor)
}

/// Returns a status with one of everything that a page shows in its own way, so that a change of a golden file can be
/// read: an object of each state and one with a last write, an activity of each kind, four connections, two passes.
fn one_of_each() -> Status {
    let mut status = sample_status(50);
    break_connection(&mut status, "spring");
    let mut states = BTreeSet::new();
    let mut has_write = false;
    status.objects.retain(|object| {
        let is_first_write = object.last_write.is_some() && !has_write;
        has_write |= is_first_write;
        let is_broken = object.problem.is_some();
        states.insert((object.state, is_broken)) || is_first_write
    });
    let mut kinds = BTreeSet::new();
    status
        .recent
        .retain(|entry| kinds.insert(format!("{:?} {:?}", entry.kind, entry.outcome)));
    let kept: BTreeSet<&str> = ["alinea", "cryptlex-eu", "lac", "spring"].into();
    status
        .connections
        .retain(|name, _| kept.contains(name.as_str()));
    status.passes.drain(2..);
    status
}

#[test]
fn the_overview_is_rendered_as_before() {
    let mut status = one_of_each();
    compare("overview.html", &overview(&status, "", &Visitor::default()));
    // With forms, a filter and nothing else.
    status.connections.retain(|name, _| name == "lac");
    status.recent.clear();
    status.passes.drain(1..);
    compare(
        "overview-signed-in.html",
        &overview(&status, "risk=strand", &signed_in()),
    );
}

#[test]
fn long_lists_are_folded() {
    let page = overview(&sample_status(24), "", &Visitor::default());
    for words in ["id=\"older-activity\"", ">10 older<", "id=\"older\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn the_worst_risk_is_on_top_and_names_are_in_natural_order() {
    let page = overview(&sample_status(200), "", &Visitor::default());
    let rows: Vec<&str> = page
        .split("<details class=\"object\" id=\"")
        .skip(1)
        .collect();
    assert!(
        rows[0].contains("strands") && rows[0].starts_with("LacLicenseOrder/"),
        "{}",
        &rows[0][..300]
    );
    assert!(rows[1].contains("reduces"), "{}", &rows[1][..300]);
    let names: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.split('"').next())
        .collect();
    let alinea: Vec<&&str> = names
        .iter()
        .filter(|name| name.starts_with("Alinea"))
        .skip(1)
        .take(3)
        .collect();
    assert!(alinea.is_sorted(), "{alinea:?}");
}

#[test]
fn a_problem_of_a_connection_is_shown_once_and_its_objects_lead_to_it() {
    let mut status = sample_status(500);
    break_connection(&mut status, "informatica");
    let page = overview(&status, "", &Visitor::default());
    assert_eq!(page.matches(BROKEN).count(), 1, "{page}");
    let notice = "id=\"problem-informatica\"";
    assert_eq!(page.matches(notice).count(), 1, "{page}");
    for words in [
        "informatica cannot be read. ",
        ">100 objects</a>, since ",
        "licences/connections.yaml:5",
        "is the host right",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let rows = page.matches(" cannot be read: see above").count();
    let all = page.matches("href=\"#problem-informatica\"").count();
    // The panel of the connection leads there too.
    assert!(rows > 50 && all == rows + 1, "{rows} {all}");
    // What is wrong with single objects comes first.
    let own = page.find("no answer from lac.example.com within 30 s");
    assert!(own < page.find(" cannot be read: see above"), "{page}");
    // The page of an object has the call that failed.
    let object = status.objects.iter().find(|it| it.problem.is_some());
    let page = ObjectPage {
        object: object.unwrap(),
        details: Err(ActionError::Elsewhere),
        links: SourceLinks::default(),
        pass: 1,
        now: sample_now(),
    };
    let page = object_page(&page, &Visitor::default());
    assert!(
        page.contains(&format!("GET /licenses/1: {BROKEN}")),
        "{page}"
    );
}

#[test]
fn nothing_can_be_asked_for_without_the_right_to() {
    let status = sample_status(200);
    for offer in [
        ActionOffer::Off,
        ActionOffer::SignIn,
        ActionOffer::NobodyNamed,
    ] {
        let visitor = Visitor {
            offer,
            ..Visitor::default()
        };
        let page = overview(&status, "", &visitor);
        assert!(
            !page.contains("/actions/") && !page.contains("csrf"),
            "{:?}",
            visitor.offer
        );
    }
    let page = overview(&status, "", &signed_in());
    for path in ["/actions/look", "/actions/approve", "/sign-out"] {
        assert!(page.contains(&format!("action=\"{path}\"")), "{path}");
    }
    // Every form that acts has the token, the digest is that of the change.
    let forms = page.matches("action=\"/actions/").count() + 1;
    assert_eq!(page.matches("name=\"csrf\" value=\"c5af\"").count(), forms);
    assert!(page.contains(&format!(
        "name=\"digest\" value=\"sha256:{}\"",
        "ab".repeat(32)
    )));
}

#[test]
fn an_object_of_another_replica_says_where_to_look() {
    let status = sample_status(200);
    let object = status
        .objects
        .iter()
        .find(|object| object.state == ObjectState::Refused)
        .unwrap();
    let page = ObjectPage {
        object,
        details: Err(ActionError::Elsewhere),
        links: SourceLinks::default(),
        pass: 7,
        now: sample_now(),
    };
    let page = object_page(&page, &Visitor::default());
    assert!(page.contains("another replica looks after it"), "{page}");
    assert!(page.contains("5 allowed, 7 in use"), "{page}");
}
