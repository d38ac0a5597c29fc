//! Follows the values of an object down to where they were written, for `why`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::leaves::leaves;
use super::written::{ResolvedObject, WrittenManifests};
use crate::manifest::edit::json_of;
use crate::manifest::reread;
use crate::model::diagnostic::Source;
use crate::model::{Node, Origin};
use crate::plan::descent::{DescentDocument, FORMAT_VERSION, ValueDescent, ValuePlace};

/// Returns the descent of an object's values; of those at `field` and below it, if one is named.
pub fn descend(
    manifests: &WrittenManifests,
    object: &ResolvedObject,
    field: Option<&str>,
) -> DescentDocument {
    let mut texts = TextReader {
        documents: list_documents(manifests),
        sources: BTreeMap::new(),
    };
    let is_asked = |path: &str| field.is_none_or(|field| is_at_or_below(path, field));
    let values = leaves(object).into_iter();
    let values = values.filter(|(path, _)| is_asked(path));
    let values = values.map(|(path, node)| texts.descent_of(object, path, node));
    let values = values.collect();
    let environment = manifests.run.environment.as_ref();
    DescentDocument {
        format_version: FORMAT_VERSION.into(),
        address: object.draft.address.to_string(),
        edition: object.edition.clone(),
        set: object.set.clone(),
        environment: environment.map(|environment| environment.name.clone()),
        values,
    }
}

/// Reports whether a path is `field`, or that of a member or element of it.
fn is_at_or_below(path: &str, field: &str) -> bool {
    let rest = path.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The names of documents by the places at which they begin.
type Documents = BTreeMap<(String, u32), String>;

fn list_documents(manifests: &WrittenManifests) -> Documents {
    let mut documents = Documents::new();
    let mut note = |origin: &Origin, kind: &str, name: &str| {
        let beginning = (origin.source.name.clone(), origin.mark.start);
        documents.insert(beginning, format!("{kind}/{name}"));
    };
    for document in &manifests.documents {
        let all = &document.declarations;
        for edition in &all.editions {
            note(&edition.origin, "Edition", &edition.name);
        }
        for environment in &all.environments {
            note(&environment.origin, "Environment", &environment.name);
        }
        for set in &all.sets {
            note(&set.origin, "ObjectSet", &set.name);
        }
        for draft in document.drafts() {
            note(&draft.origin, draft.address.kind.0, &draft.address.name);
        }
    }
    documents
}

/// Looks up lines and the documents that they belong to. Each file is read once.
struct TextReader {
    documents: Documents,
    sources: BTreeMap<String, Option<Arc<Source>>>,
}

impl TextReader {
    fn descent_of(&mut self, object: &ResolvedObject, field: String, node: &Node) -> ValueDescent {
        let places = object.trace.descent(node.mark);
        ValueDescent {
            field,
            value: json_of(node),
            places: places.map(|origin| self.place_of(origin)).collect(),
        }
    }

    fn place_of(&mut self, origin: &Origin) -> ValuePlace {
        let name = &origin.source.name;
        let source = self.sources.entry(name.clone());
        let source = source.or_insert_with(|| reread(&origin.source));
        let text = source
            .as_ref()
            .map(|source| source.line_at(origin.mark).trim());
        let begun = self
            .documents
            .range(..=(name.clone(), origin.mark.start))
            .next_back();
        let document = begun.filter(|((file, _), _)| file == name);
        ValuePlace {
            file: name.clone(),
            line: origin.mark.line,
            text: text.unwrap_or_default().to_string(),
            document: document
                .map(|(_, document)| document.clone())
                .unwrap_or_default(),
            commit: None,
        }
    }
}
