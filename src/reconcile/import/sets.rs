//! Finds the editions in live objects: groups them so that each group is one edition and one set of rows.
//!
//! In: objects as their manifests state them. Out: for each group an `Edition` with what its objects share, an `ObjectSet`
//! with a template, and its table. Nothing here reads or writes files, and nothing is guessed: what a set gives is its
//! objects, value by value.
//!
//! ```text
//! rivers   enabled: true   activations_allowed: 25   Features: [{name: Viewer, count: 5}]
//! brooks   enabled: true   activations_allowed: 7    Features: [{name: Viewer, count: 3}]
//! lakes    enabled: true   activations_allowed: 7    Features: [{name: Reports, count: 3}]
//!
//! outline of rivers and brooks   enabled: ·   activations_allowed: ·   Features: [{name: Viewer, count: ·}]
//! edition   enabled: true   Features: [{name: Viewer}]
//! table     name,activationKey,activations_allowed,Features.Viewer.count
//! lakes     has another outline, which no other object has, and stays by itself
//! ```
//!
//! The *outline* of an object is its fields with a hole for each scalar that fits a cell. Objects can share a set exactly if
//! they have one outline: what is no hole has no column and so must be equal, and whatever differs in a hole has one. That
//! is an equivalence, so one set for each outline is also the smallest number of sets.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use crate::manifest::API_VERSION;
use crate::manifest::rows::csv_writer::{fits_cell, write_table};
use crate::model::field::{Elements, find_field};
use crate::model::{Field, Kind, KindTable, Shape};

/// An object as its manifest states it.
pub struct StatedObject {
    pub table: &'static KindTable,
    pub name: String,
    pub connection: String,
    pub ids: Vec<(&'static str, Json)>,
    pub desired: Map<String, Json>,
}

/// Objects that one template gives.
pub struct FoundSet {
    /// The name of the edition, the set and their files.
    pub name: String,
    pub kind: Kind,
    /// `None` if the objects share no field.
    pub edition: Option<Json>,
    pub set: Json,
    /// The text of the CSV file.
    pub rows: String,
    /// Indices of its objects.
    pub members: Vec<usize>,
}

impl FoundSet {
    /// Returns the name of the file with the rows, which the set names.
    pub fn row_file(&self) -> String {
        row_file(&self.name)
    }
}

fn row_file(name: &str) -> String {
    format!("{name}.csv")
}

/// The fewest objects that make a set.
const FEWEST: usize = 2;

/// Groups objects into sets; those that are in none share their outline with no other. Names are numbered per kind, from
/// the largest set on, without those in `taken`. The order of the objects does not matter.
pub fn find_sets(objects: &[&StatedObject], taken: &BTreeSet<String>) -> Vec<FoundSet> {
    let mut by_outline: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, object) in objects.iter().enumerate() {
        if object.ids.iter().all(|(_, id)| id_cell(id).is_some()) {
            let key = (object.table.kind, &object.connection, outline_of(object));
            by_outline.entry(key).or_default().push(index);
        }
    }
    by_outline.retain(|_, members| members.len() >= FEWEST);
    let mut groups: Vec<_> = by_outline.into_iter().collect();
    groups.sort_by_key(|((kind, ..), members)| (*kind, Reverse(members.len())));
    let mut numbers: BTreeMap<Kind, usize> = BTreeMap::new();
    let sets = groups.into_iter().map(|((kind, ..), mut members)| {
        let number = numbers.entry(kind).or_default();
        let name = loop {
            *number += 1;
            let name = format!("{}-{number}", kebab_case(kind.0));
            if !taken.contains(&name) {
                break name;
            }
        };
        members.sort_by_key(|index| &objects[*index].name);
        let rows: Vec<&StatedObject> = members.iter().map(|index| objects[*index]).collect();
        make_set(name, &rows, members)
    });
    sets.collect()
}

/// Spells a kind with hyphens: `LacLicenseOrder` becomes `lac-license-order`.
fn kebab_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Returns an object's fields with a hole for each scalar that fits a cell. No scalar field has a map for its value, so an
/// empty one marks a hole.
fn outline_of(object: &StatedObject) -> String {
    let outline = rebuild(object, Elementless::Kept, &mut |leaf| match leaf.cell {
        Some(_) => Some(json!({})),
        None => Some(leaf.value.clone()),
    });
    Json::Object(outline).to_string()
}

/// Makes the set of objects that have one outline, in the order of its rows.
fn make_set(name: String, objects: &[&StatedObject], members: Vec<usize>) -> FoundSet {
    let first = objects[0];
    let (kind, paths) = (first.table.kind, cells_of(first));
    let cells: Vec<Vec<String>> = objects
        .iter()
        .map(|object| cells_of(object).into_iter().map(|(_, cell)| cell).collect())
        .collect();
    let mut header = Header::default();
    let name_column = header.add(NAME);
    let ids: Vec<_> = first
        .ids
        .iter()
        .map(|(id, _)| (*id, header.add(id)))
        .collect();
    // One entry for each hole: the column of one that varies.
    let holes = paths.iter().enumerate().map(|(hole, (path, shared))| {
        let varies = cells.iter().any(|row| row[hole] != *shared);
        varies.then(|| header.add(path))
    });
    let holes: Vec<Option<String>> = holes.collect();
    let mut hole = holes.iter();
    let shared = rebuild(first, Elementless::Kept, &mut |leaf| match leaf.cell {
        Some(_) if matches!(hole.next(), Some(Some(_))) => None,
        _ => Some(leaf.value.clone()),
    });
    let mut hole = holes.iter();
    let varying = rebuild(first, Elementless::LeftOut, &mut |leaf| {
        leaf.cell.as_ref()?;
        hole.next()?
            .as_ref()
            .map(|column| json!({ COLUMN: column }))
    });
    let table = objects.iter().zip(&cells).map(|(object, cells)| {
        let ids = object.ids.iter().filter_map(|(_, id)| id_cell(id));
        let varying = cells.iter().zip(&holes);
        let varying = varying.filter_map(|(cell, column)| column.as_ref().map(|_| cell.clone()));
        let row: Vec<String> = [object.name.clone()]
            .into_iter()
            .chain(ids)
            .chain(varying)
            .collect();
        row
    });
    let table: Vec<Vec<String>> = [header.columns.clone()].into_iter().chain(table).collect();
    let rows = write_table(
        table
            .iter()
            .map(|row| row.iter().map(String::as_str).collect()),
    );
    let edition = (!shared.is_empty()).then(|| edition_document(&name, kind, shared));
    let mut spec = Map::from_iter([("connection".to_string(), json!(first.connection))]);
    spec.extend(
        ids.into_iter()
            .map(|(id, column)| (id.to_string(), json!({ COLUMN: column }))),
    );
    if edition.is_some() {
        spec.insert("edition".into(), json!({"name": name}));
    }
    spec.insert("desired".into(), Json::Object(varying));
    let template = json!({"metadata": {"name": {COLUMN: name_column}}, "spec": spec});
    FoundSet {
        set: set_document(&name, kind, &header, template),
        name,
        kind,
        edition,
        rows,
        members,
    }
}

/// The member by which a template names a column.
const COLUMN: &str = "column";

/// The column with the names of the objects.
const NAME: &str = "name";

fn edition_document(name: &str, kind: Kind, shared: Map<String, Json>) -> Json {
    json!({
        "apiVersion": API_VERSION,
        "kind": "Edition",
        "metadata": {"name": name},
        "spec": {"for": kind.0, "desired": shared},
    })
}

fn set_document(name: &str, kind: Kind, header: &Header, template: Json) -> Json {
    let mut rows = json!({"file": row_file(name)});
    // The reader finds the delimiter out from the first line, where the name of a column may have another one.
    if header
        .columns
        .iter()
        .any(|column| column.contains([';', '\t']))
    {
        rows["delimiter"] = json!(",");
    }
    json!({
        "apiVersion": API_VERSION,
        "kind": "ObjectSet",
        "metadata": {"name": name},
        "spec": {"for": kind.0, "forEach": {"rows": rows}, "template": template},
    })
}

/// The names of the columns.
#[derive(Default)]
struct Header {
    columns: Vec<String>,
}

impl Header {
    /// Adds a column and returns its name: a field that is called as another column is one of `desired`.
    fn add(&mut self, path: &str) -> String {
        let mut name = path.to_string();
        while self.columns.contains(&name) {
            name = format!("desired.{name}");
        }
        self.columns.push(name.clone());
        name
    }
}

/// Lists the holes of an object in the order of its fields: the path and the cell of each.
fn cells_of(object: &StatedObject) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    rebuild(object, Elementless::Kept, &mut |leaf| {
        cells.push((leaf.path, leaf.cell?));
        None
    });
    cells
}

/// Returns an id as it stands in a cell; `None` if it cannot.
fn id_cell(id: &Json) -> Option<String> {
    match id {
        Json::String(text) if fits_cell(text) => Some(text.clone()),
        Json::Number(number) => number.as_i64().map(|number| number.to_string()),
        _ => None,
    }
}

/// Returns a value as it stands in a cell, to which the field gives its type again; `None` if it cannot.
fn cell_of(shape: &Shape, value: &Json) -> Option<String> {
    match (shape, value) {
        (Shape::Set(_) | Shape::Keyed(_) | Shape::Object, _) => None,
        (Shape::Boolean, Json::Bool(value)) => Some(value.to_string()),
        (Shape::Integer { .. }, Json::Number(number)) => Some(number.as_i64()?.to_string()),
        (Shape::Boolean | Shape::Integer { .. }, _) => None,
        (_, Json::String(text)) => fits_cell(text).then(|| text.clone()),
        _ => None,
    }
}

/// A value that is no list of elements and no object of fields.
struct Leaf<'a> {
    /// For example `Features.Viewer 2.0.count`.
    path: String,
    value: &'a Json,
    /// The value in a cell; `None` if it does not fit one.
    cell: Option<String>,
}

/// What becomes of an element of which no member is left, but the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elementless {
    Kept,
    LeftOut,
}

type Visit<'v> = dyn FnMut(Leaf<'_>) -> Option<Json> + 'v;

/// Copies the fields of an object with what `visit` makes of each leaf, in their order; leaves without a value are left
/// out. Keys of elements stay.
fn rebuild(
    object: &StatedObject,
    elementless: Elementless,
    visit: &mut Visit<'_>,
) -> Map<String, Json> {
    let mut walk = Walk { elementless, visit };
    let members = object.desired.iter().filter_map(|(name, value)| {
        let copy = walk.member(object.table.desired, name, value)?;
        Some((name.clone(), copy))
    });
    members.collect()
}

struct Walk<'w, 'v> {
    elementless: Elementless,
    visit: &'w mut Visit<'v>,
}

impl Walk<'_, '_> {
    /// Copies a member of an object: a field, a list of elements, or an object whose members are fields.
    fn member(&mut self, fields: &'static [Field], name: &str, value: &Json) -> Option<Json> {
        let field = find_field(fields, name);
        match (field.map(|field| &field.shape), value) {
            (Some(Shape::Keyed(elements)), Json::Array(items))
                if items.iter().all(Json::is_object) =>
            {
                self.elements(name, elements, items)
            }
            (None, Json::Object(members)) => {
                let members = members.iter().filter_map(|(member, value)| {
                    let path = format!("{name}.{member}");
                    let shape = find_field(fields, &path).map(|field| &field.shape);
                    Some((member.clone(), self.leaf(path, shape, value)?))
                });
                let members: Map<String, Json> = members.collect();
                (!members.is_empty()).then_some(Json::Object(members))
            }
            (shape, value) => self.leaf(name.to_string(), shape, value),
        }
    }

    fn elements(
        &mut self,
        list: &str,
        elements: &'static Elements,
        items: &[Json],
    ) -> Option<Json> {
        let keeps_all = self.elementless == Elementless::Kept;
        let items = items.iter().filter_map(|item| {
            let members = item.as_object()?;
            let keys = elements
                .key
                .iter()
                .filter_map(|key| members.get(*key)?.as_str());
            let keys: Vec<&str> = keys.collect();
            let copies = members.iter().filter_map(|(name, value)| {
                let copy = match elements.key.contains(&name.as_str()) {
                    true => value.clone(),
                    false => {
                        let path = format!("{list}.{}.{name}", keys.join(" "));
                        let shape = find_field(elements.fields, name).map(|field| &field.shape);
                        self.leaf(path, shape, value)?
                    }
                };
                Some((name.clone(), copy))
            });
            let copies: Map<String, Json> = copies.collect();
            (keeps_all || copies.len() > elements.key.len()).then_some(Json::Object(copies))
        });
        let items: Vec<Json> = items.collect();
        (keeps_all || !items.is_empty()).then_some(Json::Array(items))
    }

    fn leaf(&mut self, path: String, shape: Option<&Shape>, value: &Json) -> Option<Json> {
        // The path may become the name of a column, which is read as any other cell.
        let cell = shape.filter(|_| fits_cell(&path));
        let cell = cell.and_then(|shape| cell_of(shape, value));
        (self.visit)(Leaf { path, value, cell })
    }
}

#[cfg(test)]
mod tests;
