use super::*;
use crate::model::Diagnostic;
use crate::provider;
use crate::provider::testing::desired_object;

fn planned(fingerprint: &str) -> Planned {
    let table = provider::find_kind("LacLicenseOrder").unwrap().table();
    let desired = desired_object(table, &[("activationKey", "A")]).into();
    Planned {
        fingerprint: Some(fingerprint.into()),
        ..Planned::bare(&desired, Disposition::None, None)
    }
}

fn document(planned: &[Planned], source: SourceFacts, second: i64) -> PlanDocument {
    let now = Timestamp::from_second(second).unwrap();
    let findings = Diagnostics::default();
    PlanDocument::new(planned, source, &BTreeMap::new(), &findings, now)
}

#[test]
fn a_digest_is_of_what_a_plan_says_and_not_of_when() {
    let digest = |planned: &[Planned], second| {
        let document = document(planned, SourceFacts::default(), second);
        document.digest
    };
    let one = digest(&[planned("a")], 0);
    assert!(one.starts_with("sha256:"), "{one}");
    assert_eq!(digest(&[planned("a")], 60), one);
    assert_ne!(digest(&[planned("b")], 0), one);
    let inverse = document(&[planned("a")], SourceFacts::default(), 0)
        .inverse_of("run", &Diagnostics::default());
    assert_ne!(inverse.digest, one);
}

#[test]
fn findings_of_the_manifests_stand_before_those_of_planning() {
    let mut findings = Diagnostics::default();
    findings.push(Diagnostic::warning("first", "a manifest's"));
    let mut planned = planned("a");
    planned.findings = vec![Diagnostic::warning("second", "a live object's")];
    let document = PlanDocument::new(
        &[planned],
        SourceFacts::default(),
        &BTreeMap::new(),
        &findings,
        Timestamp::UNIX_EPOCH,
    );
    let codes: Vec<&str> = document.diagnostics.iter().map(|one| &*one.code).collect();
    assert_eq!(codes, ["first", "second"]);
}
