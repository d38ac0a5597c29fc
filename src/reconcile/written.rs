//! Reads manifests as they were written, to show how objects come about: for `render`.
//!
//! In: the texts of all files, which passed every check. Out: their documents in order, and the objects that each of them
//! gives, made whole, with the trace of their values. Planning does not need this and keeps none of it.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::composed::{ComposedRun, read_rows};
use super::connections::CheckOptions;
use crate::manifest::compose::{FilledSet, Trace, fields_name_values, names_values, real_origin};
use crate::manifest::edit::json_of;
use crate::manifest::own_kind::OwnKind;
use crate::manifest::rows::RowFiles;
use crate::manifest::yaml;
use crate::manifest::{API_VERSION, Declarations, Loaded, Piece, PieceReader};
use crate::model::draft::{Draft, KindRow};
use crate::model::environment::EnvironmentSpec;
use crate::model::node::Entry;
use crate::model::object_set::ObjectSet;
use crate::model::{Diagnostics, Node, Origin, Tree};
use crate::provider;

/// The manifests of a run, document by document.
pub struct WrittenManifests {
    pub run: ComposedRun,
    pub documents: Vec<WrittenDocument>,
    row_files: RowFiles,
    kinds: Vec<KindRow>,
}

/// One document of a file.
pub struct WrittenDocument {
    pub piece: Piece,
    drafts: Vec<Draft>,
    pub declarations: Declarations,
}

/// An object as it is after all of its layers.
pub struct ResolvedObject {
    /// Its marks are those of the trace.
    pub draft: Draft,
    pub trace: Trace,
    /// Where the object stands.
    pub origin: Origin,
    /// The name of its edition, and of the set of which it is a row.
    pub edition: Option<String>,
    pub set: Option<String>,
    /// What a draft does not keep as it was written.
    pub kept: KeptMembers,
}

/// Members of a document that say nothing of the fields, as they were written, with marks of the object's trace.
#[derive(Default)]
pub struct KeptMembers {
    pub labels: Option<Node>,
    annotations: Option<Node>,
    pub policy: Option<Node>,
    /// The connection that is meant in the environment, as a text.
    pub connection: Option<Node>,
}

impl KeptMembers {
    /// Takes them from a document, or from the template of a set with the values of a row.
    pub fn of(document: &Node) -> Self {
        let member = |part: &str, name: &str| document.get(part)?.get(name).cloned();
        Self {
            labels: member("metadata", "labels"),
            annotations: member("metadata", "annotations"),
            policy: member("spec", "policy"),
            connection: member("spec", "connection"),
        }
    }

    /// Replaces a name of a connection by that of the connection that it stands for.
    fn map_connection(&mut self, environment: Option<&EnvironmentSpec>, trace: &mut Trace) {
        let Some(node) = &mut self.connection else {
            return;
        };
        let found = environment.zip(node.text());
        let mapped = found.and_then(|(environment, name)| {
            let mut all = environment.connections.iter();
            Some((environment, all.find(|mapped| mapped.name == name)?))
        });
        if let Some((environment, mapped)) = mapped {
            let value = trace.mark(&environment.origin.source, mapped.mark);
            let source = Arc::clone(trace.source());
            node.mark = trace.mark_of_name(&source, node.mark, value);
            node.tree = Tree::Text(mapped.stands_for.clone());
        }
    }
}

impl ResolvedObject {
    /// Makes a draft whole. `trace` is that of its marks if it was made of a row, and in it are those of `kept`.
    pub fn compose(
        run: &ComposedRun,
        draft: &Draft,
        trace: Trace,
        set: Option<&str>,
        mut kept: KeptMembers,
    ) -> Option<Self> {
        let mut found = Diagnostics::default();
        let mut composed = run.layers().compose(draft, trace, &run.time, &mut found)?;
        kept.map_connection(run.environment.as_deref(), &mut composed.trace);
        let origin = real_origin(&composed.draft, &composed.trace);
        Some(Self {
            origin,
            edition: draft.edition.as_ref().map(|edition| edition.name.clone()),
            set: set.map(str::to_string),
            draft: composed.draft,
            trace: composed.trace,
            kept,
        })
    }
}

impl WrittenManifests {
    /// Takes files apart that passed every check.
    pub fn of(loaded: &Loaded, options: &CheckOptions) -> Self {
        let kinds = provider::kind_rows();
        let pieces = loaded.sources.iter();
        let pieces = pieces.flat_map(|source| Piece::cut_by(Arc::clone(source), 1));
        let documents: Vec<WrittenDocument> = pieces
            .filter_map(|piece| WrittenDocument::of(piece, &kinds))
            .collect();
        let mut all = Declarations::default();
        for document in &documents {
            all.append(document.declarations.clone());
        }
        Self {
            run: ComposedRun::open(&mut all, options, &mut Diagnostics::default()),
            documents,
            row_files: loaded.row_files.clone(),
            kinds,
        }
    }

    /// Reports whether a document says by itself, and in full, what its objects are.
    pub fn is_plain(&self, document: &WrittenDocument) -> bool {
        let Declarations {
            editions,
            environments,
            sets,
            ..
        } = &document.declarations;
        let is_open = |draft: &Draft| {
            let connection = draft.connection.as_ref();
            let is_mapped = connection.is_some_and(|(name, _)| self.meant(name) != name);
            is_mapped || draft.is_composed(names_values, fields_name_values)
        };
        editions.is_empty()
            && environments.is_empty()
            && sets.is_empty()
            && !document.drafts.iter().any(is_open)
    }

    fn meant<'n>(&'n self, name: &'n str) -> &'n str {
        let environment = self.run.environment.as_ref();
        environment.map_or(name, |environment| environment.meant(name))
    }

    /// Returns the objects of a document, those of its sets included.
    pub fn objects_of(&self, document: &WrittenDocument) -> Vec<ResolvedObject> {
        let of_vendor = document.drafts.iter().filter_map(|draft| {
            let mut trace = Trace::default();
            let kept = document.kept_of(draft, &mut trace);
            ResolvedObject::compose(&self.run, draft, trace, None, kept)
        });
        let mut objects: Vec<ResolvedObject> = of_vendor.collect();
        for set in &document.declarations.sets {
            objects.extend(self.rows_of(set));
        }
        objects
    }

    fn rows_of(&self, set: &ObjectSet) -> Vec<ResolvedObject> {
        let (mut found, mut files) = (Diagnostics::default(), Vec::new());
        let Some(rows) = read_rows(set, &self.row_files, &mut files, &mut found) else {
            return Vec::new();
        };
        let filled = FilledSet {
            set,
            rows: &rows,
            editions: &self.run.editions,
        };
        let objects = rows.iter().filter_map(|row| {
            let (mut trace, mut found) = (Trace::default(), Diagnostics::default());
            let draft = filled.draft_of(row, &self.kinds, &mut trace, &mut found)?;
            let document = filled.document_of(row, &mut trace, &mut found)?;
            let kept = KeptMembers::of(&document);
            ResolvedObject::compose(&self.run, &draft, trace, Some(&set.name), kept)
        });
        objects.collect()
    }

    /// Returns the document of an object with everything that it is made of written out.
    pub fn render(&self, object: &ResolvedObject) -> Json {
        let draft = &object.draft;
        let mut metadata = Map::new();
        metadata.insert("name".into(), Json::from(draft.address.name.as_str()));
        if !draft.labels.is_empty() {
            metadata.insert("labels".into(), json!(draft.labels));
        }
        if let Some(annotations) = &object.kept.annotations {
            metadata.insert("annotations".into(), json_of(annotations));
        }
        let mut spec = Map::new();
        if let Some((name, _)) = &draft.connection {
            spec.insert("connection".into(), Json::from(self.meant(name)));
        }
        spec.extend(identity_of(draft));
        if draft.absent.is_some() {
            spec.insert("state".into(), Json::from("absent"));
        }
        if let Some(policy) = &object.kept.policy {
            spec.insert("policy".into(), json_of(policy));
        }
        spec.insert("desired".into(), json_of(&draft.desired));
        json!({
            "apiVersion": API_VERSION,
            "kind": draft.address.kind.0,
            "metadata": metadata,
            "spec": spec,
        })
    }
}

impl WrittenDocument {
    /// Lowers a piece that has one document; `None` if it is not valid by itself.
    pub fn of(piece: Piece, kinds: &[KindRow]) -> Option<Self> {
        let mut reader = PieceReader::open(&piece, kinds)?;
        let mut drafts = Vec::new();
        while let Some(draft) = reader.next_draft() {
            drafts.push(draft);
        }
        let declarations = reader.finish();
        Some(Self {
            piece,
            drafts,
            declarations,
        })
    }

    /// Lists the objects that it has itself, as they were written.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// Returns the documents beside its objects that stay, where several stand in one piece.
    pub fn others(&self) -> Vec<Json> {
        let documents = yaml::parse_piece(&self.piece, &mut Diagnostics::default());
        let documents = documents.unwrap_or_default().into_iter();
        let stays = documents.filter(|document| {
            let kind = document
                .get("kind")
                .and_then(Node::text)
                .and_then(OwnKind::of);
            let is_of_vendor = self
                .drafts
                .iter()
                .any(|draft| draft.origin.mark == document.mark);
            let is_resolved = matches!(
                kind,
                Some(OwnKind::Edition | OwnKind::Environment | OwnKind::ObjectSet)
            );
            !is_of_vendor && !is_resolved && document.tree != Tree::Null
        });
        stays.map(|document| json_of(&document)).collect()
    }

    pub fn kept_of(&self, draft: &Draft, trace: &mut Trace) -> KeptMembers {
        let source = &self.piece.source;
        let document = crate::manifest::document_at(source, draft.origin.mark);
        let document = document.map(|document| trace.copy(source, &document));
        document.as_ref().map(KeptMembers::of).unwrap_or_default()
    }
}

/// Returns the members of a spec that name the object at its vendor.
fn identity_of(draft: &Draft) -> Vec<(String, Json)> {
    let member = |entry: &Entry| (entry.key.clone(), json_of(&entry.value));
    let Some(key) = draft.row.key.filter(|_| draft.is_keyed) else {
        return draft.identity.iter().map(member).collect();
    };
    let is_of_key = |entry: &&Entry| key.fields.iter().any(|field| field.name == entry.key);
    let (of_key, ids): (Vec<&Entry>, Vec<&Entry>) = draft.identity.iter().partition(is_of_key);
    let of_key: Map<String, Json> = of_key.into_iter().map(member).collect();
    let ids = ids.into_iter().map(member);
    ids.chain([(key.member.to_string(), Json::Object(of_key))])
        .collect()
}
