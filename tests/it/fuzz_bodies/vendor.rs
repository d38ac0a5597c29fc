//! Hostile vendors: replies in, a plan out, and the same bytes as the reply to a write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use entitle::manifest;
use entitle::model::diagnostic::Source;
use entitle::model::{
    Call, Desired, Diagnostics, Live, Observed, PackedFields, Reply, Shape, Value,
};
use entitle::plan::document::PlanDocument;
use entitle::plan::source_facts::SourceFacts;
use entitle::plan::{self, saved};
use entitle::provider::reading::Answer;
use entitle::provider::{self, ResourceKind};
use entitle::reconcile::{self, CheckOptions};
use jiff::Timestamp;

use super::{show, take_back};

/// Calls that a reading may make for each object, and for lists whose length is not the manifest's.
const CALLS_PER_OBJECT: usize = 40;
const CALLS_FOR_LISTS: usize = 2_200;

/// Replies of a vendor. The first byte is the kind and whether one object is read or three, the second
/// the status; the rest is what every call is answered with, in turns where a NUL separates several.
/// `@@` in a body is the number of the call, so that no two replies need be alike.
pub fn decode(data: &[u8]) {
    let [choice, status, rest @ ..] = data else {
        return;
    };
    let number = usize::from(*choice);
    let Some(kind) = provider::all_kinds().cycle().nth(number) else {
        return;
    };
    let count = if *choice < 128 { 1 } else { 3 };
    let bodies: Vec<String> = rest
        .split(|byte| *byte == 0)
        .map(|body| String::from_utf8_lossy(body).into_owned())
        .collect();
    const STATUSES: [u16; 8] = [200, 200, 200, 201, 400, 403, 404, 500];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let answer = |call: usize| Reply {
        remark: None,
        status,
        body: bodies[(call - 1) % bodies.len()].replace("@@", &call.to_string()),
        content_type: "application/json".into(),
    };
    against(kind, &wanted(kind)[..count], |call, _| {
        Answer::Reply(answer(call))
    });
    for call in 1..=bodies.len().min(4) {
        judge(kind, &wanted(kind)[0], &answer(call));
    }
}

/// Reads objects from a vendor that answers the numbered calls as it likes, and plans them. Gives back
/// the calls that were made and the plan.
pub fn against(
    kind: &'static dyn ResourceKind,
    objects: &[Arc<Desired>],
    mut vendor: impl FnMut(usize, &Call) -> Answer,
) -> (usize, PlanDocument) {
    let wanted: Vec<&Desired> = objects.iter().map(|object| &**object).collect();
    let mut reading = kind.reading(&wanted);
    let mut calls = 0;
    loop {
        let ready = reading.ready();
        if ready.is_empty() {
            break;
        }
        for (ticket, call) in ready {
            calls += 1;
            let most = CALLS_PER_OBJECT * objects.len() + CALLS_FOR_LISTS;
            assert!(calls <= most, "no end of calls: {}", call.name());
            let answer = vendor(calls, &call);
            reading.take(ticket, answer);
        }
    }
    let found = reading.finish().into_iter();
    let observed: Vec<Observed> = found.map(|(_, found)| found).collect();
    assert_eq!(observed.len(), objects.len(), "one entry per object");
    (calls, planned(kind, objects, &observed))
}

fn planned(
    kind: &'static dyn ResourceKind,
    objects: &[Arc<Desired>],
    observed: &[Observed],
) -> PlanDocument {
    let planned: Vec<_> = objects
        .iter()
        .zip(observed)
        .map(|(object, seen)| plan::plan_object(kind, object, seen, now()))
        .collect();
    for planned in &planned {
        let broken = planned.message.as_deref().unwrap_or_default();
        assert!(!broken.contains("internal check failed"), "{broken}");
    }
    let document = PlanDocument::new(
        &planned,
        SourceFacts::default(),
        &BTreeMap::new(),
        &Diagnostics::default(),
        now(),
    );
    show(&document);
    let sealed = super::sealed_text(&document);
    assert!(saved::read_sealed(&sealed).is_ok(), "what is sealed opens");
    for (object, seen) in document.objects.iter().zip(observed) {
        if let Observed::Live(live) = seen {
            take_back(kind.table().desired, &object.changes, live);
        }
    }
    document
}

/// The same bytes as the reply to a write.
pub fn judge(kind: &'static dyn ResourceKind, object: &Arc<Desired>, reply: &Reply) {
    let _ = kind.judge(reply);
    if let Ok(live) = kind.echo(object, &Live::default(), reply) {
        planned(kind, std::slice::from_ref(object), &[Observed::Live(live)]);
    }
    if let Ok(json) = serde_json::from_str(&reply.body) {
        let provider = provider::provider_of(kind.vendor()).expect("a provider for every kind");
        let _ = (provider.auth().session)(&json);
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_262_400).expect("a valid time")
}

/// Three objects of a kind that want much: what `examples` wants of one, under three ids.
pub fn wanted(kind: &'static dyn ResourceKind) -> &'static [Arc<Desired>] {
    static WANTED: OnceLock<BTreeMap<&'static str, Vec<Arc<Desired>>>> = OnceLock::new();
    let all = WANTED.get_or_init(|| {
        let each = provider::all_kinds();
        each.map(|kind| (kind.table().kind.0, three(kind)))
            .collect()
    });
    &all[kind.table().kind.0]
}

fn three(kind: &'static dyn ResourceKind) -> Vec<Arc<Desired>> {
    let text = example(kind);
    let mut input = text.as_bytes();
    let mut loaded = manifest::load(
        &[PathBuf::from("-")],
        &mut input,
        &manifest::ReadLimits::default(),
    );
    let example = loaded.sources.remove(0);
    let text = example.text.replace("  connection: ", "  # connection: ");
    loaded
        .sources
        .push(Arc::new(Source::new("full.yaml".into(), text)));
    let checked = reconcile::check_manifests(loaded, &CheckOptions::default());
    let first = checked.desired.first().expect("an example has an object");
    (0..3)
        .map(|number| Arc::new(numbered(kind, first, number)))
        .collect()
}

/// The full example of a kind, from one of the folders of its vendor's kinds.
fn example(kind: &dyn ResourceKind) -> String {
    let vendor = Path::new("examples").join(kind.vendor().0);
    // The fuzz targets are a package below that of the tests.
    let mut packages = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folders = packages.find_map(|package| std::fs::read_dir(package.join(&vendor)).ok());
    let folders = folders.expect("every vendor has examples").flatten();
    let mut texts =
        folders.filter_map(|folder| std::fs::read_to_string(folder.path().join("full.yaml")).ok());
    let named = format!("\nkind: {}\n", kind.table().kind);
    let text = texts.find(|text| text.contains(&named));
    text.expect("every kind has an example")
}

/// The same object under another id; the second has another customer, the third names its groups.
fn numbered(kind: &'static dyn ResourceKind, first: &Desired, number: i64) -> Desired {
    let mut object = first.clone();
    if number == 0 {
        return object;
    }
    let shape = kind.table().identity.last().map(|last| &last.shape);
    if let Some((_, id)) = object.identity.last_mut() {
        *id = match (shape, id.parse::<u64>()) {
            (Some(Shape::Integer { .. }), Ok(id)) => format!("{}", id + number as u64).into(),
            // A text, also where one stands in place of a number, as in a natural key.
            _ => format!("{}{number}", &id[..id.len() - 1]).into(),
        };
    }
    let mut fields = object.fields.unpack();
    if let Some(customer) = fields.get_mut("customer_id") {
        *customer = Value::Integer(number);
    }
    let table = kind.table().desired;
    let has_names = table.iter().any(|field| field.name == "userGroups");
    if number == 2 && has_names && fields.remove("userGroupIds").is_some() {
        let names = ["Support", "Field sales"].map(String::from);
        fields.insert("userGroups", Value::set(names));
    }
    object.fields = PackedFields::new(table, &fields);
    object.address.name = format!("{}-{number}", object.address.name);
    object
}
