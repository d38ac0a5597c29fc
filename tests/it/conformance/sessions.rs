//! Logins, sessions that end, and credentials that are refused.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use entitle::reconcile;
use entitle::sandbox::{ScriptedFault, credentials};
use jiff::SignedDuration;

use super::account::WRONG;
use super::vendors::{Sessions, Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged, in_sync, only_report};
use crate::support::proxy::{Canned, Passed, Spoil, is_login};

for_every_vendor!(
    every_form_of_credentials_opens_the_account,
    a_session_that_ends_before_the_first_read_is_renewed_once,
    a_session_that_ends_before_the_write_is_renewed_once,
    a_session_that_never_holds_is_an_error_and_not_a_flood_of_logins,
    a_refused_login_is_not_tried_for_every_object,
    a_page_instead_of_a_login_is_no_word_on_the_credentials,
    a_wrong_token_is_an_error_that_names_the_call,
    a_session_is_logged_out_at_the_end_where_the_vendor_asks_for_it,
);

/// A bench whose account is opened by a login, if the vendor has one.
async fn with_login(vendor: &'static Vendor) -> Option<(Bench, &'static Sessions)> {
    let sessions = vendor.sessions.as_ref()?;
    let mut bench = Bench::new().await;
    vendor.open(&mut bench, sessions.form, false);
    vendor.load(&bench, (vendor.account)(20));
    Some((bench, sessions))
}

async fn a_session_is_logged_out_at_the_end_where_the_vendor_asks_for_it(vendor: &'static Vendor) {
    for credential in credentials::credentials_of(vendor.name) {
        let mut bench = Bench::new().await;
        vendor.open(&mut bench, credential.form, false);
        vendor.load(&bench, (vendor.account)(3));
        let settings = bench.settings();
        let checked = bench.check(&[vendor.little(0, false)]);
        let pass = reconcile::plan_pass(&checked, &settings).await;
        in_sync(&pass.planned[0]);
        bench.sandbox.forget_requests();
        settings.opened.log_out().await;
        settings.opened.log_out().await;
        let requests = bench.sandbox.requests();
        let said: Vec<_> = requests
            .iter()
            .map(|seen| (format!("{} {}", seen.method, seen.path), seen.status))
            .collect();
        let asks = vendor.provider().auth().logout.is_some() && credential.form == "login";
        let logout = "POST /informatica/saas/public/core/v3/logout".to_string();
        let expected: &[_] = if asks { &[(logout, 200)] } else { &[] };
        assert_eq!(said, expected, "{}", credential.form);
    }
}

fn twenty(vendor: &Vendor) -> Vec<Object> {
    (0..20).map(|n| vendor.little(n, true)).collect()
}

async fn a_page_instead_of_a_login_is_no_word_on_the_credentials(vendor: &'static Vendor) {
    for status in [200, 404] {
        let Some((mut bench, sessions)) = with_login(vendor).await else {
            return;
        };
        let page = Canned::new(status, "text/html", "<title>Welcome</title>");
        let spoilt = |passed: &Passed| is_login(passed.path());
        bench
            .spoil(move |_, passed| spoilt(passed).then(|| Spoil::Instead(page.clone())))
            .await;
        vendor.open(&mut bench, sessions.form, false);
        let planned = bench.plan(&[vendor.little(0, false)]).await;
        let message = planned[0].message.clone().unwrap_or_default();
        let base = "check `baseUrl`: it is everything before `/";
        let named = message.contains(base) || message.ends_with("check `tokenUrl`");
        assert!(named && !message.contains("refused"), "{message}");
        assert_eq!(bench.passed().len(), 1, "{status}: nothing else is asked");
    }
}

async fn every_form_of_credentials_opens_the_account(vendor: &'static Vendor) {
    for credential in credentials::credentials_of(vendor.name) {
        let mut bench = Bench::new().await;
        vendor.open(&mut bench, credential.form, false);
        vendor.load(&bench, (vendor.account)(3));
        let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
        converged(&report);
        let by_login = matches!(credential.form, "login" | "clientCredentials");
        assert_eq!(
            bench.logins().len(),
            usize::from(by_login),
            "{}",
            credential.form
        );
    }
}

async fn a_session_that_ends_before_the_first_read_is_renewed_once(vendor: &'static Vendor) {
    let Some((bench, sessions)) = with_login(vendor).await else {
        return;
    };
    let fault = ScriptedFault {
        status: sessions.lost,
        times: 1,
        retry_after: None,
        method: Some("GET".into()),
        carried_out: false,
    };
    bench
        .sandbox
        .script_fault(vendor.name, fault)
        .expect("a simulator");
    for planned in &bench.plan(&[vendor.little(0, false)]).await {
        in_sync(planned);
    }
    assert_eq!(bench.logins().len(), 2);
}

async fn a_session_that_ends_before_the_write_is_renewed_once(vendor: &'static Vendor) {
    let Some((bench, _)) = with_login(vendor).await else {
        return;
    };
    let pass = bench.pass(&bench.check(&twenty(vendor))).await;
    bench.sandbox.advance_clock(SignedDuration::from_hours(5));
    bench.sandbox.forget_requests();
    for report in bench.carry_out(pass).await {
        converged(&report);
    }
    assert_eq!(bench.logins().len(), 1, "one new session serves all");
    let effective = bench.sandbox.requests();
    let effective = effective
        .iter()
        .filter(|seen| seen.method != "GET" && seen.status < 300);
    assert_eq!(effective.count(), 20 + 1, "twenty writes and the login");
}

async fn a_session_that_never_holds_is_an_error_and_not_a_flood_of_logins(vendor: &'static Vendor) {
    let Some((bench, sessions)) = with_login(vendor).await else {
        return;
    };
    let lost = |method: &str| ScriptedFault {
        status: sessions.lost,
        times: 10_000,
        retry_after: None,
        method: Some(method.into()),
        carried_out: false,
    };
    let pass = bench.pass(&bench.check(&twenty(vendor))).await;
    bench.sandbox.forget_requests();
    // Rights to read and none to write look like this.
    for method in ["PATCH", "PUT"] {
        bench
            .sandbox
            .script_fault(vendor.name, lost(method))
            .expect("a simulator");
    }
    for report in bench.carry_out(pass).await {
        assert_eq!(report.outcome, Some(Outcome::Rejected));
        let message = report.message.unwrap_or_default();
        assert!(message.contains("fault asked for"), "{message}");
    }
    assert!(bench.logins().len() <= 2, "{} logins", bench.logins().len());

    bench.sandbox.forget_requests();
    bench
        .sandbox
        .script_fault(vendor.name, lost("GET"))
        .expect("a simulator");
    for planned in bench.plan(&twenty(vendor)).await {
        let message = planned.message.clone().unwrap_or_default();
        assert_eq!(planned.action, Disposition::Error, "{message}");
        let status = sessions.lost.to_string();
        assert!(
            message.contains("GET /") && message.contains(&status),
            "{message}"
        );
    }
    assert!(bench.logins().len() <= 2, "{} logins", bench.logins().len());
}

async fn a_refused_login_is_not_tried_for_every_object(vendor: &'static Vendor) {
    let Some(sessions) = &vendor.sessions else {
        return;
    };
    let mut bench = Bench::new().await;
    vendor.open(&mut bench, sessions.form, true);
    vendor.load(&bench, (vendor.account)(20));
    let pass = bench.pass(&bench.check(&twenty(vendor))).await;
    for planned in &pass.planned {
        let message = planned.message.clone().unwrap_or_default();
        assert_eq!(planned.action, Disposition::Error, "{message}");
        assert!(message.contains("credentials refused"), "{message}");
        assert!(!message.contains(WRONG), "{message}");
    }
    for report in bench.carry_out(pass).await {
        assert_eq!(report.outcome, Some(Outcome::Failed));
    }
    assert!(bench.logins().len() <= 2, "{:?}", bench.logins());
    assert_eq!(bench.reads(), [""; 0]);
    assert_eq!(bench.writes(), [""; 0]);
}

async fn a_wrong_token_is_an_error_that_names_the_call(vendor: &'static Vendor) {
    for form in ["token", "apiKey", "session"] {
        let mut forms = credentials::credentials_of(vendor.name);
        if !forms.any(|one| one.form == form) {
            continue;
        }
        let mut bench = Bench::new().await;
        vendor.open(&mut bench, form, true);
        vendor.load(&bench, (vendor.account)(3));
        let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
        let message = pass.planned[0].message.clone().unwrap_or_default();
        assert_eq!(pass.planned[0].action, Disposition::Error, "{message}");
        let status = message.contains("401") || message.contains("403");
        assert!(message.contains("GET /") && status, "{message}");
        assert!(!message.contains(WRONG), "{message}");
        bench.carry_out(pass).await;
        assert_eq!(bench.writes(), [""; 0]);
        assert_eq!(bench.logins(), [""; 0]);
    }
}
