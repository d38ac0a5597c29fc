//! Scheduled updates of licenses: changes that the vendor carries out at a full hour.
//!
//! * `POST /api/v1/scheduled-updates/` makes one of 1 to 100 items. A second one for the same license and hour is merged into
//!   the pending one without a word, so updates are read first.
//! * `PATCH …/{id}/` takes a new time and a list that replaces all items; only pending and failed ones can be changed, and a
//!   failed one needs a new time. `POST …/{id}/cancel/` keeps it in the history.
//! * `license-update` has members of the call for settings; the page's example has `validity_period` without `is_trial`, so
//!   a partner goes along only if the manifest has it. `license-product-feature-update` and `-delete` name the product
//!   feature by its number, the one that an export shows beside its code. That an update adds a feature to a license is
//!   not said.
//!
//! Updates of ours are known by their names. Not used: `bulk_cancel`, which without a filter cancels every update of the
//! company, `DELETE`, which takes an update out of the history, and `apply/`.
//!
//! Sources: the vendor's pages below "Scheduled Updates" of the Management API, among them "Create", "Update", "Cancel",
//! "Simulate" and "Export Scheduled Updates", and "Scheduled License Updates", checked 2026-12-01.

use serde_json::{Map, Value as Json, json};

use super::fields;
use crate::model::field::find_field;
use crate::model::schedule::{LiveSchedule, ScheduleWrite, ScheduledChange, ScheduledUpdate};
use crate::model::{Call, Desired, FieldPath, Method, PathPart};
use crate::provider::error_text::HIDDEN;
use crate::provider::schedule::{NotThereYet, Scheduler, Unschedulable};

/// The collection of updates.
pub const UPDATES: &str = "/api/v1/scheduled-updates/";
/// How names of our updates begin.
pub const OURS: &str = "entitle: ";
/// The longest name of an update.
const LONGEST_NAME: usize = 255;
/// The most items of an update.
const MOST_ITEMS: usize = 100;

pub const OF_LICENSE: &str = "license-update";
pub const OF_FEATURE: &str = "license-product-feature-update";
pub const WITHOUT_FEATURE: &str = "license-product-feature-delete";

/// Schedules changes of licenses.
pub struct LicenseScheduler;

/// What an item of an update is about.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    License,
    /// The feature at this path.
    Feature(FieldPath),
    /// The feature at this path goes.
    Without(FieldPath),
}

impl Scheduler for LicenseScheduler {
    fn refuse(&self, change: &ScheduledChange) -> Option<Unschedulable> {
        let why = match (change.path.parts(), &change.to) {
            ([PathPart::Field(fields::ENABLED)], _) => {
                "no scheduled update enables or disables a license"
            }
            ([PathPart::Field(fields::FEATURES), PathPart::Element(_)], Some(_)) => {
                "no page says that a scheduled update adds a feature to a license"
            }
            (
                [
                    PathPart::Field(fields::FEATURES),
                    PathPart::Element(_),
                    PathPart::Field(member),
                ],
                _,
            ) if !fields::ROW_MEMBERS.contains(member) => {
                "the vendor changes it with the whole list of features alone"
            }
            (_, Some(Json::Null)) => "no page says that a scheduled update clears a value",
            ([PathPart::Field(fields::FEATURES)], _) => {
                "a scheduled update changes single features, not the list"
            }
            _ => return None,
        };
        Some(Unschedulable(why))
    }

    fn exceeds_limit(&self, update: &ScheduledUpdate) -> Option<Unschedulable> {
        let targets = list_targets(update).len();
        (targets > MOST_ITEMS).then_some(Unschedulable(
            "an update changes at most 100 things: the license, and features",
        ))
    }

    fn encode(
        &self,
        desired: &Desired,
        schedule: &LiveSchedule,
        write: &ScheduleWrite,
    ) -> Result<Call, NotThereYet> {
        Ok(match write {
            ScheduleWrite::Create(update) => {
                let mut body = encode_update(desired, schedule, update)?;
                let license = desired.id("licenseId").parse::<u64>();
                body.insert("license".into(), json!(license.unwrap_or_default()));
                Call::write(Method::Post, UPDATES, Json::Object(body))
            }
            ScheduleWrite::Replace(id, update) => {
                let body = encode_update(desired, schedule, update)?;
                Call::write(Method::Patch, format!("{UPDATES}{id}/"), Json::Object(body))
            }
            ScheduleWrite::Cancel(id) => Call::bare(Method::Post, format!("{UPDATES}{id}/cancel/")),
        })
    }
}

/// Lists what the items of an update are about, each once.
fn list_targets(update: &ScheduledUpdate) -> Vec<Target> {
    let mut targets = Vec::new();
    for change in &update.changes {
        let target = target_of(change);
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

fn target_of(change: &ScheduledChange) -> Target {
    let [
        PathPart::Field(fields::FEATURES),
        PathPart::Element(code),
        ..,
    ] = change.path.parts()
    else {
        return Target::License;
    };
    let feature = FieldPath::default()
        .field(fields::FEATURES)
        .element(code.clone());
    match change.to {
        Some(_) => Target::Feature(feature),
        None => Target::Without(feature),
    }
}

/// Spells an update, but for the license.
fn encode_update(
    desired: &Desired,
    schedule: &LiveSchedule,
    update: &ScheduledUpdate,
) -> Result<Map<String, Json>, NotThereYet> {
    let items = list_targets(update).into_iter().map(|target| {
        let (verb, feature) = match &target {
            Target::License => (OF_LICENSE, None),
            Target::Feature(feature) => (OF_FEATURE, Some(feature)),
            Target::Without(feature) => (WITHOUT_FEATURE, Some(feature)),
        };
        let changes = update.changes.iter();
        let members = changes.filter(|change| target_of(change) == target);
        let members: Map<String, Json> = members
            .filter_map(|change| match (change.path.parts().last(), &change.to) {
                (Some(PathPart::Field(name)), Some(value)) => {
                    Some((name.to_string(), value.clone()))
                }
                _ => None,
            })
            .collect();
        let mut item = Map::new();
        item.insert("action".into(), json!(verb));
        if let Some(feature) = feature {
            let name = feature.to_string();
            let id = schedule.ids.get(&name).ok_or(NotThereYet(name))?;
            item.insert("product_feature".into(), json!(id));
        }
        item.insert("update_data".into(), Json::Object(members));
        Ok(Json::Object(item))
    });
    let items: Vec<Json> = items.collect::<Result<_, _>>()?;
    let name = format!("{OURS}{}", desired.address);
    let name: String = name.chars().take(LONGEST_NAME).collect();
    let mut body = Map::new();
    body.insert("scheduled_at".into(), json!(update.at.to_string()));
    body.insert("name".into(), json!(name));
    body.insert("scheduled_update_data".into(), Json::Array(items));
    Ok(body)
}

/// Returns a value of an update as plans have it: the yearly period is spelled in two ways. A member that is no field of the
/// table is not shown: whatever the vendor keeps there, no manifest asked for it.
pub fn canonical_value(table: &'static [crate::model::Field], name: &str, value: &Json) -> Json {
    match find_field(table, name).map(|field| field.name) {
        None => json!(HIDDEN),
        Some("consumption_period") if value == "annualy" => json!("annually"),
        Some(_) => value.clone(),
    }
}
