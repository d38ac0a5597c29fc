//! Alinea: several spellings of nothing.

use serde_json::{Value as Json, json};

use crate::conformance::vendors::alinea::VENDOR;
use crate::support::bench::{Bench, in_sync};
use crate::support::paths;

#[tokio::test]
async fn nothing_is_one_thing_whether_null_empty_or_zero() {
    let vendor = &VENDOR;
    let bench = Bench::new().await;
    let mut account = (vendor.account)(3);
    let bare = &mut account["licenses"][0];
    for name in [
        "ContactPersonName",
        "Grade",
        "Buffer",
        "LicenseCategoryId",
        "StartDate",
    ] {
        bare[name] = Json::Null;
    }
    bare["ContactPhone"] = json!("");
    vendor.load(&bench, account);
    for (name, nothing) in [
        ("ContactPersonName", json!("")),
        ("ContactPersonName", Json::Null),
        ("ContactPhone", json!("")),
        ("ContactPhone", Json::Null),
        ("Grade", json!("")),
        ("Buffer", json!(0)),
        ("Buffer", Json::Null),
        ("LicenseCategoryId", Json::Null),
        (
            "LicenseCategoryId",
            json!("00000000-0000-0000-0000-000000000000"),
        ),
        ("StartDate", Json::Null),
    ] {
        let mut desired = json!({});
        paths::set(vendor.table(), &mut desired, name, &nothing);
        in_sync(&bench.plan(&[vendor.object(0, desired)]).await[0]);
    }
    // And a write of something else moves none of them, but for the buffer: reads show 0 for null.
    let before = vendor.state(&bench);
    bench.round(&[vendor.little(0, true)]).await;
    let moved = ["AvailableSeats", "Buffer"];
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &moved);
}
