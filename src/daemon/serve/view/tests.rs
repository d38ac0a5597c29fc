use super::*;
use crate::daemon::serve::samples;

fn query(text: &str) -> Query {
    Query::parse(text)
}

#[test]
fn a_query_survives_the_links_made_of_it() {
    let given = "q=a+%26+b&vendor=lac&kind=LacLicenseOrder&state=attention&risk=strand&page=3";
    assert_eq!(query(&query(given).at_page(3)), query(given));
    assert!(query("page=2&unknown=1&q=").is_open());
    assert_eq!(query("page=0").page, 1);
    assert_eq!(query("page=x").page, 1);
}

#[test]
fn the_filter_finds_by_state_vendor_risk_and_words() {
    let status = samples::sample_status(200);
    let found = |text: &str| PageView::new(&status, &query(text)).found;
    assert_eq!(found(""), 200);
    assert_eq!(found("vendor=lac"), 40);
    assert_eq!(found("state=failed"), 1);
    assert_eq!(found("state=attention"), 7);
    assert_eq!(found("risk=strand"), 1);
    assert_eq!(
        found("q=STRANDS+needs"),
        1,
        "words of the message, in any case"
    );
    assert_eq!(found("q=order_notes"), 1, "a field that is pending");
    assert_eq!(found("q=9f3c-000017"), 1, "an id");
    assert_eq!(found("state=nonsense"), 0);
}

#[test]
fn a_kind_can_be_chosen_where_a_vendor_has_several() {
    let mut status = samples::sample_status(50);
    assert_eq!(present_kinds(&status), [""; 0], "the vendor says as much");
    let mut other = samples::sample_object(3);
    other.address = "LacCustomer/rivers".into();
    assert_eq!(other.vendor, "lac");
    status.objects.push(Arc::new(other));
    let kinds = present_kinds(&status);
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert!(kinds.contains(&"LacCustomer") && kinds.contains(&"LacLicenseOrder"));
    let found = |text: &str| PageView::new(&status, &query(text)).found;
    assert_eq!((found("vendor=lac"), found("kind=LacCustomer")), (11, 1));
    assert_eq!(found("kind=LacLicenseOrder"), 10);
}

#[test]
fn ten_thousand_objects_are_pages_that_begin_with_what_needs_a_look() {
    let status = samples::sample_status(10_000);
    let view = PageView::new(&status, &query("vendor=lac"));
    assert_eq!((view.found, view.pages, view.rows.len()), (2_000, 20, PAGE));
    // A change that strands users comes before a failure.
    assert_eq!(view.rows[0].state, ObjectState::Refused);
    assert_eq!(view.rows[1].state, ObjectState::Failed);
    let vendors = |view: &PageView<'_>| -> Vec<String> {
        let mut all: Vec<_> = view.rows.iter().map(|row| row.vendor.clone()).collect();
        all.dedup();
        all
    };
    let whole = PageView::new(&status, &query(""));
    assert!(wants_attention(whole.rows[6].state) && !wants_attention(whole.rows[7].state));
    assert_eq!(vendors(&whole).last().map(String::as_str), Some("alinea"));
    assert_eq!(view.all.total(), 10_000);
    let last = PageView::new(&status, &query("vendor=lac&page=999"));
    assert_eq!((last.page, last.first), (20, 1_901));
    let (mut seen, mut all) = (std::collections::BTreeSet::new(), 0);
    for page in 1..=100 {
        let query = query(&format!("page={page}"));
        for row in PageView::new(&status, &query).rows {
            seen.insert(row.address.clone());
            all += 1;
        }
    }
    assert_eq!(
        (seen.len(), all),
        (10_000, 10_000),
        "every object is on one page"
    );
}

#[test]
fn a_tick_counts_what_changed_and_tells_whether_it_is_looked_at() {
    let before = samples::sample_status(50);
    let between = |after: &Status, text: &str| StatusChange::between(&before, after, &query(text));
    assert!(between(&before.clone(), "").is_empty());

    let mut after = before.clone();
    Arc::make_mut(&mut after.objects[3]).last_pass = None;
    let vendor = after.objects[3].vendor.clone();
    let tick = between(&after, &format!("vendor={vendor}"));
    assert_eq!((tick.objects, tick.seen, tick.around), (1, true, false));
    assert!(!between(&after, "state=nonsense").seen);

    let mut gone = before.clone();
    gone.objects.remove(7);
    gone.objects.pop();
    let mut new = samples::sample_object(7_777);
    new.address = "AAA/first".into();
    gone.objects.insert(0, Arc::new(new));
    assert_eq!(between(&gone, "").objects, 3);

    let mut fixed = before.clone();
    fixed.source.problem = None;
    assert!(between(&fixed, "state=nonsense").around);
}

#[test]
fn a_row_that_leaves_the_filter_was_seen_as_well() {
    let before = samples::sample_status(50);
    let mut after = before.clone();
    for object in &mut after.objects {
        if object.state == ObjectState::Failed {
            Arc::make_mut(object).state = ObjectState::InSync;
        }
    }
    assert!(StatusChange::between(&before, &after, &query("state=failed")).seen);
}
