//! Loads objects again of which only outlines were kept, once their account is looked after here.
//!
//! In: outlines. Out: the objects as their files have them, which are read once more.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::connections::with_connection;
use super::contents::ObjectContent;
use super::load::Loading;
use super::outline::ObjectOutline;
use crate::manifest::{self, ReadLimits, map_parallel};
use crate::model::Desired;

/// Reads the files of some outlines once more and returns their objects. An object is left out if its file cannot be
/// read or has changed: the next load reads the changed file.
pub fn reload_objects(outlines: &[Arc<ObjectOutline>]) -> Vec<Arc<Desired>> {
    let mut files: BTreeMap<&str, Vec<&ObjectOutline>> = BTreeMap::new();
    let composed = outlines
        .iter()
        .filter_map(|outline| outline.composed.clone());
    for outline in outlines.iter().filter(|outline| outline.composed.is_none()) {
        let file = files.entry(outline.origin.source.name.as_str());
        file.or_default().push(outline);
    }
    let files: Vec<Vec<&ObjectOutline>> = files.into_values().collect();
    let limits = ReadLimits::default();
    let loading = Loading::new(&limits, None);
    let reloaded = map_parallel(&files, |outlines| reload_file(outlines, &loading));
    reloaded.into_iter().flatten().chain(composed).collect()
}

/// Returns the objects of the outlines of one file.
fn reload_file(outlines: &[&ObjectOutline], loading: &Loading<'_>) -> Vec<Arc<Desired>> {
    let Some(label) = outlines.first().map(|outline| &outline.origin.source) else {
        return Vec::new();
    };
    let Some(source) = manifest::reread(label) else {
        return Vec::new();
    };
    let by_start: HashMap<u32, &ObjectOutline> = outlines
        .iter()
        .filter(|outline| outline.origin.source.hash() == source.hash())
        .map(|outline| (outline.origin.mark.start, *outline))
        .collect();
    let objects = loading.lower_file(source, label).objects.into_iter();
    let reloaded = objects.filter_map(|object| {
        let outline = by_start.get(&object.origin.mark.start)?;
        let ObjectContent::Desired(mut desired) = object.content else {
            return None;
        };
        if !Arc::ptr_eq(&desired.origin.source, &outline.origin.source) {
            Arc::make_mut(&mut desired).origin = outline.origin.clone();
        }
        let desired = with_connection(desired, outline.connection.to_string());
        outline.is_of(&desired).then_some(desired)
    });
    reloaded.collect()
}
